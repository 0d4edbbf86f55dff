#!/usr/bin/env bash
# valgrind.sh - one capture and one replay, plugins and WebSocket included, with every byte of memory
# watched. Sanitizers watch otherwise and do not go with it: their builds skip this.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/pcap.sh
. "$here/pcap.sh"
need valgrind sqlite3
grep -qE '__(asan|tsan)_init' "$reprise" && skip "a sanitizer is built in, which valgrind cannot run"
watched() { valgrind --quiet --error-exitcode=7 --leak-check=full --show-leak-kinds=definite,possible \
    --errors-for-leak-kinds=definite,possible "$reprise" "$@"; }

exchange_pcap >two.pcap
expect_exit 0 watched capture -r two.pcap -o two.trace
equal "exchanges" "$(sql two.trace 'SELECT count(*) FROM exchange')" 2
expect_exit 0 watched inspect two.trace

make_trace users.trace <<'TRACE'
session one
0 3 POST /login 200 {"user":1}
10 15 GET /a 200
10 15 GET /first/401/a 200
20 25 GET /first/503/a 200
20 25 GET /half-body 200
30 31 WS /ws/echo
> 32 recorded token
< 33 recorded token
> 40 close 1000
session two
5 6 GET /reset 200
7 8 WS /ws/bad-frame
> 9 hello
TRACE
start_server bad "$build/tests/bad_server"
expect_exit 0 watched replay users.trace --target "$url" --scale 3 --workers 2 --run users.run --quiet \
    --plugin-path "$build/test-plugins" --plugin everything:announce=on,backoff=1ms
equal "sessions" "$(sql users.run "SELECT sessions FROM session_result WHERE result = 'done'")" 6
expect_exit 0 watched report users.run
finish
