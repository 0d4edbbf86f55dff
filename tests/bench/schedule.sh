#!/usr/bin/env bash
# An open schedule of 10,000 requests/s for 60 s: how late each left by reprise's account, how late it
# arrived at the server's host by its kernel's time stamp, and how late the server, which sleeps between
# requests, had read it. Then 100,000 requests at --speed 10: when the last one came.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need sqlite3 taskset
[ "$(nproc)" -ge 2 ] || skip "needs a core for the generator and one for the server"

users=50
seconds=$(brief "${BENCH_SECONDS:-60}" 3)
events=$(brief 100000 10000)

# schedule COUNT GAP_MS FILE: COUNT requests, one every GAP_MS, each of the users in turn; a user makes
# 200 of them and another takes its place. A target is the planned moment in microseconds, so that the
# server's log says what each arrival should have been.
schedule() {
    awk -v count="$1" -v gap_ms="$2" -v users="$users" -v each=200 'BEGIN {
        for (s = 1 - users; s * each < count; s++) {
            begun = 0
            for (i = 0; i < each; i++) {
                turn = s * each + (s + users) % users + i * users
                if (turn < 0 || turn >= count) continue
                if (!begun++) print "session user" s
                printf "%.1f %.1f GET /%d 200\n", turn * gap_ms, turn * gap_ms, turn * gap_ms * 1000 + 0.5
            }
        }
    }' | "$make_trace" "$3"
}

# play NAME TRACE SPEED [PREFIX...] -- [OPTION...]: leaves $work/NAME.run and .used, and NAME.log: a line a
# request with its planned moment in us, its arrival and its reading in ns, and which of its connection's
# requests it was, from 0.
play() {
    local name=$1 trace=$2 speed=$3 prefix=()
    shift 3
    while [ "$1" != -- ]; do
        prefix+=("$1")
        shift
    done
    shift
    say "$name"
    rm -f "$work/$name.run"
    start_stamps "$work/stamps" 2 1
    "$measure" "$work/$name.used" "${prefix[@]}" "$reprise" replay "$trace" --pacing open --speed "$speed" -q \
        --target "$url" --run "$work/$name.run" "$@" >"$work/out" ||
        fail "$name: replay: exit code $?"
    stop_stamps
    awk '{ print substr($5, 2), $1, $2, requests[$4]++ }' "$work/stamps" >"$work/$name.log"
}

# reported NAME P...: percentiles of lateness in us from the run's histograms (see RUN_FORMAT.md).
reported() {
    local name=$1
    shift
    sqlite3 "$work/$name.run" "SELECT hex(lateness) FROM total" | awk -v wanted="$*" '
        function next_number(   value, scale, byte) {
            for (scale = 1; ; scale *= 128) {
                byte = digit[substr($0, at, 1)] * 16 + digit[substr($0, at + 1, 1)]
                at += 2
                value += byte % 128 * scale
                if (byte < 128) return value
            }
        }
        function highest(bucket,   s) {
            if (bucket < 256) return bucket
            s = int((bucket - 256) / 128) + 1
            return ((bucket - 256) % 128 + 129) * 2 ^ s - 1
        }
        BEGIN { for (i = 0; i < 16; i++) digit[substr("0123456789ABCDEF", i + 1, 1)] = i }
        {
            at = 1
            next_number(); next_number(); next_number() # sum, least, greatest
            for (bucket = 0; at < length($0); last = bucket) {
                bucket += next_number()
                number = next_number()
                counts[bucket] += number
                all += number
                if (bucket > most) most = bucket
            }
        }
        END {
            n = split(wanted, percents, " ")
            for (i = 1; i <= n; i++) {
                seen = 0
                for (bucket = 0; bucket <= most; bucket++) {
                    seen += counts[bucket]
                    if (seen >= all * percents[i] / 100) break
                }
                printf "%s%d", (i > 1 ? " | " : ""), highest(bucket)
            }
        }'
}

# seen NAME COLUMN P...: the same by the server: the moment in that column less the planned one, less the
# least there was. The first request of a connection is left out: it waits for the connection.
seen() {
    local name=$1 column=$2 p first=1
    shift 2
    awk -v column="$column" '$4 > 0 { late = $column / 1000 - $1; if (!n || late < least) least = late; all[n++] = late }
        END { for (i = 0; i < n; i++) printf "%.1f\n", all[i] - least }' "$work/$name.log" | sort -n >"$work/late"
    for p in "$@"; do
        [ "$first" = 1 ] || printf ' | '
        first=
        printf '%s' "$(percentile "$p" <"$work/late")"
    done
}

# row NAME TEXT COUNT
row() {
    local came
    came=$(wc -l <"$work/$1.log")
    [ "$came" = "$3" ] || fail "$1: $came requests came of $3"
    echo "| $2 | $came | $(reported "$1" 50 99 99.9) | $(seen "$1" 2 50 99 99.9) | $(seen "$1" 3 50 99) |" \
        "$(calc "$(cpu_of "$work/$1.used") / $(awk '{ print $4 }' "$work/$1.used") * 100" %.0f)% |"
}

# end_row NAME TEXT: when the last one arrived, by the run's own 0: the earliest arrival less its plan.
end_row() {
    awk -v text="$2" '
        { at = $2 / 1e9; plan = $1 / 1e7 }
        NR == 1 || at - plan < origin { origin = at - plan }
        at > last { last = at }
        plan > planned { planned = plan }
        END {
            printf "| %s | %d | %.6f | %.6f | %+.4f%% |\n", text, NR, planned, last - origin,
                ((last - origin) / planned - 1) * 100
        }' "$work/$1.log"
}

# floor NAME: the same moments for a loop that only reads the clock, on the generator's core.
floor() {
    say "$1"
    taskset -c 0 "$build/tests/clock_gaps" "$seconds" >"$work/$1"
}

count=$((seconds * 10000))
schedule "$count" 0.1 "$work/open.trace"
schedule "$events" 1 "$work/events.trace"
floor alone
taskset -c 1 "$build/tests/clock_gaps" "$seconds" >"$work/other" &
floor beside
wait $!
say bare
start_stamps - 2 1
taskset -c 0 "$build/tests/bare_loop" open "$port" "$users" "$seconds" >"$work/bare"
stop_stamps
play sleep "$work/open.trace" 1 taskset -c 0 -- --timing sleep
play precise "$work/open.trace" 1 taskset -c 0 -- --timing precise
play pinned "$work/open.trace" 1 -- --cpu-affinity 0
play events_sleep "$work/events.trace" 10 taskset -c 0 -- --timing sleep
play events_precise "$work/events.trace" 10 taskset -c 0 -- --timing precise

machine
echo "| waiting | requests | late when leaving, us: p50 | p99 | p99.9 | late when arriving, us: p50 | p99 | p99.9 | late when read, us: p50 | p99 | CPU of one core |"
echo "|---|---|---|---|---|---|---|---|---|---|---|"
floor_row() { awk -v text="$2" '{ print "| " text " | " $1 " | " $2 " | " $3 " | " $4 " | - | - | - | - | - | 100% |" }' "$work/$1"; }
floor_row alone "a loop that only reads the clock, the other core idle"
floor_row beside "the same, another such loop on the other core"
floor_row bare "a bare loop that sends these requests and never sleeps"
row sleep "\`--timing sleep\`, all of it on one core" "$count"
row precise "\`--timing precise\`, all of it on one core" "$count"
row pinned "\`--cpu-affinity 0\`: the worker alone on that core" "$count"
echo
echo "| \`--speed 10\` | requests | last one planned, s | arrived, s | off |"
echo "|---|---|---|---|---|"
end_row events_sleep "\`--timing sleep\`"
end_row events_precise "\`--timing precise\`"
