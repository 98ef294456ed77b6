/* report-load - the map of the fleet's load, the mean day of each class, and a few customers. */
#include "report-int.h"

#include <math.h>
#include <sealgrid/base/clock.h>
#include <stdio.h>

#define DAYS_MAX   62 /* rows of the map: beyond, a row is a week */
#define ROW_TICKS  80
#define WEEK_HOURS 168

/* Energy by local day and hour; NAN where nothing was read. */
struct hours {
    int64_t first_day;
    size_t n_days;
    double *wh; /* [day][24] */
};

static double *at_hour(const struct hours *h, int64_t local_hour)
{
    int64_t i = local_hour - h->first_day * 24;
    return i >= 0 && i < (int64_t)h->n_days * 24 ? &h->wh[i] : NULL;
}

static int hours_new(struct hours *ret, const struct sg_report *r)
{
    int64_t days = sg_report_int(r->facts, "run.days");
    struct hours h = {sg_report_local(r, sg_report_int(r->facts, "run.from_s")) / 86400, 0, NULL};
    if (days < 1 || days > 400)
        return sg_raise(-ERANGE);
    h.n_days = (size_t)days;
    h.wh = malloc(h.n_days * 24 * sizeof *h.wh);
    if (!h.wh)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < h.n_days * 24; i++)
        h.wh[i] = NAN;
    *ret = h;
    return 0;
}

static void hours_clear(struct hours *h)
{
    free(h->wh);
}

/* Adds a list of Wh by hour of UTC. */
static void hours_add(struct hours *h, const struct sg_report *r, const json_t *list)
{
    int64_t first = sg_report_int(list, "first_hour");
    size_t i;
    json_t *v;
    if (first < 0 || first > INT32_MAX)
        return;
    json_array_foreach((json_t *)(uintptr_t)sg_report_at(list, "wh"), i, v)
    {
        double *to = at_hour(h, sg_report_local(r, (first + (int64_t)i) * 3600) / 3600);
        if (to && json_is_number(v))
            *to = (isnan(*to) ? 0 : *to) + json_number_value(v);
    }
}

static bool is_weekend(int64_t day)
{
    unsigned weekday = (unsigned)(((day + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    return weekday >= 5;
}

/* ---- the map -------------------------------------------------------------------------------- */

struct map {
    const struct hours *hours;
    enum sg_language language;
    size_t days_a_row, n_rows;
    double kw[DAYS_MAX * 24]; /* of a customer, mean */
};

static void fill_map(struct map *m, double customers)
{
    for (size_t row = 0; row < m->n_rows; row++)
        for (size_t hour = 0; hour < 24; hour++) {
            double sum = 0, n = 0;
            for (size_t d = row * m->days_a_row;
                 d < (row + 1) * m->days_a_row && d < m->hours->n_days; d++)
                if (isfinite(m->hours->wh[d * 24 + hour])) {
                    sum += m->hours->wh[d * 24 + hour];
                    n++;
                }
            m->kw[row * 24 + hour] = n > 0 && customers > 0 ? sum / n / customers / 1000 : NAN;
        }
}

static void map_tip(void *user, size_t i, char ret[SG_CHART_TIP_MAX])
{
    const struct map *m = user;
    snprintf(ret, SG_CHART_TIP_MAX, "%s, %zu\xe2\x80\x93%zu h: %s\xc2\xa0kW",
             sg_format_date(m->language, m->hours->first_day + (int64_t)(i / 24 * m->days_a_row),
                            SG_DATE_WEEKDAY)
                 .s,
             i % 24, i % 24 + 1, sg_format_fixed(m->language, m->kw[i], 2).s);
}

static size_t map_rows(const struct map *m, struct sg_chart_tick *ret)
{
    size_t every = m->n_rows > 31 ? 2 : 1, n = 0;
    for (size_t i = 0; i < m->n_rows && n < ROW_TICKS; i += every, n++) {
        ret[n] = (struct sg_chart_tick){.at = ((double)i + 0.5) / (double)m->n_rows};
        snprintf(ret[n].text, sizeof ret[n].text, "%.30s",
                 sg_format_date(m->language, m->hours->first_day + (int64_t)(i * m->days_a_row),
                                SG_DATE_WEEKDAY)
                     .s);
    }
    return n;
}

/* Every so many hours of a day: 3 where there is room, else 6. */
static size_t hour_ticks(unsigned every, struct sg_chart_tick ret[9])
{
    size_t n = 24 / every + 1;
    for (unsigned i = 0; i < n; i++) {
        ret[i] = (struct sg_chart_tick){.at = i * every / 24.0, .minor = i * every % 6 != 0};
        snprintf(ret[i].text, sizeof ret[i].text, "%u h", i * every);
    }
    return n;
}

static void put_map(struct sg_html *p, const struct hours *h, double customers)
{
    struct map m = {.hours = h, .language = p->language};
    struct sg_chart_tick rows[ROW_TICKS], columns[9];
    m.days_a_row = h->n_days > DAYS_MAX ? 7 : 1;
    m.n_rows = (h->n_days + m.days_a_row - 1) / m.days_a_row;
    fill_map(&m, customers);
    sg_html_open(p, "figure");
    if (m.days_a_row > 1)
        sg_html_element_say(
            p, "figcaption", NULL,
            "Mean load of a customer: weeks downwards (mean of their days), hours of "
            "the day from left to right.",
            "Carga média por unidade consumidora: semanas para baixo (média dos seus "
            "dias), horas do dia da esquerda para a direita.");
    else
        sg_html_element_say(
            p, "figcaption", NULL,
            "Mean load of a customer: days downwards, hours of the day from left to "
            "right.",
            "Carga média por unidade consumidora: dias para baixo, horas do dia da "
            "esquerda para a direita.");
    const struct sg_chart_heat c = {
        .label = sg_html_word(p, "Heat map: mean load by day and hour of the day",
                              "Mapa de calor: carga média por dia e hora do dia"),
        .unit = "kW",
        .row_px = m.n_rows > 20 ? 16 : 20,
        .n_rows = m.n_rows,
        .n_columns = 24,
        .values = m.kw,
        .row_ticks = rows,
        .n_row_ticks = map_rows(&m, rows),
        .column_ticks = columns,
        .n_column_ticks = hour_ticks(3, columns),
        .tip = map_tip,
        .user = &m};
    sg_chart_heat(p, &c);
    sg_html_close(p);
}

/* ---- mean days ------------------------------------------------------------------------------ */

static void mean_day(const struct hours *h, bool weekend, double customers, double ret[25])
{
    for (size_t hour = 0; hour < 24; hour++) {
        double sum = 0, n = 0;
        for (size_t d = 0; d < h->n_days; d++)
            if (is_weekend(h->first_day + (int64_t)d) == weekend &&
                isfinite(h->wh[d * 24 + hour])) {
                sum += h->wh[d * 24 + hour];
                n++;
            }
        ret[hour] = n > 0 && customers > 0 ? sum / n / customers / 1000 : NAN;
    }
    ret[24] = ret[0];
}

static void put_mean_days(struct sg_html *p, const struct hours *h, const char *class,
                          double customers)
{
    static const unsigned colors[] = {1, 2};
    double work[25], rest[25];
    struct sg_chart_tick ticks[9];
    const char *names[] = {sg_html_word(p, "working days", "dias úteis"),
                           sg_html_word(p, "weekends", "fins de semana")};
    mean_day(h, false, customers, work);
    mean_day(h, true, customers, rest);
    const struct sg_chart_series series[] = {{names[0], work, 1, true, false},
                                             {names[1], rest, 2, false, true}};
    char label[128];
    snprintf(label, sizeof label,
             sg_html_word(p, "Mean day of class %.80s", "Dia médio da classe %.80s"), class);
    sg_html_open(p, "figure");
    sg_html_open(p, "figcaption");
    sg_html_textf(
        p,
        customers > 1
            ? sg_html_word(p, "%s: mean day of %s customers", "%s: dia médio de %s unidades")
            : sg_html_word(p, "%s: mean day of %s customer", "%s: dia médio de %s unidade"),
        sg_report_class_word(p, class), sg_format_int(p->language, (int64_t)customers).s);
    sg_html_close(p);
    sg_chart_legend(p, names, colors, 2);
    const struct sg_chart_lines c = {.label = label,
                                     .unit = "kW",
                                     .height_px = 130,
                                     .n = 25,
                                     .series = series,
                                     .n_series = 2,
                                     .ticks = ticks,
                                     .n_ticks = hour_ticks(6, ticks)};
    sg_chart_lines(p, &c);
    sg_html_close(p);
}

/* ---- customers ------------------------------------------------------------------------------ */

static const char *why_word(const struct sg_html *p, const char *why)
{
    if (!strcmp(why, "small"))
        return sg_html_word(p, "small consumption", "consumo baixo");
    if (!strcmp(why, "median"))
        return sg_html_word(p, "typical consumption", "consumo típico");
    if (!strcmp(why, "large"))
        return sg_html_word(p, "large consumption", "consumo alto");
    return why;
}

static size_t week_ticks(const struct sg_html *p, int64_t first_day, size_t n_days,
                         struct sg_chart_tick ret[7])
{
    for (size_t i = 0; i < n_days; i++) {
        unsigned weekday = (unsigned)((first_day + (int64_t)i + 3) % 7);
        ret[i] = (struct sg_chart_tick){.at = ((double)i + 0.5) / (double)n_days};
        snprintf(ret[i].text, sizeof ret[i].text, "%s", sg_format_weekday(p->language, weekday));
    }
    return n_days;
}

static void put_customer(struct sg_html *p, const struct sg_report *r, const json_t *one)
{
    double kw[WEEK_HOURS];
    struct hours h;
    if (hours_new(&h, r))
        return;
    hours_add(&h, r, one);
    size_t days = h.n_days < 7 ? h.n_days : 7, skip = h.n_days - days;
    for (size_t i = 0; i < days * 24; i++)
        kw[i] = h.wh[skip * 24 + i] / 1000;
    hours_clear(&h);
    struct sg_chart_tick ticks[7];
    const struct sg_chart_series series = {"", kw, 1, true, false};
    char label[160];
    const char *class = json_string_value(json_object_get(one, "class"));
    const char *why = json_string_value(json_object_get(one, "why"));
    long long client = json_integer_value(json_object_get(one, "client"));
    snprintf(label, sizeof label,
             sg_html_word(p, "Load of customer %lld, last %zu days",
                          "Carga da unidade consumidora "
                          "%lld, últimos %zu dias"),
             client, days);
    sg_html_open(p, "figure");
    sg_html_open(p, "figcaption");
    sg_html_textf(p, "%s, %s (%s %lld)", sg_report_class_word(p, class ? class : ""),
                  why_word(p, why ? why : ""), sg_html_word(p, "customer", "UC"), client);
    sg_html_close(p);
    const struct sg_chart_lines c = {.label = label,
                                     .unit = "kW",
                                     .height_px = 110,
                                     .n = days * 24,
                                     .series = &series,
                                     .n_series = 1,
                                     .ticks = ticks,
                                     .n_ticks =
                                         week_ticks(p, h.first_day + (int64_t)skip, days, ticks)};
    sg_chart_lines(p, &c);
    sg_html_close(p);
}

static void put_customers(struct sg_html *p, const struct sg_report *r)
{
    size_t i;
    json_t *one;
    sg_html_element_say(p, "h3", NULL, "A few customers, their last week",
                        "Algumas unidades consumidoras, na última semana");
    sg_html_open_class(p, "div", "grid");
    json_array_foreach(json_object_get(r->facts, "customers"), i, one) put_customer(p, r, one);
    sg_html_close(p);
}

static void put_all(struct sg_html *p, const struct sg_report *r, struct hours *fleet)
{
    size_t i;
    json_t *one;
    double customers = 0;
    json_t *classes = json_object_get(r->facts, "classes");
    json_array_foreach(classes, i, one)
    {
        hours_add(fleet, r, one);
        customers += (double)sg_report_int(one, "customers");
    }
    put_map(p, fleet, customers);
    sg_html_open_class(p, "div", "grid");
    json_array_foreach(classes, i, one)
    {
        struct hours h;
        const char *class = json_string_value(json_object_get(one, "class"));
        if (hours_new(&h, r))
            continue;
        hours_add(&h, r, one);
        put_mean_days(p, &h, class ? class : "", (double)sg_report_int(one, "customers"));
        hours_clear(&h);
    }
    sg_html_close(p);
    put_customers(p, r);
}

void sg_report_put_load(struct sg_html *p, const struct sg_report *r)
{
    struct hours fleet;
    sg_report_open_section(p, "load", "The fleet's load", "A carga do parque de medidores");
    if (!r->facts || hours_new(&fleet, r)) {
        sg_report_put_note(
            p, "note", "The run ended before its loads were read from the store.",
            "A execução terminou antes que as cargas fossem lidas do armazenamento.");
    } else {
        sg_report_put_note(
            p, "note", "Read from the encrypted store through SQL, after all attacks.",
            "Lida do armazenamento criptografado por SQL, depois de todos os ataques.");
        put_all(p, r, &fleet);
        hours_clear(&fleet);
    }
    sg_html_close(p);
}
