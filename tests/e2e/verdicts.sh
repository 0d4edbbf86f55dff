#!/usr/bin/env bash
# verdicts.sh - a run says what limited it: a target with a pace of its own, a generator without a
# processor, a network that loses segments or is long.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need taskset

kind_of() { sql "$1" 'SELECT verdict_kind FROM run'; }

# Ten requests of a user, some milliseconds apart.
for ((user = 0; user < 10; user++)); do
    echo "session user-$user"
    for ((step = 0; step < 10; step++)); do
        at=$((user * 20 + step * 20))
        echo "$at $((at + 1)) GET /slow-$step 200"
    done
done | make_trace shop.trace

# --- the target: 20 requests a second and no more, the rest wait in a line ---
eval "$(declare -f nginx_conf | sed '1s/nginx_conf/plain_conf/')"
nginx_conf() { plain_conf "$1" | sed 's|^http {|& limit_req_zone $server_addr zone=line:1m rate=20r/s;|'; }
echo hello >page
start_nginx "location /slow- { root $work; limit_req zone=line burst=10000; try_files /page =404; }"
expect_exit 0 "$reprise" replay shop.trace --target "$url" --users 20 --duration 6s \
    --graceful-stop 0s --run slow.run --quiet --strict
equal "verdict on a target with a pace of its own" "$(kind_of slow.run)" target-bound
expect_line out 'target-bound: '
equal "rows of workers" "$(sql slow.run 'SELECT count(DISTINCT worker) FROM worker_second')" 1
holds "segments are counted" "$(sql slow.run 'SELECT segments_sent FROM generator_total') > 20"
equal "connections are counted" "$(sql slow.run 'SELECT connects_made FROM generator_total')" \
    "$(sql slow.run 'SELECT connects_started FROM generator_total')"
ended nginx TERM

# --- the target: it stands still, with everybody's requests in it ---
# An answer takes some 80 ms: what keeps the generator waiting for a millisecond on a busy machine is
# then no part of what is felt.
nginx_conf() { plain_conf "$1" | sed 's|^http {|& limit_req_zone $server_addr zone=line:1m rate=500r/s;|'; }
start_nginx "location /slow- { root $work; limit_req zone=line burst=10000; try_files /page =404; }"
server=$(pgrep -P "${pids[nginx]}")
start still "$reprise" replay shop.trace --target "$url" --users 50 --duration 10m --graceful-stop 0s \
    --run still.run
has_answered() { [ "$(wc -l <access.log)" -ge 500 ]; }
await still has_answered
kill -STOP $server # unquoted: all its workers
has_been_silent() { [ "$(peek still.run 'SELECT max(max_silence_us) > 1000000 FROM generator_second')" = 1 ]; }
await still has_been_silent
kill -CONT $server
ended still INT
equal "exit code of a run that was stopped" "$code" 105
equal "verdict on a target that stood still" "$(kind_of still.run)" target-bound
expect_line still.out 'target-bound: it stood still: no answer came for '

ended nginx TERM
nginx_conf() { plain_conf "$1"; }
start_nginx ''

# --- the generator: a neighbour has its processor ---
cpu=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
start neighbour taskset -c "$cpu" bash -c 'while :; do :; done'
# Meanwhile, where it matters: the kernel's own times of every request.
expect_exit 0 "$reprise" replay shop.trace --target "$url" --transport native --timestamps kernel \
    --run stamped.run --quiet --json
stamped=$(sed -n '/"kernel_service_us"/,/}/s/.*"count": \([0-9]*\).*/\1/p' out)
# The kernel may begin a moment late.
holds "requests with the kernel's times" \
    "0${stamped:-0} > 0 && $stamped <= $(sql stamped.run 'SELECT sum(requests) FROM total')"
starved() { # OPTIONS...
    expect_exit 111 taskset -c "$cpu" nice -n 10 "$reprise" replay shop.trace --target "$url" \
        --users 1000 --duration 3s --graceful-stop 0s --quiet --strict "$@"
}
starved --run starved.run
equal "verdict on a generator without a processor" "$(kind_of starved.run)" generator-bound
expect_line out 'generator-bound, not valid: '
holds "it wanted one" "$(sql starved.run 'SELECT sum(cpu_wait_us) FROM worker_second') > 1000000"
# Without pauses it is judged by its processor alone. How little of that a busy neighbour left it in so
# few seconds decides between the two; the rule itself is tried in verdict_test.c.
taskset -c "$cpu" nice -n 10 "$reprise" replay shop.trace --target "$url" --users 1000 --duration 3s \
    --graceful-stop 0s --quiet --run full.run --pacing max >out || fail "full speed: exit code $?"
checks=$((checks + 1))
case $(kind_of full.run) in
generator-bound | tight) ;;
*) fail "verdict at full speed: $(kind_of full.run), wanted generator-bound or tight" ;;
esac
ended neighbour KILL
ended nginx TERM

# --- the network: a namespace whose loopback loses segments, or is long ---
# netem does both; without it a queue that is too short for what is sent at least loses.
in_network() { # QDISC REPLAY-OPTIONS...
    local qdisc=$1
    shift
    # shellcheck disable=SC2016
    unshare --net bash -c '
        PATH=$PATH:/usr/sbin
        ip link set lo mtu 1500 up && tc qdisc add dev lo root '"$qdisc"' || exit 77
        nginx -p "$0" -c "$0/nginx.conf" 2>/dev/null &
        until curl --silent --max-time 5 --output /dev/null "$1/started"; do
            kill -0 $! || exit 77
        done
        shift
        "$@"
        code=$?
        kill $!
        wait $!
        exit $code' "$work" "$url" "$reprise" replay shop.trace --target "$url" --quiet --strict "$@"
}
can_have() { # QDISC
    [ "$(id -u)" = 0 ] && unshare --net bash -c "PATH=\$PATH:/usr/sbin
        ip link set lo up && tc qdisc add dev lo root $1" 2>/dev/null
}
if can_have 'netem loss 6%'; then loses='netem loss 6%'; else loses='tbf rate 4mbit burst 2000 limit 4000'; fi
if can_have "$loses"; then
    expect_exit 0 in_network "$loses" --users 60 --duration 4s --graceful-stop 0s --pacing max \
        --run lossy.run
    equal "verdict on a network that loses segments" "$(kind_of lossy.run)" network-bound
    expect_line out 'network-bound: .* of segments were sent again'
else
    echo "without a network that loses segments: needs root, tc, and netem or tbf"
fi
if can_have 'netem delay 30ms'; then
    expect_exit 0 in_network 'netem delay 30ms' --users 20 --duration 3s \
        --graceful-stop 0s --run long.run
    equal "verdict on a network that is long" "$(kind_of long.run)" network-bound
    expect_line out 'network-bound: a round trip takes 6[0-9]\.'
else
    echo "without a network that is long: needs root, tc and netem"
fi
finish
