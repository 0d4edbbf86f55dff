#!/usr/bin/env bash
# bind_again.sh - what the lists print of a binding can be given back: dropped and added again from that
# text it is the same row, one by one and by rule, with places in WebSockets, multipart bodies and forms.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3

# visit N: a user whose values are its own.
visit() {
    local at=$(($1 * 1000)) n=8f3a11c$1
    cat <<SCRIPT
session visitor $1
$at $((at + 1)) POST /signup 201 {"email":"ann$1@shop.example","password":"pw-77aa$1","name":"ann"}
header Content-Type: application/json
answer-header Content-Type: application/json
answer {"access_token":"tok/en81xx99 aa$1","items":[{"id":"it_77aa12bc0$1"},{"id":"it_99zzk1812$1"}]}
$((at + 2)) $((at + 3)) GET /form 200
header Authorization: Bearer tok/en81xx99 aa$1
answer-header Content-Type: text/html
answer <html><form><input type="hidden" name="csrf" value="v81&amp;xkq90z$1"></form></html>
$((at + 4)) $((at + 5)) POST /form 303 csrf=v81%26xkq90z$1&token=tok%2Fen81xx99+aa$1
header Content-Type: application/x-www-form-urlencoded
header Authorization: Bearer tok/en81xx99 aa$1
answer-header Location: /entries/e_99zzk181$1
$((at + 6)) $((at + 7)) GET /entries/e_99zzk181$1?t=tok%2Fen81xx99%20aa$1 200
header Authorization: Bearer tok/en81xx99 aa$1
$((at + 8)) $((at + 9)) POST /pick 200 {"ids":["it_77aa12bc0$1","it_99zzk1812$1"],"request_id":"5b1c2f0e-9c1d-4d2a-8f5e-0123456789a$1"}
header Content-Type: application/json
answer-header Content-Type: application/json
answer {"upload_id":"up_77aa12bc$1"}
$((at + 10)) $((at + 11)) POST /files 201
part upload_id=up_77aa12bc$1
part item=it_99zzk1812$1
part file=RIFFxx as it_77aa12bc0$1.wav
answer-header Content-Type: application/json
answer {"ticket":"tk_81xx99aab$1"}
$((at + 12)) $((at + 13)) WS /live?ticket=tk_81xx99aab$1
< $((at + 14)) {"type":"ready","session":"s_$n"}
> $((at + 15)) {"type":"start","session":"s_$n"}
> $((at + 16)) {"type":"pick","session":"s_$n","items":["it_99zzk1812$1"]}
< $((at + 17)) {"type":"job","job":{"id":"j_77zz12kk9$1"}}
> $((at + 18)) {"type":"stop","job_id":"j_77zz12kk9$1"}
> $((at + 19)) close 1000
$((at + 20)) $((at + 21)) GET /jobs/j_77zz12kk9$1 200
header Authorization: Bearer tok/en81xx99 aa$1
answer-header Content-Type: application/json
answer {"status":"done"}
SCRIPT
}
{
    visit 1
    visit 2
    visit 3
} | make_trace shop.trace
expect_exit 0 "$reprise" correlate shop.trace
rows() { # TRACE [WHERE]
    sql "$1" "SELECT born_exchange_id, born_place, used_exchange_id, used_place, form, state FROM binding
        ${2:+WHERE $2} ORDER BY used_exchange_id, used_place, born_exchange_id"
}
rows shop.trace >all.rows
for place in 'ws:' 'multipart:item' 'multipart:file > filename:' 'form:' 'path:' 'query:' 'body:/ids/1' 'header:'; do
    expect_line all.rows "\\|${place}.*\\|on"
done
expect_line all.rows 'new:uuid'
expect_line all.rows '\|plus\|'

# One by one: the number, the endpoint or not, the place.
expect_exit 0 "$reprise" bind shop.trace list --json
cp out listed
equal "rows that are listed" "$(wc -l <listed)" "$(wc -l <all.rows)"
sqlite3 -separator $'\t' :memory: "SELECT value ->> 'binding_id', value ->> 'born_exchange_id', value ->> 'born_endpoint',
    value ->> 'born_place', value ->> 'used_exchange_id', value ->> 'used_endpoint', value ->> 'used_place'
    FROM json_each('[' || replace(trim(readfile('listed'), char(10)), char(10), ',') || ']')" >columns
one_by_one() { # "with" or "without" the endpoint
    local id born_id born_endpoint born_place used_id used_endpoint used_place
    cp shop.trace again.trace
    while IFS=$'\t' read -r id born_id born_endpoint born_place used_id used_endpoint used_place; do
        born_id+=" $born_endpoint" used_id+=" $used_endpoint"
        [ "$1" = with ] || born_id=${born_id%% *} used_id=${used_id%% *}
        "$reprise" bind again.trace drop "$id" >out 2>err || fail "drop: $(cat err)"
        "$reprise" bind again.trace add --born "$born_id $born_place" --used "$used_id $used_place" >out 2>err ||
            fail "refused: $born_id $born_place -> $used_id $used_place: $(cat err)"
        rows again.trace >again.rows
        equal "rows after '$born_place' -> '$used_id $used_place' was added again" "$(diff all.rows again.rows)" ""
    done <columns
}
one_by_one with
one_by_one without

# By rule: what `inspect bindings` prints, a '*' for each number and "as FORM" among it.
expect_exit 0 "$reprise" inspect shop.trace bindings
sed -nE 's/^  (from|to) +//p' out >ends
expect_line ends 'ws:\* > body:/session'
expect_line ends ' as percent$'
cp shop.trace again.trace
dropped=0
while IFS= read -r born && IFS= read -r used; do
    "$reprise" bind again.trace set --born "$born" --used "$used" --state off >out 2>err ||
        fail "set refuses '$born' -> '$used': $(cat err)"
    "$reprise" bind again.trace drop --born "$born" --used "$used" >out 2>err ||
        fail "drop refuses '$born' -> '$used': $(cat err)"
    dropped=$((dropped + $(sed 's/ .*//' out)))
    "$reprise" bind again.trace add --born "$born" --used "$used" >out 2>err ||
        fail "add refuses '$born' -> '$used': $(cat err)"
    rows again.trace >again.rows
    equal "rows after '$born' -> '$used' was added again" "$(diff all.rows again.rows)" ""
done <ends
equal "each row is of one rule" "$dropped" "$(wc -l <all.rows)"

# An exchange and a '*': its own messages only.
bind() { "$reprise" bind "$@"; }
expect_exit 0 bind again.trace drop --used 'GET /live ws:* > body:/session'
expect_line out '^6 bindings dropped$'
expect_exit 0 bind again.trace add --born '7 ws:/type=ready > body:/session' --used '7 ws:* > body:/session'
expect_line out '^7 GET /live ws:/type=ready > body:/session -> 7 GET /live ws:\* > body:/session: 2 in 1 sessions$'
expect_exit 0 bind again.trace add --born '7 ws:/type=ready > body:/session' --used '7 ws:* > body:/session' --every-session
expect_line out ': 6 in 3 sessions$'
rows again.trace >again.rows
equal "rows after all of it" "$(diff all.rows again.rows)" ""

# What is no end, and what nothing is at.
complains() { # PATTERN WORD...
    local pattern=$1
    shift
    expect_exit 2 bind again.trace "$@"
    expect_complaint "$pattern"
}
complains "bind: --used: 'wz:\\* > body:/id': this reprise knows no such kind" add --born '1 body:/access_token' --used '7 wz:* > body:/id'
complains "bind: no request has at 'GET /jobs/\\{id\\} path:\\*' what an answer before it" add --born 'POST /signup body:/items/*/id' --used 'GET /jobs/{id} path:*'
complains 'bind: no binding has these ends' drop --born 'GET /nothing body:/id'
complains 'bind: drop takes numbers of bindings, or --born and --used' drop 3 --born 'GET /form body:/id'
finish
