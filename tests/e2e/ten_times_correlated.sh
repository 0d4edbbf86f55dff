#!/usr/bin/env bash
# ten_times_correlated.sh - voicelab's twelve users, captured and correlated, played as a hundred and
# twenty against a voicelab that knows none of them: each signs up by itself and goes on with what it
# was given. By voicelab's own count.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3
start_voicelab
capture shop "$port"
expect_exit 0 "$root/tests/voicelab/drive.sh" "$url" "$voicelab"
stop_capture shop
ended voicelab TERM
expect_exit 0 "$reprise" correlate shop.trace
recorded=$(sql shop.trace 'SELECT count(*) FROM exchange WHERE NOT is_websocket')
recorded_refusals=$(sql shop.trace 'SELECT count(*) FROM exchange WHERE status >= 400')

refusals() {
    curl --silent "$url/metrics" |
        awk '/^voicelab_http_requests_total/ && /status="[45]/ { n += $2 } END { print n + 0 }'
}
# Ten times the jobs at once need a longer queue than one of each.
for pacing in think open; do
    rm -f voicelab.out # the last one's address
    start_voicelab --job-queue 1000
    expect_exit 0 "$reprise" replay shop.trace --target "$url" --scale 10 --pacing $pacing --run $pacing.run -q
    expect_exit 0 test ! -s err
    equal "requests in $pacing pacing" "$(sql $pacing.run 'SELECT sum(requests) FROM total')" $((10 * recorded))
    equal "diverged in $pacing pacing" "$(sql $pacing.run 'SELECT sum(diverged) FROM total')" 0
    equal "refused in $pacing pacing" "$(refusals)" $((10 * recorded_refusals))
    ended voicelab TERM
done
finish
