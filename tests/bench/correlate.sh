#!/usr/bin/env bash
# Correlating traces of a shop (tests/bench/shop_trace_make.c), from 10,000 to 1,000,000 exchanges: CPU and
# memory, and whether all that is true in them is found.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need sqlite3
largest=$(brief 1000000 100000)
[ "$(df -Pk "$work" | awk 'NR == 2 { print $4 }')" -gt $((largest * 4)) ] ||
    skip "less than $((largest * 4 / 1000000)) GB free in ${TMPDIR:-/tmp}"
total() { sqlite3 :memory: "SELECT json_extract('$(tail -n 1 "$work/out")', '$.$1')"; }

rows=()
for ((count = 10000; count <= largest; count *= 10)); do
    say "$count exchanges"
    "$build/tests/shop_trace_make" "$work/shop.trace" "$count"
    bytes=$(stat -c %s "$work/shop.trace")
    "$measure" "$work/report" "$reprise" correlate "$work/shop.trace" --json >"$work/out" || fail "correlate: exit code $?"
    rows+=("| $count | $(calc "$bytes / 1e6" %.0f) | $(total bindings) | $(calc "$(cpu_of "$work/report")" %.2f) | $(peak_mib_of "$work/report") |")
done
machine
echo "| exchanges | trace, MB | bindings found | CPU, s | peak memory, MiB |"
echo "|---|---|---|---|---|"
printf '%s\n' "${rows[@]}"
