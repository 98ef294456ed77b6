#include "file-head-int.h"
#include "som-int.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/file.h>
#include <sealgrid/fraud/som-map.h>

#include <math.h>
#include <string.h>

#define FORMAT "sealgrid-som"
enum { VERSION = 1, FIELDS = 9 };

/* The fields before the codes, in their order: all unsigned.  X(value when writing, variable when
 * reading) */
struct head {
    uint64_t seed, columns, rows, topology, points;
};

#define HEAD_FIELDS(X) X(seed) X(columns) X(rows) X(topology) X(points)

/* --- encode -------------------------------------------------------------------------------- */

static int put_head(struct sg_buf *b, const char *label, const struct head *h)
{
    int r = sg_cbor_put_array(b, FIELDS);
    if (r == 0)
        r = sg_cbor_put_text(b, FORMAT);
    if (r == 0)
        r = sg_cbor_put_uint(b, VERSION);
    if (r == 0)
        r = sg_cbor_put_text(b, label);
#define PUT(name)                                                                                  \
    if (r == 0)                                                                                    \
        r = sg_cbor_put_uint(b, h->name);
    HEAD_FIELDS(PUT)
#undef PUT
    return r;
}

static int put_codes(struct sg_buf *b, const float *code, size_t n)
{
    SG_FREE uint8_t *bytes = malloc(n * 4);
    if (!bytes)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++) {
        float value = code[i] + 0.0f; /* -0 becomes 0 */
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        sg_store_be32(bytes + 4 * i, bits);
    }
    return sg_cbor_put_bytes(b, SG_BYTES(bytes, n * 4));
}

int sg_som_map_encode(const struct sg_som *m, const char *label, uint64_t seed, struct sg_buf *b)
{
    size_t len = strlen(label);
    sg_assert(len >= 1 && len <= SG_SOM_LABEL_MAX);
    const struct head h = {
        .seed = seed,
        .columns = m->shape.columns,
        .rows = m->shape.rows,
        .topology = m->shape.topology,
        .points = m->shape.points,
    };
    int r = put_head(b, label, &h);
    return r ? r : put_codes(b, m->code, (size_t)m->nodes * m->shape.points);
}

/* --- decode -------------------------------------------------------------------------------- */

/* Positive outcomes of this file only; what the CBOR reader refuses is no map. */
static int get_version(struct sg_reader *r)
{
    const int e = sg_file_head_get(r, FORMAT, VERSION, FIELDS);
    return e == FILE_HEAD_VERSION ? SG_SOM_MAP_VERSION : e ? SG_SOM_MAP_NOT_A_MAP : 0;
}

static bool get_head(struct sg_reader *r, struct head *h)
{
#define GET(name)                                                                                  \
    if (sg_cbor_get_uint(r, &h->name))                                                             \
        return false;
    HEAD_FIELDS(GET)
#undef GET
    return h->columns <= SG_SOM_NODES_MAX && h->rows <= SG_SOM_NODES_MAX &&
           h->topology <= SG_SOM_HEXAGONAL && h->points <= SG_SOM_POINTS_MAX;
}

static bool get_codes(struct sg_bytes codes, struct sg_som *m)
{
    size_t n = (size_t)m->nodes * m->shape.points;
    if (codes.len != n * 4)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = sg_load_be32(codes.data + 4 * i);
        memcpy(&m->code[i], &bits, sizeof(bits));
        if (bits == 0x80000000u) /* negative zero: a second form of 0 */
            return false;
    }
    return sg_som_good_vectors(m->code, m->nodes, m->shape.points) == m->nodes;
}

int sg_som_map_decode(struct sg_bytes bytes, struct sg_som **ret,
                      char ret_label[SG_SOM_LABEL_MAX + 1], uint64_t *ret_seed)
{
    struct sg_reader r = sg_reader_over(bytes);
    struct sg_bytes codes;
    char label[SG_SOM_LABEL_MAX + 1];
    struct head h;
    SG_CLEANUP(sg_som_freep) struct sg_som *m = NULL;

    int outcome = get_version(&r);
    if (outcome)
        return outcome;
    if (!sg_file_label_get(&r, label, SG_SOM_LABEL_MAX) || !get_head(&r, &h) ||
        sg_cbor_get_bytes(&r, &codes) || r.left)
        return SG_SOM_MAP_NOT_A_MAP;
    const struct sg_som_shape shape = {
        .columns = (uint32_t)h.columns,
        .rows = (uint32_t)h.rows,
        .points = (uint32_t)h.points,
        .topology = (enum sg_som_topology)h.topology,
    };
    /* The codes are there already: nothing is allocated beyond what was sent. */
    if (h.columns * h.rows * h.points * 4 != codes.len)
        return SG_SOM_MAP_NOT_A_MAP;
    outcome = sg_som_new(&m, &shape);
    if (outcome)
        return outcome < 0 ? outcome : SG_SOM_MAP_NOT_A_MAP;
    if (!get_codes(codes, m))
        return SG_SOM_MAP_NOT_A_MAP;
    memcpy(ret_label, label, sizeof(label));
    *ret_seed = h.seed;
    *ret = TAKE_PTR(m);
    return 0;
}

/* --- files --------------------------------------------------------------------------------- */

int sg_som_map_save(const struct sg_som *m, const char *label, uint64_t seed, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_SOM_MAP_BYTES_MAX);
    int r = sg_som_map_encode(m, label, seed, &b);
    return r ? r : sg_file_write_atomic(path, sg_buf_bytes(&b), 0600);
}

int sg_som_map_load(const char *path, struct sg_som **ret, char ret_label[SG_SOM_LABEL_MAX + 1],
                    uint64_t *ret_seed)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_SOM_MAP_BYTES_MAX);
    int r = sg_file_read(path, &b);
    return r ? r : sg_som_map_decode(sg_buf_bytes(&b), ret, ret_label, ret_seed);
}
