# shellcheck shell=bash
# load.sh - the load generators, all run and measured in one way. Sourced after lib.sh.
#
# A generator runs pinned to core 0 against the nginx that start_nginx started on core 1. Its start
# and its warm-up are left out: what counts is a window of `seconds` in its middle, in which nginx
# counts the requests (stub_status) and the kernel the generator's CPU (/proc/PID/task/*/schedstat, in
# ns; the parts user and system from /proc/PID/stat, in ticks). So nobody's own word is taken.
# shellcheck disable=SC2034,SC2154
seconds=$(brief "${BENCH_SECONDS:-8}" 1)
warm_s=$(brief 2 0.5)
runs=$(brief "${BENCH_ROUNDS:-5}" 1)
duration=$((seconds + 4)) # of each generator: warm-up, window, and room for a slow start
[ -z "${BENCH_BRIEF:-}" ] || duration=3

# shellcheck source=tests/bench/browser_trace.sh
source "$(dirname "${BASH_SOURCE[0]}")/browser_trace.sh"
browser_options=() # the same for wrk, h2load and hey
while IFS= read -r line; do browser_options+=(-H "$line"); done <<<"$browser_headers"

two_cores() {
    need nginx taskset sqlite3
    [ "$(nproc)" -ge 2 ] || skip "one core: the target would be measured with the generator"
}
pause() { read -r -t "$1" <> <(:) || true; }

# session_trace FILE [AT-ONCE]: one session of 20 different requests as a browser sends them, one after
# the other, or in groups of AT-ONCE at once; none carries a value of an answer.
session_trace() {
    local at_once=${2:-1} i start
    {
        echo "session one"
        for i in $(seq 20); do
            # shellcheck disable=SC2017
            start=$(((i - 1) / at_once * 10))
            echo "$start $((start + 2)) GET /shop/items/$i?page=$((i % 7)) 200"
            while IFS= read -r line; do echo "header $line"; done <<<"$browser_headers"
        done
    } | "$make_trace" "$1"
}

# Sets served and accepted, by nginx's count.
served=0 accepted=0
count_served() {
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$status_port"
    printf 'GET / HTTP/1.0\r\n\r\n' >&3
    while IFS= read -r -u 3 line; do
        if [[ $line =~ ^\ ([0-9]+)\ ([0-9]+)\ ([0-9]+) ]]; then
            accepted=${BASH_REMATCH[2]} served=${BASH_REMATCH[3]}
        fi
    done
    exec 3>&-
}
# Sets cpu_ns, user_ticks and system_ticks of a process, all its threads.
cpu_ns=0 user_ticks=0 system_ticks=0
count_cpu() { # PID
    local ns _ fields file
    cpu_ns=0
    for file in /proc/"$1"/task/*/schedstat; do
        read -r ns _ 2>/dev/null <"$file" || return 1
        cpu_ns=$((cpu_ns + ns))
    done
    read -r -a fields <"/proc/$1/stat"
    user_ticks=${fields[13]} system_ticks=${fields[14]}
}

# run_load NAME COMMAND...: runs it, and adds to $work/NAME.rounds a line: requests/s, CPU us a
# request, of it user and system, requests a connection, how busy the target was in percent.
run_load() {
    local name=$1 pid t0 t1 s0 a0 c0 u0 k0 n0 c1 u1 k1 code=0
    shift
    "$@" >"$work/out" 2>"$work/err" &
    pid=$!
    started+=("$pid")
    count_served
    s0=$served
    wait_until has_begun "$s0"
    pause "$warm_s"
    count_cpu "$target_pid" && n0=$cpu_ns
    count_served && count_cpu "$pid" || fail "$name ended before its window: $(tail -n 2 "$work/err")"
    t0=${EPOCHREALTIME/./} s0=$served a0=$accepted c0=$cpu_ns u0=$user_ticks k0=$system_ticks
    pause "$seconds"
    count_served && count_cpu "$pid" || fail "$name ended within its window: $(tail -n 2 "$work/err")"
    t1=${EPOCHREALTIME/./} c1=$cpu_ns u1=$user_ticks k1=$system_ticks
    count_cpu "$target_pid"
    wait "$pid" || code=$?
    started=("${started[@]:0:${#started[@]}-1}")
    [ "$code" = 0 ] || fail "$name: exit code $code: $(tail -n 3 "$work/err")"
    # The three looks at nginx itself are not the generator's requests.
    awk -v us=$((t1 - t0)) -v requests=$((served - s0 - 1)) -v ns=$((c1 - c0)) \
        -v target_ns=$((cpu_ns - n0)) -v user=$((u1 - u0)) -v kernel=$((k1 - k0)) -v opened=$((accepted - a0 - 1)) 'BEGIN {
            if (requests < 1) exit 1
            cpu = ns / 1000 / requests
            ticks = user + kernel ? user + kernel : 1
            printf "%.1f %.3f %.3f %.3f %.1f %.0f\n", requests * 1e6 / us, cpu, cpu * user / ticks,
                cpu * kernel / ticks, opened ? requests / opened : -1, target_ns / us / 10
        }' >>"$work/$name.rounds" || fail "$name sent nothing: $(tail -n 2 "$work/err")"
    say "$name: $(tail -n 1 "$work/$name.rounds")"
}
has_begun() {
    count_served
    [ "$served" -gt $(($1 + ${begins_with:-50})) ]
}

has_option() { "$reprise" replay --help | grep -qF -- "--$1 "; }
native=()
if has_option transport; then native=(--transport native); fi

# run_reprise NAME TRACE [OPTION...]: 50 users, no pauses, on core 0. run_reprise_on CORES ...: elsewhere.
run_reprise() { run_reprise_on 0 "$@"; }
run_reprise_on() {
    local cores=$1 name=$2 trace=$3
    shift 3
    run_load "$name" taskset -c "$cores" "$reprise" replay "$trace" --target "$url" --users 50 --pacing max \
        --duration "${duration}s" --graceful-stop 0s -q --run "$work/load.run" \
        --summary-export "$work/load.json" "$@"
    rm -f "$work/load.run"
    [ "$(json "$work/load.json" '$.metrics.http_req_failed.value')" = 0.0 ] ||
        fail "$name: of its requests failed $(json "$work/load.json" '$.metrics.http_req_failed.value')"
    [ "$(json "$work/load.json" '$.metrics.http_req_diverged.value')" = 0.0 ] ||
        fail "$name: of its answers were not as recorded $(json "$work/load.json" '$.metrics.http_req_diverged.value')"
}

run_wrk() { # NAME TARGET [OPTION...]
    local name=$1 target=$2
    shift 2
    run_load "$name" taskset -c 0 wrk -t1 -c50 -d"${duration}s" "$@" "$url$target"
    grep -qE 'Non-2xx|Socket errors' "$work/out" && fail "$name: $(grep -E 'Non-2xx|Socket errors' "$work/out")"
    return 0
}
run_h2load() { # NAME TARGET [OPTION...]
    local name=$1 target=$2
    shift 2
    run_load "$name" taskset -c 0 h2load -t1 -c50 -D "$duration" "$@" "$url$target"
    grep -q ' 0 failed, 0 errored, 0 timeout' "$work/out" || fail "$name: $(grep '^requests:' "$work/out")"
}
run_hey() { # NAME TARGET [OPTION...]
    run_load "$1" taskset -c 0 hey -cpus 1 -c 50 -z "${duration}s" "${@:3}" "$url$2"
}
# run_locust NAME: FastHttpUser with the 20 requests of session_trace.
run_locust() {
    # Its users take seconds to begin, over TLS more: each reads the system's certificates.
    local duration=$((duration + 10)) warm_s=3 begins_with=1000
    run_load "$1" taskset -c 0 locust -f "$(dirname "${BASH_SOURCE[0]}")/locustfile.py" --headless --only-summary \
        -u 50 -r 50 -t "${duration}s" --host "$url"
}

# column NAME NUMBER: the median over the rounds.
column() { awk -v n="$2" '{ print $n }' "$work/$1.rounds" | median; }
# ratio NAME BASE NUMBER: the median of the rounds' own ratios.
ratio() {
    paste -d' ' "$work/$1.rounds" "$work/$2.rounds" | awk -v n="$3" '{ print $n / $(n + 6) }' | median |
        awk '{ printf "%.2f", $1 }'
}
load_head() { # BASE
    echo "| generator | requests/s | CPU us/request | user | system | requests/s to $1 | CPU to $1 | target busy |"
    echo "|---|---|---|---|---|---|---|---|"
}
load_row() { # NAME BASE TEXT
    [ -s "$work/$1.rounds" ] || return 0
    printf '| %s | %.0f | %.2f | %.2f | %.2f | %s | %s | %.0f%% |\n' "$3" "$(column "$1" 1)" "$(column "$1" 2)" \
        "$(column "$1" 3)" "$(column "$1" 4)" "$(ratio "$1" "$2" 1)" "$(ratio "$1" "$2" 2)" \
        "$(column "$1" 6)"
}
# to_peer NAME BASE TEXT, kept_alive NAME: lines under the table.
to_peer() {
    [ -s "$work/$2.rounds" ] || return 0
    echo "$1 to $3: $(ratio "$1" "$2" 1) of its requests/s, $(ratio "$1" "$2" 2) of its CPU per request."
    echo
}
kept_alive() {
    local each
    each=$(column "$1" 5)
    case $each in
        -1*) echo "$1 opened no connection within its windows." ;;
        *) echo "$1 opened a connection every $each requests." ;;
    esac
    echo
}
# missing TOOL...: a line under the table for the peers that this machine lacks.
have() { command -v "$1" >/dev/null; }
missing() {
    local tool
    for tool in "$@"; do have "$tool" || echo "Not measured: $tool is not installed."; done
}
