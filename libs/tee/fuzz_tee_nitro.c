/*
 * Nitro documents that reach the later checks.  The first octet says what is mended, the rest is
 * the payload, in which byte strings LEAF, ZONE and ROOT stand for the certificates of the testkit;
 * the enclave's key signs it, and the model knows the verdict.
 */
#define FUZZ_VENDORS SG_TEE_VENDOR_AWS
#include "fuzz-world-int.h"
#include "testkit/cose.h"
#include "testkit/model.h"

#include <sealgrid/base/cbor.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { /* first octet */
       OTHER_SIGNER = 1,
       OTHER_ALGORITHM = 2,
       AS_IT_IS = 4, /* the whole document, judged under no root too */
       TAGGED = 8,
};
enum { ES256 = -7, ES384 = -35, MARK = 5 };

struct certs {
    struct sg_buf leaf, zone, root;
};

static const struct certs *certs(void)
{
    static struct certs c;
    if (!c.leaf.len) {
        c.leaf = c.zone = c.root = (struct sg_buf)SG_BUF_INIT(8192);
        tk_cert_der(fuzz_world()->enclave, &c.leaf);
        tk_cert_der(fuzz_world()->zone, &c.zone);
        tk_cert_der(fuzz_world()->aws, &c.root);
    }
    return &c;
}

static const struct sg_buf *marked(const uint8_t *p)
{
    return !memcmp(p, "\x44LEAF", MARK)   ? &certs()->leaf
           : !memcmp(p, "\x44ZONE", MARK) ? &certs()->zone
           : !memcmp(p, "\x44ROOT", MARK) ? &certs()->root
                                          : NULL;
}

static void expand(struct sg_bytes b, struct sg_buf *ret)
{
    unsigned most = 32;
    for (size_t i = 0; i < b.len;) {
        const struct sg_buf *c = most && b.len - i >= MARK ? marked(b.data + i) : NULL;
        if (c) {
            sg_assert(sg_cbor_put_bytes(ret, sg_buf_bytes(c)) == 0);
            i += MARK;
            most--;
            continue;
        }
        sg_assert(sg_buf_append_u8(ret, b.data[i++]) == 0);
    }
}

static void check(const struct sg_tee_verdict *v)
{
    (void)v;
}

static bool right(unsigned how, struct sg_bytes payload)
{
    const struct tk_nitro_rules rules = {.leaf = sg_buf_bytes(&certs()->leaf),
                                         .ca = sg_buf_bytes(&certs()->zone),
                                         .root = sg_buf_bytes(&certs()->root),
                                         .from_s = TK_AT - 86400,
                                         .until_s = TK_AT + 86400};
    return !(how & (OTHER_SIGNER | OTHER_ALGORITHM)) && tk_nitro_is_right(payload, &rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf payload = SG_BUF_INIT(1u << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf document = SG_BUF_INIT(1u << 20);
    const struct tk_world *w = fuzz_world();
    struct sg_tee_evidence e = {0};
    if (!size || size > 65536)
        return 0;
    const unsigned how = data[0];
    if (how & AS_IT_IS) {
        fuzz_as_it_is(SG_BYTES(data + 1, size - 1), check);
        return 0;
    }
    expand(SG_BYTES(data + 1, size - 1), &payload);
    tk_cose_sign1(how & OTHER_SIGNER ? w->zone_key : w->enclave_key,
                  how & OTHER_ALGORITHM ? ES256 : ES384, how & TAGGED, sg_buf_bytes(&payload),
                  &document);
    e.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&document);
    fuzz_expect(&e, right(how, sg_buf_bytes(&payload)));
    return 0;
}
