#!/bin/sh
# demo-small.sh BIN: the whole chain on a small fleet: every count the same from meter to bill, every
# bill audited, every tampering seen.
set -eu
. "$(dirname "$0")/platform.sh"
meters=40
days=2
expected=$((meters * days * 96))

# Nothing is begun that would be refused at its end: readings of the future.
code=0
"$bin/sealgrid" demo --dir "$dir" --days 2 --start "$(date -u +%FT%TZ)" >"$work/demo.log" 2>&1 || code=$?
[ $code = 2 ] && grep -q 'ends in the future' "$work/demo.log" && [ ! -e "$dir" ] ||
    fail "a period of the future: $(cat "$work/demo.log")"

"$bin/sealgrid" demo --dir "$dir" --json "$work/demo.json" --meters $meters --days $days --flips 8 \
    >"$work/demo.log" 2>&1 || fail "demo: $(cat "$work/demo.log")"
for name in sent accepted stored read_back billed; do
    [ "$(number "$work/demo.json" $name)" = $expected ] || fail "$name: $(cat "$work/demo.json")"
done
[ "$(number "$work/demo.json" frames_sent)" = "$(number "$work/demo.json" aggregated)" ] ||
    fail "frames: $(cat "$work/demo.json")"
[ "$(number "$work/demo.json" bills)" = $meters ] || fail "bills: $(cat "$work/demo.json")"
# Two days are no habit: everybody is read, nobody ranked, and it says so.
[ "$(number "$work/demo.json" customers)" = $meters ] || fail "fraud: $(cat "$work/demo.json")"
grep -q '"ran":false,"why":"too few days' "$work/demo.json" || fail "fraud: $(cat "$work/demo.json")"
if grep -q '"tamper":{[^}]*false' "$work/demo.json"; then
    fail "tampering: $(cat "$work/demo.json")"
fi
if "$bin/sealgrid" status --dir "$dir" >/dev/null 2>&1; then
    fail "still running"
fi
echo "$meters meters, $expected readings: equal from meter to bill"
