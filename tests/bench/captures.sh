#!/usr/bin/env bash
# What is found in a folder of captures beside what another parser found in it: the table that
# tests/capture/truth_test.c prints. Without the folder there is nothing to compare.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"
"$build/tests/capture_truth_test" --markdown >"$work/table" || {
    code=$?
    [ "$code" = 77 ] && skip "$(tail -n 1 "$work/table")"
    fail "$(grep -c DIFFERS "$work/table") captures differ without a reason"
}
machine
cat "$work/table"
