#!/usr/bin/env bash
# The whole story in half a minute: a real server, real clients captured off the wire, and the
# capture replayed against the server started afresh, as ten times the users in a fifth of the time,
# without a script. Everything stays on loopback.
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

say "A server: voicelab, a voice and AI back end on loopback"
start_server() {
    : >server.log
    "$voicelab/voicelab" --port 0 --latency 3ms --jitter 2ms --job-workers 8 --job-queue 1000 >server.log 2>&1 &
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

say "The server forgets everybody and everything: another process, other ids, another secret"
kill "$server_pid"
wait "$server_pid" || true
start_server

say "The same again, as ten times the users in a fifth of the time, each of them new there"
show "reprise replay demo.trace --target $url --scale 10 --speed 5 --plugin example"
"$reprise" replay demo.trace --target "$url" --scale 10 --speed 5 --run demo.run --plugin example

say "To try next (the files are in $work)"
cat <<NEXT
  $reprise inspect $work/demo.trace session 1
  sqlite3 $work/demo.trace 'select * from requests limit 10'
  $reprise inspect $work/demo.trace bindings
  $reprise report $work/demo.run --json
NEXT
