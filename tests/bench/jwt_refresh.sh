#!/usr/bin/env bash
# A thousand users for two minutes against a voicelab whose tokens live for 5 s (its exp is a whole
# second, so 5.5 on average): 401s that reach a result, refreshes per user beside the least that a
# user with its requests can do with, and the fullest 100 ms beside the average. All but the first
# column's name is of voicelab's own log. usage: jwt_refresh.sh BUILD
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need sqlite3

users=$(brief 1000 50)
seconds=$(brief 120 20)
voicelab=$build/tests/voicelab/voicelab

# A visit longer than the run, a request every 1 to 3 s with one token.
visit() {
    awk -v seconds="$seconds" 'BEGIN {
        srand(7)
        json = "Content-Type: application/json"
        token = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIxIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDA5MDB9.c2ln"
        print "session visitor"
        print "0 10 POST /auth/signup 201 {\"email\":\"ada@shop.test\",\"password\":\"a long password\",\"name\":\"Ada\"}"
        print "header " json
        print "20 30 POST /auth/login 200 {\"email\":\"ada@shop.test\",\"password\":\"a long password\"}"
        print "header " json
        print "answer-header " json
        print "answer {\"access_token\":\"" token "\",\"expires_in\":900,\"refresh_token\":\"rt_recorded_number_1\"}"
        for (at = 1000; at < (seconds + 20) * 1000; at += 1000 + int(rand() * 2000)) {
            print at, at + 5, "GET /me 200"
            print "header Authorization: Bearer " token
        }
    }'
}
visit | "$make_trace" "$work/visit.trace"
"$reprise" correlate "$work/visit.trace" >"$work/out"

# Of the log: refreshes, what the same requests need at least, users, the fullest 100 ms, 401s. A user
# is a connection; the least is to renew at the first request behind the end, and only there.
account() {
    sort -n "$work/log" | awk -v seconds="$seconds" '
        function ends(at) { return int((at + 5000000 + 999999) / 1000000) * 1000000 }
        NR == 1 { first = $1 } # mawk has no whole numbers of that size as names
        $6 == 401 { refused++ }
        $5 == "/auth/login" && $6 == 200 { users++; good[$3] = ends($1) }
        $5 == "/auth/refresh" && $6 == 200 {
            refreshes++
            bin = int(($1 - first) / 100000)
            if (++bins[bin] > most) most = bins[bin]
        }
        $5 == "/me" && ($3 in good) && $1 >= good[$3] { least++; good[$3] = ends($1) }
        END {
            printf "%d %d %d %d %d %.1f\n", users, refreshes, least, refused, most, refreshes / seconds / 10
        }'
}

metric() { sqlite3 "$work/run" "SELECT coalesce(sum(sum), 0) FROM plugin_metric WHERE name = '$1'"; }

# row NAME [OPTION...]
row() {
    local name=$1 pid all least refused most mean count
    shift
    rm -f "$work/run" "$work/vl"
    "$voicelab" --port 0 --access-ttl 5s --access-log "$work/log" >"$work/vl" 2>&1 &
    pid=$!
    started+=("$pid")
    wait_until file_has "$work/vl" 'listening on'
    url=$(sed -n 's/.*listening on //p' "$work/vl")
    "$reprise" replay "$work/visit.trace" -q --target "$url" --plugin jwt_refresh:refresh=POST:/auth/refresh \
        --graceful-stop 1s --run "$work/run" "$@" >"$work/out" 2>"$work/err" || fail "$(tail -n 3 "$work/err")"
    kill "$pid"
    wait "$pid" || true
    read -r count all least refused most mean < <(account)
    echo "| $name | $count | $(metric jwt_401_left) | $refused | $(calc "$all / $count" %.2f) | $(calc "$least / $count" %.2f) |" \
        "$(calc "($all / $least - 1) * 100" %.1f) % | $most | $mean | $(calc "$most / $mean" %.2f) |"
}

say "three runs of $seconds s"
machine
echo "| users begin | users | 401s in results | 401s given | refreshes a user | least possible | more | fullest 100 ms | average | times |"
echo "|---|---|---|---|---|---|---|---|---|---|"
row "within 10 s" --stage "10s:$users" --stage "$((seconds - 10))s:$users"
row "all at once" --users "$users" --duration "${seconds}s"
row "within 10 s, two workers" --workers 2 --stage "10s:$users" --stage "$((seconds - 10))s:$users"
