#!/usr/bin/env bash
# streamed_plan.sh - a plan that is too large to be loaded before the start is played from the trace
# as it goes on: the same requests of the same users, in the memory that it may take.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3

# Eighty users in two seconds; one of them cannot be played at all.
for user in {1..80}; do
    echo "session user-$user"
    for step in 1 2 3 4; do
        at=$((user * 25 + step * 40))
        echo "$at $((at + 5)) POST /user-$user/page-$step 200 a body of user $user"
    done
done >script
printf 'session odd\n300 305 OPTIONS * 200\n' >>script
make_trace users.trace <script
start_nginx ''
small=(--max-plan-size 8KiB)

# --- the plan ----------------------------------------------------------------------------------
plan_of() { "$reprise" replay users.trace --target "$url" --scale 1.5 --dry-run "$@" 2>/dev/null | awk '/^plan/ { print $2 }'; }
index=$(plan_of "${small[@]}")
checks=$((checks + 1))
[[ $index =~ ^index-[0-9a-f]{64}$ ]] || fail "the digest of an index: $index"
equal "the same with two workers" "$(plan_of "${small[@]}" --workers 2)" "$index"
checks=$((checks + 1))
[ "$(plan_of "${small[@]}" --seed 2)" != "$index" ] || fail "another seed, the same index"
endpoints_of() { "$reprise" replay users.trace --target "$url" --dry-run "$@" 2>/dev/null | awk '/^recorded/ { print $(NF - 1) }'; }
equal "requests the server saw of it all" "$(wc -l <access.log)" 0

# --- the open model ----------------------------------------------------------------------------
# Each user's requests in their order, by the server's log.
sequences() { awk '{ print $6, NR, $4 }' "$1" | sort -k1,1 -k2,2n | cut -d ' ' -f 1,3; }
play() { # LOG OPTION...
    local log=$1
    shift
    expect_exit 0 "$reprise" replay users.trace --target "$url" --plugin example --run "$log.run" --quiet "$@"
    sequences access.log >"$log"
    : >access.log
}
play streamed "${small[@]}" --scale 1.5
equal "digest in the run" "$(sql streamed.run 'SELECT plan_digest FROM run')" "$index"
expect_line err ' 1 recorded requests cannot be sent again'
play two "${small[@]}" --scale 1.5 --workers 2
# Of the odd one a plan that is loaded whole knows before it counts its users.
grep -v odd script | head -n -1 | make_trace users.trace
equal "endpoints of a plan that streams" "$(endpoints_of "${small[@]}")" "$(endpoints_of)"
play whole --scale 1.5
play again "${small[@]}" --scale 1.5
holds "requests enough to compare" "$(wc -l <whole) >= 400"
cmp -s whole again || fail "users were sent other requests when the plan streams: $(diff whole again | head -n 5)"
cmp -s streamed two || fail "users were sent other requests with 2 workers: $(diff streamed two | head -n 5)"
equal "failed requests" "$(sql again.run 'SELECT sum(failed) FROM total')" 0

# --- the closed model --------------------------------------------------------------------------
play closed "${small[@]}" --users 20 --duration 2s --pacing max --workers 2
equal "failed requests of the closed model" "$(sql closed.run 'SELECT sum(failed) FROM total')" 0
holds "requests of the closed model" "$(wc -l <closed) > 20"

# --- what goes wrong ---------------------------------------------------------------------------
sql users.trace "UPDATE exchange SET status = -1 WHERE target = '/user-60/page-3'"
expect_exit 1 timeout 60 "$reprise" replay users.trace --target "$url" "${small[@]}" --run damaged.run --quiet
expect_line err '^reprise: .*session 60: .*the file is damaged'
holds "what was sent before it is kept" "$(sql damaged.run 'SELECT sum(requests) FROM total') > 20"

make_trace users.trace <script
: >access.log
expect_exit 2 timeout 60 "$reprise" replay users.trace --target "$url" --max-plan-size 1KiB --run tiny.run --quiet
expect_complaint 'users.trace: session [0-9]+ by itself needs [0-9]+ KiB, .*; raise --max-plan-size to [0-9]+KiB$'
equal "requests of one that has no room" "$(wc -l <access.log)" 0
expect_exit 0 timeout 60 "$reprise" replay users.trace --target "$url" --run fits.run --quiet --speed 100 \
    --max-plan-size "$(sed -n 's/.*raise --max-plan-size to //p' err)"
expect_exit 2 timeout 60 "$reprise" replay users.trace --target "$url" --max-plan-size 0 --run none.run --quiet
expect_complaint 'replay: --max-plan-size has to be above 0'

make_trace users.trace <script
: >access.log
start stopped "$reprise" replay users.trace --target "$url" "${small[@]}" --speed 0.01 --run stopped.run --quiet
await stopped has_line access.log ' POST '
ended stopped INT
equal "exit code of one that is stopped" "$code" 105
finish
