/* source - calls of either kind. */
#include "source-int.h"

void source_free(struct source *s)
{
    if (s)
        s->kind->free(s);
}

uint32_t source_points(const struct source *s)
{
    return s->points;
}

bool source_dated(const struct source *s)
{
    return s->dated;
}

size_t source_expected(const struct source *s)
{
    return s->expected;
}

const char *source_why(const struct source *s)
{
    return s->why;
}

int source_rewind(struct source *s)
{
    return s->kind->rewind(s);
}

void source_want_phasors(struct source *s, int32_t recent)
{
    s->phasors = true;
    s->first_recent = recent;
}

int source_next(struct source *s, struct source_session *v, struct sg_fraud_days *ret,
                struct source_notes *ret_notes)
{
    return s->kind->next(s, v, ret, ret_notes);
}

int source_session_open(struct source *s, struct source_session **ret)
{
    SG_CLEANUP(source_session_freep) struct source_session *v = calloc(1, sizeof(*v));
    if (!v)
        return sg_raise(-ENOMEM);
    int r = s->kind->session ? s->kind->session(s, v) : 0;
    if (r)
        return r;
    *ret = TAKE_PTR(v);
    return 0;
}

void source_session_free(struct source_session *v)
{
    if (!v)
        return;
    sg_kv_free(v->kv);
    sg_phasor_free(v->phasor);
    free(v);
}
