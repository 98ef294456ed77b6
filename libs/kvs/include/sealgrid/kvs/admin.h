#pragma once
/*
 * admin - what operators ask of a store, answered as JSON over HTTP; given to the kv service as its
 * administration (kvs/service.h).  user is a struct sg_store.
 */
#include <sealgrid/net/http.h>

/* State of the store and of each volume. */
SG_MUST_USE int sg_store_admin_volumes(void *store, struct sg_http_exchange *x);
/* Every live file: {"files":[{"class","path","live_bytes"}]}. */
SG_MUST_USE int sg_store_admin_files(void *store, struct sg_http_exchange *x);
/* Query: depth=files or full (the default), verify_only=1, volume=SLOT (default: all).  Blank lines
 * while the scrub runs, so that no peer gives up waiting, then the report as one JSON object. */
SG_MUST_USE int sg_store_admin_scrub(void *store, struct sg_http_exchange *x);
