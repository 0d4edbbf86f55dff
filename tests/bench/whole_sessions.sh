#!/usr/bin/env bash
# How many of voicelab's sessions get everything done when a capture of twelve users is played ten
# times, five times as fast, against another, strict voicelab: tokens of 5 s with refresh tokens that
# rotate, two workers and a queue of 20 for jobs, audio that was seen before is refused. By voicelab's own
# count: a session is whole when it reached all the milestones of one that was recorded; and of the
# requests that were given to the recorded users so many were given to these, polls and renewed
# tokens apart.
#
#     tests/bench/whole_sessions.sh BUILD
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need sqlite3 curl python3
scale=$(brief 10 2)
voicelab=$build/tests/voicelab

strict=(--access-ttl 5s --job-workers 2 --job-queue 20 --refuse-duplicates)
start_voicelab() {
    rm -f "$work/voicelab.out"
    "$voicelab/voicelab" --port 0 "${strict[@]}" >"$work/voicelab.out" 2>"$work/voicelab.err" &
    target_pid=$!
    started+=("$target_pid")
    wait_until file_has "$work/voicelab.out" 'listening on http'
    url=$(sed -n 's/.*listening on //p' "$work/voicelab.out")
}
stop_voicelab() {
    curl --silent "$url/metrics/sessions" >"$work/$1.json"
    curl --silent "$url/metrics" >"$work/$1.metrics"
    kill "$target_pid"
    wait "$target_pid" 2>/dev/null || true
}

say "recording"
start_voicelab
"$reprise" capture -i lo --port "${url##*:}" --out "$work/shop.trace" >"$work/capture.out" 2>"$work/capture.err" &
capture_pid=$!
started+=("$capture_pid")
wait_until file_has "$work/capture.err" '^capturing on'
"$here/../voicelab/drive.sh" "$url" "$voicelab" >&2
kill -INT "$capture_pid"
wait "$capture_pid"
stop_voicelab recorded
"$reprise" correlate "$work/shop.trace" >/dev/null

# play NAME [options]: sessions that are whole, of how many; diverged, failed and withdrawn requests.
play() {
    local name=$1
    shift
    start_voicelab
    "$reprise" replay "$work/shop.trace" -q --target "$url" --scale "$scale" --speed 5 --run "$work/$name.run" "$@" \
        >"$work/$name.out" 2>"$work/$name.err" || say "$name: exit code $?: $(tail -n 1 "$work/$name.err")"
    stop_voicelab "$name"
    python3 - "$work/recorded" "$work/$name" "$scale" <<'PY'
import collections, json, re, sys
def kinds(path):
    with open(path) as file:
        sessions = json.load(file)
    if isinstance(sessions, dict):
        sessions = sessions["sessions"]
    # A refresh is a means to the ends.
    return collections.Counter(
        tuple(sorted(m for m in session["milestones"] if m != "refresh")) for session in sessions)
# What was given, by route; how often one asks whether a job is done, or renews a token, is free.
def given(path):
    routes = collections.Counter()
    free = ('method="GET",route="/jobs/{id}"', 'route="/v1/batches/{id}"', 'route="/auth/refresh"', 'route="/metrics')
    for line in open(path):
        match = re.match(r'voicelab_http_requests_total\{(.*),status="[123]\d\d"\} (\d+)', line)
        if match and not any(word in match[1] for word in free):
            routes[match[1]] += int(match[2])
    return routes
def share(recorded, live, scale):
    wanted = {kind: count * scale for kind, count in recorded.items()}
    return sum(min(count, live[kind]) for kind, count in wanted.items()), sum(wanted.values())
scale = int(sys.argv[3])
print(*share(kinds(sys.argv[1] + ".json"), kinds(sys.argv[2] + ".json"), scale),
      *share(given(sys.argv[1] + ".metrics"), given(sys.argv[2] + ".metrics"), scale))
PY
}
figures() { # NAME
    sqlite3 "$work/$1.run" "SELECT printf('%d | %d | %d | %d', sum(requests), sum(failed), sum(diverged), sum(withdrawn)) FROM total"
}
row() { # TITLE NAME [options]
    local title=$1 name=$2 whole wanted given asked
    shift 2
    say "$title"
    read -r whole wanted given asked < <(play "$name" "$@")
    echo "| $title | $whole of $wanted | $(calc "100 * $whole / $wanted" %.1f)% | $given of $asked | $(figures "$name") |"
}

machine
echo "| plugins | sessions whole | | steps given | requests | failed | diverged | asked again |"
echo "|---|---|---|---|---|---|---|---|"
row "none" none
if [ -z "${WHOLE_SESSIONS_PLUGINS:-}" ]; then
    row "multipart_audio, ai_queue, jwt_refresh" all --plugin multipart_audio --plugin ai_queue --plugin jwt_refresh
else
    arguments=()
    for plugin in $WHOLE_SESSIONS_PLUGINS; do arguments+=(--plugin "$plugin"); done
    row "$WHOLE_SESSIONS_PLUGINS" some "${arguments[@]}"
fi
