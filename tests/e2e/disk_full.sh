#!/usr/bin/env bash
# disk_full.sh - the disk is full in the middle of a capture and of a replay: one line, exit code 1,
# and what was committed opens.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need h2load sqlite3 mount
[ "$(id -u)" = 0 ] || skip "only root may mount a small disk"
mkdir disk
mount -t tmpfs -o size=1m tmpfs disk 2>/dev/null || skip "no right to mount a small disk here"
mounts+=("$work/disk")

# fill_disk: but for LEFT bytes, which nobody else has.
fill_disk() { head -c 2M /dev/zero >disk/filler 2>/dev/null; truncate -s "-$1" disk/filler; }
log_has() { [ "$(wc -l <access.log)" -ge "$1" ]; }

# --- a capture of more than fits ---------------------------------------------------------------------
start_nginx ''
for page in {1..4000}; do
    echo "$url/page-$page?$RANDOM$RANDOM$RANDOM$RANDOM"
done >urls
start live "$reprise" capture -i lo --port "$port" --out disk/live.trace --quiet
await live has_line live.err '^capturing on' || skip "$(cat live.err)"
start load h2load --h1 --duration 60 --rps 500 -c 4 -i urls
until ! is_running live; do
    is_running load || break
    pause
done
ended live
equal "exit code of the capture" "$code" 1
ended load KILL
equal "lines of complaint" "$(grep -vc '^capturing on' live.err)" 1
expect_line live.err '^reprise: capture: disk/live.trace: .*(disk|full|space)'
cp disk/live.trace* . && rm disk/live.trace* # a reader needs room too
expect_exit 0 "$reprise" inspect live.trace
holds "exchanges kept" "$(sql live.trace 'SELECT count(*) FROM exchange WHERE status = 200') > 100"
equal "check of the file" "$(sql live.trace 'PRAGMA integrity_check')" ok

# --- a replay -----------------------------------------------------------------------------------------
for ((page = 0; page < 200; page++)); do
    [ "$page" = 0 ] && echo "session regular"
    echo "$((page * 10)) $((page * 10)) GET /page/section-${page//[0-9]/x}$page/item 200"
done | make_trace regular.trace
: >access.log
start replay "$reprise" replay regular.trace --target "$url" --users 5 --duration 10m --run disk/full.run --quiet
has_seconds() { [ "$(peek disk/full.run 'SELECT count(*) > 0 FROM generator_second')" = 1 ]; }
await replay has_seconds
fill_disk 0
until ! is_running replay; do pause; done
ended replay
equal "exit code of the replay" "$code" 1
equal "lines of complaint" "$(wc -l <replay.err)" 1
expect_line replay.err '^reprise: .*disk/full.run: .*(disk|full|space)'
cp disk/full.run* . && rm disk/*
expect_exit 0 "$reprise" report full.run
holds "requests kept" "$(sql full.run 'SELECT sum(requests) FROM total') > 0"
equal "check of the file" "$(sql full.run 'PRAGMA integrity_check')" ok

# --- no room even to begin ------------------------------------------------------------------------------
fill_disk 0
expect_exit 1 "$reprise" replay regular.trace --target "$url" --run disk/none.run --quiet
expect_complaint 'disk/none.run: .*(disk|full|space)'
equal "files that are left" "$(ls disk)" filler
rm disk/filler
fill_disk 32768 # enough to begin with the file, and not for its tables
expect_exit 1 "$reprise" replay regular.trace --target "$url" --run disk/none.run --quiet
expect_complaint 'disk/none.run: disk (full, and nothing was sent|I/O error)'
equal "files that are left" "$(ls disk)" filler
finish
