#!/bin/sh
# city.sh BIN [CUSTOMERS [DAYS [KILLS [SEED]]]]: every client of a running platform is billed by a
# program that is killed again and again at random moments and goes on; the files are those of a run
# that nobody stopped, and the authority finds nothing in them.  Memory does not grow with the city.
# One client alone gives the same file, in the other forms as well.
#
# 600 customers for a day without arguments.  A city by hand: `city.sh build/release/bin 100000 7 6`
# wants 35 GB below $TMPDIR and some hours of one core, most of them the meters'; what each part took
# stands in the last line, JSON (docs/performance.md, "A city").
set -eu
. "$(dirname "$0")/platform.sh"
customers=${2:-600} days=${3:-1} kills=${4:-4} seed=${5:-1}
readings=$((customers * days * 96))
from=2026-09-01T03:00:00Z
until=$(date -u -d "$from + $days days" +%Y-%m-%dT%H:%M:%SZ)
tariff=apps/bill/tariffs/b1-white.yaml

now_ms() {
    echo $(($(date +%s%N) / 1000000))
}
# figure NAME VALUE: for the last line.
figures=
figure() {
    figures="$figures${figures:+,}\"$1\":$2"
}
since_ms() {
    echo $(($(now_ms) - $1))
}
# cpu_ms SERVICE: processor time so far.
cpu_ms() {
    awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%d", ($12 + $13) * 1000 / hz }' \
        "/proc/$(pid_of "$1")/stat"
}
octets() {
    du -sb "$@" | awk '{ n += $1 } END { printf "%.0f", n }'
}

provision --meters "$customers" --days "$days" --start "$from" --rsa-percent 0 --single-percent 0
up_options="--volumes 3" start
client
began=$(now_ms)
send || fail "send: $(cat "$work/send.log")"
figure customers "$customers"
figure days "$days"
figure send_ms "$(since_ms "$began")"
figure store_bytes "$(octets "$dir/volumes")"
pin=$(cat "$dir/cas/public/pin")
cas=127.0.0.1:$(($(ops_port_of casd) - 1000))
kvsd=127.0.0.1:$(($(ops_port_of kvsd) - 1000))

# bill OPTION...; run=exec: in place of the shell, in the background.
run=
bill() {
    $run "$bin/sealgrid-bill" --tariff $tariff --store --json --threads 2 \
        --from "$from" --until "$until" --kvsd.connect "$kvsd" \
        --cas.connect "$cas" --cas.pin "$pin" --cas.platform "$dir/platform" "$@" 2>"$work/step.log"
}
files() {
    (cd "$work/$1" && find bill evidence -type f ! -name '*.tmp' -exec sha256sum {} + | sort -k 2)
}
# bounded REPORT: octets of a client are those that docs/billing.md allows.
bounded() {
    [ "$(number "$1" peak_rss_bytes)" -lt $((48 << 20 + 300 * customers)) ] ||
        fail "memory: $(cat "$1")"
}

# ---- nobody stops it -----------------------------------------------------------------------------

mkdir "$work/right" "$work/killed"
code=0
bill --client 1 >"$work/none.json" || code=$?
[ "$code" = 1 ] && grep -q '"client":1,"reason":"installation.none"' "$work/none.json" ||
    fail "exit $code: $(cat "$work/none.json")"
store_cpu=$(cpu_ms kvsd)
began=$(now_ms)
bill --all --out "$work/right" --progress >"$work/right.json" || fail "$(cat "$work/step.log")"
figure bill_ms "$(since_ms "$began")"
figure bill_cpu_ms "$(number "$work/right.json" cpu_ms)"
figure bill_kvsd_cpu_ms "$(($(cpu_ms kvsd) - store_cpu))"
figure bill_peak_rss_bytes "$(number "$work/right.json" peak_rss_bytes)"
figure out_bytes "$(octets "$work/right")"
[ "$(number "$work/right.json" bills)" = "$customers" ] || fail "bills: $(cat "$work/right.json")"
[ "$(number "$work/right.json" readings)" = "$readings" ] || fail "$(cat "$work/right.json")"
tail -n 1 "$work/step.log" | grep -q "\"done\":$customers,\"total\":$customers," ||
    fail "$(tail -n 1 "$work/step.log")"
bounded "$work/right.json"
files right >"$work/right.files"
[ "$(wc -l <"$work/right.files")" = $((2 * customers)) ] || fail "files: $(wc -l <"$work/right.files")"

# ---- killed --------------------------------------------------------------------------------------

# Each attempt is killed when a random number of clients, more each time, has a folder.  What happens
# at each instant of the journal is in apps/bill/test_resume.c.
mkdir "$work/killed/bill"
killed=0
began=$(now_ms)
for folders in $(awk -v n="$kills" -v clients="$customers" -v seed="$seed" 'BEGIN {
        srand(seed)
        for (i = 0; i < n; i++) printf "%d ", clients * (i + rand()) / (n + 0.5) }'); do
    run=exec
    bill --all --out "$work/killed" --resume >/dev/null &
    run=
    while kill -0 $! 2>/dev/null && [ "$(ls -U "$work/killed/bill" | wc -l)" -le "$folders" ]; do
        sleep 0.01
    done
    kill -KILL $! 2>/dev/null || true
    code=0
    wait $! 2>/dev/null || code=$?
    [ "$code" != 137 ] || killed=$((killed + 1))
done
[ $((killed * 2)) -gt "$kills" ] || fail "killed $killed times only"
bill --all --out "$work/killed" --resume >"$work/killed.json" || fail "$(cat "$work/step.log")"
figure killed "$killed"
figure killed_ms "$(since_ms "$began")"
figure resumed_last "$(number "$work/killed.json" resumed)"
[ "$(number "$work/killed.json" resumed)" -gt 0 ] || [ "$customers" -lt 600 ] ||
    fail "nothing was left of $killed runs"
bounded "$work/killed.json"
files killed >"$work/killed.files"
cmp "$work/right.files" "$work/killed.files" || fail "other files after kill -9"
[ "$(tail -n +2 "$work"/killed/run/*.journal | cut -d' ' -f1 | sort -u | wc -l)" = "$customers" ] &&
    [ "$(tail -n +2 "$work"/killed/run/*.journal | wc -l)" = "$customers" ] ||
    fail "the journal has a client twice or not at all"
began=$(now_ms)
bill --all --out "$work/killed" --resume >"$work/again.json" || fail "$(cat "$work/step.log")"
figure verify_ms "$(since_ms "$began")"
figure verify_peak_rss_bytes "$(number "$work/again.json" peak_rss_bytes)"
[ "$(number "$work/again.json" resumed)" = "$customers" ] || fail "$(cat "$work/again.json")"
for name in bills readings missing; do
    [ "$(number "$work/again.json" $name)" = "$(number "$work/right.json" $name)" ] ||
        fail "$name: $(cat "$work/again.json")"
done

# ---- audited -------------------------------------------------------------------------------------

began=$(now_ms)
"$bin/sealgrid-audit" --dir "$work/killed" --installations "$fleet/installations.json" \
    --keys "$fleet" --tariff $tariff --json --progress >"$work/audit.json" 2>"$work/step.log" ||
    fail "audit: $(cat "$work/step.log")"
figure audit_ms "$(since_ms "$began")"
figure audit_cpu_ms "$(number "$work/audit.json" cpu_ms)"
figure audit_peak_rss_bytes "$(number "$work/audit.json" peak_rss_bytes)"
[ "$(number "$work/audit.json" ok)" = "$customers" ] || fail "$(head -c 2000 "$work/audit.json")"

# ---- one client ----------------------------------------------------------------------------------

one=$(basename "$(dirname "$(find "$work/right/bill" -name '*.json' | sort | head -n 1)")")
bill --client "$one" --green-button "$work/one.xml" --csv "$work/one.csv" >"$work/one.json" ||
    fail "$(cat "$work/step.log")"
cmp "$work/one.json" "$work/right/bill/$one/"*.json || fail "one client alone has another bill"
[ "$(wc -l <"$work/one.csv")" = $((96 * days + 1)) ] || fail "intervals: $(wc -l <"$work/one.csv")"
grep -c ',signed,' "$work/one.csv" | grep -qx $((96 * days)) || fail "unsigned rows"
if command -v python3 >/dev/null 2>&1; then
    python3 -B tests/green-button/check.py "$work/one.xml" "$work/one.json" "$work/one.csv" ||
        fail "green button"
fi
echo "$customers clients billed, killed $killed times, the same octets"
echo "{$figures}"
