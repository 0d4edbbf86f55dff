#!/usr/bin/env bash
# Compiles every header of ours by itself, twice over: it includes what it needs, its guard holds.
# usage: check_headers.sh COMPILER FLAG...
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/check_files.sh
source tests/check_files.sh

failed=0
count=0
while IFS= read -r header; do
    count=$((count + 1))
    if ! printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
        "$@" -std=c17 -D_GNU_SOURCE -I. -Iplugins -Werror -fsyntax-only -x c -; then
        echo "$header:1: does not compile alone"
        failed=1
    fi
    # voicelab is a program of its own, with includes of its own.
done < <(project_files '\.h$' | grep -v '^tests/voicelab/')
echo "$count headers"
[ "$count" -gt 0 ] && exit $failed
