/* report-fraud - the ranking of suspects: how good it is, and a small picture of each. */
#include "report-int.h"

#include <math.h>
#include <stdio.h>

#define SUSPECTS_MAX 24
#define POINTS_MAX   96

/* ---- how good ------------------------------------------------------------------------------- */

/* One row: who inspects the first k finds so many. */
static void put_share(struct sg_html *p, const struct sg_report *r, const char *k, const json_t *v)
{
    char figure[64], value[64], path[64];
    double hidden = sg_report_real(r->fraud, "hidden_energy");
    snprintf(figure, sizeof figure, "fraud.precision_at_k.%.20s", k);
    snprintf(value, sizeof value, "%.17g", json_number_value(v));
    snprintf(path, sizeof path, "recovered_energy_at_k.%.20s", k);
    sg_html_open(p, "tr");
    sg_html_open(p, "th");
    sg_html_attr(p, "scope", "row");
    sg_html_textf(p, sg_html_word(p, "the first %s", "os %s primeiros"), k);
    sg_html_close(p);
    sg_html_open_class(p, "td", "n");
    sg_html_figure(p, figure, value, sg_format_percent(p->language, json_number_value(v), 0).s);
    sg_html_close(p);
    sg_html_open_class(p, "td", "n");
    if (hidden > 0 && sg_report_at(r->fraud, path))
        sg_html_text(p,
                     sg_format_percent(p->language, sg_report_real(r->fraud, path) / hidden, 0).s);
    sg_html_close(p);
    sg_html_close(p);
}

static void put_shares(struct sg_html *p, const struct sg_report *r)
{
    static const char *const heads[][3] = {
        {NULL, "Inspecting", "Inspecionando"},
        {"n", "real frauds among them", "fraudes reais entre eles"},
        {"n", "hidden energy found", "energia desviada encontrada"},
    };
    const char *k;
    json_t *v;
    sg_html_open(p, "table");
    sg_html_open(p, "thead");
    sg_html_open(p, "tr");
    for (size_t i = 0; i < 3; i++)
        sg_html_element_say(p, "th", heads[i][0], heads[i][1], heads[i][2]);
    sg_html_close(p);
    sg_html_close(p);
    sg_html_open(p, "tbody");
    json_object_foreach((json_t *)(uintptr_t)sg_report_at(r->fraud, "precision_at_k"), k, v)
        put_share(p, r, k, v);
    sg_html_close(p);
    sg_html_close(p);
}

static void put_quality(struct sg_html *p, const struct sg_report *r)
{
    sg_html_open_class(p, "dl", "facts");
    if (sg_report_at(r->fraud, "thieves")) {
        sg_html_open(p, "div");
        sg_html_element_say(p, "dt", NULL, "Customers who really steal",
                            "Clientes que fraudam de verdade");
        sg_html_open(p, "dd");
        sg_report_put_score(p, r, "thieves", 0);
        sg_html_say(p, " of ", " de ");
        sg_report_put_score(p, r, "judged", 0);
        sg_html_close(p);
        sg_html_close(p);
    }
    sg_html_open(p, "div");
    sg_html_element_say(p, "dt", NULL, "AUC: how often a thief stands above an honest customer",
                        "AUC: com que frequência um fraudador fica acima de um cliente honesto");
    sg_html_open(p, "dd");
    sg_report_put_score(p, r, "auc", 3);
    if (sg_report_at(r->fraud, "auc_low")) {
        sg_html_text(p, " (");
        sg_report_put_score(p, r, "auc_low", 3);
        sg_html_text(p, " \xe2\x80\x93 ");
        sg_report_put_score(p, r, "auc_high", 3);
        sg_html_say(p, " in 95 of 100 redraws)", " em 95 de 100 reamostragens)");
    }
    sg_html_close(p);
    sg_html_close(p);
    if (sg_report_at(r->fraud, "average_precision")) {
        sg_html_open(p, "div");
        sg_html_element_say(p, "dt", NULL, "Average precision", "Precisão média");
        sg_html_open(p, "dd");
        sg_report_put_score(p, r, "average_precision", 3);
        sg_html_close(p);
        sg_html_close(p);
    }
    sg_html_close(p);
    put_shares(p, r);
}

/* ---- suspects ------------------------------------------------------------------------------- */

static size_t read_points(const json_t *list, double ret[POINTS_MAX])
{
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n && i < POINTS_MAX; i++)
        ret[i] = json_is_number(json_array_get(list, i))
                     ? json_number_value(json_array_get(list, i))
                     : NAN;
    return n < POINTS_MAX ? n : POINTS_MAX;
}

static void put_picture(struct sg_html *p, const json_t *one, const char *customer)
{
    double regular[POINTS_MAX], recent[POINTS_MAX];
    size_t n = read_points(json_object_get(one, "regular"), regular);
    size_t m = read_points(json_object_get(one, "recent"), recent);
    char label[160];
    if (n < 2 || n != m)
        return;
    snprintf(label, sizeof label,
             sg_html_word(p, "Customer %.40s: regular day against recent day",
                          "UC %.40s: dia regular e dia recente"),
             customer);
    const struct sg_chart_series series[] = {{"", regular, 1, true, true},
                                             {"", recent, 2, false, false}};
    const struct sg_chart_lines c = {.label = label,
                                     .unit = "",
                                     .height_px = 64,
                                     .bare = true,
                                     .n = n,
                                     .series = series,
                                     .n_series = 2};
    sg_chart_lines(p, &c);
}

/* The ways of stealing that the simulator knows, by name or by its number. */
static const char *type_word(const struct sg_html *p, const json_t *type)
{
    static const char *const words[][3] = {
        {"scale", "a fixed share of the load not registered",
         "parcela fixa da carga não registrada"},
        {"off", "nothing registered during some hours", "nada registrado em algumas horas"},
        {"scale_hours", "a changing share not registered", "parcela variável não registrada"},
        {"mean_hours", "a random share of the mean reported",
         "parcela aleatória da média informada"},
        {"mean", "always the mean reported", "sempre a média informada"},
        {"reverse", "the day's load reversed", "carga do dia invertida"},
        {"cut", "peaks cut off", "picos cortados"},
        {"subtract", "a fixed amount taken off", "valor fixo descontado"},
    };
    const size_t n = sizeof words / sizeof *words;
    if (json_is_integer(type)) {
        json_int_t i = json_integer_value(type);
        return i >= 1 && (size_t)i <= n ? sg_html_word(p, words[i - 1][1], words[i - 1][2]) : "";
    }
    const char *text = json_string_value(type);
    for (size_t i = 0; text && i < n; i++)
        if (!strcmp(text, words[i][0]))
            return sg_html_word(p, words[i][1], words[i][2]);
    return text ? text : "";
}

static void put_truth(struct sg_html *p, const json_t *one)
{
    bool thief = json_is_true(json_object_get(one, "thief"));
    const char *type = thief ? type_word(p, json_object_get(one, "type")) : "";
    const json_t *day = json_object_get(one, "start_day");
    sg_html_open_class(p, "div", "soft");
    if (thief)
        sg_html_element_say(p, "span", "good word", "\xe2\x9c\x93 real fraud",
                            "\xe2\x9c\x93 fraude real");
    else
        sg_html_element_say(p, "span", "bad word", "\xe2\x9c\x97 honest: false alarm",
                            "\xe2\x9c\x97 honesto: alarme falso");
    if (*type)
        sg_html_textf(p, ": %s", type);
    if (thief && json_is_integer(day) && sg_report_int(one, "start_day") >= 0)
        sg_html_textf(p, sg_html_word(p, ", from day %lld", ", a partir do dia %lld"),
                      (long long)sg_report_int(one, "start_day") + 1);
    sg_html_close(p);
}

static void put_suspect(struct sg_html *p, const json_t *one, size_t rank)
{
    const json_t *id = json_object_get(one, "customer");
    char customer[64];
    if (json_is_string(id))
        snprintf(customer, sizeof customer, "%.60s", json_string_value(id));
    else
        snprintf(customer, sizeof customer, "%lld", (long long)json_integer_value(id));
    sg_html_open_class(p, "li", "card suspect");
    sg_html_open_class(p, "div", "head");
    sg_html_open(p, "strong");
    sg_html_textf(p, "%zu. ", rank);
    sg_html_textf(p, sg_html_word(p, "Customer %s", "UC %s"), customer);
    sg_html_close(p);
    sg_html_open_class(p, "span", "soft");
    sg_html_say(p, "score ", "pontuação ");
    sg_html_text(p, sg_format_fixed(p->language, sg_report_real(one, "score"), 3).s);
    sg_html_close(p);
    sg_html_close(p);
    put_picture(p, one, customer);
    put_truth(p, one);
    sg_html_close(p);
}

static void put_suspects(struct sg_html *p, const struct sg_report *r)
{
    static const unsigned colors[] = {1, 2};
    const char *names[] = {sg_html_word(p, "regular day", "dia regular"),
                           sg_html_word(p, "recent day", "dia recente")};
    json_t *list = json_object_get(r->fraud, "suspects"), *one;
    size_t i;
    sg_html_element_say(p, "h3", NULL, "The first of the ranking", "Os primeiros do ranking");
    sg_chart_legend(p, names, colors, 2);
    sg_html_open_class(p, "ol", "suspects");
    json_array_foreach(list, i, one)
    {
        if (i < SUSPECTS_MAX)
            put_suspect(p, one, i + 1);
    }
    sg_html_close(p);
}

/* Why there is none, as the stage says it. */
static const char *why_word(const struct sg_html *p, const char *why)
{
    static const char *const words[][2] = {
        {"too few days: nobody has regular and recent ones enough",
         "poucos dias: ninguém tem dias regulares e recentes em número suficiente"},
        {"no thief in this fleet", "não há fraudador neste parque"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(why, words[i][0]))
            return sg_html_word(p, words[i][0], words[i][1]);
    return why;
}

static void put_absent(struct sg_html *p, const struct sg_report *r)
{
    const char *why = json_string_value(json_object_get(r->fraud, "why"));
    sg_html_open_class(p, "p", "note");
    sg_html_say(p, "No ranking was judged in this run",
                "Nenhum ranking foi julgado nesta execução");
    if (why)
        sg_html_textf(p, " (%s)", why_word(p, why));
    sg_html_text(p, ".");
    sg_html_close(p);
}

void sg_report_put_fraud(struct sg_html *p, const struct sg_report *r)
{
    sg_report_open_section(p, "fraud", "Suspicion of fraud", "Suspeita de fraude");
    if (!r->fraud || json_is_false(json_object_get(r->fraud, "ran")) ||
        !json_array_size(json_object_get(r->fraud, "suspects"))) {
        put_absent(p, r);
    } else {
        sg_report_put_note(
            p, "note",
            "Some simulated customers begin to steal during the run. Each customer's recent days "
            "are "
            "compared with their own regular ones; who changed most comes first. The run knows who "
            "really steals, so the ranking can be judged.",
            "Alguns clientes simulados começam a fraudar durante a execução. Os dias recentes de "
            "cada "
            "um são comparados com os seus próprios dias regulares; quem mais mudou vem primeiro. "
            "A "
            "execução sabe quem frauda de verdade, e por isso o ranking pode ser julgado.");
        put_quality(p, r);
        put_suspects(p, r);
    }
    sg_html_close(p);
}
