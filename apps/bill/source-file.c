/* source-file - an evidence file, or plain rows as CSV. */
#include "source.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>

#include <stdio.h>

#define CSV_HEADER   "client,ts,serial,seq,energy_wh"
#define CSV_REACTIVE ",reactive_varh" /* at will */
#define FIELDS       5

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
    if (r == SG_EVIDENCE_MALFORMED) {
        snprintf(why, 160, "not an evidence file");
        return SOURCE_BAD;
    }
    if (r < 0)
        return r;
    c->id = head.client;
    *ret_from_s = head.from_s;
    *ret_until_s = head.until_s;
    return 0;
}

static bool parse_time(const char *text, int64_t *ret)
{
    return sg_decimal_parse(text, 0, ret) == 0 || sg_time_parse(text, ret) == 0;
}

/* Empty: not measured. */
static bool parse_value(const char *text, int64_t *ret)
{
    return !*text || sg_decimal_parse(text, 0, ret) == 0;
}

static bool parse_row(char *line, bool reactive, struct sg_row_reading *row, int64_t *ret_client)
{
    char *field[FIELDS + 1] = {NULL};
    int64_t seq;

    for (int i = 0; i < FIELDS + reactive; i++) {
        field[i] = strsep(&line, ",");
        if (!field[i])
            return false;
    }
    *row = (struct sg_row_reading){.origin = SG_ORIGIN_SQL};
    for (int i = 0; i < SG_READING_N_FIELDS; i++)
        row->reading.field[i] = SG_READING_NA;
    if (line || strlen(field[2]) > SG_BLOCK_SERIAL_MAX ||
        sg_decimal_parse(field[0], 0, ret_client) != 0 ||
        !parse_time(field[1], &row->reading.ts_s) || sg_decimal_parse(field[3], 0, &seq) != 0 ||
        !parse_value(field[4], &row->reading.field[SG_READING_interval_energy]) ||
        (reactive &&
         !parse_value(field[5], &row->reading.field[SG_READING_interval_reactive_energy])))
        return false;
    snprintf(row->serial, sizeof(row->serial), "%s", field[2]);
    row->reading.seq = (uint64_t)seq;
    return true;
}

static int read_line(struct client *c, char *line, bool reactive, size_t number, char why[160])
{
    struct sg_row_reading *row;
    int64_t client;
    int r = client_add_row(c, &row);

    if (r)
        return r;
    size_t n = strlen(line);
    if (n && line[n - 1] == '\r')
        line[n - 1] = '\0';
    if (!parse_row(line, reactive, row, &client) || (c->n_rows > 1 && client != c->id)) {
        snprintf(why, 160, "line %zu: " CSV_HEADER "%s of one client expected", number,
                 reactive ? CSV_REACTIVE : "");
        return SOURCE_BAD;
    }
    c->id = client;
    return 0;
}

static int compare_rows(const void *a, const void *b)
{
    const struct sg_row_reading *x = a, *y = b;
    return (x->reading.ts_s > y->reading.ts_s) - (x->reading.ts_s < y->reading.ts_s);
}

static int read_csv(struct client *c, struct sg_bytes file, char why[160])
{
    SG_FREE char *text = strndup((const char *)file.data, file.len);
    size_t number = 1;
    char *rest = text, *line;
    int r = 0;

    if (!text)
        return sg_raise(-ENOMEM);
    /* The caller has seen how the header begins. */
    char *header = strsep(&rest, "\n") + sizeof(CSV_HEADER) - 1;
    header[strcspn(header, "\r")] = '\0';
    bool reactive = !strcmp(header, CSV_REACTIVE);
    if (*header && !reactive) {
        snprintf(why, 160, "line 1: no such columns: %.80s", header);
        return SOURCE_BAD;
    }
    while (!r && (line = strsep(&rest, "\n"))) {
        number++;
        if (*line && *line != '\r')
            r = read_line(c, line, reactive, number, why);
    }
    if (!r && c->n_rows)
        qsort(c->rows, c->n_rows, sizeof(*c->rows), compare_rows);
    return r;
}

int source_file(struct client *c, struct sg_bytes file, bool *ret_signed, int64_t *ret_from_s,
                int64_t *ret_until_s, char why[160])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf bare = SG_BUF_INIT(SG_EVIDENCE_MAX);
    size_t n = sizeof(CSV_HEADER) - 1;

    if (file.len > n && !memcmp(file.data, CSV_HEADER, n)) {
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
