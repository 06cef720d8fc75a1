#!/usr/bin/env bash
# Installs the Debian packages named, if they are not there yet; says so plainly where this is no Debian.
set -euo pipefail

missing=()
for package in "$@"; do
    if ! dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii'; then missing+=("$package"); fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Máy này không có apt: hãy tự cài ${missing[*]} / No apt here: please install ${missing[*]} yourself." >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Cần quyền root để cài ${missing[*]} / Root or sudo is needed to install ${missing[*]}." >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "Đang cài gói Debian / installing Debian packages: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
