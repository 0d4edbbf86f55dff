#!/usr/bin/env bash
# streamed_bodies.sh - a plugin's bodies, made while they are sent, reach nginx whole over HTTP/1.1, HTTP/2 and TLS, fast
# and at a pace; one that fails fails its request by name; a long answer ends where the plugin has seen enough.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need nginx openssl sqlite3
users=6 size=3000000

{
    echo "session one"
    echo "0 10 PUT /upload 201 what was recorded"
    echo "20 30 GET /large 200"
} | make_trace put.trace
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>openssl.err || fail "no certificate: $(cat openssl.err)"
h2_port=$((31000 + RANDOM % 700)) tls_port=$((32000 + RANDOM % 700))
mkdir -p htdocs/put
head -c 50000000 /dev/zero >htdocs/large
start_nginx "location /put { root $work/htdocs; dav_methods PUT; client_max_body_size 1g; client_body_buffer_size 64k; }
    location /large { root $work/htdocs; }
    } server { listen 127.0.0.1:$h2_port http2; listen 127.0.0.1:$tls_port ssl http2;
        ssl_certificate $work/cert.pem; ssl_certificate_key $work/key.pem; location /put { root $work/htdocs; dav_methods PUT; client_max_body_size 1g; }
        location /large { root $work/htdocs; }"

# played NAME URL OPTIONS...: the run's file is NAME.run.
played() {
    local name=$1 target=$2
    shift 2
    rm -rf htdocs/put/*
    expect_exit 0 "$reprise" replay put.trace --target "$target" --run "$name.run" --quiet --scale $users \
        --plugin-path "$build/test-plugins" "$@"
    equal "$name: bodies made, and not released" \
        "$(sql "$name.run" "SELECT group_concat(sum, '|') FROM (SELECT sum FROM plugin_metric WHERE name IN ('streams_made', 'streams_kept') ORDER BY name)")" \
        "0|$users"
}
arrived() { # NAME SIZE: each user's file is as its plugin made it
    local user letters=abcdefghijklmnopqrstuvwxyz
    for ((user = 0; user < users; user++)); do
        head -c "$2" /dev/zero | tr '\0' "${letters:user:1}" | cmp - "htdocs/put/$user" ||
            fail "$1: what user $user sent is not what arrived"
    done
}
whole() { # NAME URL OPTIONS...
    played "$1" "$2" --plugin "streams:size=${size}" "${@:3}"
    equal "$1: requests, failed, diverged" \
        "$(sql "$1.run" 'SELECT sum(requests), sum(failed), sum(diverged) FROM total')" "$((2 * users))|0|0"
    arrived "$1" $size
}

whole native "$url" --transport native
whole curl "$url" --transport curl
whole native-h2 "http://127.0.0.1:$h2_port" --transport native --http 2
whole native-tls "https://localhost:$tls_port" --transport native --http 1.1 --cacert cert.pem
whole native-tls-h2 "https://localhost:$tls_port" --transport native --http 2 --cacert cert.pem
whole curl-tls "https://localhost:$tls_port" --transport curl --http 1.1 --cacert cert.pem
equal "bytes of the recorded bodies that the plugin could see" \
    "$(sql native.run "SELECT sum FROM plugin_metric WHERE name = 'streams_recorded'")" $((users * 17))
equal "bytes of answers seen" "$(sql native.run "SELECT sum FROM plugin_metric WHERE name = 'streams_seen'")" $((users * 50000000))

# At a pace: no sooner than it allows, and whole all the same. The long answers end early, as answers.
for transport in native curl; do
    played "paced-$transport" "$url" --transport $transport --plugin 'streams:size=600KB,rate=1MB,enough=1MB'
    equal "$transport: requests, failed, diverged, when paced and cut short" \
        "$(sql "paced-$transport.run" 'SELECT sum(requests), sum(failed), sum(diverged) FROM total')" "$((2 * users))|0|0"
    arrived "paced-$transport" 600000
    equal "$transport: sent sooner than the pace allows" \
        "$(sql "paced-$transport.run" "SELECT sum FROM plugin_metric WHERE name = 'streams_too_soon'")" 0
    holds "$transport: no more of the answers was read than was wanted" \
        "$(sql "paced-$transport.run" "SELECT sum FROM plugin_metric WHERE name = 'streams_seen'") < $users * 2000000"
done

# One that fails in the middle: the request's failure, and nobody else's.
for transport in native curl; do
    played "failed-$transport" "$url" --transport $transport --plugin 'streams:fails_at=1MB'
    equal "$transport: failed for the plugin's sake" \
        "$(sql "failed-$transport.run" "SELECT sum(requests), sum(failed) FROM total")" "$((2 * users))|$users"
    expect_line out 'plugin streams: its body source failed at byte 1[0-9]+ of 2000000'
    equal "$transport: files of bodies that were not whole" "$(find htdocs/put -type f | wc -l)" 0
done
finish
