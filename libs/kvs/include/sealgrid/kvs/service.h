#pragma once
/*
 * kv service - the record and object interface over HTTPS (docs/protocols/record-stream.md): an
 * sg_http_handler in front of any implementation of kv.h.
 *
 * Who a caller is says net/caller.h; what it may do is a list of grants; nothing is granted by
 * default.
 *
 * Owns: its sessions, at most one a worker, opened as needed.  Borrows: both users.  Any thread.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/kv.h>
#include <sealgrid/net/caller.h>

struct sg_kv_service;

enum sg_kv_verb {
    SG_KV_READ = 1,
    SG_KV_WRITE = 2,
    SG_KV_ADMIN = 4, /* of a bucket: create it; of "*": also volumes and scrub */
};

struct sg_kv_grant {
    char who[SG_CALLER_MAX]; /* "spiffe://sealgrid/authd" or "key:NAME" */
    char bucket[64];         /* or "*" */
    unsigned verbs;
};

/* "spiffe://sealgrid/authd metering read,write".  -EINVAL. */
SG_MUST_USE int sg_kv_grant_parse(const char *text, struct sg_kv_grant *ret);

struct sg_kv_service_options {
    /* Opens a session; called on the workers' threads. */
    int (*open)(void *user, struct sg_kv **ret);
    void *user;
    /* Volumes and scrub (kvs/admin.h); NULL: there are none, 404. */
    int (*admin_volumes)(void *admin_user, struct sg_http_exchange *x);
    int (*admin_scrub)(void *admin_user, struct sg_http_exchange *x);
    int (*admin_files)(void *admin_user, struct sg_http_exchange *x);
    void *admin_user;
    const struct sg_kv_grant *grants;
    size_t n_grants;
    const struct sg_api_key *api_keys;
    size_t n_api_keys;
    size_t object_max; /* octets held in memory for one PUT; 0: 256 MiB */
};

SG_MUST_USE int sg_kv_service_new(struct sg_kv_service **ret,
                                  const struct sg_kv_service_options *o);
/* After its server was stopped. */
void sg_kv_service_free(struct sg_kv_service *s);
SG_DEFINE_FREEP(struct sg_kv_service, sg_kv_service_free)
/* Answers one exchange; user is the service.  The server's body_max must be object_max or more. */
SG_MUST_USE int sg_kv_service_handle(void *service, struct sg_http_exchange *x);
