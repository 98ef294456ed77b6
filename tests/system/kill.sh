#!/bin/sh
# kill.sh BIN [SEEDS [FIRST]]: kill -9 of any service at seeded random moments while meters send, with
# failover between two authenticators and two aggregators.  After each run every reading that was
# acknowledged is in the store once, equal in every column, and there is no conflict.
# BIN is the folder of the programs.  Exit 0 when every seed passed.
set -eu
bin=$(cd "$1" && pwd)
seeds=${2:-3}
first=${3:-1}
kills=6
meters=20
days=1
work=$(mktemp -d)
dir=$work/platform
passed=0
trap '"$bin/sealgrid" down --dir "$dir" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

pid_of() {
    paste -d' ' "$dir/run/services" "$dir/run/status" | awk -v n="$1" '$1 == n { print $6 }'
}

# "milliseconds service" a line, in order of time.
schedule() {
    awk -v seed="$1" -v kills=$kills 'BEGIN {
        srand(seed)
        n = split("aggd1 aggd2 authd1 authd2 kvsd sqld casd authd1 authd2 kvsd", who, " ")
        for (i = 0; i < kills; i++) print int(rand() * 4000), who[1 + int(rand() * n)]
    }' | sort -n
}

run_kills() {
    at=0
    schedule "$1" | while read -r ms service; do
        sleep "$(awk -v a=$at -v b="$ms" 'BEGIN { printf "%.3f", (b - a) / 1000 }')"
        at=$ms
        pid=$(pid_of "$service")
        [ "${pid:-0}" -gt 0 ] && kill -9 "$pid" 2>/dev/null || true
    done
}

field() {
    sed -n "s/.*\"$2\":\([0-9][0-9]*\).*/\1/p" "$1"
}

one() {
    seed=$1
    "$bin/sealgrid-sim" --provision "$work/fleet" --meters $meters --days $days --seed "$seed" \
        --single-percent 100 --single-days 1 --json "$work/provision.json" 2>/dev/null
    "$bin/sealgrid" up --dir "$dir" --authority "$work/fleet/authority-root.pem" >/dev/null 2>"$work/up.log"
    "$bin/sealgrid" register --dir "$dir" --rows "$work/fleet/fleet.rows" >/dev/null 2>&1
    eval "$("$bin/sealgrid" env --dir "$dir" 2>/dev/null)"
    printf %s "$SEALGRID_API_KEY" >"$work/key"
    mesh=$(sed -n '/^mesh:/{n;s/.*listen: //p}' "$dir"/conf/aggd*.yaml | tr '\n' ' ')
    set --
    for a in $mesh; do set -- "$@" --aggregator "$a"; done
    run_kills "$seed" &
    killer=$!
    "$bin/sealgrid-sim" --fleet "$work/fleet" "$@" --window 1 --timeout 120 \
        --authenticators "$dir/cas/public/edhoc-suite2-cert.pem" \
        --authenticators "$dir/cas/public/edhoc-suite3-cert.pem" \
        --json "$work/send.json" 2>"$work/send.log" || { cat "$work/send.log"; return 1; }
    wait $killer
    "$bin/sealgrid" up --dir "$dir" >/dev/null 2>"$work/up.log" # waits until all are ready again
    sql=${SEALGRID_SQL_URL#https://}
    "$bin/sealgrid-sim" --fleet "$work/fleet" --verify-sql "${sql%/v1/sql}" \
        --ca "$SEALGRID_CA" --api-key-file "$work/key" --json "$work/verify.json" 2>"$work/verify.log" ||
        { cat "$work/verify.log" "$work/verify.json"; return 1; }
    conflicts=$(curl -s --cacert "$SEALGRID_CA" -H "Authorization: Bearer $SEALGRID_API_KEY" \
        -d '{"sql":"SELECT count(*) FROM reading_conflict"}' "$SEALGRID_SQL_URL" |
        sed -n 's/.*"rows":\[\[\([0-9]*\)\]\].*/\1/p')
    total=$(curl -s --cacert "$SEALGRID_CA" -H "Authorization: Bearer $SEALGRID_API_KEY" \
        -d '{"sql":"SELECT count(*) FROM reading"}' "$SEALGRID_SQL_URL" |
        sed -n 's/.*"rows":\[\[\([0-9]*\)\]\].*/\1/p')
    restarts=$(awk '{ n += $2 } END { print n }' "$dir/run/status")
    acked=$(field "$work/send.json" readings_acked)
    rows=$(field "$work/verify.json" rows)
    expected=$((meters * days * 96))
    echo "seed $seed: restarts $restarts, acknowledged $acked, stored $total, equal $rows, conflicts $conflicts"
    [ "$acked" = $expected ] && [ "$total" = $expected ] && [ "$rows" = $expected ] && [ "$conflicts" = 0 ]
}

seed=$first
while [ $seed -lt $((first + seeds)) ]; do
    if one $seed; then
        passed=$((passed + 1))
    else
        echo "seed $seed FAILED; logs:"
        tail -n 5 "$dir"/log/*.log
    fi
    "$bin/sealgrid" down --dir "$dir" >/dev/null 2>&1
    rm -rf "$dir" "$work/fleet"
    seed=$((seed + 1))
done
echo "$passed passed, $((seeds - passed)) failed"
[ $passed -eq "$seeds" ]
