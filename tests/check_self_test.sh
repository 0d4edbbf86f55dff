#!/usr/bin/env bash
# Proves that check_includes.sh and check_style.sh catch what they are for: plants one violation at a
# time in a small clean tree and looks for its line in the output. usage: check_self_test.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cp "$here/../.clang-format" "$tree/"
failed=0

# A file that breaks no rule: header for .h, purpose, own header first. Arguments: path, more lines.
write_file() {
    local name=${1##*/} guard
    mkdir -p "$tree/$(dirname "$1")"
    guard=$(tr 'a-z./' 'A-Z__' <<<"$1")
    if [[ $name == *.h ]]; then
        printf '/* %s - says what it is. */\n#ifndef %s\n#define %s\n%b\n#endif\n' \
            "$name" "$guard" "$guard" "${2:-}" >"$tree/$1"
    else
        printf '/* %s - says what it is. */\n%b\n' "$name" "${2:-}" >"$tree/$1"
    fi
}

reset_tree() {
    rm -rf "${tree:?}"/*
    write_file core/buf.h
    write_file core/buf.c '#include "core/buf.h"\n\n#include <stdio.h>'
    write_file traces/reader.h
    write_file traces/writer.h
    write_file capture/source.h
    write_file replay/plan.h
    write_file plugins/reprise_plugin.h '\n#include <stdint.h>\n'
    write_file plugins/mine/mine.c '#include "reprise_plugin.h"'
}

# A tree that is clean passes, or the rest proves nothing.
expect_clean() { # script, what
    if ! output=$("$here/$1" "$tree" 2>&1); then
        printf 'FAILED: %s complains about %s:\n%s\n' "$1" "$2" "$output"
        failed=1
    fi
}

expect_caught() { # script, file:line, a word of the rule
    if output=$("$here/$1" "$tree" 2>&1); then
        printf 'FAILED: %s lets %s (%s) pass\n' "$1" "$2" "$3"
        failed=1
    elif ! grep -F "$2: " <<<"$output" | grep -qF "$3"; then
        printf 'FAILED: %s does not name %s (%s) but:\n%s\n' "$1" "$2" "$3" "$output"
        failed=1
    fi
    reset_tree
}

reset_tree
expect_clean check_includes.sh 'a clean tree'
expect_clean check_style.sh 'a clean tree'

# Includes: each arrow that must not be there, then the form.
while read -r file include word; do
    write_file "$file" "#include $include"
    line=2
    [[ $file == *.h ]] && line=4
    expect_caught check_includes.sh "$file:$line" "$word"
done <<'ROWS'
core/x.c "traces/reader.h" core/
core/x.h "replay/plan.h" core/
core/x.c <sqlite3.h> <sqlite3.h>
traces/x.c "replay/plan.h" traces/
traces/x.c <curl/curl.h> <curl/curl.h>
capture/x.c "replay/plan.h" capture/
capture/x.c <pcap/pcap.h> source_
capture/source_x.c <wslay/wslay.h> ws_
replay/x.c "capture/source.h" replay/
replay/x.c "traces/writer.h" replay/
replay/x.c <sqlite3.h> run_
replay/x.c <curl/curl.h> transport_curl
replay/x.c <jansson.h> _json
plugins/x.c "replay/plan.h" plugins/
plugins/x.c "plugins/mine/secret.h" plugins/
plugins/reprise_plugin.h "core/buf.h" plugins/
plugins/mine/mine.c "core/buf.h" plugins/
plugins/mine/mine.c "plugins/host.h" plugins/
core/x.c <boost/any.h> no header
core/x.c "buf.h" core/
tests/x_test.c "buf.h" from the root
tests/x_test.c "core/gone.h" no such file
elsewhere/x.c "core/buf.h" no row
ROWS
write_file core/buf.c '#include <stdio.h>\n\n#include "core/buf.h"'
expect_caught check_includes.sh core/buf.c:2 'first include'

# What is allowed must stay so.
write_file core/main.c '#include "replay/replay_cmd.h"\n#include "core/buf.h"'
write_file replay/replay_cmd.h
write_file replay/run_store.c '#include <sqlite3.h>\n\n#include "traces/reader.h"'
write_file capture/source_file.c '#include <pcap/pcap.h>'
write_file tests/x_test.c '#include <curl/curl.h>\n\n#include "replay/plan.h"'
write_file plugins/mine/mine.c '#include <jwt.h>\n\n#include "part.h"\n#include "reprise_plugin.h"'
write_file plugins/mine/part.h
expect_clean check_includes.sh 'what the table allows'
reset_tree

# Style: file, line, a word of the rule, the text (its first line is line 2).
while IFS='|' read -r file line word text; do
    write_file "$file" "$text"
    expect_caught check_style.sh "$file:$line" "$word"
done <<'ROWS'
core/x.c|2|banned|void f(char *a) { strcpy(a, "b"); }
core/x.c|2|banned|int n = atoi("1");
core/x.c|2|no sleep|void f(void) { usleep(1); }
core/x.c|2|core/clock.c|void f(struct timespec *t) { clock_gettime(CLOCK_REALTIME, t); }
core/x.c|2|core/clock.c|long f(void) { return time(NULL); }
core/x.c|2|typedef|typedef struct a a;
core/x.c|2|100 columns|int a; /* 1234567890 1234567890 1234567890 1234567890 1234567890 1234567890 1234567890 12345678901234 */
core/x.c|2|a tab|\tint a;
core/x.c|2|unfinished|/* TODO: more */
docs/x.md|2|unfinished|FIXME later
tests/x_test.c|2|cannot fail|void f(void) { assert_true(true); }
tests/x_test.c|2|cannot fail|void f(void) { assert_int_equal(a.b, a.b); }
tests/x_test.c|2|cannot fail|void f(void) { assert(1); }
ROWS

printf 'int a;\n' >"$tree/core/x.c"
expect_caught check_style.sh core/x.c:1 'what the file is'
printf '/* y.c - the name of another. */\nint a;\n' >"$tree/core/x.c"
expect_caught check_style.sh core/x.c:1 'what the file is'
write_file core/x.c "$(for i in {1..501}; do printf 'int a%d;\\n' "$i"; done)"
expect_caught check_style.sh core/x.c:501 'more than 500'
write_file core/x.c "void f(void)\n{\n$(for i in {1..61}; do printf '    f();\\n'; done)}"
expect_caught check_style.sh core/x.c:3 'fit a screen'
printf '/* x.h - says what it is. */\n#pragma once\n' >"$tree/core/x.h"
expect_caught check_style.sh core/x.h:1 'no include guard'
printf '/* x.h - says what it is. */\n#ifndef CORE_BUF_H\n#define CORE_BUF_H\n#endif\n' >"$tree/core/x.h"
expect_caught check_style.sh core/x.h:1 'is that of'
mkdir -p "$tree/scripts"
printf '#!/usr/bin/env bash\nif true; then\n' >"$tree/scripts/x.sh"
expect_caught check_style.sh scripts/x.sh:1 'cannot parse'
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    write_file core/x.c 'int   a;'
    expect_caught check_style.sh core/x.c:2 'not laid out'
fi

# What only looks like a violation must pass.
write_file core/x.c 'int gets_more(int a);\nint (*xstrcpy)(int a);\nint snprintf_all(int a);'
write_file core/clock.c 'int clock_gettime(int a);\nlong f(void)\n{\n    return clock_gettime(CLOCK_REALTIME);\n}'
write_file tests/x_test.c 'void f(void)\n{\n    assert_int_equal(a, b);\n    assert_true(a);\n}'
printf '#!/usr/bin/env bash\nmktemp /tmp/x.XXXXXX\n' >"$tree/x.sh"
expect_clean check_style.sh 'what only looks like a violation'

[ $failed -eq 0 ] && echo "every planted violation was caught"
exit $failed
