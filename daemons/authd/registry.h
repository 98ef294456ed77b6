#pragma once
/*
 * registry - meters as the store describes them: credential, metrology key, installations; parsed
 * once and cached.  An entry is looked up again after ten minutes, so that a withdrawn credential
 * or a swapped meter is noticed; certificates that are still the same and in date are not parsed
 * and verified again then.  Owns: its entries.  Borrows: the authority's roots.  Worker thread of
 * its lane only.
 */
#include <sealgrid/kv.h>
#include <sealgrid/meter/session-auth.h>

#define AUTH_BUCKET            "metering"
#define AUTH_INSTALLATIONS_MAX 32

struct auth_registry;

struct auth_installation {
    int64_t from_s, until_s;
    bool open;
    bool same_cert; /* names the metrology certificate of the credential */
};

struct auth_meter {
    uint8_t x5t[32];
    char serial[SG_BLOCK_SERIAL_MAX + 1];
    int64_t client_id;
    struct sg_edhoc_identity *edhoc;
    struct sg_key *metrology; /* NULL: certificate missing or not under the authority */
    uint8_t row[32];          /* SHA-256 of the CREDENTIAL row that all above comes from */
    int64_t trusted_from_s, trusted_until_s; /* every certificate of the chain is in date */
    struct auth_installation installations[AUTH_INSTALLATIONS_MAX]; /* of this serial */
    size_t n_installations;
    uint64_t latest_seq; /* 0: none known */
    int64_t latest_ts_s;
    int64_t loaded_ms;
    int64_t sessions_due_ms; /* see auth_registry_new_session */
    struct auth_meter *chain;
};

SG_MUST_USE int auth_registry_new(struct auth_registry **ret, struct sg_cert *const *roots,
                                  size_t n_roots);
void auth_registry_free(struct auth_registry *r);
SG_DEFINE_FREEP(struct auth_registry, auth_registry_free)

enum auth_registry_outcome { AUTH_NOBODY = 1 };
/* By SHA-256 of the EDHOC certificate.  Borrowed until the next call.  0, AUTH_NOBODY, -errno. */
SG_MUST_USE int auth_registry_find(struct auth_registry *r, struct sg_kv *kv, const uint8_t x5t[32],
                                   int64_t now_ms, int64_t unix_s, struct auth_meter **ret);
/* Looked up again at the next call, unless that was done in the last five seconds. */
void auth_registry_doubt(struct auth_meter *m, int64_t now_ms);
/* The meter proved itself and wants one more session, which the store would keep for ever.  False:
 * it has had too many lately (AUTH_SESSIONS_BURST at once, then one in AUTH_SESSION_EVERY_MS). */
#define AUTH_SESSIONS_BURST   16
#define AUTH_SESSION_EVERY_MS 15000
bool auth_registry_new_session(struct auth_meter *m, int64_t now_ms);
