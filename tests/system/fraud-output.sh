#!/bin/sh
# fraud-output.sh BIN: what a ranking leaves behind.  Standard output belongs to one at a time; a page
# goes there as well; a disk that is full is told, the old ranking stays and nothing half is left; one
# customer alone is ranked as in the fleet.
set -eu
bin=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/sealgrid-system.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# 3,000 customers of ten days, every seventh with another shape in the last three.
awk 'BEGIN {
    printf "customer,day,weekday"
    for (h = 0; h < 24; h++) printf ",h%02d", h
    print ""
    for (c = 0; c < 3000; c++)
        for (d = 0; d < 10; d++) {
            printf "c%d,%d,%d", c, d, d % 7
            for (h = 0; h < 24; h++)
                printf ",%.2f", 1 + ((c % 7 == 0 && d > 6 ? 23 - h : h) * (c % 11 + 1) + d) % 13
            print ""
        }
}' >"$work/days.csv"

rank() {
    "$bin/sealgrid-fraud" --input "$work/days.csv" --mode correlation --reference-days 0..6 \
        --test-days 7..9 --least-reference 2 "$@" 2>"$work/log"
}
# refused WORDS OPTION...
refused() {
    words=$1
    shift
    status=0
    rank "$@" >"$work/none" || status=$?
    [ $status = 2 ] || fail "$*: exit $status: $(cat "$work/log")"
    [ ! -s "$work/none" ] || fail "$*: something on standard output"
    grep -q -e "$words" "$work/log" || fail "$*: $(cat "$work/log")"
}

rank --out "$work/ranking.csv" >/dev/null || fail "$(cat "$work/log")"
[ "$(wc -l <"$work/ranking.csv")" = 3001 ] || fail "$(wc "$work/ranking.csv")"
[ "$(stat -c %a "$work/ranking.csv")" = 600 ] || fail "others may read the ranking"
rank --out - | cmp - "$work/ranking.csv" || fail "standard output has another ranking"

rank --page - >"$work/page.html" || fail "$(cat "$work/log")"
head -c 15 "$work/page.html" | grep -q '<!DOCTYPE html>' || fail "no page"
tail -c 20 "$work/page.html" | grep -q '</html>' || fail "something behind the page"
[ ! -e ./- ] || fail "a file named -"

refused "standard output" --out - --page -
refused "standard output" --out - --json
refused "standard output" --drop-out - --out -
refused "nothing would come of it" --threads 1
refused "nothing would come of it" --profiles 3
echo "one output at a time"

cp "$work/ranking.csv" "$work/old.csv"
(
    ulimit -f 8 # of 512 or 1,024 octets each
    refused "File too large" --out "$work/ranking.csv"
)
cmp "$work/old.csv" "$work/ranking.csv" || fail "the old ranking is gone"
[ ! -e "$work/ranking.csv.part" ] || fail "half a ranking is left"
status=0
rank --out /dev/full || status=$?
[ $status = 2 ] || fail "a full device: exit $status"
echo "a full disk: told, and the old ranking stays"

for line in 2 1500 3001; do
    row=$(sed -n ${line}p "$work/ranking.csv")
    rank --client "${row%%,*}" --out "$work/one.csv" >/dev/null || fail "$(cat "$work/log")"
    [ "$(sed -n 2p "$work/one.csv" | cut -d, -f 1,2,4-)" = "$(echo "$row" | cut -d, -f 1,2,4-)" ] ||
        fail "alone: $(cat "$work/one.csv"); in the fleet: $row"
done
echo "one customer alone: the same octets"
