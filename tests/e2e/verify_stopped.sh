#!/usr/bin/env bash
# verify_stopped.sh - ^C in a verify: what was never sent is not compared; with --fix what helped before it
# stays, and what the stopped pass was to try is taken back and said to be not tried.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3

start_server bad "$build/tests/bad_server"
silent=$url/silent
start_nginx "
    default_type application/json;
    location = /login { return 200 '{\"access_token\":\"LIVE-token-4711abcd\"}'; }
    location = /next {
        if (\$http_authorization != 'Bearer LIVE-token-4711abcd') { return 401; }
        return 200 '{\"room\":\"room-live4711\"}';
    }
    location = /rooms/room-live4711 { proxy_pass $silent; }
    location = /waits { proxy_pass $silent; }
    location = /after { return 200 '{}'; }"

# stopped TRACE [options]: ^C as soon as the silent one was asked.
stopped() {
    local trace=$1
    shift
    : >bad.out
    start verify "$reprise" verify "$trace" --target "$url" "$@"
    await verify has_line bad.out '^GET /silent'
    ended verify INT
    equal "exit code" "$code" 105
}

json='answer-header Content-Type: application/json'
make_trace waits.trace <<SCRIPT
session ann
100 110 GET /after 200
$json
answer {}
120 130 GET /waits 200
140 150 GET /after 200
160 170 GET /after 200
SCRIPT
stopped waits.trace
expect_line verify.out 'exchanges +1 of 4 compared, 0 diverged'
equal "what was never sent" "$(grep -cE 'not sent|no answer' verify.out)" 0

make_trace rooms.trace <<SCRIPT
session ann
100 110 POST /login 200 {"user":"u"}
header Content-Type: application/json
$json
answer {"access_token":"OLD-token-aaaa0001"}
120 130 GET /next 200
header Authorization: Bearer OLD-token-aaaa0001
$json
answer {"room":"room-old8f3a"}
140 150 GET /rooms/room-old8f3a 200
160 170 GET /after 200
$json
answer {}
SCRIPT
stopped rooms.trace --fix
expect_line verify.out 'bound +body:/access_token of exchange 1 -> header:Authorization of exchange 2, 1 requests'
expect_line verify.out 'not tried +body:/room of exchange 2 -> path:2 of exchange 3, 1 requests'
expect_line verify.out 'exchanges +4 of 4 compared, 1 diverged'
equal "no help" "$(grep -c 'no help' verify.out)" 0
equal "bound in the trace" "$(sql rooms.trace 'SELECT used_exchange_id, used_place FROM binding')" '2|header:Authorization'
finish
