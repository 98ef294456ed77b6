# platform.sh - sourced by the scripts here with BIN, the folder of the programs, as first argument.
# Gives $bin; $work, a new folder that is removed at the end; $dir below it for one platform, which
# is stopped at the end; and the steps that the scripts have in common.  JSON reports of the
# simulator are read with sed: no interpreter beyond the shell is needed.
bin=$(cd "$1" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/sealgrid-system.XXXXXX")
dir=$work/platform
fleet=$work/fleet

finish() {
    # A stopped supervisor could not be ended.
    supervisor=$(supervisor_pid)
    [ -z "$supervisor" ] || kill -CONT "$supervisor" 2>/dev/null || true
    "$bin/sealgrid" down --dir "$dir" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

fail() {
    echo "FAILED: $*" >&2
    tail -n 5 "$dir"/log/*.log >&2 2>/dev/null || true
    exit 1
}

# number FILE NAME: the first integer member of that name in a JSON report.
number() {
    tr ',{}' '\n' <"$1" | sed -n "s/^\"$2\":\(-\{0,1\}[0-9][0-9]*\)\$/\1/p" | head -n 1
}

supervisor_pid() {
    cat "$dir/run/supervisor.lock" 2>/dev/null || true
}

pid_of() {
    paste -d' ' "$dir/run/services" "$dir/run/status" | awk -v n="$1" '$1 == n { print $6 }'
}

ops_port_of() {
    awk -v n="$1" '$1 == n { print $5 }' "$dir/run/services"
}

# metric SERVICE NAME
metric() {
    curl -s "http://127.0.0.1:$(ops_port_of "$1")/metrics" | awk -v n="$2" '$1 == n { print $2 }'
}

# provision OPTION...: the fleet of meters.
provision() {
    "$bin/sealgrid-sim" --provision "$fleet" "$@" --json "$work/provision.json" 2>"$work/step.log" ||
        fail "provision: $(cat "$work/step.log")"
}

# start: a platform that knows the fleet if there is one.
start() {
    authority=
    [ ! -d "$fleet" ] || authority="--authority $fleet/authority-root.pem"
    "$bin/sealgrid" up --dir "$dir" ${up_options:-} $authority >"$work/step.log" 2>&1 ||
        fail "up: $(cat "$work/step.log")"
    [ ! -d "$fleet" ] || "$bin/sealgrid" register --dir "$dir" --rows "$fleet/fleet.rows" \
        >"$work/step.log" 2>&1 || fail "register: $(cat "$work/step.log")"
}

# client: what a foreign client is told (SEALGRID_...).
client() {
    exports=$("$bin/sealgrid" env --dir "$dir" 2>"$work/step.log") ||
        fail "env: $(cat "$work/step.log")"
    eval "$exports"
}

# send OPTION...: all meters of the fleet send; the report goes to $work/send.json.
send() {
    for a in $(sed -n '/^mesh:/{n;s/.*listen: //p}' "$dir"/conf/aggd*.yaml); do
        set -- "$@" --aggregator "$a"
    done
    "$bin/sealgrid-sim" --fleet "$fleet" "$@" --json "$work/send.json" \
        --authenticators "$dir/cas/public/edhoc-suite2-cert.pem" \
        --authenticators "$dir/cas/public/edhoc-suite3-cert.pem" 2>"$work/send.log"
}

# verify: every column of every reading of the fleet against what SQL answers.
verify() {
    printf %s "$SEALGRID_API_KEY" >"$work/key"
    address=${SEALGRID_SQL_URL#https://}
    "$bin/sealgrid-sim" --fleet "$fleet" --verify-sql "${address%/v1/sql}" --ca "$SEALGRID_CA" \
        --api-key-file "$work/key" --json "$work/verify.json" 2>"$work/verify.log"
}

# sql JSON: the answer on standard output.
sql() {
    curl -sS --cacert "$SEALGRID_CA" -H "Authorization: Bearer $SEALGRID_API_KEY" \
        --data-binary "$1" "$SEALGRID_SQL_URL"
}

# count TABLE
count() {
    sql "{\"sql\":\"SELECT count(*) FROM $1\"}" | sed -n 's/.*"rows":\[\[\([0-9]*\)\]\].*/\1/p'
}
