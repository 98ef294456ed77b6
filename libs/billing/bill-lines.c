/* bill-lines - the table of kinds, and what all of them share: a line and its trace. */
#include "bill-int.h"

#include <sealgrid/base/clock.h>

#include <stdarg.h>
#include <stdio.h>

/* Charges whose lines depend on those of others come later; the bill keeps the tariff's order. */
#define N_ROUNDS 3
static const struct {
    void (*make)(struct sg_lines *l, const struct sg_tariff_charge *c);
    unsigned round;
} kinds[SG_CHARGE_N_KINDS] = {
    [SG_CHARGE_ENERGY] = {sg_lines_energy, 0},
    [SG_CHARGE_TIERS] = {sg_lines_tiers, 0},
    [SG_CHARGE_DYNAMIC] = {sg_lines_dynamic, 0},
    [SG_CHARGE_DEMAND] = {sg_lines_demand, 0},
    [SG_CHARGE_REACTIVE_ENERGY] = {sg_lines_reactive_energy, 0},
    [SG_CHARGE_REACTIVE_DEMAND] = {sg_lines_reactive_demand, 0},
    [SG_CHARGE_FIXED] = {sg_lines_fixed, 0},
    [SG_CHARGE_FLAG] = {sg_lines_flag, 0},
    [SG_CHARGE_NET_METERING] = {sg_lines_net_metering, 1},
    [SG_CHARGE_MINIMUM] = {sg_lines_minimum, 2},
};

void sg_lines_refuse(struct sg_lines *l, int outcome)
{
    if (!l->failure)
        l->failure = outcome;
}

/* ---- trace --------------------------------------------------------------------------------- */

static void close_trace(struct sg_lines *l)
{
    if (!l->open || l->failure)
        return;
    struct sg_made_line *made = &l->made[l->n - 1];
    sg_json_end_object(&l->json);
    int r = sg_json_done(&l->json);
    if (r)
        sg_lines_refuse(l, r);
    made->trace_len = l->trace.len - made->trace_at;
    l->open = false;
}

static void put_date(struct sg_lines *l, const char *key, int64_t day)
{
    char text[SG_RFC3339_MAX];

    sg_time_rfc3339(text, day * 86400);
    text[10] = '\0';
    sg_trace_text(l, key, text);
}

static void open_trace(struct sg_lines *l, struct sg_made_line *made)
{
    made->trace_at = l->trace.len;
    sg_json_init(&l->json, &l->trace);
    sg_json_object(&l->json);
    l->open = true;
    sg_trace_text(l, "code", made->line.code);
    if (made->line.from_day != SG_BILL_WHOLE)
        put_date(l, "from", made->line.from_day);
    sg_trace_text(l, "kind", sg_charge_kind_word(l->t->charges[l->charge].kind));
}

void sg_trace_int(struct sg_lines *l, const char *key, int64_t v)
{
    if (l->failure)
        return;
    sg_json_key(&l->json, key);
    sg_json_int(&l->json, v);
}

void sg_trace_text(struct sg_lines *l, const char *key, const char *text)
{
    if (l->failure)
        return;
    sg_json_key(&l->json, key);
    sg_json_str(&l->json, text);
}

void sg_trace_time(struct sg_lines *l, const char *key, int64_t unix_s)
{
    char text[SG_RFC3339_MAX];

    if (l->failure)
        return;
    sg_json_key(&l->json, key);
    if (unix_s == INT64_MIN) {
        sg_json_null(&l->json);
        return;
    }
    sg_time_rfc3339(text, unix_s);
    sg_json_str(&l->json, text);
}

void sg_trace_rate(struct sg_lines *l, const char *key, int64_t rate)
{
    char text[SG_DECIMAL_MAX];

    sg_decimal_format(text, rate, SG_RATE_DIGITS, 2);
    sg_trace_text(l, key, text);
}

void sg_trace_amount(struct sg_lines *l, const char *key, int64_t minor)
{
    char text[SG_DECIMAL_MAX];

    sg_decimal_format(text, minor, l->t->decimals, l->t->decimals);
    sg_trace_text(l, key, text);
}

void sg_trace_energy(struct sg_lines *l, int64_t from_day, int64_t until_day, size_t post,
                     enum sg_energy_of of)
{
    if (l->failure)
        return;
    sg_json_key(&l->json, "wh_by_meter");
    sg_json_array(&l->json);
    for (size_t i = 0; i < l->b->bill.n_meters; i++)
        sg_json_int(&l->json, sg_bill_energy_of_meter(l->b, i, from_day, until_day, post, of));
    sg_json_end_array(&l->json);
}

/* ---- a line -------------------------------------------------------------------------------- */

static struct sg_made_line *room(struct sg_lines *l)
{
    close_trace(l);
    if (l->failure)
        return NULL;
    if (l->n == SG_BILL_LINES_MAX) {
        sg_lines_refuse(l, SG_BILL_TOO_LONG);
        return NULL;
    }
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 16;
        struct sg_made_line *made = reallocarray(l->made, capacity, sizeof(*made));
        if (!made) {
            sg_lines_refuse(l, sg_raise(-ENOMEM));
            return NULL;
        }
        l->made = made;
        l->capacity = capacity;
    }
    l->made[l->n] = (struct sg_made_line){.charge = l->charge};
    return &l->made[l->n++];
}

static bool is_whole(const struct sg_lines *l, const struct sg_span *span)
{
    return !span || span->days == l->b->bill.days;
}

static void place(struct sg_lines *l, struct sg_bill_line *line, const struct sg_line *from)
{
    bool whole = is_whole(l, from->span);

    line->from_day = whole ? SG_BILL_WHOLE : from->span->from_day;
    line->until_day = whole ? SG_BILL_WHOLE : from->span->until_day;
    line->unit = from->unit;
    line->quantity = from->quantity;
    line->days = from->days;
    line->of_days = from->of_days;
    if (line->quantity > SG_BILL_QUANTITY_MAX || line->quantity < -SG_BILL_QUANTITY_MAX)
        sg_lines_refuse(l, SG_BILL_TOO_LARGE);
}

static struct sg_made_line *start(struct sg_lines *l, const struct sg_line *line, const char *fmt,
                                  va_list args) SG_PRINTF(3, 0);
static struct sg_made_line *start(struct sg_lines *l, const struct sg_line *line, const char *fmt,
                                  va_list args)
{
    struct sg_made_line *made = room(l);

    if (!made)
        return NULL;
    int n = vsnprintf(made->line.code, sizeof(made->line.code), fmt, args);
    if (n < 0 || (size_t)n >= sizeof(made->line.code))
        sg_lines_refuse(l, SG_BILL_TOO_LONG);
    place(l, &made->line, line);
    return l->failure ? NULL : made;
}

void sg_lines_add(struct sg_lines *l, const struct sg_line *line, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    struct sg_made_line *made = start(l, line, fmt, args);
    va_end(args);
    if (!made)
        return;
    made->line.has_rate = true;
    made->line.rate = line->rate;
    if (!sg_bill_amount(&l->b->bill, &made->line, &made->line.amount))
        sg_lines_refuse(l, SG_BILL_TOO_LARGE);
    open_trace(l, made);
}

void sg_lines_add_exact(struct sg_lines *l, const struct sg_line *line, __int128 numerator,
                        __int128 denominator, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    struct sg_made_line *made = start(l, line, fmt, args);
    va_end(args);
    if (!made)
        return;
    if (!sg_bill_round(&l->b->bill, numerator, denominator, &made->line.amount))
        sg_lines_refuse(l, SG_BILL_TOO_LARGE);
    open_trace(l, made);
}

int64_t sg_lines_sum(const struct sg_lines *l, size_t charge)
{
    int64_t sum = 0;

    for (size_t i = 0; i < l->n; i++)
        if (l->made[i].charge == charge)
            sum += l->made[i].line.amount;
    return sum;
}

/* ---- all ----------------------------------------------------------------------------------- */

static int put_trace(struct sg_buf *out, const struct sg_lines *l, const struct sg_made_line *made,
                     bool first)
{
    int r = first ? 0 : sg_buf_append_u8(out, ',');

    return r ? r : sg_buf_append(out, SG_BYTES(l->trace.data + made->trace_at, made->trace_len));
}

/* The tariff's order; within a charge the order in which its lines were made. */
static int give(struct sg_lines *l, struct sg_bill *bill)
{
    int r = sg_buf_append_u8(&bill->trace, '[');

    bill->lines = l->n ? calloc(l->n, sizeof(*bill->lines)) : NULL;
    if (l->n && !bill->lines)
        return sg_raise(-ENOMEM);
    for (size_t c = 0; c < l->t->n_charges; c++)
        for (size_t i = 0; i < l->n && !r; i++) {
            if (l->made[i].charge != c)
                continue;
            r = put_trace(&bill->trace, l, &l->made[i], bill->n_lines == 0);
            bill->lines[bill->n_lines++] = l->made[i].line;
        }
    return r ? r : sg_buf_append_u8(&bill->trace, ']');
}

int sg_bill_lines(struct sg_billing *b)
{
    struct sg_lines l = {.b = b,
                         .t = b->t,
                         .contract = b->bill.has_contract ? &b->bill.contract : NULL,
                         .trace = SG_BUF_INIT(SG_BILL_JSON_MAX)};

    for (unsigned round = 0; round < N_ROUNDS; round++)
        for (l.charge = 0; l.charge < b->t->n_charges; l.charge++)
            if (kinds[b->t->charges[l.charge].kind].round == round && !l.failure) {
                kinds[b->t->charges[l.charge].kind].make(&l, &b->t->charges[l.charge]);
                close_trace(&l);
            }
    int r = l.failure ? l.failure : give(&l, &b->bill);
    free(l.made);
    sg_buf_clear(&l.trace);
    return r;
}
