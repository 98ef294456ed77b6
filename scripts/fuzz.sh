#!/bin/sh
# fuzz.sh SECONDS [TARGET...]: runs each fuzz target of build/fuzz for SECONDS, as many at a time as
# there are cores (or JOBS); new inputs go to build/fuzz/corpus, findings to build/fuzz/findings.  Exit 1 if
# any target found something.
set -eu
seconds=$1
shift
cd "$(dirname "$0")/.."
bin=build/fuzz/fuzz
work=build/fuzz/corpus
findings=build/fuzz/findings
mkdir -p "$work" "$findings"
if [ $# -eq 0 ]; then
    set -- $(cd $bin && ls | sort)
fi

run_one() {
    subject=${1#fuzz_}
    mkdir -p "$work/$subject"
    seeds=tests/corpus/$subject
    [ -d "$seeds" ] || seeds=
    if "$bin/$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$findings/$1-" "$work/$subject" $seeds >"$findings/$1.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$findings/$1.log")
        echo "$1: $runs runs in $seconds s, no finding"
    else
        echo "$1: FINDING, see $findings/$1.log"
        return 1
    fi
}

width=${JOBS:-$(nproc)}
jobs=$width
failed=0
pids=""
for target; do
    run_one "$target" &
    pids="$pids $!"
    jobs=$((jobs - 1))
    if [ $jobs -eq 0 ]; then
        for p in $pids; do wait "$p" || failed=1; done
        pids=""
        jobs=$width
    fi
done
for p in $pids; do wait "$p" || failed=1; done
exit $failed
