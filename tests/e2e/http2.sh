#!/usr/bin/env bash
# http2.sh - what was recorded is replayed over HTTP/2: with nginx and nghttpd as targets, in the clear by prior
# knowledge and over TLS by ALPN, one connection a user, requests side by side, bodies and cookies both ways.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need nginx nghttpd curl openssl sqlite3

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>openssl.err || fail "no certificate: $(cat openssl.err)"

# Ten at once, then an upload and a download that are larger than any window.
large=$(head -c 300000 /dev/zero | tr '\0' u)
{
    echo "session one"
    echo "0 5 GET /first 200"
    echo "set-cookie sid=recorded; Path=/"
    for i in $(seq 10); do
        echo "10 20 GET /side/$i?q=$i 200"
        echo "header Connection: keep-alive"
        echo "header Cookie: sid=recorded"
        echo "header Accept-Encoding: gzip"
    done
    echo "30 40 POST /upload 200 $large"
    echo "50 60 GET /large 200"
    echo "70 80 HEAD /first 200"
} | make_trace h2.trace
requests=14 users=7

tls_port=$((32000 + RANDOM % 700)) clear_port=$((31000 + RANDOM % 700))
mkdir -p htdocs/side
head -c 3000000 /dev/zero | tr '\0' l >htdocs/large
start_nginx "} log_format h2 '\$server_protocol \$connection \$request_method \$request_uri \$status \$content_length \$http_cookie';
    server {
        listen 127.0.0.1:$clear_port http2;
        listen 127.0.0.1:$tls_port ssl http2;
        access_log $work/h2.log h2;
        ssl_certificate $work/cert.pem;
        ssl_certificate_key $work/key.pem;
        client_max_body_size 10m;
        gzip on; gzip_min_length 1; gzip_types *;
        location / { add_header Set-Cookie 'sid=live; Path=/'; return 200 'hello, hello, hello, hello'; }
        location /large { root $work/htdocs; }"

# played NAME TARGET OPTION...: everything is answered.
played() {
    local name=$1 target=$2
    shift 2
    expect_exit 0 "$reprise" replay h2.trace --target "$target" --run "$name.run" --quiet \
        --scale $users --cacert cert.pem "$@"
    equal "$name: requests, failed, diverged" \
        "$(sql "$name.run" 'SELECT sum(requests), sum(failed), sum(diverged) FROM total')" "$((requests * users))|0|0"
}
# What nginx saw: of what protocol, over how many connections, with which cookie behind the first.
by_nginx() { # NAME PROTOCOL CONNECTIONS
    local lines
    lines=$((requests * users))
    await nginx test "$(wc -l <h2.log)" -ge "$lines"
    equal "$1: protocol" "$(cut -d' ' -f1 h2.log | sort -u)" "$2"
    [ -z "$3" ] || equal "$1: connections" "$(cut -d' ' -f2 h2.log | sort -u | wc -l)" "$3"
    equal "$1: uploads" "$(grep -c "POST /upload 200 300000" h2.log)" "$users"
    equal "$1: cookies" "$(grep -c 'GET /side/.* sid=live$' h2.log)" "$((10 * users))"
    : >h2.log
}
played clear "http://127.0.0.1:$clear_port" --http 2
by_nginx clear HTTP/2.0 $users
played alpn "https://localhost:$tls_port"
by_nginx alpn HTTP/2.0 $users
played tls "https://localhost:$tls_port" --http 2
by_nginx tls HTTP/2.0 $users
played one "https://localhost:$tls_port" --http 1.1
by_nginx one HTTP/1.1 ''

# A user whose first requests go side by side shares one connection as well, by either transport.
for i in $(seq 0 5); do echo "0 20 GET /side/$i 200"; done | sed '1i session one' | make_trace side.trace
for transport in native curl; do
    expect_exit 0 "$reprise" replay side.trace --target "https://localhost:$tls_port" --run "side_$transport.run" \
        --quiet --cacert cert.pem --transport $transport
    await nginx test "$(wc -l <h2.log)" -ge 6
    equal "$transport, side by side: connections" "$(cut -d' ' -f2 h2.log | sort -u | wc -l)" 1
    equal "$transport, side by side: protocol" "$(cut -d' ' -f1 h2.log | sort -u)" HTTP/2.0
    : >h2.log
done

# A target that does not speak it.
expect_exit 0 "$reprise" replay h2.trace --target "$url" --http 2 --run no.run --quiet
equal "no HTTP/2" "$(sql no.run "SELECT sum(failures) FROM failure WHERE class = 'protocol'")" $requests

accepts() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# nghttpd has settings of its own: three streams at once, padding, a trailer, small windows.
for i in $(seq 10); do echo "side $i" >"htdocs/side/$i"; done
echo first >htdocs/first
cp htdocs/first htdocs/upload
for way in clear tls; do
    options=(--no-tls) target=http://127.0.0.1
    [ $way = clear ] || options=() target=https://localhost
    nghttpd_port=$((30000 + RANDOM % 900))
    start nghttpd nghttpd "${options[@]}" -v -a 127.0.0.1 -d htdocs -m 3 -b 100 -w 16 --trailer 'x-end: 1' \
        "$nghttpd_port" $([ $way = clear ] || echo key.pem cert.pem)
    await nghttpd accepts "$nghttpd_port"
    played "nghttpd_$way" "$target:$nghttpd_port" --http 2
    equal "nghttpd, $way: streams beyond the three it allows" "$(grep -c 'RST_STREAM' nghttpd.out)" 0
    ended nghttpd TERM
done
finish
