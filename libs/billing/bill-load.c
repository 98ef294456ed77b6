/* bill-load - energy of each day by post, gathered and drawn. */
#include "bill-page-int.h"

#include <sealgrid/base/clock.h>

#include <stdio.h>

#define TICKS_MAX 16
/* Of a reading: its greatest value times the greatest ratio. */
#define WH_MAX INT64_C(10000000000000)

void sg_bill_load_init(struct sg_bill_load *l, const struct sg_tariff *t)
{
    memset(l, 0, sizeof *l);
    l->tariff = t;
}

/* The bill's rule: an interval belongs to the day and the post in which it begins. */
void sg_bill_load_add(struct sg_bill_load *l, int64_t ts_s, int64_t wh)
{
    if (wh > WH_MAX || wh <= 0)
        return;
    int64_t start_s = ts_s - (int64_t)l->tariff->interval_s;
    struct sg_tariff_slot slot = sg_tariff_slot_at(l->tariff, &l->cursor, start_s);
    if (slot.post == SG_TARIFF_NO_POST)
        return;
    if (l->n_days == 0 || l->days[l->n_days - 1].day != slot.day) {
        if (l->n_days == SG_BILL_CHART_DAYS_MAX)
            return;
        l->days[l->n_days++] = (struct sg_bill_day){.day = slot.day};
    }
    l->days[l->n_days - 1].wh[slot.post] += wh;
    l->sum_wh += wh;
}

struct drawing {
    const struct sg_bill_load *load;
    enum sg_language language;
};

static void tip(void *user, size_t i, char ret[SG_CHART_TIP_MAX])
{
    const struct drawing *d = user;
    const struct sg_bill_day *day = &d->load->days[i];
    int64_t sum = 0;
    for (size_t k = 0; k < d->load->tariff->n_posts; k++)
        sum += day->wh[k];
    snprintf(ret, SG_CHART_TIP_MAX, "%s: %s",
             sg_format_date(d->language, day->day, SG_DATE_WEEKDAY).s,
             sg_format_energy(d->language, sum).s);
}

/* At most eight letters over the days, the first always. */
static size_t place_ticks(const struct drawing *d, struct sg_chart_tick *ret)
{
    size_t n = d->load->n_days, every = (n + 7) / 8, k = 0;
    for (size_t i = 0; i < n && k < TICKS_MAX; i += every ? every : 1, k++) {
        ret[k] = (struct sg_chart_tick){.at = ((double)i + 0.5) / (double)n, .minor = k % 2 == 1};
        snprintf(ret[k].text, sizeof ret[k].text, "%.30s",
                 sg_format_date(d->language, d->load->days[i].day, SG_DATE_SHORT).s);
    }
    return k;
}

/* The posts of a Brazilian tariff in the order of their price; colours stay with the post. */
static void put_columns(struct sg_html *p, struct drawing *d)
{
    static const unsigned colors[SG_TARIFF_POSTS_MAX] = {2, 5, 1, 3, 4, 6, 2, 5};
    const struct sg_bill_load *l = d->load;
    const struct sg_tariff *t = l->tariff;
    static const unsigned flat[] = {1};
    struct sg_chart_tick ticks[TICKS_MAX];
    double values[SG_BILL_CHART_DAYS_MAX * SG_TARIFF_POSTS_MAX];
    const char *names[SG_TARIFF_POSTS_MAX];
    for (size_t i = 0; i < l->n_days; i++)
        for (size_t k = 0; k < t->n_posts; k++)
            values[i * t->n_posts + k] = (double)l->days[i].wh[k] / 1000;
    for (size_t k = 0; k < t->n_posts; k++)
        names[k] = sg_bill_post_word(p->language, t->posts[k].name);
    if (t->n_posts > 1)
        sg_chart_legend(p, names, colors, t->n_posts);
    const struct sg_chart_columns c = {
        .label = sg_html_word(p, "Energy of each day of the period, by time of use",
                              "Consumo de cada dia do período, por posto tarifário"),
        .unit = sg_html_word(p, "kWh a day", "kWh por dia"),
        .height_px = 150,
        .n = l->n_days,
        .n_parts = t->n_posts,
        .values = values,
        .colors = t->n_posts > 1 ? colors : flat,
        .ticks = ticks,
        .n_ticks = place_ticks(d, ticks),
        .tip = tip,
        .user = d};
    sg_chart_columns(p, &c);
}

/* A bill rounds once for each meter and post, the days at each reading with a ratio. */
static bool adds_up(const struct sg_bill_view *v)
{
    int64_t gap = v->load->sum_wh - v->bill->import_wh, slack = 0;
    for (size_t i = 0; i < v->bill->n_meters; i++)
        if (v->bill->meters[i].ratio_den != 1)
            slack += (int64_t)v->bill->expected;
    return gap <= slack && -gap <= slack;
}

void sg_bill_load_put(struct sg_html *p, const struct sg_bill_view *v)
{
    struct drawing d = {v->load, p->language};
    if (!v->load || v->load->n_days == 0)
        return;
    sg_html_open(p, "figure");
    sg_html_element_say(p, "figcaption", NULL, "Energy taken on each day", "Consumo de cada dia");
    put_columns(p, &d);
    if (!adds_up(v))
        sg_html_element_say(p, "p", "bad", "These days do not add up to the energy billed.",
                            "Estes dias não somam a energia faturada.");
    sg_html_close(p);
}
