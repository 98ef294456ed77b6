/* page-suspect - one customer: why, since when, how much, two pictures, what is known, what to
 * look at. */
#include "page-int.h"

#include <math.h>
#include <stdio.h>

#define KW_DECIMALS 2

struct sg_text page_energy(const struct sg_html *p, double kwh)
{
    return sg_format_energy(p->language, isfinite(kwh) ? llround(fmin(kwh, 1e12) * 1000) : 0);
}

/* ---- the day ------------------------------------------------------------------------------- */

struct day_chart {
    const struct sg_html *p;
    double regular[SG_FRAUD_POINTS_MAX], recent[SG_FRAUD_POINTS_MAX];
    double low[SG_FRAUD_POINTS_MAX], high[SG_FRAUD_POINTS_MAX];
    uint32_t points;
};

static void day_tip(void *user, size_t i, char ret[SG_CHART_TIP_MAX])
{
    const struct day_chart *c = user;
    const unsigned minute = (unsigned)(i * 1440 / c->points);
    snprintf(ret, SG_CHART_TIP_MAX, "%02u:%02u\n%s: %s kW\n%s: %s kW", minute / 60, minute % 60,
             sg_html_word(c->p, "regular", "regular"),
             sg_format_fixed(c->p->language, c->regular[i], KW_DECIMALS).s,
             sg_html_word(c->p, "recent", "recente"),
             sg_format_fixed(c->p->language, c->recent[i], KW_DECIMALS).s);
}

static void put_day(struct sg_html *p, const struct suspect *s)
{
    static const unsigned hours[] = {0, 6, 12, 18, 24};
    const struct picture *pic = &s->picture;
    const double to_kw = pic->points / 24.0;
    struct day_chart c = {.p = p, .points = pic->points};
    struct sg_chart_tick ticks[5];
    char label[200];
    for (uint32_t k = 0; k < pic->points; k++) {
        c.regular[k] = (double)pic->regular[k] * to_kw;
        c.recent[k] = (double)pic->recent[k] * to_kw;
        c.low[k] = (double)pic->low[k] * to_kw;
        c.high[k] = (double)pic->high[k] * to_kw;
    }
    for (size_t i = 0; i < 5; i++) {
        ticks[i] = (struct sg_chart_tick){.at = hours[i] / 24.0};
        snprintf(ticks[i].text, sizeof ticks[i].text, sg_html_word(p, "%02u:00", "%02u h"),
                 hours[i]);
    }
    snprintf(label, sizeof label,
             sg_html_word(p, "Customer %.63s: regular day and recent day, kW by hour",
                          "UC %.63s: dia regular e dia recente, kW por hora"),
             s->id);
    const struct sg_chart_series series[] = {{"", c.high, 1, true, false},
                                             {"", c.regular, 1, false, true},
                                             {"", c.recent, 2, false, false}};
    const struct sg_chart_lines chart = {.label = label,
                                         .unit = "kW",
                                         .height_px = 96,
                                         .floor = c.low,
                                         .n = pic->points,
                                         .series = series,
                                         .n_series = 3,
                                         .ticks = ticks,
                                         .n_ticks = 5,
                                         .tip = day_tip,
                                         .user = &c};
    sg_chart_lines(p, &chart);
}

/* ---- the days ------------------------------------------------------------------------------ */

struct days_chart {
    const struct sg_html *p;
    const struct page *g;
    int32_t first;
    double level[PICTURE_DAYS * 2], expected[PICTURE_DAYS * 2];
    uint32_t n;
};

static void days_tip(void *user, size_t i, char ret[SG_CHART_TIP_MAX])
{
    const struct days_chart *c = user;
    snprintf(ret, SG_CHART_TIP_MAX, "%s\n%s: %s\n%s: %s",
             page_day(c->p, c->g, c->first + (int32_t)i).s,
             sg_html_word(c->p, "measured", "medido"),
             isnan(c->level[i]) ? "\xe2\x80\x93" : page_energy(c->p, c->level[i]).s,
             sg_html_word(c->p, "expected", "esperado"),
             isnan(c->expected[i]) ? "\xe2\x80\x93" : page_energy(c->p, c->expected[i]).s);
}

/* Days of the calendar, evenly spaced; those that lack are gaps. */
static void spread_days(struct days_chart *c, const struct picture *pic)
{
    const uint32_t room = sizeof c->level / sizeof *c->level;
    const int32_t last = pic->day[pic->n_days - 1];
    c->first = pic->day[0];
    if (last - c->first >= (int32_t)room)
        c->first = last - (int32_t)room + 1;
    c->n = (uint32_t)(last - c->first + 1);
    for (uint32_t i = 0; i < c->n; i++)
        c->level[i] = c->expected[i] = NAN;
    for (uint32_t i = 0; i < pic->n_days; i++) {
        if (pic->day[i] < c->first)
            continue;
        c->level[pic->day[i] - c->first] = (double)pic->level[i];
        c->expected[pic->day[i] - c->first] = (double)pic->expected[i];
    }
}

static struct sg_text short_day(const struct sg_html *p, const struct page *g, int32_t day)
{
    return g->dated ? sg_format_date(p->language, day, SG_DATE_SHORT) : page_day(p, g, day);
}

/* First, change and last day; a letter that would stand on another is left out. */
static size_t day_ticks(const struct sg_html *p, const struct days_chart *c, double mark,
                        struct sg_chart_tick ticks[3])
{
    const double at[] = {0, mark, 1};
    size_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        if (i == 1 && (mark < 0.25 || mark > 0.75))
            continue;
        ticks[n] = (struct sg_chart_tick){.at = at[i]};
        snprintf(ticks[n].text, sizeof ticks[n].text, "%.31s",
                 short_day(p, c->g, c->first + (int32_t)lround(at[i] * (c->n - 1))).s);
        n++;
    }
    return n;
}

static void put_days(struct sg_html *p, const struct page *g, const struct suspect *s)
{
    const struct picture *pic = &s->picture;
    struct days_chart c = {.p = p, .g = g};
    struct sg_chart_tick ticks[3];
    char label[200];
    if (pic->n_days < 2)
        return;
    spread_days(&c, pic);
    const double mark = pic->change_day == SG_FRAUD_NO_DAY
                            ? 0
                            : (double)(pic->change_day - c.first) / (double)(c.n - 1);
    snprintf(label, sizeof label,
             sg_html_word(p, "Customer %.63s: energy of each day and what was to be expected",
                          "UC %.63s: energia de cada dia e o esperado"),
             s->id);
    const struct sg_chart_series series[] = {{"", c.expected, 1, false, true},
                                             {"", c.level, 2, false, false}};
    const struct sg_chart_lines chart = {.label = label,
                                         .unit = sg_html_word(p, "kWh a day", "kWh por dia"),
                                         .height_px = 96,
                                         .mark = mark,
                                         .n = c.n,
                                         .series = series,
                                         .n_series = 2,
                                         .ticks = ticks,
                                         .n_ticks = day_ticks(p, &c, mark, ticks),
                                         .tip = days_tip,
                                         .user = &c};
    sg_chart_lines(p, &chart);
}

/* ---- facts --------------------------------------------------------------------------------- */

static void put_known(struct sg_html *p, const char *en, const char *pt, const char *value)
{
    if (*value)
        sg_html_fact(p, en, pt, value);
}

static void put_context(struct sg_html *p, const struct page *g, const struct sg_fraud_context *c)
{
    struct sg_text kw = {""};
    put_known(p, "Class", "Classe", page_class_word(p, c->cls));
    put_known(p, "Activity", "Atividade", c->activity);
    put_known(p, "Region", "Região", c->region);
    if (c->contracted_kw > 0) {
        snprintf(kw.s, sizeof kw.s, "%.40s\xc2\xa0kW",
                 sg_format_fixed(p->language, (double)c->contracted_kw, 0).s);
        sg_html_fact(p, "Contracted demand", "Demanda contratada", kw.s);
    }
    if (c->solar_since != SG_FRAUD_NO_DAY)
        sg_html_fact(p, "Solar panels since", "Painéis solares desde",
                     page_day(p, g, c->solar_since).s);
    if (c->tariff_since != SG_FRAUD_NO_DAY)
        sg_html_fact(p, "Present tariff since", "Tarifa atual desde",
                     page_day(p, g, c->tariff_since).s);
    if (c->vacant_since != SG_FRAUD_NO_DAY)
        sg_html_fact(p, "Vacant since", "Desocupado desde", page_day(p, g, c->vacant_since).s);
}

static void put_facts(struct sg_html *p, const struct page *g, const struct line *l,
                      const struct suspect *s)
{
    const struct picture *pic = &s->picture;
    struct sg_text lost = {"\xe2\x80\x93"}, all = {"\xe2\x80\x93"};
    if (!pic->points) { /* its load was not judged: what ranks it is something else */
        sg_html_open_class(p, "dl", "facts");
        put_context(p, g, &pic->context);
        sg_html_close(p);
        return;
    }
    const int32_t days = pic->last_day - pic->missing_since + 1;
    if (pic->missing_day > 0) {
        lost = page_energy(p, pic->missing_day);
        all = page_energy(p, pic->missing_day * days);
    }
    sg_html_open_class(p, "dl", "facts");
    sg_html_fact(p, "Missing a day, about", "Falta por dia, cerca de", lost.s);
    sg_html_fact(p, "Chance of theft", "Chance de fraude", page_chance(p, g, l).s);
    sg_html_fact(p, pic->change_day == SG_FRAUD_NO_DAY ? "In the judged days since" : "Since",
                 pic->change_day == SG_FRAUD_NO_DAY ? "Nos dias julgados desde" : "Desde",
                 page_day(p, g, pic->missing_since).s);
    sg_html_fact(p, "Missing in all so far", "Falta ao todo até agora", all.s);
    sg_html_fact(p, "Usual day", "Dia habitual", page_energy(p, pic->regular_day).s);
    put_context(p, g, &pic->context);
    sg_html_close(p);
}

/* ---- card ---------------------------------------------------------------------------------- */

static void put_items(struct sg_html *p, const struct page_text *items, size_t n)
{
    sg_html_open(p, "ul");
    for (size_t i = 0; i < n; i++)
        sg_html_element(p, "li", NULL, items[i].s);
    sg_html_close(p);
}

static void put_why(struct sg_html *p, const struct page *g, const struct line *l)
{
    struct page_text reasons[PAGE_REASONS_MAX];
    size_t n = page_reasons(p, g, l, reasons);
    if (n == 0)
        snprintf(reasons[n++].s, PAGE_TEXT_MAX, "%s",
                 sg_html_word(p, "unlike its own past, without one clear trait",
                              "diferente do próprio passado, sem um traço claro"));
    sg_html_element_say(p, "h3", NULL, "Why", "Por quê");
    put_items(p, reasons, n);
}

static void put_against(struct sg_html *p, const struct page *g, const struct line *l,
                        const struct picture *pic)
{
    struct page_text doubts[PAGE_DOUBTS_MAX];
    const size_t n = page_doubts(p, g, l, pic, doubts);
    if (n == 0)
        return;
    sg_html_element_say(p, "h3", NULL, "What speaks against it", "O que depõe contra");
    put_items(p, doubts, n);
}

static void put_checks(struct sg_html *p, const struct page *g, const struct line *l)
{
    const char *checks[PAGE_CHECKS_MAX];
    const size_t n = page_checks(p, g, l, checks);
    sg_html_element_say(p, "h3", NULL, "Look at on site, in this order",
                        "Verificar no local, nesta ordem");
    sg_html_open(p, "ol");
    for (size_t i = 0; i < n; i++)
        sg_html_element(p, "li", NULL, checks[i]);
    sg_html_close(p);
}

static void put_data(struct sg_html *p, const struct line *l)
{
    enum sg_language lang = p->language;
    if (!l->incomplete && !l->conflicts)
        return;
    sg_html_open_class(p, "p", "note");
    sg_html_say(p, "Data: ", "Dados: ");
    if (l->incomplete)
        sg_html_textf(p,
                      sg_html_word(p, "%s days without complete readings were left out. ",
                                   "%s dias sem leituras completas ficaram de fora. "),
                      sg_format_int(lang, l->incomplete).s);
    if (l->conflicts)
        sg_html_textf(p,
                      sg_html_word(p,
                                   "%s readings were told twice with differing values: look at "
                                   "the meter's clock and at a change of meter. ",
                                   "%s leituras foram informadas duas vezes com valores "
                                   "diferentes: ver relógio e troca de medidor. "),
                      sg_format_int(lang, l->conflicts).s);
    sg_html_close(p);
}

static void put_head(struct sg_html *p, const struct page *g, const struct line *l, size_t i)
{
    sg_html_open_class(p, "div", "head");
    sg_html_open(p, "strong");
    sg_html_textf(p, "%zu. ", i + 1);
    sg_html_say(p, "Customer ", "UC ");
    sg_html_text(p, l->id);
    sg_html_close(p);
    sg_html_open_class(p, "span", "soft");
    sg_html_say(p, "score ", "pontuação ");
    sg_html_text(p, sg_format_fixed(p->language, page_score(g, l), 1).s);
    sg_html_textf(p, " \xc2\xb7 %s", page_meaning(p, l).s);
    sg_html_close(p);
    sg_html_close(p);
}

void page_put_suspect(struct sg_html *p, const struct page *g, size_t i)
{
    const struct suspect *s = &g->report->result->suspects[i];
    const struct line *l = &g->report->result->ranking.lines[i];
    sg_html_open_class(p, "li", "card suspect");
    sg_html_attrf(p, "id", "s%zu-%s", i + 1, sg_html_word(p, "en", "pt"));
    put_head(p, g, l, i);
    put_facts(p, g, l, s);
    if (s->picture.points)
        put_day(p, s);
    put_days(p, g, s);
    put_why(p, g, l);
    put_checks(p, g, l);
    put_against(p, g, l, &s->picture);
    put_data(p, l);
    sg_html_close(p);
}
