#!/usr/bin/env bash
# CPU to write an exchange into a trace, by how many of the answers' bodies differ.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"

exchanges=$(brief 200000 20000)
# us_per_exchange DISTINCT_BODIES
us_per_exchange() {
    local i
    for ((i = 0; i < runs; i++)); do
        "$measure" "$work/report" "$build/tests/trace_write_bench" "$work/write.trace" "$exchanges" 1024 "$1" \
            >/dev/null || fail "trace_write_bench: exit code $?"
        calc "$(cpu_of "$work/report") * 1e6 / $exchanges" %.2f
        echo
        rm -f "$work/write.trace"
    done | median
}
machine
echo "| answers of 1 KiB | CPU us per exchange |"
echo "|---|---|"
echo "| 1,000 different contents | $(us_per_exchange 1000) |"
echo "| each a content of its own | $(us_per_exchange 0) |"
