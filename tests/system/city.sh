#!/bin/sh
# city.sh BIN: every client of a running platform is billed by a program that is killed again and
# again and goes on; the files are those of a run that nobody stopped.  One client alone gives the
# same file, in the other forms as well.
set -eu
. "$(dirname "$0")/platform.sh"

provision --meters 24 --days 1 --start 2026-09-01T03:00:00Z --rsa-percent 0
start
client
send || fail "send: $(cat "$work/send.log")"
pin=$(cat "$dir/cas/public/pin")
cas=127.0.0.1:$(($(ops_port_of casd) - 1000))
kvsd=127.0.0.1:$(($(ops_port_of kvsd) - 1000))

# bill OPTION...; $limit may end it.
limit=
bill() {
    $limit "$bin/sealgrid-bill" --tariff apps/bill/tariffs/b1-white.yaml --store --json --threads 2 \
        --from 2026-09-01T03:00:00Z --until 2026-09-02T03:00:00Z --kvsd.connect "$kvsd" \
        --cas.connect "$cas" --cas.pin "$pin" --cas.platform "$dir/platform" "$@" 2>"$work/step.log"
}
files() {
    (cd "$work/$1" && find bill evidence -type f ! -name '*.tmp' -exec sha256sum {} + | sort -k 2)
}

mkdir "$work/right" "$work/killed"
bill --all --out "$work/right" --progress >"$work/right.json" || fail "$(cat "$work/step.log")"
[ "$(number "$work/right.json" bills)" = 24 ] || fail "bills: $(cat "$work/right.json")"
tail -n 1 "$work/step.log" | grep -q '"done":24,"total":24,' || fail "$(cat "$work/step.log")"
files right >"$work/right.files"
[ "$(wc -l <"$work/right.files")" = 48 ] || fail "$(cat "$work/right.files")"

# Killed a little later each time, before and while it works; what happens at each instant of the
# journal is in apps/bill/test_resume.c.
killed=0
for after in 0.01 0.02 0.03 0.04 0.05 0.06 0.07 0.08 0.1; do
    limit="timeout -s KILL $after"
    code=0
    bill --all --out "$work/killed" --resume >/dev/null || code=$?
    [ "$code" != 137 ] || killed=$((killed + 1))
done
limit=
[ "$killed" -ge 2 ] || fail "killed $killed times only"
bill --all --out "$work/killed" --resume >"$work/killed.json" || fail "$(cat "$work/step.log")"
files killed >"$work/killed.files"
cmp "$work/right.files" "$work/killed.files" || fail "other files after kill -9"
bill --all --out "$work/killed" --resume >"$work/again.json" || fail "$(cat "$work/step.log")"
[ "$(number "$work/again.json" resumed)" = 24 ] || fail "$(cat "$work/again.json")"
for name in bills readings missing; do
    [ "$(number "$work/again.json" $name)" = "$(number "$work/right.json" $name)" ] ||
        fail "$name: $(cat "$work/again.json")"
done

one=$(basename "$(dirname "$(find "$work/right/bill" -name '*.json' | sort | head -n 1)")")
bill --client "$one" --green-button "$work/one.xml" --csv "$work/one.csv" >"$work/one.json" ||
    fail "$(cat "$work/step.log")"
cmp "$work/one.json" "$work/right/bill/$one/"*.json || fail "one client alone has another bill"
[ "$(wc -l <"$work/one.csv")" = 97 ] || fail "intervals: $(wc -l <"$work/one.csv")"
grep -c ',signed,' "$work/one.csv" | grep -qx 96 || fail "unsigned rows"
if command -v python3 >/dev/null 2>&1; then
    python3 -B tests/green-button/check.py "$work/one.xml" "$work/one.json" "$work/one.csv" ||
        fail "green button"
fi
code=0
bill --client 1 >"$work/none.json" || code=$?
[ "$code" = 1 ] && grep -q '"client":1,"reason":"installation.none"' "$work/none.json" ||
    fail "exit $code: $(cat "$work/none.json")"
echo "24 clients billed, killed $killed times, the same octets"
