#pragma once
/*
 * test-vendor - services of make-believe vendors (tee/testkit): what they answer to a request, good
 * and bad; and a caller that gathers from them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "testkit/amd.h"
#include "testkit/expect.h"
#include "testkit/intel.h"

#include <sealgrid/base/file.h>
#include <sealgrid/collateral.h>
#include <stdio.h>

#define AT  INT64_C(1782864000)
#define DAY INT64_C(86400)

struct vendor {
    struct tk_intel *intel;
    struct tk_amd *amd;
    unsigned evaluation;
    int crl_issue;        /* of lists, a minute each */
    bool no_chain;        /* header left out */
    bool wrong_fmspc;     /* another platform's TCB info, signed as it should be */
    unsigned extra_certs; /* stuffed into every answer in PEM */
    unsigned asked;
    char last[512]; /* path of the last request */
};

struct answer {
    int status;
    struct sg_buf body;
    const char *chain_header;
    struct sg_buf chain;
};
#define ANSWER_INIT                                                                                \
    {                                                                                              \
        .status = 404, .body = SG_BUF_INIT(1u << 20), .chain = SG_BUF_INIT(65536)                  \
    }

static inline void answer_clear(struct answer *a)
{
    sg_buf_clear(&a->body);
    sg_buf_clear(&a->chain);
}

static inline void put_chain(const struct vendor *v, struct answer *a, const char *header,
                             const struct sg_buf *pem)
{
    if (v->no_chain)
        return;
    a->chain_header = header;
    for (size_t i = 0; i < pem->len; i++) {
        const uint8_t c = pem->data[i];
        const bool plain =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
        assert_int_equal(sg_buf_printf(&a->chain, plain ? "%c" : "%%%02X", c), 0);
    }
}

static inline void answer_intel_doc(const struct vendor *v, bool identity, bool tdx,
                                    struct answer *a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(65536);
    struct tk_tcb_info info = tk_tcb_info_good(v->intel, tdx);
    struct tk_identity id = tk_identity_good(v->intel, tdx);
    info.evaluation = id.evaluation = v->evaluation;
    info.fmspc[0] ^= v->wrong_fmspc;
    if (identity)
        tk_identity_json(v->intel, &id, &a->body);
    else
        tk_tcb_info_json(v->intel, &info, &a->body);
    tk_intel_signer_chain(v->intel, &pem);
    put_chain(v, a, identity ? "SGX-Enclave-Identity-Issuer-Chain" : "TCB-Info-Issuer-Chain", &pem);
}

static inline void answer_crl(const struct vendor *v, const X509 *issuer, EVP_PKEY *key,
                              const char *digest, struct answer *a)
{
    const struct tk_crl_spec spec = {.from_s = AT - DAY + 60 * v->crl_issue,
                                     .until_s = AT + 29 * DAY,
                                     .number = 1,
                                     .digest = digest,
                                     .pss = issuer == v->amd->ark};
    tk_crl_der(&spec, issuer, key, &a->body);
}

static inline void answer_pck_crl(const struct vendor *v, struct answer *a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(65536);
    answer_crl(v, v->intel->ca, v->intel->ca_key, "SHA256", a);
    tk_cert_pem(v->intel->ca, &pem);
    tk_cert_pem(v->intel->root, &pem);
    put_chain(v, a, "SGX-PCK-CRL-Issuer-Chain", &pem);
}

/* A PCCS gives the root's list in hexadecimal. */
static inline void answer_root_crl(const struct vendor *v, struct answer *a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(65536);
    answer_crl(v, v->intel->root, v->intel->root_key, "SHA256", a);
    assert_int_equal(sg_buf_append(&der, sg_buf_bytes(&a->body)), 0);
    sg_buf_reset(&a->body);
    for (size_t i = 0; i < der.len; i++)
        assert_int_equal(sg_buf_printf(&a->body, "%02x", der.data[i]), 0);
}

static inline void vcek_path(const struct tk_amd *t, const char *product, char *ret, size_t size)
{
    size_t n = (size_t)snprintf(ret, size, "/vcek/v1/%s/", product);
    for (size_t i = 0; i < sizeof t->chip_id; i++)
        n += (size_t)snprintf(ret + n, size - n, "%02x", t->chip_id[i]);
    snprintf(ret + n, size - n, "?blSPL=%02d&teeSPL=%02d&snpSPL=%02d&ucodeSPL=%02d", t->bl, t->tee,
             t->snp, t->ucode);
}

static inline void answer_amd(const struct vendor *v, const char *path, struct answer *a)
{
    const char *product = v->amd->product == TK_MILAN ? "Milan" : "Genoa";
    char chain[64], crl[64], vcek[512];
    snprintf(chain, sizeof chain, "/vcek/v1/%s/cert_chain", product);
    snprintf(crl, sizeof crl, "/vcek/v1/%s/crl", product);
    vcek_path(v->amd, product, vcek, sizeof vcek);
    a->status = 200;
    if (!strcmp(path, chain)) {
        tk_cert_pem(v->amd->ask, &a->body);
        tk_cert_pem(v->amd->ark, &a->body);
    } else if (!strcmp(path, crl)) {
        answer_crl(v, v->amd->ark, v->amd->ark_key, "SHA384", a);
    } else if (!strcmp(path, vcek)) {
        tk_cert_der(v->amd->vcek, &a->body);
    } else {
        a->status = 404;
    }
}

static inline void vendor_answer(struct vendor *v, const char *path, struct answer *a)
{
    char sgx[128], tdx[128];
    const uint8_t *f = v->intel->fmspc;
    v->asked++;
    snprintf(v->last, sizeof v->last, "%s", path);
    snprintf(sgx, sizeof sgx, "/sgx/certification/v4/tcb?fmspc=%02x%02x%02x%02x%02x%02x", f[0],
             f[1], f[2], f[3], f[4], f[5]);
    snprintf(tdx, sizeof tdx, "/tdx%s", sgx + 4);
    a->status = 200;
    if (!strcmp(path, sgx) || !strcmp(path, tdx))
        answer_intel_doc(v, false, path[1] == 't', a);
    else if (!strcmp(path + 4, "/certification/v4/qe/identity"))
        answer_intel_doc(v, true, path[1] == 't', a);
    else if (!strcmp(path, "/sgx/certification/v4/pckcrl?ca=processor&encoding=der"))
        answer_pck_crl(v, a);
    else if (!strcmp(path, "/sgx/certification/v4/rootcacrl"))
        answer_root_crl(v, a);
    else
        answer_amd(v, path, a);
    for (unsigned i = 0; i < v->extra_certs && a->status == 200; i++) {
        struct tk_cert_spec spec = v->amd->ask_spec;
        spec.serial += i + 1;
        X509 *c = tk_cert_new(&spec, v->amd->ask_key, v->amd->ark, v->amd->ark_key);
        tk_cert_pem(c, &a->body);
        X509_free(c);
    }
}

/* ---- a caller ---- */

struct caller {
    char folder[64], cache[80];
    struct vendor vendor;
    struct sg_tee_store *store; /* what is gathered */
    char warnings[8192];
    struct sg_collateral_report report;
    struct sg_collateral_options o;
};

static struct tk_intel intel;
static struct tk_amd amd, genoa;

static inline int new_store(void *user, struct sg_tee_store **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    const X509 *roots[] = {intel.root, amd.ark, genoa.ark};
    int r = sg_tee_store_new(ret, false);
    (void)user;
    for (size_t i = 0; i < 3 && r == 0; i++) {
        sg_buf_reset(&b);
        tk_cert_der(roots[i], &b);
        r = sg_tee_store_add_root(*ret, i ? SG_TEE_VENDOR_AMD : SG_TEE_VENDOR_INTEL,
                                  sg_buf_bytes(&b));
    }
    return r;
}

static inline int take(void *user, struct sg_bytes blob)
{
    struct caller *c = user;
    unsigned items;
    return sg_tee_store_add(c->store, blob, &items);
}

static inline void warned(void *user, const char *document, const char *text)
{
    struct caller *c = user;
    const size_t n = strlen(c->warnings);
    snprintf(c->warnings + n, sizeof c->warnings - n, "%s: %s\n", document, text);
}

static inline void caller_new(struct caller *c)
{
    *c =
        (struct caller){.vendor = {.intel = &intel, .amd = &amd, .evaluation = 17, .crl_issue = 5}};
    /* In memory where there is such a place: many syncs cost nothing there. */
    snprintf(c->folder, sizeof c->folder, "%s/sg-test-collateral-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(c->folder));
    snprintf(c->cache, sizeof c->cache, "%s/cache", c->folder);
    c->o = (struct sg_collateral_options){.intel = "http://127.0.0.1:9",
                                          .amd = "http://127.0.0.1:9",
                                          .cache = c->cache,
                                          .connect = true,
                                          .at_s = AT};
}

static inline void caller_clear(struct caller *c)
{
    sg_tee_store_free(c->store);
    assert_int_equal(sg_remove_tree(c->folder), 0);
}

static inline void start_over(struct caller *c)
{
    sg_tee_store_free(c->store);
    c->store = NULL;
    assert_int_equal(new_store(NULL, &c->store), 0);
    c->warnings[0] = 0;
    c->report = (struct sg_collateral_report){0};
    c->vendor.asked = 0;
}

static inline void expect_warning(const struct caller *c, const char *document, const char *text)
{
    const char *at = strstr(c->warnings, document);
    if (!at || !strstr(at, text))
        fail_msg("\"%s ... %s\" wanted: %s", document, text, c->warnings);
}

static inline void expect_quiet(const struct caller *c)
{
    if (c->warnings[0])
        fail_msg("%s", c->warnings);
}

/* ---- evidence ---- */

enum proof { SGX, TDX, SNP, SNP_V2, GENOA_V2 };

static inline void make_evidence(enum proof p, struct sg_buf *ret)
{
    uint8_t report[TK_SNP_REPORT];
    const struct tk_amd *t = p == GENOA_V2 ? &genoa : &amd;
    if (p == SGX || p == TDX) {
        const struct tk_quote q =
            p == TDX ? tk_quote_td(&intel, 4, TK_TD10_BODY) : tk_quote_sgx(&intel);
        tk_quote_make(&intel, &q, ret);
        return;
    }
    tk_snp_report(t, p == SNP ? 3 : 2, report);
    tk_snp_sign(t->vcek_key, report);
    assert_int_equal(sg_buf_append(ret, SG_BYTES_ARRAY(report)), 0);
}

static inline struct sg_tee_needs needs_of(enum proof p)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    struct sg_tee_needs n;
    make_evidence(p, &b);
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&b)};
    assert_int_equal(sg_tee_needs(&e, &n), 0);
    assert_true(n.n > 0);
    return n;
}

/* Of what was gathered: the evidence is trusted, or why not. */
static inline enum sg_tee_reason judged(struct caller *c, enum proof p)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    make_evidence(p, &b);
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&b)};
    assert_int_equal(sg_tee_store_seal(c->store), 0);
    const struct sg_tee_verdict v = tk_judge(c->store, &e, c->o.at_s, false);
    return v.reasons.n ? v.reasons.at[0] : SG_TEE_REASON_NONE;
}

static inline void expect_trusted(struct caller *c, enum proof p)
{
    const enum sg_tee_reason r = judged(c, p);
    if (r != SG_TEE_REASON_NONE)
        fail_msg("%s; %s", sg_tee_reason_name(r), c->warnings);
}

static inline void vendors_init(void)
{
    tk_intel_init(&intel, AT);
    tk_amd_init(&amd, TK_MILAN, AT);
    tk_amd_init(&genoa, TK_GENOA, AT);
}

static inline void vendors_clear(void)
{
    tk_intel_clear(&intel);
    tk_amd_clear(&amd);
    tk_amd_clear(&genoa);
}
