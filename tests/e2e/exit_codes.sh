#!/usr/bin/env bash
# exit_codes.sh - every exit code there is, each with one line on stderr that names the thing and what
# to do about it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/pcap.sh
. "$here/pcap.sh"
need sqlite3 setpriv curl
modules=(--plugin-path "$build/test-plugins")

make_trace one.trace <<'TRACE'
session one
0 1 GET /a 200
20 21 GET /b 200
TRACE
start_nginx ''
echo garbage >junk
: >taken.run
sqlite3 other.db 'CREATE TABLE x (y)'
cp one.trace newer.trace
sqlite3 newer.trace 'PRAGMA user_version = 99'
exchange_pcap >two.pcap
head -c -3 two.pcap >cut.pcap
pcap_header 187 >bluetooth.pcap

# 2: it was asked for something that cannot be; nothing is sent. PATTERN | what to type after `reprise`.
while IFS='|' read -r pattern arguments; do
    [ -n "$pattern" ] || continue
    eval "set -- ${arguments//URL/--target $url}"
    expect_exit 2 "$reprise" "$@"
    expect_complaint "$pattern"
done <<'ROWS'
no such verb: rply; did you mean replay\?|rply

replay: unknown option --sped; did you mean --speed\?|replay one.trace URL --sped 5
replay: --duration '5parsecs': expected a duration, like 250ms|replay one.trace URL --duration 5parsecs
replay: --pacing 'quick': expected think, open or max|replay one.trace URL --pacing quick
replay: --timing 'exact': expected auto, sleep or precise|replay one.trace URL --timing exact
replay: --http '3': expected auto, 1.1 or 2|replay one.trace URL --http 3
replay: --http 2 by libcurl needs a target over TLS|replay one.trace URL --http 2 --transport curl
replay: --proxy 'ftp://x': expected \[SCHEME://\]HOST\[:PORT\]|replay one.trace URL --proxy ftp://x
--transport native knows no proxy|replay one.trace URL --proxy 127.0.0.1:1 --transport native
--bind 'localhost': expected an address of this machine, like 127.0.0.2|replay one.trace URL --bind localhost
--bind 192.0.2.7: not an address of this machine; 'ip addr' lists them|replay one.trace URL --bind 192.0.2.7
--bind 192.0.2.7: not an address of this machine|replay one.trace URL --bind 192.0.2.7 --transport native
replay: --cpu-affinity '70-71': core 70 is none that this process may use|replay one.trace URL --cpu-affinity 70-71
replay: --cpu-affinity 'first': expected auto, none or a list of cores|replay one.trace URL --cpu-affinity first
replay: --users needs --duration|replay one.trace URL --users 5
replay: --users has to be 1 to 1000000|replay one.trace URL --users 4294967295 --duration 1s
replay: --stage '1s:4294967295': expected DURATION:USERS, .* and 1000000 users|replay one.trace URL --stage 1s:4294967295
--summary-export one.trace: a trace, .* is not written over|replay one.trace URL --summary-export one.trace
--summary-export same: --run names the same file|replay one.trace URL --summary-export same --run same
threshold '[^']*': condition 'rate<5': expected a rate from 0 to 1|replay one.trace URL --threshold 'http_req_failed: rate<5'
replay: --scale goes with recorded arrivals|replay one.trace URL --users 5 --duration 1s --scale 2
threshold 'http_req_duration p95 < 5': expected METRIC: CONDITION|replay one.trace URL --threshold 'http_req_duration p95 < 5'
threshold 'no_such: p\(95\)<5': unknown metric 'no_such'|replay one.trace URL --threshold 'no_such: p(95)<5'

replay: --target URL is missing|replay one.trace
--target '[^']*': a path is not part of a target; leave out '/api'|replay one.trace --target http://127.0.0.1:1/api
--target 'ftp://127.0.0.1': expected http://HOST|replay one.trace --target ftp://127.0.0.1
target 192.0.2.7 is not this machine; .*add --allow-target 192.0.2.7|replay one.trace --target http://192.0.2.7

missing.trace: No such file or directory; check the path: 'reprise capture' makes a trace|replay missing.trace URL
junk: not a reprise trace .*'reprise capture' makes one|replay junk URL
other.db: not a reprise trace|replay other.db URL
newer.trace: a trace of version 99, .*use a newer reprise|replay newer.trace URL
newer.trace: a trace of version 99, .*use a newer reprise|inspect newer.trace
one.trace: no session 9; .*sessions' lists them|inspect one.trace session 9
taken.run: exists; a run is not written over: name another file|replay one.trace URL --run taken.run
no/folder.run: No such file or directory; --run names a file in a folder you may write to|replay one.trace URL --run no/folder.run
junk: not a run; 'reprise replay' makes one|report junk
missing.run: No such file or directory; check the path: 'reprise replay' makes a run|report missing.run

plugin nosuch: no nosuch.so in .*--plugin-path DIR adds a folder|replay one.trace URL --plugin nosuch
plugin [^ ]*/junk: cannot load it|replay one.trace URL --plugin ./junk
plugin major_other .*built for ABI 7.1 .*build it again|replay one.trace URL "${modules[@]}" --plugin major_other
plugin entry_missing .*no reprise_plugin_entry; does it end with REPRISE_REGISTER|replay one.trace URL "${modules[@]}" --plugin entry_missing
--summary-export no/s.json: No such file or directory; name a folder|replay one.trace URL --summary-export no/s.json
--cacert ./junk: no certificates in PEM form to read|replay one.trace URL --cacert ./junk
plugin broken: start: the weights add up to 90%|replay one.trace URL "${modules[@]}" --plugin start_fails
plugin broken: start.* no verdict|replay one.trace URL "${modules[@]}" --plugin start_verdict
plugin example: no option 'nosuch'; it takes header=text|replay one.trace URL --plugin example:nosuch=1

capture: nothing to capture; give -i INTERFACE|capture
capture: -i and -r together|capture -i lo -r two.pcap
capture: --port 99999: not a port; 1 to 65535|capture -i lo --port 99999
capture: --session-gap 0: every request would be a session|capture -r two.pcap --session-gap 0
capture: --session-header 'X-User: ann': no name of a header|capture -r two.pcap --session-header 'X-User: ann'
capture: --session-header '': no name of a header|capture -r two.pcap --session-header ''
capture: /tmp: a folder; name the files in it, each with -r|capture -r /tmp
capture: two.pcap: is no trace: --force replaces traces only|capture -r two.pcap -o two.pcap --force
capture: missing.pcap: No such file or directory; check the path, and who may read it|capture -r missing.pcap
capture: junk: no capture file: neither pcap nor pcapng|capture -r junk
capture: bluetooth.pcap: link type 187 .* is not decoded; Ethernet, .* are|capture -r bluetooth.pcap
capture: cut.pcap: truncated: it ends inside packet 6; all before was read|capture -r cut.pcap -o cut.trace
capture: two.pcap: filter 'tcp prt 1': .*'man pcap-filter' has the grammar|capture -r two.pcap --filter 'tcp prt 1'
capture: one.trace: exists already: remove it, --force|capture -r two.pcap -o one.trace
capture: nosuch0: |capture -i nosuch0
ROWS
equal "requests sent by all of these" "$(wc -l <access.log)" 0
equal "what was whole in the cut file" \
    "$(sql cut.trace "SELECT group_concat(target || ' ' || status, ', ') FROM exchange")" "/1 200, /2 0"

# Nor without rights: as somebody who may not.
if [ "$(id -u)" = 0 ]; then
    nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"; }
    if nobody test -x "$reprise"; then
        expect_exit 2 nobody "$reprise" capture -i lo -o /dev/null
        expect_complaint "capture: lo: no right to capture; run as root, or once: sudo setcap 'cap_net_raw,cap_net_admin\+ep' [^ ]*/reprise$"
    fi
    cp two.pcap closed.pcap && chmod 600 closed.pcap && chmod 711 .
    if nobody test -x "$reprise"; then
        expect_exit 2 nobody "$reprise" capture -r "$work/closed.pcap" -o /dev/null
        expect_complaint 'capture: [^ ]*closed.pcap: Permission denied'
    fi
fi

# 0: done.
expect_exit 0 "$reprise" --version
expect_exit 0 "$reprise" replay --help
expect_exit 0 "$reprise" capture -r two.pcap -o two.trace
equal "exchanges" "$(sql two.trace 'SELECT count(*) FROM exchange')" 2
expect_exit 0 "$reprise" replay one.trace --target "$url" --run done.run --quiet --threshold 'http_req_failed: rate<0.01'
equal "stderr of a quiet run" "$(cat err)" ""
equal "requests sent" "$(wc -l <access.log)" 2
expect_exit 0 "$reprise" report done.run
expect_exit 0 "$reprise" inspect one.trace

# 0 too, because the plugin failed its user and not the run: its line says which callback it was.
expect_exit 0 "$reprise" replay one.trace --target "$url" --run user.run --quiet "${modules[@]}" --plugin misbehaves:verdict=42
equal "sessions by result" "$(sql user.run 'SELECT result, sessions FROM session_result WHERE sessions > 0')" "failed|1"
expect_line out 'plugin misbehaves: on_request: answered 42, which is no verdict'

# 1: the machine failed. The summary is there all the same.
mkdir taken
expect_exit 1 "$reprise" replay one.trace --target "$url" --run export.run --quiet --summary-export taken
expect_complaint 'summary export taken: Is a directory'
expect_line out 'http_reqs.*: 2 '

# 1 too when it is the summary that could not be said: what reads it has got no whole one.
expect_full() { # WHAT, then what to type after `reprise`
    "$reprise" "${@:2}" >/dev/full 2>err
    equal "exit code of $1 on a full disk" "$?" 1
    expect_complaint 'stdout: No space left on device'
}
expect_full "a replay" replay one.trace --target "$url" --run full.run --quiet
expect_full "its JSON" replay one.trace --target "$url" --run full-json.run --quiet --json
expect_full "a report" report full.run

# 2: a run is not written over by its own summary.
expect_exit 2 "$reprise" report full.run --summary-export full.run
expect_complaint '--summary-export full.run: a trace, a run'
expect_exit 0 "$reprise" report full.run

# 99: a threshold failed.
expect_exit 99 "$reprise" replay one.trace --target "$url" --run slow.run --quiet --threshold 'http_req_duration: p(95)<0.000001'
expect_line out 'p\(95\)<0.000001'
equal "exit code in the run" "$(sql slow.run 'SELECT exit_code FROM run')" 99

# 111: with --strict, when it was the generator that could not keep up.
stalled=(replay one.trace --target "$url" --scale 100 --speed 50 "${modules[@]}" --plugin misbehaves:stall=20ms --quiet)
expect_exit 0 "$reprise" "${stalled[@]}" --run lenient.run
expect_line out 'generator-bound, not valid: '
expect_exit 111 "$reprise" "${stalled[@]}" --run strict.run --strict
expect_line out 'generator-bound, not valid: '

# 105: stopped. What was measured is shown and kept.
for signal in INT TERM; do
    : >access.log
    start "stopped-$signal" "$reprise" replay one.trace --target "$url" --users 3 --duration 10m --run "$signal.run"
    await "stopped-$signal" has_line access.log ' GET /b '
    ended "stopped-$signal" "$signal"
    equal "exit code after $signal" "$code" 105
    expect_line "stopped-$signal.out" 'http_reqs'
    expect_exit 0 "$reprise" report "$signal.run"
    equal "state in the run" "$(sql "$signal.run" 'SELECT state, exit_code FROM run')" "stopped|105"
    holds "requests kept" "$(sql "$signal.run" 'SELECT coalesce(sum(requests), 0) FROM total') >= 2"
done
finish
