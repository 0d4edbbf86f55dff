# shellcheck shell=bash
# browser_trace.sh - the trace and the target of the full-speed benchmarks: a session of 20 different
# requests as a browser sends them, two of them with a value that comes from the session's own answers.
# Sourced by load.sh.
#
#     browser_nginx 1 [LISTEN-OPTION...]   nginx on core 1, see start_nginx
#     browser_trace FILE                   the session and its two bindings
#     $browser_headers                     the header lines, one "Name: value" a line, for other tools
#
# Of the requests the first, GET /api/session, is answered {"id":ID,...}, the second, GET /api/cart,
# {"token":TOKEN,...}: the tenth asks for /shop/orders/ID, the twelfth says X-CSRF-Token: TOKEN. nginx
# gives out another ID and TOKEN with every answer (the connection's number and how many requests it has
# had: $request_id would cost the target a random number each) and refuses the recorded ones, so a request
# that succeeds carries one of the session's own. All answers have nearly the same length.
# shellcheck disable=SC2034,SC2154

browser_body_bytes=600
recorded_value=0123456789abcdef0123456789abcdef
browser_headers='User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0
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
Cookie: sid=7f3a9c11d2e84b06a5d1; lang=en; consent=all'

# answer_with NAME VALUE: as long as the other answers where VALUE has 32 bytes.
answer_with() {
    local head="{\"$1\":\"" tail='","items":"'
    printf '%s%s%s%s"}' "$head" "$2" "$tail" \
        "$(printf 'x%.0s' $(seq $((browser_body_bytes - ${#head} - ${#tail} - 34))))"
}
browser_nginx() {
    nginx_server="location = /api/session { return 200 '$(answer_with id "\$pid-\$connection-\$connection_requests")'; }
        location = /api/cart { return 200 '$(answer_with token "\$pid-\$connection-\$connection_requests")'; }
        location = /shop/orders/$recorded_value { return 403; }
        location = /shop/items/12 {
            if (\$http_x_csrf_token = $recorded_value) { return 403; }
            return 200 '$(answer_with seen "\$http_x_csrf_token")';
        }" start_nginx "$1" "$browser_body_bytes" "${@:2}"
}

browser_trace() {
    local i
    {
        echo "session visitor"
        for i in $(seq 20); do
            case $i in
                1) echo "10 12 GET /api/session 200" ;;
                2) echo "20 22 GET /api/cart 200" ;;
                10) echo "100 102 GET /shop/orders/$recorded_value?view=full 200" ;;
                *) echo "${i}0 ${i}2 GET /shop/items/$i?page=$((i % 7)) 200" ;;
            esac
            while IFS= read -r line; do echo "header $line"; done <<<"$browser_headers"
            case $i in
                1) echo "answer $(answer_with id $recorded_value)" ;;
                2) echo "answer $(answer_with token $recorded_value)" ;;
                12) echo "header X-CSRF-Token: $recorded_value" ;;
            esac
        done
        echo "bind 1 body:/id -> 10 path:3"
        echo "bind 2 body:/token -> 12 header:X-CSRF-Token"
    } | "$make_trace" "$1"
}
