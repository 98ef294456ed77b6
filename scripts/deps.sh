#!/bin/sh
# deps.sh [test|fuzz|bench|tpm]: installs the Debian 12 packages that are missing, and nothing if none is.
# Needs root or sudo only when something is missing.  curl and tzdata are for tests and bills; test
# adds the browser of tests/browser, fuzz the compiler of `make fuzz`, bench the peers that
# `make bench` compares with, tpm the stack that the provider "tpm" is built with where it is at hand,
# and the TPM in software that its test starts.
set -eu

packages="gcc libc6-dev cmake ninja-build pkg-config libssl-dev libsodium-dev libsqlite3-dev
libcurl4-openssl-dev librocksdb-dev libisal-dev libzstd-dev zlib1g-dev libjansson-dev libyaml-dev libcmocka-dev
tzdata curl"
[ "${1:-}" != test ] || packages="$packages chromium chromium-driver python3 python3-yaml fonts-dejavu-core"
[ "${1:-}" != fuzz ] || packages="$packages clang-14 libclang-rt-14-dev"
[ "${1:-}" != tpm ] || packages="$packages libtss2-dev swtpm"
[ "${1:-}" != bench ] || packages="$packages liblmdb-dev libpq-dev redis-server
etcd-server postgresql-15 r-cran-kohonen"

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
