#pragma once
/*
 * test-platforms - make-believe hardware for tests of casd: platforms of every kind under roots of
 * their own, the collateral to judge them by as files, and evidence of any report data.
 */
#include "test-vendors-int.h"
#include "testkit/intel.h"

#define MEASUREMENT_SGX "1111111111111111111111111111111111111111111111111111111111111111"
#define SIGNER_SGX      "2222222222222222222222222222222222222222222222222222222222222222"
#define MEASUREMENT_33                                                                             \
    "33333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333" \
    "3333" /* of the TD and of the SNP guest */

struct platforms {
    struct tk_intel intel;
    struct tk_amd amd;
    struct vendors more;
};

static inline void platforms_init(struct platforms *p, int64_t at_s)
{
    tk_intel_init(&p->intel, at_s);
    tk_amd_init(&p->amd, TK_MILAN, at_s);
    vendors_init(&p->more, at_s);
}

static inline void platforms_clear(struct platforms *p)
{
    tk_intel_clear(&p->intel);
    tk_amd_clear(&p->amd);
    vendors_clear(&p->more);
}

static inline void put_tcb_info(const struct world *w, const struct tk_intel *t, const char *name,
                                const struct tk_tcb_info *info)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    tk_tcb_info_json(t, info, &b);
    put_file(w, name, &b);
}

static inline void put_pck_crl(const struct world *w, const struct tk_intel *t,
                               const uint64_t *revoked)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    tk_intel_pck_crl(t, revoked, revoked ? 1 : 0, &b);
    put_file(w, "collateral/pck.crl", &b);
}

static inline void put_intel(const struct world *w, const struct tk_intel *t)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    static const char *const infos[] = {"collateral/tcb-sgx.json", "collateral/tcb-tdx.json"};
    static const char *const ids[] = {"collateral/qe.json", "collateral/td-qe.json"};
    put_root(w, "intel.pem", t->root);
    tk_intel_signer_chain(t, &b);
    put_file(w, "collateral/signer.pem", &b);
    for (int tdx = 0; tdx < 2; tdx++) {
        const struct tk_tcb_info info = tk_tcb_info_good(t, tdx);
        const struct tk_identity id = tk_identity_good(t, tdx);
        put_tcb_info(w, t, infos[tdx], &info);
        sg_buf_reset(&b);
        tk_identity_json(t, &id, &b);
        put_file(w, ids[tdx], &b);
    }
    sg_buf_reset(&b);
    tk_intel_root_crl(t, NULL, 0, &b);
    put_file(w, "collateral/root.crl", &b);
    put_pck_crl(w, t, NULL);
}

static inline void put_amd(const struct world *w, const struct tk_amd *t)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    const struct tk_crl_spec crl = {
        .from_s = t->at_s - 3600, .until_s = t->at_s + 30 * 86400, .digest = "SHA384", .pss = true};
    put_root(w, "amd.pem", t->ark);
    put_root(w, "collateral/ask.pem", t->ask);
    tk_crl_der(&crl, t->ark, t->ark_key, &b);
    put_file(w, "collateral/amd.crl", &b);
}

static inline void put_platforms(const struct world *w, const struct platforms *p)
{
    char path[128];
    snprintf(path, sizeof path, "%s/collateral", w->dir);
    assert_int_equal(sg_mkdir_p(path, 0700), 0);
    put_intel(w, &p->intel);
    put_amd(w, &p->amd);
    put_vendors(w, &p->more, p->intel.at_s);
}

#define N_ROOTS 5

/* The first n of the roots. */
static inline int use_roots(struct fixture *f, size_t n, struct sg_cas_collateral_report *report)
{
    static const char *const vendors[N_ROOTS] = {"intel", "amd", "tpm", "aws", "arm"};
    char folder[128], root[N_ROOTS][160];
    const char *const folders[] = {folder};
    const char *roots[N_ROOTS];
    const struct sg_cas_collateral_options o = {folders, 1, roots, n};
    struct sg_cas_collateral *c = NULL;
    snprintf(folder, sizeof folder, "%s/collateral", f->w.dir);
    for (size_t i = 0; i < N_ROOTS; i++) {
        snprintf(root[i], sizeof root[i], "%s:%s/%s.pem", vendors[i], f->w.dir, vendors[i]);
        roots[i] = root[i];
    }
    assert_int_equal(sg_cas_collateral_new(&c, &o), 0);
    return sg_cas_service_set_collateral(f->service, c, report);
}

/* Intel's and AMD's. */
static inline int use_collateral(struct fixture *f, struct sg_cas_collateral_report *report)
{
    return use_roots(f, 2, report);
}

/* ---- evidence ---- */

static inline void forge_sim(const struct forgery *g, struct sg_buf *ret)
{
    struct sg_tee_claims claims = {.debug = g->debug};
    assert_int_equal(sg_sim_measure_self(claims.measurement), 0);
    claims.measurement[0] ^= g->other_measurement;
    memcpy(claims.report_data, g->report_data, 64);
    assert_int_equal(sg_sim_forge(g->sim_platform, &claims, ret), 0);
}

static inline void forge_sgx(const struct tk_intel *t, const struct forgery *g, struct sg_buf *ret)
{
    struct tk_quote q = tk_quote_sgx(t);
    q.body[48] |= g->debug ? 2 : 0;
    q.body[64] ^= g->other_measurement;
    memcpy(q.body + 320, g->report_data, 64);
    tk_quote_make(t, &q, ret);
}

static inline void forge_tdx(const struct tk_intel *t, const struct forgery *g, struct sg_buf *ret)
{
    struct tk_quote q = tk_quote_td(t, 4, TK_TD10_BODY);
    q.body[120] |= g->debug;
    q.body[136] ^= g->other_measurement;
    memcpy(q.body + 520, g->report_data, 64);
    tk_quote_make(t, &q, ret);
}

static inline void forge_snp(const struct tk_amd *t, const struct forgery *g, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf vcek = SG_BUF_INIT(8192);
    uint8_t report[TK_SNP_REPORT];
    struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = SG_BYTES_ARRAY(report)};
    tk_snp_report(t, 3, report);
    report[0x0a] |= g->debug ? 8 : 0; /* policy, bit 19 */
    report[0x90] ^= g->other_measurement;
    memcpy(report + 0x50, g->report_data, 64);
    tk_snp_sign(t->vcek_key, report);
    tk_cert_der(t->vcek, &vcek);
    e.part[SG_TEE_PART_CERTIFICATES] = sg_buf_bytes(&vcek);
    assert_int_equal(sg_tee_evidence_encode(&e, ret), 0);
}

static inline void forge(const struct platforms *p, const struct forgery *g, struct sg_buf *ret)
{
    switch (g->kind) {
    case SG_TEE_SIM:
        forge_sim(g, ret);
        break;
    case SG_TEE_SGX:
        forge_sgx(&p->intel, g, ret);
        break;
    case SG_TEE_TDX:
        forge_tdx(&p->intel, g, ret);
        break;
    case SG_TEE_SNP:
        forge_snp(&p->amd, g, ret);
        break;
    case SG_TEE_TPM:
        forge_tpm(&p->more, g, ret);
        break;
    case SG_TEE_AZURE:
        forge_azure(&p->more, &p->amd, g, ret);
        break;
    case SG_TEE_NITRO:
        forge_nitro(&p->more, p->intel.at_s, g, ret);
        break;
    case SG_TEE_CCA:
        forge_cca(&p->more, g, ret);
        break;
    default:
        fail();
    }
}

/* ---- requests ---- */

static inline struct sg_cas_request kind_request(const struct peer *p, enum sg_tee_kind kind,
                                                 const char *service,
                                                 const uint8_t nonce[SG_CAS_NONCE_LEN],
                                                 const struct sg_buf *evidence)
{
    struct sg_cas_request q = {.service = sg_bytes_str(service),
                               .kind = sg_bytes_str(sg_tee_kind_name(kind)),
                               .evidence = sg_buf_bytes(evidence),
                               .spki = sg_buf_bytes(&p->spki)};
    memcpy(q.nonce, nonce, sizeof q.nonce);
    return q;
}

/* Evidence over a connection, whoever's it is; everything else of g is the caller's. */
static inline void forge_for(const struct platforms *p, struct forgery g,
                             const struct sg_cas_connection *c,
                             const uint8_t nonce[SG_CAS_NONCE_LEN], const char *service,
                             struct sg_buf *ret)
{
    uint8_t report_data[SG_TEE_REPORT_DATA_LEN];
    sg_cas_report_data(report_data, nonce, c, sg_bytes_str(service));
    g.report_data = report_data;
    forge(p, &g, ret);
}

static inline int attest_nonce(struct fixture *f, const struct platforms *p, struct forgery g,
                               const struct peer *who, const char *service,
                               const uint8_t nonce[SG_CAS_NONCE_LEN], struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    forge_for(p, g, &who->connection, nonce, service, &evidence);
    struct sg_cas_request q = kind_request(who, g.kind, service, nonce, &evidence);
    return send_request(f, &who->connection, &q, ret);
}

/* The honest way, but for what g asks. */
static inline int attest_as(struct fixture *f, const struct platforms *p, struct forgery g,
                            const char *service, struct sg_buf *ret)
{
    PEER(who);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    get_nonce(f, &who, nonce);
    return attest_nonce(f, p, g, &who, service, nonce, ret);
}

/* A good enclave; something is handed out only if it is granted. */
static inline int attest_sgx(struct fixture *f, const struct platforms *p, const char *service)
{
    OUT(out);
    const struct forgery g = {.kind = SG_TEE_SGX};
    int r = attest_as(f, p, g, service, &out);
    assert_int_equal(out.len > 0, r == 0);
    return r;
}

static inline bool has_reason(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->finding.reasons.n; i++)
        if (strcmp(sg_tee_reason_name(f->finding.reasons.at[i]), name) == 0)
            return true;
    return false;
}
