#!/bin/sh
# kill.sh BIN [SEEDS [FIRST]]: kill -9 of services at seeded random moments while meters send, with
# failover between two authenticators and two aggregators.  After each run every reading that was
# acknowledged is in the store once, equal in every column, and there is no conflict.
# BIN is the folder of the programs.  Exit 0 when every seed passed.
set -eu
. "$(dirname "$0")/platform.sh"
seeds=${2:-3}
first=${3:-1}
kills=6
meters=20
days=8
expected=$((meters * days * 96))

# "seconds service" a line: wait so long, then kill.
schedule() {
    awk -v seed="$1" -v kills=$kills 'BEGIN {
        srand(seed)
        n = split("aggd1 aggd2 authd1 authd2 kvsd sqld casd authd1 authd2 kvsd", who, " ")
        for (i = 0; i < kills; i++) printf "%.3f %s\n", 0.1 + rand() * 0.5, who[1 + int(rand() * n)]
    }'
}

# Until the meters have sent everything; a line in $work/kills for each.
run_kills() {
    schedule "$1" | while read -r seconds service; do
        sleep "$seconds"
        [ ! -e "$work/sent" ] || break
        pid=$(pid_of "$service")
        if [ "${pid:-0}" -gt 0 ] && kill -9 "$pid" 2>/dev/null; then
            echo "$service" >>"$work/kills"
        fi
    done
}

run_seed() {
    rm -rf "$dir" "$fleet" "$work/sent"
    : >"$work/kills"
    provision --meters $meters --days $days --seed "$1" --single-percent 100 --single-days $days
    start
    client
    run_kills "$1" &
    killer=$!
    sent=0
    send --window 64 --timeout 60 || sent=$?
    touch "$work/sent"
    wait $killer
    [ $sent = 0 ] || fail "send: $(cat "$work/send.log")"
    start # waits until all are ready again
    verify || fail "verify: $(cat "$work/verify.log" "$work/verify.json")"
    killed=$(wc -l <"$work/kills")
    acked=$(number "$work/send.json" readings_acked)
    equal=$(number "$work/verify.json" rows)
    stored=$(count reading)
    conflicts=$(count reading_conflict)
    "$bin/sealgrid" down --dir "$dir" >/dev/null 2>&1 || fail "down"
    echo "seed $1: killed $(tr '\n' ' ' <"$work/kills")while sending; acknowledged $acked," \
        "stored $stored, equal $equal, conflicts $conflicts"
    [ "$killed" -gt 0 ] || fail "nothing was killed in time: the fleet is too small"
    [ "$acked/$stored/$equal/$conflicts" = $expected/$expected/$expected/0 ] ||
        fail "expected $expected readings and no conflict"
}

seed=$first
passed=0
while [ "$seed" -lt $((first + seeds)) ]; do
    # In a shell of its own: a seed that fails does not hide the others.
    if (trap - EXIT; run_seed "$seed"); then
        passed=$((passed + 1))
    else
        echo "seed $seed FAILED"
        "$bin/sealgrid" down --dir "$dir" >/dev/null 2>&1 || true
    fi
    seed=$((seed + 1))
done
echo "$passed passed, $((seeds - passed)) failed"
[ $passed -eq "$seeds" ]
