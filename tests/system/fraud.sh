#!/bin/sh
# fraud.sh BIN: the ranking of suspects from the store is that of the same readings in a file, to the
# last octet, for any number of threads; one consumer alone gets the score that it has in the fleet.
set -eu
. "$(dirname "$0")/platform.sh"
meters=40
days=20 # thieves begin on day 10 to 13

provision --meters $meters --days $days --interval 3600 --rsa-percent 0 --single-percent 0 \
    --fraud-permille 200
start
client
send || fail "send: $(cat "$work/send.log")"

from_store() {
    "$bin/sealgrid-fraud" --store --zone=-03:00 --points 24 "$@" \
        --reference-days 2026-09-01..2026-09-10 --test-days 2026-09-15..2026-09-20 \
        --cas.connect "127.0.0.1:$(($(ops_port_of casd) - 1000))" \
        --cas.pin "$(cat "$dir/cas/public/pin")" --cas.platform "$dir/platform" \
        --kvsd.connect "127.0.0.1:$(($(ops_port_of kvsd) - 1000))" 2>"$work/step.log"
}

# The readings as SQL tells them, one day a line: 2026-09-01 is day 20697 since 1970, days begin at
# three o'clock UTC, a reading has the end of its hour.
sql '{"sql":"SELECT client_id, ts, interval_energy FROM reading ORDER BY client_id, ts"}' |
    sed 's/.*"rows":\[//; s/\],"rowcount".*//; s/\],\[/\n/g; s/[][]//g' |
    awk -F, 'BEGIN {
        printf "customer,day,weekday"
        for (h = 0; h < 24; h++) printf ",h%02d", h
        print ""
    } {
        day = int(($2 - 1 - 10800) / 86400)
        if (n++ % 24 == 0) printf "%s,%d,%d", $1, day, (day + 3) % 7
        printf ",%.3f", $3 / 1000
        if (n % 24 == 0) print ""
    }' >"$work/days.csv"
[ "$(wc -l <"$work/days.csv")" = $((meters * days + 1)) ] || fail "days: $(wc "$work/days.csv")"

for mode in correlation paper; do
    "$bin/sealgrid-fraud" --input "$work/days.csv" --mode $mode --out "$work/file.csv" \
        --reference-days 20697..20706 --test-days 20711..20716 >"$work/step.log" 2>&1 ||
        fail "file: $(cat "$work/step.log")"
    for threads in 1 3; do
        from_store --mode $mode --threads $threads --out "$work/store.csv" --json \
            --labels "$fleet/fraud-labels.csv" >"$work/fraud.json" ||
            fail "store: $(cat "$work/step.log")"
        cmp "$work/file.csv" "$work/store.csv" || fail "$mode: file and store differ"
    done
    [ "$(number "$work/fraud.json" judged)" = $meters ] || fail "$(cat "$work/fraud.json")"
    grep -q '"auc":0\.[5-9]' "$work/fraud.json" || fail "$mode: $(cat "$work/fraud.json")"
done
echo "$meters customers: store and file agree, with one thread and with three"

# Mode full knows phasors in the store, which the file has not: any number of threads, the same.
for threads in 1 3; do
    from_store --threads $threads --save-map "$work/model" --out "$work/full$threads.csv" --json \
        --labels "$fleet/fraud-labels.csv" >"$work/fraud.json" ||
        fail "full: $(cat "$work/step.log")"
    grep -q '"mode":"full"' "$work/fraud.json" || fail "$(cat "$work/fraud.json")"
    grep -q '"auc":0\.[8-9]\|"auc":1' "$work/fraud.json" || fail "full: $(cat "$work/fraud.json")"
done
cmp "$work/full1.csv" "$work/full3.csv" || fail "full: threads differ"
line=$(sed -n 2p "$work/full1.csv")
from_store --map "$work/model" --client "${line%%,*}" --out "$work/one.csv" >/dev/null ||
    fail "full, one client: $(cat "$work/step.log")"
[ "$(sed -n 2p "$work/one.csv")" = "$line" ] || fail "full, one client: $(cat "$work/one.csv")"
echo "mode full: the same with one thread and with three, and for one consumer alone"

# The file's last ranking is of mode paper: one consumer by a map of the fleet has that score.
from_store --mode paper --save-map "$work/map" --out "$work/store.csv" >/dev/null ||
    fail "map: $(cat "$work/step.log")"
line=$(sed -n 2p "$work/file.csv")
from_store --mode paper --map "$work/map" --client "${line%%,*}" --out "$work/one.csv" >/dev/null ||
    fail "client: $(cat "$work/step.log")"
[ "$(sed -n 2p "$work/one.csv")" = "$line" ] || fail "client: $(cat "$work/one.csv")"
status=0
from_store --mode paper --map "$work/map" --client 42 --json >"$work/fraud.json" || status=$?
[ $status = 1 ] || fail "an unknown client: exit $status"
[ "$(number "$work/fraud.json" judged)" = 0 ] || fail "$(cat "$work/fraud.json")"
echo "one consumer: the score of the fleet; an unknown one: not judged"

# Inspections come back through SQL; so few teach nothing, and the program says so.
rows=$(awk -F, 'NR > 1 {
    printf("%s(%s, 20717, \047%s\047, NULL, NULL)", n++ ? ", " : "", $1,
        $2 == 1 ? "fraud" : "nothing")
}' "$fleet/fraud-labels.csv")
sql "{\"sql\":\"INSERT INTO inspection VALUES $rows\"}" | grep -q "\"rowcount\":$meters" ||
    fail "inspections were not taken"
status=0
from_store --mode full --learn "$work/learned" --json >"$work/learn.json" || status=$?
[ $status = 1 ] || fail "learn: exit $status: $(cat "$work/step.log")"
grep -q '"result":"too-few-outcomes"' "$work/learn.json" || fail "$(cat "$work/learn.json")"
[ $(($(number "$work/learn.json" fraud) + $(number "$work/learn.json" nothing))) = $meters ] ||
    fail "$(cat "$work/learn.json")"
[ ! -e "$work/learned" ] || fail "something was learnt from $meters inspections"
echo "inspections by SQL: read, and too few to learn from"
