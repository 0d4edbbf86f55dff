# shellcheck shell=bash
# lib.sh - what the benchmarks share: a folder, a target, measuring, medians. Sourced by each script
# after `set -euo pipefail`; a script is called with the build's folder and prints markdown on
# stdout, talk on stderr. Everything is on loopback; what was started is stopped at the end.
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "${1:?usage: $0 BUILD}" && pwd)
reprise=$build/reprise
measure=$build/tests/measure
make_trace=$build/tests/make_trace
work=$(mktemp -d "${TMPDIR:-/tmp}/reprise-bench.XXXXXX")
started=()
port= # of the nginx that start_nginx started
status_port=
url=
target_pid=

stop_all() {
    local pid
    for pid in "${started[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap stop_all EXIT

say() { echo "bench: $*" >&2; }
skip() {
    echo "${0##*/}: skipped: $*" >&2
    exit 77
}
fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# need TOOL...: without one of them there is no figure.
need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || skip "$tool is not installed (scripts/bench-packages.txt)"
    done
}

# BENCH_BRIEF=1 shows that the scripts work, with a twentieth of the load: no figures to keep.
brief() { # FULL BRIEF
    if [ -n "${BENCH_BRIEF:-}" ]; then echo "$2"; else echo "$1"; fi
}
runs=$(brief "${BENCH_ROUNDS:-5}" 2)

# wait_until COMMAND...: until it succeeds, looking 50 times a second for at most 30 s.
wait_until() {
    local i
    for ((i = 0; i < 1500; i++)); do
        "$@" && return 0
        read -r -t 0.02 <> <(:) || true
    done
    fail "waited 30 s in vain for: $*"
}
accepts() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
file_has() { grep -q "$2" "$1" 2>/dev/null; }

# A port nobody listens on.
free_port() {
    local candidate
    while :; do
        candidate=$((20000 + RANDOM % 10000))
        accepts "$candidate" || break
    done
    echo "$candidate"
}

# start_nginx CPU BODY_BYTES [LISTEN-OPTION...]: one worker, pinned to that CPU ("-": not pinned), which
# answers every request with a body of that length; with `access_log` set it writes there: time,
# connection, target, duration. `ssl` is TLS 1.3 with one cipher suite for all, its authority in
# $work/ca.pem; `http2` is without ssl the cleartext kind. `nginx_http` and `nginx_server` add lines.
# Sets port, url, target_pid and status_port (nginx's own count of requests and connections, see load.sh).
start_nginx() {
    local cpu=$1 body pin=() listen
    body=$(printf 'x%.0s' $(seq "$2"))
    shift 2
    listen=" $* "
    [ "$cpu" = - ] || pin=(taskset -c "$cpu")
    port=$(free_port)
    status_port=$(free_port)
    url=http://127.0.0.1:$port
    if [[ $listen == *" ssl "* ]]; then
        make_certificate
        url=https://localhost:$port
    fi
    cat >"$work/nginx.conf" <<CONF
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid $work/nginx.pid;
error_log $work/nginx-error.log;
events { worker_connections 18000; }
http {
    log_format bench '\$msec \$connection \$request_uri \$request_time';
    access_log ${access_log:-off} ${access_log:+bench};
    keepalive_requests ${keepalive_requests:-100000000};
    keepalive_timeout ${keepalive_timeout:-3600s};
    client_body_temp_path $work/nginx-body;
    proxy_temp_path $work/nginx-proxy;
    fastcgi_temp_path $work/nginx-fastcgi;
    uwsgi_temp_path $work/nginx-uwsgi;
    scgi_temp_path $work/nginx-scgi;
    default_type application/json;
    ${nginx_http:-}
    server {
        listen 127.0.0.1:$port backlog=4096$listen;
        $([[ $listen == *" ssl "* ]] && echo "ssl_certificate $work/server.pem;
        ssl_certificate_key $work/server.key;
        ssl_protocols TLSv1.3;
        ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;")
        ${nginx_server:-}
        location / { return 200 "$body"; }
    }
    server {
        listen 127.0.0.1:$status_port;
        location / { stub_status; }
    }
}
CONF
    "${pin[@]}" "$(command -v nginx || echo /usr/sbin/nginx)" -c "$work/nginx.conf" 2>"$work/nginx.log" &
    started+=($!)
    wait_until accepts "$port"
    wait_until accepts "$status_port"
    target_pid=$(pgrep -P "$(cat "$work/nginx.pid")")
}

stop_nginx() {
    local pid
    pid=$(cat "$work/nginx.pid")
    kill "$pid"
    wait "$pid" || true
}

# $work/ca.pem and, signed by it, $work/server.pem for localhost and 127.0.0.1.
make_certificate() {
    need openssl
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench-ca \
        -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
        -keyout "$work/server.key" -out "$work/server.csr" 2>/dev/null
    echo 'subjectAltName = DNS:localhost, IP:127.0.0.1' >"$work/server.ext"
    openssl x509 -req -in "$work/server.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial \
        -days 2 -extfile "$work/server.ext" -out "$work/server.pem" 2>/dev/null
}

# start_stamps LOG BODY_BYTES [CPU]: stamp_server; sets what start_nginx does. stop_stamps: LOG is whole.
start_stamps() {
    local pin=()
    [ -z "${3:-}" ] || pin=(taskset -c "$3")
    : >"$work/stamps.port"
    "${pin[@]}" "$build/tests/stamp_server" "$1" "$2" >"$work/stamps.port" &
    target_pid=$!
    started+=("$target_pid")
    wait_until test -s "$work/stamps.port"
    port=$(cat "$work/stamps.port")
    status_port=$port
    url=http://127.0.0.1:$port
}
stop_stamps() {
    kill "$target_pid"
    wait "$target_pid" || fail "stamp_server: exit code $?"
}

# start_tcpdump FILE: everything on loopback to and from `port`. Sets tcpdump_pid.
start_tcpdump() {
    rm -f "$work/tcpdump.log"
    tcpdump -i lo -s 0 -B 262144 -w "$1" "tcp port $port" 2>"$work/tcpdump.log" &
    tcpdump_pid=$!
    started+=("$tcpdump_pid")
    wait_until file_has "$work/tcpdump.log" 'listening on'
}
# stop_tcpdump FILE: once the file grows no more. Fails when the kernel dropped packets.
stop_tcpdump() {
    local before=-1 now
    while now=$(stat -c %s "$1") && [ "$now" != "$before" ]; do
        before=$now
        read -r -t 1 <> <(:) || true
    done
    kill -INT "$tcpdump_pid"
    wait "$tcpdump_pid" || true
    file_has "$work/tcpdump.log" '^0 packets dropped by kernel' || fail "tcpdump: $(tail -n 1 "$work/tcpdump.log")"
}

# cpu_of REPORT, peak_mib_of REPORT: of a file that measure wrote.
cpu_of() { awk '{ printf "%.3f\n", $1 + $2 }' "$1"; }
peak_mib_of() { awk '{ printf "%.1f\n", $3 / 1024 }' "$1"; }

median() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
# percentile P: by rank, of the numbers on stdin.
percentile() { sort -n | awk -v p="$1" '{ v[NR] = $1 } END { if (NR) { i = int(NR * p / 100 + 0.999999); print v[i < 1 ? 1 : i] } }'; }
# calc EXPRESSION FORMAT
calc() { awk "BEGIN { printf \"${2:-%.2f}\", $1 }"; }

# json FILE PATH: a number out of a JSON file; the paths are those of SQLite ('$.a."b"').
json() { sqlite3 :memory: "SELECT json_extract(CAST(readfile('$1') AS TEXT), '$2')"; }

# The line over every table.
machine() {
    local cpu
    cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    echo "$(date -u +%F), ${cpu:-$(uname -m)}, $(nproc) cores, Linux $(uname -r | cut -d. -f1-2)," \
        "reprise $("$reprise" --version | cut -d' ' -f2)${BENCH_BRIEF:+, a brief run: not a figure}."
    echo
}
