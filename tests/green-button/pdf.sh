#!/bin/sh
# pdf.sh BIN: with a browser a whole file; without one the reason, and no file.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
program=$(cd "$1" && pwd)/sealgrid-bill

echo client,ts,serial,seq,energy_wh >"$dir/load.csv"
awk 'BEGIN { for (i = 1; i <= 672; i++) printf "7,%d,1000,%d,%d\n", 1788231600 + i * 900, i, 100 + i % 97 }' \
    >>"$dir/load.csv"
print() {
    "$program" --tariff apps/bill/tariffs/b1-taxed.yaml --input "$dir/load.csv" --pdf "$dir/$1.pdf"
}
if command -v chromium >/dev/null 2>&1; then
    print printed >/dev/null
    [ "$(head -c 5 "$dir/printed.pdf")" = "%PDF-" ]
    [ "$(tail -c 6 "$dir/printed.pdf" | tr -d '\r\n')" = "%%EOF" ]
fi
code=0
(PATH=$dir; print without) >/dev/null 2>"$dir/why" || code=$?
[ "$code" = 2 ] && grep -q "no chromium" "$dir/why" && [ ! -e "$dir/without.pdf" ]
