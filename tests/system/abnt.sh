#!/bin/sh
# abnt.sh BIN: `sealgrid abnt decode --json` on captured frames of NBR 14522, which are not part of
# the repository; without them the test is skipped (exit 77).
set -eu
. "$(dirname "$0")/platform.sh"
frames=${SEALGRID_VECTORS:-../shared/vectors}/abnt
if [ ! -d "$frames" ]; then
    echo "skipped: no folder $frames"
    exit 77
fi

# decode FILE: exit status in $status, lines in $work/out.
decode() {
    status=0
    "$bin/sealgrid" abnt decode --json "$1" >"$work/out" 2>"$work/err" || status=$?
}

for file in "$frames"/*.hex; do
    decode "$file"
    lines=$(grep -cv '^ *\(#.*\)\{0,1\}$' "$file")
    [ "$(wc -l <"$work/out")" = "$lines" ] || fail "$file: $lines frames, $(wc -l <"$work/out") answers"
    good=$(grep -c '"ok":true' "$work/out" || true)
    bad=$(grep -c '"ok":false,"error":"..*"' "$work/out" || true)
    case $file in
    */bad*) [ "$status" = 1 ] && [ "$bad" -gt 0 ] || fail "$file: exit $status, $bad refused" ;;
    *) [ "$status" = 0 ] && [ "$good" = "$lines" ] || fail "$file: exit $status, $good good" ;;
    esac
    [ $((good + bad)) = "$lines" ] || fail "$file: $(cat "$work/out")"
    echo "$(basename "$file"): $good good, $bad refused"
done

# One octet of one good frame changed: that frame, and only that, is refused.
grep -v '^ *\(#.*\)\{0,1\}$' "$frames/cmd_66.hex" | tr -d ' ' >"$work/frames.hex"
awk 'NR == 2 { c = substr($0, 21, 1); $0 = substr($0, 1, 20) (c == "0" ? "1" : "0") substr($0, 22) }
     { print }' "$work/frames.hex" >"$work/altered.hex"
decode "$work/altered.hex"
[ "$status" = 1 ] && [ "$(grep -n '"ok":false' "$work/out" | cut -d: -f1)" = 2 ] ||
    fail "altered frame: $(cat "$work/out")"
"$bin/sealgrid" abnt decode --json - <"$work/frames.hex" >/dev/null || fail "standard input"
decode "$work/absent"
[ "$status" = 2 ] || fail "absent file: exit $status"
