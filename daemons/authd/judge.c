/* judge - the rules of ingest, in the order in which they are cheap. */
#include "judge.h"

#include <sealgrid/crypto/hash.h>

#define ROWS_MAX (1u << 20)

void auth_rows_clear(struct auth_rows *r)
{
    sg_buf_clear(&r->octets);
}

static int64_t last_ts(const struct sg_block_header *h)
{
    return h->first_ts_s + (int64_t)(h->count - 1) * h->interval_s;
}

static uint64_t last_seq(const struct sg_block_header *h)
{
    return h->first_seq + h->count - 1;
}

/* Times stand on whole intervals, none lies ahead. */
static enum sg_refusal judge_clock(const struct auth_rules *rules, const struct sg_block_header *h,
                                   int64_t unix_s)
{
    if (h->first_ts_s % h->interval_s != 0)
        return SG_REFUSED_SEQUENCE;
    return last_ts(h) > unix_s + rules->future_max_s ? SG_REFUSED_FUTURE : SG_REFUSED_NONE;
}

/*
 * The meter numbers its readings and never repeats a number, so a lower or equal number with a
 * later time contradicts what is stored.  A higher number with an earlier time is a clock set back:
 * that is not refused here but stored, and where it differs it becomes a conflict on record.
 */
static enum sg_refusal judge_sequence(const struct auth_meter *m, const struct sg_block_header *h)
{
    if (m->latest_seq && last_seq(h) <= m->latest_seq && last_ts(h) > m->latest_ts_s)
        return SG_REFUSED_SEQUENCE;
    return SG_REFUSED_NONE;
}

/* One installation record must cover every reading: (from, until], as billing and audit have it. */
static enum sg_refusal judge_installation(const struct auth_meter *m,
                                          const struct sg_block_header *h)
{
    for (size_t i = 0; i < m->n_installations; i++) {
        const struct auth_installation *x = &m->installations[i];
        if (x->from_s >= h->first_ts_s || (!x->open && last_ts(h) > x->until_s))
            continue;
        return x->same_cert ? SG_REFUSED_NONE : SG_REFUSED_CREDENTIAL;
    }
    return SG_REFUSED_NOT_INSTALLED;
}

static enum sg_refusal judge_header(const struct auth_rules *rules, const struct auth_meter *m,
                                    const char *serial, const struct sg_block_header *h,
                                    int64_t unix_s)
{
    if (strcmp(h->serial, serial) != 0 || strcmp(h->serial, m->serial) != 0)
        return SG_REFUSED_FOREIGN;
    if (!m->metrology)
        return SG_REFUSED_CREDENTIAL;
    enum sg_refusal e = judge_clock(rules, h, unix_s);
    e = e ? e : judge_sequence(m, h);
    return e ? e : judge_installation(m, h);
}

/* ---- rows ---- */

static struct sg_bytes since(const struct sg_buf *b, size_t at)
{
    return SG_BYTES(b->data + at, b->len - at);
}

static int put_reading(struct auth_rows *rows, struct sg_row_reading *row, struct auth_span *ret)
{
    struct sg_buf *b = &rows->octets;
    ret->sort_at = (uint32_t)b->len;
    int r = sg_row_int_sort(b, row->reading.ts_s);
    ret->sort_len = (uint32_t)(b->len - ret->sort_at);
    ret->value_at = (uint32_t)b->len;
    r = r ? r : sg_row_reading_encode(b, row);
    ret->value_len = (uint32_t)(b->len - ret->value_at);
    return r;
}

/* Kept as it came only if our encoder would not make the same octets again. */
static int original_of(const struct sg_block_evidence *e, const struct sg_reading *readings,
                       struct sg_bytes wire, struct sg_bytes *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_BLOCK_MAX);
    int r = sg_buf_reserve(&again, wire.len);
    r = r ? r : sg_block_encode(e, readings, &again);
    if (r)
        return r;
    *ret = sg_bytes_equal(sg_buf_bytes(&again), wire) ? SG_BYTES_NONE : wire;
    return 0;
}

static int put_block(struct auth_rows *rows, const struct sg_block_evidence *e,
                     const struct sg_reading *readings, struct sg_bytes wire)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_BLOCK_EVIDENCE_MAX);
    struct sg_row_block row = {.count = e->header.count};
    uint8_t digest[SG_SHA256_LEN]; /* of the rows: the same readings signed again are the same */
    struct sg_buf *b = &rows->octets;
    struct auth_span *s = &rows->block;
    sg_sha256(digest, since(b, rows->partition_len));
    int r = sg_block_evidence_encode(e, &evidence);
    r = r ? r : original_of(e, readings, wire, &row.original);
    if (r)
        return r;
    row.evidence = sg_buf_bytes(&evidence);
    s->sort_at = (uint32_t)b->len;
    r = sg_row_block_sort(b, &e->header, digest);
    s->sort_len = (uint32_t)since(b, s->sort_at).len;
    s->value_at = (uint32_t)b->len;
    r = r ? r : sg_row_block_encode(b, &row);
    s->value_len = (uint32_t)since(b, s->value_at).len;
    return r;
}

static int make_rows(const struct auth_meter *m, const struct sg_block_evidence *e,
                     const struct sg_reading *readings, struct sg_bytes wire,
                     struct auth_rows *rows)
{
    struct sg_row_reading row = {.origin = SG_ORIGIN_METROLOGY};
    memcpy(row.serial, m->serial, sizeof row.serial);
    rows->client_id = m->client_id;
    rows->n = e->header.count;
    rows->first_ts_s = e->header.first_ts_s;
    rows->last_ts_s = last_ts(&e->header);
    int r = sg_buf_reserve(&rows->octets, 256 * rows->n + 1024);
    r = r ? r : sg_row_client_partition(&rows->octets, m->client_id);
    rows->partition_len = (uint32_t)rows->octets.len;
    for (size_t i = 0; r == 0 && i < rows->n; i++) {
        row.reading = readings[i];
        r = put_reading(rows, &row, &rows->readings[i]);
    }
    return r ? r : put_block(rows, e, readings, wire);
}

/* After a clock was set back the old reference judges nothing any more. */
static void note_latest(struct auth_meter *m, const struct sg_block_header *h)
{
    if (last_seq(h) <= m->latest_seq)
        return;
    bool set_back = m->latest_seq && last_ts(h) <= m->latest_ts_s;
    m->latest_seq = set_back ? 0 : last_seq(h);
    m->latest_ts_s = last_ts(h);
}

/* ---- public ---- */

static enum sg_refusal refusal_of(int block_outcome)
{
    switch (block_outcome) {
    case SG_BLOCK_BAD_SIGNATURE:
    case SG_BLOCK_BAD_ROOT:
        return SG_REFUSED_SIGNATURE;
    case SG_BLOCK_BAD_SEQUENCE:
        return SG_REFUSED_SEQUENCE;
    case SG_BLOCK_MALFORMED:
    default:
        return SG_REFUSED_MALFORMED;
    }
}

int auth_judge(const struct auth_rules *rules, struct auth_meter *meter, const char *serial,
               struct sg_bytes wire, int64_t unix_s, struct auth_rows *ret,
               enum sg_refusal *ret_refusal, size_t *ret_readings)
{
    struct sg_reading readings[SG_BLOCK_READINGS_MAX];
    struct sg_block_evidence e;
    *ret_readings = 0;
    int r = sg_block_decode(wire, &e, readings);
    if (r == 0) {
        *ret_readings = e.header.count;
        *ret_refusal = judge_header(rules, meter, serial, &e.header, unix_s);
        if (*ret_refusal != SG_REFUSED_NONE)
            return 0;
        r = sg_block_verify(&e, readings, meter->metrology);
    }
    if (r > 0)
        *ret_refusal = refusal_of(r);
    if (r)
        return r < 0 ? r : 0;
    ret->octets = (struct sg_buf)SG_BUF_INIT(ROWS_MAX);
    r = make_rows(meter, &e, readings, wire, ret);
    if (r) {
        auth_rows_clear(ret);
        return r;
    }
    note_latest(meter, &e.header);
    *ret_refusal = SG_REFUSED_NONE;
    return 0;
}
