#!/bin/sh
# Installs the Debian 12 packages that are missing, and nothing if none is.  Needs root or sudo
# only when something is missing.
set -eu

packages="gcc clang-14 libclang-rt-14-dev cmake ninja-build pkg-config git ca-certificates
libc6-dev libssl-dev libsodium-dev libsqlite3-dev librocksdb-dev liblmdb-dev libisal-dev libzstd-dev
libjansson-dev libyaml-dev libcmocka-dev zlib1g-dev libseccomp-dev tzdata curl openssl"

missing=""
for p in $packages; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

echo "installing:$missing"
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1; then
    as_root="sudo"
else
    echo "these Debian packages are missing and neither root nor sudo is at hand:$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A list from an earlier update may be stale or absent: update, then install.
if ! { $as_root apt-get update &&
       $as_root apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
