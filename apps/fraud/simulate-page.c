/* simulate-page - a study of inspections as a page: what to expect for how many visits. */
#include "simulate-report.h"

#include <math.h>
#include <stdio.h>

#include <sealgrid/page/chart.h>

#define ROWS_MAX (SIM_ORDERS_MAX + 2)

/* ---- words --------------------------------------------------------------------------------- */

static const char *order_word(const struct sg_html *p, const char *name)
{
    static const char *const words[][3] = {
        {"ranking", "by the ranking", "pelo ranking"},
        {"drop", "by fall of consumption alone", "só pela queda do consumo"},
        {"energy", "by energy: chance times what is missing", "por energia: chance vezes a falta"},
        {"paper", "by mode paper (map of days)", "pelo modo paper (mapa de dias)"},
        {"random", "at random", "ao acaso"},
        {"best", "best there is (thieves known)", "melhor possível (fraudadores conhecidos)"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(name, words[i][0]))
            return sg_html_word(p, words[i][1], words[i][2]);
    return name;
}

static unsigned color_of(const struct sim_report *r, size_t row)
{
    const char *name = sim_report_order_name(r, row);
    static const unsigned others[] = {3, 6};
    if (!strcmp(name, "random"))
        return 4;
    if (!strcmp(name, "best"))
        return 5;
    if (!strcmp(name, "energy"))
        return 3;
    return row == 0 ? 1 : !strcmp(name, "drop") ? 2 : others[row % 2];
}

static struct sg_text money(const struct sg_html *p, const struct sim_report *r, double v)
{
    return sg_format_money(p->language, isfinite(v) ? llround(v) : 0, 0, r->currency);
}

static struct sg_text energy(const struct sg_html *p, double kwh)
{
    return sg_format_energy(p->language, isfinite(kwh) ? llround(kwh * 1000) : 0);
}

static struct sg_text shown(const struct sg_html *p, const struct sim_report *r, enum sim_figure f,
                            double v)
{
    switch (f) {
    case SIM_hit_rate:
    case SIM_found_share:
        return sg_format_percent(p->language, v, 0);
    case SIM_lift:
        return sg_format_fixed(p->language, v, 1);
    case SIM_kwh:
        return energy(p, v);
    case SIM_money:
        return money(p, r, v);
    default:
        return sg_format_fixed(p->language, v, 0);
    }
}

/* A mean as a figure that a program can check; a dash where there is none. */
static void put_mean(struct sg_html *p, const struct sim_report *r, size_t row, enum sim_figure f)
{
    const double v = sim_report_at(r, row, r->asked)->figure[f].mean;
    char name[96], value[64];
    if (!isfinite(v)) {
        sg_html_text(p, "\xe2\x80\x93");
        return;
    }
    snprintf(name, sizeof name, "orders.%s.asked.%s.mean", sim_report_order_name(r, row),
             sim_figure_names[f]);
    snprintf(value, sizeof value, "%.17g", v);
    sg_html_figure(p, name, value, shown(p, r, f, v).s);
}

/* ---- lead ---------------------------------------------------------------------------------- */

static double mean_of(const struct sim_report *r, size_t row, enum sim_figure f)
{
    return sim_report_at(r, row, r->asked)->figure[f].mean;
}

static void put_story(struct sg_html *p, const struct sim_report *r)
{
    const struct world *w = r->world;
    const struct sim_campaign *c = &r->study->campaign;
    enum sg_language l = p->language;
    sg_html_open_class(p, "p", "lead");
    sg_html_textf(p,
                  sg_html_word(p,
                               "%s customers, of whom %s steal (known from labels or injected). %s "
                               "visits a week for %u weeks were simulated, ",
                               "%s clientes, dos quais %s fraudam (conhecidos por rótulos ou "
                               "injetados). Simularam-se %s visitas por semana durante %u "
                               "semanas, "),
                  sg_format_int(l, (int64_t)w->n).s, sg_format_int(l, (int64_t)w->thieves).s,
                  sg_format_decimal(l, llround(r->study->capacities[r->asked] * 10), 1, 0).s,
                  c->weeks);
    sg_html_textf(p,
                  sg_html_word(p, "in %s campaigns drawn by chance.", "em %s campanhas sorteadas."),
                  sg_format_int(l, r->study->rounds).s);
    sg_html_close(p);
}

static void put_verdict(struct sg_html *p, const struct sim_report *r)
{
    const size_t random = r->world->n_orders;
    const double gain = mean_of(r, 0, SIM_money);
    sg_html_open_class(p, "p", gain > 0 ? "verdict good" : "verdict bad");
    sg_html_textf(
        p,
        sg_html_word(
            p, "Of 100 customers reached, %s are found stealing when visits follow the ranking, ",
            "De cada 100 clientes atendidos, %s fraudes são encontradas seguindo o ranking, "),
        sg_format_fixed(p->language, 100 * mean_of(r, 0, SIM_hit_rate), 0).s);
    sg_html_textf(p, sg_html_word(p, "%s when they go at random. ", "%s visitando ao acaso. "),
                  sg_format_fixed(p->language, 100 * mean_of(r, random, SIM_hit_rate), 0).s);
    sg_html_textf(p,
                  gain > 0 ? sg_html_word(p, "The visits pay: %s after their cost.",
                                          "As visitas se pagam: %s além do seu custo.")
                           : sg_html_word(p, "The visits do not pay: %s after their cost.",
                                          "As visitas não se pagam: %s após o seu custo."),
                  money(p, r, gain).s);
    sg_html_close(p);
}

static void put_tile(struct sg_html *p, const struct sim_report *r, enum sim_figure f,
                     const char *en, const char *pt)
{
    sg_html_open(p, "li");
    sg_html_open_class(p, "span", "big");
    put_mean(p, r, 0, f);
    sg_html_close(p);
    sg_html_element_say(p, "span", "soft", en, pt);
    sg_html_close(p);
}

static void put_tiles(struct sg_html *p, const struct sim_report *r)
{
    sg_html_open_class(p, "ul", "tiles");
    put_tile(p, r, SIM_hit_rate, "hit rate of visits by the ranking",
             "taxa de acerto das visitas pelo ranking");
    put_tile(p, r, SIM_lift, "times the hit rate of visits at random",
             "vezes a taxa de acerto de visitas ao acaso");
    put_tile(p, r, SIM_found_share, "of all thieves found", "de todos os fraudadores encontrados");
    put_tile(p, r, SIM_kwh, "recovered", "recuperados");
    put_tile(p, r, SIM_money, "recovered, less the cost of visits",
             "recuperados, descontado o custo das visitas");
    sg_html_close(p);
}

/* ---- table --------------------------------------------------------------------------------- */

static const enum sim_figure columns[] = {SIM_visits, SIM_found, SIM_hit_rate,
                                          SIM_lift,   SIM_kwh,   SIM_money};
static const char *const heads[][2] = {
    {"Order of visits", "Ordem das visitas"}, {"Visits", "Visitas"},
    {"Frauds found", "Fraudes encontradas"},  {"Hit rate", "Taxa de acerto"},
    {"Lift", "Ganho sobre o acaso"},          {"Energy recovered", "Energia recuperada"},
    {"Less visits", "Menos visitas"},
};
#define N_COLUMNS (sizeof columns / sizeof *columns)

static void put_cell(struct sg_html *p, const struct sim_report *r, size_t row, size_t column)
{
    const enum sim_figure f = columns[column];
    const struct sim_interval *v = &sim_report_at(r, row, r->asked)->figure[f];
    sg_html_open_class(p, "td", "n");
    sg_html_attr(p, "data-label", sg_html_word(p, heads[column + 1][0], heads[column + 1][1]));
    sg_html_open(p, "span");
    put_mean(p, r, row, f);
    if (f != SIM_visits && isfinite(v->mean)) {
        sg_html_open_class(p, "span", "soft");
        sg_html_attr(p, "style", "display:block;white-space:normal");
        sg_html_textf(p, "%s \xe2\x80\x93 %s", shown(p, r, f, v->low).s, shown(p, r, f, v->high).s);
        sg_html_close(p);
    }
    sg_html_close(p);
    sg_html_close(p);
}

static void put_row(struct sg_html *p, const struct sim_report *r, size_t row)
{
    sg_html_open(p, "tr");
    sg_html_open(p, "th");
    sg_html_attr(p, "scope", "row");
    sg_html_text(p, order_word(p, sim_report_order_name(r, row)));
    if (row < r->world->n_orders && r->world->orders[row].lacking)
        sg_html_textf(p,
                      sg_html_word(p, " (%zu customers are not in it and come last)",
                                   " (%zu clientes não constam dele e vêm por último)"),
                      r->world->orders[row].lacking);
    sg_html_close(p);
    for (size_t i = 0; i < N_COLUMNS; i++)
        put_cell(p, r, row, i);
    sg_html_close(p);
}

static void put_table(struct sg_html *p, const struct sim_report *r)
{
    sg_html_open_class(p, "table", "cards");
    sg_html_open(p, "caption");
    sg_html_textf(p,
                  sg_html_word(p, "Means of %u campaigns, and where 95 of 100 lie.",
                               "Médias de %u campanhas, e onde ficam 95 de cada 100."),
                  r->study->rounds);
    sg_html_close(p);
    sg_html_open(p, "thead");
    sg_html_open(p, "tr");
    for (size_t i = 0; i <= N_COLUMNS; i++) {
        sg_html_open_class(p, "th", i ? "n" : NULL);
        sg_html_attr(p, "scope", "col");
        sg_html_say(p, heads[i][0], heads[i][1]);
        sg_html_close(p);
    }
    sg_html_close(p);
    sg_html_close(p);
    sg_html_open(p, "tbody");
    for (size_t row = 0; row < r->world->n_orders + 2; row++)
        put_row(p, r, row);
    sg_html_close(p);
    sg_html_close(p);
}

/* ---- curves -------------------------------------------------------------------------------- */

struct curves {
    const struct sim_report *r;
    enum sim_figure figure;
    double scale; /* of values as drawn */
    const struct sg_html *p;
    double *y; /* [series][capacity] */
};

static void tip(void *user, size_t i, char ret[SG_CHART_TIP_MAX])
{
    const struct curves *c = user;
    const struct sim_report *r = c->r;
    size_t n = 0;
    n += (size_t)snprintf(
        ret, SG_CHART_TIP_MAX, sg_html_word(c->p, "%s visits a week", "%s visitas por semana"),
        sg_format_decimal(c->p->language, llround(r->study->capacities[i] * 10), 1, 0).s);
    for (size_t row = 0; row < r->world->n_orders + 2 && n < SG_CHART_TIP_MAX; row++)
        n += (size_t)snprintf(
            ret + n, SG_CHART_TIP_MAX - n, "\n%.40s: %s",
            order_word(c->p, sim_report_order_name(r, row)),
            shown(c->p, r, c->figure, sim_report_at(r, row, i)->figure[c->figure].mean).s);
}

static void put_curve(struct sg_html *p, struct curves *c, const char *label, const char *unit,
                      const char *const caption[2])
{
    const struct sim_report *r = c->r;
    const size_t n = r->study->n_capacities, n_rows = r->world->n_orders + 2;
    struct sg_chart_series series[ROWS_MAX + 2];
    struct sg_chart_tick ticks[8];
    size_t n_ticks = 0;
    c->p = p;
    for (size_t s = 0; s < n_rows + 2; s++) {
        const size_t row = s < n_rows ? s : 0; /* then the ends of the ranking's interval */
        for (size_t i = 0; i < n; i++) {
            const struct sim_interval *v = &sim_report_at(r, row, i)->figure[c->figure];
            c->y[s * n + i] = (s < n_rows ? v->mean : s == n_rows ? v->low : v->high) * c->scale;
        }
        series[s] =
            (struct sg_chart_series){"", c->y + s * n, color_of(r, row), false, s >= n_rows};
    }
    const size_t step = n > 8 ? 5 : 1; /* a few capacities are told one by one */
    for (size_t i = n > 8 ? r->asked : 0; i < n && n_ticks < 8; i += step, n_ticks++) {
        ticks[n_ticks] = (struct sg_chart_tick){.at = n > 1 ? (double)i / (double)(n - 1) : 0};
        snprintf(ticks[n_ticks].text, sizeof ticks[n_ticks].text, "%.30s",
                 sg_format_decimal(p->language, llround(r->study->capacities[i] * 10), 1, 0).s);
    }
    const struct sg_chart_lines chart = {.label = label,
                                         .unit = unit,
                                         .height_px = 220,
                                         .n = n,
                                         .series = series,
                                         .n_series = n_rows + 2,
                                         .ticks = ticks,
                                         .n_ticks = n_ticks,
                                         .tip = tip,
                                         .user = c};
    sg_html_open(p, "figure");
    sg_html_element_say(p, "figcaption", NULL, caption[0], caption[1]);
    sg_chart_lines(p, &chart);
    sg_html_open_class(p, "div", "soft");
    sg_html_attr(p, "aria-hidden", "true");
    sg_html_attr(p, "style", "text-align:right;font-size:.78rem");
    sg_html_say(p, "visits a week", "visitas por semana");
    sg_html_close(p);
    sg_html_close(p);
}

static void put_legend(struct sg_html *p, const struct sim_report *r)
{
    const char *names[ROWS_MAX] = {NULL};
    unsigned colors[ROWS_MAX] = {0};
    const size_t n = r->world->n_orders + 2;
    for (size_t row = 0; row < n; row++) {
        names[row] = order_word(p, sim_report_order_name(r, row));
        colors[row] = color_of(r, row);
    }
    sg_chart_legend(p, names, colors, n);
}

static double highest(const struct sim_report *r, enum sim_figure f)
{
    double top = 0;
    for (size_t row = 0; row < r->world->n_orders + 2; row++)
        for (size_t i = 0; i < r->study->n_capacities; i++)
            top = fmax(top, sim_report_at(r, row, i)->figure[f].high);
    return top;
}

static void put_curves(struct sg_html *p, const struct sim_report *r)
{
    double y[(ROWS_MAX + 2) * 32];
    const bool mega = highest(r, SIM_kwh) >= 10000;
    struct curves c = {.r = r, .y = y};
    sg_assert(r->study->n_capacities <= 32);
    put_legend(p, r);
    c.figure = SIM_hit_rate;
    c.scale = 100;
    put_curve(p, &c,
              sg_html_word(p, "Hit rate against visits a week",
                           "Taxa de acerto conforme as visitas por semana"),
              "%",
              (const char *const[]){"Hit rate by visits a week: the more visits, the further down "
                                    "the ranking they go. Dashed: where 95 of 100 campaigns lie.",
                                    "Taxa de acerto por visitas na semana: quanto mais visitas, "
                                    "mais abaixo no ranking elas chegam. Tracejado: onde ficam 95 "
                                    "de cada 100 campanhas."});
    c.figure = SIM_kwh;
    c.scale = mega ? 1e-3 : 1;
    put_curve(p, &c,
              sg_html_word(p, "Energy recovered against visits a week",
                           "Energia recuperada conforme as visitas por semana"),
              mega ? "MWh" : "kWh",
              (const char *const[]){"Energy recovered by visits a week.",
                                    "Energia recuperada por visitas na semana."});
}

/* ---- assumptions --------------------------------------------------------------------------- */

static struct sg_text days(const struct sg_html *p, uint32_t n)
{
    struct sg_text t;
    snprintf(t.s, sizeof t.s, sg_html_word(p, "%s days", "%s dias"),
             sg_format_int(p->language, n).s);
    return t;
}

static void put_assumptions(struct sg_html *p, const struct sim_report *r)
{
    const struct sim_campaign *c = &r->study->campaign;
    enum sg_language l = p->language;
    sg_html_element_say(p, "h2", NULL, "What was assumed", "O que se supôs");
    sg_html_open_class(p, "dl", "facts");
    sg_html_fact(p, "Nobody opens, of visits", "Ninguém atende, das visitas",
                 sg_format_percent(l, c->no_access, 0).s);
    sg_html_fact(p, "Visits to one customer at most", "Visitas ao mesmo cliente, no máximo",
                 sg_format_int(l, c->attempts).s);
    sg_html_fact(p, "Between two visits", "Entre duas visitas", days(p, c->retry_days).s);
    sg_html_fact(p, "A visit overlooks, of thieves", "Uma visita não percebe, dos fraudadores",
                 sg_format_percent(l, c->missed, 0).s);
    sg_html_fact(p, "Cost of a visit", "Custo de uma visita",
                 sg_format_money(l, llround(c->visit_cost * 100), 2, r->currency).s);
    sg_html_fact(p, "Price of a recovered kWh", "Preço do kWh recuperado",
                 sg_format_money(l, llround(c->kwh_price * 100), 2, r->currency).s);
    sg_html_fact(p, "A stopped theft counts until day", "A fraude cessada conta até o dia",
                 sg_format_int(l, c->horizon_days).s);
    sg_html_fact(p, "Billed and paid, of what was hidden before",
                 "Faturado e pago, do desviado antes da visita",
                 sg_format_percent(l, c->billed_share, 0).s);
    sg_html_fact(p, "All thieves together hide a day", "Todos os fraudadores desviam por dia",
                 energy(p, r->world->kwh_day).s);
    sg_html_close(p);
}

static void put_notes(struct sg_html *p)
{
    sg_html_element_say(p, "h2", NULL, "How it is counted", "Como se conta");
    sg_html_open(p, "ul");
    sg_html_element_say(p, "li", NULL,
                        "Hit rate: frauds found, of the customers who were reached. Lift: hit rate "
                        "over that of visits at random.",
                        "Taxa de acerto: fraudes encontradas, dos clientes atendidos. Ganho: taxa "
                        "de acerto sobre a de visitas ao acaso.");
    sg_html_element_say(p, "li", NULL,
                        "Energy recovered: what the thief would have hidden until the horizon, and "
                        "the share of what was hidden before that is billed and paid.",
                        "Energia recuperada: o que o fraudador ainda desviaria até o horizonte, "
                        "mais a parte do já desviado que é faturada e paga.");
    sg_html_element_say(p, "li", NULL,
                        "Each campaign draws another fleet of the same kind from these customers, "
                        "and the luck of every visit.",
                        "Cada campanha sorteia, destes clientes, outro parque do mesmo tipo e a "
                        "sorte de cada visita.");
    sg_html_element_say(p, "li", NULL,
                        "The labels are taken as the truth. In the field a theft that nobody found "
                        "is not known; then real hit rates are lower than they seem.",
                        "Os rótulos são tomados como verdade. Em campo, a fraude que ninguém "
                        "encontrou não é conhecida; as taxas reais são menores do que parecem.");
    sg_html_element_say(p, "li", NULL,
                        "Not counted: fines, court costs, travel between addresses, and thieves "
                        "who stop because others were visited.",
                        "Não se contam: multas, custas judiciais, deslocamento entre endereços e "
                        "fraudadores que param porque outros foram visitados.");
    sg_html_close(p);
}

static void put_body(struct sg_html *p, void *user)
{
    const struct sim_report *r = user;
    sg_html_element_say(p, "h1", NULL, "What inspections would find",
                        "O que as inspeções encontrariam");
    put_story(p, r);
    put_verdict(p, r);
    put_tiles(p, r);
    put_table(p, r);
    put_curves(p, r);
    put_assumptions(p, r);
    put_notes(p);
}

int sim_report_page(const struct sim_report *r, struct sg_buf *b)
{
    struct sim_report copy = *r;
    const struct sg_html_document d = {.title = "Sealgrid: simulated inspections",
                                       .body = put_body,
                                       .user = &copy,
                                       .language = r->language};
    return sg_html_document(b, &d);
}
