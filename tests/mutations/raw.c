/*
 * raw - octets turned, cut, doubled, moved, inserted; nothing is signed again.  Whatever is still
 * trusted may differ from the good evidence in octets that no signature covers, and nowhere else.
 */
#include "mutate.h"

enum { VARIANTS_MAX = 18 };

struct known {
    struct specimen good;
    struct sg_buf free[SG_TEE_N_PARTS]; /* per octet: bits that may differ */
};

static void learn(const struct kind *k, unsigned variant, struct known *ret)
{
    struct free_list l = {0};
    specimen_init(&ret->good);
    k->make(variant, &ret->good);
    k->uncovered(&ret->good, &l);
    const struct sg_tee_evidence e = specimen_evidence(&ret->good);
    const struct sg_tee_verdict v = tk_world_judge(&world, &e);
    sg_assert(sg_tee_trusted(&v));
    for (size_t p = 0; p < SG_TEE_N_PARTS; p++) {
        ret->free[p] = (struct sg_buf)SG_BUF_INIT(1u << 20);
        MUST(sg_buf_append_zeros(&ret->free[p], ret->good.part[p].len));
    }
    for (size_t i = 0; i < l.n; i++)
        for (size_t at = l.at[i].from; at < l.at[i].until; at++)
            ret->free[l.at[i].part].data[at] |= l.at[i].bits;
}

static void forget(struct known *k)
{
    specimen_clear(&k->good);
    for (size_t p = 0; p < SG_TEE_N_PARTS; p++)
        sg_buf_clear(&k->free[p]);
}

static void turn(struct sg_buf *b)
{
    for (size_t n = 1 + below(4); n && b->len; n--)
        b->data[below(b->len)] ^= (uint8_t)(1 + below(255));
}

static void cut(struct sg_buf *b)
{
    b->len = below(b->len);
}

static void fill(struct sg_buf *b)
{
    const size_t at = below(b->len), n = below(16);
    memset(b->data + at, one_in(2) ? 0xff : 0, n < b->len - at ? n : b->len - at);
}

static void move(struct sg_buf *b)
{
    const size_t n = 1 + below(b->len < 64 ? b->len : 64);
    memmove(b->data + below(b->len - n + 1), b->data + below(b->len - n + 1), n);
}

static void insert(struct sg_buf *b)
{
    const size_t at = below(b->len + 1), n = 1 + below(8);
    MUST(sg_buf_append_zeros(b, n));
    memmove(b->data + at + n, b->data + at, b->len - n - at);
    for (size_t i = one_in(2) ? n : 0; i < n; i++)
        b->data[at + i] = (uint8_t)sg_prng_u64(&prng);
}

static void mutate(struct specimen *s)
{
    static void (*const ways[])(struct sg_buf *) = {turn, turn, cut, fill, move, insert};
    size_t part;
    do
        part = below(SG_TEE_N_PARTS);
    while (!s->part[part].len);
    ways[below(N(ways))](&s->part[part]);
}

static uint8_t octet(const struct sg_buf *b, size_t i)
{
    return i < b->len ? b->data[i] : 0;
}

/* The same but for free bits; drivers hand out reports with zeros behind. */
static bool same(const struct sg_buf *a, const struct sg_buf *b, const struct sg_buf *allowed,
                 bool padded)
{
    if (!padded && a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len || i < b->len; i++)
        if ((octet(a, i) ^ octet(b, i)) & ~octet(allowed, i))
            return false;
    return true;
}

static void strip(struct sg_bytes text, struct sg_buf *ret)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(" \t\r\n", text.data[i]) || !text.data[i])
            MUST(sg_buf_append_u8(ret, text.data[i]));
}

/* The blocks of one PEM text but the last (the root) stand in another in the same order; white
 * space may have moved, which no mask of single octets can say. */
static bool same_blocks(struct sg_bytes good, struct sg_bytes is)
{
    static const struct sg_bytes first = SG_BYTES_LIT("-----BEGINCERTIFICATE-----"),
                                 last = SG_BYTES_LIT("-----ENDCERTIFICATE-----");
    SG_CLEANUP(sg_buf_clear) struct sg_buf a = SG_BUF_INIT(1u << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    strip(good, &a);
    strip(is, &b);
    const uint8_t *from = a.data, *at = b.data, *end;
    while ((end = memmem(from, (size_t)(a.data + a.len - from), last.data, last.len)) != NULL) {
        end += last.len;
        if (!memmem(end, (size_t)(a.data + a.len - end), first.data, first.len))
            return true;
        at = memmem(at, (size_t)(b.data + b.len - at), from, (size_t)(end - from));
        if (!at)
            return false;
        at += end - from;
        from = end;
    }
    return false;
}

static bool same_quote(const struct known *k, const struct specimen *s, size_t part)
{
    const struct sg_bytes good = sg_buf_bytes(&k->good.part[part]),
                          is = sg_buf_bytes(&s->part[part]);
    struct tk_quote_layout l;
    if (!tk_quote_find(good, &l) || good.len != is.len)
        return false;
    const size_t chain = l.cert + 6;
    for (size_t i = 0; i < chain; i++)
        if ((good.data[i] ^ is.data[i]) & ~k->free[part].data[i])
            return false;
    return same_blocks(SG_BYTES(good.data + chain, good.len - chain),
                       SG_BYTES(is.data + chain, is.len - chain));
}

static bool may_be_trusted(const struct known *k, const struct specimen *s)
{
    for (size_t p = 0; p < SG_TEE_N_PARTS; p++)
        if (!same_quote(k, s, p) && !same(&k->good.part[p], &s->part[p], &k->free[p],
                                          p == SG_TEE_PART_REPORT || p == SG_TEE_PART_TD_QUOTE))
            return false;
    return true;
}

static void note_difference(const struct known *k, const struct specimen *s)
{
    for (size_t p = 0; p < SG_TEE_N_PARTS; p++) {
        const struct sg_buf *a = &k->good.part[p], *b = &s->part[p];
        if (a->len != b->len)
            note("part %zu: %zu octets, now %zu", p, a->len, b->len);
        for (size_t i = 0; i < a->len && i < b->len; i++)
            if (a->data[i] != b->data[i])
                note("part %zu: octet %zu was %02x, is %02x", p, i, a->data[i], b->data[i]);
    }
}

/* Trusted though it may not be.  What may be trusted need not: a free octet has values that are
 * malformed. */
static bool one(const struct known *k, struct specimen *s)
{
    specimen_copy(s, &k->good);
    mutate(s);
    const struct sg_tee_evidence e = specimen_evidence(s);
    const struct sg_tee_verdict v = tk_world_judge(&world, &e);
    const bool may = sg_tee_trusted(&v) && may_be_trusted(k, s);
    if (sg_tee_trusted(&v) && !may)
        note_difference(k, s);
    return agree(&v, may);
}

int run_raw(const struct kind *k, uint64_t count)
{
    static struct known known[VARIANTS_MAX];
    SG_CLEANUP(specimen_clear) struct specimen s;
    bool right = true;
    specimen_init(&s);
    for (unsigned v = 0; v < k->n_variants; v++)
        learn(k, v, &known[v]);
    for (uint64_t i = 0; i < count && right; i++) {
        note_clear();
        right = one(&known[i % k->n_variants], &s);
    }
    for (unsigned v = 0; v < k->n_variants; v++)
        forget(&known[v]);
    if (right)
        print_counts(k->name, "raw");
    return right ? 0 : 1;
}
