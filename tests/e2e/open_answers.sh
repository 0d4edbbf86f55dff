#!/usr/bin/env bash
# open_answers.sh - a target that keeps an answer open until the value in it has been used: an event
# of a stream, JSON, a header, and the same compressed. Whoever waited for the answer's end would
# wait for ever. And an answer that is large: its id is taken, and the rest of it is not kept.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3

# Recorded while the answers were open, with other ids.
for i in 1 2 3; do
    at=$((i * 100))
    cat <<SCRIPT
session visitor $i
$at $((at + 90)) GET /events 200
answered $((at + 1))
event item {"id":"item_8f3a11e$i"}
event bye {}
$((at + 10)) $((at + 11)) GET /items/item_8f3a11e$i 200
$((at + 12)) $((at + 80)) GET /feed 200
answered $((at + 13))
answer {"id":"item_8f3a11f$i","rows":[1,2]}
$((at + 20)) $((at + 21)) GET /items/item_8f3a11f$i 200
$((at + 22)) $((at + 70)) GET /redirect 200
answered $((at + 23))
answer-header Location: /items/item_8f3a11d$i
$((at + 30)) $((at + 31)) GET /items/item_8f3a11d$i 200
SCRIPT
done | make_trace open.trace
bind() { expect_exit 0 "$reprise" bind open.trace add --born "$1" --used "$2" --every-session; }
bind '1 sse:item > body:/id' '2 path:2'
bind '3 body:/id' '4 path:2'
bind '5 header:Location > path:2' '6 path:2'
equal "bindings from answers that were open" "$(sql open.trace 'SELECT count(*) FROM binding')" 9

for transport in native curl; do
    for way in think open max 'think gzip' 'max gzip'; do
        read -r pacing coding <<<"$way"
        rm -f open.run
        start_server server "$build/tests/stream_server" 1000 $coding
        expect_exit 0 "$reprise" replay open.trace --target "$url" --transport $transport --pacing $pacing \
            --timeout 10s --run open.run -q
        equal "answered by $transport, --pacing $way" \
            "$(sql open.run 'SELECT sum(requests) - sum(diverged) - sum(failed) FROM total')" 18
        equal "items asked for by $transport, --pacing $way" \
            "$(grep -cE '^GET /items/live-[0-9]+$' server.out)" 9
        equal "asked for as recorded" "$(grep -c item_ server.out)" 0
        ended server TERM
    done
done

# --- 50 MB behind the id -------------------------------------------------------------------------
make_trace big.trace <<'SCRIPT'
session visitor
0 10 GET /big 200
answer {"id":"old-b","rows":[1,2]}
20 21 GET /items/old-b 200
bind 1 body:/id -> 2 path:2
SCRIPT
peak_kb() { # COMMAND...: its largest memory, in KB
    command -v /usr/bin/time >/dev/null || skip "/usr/bin/time is not installed"
    # A sanitizer holds on to what was freed: of the pieces that libcurl decodes, all of them.
    ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1 /usr/bin/time -f %M -o peak "$@" >out 2>err || fail "$*: $(tail -n 2 err)"
    tail -n 1 peak
}
for way in native curl 'native gzip' 'curl gzip'; do
    read -r transport coding <<<"$way"
    for bytes in 1000 50000000; do
        rm -f big.run
        start_server server "$build/tests/stream_server" $bytes $coding
        peak[bytes]=$(peak_kb "$build/reprise" replay big.trace --target "$url" --transport $transport --run big.run -q)
        equal "items asked for by $way behind $bytes bytes" "$(grep -cE '^GET /items/live-1$' server.out)" 1
        ended server TERM
    done
    holds "memory for 50 MB by $way, in KB" "${peak[50000000]} - ${peak[1000]} < 20000"
done
finish
