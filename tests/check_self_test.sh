#!/usr/bin/env bash
# Proves that check_includes.sh and check_style.sh catch what they are for: plants violations in a
# small clean tree and looks for the line of each in the output. usage: check_self_test.sh
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
    write_file replay/plan/plan.h
    write_file plugins/reprise_plugin.h '\n#include <stdint.h>\n'
    write_file plugins/mine/mine.c '#include "reprise_plugin.h"'
}

# A tree that is clean passes, or the rest proves nothing.
expect_clean() { # script, what
    local output
    if ! output=$("$here/$1" "$tree" 2>&1); then
        printf 'FAILED: %s complains about %s:\n%s\n' "$1" "$2" "$output"
        failed=1
    fi
    reset_tree
}

# The script names every file:line that was planted, with a word of its rule.
planted=()
plant() { # file:line, a word of the rule
    planted+=("$1: $2")
}
expect_all_caught() { # script
    local output row
    if output=$("$here/$1" "$tree" 2>&1); then
        printf 'FAILED: %s lets everything pass\n' "$1"
        failed=1
    fi
    for row in "${planted[@]}"; do
        if ! grep -F "${row%%: *}: " <<<"$output" | grep -qF "${row#*: }"; then
            printf 'FAILED: %s does not name %s\n' "$1" "$row"
            failed=1
        fi
    done
    planted=()
    reset_tree
}

reset_tree
expect_clean check_includes.sh 'a clean tree'
expect_clean check_style.sh 'a clean tree'

# Includes: each arrow that must not be there, then the form. Every row gets a file of its own.
number=0
while read -r file include word; do
    number=$((number + 1))
    file=${file/x/x$number}
    write_file "$file" "#include $include"
    line=2
    [[ $file == *.h ]] && line=4
    plant "$file:$line" "$word"
done <<'ROWS'
core/x.c "traces/reader.h" core/
core/x.h "replay/plan/plan.h" core/
core/x.c <sqlite3.h> <sqlite3.h>
traces/x.c "replay/plan/plan.h" traces/
traces/x.c <curl/curl.h> <curl/curl.h>
capture/x.c "replay/plan/plan.h" capture/
capture/x.c <pcap/pcap.h> source_
capture/source_x.c <wslay/wslay.h> ws_
replay/x.c "capture/source.h" replay/
replay/x.c "traces/writer.h" replay/
replay/x.c <sqlite3.h> run_
replay/x.c <curl/curl.h> transport_curl
replay/x.c <jansson.h> _json
plugins/x.c "replay/plan/plan.h" plugins/
plugins/x.c "plugins/mine/secret.h" plugins/
plugins/reprise_plugin.h "core/buf.h" plugins/
plugins/mine/x.c "core/buf.h" plugins/
plugins/mine/x.c "plugins/host.h" plugins/
core/x.c <boost/any.h> no header
core/x.c "buf.h" core/
tests/x_test.c "buf.h" from the root
tests/x_test.c "core/gone.h" no such file
elsewhere/x.c "core/buf.h" no row
ROWS
write_file core/buf.c '#include <stdio.h>\n\n#include "core/buf.h"'
plant core/buf.c:2 'first include'
expect_all_caught check_includes.sh

# What is allowed must stay so.
write_file core/main.c '#include "replay/replay_cmd.h"\n#include "core/buf.h"'
write_file replay/replay_cmd.h
write_file replay/results/run_store.c '#include <sqlite3.h>\n\n#include "traces/reader.h"'
write_file capture/source_file.c '#include <pcap/pcap.h>'
write_file tests/x_test.c '#include <curl/curl.h>\n\n#include "replay/plan/plan.h"'
write_file plugins/mine/mine.c '#include <jwt.h>\n\n#include "part.h"\n#include "reprise_plugin.h"'
write_file plugins/mine/part.h
expect_clean check_includes.sh 'what the table allows'

# Style: file, line, a word of the rule, the text (its first line is line 2).
while IFS='|' read -r file line word text; do
    number=$((number + 1))
    file=${file/x/x$number}
    write_file "$file" "$text"
    plant "$file:$line" "$word"
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
printf 'int a;\n' >"$tree/core/unsaid.c"
plant core/unsaid.c:1 'what the file is'
printf '/* another.c - what another file is. */\nint a;\n' >"$tree/core/missaid.c"
plant core/missaid.c:1 'what the file is'
write_file core/long.c "$(for i in {1..501}; do printf 'int a%d;\\n' "$i"; done)"
plant core/long.c:501 'more than 500'
write_file core/tall.c "void f(void)\n{\n$(for i in {1..61}; do printf '    f();\\n'; done)}"
plant core/tall.c:3 'fit a screen'
printf '/* once.h - says what it is. */\n#pragma once\n' >"$tree/core/once.h"
plant core/once.h:1 'no include guard'
printf '/* twice.h - says what it is. */\n#ifndef CORE_BUF_H\n#define CORE_BUF_H\n#endif\n' \
    >"$tree/core/twice.h"
plant core/twice.h:1 'is that of'
mkdir -p "$tree/scripts"
printf '#!/usr/bin/env bash\nif true; then\n' >"$tree/scripts/open.sh"
plant scripts/open.sh:1 'cannot parse'
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    write_file core/wide.c 'int   a;'
    plant core/wide.c:2 'not laid out'
fi
expect_all_caught check_style.sh

# What only looks like a violation must pass.
write_file core/x.c 'int gets_more(int a);\nint (*xstrcpy)(int a);\nint snprintf_all(int a);'
write_file core/clock.c 'int f(struct timespec *t)\n{\n    return clock_gettime(CLOCK_REALTIME, t);\n}'
write_file core/full.c "void f(void)\n{\n$(for i in {1..60}; do printf '    f();\\n'; done)}"
row='        "one row of a table that is so long that two do not fit side by side",\n'
write_file core/table.c "void f(void)\n{\n    char *a[] = {\n$(for i in {1..70}; do printf '%s' "$row"; done)    };\n}"
write_file tests/x_test.c 'void f(void)\n{\n    assert_int_equal(a, b);\n    assert_true(a);\n}'
printf '#!/usr/bin/env bash\nmktemp /tmp/x.XXXXXX\n' >"$tree/x.sh"
expect_clean check_style.sh 'what only looks like a violation'

[ $failed -eq 0 ] && echo "every planted violation was caught"
exit $failed
