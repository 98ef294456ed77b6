#!/bin/sh
# test.sh PRESET [LABEL...]: runs the tests of build/PRESET, all labels or the named ones, in
# parallel.  The last line is ctest's own summary.
set -eu
preset=$1
shift
cd "$(dirname "$0")/.."
labels=$(IFS='|'; echo "$*")
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1
exec ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" \
    ${labels:+-L "^($labels)\$"}
