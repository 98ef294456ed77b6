#!/bin/sh
# run.sh BIN: Green Button and table of bills under several tariffs, judged by check.py against the
# published structure (structure.py) and the bill; then spoiled feeds, each of which must be found.
# 77: no python3.
set -eu
bin=$1
here=tests/green-button
command -v python3 >/dev/null 2>&1 || { echo "skipped: no python3"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# rows FIRST COUNT STEP: quarter hours or half hours with export, reactive energy and a gap.
rows() {
    echo client,ts,serial,seq,energy_wh,reactive_varh
    awk -v first="$1" -v n="$2" -v step="$3" 'BEGIN {
        for (i = 1; i <= n; i++) {
            if (i == 50 || i == 51) continue
            printf "3000000001,%d,1000,%d,%d,%d\n", first + i * step, i,
                100 + (i * 37) % 211 - (i % 97 < 9 ? 150 : 0), (i * 53) % 90 - 40
        } }'
}

# bill TARIFF NAME OPTION...
bill() {
    tariff=$1 name=$2
    shift 2
    "$bin/sealgrid-bill" --tariff "apps/bill/tariffs/$tariff.yaml" --input "$dir/$name.csv" \
        --green-button "$dir/$name.xml" --csv "$dir/$name.table" --json "$@" >"$dir/$name.json"
    python3 "$here/check.py" "$dir/$name.xml" "$dir/$name.json" "$dir/$name.table"
    echo "ok: $tariff"
}

rows 1788231600 2880 900 >"$dir/white.csv"                 # September 2026 in Sao Paulo
bill b1-white white --period 2026-09 --vee apps/bill/vee/default.yaml
rows 1788231600 2880 900 >"$dir/taxed.csv"
bill b1-taxed taxed --period 2026-09
rows 1774742400 96 1800 >"$dir/flat.csv"                   # across London's change of March 2026
bill gb-flat flat
rows 1575676800 144 1800 >"$dir/agile.csv"                 # prices by the half-hour, some negative
bill gb-agile agile
cp "$dir/white.xml" "$dir/again.xml"
bill b1-white white --period 2026-09 --vee apps/bill/vee/default.yaml >/dev/null
cmp "$dir/white.xml" "$dir/again.xml"
rows 1788231600 672 900 >"$dir/short.csv"

bill b1-white short --from 2026-09-01T03:00:00Z --until 2026-09-08T03:00:00Z \
    --vee apps/bill/vee/default.yaml
python3 "$here/spoiled.py" "$dir/short.xml" "$dir/short.json" "$dir/short.table"
