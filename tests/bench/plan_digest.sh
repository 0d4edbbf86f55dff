#!/usr/bin/env bash
# The plan is a function of trace, options and seed: its digest with one worker, two, another seed.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"

for s in $(seq 50); do
    echo "session user$s"
    for r in $(seq 0 5); do
        echo "$((s * 40 + r * 300)) $((s * 40 + r * 300 + 5)) GET /s$s/$r 200"
    done
done | "$make_trace" "$work/plan.trace"

digest() {
    "$reprise" replay "$work/plan.trace" --target http://127.0.0.1:9 --dry-run --scale 2.5 --speed 5 "$@" |
        sed -n 's/^plan  *//p'
}
row() { echo "| \`$*\` | \`$(digest "$@")\` |"; }

[ "$(digest --seed 1 --workers 1)" = "$(digest --seed 1 --workers 2)" ] || fail "workers change the plan"
[ "$(digest --seed 1)" != "$(digest --seed 2)" ] || fail "the seed does not change the plan"

machine
echo "| options beside \`--scale 2.5 --speed 5\` | digest |"
echo "|---|---|"
row --seed 1 --workers 1
row --seed 1 --workers 2
row --seed 2 --workers 1
