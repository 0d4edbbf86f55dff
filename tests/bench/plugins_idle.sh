#!/usr/bin/env bash
# What plugins cost that are loaded for traffic which does not concern them: full speed with
# jwt_refresh, multipart_audio and ai_queue, and without, in turns. The pages have no token, upload or
# job in them; then a login comes before 200 of them, which carry a value of an answer: the session is
# jwt_refresh's, and one of its steps. Without and without, in the same turns, says what a pair is
# worth. Ratios are of pairs, their medians are shown.
#
#     tests/bench/plugins_idle.sh BUILD
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need nginx sqlite3
seconds=$(brief "${BENCH_SECONDS:-6}" 1)
plugins=(--plugin multipart_audio --plugin ai_queue --plugin jwt_refresh)

token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSIsImV4cCI6NDEwMjQ0NDgwMCwiaWF0IjoxNzAwMDAwMDAwfQ.c2ln
login="{\"access_token\":\"$token\",\"token_type\":\"Bearer\",\"expires_in\":900000}"
cart='{"id":"c-8f2e41d09a77b3c1"}'
nginx_server="location = /auth/login { return 200 '$login'; } location = /carts { return 201 '$cart'; }"
start_nginx 1 600
for user in $(seq 20); do
    echo "session user-$user"
    for i in $(seq 20); do
        echo "$((i * 5)) $((i * 5 + 2)) GET /shop/items/$i 200"
        echo "header User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
        echo "header Accept: text/html,application/xhtml+xml"
    done
done | "$make_trace" "$work/pages.trace"

{
    echo "session one"
    echo '0 1 POST /auth/login 200 {"email":"ada@shop.test","password":"a long password"}'
    echo "header Content-Type: application/json"
    echo "answer-header Content-Type: application/json"
    echo "answer $login"
    echo "1 2 POST /carts 201 {}"
    echo "answer-header Content-Type: application/json"
    echo "answer $cart"
    for i in $(seq 200); do
        echo "$((i * 5)) $((i * 5 + 2)) GET /carts/c-8f2e41d09a77b3c1/items/$((i % 20)) 200"
        echo "header User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
        echo "header Accept: text/html,application/xhtml+xml"
    done
    for i in $(seq 200); do echo "bind 2 body:/id -> $((i + 2)) path:2"; done
} | "$make_trace" "$work/login.trace"

# once TRACE [options]: requests a second, and microseconds of CPU a request.
once() {
    local trace=$1
    shift
    rm -f "$work/idle.run"
    taskset -c 0 "$reprise" replay "$work/$trace.trace" -q --target "$url" --users 100 --duration "${seconds}s" \
        --pacing max --graceful-stop 0s --run "$work/idle.run" "$@" >"$work/out" 2>"$work/err" ||
        fail "$(tail -n 1 "$work/err")"
    sqlite3 -separator ' ' "$work/idle.run" "SELECT (SELECT sum(requests) FROM total) * 1e6 / duration_us,
        (SELECT sum(worker_cpu_us) FROM generator_second) * 1.0 / (SELECT sum(requests) FROM total) FROM run"
}
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# pair NAME TRACE [options]: one run without and one with them.
pair() {
    local name=$1 trace=$2 plain plain_cpu other other_cpu
    shift 2
    read -r plain plain_cpu < <(once "$trace")
    read -r other other_cpu < <(once "$trace" "$@")
    say "$name: $plain and $other requests/s, $plain_cpu and $other_cpu us each"
    calc "$other / $plain" "%.4f\n" >>"$work/$name.speed"
    calc "$other_cpu / $plain_cpu" "%.4f\n" >>"$work/$name.cpu"
    echo "$plain" >>"$work/$name.plain"
}
row() { # NAME TEXT
    echo "| $2 | $(calc "$(median <"$work/$1.plain")" %.0f) | $(calc "$(median <"$work/$1.speed")" %.3f) of it |" \
        "$(calc "$(median <"$work/$1.cpu")" %.3f) |"
}

once pages >/dev/null
for ((round = 0; round < runs; round++)); do
    pair same pages
    pair pages pages "${plugins[@]}"
    pair login login "${plugins[@]}"
done
machine
echo "| full speed, 100 users | requests/s without | with jwt_refresh, multipart_audio, ai_queue | CPU a request |"
echo "|---|---|---|---|"
row same "20 pages, both times without: what a pair is worth"
row pages "20 pages, no session is theirs"
row login "a login, then 200 pages with a value of an answer"
