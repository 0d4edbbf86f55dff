#!/usr/bin/env bash
# scale_and_speed.sh - `--scale 10 --speed 5` is ten times the sessions in a fifth of the time, by the
# server's own log, with think times as planned.
#
# How exact they are is a figure, and for the benchmark: here they are held to E2E_MARGIN_MS (20) and
# what the run itself says it was late by.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
sessions=20 steps=5 gap_ms=500 apart_ms=250
margin_ms=${E2E_MARGIN_MS:-20}

# An answer every half second; the next user a quarter of a second later.
for ((user = 0; user < sessions; user++)); do
    echo "session user-$user"
    for ((step = 0; step < steps; step++)); do
        at=$((user * apart_ms + step * gap_ms))
        echo "$at $at GET /page-$step 200"
    done
done | make_trace slow.trace
start_nginx ''
expect_exit 0 "$reprise" replay slow.trace --target "$url" --scale 10 --speed 5 --plugin example \
    --run fast.run --quiet

equal "sessions by the server's log" "$(cut -d ' ' -f 6 access.log | sort -u | wc -l)" $((sessions * 10))
equal "connections, one for each user" "$(cut -d ' ' -f 2 access.log | sort -u | wc -l)" $((sessions * 10))
equal "requests of each page" "$(cut -d ' ' -f 4 access.log | sort | uniq -c | awk '{ print $1 }' | sort -u)" \
    $((sessions * 10))

late_ms=$(sql fast.run 'SELECT max(lateness_p99_us) / 1000.0 FROM total')
plan_ms=$((gap_ms / 5))
# Think times as the server saw them: from each request of a user to the next one.
sort -k6,6 -k1,1n access.log |
    awk '$6 == user { printf "%d\n", ($1 - at) * 1000 + 0.5 } { user = $6; at = $1 }' | sort -n >thinks
rank() { sed -n "$(($(wc -l <thinks) * $1 / 100 + 1))p" thinks; }
equal "think times" "$(wc -l <thinks)" $((sessions * 10 * (steps - 1)))
# The server's log and its clock tick in milliseconds: one each at both ends.
holds "a think time is hardly ever shorter than planned (1%)" "$(rank 1) >= $plan_ms - 2 - $margin_ms - $late_ms"
holds "a think time is never shorter than planned" "$(head -n 1 thinks) >= $plan_ms - 2"
holds "think time p50" "$(rank 50) <= $plan_ms + $plan_ms / 100 + $margin_ms"
holds "think time p99" "$(rank 99) <= $plan_ms + $plan_ms / 100 + $margin_ms + $late_ms"

# From the first request to the last. Copies start inside the gap to the next recorded user.
recorded_ms=$(((sessions - 1) * apart_ms + (steps - 1) * gap_ms))
span_ms=$(awk 'NR == 1 { first = $1 } { last = $1 } END { printf "%d", (last - first) * 1000 }' access.log)
holds "not over before a fifth of the time" "$span_ms >= $recorded_ms / 5 - 2 - $margin_ms"
holds "over in a fifth of the time" \
    "$span_ms <= ($recorded_ms + $apart_ms) / 5 + $steps * $margin_ms + $steps * $late_ms"
echo "think times of $plan_ms ms: p1 $(rank 1), p50 $(rank 50), p99 $(rank 99) ms;" \
    "$recorded_ms ms in $span_ms ms; lateness p99 $late_ms ms"
finish
