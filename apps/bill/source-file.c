/* source-file - an evidence file, or plain rows as CSV. */
#include "conflicts.h"
#include "source.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/vee-import.h>

#include <stdio.h>

static int take_evidence_block(struct client *c, const struct sg_evidence_block *b)
{
    int r = client_add_block(c, &b->evidence);

    for (size_t i = 0; i < b->n_readings && !r; i++) {
        struct sg_row_reading *row;
        r = client_add_row(c, &row);
        if (r)
            break;
        *row = (struct sg_row_reading){.reading = b->readings[i], .origin = SG_ORIGIN_METROLOGY};
        memcpy(row->serial, b->evidence.header.serial, sizeof(row->serial));
    }
    return r;
}

static int read_evidence(struct client *c, struct sg_bytes file, int64_t *ret_from_s,
                         int64_t *ret_until_s, char why[160])
{
    struct sg_evidence_block *b = malloc(sizeof(*b));
    struct sg_evidence_reader reader;
    struct sg_evidence_head head;
    int r = b ? sg_evidence_open(&reader, file, &head) : sg_raise(-ENOMEM);

    while (!r) {
        r = sg_evidence_next(&reader, b);
        if (!r)
            r = take_evidence_block(c, b);
    }
    free(b);
    if (r == SG_EVIDENCE_END) {
        c->id = head.client;
        r = conflicts_settle_file(c, reader.resolutions);
    }
    if (r > 0) {
        snprintf(why, 160, "not an evidence file");
        return SOURCE_BAD;
    }
    if (r < 0)
        return r;
    *ret_from_s = head.from_s;
    *ret_until_s = head.until_s;
    return 0;
}

static int compare_rows(const void *a, const void *b)
{
    const struct sg_row_reading *x = a, *y = b;
    return (x->reading.ts_s > y->reading.ts_s) - (x->reading.ts_s < y->reading.ts_s);
}

/* A row that says itself that it was not measured is as if it were not there. */
static int take_row(struct client *c, const struct sg_vee_row *from)
{
    struct sg_row_reading *row;
    int r = from->flags & SG_VEE_ROW_ESTIMATED ? 0 : client_add_row(c, &row);

    if (r || from->flags & SG_VEE_ROW_ESTIMATED)
        return r;
    *row = (struct sg_row_reading){.origin = SG_ORIGIN_SQL};
    row->reading.seq = from->seq;
    row->reading.ts_s = from->ts_s;
    for (int i = 0; i < SG_READING_N_FIELDS; i++)
        row->reading.field[i] = SG_READING_NA;
    row->reading.field[SG_READING_interval_energy] = from->energy_wh;
    row->reading.field[SG_READING_interval_reactive_energy] = from->reactive_varh;
    row->reading.field[SG_READING_energy_register] = from->register_wh;
    row->reading.field[SG_READING_reactive_energy_register] = from->reactive_register_varh;
    snprintf(row->serial, sizeof(row->serial), "%s", from->serial);
    return 0;
}

static int read_csv(struct client *c, struct sg_bytes file, char why[160])
{
    SG_CLEANUP(sg_vee_csv_clear) struct sg_vee_csv csv = {.n = 0};
    int r = sg_vee_csv_read(file, &csv, why);

    if (r)
        return r < 0 ? r : SOURCE_BAD;
    c->id = csv.client;
    for (size_t i = 0; i < csv.n && !r; i++)
        r = take_row(c, &csv.rows[i]);
    if (!r && c->n_rows)
        qsort(c->rows, c->n_rows, sizeof(*c->rows), compare_rows);
    return r;
}

/* A header of column names; evidence begins with an array of CBOR or a frame of zstd. */
static bool is_csv(struct sg_bytes file)
{
    return file.len && file.data[0] >= 'a' && file.data[0] <= 'z';
}

int source_file(struct client *c, struct sg_bytes file, bool *ret_signed, int64_t *ret_from_s,
                int64_t *ret_until_s, char why[160])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf bare = SG_BUF_INIT(SG_EVIDENCE_MAX);

    if (is_csv(file)) {
        *ret_signed = false;
        return read_csv(c, file, why);
    }
    *ret_signed = true;
    int r = sg_evidence_unpack(file, &bare);
    if (r > 0) {
        snprintf(why, 160, "neither an evidence file nor CSV");
        return SOURCE_BAD;
    }
    return r ? r : read_evidence(c, sg_buf_bytes(&bare), ret_from_s, ret_until_s, why);
}
