#!/usr/bin/env bash
# Full speed: one worker on core 0, nginx on core 1, 50 keep-alive users, no pauses. Paired with wrk,
# which sends the same 20 requests, and with wrk sending one plain request.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need nginx wrk taskset sqlite3
[ "$(nproc)" -ge 2 ] || skip "one core: the target would be measured with the generator"

seconds=$(brief 10 2)
start_nginx 1 600

headers='User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate, br
Referer: http://127.0.0.1/shop/catalogue
Upgrade-Insecure-Requests: 1
Sec-Fetch-Dest: document
Sec-Fetch-Mode: navigate
Sec-Fetch-Site: same-origin'

{
    echo "session one"
    for i in $(seq 20); do
        echo "$((i * 10)) $((i * 10 + 2)) GET /shop/items/$i?page=$((i % 7)) 200"
        while IFS= read -r line; do echo "header $line"; done <<<"$headers"
    done
} | "$make_trace" "$work/speed.trace"

{
    echo 'local all, at = {}, 0'
    echo 'init = function(args)'
    while IFS= read -r line; do echo "  wrk.headers['${line%%: *}'] = '${line#*: }'"; done <<<"$headers"
    # shellcheck disable=SC2016
    echo '  for i = 1, 20 do all[i] = wrk.format("GET", "/shop/items/" .. i .. "?page=" .. (i % 7)) end'
    echo 'end'
    echo 'request = function() at = at % 20 + 1; return all[at] end'
} >"$work/same.lua"

use_reprise() {
    "$measure" "$work/report" taskset -c 0 "$reprise" replay "$work/speed.trace" --target "http://127.0.0.1:$port" \
        --users 50 --duration "${seconds}s" --graceful-stop 0s --pacing max -q --run "$work/speed.run" \
        --summary-export "$work/speed.json" >"$work/out" || fail "replay: exit code $?"
    rm -f "$work/speed.run"
    [ "$(json "$work/speed.json" '$.metrics.http_req_failed.value')" = 0.0 ] ||
        say "replay: failed $(json "$work/speed.json" '$.metrics.http_req_failed.value')"
    json "$work/speed.json" '$.metrics.http_reqs.rate' >"$work/rate"
    json "$work/speed.json" '$.metrics.http_reqs.count' >"$work/count"
}
use_wrk() {
    "$measure" "$work/report" taskset -c 0 wrk -t1 -c50 -d"${seconds}s" "$@" \
        "http://127.0.0.1:$port/shop/items/1" >"$work/out" || fail "wrk: exit code $?"
    sed -n 's/^Requests\/sec: *//p' "$work/out" >"$work/rate"
    sed -nE 's/^ *([0-9]+) requests in .*/\1/p' "$work/out" >"$work/count"
}
keep() { # NAME
    cat "$work/rate" >>"$work/$1.rate"
    calc "$(cpu_of "$work/report") * 1e6 / $(cat "$work/count")" >>"$work/$1.us"
    echo >>"$work/$1.us"
}

for ((i = 0; i < runs; i++)); do
    say "round $((i + 1)) of $runs"
    use_reprise && keep reprise
    use_wrk -s "$work/same.lua" && keep same
    use_wrk && keep plain
done

machine
echo "| generator | requests/s | CPU us/request | requests/s to wrk's, same requests |"
echo "|---|---|---|---|"
base=$(median <"$work/same.rate")
row() {
    echo "| $2 | $(calc "$(median <"$work/$1.rate")" %.0f) | $(median <"$work/$1.us") |" \
        "$(calc "$(median <"$work/$1.rate") / $base") |"
}
row reprise "reprise, 20 requests as a browser sends them"
row same "wrk, the same 20 requests"
row plain "wrk, one request with wrk's own headers"
