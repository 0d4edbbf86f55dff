#!/usr/bin/env bash
# identities.sh - ten of one recorded user: signups vary by themselves, logins by a file of users, and
# one account for all is refused unless it is asked for. By voicelab's own count.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3

json='header Content-Type: application/json'
# visit WITH_SIGNUP: a login, a look at oneself.
visit() {
    [ "$1" = no ] || cat <<SCRIPT
0.0 0.1 POST /auth/signup 201 {"email":"bob@shop.test","password":"a long password","name":"Bob"}
$json
SCRIPT
    cat <<SCRIPT
0.2 0.3 POST /auth/login 200 {"email":"bob@shop.test","password":"a long password"}
$json
answer {"access_token":"recorded.token","token_type":"Bearer","user":{"email":"bob@shop.test"}}
0.4 0.5 GET /me 200
header Authorization: Bearer recorded.token
SCRIPT
}
{ echo session bob && visit yes; } | make_trace signup.trace
{ echo session bob && visit no; } | make_trace login.trace

bind() { # TRACE BORN PLACE USED PLACE
    sql "$1" "INSERT INTO binding (born_exchange_id, born_place, used_exchange_id, used_place, score, evidence, state)
        VALUES ($2, '$3', $4, '$5', 1, 'by hand', 'on')"
}

replay() { # EXIT_CODE TRACE [options]
    local code=$1 trace=$2
    shift 2
    rm -f a.run
    expect_exit "$code" "$reprise" replay "$trace" --target "$url" --run a.run -q "$@"
}
refused() {
    curl --silent "$url/metrics" |
        awk '/^voicelab_http_requests_total/ && /status="4/ { n += $2 } END { print n + 0 }'
}

# Ten users sign up with one address: nine are refused.
bind signup.trace 2 body:/access_token 3 header:Authorization
start_voicelab
replay 0 signup.trace --scale 10
equal "refused with one address" "$(refused)" 9

# An address of its own for each, and the same where it was the same.
bind signup.trace 1 new:email 1 body:/email
bind signup.trace 1 new:email 2 body:/email
replay 0 signup.trace --scale 10 --seed 2
equal "refused with addresses of their own" "$(refused)" 9
equal "diverged" "$(sql a.run 'SELECT sum(diverged) FROM total')" 0
# The same seed draws the same addresses, and they have accounts by now.
replay 0 signup.trace --scale 10 --seed 2
equal "refused with the same addresses again" "$(refused)" 19

# Verify draws a seed of its own each time: no run of it meets the accounts of another. One that is given is
# told when the target has its values.
seeds=()
for _ in 1 2; do
    expect_exit 0 "$reprise" verify signup.trace --target "$url" --max-divergence 100%
    equal "signups refused" "$(grep -c '409 at' out)" 0
    seeds+=("$(sed -n 's/^  seed  *\([0-9]*\), drawn for this run$/\1/p' out)")
done
holds "seeds were drawn" "${seeds[0]} != ${seeds[1]}"
expect_exit 0 "$reprise" verify signup.trace --target "$url" --seed 7 --max-divergence 100% --json
equal "signups refused" "$(grep -c '"status": 409' out)" 0
expect_line out '"seed": 7,'
expect_exit 110 "$reprise" verify signup.trace --target "$url" --seed 7
expect_line out 'body:/email is client-made \(new:email\): such values are those of seed 7, which the target has seen; leave --seed out'
expect_line out '^  seed  *7$'

# A login as somebody: one may, several have to be asked for.
bind login.trace 1 body:/access_token 2 header:Authorization
bind login.trace 1 data:email 1 body:/email
replay 0 login.trace
replay 2 login.trace --scale 5
expect_complaint "replay: 5 users would log in as 1 recorded accounts, several as one; give each user a row with --data FILE, or say --shared-accounts"
replay 2 login.trace --users 3 --duration 1s
expect_complaint "replay: 3 users would log in as 1 recorded accounts"
replay 0 login.trace --scale 5 --shared-accounts
expect_line err 'warning: 5 users log in as 1 recorded accounts, several as one \(--shared-accounts\)'

# With rows each is somebody else: by the binding, by the fields' names, by the recorded text.
{
    echo email,password
    for i in 1 2 3; do
        curl --silent --output /dev/null --header 'Content-Type: application/json' \
            --data "{\"email\":\"u$i@x.test\",\"password\":\"pass, \\\"word\\\" $i\",\"name\":\"U$i\"}" "$url/auth/signup"
        echo "u$i@x.test,\"pass, \"\"word\"\" $i\""
    done
} >users.csv
before=$(refused)
replay 0 login.trace --scale 3 --data users.csv
equal "diverged with rows" "$(sql a.run 'SELECT sum(diverged) FROM total')" 0
sql login.trace "DELETE FROM binding WHERE born_place = 'data:email'"
replay 0 login.trace --scale 3 --data users.csv
sed 's/^email,password$/who,word/' users.csv >other.csv
cp login.trace wants.trace
bind wants.trace 1 data:email 1 body:/email
replay 2 wants.trace --data other.csv
expect_complaint "replay: --data other.csv: no request has a field of its columns' names, nor a binding to data:COLUMN; the bindings want email .body:/email of exchange 1.; --map"
replay 0 login.trace --scale 3 --data other.csv --map who=bob@shop.test --map 'word=a long password'
sed -n '2,$s/^\([^,]*\),.*\([0-9]\)"$/{"word":"pass, \\"word\\" \2","who":"\1"}/p' users.csv >users.jsonl
equal "lines of JSON" "$(wc -l <users.jsonl)" 3
replay 0 login.trace --scale 3 --data users.jsonl --map who=bob@shop.test --map 'word=a long password'
equal "diverged with lines of JSON" "$(sql a.run 'SELECT sum(diverged) FROM total')" 0
equal "refused with rows" "$(refused)" "$before"
replay 0 login.trace --users 2 --duration 300ms --pacing max --data users.csv --data-mode round-robin
equal "refused in turn" "$(refused)" "$before"

expect_exit 0 "$reprise" verify login.trace --target "$url" --data users.csv --max-divergence 100%
equal "refused when verified" "$(refused)" "$before"

# A column that has a field's name leaves what an answer gives alone, unless --map asks for it.
{
    echo session bob && visit no | head -3
    echo '0.4 0.5 POST /auth/refresh 200 {"refresh_token":"recorded.refresh"}' && echo "$json"
} | sed 's/"token_type"/"refresh_token":"recorded.refresh","token_type"/' | make_trace refresh.trace
bind refresh.trace 1 body:/refresh_token 2 body:/refresh_token
sed 's/^email,password$/email,password,refresh_token/; 2,$s/$/,incidental/' users.csv >wide.csv
replay 0 refresh.trace --scale 3 --data wide.csv
equal "diverged with a column too many" "$(sql a.run 'SELECT sum(diverged) FROM total')" 0
expect_line err 'warning: --data wide.csv: not used where a binding takes the value from an answer: refresh_token; --map COLUMN=TEXT'
replay 0 refresh.trace --scale 3 --data wide.csv --map refresh_token=recorded.refresh
equal "diverged with it asked for" "$(sql a.run 'SELECT sum(diverged) FROM total')" 3
equal "columns that are not used" "$(grep -c 'not used where' err)" 0

# What is wrong is said before anything is sent.
sent=$(wc -l <voicelab.log)
replay 2 login.trace --scale 5 --data users.csv
expect_complaint "replay: --data users.csv has 3 rows, and 5 are needed: one for each user"
replay 2 login.trace --scale 3 --data other.csv
expect_complaint "replay: --data other.csv: no request has a field of its columns' names"
# Whose columns they are only the plugins may know.
replay 0 login.trace --scale 3 --data other.csv --plugin example --dry-run
replay 2 login.trace --data users.csv --map name=bob@shop.test
expect_complaint "replay: --map name=...: users.csv has no such column; it has email, password"
replay 2 login.trace --scale 3 --data other.csv --map who=bob@shop.test --map 'word=a long passwort'
expect_complaint "replay: --map word=...: no recorded request carries that text; look for a slip in it"
printf 'email,password\na@x\n' >ragged.csv
replay 2 login.trace --data ragged.csv
expect_complaint "replay: --data ragged.csv: line 2 has 1 fields, the header has 2 columns"
printf 'email,password\n' >none.csv
replay 2 login.trace --data none.csv
expect_complaint "replay: --data none.csv: there are no rows behind its header"
truncate -s 1G large.csv
replay 2 login.trace --data large.csv
expect_complaint "replay: --data large.csv: it is larger than 256 MB"
equal "requests of what was refused" "$(($(wc -l <voicelab.log) - sent))" 0

# Who the users are is part of the plan.
digest() { "$reprise" replay login.trace --target "$url" --dry-run "$@" | sed -n 's/^plan *//p'; }
first=$(digest --data users.csv)
equal "the plan again" "$(digest --data users.csv)" "$first"
holds "a plan of other users is another" "\"$(digest --data users.csv --data-mode shared)\" != \"$first\""
finish
