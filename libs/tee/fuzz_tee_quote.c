/*
 * SGX and TDX quotes that reach the later checks.  The first octet says what is mended, the rest is
 * a quote up to its platform's certificates: keys, signatures, binding and lengths are put right
 * for a platform of the testkit, whose chain follows; then the rules know the verdict.
 */
#define FUZZ_VENDORS SG_TEE_VENDOR_INTEL
#include "fuzz-world-int.h"
#include "testkit/reseal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first octet: bits of enum tk_reseal, and this. */
enum { AS_IT_IS = 128 }; /* nothing is mended, no chain follows; judged under no root too */
enum { CERT_HEAD = 6 };

static void append_chain(const struct tk_quote_layout *l, struct sg_buf *b)
{
    static struct sg_buf chain = SG_BUF_INIT(16384);
    if (!chain.len)
        tk_intel_pck_chain(&fuzz_world()->intel, &chain);
    b->len = l->cert + CERT_HEAD;
    sg_assert(sg_buf_append(b, sg_buf_bytes(&chain)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    const struct tk_intel *t = &fuzz_world()->intel;
    struct tk_quote_layout l;
    struct sg_tee_evidence e = {0};
    if (!size || sg_buf_append(&b, SG_BYTES(data + 1, size - 1)))
        return 0;
    const unsigned how = data[0];
    const bool whole = !(how & AS_IT_IS) && tk_quote_find(sg_buf_bytes(&b), &l);
    if (whole) {
        append_chain(&l, &b);
        tk_quote_reseal(t, how, &l, &b);
    }
    e.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&b);
    fuzz_expect(&e, whole && tk_quote_is_right(t, how, &l, sg_buf_bytes(&b)));
    if (!whole) {
        fuzz_judge(&e, true, fuzz_check_fields);
        fuzz_judge(&e, false, fuzz_check_fields);
    }
    return 0;
}
