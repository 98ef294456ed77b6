/*
 * CCA tokens that reach the later checks.  The first octet says what is mended; then the claims of
 * the platform behind their length (two octets) and those of the realm.  In them the byte strings
 * RKEY and HASH stand for the realm's key and its SHA-256.  Both are signed, and the model knows
 * the verdict.
 */
#define FUZZ_VENDORS SG_TEE_VENDOR_ARM
#include "fuzz-world-int.h"
#include "testkit/cose.h"
#include "testkit/model.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/crypto/hash.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { /* first octet */
       OTHER_PLATFORM = 1,
       OTHER_REALM = 2,
       OTHER_ALGORITHM = 4,
       AS_IT_IS = 8, /* the whole token, judged under no root too */
       UNTAGGED = 16,
       REALM_FIRST = 32,
       COLLECTION = 64, /* of records, under tag 907 */
};
enum {
    ES256 = -7,
    ES384 = -35,
    MARK = 5,
    PLATFORM = 44234,
    REALM = 44241,
    TOKEN = 399,
    RECORDS = 907,
    CWT = 263
};

struct realm {
    uint8_t key[65], hash[32];
};

static const struct realm *realm(void)
{
    static struct realm r;
    uint8_t point[96];
    if (!r.key[0]) {
        r.key[0] = 4;
        sg_assert(tk_key_point(fuzz_world()->realm_key, point) == 64);
        memcpy(r.key + 1, point, 64);
        sg_sha256(r.hash, SG_BYTES_ARRAY(r.key));
    }
    return &r;
}

static void expand(struct sg_bytes b, struct sg_buf *ret)
{
    for (size_t i = 0; i < b.len;) {
        const bool room = b.len - i >= MARK;
        if (room && !memcmp(b.data + i, "\x44RKEY", MARK)) {
            sg_assert(sg_cbor_put_bytes(ret, SG_BYTES_ARRAY(realm()->key)) == 0);
            i += MARK;
        } else if (room && !memcmp(b.data + i, "\x44HASH", MARK)) {
            sg_assert(sg_cbor_put_bytes(ret, SG_BYTES_ARRAY(realm()->hash)) == 0);
            i += MARK;
        } else {
            sg_assert(sg_buf_append_u8(ret, b.data[i++]) == 0);
        }
    }
}

static void put_token(unsigned label, EVP_PKEY *key, unsigned how, struct sg_bytes claims,
                      struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf token = SG_BUF_INIT(1u << 20);
    tk_cose_sign1(key, how & OTHER_ALGORITHM ? ES384 : ES256, !(how & UNTAGGED), claims, &token);
    sg_assert(sg_cbor_put_uint(ret, label) == 0);
    if (how & COLLECTION)
        sg_assert(sg_cbor_put_array(ret, 2) == 0 && sg_cbor_put_uint(ret, CWT) == 0);
    sg_assert(sg_cbor_put_bytes(ret, sg_buf_bytes(&token)) == 0);
}

static void put_both(unsigned how, struct sg_bytes platform, struct sg_bytes own,
                     struct sg_buf *ret)
{
    const struct tk_world *w = fuzz_world();
    EVP_PKEY *p = how & OTHER_PLATFORM ? w->realm_key : w->platform_key;
    EVP_PKEY *r = how & OTHER_REALM ? w->platform_key : w->realm_key;
    sg_assert(sg_cbor_put_tag(ret, how & COLLECTION ? RECORDS : TOKEN) == 0 &&
              sg_cbor_put_map(ret, 2) == 0);
    if (how & REALM_FIRST)
        put_token(REALM, r, how, own, ret);
    put_token(PLATFORM, p, how, platform, ret);
    if (!(how & REALM_FIRST))
        put_token(REALM, r, how, own, ret);
}

static void check(const struct sg_tee_verdict *v)
{
    (void)v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf platform = SG_BUF_INIT(1u << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf own = SG_BUF_INIT(1u << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf token = SG_BUF_INIT(1u << 22);
    struct sg_tee_evidence e = {0};
    struct sg_reader r = sg_reader_over(SG_BYTES(data + 1, size ? size - 1 : 0));
    struct sg_bytes first;
    uint16_t len;
    if (!size || size > 32768)
        return 0;
    const unsigned how = data[0];
    if (how & AS_IT_IS) {
        fuzz_as_it_is(SG_BYTES(data + 1, size - 1), check);
        return 0;
    }
    if (!sg_take_be16(&r, &len) || !sg_take(&r, len < r.left ? len : r.left, &first))
        return 0;
    expand(first, &platform);
    expand(SG_BYTES(r.at, r.left), &own);
    put_both(how, sg_buf_bytes(&platform), sg_buf_bytes(&own), &token);
    e.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&token);
    fuzz_expect(&e, !(how & (OTHER_PLATFORM | OTHER_REALM | OTHER_ALGORITHM)) &&
                        tk_cca_is_right(sg_buf_bytes(&platform), sg_buf_bytes(&own),
                                        SG_BYTES_ARRAY(realm()->key)));
    return 0;
}
