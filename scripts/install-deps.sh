#!/usr/bin/env bash
# Install the Debian packages of a list (scripts/debian-packages.txt unless another is named) that
# are missing. Says what it will install, and through sudo when not root; does nothing at all when
# nothing is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

list=${1:-$here/debian-packages.txt}

mapfile -t wanted < <(grep -v '^#' "$list" | grep .)
if ! command -v apt-get dpkg-query >/dev/null; then
    # Another distribution: cmake will name what it does not find.
    echo "install-deps: no apt-get here; these are Debian's names of what is needed: ${wanted[*]}" >&2
    exit 0
fi

missing=()
for package in "${wanted[@]}"; do
    if ! dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then
        missing+=("$package")
    fi
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-deps: not root, and no sudo; have root run: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "install-deps: installing with ${as_root[*]:+sudo }apt-get: ${missing[*]}" >&2

log=$(mktemp /tmp/reprise-deps.XXXXXX)
install_missing() {
    # A fresh machine updates itself at first: wait for its lock.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
        install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1
}
update_lists() {
    # A fresh machine may hold no package list, or an old one.
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update >>"$log" 2>&1
}
if ! install_missing && ! { update_lists && install_missing; }; then
    echo "install-deps: apt-get failed; the end of $log:" >&2
    tail -n 5 "$log" >&2
    exit 1
fi
rm -f "$log"
