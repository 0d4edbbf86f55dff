#!/usr/bin/env bash
# script.sh - the manual's login in Lua against voicelab: users whose recorded token is worth nothing
# are let in with their own, over two workers.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3

make_trace user.trace <<'TRACE'
session bob
0 1 POST /auth/signup 201 {"email":"bob@shop.test","password":"a long password","name":"Bob"}
header Content-Type: application/json
10 11 POST /auth/login 200 {"email":"bob@shop.test","password":"a long password"}
header Content-Type: application/json
30 31 GET /me 200
header Authorization: Bearer recorded.token
TRACE
sed -n '/^<!-- login.lua/,/^```$/p' "$root/docs/plugins/script.md" | sed '1,2d;$d' >login.lua
expect_line login.lua '^function on_response'
start_voicelab
counted() { sql "$1" "SELECT ifnull(sum(sum), 0) FROM plugin_metric WHERE name = '$2'"; }
play() { # RUN [options]
    local run=$1
    shift
    "$reprise" replay user.trace --target "$url" --run "$run" --quiet --scale 6 --workers 2 \
        --plugin 'vary:set=/email=email' "$@" --threshold 'http_req_failed: rate==0'
}

expect_exit 99 play plain.run --seed 1
expect_exit 0 play played.run --seed 2 --plugin script:file=./login.lua
equal "tokens" "$(counted played.run login_tokens)" 6
equal "sessions that were done" "$(sql played.run "SELECT sessions FROM session_result WHERE result = 'done'")" 6

# A wrong script: its line is in the report, the run goes on; one that cannot be read does not start.
printf 'function on_request(user, request)\n  return request.url .. user.nobody\nend\n' >wrong.lua
expect_exit 0 "$reprise" replay user.trace --target "$url" --run wrong.run --quiet --plugin script:file=./wrong.lua
expect_line out "plugin script: on_request: ./wrong.lua:2: attempt to concatenate a nil value"
echo 'function' >wrong.lua
expect_exit 2 "$reprise" replay user.trace --target "$url" --plugin script:file=./wrong.lua
expect_complaint ".*plugin script: start: ./wrong.lua:2: <name> expected"

# What it has found in the trace it says before the run, which it can refuse: then nothing is sent.
cat >found.lua <<'LUA'
local found = 0
function on_recorded(exchange) found = found + 1; return "end" end
function on_recording_end()
    if args == "fail" then error("that is " .. found .. " too many") end
    warn("found", found)
end
LUA
expect_exit 0 "$reprise" replay user.trace --target "$url" --dry-run --plugin script:file=./found.lua
expect_line err '.*plugin script: found 1$'
expect_exit 0 "$reprise" plugin test script:file=./found.lua user.trace
expect_line err '.*plugin script: found 1$'
expect_line out '^script +on_recording_end +1 '
for dry in '' --dry-run; do
    # shellcheck disable=SC2086 # none, or one
    expect_exit 2 "$reprise" replay user.trace --target http://127.0.0.1:1 --run none.run $dry \
        --plugin script:file=./found.lua,args=fail
    expect_complaint '.*plugin script: on_recording_end: ./found.lua:4: that is 1 too many'
    equal "run files" "$(ls none.run* 2>/dev/null)" ""
done

# A callback that is misspelt is told, once for all workers; one that is not, and what is no function, is not.
printf 'on_top = 1\nfunction on_requst() end\nfunction on_request() end\n' >misspelt.lua
expect_exit 0 "$reprise" replay user.trace --target "$url" --run misspelt.run --quiet --scale 4 --workers 2 \
    --plugin script:file=./misspelt.lua
equal "warnings" "$(grep -c 'is no callback' err)" 1
expect_line err '.*plugin script: .*misspelt.lua: on_requst is no callback and is never called'
finish
