#!/usr/bin/env bash
# Instructions per request, without a plugin and with the example: the slope between one user of 200
# requests and five, under callgrind, so that starting up does not count. libc is in it. Then what one
# call costs beyond the plugin's own work, on the clock.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need nginx valgrind sqlite3

requests=200
copies=$(brief 5 2)
start_nginx - 600

{
    echo "session one"
    for i in $(seq "$requests"); do
        echo "$i $i GET /shop/items/$((i % 20)) 200"
        echo "header User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
        echo "header Accept: text/html,application/xhtml+xml"
    done
} | "$make_trace" "$work/cost.trace"

# instructions COPIES [OPTION...]
instructions() {
    local scale=$1
    shift
    rm -f "$work/cost.run"
    valgrind --tool=callgrind --callgrind-out-file="$work/callgrind.out" "$reprise" replay "$work/cost.trace" -q \
        --target "http://127.0.0.1:$port" --pacing max --scale "$scale" --run "$work/cost.run" "$@" \
        >"$work/out" 2>"$work/valgrind.log" || fail "$(tail -n 3 "$work/valgrind.log")"
    sed -n 's/^summary: *//p; s/^totals: *//p' "$work/callgrind.out" | head -n 1
}
# per_request [OPTION...]
per_request() {
    local few many
    few=$(instructions 1 "$@")
    many=$(instructions "$copies" "$@")
    calc "($many - $few) / ($requests * ($copies - 1))" %.0f
}

say "four runs under callgrind"
without=$(per_request)
with=$(per_request --plugin example)
machine
echo "| plugin | instructions per request | more |"
echo "|---|---|---|"
echo "| none | $without | |"
echo "| \`--plugin example\` | $with | $((with - without)) |"
echo
say "calls through the chain"
"$build/tests/plugin_call" 2>/dev/null
