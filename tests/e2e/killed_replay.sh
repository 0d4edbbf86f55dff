#!/usr/bin/env bash
# killed_replay.sh - kill -9 of a replay: the run opens, and lacks the last second at most.
#
# "The last second" is held with a second's margin for a machine that is busy with other tests.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3
margin_s=${E2E_KILL_MARGIN_S:-1}

start_nginx ''
log_has() { [ "$(wc -l <access.log)" -ge "$1" ]; }
# Requests that the server had answered a second (and the margin) before MOMENT.
answered_before() { awk -v moment="$1" -v margin="$margin_s" '$1 <= moment - 1 - margin { n++ } END { print n + 0 }' access.log; }

for ((at = 0; at < 1000; at += 10)); do
    [ "$at" = 0 ] && echo "session regular"
    echo "$at $at GET /page 200"
done | make_trace regular.trace
start replay "$reprise" replay regular.trace --target "$url" --users 3 --duration 10m --run killed.run --quiet
await replay log_has 900
killed_at=$EPOCHREALTIME
ended replay KILL
equal "exit code" "$code" 137
committed=$(answered_before "$killed_at")
holds "there was something to lose" "$committed > 100"
expect_exit 0 "$reprise" report killed.run
expect_line out 'http_reqs'
equal "the run says it was cut off" "$(sql killed.run 'SELECT state, exit_code FROM run')" "running|"
holds "requests of before the last second are there" "$(sql killed.run 'SELECT sum(status_2xx) FROM total') >= $committed"
equal "seconds and totals agree" "$(sql killed.run 'SELECT sum(requests) FROM second')" \
    "$(sql killed.run 'SELECT sum(requests) FROM total')"
equal "check of the file" "$(sql killed.run 'PRAGMA integrity_check')" ok
finish
