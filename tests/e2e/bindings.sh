#!/usr/bin/env bash
# bindings.sh - a recording whose tokens and ids are none of this target's: every request behind the
# login fails, until the trace's bindings say where its values come from. By voicelab's own count.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3

# Five visits of seven requests, each with a token, a job and a conversation of its own.
visit() { # NUMBER
    local token="recorded.token.$1" type='header Content-Type: application/json' i=$1
    cat <<SCRIPT
session visitor $i
$((i * 20)).0 $((i * 20)).1 POST /auth/signup 201 {"email":"v$i@shop.test","password":"a long password","name":"V"}
$type
$((i * 20)).2 $((i * 20)).3 POST /auth/login 200 {"email":"v$i@shop.test","password":"a long password"}
$type
answer {"access_token":"$token","token_type":"Bearer","user":{"email":"v$i@shop.test"}}
$((i * 20)).4 $((i * 20)).5 GET /me 200
header Authorization: Bearer $token
$((i * 20)).6 $((i * 20)).7 POST /jobs 202 {"text":"say something"}
$type
header Authorization: Bearer $token
answer-header Location: /jobs/job_old$i
answer {"id":"job_old$i","status":"queued"}
$((i * 20)).8 $((i * 20)).9 GET /jobs/job_old$i 200
header Authorization: Bearer $token
$((i * 20 + 1)).0 $((i * 20 + 1)).1 POST /conversations 201 {"title":"weather"}
$type
header Authorization: Bearer $token
answer {"id":"conv_old$i","context_id":"ctx_old$i"}
$((i * 20 + 1)).2 $((i * 20 + 1)).3 POST /conversations/conv_old$i/turns 200 {"text":"hi","context_id":"ctx_old$i"}
$type
header Authorization: Bearer $token
SCRIPT
}
for i in 1 2 3 4 5; do visit "$i"; done | make_trace shop.trace
requests=35 behind_login=25

# bind BORN PLACE USED PLACE: from the n-th to the m-th request of every visit.
bind() {
    sql shop.trace "INSERT INTO binding
        (born_exchange_id, born_place, used_exchange_id, used_place, score, evidence, state)
        SELECT 7 * (session_id - 1) + $1, '$2', 7 * (session_id - 1) + $3, '$4', 1, 'by hand', 'on'
        FROM session"
}

# play TRANSPORT [options]: against a voicelab that knows none of the recorded users.
play() {
    local transport=$1
    shift
    rm -f shop.run voicelab.out # the last one's address
    start_voicelab
    expect_exit 0 "$reprise" replay shop.trace --target "$url" --transport "$transport" --run shop.run -q "$@"
    refused=$(curl --silent "$url/metrics" |
        awk '/^voicelab_http_requests_total/ && /status="4/ { n += $2 } END { print n + 0 }')
    ended voicelab TERM
}

for transport in native curl; do
    play $transport
    equal "refused by $transport without bindings" "$refused" $behind_login
done

for used in 3 4 5 6 7; do bind 2 body:/access_token $used header:Authorization; done
bind 4 'header:Location > path:2' 5 path:2
bind 6 body:/id 7 path:2
bind 6 body:/context_id 7 body:/context_id

for transport in native curl; do
    play $transport
    equal "refused by $transport with them" "$refused" 0
    equal "answered as recorded by $transport" \
        "$(sql shop.run 'SELECT sum(requests) - sum(diverged) FROM total')" $requests
    expect_exit 0 test ! -s err
done
# The same with arrivals and requests at their recorded offsets.
play native --pacing open
equal "refused in open pacing" "$refused" 0

# The same out of a file, over a trace that has none: it is not written. Most requests of a rule
# come from a file that is right, and one that sends a place as recorded keeps the trace's own away.
expect_exit 0 "$reprise" bind shop.trace export shop.yaml
cp shop.trace with.trace
sql shop.trace "CREATE TABLE kept AS SELECT * FROM binding; DELETE FROM binding"
before=$(sha256sum shop.trace)
for transport in native curl; do
    play $transport --bindings shop.yaml
    equal "refused by $transport with them from a file" "$refused" 0
    equal "said of a file that fits" "$(wc -c <err)" 0
done
start_voicelab
expect_exit 0 "$reprise" verify shop.trace --target "$url" --bindings shop.yaml --max-divergence 100
ended voicelab TERM
expect_line out '^  exchanges  [0-9]+ compared'
equal "refused while verified with them" "$(grep -cE '^  (401|404) at' out)" 0
dry() { expect_exit 0 "$reprise" replay "$1" --target http://127.0.0.1:9 --dry-run "${@:2}"; }
dry shop.trace
bare=$(grep ^plan out)
dry shop.trace --bindings shop.yaml
expect_line out '^bindings  40 from shop.yaml \(28 of its 28 fit\), instead of 0 of the trace.s own$'
equal "plans with and without the file's" "$(grep -cF "$bare" out)" 0
sed 's/^  state: on/  state: off/' shop.yaml >off.yaml
dry with.trace --bindings off.yaml
expect_line out '^bindings  40 from off.yaml \(28 of its 28 fit\), instead of 40 of the trace.s own$'
equal "the plan with all of them off" "$(grep ^plan out)" "$bare"
dry shop.trace --bindings shop.yaml --max-plan-size 100KB # it streams
equal "the trace that was read" "$(sha256sum shop.trace)" "$before"
sed 's/POST .jobs$/POST \/orders/' shop.yaml >other.yaml
dry with.trace --bindings other.yaml
expect_line err 'warning: other.yaml:[0-9]+: not used: this trace has no request of its (born|used) endpoint$'
echo 'x: y' >bad.yaml
for verb in replay verify; do
    expect_exit 2 "$reprise" $verb shop.trace --target http://127.0.0.1:9 --bindings bad.yaml
    expect_complaint "$verb: bad.yaml:1: no such key: 'x'"
done
expect_exit 2 "$reprise" verify shop.trace --target http://127.0.0.1:9 --bindings shop.yaml --fix
expect_complaint 'verify: --fix writes into the trace'
sql shop.trace "INSERT INTO binding SELECT * FROM kept; DROP TABLE kept"

# A target whose answers give none of them: said in the summary, and a threshold can be put on it.
without_values() { # --on-missing
    rm -f missing.run
    start_server bad "$build/tests/bad_server"
    expect_exit 99 "$reprise" replay shop.trace --target "$url" --on-missing "$1" --run missing.run -q \
        --threshold 'bindings_missing: count<1' --summary-export missing.json
    equal "requests without a value, --on-missing $1" "$(sql missing.run "SELECT missing_$1 FROM session_total")" $behind_login
    expect_line missing.json "\"$1\": $behind_login"
    ended bad TERM
}
without_values recorded
expect_line out "bindings_missing\.*: $behind_login requests lacked a value: sent with the recorded one\$"
tr -s '[:space:]' ' ' <out >verdict # it is several lines long
expect_line verdict "; but $behind_login of $requests requests went out with recorded values"
without_values skip
expect_line out "bindings_missing\.*: $behind_login requests lacked a value: not sent\$"

# A row that is none is left out, and said.
sql shop.trace "UPDATE binding SET used_place = 'pth:2' WHERE used_exchange_id = 5 AND used_place = 'path:2'"
play native
equal "refused without one of them" "$refused" 1
expect_line err "warning: shop.trace: 1 bindings are not used; the first is binding [0-9]+: used_place 'pth:2': this reprise knows no such kind of place"
finish
