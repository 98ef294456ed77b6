/*
 * Cold open: the head with the highest version that any replica holds (should two of them differ,
 * the one that more than half of their replicas hold), then a replica whose pages
 * match its multiset hash.  A replica that is behind, lacks something or fails a check is counted
 * as damaged and written again from what was found good.
 */
#include "store-edit-int.h"

#include <stdlib.h>

struct loading {
    struct sg_store *s;
    struct sg_part *p;
    struct sg_part_keys *keys; /* owned, until taken by the partition */
    struct sg_buf entry, plain, best, best_plain;
    struct sg_row tail[SG_TAIL_ROWS_MAX];
    struct sg_head head; /* borrows from best_plain and tail */
    bool found;
    bool split;          /* another head of the same version was met */
    unsigned votes;      /* for head, less those for others of its version */
    uint64_t asked, bad; /* slots */
    struct sg_dir_entry *dir;
    size_t n_dir;
    uint8_t sum[SG_MULTISET_LEN];
};

static void free_dir(struct sg_dir_entry *dir, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(dir[i].bounds);
    free(dir);
}

static void drop_dir(struct loading *l)
{
    free_dir(l->dir, l->n_dir);
    l->dir = NULL;
    l->n_dir = 0;
    memset(l->sum, 0, sizeof(l->sum));
}

static void free_loading(struct loading **at)
{
    struct loading *l = *at;
    if (!l)
        return;
    drop_dir(l);
    sg_part_keys_free(l->keys);
    sg_buf_clear(&l->entry);
    sg_buf_clear(&l->plain);
    sg_buf_clear(&l->best);
    sg_buf_clear(&l->best_plain);
    free(l);
}

static bool readable(const struct sg_volume *v)
{
    return sg_volume_state(v) == SG_VOLUME_ONLINE;
}

/* Where copies may be: the replicas in order, and what is salvaged from a volume under rebuild. */
struct source {
    struct sg_index *index;
    unsigned slot;
};

static unsigned sources(struct sg_store *s, const struct sg_part *p,
                        struct source ret[SG_STORE_VOLUMES_MAX + 1])
{
    unsigned n = 0;
    for (unsigned i = 0; i < p->replicas; i++) {
        struct sg_volume *v = sg_store_replica(s, p->key, i);
        if (readable(v))
            ret[n++] = (struct source){v->index, v->slot};
    }
    if (p->salvage)
        ret[n++] = (struct source){p->salvage, p->salvage_slot};
    return n;
}

/* Head. */

static bool same_partition(const struct loading *l, const struct sg_head *h)
{
    return h->table == l->p->table && sg_bytes_equal(h->partition, l->p->partition);
}

/* h and tail, out of l->entry and l->plain, are the best so far. */
static void prefer_head(struct loading *l, const struct sg_head *h, const struct sg_row *tail)
{
    struct sg_buf swap = l->best;
    l->best = l->entry;
    l->entry = swap;
    swap = l->best_plain;
    l->best_plain = l->plain;
    l->plain = swap;
    memcpy(l->tail, tail, h->n_tail * sizeof(*tail));
    l->head = *h;
    l->head.tail = l->tail;
    l->found = true;
}

static bool same_head(const struct loading *l)
{
    return sg_bytes_equal(sg_buf_bytes(&l->plain), sg_buf_bytes(&l->best_plain));
}

/*
 * l->plain is of the version found, too.  There can be two good heads of one: a commit that failed
 * leaves its own in the journal's void record, where storage may take it from, and the next commit
 * takes the version again.  Boyer and Moore's vote leaves the one that most replicas hold, if that
 * is more than half of them.
 */
static bool outvotes(struct loading *l)
{
    bool same = same_head(l);
    l->split |= !same;
    if (l->votes == 0) {
        l->votes = 1;
        return !same;
    }
    if (same)
        l->votes++;
    else
        l->votes--;
    return false;
}

/* l->entry is a head of the right name from that slot: does it open, and is it newer? */
static int judge_head(struct loading *l, unsigned slot)
{
    struct sg_row tail[SG_TAIL_ROWS_MAX];
    struct sg_head h;
    int r = sg_head_open(l->keys, &l->p->bucket->keys, l->p->key, sg_buf_bytes(&l->entry),
                         &l->plain, tail, &h);
    if (r < 0)
        return r;
    if (r || !same_partition(l, &h)) {
        l->bad |= 1ull << slot;
        return 0;
    }
    if (l->found && h.version < l->head.version) {
        l->bad |= 1ull << slot;
        return 0;
    }
    if (l->found && h.version == l->head.version) {
        if (outvotes(l))
            prefer_head(l, &h, tail);
        return 0;
    }
    if (l->found) /* all that answered before are behind */
        l->bad |= l->asked & ~(1ull << slot);
    l->votes = 1;
    l->split = false;
    prefer_head(l, &h, tail);
    return 0;
}

static int ask_head(struct loading *l, const struct source *from, uint64_t *absent)
{
    int r = sg_index_get(from->index, NULL, SG_BYTES(l->p->key, SG_HEAD_KEY_LEN), &l->entry);
    if (r < 0)
        return r;
    l->asked |= 1ull << from->slot;
    if (r == SG_INDEX_NOT_FOUND)
        *absent |= 1ull << from->slot;
    else if (r == SG_INDEX_DAMAGED)
        l->bad |= 1ull << from->slot;
    else
        return judge_head(l, from->slot);
    return 0;
}

/* Counts the votes: 0, or SG_KV_DAMAGED if no head has the majority. */
static int confirm_head(struct loading *l, const struct source *from, unsigned n)
{
    struct sg_row tail[SG_TAIL_ROWS_MAX];
    struct sg_head h;
    unsigned same = 0, others = 0;
    for (unsigned i = 0; i < n; i++) {
        int r = sg_index_get(from[i].index, NULL, SG_BYTES(l->p->key, SG_HEAD_KEY_LEN), &l->entry);
        if (r == 0)
            r = sg_head_open(l->keys, &l->p->bucket->keys, l->p->key, sg_buf_bytes(&l->entry),
                             &l->plain, tail, &h);
        if (r < 0)
            return r;
        if (r || h.version != l->head.version)
            continue;
        bool is = same_head(l);
        same += is;
        others += !is;
        if (!is)
            l->bad |= 1ull << from[i].slot;
    }
    return same > others ? 0 : SG_KV_DAMAGED;
}

static int find_head(struct loading *l)
{
    struct source from[SG_STORE_VOLUMES_MAX + 1];
    uint64_t absent = 0;
    unsigned n = sources(l->s, l->p, from);
    for (unsigned i = 0; i < n; i++) {
        int r = ask_head(l, &from[i], &absent);
        if (r)
            return r;
    }
    if (l->found)
        l->bad |= absent;
    if (l->asked == 0 || (!l->found && l->bad))
        return SG_KV_DAMAGED;
    if (!l->found)
        return 0;
    int r = l->split ? confirm_head(l, from, n) : 0;
    if (r)
        return r;
    /* the keys were last unwrapped for another candidate, perhaps */
    struct sg_head_clear c;
    sg_assert(sg_head_peek(sg_buf_bytes(&l->best), &c));
    return sg_fold(
        sg_dek_unwrap(l->keys, &l->p->bucket->keys, sg_part_name(l->p), c.epoch, c.wrapped));
}

/* Pages. */

static int add_page(struct loading *l, const struct sg_page *page, size_t entry_bytes)
{
    struct sg_dir_entry *dir = realloc(l->dir, (l->n_dir + 1) * sizeof(*dir));
    if (!dir)
        return sg_raise(-ENOMEM);
    l->dir = dir;
    struct sg_dir_entry *e = &dir[l->n_dir];
    e->bounds = malloc(page->first.len + page->last.len + 1);
    if (!e->bounds)
        return sg_raise(-ENOMEM);
    sg_put(sg_put(e->bounds, page->first), page->last);
    e->page = *page;
    e->page.first.data = e->bounds;
    e->page.last.data = e->bounds + page->first.len;
    e->page.columns = SG_BYTES_NONE;
    e->bytes = (uint32_t)entry_bytes;
    l->n_dir++;
    sg_multiset_add(l->sum, l->keys, page);
    return 0;
}

static bool have_page(const struct loading *l, const struct sg_page *page)
{
    for (size_t i = 0; i < l->n_dir; i++)
        if (l->dir[i].page.id == page->id)
            return true;
    return false;
}

/* All pages on one volume that open; merging: only those not found before. */
static int collect_pages(struct loading *l, struct sg_index *ix, bool merging)
{
    SG_CLEANUP(sg_index_iter_freep) struct sg_index_iter *it = NULL;
    uint8_t prefix[SG_PAGE_KEY_LEN];
    struct sg_bytes key, value;
    struct sg_page page;
    sg_page_key(sg_part_name(l->p), 0, prefix);
    int r = sg_index_iter_new(&it, ix, SG_BYTES(prefix, SG_PAGE_KEY_LEN - 8), false);
    while (r == 0 && (r = sg_index_iter_next(it, &key, &value)) == 0) {
        if (key.len != SG_PAGE_KEY_LEN)
            return SG_KV_DAMAGED;
        uint64_t id = sg_load_be64(key.data + SG_PAGE_KEY_LEN - 8);
        r = sg_page_open(l->keys, sg_part_name(l->p), id, value, &l->plain, &page);
        if (r == SG_SEAL_FORGED) {
            r = merging ? 0 : SG_KV_DAMAGED;
            continue;
        }
        if (r == 0 && !(merging && have_page(l, &page)))
            r = add_page(l, &page, value.len);
    }
    return r == SG_INDEX_NOT_FOUND ? 0 : r < 0 ? r : SG_KV_DAMAGED;
}

static int by_first(const void *a, const void *b)
{
    const struct sg_dir_entry *x = a, *y = b;
    return sg_bytes_cmp(x->page.first, y->page.first);
}

static bool complete(struct loading *l)
{
    uint64_t rows = l->head.n_tail;
    if (l->n_dir != l->head.n_pages || memcmp(l->sum, l->head.sum, SG_MULTISET_LEN) != 0)
        return false;
    for (size_t i = 0; i < l->n_dir; i++)
        rows += l->dir[i].page.n_rows;
    if (l->n_dir)
        qsort(l->dir, l->n_dir, sizeof(*l->dir), by_first);
    return rows == l->head.n_rows;
}

/* First any one replica that is complete, then whatever all of them together give. */
static int find_pages(struct loading *l)
{
    struct source from[SG_STORE_VOLUMES_MAX + 1];
    unsigned n = sources(l->s, l->p, from);
    for (unsigned i = 0; i < n; i++) {
        if (l->bad >> from[i].slot & 1)
            continue;
        int r = collect_pages(l, from[i].index, false);
        if (r < 0 || (r == 0 && complete(l)))
            return r;
        l->bad |= 1ull << from[i].slot;
        drop_dir(l);
    }
    for (unsigned i = 0; i < n; i++) {
        int r = collect_pages(l, from[i].index, true);
        if (r < 0)
            return r;
        if (complete(l))
            return 0;
    }
    return SG_KV_DAMAGED;
}

/* Into the partition. */

static int install(struct loading *l)
{
    struct sg_part *p = l->p;
    if (!l->found)
        sg_part_keys_generate(l->keys);
    int r = sg_rows_copy(l->tail, l->found ? l->head.n_tail : 0, &p->tail);
    if (r < 0)
        return r;
    p->n_tail = l->found ? l->head.n_tail : 0;
    p->version = l->found ? l->head.version : 0;
    p->n_rows = l->found ? l->head.n_rows : 0;
    p->next_page = l->found ? l->head.next_page : 1;
    memcpy(p->sum, l->sum, SG_MULTISET_LEN);
    p->dir = l->dir;
    p->n_dir = l->n_dir;
    l->dir = NULL;
    l->n_dir = 0;
    p->keys = TAKE_PTR(l->keys);
    p->loaded = true;
    return 0;
}

static int count_and_mend(struct loading *l)
{
    for (unsigned slot = 0; slot < l->s->n_volumes; slot++) {
        if (!(l->bad >> slot & 1))
            continue;
        if (l->p->salvage && slot == l->p->salvage_slot)
            continue;
        sg_store_damage(l->s, slot, 1);
        if (!l->p->loaded || sg_volume_state(&l->s->volumes[slot]) != SG_VOLUME_ONLINE)
            continue;
        int r = sg_part_copy_to(l->s, l->p, slot, NULL);
        if (r < 0)
            return r;
        if (r == 0)
            sg_store_repaired(l->s, slot, 1);
    }
    return 0;
}

int sg_part_load(struct sg_store *s, struct sg_part *p)
{
    if (p->loaded)
        return 0;
    SG_CLEANUP(free_loading) struct loading *l = calloc(1, sizeof(*l));
    if (!l)
        return sg_raise(-ENOMEM);
    l->s = s;
    l->p = p;
    l->entry.max = l->best.max = SG_ENTRY_BYTES_MAX;
    l->plain = l->best_plain = (struct sg_buf)SG_BUF_INIT_SECRET(SG_ENTRY_BYTES_MAX);
    s->cold_opens++;
    int r = sg_part_keys_new(&l->keys);
    if (r == 0)
        r = find_head(l);
    if (r == 0 && l->found)
        r = find_pages(l);
    if (r == 0)
        r = install(l);
    if (r < 0)
        return r;
    int mended = count_and_mend(l);
    return mended < 0 ? mended : r;
}

/* Reading. */

size_t sg_part_find(const struct sg_part *p, struct sg_bytes sort)
{
    size_t low = 0, high = p->n_dir;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (sg_bytes_cmp(p->dir[mid].page.last, sort) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    bool inside = low < p->n_dir && sg_bytes_cmp(p->dir[low].page.first, sort) <= 0;
    return inside ? low : p->n_dir;
}

size_t sg_row_find(const struct sg_row *rows, size_t n, struct sg_bytes sort, bool *ret_found)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (sg_bytes_cmp(rows[mid].sort, sort) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *ret_found = low < n && sg_bytes_cmp(rows[low].sort, sort) == 0;
    return low;
}

static bool is_page(const struct sg_page *got, const struct sg_page *want)
{
    return got->version == want->version && memcmp(got->tag, want->tag, SG_TAG_LEN) == 0;
}

/* 0: *raw and *ret_page (which borrows from *plain) are page e; SG_KV_DAMAGED: not here. */
static int fetch_from(struct sg_index *ix, struct sg_part *p, struct sg_part_keys *keys,
                      const struct sg_page *e, const struct sg_index_snapshot *snap,
                      struct sg_buf *raw, struct sg_buf *plain, struct sg_page *ret_page)
{
    uint8_t key[SG_PAGE_KEY_LEN];
    sg_page_key(sg_part_name(p), e->id, key);
    int r = sg_index_get(ix, snap, SG_BYTES_ARRAY(key), raw);
    if (r == 0)
        r = sg_page_open(keys, sg_part_name(p), e->id, sg_buf_bytes(raw), plain, ret_page);
    if (r == 0 && !is_page(ret_page, e))
        r = SG_KV_DAMAGED;
    return r > 0 ? SG_KV_DAMAGED : r;
}

static int rewrite_page(struct sg_store *s, struct sg_part *p, const struct sg_page *e,
                        unsigned slot, struct sg_bytes raw)
{
    SG_CLEANUP(sg_index_batch_freep) struct sg_index_batch *b = NULL;
    uint8_t key[SG_PAGE_KEY_LEN];
    sg_page_key(sg_part_name(p), e->id, key);
    int r = sg_index_batch_new(&b);
    if (r < 0)
        return r;
    sg_index_batch_put(b, SG_BYTES_ARRAY(key), raw);
    if (sg_index_write(s->volumes[slot].index, b))
        sg_store_set_aside(s, slot, SG_VOLUME_DAMAGED);
    else
        sg_store_repaired(s, slot, 1);
    return 0;
}

static int mend_page(struct sg_store *s, struct sg_part *p, const struct sg_page *e, uint64_t bad,
                     bool repair, struct sg_bytes raw)
{
    for (unsigned slot = 0; slot < s->n_volumes; slot++) {
        if (!(bad >> slot & 1))
            continue;
        sg_store_damage(s, slot, 1);
        int r = repair ? rewrite_page(s, p, e, slot, raw) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

int sg_part_fetch(struct sg_store *s, struct sg_part *p, struct sg_part_keys *keys,
                  const struct sg_page *e, struct sg_index_snapshot *const *snaps, bool repair,
                  struct sg_buf *raw, struct sg_buf *plain, struct sg_page *ret_page)
{
    uint64_t bad = 0;
    int r = SG_KV_DAMAGED;
    for (unsigned i = 0; r > 0 && i < p->replicas; i++) {
        struct sg_volume *v = sg_store_replica(s, p->key, i);
        if (!readable(v) || (snaps && !snaps[i]))
            continue;
        r = fetch_from(v->index, p, keys, e, snaps ? snaps[i] : NULL, raw, plain, ret_page);
        bad |= r > 0 ? 1ull << v->slot : 0;
    }
    if (r > 0 && p->salvage)
        r = fetch_from(p->salvage, p, keys, e, NULL, raw, plain, ret_page);
    if (r < 0)
        return r;
    int mended = mend_page(s, p, e, bad, repair && r == 0, sg_buf_bytes(raw));
    return mended < 0 ? mended : r;
}

int sg_part_read_some(struct sg_store *s, struct sg_part *p, struct sg_part_keys *keys,
                      const struct sg_page *e, struct sg_index_snapshot *const *snaps,
                      const struct sg_columns_want *want, struct sg_rows *ret_rows)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf raw = SG_BUF_INIT(SG_ENTRY_BYTES_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT_SECRET(SG_ENTRY_BYTES_MAX);
    struct sg_page page;
    /* from a snapshot the page may be gone by now: no writing back then */
    int r = sg_part_fetch(s, p, keys, e, snaps, snaps == NULL, &raw, &plain, &page);
    if (r)
        return r;
    const struct sg_columns_want here = {want->fields, want->sort, page.n_rows};
    r = sg_columns_decode_some(page.columns, &here, ret_rows);
    return r == SG_COLUMNS_NO_TUPLE ? SG_KV_DAMAGED : r;
}

int sg_part_read_page(struct sg_store *s, struct sg_part *p, struct sg_part_keys *keys,
                      const struct sg_page *e, struct sg_index_snapshot *const *snaps,
                      struct sg_rows *ret_rows)
{
    const struct sg_columns_want everything = {.n_rows = 0};
    return sg_part_read_some(s, p, keys, e, snaps, &everything, ret_rows);
}
