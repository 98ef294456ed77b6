/* Journal payloads, labels, the index's manifest; labels get the right MAC, so that what is behind
 * it is reached. */
#include <stdlib.h>

#include <sealgrid/crypto/hash.h>

#include "volume-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_payload(struct sg_bytes in, struct sg_buf *out)
{
    struct sg_reader r = sg_reader_over(in);
    struct sg_physical op;
    int result;
    while ((result = sg_physical_next(&r, &op)) == 0)
        sg_assert(sg_physical_append(out, &op) == 0);
    if (result == 1)
        sg_assert(sg_bytes_equal(sg_buf_bytes(out), in));
}

static void try_label(struct sg_bytes in, struct sg_buf *out)
{
    static const uint8_t key[32] = {7};
    SG_CLEANUP(sg_buf_clear) struct sg_buf whole = SG_BUF_INIT(1u << 20);
    const struct sg_bytes parts[] = {SG_BYTES_LIT("sg-label1"), in};
    uint8_t mac[SG_JOURNAL_MAC_LEN];
    struct sg_label l;
    sg_blake2b_parts(mac, sizeof(mac), SG_BYTES_ARRAY(key), parts, 2);
    sg_assert(sg_buf_append(&whole, in) == 0);
    sg_assert(sg_buf_append(&whole, SG_BYTES_ARRAY(mac)) == 0);
    if (sg_label_decode(sg_buf_bytes(&whole), SG_BYTES_ARRAY(key), &l) < 0)
        return;
    sg_assert(sg_label_encode(&l, SG_BYTES_ARRAY(key), out) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(out), sg_buf_bytes(&whole)));
    sg_volume_inventory_clear(&l.inventory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(1u << 20);
    if (size == 0 || size > 1u << 19)
        return 0;
    struct sg_bytes in = SG_BYTES(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        try_payload(in, &out);
        break;
    case 1:
        try_label(in, &out);
        break;
    default:
        if (sg_index_manifest_check(in) == 0)
            return 0;
    }
    return 0;
}
