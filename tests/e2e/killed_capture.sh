#!/usr/bin/env bash
# killed_capture.sh - kill -9 while it captures under load: the trace opens, and lacks the last second at
# most.
#
# "The last second" is held with a second's margin for a machine that is busy with other tests.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need h2load sqlite3
margin_s=${E2E_KILL_MARGIN_S:-1}

start_nginx ''
log_has() { [ "$(wc -l <access.log)" -ge "$1" ]; }
# Requests that the server had answered a second (and the margin) before MOMENT.
answered_before() { awk -v moment="$1" -v margin="$margin_s" '$1 <= moment - 1 - margin { n++ } END { print n + 0 }' access.log; }

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
finish
