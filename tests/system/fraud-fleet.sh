#!/bin/sh
# fraud-fleet.sh BIN [CUSTOMERS...]: mode full over fleets that nobody has to store, each as often as
# it has numbers of threads: the same ranking, octet for octet; time in proportion to the fleet; memory
# that does not grow with it.
#
# 200 customers without arguments.  By hand, a fleet of a million (some ten minutes of a core):
# `fraud-fleet.sh build/release/bin 1000 10000 100000 1000000`; the lines are what
# docs/performance.md has.
set -eu
bin=$1
shift
[ $# -gt 0 ] || set -- 200
work=$(mktemp -d "${TMPDIR:-/tmp}/sealgrid-system.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

fail() {
    echo "FAILED: $*" >&2
    exit 1
}
# number FILE NAME
number() {
    tr ',{}' '\n' <"$1" | sed -n "s/^\"$2\":\"\{0,1\}\([0-9a-f.]*\)\"\{0,1\}\$/\1/p"
}

least= first=
for customers; do
    for threads in 1 2; do
        "$bin/../tests/system/fraud-fleet" "$customers" full 24 $threads >"$work/$threads.json" ||
            fail "$customers customers"
        cat "$work/$threads.json"
    done
    [ "$(number "$work/1.json" judged)" = "$customers" ] || fail "not everybody was judged"
    [ "$(number "$work/1.json" ranking_sha256)" = "$(number "$work/2.json" ranking_sha256)" ] ||
        fail "$customers customers: two threads say otherwise"

    # 80 MiB hold program, what is learnt from the panel and the ranking's share, whatever the fleet.
    peak=$(number "$work/1.json" peak_rss_bytes)
    [ "$peak" -lt $(((80 << 20) + 24 * 120 * 4 * 2048)) ] || fail "memory: $peak"

    # Below 10,000 it is over too soon to be timed on a machine that does other things.
    rate=$(number "$work/1.json" customers_per_cpu_s)
    [ "$customers" -ge 10000 ] || continue
    [ -n "$least" ] || least=$rate first=$customers
    [ $((rate * 10)) -gt $((least * 8)) ] ||
        fail "$customers customers: $rate a second, of $first it was $least"
done
