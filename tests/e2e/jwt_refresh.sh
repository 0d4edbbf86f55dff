#!/usr/bin/env bash
# jwt_refresh.sh - fifty users whose tokens live for five seconds, against a voicelab that means it:
# without the plugin they are refused, with it no 401 reaches a result, by voicelab's own log.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3
users=50

# A visit of a hundred seconds with a token of a quarter of an hour, renewed in the middle, and its end.
json='Content-Type: application/json'
pair() { # NUMBER
    local header payload
    header=$(printf '{"alg":"HS256","typ":"JWT"}' | base64 -w 0 | tr -d =)
    payload=$(printf '{"sub":"acc_1","iat":1700000000,"exp":1700000900,"jti":"%s"}' "$1" | base64 -w 0 | tr -d =)
    token=$header.$payload.c2lnbmF0dXJl
    echo "header $json"
    echo "answer-header $json"
    echo "answer {\"access_token\":\"$token\",\"expires_in\":900,\"refresh_token\":\"rt_recorded_number_$1\"}"
}
look() { # FROM TO
    local i
    for ((i = $1; i < $2; i++)); do
        echo "$((i * 2500)) $((i * 2500 + 10)) GET /me 200"
        echo "header Authorization: Bearer $token"
    done
}
{
    echo 'session visitor'
    echo '0 10 POST /auth/signup 201 {"email":"ada@shop.test","password":"a long password","name":"Ada"}'
    echo "header $json"
    echo '20 30 POST /auth/login 200 {"email":"ada@shop.test","password":"a long password"}'
    pair 1 >pair
    pair 1 >/dev/null # sets `token`
    cat pair
    look 1 20
    echo '50000 50010 POST /auth/refresh 200 {"refresh_token":"rt_recorded_number_1"}'
    pair 2 >pair
    pair 2 >/dev/null
    cat pair
    look 21 40
    echo '100000 100010 POST /auth/logout 204'
    echo "header Authorization: Bearer $token"
} >visit
make_trace visit.trace <visit
expect_exit 0 "$reprise" correlate visit.trace

logged() { awk -v path="$1" -v status="$2" '$5 ~ path && $6 == status { n++ } END { print n + 0 }' voicelab.log; }
plugin_metric() { sql "$1" "SELECT coalesce(sum(sum), 0) FROM plugin_metric WHERE name = '$2'"; }

replay() { # RUN [options]
    local run=$1
    shift
    rm -f voicelab.out voicelab.log
    start_voicelab --access-ttl 5s
    expect_exit 0 "$reprise" replay visit.trace --target "$url" --scale $users --run "$run.run" -q "$@"
    ended voicelab TERM
}

replay without --speed 5
holds "without it most is refused" "$(logged /me 401) > $users * 10"

# Renewing is due every five seconds of the target, though think times are a fifth.
replay with --speed 5 --workers 2 --plugin jwt_refresh --verbose
expect_line err 'jwt_refresh: 1 of 1 sessions log in at POST /auth/login, 1 refresh at POST /auth/refresh'
equal "401s in results" "$(plugin_metric with.run jwt_401_left)" 0
equal "401s that voicelab gave" "$(logged . 401)" "$(plugin_metric with.run jwt_401_saved)"
equal "users lost" "$(plugin_metric with.run jwt_users_lost)" 0
equal "logins" "$(logged /auth/login 200)" $users
equal "visits that were whole" "$(logged /me 200)" $((users * 38))
equal "users who left" "$(logged /auth/logout 204)" $users
equal "refreshes by both accounts" "$(logged /auth/refresh 200)" "$(plugin_metric with.run jwt_refreshes)"
# Twenty seconds of lives of 5 to 6 s are three refreshes; the recorded one was none of them.
holds "refreshes a user" "$(logged /auth/refresh 200) >= 3 * $users && $(logged /auth/refresh 200) <= 4 * $users"
equal "recorded refreshes left out" "$(plugin_metric with.run jwt_recorded_dropped)" $users
equal "refreshes that voicelab refused" "$(logged /auth/refresh 401)" 0

# Options that the trace does not have are told; what is found is used all the same.
replay odd --speed 50 --plugin jwt_refresh:login=POST:/nothere,refresh=POST:/nowhere,access=no.token
expect_line err 'login=POST:/nothere: no exchange of the trace is this one'
expect_line err 'refresh=POST:/nowhere: no exchange of the trace is this one; it is sent as refresh_body says'
expect_line err 'access=no.token: no answer to a login or refresh has a token there'
equal "users lost with odd options" "$(plugin_metric odd.run jwt_users_lost)" 0

# Nobody has an account: each login is refused, and the threshold that is recommended says so.
sed '/auth\/signup/,+1d' visit >strangers
make_trace strangers.trace <strangers
expect_exit 0 "$reprise" correlate strangers.trace
start_voicelab
"$reprise" replay strangers.trace --target "$url" --scale $users --shared-accounts --speed 50 --run strangers.run -q --plugin jwt_refresh \
    --threshold 'jwt_users_lost: count<1' >out 2>err && fail "the threshold passed though nobody could log in"
equal "users without an account" "$(plugin_metric strangers.run jwt_users_lost)" $users
expect_line err '45 more users have no token that the target takes'
finish
