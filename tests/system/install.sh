#!/bin/sh
# install.sh BIN: the installed tree stands alone: the whole chain runs from it, a whole year of it,
# which begins as long ago as it has to: no reading is of the future.
set -eu
. "$(dirname "$0")/platform.sh"
cmake --install "$bin/.." --prefix "$work/usr" >"$work/step.log" 2>&1 || fail "$(cat "$work/step.log")"
"$work/usr/bin/sealgrid" demo --dir "$dir" --meters 2 --days 366 --flips 2 >"$work/demo.log" 2>&1 ||
    fail "demo: $(cat "$work/demo.log")"
echo "$(find "$work/usr" -type f | wc -l) files installed; the demo runs from them"
