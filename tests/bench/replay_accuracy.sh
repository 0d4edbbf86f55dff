#!/usr/bin/env bash
# 1,000 users at a request a second each: the times reprise reports beside what the wire and the
# server saw.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need nginx tcpdump tshark sqlite3

users=$(brief 1000 200)
seconds=$(brief 10 3)
accuracy_runs=$(brief 3 1)
ulimit -n 8192 2>/dev/null || skip "needs 8192 open files; ulimit -n is $(ulimit -n)"
access_log=$work/access.log
start_nginx - 600

{
    echo "session one"
    for i in $(seq 0 29); do echo "$((i * 1000)) $((i * 1000)) GET /tick/$i 200"; done
} | "$make_trace" "$work/tick.trace"

rows=
for ((i = 0; i < accuracy_runs; i++)); do
    say "round $((i + 1)) of $accuracy_runs"
    : >"$access_log"
    rm -f "$work/tick.run" "$work/wire.pcap"
    start_tcpdump "$work/wire.pcap"
    "$reprise" replay "$work/tick.trace" --target "http://127.0.0.1:$port" --users "$users" \
        --duration "${seconds}s" --graceful-stop 0s -q --run "$work/tick.run" \
        --summary-export "$work/tick.json" >"$work/out" || fail "replay: exit code $?"
    stop_tcpdump "$work/wire.pcap"
    tshark -n -r "$work/wire.pcap" -d "tcp.port==$port,http" -Y http.response -T fields -e http.time \
        2>/dev/null | awk '{ print $1 * 1e6 }' >"$work/wire_us"
    awk '{ print $4 * 1000 }' "$access_log" >"$work/server_ms"
    ms() { calc "$(json "$work/tick.json" "\$.metrics.$1.\"$2\"")" %.3f; }
    wire() { calc "$(percentile "$1" <"$work/wire_us") / 1000" %.3f; }
    own=$(ms http_req_duration 'p(99)')
    rows+="| $((i + 1)) | $(ms http_reqs count | cut -d. -f1) | $(wc -l <"$access_log") |"
    rows+=" $(ms http_req_duration med) | $(wire 50) | $own | $(wire 99) | $(calc "$own - $(wire 99)" %+.3f) |"
    rows+=" $(percentile 99 <"$work/server_ms") | $(ms http_req_response 'p(99)') | $(ms lateness 'p(99)') |"$'\n'
done

machine
echo "| run | requests | logged by nginx | reprise p50 ms | wire p50 ms | reprise p99 ms | wire p99 ms | difference ms | nginx's own p99, whole ms | response p99 ms | lateness p99 ms |"
echo "|---|---|---|---|---|---|---|---|---|---|---|"
printf '%s' "$rows"
