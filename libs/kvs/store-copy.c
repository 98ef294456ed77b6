/* A partition's copies on volumes: writing one, checking one. */
#include "store-int.h"

static int put_head(struct sg_store *s, struct sg_part *p, struct sg_index_batch *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf entry = SG_BUF_INIT(SG_ENTRY_BYTES_MAX);
    struct sg_head h = {.version = p->version,
                        .table = p->table,
                        .partition = p->partition,
                        .n_rows = p->n_rows,
                        .next_page = p->next_page,
                        .n_pages = (uint32_t)p->n_dir,
                        .tail = p->tail,
                        .n_tail = p->n_tail};
    memcpy(h.sum, p->sum, SG_MULTISET_LEN);
    int r = sg_head_seal(p->keys, &s->writer, &p->bucket->keys, p->key, &h, &entry);
    if (r == 0)
        sg_index_batch_put(b, SG_BYTES(p->key, SG_HEAD_KEY_LEN), sg_buf_bytes(&entry));
    return r;
}

/* Whatever the volume has under this name goes first: it may hold pages that no head knows. */
static int delete_pages(struct sg_part *p, struct sg_index *ix, struct sg_index_batch *b)
{
    SG_CLEANUP(sg_index_iter_freep) struct sg_index_iter *it = NULL;
    uint8_t prefix[SG_PAGE_KEY_LEN];
    struct sg_bytes key, value;
    sg_page_key(sg_part_name(p), 0, prefix);
    int r = sg_index_iter_new(&it, ix, SG_BYTES(prefix, SG_PAGE_KEY_LEN - 8), false);
    while (r == 0 && (r = sg_index_iter_next(it, &key, &value)) == 0)
        sg_index_batch_delete(b, key);
    return r < 0 ? r : 0; /* an unreadable part of the index cannot be listed */
}

static int put_pages(struct sg_store *s, struct sg_part *p, struct sg_index *ix,
                     struct sg_index_batch *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf raw = SG_BUF_INIT(SG_ENTRY_BYTES_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT_SECRET(SG_ENTRY_BYTES_MAX);
    uint8_t key[SG_PAGE_KEY_LEN];
    struct sg_page page;
    for (size_t i = 0; i < p->n_dir; i++) {
        const struct sg_page *e = &p->dir[i].page;
        int r = sg_part_fetch(s, p, p->keys, e, NULL, false, &raw, &plain, &page);
        if (r)
            return r;
        sg_page_key(sg_part_name(p), e->id, key);
        sg_index_batch_put(b, SG_BYTES_ARRAY(key), sg_buf_bytes(&raw));
        if (sg_index_batch_bytes(b) < (4u << 20))
            continue;
        if (sg_index_write(ix, b))
            return SG_KV_DAMAGED;
        sg_index_batch_reset(b);
    }
    return 0;
}

int sg_part_copy_to(struct sg_store *s, struct sg_part *p, unsigned slot, struct sg_index *ix)
{
    SG_CLEANUP(sg_index_batch_freep) struct sg_index_batch *b = NULL;
    struct sg_index *into = ix ? ix : s->volumes[slot].index;
    if (p->version == 0)
        return 0;
    int r = sg_index_batch_new(&b);
    if (r == 0)
        r = delete_pages(p, into, b);
    if (r == 0)
        r = put_pages(s, p, into, b);
    if (r == 0)
        r = put_head(s, p, b);
    if (r)
        return r;
    if (sg_index_write(into, b)) {
        sg_store_set_aside(s, slot, SG_VOLUME_DAMAGED);
        return SG_KV_DAMAGED;
    }
    return 0;
}

/* Checking one copy against what is known to be right. */

static int check_head(struct sg_part *p, struct sg_index *ix, struct sg_buf *entry,
                      struct sg_buf *plain)
{
    SG_CLEANUP(sg_part_keys_freep) struct sg_part_keys *keys = NULL;
    struct sg_row tail[SG_TAIL_ROWS_MAX];
    struct sg_head h;
    int r = sg_part_keys_new(&keys);
    if (r < 0)
        return r;
    r = sg_index_get(ix, NULL, SG_BYTES(p->key, SG_HEAD_KEY_LEN), entry);
    if (r == SG_INDEX_NOT_FOUND)
        return p->version ? SG_KV_DAMAGED : 0;
    if (r == 0)
        r = sg_head_open(keys, &p->bucket->keys, p->key, sg_buf_bytes(entry), plain, tail, &h);
    if (r < 0)
        return r;
    return r || h.version != p->version || memcmp(h.sum, p->sum, SG_MULTISET_LEN) != 0 ||
                   h.n_rows != p->n_rows
               ? SG_KV_DAMAGED
               : 0;
}

int sg_part_check_copy(struct sg_store *s, struct sg_part *p, unsigned slot, uint64_t *ret_pages)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf raw = SG_BUF_INIT(SG_ENTRY_BYTES_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT_SECRET(SG_ENTRY_BYTES_MAX);
    SG_CLEANUP(sg_index_iter_freep) struct sg_index_iter *it = NULL;
    struct sg_index *ix = s->volumes[slot].index;
    uint8_t sum[SG_MULTISET_LEN] = {0}, prefix[SG_PAGE_KEY_LEN];
    struct sg_bytes key, value;
    struct sg_page page;
    int r = check_head(p, ix, &raw, &plain);
    if (r)
        return r;
    sg_page_key(sg_part_name(p), 0, prefix);
    r = sg_index_iter_new(&it, ix, SG_BYTES(prefix, SG_PAGE_KEY_LEN - 8), true);
    while (r == 0 && (r = sg_index_iter_next(it, &key, &value)) == 0) {
        if (key.len != SG_PAGE_KEY_LEN)
            return SG_KV_DAMAGED;
        r = sg_page_open(p->keys, sg_part_name(p), sg_load_be64(key.data + SG_PAGE_KEY_LEN - 8),
                         value, &plain, &page);
        if (r == 0) {
            sg_multiset_add(sum, p->keys, &page);
            ++*ret_pages;
        }
    }
    if (r < 0)
        return r;
    bool right = r == SG_INDEX_NOT_FOUND && memcmp(sum, p->sum, sizeof(sum)) == 0;
    return right ? 0 : SG_KV_DAMAGED;
}
