/*
 * TPM quotes that reach the later checks.  The first octet says what is mended; then four parts,
 * each behind its length (two octets): quote, PCR values, key, event log.  The quote's PCR digest
 * is put right and the pinned key signs; then the model knows the verdict.
 */
#define FUZZ_VENDORS SG_TEE_VENDOR_TPM
#include "fuzz-world-int.h"
#include "testkit/model.h"
#include "tpm-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { /* first octet */
       OWN_DIGEST = 1,
       OTHER_SIGNER = 2,
       OWN_KEY = 4, /* the key's public area as it is, else the pinned one's */
       AS_IT_IS = 8,
       PACKED = 16, /* all parts in one */
};
enum { DIGEST = 32, ALG_SHA256 = 0x0b };

/* The last 32 octets of a quote are its digest, if it has all else. */
static void put_digest(struct sg_bytes values, struct sg_buf *quote)
{
    if (quote->len < DIGEST)
        return;
    sg_assert(EVP_Digest(values.data, values.len, quote->data + quote->len - DIGEST, NULL,
                         EVP_sha256(), NULL) == 1);
}

static void check(const struct sg_tee_verdict *v)
{
    (void)v;
}

struct parts {
    struct sg_bytes quote, values, key, log;
};

static void take_parts(struct sg_bytes b, struct parts *ret)
{
    struct sg_reader r = sg_reader_over(b);
    struct sg_bytes *const all[] = {&ret->quote, &ret->values, &ret->key, &ret->log};
    *ret = (struct parts){0};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        uint16_t len;
        if (!sg_take_be16(&r, &len) || !sg_take(&r, len < r.left ? len : r.left, all[i]))
            return;
    }
}

static const struct sg_tee_evidence *pack(const struct sg_tee_evidence *e, struct sg_buf *room,
                                          struct sg_tee_evidence *ret)
{
    *ret = (struct sg_tee_evidence){0};
    sg_assert(sg_tpm_pack(e, room) == 0);
    ret->part[SG_TEE_PART_REPORT] = sg_buf_bytes(room);
    return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf quote = SG_BUF_INIT(1u << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sig = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(1u << 20);
    const struct tk_world *w = fuzz_world();
    struct tk_tpm signer = w->ak;
    struct sg_tee_evidence e = {0}, whole;
    struct parts p;
    if (!size)
        return 0;
    const unsigned how = data[0];
    take_parts(SG_BYTES(data + 1, size - 1), &p);
    sg_assert(sg_buf_append(&quote, p.quote) == 0);
    if (!(how & (OWN_DIGEST | AS_IT_IS)))
        put_digest(p.values, &quote);
    if (how & OTHER_SIGNER)
        signer = w->azure_ak;
    tk_tpm_sign(&signer, sg_buf_bytes(&quote), &sig);
    tk_tpm_public(&w->ak, &key);
    e.part[SG_TEE_PART_TPM_QUOTE] = sg_buf_bytes(&quote);
    e.part[SG_TEE_PART_TPM_SIGNATURE] = how & AS_IT_IS ? p.key : sg_buf_bytes(&sig);
    e.part[SG_TEE_PART_TPM_PCRS] = p.values;
    e.part[SG_TEE_PART_TPM_KEY] = how & OWN_KEY ? p.key : sg_buf_bytes(&key);
    e.part[SG_TEE_PART_EVENT_LOG] = p.log;
    const struct sg_tee_evidence *judged = how & PACKED ? pack(&e, &packed, &whole) : &e;
    const bool right = !(how & (OTHER_SIGNER | AS_IT_IS)) &&
                       tk_tpm_is_right(sg_buf_bytes(&quote), p.values, ALG_SHA256);
    /* An event log or another form of the key may speak against it, never for it. */
    if (right && (p.log.len || (how & OWN_KEY)))
        fuzz_describe(judged), (void)tk_world_judge(w, judged);
    else
        fuzz_expect(judged, right);
    if (how & AS_IT_IS) {
        fuzz_judge(judged, true, check);
        fuzz_judge(judged, false, check);
    }
    return 0;
}
