#!/usr/bin/env bash
# capture_nginx.sh - a live capture of many requests has what the server's own log has: as many, and
# with the same statuses. E2E_REQUESTS says how many.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need h2load sqlite3
requests=${E2E_REQUESTS:-5000}

start_nginx 'location /missing { return 404 "no such thing\n"; }
             location /empty { return 204; }
             location /moved { return 302 /hello; }'
printf '%s\n' "$url/hello?user=7" "$url/missing" "$url/empty" "$url/moved" "$url/hello" >urls

# judge NAME: its trace against access.log.
judge() {
    local exchanges dropped
    exchanges=$(sql "$1.trace" 'SELECT count(*) FROM exchange')
    equal "lines in the server's log" "$(wc -l <access.log)" "$requests"
    # The kernel says how many packets it dropped, not what was in them: with drops a lower count is
    # explained, without any it must be exact.
    dropped=$(sql "$1.trace" "SELECT coalesce(sum(packets), 0) FROM ledger WHERE reason LIKE '%drop'")
    if [ "$dropped" = 0 ]; then
        equal "exchanges" "$exchanges" "$requests"
        equal "requests and answers by status" \
            "$(sql "$1.trace" 'SELECT target, status, count(*) FROM exchange GROUP BY 1, 2' | sort)" \
            "$(awk '{ n[$4 "|" $5]++ } END { for (key in n) print key "|" n[key] }' access.log | sort)"
        equal "flawed exchanges" "$(sql "$1.trace" "SELECT count(*) FROM exchange WHERE flaws <> ''")" 0
    else
        holds "no exchange from nowhere" "$exchanges <= $requests"
        holds "the ledger explains what is missing" "$requests - $exchanges <= $dropped"
    fi
    equal "bytes that are neither stored nor in the ledger" "$(sql "$1.trace" \
        'SELECT payload_bytes - stored_bytes - (SELECT coalesce(sum(payload_bytes), 0) FROM ledger) FROM trace')" 0
    expect_exit 0 "$reprise" inspect "$1.trace" ledger
    expect_line out 'balanced'
    echo "$interface: $requests requests, $exchanges exchanges, $dropped packets dropped by the kernel"
}

for interface in lo any; do
    : >access.log
    capture "on-$interface" "$port"
    h2load --h1 -n "$requests" -c 20 -i urls >h2load.out || fail "h2load: $(tail -n 3 h2load.out)"
    stop_capture "on-$interface"
    judge "on-$interface"
done
finish
