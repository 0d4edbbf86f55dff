#!/usr/bin/env bash
# rate_limit.sh - voicelab's limit of signups, held to what was declared: refusals beyond it are no
# failures, those within it and what passes beyond it are. By voicelab's own count.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3

# Five sign up: by themselves, and in one session each once the last one was answered.
signup() { # USER
    cat <<TRACE
$(($1 * 20)) $(($1 * 20 + 1)) POST /auth/signup 201 {"email":"u$1@shop.test","password":"a long password","name":"U"}
header Content-Type: application/json
TRACE
}
for user in {0..4}; do echo "session user-$user" && signup "$user"; done | make_trace signups.trace
{ echo 'session in turn' && for user in {0..4}; do signup "$user"; done; } | make_trace in_turn.trace

trace=signups.trace
# play RUN PLUGIN [options]: with every threshold a declared limit can have.
play() {
    local run=$1 plugin=$2
    shift 2
    code=0
    "$reprise" replay "$trace" --target "$url" --run "$run" --quiet --plugin "$plugin" \
        --threshold 'rate_limit_missed: count==0' --threshold 'rate_limited_early: count==0' "$@" \
        >out 2>err || code=$?
}
counted() { sql "$1" "SELECT ifnull(sum(sum), 0) FROM plugin_metric WHERE name = '$2'"; }
afresh() { # [options]
    [ -z "${pids[voicelab]:-}" ] || ended voicelab TERM
    rm -f voicelab.out # the last one's address
    start_voicelab "$@"
}
declared='rate_limit:limit=POST /auth/signup 3/h per address,allow=bucket'

afresh --limit-signup 3/h
play kept.run "$declared" --threshold 'http_req_failed: rate==0'
equal "exit code where the limit holds" "$code" 0
equal "refused as declared" "$(counted kept.run rate_limited_expected)" 2
equal "refused by voicelab's count" "$(metric 'rejected_total{reason="signup_limit"}')" 2
equal "let through beyond it" "$(counted kept.run rate_limit_missed)" 0

# A fixed window of voicelab's bucket: for the first hour they are the same.
afresh --limit-signup 3/h
play window.run "${declared%,*}"
equal "exit code with a window" "$code" 0
equal "refused as declared by a window" "$(counted window.run rate_limited_expected)" 2

afresh
play open.run "$declared"
equal "exit code where nothing is refused" "$code" 99
equal "let through beyond the limit" "$(counted open.run rate_limit_missed)" 2
expect_line out 'rate_limit_missed'

# Those under way might have used the limit up: here there are none.
afresh --limit-signup 1/h
trace=in_turn.trace play strict.run "$declared"
equal "exit code where too much is refused" "$code" 99
equal "refused within the limit" "$(counted strict.run rate_limited_early)" 4

# A column that nobody has checks nothing, and that is said once; one that is there is checked.
afresh
play column.run 'rate_limit:limit=POST /auth/signup 1/h per data:team'
equal "exit code where nothing is checked" "$code" 0
equal "warnings of a column that is not there" "$(grep -c 'has no column team of --data, and its requests count for no limit' err)" 1
printf 'team\nred\nred\nred\nred\nred\n' >teams.csv
afresh
play teams.run 'rate_limit:limit=POST /auth/signup 1/h per data:team' --data teams.csv
equal "exit code where nothing is refused to a team" "$code" 99
equal "let through beyond a team's limit" "$(counted teams.run rate_limit_missed)" 4
equal "warnings where the column is there" "$(grep -c 'has no column' err)" 0

# Whoever is told to wait waits, and is let in.
afresh --limit-signup 2/s
play waits.run 'rate_limit:limit=POST /auth/signup 2/s per address,allow=bucket,wait=on,jitter=100ms'
equal "exit code of a replay that waits" "$code" 0
equal "signed up after all" "$(grep -cE '"?POST /auth/signup.* 201' voicelab.log)" 5
equal "waits are what was refused" "$(counted waits.run rate_limit_waits)" \
    "$(metric 'rejected_total{reason="signup_limit"}')"
finish
