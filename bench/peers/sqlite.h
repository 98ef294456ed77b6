#pragma once
/*
 * sqlite - plain SQLite as a peer: a file, WAL, synchronous=FULL (one fsync a commit), the table
 * clustered by its primary key (WITHOUT ROWID), statements prepared once.
 * Owns its connection.  One thread.
 */
#include "suites/sql-data.h"

struct sqlite_peer;

SG_MUST_USE int sqlite_peer_open(struct sqlite_peer **ret, const char *folder);
void sqlite_peer_close(struct sqlite_peer *p);
SG_DEFINE_FREEP(struct sqlite_peer, sqlite_peer_close)
struct sql_target sqlite_peer_target(struct sqlite_peer *p);
const char *sqlite_peer_name(void);
