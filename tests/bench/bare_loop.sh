#!/usr/bin/env bash
# What a request costs at the least on this machine: wrk, a bare epoll loop, the same loop on io_uring,
# and reprise, all at full speed against nginx. Rounds are A B C D A B C D.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/bench/load.sh
source "$(dirname "$0")/load.sh"
need wrk
two_cores
browser_nginx 1
session_trace "$work/bare.trace"
bare=$build/tests/bare_loop

uring=yes
"$bare" uring "$port" 1 0.1 >"$work/out" 2>&1 || {
    uring=
    say "no io_uring: $(tail -n 1 "$work/out")"
}
for ((i = 0; i < runs; i++)); do
    say "round $((i + 1)) of $runs"
    run_wrk wrk '/shop/items/13?page=6' "${browser_options[@]}"
    run_load epoll taskset -c 0 "$bare" epoll "$port" 50 "$duration"
    [ -z "$uring" ] || run_load uring taskset -c 0 "$bare" uring "$port" 50 "$duration"
    run_reprise reprise "$work/bare.trace" "${native[@]}"
done

machine
load_head wrk
load_row wrk wrk "wrk, one constant request, a browser's headers"
load_row epoll wrk "bare loop, epoll, 20 requests"
load_row uring wrk "bare loop, io_uring, 20 requests"
load_row reprise wrk "reprise, sessions of 20 requests"
echo
if [ -n "$uring" ]; then
    to_peer uring epoll "the same loop on epoll"
    wins=$(ratio uring epoll 2)
    awk -v r="$wins" 'BEGIN { print "The rule, a gain of more than 10%: io_uring " (r < 0.9 ? "wins." : "does not win.") }'
else
    echo "io_uring not measured: not in this build, or not allowed here."
fi
to_peer reprise epoll "the bare loop on epoll"
