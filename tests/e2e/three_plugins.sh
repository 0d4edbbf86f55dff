#!/usr/bin/env bash
# three_plugins.sh - a strict voicelab (tokens of 5 s, refresh tokens that rotate, one worker and a
# queue of 20 for jobs, audio seen before is refused) and four times its twelve users, five times as
# fast: without plugins many get nowhere, with the three everybody gets what the recorded users got, by
# voicelab's own count.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3
strict=(--access-ttl 5s --refuse-duplicates --job-queue 20)
scale=4

# What sessions reached, the renewing of tokens apart: "upload 4".
reached() {
    curl --silent "$url/metrics" |
        awk -F '[{}" ]+' -v factor="$1" '/^voicelab_sessions_reached/ && $3 != "refresh" { print $3, $4 * factor }'
}

start_voicelab "${strict[@]}" --job-workers 2
capture shop "$port"
expect_exit 0 "$root/tests/voicelab/drive.sh" "$url" "$voicelab"
stop_capture shop
reached $scale >wanted
ended voicelab TERM
expect_exit 0 "$reprise" correlate shop.trace

rm -f voicelab.out # the last one's address
start_voicelab "${strict[@]}" --job-workers 1
expect_exit 0 "$reprise" replay shop.trace --target "$url" --scale $scale --speed 5 --run plain.run -q
reached 1 >plain
holds "uploads were refused" "$(metric upload_duplicates_total) > 0"
equal "sessions come as far without plugins" "$(cmp -s plain wanted && echo yes || echo no)" no
ended voicelab TERM

rm -f voicelab.out
start_voicelab "${strict[@]}" --job-workers 1
expect_exit 0 "$reprise" replay shop.trace --target "$url" --scale $scale --speed 5 --run three.run -q \
    --plugin multipart_audio --plugin ai_queue --plugin jwt_refresh \
    --threshold 'http_req_failed: rate==0' --threshold 'ai_job_duration: p(95)<60s' \
    --threshold 'jwt_users_lost: count==0' --threshold 'audio_errors: count==0'
reached 1 >three
equal "what sessions reached" "$(cat three)" "$(cat wanted)"
equal "duplicate uploads" "$(metric upload_duplicates_total)" 0
equal "jobs that failed" "$(metric 'jobs_ended_total{state="failed"}')" 0
holds "jobs were refused, and asked for again" "$(sql three.run 'SELECT sum(withdrawn) FROM total') > 0"
finish
