#include "object-int.h"

struct object_check {
    struct sg_store *s;
    struct sg_bucket *b;
    bool verify_only;
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

static int check_chunk(struct object_check *o, size_t i)
{
    SG_CLEANUP(sg_chunk_clear) struct sg_chunk c = {.s = o->s, .m = &o->m, .i = i};
    unsigned per_chunk = sg_manifest_shards(&o->m);
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

/* If somebody has replaced the object meanwhile there is nothing left to mend. */
static int commit_manifest(struct object_check *o, struct sg_bytes name)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT_SECRET(SG_COLUMNS_VALUE_MAX);
    int r = sg_fragments_sync(o->s->fragments, o->slots);
    if (r == 0)
        r = sg_manifest_encode(&o->m, &value);
    if (r < 0)
        return r;
    const struct sg_kv_op op = {.kind = SG_KV_REPLACE,
                                .key = sg_object_key(name),
                                .value = sg_buf_bytes(&value),
                                .expect = sg_buf_bytes(&o->value)};
    r = sg_store_batch(o->s, o->b, &op, 1, NULL);
    if (r)
        return r < 0 ? r : 0;
    for (unsigned slot = 0; slot < o->s->n_volumes; slot++)
        if (o->slots >> slot & 1)
            sg_scrub_count(o->s, slot, o->report, 0, 1);
    return 0;
}

/* Places that are left count as live only if the manifest that leaves them is not committed, and
 * then sg_objects_scrub fails or somebody else has replaced the object. */
static int check_chunks(struct object_check *o, struct sg_bytes name)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < o->m.n_chunks; i++)
        r = check_chunk(o, i);
    if (r == 0 && o->changed)
        r = commit_manifest(o, name);
    mark_live(o);
    return r;
}

static int check_object(struct object_check *o, struct sg_bytes name)
{
    sg_buf_reset(&o->value);
    o->changed = o->lost = false;
    o->slots = 0;
    int r = sg_store_get(o->s, o->b, sg_object_key(name), &o->value);
    if (r == 0)
        r = sg_manifest_decode(sg_buf_bytes(&o->value), &o->m);
    if (r)
        return r < 0 ? r : 0; /* deleted meanwhile; or lost, which the partitions' scrub counts */
    r = o->m.is_inline ? 0 : check_chunks(o, name);
    o->report->objects++;
    o->report->lost += o->lost;
    sg_manifest_clear(&o->m);
    return r;
}

int sg_objects_scrub(struct sg_store *s, struct sg_bucket *b, bool verify_only,
                     struct sg_scrub_report *report)
{
    SG_CLEANUP(sg_part_list_clear) struct sg_part_list names = {NULL, 0};
    struct object_check o = {.s = s,
                             .b = b,
                             .verify_only = verify_only,
                             .report = report,
                             .value = SG_BUF_INIT_SECRET(SG_COLUMNS_VALUE_MAX)};
    int r = sg_store_list(s, b, SG_TABLE_OBJECTS, SG_BYTES_NONE, SG_BYTES_NONE, &names);
    for (size_t i = 0; r == 0 && i < names.n; i++) {
        sg_fragments_use(s->fragments);
        r = check_object(&o, names.keys[i]);
        sg_fragments_unuse(s->fragments);
    }
    sg_buf_clear(&o.value);
    return r;
}
