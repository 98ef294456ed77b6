#!/bin/sh
# client.sh BIN: a foreign client that knows only what `sealgrid env` prints: curl against SQL and
# objects, with the right key, a wrong one and none.
set -eu
. "$(dirname "$0")/platform.sh"

# call STATUS CURL-ARGUMENT...: the answer in $work/answer.
call() {
    wanted=$1
    shift
    got=$(curl -sS -o "$work/answer" -w '%{http_code}' --cacert "$SEALGRID_CA" "$@")
    [ "$got" = "$wanted" ] || fail "status $got, not $wanted: $* $(cat "$work/answer")"
}

# with_key STATUS CURL-ARGUMENT...
with_key() {
    wanted_status=$1
    shift
    call "$wanted_status" -H "Authorization: Bearer $SEALGRID_API_KEY" "$@"
}

answers() {
    [ "$(cat "$work/answer")" = "$1" ] || fail "expected $1, got $(cat "$work/answer")"
}

provision --meters 3 --days 1 --rsa-percent 0
start
client
send || fail "send: $(cat "$work/send.log")"

# ---- SQL -----------------------------------------------------------------------------------------

query() { # STATUS JSON
    with_key "$1" --data-binary "$2" "$SEALGRID_SQL_URL"
}

query 200 '{"sql":"SELECT count(*) AS n FROM reading"}'
answers '{"columns":[{"name":"n","type":"INTEGER"}],"rows":[[288]],"rowcount":1}'
query 200 '{"sql":"SELECT client_id FROM installation ORDER BY client_id LIMIT 1"}'
first=$(sed 's/.*"rows":\[\[\([0-9]*\)\]\].*/\1/' "$work/answer")
query 200 "{\"sql\":\"SELECT count(*) AS n, min(seq) AS a, max(seq) AS b FROM reading WHERE client_id = ?\",\"params\":[$first]}"
answers '{"columns":[{"name":"n","type":"INTEGER"},{"name":"a","type":"INTEGER"},{"name":"b","type":"INTEGER"}],"rows":[[96,1,96]],"rowcount":1}'

query 200 '{"sql":"CREATE TABLE note (id INTEGER, text TEXT, PRIMARY KEY (id))"}'
query 200 '{"sql":"INSERT INTO note VALUES (?, ?)","params":[1,"l\u00e2mpada \"A\""]}'
query 200 '{"statements":[{"sql":"INSERT INTO note VALUES (2, NULL)"},{"sql":"UPDATE note SET text = ? WHERE id = 1","params":["b"]}]}'
query 409 '{"statements":[{"sql":"INSERT INTO note VALUES (3, NULL)"},{"sql":"INSERT INTO note VALUES (2, NULL)"}]}'
query 200 '{"sql":"SELECT * FROM note ORDER BY id"}'
answers '{"columns":[{"name":"id","type":"INTEGER"},{"name":"text","type":"TEXT"}],"rows":[[1,"b"],[2,null]],"rowcount":2}'
query 400 '{"sql":"SELECT nothing FROM note"}'
query 403 "{\"sql\":\"DELETE FROM reading WHERE client_id = $first\"}"
call 401 --data-binary '{"sql":"SELECT 1"}' "$SEALGRID_SQL_URL"
call 401 -H "Authorization: Bearer ${SEALGRID_API_KEY}0" --data-binary '{"sql":"SELECT 1"}' "$SEALGRID_SQL_URL"
echo "SQL: answers, changes, refusals as documented"

# ---- objects -------------------------------------------------------------------------------------

objects=$SEALGRID_KV_URL/objects/evidence
head -c 3000000 /dev/urandom >"$work/object"
: >"$work/empty"
with_key 200 -T "$work/object" "$objects/client/a%20name"
with_key 200 -T "$work/empty" "$objects/client/empty"
with_key 200 "$objects/client/a%20name"
cmp -s "$work/object" "$work/answer" || fail "an object came back different"
with_key 200 "$objects?prefix=client/"
answers '{"objects":[{"name":"client/a name","size":3000000},{"name":"client/empty","size":0}],"complete":true}'
call 401 "$objects/client/empty"
call 401 -H "Authorization: Bearer ${SEALGRID_API_KEY}0" "$objects/client/empty"
with_key 403 -X PUT -d '{"policy":"replicas=1"}' "$SEALGRID_KV_URL/buckets/mine"
with_key 403 "$SEALGRID_KV_URL/admin/files"
with_key 200 -X DELETE "$objects/client/empty"
with_key 404 "$objects/client/empty"

# As long as the platform lives: objects and rows are there after a restart.
"$bin/sealgrid" down --dir "$dir" >/dev/null 2>&1 || fail down
start
client
with_key 200 "$objects/client/a%20name"
cmp -s "$work/object" "$work/answer" || fail "an object is different after a restart"
query 200 '{"sql":"SELECT count(*) AS n FROM note"}'
answers '{"columns":[{"name":"n","type":"INTEGER"}],"rows":[[2]],"rowcount":1}'
echo "objects: stored, listed, deleted, kept over a restart"

# ---- whom the client talks to --------------------------------------------------------------------

if curl -s -o /dev/null --data-binary '{"sql":"SELECT 1"}' "$SEALGRID_SQL_URL"; then
    fail "a server without a certificate of a known authority was believed"
fi
if curl -s -o /dev/null --tls-max 1.2 --cacert "$SEALGRID_CA" "$SEALGRID_SQL_URL"; then
    fail "TLS 1.2 was accepted"
fi
echo "TLS: the platform's authority only, 1.3 only"
