#include "file-head-int.h"
#include "trees-int.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/file.h>
#include <sealgrid/fraud/trees-file.h>

#include <math.h>
#include <string.h>

#define FORMAT "sealgrid-trees"
enum { VERSION = 1, FIELDS = 8, NODE_BYTES = 12, NUMBERS_BYTES = 24, LEAF = 0xffff };

/* --- encode -------------------------------------------------------------------------------- */

static void store_f32(uint8_t *p, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof(bits));
    sg_store_be32(p, bits);
}

static void store_f64(uint8_t *p, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    sg_store_be64(p, bits);
}

static int put_numbers(const struct sg_trees *m, struct sg_buf *b)
{
    uint8_t bytes[NUMBERS_BYTES];
    store_f64(bytes, m->base);
    store_f64(bytes + 8, m->slope);
    store_f64(bytes + 16, m->intercept);
    return sg_cbor_put_bytes(b, SG_BYTES_ARRAY(bytes));
}

static int put_counts(const struct sg_trees *m, struct sg_buf *b)
{
    SG_FREE uint8_t *bytes = malloc(m->n_trees * 2 + 1);
    if (!bytes)
        return sg_raise(-ENOMEM);
    for (uint32_t t = 0; t < m->n_trees; t++)
        sg_store_be16(bytes + 2 * t, (uint16_t)(m->first[t + 1] - m->first[t]));
    return sg_cbor_put_bytes(b, SG_BYTES(bytes, m->n_trees * 2));
}

static void put_node(const struct trees_node *tree, uint32_t i, uint8_t *p)
{
    const struct trees_node *n = &tree[i];
    const bool leaf = trees_is_leaf(tree, i);
    sg_store_be16(p, leaf ? (uint16_t)LEAF : n->feature);
    sg_store_be16(p + 2, n->missing_right);
    store_f32(p + 4, leaf ? n->value : n->threshold);
    store_f32(p + 8, leaf ? n->cover : n->gain);
}

static int put_nodes(const struct sg_trees *m, struct sg_buf *b)
{
    const size_t n = m->first[m->n_trees];
    SG_FREE uint8_t *bytes = malloc(n * NODE_BYTES + 1);
    if (!bytes)
        return sg_raise(-ENOMEM);
    for (uint32_t t = 0; t < m->n_trees; t++)
        for (uint32_t i = m->first[t]; i < m->first[t + 1]; i++)
            put_node(m->node + m->first[t], i - m->first[t], bytes + (size_t)i * NODE_BYTES);
    return sg_cbor_put_bytes(b, SG_BYTES(bytes, n * NODE_BYTES));
}

int sg_trees_encode(const struct sg_trees *m, const char *label, struct sg_buf *b)
{
    const size_t len = strlen(label);
    sg_assert(len >= 1 && len <= SG_TREES_LABEL_MAX);
    int r = sg_cbor_put_array(b, FIELDS);
    if (r == 0)
        r = sg_cbor_put_text(b, FORMAT);
    if (r == 0)
        r = sg_cbor_put_uint(b, VERSION);
    if (r == 0)
        r = sg_cbor_put_text(b, label);
    if (r == 0)
        r = sg_cbor_put_uint(b, m->seed);
    if (r == 0)
        r = sg_cbor_put_uint(b, m->features);
    if (r == 0)
        r = put_numbers(m, b);
    if (r == 0)
        r = put_counts(m, b);
    return r ? r : put_nodes(m, b);
}

/* --- decode -------------------------------------------------------------------------------- */

/* False: no finite number within +- most, or a second form of 0. */
static bool load_f32(const uint8_t *p, double most, float *ret)
{
    const uint32_t bits = sg_load_be32(p);
    memcpy(ret, &bits, sizeof(*ret));
    return isfinite(*ret) && fabs((double)*ret) <= most && bits != 0x80000000u;
}

static bool load_f64(const uint8_t *p, double *ret)
{
    const uint64_t bits = sg_load_be64(p);
    memcpy(ret, &bits, sizeof(*ret));
    return isfinite(*ret) && fabs(*ret) <= TREES_NUMBER_MAX && bits != UINT64_C(1) << 63;
}

static int get_version(struct sg_reader *r)
{
    const int e = sg_file_head_get(r, FORMAT, VERSION, FIELDS);
    return e == FILE_HEAD_VERSION ? SG_TREES_FILE_VERSION : e ? SG_TREES_FILE_NOT_TREES : 0;
}

struct parts {
    uint64_t seed, features;
    struct sg_bytes numbers, counts, nodes;
};

static bool get_parts(struct sg_reader *r, struct parts *p)
{
    if (sg_cbor_get_uint(r, &p->seed) || sg_cbor_get_uint(r, &p->features) ||
        sg_cbor_get_bytes(r, &p->numbers) || sg_cbor_get_bytes(r, &p->counts) ||
        sg_cbor_get_bytes(r, &p->nodes) || r->left)
        return false;
    return p->features >= 1 && p->features <= SG_TREES_FEATURES_MAX &&
           p->numbers.len == NUMBERS_BYTES && p->counts.len % 2 == 0 &&
           p->counts.len <= 2 * SG_TREES_MAX && p->nodes.len % NODE_BYTES == 0;
}

static bool get_node(const uint8_t *p, uint32_t features, uint32_t at, struct trees_node *ret,
                     bool *ret_leaf)
{
    const uint16_t feature = sg_load_be16(p), missing = sg_load_be16(p + 2);
    float a, b;
    *ret_leaf = feature == LEAF;
    if (missing > 1 || !load_f32(p + 4, *ret_leaf ? TREES_NUMBER_MAX : HUGE_VAL, &a) ||
        !load_f32(p + 8, HUGE_VAL, &b))
        return false;
    if (*ret_leaf) {
        *ret = (struct trees_node){
            .threshold = INFINITY, .next = {(uint16_t)at, (uint16_t)at}, .value = a, .cover = b};
        return missing == 0 && b > 0;
    }
    *ret = (struct trees_node){
        .threshold = a, .feature = feature, .missing_right = missing, .gain = b};
    return feature < features && b >= 0;
}

/* A tree in pre-order: `wait` holds the splits whose right part is still to come, so no deeper
 * than the tree. */
static bool get_tree(struct sg_reader *r, uint32_t n, struct sg_trees *m)
{
    struct trees_node *tree = m->node + m->first[m->n_trees];
    uint32_t wait[SG_TREES_DEPTH_MAX], wait_depth[SG_TREES_DEPTH_MAX];
    uint32_t waiting = 0, depth = 0, deepest = 0;
    for (uint32_t at = 0; at < n; at++) {
        struct sg_bytes bytes;
        bool leaf;
        if (!sg_take(r, NODE_BYTES, &bytes) ||
            !get_node(bytes.data, m->features, at, &tree[at], &leaf))
            return false;
        deepest = depth > deepest ? depth : deepest;
        if (!leaf) {
            if (depth == SG_TREES_DEPTH_MAX)
                return false;
            tree[at].next[0] = (uint16_t)(at + 1);
            wait[waiting] = at;
            wait_depth[waiting++] = ++depth;
        } else if (waiting) {
            tree[wait[--waiting]].next[1] = (uint16_t)(at + 1);
            depth = wait_depth[waiting];
        } else if (at + 1 < n) { /* the root's right part is over already */
            return false;
        } else {
            trees_append(m, n, (uint8_t)deepest);
            return true;
        }
    }
    return false;
}

static int get_trees(const struct parts *p, struct sg_trees *m)
{
    struct sg_reader r = sg_reader_over(p->nodes);
    for (size_t i = 0; i < p->counts.len; i += 2) {
        const uint32_t n = sg_load_be16(p->counts.data + i);
        /* The nodes are there already: nothing is allocated far beyond what was sent. */
        if (n < 1 || n > TREES_NODES_MAX || n * NODE_BYTES > r.left)
            return SG_TREES_FILE_NOT_TREES;
        int e = trees_reserve(m, n);
        if (e)
            return e;
        if (!get_tree(&r, n, m))
            return SG_TREES_FILE_NOT_TREES;
    }
    return r.left ? SG_TREES_FILE_NOT_TREES : 0;
}

static bool get_numbers(const uint8_t *p, struct sg_trees *m)
{
    return load_f64(p, &m->base) && load_f64(p + 8, &m->slope) && load_f64(p + 16, &m->intercept) &&
           m->slope > 0;
}

int sg_trees_decode(struct sg_bytes bytes, struct sg_trees **ret,
                    char ret_label[SG_TREES_LABEL_MAX + 1])
{
    struct sg_reader r = sg_reader_over(bytes);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = NULL;
    char label[SG_TREES_LABEL_MAX + 1];
    struct parts p;
    int e = get_version(&r);
    if (e)
        return e;
    if (!sg_file_label_get(&r, label, SG_TREES_LABEL_MAX) || !get_parts(&r, &p))
        return SG_TREES_FILE_NOT_TREES;
    e = trees_new(&m, (uint32_t)p.features, p.seed);
    if (e)
        return e;
    if (!get_numbers(p.numbers.data, m))
        return SG_TREES_FILE_NOT_TREES;
    e = get_trees(&p, m);
    if (e)
        return e;
    memcpy(ret_label, label, sizeof(label));
    *ret = TAKE_PTR(m);
    return 0;
}

/* --- files --------------------------------------------------------------------------------- */

int sg_trees_save(const struct sg_trees *m, const char *label, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TREES_BYTES_MAX);
    int r = sg_trees_encode(m, label, &b);
    return r ? r : sg_file_write_atomic(path, sg_buf_bytes(&b), 0600);
}

int sg_trees_load(const char *path, struct sg_trees **ret, char ret_label[SG_TREES_LABEL_MAX + 1])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TREES_BYTES_MAX);
    int r = sg_file_read(path, &b);
    return r ? r : sg_trees_decode(sg_buf_bytes(&b), ret, ret_label);
}
