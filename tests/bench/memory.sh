#!/usr/bin/env bash
# Memory of a waiting user, without a connection and with an open one: each user sends a request and then
# waits for a quarter of an hour. The resident size with N users, less that with one, by N - 1.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/bench/load.sh
source "$(dirname "$0")/load.sh"
need nginx sqlite3
[ "$(ulimit -Hn)" -ge 20000 ] || skip "needs 20000 open files; ulimit -Hn is $(ulimit -Hn)"
ulimit -n 20000

{
    echo "session one"
    for i in 0 1; do
        echo "$((i * 900000)) $((i * 900000 + 1)) GET /tick/$i 200"
        while IFS= read -r line; do echo "header $line"; done <<<"$browser_headers"
    done
} | "$make_trace" "$work/wait.trace"

served_all() { count_served && [ $((served - begun)) -ge $(($1 + looks++)) ]; }
# Connections to the target that are open at the client's end.
connections() {
    awk -v to="$(printf ':%04X' "$port")" '$4 == "01" && $3 ~ to "$" { n++ } END { print n + 0 }' /proc/net/tcp
}
none_is_open() { [ "$(connections)" = 0 ]; }

# rss_of USERS WAITS-FOR COMMAND...: sets rss_kib and opened once all have been answered.
rss_of() {
    local users=$1 kept=$2 pid looks=1
    shift 2
    count_served
    begun=$served
    "$@" >"$work/out" 2>"$work/err" &
    pid=$!
    started+=("$pid")
    for ((i = 0; i < 20; i++)); do # 20 times 30 s at most
        (wait_until served_all "$users") 2>/dev/null && break
        kill -0 "$pid" 2>/dev/null || fail "ended early: $(tail -n 2 "$work/err")"
    done
    [ "$kept" = kept ] || wait_until none_is_open
    pause 2 # what is on its way is freed
    rss_kib=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
    opened=$(connections)
    kill "$pid"
    wait "$pid" || true # stopped by a signal, as it says
    started=("${started[@]:0:${#started[@]}-1}")
    rm -f "$work/wait.run"
}
replay_users() { # USERS KEPT
    # Copies of one session begin spread over a second, or as many as bring 5,000 a second.
    rss_of "$1" "$2" "$reprise" replay "$work/wait.trace" "${native[@]}" --target "$url" --scale "$1" --arrival-speed \
        "$(calc "5000 / ($1 + 5000)" %.4f)" --timeout 120s -q --run "$work/wait.run"
}
replay_tls_users() { # USERS KEPT
    rss_of "$1" "$2" "$reprise" replay "$work/wait.trace" "${native[@]}" --target "$url" --cacert "$work/ca.pem" --scale "$1" \
        --arrival-speed "$(calc "500 / ($1 + 500)" %.4f)" --timeout 120s -q --run "$work/wait.run"
}
locust_users() { # USERS KEPT
    LOCUST_ONE=1 rss_of "$1" "$2" locust -f "$(dirname "$0")/locustfile.py" --headless --only-summary \
        -u "$1" -r 500 --host "$url"
}
# row TEXT BASE-KIB USERS
row() {
    echo "| $1 | $3 | $opened | $rss_kib | $2 | ($rss_kib - $2) / $(($3 - 1)) =" \
        "$(calc "($rss_kib - $2) / ($3 - 1)") | $(calc "$rss_kib / 1024" %.0f) |" >>"$work/rows"
    say "$(tail -n 1 "$work/rows")"
}
# grow TEXT FUNCTION KEPT USERS...
grow() {
    local text=$1 users base
    "$2" 1 "$3"
    base=$rss_kib
    for users in "${@:4}"; do
        "$2" "$users" "$3"
        row "$text" "$base" "$users"
    done
}

keepalive_timeout=0 start_nginx - 100
# shellcheck disable=SC2046
grow "reprise, no connection" replay_users closed $(brief "1000 10000 100000" "200 1000")
stop_nginx
keepalive_timeout=3600s start_nginx - 100
# shellcheck disable=SC2046
grow "reprise, a connection each" replay_users kept $(brief "1000 8000" "200 1000")
if have locust; then
    # shellcheck disable=SC2046
    grow "Locust FastHttpUser, a connection each" locust_users kept $(brief "1000 4000" 200)
fi
stop_nginx
start_nginx - 100 ssl
# shellcheck disable=SC2046
grow "reprise, a TLS connection each" replay_tls_users kept $(brief "1000 4000" 200)

machine
echo "| | users | connections open | resident KiB | with one user | KiB a user | resident MiB |"
echo "|---|---|---|---|---|---|---|"
cat "$work/rows"
missing locust
