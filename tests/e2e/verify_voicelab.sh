#!/usr/bin/env bash
# verify_voicelab.sh - voicelab's twelve users, captured, against a voicelab that knows none of their
# tokens and ids: nothing diverges once they are correlated, and --fix alone comes as far by itself.
# So it is when the ids of its voices look like words in a path.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need curl sqlite3
start_voicelab
capture shop "$port"
expect_exit 0 "$root/tests/voicelab/drive.sh" "$url" "$voicelab"
stop_capture shop
sessions=$(sql shop.trace 'SELECT count(*) FROM session')
cp shop.trace fixed.trace

# afresh [options]: another secret, no accounts.
afresh() {
    ended voicelab TERM
    rm -f voicelab.out # the last one's address
    start_voicelab "$@"
}
refused() { sed -nE 's/^  ([0-9]+ at .*), recorded.*/\1/p' out; }
# verify TRACE [options]: its exit code says what its lines say.
verify() {
    local code=0
    "$reprise" verify "$@" --target "$url" --all-sessions >out 2>err || code=$?
    equal "exit code of verify $*" "$code" "$(grep -q '(0.00%' out && echo 0 || echo 110)"
}

afresh
verify shop.trace
holds "most is refused" "$(sed -nE 's/.*diverged \(([0-9.]+)%.*/\1/p' out) > 50"

expect_exit 0 "$reprise" correlate shop.trace
afresh
verify shop.trace
expect_line out "sessions +$sessions of $sessions played"
equal "what diverges" "$(refused)" ""

# The accounts of the first pass are there in the passes behind it.
afresh
verify fixed.trace --fix
equal "what diverges after --fix" "$(refused)" "409 at POST /auth/signup"
afresh
verify fixed.trace
equal "what diverges with what it has bound" "$(refused)" ""

afresh --wordlike-ids
capture words "$port"
expect_exit 0 "$root/tests/voicelab/drive.sh" "$url" "$voicelab"
stop_capture words
cp words.trace fixed.trace
holds "ids look like words" \
    "$(sql words.trace "SELECT count(*) FROM endpoint WHERE template LIKE '/voices/vc_%'") > 3"
expect_exit 0 "$reprise" correlate words.trace
afresh --wordlike-ids
verify words.trace
equal "what diverges with ids like words" "$(refused)" ""
afresh --wordlike-ids
verify fixed.trace --fix
equal "what diverges with ids like words after --fix" "$(refused)" "409 at POST /auth/signup"
finish
