/* verdict - see verdict.h. */
#include "verdict.h"

#include <sealgrid/base/cbor.h>

#define MAGIC         "sealgrid-audit-report-v1"
#define ITEMS         11
#define COUNTS        9
#define FINDING_ITEMS 6

/* ---- findings ------------------------------------------------------------------------------ */

int verdict_put_finding(struct sg_buf *b, const struct sg_audit_finding *f)
{
    int r = sg_cbor_put_array(b, FINDING_ITEMS);
    if (!r)
        r = sg_cbor_put_text(b, sg_audit_word(f->code));
    if (!r)
        r = f->serial ? sg_cbor_put_text(b, f->serial) : sg_cbor_put_null(b);
    if (!r)
        r = sg_cbor_put_uint(b, f->seq);
    if (!r)
        r = f->ts_s == INT64_MIN ? sg_cbor_put_null(b) : sg_cbor_put_int(b, f->ts_s);
    if (!r)
        r = sg_cbor_put_uint(b, f->count);
    return r ? r : sg_cbor_put_text(b, f->text);
}

static bool is_null(const struct sg_reader *in)
{
    enum sg_cbor_type type;
    return sg_cbor_peek(in, &type) == 0 && type == SG_CBOR_SIMPLE;
}

static bool take_serial(struct sg_reader *in, struct sg_bytes *ret)
{
    *ret = SG_BYTES_NONE;
    return is_null(in) ? sg_cbor_get_null(in) == 0 : sg_cbor_get_text(in, ret) == 0;
}

static bool take_time(struct sg_reader *in, int64_t *ret)
{
    *ret = INT64_MIN;
    return is_null(in) ? sg_cbor_get_null(in) == 0
                       : sg_cbor_get_int(in, ret) == 0 && *ret != INT64_MIN;
}

int verdict_next(struct sg_reader *in, struct verdict_finding *ret)
{
    uint64_t n;

    return sg_cbor_get_array(in, &n) == 0 && n == FINDING_ITEMS &&
                   sg_cbor_get_text(in, &ret->code) == 0 && take_serial(in, &ret->serial) &&
                   sg_cbor_get_uint(in, &ret->seq) == 0 && take_time(in, &ret->ts_s) &&
                   sg_cbor_get_uint(in, &ret->count) == 0 && sg_cbor_get_text(in, &ret->text) == 0
               ? 0
               : VERDICT_MALFORMED;
}

/* ---- payload ------------------------------------------------------------------------------- */

static int put_head(const struct verdict *v, struct sg_buf *b)
{
    int r = sg_cbor_put_array(b, ITEMS);
    if (!r)
        r = sg_cbor_put_text(b, MAGIC);
    if (!r)
        r = basis_put(b, &v->basis);
    if (!r)
        r = sg_cbor_put_int(b, v->client);
    if (!r)
        r = sg_cbor_put_int(b, v->from_s);
    return r ? r : sg_cbor_put_int(b, v->until_s);
}

static int put_hashes(const struct verdict *v, struct sg_buf *b)
{
    int r = sg_cbor_put_bytes(b, SG_BYTES_ARRAY(v->bill_sha256));

    if (!r)
        r = sg_cbor_put_bytes(b, SG_BYTES_ARRAY(v->bill_file));
    return r ? r : sg_cbor_put_bytes(b, SG_BYTES_ARRAY(v->evidence));
}

static int put_counts(const struct verdict *v, struct sg_buf *b)
{
    const uint64_t counts[COUNTS] = {v->blocks,      v->readings,  v->gaps,
                                     v->clock,       v->estimated, v->resolved,
                                     v->without_crl, v->stale_crl, v->found};
    int r = sg_cbor_put_array(b, COUNTS);

    for (int i = 0; i < COUNTS && !r; i++)
        r = sg_cbor_put_uint(b, counts[i]);
    return r;
}

int verdict_encode(const struct verdict *v, struct sg_buf *ret)
{
    int r = put_head(v, ret);
    if (!r)
        r = put_hashes(v, ret);
    if (!r)
        r = sg_cbor_put_bool(ret, v->ok);
    if (!r)
        r = put_counts(v, ret);
    if (!r)
        r = sg_cbor_put_array(ret, v->n_findings);
    return r ? r : sg_buf_append(ret, v->findings);
}

static bool take_array(struct sg_reader *in, uint64_t n)
{
    uint64_t items;
    return sg_cbor_get_array(in, &items) == 0 && items == n;
}

static bool take_head(struct sg_reader *in, struct verdict *v)
{
    struct sg_bytes magic;

    return take_array(in, ITEMS) && sg_cbor_get_text(in, &magic) == 0 &&
           sg_bytes_equal(magic, SG_BYTES_LIT(MAGIC)) && basis_take(in, &v->basis) &&
           sg_cbor_get_int(in, &v->client) == 0 && sg_cbor_get_int(in, &v->from_s) == 0 &&
           sg_cbor_get_int(in, &v->until_s) == 0;
}

static bool take_hashes(struct sg_reader *in, struct verdict *v)
{
    return sg_cbor_get_octets(in, v->bill_sha256, 32) == 0 &&
           sg_cbor_get_octets(in, v->bill_file, 32) == 0 &&
           sg_cbor_get_octets(in, v->evidence, 32) == 0;
}

static bool take_counts(struct sg_reader *in, struct verdict *v)
{
    uint64_t *counts[COUNTS] = {&v->blocks,      &v->readings,  &v->gaps,
                                &v->clock,       &v->estimated, &v->resolved,
                                &v->without_crl, &v->stale_crl, &v->found};
    bool ok = take_array(in, COUNTS);

    for (int i = 0; i < COUNTS && ok; i++)
        ok = sg_cbor_get_uint(in, counts[i]) == 0;
    return ok;
}

static bool findings_ok(const struct verdict *v)
{
    struct sg_reader in = sg_reader_over(v->findings);
    struct verdict_finding f;

    for (uint64_t i = 0; i < v->n_findings; i++)
        if (verdict_next(&in, &f) != 0)
            return false;
    return in.left == 0;
}

int verdict_decode(struct sg_bytes payload, struct verdict *ret)
{
    struct sg_reader in = sg_reader_over(payload);
    struct verdict v = {.client = 0};

    if (payload.len > VERDICT_MAX || !take_head(&in, &v) || !take_hashes(&in, &v) ||
        sg_cbor_get_bool(&in, &v.ok) != 0 || !take_counts(&in, &v) ||
        sg_cbor_get_array(&in, &v.n_findings) != 0)
        return VERDICT_MALFORMED;
    v.findings = SG_BYTES(in.at, in.left);
    uint64_t due = v.found < VERDICT_FINDINGS_MAX ? v.found : VERDICT_FINDINGS_MAX;
    if (v.n_findings != due || v.ok != (v.found == 0) || !findings_ok(&v))
        return VERDICT_MALFORMED;
    *ret = v;
    return 0;
}
