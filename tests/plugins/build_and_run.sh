#!/usr/bin/env bash
# Compiles one source as the language that is given, and runs it: what must hold in each of several.
# usage: build_and_run.sh SOURCE COMPILER FLAG...
set -euo pipefail
source=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$@" -o "$folder/program" "$source"
"$folder/program"
