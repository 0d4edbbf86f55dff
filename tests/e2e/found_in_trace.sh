#!/usr/bin/env bash
# found_in_trace.sh - what plugins have found in the trace, and what their options name and it lacks,
# is told once and before the run: also where there is no run at all.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

printf 'session one\n0 5 GET /page?x=1 200\n9 12 POST /order 200 {"note":"hello"}\nheader X-Key: k\n' |
    make_trace plain.trace
start_server bad "$build/tests/bad_server"

# told COUNT PATTERN: so many lines of stderr.
told() { equal "lines of '$2'" "$(grep -cE "$2" err)" "$1"; }

lacking=(--plugin jwt_refresh:login=POST:/login --plugin multipart_audio:part=voice
    --plugin ai_queue:submit=POST:/jobs --plugin 'rate_limit:limit=POST /signup 3/h; 5/s per header:X-None; 9/s in all'
    --plugin 'vary:set=POST /order /none=uuid; GET /nowhere query:x=uuid; /note=email; form:none=uuid'
    --plugin script:file=./ends.lua --plugin fewer:path=/nowhere)
cat >ends.lua <<'LUA'
local posts = 0
function on_recorded(exchange) if exchange.method == "POST" then posts = posts + 1 end end
function on_recording_end() warn("posts:", posts) end
LUA
all_told() {
    told 1 'plugin jwt_refresh: login=POST:/login: no exchange of the trace is this one'
    told 1 'plugin jwt_refresh: no exchange of the trace gives a token; login='
    told 1 'plugin multipart_audio: no upload of the trace has a part=voice$'
    told 1 'plugin ai_queue: no job in the trace: submit=POST:/jobs is no exchange of it$'
    told 1 'plugin rate_limit: POST /signup 3/h: no recorded request counts for it$'
    told 1 'plugin rate_limit: 5/s per header:X-None: no recorded request has the header X-None, '
    told 0 'plugin rate_limit: 9/s in all: '
    told 1 'plugin vary: POST /order /none=uuid: it is in no recorded request of its endpoint$'
    told 1 'plugin vary: GET /nowhere query:x=uuid: no recorded request is of its endpoint$'
    told 1 'plugin vary: form:none=uuid: it is in no recorded request$'
    told 0 'plugin vary: /note'
    told 1 'plugin script: posts: 1$'
    told 1 'plugin fewer: no request of /nowhere in the trace: path= names another$'
}

expect_exit 0 "$reprise" replay plain.trace --target http://127.0.0.1:1 --dry-run --plugin-path "$build/test-plugins" \
    "${lacking[@]}"
all_told
expect_exit 0 "$reprise" replay plain.trace --target "$url" --run plain.run --quiet --scale 3 --workers 2 \
    --plugin-path "$build/test-plugins" "${lacking[@]}"
all_told
also=("${lacking[@]:2}")
expect_exit 0 "$reprise" plugin test jwt_refresh:login=POST:/login plain.trace --plugin-path "$build/test-plugins" \
    "${also[@]/#--plugin/--also}"
all_told
expect_line out '^jwt_refresh +on_recording_end +1 '

# What is there needs no word.
expect_exit 0 "$reprise" replay plain.trace --target "$url" --run fine.run --quiet \
    --plugin 'rate_limit:limit=POST /order 3/h; 5/s per header:x-key; 9/s in all' \
    --plugin 'vary:set=POST /order /note=uuid; query:x=uuid; header:X-New=uuid'
told 0 'plugin (rate_limit|vary): '
finish
