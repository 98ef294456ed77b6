#include "store-pages-int.h"

#include <stdlib.h>

/* Pages of about this size decide how many heads there are: a page or two a head. */
#define TYPICAL_BYTES 8192

/* Rows as ends of their octets: sort key, value, sort key, value, ... */
struct sg_kept_page {
    struct sg_kept_page *hash_next, *newer, *older;
    uint8_t name[SG_NAME_LEN];
    uint64_t id, version;
    uint8_t tag[SG_TAG_LEN];
    size_t bytes; /* of all this */
    uint32_t n_rows;
    uint32_t ends[]; /* 2 * n_rows, then the octets */
};

static const uint8_t *octets_of(const struct sg_kept_page *k)
{
    return (const uint8_t *)(k->ends + 2 * k->n_rows);
}

static struct sg_bytes part(const struct sg_kept_page *k, uint32_t i)
{
    uint32_t from = i ? k->ends[i - 1] : 0;
    return SG_BYTES(octets_of(k) + from, k->ends[i] - from);
}

static bool is(const struct sg_kept_page *k, const uint8_t name[SG_NAME_LEN],
               const struct sg_page *page)
{
    return memcmp(k->tag, page->tag, SG_TAG_LEN) == 0 && k->id == page->id &&
           k->version == page->version && memcmp(k->name, name, SG_NAME_LEN) == 0;
}

/* Tags are as good as random: shard, head and what is remembered of a page come out of them. */

static struct sg_pages_shard *shard_of(struct sg_pages *c, const struct sg_page *page)
{
    return &c->shards[page->tag[0] % SG_PAGES_SHARDS];
}

static struct sg_kept_page **head_of(struct sg_pages_shard *h, const uint8_t tag[SG_TAG_LEN])
{
    return &h->heads[sg_load_be32(tag + 1) & (h->n_heads - 1)];
}

static void unlink_page(struct sg_pages_shard *h, struct sg_kept_page *k)
{
    *(k->newer ? &k->newer->older : &h->newest) = k->older;
    *(k->older ? &k->older->newer : &h->oldest) = k->newer;
    k->newer = k->older = NULL;
}

static void link_newest(struct sg_pages_shard *h, struct sg_kept_page *k)
{
    k->older = h->newest;
    *(h->newest ? &h->newest->newer : &h->oldest) = k;
    h->newest = k;
}

static void free_page(struct sg_kept_page *k)
{
    sg_wipe(k, k->bytes);
    free(k);
}

static void drop(struct sg_pages_shard *h, struct sg_kept_page *k)
{
    struct sg_kept_page **at = head_of(h, k->tag);
    while (*at != k)
        at = &(*at)->hash_next;
    *at = k->hash_next;
    unlink_page(h, k);
    h->bytes -= k->bytes;
    free_page(k);
}

int sg_pages_init(struct sg_pages *c, size_t max_bytes)
{
    size_t heads = 1;
    c->max_bytes = max_bytes / SG_PAGES_SHARDS;
    while (heads * TYPICAL_BYTES < c->max_bytes)
        heads *= 2;
    for (size_t i = 0; i < SG_PAGES_SHARDS; i++) {
        struct sg_pages_shard *h = &c->shards[i];
        *h = (struct sg_pages_shard){.heads = calloc(heads, sizeof(struct sg_kept_page *))};
        if (!h->heads) {
            sg_pages_clear(c);
            return sg_raise(-ENOMEM);
        }
        h->n_heads = heads;
        pthread_mutex_init(&h->lock, NULL);
    }
    return 0;
}

void sg_pages_clear(struct sg_pages *c)
{
    for (size_t i = 0; i < SG_PAGES_SHARDS && c->shards[i].heads; i++) {
        struct sg_pages_shard *h = &c->shards[i];
        while (h->newest)
            drop(h, h->newest);
        free(h->heads);
        h->heads = NULL;
        pthread_mutex_destroy(&h->lock);
    }
}

/* ---- reading ---- */

static int append_row(const struct sg_kept_page *k, struct sg_bytes sort, struct sg_buf *ret)
{
    uint32_t low = 0, high = k->n_rows;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int order = sg_bytes_cmp(part(k, 2 * mid), sort);
        if (order == 0)
            return sg_buf_append(ret, part(k, 2 * mid + 1));
        *(order < 0 ? &low : &high) = order < 0 ? mid + 1 : mid;
    }
    return SG_PAGES_NO_ROW;
}

/* Whether the page was asked for lately; from now on it was. */
static int ask(struct sg_pages_shard *h, const struct sg_page *page)
{
    uint32_t *seen = &h->seen[sg_load_be32(page->tag + 5) % SG_PAGES_SEEN];
    uint32_t mark = sg_load_be32(page->tag + 9);
    if (*seen == mark)
        return SG_PAGES_AGAIN;
    *seen = mark;
    return SG_PAGES_ONCE;
}

int sg_pages_get(struct sg_pages *c, const uint8_t name[SG_NAME_LEN], const struct sg_page *page,
                 struct sg_bytes sort, struct sg_buf *ret)
{
    struct sg_pages_shard *h = shard_of(c, page);
    pthread_mutex_lock(&h->lock);
    struct sg_kept_page *k = *head_of(h, page->tag);
    while (k && !is(k, name, page))
        k = k->hash_next;
    int r = k ? append_row(k, sort, ret) : ask(h, page);
    if (k && k != h->newest) {
        unlink_page(h, k);
        link_newest(h, k);
    }
    pthread_mutex_unlock(&h->lock);
    return r;
}

/* ---- keeping ---- */

static struct sg_kept_page *copy_page(const uint8_t name[SG_NAME_LEN], const struct sg_page *page,
                                      const struct sg_rows *rows)
{
    size_t octets = 0;
    for (size_t i = 0; i < rows->n; i++)
        octets += rows->row[i].sort.len + rows->row[i].value.len;
    size_t bytes = sizeof(struct sg_kept_page) + 2 * rows->n * sizeof(uint32_t) + octets;
    struct sg_kept_page *k = octets < UINT32_MAX ? malloc(bytes) : NULL;
    if (!k)
        return NULL;
    *k = (struct sg_kept_page){
        .id = page->id, .version = page->version, .bytes = bytes, .n_rows = (uint32_t)rows->n};
    memcpy(k->name, name, SG_NAME_LEN);
    memcpy(k->tag, page->tag, SG_TAG_LEN);
    uint8_t *start = (uint8_t *)(k->ends + 2 * rows->n), *at = start;
    for (size_t i = 0; i < 2 * rows->n; i++) {
        struct sg_bytes b = i % 2 ? rows->row[i / 2].value : rows->row[i / 2].sort;
        if (b.len)
            memcpy(at, b.data, b.len);
        at += b.len;
        k->ends[i] = (uint32_t)(at - start);
    }
    return k;
}

/* Another thread may have kept it meanwhile: the older one then ages away. */
static void add(struct sg_pages_shard *h, size_t max_bytes, struct sg_kept_page *k)
{
    struct sg_kept_page **head = head_of(h, k->tag);
    k->hash_next = *head;
    *head = k;
    link_newest(h, k);
    h->bytes += k->bytes;
    while (h->bytes > max_bytes)
        drop(h, h->oldest);
}

void sg_pages_keep(struct sg_pages *c, const uint8_t name[SG_NAME_LEN], const struct sg_page *page,
                   const struct sg_rows *rows)
{
    struct sg_pages_shard *h = shard_of(c, page);
    struct sg_kept_page *k = copy_page(name, page, rows);
    if (!k)
        return;
    if (k->bytes > c->max_bytes / 4) { /* it would drive out all others */
        free_page(k);
        return;
    }
    pthread_mutex_lock(&h->lock);
    add(h, c->max_bytes, k);
    pthread_mutex_unlock(&h->lock);
}
