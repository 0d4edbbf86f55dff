#!/usr/bin/env bash
# --scale 10 --speed 5 over a trace with known think times: how many sessions came, in what time,
# and how exactly the pauses inside them were kept, seen on the wire.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need nginx tcpdump tshark sqlite3

sessions=$(brief 40 8)
pacing_runs=$(brief 3 1)
ulimit -n 8192 2>/dev/null || skip "needs 8192 open files; ulimit -n is $(ulimit -n)"
access_log=$work/access.log
start_nginx - 600

# A session every 250 ms; eight requests of 2 ms in each, with pauses from 50 ms to 3 s between them.
# The plan goes to pauses: target, pause before it in ms.
awk -v sessions="$sessions" -v pauses="$work/pauses" 'BEGIN {
    split("50 120 333 700 1000 1750 3000", gap, " ")
    for (s = 0; s < sessions; s++) {
        at = s * 250
        print "session user" s
        for (r = 0; r < 8; r++) {
            if (r) { g = gap[(r + s) % 7 + 1]; at += g; printf "/s%d/%d %d\n", s, r, g >pauses }
            printf "%d %d GET /s%d/%d 200\n", at, at + 2, s, r
            at += 2
        }
        if (at > last) last = at
    }
    print last > "/dev/stderr"
}' 2>"$work/last_ms" | "$make_trace" "$work/think.trace"

rows=
for ((i = 0; i < pacing_runs; i++)); do
    say "round $((i + 1)) of $pacing_runs"
    : >"$access_log"
    rm -f "$work/think.run" "$work/wire.pcap"
    start_tcpdump "$work/wire.pcap"
    "$reprise" replay "$work/think.trace" --target "http://127.0.0.1:$port" --scale 10 --speed 5 -q \
        --run "$work/think.run" --seed "$((i + 1))" >"$work/out" || fail "replay: exit code $?"
    stop_tcpdump "$work/wire.pcap"
    # One user is one connection here. Error: the pause on the wire, answer to next request, less
    # the recorded one / 5.
    tshark -n -r "$work/wire.pcap" -d "tcp.port==$port,http" -Y http -T fields -e tcp.stream \
        -e frame.time_epoch -e http.request.uri -e http.response.code 2>/dev/null |
        awk -F '\t' -v pauses="$work/pauses" '
            BEGIN { while ((getline line < pauses) > 0) { split(line, p, " "); wanted[p[1]] = p[2] / 5 } }
            { split($2, t, "."); ms = (t[1] % 100000) * 1000 + ("0." t[2]) * 1000 }
            $4 != "" { answered[$1] = ms; next }
            ($1 in answered) && ($3 in wanted) {
                error = ms - answered[$1] - wanted[$3]
                if (error < 0) error = -error
                printf "%.4f %.4f\n", error, error - wanted[$3] / 100
            }' >"$work/errors"
    error_p50=$(cut -d' ' -f1 "$work/errors" | percentile 50)
    error_p99=$(cut -d' ' -f1 "$work/errors" | percentile 99)
    over_p99=$(cut -d' ' -f2 "$work/errors" | percentile 99)
    took_ms=$(awk 'NR == 1 { first = $1 } { last = $1 } END { printf "%.0f", (last - first) * 1000 }' "$access_log")
    came=$(awk '{ seen[$2] = 1 } END { for (c in seen) n++; print n + 0 }' "$access_log")
    planned_ms=$(calc "$(cat "$work/last_ms") / 5" %.0f)
    within=$(awk '$2 <= 1 { n++ } END { printf "%.2f", 100 * n / NR }' "$work/errors")
    rows+="| $((i + 1)) | $sessions | $came | $planned_ms | $took_ms | $(wc -l <"$work/errors") | $error_p50 | $error_p99 | $over_p99 | $within% |"$'\n'
done

machine
echo "| seed | sessions recorded | sessions at the server | recording / 5, ms | replay, ms | pauses | error p50 ms | error p99 ms | error less 1%, p99 ms | within 1 ms + 1% |"
echo "|---|---|---|---|---|---|---|---|---|---|"
printf '%s' "$rows"
