#!/usr/bin/env bash
# drive_test.sh BIN_DIR - the twelve users of drive.sh against a server that is as strict as it can
# be, and the server's own account of what they did.
set -uo pipefail
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

# drive: plays the users; `requests` and `streams` are what the driver says it sent.
drive() {
    "$here/drive.sh" "$base" "$bin" >"$work/drive" || fail "drive.sh ended with $?: $(cat "$work/drive")"
    cat "$work/drive"
    read -r requests streams < <(sed -nE 's/^drive: 12 users, ([0-9]+) requests, ([0-9]+) streams.*/\1 \2/p' "$work/drive")
}

# Answers counted by the server whose line matches the pattern.
answers() {
    curl --silent "$base/metrics" |
        awk -v pattern="$1" '/^voicelab_http_requests_total/ && $0 ~ pattern && !/"\/metrics/ { n += $2 } END { print n + 0 }'
}

start_server --access-log "$work/access" --access-ttl 5s --refuse-duplicates --job-workers 2 --job-queue 20
drive
equal "requests and streams by the server's count" "$(answers .)" $((requests + streams))
equal "refused (only the favicon)" "$(answers 'status="[45]')" 1
equal "streams opened" "$(metric ws_opened_total)" "$streams"
equal "final transcripts" "$(metric ws_transcripts_total)" "$streams"
equal "duplicate uploads" "$(metric upload_duplicates_total)" 0
equal "jobs failed" "$(metric 'jobs_ended_total{state="failed"}')" 0
equal "cut off" "$(metric aborted_total)" 0

# Ten users log in, one comes with an API key besides, one as admin, one by a form's cookie.
equal "sessions" "$(metric sessions)" 13
while read -r milestone wanted; do
    equal "sessions that reached $milestone" "$(metric "sessions_reached{milestone=\"$milestone\"}")" "$wanted"
done <<'MILESTONES'
login 10
upload 4
job 4
job_result 3
turn 3
search 5
batch_result 1
form 1
admin 1
transcript 3
MILESTONES

log_is_whole() { [ "$(grep -vc ' /metrics' "$work/access")" = $((requests + streams)) ]; }
await 5 log_is_whole
equal "client addresses in the access log" \
    "$(grep -v ' /metrics' "$work/access" | cut -d ' ' -f 3 | cut -d : -f 1 | sort -u | wc -l)" 12
connections=$(grep -v ' /metrics' "$work/access" | cut -d ' ' -f 3 | sort -u | wc -l)
equal "fewer connections ($connections) than requests: some were kept alive" $((connections < requests)) 1

# A server gone bad must show: the driver says so and fails.
stop_server
start_server --fail-rate 100%
if "$here/drive.sh" "$base" "$bin" >"$work/drive" 2>&1; then
    fail "drive.sh is content with a server that answers 500 only"
fi
finish
