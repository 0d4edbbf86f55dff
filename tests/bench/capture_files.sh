#!/usr/bin/env bash
# A packet file of 150,000 exchanges, and one twice as long: CPU and memory to turn it into a trace,
# beside what tshark and tcpflow take to read the same file.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
need nginx tcpdump h2load tshark tcpflow sqlite3

exchanges=$(brief 150000 7500)
file_runs=$(brief 3 1)
start_nginx - 600

# record FILE COUNT: 50 keep-alive clients.
record() {
    say "recording $2 exchanges"
    start_tcpdump "$1"
    h2load --h1 -n "$2" -c 50 "http://127.0.0.1:$port/voices?limit=20" >"$work/h2load.out" 2>&1
    stop_tcpdump "$1"
    file_has "$work/h2load.out" "$2 succeeded" || fail "h2load: $(grep '^requests:' "$work/h2load.out")"
}

# run NAME FILE COMMAND...: adds to $work/NAME.FILE.cpu and .peak.
run() {
    local name=$1 file=$2
    shift 2
    "$measure" "$work/report" "$@" >/dev/null 2>"$work/stderr" || fail "$name: $(tail -n 1 "$work/stderr")"
    cpu_of "$work/report" >>"$work/$name.$file.cpu"
    peak_mib_of "$work/report" >>"$work/$name.$file.peak"
}

record "$work/once.pcap" "$exchanges"
record "$work/twice.pcap" "$((2 * exchanges))"

for ((i = 0; i < file_runs; i++)); do
    for file in once twice; do
        say "reading $file.pcap, round $((i + 1)) of $file_runs"
        pcap=$work/$file.pcap
        run reprise "$file" "$reprise" capture -q --force -r "$pcap" -o "$work/$file.trace"
        run tshark "$file" tshark -n -r "$pcap" -d "tcp.port==$port,http" -Y http.request -T fields \
            -e frame.time_epoch -e http.request.method -e http.request.uri
        mkdir "$work/flows"
        run tcpflow "$file" tcpflow -q -r "$pcap" -o "$work/flows"
        rm -r "$work/flows"
    done
done

for file in once twice; do
    wanted=$exchanges
    [ "$file" = once ] || wanted=$((2 * exchanges))
    found=$(sqlite3 "$work/$file.trace" "SELECT count(*) FROM exchange WHERE flaws = ''")
    [ "$found" = "$wanted" ] || fail "$file.trace holds $found whole exchanges of $wanted"
done

machine
echo "| program | file | exchanges | CPU s | peak MiB | MB per CPU s | CPU to reprise's |"
echo "|---|---|---|---|---|---|---|"
for file in once twice; do
    mb=$(calc "$(stat -c %s "$work/$file.pcap") / 1e6" %.0f)
    count=$exchanges
    [ "$file" = once ] || count=$((2 * exchanges))
    own=$(median <"$work/reprise.$file.cpu")
    for name in reprise tshark tcpflow; do
        cpu=$(median <"$work/$name.$file.cpu")
        echo "| $name | $mb MB | $count | $(calc "$cpu") | $(median <"$work/$name.$file.peak") |" \
            "$(calc "$mb / $cpu" %.0f) | $(calc "$cpu / $own" %.1f) |"
    done
done
