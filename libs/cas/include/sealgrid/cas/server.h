#pragma once
/*
 * cas server - casd as a library: it attests services and hands out certificates and secrets
 * (docs/protocols/cas.md, docs/adr/0007).  The daemon is a thin main over it; tests run it in
 * process.
 *
 * Owns: the state folder (locked: one casd per folder), its threads and its port.
 * Start, stop, tend and renew from one thread.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/tee/provider.h>

struct sg_cas_server;

/* The trace (sg_error_trace) says more about each. */
enum sg_cas_server_outcome {
    SG_CAS_STATE_EXISTS = 1,  /* init: the folder has a state already */
    SG_CAS_STATE_BUSY,        /* another casd has the folder */
    SG_CAS_STATE_FORGED,      /* does not open: changed, or sealed to another build or platform */
    SG_CAS_STATE_ROLLED_BACK, /* older than the audit log knows, or another one */
    SG_CAS_LOG_DAMAGED,       /* audit log changed, or shorter than state or signed head know */
    SG_CAS_POLICY_REFUSED,    /* does not parse, or names a file that cannot be imported */
    SG_CAS_ROOT_REFUSED,      /* production, and the policy does not permit a root of tee_roots */
};

struct sg_cas_init {
    const char *dir;
    const char *policy;          /* path of the YAML file */
    struct sg_tee_provider *tee; /* seals the state; borrowed */
    enum sg_tee_seal seal;
    const char *sim_platform; /* platform whose simulated evidence counts; NULL: none */
    bool production;          /* never accept simulated evidence; cannot be undone */
};

#define SG_CAS_PIN_LEN 64 /* hexadecimal digits */

/* Makes CA, audit key and secrets, seals them, writes dir/public/ (pin last).  Killed anywhere, it
 * can be run again.  ret_pin: SHA-256 of the CA certificate. */
SG_MUST_USE int sg_cas_init(const struct sg_cas_init *o, char ret_pin[SG_CAS_PIN_LEN + 1]);

/*
 * Replaces the policy of a stopped casd by o->policy, whose version number is set to the next one:
 * for developers whose executables changed (new measurements).  Only on a simulated platform, whose
 * owner can do anything anyway, and never in production; it is on record like every update.
 */
SG_MUST_USE int sg_cas_repolicy(const struct sg_cas_init *o);

struct sg_cas_server_options {
    const char *dir;
    struct sg_tee_provider *tee; /* must be the one that sealed; borrowed until free */
    enum sg_tee_seal seal;
    const char *listen;      /* "127.0.0.1:7000" */
    unsigned workers;        /* 0: 8 */
    unsigned throttle_per_s; /* unauthenticated requests; 0: 2,000 (a bootstrap takes 3) */
    unsigned throttle_burst; /* 0: twice that */
    unsigned origin_per_s, origin_burst; /* of one address; 0: a quarter of all strangers' */
    /* What evidence of hardware is judged by.  Folders or files of collateral, read again when they
     * change; roots of evidence beside the pinned ones, "intel:/path/of.pem": every start says
     * them loudly, and a production casd wants them named in its policy. */
    const char *const *tee_collateral;
    size_t n_tee_collateral;
    const char *const *tee_roots;
    size_t n_tee_roots;
    int64_t tee_warn_s; /* collateral's end is announced so long ahead; 0: 7 days */
};

SG_MUST_USE int sg_cas_server_start(struct sg_cas_server **ret,
                                    const struct sg_cas_server_options *o);
uint16_t sg_cas_server_port(const struct sg_cas_server *s);
/* Of the own server certificate, unix seconds. */
int64_t sg_cas_server_expires_s(const struct sg_cas_server *s);
/* A new server certificate for connections from now on; on failure the present one serves on. */
SG_MUST_USE int sg_cas_server_renew(struct sg_cas_server *s);
/* Every half minute or so: looks for changed collateral, announces what ends soon. */
void sg_cas_server_tend(struct sg_cas_server *s);
/* Ends running requests, writes what is left of the log. */
void sg_cas_server_free(struct sg_cas_server *s);
SG_DEFINE_FREEP(struct sg_cas_server, sg_cas_server_free)
