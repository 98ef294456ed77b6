#!/bin/sh
# vee.sh BIN: readings of a running platform are judged, a day that never came is estimated, and the
# estimates stand in a table of their own; who may only bill may not write them.
set -eu
. "$(dirname "$0")/platform.sh"

provision --meters 2 --days 2 --start 2026-09-01T03:00:00Z --rsa-percent 0
start
client
send || fail "send: $(cat "$work/send.log")"
one=$(sql '{"sql":"SELECT min(client_id) FROM installation"}' |
    sed -n 's/.*"rows":\[\[\([0-9]*\)\]\].*/\1/p')

# vee STATUS OPTION...: the report in $work/report.
vee() {
    wanted=$1
    shift
    set +e
    "$bin/sealgrid-bill" "$@" --kvsd.connect "$kvsd" --cas.connect "$cas" --cas.pin "$pin" \
        --cas.platform "$dir/platform" >"$work/report" 2>"$work/step.log"
    got=$?
    set -e
    [ "$got" = "$wanted" ] || fail "exit $got, not $wanted: $* $(cat "$work/report" "$work/step.log")"
}
pin=$(cat "$dir/cas/public/pin")
cas=127.0.0.1:$(($(ops_port_of casd) - 1000))
kvsd=127.0.0.1:$(($(ops_port_of kvsd) - 1000))
days="--from 2026-09-01T03:00:00Z --until 2026-09-03T03:00:00Z"
longer="--from 2026-09-01T03:00:00Z --until 2026-09-04T03:00:00Z"

# shellcheck disable=SC2086
vee 0 vee --store --client "$one" $days --json
grep -q '"consecutive"' "$work/report" && fail "lacks something: $(cat "$work/report")"
# shellcheck disable=SC2086
vee 1 vee --store --client "$one" $longer --estimate --json
grep -q '"consecutive":1' "$work/report" || fail "$(cat "$work/report")"
[ "$(count estimate)" = 96 ] || fail "estimates: $(count estimate)"
[ "$(count reading)" = 384 ] || fail "readings: $(count reading)"
# shellcheck disable=SC2086
vee 1 vee --store --client "$one" $longer --estimate
[ "$(count estimate)" = 96 ] || fail "estimated again: $(count estimate)"

vee 0 resolve --client "$one" --ts 2026-09-01T03:15:00Z
grep -q 'came first' "$work/report" || fail "$(cat "$work/report")"
vee 2 resolve --client "$one" --ts 2026-09-01T03:15:00Z --why x --key /dev/null \
    --certificate /dev/null --choose 00000000000000000000000000000000
[ "$(count resolution)" = 0 ] || fail "resolved: $(count resolution)"
echo "96 intervals estimated, beside 384 readings"

# Bills with estimates write the same rows: those of the client above are there already.
bill() {
    wanted=$1
    shift
    # shellcheck disable=SC2086
    vee "$wanted" --tariff apps/bill/tariffs/b1-white.yaml --vee apps/bill/vee/default.yaml --store \
        $longer --json "$@"
}
# rows of clients other than the first
others() {
    sql "{\"sql\":\"SELECT count(*) FROM estimate WHERE client_id > $one\"}" |
        sed -n 's/.*"rows":\[\[\([0-9]*\)\]\].*/\1/p'
}
bill 0 --client "$one"
grep -q '"estimated":96,"missing":0' "$work/report" || fail "$(cat "$work/report")"
[ "$(count estimate)" = 96 ] || fail "the bill estimates something else: $(count estimate)"
mkdir "$work/out" "$work/again"
bill 0 --all --out "$work/out"
[ "$(count estimate)" = 192 ] || fail "estimates of both: $(count estimate)"
[ "$(others)" = 96 ] || fail "estimates of the other: $(others)"
bill 0 --all --out "$work/again"
[ "$(count estimate)" = 192 ] || fail "estimated again: $(count estimate)"
diff -r "$work/out/bill" "$work/again/bill" || fail "the second run has other bills"
echo "two bills with 96 estimates each, which stand in the table once"
