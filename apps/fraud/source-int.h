#pragma once
/* source-int - what the two kinds of source share. */
#include "source.h"

struct source_session {
    struct sg_kv *kv;         /* NULL: of a file */
    struct sg_phasor *phasor; /* NULL until it is wanted */
};

struct source_kind {
    int (*next)(struct source *s, struct source_session *v, struct sg_fraud_days *ret,
                struct source_notes *ret_notes);
    int (*rewind)(struct source *s);
    int (*session)(struct source *s, struct source_session *v);
    void (*free)(struct source *s);
};

struct source {
    const struct source_kind *kind;
    uint32_t points;
    bool dated;
    bool phasors; /* wanted */
    int32_t first_recent;
    size_t expected;
    char why[200];
};

static inline bool source_in_span(struct source_span span, int32_t day)
{
    return span.first > span.last || (day >= span.first && day <= span.last);
}
