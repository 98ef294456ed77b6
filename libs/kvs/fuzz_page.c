/* Bodies of heads and pages and manifests: what decodes encodes to the same octets.  Sealed
 * entries: nothing but what was sealed opens. */
#include <stdlib.h>

#include "object-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_same(const struct sg_buf *b, struct sg_bytes in)
{
    sg_assert(sg_bytes_equal(sg_buf_bytes(b), in));
}

static void try_head_body(struct sg_bytes in, struct sg_buf *out)
{
    static struct sg_row tail[SG_TAIL_ROWS_MAX];
    struct sg_head h;
    if (!sg_head_body_decode(in, tail, &h))
        return;
    sg_assert(sg_head_body_encode(&h, out) == 0);
    expect_same(out, in);
}

static void try_page_body(struct sg_bytes in, struct sg_buf *out)
{
    struct sg_page p = {.id = 1};
    if (!sg_page_body_decode(in, &p))
        return;
    sg_assert(sg_page_body_encode(&p, out) == 0);
    expect_same(out, in);
}

static void try_manifest(struct sg_bytes in, struct sg_buf *out)
{
    struct sg_manifest m;
    if (sg_manifest_decode(in, &m) < 0)
        return;
    sg_assert(sg_manifest_encode(&m, out) == 0);
    expect_same(out, in);
    sg_manifest_clear(&m);
}

static void try_sealed(struct sg_bytes in, struct sg_buf *out, bool head)
{
    static struct sg_row tail[SG_TAIL_ROWS_MAX];
    static const uint8_t key[32] = {1}, index_key[SG_HEAD_KEY_LEN] = {2};
    const struct sg_store_kek kek = {.epoch = 9, .key = SG_BYTES_ARRAY(key)};
    const struct sg_store_bucket bucket = {
        .name = "fuzz", .keks = &kek, .n_keks = 1, .name_key = SG_BYTES_ARRAY(key)};
    SG_CLEANUP(sg_part_keys_freep) struct sg_part_keys *k = NULL;
    struct sg_bucket_keys b;
    struct sg_head h;
    struct sg_page p;
    sg_assert(sg_bucket_keys_init(&b, &bucket) == 0 && sg_part_keys_new(&k) == 0);
    if (head)
        sg_assert(sg_head_open(k, &b, index_key, in, out, tail, &h) > 0);
    else
        sg_assert(sg_page_open(k, index_key, 1, in, out, &p) > 0);
    sg_bucket_keys_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(1u << 20);
    if (size == 0 || size > 1u << 19)
        return 0;
    struct sg_bytes in = SG_BYTES(data + 1, size - 1);
    switch (data[0] % 5) {
    case 0:
        try_head_body(in, &out);
        break;
    case 1:
        try_page_body(in, &out);
        break;
    case 2:
        try_manifest(in, &out);
        break;
    default:
        try_sealed(in, &out, data[0] % 5 == 3);
    }
    return 0;
}
