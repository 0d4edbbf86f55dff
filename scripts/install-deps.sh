#!/usr/bin/env bash
# Install the Debian packages of scripts/debian-packages.txt that are missing. Says what it will
# install, and through sudo when not root; does nothing at all when nothing is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

missing=()
while read -r package; do
    case "$package" in "" | \#*) continue ;; esac
    if ! dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then
        missing+=("$package")
    fi
done <"$here/debian-packages.txt"
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "install-deps: apt-get not found; install these yourself: ${missing[*]}" >&2
    exit 2
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
    echo "install-deps: not root: sudo will run apt-get" >&2
fi
echo "install-deps: installing with apt-get: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
if ! "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}" >/tmp/reprise-deps.log 2>&1; then
    # A fresh machine may hold no package list, or an old one.
    "${as_root[@]}" apt-get update >/tmp/reprise-deps.log 2>&1 || true
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        "${missing[@]}" >>/tmp/reprise-deps.log 2>&1; then
        echo "install-deps: apt-get failed; the end of /tmp/reprise-deps.log:" >&2
        tail -n 5 /tmp/reprise-deps.log >&2
        exit 1
    fi
fi
