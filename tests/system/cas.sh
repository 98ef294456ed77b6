#!/bin/sh
# cas.sh BIN: casd shows what it is before anybody believes it; roots of evidence from its
# configuration are said loudly, and in production want to be named in its policy; collateral that is
# older than it has seen is refused, across restarts.
set -eu
. "$(dirname "$0")/platform.sh"
made=$work/made
mkdir "$made"
"$bin/../tests/system/attest-make" "$made"
start
pin=$(cat "$dir/cas/public/pin")
address=$(sed -n 's/^listen: //p' "$dir/conf/casd.yaml")
measurement=$(sha256sum "$bin/sealgrid-casd" | cut -d' ' -f1)

# attest STATUS WORDS OPTION...: words are in the answer or among the messages.
attest() {
    wanted=$1 words=$2
    shift 2
    status=0
    "$bin/sealgrid" cas attest --connect "$address" --policy "$work/expect.yaml" "$@" \
        >"$work/out" 2>&1 || status=$?
    [ "$status" = "$wanted" ] || fail "cas attest $*: exit $status: $(cat "$work/out")"
    grep -q -- "$words" "$work/out" || fail "cas attest $*: no $words: $(cat "$work/out")"
}

printf "measurements: ['%s']\nsimulated: true\n" "$measurement" >"$work/expect.yaml"
attest 0 "pin *$pin" --platform "$dir/platform"
attest 0 "\"measurement\":\"$measurement\"" --platform "$dir/platform" --pin "$pin" --json
attest 0 "it protects nobody" --platform "$dir/platform"
attest 1 "not the pinned one" --platform "$dir/platform" --pin "$(printf %064d 7)"
attest 1 evidence-platform # nobody said whose simulation counts
printf "measurements: ['%s']\n" "$measurement" >"$work/expect.yaml"
attest 1 simulated --platform "$dir/platform"
printf "measurements: ['%064d']\nsimulated: true\n" 7 >"$work/expect.yaml"
attest 1 measurement-unknown --platform "$dir/platform"
printf "kinds: [sim]\n" >"$work/expect.yaml"
attest 2 measurements --platform "$dir/platform"

# ---- a casd by itself ----------------------------------------------------------------------------

# However this script ends, also a casd that hangs ends with it.
casd=
trap '[ -z "$casd" ] || kill -KILL "$casd" 2>/dev/null || true; finish' EXIT

# casd NAME OPTION...: a casd of that folder until it serves or has ended; $casd, log in $work/NAME.log.
casd() {
    name=$1
    shift
    "$bin/sealgrid-casd" --dir "$work/$name" --platform "$dir/platform" --listen 127.0.0.1:0 \
        --ops.listen 127.0.0.1:0 "$@" >"$work/$name.log" 2>&1 &
    casd=$!
    for _ in $(seq 300); do
        grep -q "collateral.loaded.*\|start.failed" "$work/$name.log" && return 0
        kill -0 "$casd" 2>/dev/null || return 0
        sleep 0.1
    done
    fail "casd $name neither serves nor ends: $(cat "$work/$name.log")"
}
logged() {
    grep -q -- "$1" "$work/$name.log" || fail "no $1: $(cat "$work/$name.log")"
}
ends() {
    kill "$casd" 2>/dev/null || true
    wait "$casd" || true
    casd=
}
# refused WORDS: it did not start; words say what it should have refused.
refused() {
    status=0
    wait "$casd" || status=$?
    casd=
    [ "$status" != 0 ] || fail "$1"
}

printf 'version: 1\nservices:\n  kvsd:\n    kinds: [sgx]\n    measurements: []\n' >"$work/first.yaml"
{
    cat "$work/first.yaml"
    printf "roots: ['%s']\n" "$(sha256sum "$made/intel-root.pem" | cut -d' ' -f1)"
} >"$work/rooted.yaml"
init() {
    "$bin/sealgrid-casd" --init --dir "$work/$1" --platform "$dir/platform" --policy "$work/$2" \
        ${3:+"$3"} >"$work/step.log" 2>&1 || fail "init: $(cat "$work/step.log")"
}
root="--tee.roots intel:$made/intel-root.pem --tee.collateral $made/collateral"

init plain first.yaml
casd plain $root
logged 'attestation.extra_roots'
logged 'collateral.loaded.*tcb_infos=[1-9]'
ends

init strict first.yaml --production
casd strict $root
refused "a production casd took a root that its policy does not name"
logged 'is not named in the policy'

init rooted rooted.yaml --production
casd rooted $root
logged 'attestation.extra_roots'
ends

init lost first.yaml
casd lost --tee.collateral "$work/nowhere"
refused "casd started without the collateral that it was told of"
logged 'nowhere'

# ---- collateral put back --------------------------------------------------------------------------

mkdir "$work/set"
cp "$made"/collateral/signer.pem "$made"/service/_[st][gd]x_* "$work/set"
memory="--tee.roots intel:$made/intel-root.pem --tee.collateral $work/set"
init memory first.yaml
casd memory $memory
logged 'collateral.loaded.*tcb_infos=2 identities=2'
ends
cp "$made"/older/_[st][gd]x_* "$work/set" # while casd is stopped
casd memory $memory
logged 'collateral.superseded documents=4 first="qe-identity QE"'
ends
cp "$made"/service/_[st][gd]x_* "$work/set"
casd memory $memory
logged 'collateral.loaded.*tcb_infos=2 identities=2'
grep -q superseded "$work/memory.log" && fail "good collateral is refused: $(cat "$work/memory.log")"
ends
echo "ok"
