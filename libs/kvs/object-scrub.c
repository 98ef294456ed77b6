#include "object-int.h"

struct object_check {
    struct sg_store *s;
    struct sg_bucket *b;
    bool light, verify_only;
    struct sg_scrub_report *report;
    struct sg_buf value; /* the manifest as found */
    struct sg_manifest m;
    uint64_t slots; /* written to */
    bool changed, lost;
};

static void mark_live(struct object_check *o)
{
    for (size_t i = 0; i < o->m.n_chunks * sg_manifest_shards(&o->m); i++)
        sg_fragments_live(o->s->fragments, &o->m.shards[i]);
}

/* Shards in a segment that has a bad record anywhere move too, so that the segment can go; its
 * damage was counted when it was checked.  Returns the shards to write. */
static uint32_t count(struct object_check *o, const struct sg_chunk *c)
{
    unsigned n = sg_manifest_shards(&o->m);
    uint32_t which = c->bad_shards;
    o->report->fragments += n;
    for (unsigned i = 0; i < n; i++) {
        const struct sg_shard *shard = &o->m.shards[c->i * n + i];
        bool counted = sg_fragments_is_bad(o->s->fragments, shard);
        if (counted)
            which |= 1u << i;
        else if (c->bad_shards >> i & 1 && shard->slot < o->s->n_volumes)
            sg_scrub_count(o->s, shard->slot, o->report, 1, 0);
    }
    return which;
}

static bool all_there(const struct object_check *o, size_t chunk)
{
    unsigned n = sg_manifest_shards(&o->m);
    for (unsigned i = 0; i < n; i++)
        if (!sg_fragment_there(o->s->fragments, &o->m.shards[chunk * n + i]))
            return false;
    return true;
}

static int check_chunk(struct object_check *o, size_t i)
{
    SG_CLEANUP(sg_chunk_clear) struct sg_chunk c = {.s = o->s, .m = &o->m, .i = i};
    unsigned per_chunk = sg_manifest_shards(&o->m);
    if (o->light && all_there(o, i)) {
        o->report->fragments += per_chunk;
        return 0;
    }
    int r = sg_chunk_read(&c, true);
    if (r < 0)
        return r;
    uint32_t which = count(o, &c);
    o->lost |= r == SG_KV_DAMAGED;
    if (r || which == 0 || o->verify_only)
        return 0;
    o->changed = true;
    return sg_chunk_write(&c, which, o->m.shards + i * per_chunk, &o->slots);
}

/* Objects whose shards were written anew wait here, so that one sync and one commit serve many. */
#define PENDING_MAX     64
#define NAME_OCTETS_MAX 4096 /* a name of 1,024 octets as a key tuple, every one escaped */

struct pending {
    struct sg_buf name, old, fresh;
    uint64_t slots;
};

struct pending_list {
    struct pending items[PENDING_MAX];
    size_t n;
};

static void pending_clear(struct pending_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        sg_buf_clear(&l->items[i].name);
        sg_buf_clear(&l->items[i].old);
        sg_buf_clear(&l->items[i].fresh);
    }
    l->n = 0;
}

static int pending_add(struct pending_list *l, const struct object_check *o, struct sg_bytes name)
{
    sg_assert(l->n < PENDING_MAX);
    struct pending *p = &l->items[l->n++];
    *p = (struct pending){.name = SG_BUF_INIT(NAME_OCTETS_MAX),
                          .old = SG_BUF_INIT_SECRET(SG_COLUMNS_VALUE_MAX),
                          .fresh = SG_BUF_INIT_SECRET(SG_COLUMNS_VALUE_MAX),
                          .slots = o->slots};
    int r = sg_buf_append(&p->name, name);
    if (r == 0)
        r = sg_buf_append(&p->old, sg_buf_bytes(&o->value));
    return r ? r : sg_manifest_encode(&o->m, &p->fresh);
}

static struct sg_kv_op pending_op(const struct pending *p)
{
    return (struct sg_kv_op){.kind = SG_KV_REPLACE,
                             .key = sg_object_key(sg_buf_bytes(&p->name)),
                             .value = sg_buf_bytes(&p->fresh),
                             .expect = sg_buf_bytes(&p->old)};
}

static void count_repaired(const struct object_check *o, const struct pending *p)
{
    for (unsigned slot = 0; slot < o->s->n_volumes; slot++)
        if (p->slots >> slot & 1)
            sg_scrub_count(o->s, slot, o->report, 0, 1);
}

/* If somebody has replaced an object meanwhile there is nothing left to mend in it. */
static int commit_each(struct object_check *o, const struct pending_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct sg_kv_op op = pending_op(&l->items[i]);
        int r = sg_store_batch(o->s, o->b, &op, 1, NULL);
        if (r < 0)
            return r;
        if (r == 0)
            count_repaired(o, &l->items[i]);
    }
    return 0;
}

static int commit_pending(struct object_check *o, struct pending_list *l)
{
    struct sg_kv_op ops[PENDING_MAX];
    uint64_t slots = 0;
    for (size_t i = 0; i < l->n; i++) {
        ops[i] = pending_op(&l->items[i]);
        slots |= l->items[i].slots;
    }
    if (l->n == 0)
        return 0;
    int r = sg_fragments_sync(o->s->fragments, slots);
    if (r == 0)
        r = sg_store_batch(o->s, o->b, ops, l->n, NULL);
    if (r > 0)
        r = commit_each(o, l);
    else
        for (size_t i = 0; r == 0 && i < l->n; i++)
            count_repaired(o, &l->items[i]);
    pending_clear(l);
    return r;
}

/* Places that are left count as live only if the manifest that leaves them is not committed, and
 * then sg_objects_scrub fails or somebody else has replaced the object. */
static int check_chunks(struct object_check *o, struct sg_bytes name, struct pending_list *l)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < o->m.n_chunks; i++)
        r = check_chunk(o, i);
    if (r == 0 && o->changed)
        r = pending_add(l, o, name);
    mark_live(o);
    return r;
}

static int check_object(struct object_check *o, struct sg_bytes name, struct pending_list *l)
{
    sg_buf_reset(&o->value);
    o->changed = o->lost = false;
    o->slots = 0;
    int r = sg_store_get(o->s, o->b, sg_object_key(name), &o->value);
    if (r == 0)
        r = sg_manifest_decode(sg_buf_bytes(&o->value), &o->m);
    if (r)
        return r < 0 ? r : 0; /* deleted meanwhile; or lost, which the partitions' scrub counts */
    r = o->m.is_inline ? 0 : check_chunks(o, name, l);
    o->report->objects++;
    o->report->lost += o->lost;
    sg_manifest_clear(&o->m);
    return r;
}

/* The use is held from a group's first fragment until its manifests are committed. */
static int check_group(struct object_check *o, const struct sg_part_list *names, size_t *at)
{
    SG_CLEANUP(pending_clear) struct pending_list l = {.n = 0};
    int r = 0;
    sg_fragments_use(o->s->fragments);
    while (r == 0 && *at < names->n && l.n < PENDING_MAX)
        r = check_object(o, names->keys[(*at)++], &l);
    if (r == 0)
        r = commit_pending(o, &l);
    sg_fragments_unuse(o->s->fragments);
    return r;
}

int sg_objects_scrub(struct sg_store *s, struct sg_bucket *b, bool light, bool verify_only,
                     struct sg_scrub_report *report)
{
    SG_CLEANUP(sg_part_list_clear) struct sg_part_list names = {NULL, 0};
    struct object_check o = {.s = s,
                             .b = b,
                             .light = light,
                             .verify_only = verify_only,
                             .report = report,
                             .value = SG_BUF_INIT_SECRET(SG_COLUMNS_VALUE_MAX)};
    int r = sg_store_list(s, b, SG_TABLE_OBJECTS, SG_BYTES_NONE, SG_BYTES_NONE, &names);
    for (size_t at = 0; r == 0 && at < names.n;)
        r = check_group(&o, &names, &at);
    sg_buf_clear(&o.value);
    return r;
}
