#!/usr/bin/env bash
# Memory of users who upload 2 MB each at the same time, made while it is sent.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need nginx sqlite3
size=2000000 rate=500000

{
    echo "session one"
    echo "0 10 PUT /upload 201 what was recorded"
} | "$make_trace" "$work/put.trace"
mkdir -p "$work/htdocs/put"
nginx_server="location /put { root $work/htdocs; dav_methods PUT; client_max_body_size 1g; }"
chmod 755 "$work" # nginx's worker has another user when root starts it
chmod 777 "$work/htdocs/put"
start_nginx - 600

# row TRANSPORT USERS
row() {
    local files failed
    rm -rf "$work/put.run" "$work"/htdocs/put/*
    "$measure" "$work/report" "$reprise" replay "$work/put.trace" -q --target "$url" --transport "$1" --scale "$2" \
        --run "$work/put.run" --plugin-path "$build/test-plugins" --plugin "streams:size=$size,rate=$rate" \
        >"$work/out" 2>"$work/err" || fail "$(tail -n 2 "$work/err")"
    files=$(find "$work/htdocs/put" -type f -size "${size}c" | wc -l)
    failed=$(sqlite3 "$work/put.run" 'SELECT sum(failed) FROM total')
    rm -rf "$work"/htdocs/put/*
    echo "| $1 | $2 | $(calc "$2 * $size / 1e6" %.0f) | $files | $failed | $(peak_mib_of "$work/report") |" >>"$work/rows"
    say "$(tail -n 1 "$work/rows")"
}
row native 1
row native "$(brief 200 20)"
row native "$(brief 500 50)"
row curl "$(brief 200 20)"
machine
echo "| transport | users | MB sent | whole files at nginx | failed | peak MiB |"
echo "|---|---|---|---|---|---|"
cat "$work/rows"
