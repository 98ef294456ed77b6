#pragma once
/*
 * policy-int - who may have what: the policy's text as a checked structure.
 *
 * Everything that could silently allow or silently do nothing is refused at parse time: unknown
 * keys, a release pattern that matches no secret, a malformed measurement, "any" program of any
 * signer.  A service whose list of measurements is empty lets nobody in.  Immutable once parsed.
 */
#include <sealgrid/base/yaml.h>
#include <sealgrid/cas/policy.h>
#include <sealgrid/tee/policy-text.h>

#define SG_CAS_POLICY_TEXT_MAX       262144
#define SG_CAS_SERVICE_NAME_MAX      31
#define SG_CAS_SECRET_NAME_MAX       127
#define SG_CAS_SECRET_LEN_MAX        65536
#define SG_CAS_SECRETS_MAX           512 /* of one policy, with keys of buckets */
#define SG_CAS_CERTIFICATE_HOURS_MAX 24
#define SG_CAS_RULES_MAX             256

#define SG_CAS_SECRET_KINDS(X)                                                                     \
    X(RANDOM, "random")   /* N random octets, made once */                                         \
    X(API_KEY, "api-key") /* base64url text of 32 random octets, made once */                      \
    X(EDHOC_KEY, "")      /* the two halves of kind "edhoc" */                                     \
    X(EDHOC_CERT, "")                                                                              \
    X(FILE, "file") /* a file's contents, read by --init, next to the policy */                    \
    X(TEXT, "text") /* in the policy itself: public things only */

enum sg_cas_secret_kind {
#define X(id, name) SG_CAS_SECRET_##id,
    SG_CAS_SECRET_KINDS(X)
#undef X
};

/* One secret that the policy wants to exist. */
struct sg_cas_wanted {
    char name[SG_CAS_SECRET_NAME_MAX + 1];
    enum sg_cas_secret_kind kind;
    size_t octets;      /* RANDOM */
    const char *source; /* FILE: path, TEXT: contents; the policy's */
};

/* A root of evidence that a production casd may be configured with: SHA-256 of the file. */
struct sg_cas_root {
    uint8_t digest[32];
};

struct sg_cas_rule {
    const char *service;
    const char *ip, *dns;              /* names in the certificate; NULL: none */
    struct sg_tee_policy_text *accept; /* evidence; without "kinds" only simulated */
    const char **released; /* secret names; "kek/metering/" + star: every name with that prefix */
    size_t n_released;
};

struct sg_cas_policy {
    struct sg_yaml tree; /* owns every text below */
    uint64_t version;
    int64_t certificate_s;
    uint64_t collateral_epoch; /* raised by the operator: marks of collateral are forgotten */
    struct sg_cas_wanted *wanted;
    size_t n_wanted;
    struct sg_cas_rule *rules;
    size_t n_rules;
    struct sg_cas_root *roots;
    size_t n_roots;
};

enum sg_cas_policy_outcome { SG_CAS_POLICY_BAD = 1 };

/* SG_CAS_POLICY_BAD with e filled. */
SG_MUST_USE int sg_cas_policy_parse(struct sg_cas_policy **ret, struct sg_bytes yaml,
                                    struct sg_yaml_error *e);
void sg_cas_policy_free(struct sg_cas_policy *p);
SG_DEFINE_FREEP(struct sg_cas_policy, sg_cas_policy_free)
/* NULL if the policy has no such service. */
const struct sg_cas_rule *sg_cas_policy_rule(const struct sg_cas_policy *p,
                                             struct sg_bytes service);
bool sg_cas_rule_releases(const struct sg_cas_rule *rule, const char *secret);
