#!/usr/bin/env bash
# The whole story in a minute: a real and strict server (tokens live 5 s and refresh tokens rotate, two
# workers and a queue of 20 for jobs, audio that was seen before is refused), real clients captured off
# the wire, and the capture replayed against the server started afresh, as ten times the users in a fifth
# of the time, without a script. Everything stays on loopback.
#
#     scripts/demo.sh BUILD_DIR          (`make demo` builds first)
set -euo pipefail

build=$(cd "${1:-build/release}" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
reprise=$build/reprise
voicelab=$build/tests/voicelab
work=$build/demo
rm -rf "$work"
mkdir -p "$work"
cd "$work"

server_pid= capture_pid=
stop() {
    for pid in $capture_pid $server_pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}
trap stop EXIT

bold= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\033[1m' plain=$'\033[0m'
fi
say() { printf '\n%s==> %s%s\n' "$bold" "$*" "$plain"; }
show() { printf '%s$ %s%s\n' "$bold" "$*" "$plain"; }

# Wait until FILE has a line that matches, while PID lives. The line is the event; nothing is timed.
wait_for_line() { # FILE PATTERN PID
    until grep -q "$2" "$1" 2>/dev/null; do
        if ! kill -0 "$3" 2>/dev/null; then
            cat "$1" >&2
            return 1
        fi
        read -r -t 0.05 <> <(:) || true
    done
}

# What visitors came for, as the server counts it.
reached() { # FACTOR
    curl --silent "$url/metrics" | awk -F '[{}" ]+' -v factor="${1:-1}" '
        /^voicelab_sessions_reached/ && $3 !~ /^refresh$/ && $4 { printf "%s%s %d", n++ ? ", " : "  ", $3, $4 * factor }
        END { print "" }'
}

say "A server: voicelab, a strict voice and AI back end on loopback"
start_server() {
    : >server.log
    "$voicelab/voicelab" --port 0 --latency 3ms --jitter 2ms --access-ttl 5s --refuse-duplicates \
        --job-workers 2 --job-queue 20 >server.log 2>&1 &
    server_pid=$!
    wait_for_line server.log 'listening on' "$server_pid"
    url=$(sed -n 's/.*listening on //p' server.log | head -n 1)
    port=${url##*:}
    echo "$url"
}
start_server

say "Recording what crosses the wire"
show "reprise capture -i lo --port $port --out demo.trace"
"$reprise" capture -i lo --port "$port" --out demo.trace >capture.out 2>capture.log &
capture_pid=$!
# Without the right to capture it has said so, and how to get it, in one line.
wait_for_line capture.log 'capturing on' "$capture_pid" || exit 2

say "Twelve different users, over HTTP and WebSocket"
"$root/tests/voicelab/drive.sh" "$url" "$voicelab"

kill -INT "$capture_pid"
wait "$capture_pid" || true
capture_pid=
cat capture.out

say "Who was there"
show "reprise inspect demo.trace sessions"
"$reprise" inspect demo.trace sessions

say "What the server gave and the users sent back: tokens, ids, cursors"
show "reprise correlate demo.trace"
"$reprise" correlate demo.trace

say "What they came for, by the server's own count, times ten"
reached 10

# again [options]: the same against a server that has forgotten everybody: another process, other ids,
# another secret.
again() {
    kill "$server_pid"
    wait "$server_pid" || true
    start_server
    show "reprise replay demo.trace --target $url --scale 10 --speed 5 $*"
    "$reprise" replay demo.trace --target "$url" --scale 10 --speed 5 --run "$run" "$@"
    say "By the server's own count"
    reached
}

say "The same again on a server that knows nobody, as ten times the users in a fifth of the time"
run=plain.run again

say "And with plugins that renew tokens, make every upload a new file and wait for jobs until they are done"
run=demo.run again --plugin multipart_audio --plugin ai_queue --plugin jwt_refresh

say "To try next (the files are in $work)"
cat <<NEXT
  $reprise inspect $work/demo.trace session 1
  sqlite3 $work/demo.trace 'select * from requests limit 10'
  $reprise inspect $work/demo.trace bindings
  $reprise report $work/demo.run --json
NEXT
