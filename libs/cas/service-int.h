#pragma once
/*
 * service-int - casd without its network: connection facts and request octets in, grant or named
 * refusal out.  Time is a parameter.
 *
 * Any thread.  Lock order: policy (read for attestation, write for an update), then load, then
 * save, then the log's own.
 */
#include <sealgrid/cas/server.h>

#include <stdatomic.h>

#include "collateral-int.h"
#include "nonces-int.h"
#include "throttle-int.h"
#include "vault-int.h"

struct sg_cas_now {
    int64_t unix_s;
    int64_t mono_ms;
};

struct sg_cas_limits {
    int64_t throttle_per_s, throttle_burst; /* of all strangers together */
    uint32_t nonces;                        /* a power of two */
    int64_t origin_per_s, origin_burst;     /* of those of one origin; 0: as all together */
};

/* What was found out about a request, for log lines and records. */
struct sg_cas_finding {
    char service[SG_CAS_SERVICE_NAME_MAX + 1]; /* as asked for; "" before it is known */
    struct sg_tee_claims claims;
    struct sg_tee_reasons reasons; /* of the verifier and of policy; for the log alone */
    uint8_t key[32];               /* SHA-256 of the client's SPKI */
    uint8_t lease[SG_CAS_LEASE_LEN];
    uint8_t certificate[32]; /* its SHA-256 */
    bool recorded;           /* in the log; not when there are too many refusals */
};

struct sg_cas_service {
    pthread_rwlock_t policy_lock;
    struct sg_cas_policy *policy;
    uint8_t policy_digest[32];
    struct sg_cas_vault *vault;
    struct sg_cas_audit *audit;
    pthread_mutex_t save_mutex; /* vault file, leases */
    uint64_t lease_next;
    struct sg_cas_nonces nonces;
    struct sg_cas_throttle requests;
    struct sg_cas_origins *origins;
    struct sg_cas_throttle refusals; /* how many of them are worth a record */
    _Atomic uint64_t unlogged;
    int lock_fd;
    pthread_mutex_t load_mutex;             /* one load of collateral at a time */
    struct sg_cas_collateral *collateral;   /* owned */
    struct sg_cas_collateral_report loaded; /* by the last update of the policy */
    const char *import_dir; /* of a policy given on this machine; NULL: none may name a file */
};

/* -errno or enum sg_cas_server_outcome. */
SG_MUST_USE int sg_cas_service_open(struct sg_cas_service **ret, const char *dir,
                                    struct sg_tee_provider *tee, enum sg_tee_seal seal,
                                    const struct sg_cas_limits *limits, struct sg_cas_now now);
/* Takes c and loads it.  -errno; SG_CAS_ROOT_REFUSED: production, and the policy does not name a
 * root of the configuration.  Before the first request. */
SG_MUST_USE int sg_cas_service_set_collateral(struct sg_cas_service *s, struct sg_cas_collateral *c,
                                              struct sg_cas_collateral_report *ret);
/* Loads again what has changed. */
SG_MUST_USE int sg_cas_service_refresh(struct sg_cas_service *s, bool *ret_loaded,
                                       struct sg_cas_collateral_report *ret);
/* Writes what is left of the log. */
void sg_cas_service_free(struct sg_cas_service *s);
SG_DEFINE_FREEP(struct sg_cas_service, sg_cas_service_free)
SG_MUST_USE int sg_cas_dir_lock(const char *dir, int *ret_fd);

/* The following: 0, -errno, or enum sg_cas_refusal. */

/* Before any work for somebody unknown. */
SG_MUST_USE int sg_cas_service_admit(struct sg_cas_service *s,
                                     const uint8_t origin[SG_CAS_ORIGIN_LEN],
                                     struct sg_cas_now now);
SG_MUST_USE int sg_cas_service_challenge(struct sg_cas_service *s,
                                         const uint8_t exporter[SG_CAS_EXPORTER_LEN],
                                         struct sg_cas_now now, struct sg_buf *ret);
/* Appends the encoded grant to *ret (secret).  *ret_finding is filled as far as it went, whatever
 * the outcome. */
SG_MUST_USE int sg_cas_service_attest(struct sg_cas_service *s, const struct sg_cas_connection *c,
                                      struct sg_bytes request, struct sg_cas_now now,
                                      struct sg_buf *ret, struct sg_cas_finding *ret_finding);
/* The certificate chains to our CA, is valid now and names the operator. */
SG_MUST_USE int sg_cas_service_operator(struct sg_cas_service *s, const struct sg_cert *peer,
                                        struct sg_cas_now now);
/* Version must be the present one + 1, predecessor the SHA-256 of the present text. */
SG_MUST_USE int sg_cas_service_update(struct sg_cas_service *s, struct sg_bytes yaml,
                                      const uint8_t predecessor[32], struct sg_cas_now now,
                                      struct sg_yaml_error *ret_error);

/* What the collateral became by the last update of the policy. */
void sg_cas_service_loaded(struct sg_cas_service *s, struct sg_cas_collateral_report *ret);
/* Text of the present policy appended, and its SHA-256 in hexadecimal. */
SG_MUST_USE int sg_cas_service_policy(struct sg_cas_service *s, struct sg_buf *ret,
                                      char ret_digest[65]);

/* ---- between the parts of service ---- */

/* save_mutex is held.  The state names the log as it is on the disk, then the log names the
 * state. */
SG_MUST_USE int sg_cas_service_save(struct sg_cas_service *s, struct sg_cas_now now);
/* At the opening: built-in roots alone. */
SG_MUST_USE int sg_cas_service_no_collateral(struct sg_cas_service *s);
/* The policy has changed: a root that the new one does not name must not outlive the old one. */
void sg_cas_service_reload(struct sg_cas_service *s);

/* ---- authority.c ---- */

struct sg_cas_names {
    const char *service;
    const char *ip, *dns;
};
/* A new CA in the vault. */
SG_MUST_USE int sg_cas_authority_make(struct sg_cas_vault *v, int64_t now_s);
SG_MUST_USE int sg_cas_authority_issue(const struct sg_cas_vault *v, const struct sg_cas_names *n,
                                       const struct sg_key *key, int64_t now_s, int64_t life_s,
                                       struct sg_cert **ret);
/* The same as DER, appended. */
SG_MUST_USE int sg_cas_authority_grant(const struct sg_cas_vault *v, const struct sg_cas_names *n,
                                       const struct sg_key *key, int64_t now_s, int64_t life_s,
                                       struct sg_buf *ret);
