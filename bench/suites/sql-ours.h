#pragma once
/*
 * sql ours - Sealgrid's side of the sql suite: a sealed store of three copies in a folder, asked in
 * process, and as it is deployed: HTTPS client, SQL service, record service over HTTPS, store.  The
 * services run on threads of this process and talk TLS over loopback as the daemons do.
 *
 * The client of the HTTPS side reads the JSON answer as it arrives and converts every value; a
 * document that does not end in its row count is an error.
 * Owns the store, both services and the client.  One thread.
 */
#include "sql-data.h"

struct sql_ours;

SG_MUST_USE int sql_ours_open(struct sql_ours **ret, const char *folder);
void sql_ours_close(struct sql_ours *o);
SG_DEFINE_FREEP(struct sql_ours, sql_ours_close)

/* Rows 1..n of a client as an authenticator writes them, not through SQL and not timed. */
SG_MUST_USE int sql_ours_load(struct sql_ours *o, int64_t client, int64_t n);
struct sql_target sql_ours_local(struct sql_ours *o);
struct sql_target sql_ours_https(struct sql_ours *o);
