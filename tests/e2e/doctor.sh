#!/usr/bin/env bash
# doctor.sh - the doctor sees this machine as it is: connections to a target, a limit that is too low,
# and that its own advice helps.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need prlimit
start_voicelab

expect_exit 0 "$reprise" doctor --users 1 --target "$url"
expect_line out "^1 users against $url$"
expect_line out '^  ✓ source ports '
expect_line out '^  [^ ]+ accept queue ' # only of a target on this machine
expect_line out '^0 problems, [0-9]+ warnings$'

# A connection that is open is one in use.
exec 3<>"/dev/tcp/127.0.0.1/$port"
expect_exit 0 "$reprise" doctor --users 1 --target "http://localhost:$port"
expect_line out 'source ports .*, to this one [1-9][0-9]* in use and [0-9]+ in TIME_WAIT'
exec 3>&-

# Too few descriptors, and then as many as it says.
expect_exit 1 prlimit --nofile=100:100 "$reprise" doctor --users 1000
expect_line out '^  ✗ open files  *at most 100 '
expect_line out '^[1-9] problems, [0-9]+ warnings: as it is, this machine does not carry 1000 users$'
files=$(sed -n 's/.*-> sudo .*prlimit --pid $$ --nofile=\([0-9]*\)$/\1/p' out)
equal "descriptors for 1000 users with six connections" "$files" 6064
if [ "$(id -u)" = 0 ] && prlimit "--nofile=$files:$files" true 2>/dev/null; then
    expect_exit 0 prlimit "--nofile=$files:$files" "$reprise" doctor --users 1000
    expect_line out '^  ✓ open files '
fi

expect_exit 1 prlimit --nofile=100:100 "$reprise" doctor --users 1000 --json
expect_line out '"worst": "problem"'
expect_exit 2 "$reprise" doctor --users 1000001 # as replay
expect_complaint 'doctor: --users has to be 1 to 1000000'
expect_exit 2 "$reprise" doctor --target nonsense
expect_complaint "doctor: --target 'nonsense': expected http"
expect_exit 0 "$reprise" doctor --help
expect_line out 'reprise doctor --users 20000'
finish
