#!/usr/bin/env bash
# Holds what of docs/style.md a script can hold: prints file:line and the rule that is broken, and
# fails. usage: check_style.sh [SOURCE-TREE]
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"
# shellcheck source=tests/check_files.sh
source "$(dirname "${BASH_SOURCE[0]}")/check_files.sh"
export LC_ALL=C.UTF-8 # columns are characters

failed=0
# Reads "file:line[:text]" lines and prints each with the rule $1.
report() {
    local file line rest
    while IFS=: read -r file line rest; do
        echo "$file:$line: $1"
        failed=1
    done
}

# grep over files whose path matches $1 (and not $2); prints file:line:text.
find_lines() { # path-pattern not-path-pattern regex
    project_files "$1" | grep -vE "$2" | xargs -r grep -HnE "$3" || true
}

c_files='\.[ch]$'
none='^$'
# Fixtures that are programs of their own have clocks and sleeps of their own.
outside_product='^tests/'
call='(^|[^_[:alnum:].>"])'

report "this function is banned; use buf, bytes or snprintf" < <(
    find_lines "$c_files" "$none" \
        "$call(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|alloca)[[:space:]]*\(")
report "no sleep: wait for an event or a timer" < <(
    find_lines "$c_files" "$outside_product" "$call(sleep|usleep|nanosleep|clock_nanosleep)[[:space:]]*\(")
report "only core/clock.c asks the system what time it is" < <(
    find_lines "$c_files" '^(tests/|core/clock\.c$|plugins/[^/]+/)' \
        "$call(clock_gettime|gettimeofday|time)[[:space:]]*\(([^)]*NULL|CLOCK_|&)")
report "no typedef of a struct, union or enum" < <(
    find_lines "$c_files" '^plugins/(reprise_plugin\.h$|[^/]+/)' '^typedef[[:space:]]+(struct|union|enum)\>')
report "a line of more than 100 columns" < <(find_lines "$c_files" "$none" '^.{101,}')
report "a tab" < <(find_lines "$c_files" "$none" $'\t')
report "unfinished work: do it, or write it down in docs/" < <(
    find_lines '\.([ch]|sh|cmake|md|txt|json|py|sql)$|(^|/)(Makefile|run)$' '^tests/check_[a-z_]*\.sh$' \
        '\<(TODO|FIXME|XXX)\>')
report "a test of what is always true cannot fail" < <(
    find_lines '^tests/.*\.[ch]$' "$none" \
        'assert(_true)?\((true|1)\)|assert_false\((false|0)\)|assert_(int|ptr|string)_equal\(([^,()]*), *\5\)')

# One idea, said in the first sentence: "name.c - what it is".
while IFS= read -r file; do
    name=${file##*/}
    if ! head -n 2 "$file" | grep -qE "^(/\*| \*) ${name//./\\.} - [^ ]"; then
        echo "$file:1: the first line says what the file is: /* $name - ... */"
        failed=1
    fi
done < <(project_files "$c_files")

while IFS= read -r file; do
    if [ "$(wc -l <"$file")" -gt 500 ]; then
        echo "$file:501: more than 500 lines: two ideas"
        failed=1
    fi
done < <(project_files "$c_files" | grep -vE '^tests/')

# A body runs from '{' to '}' in the first column; the rows of a table in it are not counted.
functions_over() {
    awk -v most="$1" '
        FNR == 1 { start = 0; is_table = 0 }
        /^\{/ { start = FNR; rows = 0 }
        /\] = \{$/ { is_table = 1 }
        is_table { rows++ }
        /\};$/ { is_table = 0 }
        /^\}/ {
            if (start && FNR - start - 1 - rows > most) print FILENAME ":" start ":"
            start = 0
        }' "${@:2}"
}
mapfile -t product_c < <(project_files '\.c$' | grep -vE '^tests/')
if [ ${#product_c[@]} -gt 0 ]; then
    report "a function of more than 60 lines does not fit a screen" < <(
        functions_over 60 "${product_c[@]}")
fi

# #ifndef X, #define X as the first two directives, the name used in no other header.
declare -A guard_owner
while IFS= read -r file; do
    mapfile -t directives < <(grep -E '^[[:space:]]*#' "$file" | head -n 2)
    guard=${directives[0]#\#ifndef }
    if [[ ! $guard =~ ^[A-Z][A-Z0-9_]*_H$ || ${directives[1]:-} != "#define $guard" ]]; then
        echo "$file:1: no include guard (#ifndef REPRISE_FOLDER_NAME_H, #define the same)"
        failed=1
    elif [[ -n ${guard_owner[$guard]:-} ]]; then
        echo "$file:1: its include guard $guard is that of ${guard_owner[$guard]}"
        failed=1
    else
        guard_owner[$guard]=$file
    fi
done < <(project_files '\.h$')

while IFS= read -r file; do
    [[ $file == *.sh ]] || head -n 1 "$file" | grep -qE '^#!.*\<(ba)?sh$' || continue
    if ! bash -n "$file"; then
        echo "$file:1: bash cannot parse it"
        failed=1
    fi
done < <(project_files '\.sh$|^[^.]*$|^\.ci/')

# Another version lays out some lines otherwise, so only the one of Debian 12 is asked.
version=$(clang-format --version 2>/dev/null | sed -nE 's/.*version ([0-9]+)\..*/\1/p' || true)
if [ "$version" = 14 ]; then
    mapfile -t c_list < <(project_files "$c_files")
    if [ ${#c_list[@]} -gt 0 ] && ! layout=$(clang-format --dry-run -Werror "${c_list[@]}" 2>&1); then
        grep -E '^[^ ]+:[0-9]+:' <<<"$layout" | cut -d: -f1-2 | sort -t: -k1,1 -u |
            sed 's/$/: not laid out by .clang-format; run clang-format -i on the file/'
        failed=1
    fi
else
    echo "check_style: layout not checked: clang-format 14 is not installed" >&2
fi

exit $failed
