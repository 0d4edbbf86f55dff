#!/usr/bin/env bash
# voicelab's twelve users, captured while their tokens live 5 s, against a voicelab that has forgotten
# everything: another process, other ids, another key. First `verify` of every session, before and after
# `correlate`; then ten times the users, five times as fast. What was given is voicelab's own count.
#
#     tests/bench/fresh_target.sh BUILD
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need sqlite3 curl
scale=$(brief 10 2)
voicelab=$build/tests/voicelab
start_voicelab() {
    rm -f "$work/voicelab.out"
    "$voicelab/voicelab" --port 0 --access-ttl 5s "$@" >"$work/voicelab.out" 2>"$work/voicelab.err" &
    target_pid=$!
    started+=("$target_pid")
    wait_until file_has "$work/voicelab.out" 'listening on http'
    url=$(sed -n 's/.*listening on //p' "$work/voicelab.out")
}
stop_voicelab() {
    kill "$target_pid"
    wait "$target_pid" 2>/dev/null || true
}
# Answers below 400 and from 400 on, by voicelab's count.
given() {
    curl --silent "$url/metrics" | awk '/^voicelab_http_requests_total/ && !/route="\/metrics/ {
        if (/status="[45]/) refused += $2; else given += $2 } END { print given + 0, refused + 0 }'
}
verify() {
    start_voicelab
    "$reprise" verify "$work/shop.trace" --target "$url" --all-sessions >"$work/verify.out" 2>&1 || true
    stop_voicelab
    sed -nE 's/^ *exchanges +([0-9]+) compared, ([0-9]+) diverged.*/\2 of \1/p' "$work/verify.out"
}

say "recording"
start_voicelab
"$reprise" capture -i lo --port "${url##*:}" --out "$work/shop.trace" >"$work/capture.out" 2>"$work/capture.err" &
capture_pid=$!
started+=("$capture_pid")
wait_until file_has "$work/capture.err" '^capturing on'
"$here/../voicelab/drive.sh" "$url" "$voicelab" >&2
kill -INT "$capture_pid"
wait "$capture_pid"
read -r was_given was_refused < <(given)
stop_voicelab

say "verify"
before=$(verify)
"$reprise" correlate "$work/shop.trace" >/dev/null
after=$(verify)
say "ten times"
start_voicelab --job-queue 1000 --job-workers 8
"$reprise" replay "$work/shop.trace" -q --target "$url" --scale "$scale" --speed 5 --run "$work/ten.run" >/dev/null
read -r is_given is_refused < <(given)
stop_voicelab
as_recorded=$(sqlite3 "$work/ten.run" "SELECT printf('%d of %d', sum(requests) - sum(diverged), sum(requests)) FROM total")

machine
echo "| $(sqlite3 "$work/shop.trace" 'SELECT count(*) FROM session') recorded sessions against a voicelab started afresh | |"
echo "|---|---|"
echo "| diverged in \`verify\`, before \`correlate\` | $before |"
echo "| diverged in \`verify\`, after it | $after |"
echo "| answers with the recorded status, $scale times the users, speed 5 | $as_recorded |"
echo "| the same by voicelab's count: given, refused (recorded: $was_given, $was_refused) | $is_given, $is_refused |"
