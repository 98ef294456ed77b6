#!/bin/sh
# attest-fetch.sh BIN: documents for evidence from services on this machine: `attest verify --fetch`,
# then from the cache alone, then past their ends; `attest fetch`; `attest collateral`; services that
# are down, that send older documents, that nobody may be asked at.
set -eu
. "$(dirname "$0")/platform.sh"
programs=$bin/../tests/system
now=$(date +%s)
made=$work/made
mkdir "$made"
"$programs/attest-make" "$made" "$now"
cd "$made"

service=
start_service() {
    rm -f "$work/port"
    mkfifo "$work/hold"
    "$programs/attest-serve" "$1" <"$work/hold" >"$work/port" 2>"$work/asked" &
    service=$!
    exec 9>"$work/hold"
    rm -f "$work/hold"
    tries=0
    until [ -s "$work/port" ]; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || fail "no service: $(cat "$work/asked")"
        sleep 0.05
    done
    url=http://127.0.0.1:$(cat "$work/port")
}
stop_service() {
    exec 9>&-
    [ -z "$service" ] || wait "$service" || true
    service=
}
# However this script ends, also a service that hangs ends with it.
trap '[ -z "$service" ] || kill -KILL "$service" 2>/dev/null || true; finish' EXIT

# attest STATUS WORD...: exit status; answer in $work/out, messages in $work/err.
attest() {
    wanted=$1
    shift
    status=0
    "$bin/sealgrid" attest "$@" >"$work/out" 2>"$work/err" || status=$?
    [ "$status" = "$wanted" ] || fail "attest $*: exit $status: $(cat "$work/out" "$work/err")"
}
says() {
    grep -q -- "$1" "$work/$2" || fail "\"$1\" wanted: $(cat "$work/$2")"
}
quiet() {
    [ ! -s "$work/err" ] || fail "not a word wanted: $(cat "$work/err")"
}
asked() {
    [ "$(wc -l <"$work/asked")" = "$1" ] || fail "$1 requests wanted: $(cat "$work/asked")"
}
days_from_now() {
    date -u -d "@$((now + $1 * 86400))" +%Y-%m-%dT%H:%M:%SZ
}

start_service service
services="--service intel=$url --service amd=$url --root intel-root.pem --root amd-root.pem"

# Fetched; then at hand, and nobody is asked; then without a service at all.
for evidence in sgx.quote td.quote; do
    attest 0 verify --json --evidence $evidence --fetch $services --cache cache
    says '"verdict":"trusted"' out
    quiet
done
says '"fetch":{"fetched":2,"kept":2,"missing":0,"refused":0,"messages":\[\]}' out
asked 6
attest 0 verify --evidence snp.report --fetch $services --cache cache --warn-days 2
asked 9
attest 0 verify --evidence sgx.quote --fetch $services --cache cache
asked 9
attest 0 verify --evidence azure/hcl_report.bin --fetch $services --cache cache --warn-days 2
asked 9
attest 0 verify --evidence sgx.quote --root intel-root.pem --cache cache
asked 9
attest 1 verify --evidence sgx.quote --cache cache # no root, no document that anybody vouches for
attest 1 verify --evidence sgx.quote --root intel-root.pem --cache no-such-folder
says 'warning: qe-identity QE: not in the cache' err
[ ! -e no-such-folder ] || fail "a folder was made without need"
# What the operator has need not be asked for.
attest 0 verify --evidence sgx.quote --collateral collateral --root intel-root.pem --fetch $services
asked 9

# What ends soon is told, and named.
attest 0 verify --json --evidence snp.report --root amd-root.pem --cache cache
says '"warnings":\[{"document":"crl ARK-Milan","until":"[0-9TZ:-]*","days":[45]}\]' out
says 'warning: crl ARK-Milan ends in [45] days' err
attest 0 verify --json --evidence sgx.quote --root intel-root.pem --cache cache --warn-days 3
says '"warnings":\[\]' out
quiet

# Past the ends: refused, and the services have nothing newer.
later=$(days_from_now 90)
attest 1 verify --json --evidence sgx.quote --root intel-root.pem --cache cache --at "$later"
says 'tcb-info-expired' out
says 'the copy in the cache ended at' err

# A service that sends an older set: what is at hand stays.
cp cache/intel-qe-sgx.json before.json
cp older/* service
touch -d '3 hours ago' cache/*
attest 0 verify --json --evidence sgx.quote --fetch $services --cache cache --refresh-percent 1
says 'older one (number 17) than is at hand (number 18): refused' err
says '"fetched":2,"kept":2,"missing":0,"refused":2' out
cmp -s before.json cache/intel-qe-sgx.json || fail "the cache went back"

# A service that is busy, gone, elsewhere.
for name in service/_*; do
    case $name in *.header) ;; *) echo 503 >"$name.status" ;; esac
done
touch -d '3 hours ago' cache/*
attest 0 verify --evidence sgx.quote --fetch $services --cache cache --refresh-percent 1 \
    --fetch-timeout 1
says 'the service answers 503: too busy' err
says 'the copy in the cache, of .*, serves' err
rm service/*.status
stop_service
touch -d '3 hours ago' cache/*
attest 0 verify --evidence sgx.quote --fetch $services --cache cache --refresh-percent 1
says 'the service cannot be reached' err
attest 1 verify --json --evidence sgx.quote --fetch $services
says '"absent":\[[^]]*"tcb-info-missing"' out
attest 2 verify --evidence sgx.quote --fetch --service intel=http://192.0.2.1
says 'http to another machine' err
attest 2 verify --evidence sgx.quote --fetch --service intel
attest 2 verify --evidence sgx.quote --service intel=$url
says '--service goes with --fetch' err
attest 2 verify --evidence sgx.quote --fetch --service nobody=https://127.0.0.1

# Gathered once, for judging elsewhere.
start_service service
services="--service intel=$url --service amd=$url --root intel-root.pem --root amd-root.pem"
attest 0 fetch --evidence td.quote --evidence snp.report --out gathered $services
says 'fetched 7, at hand 0, missing 0' out
attest 0 fetch --evidence td.quote --evidence snp.report --out gathered $services
says 'fetched 0, at hand 7, missing 0' out
attest 0 verify --evidence td.quote --collateral gathered --root intel-root.pem
attest 0 verify --evidence snp.report --collateral gathered --root amd-root.pem --warn-days 1
echo text >text.file
attest 2 fetch --evidence text.file --evidence td.quote --out gathered $services
says 'fetched 0, at hand 4, missing 0' out # one that is no evidence does not keep others waiting
# The same from a file of options.
cat >fetch.yaml <<END
evidence: [td.quote, snp.report]
out: gathered
service: [intel=$url, amd=$url]
root: [intel-root.pem, amd-root.pem]
END
attest 0 fetch --conf fetch.yaml
says 'fetched 0, at hand 7, missing 0' out
rm service/_tdx_certification_v4_qe_identity
attest 1 fetch --evidence td.quote --out other $services
says 'qe-identity TD_QE: the service answers 404' err
stop_service

# What there is.
attest 0 collateral gathered --root intel-root.pem --root amd-root.pem
says '^qe-identity TD_QE .* 17 .* ok$' out
says '^crl ARK-Milan .* 3 *[45]  ends soon$' out
attest 0 collateral --json gathered --root intel-root.pem --root amd-root.pem --warn-days 0
says '{"document":"crl ARK-Milan","issued":"[0-9TZ:-]*","until":"[0-9TZ:-]*","number":3,"days":[45],"state":"ok"}' out
attest 0 collateral gathered # without the roots that the documents are under
says '^qe-identity TD_QE .* unsigned$' out
attest 1 collateral gathered --root intel-root.pem --root amd-root.pem --at "$later"
says '^qe-identity TD_QE .* -6[0-9]  expired$' out
attest 2 collateral
attest 2 collateral no-such-folder
cp cache/intel-tcb-sgx-*.json gathered # of number 18
cp older/_sgx_certification_v4_tcb_fmspc_* gathered
attest 0 collateral gathered --root intel-root.pem --root amd-root.pem
says '^sgx-tcb-info .* 17 .* replaced$' out
says '^sgx-tcb-info .* 18 .* ok$' out
echo "attest-fetch: all as it should be"
