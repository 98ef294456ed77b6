#!/bin/sh
# run.sh BIN: Green Button and table of bills under several tariffs, judged by check.py against the
# bill; then spoiled feeds, each of which must be found.  77: no python3.
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

# spoil NAME SED-SCRIPT: a feed with this fault must be found.
spoil() {
    sed "$2" "$dir/white.xml" >"$dir/spoiled.xml"
    if cmp -s "$dir/white.xml" "$dir/spoiled.xml"; then
        echo "the fault was not made: $1"
        exit 1
    fi
    if python3 "$here/check.py" "$dir/spoiled.xml" "$dir/white.json" "$dir/white.table" >/dev/null 2>&1
    then
        echo "not found: $1"
        exit 1
    fi
}
spoil "value of an interval" 's/<value>24</<value>25</'
spoil "quality of an estimate" 's/<ReadingQuality><quality>9<[^v]*ReadingQuality>//'
spoil "unknown quality" 's/<quality>9</<quality>99</'
spoil "order of members" 's/\(<duration>86400<\/duration>\)\(<start>[0-9]*<\/start>\)/\2\1/'
spoil "total" 's/<billLastPeriod>/&1/'
spoil "an item left out" 's/<costAdditionalDetailLastPeriod>.*<\/costAdditionalDetailLastPeriod>//'
spoil "currency" 's/<currency>986</<currency>840</g'
spoil "related link" 's/\(rel="related" href="[^"]*\)ReadingType/\1ReadingKind/'
spoil "self outside up" 's/\(rel="self" href="[^"]*\)IntervalBlock/\1Block/'
spoil "id" 's/urn:uuid:........-....-5/urn:uuid:00000000-0000-4/'
spoil "type of reading" 's/<kind>12</<kind>x</'
spoil "time of use" 's/<tou>3</<tou>2</'
spoil "rule of daylight saving" 's/<dstEndRule>F/<dstEndRule>/'
echo "every spoiled feed was found"

# PDF: with a browser a whole file; without one the reason, and no file.
program=$(cd "$bin" && pwd)/sealgrid-bill
print() {
    "$program" --tariff apps/bill/tariffs/b1-taxed.yaml --input "$dir/taxed.csv" --period 2026-09 \
        --pdf "$dir/$1.pdf"
}
if command -v chromium >/dev/null 2>&1; then
    print printed >/dev/null
    [ "$(head -c 5 "$dir/printed.pdf")" = "%PDF-" ]
fi
code=0
(PATH=$dir; print without) >/dev/null 2>"$dir/why" || code=$?
[ "$code" = 2 ] && grep -q "no chromium" "$dir/why" && [ ! -e "$dir/without.pdf" ]
echo "ok: pdf"
