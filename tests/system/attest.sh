#!/bin/sh
# attest.sh BIN: `sealgrid attest verify` and `attest show` on evidence under roots of our own: exit
# status, verdict and reasons; policy files good and bad; folders; files that cannot be read.
set -eu
. "$(dirname "$0")/platform.sh"
at=2026-07-01T00:00:00Z
made=$work/made
mkdir "$made"
"$bin/../tests/system/attest-make" "$made"
cd "$made"

# verify STATUS REASON OPTION...: exit status; with 1, the reason among those given ("-": none
# looked for); answer in $work/out, messages in $work/err.
verify() {
    wanted=$1 reason=$2
    shift 2
    status=0
    "$bin/sealgrid" attest verify --json --at "$at" "$@" >"$work/out" 2>"$work/err" || status=$?
    [ "$status" = "$wanted" ] || fail "verify $*: exit $status: $(cat "$work/out" "$work/err")"
    case $status in
    0) grep -q '"verdict":"trusted".*"reasons":\[\]' "$work/out" || fail "verify $*: $(cat "$work/out")" ;;
    1)
        grep -q '"verdict":"refused"' "$work/out" || fail "verify $*: $(cat "$work/out")"
        [ "$reason" = - ] || grep -q "\"reasons\":\[[^]]*\"$reason\"" "$work/out" ||
            fail "verify $*: no $reason: $(cat "$work/out")"
        ;;
    2) [ -s "$work/err" ] || fail "verify $*: exit 2 and not a word" ;;
    esac
}
says() {
    grep -q -- "$1" "$work/$2" || fail "\"$1\" wanted: $(cat "$work/$2")"
}

# Every kind, good; with every kind of root as an operator names it.
verify 0 - --evidence sgx.quote --collateral collateral --root intel-root.pem
says '"kind":"sgx-quote-v3","tcb_status":"UpToDate","debug":false' out
verify 0 - --evidence td.quote --collateral collateral --root intel-root.pem
# An instant in any form of RFC 3339.
for form in 2026-07-01T00:00:00.136000+00:00 2026-06-30T21:00:00-03:00 2026-07-01t00:00:00.5z \
    '2026-07-01 00:00:00Z'; do
    verify 0 - --evidence sgx.quote --collateral collateral --root intel-root.pem --at "$form"
done
for form in 2026-07-01 2026-07-01T00:00:00 2026-07-01T00:00:00.Z 2026-07-01T00:00:00.5 yesterday; do
    verify 2 - --evidence sgx.quote --collateral collateral --root intel-root.pem --at "$form"
done
verify 0 - --evidence snp.report --collateral collateral --collateral vcek.der --root amd-root.pem
verify 0 - --evidence azure --collateral collateral --root amd-root.pem
says '"kind":"azure-vtpm-snp"' out
verify 0 - --evidence azure/hcl_report.bin --collateral collateral --root amd-root.pem
cp -r azure azure-other
cp snp.report azure-other/snp_report.bin
verify 1 hcl-report-mismatch --evidence azure-other --collateral collateral --root amd-root.pem
verify 0 - --evidence tpm --root ak-root.der
says '"kind":"tpm-quote","tcb_status":"not_applicable"' out
verify 0 - --evidence tpm/quote.msg --root ak-root.der
mkdir tpm-der
cp tpm/quote.msg tpm/quote.sig tpm/pcrs.bin ak-root.der tpm-der
verify 0 - --evidence tpm-der --root ak-root.der
mv ak-root.der tpm-der # what lies beside the evidence is no root
verify 1 tpm-ak-unbound --evidence tpm-der --collateral tpm-der
cp tpm-der/ak-root.der .

# Text of evidence is evidence; other text is not.
base64 sgx.quote >sgx.b64
verify 0 - --evidence sgx.b64 --collateral collateral --root intel-root.pem
tr -d '=\n' <sgx.b64 | tr +/ -_ >sgx.b64url
verify 0 - --evidence sgx.b64url --collateral collateral --root intel-root.pem
{ printf 0x; od -An -v -tx1 td.quote; } >td.hex
verify 0 - --evidence td.hex --collateral collateral --root intel-root.pem
sed 's/.$/g/' td.hex >not.hex
verify 1 evidence-unsupported --evidence not.hex --collateral collateral --root intel-root.pem

# A report's certificate beside it, named after it, comes before any among the collateral.
cp snp.report one.report
cp vcek.der one.vcek.der
verify 0 - --evidence one.report --collateral collateral --root amd-root.pem
{ head -c -1 vcek.der; printf '\0'; } >one.vcek.der
verify 1 vcek-signature --evidence one.report --collateral collateral --collateral vcek.der \
    --root amd-root.pem
verify 1 vcek-missing --evidence snp.report --collateral collateral --root amd-root.pem

# What the providers of services hand out, in one file: in octets, as text, in a folder of its own.
verify 0 - --evidence provided/tsm --collateral collateral/deep --collateral collateral/amd.crl \
    --root amd-root.pem
says '"kind":"snp-report-v3"' out
verify 1 vcek-missing --evidence snp.report --collateral collateral/amd.crl --root amd-root.pem
base64 provided/tsm >tsm.b64
verify 0 - --evidence tsm.b64 --collateral collateral/amd.crl --root amd-root.pem
mkdir one-file
cp provided/tsm one-file
verify 0 - --evidence one-file --collateral collateral/amd.crl --root amd-root.pem
cp provided/tsm one-file/again
verify 2 - --evidence one-file --collateral collateral/amd.crl --root amd-root.pem
says 'tsm.*second file' err
verify 1 - --evidence provided/tsm-flipped --collateral collateral/amd.crl --root amd-root.pem
verify 1 evidence-unsupported --evidence provided/no-report --root amd-root.pem
head -c -1 provided/tsm >cut
verify 1 evidence-unsupported --evidence cut --root amd-root.pem
for form in tpm tpm-map; do
    verify 0 - --evidence provided/$form --root ak-root.der
    verify 1 tpm-ak-unbound --evidence provided/$form
done

# A root that nobody named is none, wherever it lies.
verify 1 pck-untrusted --evidence sgx.quote --collateral collateral --collateral intel-root.pem
verify 1 vcek-untrusted --evidence snp.report --collateral . --crypto-only
verify 1 tpm-ak-unbound --evidence tpm --collateral ak-root.der
verify 1 pck-untrusted --evidence sgx.quote --collateral collateral --root amd-root.pem

# What is wrong with the evidence.
verify 1 debug --evidence sgx-debug.quote --collateral collateral --root intel-root.pem
says '"debug":true' out
verify 0 - --evidence sgx-debug.quote --crypto-only --root intel-root.pem
verify 1 quote-signature --evidence td-flipped.quote --collateral collateral --root intel-root.pem
verify 1 snp-report-signature --evidence snp-unsigned.report --collateral collateral \
    --collateral vcek.der --root amd-root.pem
head -c 1000 snp.report >short.report
verify 1 evidence-malformed --evidence short.report --root amd-root.pem
echo text >text.file
verify 1 evidence-unsupported --evidence text.file

# What is missing is said, and refused unless its absence is accepted by name.
verify 1 tcb-info-missing --evidence sgx.quote --root intel-root.pem
says '"tcb_status":"collateral_missing"' out
verify 1 qe-identity-missing --evidence sgx.quote --root intel-root.pem --allow-missing tcb-info,crl
verify 0 - --evidence sgx.quote --root intel-root.pem --allow-missing tcb-info,crl \
    --allow-missing qe-identity
verify 0 - --evidence sgx.quote --root intel-root.pem --crypto-only
says '"tcb_status":"not_checked"' out
verify 1 vcek-missing --evidence snp.report --collateral collateral --root amd-root.pem --crypto-only
verify 1 ask-crl-missing --evidence azure --collateral collateral/ask.pem --root amd-root.pem
mkdir bare
cp azure/hcl_report.bin azure/quote.msg azure/quote.sig bare
verify 1 tpm-pcr-missing --evidence bare --collateral collateral --collateral vcek.der --root amd-root.pem

# Dates.
verify 1 pck-expired --evidence sgx.quote --collateral collateral --root intel-root.pem \
    --at 2036-07-01T00:00:00Z
verify 1 tcb-info-not-yet-valid --evidence sgx.quote --collateral collateral --root intel-root.pem \
    --at 2020-07-01T00:00:00Z

# A policy file.
policy() {
    cat >policy.yaml
}
verify_policy() {
    wanted=$1 why=$2
    verify "$wanted" "$why" --evidence sgx.quote --collateral collateral --root intel-root.pem \
        --policy policy.yaml
}
policy <<EOF
kinds: [sgx]
measurements:
  - $(cat sgx.measurement)
statuses: [UpToDate]
EOF
verify_policy 0 -
policy <<EOF
measurements: [0000000000000000000000000000000000000000000000000000000000000000]
EOF
verify_policy 1 measurement-unknown
printf 'measurements: []\n' | policy
verify_policy 1 measurement-unknown
printf 'kinds: [tdx, snp]\nmeasurements: any\n' | policy
verify_policy 1 kind-not-accepted
printf 'measurements: any\nmin_svn: 60000\n' | policy
verify_policy 1 svn-too-low
printf 'measurements: any\nfields:\n  nothing: 00\n' | policy
verify_policy 1 field-not-accepted
printf 'measurements: any\nfields:\n  isvprodid: {at_least: 0}\n' | policy
verify_policy 0 -
printf 'measurements: any\nfields:\n  pcr3: 00\n' | policy
verify 1 field-not-accepted --evidence tpm --root ak-root.der --policy policy.yaml
printf 'measurements: any\nfields:\n  pcr3: %064d\n' 0 | sed 's/00/13/g' | policy
verify 0 - --evidence tpm --root ak-root.der --policy policy.yaml
cp -r collateral old
cp outdated/sgx-tcb.json old
printf 'measurements: any\nstatuses: [UpToDate, OutOfDate]\nadvisories: [INTEL-SA-00001]\n' | policy
verify 0 - --evidence sgx.quote --collateral old --root intel-root.pem --policy policy.yaml
says '"tcb_status":"OutOfDate".*INTEL-SA-00001' out
verify 1 tcb-status-not-accepted --evidence sgx.quote --collateral old --root intel-root.pem
printf 'measurements: any\nstatuses: [OutOfDate]\nadvisories: [INTEL-SA-00002]\n' | policy
verify 1 advisory-not-accepted --evidence sgx.quote --collateral old --root intel-root.pem \
    --policy policy.yaml

# A policy that is wrong is told by line and key, and judges nothing.
bad_policy() {
    verify_policy 2 -
    says "policy.yaml:$1: $2" err
    [ ! -s "$work/out" ] || fail "a verdict by a bad policy: $(cat "$work/out")"
}
printf 'measurements: any\nmeasurement: any\n' | policy
bad_policy 2 measurement
printf 'measurements: any\nstatuses: [UpToDate, Fine]\n' | policy
bad_policy 2 value
printf 'measurements: any\n\nmin_svn: -1\n' | policy
bad_policy 3 min_svn
printf 'measurements: [xyz]\n' | policy
bad_policy 1 value
printf 'kinds: [sgx]\n' | policy
bad_policy 1 'no measurements'
printf 'measurements: any\nreport_data: 00\n' | policy
bad_policy 2 report_data
printf 'measurements: any\ndebug: yes\n' | policy
bad_policy 2 debug
printf -- '- measurements\n' | policy
bad_policy 1 'a policy'
verify 2 - --evidence sgx.quote --policy absent.yaml
printf 'measurements: any\n' | policy
verify 2 - --evidence sgx.quote --policy policy.yaml --crypto-only

# Input that cannot be used.
verify 2 - --evidence absent
verify 2 - --evidence empty
verify 2 - --evidence sgx.quote --collateral absent
verify 2 - --evidence sgx.quote --root text.file
verify 2 - --evidence sgx.quote --root absent
verify 2 - --evidence sgx.quote --at yesterday
verify 2 - --evidence sgx.quote --allow-missing all
verify 2 - --evidence sgx.quote extra
verify 2 -
cp azure/quote.msg azure/second.msg
verify 2 - --evidence azure --collateral collateral --root amd-root.pem
says 'second.msg' err
rm azure/second.msg

# Shown without being judged.
"$bin/sealgrid" attest show --evidence azure >"$work/out" || fail "show azure"
says 'HCLA' out
"$bin/sealgrid" attest show --json --evidence td.quote >"$work/out" || fail "show td.quote"
says '"kind":"tdx".*"mrtd":"3333' out
"$bin/sealgrid" attest show --json --evidence provided/tsm >"$work/out" || fail "show provided/tsm"
says '"kind":"snp".*"cert"' out
"$bin/sealgrid" attest show --json --evidence provided/tpm >"$work/out" || fail "show provided/tpm"
says '"kind":"tpm"' out
status=0
"$bin/sealgrid" attest show --evidence text.file >"$work/out" 2>&1 || status=$?
[ "$status" = 1 ] || fail "show text.file: exit $status"
status=0
"$bin/sealgrid" attest show --evidence absent >"$work/out" 2>&1 || status=$?
[ "$status" = 2 ] || fail "show absent: exit $status"

# For people, the same verdict.
"$bin/sealgrid" attest verify --at "$at" --evidence tpm --root ak-root.der >"$work/out"
says '^verdict *trusted' out
status=0
"$bin/sealgrid" attest verify --at "$at" --evidence tpm >"$work/out" || status=$?
[ "$status" = 1 ] || fail "for people: exit $status"
says 'tpm-ak-unbound' out
echo "attest: all as it should be"
