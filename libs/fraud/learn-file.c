#include "file-head-int.h"
#include "learn-int.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/file.h>

#include <math.h>
#include <string.h>

#define FORMAT "sealgrid-learned"
enum { VERSION = 1, FIELDS = 10, START_BYTES = 16 };

/* --- encode -------------------------------------------------------------------------------- */

static int put_floats(struct sg_buf *b, const float *v, size_t n)
{
    SG_FREE uint8_t *bytes = malloc(n * 4);
    if (!bytes)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &v[i], sizeof(bits));
        sg_store_be32(bytes + 4 * i, bits);
    }
    return sg_cbor_put_bytes(b, SG_BYTES(bytes, n * 4));
}

static int put_counts(struct sg_buf *b, const uint32_t *v, size_t n)
{
    SG_FREE uint8_t *bytes = malloc(n * 4);
    if (!bytes)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++)
        sg_store_be32(bytes + 4 * i, v[i]);
    return sg_cbor_put_bytes(b, SG_BYTES(bytes, n * 4));
}

static int put_start(struct sg_buf *b, const struct trees_line *start)
{
    uint8_t bytes[START_BYTES];
    uint64_t bits;
    memcpy(&bits, &start->slope, sizeof(bits));
    sg_store_be64(bytes, bits);
    memcpy(&bits, &start->intercept, sizeof(bits));
    sg_store_be64(bytes + 8, bits);
    return sg_cbor_put_bytes(b, SG_BYTES_ARRAY(bytes));
}

static int put_trees(struct sg_buf *b, const struct sg_learned *m)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf trees = SG_BUF_INIT(SG_TREES_BYTES_MAX);
    int r = sg_trees_encode(m->trees, m->label, &trees);
    return r ? r : sg_cbor_put_bytes(b, sg_buf_bytes(&trees));
}

int sg_learned_encode(const struct sg_learned *m, struct sg_buf *b)
{
    const size_t columns = m->features + 2;
    int r = sg_cbor_put_array(b, FIELDS);
    if (r == 0)
        r = sg_cbor_put_text(b, FORMAT);
    if (r == 0)
        r = sg_cbor_put_uint(b, VERSION);
    if (r == 0)
        r = sg_cbor_put_int(b, m->first_day);
    if (r == 0)
        r = sg_cbor_put_int(b, m->last_day);
    if (r == 0)
        r = sg_cbor_put_uint(b, m->n_fraud);
    if (r == 0)
        r = sg_cbor_put_uint(b, m->n_nothing);
    if (r == 0)
        r = put_start(b, &m->start);
    if (r == 0)
        r = put_floats(b, m->edge, columns * LEARN_EDGES);
    if (r == 0)
        r = put_counts(b, m->count, columns * SG_DRIFT_CLASSES);
    return r ? r : put_trees(b, m);
}

/* --- decode -------------------------------------------------------------------------------- */

struct parts {
    int64_t first_day, last_day;
    uint64_t fraud, nothing;
    struct sg_bytes start, edges, counts, trees;
};

static int get_version(struct sg_reader *r)
{
    const int e = sg_file_head_get(r, FORMAT, VERSION, FIELDS);
    return e == FILE_HEAD_VERSION ? SG_LEARNED_VERSION : e ? SG_LEARNED_NOT_LEARNED : 0;
}

static bool get_parts(struct sg_reader *r, struct parts *p)
{
    if (sg_cbor_get_int(r, &p->first_day) || sg_cbor_get_int(r, &p->last_day) ||
        sg_cbor_get_uint(r, &p->fraud) || sg_cbor_get_uint(r, &p->nothing) ||
        sg_cbor_get_bytes(r, &p->start) || sg_cbor_get_bytes(r, &p->edges) ||
        sg_cbor_get_bytes(r, &p->counts) || sg_cbor_get_bytes(r, &p->trees) || r->left)
        return false;
    return p->first_day >= INT32_MIN && p->last_day <= INT32_MAX && p->first_day <= p->last_day &&
           p->fraud <= UINT32_MAX && p->nothing <= UINT32_MAX;
}

static bool get_f64(const uint8_t *p, double *ret)
{
    const uint64_t bits = sg_load_be64(p);
    memcpy(ret, &bits, sizeof(*ret));
    return isfinite(*ret) && fabs(*ret) <= TREES_NUMBER_MAX && bits != UINT64_C(1) << 63;
}

static bool get_start(struct sg_bytes bytes, struct sg_learned *m)
{
    return bytes.len == START_BYTES && get_f64(bytes.data, &m->start.slope) &&
           get_f64(bytes.data + 8, &m->start.intercept) && m->start.slope > 0;
}

static bool get_edges(struct sg_bytes bytes, struct sg_learned *m)
{
    for (size_t i = 0; i < bytes.len / 4; i++) {
        const uint32_t bits = sg_load_be32(bytes.data + 4 * i);
        memcpy(&m->edge[i], &bits, sizeof(bits));
        if (!isfinite(m->edge[i]) || bits == 0x80000000u ||
            (i % LEARN_EDGES && m->edge[i] < m->edge[i - 1]))
            return false;
    }
    return true;
}

static bool get_counts(struct sg_bytes bytes, struct sg_learned *m)
{
    uint64_t sum = 0, first = 0;
    for (size_t i = 0; i < bytes.len / 4; i++) {
        m->count[i] = sg_load_be32(bytes.data + 4 * i);
        sum += m->count[i];
        if (i % SG_DRIFT_CLASSES != SG_DRIFT_CLASSES - 1)
            continue;
        first = i < SG_DRIFT_CLASSES ? sum : first;
        if (sum != first || sum > UINT32_MAX)
            return false;
        sum = 0;
    }
    return true;
}

static int get_model(const struct parts *p, struct sg_trees **trees, const char *label,
                     struct sg_learned **ret)
{
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    const uint32_t columns = sg_trees_features(*trees) + 1;
    if (columns < 3 || p->edges.len != (size_t)columns * LEARN_EDGES * 4 ||
        p->counts.len != (size_t)columns * SG_DRIFT_CLASSES * 4)
        return SG_LEARNED_NOT_LEARNED;
    int r = learned_new(&m, columns - 2);
    if (r)
        return r;
    if (!get_start(p->start, m) || !get_edges(p->edges, m) || !get_counts(p->counts, m))
        return SG_LEARNED_NOT_LEARNED;
    m->first_day = (int32_t)p->first_day;
    m->last_day = (int32_t)p->last_day;
    m->n_fraud = (uint32_t)p->fraud;
    m->n_nothing = (uint32_t)p->nothing;
    memcpy(m->label, label, sizeof(m->label));
    m->trees = TAKE_PTR(*trees);
    *ret = TAKE_PTR(m);
    return 0;
}

int sg_learned_decode(struct sg_bytes bytes, struct sg_learned **ret)
{
    struct sg_reader r = sg_reader_over(bytes);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *trees = NULL;
    char label[SG_TREES_LABEL_MAX + 1] = "";
    struct parts p;
    int e = get_version(&r);
    if (e)
        return e;
    if (!get_parts(&r, &p))
        return SG_LEARNED_NOT_LEARNED;
    e = sg_trees_decode(p.trees, &trees, label);
    if (e)
        return e < 0 ? e : SG_LEARNED_NOT_LEARNED;
    return get_model(&p, &trees, label, ret);
}

/* --- files --------------------------------------------------------------------------------- */

int sg_learned_save(const struct sg_learned *m, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_LEARNED_BYTES_MAX);
    int r = sg_learned_encode(m, &b);
    return r ? r : sg_file_write_atomic(path, sg_buf_bytes(&b), 0600);
}

int sg_learned_load(const char *path, struct sg_learned **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_LEARNED_BYTES_MAX);
    int r = sg_file_read(path, &b);
    return r ? r : sg_learned_decode(sg_buf_bytes(&b), ret);
}
