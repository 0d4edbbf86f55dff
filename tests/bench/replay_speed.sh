#!/usr/bin/env bash
# Full speed: 50 keep-alive users without pauses against nginx, sessions of 20 different requests with a
# browser's headers and, where the trace has them, slots filled from answers; beside it wrk with one
# constant request, and the other generators. Rounds are A B C A B C.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/bench/load.sh
source "$(dirname "$0")/load.sh"
need wrk
two_cores
browser_nginx 1
browser_trace "$work/speed.trace"

for ((i = 0; i < runs; i++)); do
    say "round $((i + 1)) of $runs"
    run_wrk wrk '/shop/items/13?page=6' "${browser_options[@]}"
    run_reprise reprise "$work/speed.trace" "${native[@]}"
    run_wrk wrk_short '/shop/items/13?page=6'
    if has_option transport; then run_reprise curl "$work/speed.trace" --transport curl; fi
    if have h2load; then run_h2load h2load '/shop/items/13?page=6' --h1 "${browser_options[@]}"; fi
    if have hey; then run_hey hey '/shop/items/13?page=6' "${browser_options[@]}"; fi
    if have locust; then run_locust locust; fi
done

machine
load_head wrk
load_row reprise wrk "reprise, sessions of 20 requests"
load_row curl wrk "reprise, the same over libcurl"
load_row wrk wrk "wrk, one constant request, a browser's headers"
load_row wrk_short wrk "wrk, one constant request, wrk's own headers"
load_row h2load wrk "h2load \`--h1\`, one constant request, a browser's headers"
load_row hey wrk "hey, one constant request, a browser's headers"
load_row locust wrk "Locust FastHttpUser, the 20 requests"
echo
to_peer reprise wrk_short "wrk with its own short headers, which the target reads faster"
to_peer reprise locust "Locust"
kept_alive reprise
missing h2load hey locust
