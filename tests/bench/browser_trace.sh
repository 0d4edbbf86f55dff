# shellcheck shell=bash
# browser_trace.sh - the trace and the target of the full-speed benchmarks: sessions of 20 different
# requests as a browser sends them, each with two values that come from its own answers. Sourced
# after lib.sh.
#
#     start_browser_nginx 1            nginx on core 1; sets `port`
#     make_browser_trace FILE 10       ten such sessions, two bindings each
#     browser_headers                  the header lines, one "Name: value" a line, for other tools
#
# Of a session's requests the first, GET /api/session, is answered {"user":{"id":ID,...},...}, the
# second, GET /api/cart, {"csrf":{"token":TOKEN},...}: the tenth asks for /shop/orders/ID, the twelfth
# says X-CSRF-Token: TOKEN. nginx gives out another ID and TOKEN with every answer ($request_id), so a
# request that carries one of its own session's answers cannot be the recorded one.

browser_body_bytes=600 # of every answer, so that all requests cost the target about the same

browser_headers() {
    cat <<'HEADERS'
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate, br
Referer: http://127.0.0.1/shop/catalogue
DNT: 1
Upgrade-Insecure-Requests: 1
Sec-Fetch-Dest: document
Sec-Fetch-Mode: navigate
Sec-Fetch-Site: same-origin
Sec-Fetch-User: ?1
Cookie: sid=7f3a9c11d2e84b06a5d1; lang=en; consent=all
HEADERS
}

# Answers with an id, filled up to the length of the others.
browser_locations() {
    local filler
    filler=$(printf 'x%.0s' $(seq $((browser_body_bytes - 80))))
    cat <<LOCATIONS
        location = /api/session { return 200 '{"user":{"id":"\$request_id","name":"v"},"filler":"$filler"}'; }
        location = /api/cart { return 200 '{"items":3,"csrf":{"token":"\$request_id"},"filler":"$filler"}'; }
LOCATIONS
}

# start_browser_nginx CPU ("-": not pinned)
start_browser_nginx() {
    nginx_server=$(browser_locations) start_nginx "$1" "$browser_body_bytes"
}

# make_browser_trace FILE [SESSIONS] [THINK_MS]: between two requests, 10 ms unless said otherwise.
make_browser_trace() {
    local file=$1 sessions=${2:-1} think=${3:-10} session i at first id token
    for ((session = 1; session <= sessions; session++)); do
        first=$(((session - 1) * 20 + 1))
        id=$(printf '%032x' $((session * 7919))) token=$(printf '%032x' $((session * 104729)))
        echo "session visitor $session"
        for ((i = 1; i <= 20; i++)); do
            at=$(((session - 1) * 5 + (i - 1) * (think + 2)))
            case $i in
            1) echo "$at $((at + 2)) GET /api/session 200" ;;
            2) echo "$at $((at + 2)) GET /api/cart 200" ;;
            10) echo "$at $((at + 2)) GET /shop/orders/$id?view=full 200" ;;
            *) echo "$at $((at + 2)) GET /shop/items/$i?page=$((i % 7)) 200" ;;
            esac
            browser_headers | sed 's/^/header /'
            case $i in
            1) echo "answer {\"user\":{\"id\":\"$id\",\"name\":\"v\"}}" ;;
            2) echo "answer {\"items\":3,\"csrf\":{\"token\":\"$token\"}}" ;;
            12) echo "header X-CSRF-Token: $token" ;;
            esac
        done
        echo "bind $first body:/user/id -> $((first + 9)) path:3"
        echo "bind $((first + 1)) body:/csrf/token -> $((first + 11)) header:X-CSRF-Token"
    done | "${make_trace:?}" "$file"
}
