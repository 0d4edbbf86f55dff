#!/usr/bin/env bash
# crashing_plugins.sh - a plugin that crashes, throws or never returns ends the run with its name and
# its callback on stderr, and what was measured until then can be read.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3

sanitizer=$(sed -n 's/^REPRISE_SANITIZER:[A-Z]*=//p' "$build/CMakeCache.txt")
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_stack_use_after_return=0
ulimit -c 0

for ((at = 0; at < 400; at += 10)); do
    [ "$at" = 0 ] && echo "session regular"
    echo "$at $at GET /page 200"
done | make_trace regular.trace
start_server bad "$build/tests/bad_server"

play() { # OPTIONS...
    rm -f ./*.run ./*.run-wal ./*.run-shm
    code=0
    "$reprise" replay regular.trace --target "$url" --run crash.run --quiet \
        --plugin-path "$build/test-plugins" "$@" >out 2>err || code=$?
}

# A signal's exit code; a sanitizer has one of its own.
ends_by() { # SIGNAL-NUMBER
    if [ -n "$sanitizer" ]; then holds "exit code" "$code != 0"; else equal "exit code" "$code" $((128 + $1)); fi
}

while read -r how signal name; do
    play --plugin "misbehaves:how=$how"
    ends_by "$signal"
    expect_line err "^reprise: plugin misbehaves: on_request crashed \\($name: "
    expect_exit 0 "$reprise" report crash.run
    equal "check of the file after $how" "$(sql crash.run 'PRAGMA integrity_check')" ok
done <<'CRASHES'
segv 11 SIGSEGV
recurse 11 SIGSEGV
bus 7 SIGBUS
ill 4 SIGILL
fpe 8 SIGFPE
abort 6 SIGABRT
CRASHES

# Whatever callback it is in, and before there is a run.
for where in on_response on_session_end start on_recorded on_recording_end; do
    play --plugin "misbehaves:how=segv,where=$where"
    ends_by 11
    expect_line err "^reprise: plugin misbehaves: $where crashed \\(SIGSEGV: "
done
play --plugin misbehaves:how=recurse,where=start
expect_line err "^reprise: plugin misbehaves: start crashed \\(SIGSEGV: "

# The one that crashes is named, not the one beside it.
play --plugin example --plugin misbehaves:how=abort
expect_line err '^reprise: plugin misbehaves: on_request crashed \(SIGABRT: '
equal "the other's name" "$(grep -c 'plugin example' err)" 0

if [ -f "$build/test-plugins/throws.so" ]; then
    play --plugin throws
    ends_by 6
    expect_line err '^reprise: plugin throws: on_request crashed \(SIGABRT: .* C\+\+ exception'
fi

# A run that has measured something: all but the last second is there.
start replay "$reprise" replay regular.trace --target "$url" --users 2 --duration 1m --run late.run --quiet \
    --plugin-path "$build/test-plugins" --plugin misbehaves:how=segv,after=500
ended replay
ends_by 11
expect_line replay.err '^reprise: plugin misbehaves: on_request crashed'
expect_exit 0 "$reprise" report late.run
holds "seconds kept" "$(sql late.run 'SELECT count(*) FROM second') >= 1"
holds "requests kept" "$(sql late.run 'SELECT sum(status_2xx) FROM total') >= 40"
equal "seconds and totals agree" "$(sql late.run 'SELECT sum(requests) FROM second')" \
    "$(sql late.run 'SELECT sum(requests) FROM total')"

# One that loops for ever: named, exit code 1, and the file is finished.
play --plugin misbehaves:how=loop --plugin-timeout 300ms
equal "exit code of a run that is given up" "$code" 1
expect_line err '^reprise: plugin misbehaves: on_request has not returned for 300(\.00)?ms'
equal "state of the run" "$(sql crash.run 'SELECT state, exit_code FROM run')" "failed|1"
expect_exit 0 "$reprise" report crash.run

# Before there is a run, and behind it, when its file is closed.
given_up() { # CALLBACK
    equal "exit code of what $1 keeps" "$code" 1
    expect_line err "^reprise: plugin misbehaves: $1 has not returned for 300(\\.00)?ms: given up"
}
for where in start on_recorded on_recording_end; do
    play --plugin "misbehaves:how=loop,where=$where" --plugin-timeout 300ms
    given_up "$where"
    equal "run files without a run" "$(find . -name '*.run')" ""
done
play --plugin misbehaves:how=loop,where=stop --plugin-timeout 300ms
given_up stop
equal "state of the run before stop" "$(sql crash.run 'SELECT state, exit_code FROM run')" "done|0"
expect_line out 'TOTAL RESULTS'
play --plugin misbehaves:how=loop,where=stop --plugin-timeout 300ms --dry-run
given_up stop
expect_line out '^plan  '

# ^C is told what it waits for.
start replay "$reprise" replay regular.trace --target "$url" --run crash.run --quiet \
    --plugin-path "$build/test-plugins" --plugin misbehaves:how=loop,where=stop --plugin-timeout 1m
await replay has_line replay.out 'TOTAL RESULTS'
kill -INT "${pids[replay]}"
await replay has_line replay.err '^reprise: warning: plugin misbehaves: stop has not returned yet'
ended replay INT
equal "exit code by the second ^C" "$code" 130

# On trial, in each kind of callback; what was done before it is told.
try() { # OPTIONS...
    code=0
    "$reprise" plugin test "$1" regular.trace --plugin-path "$build/test-plugins" "${@:2}" >out 2>err || code=$?
}
for where in start on_recorded on_recording_end on_request on_session_end stop; do
    try "misbehaves:how=loop,where=$where" --plugin-timeout 300ms
    given_up "$where"
done
equal "summary before stop" "$(grep -c '^session   1, ' out)" 1
try misbehaves:how=loop,after=3,verdict=1 --plugin-timeout 300ms
given_up on_request
equal "steps told before it stood still" "$(grep -c 'misbehaves on_request .*: SKIP$' out)" 3
try misbehaves:how=segv,after=3,verdict=1
ends_by 11
equal "steps told before the crash" "$(grep -c 'misbehaves on_request .*: SKIP$' out)" 3

# One that is only slow is not.
play --plugin misbehaves:stall=120ms --plugin-timeout 1s --duration 1s
equal "exit code under a slow plugin" "$code" 0
expect_line err 'plugin misbehaves: on_request took 1[0-9]+\.[0-9] ms on the event loop'
finish
