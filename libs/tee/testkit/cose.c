#include "cose.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/cleanup.h>

#define MUST(expr) sg_assert((expr) == 0)

void tk_cose_sign1(EVP_PKEY *key, int algorithm, bool tagged, struct sg_bytes payload,
                   struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf header = SG_BUF_INIT(64), tbs = SG_BUF_INIT(65536);
    uint8_t sig[512];

    MUST(sg_cbor_put_map(&header, 1));
    MUST(sg_cbor_put_int(&header, 1));
    MUST(sg_cbor_put_int(&header, algorithm));
    MUST(sg_cbor_put_array(&tbs, 4));
    MUST(sg_cbor_put_text(&tbs, "Signature1"));
    MUST(sg_cbor_put_bytes(&tbs, sg_buf_bytes(&header)));
    MUST(sg_cbor_put_bytes(&tbs, SG_BYTES_NONE));
    MUST(sg_cbor_put_bytes(&tbs, payload));
    const size_t n =
        tk_sign(key, TK_RAW, algorithm == -7 ? "SHA256" : "SHA384", sg_buf_bytes(&tbs), sig);
    if (tagged)
        MUST(sg_cbor_put_tag(ret, 18));
    MUST(sg_cbor_put_array(ret, 4));
    MUST(sg_cbor_put_bytes(ret, sg_buf_bytes(&header)));
    MUST(sg_cbor_put_map(ret, 0));
    MUST(sg_cbor_put_bytes(ret, payload));
    MUST(sg_cbor_put_bytes(ret, SG_BYTES(sig, n)));
}
