#!/usr/bin/env bash
# plugin_test.sh - plugins tried on a trace without a network: what they did is said, in text and in JSON.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need python3
modules=$build/test-plugins

make_trace t.trace <<'TRACE'
session one
0 5 POST /login 200 {"user":1}
20 25 GET /heartbeat 200
30 34 GET /heartbeat 200
40 41 GET /page 503
80 81 WS /ws/echo
> 82 recorded token
< 83 recorded answer
> 90 last words
< 91 ping
> 95 close 1000
session two
0 900000 GET /slow 200
1000000 1000001 GET /slow 200
TRACE

try() { expect_exit "$1" "$reprise" plugin test "${@:2}"; }

# Nothing but what is told is done; a quarter of an hour takes no time.
try 0 "$modules/polite.so" t.trace 2
expect_line out '^the plugins changed nothing$'
expect_line out '^session +2, 2 steps, done$'
holds "it did not wait" "$SECONDS < 120"

try 0 example:header=X-A,name=kit t.trace --also "$modules/fewer.so:keep=2"
expect_line out 'example on_request  step 0: POST http://target.test/login: CONTINUE$'
expect_line out '^    \+ X-A: kit-0$'
expect_line out 'fewer on_request  step 2: GET http://target.test/heartbeat: SKIP$'
expect_line out '^    settles step 2 without an answer$'
expect_line out '^sent +4 of the recording, 0 added, 2 messages'
expect_line out '^example +on_request +5 '
expect_line out '^fewer_left_out +1 +1 +1$'

# Both directions of a WebSocket; what is added is answered by the trace, and the failure is named.
try 1 "$modules/everything.so:announce" t.trace
expect_line out 'adds POST http://target.test/login, tag 1'
expect_line out 'added, tag 1: POST http://target.test/login -> 200: FAIL'
expect_complaint 'plugin test: session 1: plugin everything: on_response: login answered 200 without'
make_trace tokens.trace <<'TRACE'
session one
0 5 POST /login 200
answer-header X-Token: t0ken
20 25 GET /a 200
answer-header X-Token: other
30 35 GET /b 200
80 81 WS /ws/echo
> 82 recorded token
< 83 recorded answer
> 90 last words
< 91 ping
> 95 close 1000
TRACE
try 0 "$modules/everything.so:announce" tokens.trace
expect_line out 'step 1: GET http://target.test/a: HOLD$'
expect_line out '^    \+ Authorization: Bearer t0ken$'
expect_line out 'step 3 message 0 to the server: CONTINUE$'
expect_line out '^    - body: recorded token$'
expect_line out '^    \+ body: Bearer t0ken$'
expect_line out 'message 1 from the server: SKIP$'
expect_line out '^    \+ body: pong$'
expect_line out '^sent +3 of the recording, 1 added, 4 messages'
# A recorded refusal is one each time: the limit holds.
printf 'session one\n0 5 POST /login 200\nanswer-header X-Token: t\n20 25 GET /a 401\n' | make_trace no.trace
try 1 "$modules/everything.so" no.trace
expect_line out 'attempt 15 -> 401: RETRY$'
expect_complaint '.* retried one request 16 times, its limit'
try 1 "$modules/everything.so:login_path=/nowhere" t.trace
expect_line out '^note +1 requests are like none in the trace'
try 1 "$modules/misbehaves.so:verdict=77" t.trace
expect_complaint 'plugin test: session 1: plugin misbehaves: on_request: answered 77'

try 0 example:header=X-A "$PWD/t.trace" 1 --json
equal "events" "$(python3 -c 'import json; print(len(json.load(open("out"))["events"]))')" 5
equal "a line of one" "$(python3 -c 'import json; print(json.load(open("out"))["events"][0]["did"])')" \
    "['+ X-A: user-0']"
equal "metrics" "$(python3 -c 'import json; print(json.load(open("out"))["metrics"]["example_requests"]["sum"])')" 5
cp out first
try 0 example:header=X-A t.trace 1 --json
without_times() { grep -v '_ns"' "$1"; }
equal "the same each time" "$(diff <(without_times first) <(without_times out))" ""

try 2 example t.trace 9
expect_complaint 't.trace: it has no session 9'
try 2 example t.trace zero
expect_complaint "plugin test: session 'zero'"
try 2 example
expect_complaint 'plugin test: expected PLUGIN'
try 2 nowhere t.trace
expect_complaint 'plugin nowhere: no nowhere.so'
try 2 "$modules/fewer.so:keep=0" t.trace
expect_complaint 'plugin fewer: start: keep=0'
try 2 example absent.trace
finish
