#!/usr/bin/env bash
# Full speed over TLS 1.3, keep-alive: as replay_speed.sh, with one cipher suite for all. Rounds are
# A B C A B C. reprise checks the certificate; wrk, h2load, hey and Locust cannot or do not.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/bench/load.sh
source "$(dirname "$0")/load.sh"
need wrk openssl
two_cores
browser_nginx 1 ssl
browser_trace "$work/tls.trace"

for ((i = 0; i < runs; i++)); do
    say "round $((i + 1)) of $runs"
    run_wrk wrk '/shop/items/13?page=6' "${browser_options[@]}"
    run_reprise reprise "$work/tls.trace" "${native[@]}" --cacert "$work/ca.pem"
    if has_option transport; then run_reprise curl "$work/tls.trace" --cacert "$work/ca.pem" --transport curl; fi
    if have h2load; then run_h2load h2load '/shop/items/13?page=6' --h1 "${browser_options[@]}"; fi
    if have hey; then run_hey hey '/shop/items/13?page=6' "${browser_options[@]}"; fi
    if have locust; then run_locust locust; fi
done

machine
load_head wrk
load_row reprise wrk "reprise, sessions of 20 requests"
load_row curl wrk "reprise, the same over libcurl"
load_row wrk wrk "wrk, one constant request, a browser's headers"
load_row h2load wrk "h2load \`--h1\`, one constant request, a browser's headers"
load_row hey wrk "hey, one constant request, a browser's headers"
load_row locust wrk "Locust FastHttpUser, the 20 requests"
echo
kept_alive reprise
missing h2load hey locust
