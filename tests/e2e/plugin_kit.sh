#!/usr/bin/env bash
# plugin_kit.sh - a new plugin in C and in C++, built outside of the repository by what is installed and
# by what is only built, with cmake and with one line of cc; tested, described, and played.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need cmake pkg-config cc c++ sqlite3
unset REPRISE_PLUGIN_PATH PKG_CONFIG_PATH CMAKE_PREFIX_PATH

# Installed below a folder that is not the prefix: everything is found from where it lies.
staged=$work/staged
expect_exit 0 env DESTDIR="$staged" cmake --install "$build" --prefix /opt/reprise
prefix=$staged/opt/reprise
for file in bin/reprise include/reprise_plugin.h include/test_host.h; do
    expect_exit 0 test -f "$prefix/$file"
done
pc=$(dirname "$(find "$prefix" -name reprise-plugin.pc)")
config=$(dirname "$(find "$prefix" -name ReprisePluginConfig.cmake)")
flags() { PKG_CONFIG_PATH=$1 pkg-config --cflags reprise-plugin; }
variable() { PKG_CONFIG_PATH=$1 pkg-config --variable="$2" reprise-plugin; }
expect_exit 0 test -f "$(variable "$pc" includedir)/test_host.h"
expect_exit 0 test -f "$(variable "$pc" plugindir)/example.so"

echo "session one
0 5 GET /page 200
9 12 GET /other 200" | make_trace one.trace
start_server bad "$build/tests/bad_server"

# played PATH NAME: its header is on the wire. bad_server shows X-User, so that is the header.
played() {
    : >bad.out
    expect_exit 0 "$prefix/bin/reprise" replay one.trace --target "$url" --quiet --run "$2.run" \
        --plugin "$1:header=X-User,value=kit"
    rm -f "$2.run"
    expect_exit 0 grep -qE ' kit-0-0( |$)' bad.out
}

new() { # NAME OPTIONS...: with the installed reprise
    expect_exit 0 "$prefix/bin/reprise" plugin new "$@"
    expect_line out "DReprisePlugin_DIR=$config\$"
}

built() { # NAME CMAKE-OPTIONS...
    local name=$1
    shift
    expect_exit 0 cmake -S "$name" -B "$name/build" "$@"
    expect_exit 0 cmake --build "$name/build"
    equal "warnings of $name" "$(grep -c 'warning:' out err | grep -vc ':0$')" 0
    expect_exit 0 ctest --test-dir "$name/build"
    expect_line out '100% tests passed'
    expect_exit 0 "$reprise" plugin describe "./$name/build/$name.so"
    expect_line out "${name}_refused"
}

new mine
built mine -DReprisePlugin_DIR="$config"
played ./mine/build/mine.so mine
expect_exit 0 cmake --install mine/build
expect_exit 0 test -f "$(variable "$pc" plugindir)/mine.so"
played mine mine

# Another prefix is obeyed, said at the install or before.
expect_exit 0 cmake --install mine/build --prefix "$work/other"
expect_exit 0 test -f "$(find "$work/other" -path '*/reprise-plugins/mine.so')"
expect_exit 0 cmake -S mine -B mine/third -DReprisePlugin_DIR="$config" -DCMAKE_INSTALL_PREFIX="$work/third"
expect_exit 0 cmake --build mine/third
expect_exit 0 cmake --install mine/third
expect_exit 0 test -f "$(find "$work/third" -path '*/reprise-plugins/mine.so')"

new yours --cxx
built yours -DCMAKE_PREFIX_PATH="$prefix"
played ./yours/build/yours.so yours

# Where cmake does not look, pkg-config knows.
new theirs
PKG_CONFIG_PATH=$pc built theirs
mkdir -p folder
new deep --dir folder --cxx
expect_exit 0 test -f folder/deep/deep.cpp

# Built with the header of a later reprise: refused in the page's words.
mkdir newer
sed 's/\(ABI_MINOR\) 1$/\1 9/; s/^} reprise_plugin;/void *later;\n&/' "$prefix/include/reprise_plugin.h" >newer/reprise_plugin.h
expect_exit 0 cc -fPIC -shared -Inewer -o newer/mine.so mine/mine.c
expect_exit 2 "$reprise" plugin describe ./newer/mine.so
words() { sed -n 's/.*mine.so: \(built for ABI .*\)/\1/p' "$1"; }
equal "what is said of a later ABI" "$(words err)" "$(words "$root/docs/plugins.md")"

# One line, as the README has it.
line=$(sed -n 's/^    \(cc .*\)/\1/p' theirs/README.md)
(cd theirs && PKG_CONFIG_PATH=$pc bash -c "$line") || fail "in one line: $line"
played ./theirs/theirs.so theirs
line=$(sed -n 's/^    \(c++ .*\)/\1/p' yours/README.md)
(cd yours && PKG_CONFIG_PATH=$pc bash -c "$line") || fail "in one line: $line"
played ./yours/yours.so yours

# Nothing installed: the build folder is enough.
expect_exit 0 "$build/reprise" plugin new bare
expect_line out "DReprisePlugin_DIR=$build/plugin-kit\$"
built bare -DReprisePlugin_DIR="$build/plugin-kit"
equal "flags of the build folder" "$(flags "$build/plugin-kit" | xargs)" "-I$build/plugin-include"

# The page's second plugin: one in two is sent, and what follows does not wait for the others.
{
    echo "session beats"
    for at in 0 10 20 30; do echo "$at $((at + 2)) GET /heartbeat 200"; done
    echo "40 42 GET /page 200"
} | make_trace beats.trace
: >bad.out
expect_exit 0 "$reprise" replay beats.trace --target "$url" --quiet --run beats.run --json \
    --plugin-path "$build/test-plugins" --plugin fewer:keep=2
equal "heartbeats that were sent" "$(grep -cE '^GET /heartbeat ' bad.out)" 2
equal "what came after them" "$(grep -cE '^GET /page ' bad.out)" 1
equal "counted" "$(sqlite3 beats.run "SELECT name, sum FROM plugin_metric ORDER BY name" | xargs)" \
    "fewer_left_out|2 fewer_sent|2"

# A test that is broken fails.
sed -i 's/tester-7-1/tester-7-2/' bare/bare_test.c
expect_exit 0 cmake --build bare/build
expect_exit 8 ctest --test-dir bare/build

expect_exit 2 "$reprise" plugin new mine
expect_complaint 'plugin new: \./mine: File exists; nothing is written over'
expect_exit 2 "$reprise" plugin new elsewhere --dir no/such/folder
expect_complaint 'plugin new: no/such/folder/elsewhere: No such file'
for name in Mine 9lives a-b ../x '' a/b; do
    expect_exit 2 "$reprise" plugin new "$name"
    expect_complaint "plugin new: '.*': a name is made of a-z"
done
finish
