#include "exact-int.h"
#include "file-head-int.h"
#include "full-int.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/file.h>
#include <sealgrid/fraud/full-file.h>
#include <sealgrid/fraud/som-map.h>
#include <sealgrid/fraud/trees-file.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FORMAT    "sealgrid-fraud-full"
#define MAP_LABEL "hours/customer-mean/1"
enum { VERSION = 2, FIELDS = 14, WINDOW_FIELDS = 4, LABEL_ROOM = 32 };

/* Any change of a feature's name or place makes another label. */
static void make_label(char ret[LABEL_ROOM])
{
    uint64_t h = SG_FEATURES;
    for (uint32_t f = 0; f < SG_FEATURES; f++)
        for (const char *c = sg_feature_name(f); *c; c++)
            h = sg_fraud_mix(h ^ (uint8_t)*c);
    snprintf(ret, LABEL_ROOM, "features-%016llx", (unsigned long long)h);
}

/* --- encode ---------------------------------------------------------------------------------- */

static int put_head(const struct sg_full_model *m, struct sg_buf *b)
{
    char label[LABEL_ROOM];
    make_label(label);
    int r = sg_cbor_put_array(b, FIELDS);
    if (r == 0)
        r = sg_cbor_put_text(b, FORMAT);
    if (r == 0)
        r = sg_cbor_put_uint(b, VERSION);
    if (r == 0)
        r = sg_cbor_put_text(b, label);
    return r ? r : sg_cbor_put_uint(b, m->seed);
}

static int put_windows(const struct sg_corr_windows *w, struct sg_buf *b)
{
    int r = sg_cbor_put_array(b, WINDOW_FIELDS);
    if (r == 0)
        r = sg_cbor_put_int(b, w->reference.first);
    if (r == 0)
        r = sg_cbor_put_int(b, w->reference.last);
    if (r == 0)
        r = sg_cbor_put_int(b, w->test.first);
    return r ? r : sg_cbor_put_int(b, w->test.last);
}

static int put_trees(const struct sg_full_model *m, const char *label, struct sg_buf *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf part = SG_BUF_INIT(SG_FULL_BYTES_MAX);
    int r = sg_cbor_put_array(b, m->folds);
    for (uint32_t f = 0; r == 0 && f < m->folds; f++) {
        sg_buf_reset(&part);
        r = sg_trees_encode(m->trees[f], label, &part);
        if (r == 0)
            r = sg_cbor_put_bytes(b, sg_buf_bytes(&part));
    }
    return r;
}

static int put_map(const struct sg_full_model *m, struct sg_buf *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf part = SG_BUF_INIT(SG_SOM_MAP_BYTES_MAX);
    int r = sg_som_map_encode(m->map.som, MAP_LABEL, m->seed, &part);
    return r ? r : sg_cbor_put_bytes(b, sg_buf_bytes(&part));
}

/* Ten-thousandths: never negative, as fewer days missing than before accuse nobody. */
static uint64_t to_steps(float missing)
{
    return missing > 0 ? (uint64_t)(missing * 1e4f + 0.5f) : 0;
}

static int put_margins(const struct sg_full_model *m, struct sg_buf *b)
{
    SG_FREE uint8_t *bytes = malloc((size_t)m->n_null * 4 + 1);
    if (!bytes)
        return sg_raise(-ENOMEM);
    for (uint32_t i = 0; i < m->n_null; i++) {
        const float value = m->null[i] + 0.0f; /* -0 becomes 0 */
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        sg_store_be32(bytes + 4 * (size_t)i, bits);
    }
    return sg_cbor_put_bytes(b, SG_BYTES(bytes, (size_t)m->n_null * 4));
}

int sg_full_encode(const struct sg_full_model *m, struct sg_buf *b)
{
    char label[LABEL_ROOM];
    sg_assert(m->without == 0);
    make_label(label);
    int r = put_head(m, b);
    if (r == 0)
        r = put_windows(&m->windows, b);
    if (r == 0)
        r = put_trees(m, label, b);
    if (r == 0)
        r = sg_cbor_put_uint(b, to_steps(m->usual.gone));
    if (r == 0)
        r = sg_cbor_put_uint(b, to_steps(m->usual.touched));
    if (r == 0)
        r = put_map(m, b);
    if (r == 0)
        r = sg_peers_encode(&m->peers, b);
    if (r == 0)
        r = sg_absences_encode(&m->absences, b);
    return r ? r : put_margins(m, b);
}

/* --- decode ---------------------------------------------------------------------------------- */

/* Outcomes of all the following: those of the file. */

static int get_head(struct sg_reader *r, struct sg_full_model *m)
{
    struct sg_bytes label;
    char wanted[LABEL_ROOM];
    const int e = sg_file_head_get(r, FORMAT, VERSION, FIELDS);
    if (e)
        return e == FILE_HEAD_VERSION ? SG_FULL_FILE_VERSION : SG_FULL_FILE_NOT_A_MODEL;
    if (sg_cbor_get_text(r, &label))
        return SG_FULL_FILE_NOT_A_MODEL;
    make_label(wanted);
    if (!sg_bytes_equal(label, sg_bytes_str(wanted)))
        return SG_FULL_FILE_VERSION;
    return sg_cbor_get_uint(r, &m->seed) ? SG_FULL_FILE_NOT_A_MODEL : 0;
}

static bool get_day(struct sg_reader *r, int32_t *ret)
{
    int64_t day;
    if (sg_cbor_get_int(r, &day) || day <= INT32_MIN || day >= INT32_MAX)
        return false;
    *ret = (int32_t)day;
    return true;
}

static int get_windows(struct sg_reader *r, struct sg_full_model *m)
{
    struct sg_corr_windows *w = &m->windows;
    uint64_t fields;
    if (sg_cbor_get_array(r, &fields) || fields != WINDOW_FIELDS ||
        !get_day(r, &w->reference.first) || !get_day(r, &w->reference.last) ||
        !get_day(r, &w->test.first) || !get_day(r, &w->test.last) || !sg_view_windows_good(w))
        return SG_FULL_FILE_NOT_A_MODEL;
    return 0;
}

static int get_trees(struct sg_reader *r, struct sg_full_model *m)
{
    char label[SG_TREES_LABEL_MAX + 1], wanted[LABEL_ROOM];
    struct sg_bytes bytes;
    uint64_t folds;
    make_label(wanted);
    if (sg_cbor_get_array(r, &folds) || folds < 1 || folds > SG_FULL_FOLDS_MAX)
        return SG_FULL_FILE_NOT_A_MODEL;
    for (; m->folds < folds; m->folds++) {
        if (sg_cbor_get_bytes(r, &bytes))
            return SG_FULL_FILE_NOT_A_MODEL;
        int e = sg_trees_decode(bytes, &m->trees[m->folds], label);
        if (e < 0)
            return e;
        if (e || strcmp(label, wanted) != 0 || sg_trees_features(m->trees[m->folds]) != SG_FEATURES)
            return SG_FULL_FILE_NOT_A_MODEL;
    }
    return 0;
}

static int get_usual(struct sg_reader *r, struct sg_full_model *m)
{
    uint64_t gone, touched;
    if (sg_cbor_get_uint(r, &gone) || gone > 10000 || sg_cbor_get_uint(r, &touched) ||
        touched > 10000)
        return SG_FULL_FILE_NOT_A_MODEL;
    m->usual = (struct sg_full_usual){(float)gone / 1e4f, (float)touched / 1e4f};
    return 0;
}

static int get_absences(struct sg_reader *r, struct sg_full_model *m)
{
    int e = sg_absences_decode(&m->absences, &m->windows, SG_FULL_PANEL_MAX, r);
    return e > 0 ? SG_FULL_FILE_NOT_A_MODEL : e;
}

static int get_map(struct sg_reader *r, struct sg_full_model *m)
{
    SG_CLEANUP(sg_som_freep) struct sg_som *som = NULL;
    char label[SG_SOM_LABEL_MAX + 1];
    struct sg_bytes bytes;
    uint64_t seed;
    if (sg_cbor_get_bytes(r, &bytes))
        return SG_FULL_FILE_NOT_A_MODEL;
    int e = sg_som_map_decode(bytes, &som, label, &seed);
    if (e < 0)
        return e;
    if (e || strcmp(label, MAP_LABEL) != 0 || seed != m->seed ||
        sg_som_shape(som)->points != SG_VIEW_HOURS || !(sg_som_grid_diameter(som) > 0))
        return SG_FULL_FILE_NOT_A_MODEL;
    return sg_full_map_init(&m->map, TAKE_PTR(som));
}

static int get_peers(struct sg_reader *r, struct sg_full_model *m)
{
    int e = sg_peers_init(&m->peers, &m->windows, 0);
    if (e == 0)
        e = sg_peers_decode(&m->peers, r);
    return e > 0 ? SG_FULL_FILE_NOT_A_MODEL : e;
}

static int get_margins(struct sg_reader *r, struct sg_full_model *m)
{
    struct sg_bytes bytes;
    if (sg_cbor_get_bytes(r, &bytes) || bytes.len == 0 || bytes.len % 4 ||
        bytes.len / 4 > SG_FULL_NULL_MAX)
        return SG_FULL_FILE_NOT_A_MODEL;
    m->null = calloc(bytes.len / 4, sizeof(*m->null));
    if (!m->null)
        return sg_raise(-ENOMEM);
    for (m->n_null = 0; m->n_null < bytes.len / 4; m->n_null++) {
        const uint32_t bits = sg_load_be32(bytes.data + 4 * (size_t)m->n_null);
        float *v = &m->null[m->n_null];
        memcpy(v, &bits, sizeof(*v));
        if (!isfinite(*v) || fabsf(*v) > 1e6f || bits == 0x80000000u || (m->n_null && *v > v[-1]))
            return SG_FULL_FILE_NOT_A_MODEL;
    }
    return 0;
}

int sg_full_decode(struct sg_bytes bytes, struct sg_full_model **ret)
{
    struct sg_reader r = sg_reader_over(bytes);
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *m = calloc(1, sizeof(*m));
    if (!m)
        return sg_raise(-ENOMEM);
    int e = get_head(&r, m);
    if (e == 0)
        e = get_windows(&r, m);
    if (e == 0)
        e = get_trees(&r, m);
    if (e == 0)
        e = get_usual(&r, m);
    if (e == 0)
        e = get_map(&r, m);
    if (e == 0)
        e = get_peers(&r, m);
    if (e == 0)
        e = get_absences(&r, m);
    if (e == 0)
        e = get_margins(&r, m);
    if (e == 0 && r.left)
        e = SG_FULL_FILE_NOT_A_MODEL;
    if (e)
        return e;
    sg_full_fit_tail(m);
    *ret = TAKE_PTR(m);
    return 0;
}

/* --- files ----------------------------------------------------------------------------------- */

int sg_full_save(const struct sg_full_model *m, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_FULL_BYTES_MAX);
    int r = sg_full_encode(m, &b);
    return r ? r : sg_file_write_atomic(path, sg_buf_bytes(&b), 0600);
}

int sg_full_load(const char *path, struct sg_full_model **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_FULL_BYTES_MAX);
    int r = sg_file_read(path, &b);
    return r ? r : sg_full_decode(sg_buf_bytes(&b), ret);
}
