#!/usr/bin/env bash
# same_seed.sh - the plan is a function of trace, options and seed; and what the server sees of each
# user is the plan, however many workers there are.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# Ten users of different habits within two seconds.
for user in {1..10}; do
    echo "session user-$user"
    for ((step = 0; step <= user; step++)); do
        at=$((user * 100 + step * 90))
        echo "$at $((at + 5)) GET /user-$user/page-$step 200"
    done
done | make_trace users.trace
start_nginx ''

digest() { # [options]
    "$reprise" replay users.trace --target "$url" --scale 3.5 --speed 2 --dry-run "$@" | awk '/^plan/ { print $2 }'
}
differs() { # WHAT OTHER
    checks=$((checks + 1))
    [ -n "$2" ] && [ "$2" != "$plan" ] || fail "$1: the plan is the same, $2"
}
plan=$(digest --seed 7)
equal "the length of a digest" "${#plan}" 64
equal "the same once more" "$(digest --seed 7)" "$plan"
equal "with two workers" "$(digest --seed 7 --workers 2)" "$plan"
differs "another seed" "$(digest --seed 8)"
differs "another speed" "$(digest --seed 7 --speed 3)"
differs "another scale" "$(digest --seed 7 --scale 4)"
# How long it will last: by the recording, or as long as its users are kept.
expect_exit 0 "$reprise" replay users.trace --target "$url" --dry-run
expect_line out 'lasts     1\.80s, and longer where the target is slower'
expect_exit 0 "$reprise" replay users.trace --target "$url" --users 3 --duration 90s --dry-run
expect_line out 'users     up to 3'
expect_line out 'lasts     1m30s, and up to 30.00s more for the sessions under way then'
expect_exit 0 "$reprise" replay users.trace --target "$url" --stage 10s:4 --stage 5s:0 --graceful-stop 2s --dry-run
expect_line out 'lasts     15.00s, and up to 2.00s more for the sessions under way then'
equal "requests the server saw of it all" "$(wc -l <access.log)" 0

# Each user's requests in their order, by the server's log.
sequences() { awk '{ print $6, NR, $4 }' "$1" | sort -k1,1 -k2,2n | cut -d ' ' -f 1,3; }
play() { # WORKERS LOG
    expect_exit 0 "$reprise" replay users.trace --target "$url" --scale 3.5 --speed 2 --seed 7 \
        --workers "$1" --plugin example --run "$2.run" --quiet
    equal "digest in the run with $1 workers" "$(sql "$2.run" 'SELECT plan_digest FROM run')" "$plan"
    sequences access.log >"$2"
    : >access.log
}
play 1 one
play 2 two
holds "users and requests enough to compare" "$(wc -l <one) >= 150"
checks=$((checks + 1))
cmp -s one two || fail "users were sent other requests with 2 workers: $(diff one two | head -n 5)"
finish
