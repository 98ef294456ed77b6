/* lint-report - notes and summary, as text and as JSON.  One walk over the tariff writes both. */
#include "lint.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/json.h>

#include <stdarg.h>
#include <stdio.h>

#define TEXT_MAX 1200

static const char *const kinds[] = {"working", "saturday", "sunday", "holiday"};

/* ---- pieces as words ----------------------------------------------------------------------- */

struct words {
    char text[TEXT_MAX];
    size_t len;
};

static void add(struct words *w, const char *fmt, ...) SG_PRINTF(2, 3);
static void add(struct words *w, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(w->text + w->len, sizeof(w->text) - w->len, fmt, args);
    va_end(args);
    w->len =
        n < 0 || (size_t)n >= sizeof(w->text) - w->len ? sizeof(w->text) - 1 : w->len + (size_t)n;
}

static void add_number(struct words *w, const char *before, int64_t v, unsigned digits)
{
    char number[SG_DECIMAL_MAX];

    sg_decimal_format(number, v, digits, 0);
    add(w, "%s%s%s", w->len ? ", " : "", before, number);
}

static void add_up_to(struct words *w, int64_t up_to_wh, int64_t v, unsigned digits)
{
    char limit[SG_DECIMAL_MAX], number[SG_DECIMAL_MAX];

    sg_decimal_format(number, v, digits, 0);
    if (up_to_wh == INT64_MAX) {
        add(w, "%s%s%s", w->len ? ", " : "", w->len ? "above " : "", number);
        return;
    }
    sg_decimal_format(limit, up_to_wh, 3, 0);
    add(w, "%sup to %s kWh %s", w->len ? ", " : "", limit, number);
}

static void add_rates(struct words *w, const struct sg_tariff *t, const struct sg_tariff_charge *c,
                      const struct sg_tariff_piece *piece)
{
    char name[SG_TARIFF_NAME_MAX + 2];

    if (!c->by_post) {
        add_number(w, "", piece->rate[0], SG_RATE_DIGITS);
        return;
    }
    for (size_t p = 0; p < t->n_posts; p++) {
        if (!(c->posts & 1u << p))
            continue;
        snprintf(name, sizeof(name), "%s ", t->posts[p].name);
        add_number(w, name, piece->rate[p], SG_RATE_DIGITS);
    }
}

static void add_phases(struct words *w, bool by_phases, const int64_t v[3], unsigned digits)
{
    add_number(w, by_phases ? "one phase " : "", v[0], digits);
    if (!by_phases)
        return;
    add_number(w, "two ", v[1], digits);
    add_number(w, "three ", v[2], digits);
}

static void add_credits(struct words *w, const struct sg_tariff *t,
                        const struct sg_tariff_charge *c, const struct sg_tariff_piece *piece)
{
    char name[SG_TARIFF_NAME_MAX + 4];

    for (size_t i = 0; i < c->n_credited; i++) {
        snprintf(name, sizeof(name), "%s %% ", t->charges[c->credited[i]].name);
        add_number(w, name, piece->credit_ppm[i], 4);
    }
}

static void piece_words(struct words *w, const struct sg_tariff *t,
                        const struct sg_tariff_charge *c, const struct sg_tariff_piece *piece)
{
    w->len = 0;
    w->text[0] = '\0';
    switch (c->kind) {
    case SG_CHARGE_TIERS:
        for (size_t i = 0; i < piece->n_tiers; i++)
            add_up_to(w, piece->tiers[i].up_to_wh, piece->tiers[i].rate, SG_RATE_DIGITS);
        break;
    case SG_CHARGE_FIXED:
        add_phases(w, c->by_phases, piece->amount, SG_RATE_DIGITS);
        break;
    case SG_CHARGE_DYNAMIC:
        add_number(w, "adder ", piece->adder, SG_RATE_DIGITS);
        if (piece->cap != INT64_MAX)
            add_number(w, "cap ", piece->cap, SG_RATE_DIGITS);
        if (piece->floor != INT64_MIN)
            add_number(w, "floor ", piece->floor, SG_RATE_DIGITS);
        break;
    case SG_CHARGE_NET_METERING:
        add_credits(w, t, c, piece);
        break;
    default:
        add_rates(w, t, c, piece);
        break;
    }
}

static void members_words(struct words *w, const struct sg_tariff *t,
                          const struct sg_tariff_charge *c)
{
    static const char *const of[] = {"import", "export", "net"};
    static const char *const per[] = {"per cycle", "per day", "per month"};

    w->len = 0;
    w->text[0] = '\0';
    if (c->kind == SG_CHARGE_ENERGY || c->kind == SG_CHARGE_DYNAMIC)
        add(w, "%s", of[c->of]);
    if (c->kind == SG_CHARGE_FIXED)
        add(w, "%s", per[c->per]);
    if (c->kind == SG_CHARGE_TIERS && c->per_days)
        add(w, "thresholds per %u days", c->per_days);
    if (c->kind == SG_CHARGE_DEMAND)
        add(w, "windows of %u min%s", c->window_s / 60, c->contracted ? ", contracted" : "");
    if (c->has_excess) {
        add_number(w, "excess above % ", c->tolerance_ppm, 4);
        add_number(w, "factor ", c->factor_ppm, 6);
    }
    if (c->ratchet_months) {
        add_number(w, "ratchet % ", c->ratchet_ppm, 4);
        add(w, " of %u months", c->ratchet_months);
    }
    if (c->power_factor_ppm)
        add_number(w, "power factor ", c->power_factor_ppm, 6);
    for (size_t i = 0; i < c->n_capacitive; i++)
        add(w, ", capacitive %02u:%02u-%02u:%02u", c->capacitive[i].from / 60,
            c->capacitive[i].from % 60, c->capacitive[i].until / 60, c->capacitive[i].until % 60);
    if (c->kind == SG_CHARGE_FLAG)
        add(w, "%zu months, split by %s", c->n_flags,
            c->split == SG_SPLIT_DAYS ? "days" : "interval");
    if (c->kind == SG_CHARGE_NET_METERING)
        add(w, "carried %u months", c->carry_months);
    if (c->kind == SG_CHARGE_MINIMUM) {
        add_phases(w, c->by_phases, c->least_wh, 3);
        add(w, " kWh at %s of", t->posts[c->least_post].name);
        for (size_t i = 0; i < c->n_credited; i++)
            add(w, " %s", t->charges[c->credited[i]].name);
    }
}

static void date_text(char ret[16], int64_t day)
{
    unsigned month, mday;
    int year;

    if (day == SG_TARIFF_ALWAYS) {
        snprintf(ret, 16, "always");
        return;
    }
    sg_civil_from_days(day, &year, &month, &mday);
    snprintf(ret, 16, "%04d-%02u-%02u", year % 10000, month % 13, mday % 32);
}

/* ---- posts --------------------------------------------------------------------------------- */

/* From a minute to where another post begins. */
static unsigned run_end(const uint8_t *post_at, unsigned minute)
{
    unsigned end = minute;

    while (end < 1440 && post_at[end] == post_at[minute])
        end++;
    return end;
}

static void day_words(struct words *w, const struct sg_tariff *t, const uint8_t *post_at)
{
    w->len = 0;
    w->text[0] = '\0';
    for (unsigned m = 0, end; m < 1440; m = end) {
        end = run_end(post_at, m);
        add(w, "%s%02u:%02u-%02u:%02u %s", m ? ", " : "", m / 60, m % 60, end / 60, end % 60,
            t->posts[post_at[m]].name);
    }
}

/* ---- text ---------------------------------------------------------------------------------- */

static int text_notes(const struct lint_report *r, struct sg_buf *ret)
{
    int f = 0;

    for (size_t i = 0; i < r->n_notes && !f; i++) {
        const struct lint_note *n = &r->notes[i];
        f = n->line ? sg_buf_printf(ret, "%s:%u: ", r->path, n->line)
                    : sg_buf_printf(ret, "%s: ", r->path);
        if (!f)
            f = sg_buf_printf(ret, "%s%s\n", n->is_warning ? "warning: " : "", n->text);
    }
    if (!f && r->errors + r->warnings > r->n_notes)
        f = sg_buf_printf(ret, "%s: and %zu more\n", r->path, r->errors + r->warnings - r->n_notes);
    return f;
}

static int text_days(const struct sg_tariff *t, struct sg_buf *ret)
{
    struct words w;
    int f = 0;

    if (t->schedule)
        return sg_buf_printf(ret, "  posts by schedule, %zu steps of %u min\n", t->schedule->n,
                             t->schedule->step_s / 60);
    for (size_t s = 0; s < t->n_seasons && !f; s++) {
        if (t->seasons[s].name[0])
            f = sg_buf_printf(ret, "  season %s from %02u-%02u\n", t->seasons[s].name,
                              t->seasons[s].from / 32, t->seasons[s].from % 32);
        for (size_t k = 0; k < SG_DAY_KINDS && !f; k++) {
            day_words(&w, t, t->post_at[s][k]);
            f = sg_buf_printf(ret, "  %-9s %s\n", kinds[k], w.text);
        }
    }
    return f;
}

static int text_charge(const struct sg_tariff *t, const struct sg_tariff_charge *c,
                       struct sg_buf *ret)
{
    struct words w;
    char from[16];
    int f;

    members_words(&w, t, c);
    f = sg_buf_printf(ret, "  %s: %s%s%s\n", c->name, sg_charge_kind_word(c->kind),
                      w.len ? ", " : "", w.text);
    for (size_t i = 0; i < c->n_pieces && !f; i++) {
        date_text(from, c->pieces[i].from_day);
        piece_words(&w, t, c, &c->pieces[i]);
        f = sg_buf_printf(ret, "    %-10s  %s\n", from, w.text);
    }
    return f;
}

static void tax_words(struct words *w, const struct sg_tariff_tax_piece *piece)
{
    w->len = 0;
    w->text[0] = '\0';
    for (size_t b = 0; b < piece->n_bands; b++)
        add_up_to(w, piece->bands[b].up_to_wh, piece->bands[b].rate_ppm, 4);
    add(w, " %%");
}

static int text_tax(const struct sg_tariff *t, const struct sg_tariff_tax *tax, struct sg_buf *ret)
{
    struct words w;
    char from[16];
    int f = sg_buf_printf(ret, "  %s: tax %s", tax->name, tax->on_top ? "on top" : "inside");

    for (size_t i = 0; i < t->n_taxes && !f; i++)
        if (tax->excludes & UINT32_C(1) << i)
            f = sg_buf_printf(ret, ", %s not in its base", t->taxes[i].name);
    if (!f)
        f = sg_buf_printf(ret, "\n");
    for (size_t i = 0; i < tax->n_pieces && !f; i++) {
        date_text(from, tax->pieces[i].from_day);
        tax_words(&w, &tax->pieces[i]);
        f = sg_buf_printf(ret, "    %-10s  %s\n", from, w.text);
    }
    return f;
}

int lint_text(const struct lint_report *r, struct sg_buf *ret)
{
    const struct sg_tariff *t = r->tariff;
    int f = text_notes(r, ret);

    if (f || !t)
        return f;
    f = sg_buf_printf(ret, "%s: %s\n  %s, %s, intervals of %u min, %s%s\n", t->id, t->title,
                      t->currency, t->zone, t->interval_s / 60,
                      t->rounding == SG_ROUND_HALF_UP ? "half-up" : "half-even",
                      sg_tariff_needs_contract(t) ? ", needs a contract" : "");
    if (!f)
        f = text_days(t, ret);
    for (size_t i = 0; i < t->n_charges && !f; i++)
        f = text_charge(t, &t->charges[i], ret);
    for (size_t i = 0; i < t->n_taxes && !f; i++)
        f = text_tax(t, &t->taxes[i], ret);
    if (!f && t->n_lighting_pieces)
        f = sg_buf_printf(ret, "  lighting fee, %zu steps\n",
                          t->lighting_pieces[t->n_lighting_pieces - 1].n_steps);
    return f;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void put_str(struct sg_json *j, const char *key, const char *v)
{
    sg_json_key(j, key);
    sg_json_str(j, v);
}

static void json_notes(struct sg_json *j, const struct lint_report *r)
{
    sg_json_key(j, "notes");
    sg_json_array(j);
    for (size_t i = 0; i < r->n_notes; i++) {
        sg_json_object(j);
        sg_json_key(j, "line");
        sg_json_uint(j, r->notes[i].line);
        put_str(j, "severity", r->notes[i].is_warning ? "warning" : "error");
        put_str(j, "text", r->notes[i].text);
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

static void json_day(struct sg_json *j, const struct sg_tariff *t, const uint8_t *post_at)
{
    char clock[8];

    sg_json_array(j);
    for (unsigned m = 0; m < 1440; m = run_end(post_at, m)) {
        sg_json_object(j);
        snprintf(clock, sizeof(clock), "%02u:%02u", m / 60, m % 60);
        put_str(j, "from", clock);
        put_str(j, "post", t->posts[post_at[m]].name);
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

static void json_seasons(struct sg_json *j, const struct sg_tariff *t)
{
    char from[8];

    sg_json_key(j, "seasons");
    sg_json_array(j);
    for (size_t s = 0; s < t->n_seasons && !t->schedule; s++) {
        sg_json_object(j);
        if (t->seasons[s].name[0]) {
            put_str(j, "name", t->seasons[s].name);
            snprintf(from, sizeof(from), "%02u-%02u", t->seasons[s].from / 32 % 13,
                     t->seasons[s].from % 32);
            put_str(j, "from", from);
        }
        for (size_t k = 0; k < SG_DAY_KINDS; k++) {
            sg_json_key(j, kinds[k]);
            json_day(j, t, t->post_at[s][k]);
        }
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

static void json_charges(struct sg_json *j, const struct sg_tariff *t)
{
    struct words w;
    char from[16];

    sg_json_key(j, "charges");
    sg_json_array(j);
    for (size_t i = 0; i < t->n_charges; i++) {
        const struct sg_tariff_charge *c = &t->charges[i];
        sg_json_object(j);
        put_str(j, "name", c->name);
        put_str(j, "kind", sg_charge_kind_word(c->kind));
        members_words(&w, t, c);
        put_str(j, "says", w.text);
        sg_json_key(j, "pieces");
        sg_json_array(j);
        for (size_t k = 0; k < c->n_pieces; k++) {
            sg_json_object(j);
            date_text(from, c->pieces[k].from_day);
            put_str(j, "from", from);
            piece_words(&w, t, c, &c->pieces[k]);
            put_str(j, "rates", w.text);
            sg_json_end_object(j);
        }
        sg_json_end_array(j);
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

static void json_taxes(struct sg_json *j, const struct sg_tariff *t)
{
    struct words w;
    char from[16];

    sg_json_key(j, "taxes");
    sg_json_array(j);
    for (size_t i = 0; i < t->n_taxes; i++) {
        sg_json_object(j);
        put_str(j, "name", t->taxes[i].name);
        sg_json_key(j, "on_top");
        sg_json_bool(j, t->taxes[i].on_top);
        sg_json_key(j, "pieces");
        sg_json_array(j);
        for (size_t k = 0; k < t->taxes[i].n_pieces; k++) {
            sg_json_object(j);
            date_text(from, t->taxes[i].pieces[k].from_day);
            put_str(j, "from", from);
            tax_words(&w, &t->taxes[i].pieces[k]);
            put_str(j, "rates", w.text);
            sg_json_end_object(j);
        }
        sg_json_end_array(j);
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

static void json_tariff(struct sg_json *j, const struct sg_tariff *t)
{
    sg_json_key(j, "tariff");
    sg_json_object(j);
    put_str(j, "id", t->id);
    put_str(j, "title", t->title);
    put_str(j, "source", t->source);
    sg_json_key(j, "sha256");
    sg_json_hex(j, SG_BYTES(t->sha256, 32));
    put_str(j, "currency", t->currency);
    put_str(j, "zone", t->zone);
    sg_json_key(j, "interval_minutes");
    sg_json_uint(j, t->interval_s / 60);
    sg_json_key(j, "needs_contract");
    sg_json_bool(j, sg_tariff_needs_contract(t));
    json_seasons(j, t);
    json_charges(j, t);
    json_taxes(j, t);
    sg_json_end_object(j);
}

int lint_json(const struct lint_report *const *reports, size_t n, struct sg_buf *ret)
{
    struct sg_json j;
    int r;

    sg_json_init(&j, ret);
    sg_json_array(&j);
    for (size_t i = 0; i < n; i++) {
        sg_json_object(&j);
        put_str(&j, "file", reports[i]->path);
        sg_json_key(&j, "errors");
        sg_json_uint(&j, reports[i]->errors);
        sg_json_key(&j, "warnings");
        sg_json_uint(&j, reports[i]->warnings);
        json_notes(&j, reports[i]);
        if (reports[i]->tariff)
            json_tariff(&j, reports[i]->tariff);
        sg_json_end_object(&j);
    }
    sg_json_end_array(&j);
    r = sg_json_done(&j);
    return r ? r : sg_buf_printf(ret, "\n");
}
