#!/usr/bin/env bash
# Instructions per request, without a plugin and with the example: the slope between a short and a
# long run under callgrind, so that starting up does not count. libcurl and libc are in it.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need nginx valgrind sqlite3

short=200
long=$(brief 1000 400)
start_nginx - 600

# trace OUT REQUESTS
trace() {
    {
        echo "session one"
        for i in $(seq "$2"); do
            echo "$i $i GET /shop/items/$((i % 20)) 200"
            echo "header User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
            echo "header Accept: text/html,application/xhtml+xml"
        done
    } | "$make_trace" "$1"
}
trace "$work/short.trace" "$short"
trace "$work/long.trace" "$long"

# instructions TRACE [OPTION...]
instructions() {
    local file=$1
    shift
    rm -f "$work/cost.run"
    valgrind --tool=callgrind --callgrind-out-file="$work/callgrind.out" "$reprise" replay "$file" -q \
        --target "http://127.0.0.1:$port" --pacing max --run "$work/cost.run" "$@" \
        >"$work/out" 2>"$work/valgrind.log" || fail "$(tail -n 3 "$work/valgrind.log")"
    sed -n 's/^summary: *//p; s/^totals: *//p' "$work/callgrind.out" | head -n 1
}
# per_request [OPTION...]
per_request() {
    local few many
    few=$(instructions "$work/short.trace" "$@")
    many=$(instructions "$work/long.trace" "$@")
    calc "($many - $few) / ($long - $short)" %.0f
}

say "four runs under callgrind"
without=$(per_request)
with=$(per_request --plugin example)
machine
echo "| plugin | instructions per request | more |"
echo "|---|---|---|"
echo "| none | $without | |"
echo "| \`--plugin example\` | $with | $((with - without)) |"
