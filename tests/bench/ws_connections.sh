#!/usr/bin/env bash
# Many WebSockets: 10,000 users connect within 10 s, and each says something once a second and hears it
# echoed, 60 times. The generator has core 0; core 1 has the target, an echo server on node's `ws`
# package. Beside it Tsung doing the same. What was said is counted by the server.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need node npm taskset sqlite3
[ "$(nproc)" -ge 2 ] || skip "one core: the target would be measured with the generator"

ramp=$(brief 10 2)     # seconds, a session of the trace each
each=$(brief 1000 200) # users a second of it
times=$(brief 60 8)    # messages a user
users=$((ramp * each))
[ "$(ulimit -n)" -ge $((users + 200)) ] || ulimit -n $((users + 200)) 2>/dev/null ||
    skip "needs $((users + 200)) open files; ulimit -n is $(ulimit -n)"

npm install --prefix "$work/node" --silent --no-audit --no-fund ws >"$work/npm.log" 2>&1 ||
    skip "npm could not install the package ws: $(tail -n 1 "$work/npm.log")"

text='{"type":"said","text":"a message of the size that a chat has, more or less","from":"somebody"}'
# A session a second, so that --scale spreads its copies over that second.
ws_trace() { # FILE SESSIONS MESSAGES
    local s i at
    for ((s = 0; s < $2; s++)); do
        echo "session user$s"
        echo "$((s * 1000)) $((s * 1000 + 1)) WS /live"
        for ((i = 1; i <= $3; i++)); do
            at=$((s * 1000 + i * 1000))
            echo "> $at $text"
            echo "< $((at + 1)) $text"
        done
        echo "> $((at + 500)) close 1000"
    done | "$make_trace" "$1"
}
ws_trace "$work/ws.trace" "$ramp" "$times"
ws_trace "$work/one.trace" 1 2

start_echo() {
    port=$(free_port)
    NODE_PATH=$work/node/node_modules taskset -c 1 node "$(dirname "$0")/ws_echo.js" "$port" >"$work/echo" 2>&1 &
    echo_pid=$!
    started+=("$echo_pid")
    wait_until accepts "$port"
}
# Sets most_open, heard and server_cpu, by the server's count.
stop_echo() {
    kill "$echo_pid"
    wait "$echo_pid" || true
    read -r most_open heard server_cpu <"$work/echo" || fail "the echo server died: $(tail -n 3 "$work/echo")"
}

run_reprise() { # NAME TRACE SCALE
    "$measure" "$work/$1.report" taskset -c 0 "$reprise" replay "$work/$2.trace" --scale "$3" \
        --target "http://127.0.0.1:$port" -q --run "$work/$1.run" --summary-export "$work/$1.json" \
        >"$work/out" 2>"$work/err" || fail "replay: exit code $?: $(tail -n 2 "$work/err" "$work/out")"
}
run_tsung() {
    mkdir -p "$work/tsung"
    # Its arrivals are random: the phase lasts until all have come.
    cat >"$work/tsung.xml" <<XML
<?xml version="1.0"?>
<!DOCTYPE tsung SYSTEM "/usr/share/tsung/tsung-1.0.dtd" []>
<tsung loglevel="critical" version="1.0">
  <clients><client host="localhost" use_controller_vm="true" maxusers="60000"/></clients>
  <servers><server host="127.0.0.1" port="$port" type="tcp"/></servers>
  <load><arrivalphase phase="1" duration="$((2 * ramp + 10))" unit="second">
    <users maxnumber="$users" arrivalrate="$each" unit="second"/>
  </arrivalphase></load>
  <sessions><session name="said" probability="100" type="ts_websocket">
    <request><websocket type="connect" path="/live"/></request>
    <for from="1" to="$times" var="i">
      <thinktime value="1"/>
      <transaction name="said"><request><websocket type="message"><![CDATA[$text]]></websocket></request></transaction>
    </for>
    <request><websocket type="close"/></request>
  </session></sessions>
</tsung>
XML
    "$measure" "$work/tsung.report" taskset -c 0 tsung -f "$work/tsung.xml" -l "$work/tsung" start \
        >"$work/out" 2>"$work/err" || fail "tsung: exit code $?: $(tail -n 2 "$work/err" "$work/out")"
}

start_echo
run_reprise one one 1 # what a replay takes by itself
say "reprise with $users"
run_reprise ws ws "$each"
stop_echo
number() { json "$work/ws.json" "\$.metrics.$1"; }
us() { calc "$(number "$1") * 1000" %.0f; }
said=$(number ws_msgs_sent.count)
kib=$(awk -v one="$(awk '{ print $3 }' "$work/one.report")" -v users="$users" '{ printf "%.1f", ($3 - one) / users }' "$work/ws.report")
row="| reprise | $most_open | $((users * times)) | ${said%.*} | $((heard - 2)) | $(number ws_msgs_received.count | cut -d. -f1) | $(number ws_msgs_missing.count | cut -d. -f1)"
row+=" | $(us 'ws_answer_wait.med') | $(us 'ws_answer_wait."p(99)"') | $(us 'ws_lateness."p(99)"') | $(cpu_of "$work/ws.report") | $server_cpu | $kib |"

if command -v tsung >/dev/null && [ -r /usr/share/tsung/tsung-1.0.dtd ]; then
    start_echo
    say "tsung with $users"
    run_tsung
    stop_echo
    log=$(find "$work/tsung" -name tsung.log)
    tsung_ms() { awk '$1 == "stats:" && $2 == "tr_said" { ms += $3 * $4; n += $3 } END { printf "%.0f", n ? ms / n * 1000 : 0 }' "$log"; }
    peer="| Tsung | $most_open | $((users * times)) | - | $heard | - | - | mean $(tsung_ms) | - | - | $(cpu_of "$work/tsung.report")"
    peer+=" | $server_cpu | $(awk -v users="$users" '{ printf "%.1f", $3 / users }' "$work/tsung.report") |"
fi

machine
echo "| generator | most open at once | planned | sent | heard by the server | received | missing | round trip p50 us | p99 us | lateness p99 us | CPU s | server CPU s | KiB a connection |"
echo "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
echo "$row"
echo "${peer:-}"
