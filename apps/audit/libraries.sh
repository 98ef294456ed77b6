#!/bin/sh
# libraries.sh READELF PROGRAM - the auditor's program stands alone: hashes, signatures, JSON, YAML,
# compression and the C library; no network, no database, no storage.
allowed="libcrypto.so.3 libsodium.so.23 libzstd.so.1 libjansson.so.4 libyaml-0.so.2 libm.so.6 libc.so.6
ld-linux-x86-64.so.2 ld-linux-aarch64.so.1 libasan.so.8 libubsan.so.1 libtsan.so.2 libstdc++.so.6 libgcc_s.so.1"
needed=$("$1" -d "$2" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
[ -n "$needed" ] || { echo "nothing read from $2" >&2; exit 1; }
for lib in $needed; do
  case " $(echo $allowed) " in
    *" $lib "*) ;;
    *) echo "sealgrid-audit is linked to $lib" >&2; exit 1 ;;
  esac
done
