#include "head-int.h"

#include <sealgrid/crypto/hash.h>

#define HEAD_DOMAIN "sg-head-1"
#define PAGE_DOMAIN "sg-page-1"

void sg_head_key(const uint8_t tag[SG_TABLE_TAG_LEN], const uint8_t name[SG_NAME_LEN],
                 uint8_t ret[SG_HEAD_KEY_LEN])
{
    ret[0] = name[0];
    ret[1] = SG_HEAD_CLASS;
    memcpy(ret + 2, tag, SG_TABLE_TAG_LEN);
    memcpy(ret + 2 + SG_TABLE_TAG_LEN, name, SG_NAME_LEN);
}

void sg_page_key(const uint8_t name[SG_NAME_LEN], uint64_t id, uint8_t ret[SG_PAGE_KEY_LEN])
{
    ret[0] = name[0];
    ret[1] = SG_PAGE_CLASS;
    memcpy(ret + 2, name, SG_NAME_LEN);
    sg_store_be64(ret + 2 + SG_NAME_LEN, id);
}

/* What a seal covers besides the body: domain, index key, clear header. */
#define DOMAIN_LEN   9
#define HEAD_AAD_LEN (DOMAIN_LEN + SG_HEAD_KEY_LEN + SG_HEAD_HEADER_LEN)
#define PAGE_AAD_LEN (DOMAIN_LEN + SG_PAGE_KEY_LEN + SG_PAGE_HEADER_LEN)

static void head_aad(uint8_t ret[HEAD_AAD_LEN], const uint8_t key[SG_HEAD_KEY_LEN],
                     const uint8_t *header)
{
    memcpy(ret, HEAD_DOMAIN, DOMAIN_LEN);
    memcpy(ret + DOMAIN_LEN, key, SG_HEAD_KEY_LEN);
    memcpy(ret + DOMAIN_LEN + SG_HEAD_KEY_LEN, header, SG_HEAD_HEADER_LEN);
}

static void page_header(uint8_t ret[SG_PAGE_HEADER_LEN], uint64_t version)
{
    ret[0] = SG_FORMAT;
    ret[1] = SG_PAGE_CLASS;
    sg_store_be64(ret + 2, version);
}

static void page_aad(uint8_t ret[PAGE_AAD_LEN], const uint8_t name[SG_NAME_LEN], uint64_t id,
                     uint64_t version)
{
    memcpy(ret, PAGE_DOMAIN, DOMAIN_LEN);
    sg_page_key(name, id, ret + DOMAIN_LEN);
    page_header(ret + DOMAIN_LEN + SG_PAGE_KEY_LEN, version);
}

static struct sg_bytes after(struct sg_bytes entry, size_t header_len)
{
    return SG_BYTES(entry.data + header_len, entry.len - header_len);
}

/* Head. */

bool sg_head_peek(struct sg_bytes entry, struct sg_head_clear *ret)
{
    struct sg_reader r = sg_reader_over(entry);
    struct sg_head_clear c;
    struct sg_bytes tag, wrapped;
    uint8_t format, kind;
    bool ok = sg_take_u8(&r, &format) && sg_take_u8(&r, &kind) &&
              sg_take(&r, SG_BUCKET_TAG_LEN, &tag) && sg_take_be64(&r, &c.version) &&
              sg_take_be32(&r, &c.epoch) && sg_take(&r, SG_WRAPPED_LEN, &wrapped);
    if (!ok || format != SG_FORMAT || kind != SG_HEAD_CLASS)
        return false;
    memcpy(c.bucket_tag, tag.data, SG_BUCKET_TAG_LEN);
    c.wrapped = wrapped.data;
    *ret = c;
    return true;
}

static size_t head_body_len(const struct sg_head *h)
{
    size_t len = 4 + 2 + h->partition.len + 8 + 8 + 4 + SG_MULTISET_LEN + 2;
    for (size_t i = 0; i < h->n_tail; i++)
        len += 2 + 4 + h->tail[i].sort.len + h->tail[i].value.len;
    return len;
}

static void write_tail(const struct sg_head *h, uint8_t *at)
{
    sg_store_be16(at, (uint16_t)h->n_tail);
    at += 2;
    for (size_t i = 0; i < h->n_tail; i++) {
        const struct sg_row *row = &h->tail[i];
        sg_store_be16(at, (uint16_t)row->sort.len);
        sg_store_be32(at + 2, (uint32_t)row->value.len);
        at = sg_put(sg_put(at + 6, row->sort), row->value);
    }
}

/* head_body_len(h) octets */
static void write_head_body(const struct sg_head *h, uint8_t *at)
{
    sg_store_be32(at, h->table);
    sg_store_be16(at + 4, (uint16_t)h->partition.len);
    at = sg_put(at + 6, h->partition);
    sg_store_be64(at, h->n_rows);
    sg_store_be64(at + 8, h->next_page);
    sg_store_be32(at + 16, h->n_pages);
    memcpy(at + 20, h->sum, SG_MULTISET_LEN);
    write_tail(h, at + 20 + SG_MULTISET_LEN);
}

int sg_head_body_encode(const struct sg_head *h, struct sg_buf *out)
{
    uint8_t *at;
    int r = sg_buf_extend(out, head_body_len(h), &at);
    if (r == 0)
        write_head_body(h, at);
    return r;
}

static bool take_tail_row(struct sg_reader *r, struct sg_row *ret)
{
    uint16_t sort_len;
    uint32_t value_len;
    return sg_take_be16(r, &sort_len) && sg_take_be32(r, &value_len) &&
           sg_take(r, sort_len, &ret->sort) && sg_take(r, value_len, &ret->value);
}

static bool decode_tail(struct sg_reader *r, struct sg_row *tail, size_t *ret_n)
{
    uint16_t n;
    if (!sg_take_be16(r, &n) || n > SG_TAIL_ROWS_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!take_tail_row(r, &tail[i]) ||
            (i > 0 && sg_bytes_cmp(tail[i - 1].sort, tail[i].sort) >= 0))
            return false;
    *ret_n = n;
    return r->left == 0;
}

bool sg_head_body_decode(struct sg_bytes body, struct sg_row *tail, struct sg_head *ret)
{
    struct sg_reader r = sg_reader_over(body);
    struct sg_head h = {.tail = tail};
    struct sg_bytes sum;
    uint16_t partition_len;
    bool ok = sg_take_be32(&r, &h.table) && sg_take_be16(&r, &partition_len) &&
              sg_take(&r, partition_len, &h.partition) && sg_take_be64(&r, &h.n_rows) &&
              sg_take_be64(&r, &h.next_page) && sg_take_be32(&r, &h.n_pages) &&
              sg_take(&r, SG_MULTISET_LEN, &sum) && decode_tail(&r, tail, &h.n_tail);
    if (!ok)
        return false;
    memcpy(h.sum, sum.data, SG_MULTISET_LEN);
    *ret = h;
    return true;
}

int sg_head_seal(struct sg_part_keys *k, struct sg_writer *w, const struct sg_bucket_keys *b,
                 const uint8_t key[SG_HEAD_KEY_LEN], const struct sg_head *h, struct sg_buf *out)
{
    uint8_t header[SG_HEAD_HEADER_LEN], aad[HEAD_AAD_LEN], *entry;
    size_t body_len = head_body_len(h), before = out->len;
    uint32_t epoch;
    header[0] = SG_FORMAT;
    header[1] = SG_HEAD_CLASS;
    memcpy(header + 2, b->tag, SG_BUCKET_TAG_LEN);
    sg_store_be64(header + 10, h->version);
    int r = sg_dek_wrap(k, b, sg_head_key_name(key), &epoch, header + 22);
    if (r < 0)
        return r;
    sg_store_be32(header + 18, epoch);
    r = sg_buf_extend(out, SG_HEAD_HEADER_LEN + SG_ENVELOPE_LEN + body_len, &entry);
    if (r < 0)
        return r;
    memcpy(entry, header, SG_HEAD_HEADER_LEN);
    write_head_body(h, entry + SG_HEAD_HEADER_LEN + SG_ENVELOPE_BODY_AT);
    head_aad(aad, key, header);
    r = sg_envelope_seal(k, w, SG_BYTES_ARRAY(aad), entry + SG_HEAD_HEADER_LEN, body_len, NULL);
    if (r < 0)
        out->len = before;
    return r;
}

int sg_head_open(struct sg_part_keys *k, const struct sg_bucket_keys *b,
                 const uint8_t key[SG_HEAD_KEY_LEN], struct sg_bytes entry, struct sg_buf *plain,
                 struct sg_row *tail, struct sg_head *ret)
{
    uint8_t aad[HEAD_AAD_LEN];
    struct sg_head_clear c;
    struct sg_head h;
    if (!sg_head_peek(entry, &c) || memcmp(c.bucket_tag, b->tag, SG_BUCKET_TAG_LEN) != 0)
        return SG_SEAL_FORGED;
    int r = sg_dek_unwrap(k, b, sg_head_key_name(key), c.epoch, c.wrapped);
    if (r)
        return r;
    sg_buf_reset(plain);
    head_aad(aad, key, entry.data); /* sg_head_peek saw a whole header */
    r = sg_envelope_open(k, SG_BYTES_ARRAY(aad), after(entry, SG_HEAD_HEADER_LEN), plain);
    if (r)
        return r;
    if (!sg_head_body_decode(sg_buf_bytes(plain), tail, &h))
        return SG_SEAL_FORGED;
    h.version = c.version;
    *ret = h;
    return 0;
}

/* Page. */

static size_t page_body_len(const struct sg_page *p)
{
    return 2 + 2 + p->first.len + 2 + p->last.len + p->columns.len;
}

/* page_body_len(p) octets */
static void write_page_body(const struct sg_page *p, uint8_t *at)
{
    sg_store_be16(at, p->n_rows);
    sg_store_be16(at + 2, (uint16_t)p->first.len);
    at = sg_put(at + 4, p->first);
    sg_store_be16(at, (uint16_t)p->last.len);
    sg_put(sg_put(at + 2, p->last), p->columns);
}

int sg_page_body_encode(const struct sg_page *p, struct sg_buf *out)
{
    uint8_t *at;
    int r = sg_buf_extend(out, page_body_len(p), &at);
    if (r == 0)
        write_page_body(p, at);
    return r;
}

bool sg_page_body_decode(struct sg_bytes body, struct sg_page *ret)
{
    struct sg_reader r = sg_reader_over(body);
    struct sg_page p = {.id = ret->id, .version = ret->version};
    uint16_t first_len, last_len;
    bool ok = sg_take_be16(&r, &p.n_rows) && sg_take_be16(&r, &first_len) &&
              sg_take(&r, first_len, &p.first) && sg_take_be16(&r, &last_len) &&
              sg_take(&r, last_len, &p.last);
    if (!ok || p.n_rows == 0 || sg_bytes_cmp(p.first, p.last) > 0)
        return false;
    p.columns = SG_BYTES(r.at, r.left);
    memcpy(p.tag, ret->tag, SG_TAG_LEN);
    *ret = p;
    return true;
}

int sg_page_seal(struct sg_part_keys *k, struct sg_writer *w, const uint8_t name[SG_NAME_LEN],
                 struct sg_page *p, struct sg_buf *out)
{
    uint8_t aad[PAGE_AAD_LEN], *entry;
    size_t body_len = page_body_len(p), before = out->len;
    int r = sg_buf_extend(out, SG_PAGE_HEADER_LEN + SG_ENVELOPE_LEN + body_len, &entry);
    if (r < 0)
        return r;
    page_header(entry, p->version);
    write_page_body(p, entry + SG_PAGE_HEADER_LEN + SG_ENVELOPE_BODY_AT);
    page_aad(aad, name, p->id, p->version);
    r = sg_envelope_seal(k, w, SG_BYTES_ARRAY(aad), entry + SG_PAGE_HEADER_LEN, body_len, p->tag);
    if (r < 0)
        out->len = before;
    return r;
}

static bool page_peek(struct sg_bytes entry, struct sg_page *ret)
{
    if (entry.len < SG_PAGE_HEADER_LEN + SG_ENVELOPE_LEN || entry.data[0] != SG_FORMAT ||
        entry.data[1] != SG_PAGE_CLASS)
        return false;
    ret->version = sg_load_be64(entry.data + 2);
    memcpy(ret->tag, entry.data + entry.len - SG_TAG_LEN, SG_TAG_LEN);
    return true;
}

int sg_page_open(struct sg_part_keys *k, const uint8_t name[SG_NAME_LEN], uint64_t id,
                 struct sg_bytes entry, struct sg_buf *plain, struct sg_page *ret)
{
    struct sg_page p = {.id = id};
    uint8_t aad[PAGE_AAD_LEN];
    if (!page_peek(entry, &p))
        return SG_SEAL_FORGED;
    page_aad(aad, name, id, p.version); /* the rest of the header is fixed, and page_peek saw it */
    sg_buf_reset(plain);
    int r = sg_envelope_open(k, SG_BYTES_ARRAY(aad), after(entry, SG_PAGE_HEADER_LEN), plain);
    if (r)
        return r;
    if (!sg_page_body_decode(sg_buf_bytes(plain), &p))
        return SG_SEAL_FORGED;
    *ret = p;
    return 0;
}

/* Multiset hash: MSet-Add of Clarke et al. (ASIACRYPT 2003) over a keyed BLAKE2b-256. */

static void element(uint8_t ret[SG_MULTISET_LEN], const struct sg_part_keys *k,
                    const struct sg_page *p)
{
    uint8_t in[8 + 8 + SG_TAG_LEN];
    sg_store_be64(in, p->id);
    sg_store_be64(in + 8, p->version);
    memcpy(in + 16, p->tag, SG_TAG_LEN);
    const struct sg_bytes parts[] = {SG_BYTES_ARRAY(in)};
    sg_blake2b_parts(ret, SG_MULTISET_LEN, SG_BYTES(k->multiset, SG_KEY_LEN), parts, 1);
}

void sg_multiset_add(uint8_t sum[SG_MULTISET_LEN], const struct sg_part_keys *k,
                     const struct sg_page *p)
{
    uint8_t e[SG_MULTISET_LEN];
    unsigned carry = 0;
    element(e, k, p);
    for (size_t i = SG_MULTISET_LEN; i-- > 0;) {
        carry += (unsigned)sum[i] + e[i];
        sum[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

void sg_multiset_remove(uint8_t sum[SG_MULTISET_LEN], const struct sg_part_keys *k,
                        const struct sg_page *p)
{
    uint8_t e[SG_MULTISET_LEN];
    unsigned borrow = 0;
    element(e, k, p);
    for (size_t i = SG_MULTISET_LEN; i-- > 0;) {
        unsigned d = 256u + sum[i] - e[i] - borrow;
        sum[i] = (uint8_t)d;
        borrow = d < 256;
    }
}
