#include <sealgrid/base/cbor.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>
#include <sealgrid/crypto/merkle.h>
#include <sealgrid/meter/block.h>
#include <sealgrid/meter/cose.h>

#define HEADER_ITEMS     9
#define WIRE_ITEMS       3
#define EVIDENCE_ITEMS   4
#define PROOF_ITEMS      7
#define PATH_MAX_NODES   7   /* ceil(log2(96)) */
#define HEADER_MAX       128 /* the encoding: 9 items, 20 octets of serial, 32 of root */
#define TO_BE_SIGNED_MAX 256
#define TS_MAX           INT64_C(253402300799)
#define EXTERNAL_AAD     SG_BYTES_LIT("sealgrid-reading-v1")

/* A buffer over storage of the caller's frame: never grows, never freed. */
#define FIXED_BUF(array)                                                                           \
    {                                                                                              \
        (array), 0, sizeof(array), sizeof(array), false                                            \
    }

/* ---- salts and leaves ---------------------------------------------------------------------- */

void sg_block_salt(uint8_t ret[SG_BLOCK_SALT_LEN], const uint8_t seed[SG_BLOCK_SEED_LEN],
                   uint32_t i)
{
    uint8_t index[4], mac[32];
    sg_store_be32(index, i);
    const struct sg_bytes parts[] = {SG_BYTES_LIT("sealgrid-salt-v1"), SG_BYTES_ARRAY(index)};
    sg_hmac_sha256(mac, SG_BYTES(seed, SG_BLOCK_SEED_LEN), parts, 2);
    memcpy(ret, mac, SG_BLOCK_SALT_LEN);
}

void sg_block_leaf_hash(uint8_t ret[32], const uint8_t salt[SG_BLOCK_SALT_LEN],
                        struct sg_bytes leaf)
{
    const struct sg_bytes parts[] = {SG_BYTES(salt, SG_BLOCK_SALT_LEN), leaf};
    sg_merkle_leaf(ret, parts, 2);
}

int sg_block_reading_hash(const uint8_t seed[SG_BLOCK_SEED_LEN], uint32_t i,
                          const struct sg_reading *reading, uint8_t ret[32])
{
    uint8_t salt[SG_BLOCK_SALT_LEN], room[SG_READING_LEAF_MAX];
    struct sg_buf leaf = FIXED_BUF(room);
    int r = sg_reading_encode(reading, &leaf);
    if (r)
        return r;
    sg_block_salt(salt, seed, i);
    sg_block_leaf_hash(ret, salt, sg_buf_bytes(&leaf));
    return 0;
}

/* -EINVAL if a reading is not valid. */
static int hash_leaves(const uint8_t seed[SG_BLOCK_SEED_LEN], const struct sg_reading *readings,
                       size_t n, uint8_t (*ret)[32])
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = sg_block_reading_hash(seed, (uint32_t)i, &readings[i], ret[i]);
    return r;
}

/* ---- header -------------------------------------------------------------------------------- */

static bool serial_valid(const char *serial)
{
    size_t n = strnlen(serial, SG_BLOCK_SERIAL_MAX + 1);
    if (n == 0 || n > SG_BLOCK_SERIAL_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (serial[i] <= ' ' || serial[i] > '~')
            return false;
    return true;
}

static bool interval_valid(uint32_t interval_s)
{
    return interval_s >= 60 && interval_s <= 86400 && 86400 % interval_s == 0;
}

bool sg_block_header_valid(const struct sg_block_header *h)
{
    return serial_valid(h->serial) && h->first_seq >= 1 && h->first_seq <= INT64_MAX &&
           h->count >= 1 && h->count <= SG_BLOCK_READINGS_MAX &&
           h->first_seq <= (uint64_t)INT64_MAX - h->count && h->first_ts_s >= 0 &&
           h->first_ts_s <= TS_MAX && interval_valid(h->interval_s) &&
           (unsigned)h->clock <= SG_CLOCK_WAS_SET && h->format >= SG_BLOCK_FORMAT_FIRST &&
           h->format <= SG_BLOCK_FORMAT;
}

static int put_header(const struct sg_block_header *h, struct sg_buf *b)
{
    if (!sg_block_header_valid(h))
        return sg_raise(-EINVAL);
    int r = sg_cbor_put_array(b, HEADER_ITEMS);
    if (r == 0)
        r = sg_cbor_put_text(b, h->serial);
    if (r == 0)
        r = sg_cbor_put_uint(b, h->first_seq);
    if (r == 0)
        r = sg_cbor_put_uint(b, h->count);
    if (r == 0)
        r = sg_cbor_put_int(b, h->first_ts_s);
    if (r == 0)
        r = sg_cbor_put_uint(b, h->interval_s);
    if (r == 0)
        r = sg_cbor_put_uint(b, (uint64_t)h->clock);
    if (r == 0)
        r = sg_cbor_put_uint(b, h->software);
    if (r == 0)
        r = sg_cbor_put_uint(b, h->format);
    return r ? r : sg_cbor_put_bytes(b, SG_BYTES_ARRAY(h->root));
}

static bool take_serial(struct sg_reader *in, char ret[SG_BLOCK_SERIAL_MAX + 1])
{
    struct sg_bytes text;
    if (sg_cbor_get_text(in, &text) != 0 || text.len > SG_BLOCK_SERIAL_MAX)
        return false;
    /* A NUL inside would cut the string: strnlen in serial_valid then differs from text.len. */
    if (text.len && memchr(text.data, 0, text.len))
        return false;
    memset(ret, 0, SG_BLOCK_SERIAL_MAX + 1);
    if (text.len)
        memcpy(ret, text.data, text.len);
    return true;
}

static bool take_u32(struct sg_reader *in, uint32_t *ret)
{
    uint64_t v;
    if (sg_cbor_get_uint(in, &v) != 0 || v > UINT32_MAX)
        return false;
    *ret = (uint32_t)v;
    return true;
}

static bool take_fixed(struct sg_reader *in, uint8_t *ret, size_t len)
{
    struct sg_bytes b;
    if (sg_cbor_get_bytes(in, &b) != 0 || b.len != len)
        return false;
    memcpy(ret, b.data, len);
    return true;
}

static bool take_array(struct sg_reader *in, uint64_t items)
{
    uint64_t n;
    return sg_cbor_get_array(in, &n) == 0 && n == items;
}

static bool parse_header(struct sg_bytes payload, struct sg_block_header *ret)
{
    struct sg_reader in = sg_reader_over(payload);
    uint32_t clock;
    bool ok = take_array(&in, HEADER_ITEMS) && take_serial(&in, ret->serial) &&
              sg_cbor_get_uint(&in, &ret->first_seq) == 0 && take_u32(&in, &ret->count) &&
              sg_cbor_get_int(&in, &ret->first_ts_s) == 0 && take_u32(&in, &ret->interval_s) &&
              take_u32(&in, &clock) && take_u32(&in, &ret->software) &&
              take_u32(&in, &ret->format) && take_fixed(&in, ret->root, 32) && in.left == 0;
    if (!ok || clock > SG_CLOCK_WAS_SET)
        return false;
    ret->clock = (enum sg_clock_status)clock;
    return sg_block_header_valid(ret);
}

bool sg_block_format_has(const struct sg_block_header *h, const struct sg_reading *reading)
{
    return h->format > SG_BLOCK_FORMAT_FIRST || sg_reading_is_short(reading);
}

static bool format_has(const struct sg_block_header *h, const struct sg_reading *readings)
{
    for (uint32_t i = 0; i < h->count; i++)
        if (!sg_block_format_has(h, &readings[i]))
            return false;
    return true;
}

static bool consecutive(const struct sg_block_header *h, const struct sg_reading *readings)
{
    for (uint32_t i = 0; i < h->count; i++)
        if (readings[i].seq != h->first_seq + i ||
            readings[i].ts_s != h->first_ts_s + (int64_t)i * h->interval_s)
            return false;
    return true;
}

/* ---- signature ----------------------------------------------------------------------------- */

static int to_be_signed(const struct sg_block_header *h, enum sg_sign_alg alg, struct sg_buf *ret)
{
    uint8_t room[HEADER_MAX];
    struct sg_buf payload = FIXED_BUF(room);
    int r = put_header(h, &payload);
    return r ? r : sg_cose_sign1_to_be_signed(alg, EXTERNAL_AAD, sg_buf_bytes(&payload), ret);
}

static int check_signature(const struct sg_block_evidence *e, const struct sg_key *key)
{
    uint8_t room[TO_BE_SIGNED_MAX];
    struct sg_buf message = FIXED_BUF(room);
    int r = to_be_signed(&e->header, e->alg, &message);
    if (r)
        return r;
    r = sg_verify(key, e->alg, sg_buf_bytes(&message), e->signature);
    return r > 0 ? SG_BLOCK_BAD_SIGNATURE : r;
}

/* ---- wire ---------------------------------------------------------------------------------- */

static int put_message(const struct sg_block_evidence *e, struct sg_buf *b)
{
    uint8_t room[HEADER_MAX];
    struct sg_buf payload = FIXED_BUF(room);
    int r = put_header(&e->header, &payload);
    if (r)
        return r;
    const struct sg_cose_sign1 m = {e->alg, sg_buf_bytes(&payload), e->signature};
    return sg_cose_sign1_put(b, &m);
}

static int put_readings(const struct sg_reading *readings, uint32_t n, struct sg_buf *b)
{
    int r = sg_cbor_put_array(b, n);
    for (uint32_t i = 0; r == 0 && i < n; i++)
        r = sg_reading_encode(&readings[i], b);
    return r;
}

int sg_block_encode(const struct sg_block_evidence *e, const struct sg_reading *readings,
                    struct sg_buf *ret)
{
    size_t start = ret->len;
    if (!format_has(&e->header, readings))
        return sg_raise(-EINVAL);
    int r = sg_cbor_put_array(ret, WIRE_ITEMS);
    if (r == 0)
        r = put_message(e, ret);
    if (r == 0)
        r = sg_cbor_put_bytes(ret, SG_BYTES_ARRAY(e->seed));
    if (r == 0)
        r = put_readings(readings, e->header.count, ret);
    if (r)
        ret->len = start;
    return r;
}

static int sign_header(struct sg_block_evidence *e, const struct sg_key *key,
                       struct sg_buf *signature)
{
    uint8_t room[TO_BE_SIGNED_MAX];
    struct sg_buf message = FIXED_BUF(room);
    int r = to_be_signed(&e->header, e->alg, &message);
    if (r)
        return r;
    r = sg_sign(key, e->alg, sg_buf_bytes(&message), signature);
    if (r)
        return sg_fold(r);
    e->signature = sg_buf_bytes(signature);
    return 0;
}

int sg_block_sign(const struct sg_block_header *header, const struct sg_reading *readings, size_t n,
                  const struct sg_key *key, enum sg_sign_alg alg,
                  const uint8_t seed[SG_BLOCK_SEED_LEN], struct sg_buf *ret)
{
    uint8_t leaves[SG_BLOCK_READINGS_MAX][32];
    SG_CLEANUP(sg_buf_clear) struct sg_buf signature = SG_BUF_INIT(SG_COSE_SIGNATURE_MAX);
    struct sg_block_evidence e = {.header = *header, .alg = alg};
    if (n == 0 || n > SG_BLOCK_READINGS_MAX)
        return sg_raise(-EINVAL);
    e.header.count = (uint32_t)n;
    if (!sg_block_header_valid(&e.header) || !consecutive(&e.header, readings) ||
        !format_has(&e.header, readings))
        return sg_raise(-EINVAL);
    memcpy(e.seed, seed, SG_BLOCK_SEED_LEN);
    int r = hash_leaves(seed, readings, n, leaves);
    if (r)
        return r;
    sg_merkle_root(e.header.root, (const uint8_t(*)[32])leaves, n);
    r = sign_header(&e, key, &signature);
    return r ? r : sg_block_encode(&e, readings, ret);
}

static bool parse_message(struct sg_reader *in, struct sg_block_evidence *ret)
{
    struct sg_cose_sign1 m;
    if (sg_cose_sign1_take(in, &m) != 0 || !parse_header(m.payload, &ret->header))
        return false;
    ret->alg = m.alg;
    ret->signature = m.signature;
    return true;
}

int sg_block_decode(struct sg_bytes wire, struct sg_block_evidence *ret,
                    struct sg_reading *ret_readings)
{
    struct sg_block_evidence e;
    struct sg_reader in = sg_reader_over(wire);
    if (wire.len > SG_BLOCK_MAX || !take_array(&in, WIRE_ITEMS) || !parse_message(&in, &e) ||
        !take_fixed(&in, e.seed, SG_BLOCK_SEED_LEN) || !take_array(&in, e.header.count))
        return SG_BLOCK_MALFORMED;
    for (uint32_t i = 0; i < e.header.count; i++)
        if (sg_reading_decode(&in, &ret_readings[i]) != 0)
            return SG_BLOCK_MALFORMED;
    if (in.left != 0 || !format_has(&e.header, ret_readings))
        return SG_BLOCK_MALFORMED;
    if (!consecutive(&e.header, ret_readings))
        return SG_BLOCK_BAD_SEQUENCE;
    *ret = e;
    return 0;
}

static int check_root(const struct sg_block_evidence *e, const struct sg_reading *readings)
{
    uint8_t leaves[SG_BLOCK_READINGS_MAX][32], root[32];
    if (!consecutive(&e->header, readings))
        return SG_BLOCK_BAD_SEQUENCE;
    if (!format_has(&e->header, readings) ||
        hash_leaves(e->seed, readings, e->header.count, leaves) != 0)
        return SG_BLOCK_MALFORMED;
    sg_merkle_root(root, (const uint8_t(*)[32])leaves, e->header.count);
    return memcmp(root, e->header.root, 32) == 0 ? 0 : SG_BLOCK_BAD_ROOT;
}

static bool signable(const struct sg_block_evidence *e)
{
    return sg_block_header_valid(&e->header) && sg_cose_alg_known(e->alg) &&
           sg_cose_signature_len_ok(e->alg, e->signature.len);
}

int sg_block_check_signature(const struct sg_block_evidence *e, const struct sg_key *key)
{
    return signable(e) ? check_signature(e, key) : SG_BLOCK_MALFORMED;
}

int sg_block_verify(const struct sg_block_evidence *e, const struct sg_reading *readings,
                    const struct sg_key *key)
{
    if (!signable(e))
        return SG_BLOCK_MALFORMED;
    int r = check_root(e, readings);
    return r ? r : check_signature(e, key);
}

/* ---- evidence ------------------------------------------------------------------------------ */

/* The items that evidence and proof share: header, algorithm, signature. */
static int put_signed(const struct sg_block_evidence *e, struct sg_buf *b)
{
    uint8_t room[HEADER_MAX];
    struct sg_buf payload = FIXED_BUF(room);
    if (!sg_cose_alg_known(e->alg) || !sg_cose_signature_len_ok(e->alg, e->signature.len))
        return sg_raise(-EINVAL);
    int r = put_header(&e->header, &payload);
    if (r == 0)
        r = sg_cbor_put_bytes(b, sg_buf_bytes(&payload));
    if (r == 0)
        r = sg_cbor_put_int(b, e->alg);
    return r ? r : sg_cbor_put_bytes(b, e->signature);
}

static bool take_signed(struct sg_reader *in, struct sg_block_evidence *ret)
{
    struct sg_bytes payload;
    int64_t alg;
    if (sg_cbor_get_bytes(in, &payload) != 0 || !parse_header(payload, &ret->header) ||
        sg_cbor_get_int(in, &alg) != 0 || !sg_cose_alg_known(alg) ||
        sg_cbor_get_bytes(in, &ret->signature) != 0)
        return false;
    ret->alg = (enum sg_sign_alg)alg;
    return sg_cose_signature_len_ok(ret->alg, ret->signature.len);
}

int sg_block_evidence_encode(const struct sg_block_evidence *e, struct sg_buf *ret)
{
    size_t start = ret->len;
    int r = sg_cbor_put_array(ret, EVIDENCE_ITEMS);
    if (r == 0)
        r = put_signed(e, ret);
    if (r == 0)
        r = sg_cbor_put_bytes(ret, SG_BYTES_ARRAY(e->seed));
    if (r)
        ret->len = start;
    return r;
}

int sg_block_evidence_decode(struct sg_bytes b, struct sg_block_evidence *ret)
{
    struct sg_block_evidence e;
    struct sg_reader in = sg_reader_over(b);
    if (b.len > SG_BLOCK_EVIDENCE_MAX || !take_array(&in, EVIDENCE_ITEMS) ||
        !take_signed(&in, &e) || !take_fixed(&in, e.seed, SG_BLOCK_SEED_LEN) || in.left != 0)
        return SG_BLOCK_MALFORMED;
    *ret = e;
    return 0;
}

/* ---- proof of one reading ------------------------------------------------------------------ */

static int put_path(const uint8_t (*path)[32], size_t n, struct sg_buf *b)
{
    int r = sg_cbor_put_array(b, n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = sg_cbor_put_bytes(b, SG_BYTES(path[i], 32));
    return r;
}

static int put_leaf(const struct sg_reading *reading, struct sg_buf *b)
{
    uint8_t room[SG_READING_LEAF_MAX];
    struct sg_buf leaf = FIXED_BUF(room);
    int r = sg_reading_encode(reading, &leaf);
    return r ? r : sg_cbor_put_bytes(b, sg_buf_bytes(&leaf));
}

static int put_proof(const struct sg_block_evidence *e, const struct sg_reading *reading,
                     uint32_t index, const uint8_t (*path)[32], size_t path_len, struct sg_buf *b)
{
    uint8_t salt[SG_BLOCK_SALT_LEN];
    sg_block_salt(salt, e->seed, index);
    int r = sg_cbor_put_array(b, PROOF_ITEMS);
    if (r == 0)
        r = put_signed(e, b);
    if (r == 0)
        r = sg_cbor_put_uint(b, index);
    if (r == 0)
        r = sg_cbor_put_bytes(b, SG_BYTES_ARRAY(salt));
    if (r == 0)
        r = put_leaf(reading, b);
    return r ? r : put_path(path, path_len, b);
}

int sg_block_prove(const struct sg_block_evidence *e, const struct sg_reading *readings,
                   uint32_t index, struct sg_buf *ret)
{
    uint8_t leaves[SG_BLOCK_READINGS_MAX][32], path[SG_MERKLE_PATH_MAX][32];
    size_t start = ret->len;
    if (!sg_block_header_valid(&e->header) || index >= e->header.count ||
        !format_has(&e->header, readings))
        return sg_raise(-EINVAL);
    int r = hash_leaves(e->seed, readings, e->header.count, leaves);
    if (r)
        return r;
    size_t n = sg_merkle_path(path, (const uint8_t(*)[32])leaves, e->header.count, index);
    r = put_proof(e, &readings[index], index, (const uint8_t(*)[32])path, n, ret);
    if (r)
        ret->len = start;
    return r;
}

struct proof {
    struct sg_block_evidence e; /* without seed */
    uint32_t index;
    struct sg_bytes leaf;
    struct sg_reading reading;
    uint8_t salt[SG_BLOCK_SALT_LEN];
    uint8_t path[PATH_MAX_NODES][32];
    size_t path_len;
};

static bool take_path(struct sg_reader *in, struct proof *p)
{
    uint64_t n;
    if (sg_cbor_get_array(in, &n) != 0 || n > PATH_MAX_NODES)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!take_fixed(in, p->path[i], 32))
            return false;
    p->path_len = (size_t)n;
    return true;
}

static bool parse_proof(struct sg_bytes b, struct proof *p)
{
    struct sg_reader in = sg_reader_over(b);
    if (b.len > SG_BLOCK_PROOF_MAX || !take_array(&in, PROOF_ITEMS) || !take_signed(&in, &p->e) ||
        !take_u32(&in, &p->index) || !take_fixed(&in, p->salt, SG_BLOCK_SALT_LEN) ||
        sg_cbor_get_bytes(&in, &p->leaf) != 0 || !take_path(&in, p) || in.left != 0)
        return false;
    struct sg_reader leaf = sg_reader_over(p->leaf);
    return sg_reading_decode(&leaf, &p->reading) == 0 && leaf.left == 0 &&
           p->index < p->e.header.count && sg_block_format_has(&p->e.header, &p->reading);
}

static bool proof_in_sequence(const struct proof *p)
{
    const struct sg_block_header *h = &p->e.header;
    return p->reading.seq == h->first_seq + p->index &&
           p->reading.ts_s == h->first_ts_s + (int64_t)p->index * h->interval_s;
}

int sg_block_check_proof(struct sg_bytes proof, const struct sg_key *key,
                         struct sg_block_header *ret_header, struct sg_reading *ret_reading)
{
    struct proof p;
    uint8_t hash[32];
    if (!parse_proof(proof, &p))
        return SG_BLOCK_MALFORMED;
    if (!proof_in_sequence(&p))
        return SG_BLOCK_BAD_SEQUENCE;
    sg_block_leaf_hash(hash, p.salt, p.leaf);
    int r = sg_merkle_check_path(p.e.header.root, hash, p.index, p.e.header.count,
                                 (const uint8_t(*)[32])p.path, p.path_len);
    if (r)
        return r > 0 ? (int)SG_BLOCK_BAD_ROOT : r;
    r = check_signature(&p.e, key);
    if (r)
        return r;
    *ret_header = p.e.header;
    *ret_reading = p.reading;
    return 0;
}

int sg_block_proof_leaf(struct sg_bytes proof, uint8_t ret[32])
{
    struct proof p;

    if (!parse_proof(proof, &p))
        return SG_BLOCK_MALFORMED;
    sg_block_leaf_hash(ret, p.salt, p.leaf);
    return 0;
}
