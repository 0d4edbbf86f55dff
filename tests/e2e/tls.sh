#!/usr/bin/env bash
# tls.sh - what was recorded in the clear is replayed over TLS, HTTP/2 and wss included: a certificate that is not
# trusted is refused and named as that, and accepted when it is trusted or when that is typed out.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl openssl sqlite3

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>openssl.err || fail "no certificate: $(cat openssl.err)"

start_voicelab
voicelab_url=$url
post() { # PATH JSON
    curl --silent --show-error --fail --header 'Content-Type: application/json' --data "$2" "$voicelab_url$1"
}
post /auth/signup '{"email":"a@example.com","password":"correct horse","name":"A"}' >signup || fail "signup"
token=$(post /auth/login '{"email":"a@example.com","password":"correct horse"}' |
    sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p')

capture live "$port"
curl --silent --output me --header "Authorization: Bearer $token" "$url/me" --next --silent --output voices \
    --header "Authorization: Bearer $token" "$url/voices?limit=5"
"$voicelab/voicelab_wav" --seconds 1 talk.wav || fail "no audio"
"$voicelab/voicelab_ws_client" --audio talk.wav --token "$token" --pace 20 "$url/ws/transcribe" >stream ||
    fail "the client: $(cat stream)"
all_closed() { [ "$(metric ws_connections_open)" = 0 ]; }
await voicelab all_closed
stop_capture live
requests=$(sql live.trace 'SELECT count(*) FROM exchange WHERE NOT is_websocket')

tls_port=$((32000 + RANDOM % 700))
start_nginx "} map \$http_upgrade \$connection_upgrade { default upgrade; '' ''; }
    server {
        listen 127.0.0.1:$tls_port ssl http2;
        ssl_certificate $work/cert.pem;
        ssl_certificate_key $work/key.pem;
        location / {
            proxy_pass $voicelab_url;
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection \$connection_upgrade;
        }"
tls_url=https://localhost:$tls_port

expect_exit 0 "$reprise" replay live.trace --target "$tls_url" --run refused.run --quiet
equal "requests refused for TLS" "$(sql refused.run "SELECT sum(failures) FROM failure WHERE class = 'certificate' AND protocol = 'http'")" "$requests"
equal "WebSockets refused for TLS" "$(sql refused.run "SELECT sum(failures) FROM failure WHERE class = 'certificate' AND protocol = 'websocket'")" 1
expect_line out 'certificate'

# trusted NAME OPTION...: all of it works, and the WebSocket says what it said in the clear.
trusted() {
    local name=$1
    shift
    expect_exit 0 "$reprise" replay live.trace --target "$tls_url" --run "$name.run" --quiet --scale 5 "$@"
    equal "$name: requests, failed" "$(sql "$name.run" 'SELECT sum(requests), sum(failed), sum(diverged) FROM total')" "$((requests * 5))|0|0"
    equal "$name: WebSockets, missing, extra" \
        "$(sql "$name.run" 'SELECT connected, connect_failed, missing, extra FROM ws_total')" "5|0|0|0"
}
trusted cacert --cacert cert.pem
trusted insecure --insecure
# The kernel's times, which TLS has none of, and libcurl knows nothing of.
if [ "${E2E_TRANSPORT:-}" != curl ]; then
    trusted stamped --insecure --timestamps kernel
    expect_line err "--timestamps kernel: the kernel's times are of plain TCP, over TLS there are none"
fi
finish
