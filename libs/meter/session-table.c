/* session-table - cache of an authenticator's sessions (session-auth-int.h). */
#include "session-auth-int.h"

int sg_session_table_init(struct sg_session_table *t, size_t max)
{
    t->n_buckets = 1024;
    while (t->n_buckets < max)
        t->n_buckets *= 2;
    t->max = max;
    t->buckets = calloc(t->n_buckets, sizeof *t->buckets);
    if (!t->buckets)
        return sg_raise(-ENOMEM);
    return sg_keyslab_new(&t->slab, sizeof(struct sg_session_keys));
}

/* Connection ids are random octets of ours; strangers choose only among what is not here. */
static struct sg_auth_session **bucket(const struct sg_session_table *t, const uint8_t *cid)
{
    return &t->buckets[sg_load_be64(cid) & (t->n_buckets - 1)];
}

static void unlink_by_use(struct sg_session_table *t, struct sg_auth_session *s)
{
    *(s->newer ? &s->newer->older : &t->newest) = s->older;
    *(s->older ? &s->older->newer : &t->oldest) = s->newer;
    s->newer = s->older = NULL;
}

static void link_newest(struct sg_session_table *t, struct sg_auth_session *s)
{
    s->older = t->newest;
    *(t->newest ? &t->newest->newer : &t->oldest) = s;
    t->newest = s;
}

static void discard(struct sg_session_table *t, struct sg_auth_session *s)
{
    struct sg_auth_session **at = bucket(t, s->record.cid);
    while (*at != s)
        at = &(*at)->chain;
    *at = s->chain;
    unlink_by_use(t, s);
    sg_keyslab_give(t->slab, s->keys);
    sg_wipe(s, sizeof *s);
    free(s);
    t->n--;
}

void sg_session_table_clear(struct sg_session_table *t)
{
    while (t->newest)
        discard(t, t->newest);
    free(t->buckets);
    sg_keyslab_free(t->slab);
}

struct sg_auth_session *sg_session_table_find(struct sg_session_table *t,
                                              const uint8_t cid[SG_FRAME_ID_LEN])
{
    struct sg_auth_session *s = *bucket(t, cid);
    while (s && memcmp(s->record.cid, cid, SG_FRAME_ID_LEN) != 0)
        s = s->chain;
    if (s && s != t->newest) {
        unlink_by_use(t, s);
        link_newest(t, s);
    }
    return s;
}

static int make_room(struct sg_session_table *t)
{
    struct sg_auth_session *s = t->oldest;
    if (t->n < t->max)
        return 0;
    while (s && s->n_claims > 0)
        s = s->newer;
    if (!s)
        return sg_raise(-ENOSPC);
    discard(t, s);
    return 0;
}

static void derive(struct sg_frame_key *ret, const struct sg_session_keys *k, uint32_t label,
                   struct sg_bytes context)
{
    _Static_assert(sizeof(struct sg_frame_key) == 28, "key and IV side by side");
    sg_edhoc_export_from(k->prk_exporter, label, context, (uint8_t *)ret, sizeof *ret);
}

static void fill(struct sg_auth_session *s, const struct sg_session_record *record,
                 const struct sg_window *stored)
{
    s->record = *record;
    s->stored = *stored;
    memcpy(s->keys->prk_exporter, record->prk_exporter, sizeof s->keys->prk_exporter);
    sg_wipe(s->record.prk_exporter, sizeof s->record.prk_exporter);
    derive(&s->keys->uplink, s->keys, SG_SESSION_LABEL_UPLINK, SG_BYTES_NONE);
}

int sg_session_table_add(struct sg_session_table *t, const struct sg_session_record *record,
                         const struct sg_window *stored, struct sg_auth_session **ret)
{
    struct sg_auth_session *s = sg_session_table_find(t, record->cid);
    void *keys;
    if (s && s->n_claims > 0)
        return sg_raise(-EEXIST);
    if (s)
        discard(t, s);
    int r = make_room(t);
    if (r)
        return r;
    s = calloc(1, sizeof *s);
    if (!s)
        return sg_raise(-ENOMEM);
    r = sg_keyslab_take(t->slab, &keys);
    if (r) {
        free(s);
        return r;
    }
    s->keys = keys;
    fill(s, record, stored);
    struct sg_auth_session **at = bucket(t, record->cid);
    s->chain = *at;
    *at = s;
    link_newest(t, s);
    t->n++;
    *ret = s;
    return 0;
}

enum sg_claim sg_session_claim(struct sg_auth_session *s, uint64_t seq)
{
    for (unsigned i = 0; i < s->n_claims; i++)
        if (s->claims[i] == seq)
            return SG_CLAIM_TAKEN;
    if (s->n_claims == SG_CLAIMS_MAX)
        return SG_CLAIM_FULL;
    s->claims[s->n_claims++] = seq;
    return SG_CLAIM_OURS;
}

void sg_session_unclaim(struct sg_auth_session *s, uint64_t seq)
{
    for (unsigned i = 0; i < s->n_claims; i++) {
        if (s->claims[i] == seq) {
            s->claims[i] = s->claims[--s->n_claims];
            return;
        }
    }
}

void sg_session_downlink_key(struct sg_auth_session *s, const uint8_t sender[SG_FRAME_SENDER_LEN])
{
    if (s->has_downlink && memcmp(s->sender, sender, SG_FRAME_SENDER_LEN) == 0)
        return;
    derive(&s->keys->downlink, s->keys, SG_SESSION_LABEL_DOWNLINK,
           SG_BYTES(sender, SG_FRAME_SENDER_LEN));
    memcpy(s->sender, sender, SG_FRAME_SENDER_LEN);
    s->has_downlink = true;
}
