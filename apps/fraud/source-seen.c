#include "source-seen.h"

#include <sealgrid/base/grow.h>

/* ---- hashes -------------------------------------------------------------------------------- */

/* Never 0. */
static uint64_t hash_of(struct sg_bytes name)
{
    const uint64_t h = sg_fnv1a(name);
    return h ? h : 1;
}

static bool put(struct seen *s, uint64_t h)
{
    size_t i = (size_t)(h ^ h >> 32) & (s->room - 1);
    for (; s->slot[i]; i = (i + 1) & (s->room - 1))
        if (s->slot[i] == h)
            return false;
    s->slot[i] = h;
    s->n++;
    return true;
}

static int grow(struct seen *s)
{
    struct seen more = {.room = s->room ? s->room * 2 : 4096};
    if (s->n * 2 < s->room)
        return 0;
    more.slot = calloc(more.room, sizeof(*more.slot));
    if (!more.slot)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < s->room; i++)
        if (s->slot[i])
            (void)put(&more, s->slot[i]);
    free(s->slot);
    s->slot = more.slot;
    s->n = more.n;
    s->room = more.room;
    return 0;
}

static int put_name(struct seen *s, struct sg_bytes name)
{
    int r = grow(s);
    return r ? r : put(s, hash_of(name)) ? 0 : SEEN_BEFORE;
}

/* ---- those before -------------------------------------------------------------------------- */

/* What was read before can be read; else it is another file by now. */
static int same(int r)
{
    return r > 0 ? sg_raisef(-EBADMSG, "the file changed while it was read") : r;
}

/* Puts the first s->met customers of the file. */
static int put_those_met(struct seen *s)
{
    SG_CLEANUP(sg_daily_freep) struct sg_daily *in = NULL;
    char last[SG_DAILY_NAME_MAX + 1] = "";
    struct sg_daily_error why;
    struct sg_daily_row row;
    int r = same(sg_daily_open(&in, s->path, &why));
    for (size_t n = 0; r == 0 && n < s->met;) {
        r = same(sg_daily_next(in, &row, &why));
        if (r || sg_bytes_equal(row.customer, sg_bytes_str(last)))
            continue;
        memcpy(last, row.customer.data, row.customer.len);
        last[row.customer.len] = 0;
        r = put_name(s, row.customer);
        n++;
    }
    return r;
}

/* ---- order --------------------------------------------------------------------------------- */

static void note_order(struct seen *s, struct sg_bytes name)
{
    const size_t last = strlen(s->last);
    const int c = sg_bytes_cmp(name, sg_bytes_str(s->last));
    s->by_octets &= c > 0;
    s->by_length &= name.len > last || (name.len == last && c > 0);
    memcpy(s->last, name.data, name.len);
    s->last[name.len] = 0;
}

void seen_start(struct seen *s, const char *path)
{
    free(s->slot);
    *s = (struct seen){.path = path, .by_octets = true, .by_length = true};
}

void seen_clear(struct seen *s)
{
    free(s->slot);
    s->slot = NULL;
}

int seen_meet(struct seen *s, struct sg_bytes name)
{
    int r = 0;
    if (!s->slot)
        note_order(s, name); /* every name comes after none */
    if (!s->slot && !s->by_octets && !s->by_length)
        r = put_those_met(s);
    s->met++;
    if (r || s->by_octets || s->by_length)
        return r;
    return put_name(s, name);
}
