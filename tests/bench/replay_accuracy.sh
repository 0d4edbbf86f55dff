#!/usr/bin/env bash
# 1,000 users at a request a second each: the times that reprise reports, and those that Locust does,
# beside what the server saw (stamp_server: the kernel's time of arrival to the answer's). The users of
# both begin spread over the first moments; a generator has core 0, the server core 1. Rounds are A B C D A B C D.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need sqlite3

users=$(brief 1000 200)
seconds=$(brief 20 3)
accuracy_runs=$(brief "${BENCH_ROUNDS:-5}" 1)
ulimit -n 8192 2>/dev/null || skip "needs 8192 open files; ulimit -n is $(ulimit -n)"

{
    echo "session one"
    for i in $(seq 0 29); do echo "$((i * 1000)) $((i * 1000)) GET /tick/$i 200"; done
} | "$make_trace" "$work/tick.trace"

# truth P: of what the server saw, from `$1` ns on, in ms.
server_us() { awk -v from="$1" '$1 >= from && $5 ~ /tick/ { print ($3 - $1) / 1000 }' "$work/stamps"; }
truth() { calc "$(percentile "$1" <"$work/server_us") / 1000" %.3f; }
ms() { calc "$(json "$work/tick.json" "\$.metrics.$1.\"$2\"")" %.3f; }

row() { # ROUND GENERATOR COUNT MEDIAN P99 RESPONSE LATENESS
    echo "| $1 | $2 | $3 | $(wc -l <"$work/server_us") | $4 | $(truth 50) | $5 | $(truth 99) |" \
        "$(calc "$5 - $(truth 99)" %+.3f) | $6 | $7 |" >>"$work/rows"
    calc "$5 - $(truth 99)" "%.3f\n" >>"$work/$2.error"
}
# By the kernel's stamps, or by reprise's own clock.
reported() { # METRIC NAME
    case $1 in
        *_us) calc "$(json "$work/tick.json" "\$.generator.$1.\"${2/med/p(50)}\"") / 1000" %.3f ;;
        *) ms "$1" "$2" ;;
    esac
}
play_reprise() { # ROUND NAME METRIC [OPTION...]
    local round=$1 name=$2 metric=$3
    shift 3
    rm -f "$work/tick.run"
    start_stamps "$work/stamps" 600 1
    taskset -c 0 "$reprise" replay "$work/tick.trace" --target "$url" --users "$users" --duration "${seconds}s" \
        --graceful-stop 0s -q --run "$work/tick.run" --summary-export "$work/tick.json" "$@" \
        >"$work/out" || fail "replay: exit code $?"
    stop_stamps
    server_us 0 >"$work/server_us"
    row "$round" "$name" "$(ms http_reqs count | cut -d. -f1)" "$(reported "$metric" med)" \
        "$(reported "$metric" 'p(99)')" "$(ms http_req_response 'p(99)')" "$(ms lateness 'p(99)')"
}
# Locust resets its statistics when all users have begun; so does what it is compared with.
play_locust() { # ROUND
    local begun_ns count
    start_stamps "$work/stamps" 600 1
    LOCUST_WAIT_S=1 taskset -c 0 locust -f "$(dirname "$0")/locustfile.py" --headless --only-summary --reset-stats -u "$users" \
        -r "$(calc "$users / 2" %d)" -t "$((seconds + 5))s" --host "$url" --csv "$work/locust" \
        >"$work/out" 2>"$work/locust.log" || fail "Locust: exit code $?: $(tail -n 2 "$work/locust.log")"
    stop_stamps
    # Its last `count` requests.
    count=$(awk -F, '$2 == "Aggregated" { print $3 }' "$work/locust_stats.csv")
    begun_ns=$(sort -n "$work/stamps" | tail -n "$count" | awk 'NR == 1 { print $1 }')
    server_us "$begun_ns" >"$work/server_us"
    row "$1" Locust "$count" "$(column_of Median)" "$(column_of 99%)" - -
}
column_of() { # NAME: of Locust's table, in ms
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if (index($i, name) == 1) at = i }
        $2 == "Aggregated" { printf "%.3f", $at }' "$work/locust_stats.csv"
}

for ((i = 1; i <= accuracy_runs; i++)); do
    say "round $i of $accuracy_runs"
    play_reprise "$i" reprise http_req_duration
    play_reprise "$i" 'reprise `--timestamps kernel`' kernel_service_us --timestamps kernel
    play_reprise "$i" 'reprise `--timing precise`' http_req_duration --timing precise
    if command -v locust >/dev/null; then play_locust "$i"; fi
done

machine
echo "| round | generator | requests | at the server | p50 ms | server's p50 ms | p99 ms | server's p99 ms | error of p99 ms | response p99 ms | lateness p99 ms |"
echo "|---|---|---|---|---|---|---|---|---|---|---|"
cat "$work/rows"
echo
for name in reprise 'reprise `--timestamps kernel`' 'reprise `--timing precise`' Locust; do
    [ ! -s "$work/$name.error" ] || echo "$name's p99 is $(calc "$(median <"$work/$name.error")" %+.3f) ms off (median)."
done
