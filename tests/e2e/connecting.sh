#!/usr/bin/env bash
# connecting.sh - how the target is reached: --bind, --http and --proxy, by what the other side logged.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3 openssl

make_trace one.trace <<'TRACE'
session one
0 1 GET /a 200
2 3 GET /b 200
TRACE
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>openssl.err || fail "no certificate: $(cat openssl.err)"
# Over TLS 1.1 alone, and both; and a proxy.
base=$((20000 + RANDOM % 12000))
# shellcheck disable=SC2016
start_nginx "}
    log_format how '\$server_port \$server_protocol \$remote_addr \$request_uri \$request';
    ssl_certificate $work/cert.pem;
    ssl_certificate_key $work/key.pem;
    access_log how.log how;
    server { listen 127.0.0.1:$base ssl; server_name localhost; location / { return 200; } }
    server { listen 127.0.0.1:$((base + 1)) ssl http2; server_name localhost; location / { return 200; } }
    server { listen 127.0.0.1:$((base + 2)); location / { proxy_pass \$scheme://\$http_host\$request_uri; }"

: >how.log
# What nginx saw since the last call: FIELDS of how.log, each different line once, with its count.
seen() { # FIELDS
    local lines
    lines=$(cut -d ' ' -f "$1" how.log | sed "s/^$port /target /; s/^$((base + 2)) /proxy /" | sort | uniq -c | awk '{ $1 = $1 } 1' | paste -sd ,)
    : >how.log
    echo "$lines"
}
run=0
replay() { # URL OPTION...
    local target=$1
    shift
    run=$((run + 1))
    expect_exit 0 "$reprise" replay one.trace --target "$target" --run "$run.run" --quiet "$@"
}
failures_of() { sql "$run.run" 'SELECT class, failures FROM failure' | paste -sd ,; }

# Four users, a connection each, from two addresses in turn.
for transport in native curl; do
    replay "http://127.0.0.1:$port" --transport $transport --scale 4 --bind 127.0.0.2 --bind 127.0.0.3
    equal "$transport: source addresses" "$(seen 3)" "4 127.0.0.2,4 127.0.0.3"
    # Each worker begins elsewhere, so that not all begin with the first.
    replay "http://127.0.0.1:$port" --transport $transport --workers 2 --scale 2 --bind 127.0.0.2 --bind 127.0.0.3
    equal "$transport: source addresses of two workers" "$(seen 3)" "2 127.0.0.2,2 127.0.0.3"
    replay "http://127.0.0.1:$port" --transport $transport
    equal "$transport: source address by itself" "$(seen 3)" "2 127.0.0.1"
done

# From an address that cannot reach the target nothing could be sent, so nothing is begun.
expect_exit 2 "$reprise" replay one.trace --target "http://127.0.0.1:$port" --bind ::1 --run none.run
expect_complaint '--bind ::1: the target 127.0.0.1 has IPv4 addresses only, .*; name an IPv4 address of this machine'
equal "run files of what was refused" "$(find . -name none.run)" ""

tls_1=https://localhost:$base tls_2=https://localhost:$((base + 1))
for transport in native curl; do
    over=(--transport $transport --cacert cert.pem)
    replay "$tls_2" "${over[@]}" --http 2
    equal "$transport: HTTP/2 over TLS" "$(seen 2)" "2 HTTP/2.0"
    replay "$tls_2" "${over[@]}"
    equal "$transport: what TLS settles on" "$(seen 2)" "2 HTTP/2.0"
    replay "$tls_2" "${over[@]}" --http 1.1
    equal "$transport: HTTP/1.1 though both are spoken" "$(seen 2)" "2 HTTP/1.1"
    replay "$tls_1" "${over[@]}"
    equal "$transport: HTTP/1.1 where nothing else is spoken" "$(seen 2)" "2 HTTP/1.1"
    replay "$tls_1" "${over[@]}" --http 2
    equal "$transport: HTTP/2 where it is not spoken" "$(failures_of)" "protocol|1,protocol|1"
    seen 2 >/dev/null
done

# What keeps a user from connecting is said in the same words over both, with what to do.
while read -r class target; do
    for transport in native curl; do
        replay "$target" --transport $transport
        sql "$run.run" "SELECT DISTINCT class || ': ' || detail FROM failure_sample" >$transport.words
    done
    equal "words over libcurl" "$(cat curl.words)" "$(cat native.words)"
    expect_line native.words "^$class: .*; "
done <<TARGETS
certificate $tls_1
certificate https://127.0.0.1:$base
tls https://127.0.0.1:$port
connect_refused http://127.0.0.1:$((base + 3))
TARGETS
seen 2 >/dev/null

# The proxy asks in its turn, so each request is there twice.
replay "http://127.0.0.1:$port" --proxy "http://127.0.0.1:$((base + 2))"
equal "through a proxy" "$(seen 1,4)" "1 proxy /a,1 proxy /b,1 target /a,1 target /b"
http_proxy=http://127.0.0.1:$((base + 2)) replay "http://127.0.0.1:$port" --transport curl
equal "no proxy because of the environment" "$(seen 1,4)" "1 target /a,1 target /b"

# A hundred users and few descriptors: the generator's want, whatever libcurl says of it.
for transport in native curl; do
    run=$((run + 1))
    # shellcheck disable=SC2016
    expect_exit 0 bash -c 'ulimit -n 40; exec "$@"' - "$reprise" replay one.trace --target "http://127.0.0.1:$port" \
        --transport $transport --users 100 --duration 200ms --run "$run.run" --quiet
    equal "$transport: out of descriptors" "$(sql "$run.run" 'SELECT DISTINCT class FROM failure')" no_files
done
finish
