#!/usr/bin/env bash
# Jobs: voicelab's twelve users, captured and correlated, played as a hundred and twenty against two
# workers and a queue of twenty. Time to result as ai_queue has measured it and as voicelab has logged
# it, for every job, joined by its id; and what becomes of the jobs without the plugin.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need curl sqlite3

voicelab() { # NAME [OPTION...]: sets url and port
    local name=$1
    shift
    "$build/tests/voicelab/voicelab" --port 0 --job-workers 2 --job-queue 20 "$@" >"$work/$name.out" &
    target_pid=$!
    started+=("$target_pid")
    wait_until file_has "$work/$name.out" 'listening on'
    url=$(sed -n 's/.*listening on //p' "$work/$name.out")
    port=${url##*:}
}
stop_voicelab() {
    kill "$target_pid"
    wait "$target_pid" || true
}
metric() { curl --silent "$url/metrics" | awk -v name="$1" 'index($1, "voicelab_" name) == 1 { n += $2 } END { print n + 0 }'; }

voicelab recorded
"$reprise" capture -i lo --port "$port" --out "$work/shop.trace" >"$work/capture.out" 2>"$work/capture.err" &
capture_pid=$!
started+=("$capture_pid")
(wait_until file_has "$work/capture.err" 'capturing on') || skip "no capture here: $(tail -n 1 "$work/capture.err")"
"$here/../voicelab/drive.sh" "$url" "$build/tests/voicelab" >&2
kill -INT "$capture_pid"
wait "$capture_pid"
stop_voicelab
"$reprise" correlate "$work/shop.trace" >/dev/null

all_ended() { [ "$(metric 'jobs{')" = 0 ]; }

scale=$(brief 10 2)
rows=()
# play TEXT SPEED [OPTION...]: a row. Fails when a job is missing, or its end was seen too early or too late.
play() {
    local text=$1 speed=$2 count with=no
    shift 2
    [ $# -eq 0 ] || with=yes
    voicelab "$with$speed${#rows[@]}" --job-log "$work/jobs.log"
    rm -f "$work/run" "$work/seen.log"
    "$reprise" replay "$work/shop.trace" --target "$url" -q --run "$work/run" --scale "$scale" --speed "$speed" "$@" \
        >"$work/out" 2>"$work/err" || [ $? = 110 ] || fail "replay: $(tail -n 1 "$work/err")"
    wait_until all_ended
    local taken seen=- exact=- late=- worst=- reached
    taken=$(wc -l <"$work/jobs.log")
    reached=$(metric 'sessions_reached{milestone="job_result"}')
    if [ "$with" = yes ]; then
        # id state queued started ended | state submitted duration polls gap
        sort "$work/jobs.log" >"$work/a"
        grep '^job_' "$work/seen.log" | sort >"$work/b"
        seen=$(join "$work/a" "$work/b" | tee "$work/both" | wc -l)
        count=$(wc -l <"$work/b")
        [ "$seen" = "$count" ] && [ "$count" -gt 0 ] || fail "$count jobs in the plugin's log, $seen of them in voicelab's"
        awk '{ print ($8 - ($5 - $3)) / 1000 }' "$work/both" >"$work/late"
        late=$(calc "$(median <"$work/late")" %.0f)
        worst=$(calc "$(sort -n "$work/late" | tail -n 1)" %.0f)
        exact=$(awk '{ d = $5 - $3; off = $8 - d; if (off < 0) off = -off
                if (off <= 0.05 * d + $10 && $2 == $6) n++ } END { print n + 0 }' "$work/both")
        [ "$exact" = "$seen" ] || fail "only $exact of $seen jobs are within 5% and one poll interval of voicelab's log"
    fi
    rows+=("| $text | $taken | $reached | $seen | $exact | $late | $worst |")
    stop_voicelab
}

play "no plugin, speed 5" 5
play "\`ai_queue\`, speed 5" 5 --plugin "ai_queue:log=$work/seen.log"
play "\`ai_queue\`, speed 1" 1 --plugin "ai_queue:log=$work/seen.log"
play "\`ai_queue:backoff=100ms..1s*1.5\`, speed 5" 5 --plugin "ai_queue:backoff=100ms..1s*1.5,log=$work/seen.log"
machine
echo "| run | jobs in voicelab's log | sessions that got a job's result | jobs of the plugin, joined by id | within 5% + one poll | seen late, median ms | latest, ms |"
echo "|---|---|---|---|---|---|---|"
printf '%s\n' "${rows[@]}"
