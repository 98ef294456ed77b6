/*
 * Any octets as the header of an issuer's chain: refused, or text that is printable, no longer than
 * the header, and the same after being encoded and decoded once more.
 */
#include "issuer-chain-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/tee/store.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(const struct sg_buf *text, struct sg_buf *ret)
{
    for (size_t i = 0; i < text->len; i++)
        sg_assert(sg_buf_printf(ret, "%%%02x", text->data[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_ISSUER_CHAIN_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_ISSUER_CHAIN_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf header = SG_BUF_INIT(3 * SG_ISSUER_CHAIN_MAX + 4);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    unsigned items;
    if (sg_issuer_chain_decode(SG_BYTES(data, size), &text) != 0) {
        sg_assert(text.len == 0);
        return 0;
    }
    sg_assert(text.len <= size);
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.data[i];
        sg_assert((c >= ' ' && c <= '~') || c == '\n' || c == '\r');
    }
    if (3 * text.len <= SG_ISSUER_CHAIN_MAX) {
        encode(&text, &header);
        sg_assert(sg_issuer_chain_decode(sg_buf_bytes(&header), &again) == 0);
        sg_assert(sg_bytes_equal(sg_buf_bytes(&text), sg_buf_bytes(&again)));
    }
    sg_assert(sg_tee_store_new(&s, false) == 0);
    (void)!sg_tee_store_add(s, sg_buf_bytes(&text), &items);
    return 0;
}
