#!/usr/bin/env bash
# Full speed over HTTP/2: 50 users with a connection each, sessions of 20 different requests, ten at
# once; beside it h2load with 50 connections and ten streams each, sending one constant request. In
# the clear (prior knowledge) and over TLS 1.3. Rounds are A B C A B C.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/bench/load.sh
source "$(dirname "$0")/load.sh"
need h2load openssl
two_cores
has_option http && has_option transport || skip "this reprise has no --http"
session_trace "$work/h2.trace" 10

speaks() { # OPTION...: says what is wrong before it sends anything
    "$reprise" replay "$work/h2.trace" --target "$url" --http 2 --dry-run "$@" >"$work/out" 2>"$work/err" && return 0
    say "not measured: $(tail -n 1 "$work/err")"
    return 1
}
measure_over() { # clear|tls
    local way=$1 trust=() by_default=1 by_curl=1
    [ "$way" = clear ] || trust=(--cacert "$work/ca.pem")
    speaks || by_default=
    speaks --transport curl || by_curl=
    for ((i = 0; i < runs; i++)); do
        say "$way, round $((i + 1)) of $runs"
        run_h2load "h2load_$way" '/shop/items/13?page=6' -m10 "${browser_options[@]}"
        [ -z "$by_default" ] || run_reprise "reprise_$way" "$work/h2.trace" --http 2 "${trust[@]}"
        [ -z "$by_curl" ] || run_reprise "curl_$way" "$work/h2.trace" --http 2 --transport curl "${trust[@]}"
    done
}
start_nginx 1 600 http2
measure_over clear
stop_nginx
start_nginx 1 600 ssl http2
measure_over tls

machine
load_head "h2load"
for way in clear tls; do
    [ $way = clear ] && text="in the clear" || text="TLS 1.3"
    load_row "h2load_$way" "h2load_$way" "h2load, $text, one constant request, a browser's headers"
    load_row "reprise_$way" "h2load_$way" "reprise \`--http 2\`, $text, 20 requests"
    load_row "curl_$way" "h2load_$way" "reprise \`--http 2 --transport curl\`, $text, 20 requests"
done
