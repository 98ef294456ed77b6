#include "tpm-provider-int.h"

#include "tpm-int.h"
#include "tpm-tss-int.h"

#include <pthread.h>
#include <sealgrid/crypto/hash.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

enum { TRIES = 4 };

struct tpm_provider {
    struct sg_tee_provider base;
    pthread_mutex_t one_at_a_time; /* a context of tss2 is for one thread */
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    ESYS_TR key;
    struct sg_buf public; /* TPM2B_PUBLIC */
    uint32_t pcrs;        /* quoted, and sealed to */
    size_t digest_max;    /* octets */
};

static struct tpm_provider *of(struct sg_tee_provider *p)
{
    return (struct tpm_provider *)p;
}

/* ---- PCR values ---- */

static uint32_t pcrs_of(const TPML_PCR_SELECTION *s)
{
    uint32_t pcrs = 0;
    for (UINT32 i = 0; i < s->count; i++)
        for (UINT8 k = 0; k < s->pcrSelections[i].sizeofSelect && k < 3; k++)
            pcrs |= (uint32_t)s->pcrSelections[i].pcrSelect[k] << 8 * k;
    return pcrs;
}

/* The TPM gives a few at a time, the lowest first, and says which. */
static int read_some(struct tpm_provider *t, uint32_t *left, struct sg_buf *ret)
{
    const TPML_PCR_SELECTION wanted = sg_tss_selection(*left);
    TSS_FREE TPML_PCR_SELECTION *got = NULL;
    TSS_FREE TPML_DIGEST *values = NULL;
    UINT32 updates;
    int r = sg_tss_raise(Esys_PCR_Read(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &wanted,
                                       &updates, &got, &values),
                         "PCR_Read");
    if (r < 0)
        return r;
    const uint32_t pcrs = pcrs_of(got);
    if (!pcrs || pcrs & ~*left || (UINT32)__builtin_popcount(pcrs) != values->count)
        return sg_raisef(-EIO, "TPM: no bank of SHA-256, or PCRs that were not asked for");
    for (UINT32 i = 0; i < values->count && r == 0; i++)
        r = values->digests[i].size == 32
                ? sg_buf_append(ret, SG_BYTES(values->digests[i].buffer, 32))
                : sg_raisef(-EIO, "TPM: a PCR of %u octets", values->digests[i].size);
    *left &= ~pcrs;
    return r;
}

static int read_pcrs(struct tpm_provider *t, struct sg_buf *ret)
{
    uint32_t left = t->pcrs;
    int r = 0;
    while (left && r == 0)
        r = read_some(t, &left, ret);
    return r;
}

/* ---- quotes ---- */

struct parts {
    struct sg_buf quote, signature, pcrs;
};

static void clear_parts(struct parts *p)
{
    sg_buf_clear(&p->quote);
    sg_buf_clear(&p->signature);
    sg_buf_clear(&p->pcrs);
}

static int marshal_signature(const TPMT_SIGNATURE *signature, struct sg_buf *ret)
{
    uint8_t room[sizeof *signature];
    size_t n = 0;
    int r =
        sg_tss_raise(Tss2_MU_TPMT_SIGNATURE_Marshal(signature, room, sizeof room, &n), "signature");
    return r ? r : sg_buf_append(ret, SG_BYTES(room, n));
}

static int take_quote(struct tpm_provider *t, const uint8_t report_data[SG_TEE_REPORT_DATA_LEN],
                      struct parts *ret)
{
    const TPML_PCR_SELECTION pcrs = sg_tss_selection(t->pcrs);
    const TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL}; /* the key's own */
    TPM2B_DATA nonce = {0};
    TSS_FREE TPM2B_ATTEST *quote = NULL;
    TSS_FREE TPMT_SIGNATURE *signature = NULL;
    nonce.size = (UINT16)sg_tpm_nonce(t->digest_max, report_data, nonce.buffer);
    int r = sg_tss_raise(Esys_Quote(t->esys, t->key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                    &nonce, &scheme, &pcrs, &quote, &signature),
                         "Quote");
    if (r == 0)
        r = sg_buf_append(&ret->quote, SG_BYTES(quote->attestationData, quote->size));
    return r ? r : marshal_signature(signature, &ret->signature);
}

/* No PCR was extended between reading and quoting. */
static bool agree(const struct parts *p)
{
    struct sg_tpm_quote q;
    uint8_t digest[32];
    if (sg_tpm_quote_read(sg_buf_bytes(&p->quote), &q) != SG_TEE_REASON_NONE)
        return false;
    sg_sha256(digest, sg_buf_bytes(&p->pcrs));
    return sg_bytes_equal(q.pcr_digest, SG_BYTES_ARRAY(digest));
}

static int quote_once(struct tpm_provider *t, const uint8_t report_data[SG_TEE_REPORT_DATA_LEN],
                      bool *ret_agree, struct sg_buf *ret)
{
    SG_CLEANUP(clear_parts)
    struct parts p = {SG_BUF_INIT(4096), SG_BUF_INIT(4096), SG_BUF_INIT(SG_TPM_PCRS * 32)};
    int r = read_pcrs(t, &p.pcrs);
    if (r == 0)
        r = take_quote(t, report_data, &p);
    if (r < 0)
        return r;
    *ret_agree = agree(&p);
    if (!*ret_agree)
        return 0;
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_TPM_QUOTE] = sg_buf_bytes(&p.quote),
                                      .part[SG_TEE_PART_TPM_SIGNATURE] = sg_buf_bytes(&p.signature),
                                      .part[SG_TEE_PART_TPM_PCRS] = sg_buf_bytes(&p.pcrs),
                                      .part[SG_TEE_PART_TPM_KEY] = sg_buf_bytes(&t->public)};
    return sg_tpm_pack(&e, ret);
}

static int evidence(struct sg_tee_provider *p, const uint8_t report_data[SG_TEE_REPORT_DATA_LEN],
                    struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    struct tpm_provider *t = of(p);
    bool done = false;
    int r = 0;
    sg_assert(pthread_mutex_lock(&t->one_at_a_time) == 0);
    for (int i = 0; i < TRIES && r == 0 && !done; i++)
        r = quote_once(t, report_data, &done, &b);
    sg_assert(pthread_mutex_unlock(&t->one_at_a_time) == 0);
    if (r == 0 && !done)
        r = sg_raisef(-EAGAIN, "TPM: PCRs do not come to rest");
    return r ? r : sg_buf_append(ret, sg_buf_bytes(&b));
}

/* ---- sealing keys ---- */

static int message_of(enum sg_tee_seal policy, const char *label, struct sg_buf *ret)
{
    int r = sg_buf_append(ret, SG_BYTES_LIT("sealgrid-tpm-seal-v1"));
    if (r == 0)
        r = sg_buf_append_u8(ret, (uint8_t)policy);
    return r ? r : sg_buf_append(ret, sg_bytes_str(label));
}

static int sealing_key(struct sg_tee_provider *p, enum sg_tee_seal policy, const char *label,
                       struct sg_secret *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(512);
    struct tpm_provider *t = of(p);
    const uint32_t pcrs =
        t->pcrs & (policy == SG_TEE_SEAL_MEASUREMENT ? ~UINT32_C(0) : SG_TPM_PCRS_PLATFORM);
    if (!pcrs)
        return sg_raisef(-EINVAL, "TPM: none of PCRs 0 to 7 is selected to seal to");
    int r = message_of(policy, label, &message);
    if (r < 0)
        return r;
    sg_assert(pthread_mutex_lock(&t->one_at_a_time) == 0);
    r = sg_tss_derive(t->esys, pcrs, sg_buf_bytes(&message), ret);
    sg_assert(pthread_mutex_unlock(&t->one_at_a_time) == 0);
    return r;
}

/* ---- opening ---- */

static void release(struct sg_tee_provider *p)
{
    struct tpm_provider *t = of(p);
    if (t->esys && t->key != ESYS_TR_NONE)
        (void)Esys_FlushContext(t->esys,
                                t->key); /* the TPM's place for it; nothing to do if lost */
    Esys_Finalize(&t->esys);
    Tss2_TctiLdr_Finalize(&t->tcti);
    sg_buf_clear(&t->public);
    pthread_mutex_destroy(&t->one_at_a_time);
    free(t);
}

static const struct sg_tee_provider_ops ops = {
    .kind = SG_TEE_TPM, .evidence = evidence, .sealing_key = sealing_key, .free = release};

/* P-256, ECDSA with SHA-256, restricted to what the TPM makes itself. */
static TPM2B_PUBLIC template(void)
{
    return (TPM2B_PUBLIC){
        .publicArea = {
            .type = TPM2_ALG_ECC,
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                                TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT,
            .parameters.eccDetail = {
                .symmetric.algorithm = TPM2_ALG_NULL,
                .scheme = {.scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256},
                .curveID = TPM2_ECC_NIST_P256,
                .kdf.scheme = TPM2_ALG_NULL}}};
}

static int make_key(struct tpm_provider *t)
{
    const TPM2B_PUBLIC public = template();
    TSS_FREE TPM2B_PUBLIC *made = NULL;
    uint8_t room[sizeof *made];
    size_t n = 0;
    int r = sg_tss_create_primary(t->esys, ESYS_TR_RH_ENDORSEMENT, &public, &t->key, &made);
    if (r == 0)
        r = sg_tss_raise(Tss2_MU_TPM2B_PUBLIC_Marshal(made, room, sizeof room, &n), "public area");
    return r ? r : sg_buf_append(&t->public, SG_BYTES(room, n));
}

static int learn_digest_max(struct tpm_provider *t)
{
    TSS_FREE TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;
    int r = sg_tss_raise(Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                            TPM2_CAP_TPM_PROPERTIES, TPM2_PT_MAX_DIGEST, 1, &more,
                                            &data),
                         "GetCapability");
    if (r < 0)
        return r;
    const TPML_TAGGED_TPM_PROPERTY *list = &data->data.tpmProperties;
    if (list->count == 1 && list->tpmProperty[0].property == TPM2_PT_MAX_DIGEST)
        t->digest_max = list->tpmProperty[0].value;
    return 0; /* not said: a SHA-256 every TPM has */
}

static int connect_to(struct tpm_provider *t, const char *tcti)
{
    int r = sg_tss_raise(Tss2_TctiLdr_Initialize(tcti, &t->tcti), tcti ? tcti : "no TPM");
    return r ? r : sg_tss_raise(Esys_Initialize(&t->esys, t->tcti, NULL), "Esys_Initialize");
}

int sg_tpm_provider_open(struct sg_tee_provider **ret, const char *where)
{
    struct sg_tpm_where w;
    int r = sg_tpm_where(where, &w);
    if (r < 0)
        return r;
    struct tpm_provider *t = calloc(1, sizeof *t);
    if (!t)
        return sg_raise(-ENOMEM);
    t->pcrs = w.pcrs;
    t->base.ops = &ops;
    t->key = ESYS_TR_NONE;
    t->public = (struct sg_buf)SG_BUF_INIT(4096);
    sg_assert(pthread_mutex_init(&t->one_at_a_time, NULL) == 0);
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *p = &t->base;
    r = connect_to(t, w.tcti);
    if (r == 0)
        r = learn_digest_max(t);
    if (r == 0)
        r = make_key(t);
    if (r == 0)
        *ret = TAKE_PTR(p);
    return r;
}
