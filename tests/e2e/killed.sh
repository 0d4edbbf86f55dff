#!/usr/bin/env bash
# killed.sh - kill -9 under load: trace and run open all the same, and have lost the last second at most.
#
# "At most" is held with a second's margin for a machine that is busy with other tests.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need h2load sqlite3
margin_s=${E2E_KILL_MARGIN_S:-1}

start_nginx ''
log_has() { [ "$(wc -l <access.log)" -ge "$1" ]; }
# Requests that the server had answered a second (and the margin) before MOMENT.
answered_before() { awk -v moment="$1" -v margin="$margin_s" '$1 <= moment - 1 - margin { n++ } END { print n + 0 }' access.log; }

# --- a capture, three seconds into a steady load ---------------------------------------------------
capture live "$port"
start load h2load --h1 --duration 30 --rps 60 -c 5 "$url/page"
await load log_has 900
killed_at=$EPOCHREALTIME
ended live KILL
equal "exit code" "$code" 137
ended load KILL
committed=$(answered_before "$killed_at")
holds "there was something to lose" "$committed > 100"
expect_exit 0 "$reprise" inspect live.trace
exchanges=$(sql live.trace 'SELECT count(*) FROM exchange WHERE status = 200')
holds "exchanges of before the last second are there" "$exchanges >= $committed"
equal "the trace says it was cut off" "$(sql live.trace 'SELECT is_complete FROM trace')" 0
equal "check of the file" "$(sql live.trace 'PRAGMA integrity_check')" ok
expect_exit 0 "$reprise" inspect live.trace sessions
: >access.log
expect_exit 0 "$reprise" replay live.trace --target "$url" --pacing max --run again.run --quiet
holds "what is left can be replayed" "$(sql again.run 'SELECT sum(status_2xx) FROM total') >= $exchanges"

# --- a replay --------------------------------------------------------------------------------------
for ((at = 0; at < 1000; at += 10)); do
    [ "$at" = 0 ] && echo "session regular"
    echo "$at $at GET /page 200"
done | make_trace regular.trace
: >access.log
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
