#!/usr/bin/env bash
# Half an hour at about half of the full speed: HTTP, connections that the target closes every 200
# requests, WebSockets that come and go. Memory and descriptors once a second, as a picture
# (docs/soak.svg). SOAK_SECONDS=60 is shorter.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/bench/load.sh
source "$(dirname "$0")/load.sh"
two_cores
soak_s=$(brief "${SOAK_SECONDS:-1800}" 5)
users=500
picture=$here/../../docs/soak.svg

# The WebSockets are bad_server's, which echoes and says "ping" once, behind nginx.
"$build/tests/bad_server" >"$work/echo.log" &
started+=($!)
wait_until file_has "$work/echo.log" 'listening on'
echo_port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/echo.log")
keepalive_requests=200
nginx_server="location /ws/ {
            proxy_pass http://127.0.0.1:$echo_port;
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection upgrade;
        }"
start_nginx 1 600
# Sessions of 400 requests, one every 10 ms, and of a WebSocket with ten messages within a second.
{
    echo "session reader"
    for i in $(seq 0 399); do
        echo "$((i * 10)) $((i * 10)) GET /shop/items/$((i % 20 + 1))?page=$((i % 7)) 200"
        while IFS= read -r line; do echo "header $line"; done <<<"$browser_headers"
    done
    echo "session talker"
    echo "5000 5001 WS /ws/echo"
    for i in $(seq 0 9); do
        echo "> $((5010 + i * 100)) message $i"
        echo "< $((5011 + i * 100)) message $i"
        [ "$i" != 0 ] || echo "< 5012 ping"
    done
    echo "> 6010 close 1000"
} | "$make_trace" "$work/soak.trace"

taskset -c 0 "$reprise" replay "$work/soak.trace" "${native[@]}" --target "$url" --users $users --duration "${soak_s}s" \
    --graceful-stop 5s -q --run "$work/soak.run" --summary-export "$work/soak.json" >"$work/out" 2>"$work/err" &
soak_pid=$!
started+=("$soak_pid")

say "$soak_s s"
echo "second,resident_kib,descriptors,requests_per_s,connections_opened_per_s" >"$work/soak.csv"
count_served
began=${EPOCHREALTIME/./} before=$served opened=$accepted
for ((second = 1; ; second++)); do
    wait_us=$((began + second * 1000000 - ${EPOCHREALTIME/./}))
    [ "$wait_us" -lt 1000 ] || pause "$(calc "$wait_us / 1e6" %.3f)"
    rss_kib=$(awk '/^VmRSS/ { print $2 }' "/proc/$soak_pid/status" 2>/dev/null) && [ -n "$rss_kib" ] || break
    descriptors=$(find "/proc/$soak_pid/fd" -type l 2>/dev/null | wc -l)
    count_served
    [ "$second" -gt "$soak_s" ] ||
        echo "$second,$rss_kib,$descriptors,$((served - before - 1)),$((accepted - opened - 1))" >>"$work/soak.csv"
    before=$served opened=$accepted
done
code=0
wait "$soak_pid" || code=$?
[ "$code" = 0 ] || fail "replay: exit code $code: $(tail -n 2 "$work/err")"
awk -f "$here/soak_svg.awk" "$work/soak.csv" >"$work/soak.svg"
[ -n "${BENCH_BRIEF:-}" ] || cp "$work/soak.svg" "$picture"

# row SECOND: the medians of the ten seconds that end there.
row() {
    awk -F, -v to="$1" 'NR > 1 && $1 <= to && $1 > to - 10' "$work/soak.csv" >"$work/ten"
    echo "| $1 | $(part 2) | $(part 3) | $(part 4) | $(part 5) |"
}
part() { cut -d, -f"$1" "$work/ten" | median; }
total() { json "$work/soak.json" "\$.metrics.$1.${2:-count}"; }

machine
echo "| second | resident KiB | descriptors | requests/s | connections opened/s |"
echo "|---|---|---|---|---|"
parts=$((soak_s >= 100 ? 10 : 1))
for ((i = 1; i <= parts; i++)); do row $((soak_s * i / parts)); done
echo
# The slope after a tenth of the time, by least squares.
awk -F, -v from=$((soak_s / 10)) 'NR > 1 && $1 > from { n++; x += $1; y += $2; xx += $1 * $1; xy += $1 * $2; d[n] = $3
        if (!least || $3 < least) least = $3; if ($3 > most) most = $3 }
    END { if (n > 1) printf "After the first tenth: memory %+.0f KiB an hour, descriptors from %d to %d.\n",
        (n * xy - x * y) / (n * xx - x * x) * 3600, least, most }' "$work/soak.csv"
echo "In all: $(total http_reqs) requests, of them failed $(total http_req_failed value)," \
    "$(total ws_msgs_sent) WebSocket messages sent, $(total ws_msgs_received) received," \
    "$(total ws_sessions) WebSockets."
