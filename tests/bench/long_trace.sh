#!/usr/bin/env bash
# A trace of 10 million exchanges in 500,000 sessions: from exec to the first request that nginx
# logs, and the most memory, beside the same with a trace that is loaded whole. The clock starts
# when the shell does: the process's own start is in the figure.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need nginx taskset sqlite3
[ "$(nproc)" -ge 2 ] || skip "one core: the target would be measured with the generator"

long=$(brief 10000000 200000)
whole=$(brief 100000 20000)
seconds=$(brief 20 4)
needed_kb=$((long)) # a little under 1 KB an exchange
[ "$(df -Pk "$work" | awk 'NR == 2 { print $4 }')" -gt $((needed_kb + 2000000)) ] ||
    skip "less than $((needed_kb / 1000000 + 2)) GB free in ${TMPDIR:-/tmp}"
for count in "$long" "$whole"; do
    say "writing a trace of $count exchanges"
    "$build/tests/long_trace_make" "$work/$count.trace" "$count"
done
access_log=$work/access.log start_nginx 1 600

now_ms() { echo $(($(date +%s%N) / 1000000)); }
figure() { json "$work/long.json" "\$.metrics.$1"; }

# use NAME EXCHANGES OPTION...
use() {
    local name=$1 count=$2 begun first
    shift 2
    : >"$work/access.log"
    begun=$(now_ms)
    "$measure" "$work/report" taskset -c 0 "$reprise" replay "$work/$count.trace" --target "http://127.0.0.1:$port" \
        --duration "${seconds}s" --graceful-stop 0s -q --run "$work/long.run" --summary-export "$work/long.json" "$@" \
        >"$work/out" || fail "replay: exit code $?: $(tail -n 1 "$work/out")"
    rm -f "$work/long.run"
    # nginx has the milliseconds of its own clock: the same machine's.
    first=$(head -n 1 "$work/access.log" | cut -d ' ' -f 1 | tr -d .)
    [ "$(figure http_req_failed.value)" = 0.0 ] || say "replay: failed $(figure http_req_failed.value)"
    echo "$((first - begun))" >>"$work/$name.first"
    peak_mib_of "$work/report" >>"$work/$name.peak"
    calc "$(figure http_reqs.rate)" %.0f >>"$work/$name.rate"
    echo >>"$work/$name.rate"
    calc "$(cpu_of "$work/report") * 1e6 / $(figure http_reqs.count)" >>"$work/$name.us"
    echo >>"$work/$name.us"
    calc "$(figure 'http_req_lateness."p(99)"')" %.3f >>"$work/$name.late"
    echo >>"$work/$name.late"
}
use_all() {
    local count
    for count in "$long" "$whole"; do
        use "open$count" "$count"
        use "max$count" "$count" --users 50 --pacing max
    done
}
rounds=$(brief 3 1)
for ((i = 0; i < rounds; i++)); do
    say "round $((i + 1)) of $rounds"
    use_all
done

row() { # NAME COUNT OPTIONS
    local bytes
    bytes=$(stat -c %s "$work/$2.trace")
    echo "| $2 | $(calc "$bytes / 1e9" %.2f) | $3 | $(median <"$work/$1$2.first") | $(median <"$work/$1$2.peak") |" \
        "$(median <"$work/$1$2.rate") | $(median <"$work/$1$2.us") | $(median <"$work/$1$2.late") |"
}
machine
echo "| exchanges | trace, GB | options | exec to first request, ms | peak memory, MiB | requests/s | CPU us/request | lateness p99, ms |"
echo "|---|---|---|---|---|---|---|---|"
for count in "$long" "$whole"; do
    row open "$count" "as recorded"
    row max "$count" "\`--users 50 --pacing max\`"
done
