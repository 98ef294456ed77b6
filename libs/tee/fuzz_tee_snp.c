/*
 * SEV-SNP reports that reach the later checks.  The first octet says whose key signs them, the rest
 * is a report; the key's certificate travels with it, and the rules know the verdict.
 */
#define FUZZ_VENDORS SG_TEE_VENDOR_AMD
#include "fuzz-world-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {              /* first octet */
       PRODUCT = 3, /* enum tk_product; 3: Milan's key under Genoa's certificate */
       VLEK = 4,
       AS_IT_IS = 8, /* not signed, judged under no root too */
       SWAPPED = 16, /* big-endian r and s */
       NO_CERT = 32,
};
enum { SIGNED = 0x2a0, SCALAR = 48, ROOM = 72 };

static struct sg_bytes leaf(const struct tk_amd *a, bool vlek)
{
    static struct sg_buf der[2 * TK_PRODUCTS];
    struct sg_buf *b = &der[2 * (unsigned)a->product + vlek];
    if (!b->len) {
        *b = (struct sg_buf)SG_BUF_INIT(8192);
        tk_cert_der(vlek ? a->vlek : a->vcek, b);
    }
    return sg_buf_bytes(b);
}

static void swap(uint8_t *p)
{
    for (size_t i = 0; i < SCALAR / 2; i++) {
        const uint8_t v = p[i];
        p[i] = p[SCALAR - 1 - i];
        p[SCALAR - 1 - i] = v;
    }
}

static bool zeros(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

/* As the rules have it; behind the report there may be zeros. */
static bool right(unsigned how, const struct tk_amd *a, const struct sg_buf *b)
{
    const bool vlek = how & VLEK;
    const unsigned version = b->data[0];
    uint8_t good[TK_SNP_REPORT];
    if ((how & (SWAPPED | NO_CERT)) || (how & PRODUCT) == PRODUCT ||
        (version != 2 && version != 3 && version != 5))
        return false;
    tk_snp_report(a, version, good);
    good[0x48] = vlek ? 4 : 0;
    const struct tk_rules rules = tk_rules_snp(version, a->product, vlek);
    return !tk_rules_broken(&rules, good, b->data) &&
           zeros(b->data + SIGNED + SCALAR, ROOM - SCALAR) &&
           zeros(b->data + SIGNED + ROOM + SCALAR, ROOM - SCALAR) &&
           zeros(b->data + TK_SNP_REPORT, b->len - TK_SNP_REPORT);
}

static void check(const struct sg_tee_verdict *v)
{
    (void)v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    struct sg_tee_evidence e = {0};
    if (!size || sg_buf_append(&b, SG_BYTES(data + 1, size - 1)))
        return 0;
    const unsigned how = data[0], product = how & PRODUCT;
    const struct tk_amd *a = &fuzz_world()->amd[product == PRODUCT ? TK_GENOA : product];
    const struct tk_amd *signer = product == PRODUCT ? &fuzz_world()->amd[TK_MILAN] : a;
    const bool whole = !(how & AS_IT_IS) && b.len >= TK_SNP_REPORT;
    if (whole) {
        tk_snp_sign(how & VLEK ? signer->vlek_key : signer->vcek_key, b.data);
        if (how & SWAPPED) {
            swap(b.data + SIGNED);
            swap(b.data + SIGNED + ROOM);
        }
    }
    e.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&b);
    if (!(how & NO_CERT))
        e.part[SG_TEE_PART_CERTIFICATES] = leaf(a, how & VLEK);
    fuzz_expect(&e, whole && right(how, a, &b));
    if (!whole) {
        fuzz_judge(&e, true, check);
        fuzz_judge(&e, false, check);
    }
    return 0;
}
