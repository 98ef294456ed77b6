#!/bin/sh
# bench-quick.sh BIN: sealgrid-bench runs to its end on what is installed here: every suite, every
# line with a ratio or the reason why it has none, a table of 100 columns.  Peers that are missing
# are such reasons.  How good the ratios are is no matter here.
set -eu
. "$(dirname "$0")/platform.sh"

chmod 711 "$work" # PostgreSQL refuses root and runs as another user
"$bin/sealgrid-bench" --quick --dir "$work" --json "$work/bench.json" >"$work/table" ||
    { cat "$work/table" >&2; fail "exit $?"; }
"$bin/../tests/system/bench-json" "$work/bench.json" >"$work/suites" || fail "bench.json"
"$bin/sealgrid-bench" --list | cut -d' ' -f1 | cmp - "$work/suites" || fail "suites that did not run"
awk 'length > 100 { print; wide = 1 } END { exit wide }' "$work/table" || fail "wider than 100 columns"
[ -z "$(find "$work" -name 'sealgrid-bench-*')" ] || fail "left its scratch folder"

# One suite alone, the JSON on standard output, the table beside it; an unknown suite is refused.
"$bin/sealgrid-bench" --quick --only merkle --json - >"$work/one.json" 2>"$work/table"
[ "$("$bin/../tests/system/bench-json" "$work/one.json")" = merkle ] || fail "--only merkle"
grep -q '^-- merkle' "$work/table" || fail "table on standard error"
status=0
"$bin/sealgrid-bench" --only nosuch 2>/dev/null || status=$?
[ "$status" = 2 ] || fail "--only nosuch: exit $status"
