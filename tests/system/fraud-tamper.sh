#!/bin/sh
# fraud-tamper.sh BIN: meters whose elements were tampered with stand at the top of the ranking, with
# what was done to them in words; an opened cover accuses nobody whom the utility itself visited.
set -eu
. "$(dirname "$0")/platform.sh"
meters=120
days=24

provision --meters $meters --days $days --interval 3600 --rsa-percent 0 --single-percent 0 \
    --fraud-permille 0 --fraud-phasor-permille 150
start
client
send || fail "send: $(cat "$work/send.log")"

"$bin/sealgrid-fraud" --store --zone=-03:00 --points 24 --mode full --json \
    --reference-days 2026-09-01..2026-09-12 --test-days 2026-09-13..2026-09-24 \
    --labels "$fleet/fraud-labels.csv" --out "$work/ranking.csv" --page "$work/page.html" \
    --cas.connect "127.0.0.1:$(($(ops_port_of casd) - 1000))" \
    --cas.pin "$(cat "$dir/cas/public/pin")" --cas.platform "$dir/platform" \
    --kvsd.connect "127.0.0.1:$(($(ops_port_of kvsd) - 1000))" >"$work/fraud.json" \
    2>"$work/step.log" || fail "fraud: $(cat "$work/step.log")"

# customer,label,type and customer,rank of the two files, one line a customer.
sed 1d "$fleet/fraud-labels.csv" | cut -d, -f1-3 | sort >"$work/labels"
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "rank") r = i; next } { print $1 "," $r }' \
    "$work/ranking.csv" | sort >"$work/ranks"
join -t, "$work/labels" "$work/ranks" >"$work/both"
[ "$(wc -l <"$work/both")" = $meters ] || fail "ranking: $(head -3 "$work/ranking.csv")"
thieves=$(awk -F, '$2 == 1' "$work/both" | wc -l)
kinds=$(awk -F, '$2 == 1 { print $3 }' "$work/both" | sort -u | wc -l)
[ "$thieves" -ge 12 ] && [ "$kinds" -ge 5 ] || fail "$thieves thieves of $kinds kinds"
awk -F, '$2 == 1 && $3 < 9' "$work/both" | grep -q . && fail "a thief of another kind"
found=$(awk -F, -v n="$thieves" '$2 == 1 && $4 <= n' "$work/both" | wc -l)
[ $((found * 10)) -ge $((thieves * 9)) ] || fail "$found of $thieves in the first $thieves"
echo "$thieves meters tampered with in $kinds ways: $found of them in the first $thieves of $meters"

# Words for each way, on the page and in the list.
for words in 'voltage' 'current' 'look for a by-pass'; do
    grep -q "$words" "$work/ranking.csv" || fail "no \"$words\" in the reasons"
    grep -q "$words" "$work/page.html" || fail "no \"$words\" on the page"
done

# SQL sees the events and the neutral: visits are announced, and whoever was visited and is honest
# is not among the suspects.
sql '{"sql":"SELECT DISTINCT client_id FROM reading WHERE events & 16 AND events & 6"}' |
    sed 's/.*"rows":\[//; s/\],"rowcount".*//; s/[][]//g' | tr ',' '\n' | sort >"$work/visited"
visited=$(grep -c . "$work/visited") || fail "nobody was visited"
honest=0
for customer in $(cat "$work/visited"); do
    grep -q "^$customer,0," "$work/both" || continue
    honest=$((honest + 1))
    rank=$(sed -n "s/^$customer,0,.*,//p" "$work/both")
    [ "$rank" -gt "$thieves" ] || fail "$customer was visited and is suspected: rank $rank"
    grep "^$customer," "$work/ranking.csv" | grep -q "seals" &&
        fail "a visit is held against $customer"
done
[ $honest -ge 1 ] || fail "$visited were visited, none of them honest"
grep "seals" "$work/ranking.csv" >"$work/seals" || true
while IFS=, read -r customer rest; do
    grep -q "^$customer,1," "$work/both" || fail "$customer is honest: $rest"
done <"$work/seals"
echo "$honest honest customers were visited, none of them is suspected for it"

sql '{"sql":"SELECT COUNT(*), COUNT(neutral_current), MIN(events), MAX(events & 63) FROM reading"}' \
    >"$work/sql.json"
n=$((meters * days * 24))
grep -q "\"rows\":\[\[$n,[0-9]*,0,[0-9]*\]\]" "$work/sql.json" || fail "$(cat "$work/sql.json")"
measured=$(sed "s/.*\[\[$n,\([0-9]*\),.*/\1/" "$work/sql.json")
[ "$measured" -gt $((n / 2)) ] && [ "$measured" -lt "$n" ] || fail "neutrals: $measured of $n"
echo "$measured of $n readings tell the neutral's current, all of them events"
