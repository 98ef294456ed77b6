#!/bin/sh
# leak.sh BIN [CLIENTS [DAYS]]: nothing that must stay secret stands readable at rest: not in the
# volumes, casd's state, configuration, logs, recorded datagrams, the aggregators' backlog or a core
# file.  Searched for are client numbers, serials, values, signatures, block seeds, meters' keys and
# every secret that casd hands out, each in every form of leak-search.  Then the control: the same
# secrets, planted in each form, are all found.
set -eu
. "$(dirname "$0")/platform.sh"
tests=$bin/../tests/system
clients=${2:-40}
days=${3:-2}
cores=$work/cores # where the services run, so where a core file would be

# freeze: no authenticator, and nobody who would start one.
freeze() {
    kill -STOP "$(supervisor_pid)"
    kill -9 "$(pid_of authd1)" "$(pid_of authd2)"
}

backlog_octets() {
    cat "$dir"/aggd/*/* 2>/dev/null | wc -c
}

# wait_for SECONDS COMMAND...
wait_for() {
    tries=$(($1 * 50))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || fail "waited in vain: $*"
        sleep 0.02
    done
}

# Whichever of the two the aggregators found first.
readings_come_in() {
    one=$(metric authd1 sealgrid_authd_readings_accepted_total)
    two=$(metric authd2 sealgrid_authd_readings_accepted_total)
    [ $((one + two)) -gt 0 ]
}

backlog_grows() {
    [ "$(backlog_octets)" -gt 20000 ]
}

# abort SERVICE: SIGABRT, which leaves a core file behind wherever it may.
abort() {
    pid=$(pid_of "$1")
    kill -ABRT "$pid"
    wait_for 10 is_gone "$pid"
}

is_gone() {
    ! kill -0 "$1" 2>/dev/null
}

core_files() {
    find "$cores" "$dir" "$work/control" -name 'core*' -type f 2>/dev/null
}

search() {
    "$tests/leak-search" "$work/secrets" "$@" >"$work/hits"
}

# ---- a deployment that has done everything -------------------------------------------------------

mkdir "$cores" "$work/control"
cd "$cores"
ulimit -c unlimited 2>/dev/null || true # the services are to forbid it themselves
provision --meters "$clients" --days "$days" --single-percent 50 --single-days "$days"
start
send --window 64 --timeout 120 --record "$work/recorded" --record-max 1000 &
sender=$!
wait_for 60 readings_come_in
freeze
wait_for 60 backlog_grows
cp -r "$dir/aggd" "$work/backlog"
echo "backlog: $(backlog_octets) octets on disk while no authenticator runs"
kill -CONT "$(supervisor_pid)"
wait $sender || fail "send: $(cat "$work/send.log")"
"$bin/sealgrid-bill" --store --all --upload --json --out "$work/out" --from 2026-09-01T03:00:00Z \
    --until 2026-09-02T03:00:00Z --tariff "$bin/../share/sealgrid/tariffs/b1-white.yaml" \
    --cas.connect "127.0.0.1:$(($(ops_port_of casd) - 1000))" --cas.pin "$(cat "$dir/cas/public/pin")" \
    --cas.platform "$dir/platform" --kvsd.connect "127.0.0.1:$(($(ops_port_of kvsd) - 1000))" \
    >"$work/bill.json" 2>"$work/step.log" || fail "bill: $(cat "$work/step.log")"
"$bin/sealgrid" scrub --dir "$dir" >/dev/null 2>&1 || fail scrub
abort authd1
abort kvsd
(cd "$work/control" && sh -c 'kill -ABRT $$' || true) 2>/dev/null
"$bin/sealgrid" down --dir "$dir" >/dev/null 2>&1 || fail down

# ---- nothing found -------------------------------------------------------------------------------

"$tests/leak-secrets" "$fleet" "$work/out/evidence" "$bin/sealgrid-casd" "$dir/cas" "$dir/platform" \
    "$clients" >"$work/secrets" || fail "no list of secrets"
known=$(grep -cE '^(int|text|bytes) (client|serial|signature|reading|energy-register) ' "$work/secrets")
[ "$(grep -c '^int client ' "$work/secrets")" = "$clients" ] || fail "clients in the list of secrets"
search "$dir/volumes" "$dir/cas" "$dir/conf" "$dir/log" "$dir/aggd" "$work/backlog" \
    "$work/recorded" "$cores" || fail "$(cat "$work/hits")"
echo "known: $known client numbers, serials, signatures and values of $clients clients"
echo "at rest: $(tail -n 1 "$work/hits")"
if [ -n "$(find "$work/control" -name 'core*')" ]; then
    services=$(core_files | grep -v "^$work/control" || true)
    [ -z "$services" ] || fail "core files: $services"
    echo "core files: none of a service, one of a shell"
else
    echo "core files: this machine writes none into the working folder; not tested"
fi

# ---- the control: planted, and found in every form -----------------------------------------------

# plant FORM LABEL: what comes in on standard input, between random octets, must be found as that.
plant() {
    { head -c 4099 /dev/urandom; cat; head -c 4099 /dev/urandom; } >"$work/planted"
    status=0
    search "$work/planted" || status=$?
    [ $status = 1 ] && grep -q ": $2 as $1\$" "$work/hits" ||
        fail "planted $2 as $1 is not found: $(cat "$work/hits")"
    echo "$2 as $1" >>"$work/found"
}

# Names of casd's secrets.
vault_labels() {
    awk '$2 ~ "/" { print $2 }' "$work/secrets"
}

first_of() {
    awk -v l="$1" '$2 == l { print $3; exit }' "$work/secrets"
}

# Hexadecimal digits to octets.
octets() {
    printf "$(printf %s "$1" | sed 's/../\\x&/g' | sed 's/\\x\(..\)/\1\n/g' |
        while read -r h; do [ -z "$h" ] || printf '\\%03o' "0x$h"; done)"
}

reversed() {
    printf %s "$1" | sed 's/../&\n/g' | tac | tr -d '\n'
}

# An integer as a key tuple has it, big endian with the sign bit flipped, in hexadecimal.
key_integer() {
    printf '158%015x' "$1"
}

for label in signature reading block-seed meter-key meter-prime $(vault_labels); do
    hex=$(first_of "$label")
    [ -n "$hex" ] || fail "no $label in the list of secrets"
    octets "$hex" | plant octets $label
    octets "$(reversed "$hex")" | plant "octets reversed" $label
    printf %s "$hex" | plant hex $label
    printf %s "$hex" | tr a-f A-F | plant HEX $label
    for lead in '' x xy; do
        { printf %s "$lead"; octets "$hex"; printf tail; } | base64 -w 0 | plant base64 $label
    done
done
# base64url differs from base64 only where one of two characters occurs.
awk '$2 == "signature" { print $3 }' "$work/secrets" | while read -r hex; do
    url=$(octets "$hex" | base64 -w 0 | tr '+/' '-_')
    case $url in
    *[-_]*) printf %s "$url" | plant base64url signature && break ;;
    esac
done
client=$(first_of client)
serial=$(first_of serial)
printf %s "$client" | plant decimal client
octets "$(printf %016x "$client")" | plant octets client
octets "$(reversed "$(printf %016x "$client")")" | plant "octets reversed" client
octets "$(key_integer "$client")" | plant "key tuple" client
printf %s "$client" | base64 -w 0 | plant base64 client
printf %s "$serial" | plant text serial
printf %s "$serial" | od -An -v -tx1 | tr -d ' \n' | plant hex serial
{ octets 25; printf %s "$serial"; octets 0001; } | plant "key tuple" serial
{ octets "03$(printf %02x ${#serial})"; printf %s "$serial"; } | plant "value tuple" serial
energy=$(first_of energy-register)
printf %s "$energy" | plant decimal energy-register
octets "$(key_integer "$energy")" | plant "key tuple" energy-register
# A whole bill.
find "$work/out/bill" -type f | head -n 1 | xargs cat | plant decimal client
echo "control: $(wc -l <"$work/found") planted, in $(sed 's/.* as //' "$work/found" | sort -u | wc -l)" \
    "forms, all found"
