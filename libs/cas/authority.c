#include <stdio.h>

#include "service-int.h"

#define CA_LIFE_S   (10LL * 365 * 86400)
#define CA_SKEW_S   86400 /* services whose clock is behind */
#define LEAF_SKEW_S 300

int sg_cas_authority_make(struct sg_cas_vault *v, int64_t now_s)
{
    struct sg_cert_request req = {.common_name = "Sealgrid services",
                                  .not_before_s = now_s - CA_SKEW_S,
                                  .not_after_s = now_s + CA_LIFE_S,
                                  .ca = true,
                                  .path_len = 0};
    int r = sg_key_generate(&v->ca_key, SG_KEY_P256);
    if (r == 0)
        r = sg_key_generate(&v->audit_key, SG_KEY_P256);
    return r < 0 ? r : sg_cert_issue(&v->ca_cert, &req, v->ca_key, NULL, v->ca_key);
}

struct leaf {
    char uri[sizeof SG_CAS_URI_PREFIX + SG_CAS_SERVICE_NAME_MAX];
    struct sg_cert_request req;
};

static void leaf_of(struct leaf *l, const struct sg_cas_names *n, int64_t now_s, int64_t life_s)
{
    snprintf(l->uri, sizeof l->uri, "%s%s", SG_CAS_URI_PREFIX, n->service);
    l->req = (struct sg_cert_request){.common_name = n->service,
                                      .uri = l->uri,
                                      .ip = n->ip,
                                      .dns = n->dns,
                                      .not_before_s = now_s - LEAF_SKEW_S,
                                      .not_after_s = now_s + life_s,
                                      .server = true,
                                      .client = true};
}

int sg_cas_authority_issue(const struct sg_cas_vault *v, const struct sg_cas_names *n,
                           const struct sg_key *key, int64_t now_s, int64_t life_s,
                           struct sg_cert **ret)
{
    struct leaf l;
    leaf_of(&l, n, now_s, life_s);
    return sg_cert_issue(ret, &l.req, key, v->ca_cert, v->ca_key);
}

int sg_cas_authority_grant(const struct sg_cas_vault *v, const struct sg_cas_names *n,
                           const struct sg_key *key, int64_t now_s, int64_t life_s,
                           struct sg_buf *ret)
{
    struct leaf l;
    leaf_of(&l, n, now_s, life_s);
    return sg_cert_issue_der(ret, &l.req, key, v->ca_cert, v->ca_key);
}
