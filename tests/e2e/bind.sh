#!/usr/bin/env bash
# bind.sh - bindings made by people: added with what was recorded looked at, for one session or for
# all, changed, dropped, carried to another trace as a file, and played.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3

# trace NAME FIRST LAST: a visit each, with a token, a job and an order of its own.
trace() {
    local i at
    for ((i = $2; i <= $3; i++)); do
        at=$((i * 100))
        cat <<SCRIPT
session visitor $i
$at $((at + 1)) POST /login 200 {"name":"v"}
header Content-Type: application/json
answer {"token":"tok/en$i.abc","user":{"id":4711}}
$((at + 2)) $((at + 3)) POST /jobs 202 {}
header Authorization: Bearer tok/en$i.abc
answer-header Location: /jobs/job_8f3a11c$i
answer {"id":"job_8f3a11c$i","status":"queued"}
$((at + 4)) $((at + 5)) GET /jobs/job_8f3a11c$i?t=tok%2Fen$i.abc 200
header Authorization: Bearer tok/en$i.abc
SCRIPT
    done | make_trace "$1"
}
rows() { sql "$1" "SELECT count(*) FROM binding${2:+ WHERE $2}"; }
trace one.trace 1 3
trace two.trace 7 9

# --- add: what is there, and what is there instead -----------------------------------------------
bind() { "$reprise" bind "$@"; }
expect_exit 0 bind one.trace add --born '1 body:/token' --used '2 header:Authorization'
expect_line out '^1 POST /login body:/token -> 2 POST /jobs header:Authorization, raw$'
expect_exit 0 bind one.trace add --born '2 header:Location > path:2' --used '3 path:2' --every-session
expect_line out 'raw: 3 in 3 sessions$'
expect_exit 0 bind one.trace add --born '1 body:/token' --used '3 query:t' --every-session
expect_line out 'percent: 3 in 3 sessions$'
expect_exit 0 bind one.trace add --born '1 body:/token' --used '3 header:Authorization' --every-session --note 'as the docs say'
equal "rows after four additions" "$(rows one.trace)" 10
equal "all of them people's" "$(rows one.trace "origin = 'edited' AND state = 'on'")" 10

complains() { # PATTERN TRACE WORD...
    local pattern=$1
    shift
    expect_exit 2 bind "$@"
    expect_complaint "$pattern"
}
complains "bind: the answer of exchange 1 has nothing at 'body:/tokens'; what the request carries is at: body:/token 'tok/en1.abc'" \
    one.trace add --born '1 body:/tokens' --used '2 header:Authorization'
complains "bind: the request of exchange 3 has nothing at 'path:7'; there is: path:1 'jobs', path:2 'job_8f3a11c1'" \
    one.trace add --born '2 body:/id' --used '3 path:7'
complains "bind: 'job_8f3a11c1' is not in 'jobs', which exchange 3 has at path:1; the request has it at: path:2 'job_8f3a11c1'" \
    one.trace add --born '2 body:/id' --used '3 path:1'
complains "bind: '4711' is not in 'job_8f3a11c1', which exchange 3 has at path:2; nor anywhere else in that request" \
    one.trace add --born '1 body:/user/id' --used '3 path:2'
complains 'bind: the answer of exchange 2 had not come when exchange 1 began' \
    one.trace add --born '2 body:/id' --used '1 body:/name'
complains 'bind: exchange 1 is of session 1 and exchange 5 of session 2' \
    one.trace add --born '1 body:/token' --used '5 header:Authorization'
complains 'bind: --used: the trace has no exchange 99' one.trace add --born '1 body:/token' --used '99 path:2'
complains "bind: --born 'body:/token': give an exchange and a place" one.trace add --born body:/token --used '2 path:1'
complains "bind: --used: 'pth:2': this reprise knows no such kind of place" one.trace add --born '1 body:/token' --used '2 pth:2'
complains 'bind: --form rot13: there are raw, percent' one.trace add --born '1 body:/token' --used '2 header:Authorization' --form rot13
complains 'bind: add needs both ends' one.trace add --born '1 body:/token'
complains "bind: 'ad' is none of list, add, .* did you mean add" one.trace ad
complains 'bind: there is no binding 77' one.trace drop 77
complains 'bind: set what' one.trace set 1
complains 'missing.trace: No such file' missing.trace list
equal "rows after complaints" "$(rows one.trace)" 10

# --- list, set, drop -----------------------------------------------------------------------------
expect_exit 0 bind one.trace list --json
equal "objects listed" "$(wc -l <out)" 10
expect_line out '"born_endpoint":"POST /login","born_place":"body:/token".*"form":"percent"'
expect_exit 0 bind one.trace
expect_line out 'as the docs say'
expect_exit 0 bind one.trace set 2 3 --state off --note 'not this one'
equal "rows that are off" "$(rows one.trace "state = 'off' AND evidence = 'not this one'")" 2
expect_exit 2 bind one.trace drop 2 99
equal "all or none" "$(rows one.trace)" 10
expect_exit 0 bind one.trace drop 1
equal "after a drop" "$(rows one.trace)" 9
expect_exit 0 bind one.trace set 2 3 --state on
expect_exit 0 bind one.trace add --born '1 body:/token' --used '2 header:Authorization' --every-session

# --- from trace to trace -------------------------------------------------------------------------
expect_exit 0 bind one.trace export shop.yaml
expect_line err '^4 bindings between endpoints written$'
expect_line shop.yaml '^ *place: header:Location > path:2$'
expect_exit 0 bind two.trace import shop.yaml
expect_line out '^4 of 4 bindings fit this trace: 12 in its sessions$'
sql two.trace "SELECT born_exchange_id - used_exchange_id, born_place, used_place, form, state, origin FROM binding
    ORDER BY used_exchange_id % 3, used_place, binding_id" >two.rows
sql one.trace "SELECT born_exchange_id - used_exchange_id, born_place, used_place, form, state, origin FROM binding
    ORDER BY used_exchange_id % 3, used_place, binding_id" >one.rows
equal "what the other trace has" "$(cat two.rows)" "$(cat one.rows)"
expect_exit 0 bind two.trace import shop.yaml
equal "imported twice" "$(rows two.trace)" 12
sed 's/POST .jobs/POST \/orders/' shop.yaml >other.yaml
expect_exit 0 bind two.trace import other.yaml
expect_line err '^other.yaml:[0-9]+: not applied: this trace has no request of its born endpoint$'
echo 'x: y' >bad.yaml
complains "bad.yaml:1: no such key: 'x'; the file has version and bindings" two.trace import bad.yaml
make_trace dated.trace <<'SCRIPT'
session visitor
100 101 GET /now 200
answer-header Date: Sat, 21 Nov 2026 22:28:07 GMT
answer {"at":"noon"}
102 103 GET /later?m=28 200
SCRIPT
complains "bind: the answer of exchange 1 has nothing at 'body:/minute'; there is: body:/at 'noon'$" \
    dated.trace add --born '1 body:/minute' --used '2 query:m'
complains 'none.yaml: No such file or directory: check the path' two.trace import none.yaml
expect_exit 0 bind one.trace export - # to standard output
expect_line out '^version: 1$'

trace three.trace 4 5
sed 's/^  state: on/  state: off/' shop.yaml >off.yaml
expect_exit 0 "$reprise" correlate three.trace --bindings off.yaml
expect_line err '^4 of 4 bindings fit this trace: 8 in its sessions$'
equal "found beside what a file has switched off, between the same places" "$(sql three.trace "SELECT count(*) FROM binding AS f
    JOIN binding AS e USING (born_exchange_id, born_place, used_exchange_id, used_place)
    WHERE f.origin = 'found' AND e.origin = 'edited'")" 0
complains2() { expect_exit 2 "$reprise" correlate "${@:2}" && expect_complaint "$1"; }
complains2 "correlate: --bindings writes into the trace.*'reprise replay TRACE --bindings FILE --dry-run'" three.trace --bindings off.yaml --dry-run
complains2 'bad.yaml:1: no such key' three.trace --bindings bad.yaml

# --- the table: a rule that is written in two forms has two lines ---------------------------------
for i in 1 2 3; do
    token=Zk8f3a11c2bQ7x$i
    [ $i = 3 ] || token=Zk8f3a+1c2/Q7x$i
    sent=${token//+/%2B}
    cat <<SCRIPT
session visitor $i
${i}00 ${i}01 GET /form 200
answer-header Content-Type: text/html
answer <html><form><input name=csrf_tok value="$token"></form></html>
${i}02 ${i}03 POST /form 200 csrf_tok=${sent//\//%2F}
header Content-Type: application/x-www-form-urlencoded
SCRIPT
done | make_trace forms.trace
expect_exit 0 "$reprise" correlate forms.trace
expect_line out '^ +2 +2 .* GET /form html:input\[csrf_tok\] +POST /form form:csrf_tok as percent$'
expect_line out '^ +1 +1 .* GET /form html:input\[csrf_tok\] +POST /form form:csrf_tok$'

# --- a name twice in one object: the first is read, by all ---------------------------------------
make_trace twice.trace <<'SCRIPT'
session visitor
100 101 POST /jobs 201
answer-header Content-Type: application/json
answer {"id":"job_8f3a11c1","id":"job_77aa12bc"}
102 103 GET /jobs/job_77aa12bc 200
104 105 GET /jobs/job_8f3a11c1 200
SCRIPT
expect_exit 0 "$reprise" correlate twice.trace
equal "bound by the first" "$(sql twice.trace 'SELECT born_place, used_exchange_id, used_place FROM binding')" 'body:/id|3|path:2'

# --- played --------------------------------------------------------------------------------------
expect_exit 0 "$reprise" replay two.trace --target http://127.0.0.1:9 --dry-run
expect_exit 0 test ! -s err
expect_exit 0 bind --help
expect_line out '^usage: reprise bind TRACE'
finish
