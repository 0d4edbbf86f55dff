#!/usr/bin/env bash
# The header of today says of its own minor version what was published as that version, and of the
# earlier ones nothing else: compared without comments. usage: abi_header.sh COMPILER
set -euo pipefail
compiler=$1
cd "$(dirname "$0")/../.."
today=plugins/reprise_plugin.h
version=$(awk '/define REPRISE_ABI_MAJOR/ { major = $3 } /define REPRISE_ABI_MINOR/ { print major "." $3 }' "$today")
published=tests/abi/$version/reprise_plugin.h

declarations() { # FILE: what the compiler sees of it, and its macros
    "$compiler" -E -P -x c "$1"
    "$compiler" -E -dM -x c "$1" | grep -E '^#define _?REPRISE' | sort
}

if [ ! -f "$published" ]; then
    echo "$published: missing. $today says it is $version: once that is published, copy it there"
    exit 1
fi
if ! diff <(declarations "$published") <(declarations "$today"); then
    echo "$today differs from $published. If $version has been released: raise REPRISE_ABI_MINOR, add at"
    echo "the ends of structs only, and keep the published header as it is. If not: copy it there."
    exit 1
fi
