#!/bin/sh
# conflict.sh BIN: a meter signs a day twice, with other figures the second time.  No bill is made
# until an operator has chosen each of the readings on record; then the bill shows who chose what,
# and the authority's audit finds a choice that was hidden, renamed, or made by a stranger, and a
# contract that is not the authority's.  The audit of the folder is signed, every bill by its hash.
set -eu
. "$(dirname "$0")/platform.sh"
from=2026-09-01T03:00:00Z
until=2026-09-03T03:00:00Z
sed 's/^interval_minutes: .*/interval_minutes: 60/' tests/vee/flat.yaml >"$work/flat.yaml"
"$bin/../tests/system/operator-make" "$work" || fail "operator-make"

provision --meters 2 --days 2 --interval 3600 --start $from --rsa-percent 0 --single-percent 0 \
    --fraud-permille 0
start
client
send || fail "send: $(cat "$work/send.log")"
# From the second day on every meter of the fleet is now a thief's.
sed -i 's/^fraud-permille: .*/fraud-permille: 1000/' "$fleet/fleet.yaml"
send || true
conflicts=$(count reading_conflict)
[ "$conflicts" -gt 0 ] || fail "no conflict: $(cat "$work/send.log")"
one=$(sql '{"sql":"SELECT min(client_id) FROM reading_conflict"}' |
    sed -n 's/.*"rows":\[\[\([0-9]*\)\]\].*/\1/p')

pin=$(cat "$dir/cas/public/pin")
cas=127.0.0.1:$(($(ops_port_of casd) - 1000))
kvsd=127.0.0.1:$(($(ops_port_of kvsd) - 1000))
# expect STATUS PROGRAM OPTION...: what it printed in $work/report.
expect() {
    wanted=$1
    shift
    set +e
    "$@" >"$work/report" 2>"$work/step.log"
    got=$?
    set -e
    [ "$got" = "$wanted" ] || fail "exit $got, not $wanted: $* $(cat "$work/report" "$work/step.log")"
}
# reports WORD: what was printed has it.
reports() {
    grep -q "$1" "$work/report" || fail "not reported: $1: $(head -c 2000 "$work/report")"
}
at_store() {
    status=$1
    word=$2
    shift 2
    expect "$status" "$bin/sealgrid-bill" $word --kvsd.connect "$kvsd" --cas.connect "$cas" \
        --cas.pin "$pin" --cas.platform "$dir/platform" "$@"
}
cat >"$work/contracts.yaml" <<YAML
- {client: $one, from: 2026-01-01, until: null, tariff: flat, phases: 1, demand_kw: {all: 10}}
YAML
bill() {
    at_store "$1" "" --tariff "$work/flat.yaml" --contracts "$work/contracts.yaml" --store \
        --client "$one" --from $from --until $until --out "$work/out" --json
}
choose() { # TS KEY: the reading that came later
    digest=$("$bin/sealgrid-bill" resolve --kvsd.connect "$kvsd" --cas.connect "$cas" \
        --cas.pin "$pin" --cas.platform "$dir/platform" --client "$one" --ts "$1" 2>/dev/null |
        sed -n 's/^\([0-9a-f]\{32\}\).*came later and differs$/\1/p')
    at_store 0 resolve --client "$one" --ts "$1" --choose "$digest" --why "meter opened that day" \
        --key "$work/$2.der" --certificate "$work/$2.pem"
}

bill 1
reports reading.conflict
times=$(sql "{\"sql\":\"SELECT ts FROM reading_conflict WHERE client_id = $one\"}" |
    sed 's/.*"rows"://' | tr -c '0-9\n' ' ' | tr -s ' ' '\n' | grep -E '^[0-9]{10}$' | sort -u)
first=$(echo "$times" | head -n 1)
for ts in $times; do
    [ "$ts" = "$first" ] || choose "$ts" operator
done
bill 1 # one is open yet
reports reading.conflict
choose "$first" operator
bill 0
chosen=$(echo "$times" | wc -l)
file=$(find "$work/out/bill/$one" -name '*.json')
evidence=$(find "$work/out/evidence/$one" -name '*.cbor')
[ "$(grep -o '"by":"Ana Souza"' "$file" | wc -l)" = "$chosen" ] || fail "choices on the bill: $file"

# audit STATUS BILL OPTION...
audit() {
    status=$1
    told=$2
    shift 2
    expect "$status" "$bin/sealgrid-audit" --bill "$told" --evidence "$evidence" \
        --installations "$fleet/installations.json" --keys "$fleet/authority-root.pem" \
        --tariff "$work/flat.yaml" --json "$@"
}
# doctor SED: the bill changed, its hash made anew.
doctor() {
    sed 's/^{"bill":\(.*\),"sha256":"[0-9a-f]\{64\}","trace":.*$/\1/' "$file" | sed "$1" |
        tr -d '\n' >"$work/object"
    hash=$(sha256sum <"$work/object" | cut -d' ' -f1)
    trace=$(sed 's/^.*,"sha256":"[0-9a-f]\{64\}","trace":\(.*\)}$/\1/' "$file")
    printf '{"bill":%s,"sha256":"%s","trace":%s}\n' "$(cat "$work/object")" "$hash" "$trace" \
        >"$work/doctored.json"
    cmp -s "$file" "$work/doctored.json" && fail "nothing doctored: $1" || true
}
ours="--operators $work/operators.pem --contracts $work/contracts.yaml"
# shellcheck disable=SC2086
audit 0 "$file" $ours
reports "\"resolved\":$chosen,"
reports '"contract":"compared"'
audit 0 "$file" --operators "$work/operators.pem"
reports '"contract":"as-billed"'
audit 1 "$file" --operators "$work/stranger.pem"
reports resolution.untrusted
audit 1 "$file"
reports resolution.untrusted
doctor 's/"resolved":\[{[^]]*\]/"resolved":[]/'
# shellcheck disable=SC2086
audit 1 "$work/doctored.json" $ours
reports resolution.hidden
doctor 's/"by":"Ana Souza"/"by":"Eva Souza"/'
# shellcheck disable=SC2086
audit 1 "$work/doctored.json" $ours
reports resolution.altered
doctor 's/"demand_kw":{"all":"10.000"}/"demand_kw":{"all":"20.000"}/'
# shellcheck disable=SC2086
audit 1 "$work/doctored.json" $ours
reports contract.other
audit 0 "$work/doctored.json" --operators "$work/operators.pem" # believed, and said so
reports '"contract":"as-billed"'

# The folder, signed.
# shellcheck disable=SC2086
expect 0 "$bin/sealgrid-audit" --dir "$work/out" --installations "$fleet/installations.json" \
    --keys "$fleet/authority-root.pem" --tariff "$work/flat.yaml" $ours \
    --sign "$work/auditor.der" --report "$work/folder.report" --json
verify_folder() {
    expect "$1" "$bin/sealgrid-audit" verify-report --report "$work/folder.report" \
        --auditor "$work/$2.pem" --dir "$work/out"
}
verify_folder 0 auditor
reports '"genuine":true,"ok":true'
reports "\"name\":\"$one/"
verify_folder 1 stranger
cp "$file" "$work/kept.json"
cp "$work/doctored.json" "$file"
verify_folder 1 auditor
reports "another folder"
rm "$file"
verify_folder 1 auditor
reports "another folder"
mv "$work/kept.json" "$file"
verify_folder 0 auditor

# A later choice by a stranger: it is the one that holds in the store, and nowhere else.
sleep 1 # choices of one interval are ordered by their second
choose "$first" stranger
bill 0
# shellcheck disable=SC2086
audit 1 "$file" $ours
reports resolution.untrusted
echo "$chosen readings of $conflicts chosen on record, shown on the bill, audited"
