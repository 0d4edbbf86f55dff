#!/usr/bin/env bash
# scale_and_speed.sh - `--scale 10 --speed 5` is ten times the sessions in a fifth of the time, by the
# server's own log, with think times as planned.
#
# Nothing here depends on how busy the machine is. What it adds to a think time as the server sees it
# is in the run's own clocks: a request is in the log between the moment it left and the moment it
# was answered, and `response` runs from the moment it was due to the latter, its lateness included.
# That the plan itself is exact to the microsecond is tests/replay/worker_pace_test.c; how exactly
# this machine keeps it is a figure, tests/bench/replay_pacing.sh.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3
sessions=20 steps=5 gap_ms=500 apart_ms=250

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

expect_exit 0 "$reprise" report fast.run --json
# clock METRIC STATISTIC: in milliseconds
clock() { sqlite3 :memory: "SELECT json_extract(readfile('out'), '\$.metrics.$1.\"$2\"')"; }
longest_ms=$(clock http_req_response max)
mean_ms=$(clock http_req_response avg)
equal "requests that the run has measured" "$(clock http_req_response count)" $((sessions * 10 * steps))
plan_ms=$((gap_ms / 5))
# Think times as the server saw them: from each request of a user to the next one.
sort -k6,6 -k1,1n access.log |
    awk '$6 == user { printf "%d\n", ($1 - at) * 1000 + 0.5 } { user = $6; at = $1 }' | sort -n >thinks
rank() { sed -n "$(($(wc -l <thinks) * $1 / 100 + 1))p" thinks; }
equal "think times" "$(wc -l <thinks)" $((sessions * 10 * (steps - 1)))
# The server's log and its clock tick in milliseconds: one each at both ends.
tick_ms=2
holds "a think time is never shorter than planned" "$(head -n 1 thinks) >= $plan_ms - $tick_ms"
# From the first request of a user to the last are its think times and not more than all its answers.
mean_think_ms=$(awk '{ sum += $1 } END { print sum / NR }' thinks)
holds "think times are not longer than planned, taken together" \
    "$mean_think_ms <= $plan_ms + ($steps * $mean_ms + $tick_ms) / ($steps - 1)"
holds "no think time is longer than planned" \
    "$(tail -n 1 thinks) <= $plan_ms + 2 * $longest_ms + $tick_ms"

# From the first request to the last. The first copy starts at once, those of the last user inside
# the gap to the next, if there were one.
recorded_ms=$(((sessions - 1) * apart_ms + (steps - 1) * gap_ms))
span_ms=$(awk 'NR == 1 { first = $1 } { last = $1 } END { printf "%d", (last - first) * 1000 + 0.5 }' access.log)
holds "not over before a fifth of the time" "$span_ms >= $recorded_ms / 5 - $longest_ms - $tick_ms"
holds "over in a fifth of the time" \
    "$span_ms <= ($recorded_ms + $apart_ms) / 5 + $steps * $longest_ms + $tick_ms"
# Should the run's own clocks excuse what they should not.
holds "over in less than half the time" "2 * $span_ms < $recorded_ms"
echo "think times of $plan_ms ms: mean $mean_think_ms, p50 $(rank 50), p99 $(rank 99) ms;" \
    "$recorded_ms ms in $span_ms ms; response $mean_ms ms, $longest_ms at the most"
finish
