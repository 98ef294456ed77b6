#!/bin/sh
# fraud.sh BIN: fraud.py, or 77 where there is no Python.
set -eu
here=$(dirname "$0")
if ! command -v python3 >/dev/null 2>&1; then
    echo "skipped: no python3 (scripts/deps.sh test installs it)"
    exit 77
fi
exec python3 -B "$here/fraud.py" "$1"
