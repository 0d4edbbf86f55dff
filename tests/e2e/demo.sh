#!/usr/bin/env bash
# demo.sh - `make demo` runs to its end and shows what it promises.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3
capture probe 1
stop_capture probe

expect_exit 0 timeout 150 "$root/scripts/demo.sh" "$build"
expect_line out 'drive: 12 users, [0-9]+ requests, [0-9]+ streams, 0 failed'
expect_line out '[0-9]+ bindings stored, by [0-9]+ rules'
expect_line out 'http_reqs'
expect_line out 'reprise report .*/demo.run'
recorded=$(sql "$build/demo/demo.trace" 'SELECT count(*) FROM session')
holds "a session for each user, and little else" "$recorded >= 12 && $recorded <= 16"
equal "sessions replayed" "$(sql "$build/demo/demo.run" 'SELECT started FROM session_total')" $((recorded * 10))
# The target was started afresh: without the bindings three in four would be refused.
diverged=$(sed -n 's/.*http_req_diverged[.: ]*\([0-9.]*\)%.*/\1/p' out | tail -n 1)
holds "hardly an answer is another" "${diverged:-100} <= 2"
equal "bytes that are neither stored nor in the ledger" "$(sql "$build/demo/demo.trace" \
    'SELECT payload_bytes - stored_bytes - (SELECT coalesce(sum(payload_bytes), 0) FROM ledger) FROM trace')" 0
finish
