#!/usr/bin/env bash
# verify.sh - a target that wants a token of its own where the recording has another one: what
# diverges is named, with its cause and the binding to try; what is only noise is not.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3

# A number that no two users have: a clock may stand still for a crowd.
start_nginx '
    location = /form {
        default_type text/html;
        return 200 "<html><title>Jobs</title><form><input name=csrf value=LIVE-csrf-22222222></form></html>";
    }
    location = /jobs {
        default_type application/json;
        if ($http_x_csrf_token != LIVE-csrf-22222222) { return 403 "{\"error\":\"no csrf\"}"; }
        return 201 "{\"id\":\"job_$request_id\",\"status\":\"queued\"}";
    }
    location ~ ^/jobs/ {
        default_type application/json;
        return 200 "{\"id\":\"job_$request_id\",\"status\":\"done\",\"took\":$connection}";
    }
    location = /me {
        default_type application/json;
        return 200 "{\"name\":\"Bob\",\"roles\":[\"user\"],\"job\":{\"state\":\"queued\",\"place\":3}}";
    }
    location = /login {
        default_type application/json;
        return 200 "{\"access_token\":\"LIVE-token-4711abcd\",\"user\":\"u\"}";
    }
    location = /orders {
        default_type application/json;
        if ($http_authorization != "Bearer LIVE-token-4711abcd") { return 401; }
        add_header Location /orders/ord_live4711;
        return 201 "{}";
    }
    location = /orders/ord_live4711 {
        default_type application/json;
        if ($http_authorization != "Bearer LIVE-token-4711abcd") { return 401; }
        return 200 "{\"status\":\"open\"}";
    }
    location /orders/ { return 404; }
    location = /carts {
        default_type application/json;
        if ($http_authorization != "Bearer LIVE-token-4711abcd") { return 401; }
        add_header Location /carts/77;
        return 201 "{}";
    }
    location = /carts/77 {
        default_type application/json;
        if ($http_authorization != "Bearer LIVE-token-4711abcd") { return 401; }
        return 200 "{\"status\":\"open\"}";
    }
    location /carts/ {
        if ($http_authorization != "Bearer LIVE-token-4711abcd") { return 401; }
        return 404;
    }
    location = /enter { return 401; }
    location = /sign-in { default_type application/json; return 200 "{\"refresh\":\"LIVE-r4711abcdef\",\"live\":\"LIVE-t4711abcdef\"}"; }
    location = /renew { return 401; }
    location = /token/refresh { return 401; }
    location = /feed { return 401; }
    location = /resume { return 401; }
    location = /admin { return 401; }
    location = /signup { return 409; }
    location = /state { default_type application/json; return 200 "{\"state\":\"queued\"}"; }
    location = /deploy { return 204; }
    location = /run { return 404; }
    location = /busy { add_header Retry-After 7 always; return 429; }'

# Two users with the same shape of session, and one more.
visit() { # NUMBER
    cat <<SCRIPT
session visitor $1
$(($1 * 100)) $(($1 * 100 + 10)) GET /form 200
answer-header Content-Type: text/html; charset=utf-8
answer <html><title>Jobs</title><form><input name=csrf value=OLD-csrf-1111111$1></form></html>
$(($1 * 100 + 20)) $(($1 * 100 + 30)) POST /jobs 201 {"text":"say something"}
header Content-Type: application/json
header X-CSRF-Token: OLD-csrf-1111111$1
answer-header Content-Type: application/json
answer {"status":"queued","id":"job_000$1"}
$(($1 * 100 + 40)) $(($1 * 100 + 50)) GET /jobs/job_000$1 200
answer-header Content-Type: application/json
answer {"id":"job_000$1","status":"done","took":1.5}
SCRIPT
}
{
    visit 1
    visit 2
    echo 'session other'
    echo '480 490 GET /state 200'
    echo 'answer {"state":"queued"}'
    echo '500 510 GET /me 200'
    echo 'answer-header Content-Type: application/json'
    echo 'answer {"name":"Ann","roles":["user"],"plan":"free","job":{"state":"done","result":"x.wav"}}'
    echo '520 530 GET /busy 200'
} | make_trace shop.trace

verify() { # EXIT [options]
    local wanted=$1
    shift
    expect_exit "$wanted" "$reprise" verify shop.trace --target "$url" "$@"
}

verify 110
expect_line out '403 at POST /jobs, recorded 201'
expect_line out 'header X-CSRF-Token sent as recorded; that value came with exchange 1 \(GET /form\), html:input\[csrf\]'
expect_line out 'try: reprise bind shop.trace add --born "1 html:input\[csrf\]" --used "2 header:X-CSRF-Token"'
expect_line out 'GET /me: body:/name is Bob, recorded Ann'
expect_line out 'GET /me: body:/plan is missing; recorded free'
expect_line out '429 at GET /busy, recorded 200'
expect_line out 'the target asks to slow down \(Retry-After: 7\)'
expect_line out 'sessions +2 of 3 played, 2 shapes'
expect_line out 'exchanges +6 compared, 3 diverged \(50\.00%'
equal "tokens printed whole" "$(grep -c 'csrf-[0-9]' out)" 0
equal "a state that it had before is none" "$(grep -c 'body:/job' out)" 0
equal "ids and times are no divergence" "$(grep -c 'jobs/{id}' out)" 0
equal "in the order of their exchanges" "$(sed -n 's/^      session [0-9]*, exchange \([0-9]*\).*/\1/p' out | tr '\n' ' ')" '2 8 8 9 '

# Every session, and below its limit.
verify 0 --all-sessions --max-divergence 44.5%
expect_line out 'exchanges +9 compared, 4 diverged \(44\.44%'
verify 110 --all-sessions --max-divergence 44
# For programs.
verify 110 --json
json() { sqlite3 :memory: "WITH d AS (SELECT value AS v FROM json_each(readfile('out'), '\$.divergences'))
    SELECT $1"; }
equal "causes" "$(json "count(*) FROM d WHERE json_extract(v, '\$.cause') IS NOT NULL")" 2
equal "the binding" "$(json "json_extract(v, '\$.suggestions[0].born_exchange_id') || ' ' ||
    json_extract(v, '\$.suggestions[0].born_place') || ' ' ||
    json_extract(v, '\$.suggestions[0].used_exchange_id') || ' ' ||
    json_extract(v, '\$.suggestions[0].used_place') FROM d WHERE json_extract(v, '\$.status') = 403")" \
    '1 html:input[csrf] 2 header:X-CSRF-Token'
equal "exchanges" "$(json "json_extract(readfile('out'), '\$.exchanges.compared')")" 6

# The line to try is one that can be tried.
verify 110 --session 1
line=$(sed -n 's/^ *try: reprise //p' out)
eval "expect_exit 0 \"\$reprise\" $line"
equal "bound by it" "$(sql shop.trace "SELECT born_exchange_id, born_place, used_exchange_id, used_place FROM binding WHERE used_exchange_id = 2")" \
    '1|html:input[csrf]|2|header:X-CSRF-Token'
verify 0 --session 1
sql shop.trace 'DELETE FROM binding'

# What was asked for is only what is played.
verify 110 --session 3 --passes 1
expect_line out 'sessions +1 of 3 played'
verify 2 --session 99
expect_complaint 'verify: none of the sessions that --session names is in shop.trace'
verify 2 --passes 3
expect_complaint 'verify: --passes has to be 1 or 2'
verify 2 --max-divergence lots
expect_complaint "verify: --max-divergence 'lots': expected a percentage"
expect_exit 2 "$reprise" verify shop.trace
expect_complaint 'verify: --target URL is missing'
expect_exit 2 "$reprise" verify shop.trace --target http://192.0.2.1
expect_complaint '.*--allow-target'
# The same comparison under load: of every answer, and of a share that the seed draws.
check() { # EXIT [options]
    local wanted=$1
    shift
    rm -f shop.run
    expect_exit "$wanted" "$reprise" replay shop.trace --target "$url" --pacing max -q --run shop.run "$@"
}
check 0 --check 100% --scale 10 --workers 2
equal "all of them" "$(sql shop.run 'SELECT passed, failed, dropped FROM check_total')" '50|40|0'
expect_line out 'divergence\.+: .*44\.44%.* 40 out of 90'
expect_line out '20 x POST /jobs: status 403, recorded 201'
equal "where" "$(sql shop.run "SELECT name, kind, place, answers FROM check_difference
    JOIN endpoint USING (endpoint_id) ORDER BY 1, 2, 3")" \
    "GET /busy|status|429, recorded 200|10
GET /me|extra|body:/job/place|10
GET /me|missing|body:/job/result|10
GET /me|missing|body:/plan|10
GET /me|value|body:/job/state|10
GET /me|value|body:/name|10
POST /jobs|status|403, recorded 201|20"
check 0 --check 50% --scale 10
drawn=$(sql shop.run 'SELECT passed, failed FROM check_total')
check 0 --check 50% --scale 10 --workers 2
equal "what the seed draws" "$(sql shop.run 'SELECT passed, failed FROM check_total')" "$drawn"
holds "half of them" "$(sql shop.run 'SELECT passed + failed FROM check_total') > 20 &&
    $(sql shop.run 'SELECT passed + failed FROM check_total') < 60"
check 99 --check 100% --threshold 'checks: rate>0.9' --threshold 'divergence: rate<0.6'
expect_line out 'checks'
check 0
equal "without it" "$(sql shop.run 'SELECT count(*) FROM check_total')" 0
check 2 --check many
expect_complaint "replay: --check 'many': expected a percentage"

# What a request carried came from an answer that did not come itself; a token has expired; another
# is older than the session; an account is taken.
expired=eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwiZXhwIjoxNzAwMDAwMDAwfQ.c2lnbmF0dXJl
order() { # NUMBER
    cat <<SCRIPT
session buyer $1
$(($1 * 100)) $(($1 * 100 + 10)) POST /login 200 {"user":"u"}
header Content-Type: application/json
answer-header Content-Type: application/json
answer {"access_token":"OLD-token-aaaa000$1","user":"u"}
$(($1 * 100 + 20)) $(($1 * 100 + 30)) POST /orders 201
header Authorization: Bearer OLD-token-aaaa000$1
answer-header Content-Type: application/json
answer-header Location: /orders/ord_8f3a11c$1
answer {}
$(($1 * 100 + 40)) $(($1 * 100 + 50)) GET /orders/ord_8f3a11c$1 200
header Authorization: Bearer OLD-token-aaaa000$1
answer-header Content-Type: application/json
answer {"status":"open"}
$(($1 * 100 + 60)) $(($1 * 100 + 70)) GET /admin 200
header X-Api-Key: k-000111222333
SCRIPT
}
{
    order 1
    order 2
    echo 'session other'
    echo '500 510 POST /signup 201 {"email":"ann@shop.test","password":"hunter22"}'
    echo 'header Content-Type: application/json'
    echo '520 530 GET /admin 200'
    echo "header Authorization: Bearer $expired"
} | make_trace orders.trace
play() { # EXIT [options]
    local wanted=$1
    shift
    expect_exit "$wanted" "$reprise" verify orders.trace --target "$url" "$@"
}
play 110
expect_line out '401 at POST /orders, recorded 201'
expect_line out 'header Authorization sent as recorded; that value came with exchange 1 \(POST /login\), body:/access_token, and is another now'
expect_line out 'header X-Api-Key sent as recorded; no earlier answer of this session gave it'
expect_line out 'header Authorization sent as recorded; the token expired [0-9]+ s ago'
expect_line out 'body field /email sent as recorded; the target may have that account already'
equal "secrets printed" "$(grep -cE 'token-[0-9a-z]|hunter22|k-000111' out)" 0

# What an answer has too deep to be looked at may be where a credential came from.
{
    echo 'session deep'
    echo '100 110 GET /deep 200'
    echo "answer $(printf '{"a":%.0s' {1..400})\"k-000111222333\"$(printf '}%.0s' {1..400})"
    echo '120 130 GET /admin 200'
    echo 'header X-Api-Key: k-000111222333'
} | make_trace deep.trace
expect_exit 110 "$reprise" verify deep.trace --target "$url"
expect_line out 'header X-Api-Key sent as recorded; nothing that was looked at gave it, but the answer of exchange 1 was not'
equal "said to be older" "$(grep -c 'older than' out)" 0
expect_exit 0 "$reprise" correlate deep.trace
expect_line out '^1 values were not kept: .*too deep'
expect_line out 'of exchange 1$'
equal "said to be from before" "$(grep -c 'from before' out)" 0
expect_exit 0 "$reprise" correlate deep.trace --json
expect_line out '"values_left_out":1,'
expect_line out '"is_from_before":false,"partly_read_exchange_id":1,'

# With --fix what is suggested is tried, and kept where it helps: in the sessions that were not played, too.
play 110 --fix
expect_line out 'bound +body:/access_token of exchange 1 -> header:Authorization of exchange 2, 2 requests'
expect_line out 'bound +body:/access_token of exchange 1 -> header:Authorization of exchange 3, 2 requests'
expect_line out 'bound +header:[Ll]ocation > path:2 of exchange 2 -> path:2 of exchange 3, 2 requests'
equal "what is left" "$(grep -c ', recorded 20[01]$' out)" 3
expect_line out '401 at GET /admin, recorded 200'
expect_line out '409 at POST /signup, recorded 201'
equal "rows" "$(sql orders.trace "SELECT born_exchange_id, used_exchange_id, used_place, origin FROM binding ORDER BY 1, 2, 3")" \
    "1|2|header:Authorization|edited
1|3|header:Authorization|edited
2|3|path:2|edited
5|6|header:Authorization|edited
5|7|header:Authorization|edited
6|7|path:2|edited"
play 110 --all-sessions --fix
expect_line out 'exchanges +10 compared, 4 diverged'
equal "all sessions" "$(sed -n 's/.*sessions  *\(.*\) played.*/\1/p' out)" '3 of 3'

# A short id that Location gave; a credential that was taken stays, though what comes behind it is
# not mended: /carts/9 is of another day.
make_trace carts.trace <<'SCRIPT'
session buyer 1
100 110 POST /login 200 {"user":"u"}
header Content-Type: application/json
answer-header Content-Type: application/json
answer {"access_token":"OLD-token-aaaa0001","user":"u"}
120 130 POST /carts 201
header Authorization: Bearer OLD-token-aaaa0001
answer-header Content-Type: application/json
answer-header Location: /carts/12
answer {"cart":"c_8f3a11c2"}
140 150 GET /carts/12 200
header Authorization: Bearer OLD-token-aaaa0001
answer-header Content-Type: application/json
answer {"status":"open"}
160 170 GET /carts/9 200
header Authorization: Bearer OLD-token-aaaa0001
answer-header Content-Type: application/json
answer {"status":"open"}
180 190 POST /enter 200 {"username":"ann","password":"hunter22"}
header Content-Type: application/json
answer-header Content-Type: application/json
answer {"welcome":true}
200 210 POST /signup 201 {"cart":"c_8f3a11c2"}
header Content-Type: application/json
answer-header Content-Type: application/json
answer {}
SCRIPT
carts() { # EXIT [options]
    local wanted=$1
    shift
    expect_exit "$wanted" "$reprise" verify carts.trace --target "$url" "$@"
}
carts 110 --fix
expect_line out 'bound +header:[Ll]ocation > path:2 of exchange 2 -> path:2 of exchange 3, 1 requests'
expect_line out 'bound +body:/access_token of exchange 1 -> header:Authorization of exchange 4, 1 requests'
expect_line out '404 at GET /carts/{id}, recorded 200'
# What a binding fills has its cause there: an answer that came without it, an account of the user's own.
expect_exit 0 "$reprise" bind carts.trace add --born '2 body:/cart' --used '6 body:/cart'
expect_exit 0 "$reprise" correlate carts.trace
equal "the user's own" "$(sql carts.trace "SELECT count(*) FROM binding WHERE born_place LIKE 'data:%' AND used_exchange_id = 5")" 2
carts 110
expect_line out 'body:/cart is filled from exchange 2 \(POST /carts\), which was answered without body:/cart'
expect_line out "body:/(username|password) is the user's own \(data:(username|password)\): the target may not have that account"
equal "a request that follows from itself" "$(grep -c 'exchange 5 (POST /enter), which' out)" 0

# Of a cookie and a credential that were both sent as recorded it is the credential.
make_trace renew.trace <<'SCRIPT'
session ann
100 110 POST /sign-in 200
answer-header Content-Type: application/json
set-cookie sid=5f0c99a1b2c3d4e5; Path=/
answer {"refresh":"OLD-r8f3a11c20","live":"OLD-t8f3a11c21"}
120 130 POST /renew 200 {"refresh":"OLD-r8f3a11c20"}
header Content-Type: application/json
header Cookie: sid=5f0c99a1b2c3d4e5
140 150 GET /feed?token=OLD-t8f3a11c21 200
header Cookie: sid=5f0c99a1b2c3d4e5
session later
200 210 POST /resume 200 {"refresh":"OLD-r8f3a11c29"}
header Content-Type: application/json
header Cookie: sid=5f0c99a1b2c3d4e6
SCRIPT
expect_exit 110 "$reprise" verify renew.trace --target "$url"
expect_line out 'body field /refresh sent as recorded; that value came with exchange 1 \(POST /sign-in\), body:/refresh, and is another now'
expect_line out 'query token sent as recorded; that value came with exchange 1 \(POST /sign-in\), body:/live, and is another now'
expect_line out 'body field /refresh sent as recorded; no earlier answer of this session gave it'
equal "blamed on a cookie" "$(grep -c ' cookie sid sent' out)" 0

# A word that is literal in its endpoint is no old credential, be it named by a credential.
make_trace literal.trace <<'SCRIPT'
session ann
100 110 POST /token/refresh 200 {"grant":"old"}
header Content-Type: application/json
SCRIPT
expect_exit 110 "$reprise" verify literal.trace --target "$url"
expect_line out '401 at POST /token/refresh, recorded 200'
equal "a literal blamed" "$(grep -c 'sent as recorded' out)" 0

# What carried nothing that was another one may have come before the target was ready for it.
make_trace hasty.trace <<'SCRIPT'
session maker 1
0 10 POST /deploy 204
200 210 POST /run 200
SCRIPT
haste='sent at once; the recorded user waited 190 ms before it'
expect_exit 110 "$reprise" verify hasty.trace --target "$url"
expect_line out "$haste"
expect_exit 110 "$reprise" verify hasty.trace --target "$url" --pacing think
expect_line out '404 at POST /run, recorded 200'
equal "who waited was not hasty" "$(grep -c 'sent at once' out)" 0
expect_exit 2 "$reprise" verify hasty.trace --target "$url" --pacing slow
expect_complaint 'verify: --pacing'

# Nobody there: every exchange says so, and none is compared with nothing.
ended nginx TERM
verify 110 --passes 1
expect_line out 'no answer at GET /form \(connect_refused'

# A WebSocket's message names a room that the server's first message gave.
start_server bad "$build/tests/bad_server"
make_trace room.trace <<'SCRIPT'
session ann
100 110 WS /ws/room
< 120 {"type":"welcome","room":"room-old8f3a11c2"}
> 130 {"type":"say","room":"room-old8f3a11c2"}
< 140 {"type":"ok"}
> 150 close 1000
SCRIPT
expect_exit 110 "$reprise" verify room.trace --target "$url"
expect_line out 'ws:/type=error was not recorded; now 1'
expect_line out 'ws:1 > body:/room sent as recorded; that value came with exchange 1 \(GET /ws/room\), ws:/type=welcome > body:/room, and is another now'
expect_line out 'try: reprise bind room.trace add --born "1 ws:/type=welcome > body:/room" --used "1 ws:1 > body:/room"'
line=$(sed -n 's/^ *try: reprise //p' out | head -n 1)
eval "expect_exit 0 \"\$reprise\" $line"
expect_exit 0 "$reprise" verify room.trace --target "$url"
# Under load its messages are counted by kind as well: here by ten users, of a server that lost its news.
under_load() { # RUN-OF-TRACE [options]
    local trace=$1
    shift
    rm -f room.run
    expect_exit 0 "$reprise" replay "$trace" --target "$url" --pacing max --scale 10 --ws-timeout 500ms \
        -q --run room.run "$@"
}
under_load room.trace --check 100%
equal "as recorded" "$(sql room.run 'SELECT passed, failed, dropped FROM check_total')" '10|0|0'
make_trace news.trace <<'SCRIPT'
session ann
100 110 WS /ws/room
< 120 {"type":"welcome","room":"room-live8f3a11c2"}
< 125 {"type":"news","text":"hello"}
> 130 {"type":"ask","room":"room-old8f3a11c2"}
< 140 {"type":"error"}
> 150 close 1000
SCRIPT
under_load news.trace --check 100%
equal "without its news" "$(sql room.run 'SELECT passed, failed, dropped FROM check_total')" '0|10|0'
equal "which kind" "$(sql room.run 'SELECT kind, place, answers FROM check_difference')" 'missing|ws:/type=news|10'
under_load news.trace --check 50% --workers 2
drawn=$(sql room.run 'SELECT failed FROM check_total')
holds "half of them" "$drawn >= 1 && $drawn <= 9"
# How many there are of a kind may be another number each time: then it is nothing.
make_trace uneven.trace <<'SCRIPT'
session ann
100 110 WS /ws/uneven
< 120 {"type":"tick"}
< 130 {"type":"tick"}
< 140 {"type":"tick"}
< 150 {"type":"done"}
SCRIPT
under_load uneven.trace --check 100%
equal "two ticks or three" "$(sql room.run 'SELECT passed, failed FROM check_total')" '10|0'
under_load news.trace
equal "without --check" "$(sql room.run 'SELECT count(*) FROM check_total')" 0
finish
