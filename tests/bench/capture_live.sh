#!/usr/bin/env bash
# 100,000 requests captured live on loopback: what is in the trace against what the server logged.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need nginx h2load sqlite3

requests=$(brief 100000 5000)
access_log=$work/access.log
start_nginx - 600

# One row: CLIENTS keep-alive connections.
run() {
    local clients=$1 trace=$work/live-$1.trace capture_pid
    : >"$access_log"
    rm -f "$work/capture.log" # its line is waited for
    "$measure" "$work/report" "$reprise" capture -q -i lo --filter "tcp port $port" -o "$trace" \
        >"$work/capture.out" 2>"$work/capture.log" &
    capture_pid=$!
    started+=("$capture_pid")
    wait_until file_has "$work/capture.log" 'capturing on'
    if file_has "$work/capture.log" 'no right'; then skip "$(tail -n 1 "$work/capture.log")"; fi
    say "$requests requests over $clients connections"
    h2load --h1 -n "$requests" -c "$clients" "http://127.0.0.1:$port/voices?limit=20" >"$work/h2load.out" 2>&1
    wait_until is_settled "$trace"
    kill -INT "$capture_pid"
    wait "$capture_pid" || fail "capture: $(tail -n 1 "$work/capture.log")"
    local logged found whole drops gap missing rate
    logged=$(wc -l <"$access_log")
    read -r found whole drops gap missing < <(sqlite3 -separator ' ' "$trace" "
        SELECT (SELECT count(*) FROM exchange), (SELECT count(*) FROM exchange WHERE flaws = ''),
            (SELECT coalesce(sum(packets), 0) FROM ledger WHERE reason LIKE '%drop'),
            (SELECT coalesce(sum(missing_bytes), 0) FROM ledger),
            payload_bytes - stored_bytes - (SELECT coalesce(sum(payload_bytes), 0) FROM ledger) FROM trace")
    rate=$(sed -nE 's/^finished in .*, ([0-9.]+) req\/s.*/\1/p' "$work/h2load.out")
    echo "| $clients | $logged | $found | $whole | $drops | $gap | $missing | $(calc "$rate" %.0f) |" \
        "$(calc "$(cpu_of "$work/report") * 1e6 / $logged" %.1f) | $(peak_mib_of "$work/report") |"
}

# The capture writes once a second; it has settled when a second brought no exchange more.
settled_count=-1 settled_looks=0
is_settled() {
    local count
    count=$(sqlite3 -readonly "$1" 'SELECT count(*) FROM exchange' 2>/dev/null || echo 0)
    if [ "$count" != "$settled_count" ]; then settled_looks=0; fi
    settled_count=$count
    settled_looks=$((settled_looks + 1))
    [ "$settled_looks" -gt 80 ]
}

rows=
for clients in 1 50 200; do
    rows+=$(run "$clients")$'\n'
done
machine
echo "| connections | requests the server logged | exchanges in the trace | of them whole | packets dropped | bytes missing | bytes unaccounted | requests/s | capture CPU us/request | peak MiB |"
echo "|---|---|---|---|---|---|---|---|---|---|"
printf '%s' "$rows"
