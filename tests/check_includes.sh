#!/usr/bin/env bash
# Holds the table "who may include whom" of docs/style.md: prints file:line and the rule that is
# broken, and fails. usage: check_includes.sh [SOURCE-TREE]
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"
# shellcheck source=tests/check_files.sh
source "$(dirname "${BASH_SOURCE[0]}")/check_files.sh"

# What belongs to libc and the kernel; all else in <> is a library and needs a row below.
system_headers='^(assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|tgmath|threads|time|uchar|wchar|wctype|byteswap|dirent|dlfcn|endian|fcntl|fnmatch|getopt|glob|grp|ifaddrs|netdb|poll|pthread|pwd|regex|sched|semaphore|spawn|strings|termios|unistd)\.h$|^(arpa|linux|net|netinet|sys)/'

# A library's header, and the only files outside tests/ and plugins/NAME/ that may see it.
library_rows='
^sqlite3\.h$     ^(traces/[^/]*|traces/correlate/binding_store\.c|replay/results/run_[^/]*)$
^zstd(_errors)?\.h$ ^traces/[^/]*$
^openssl/        ^(traces/[^/]*|capture/ws_[^/]*\.c|replay/transport/(ws_[^/]*|transport_curl_tls|native_tls[^/]*)\.c)$
^jansson\.h$     ^(traces/[^/]*|plugins/plugin_cmd\.c|replay/((results|verify|doctor|identities|trial)/)?[^/]*_json\.c)$
^cyaml/          ^traces/correlate/binding_file\.c$
^yaml\.h$        ^traces/correlate/yaml_lines\.c$
^pcap(\.h$|/)    ^capture/source_[^/]*$
^wslay/          ^(capture|replay/transport)/ws_[^/]*\.c$
^zlib\.h$        ^(capture/ws_[^/]*|traces/content_(coding|stream))\.c$
^brotli/         ^traces/content_(coding|stream)\.c$
^nghttp2/        ^replay/transport/native_h2[^/]*\.c$
^curl/           ^replay/transport/transport_curl[^/]*$
'

# A folder, and which headers of ours its files may include. The first row that fits counts.
folder_rows='
^core/main\.c$              ^(core/|[a-z]+/([a-z]+/)?[a-z0-9_]*_?cmd\.h$)
^core/                      ^core/
^traces/                    ^(core|traces)/
^capture/                   ^(core|traces|capture)/
^plugins/reprise_plugin\.h$ ^$
^plugins/[^/]*$             ^(core|plugins)/[^/]*$
^plugins/test_host/         ^(plugins/test_host/[a-z]*|reprise_plugin)\.h$
^plugins/[^/]*/             ^(plugins/)?reprise_plugin\.h$
^replay/                    ^(core/|replay/|plugins/[^/]*$|traces/((trace|reader|digest|word_odds|content_(coding|stream)|correlate/binding_(end|match|overlay|store))\.h$|places/))
^tests/plugins/modules/     ^(reprise_plugin|test_host)\.h$
^tests/                     .
'

failed=0
broken() {
    echo "$1: $2"
    failed=1
}

# Into `allowed`: the second column of the first row whose first column matches $2, or nothing.
find_row() {
    local key value
    allowed=
    while read -r key value; do
        if [[ -n $key && $2 =~ $key ]]; then
            allowed=$value
            return
        fi
    done <<<"$1"
}

check_library() { # where file header
    [[ $3 =~ $system_headers || $2 =~ ^tests/ || $2 =~ ^plugins/[^/]+/ ]] && return
    local allowed
    find_row "$library_rows" "$3"
    if [[ -z $allowed ]]; then
        broken "$1" "<$3> is no header of libc, and no row of tests/check_includes.sh allows it"
    elif [[ ! $2 =~ $allowed ]]; then
        broken "$1" "<$3> may be included only by files that match $allowed"
    fi
}

check_ours() { # where file header
    local allowed folder=${2%/*}
    # A program or plugin of its own may include what lies beside it.
    if [[ $2 =~ ^(plugins/[^/]+|tests/voicelab)/ && -f $folder/$3 ]]; then
        return
    fi
    find_row "$folder_rows" "$2"
    if [[ -z $allowed ]]; then
        broken "$1" "no row of tests/check_includes.sh says what this folder may include"
    elif [[ ! $3 =~ $allowed ]]; then
        broken "$1" "\"$3\": ${2%%/*}/ may include only what matches $allowed"
    elif [[ $3 != */* && $2 != plugins/*/* && $2 != tests/plugins/modules/* ]]; then
        broken "$1" "\"$3\": includes are written from the root, like \"core/buf.h\""
    elif [[ ! -f $3 && $3 == */* ]]; then
        broken "$1" "\"$3\": no such file from the root"
    fi
}

# x.c includes x.h before anything else, so that every header is known to stand alone.
check_own_first() { # where file header
    local own=${2%.c}.h
    [[ $2 == *.c && -f $own && ! $2 =~ ^(plugins/[^/]+|tests/voicelab)/ ]] || return 0
    [[ $3 == "$own" ]] || broken "$1" "the first include of $2 is \"$own\""
}

last_file=
while IFS=: read -r file line text; do
    header=${text#*[<\"]}
    header=${header%%[>\"]*}
    [[ $file == "$last_file" ]] || check_own_first "$file:$line" "$file" "$header"
    last_file=$file
    if [[ $text == *\<* ]]; then
        check_library "$file:$line" "$file" "$header"
    else
        check_ours "$file:$line" "$file" "$header"
    fi
done < <(project_files '\.[ch]$' | xargs -r grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]')

exit $failed
