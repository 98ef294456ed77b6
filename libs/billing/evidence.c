/* evidence - the file behind a bill. */
#include <sealgrid/base/cbor.h>
#include <sealgrid/billing/evidence.h>

#include <pthread.h>
#include <zstd.h>

#define MAGIC          "sealgrid-evidence-v1"
#define MAGIC_SECTIONS "sealgrid-evidence-v2"
#define HEAD_ITEMS     5
#define SECTION_ITEMS  7
#define BLOCK_ITEMS    3
#define ZSTD_LEVEL     1

static int put_head(struct sg_buf *out, const struct sg_evidence_head *h, bool sections)
{
    int r = sg_cbor_put_array(out, sections ? SECTION_ITEMS : HEAD_ITEMS);
    if (!r)
        r = sg_cbor_put_text(out, sections ? MAGIC_SECTIONS : MAGIC);
    if (!r)
        r = sg_cbor_put_int(out, h->client);
    if (!r)
        r = sg_cbor_put_int(out, h->from_s);
    if (!r)
        r = sg_cbor_put_int(out, h->until_s);
    return r ? r : sg_cbor_put_array(out, h->n_blocks);
}

int sg_evidence_put_head(struct sg_buf *out, const struct sg_evidence_head *h)
{
    return put_head(out, h, false);
}

int sg_evidence_put_head_sections(struct sg_buf *out, const struct sg_evidence_head *h)
{
    return put_head(out, h, true);
}

static int put_signed(struct sg_buf *out, const struct sg_evidence_block *b)
{
    uint8_t room[SG_BLOCK_EVIDENCE_MAX];
    struct sg_buf evidence = {room, 0, sizeof(room), sizeof(room), false};
    int r = sg_block_evidence_encode(&b->evidence, &evidence);

    return r ? r : sg_cbor_put_bytes(out, sg_buf_bytes(&evidence));
}

/* All of it up to the readings. */
static int put_before_readings(struct sg_buf *out, const struct sg_evidence_block *b)
{
    int r = sg_cbor_put_array(out, BLOCK_ITEMS);
    if (!r)
        r = put_signed(out, b);
    if (!r)
        r = sg_cbor_put_bytes(out, SG_BYTES(b->leaves, 32 * b->n_leaves));
    return r ? r : sg_cbor_put_array(out, b->n_readings);
}

int sg_evidence_put_block(struct sg_buf *out, const struct sg_evidence_block *b)
{
    size_t start = out->len;
    int r = put_before_readings(out, b);
    for (size_t i = 0; i < b->n_readings && !r; i++)
        r = sg_reading_encode(&b->readings[i], out);
    if (r)
        out->len = start;
    return r;
}

int sg_evidence_put_block_encoded(struct sg_buf *out, const struct sg_evidence_block *b,
                                  const struct sg_bytes *readings)
{
    size_t start = out->len;
    int r = put_before_readings(out, b);
    for (size_t i = 0; i < b->n_readings && !r; i++)
        r = sg_buf_append(out, readings[i]);
    if (r)
        out->len = start;
    return r;
}

static int put_section(struct sg_buf *out, struct sg_bytes section)
{
    return section.len ? sg_cbor_put_bytes(out, section) : sg_cbor_put_null(out);
}

int sg_evidence_put_sections(struct sg_buf *out, struct sg_bytes estimates,
                             struct sg_bytes resolutions)
{
    size_t start = out->len;
    int r = put_section(out, estimates);
    if (!r)
        r = put_section(out, resolutions);
    if (r)
        out->len = start;
    return r;
}

static bool take_array(struct sg_reader *in, uint64_t items)
{
    uint64_t n;
    return sg_cbor_get_array(in, &n) == 0 && n == items;
}

/* The number of items goes with the name. */
static bool take_magic(struct sg_reader *in, bool *ret_sections)
{
    struct sg_bytes magic;
    uint64_t n;

    if (sg_cbor_get_array(in, &n) != 0 || sg_cbor_get_text(in, &magic) != 0)
        return false;
    *ret_sections = n == SECTION_ITEMS;
    return *ret_sections ? sg_bytes_equal(magic, SG_BYTES_LIT(MAGIC_SECTIONS))
                         : n == HEAD_ITEMS && sg_bytes_equal(magic, SG_BYTES_LIT(MAGIC));
}

int sg_evidence_open(struct sg_evidence_reader *r, struct sg_bytes file,
                     struct sg_evidence_head *ret)
{
    struct sg_reader in = sg_reader_over(file);
    struct sg_evidence_head h;
    bool sections;

    if (!take_magic(&in, &sections) || sg_cbor_get_int(&in, &h.client) != 0 ||
        sg_cbor_get_int(&in, &h.from_s) != 0 || sg_cbor_get_int(&in, &h.until_s) != 0 ||
        sg_cbor_get_array(&in, &h.n_blocks) != 0 || h.n_blocks > SG_EVIDENCE_BLOCKS_MAX)
        return SG_EVIDENCE_MALFORMED;
    *r = (struct sg_evidence_reader){.in = in, .left = h.n_blocks, .sections = sections};
    *ret = h;
    return 0;
}

static bool take_leaves(struct sg_reader *in, struct sg_evidence_block *b)
{
    struct sg_bytes leaves;

    if (sg_cbor_get_bytes(in, &leaves) != 0 || leaves.len % 32 || leaves.len > sizeof(b->leaves))
        return false;
    b->n_leaves = leaves.len / 32;
    if (leaves.len)
        memcpy(b->leaves, leaves.data, leaves.len);
    return true;
}

static bool take_readings(struct sg_reader *in, struct sg_evidence_block *b)
{
    uint64_t n;

    if (sg_cbor_get_array(in, &n) != 0 || n > SG_EVIDENCE_READINGS_MAX)
        return false;
    b->n_readings = (size_t)n;
    for (size_t i = 0; i < b->n_readings; i++)
        if (sg_reading_decode(in, &b->readings[i]) != 0)
            return false;
    return true;
}

/* Octets, of which there must be some, or null. */
static bool take_section(struct sg_reader *in, struct sg_bytes *ret)
{
    enum sg_cbor_type type;

    *ret = SG_BYTES_NONE;
    if (sg_cbor_peek(in, &type) != 0)
        return false;
    if (type == SG_CBOR_SIMPLE)
        return sg_cbor_get_null(in) == 0;
    return sg_cbor_get_bytes(in, ret) == 0 && ret->len;
}

static int end_file(struct sg_evidence_reader *r)
{
    if (r->sections &&
        (!take_section(&r->in, &r->estimates) || !take_section(&r->in, &r->resolutions)))
        return SG_EVIDENCE_MALFORMED;
    r->sections = false;
    return r->in.left ? SG_EVIDENCE_MALFORMED : SG_EVIDENCE_END;
}

int sg_evidence_next(struct sg_evidence_reader *r, struct sg_evidence_block *ret)
{
    struct sg_bytes evidence;

    if (r->left == 0)
        return end_file(r);
    if (!take_array(&r->in, BLOCK_ITEMS) || sg_cbor_get_bytes(&r->in, &evidence) != 0 ||
        sg_block_evidence_decode(evidence, &ret->evidence) != 0 || !take_leaves(&r->in, ret) ||
        !take_readings(&r->in, ret))
        return SG_EVIDENCE_MALFORMED;
    r->left--;
    return 0;
}

/* A thread's zstd contexts: making one costs more than packing a file. */
static _Thread_local ZSTD_CCtx *packer;
static _Thread_local ZSTD_DCtx *unpacker;
static pthread_key_t packer_exit, unpacker_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_packer(void *p)
{
    ZSTD_freeCCtx(p);
}

static void free_unpacker(void *p)
{
    ZSTD_freeDCtx(p);
}

static void make_keys(void)
{
    sg_assert(pthread_key_create(&packer_exit, free_packer) == 0);
    sg_assert(pthread_key_create(&unpacker_exit, free_unpacker) == 0);
}

static int make_contexts(void)
{
    pthread_once(&once, make_keys);
    if (!packer) {
        packer = ZSTD_createCCtx();
        pthread_setspecific(packer_exit, packer);
    }
    if (!unpacker) {
        unpacker = ZSTD_createDCtx();
        pthread_setspecific(unpacker_exit, unpacker);
    }
    return packer && unpacker ? 0 : sg_raise(-ENOMEM);
}

int sg_evidence_pack(struct sg_bytes file, struct sg_buf *ret)
{
    size_t room = ZSTD_compressBound(file.len), n;
    uint8_t *at;
    int r = make_contexts();

    if (!r)
        r = sg_buf_extend(ret, room, &at);
    if (r)
        return r;
    n = ZSTD_compressCCtx(packer, at, room, file.data, file.len, ZSTD_LEVEL);
    ret->len -= room;
    if (ZSTD_isError(n))
        return sg_raisef(-EIO, "zstd: %s", ZSTD_getErrorName(n));
    ret->len += n;
    return 0;
}

static bool is_frame(struct sg_bytes b)
{
    static const uint8_t magic[4] = {0x28, 0xb5, 0x2f, 0xfd}; /* RFC 8878 section 3.1.1 */
    return b.len >= sizeof(magic) && memcmp(b.data, magic, sizeof(magic)) == 0;
}

int sg_evidence_unpack(struct sg_bytes packed, struct sg_buf *ret)
{
    unsigned long long size;
    uint8_t *at;
    size_t n;
    int r;

    if (!is_frame(packed))
        return packed.len <= SG_EVIDENCE_MAX ? sg_buf_append(ret, packed) : SG_EVIDENCE_MALFORMED;
    /* Written in one call, so the frame says its size. */
    size = ZSTD_getFrameContentSize(packed.data, packed.len);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
        size > SG_EVIDENCE_MAX)
        return SG_EVIDENCE_MALFORMED;
    r = make_contexts();
    if (!r)
        r = sg_buf_extend(ret, (size_t)size, &at);
    if (r)
        return r;
    n = ZSTD_decompressDCtx(unpacker, at, (size_t)size, packed.data, packed.len);
    if (!ZSTD_isError(n) && n == size)
        return 0;
    ret->len -= (size_t)size;
    return SG_EVIDENCE_MALFORMED;
}
