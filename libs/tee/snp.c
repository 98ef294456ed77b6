/* snp - judges SEV-SNP attestation reports; see snp-int.h. */
#include "snp-int.h"

#include "bundle-int.h"
#include "judge-int.h"
#include "needs-int.h"
#include "store-int.h"

#include <sealgrid/base/buf.h>
#include <stdio.h>

enum { VERSION_2 = 2, VERSION_3 = 3, VERSION_5 = 5, ALGORITHM_P384_SHA384 = 1 };
enum { KEY_VCEK = 0, KEY_VLEK = 1 }; /* bits 4:2 of the flags */

#define HEX(name, offset, len)                                                                     \
    {                                                                                              \
        name, offset, len, SG_TEE_FIELD_HEX                                                        \
    }
#define UINT(name, offset, len)                                                                    \
    {                                                                                              \
        name, offset, len, SG_TEE_FIELD_UINT                                                       \
    }

static const struct sg_tee_field fields[] = {
    UINT("version", 0x00, 4),
    UINT("guest_svn", 0x04, 4),
    {"policy", SG_SNP_POLICY, 8, SG_TEE_FIELD_HEX_UINT},
    HEX("family_id", 0x10, 16),
    HEX("image_id", 0x20, 16),
    UINT("vmpl", SG_SNP_VMPL, 4),
    UINT("sig_algo", SG_SNP_ALGORITHM, 4),
    HEX("current_tcb", 0x38, 8),
    {"platform_info", 0x40, 8, SG_TEE_FIELD_HEX_UINT},
    HEX("report_data", SG_SNP_REPORT_DATA, 64),
    HEX("measurement", SG_SNP_MEASUREMENT, 48),
    HEX("host_data", 0xC0, 32),
    HEX("id_key_digest", SG_SNP_ID_KEY_DIGEST, 48),
    HEX("author_key_digest", 0x110, 48),
    HEX("report_id", 0x140, 32),
    HEX("report_id_ma", 0x160, 32),
    HEX("reported_tcb", SG_SNP_REPORTED_TCB, 8),
    HEX("cpuid_fam_mod_step", SG_SNP_FAMILY, 3),
    HEX("chip_id", SG_SNP_CHIP_ID, SG_SNP_CHIP_ID_LEN),
    HEX("committed_tcb", 0x1E0, 8),
    HEX("launch_tcb", 0x1F0, 8),
    HEX("launch_mit_vector", 0x1F8, 8), /* version 5 and later */
    HEX("current_mit_vector", 0x200, 8),
};
enum { N_FIELDS = sizeof(fields) / sizeof(fields[0]), N_FIELDS_BEFORE_5 = N_FIELDS - 2 };

/* Octets that must be zero, [from, until), below a version; 0: in every version. */
static const struct {
    uint16_t from, until;
    uint8_t below;
} reserved[] = {{0x04C, 0x050, 0}, {0x188, 0x18B, VERSION_3}, {0x18B, 0x1A0, 0}, {0x1EB, 0x1EC, 0},
                {0x1EF, 0x1F0, 0}, {0x1F8, 0x208, VERSION_5}, {0x208, 0x2A0, 0}};

static bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

static const uint8_t *report_of(const struct sg_tee_evidence *e, size_t *ret_len)
{
    *ret_len = e->part[SG_TEE_PART_REPORT].len;
    return e->part[SG_TEE_PART_REPORT].data;
}

/* Quotes have a key type in the upper half of the first four octets, CBOR and "HCLA" more. */
static bool recognise(const struct sg_tee_evidence *e)
{
    size_t len;
    const uint8_t *p = report_of(e, &len);

    return len >= 4 && sg_load_le32(p) >= 1 && sg_load_le32(p) < 256;
}

static enum sg_tee_kind kind_of(const struct sg_tee_evidence *e)
{
    (void)e;
    return SG_TEE_SNP;
}

static bool version_known(uint32_t v)
{
    return v == VERSION_2 || v == VERSION_3 || v == VERSION_5;
}

static unsigned signing_key(const uint8_t *p)
{
    return sg_load_le32(p + SG_SNP_KEY_FLAGS) >> 2 & 7;
}

static enum sg_snp_product product_of_report(const uint8_t *p)
{
    return sg_load_le32(p) < VERSION_3 ? SG_SNP_UNKNOWN
                                       : sg_snp_product_of_cpu(p[SG_SNP_FAMILY], p[SG_SNP_MODEL]);
}

/* ---- the certificate of the key that signed ---- */

struct candidate {
    const struct sg_tee_cert *cert;
    struct sg_snp_key_info info;
    int extensions; /* 0 or SG_SNP_CERT_EXTENSION */
    unsigned fits;  /* what agrees with the report, a point each */
};

struct search {
    const uint8_t *report;
    bool vlek;
    struct candidate best;
};

static bool tcb_agrees(const uint8_t *report, const struct sg_snp_key_info *k)
{
    struct sg_snp_tcb t = sg_snp_tcb_decode(k->product, report + SG_SNP_REPORTED_TCB);

    return sg_snp_tcb_equal(&t, &k->tcb);
}

static bool chip_agrees(const uint8_t *report, const struct sg_snp_key_info *k)
{
    return k->vlek || sg_snp_chip_matches(k, report + SG_SNP_CHIP_ID);
}

/* The first of those that agree most: the choice proves nothing, it only finds the key to try. */
static void consider(struct search *s, const struct sg_tee_cert *cert)
{
    struct candidate c = {.cert = cert};

    c.extensions = sg_snp_key_info(cert, &c.info);
    if (c.extensions == SG_SNP_CERT_FOREIGN || c.info.vlek != s->vlek)
        return;
    c.fits = 1u + 4u * chip_agrees(s->report, &c.info) + 2u * tcb_agrees(s->report, &c.info) +
             (c.extensions == 0);
    if (c.fits > s->best.fits)
        s->best = c;
}

static struct candidate find_key(const struct sg_tee_case *c, const struct sg_tee_own_certs *own,
                                 const uint8_t *report)
{
    struct search s = {.report = report, .vlek = signing_key(report) == KEY_VLEK};

    for (size_t i = 0; i < own->n; i++)
        consider(&s, own->at[i]);
    /* What travels with the evidence is the sender's word for its key; others only if it has none.
     */
    if (!s.best.cert)
        for (size_t i = 0; i < c->store->n_certs; i++)
            consider(&s, c->store->cert[i]);
    return s.best;
}

/* ---- judging ---- */

static void judge_form(const uint8_t *p, struct sg_tee_verdict *v)
{
    uint32_t version = sg_load_le32(p);
    uint64_t policy = sg_load_le64(p + SG_SNP_POLICY);

    if (sg_load_le32(p + SG_SNP_ALGORITHM) != ALGORITHM_P384_SHA384)
        sg_tee_refuse(v, SG_TEE_REASON_SNP_ALGORITHM);
    if (!(policy >> SG_SNP_POLICY_rsvd1 & 1) || policy >> (SG_SNP_POLICY_page_swap_disable + 1))
        sg_tee_refuse(v, SG_TEE_REASON_SNP_POLICY_RESERVED);
    if (sg_load_le32(p + SG_SNP_KEY_FLAGS) >> 5)
        sg_tee_refuse(v, SG_TEE_REASON_SNP_RESERVED);
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if ((!reserved[i].below || version < reserved[i].below) &&
            !all_zero(p + reserved[i].from, (size_t)(reserved[i].until - reserved[i].from)))
            sg_tee_refuse(v, SG_TEE_REASON_SNP_RESERVED);
    /* Behind the signed octets nothing but r and s may say anything. */
    for (size_t at = SG_SNP_SIGNATURE; at < SG_SNP_SIGNATURE_END; at += SG_SNP_SCALAR_ROOM)
        if (!all_zero(p + at + SG_SNP_SCALAR_LEN, SG_SNP_SCALAR_ROOM - SG_SNP_SCALAR_LEN))
            sg_tee_refuse(v, SG_TEE_REASON_SNP_PADDING);
    if (!all_zero(p + SG_SNP_SIGNATURE_END, SG_SNP_REPORT_LEN - SG_SNP_SIGNATURE_END))
        sg_tee_refuse(v, SG_TEE_REASON_SNP_PADDING);
}

static void learn(const uint8_t *p, struct sg_tee_verdict *v)
{
    struct sg_tee_claims *c = &v->claims;
    uint64_t policy = sg_load_le64(p + SG_SNP_POLICY);

    memcpy(c->measurement, p + SG_SNP_MEASUREMENT, 48);
    c->measurement_len = 48;
    if (!all_zero(p + SG_SNP_ID_KEY_DIGEST, 48)) {
        memcpy(c->signer, p + SG_SNP_ID_KEY_DIGEST, 48);
        c->signer_len = 48;
    }
    memcpy(c->platform, p + SG_SNP_CHIP_ID, SG_SNP_CHIP_ID_LEN);
    c->platform_len = SG_SNP_CHIP_ID_LEN;
    memcpy(c->report_data, p + SG_SNP_REPORT_DATA, 64);
    c->svn = sg_load_le32(p + 4);
    c->debug = policy >> SG_SNP_POLICY_debug & 1;
    v->migratable = policy >> SG_SNP_POLICY_migrate_ma & 1;
    v->vmpl = sg_load_le32(p + SG_SNP_VMPL);
    v->fields = fields;
    v->n_fields = sg_load_le32(p) < VERSION_5 ? N_FIELDS_BEFORE_5 : N_FIELDS;
    v->body = SG_BYTES(p, SG_SNP_REPORT_LEN);
}

static void judge_signature(const uint8_t *p, const struct sg_tee_key *key,
                            struct sg_tee_verdict *v)
{
    uint8_t rs[2 * SG_SNP_SCALAR_LEN];

    for (size_t i = 0; i < SG_SNP_SCALAR_LEN; i++) {
        size_t from = SG_SNP_SIGNATURE + SG_SNP_SCALAR_LEN - 1 - i;
        rs[i] = p[from];
        rs[SG_SNP_SCALAR_LEN + i] = p[from + SG_SNP_SCALAR_ROOM];
    }
    if (!sg_tee_key_verifies(key, SG_TEE_ES384, SG_BYTES(p, SG_SNP_SIGNED_LEN), SG_BYTES_ARRAY(rs)))
        sg_tee_refuse(v, SG_TEE_REASON_SNP_SIGNATURE);
}

static void judge_agreement(const uint8_t *p, const struct candidate *k,
                            const struct sg_tee_chain *chain, struct sg_tee_verdict *v)
{
    enum sg_snp_product ca = sg_snp_product_of_ca(chain, k->info.vlek), cpu = product_of_report(p);

    if (k->extensions)
        sg_tee_refuse(v, k->info.vlek ? SG_TEE_VLEK_EXTENSION : SG_TEE_VCEK_EXTENSION);
    if (k->info.product == SG_SNP_UNKNOWN || (chain->n && ca != k->info.product) ||
        (sg_load_le32(p) >= VERSION_3 && cpu != k->info.product))
        sg_tee_refuse(v, SG_TEE_REASON_SNP_PRODUCT);
    if (!tcb_agrees(p, &k->info))
        sg_tee_refuse(v, SG_TEE_REASON_SNP_TCB);
    if (!chip_agrees(p, &k->info))
        sg_tee_refuse(v, SG_TEE_REASON_SNP_CHIP_ID);
}

static void judge_key(const struct sg_tee_case *c, const struct sg_tee_own_certs *own,
                      const uint8_t *p, struct sg_tee_verdict *v)
{
    struct candidate k = find_key(c, own, p);
    bool vlek = signing_key(p) == KEY_VLEK;
    struct sg_tee_chain_request q = sg_snp_chain_request(c, own, vlek);
    struct sg_tee_chain chain;

    if (!k.cert) {
        sg_tee_refuse(v, vlek ? SG_TEE_VLEK_MISSING : SG_TEE_VCEK_MISSING);
        return;
    }
    sg_tee_chain_judge(&q, k.cert, &chain);
    sg_tee_chain_report(&q, &chain, v);
    judge_agreement(p, &k, &chain, v);
    judge_signature(p, k.cert->key, v);
}

/* A key of the other kind came with the report. */
static bool only_other_kind(const struct sg_tee_own_certs *own, bool vlek)
{
    bool other = false;

    for (size_t i = 0; i < own->n; i++) {
        struct sg_snp_key_info info;
        if (sg_snp_key_info(own->at[i], &info) == SG_SNP_CERT_FOREIGN)
            continue;
        if (info.vlek == vlek)
            return false;
        other = true;
    }
    return other;
}

static int judge_report(const struct sg_tee_case *c, const uint8_t *p, struct sg_tee_verdict *v)
{
    SG_CLEANUP(sg_tee_bundle_clear) struct sg_tee_bundle bundle = {0};
    unsigned key = signing_key(p);
    int r = sg_tee_bundle_load(c, 0, &c->evidence->part[SG_TEE_PART_CERTIFICATES], 1, &bundle);
    if (r < 0)
        return r;
    if (r == SG_TEE_CERT_BROKEN)
        sg_tee_refuse(v, key == KEY_VLEK ? SG_TEE_VLEK_MALFORMED : SG_TEE_VCEK_MALFORMED);
    judge_form(p, v);
    learn(p, v);
    if ((key != KEY_VCEK && key != KEY_VLEK) || only_other_kind(bundle.certs, key == KEY_VLEK))
        sg_tee_refuse(v, SG_TEE_REASON_SNP_SIGNING_KEY);
    judge_key(c, bundle.certs, p, v);
    return 0;
}

static int judge(const struct sg_tee_case *c, struct sg_tee_verdict *v)
{
    size_t len;
    const uint8_t *p = report_of(c->evidence, &len);
    uint32_t version = sg_load_le32(p);

    v->kind = SG_TEE_SNP;
    v->tcb_status = c->crypto_only ? SG_TEE_STATUS_NOT_CHECKED : SG_TEE_STATUS_NOT_APPLICABLE;
    snprintf(v->format, sizeof(v->format), "snp-report-v%u", version);
    if (!version_known(version)) {
        sg_tee_refuse(v, SG_TEE_REASON_VERSION);
        return 0;
    }
    if (len < SG_SNP_REPORT_LEN) {
        sg_tee_refuse(v, SG_TEE_REASON_MALFORMED);
        return 0;
    }
    /* Drivers hand out whole buffers, zeros behind the report. */
    if (!all_zero(p + SG_SNP_REPORT_LEN, len - SG_SNP_REPORT_LEN))
        sg_tee_refuse(v, SG_TEE_REASON_TRAILING);
    return judge_report(c, p, v);
}

/* ---- describing ---- */

static void boolean(struct sg_json *j, const char *name, bool v)
{
    sg_json_key(j, name);
    sg_json_bool(j, v);
}

static void policy_json(const uint8_t *p, struct sg_json *j)
{
    uint64_t policy = sg_load_le64(p + SG_SNP_POLICY);

    sg_json_key(j, "policy_bits");
    sg_json_object(j);
    sg_json_key(j, "abi_minor");
    sg_json_uint(j, policy & 0xFF);
    sg_json_key(j, "abi_major");
    sg_json_uint(j, policy >> 8 & 0xFF);
#define X(bit, name) boolean(j, #name, policy >> (bit)&1);
    SG_SNP_POLICY_BITS(X)
#undef X
    sg_json_end_object(j);
}

static void key_flags_json(const uint8_t *p, struct sg_json *j)
{
    uint32_t flags = sg_load_le32(p + SG_SNP_KEY_FLAGS);
    unsigned key = signing_key(p);

    boolean(j, "author_key_en", flags & 1);
    boolean(j, "mask_chip_key", flags >> 1 & 1);
    sg_json_key(j, "signing_key");
    sg_json_str(j, key == KEY_VCEK ? "VCEK" : key == KEY_VLEK ? "VLEK" : key == 7 ? "NONE" : "?");
}

static void component(struct sg_json *j, const char *name, int v)
{
    if (v < 0)
        return;
    sg_json_key(j, name);
    sg_json_int(j, v);
}

static void tcb_json(enum sg_snp_product product, const uint8_t *p, struct sg_json *j)
{
    struct sg_snp_tcb t = sg_snp_tcb_decode(product, p + SG_SNP_REPORTED_TCB);

    sg_json_key(j, "reported_tcb_decoded");
    sg_json_object(j);
    component(j, "fmc", t.fmc);
    component(j, "bl", t.bl);
    component(j, "tee", t.tee);
    component(j, "snp", t.snp);
    component(j, "ucode", t.ucode);
    sg_json_end_object(j);
}

static void version_json(const char *name, const uint8_t *build_minor_major, struct sg_json *j)
{
    char text[16];

    snprintf(text, sizeof(text), "%u.%u.%u", build_minor_major[2], build_minor_major[1],
             build_minor_major[0]);
    sg_json_key(j, name);
    sg_json_str(j, text);
}

static int certificate_json(const struct sg_tee_case *c, const uint8_t *p, struct sg_json *j)
{
    SG_CLEANUP(sg_tee_bundle_clear) struct sg_tee_bundle bundle = {0};
    int r = sg_tee_bundle_load(c, 0, &c->evidence->part[SG_TEE_PART_CERTIFICATES], 1, &bundle);
    if (r < 0)
        return r;
    struct candidate k = find_key(c, bundle.certs, p);
    if (!k.cert)
        return 0;
    sg_snp_cert_json(k.cert, &k.info, j);
    return 0;
}

static int describe(const struct sg_tee_evidence *e, const struct sg_tee_store *store,
                    struct sg_json *j)
{
    const struct sg_tee_case c = {.evidence = e, .store = store};
    size_t len;
    const uint8_t *p = report_of(e, &len);
    bool whole = len >= SG_SNP_REPORT_LEN && version_known(sg_load_le32(p));

    sg_json_key(j, "fields");
    sg_json_object(j);
    if (whole) {
        sg_tee_fields_json(fields, sg_load_le32(p) < VERSION_5 ? N_FIELDS_BEFORE_5 : N_FIELDS,
                           SG_BYTES(p, SG_SNP_REPORT_LEN), j);
        policy_json(p, j);
        key_flags_json(p, j);
        tcb_json(product_of_report(p), p, j);
        version_json("current_version", p + 0x1E8, j);
        version_json("committed_version", p + 0x1EC, j);
    }
    sg_json_end_object(j);
    return whole ? certificate_json(&c, p, j) : 0;
}

const struct sg_tee_judge sg_tee_judge_snp = {
    .kind_of = kind_of,
    .recognise = recognise,
    .judge = judge,
    .describe = describe,
    .needs = sg_snp_needs,
};
