# shellcheck shell=bash
# lib.sh - what the scenarios share: servers that are waited for, commands that are judged. Sourced.
#
# A scenario is `NAME.sh BUILD_DIR`. It runs in a temporary folder of its own ($work), talks to loopback
# only, waits for events and never for a time, and ends with `finish`: how many checks, how many
# failed. One that cannot run here says why in one line and exits 77.
set -uo pipefail

build=$(cd "${1:?usage: $0 BUILD_DIR}" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
reprise=$build/reprise
voicelab=$build/tests/voicelab
work=$(mktemp -d)
cd "$work" || exit 1
export LC_ALL=C
checks=0 failures=0
declare -A pids=() # what is running in the background, by name
mounts=()

clean_up() {
    local name
    # A killed nginx would leave its workers behind.
    if [ -n "${pids[nginx]:-}" ]; then
        kill -TERM "${pids[nginx]}" 2>/dev/null
        wait "${pids[nginx]}" 2>/dev/null
        unset "pids[nginx]"
    fi
    for name in "${!pids[@]}"; do
        kill -KILL "${pids[$name]}" 2>/dev/null
        wait "${pids[$name]}" 2>/dev/null
    done
    for name in "${mounts[@]}"; do
        umount "$name"
    done
    if [ -n "${E2E_KEEP:-}" ]; then echo "kept: $work"; else cd / && rm -rf "$work"; fi
}
trap clean_up EXIT

fail() {
    failures=$((failures + 1))
    echo "FAIL: $*" >&2
}

skip() {
    echo "skipped: $*"
    exit 77
}

# E2E_TRANSPORT=native: every replay of the scenario goes over that transport.
if [ -n "${E2E_TRANSPORT:-}" ]; then
    # shellcheck disable=SC2016
    printf '#!/bin/sh\n[ "$1" != replay ] || set -- "$@" --transport %s\nexec "%s" "$@"\n' \
        "$E2E_TRANSPORT" "$reprise" >"$work/reprise"
    chmod +x "$work/reprise"
    reprise=$work/reprise
fi

finish() {
    echo "$checks checks, $failures failures"
    exit $((failures > 0))
}

need() { # TOOL...
    local tool
    for tool in "$@"; do
        PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || skip "$tool is not installed"
    done
}

# --- judging ---------------------------------------------------------------------------------

equal() { # WHAT ACTUAL WANTED
    checks=$((checks + 1))
    [ "$2" = "$3" ] || fail "$1: $2, wanted $3"
}

# holds WHAT 'COMPARISON', in awk's words. What compares nothing is true of anything.
holds() {
    checks=$((checks + 1))
    case $2 in *[\<=\>]*) ;; *) fail "$1: $2 compares nothing" ;; esac
    awk "BEGIN { exit !($2) }" || fail "$1: $2 does not hold"
}

# expect_exit CODE COMMAND...: its output is in `out` and `err` afterwards.
expect_exit() {
    local wanted=$1 code=0
    shift
    checks=$((checks + 1))
    "$@" >out 2>err || code=$?
    [ "$code" = "$wanted" ] || fail "exit code $code, wanted $wanted: $*: $(tail -n 3 err)"
}

expect_line() { # FILE PATTERN
    checks=$((checks + 1))
    grep -qE -- "$2" "$1" || fail "$1 lacks /$2/: $(tail -n 5 "$1")"
}

# One line on stderr, and it says this.
expect_complaint() { # PATTERN
    checks=$((checks + 1))
    [ "$(wc -l <err)" = 1 ] || fail "not one line on stderr: $(cat err)"
    expect_line err "^reprise: $1"
}

# --- background ------------------------------------------------------------------------------

# start NAME COMMAND...: its output goes to NAME.out and NAME.err.
start() {
    local name=$1
    shift
    : >"$name.out" # of an earlier one of that name nothing is left to be read
    "$@" >"$name.out" 2>"$name.err" &
    pids[$name]=$!
}

is_running() { kill -0 "${pids[$1]}" 2>/dev/null; }

pause() { read -r -t 0.02 <> <(:); }

# await NAME COMMAND...: until the command holds, as long as NAME runs; at most a minute.
await() {
    local name=$1 end=$((SECONDS + 60))
    shift
    until "$@"; do
        if ! is_running "$name"; then
            "$@" && return # its last deed
            fail "$name ended before: $* ($(tail -n 3 "$name.err"))"
            return 1
        fi
        if [ "$SECONDS" -ge "$end" ]; then
            fail "$name runs, but in a minute it did not come to: $*"
            return 1
        fi
        pause
    done
    return 0
}

has_line() { grep -qE -- "$2" "$1" 2>/dev/null; }

# ended NAME [SIGNAL]: sends the signal, waits for the end; the exit code is in `code`.
ended() {
    [ -z "${2:-}" ] || kill "-$2" "${pids[$1]}"
    code=0
    wait "${pids[$1]}" 2>/dev/null || code=$?
    unset "pids[$1]"
}

# stop_capture NAME: as ^C does; it must have gone well. Its summary is in NAME.out.
stop_capture() {
    ended "$1" INT
    equal "exit code of the capture" "$code" 0
}

# capture NAME PORT [options]: records into NAME.trace from when this returns; skips without the right.
# On loopback, unless `interface` says otherwise.
interface=lo
capture() {
    local name=$1 port=$2
    shift 2
    start "$name" "$reprise" capture -i "$interface" --port "$port" --out "$name.trace" "$@"
    until has_line "$name.err" '^capturing on'; do
        if ! is_running "$name"; then
            has_line "$name.err" 'capturing on' && return
            grep -q 'no right to capture' "$name.err" && skip "$(cat "$name.err")"
            fail "no capture: $(cat "$name.err")"
            finish
        fi
        pause
    done
}

# --- servers ---------------------------------------------------------------------------------

# start_server NAME COMMAND...: one that prints `... listening on URL`; sets `url` and `port`.
start_server() {
    start "$@"
    await "$1" has_line "$1.out" 'listening on http' || finish
    url=$(sed -n 's/.*listening on //p' "$1.out")
    port=${url##*:}
}

start_voicelab() { # [options]
    start_server voicelab "$voicelab/voicelab" --port 0 --access-log voicelab.log "$@"
}

# Of voicelab's metrics, 0 when it is not there.
metric() { # 'name{labels}'
    curl --silent "$url/metrics" |
        awk -v name="voicelab_$1" '$1 == name { found = 1; print $2 } END { if (!found) print 0 }'
}

# start_nginx LOCATIONS: nginx with these locations on a free port; every request is a line of access.log:
#     SECONDS.MS CONNECTION METHOD TARGET STATUS USER
# with USER from X-User, which the example plugin sets. Sets `url` and `port`.
start_nginx() {
    local tries
    need nginx
    for tries in {1..20}; do
        port=$((20000 + RANDOM % 12000)) # below those the kernel hands out by itself
        url=http://127.0.0.1:$port
        nginx_conf "$1" >nginx.conf
        start nginx env "PATH=$PATH:/usr/sbin" nginx -p "$work" -c "$work/nginx.conf"
        until curl --silent --output /dev/null "$url/started"; do
            is_running nginx || break
            pause
        done
        is_running nginx && break
        ended nginx
        grep -q 'Address already in use' nginx.err || break
    done
    [ -n "${pids[nginx]:-}" ] || skip "nginx does not start here: $(tail -n 1 nginx.err)"
    # A child of it has written the line of the request above.
    await nginx has_line access.log ' /started '
    : >access.log
}

nginx_conf() { # LOCATIONS
    [ "$(id -u)" != 0 ] || echo 'user root;'
    cat <<CONF
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
    log_format line '\$msec \$connection \$request_method \$request_uri \$status \$http_x_user';
    access_log $work/access.log line;
    client_body_temp_path $work/nginx-body;
    proxy_temp_path $work/nginx-proxy;
    fastcgi_temp_path $work/nginx-fastcgi;
    uwsgi_temp_path $work/nginx-uwsgi;
    scgi_temp_path $work/nginx-scgi;
    keepalive_requests 1000000;
    server {
        listen 127.0.0.1:$port;
        location / { return 200 "hello\n"; }
        $1
    }
}
CONF
}

# --- traces and runs -------------------------------------------------------------------------

# make_trace FILE < SCRIPT, in the words of tests/support/script_trace.h.
make_trace() { "$build/tests/make_trace" "$1"; }

sql() { sqlite3 "$@" || fail "sqlite3 $*"; }

# peek FILE QUERY: of a file that somebody writes, or has not made yet; then it says nothing.
peek() { sqlite3 -readonly "$@" 2>/dev/null; }
