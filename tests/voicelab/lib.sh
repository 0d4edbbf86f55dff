# shellcheck shell=bash
# lib.sh - what the tests of voicelab share: starting a server, sending, comparing. Sourced.
#
# The one who sources it has set `bin`. Sets `base` (URL) and `pid`. Every request sent through `expect` is noted in `sent`, so that the
# server's own counts can be compared with it.
work=$(mktemp -d)
pid=
failures=0
checks=0
declare -A sent=()
trap 'stop_server; rm -rf "$work"' EXIT

fail() {
    failures=$((failures + 1))
    echo "FAIL: $*" >&2
}

# start_server [options]: a server of its own on a free port; returns when it listens.
start_server() {
    rm -f "$work/ready"
    mkfifo "$work/ready"
    "${bin:?}/voicelab" --port 0 "$@" >"$work/ready" 2>"$work/stderr" &
    pid=$!
    sent=()
    local line
    if ! read -r line <"$work/ready"; then
        echo "voicelab did not start: $(cat "$work/stderr")" >&2
        exit 1
    fi
    base=${line##* }
}

# Stops it and sees that it went cleanly: exit code 0 and, under sanitizers, nothing to report.
stop_server() {
    [ -n "$pid" ] || return 0
    kill -TERM "$pid"
    wait "$pid" || fail "voicelab ended with $?"
    [ -s "$work/stderr" ] && fail "voicelab said: $(cat "$work/stderr")"
    pid=
}

# The path of a request as the server's metrics name it.
template() {
    sed -E 's/\?.*//; s#^(/(uploads|jobs|conversations|voices|feedback|v1/batches))/[^/]+#\1/{id}#' <<<"$1"
}

# expect STATUS METHOD PATH [curl options]: sends it; the answer is in `body` and `head`.
expect() {
    local wanted=$1 method=$2 path=$3 code
    shift 3
    checks=$((checks + 1))
    body=$work/body head=$work/head
    : >"$body"
    code=$(curl --silent --show-error --max-time 20 --request "$method" --output "$body" --dump-header "$head" \
        --write-out '%{http_code}' "$@" "$base$path")
    sent["$method $(template "$path") $code"]=$((${sent["$method $(template "$path") $code"]:-0} + 1))
    [ "$code" = "$wanted" ] || fail "$method $path: $code, wanted $wanted: $(head -c 300 "$body")"
}

# Of the last answer.
body_has() { grep -qE -- "$1" "$body" || fail "the body lacks /$1/: $(head -c 300 "$body")"; }
head_has() { grep -qiE -- "$1" "$head" || fail "the header lacks /$1/: $(cat "$head")"; }
value() { grep -o "\"$1\":\"[^\"]*\"" "$body" | head -n 1 | cut -d '"' -f 4; }
header() { sed -n "s/^$1: \([^\r]*\).*/\1/pI" "$head" | head -n 1; }

# equal WHAT ACTUAL WANTED
equal() {
    checks=$((checks + 1))
    [ "$2" = "$3" ] || fail "$1: $2, wanted $3"
}

# metric 'name{labels}': its value now, 0 when it is not there.
metric() {
    curl --silent --max-time 20 "$base/metrics" |
        awk -v name="voicelab_$1" '$1 == name { found = 1; print $2 } END { if (!found) print 0 }'
}

# await SECONDS COMMAND...: asks again until it holds.
await() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        if [ "$SECONDS" -ge "$end" ]; then
            fail "did not come true: $*"
            return
        fi
    done
}

finish() {
    stop_server
    echo "$checks checks, $failures failures"
    [ "$failures" -eq 0 ]
    exit
}
