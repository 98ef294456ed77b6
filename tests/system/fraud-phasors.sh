#!/bin/sh
# fraud-phasors.sh BIN: mode full reads the phasors of the store beside the energy, with the same
# result for any number of threads, and the balance of transformers by the table topology.
set -eu
. "$(dirname "$0")/platform.sh"
meters=30
days=20

provision --meters $meters --days $days --interval 3600 --rsa-percent 0 --single-percent 0 \
    --fraud-permille 100
start
client
send || fail "send: $(cat "$work/send.log")"

from_store() {
    "$bin/sealgrid-fraud" --store --zone=-03:00 --points 24 --mode full "$@" \
        --reference-days 2026-09-01..2026-09-12 --test-days 2026-09-13..2026-09-20 \
        --cas.connect "127.0.0.1:$(($(ops_port_of casd) - 1000))" \
        --cas.pin "$(cat "$dir/cas/public/pin")" --cas.platform "$dir/platform" \
        --kvsd.connect "127.0.0.1:$(($(ops_port_of kvsd) - 1000))" 2>"$work/step.log"
}

# The first client's meter is taken for the transformer of the next four: it counts far too little,
# but the four and nobody else have to be its customers.
sql '{"sql":"SELECT client_id FROM installation ORDER BY client_id LIMIT 5"}' |
    sed 's/.*"rows":\[//; s/\],"rowcount".*//; s/[][]//g' | tr ',' '\n' >"$work/clients"
[ "$(wc -l <"$work/clients")" -ge 4 ] || fail "clients: $(cat "$work/clients")"
transformer=$(sed -n 1p "$work/clients")
sed 1d "$work/clients" | while read -r client || [ -n "$client" ]; do
    sql "{\"sql\":\"INSERT INTO topology VALUES ($client, 20000, $transformer)\"}" >"$work/sql.log"
    grep -q '"rowcount":1' "$work/sql.log" || fail "topology: $(cat "$work/sql.log")"
done

for threads in 1 3; do
    from_store --threads $threads --out "$work/ranking$threads.csv" --topology store \
        --balance "$work/balance.csv" >/dev/null || fail "store: $(cat "$work/step.log")"
done
cmp "$work/ranking1.csv" "$work/ranking3.csv" || fail "one thread and three differ"
[ "$(wc -l <"$work/ranking1.csv")" = $((meters + 1)) ] || fail "$(cat "$work/ranking1.csv")"
[ "$(wc -l <"$work/balance.csv")" = 6 ] || fail "balance: $(cat "$work/balance.csv")"
[ "$(grep -c "^$transformer," "$work/balance.csv")" = 5 ] || fail "$(cat "$work/balance.csv")"
sed -n 2p "$work/balance.csv" | grep -q "^$transformer,-,0," || fail "$(cat "$work/balance.csv")"
echo "$meters customers: phasors and a transformer of the store, with one thread and with three"

# Without them the scores are others: the chance of the better of two looks is no longer taken.
from_store --phasors none --out "$work/without.csv" >/dev/null || fail "$(cat "$work/step.log")"
cmp -s "$work/ranking1.csv" "$work/without.csv" && fail "phasors change nothing"
if from_store --topology "$work/clients" --balance - >/dev/null; then fail "a table that is none"; fi
grep -q "columns customer and transformer are wanted" "$work/step.log" || fail "$(cat "$work/step.log")"
echo "phasors can be left out; a topology that is none is refused"
