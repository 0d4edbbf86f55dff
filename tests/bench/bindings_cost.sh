#!/usr/bin/env bash
# What bindings cost: the 20 requests at full speed with the two values that come from answers, with
# numbers that the client makes besides, and the same trace with its bindings taken out. Rounds are
# A B C A B C; then instructions per request, the slope between one session and many under callgrind.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/bench/load.sh
source "$(dirname "$0")/load.sh"
two_cores
browser_trace "$work/with.trace"
cp "$work/with.trace" "$work/without.trace"
sqlite3 "$work/without.trace" "DELETE FROM binding"
cp "$work/with.trace" "$work/own.trace"
sqlite3 "$work/own.trace" "INSERT INTO binding
    (born_exchange_id, born_place, used_exchange_id, used_place, score, evidence, state)
    SELECT exchange_id, 'new:digits', exchange_id, 'query:page', 1, 'by hand', 'on'
    FROM exchange WHERE target LIKE '%?page=%'"
# The same answers, and none refused.
recorded_value=00000000000000000000000000000000
browser_nginx 1

for ((i = 0; i < runs; i++)); do
    say "round $((i + 1)) of $runs"
    run_reprise without "$work/without.trace" "${native[@]}"
    run_reprise with "$work/with.trace" "${native[@]}"
    run_reprise own "$work/own.trace" "${native[@]}"
done

copies=$(brief 50 10)
# instructions TRACE COPIES: of a whole replay.
instructions() {
    rm -f "$work/load.run"
    valgrind --tool=callgrind --callgrind-out-file="$work/callgrind.out" "$reprise" replay "$1" "${native[@]}" -q \
        --target "$url" --pacing max --scale "$2" --run "$work/load.run" >"$work/out" 2>"$work/valgrind.log" ||
        fail "$(tail -n 3 "$work/valgrind.log")"
    sed -n 's/^summary: *//p; s/^totals: *//p' "$work/callgrind.out" | head -n 1
}
per_request() { # NAME
    have valgrind || return 0
    calc "($(instructions "$work/$1.trace" "$((copies * 2))") - $(instructions "$work/$1.trace" "$copies")) / (20 * $copies)" %.0f
}
row() { # NAME TEXT
    printf '| %s | %.0f | %.2f | %s | %s |\n' "$2" "$(column "$1" 1)" "$(column "$1" 2)" \
        "$(ratio "$1" without 2)" "$(per_request "$1")" >>"$work/rows"
}
say "six runs under callgrind"
row without "none"
row with "two values a session, of 20 requests"
row own "the same, and $(sqlite3 "$work/own.trace" "SELECT count(*) FROM binding WHERE born_place LIKE 'new:%'") that the client makes"

machine
echo "| bindings | requests/s | CPU us/request | CPU to none | instructions/request, a session's start included |"
echo "|---|---|---|---|---|"
cat "$work/rows"
