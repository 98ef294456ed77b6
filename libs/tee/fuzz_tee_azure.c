/*
 * Azure bundles that reach the later checks.  The first octet says what is mended; then four parts,
 * each behind its length (two octets): HCL report, TPM quote, PCR values, TD report.  In the
 * runtime data @ stands for the modulus of the attestation key.  Lengths, the binding of runtime
 * data to hardware, and both signatures are put right; then the model knows the verdict, of other
 * runtime data only that it must hold the key.
 */
#define FUZZ_VENDORS (SG_TEE_VENDOR_INTEL | SG_TEE_VENDOR_AMD | SG_TEE_VENDOR_TPM)
#include "fuzz-world-int.h"
#include "testkit/model.h"
#include "testkit/reseal.h"

#include <sealgrid/base/encode.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { /* first octet */
       OWN_BINDING = 1,
       OWN_SIZES = 2,
       OWN_DIGEST = 4,
       OTHER_AK = 8,
       NO_CERT = 16,
       AS_IT_IS = 32,
};
enum {
    HARDWARE = 32,
    REQUEST = HARDWARE + 1184,
    RUNTIME = REQUEST + 20,
    DIGEST = 32,
    ALG_SHA256 = 11
};
enum { SNP_DATA = 0x50, SNP_END = 0x2a0 + 144, TD_DATA = 520 };

struct parts {
    struct sg_bytes hcl, quote, values, td;
};

static void take_parts(struct sg_bytes b, struct parts *ret)
{
    struct sg_reader r = sg_reader_over(b);
    struct sg_bytes *const all[] = {&ret->hcl, &ret->quote, &ret->values, &ret->td};
    *ret = (struct parts){0};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        uint16_t len;
        if (!sg_take_be16(&r, &len) || !sg_take(&r, len < r.left ? len : r.left, all[i]))
            return;
    }
}

static uint32_t load(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store(uint8_t *p, size_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* The modulus as the good runtime data has it. */
static struct sg_bytes good_runtime(void)
{
    static struct sg_buf b = SG_BUF_INIT(4096);
    if (!b.len)
        tk_hcl_runtime(&fuzz_world()->azure_ak, &b);
    return sg_buf_bytes(&b);
}

static struct sg_bytes modulus(void)
{
    static const char mark[] = "\"n\":\"";
    const struct sg_bytes all = good_runtime();
    const uint8_t *from = memmem(all.data, all.len, mark, sizeof mark - 1);
    sg_assert(from);
    from += sizeof mark - 1;
    const uint8_t *end = memchr(from, '"', (size_t)(all.data + all.len - from));
    return SG_BYTES(from, (size_t)(end - from));
}

static void expand(struct sg_bytes hcl, struct sg_buf *ret)
{
    unsigned most = 8;
    for (size_t i = 0; i < hcl.len; i++) {
        if (i >= RUNTIME && hcl.data[i] == '@' && most) {
            sg_assert(sg_buf_append(ret, modulus()) == 0);
            most--;
        } else {
            sg_assert(sg_buf_append_u8(ret, hcl.data[i]) == 0);
        }
    }
}

static void put_sizes(struct sg_buf *b)
{
    store(b->data + 8, b->len);
    store(b->data + REQUEST, b->len - REQUEST);
    store(b->data + REQUEST + 16, b->len - RUNTIME);
}

static const EVP_MD *hash_of(const struct sg_buf *b)
{
    const uint32_t type = load(b->data + REQUEST + 12);
    return type == 1 ? EVP_sha256() : type == 2 ? EVP_sha384() : type == 3 ? EVP_sha512() : NULL;
}

static void binding(const struct sg_buf *b, uint8_t ret[64])
{
    memset(ret, 0, 64);
    if (hash_of(b))
        sg_assert(EVP_Digest(b->data + RUNTIME, b->len - RUNTIME, ret, NULL, hash_of(b), NULL) ==
                  1);
}

static bool zeros(const uint8_t *p, size_t n)
{
    while (n--)
        if (p[n])
            return false;
    return true;
}

static bool snp_is_right(const uint8_t *report)
{
    const struct tk_amd *a = &fuzz_world()->amd[TK_MILAN];
    uint8_t good[TK_SNP_REPORT];
    if (report[0] != 2 && report[0] != 3 && report[0] != 5)
        return false;
    tk_snp_report(a, report[0], good);
    const struct tk_rules rules = tk_rules_snp(report[0], TK_MILAN, false);
    return !tk_rules_broken(&rules, good, report) && zeros(report + 0x2a0 + 48, 24) &&
           zeros(report + 0x2a0 + 120, 24);
}

static bool wrapper_is_right(const struct sg_buf *b)
{
    const uint8_t *p = b->data;
    const uint32_t version = load(p + 4);
    return !memcmp(p, "HCLA", 4) && (version == 1 || version == 2) && load(p + 8) == b->len &&
           zeros(p + 16, 16) && load(p + REQUEST) == b->len - REQUEST &&
           load(p + REQUEST + 4) == 1 && load(p + REQUEST + 16) == b->len - RUNTIME &&
           b->len > RUNTIME && hash_of(b);
}

struct bundle {
    unsigned how;
    bool snp;
    struct sg_buf hcl, quote, sig, td_quote, cert;
    struct tk_quote td;
    struct sg_bytes values;
};

static void clear(struct bundle *u)
{
    struct sg_buf *const all[] = {&u->hcl, &u->quote, &u->sig, &u->td_quote, &u->cert};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        sg_buf_clear(all[i]);
}

static void seal_hardware(struct bundle *u, struct sg_bytes td)
{
    const struct tk_world *w = fuzz_world();
    uint8_t wanted[64];
    u->td = tk_quote_td(&w->intel, 4, TK_TD10_BODY);
    if (td.len)
        memcpy(u->td.body, td.data, td.len < TK_TD10_BODY ? td.len : TK_TD10_BODY);
    binding(&u->hcl, wanted);
    if (!(u->how & OWN_BINDING)) {
        memcpy(u->hcl.data + HARDWARE + SNP_DATA, wanted, u->snp ? 64 : 0);
        memcpy(u->td.body + TD_DATA, wanted, 64);
    }
    if (u->snp)
        tk_snp_sign(w->amd[TK_MILAN].vcek_key, u->hcl.data + HARDWARE);
    else
        tk_quote_make(&w->intel, &u->td, &u->td_quote);
}

static void seal_quote(struct bundle *u)
{
    struct tk_tpm signer = fuzz_world()->azure_ak;
    if (!(u->how & OWN_DIGEST) && u->quote.len >= DIGEST)
        sg_assert(EVP_Digest(u->values.data, u->values.len, u->quote.data + u->quote.len - DIGEST,
                             NULL, EVP_sha256(), NULL) == 1);
    if (u->how & OTHER_AK)
        signer = fuzz_world()->ak;
    tk_tpm_sign(&signer, sg_buf_bytes(&u->quote), &u->sig);
}

/* Of runtime data that differs this says only that it may be right. */
static bool may_be_right(const struct bundle *u)
{
    const struct tk_quote good = tk_quote_td(&fuzz_world()->intel, 4, TK_TD10_BODY);
    const struct sg_bytes runtime = SG_BYTES(u->hcl.data + RUNTIME, u->hcl.len - RUNTIME);
    const uint8_t *data = u->snp ? u->hcl.data + HARDWARE + SNP_DATA : u->td.body + TD_DATA;
    const uint32_t type = load(u->hcl.data + REQUEST + 8);
    uint8_t wanted[64];
    binding(&u->hcl, wanted);
    if ((u->how & OTHER_AK) || ((u->how & NO_CERT) && u->snp) || (type != 2 && type != 4) ||
        !wrapper_is_right(&u->hcl) || memcmp(wanted, data, 64) != 0 ||
        !memmem(runtime.data, runtime.len, modulus().data, modulus().len))
        return false;
    return (u->snp ? snp_is_right(u->hcl.data + HARDWARE)
                   : !tk_rules_broken(&tk_rules_td_body, good.body, u->td.body)) &&
           tk_tpm_is_right(sg_buf_bytes(&u->quote), u->values, ALG_SHA256);
}

static void check(const struct sg_tee_verdict *v)
{
    (void)v;
}

static void judge(const struct bundle *u, bool sealed)
{
    const struct sg_tee_evidence e = {
        .part = {[SG_TEE_PART_REPORT] = sg_buf_bytes(&u->hcl),
                 [SG_TEE_PART_CERTIFICATES] =
                     u->how & NO_CERT ? SG_BYTES_NONE : sg_buf_bytes(&u->cert),
                 [SG_TEE_PART_TPM_QUOTE] = sg_buf_bytes(&u->quote),
                 [SG_TEE_PART_TPM_SIGNATURE] = sg_buf_bytes(&u->sig),
                 [SG_TEE_PART_TPM_PCRS] = u->values,
                 [SG_TEE_PART_TD_QUOTE] = sg_buf_bytes(&u->td_quote)}};
    const bool may = sealed && may_be_right(u);
    if (may &&
        (u->how & OWN_SIZES ||
         !sg_bytes_equal(SG_BYTES(u->hcl.data + RUNTIME, u->hcl.len - RUNTIME), good_runtime())))
        (void)tk_world_judge(fuzz_world(), &e);
    else
        fuzz_expect(&e, may);
    if (!sealed) {
        fuzz_judge(&e, true, check);
        fuzz_judge(&e, false, check);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(clear)
    struct bundle u = {.hcl = SG_BUF_INIT(1u << 20),
                       .quote = SG_BUF_INIT(1u << 20),
                       .sig = SG_BUF_INIT(4096),
                       .td_quote = SG_BUF_INIT(65536),
                       .cert = SG_BUF_INIT(8192)};
    struct parts p;
    if (!size)
        return 0;
    u.how = data[0];
    take_parts(SG_BYTES(data + 1, size - 1), &p);
    u.values = p.values;
    expand(p.hcl, &u.hcl);
    sg_assert(sg_buf_append(&u.quote, p.quote) == 0);
    tk_cert_der(fuzz_world()->amd[TK_MILAN].vcek, &u.cert);
    const bool sealed = !(u.how & AS_IT_IS) && u.hcl.len > RUNTIME;
    if (sealed) {
        u.snp = load(u.hcl.data + REQUEST + 8) != 4;
        if (!(u.how & OWN_SIZES))
            put_sizes(&u.hcl);
        seal_hardware(&u, p.td);
        seal_quote(&u);
    }
    judge(&u, sealed);
    return 0;
}
