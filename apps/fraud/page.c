/* page - lead, list, cards, what was not taken for theft, who was not judged, the data. */
#include "page-int.h"

#include <math.h>
#include <stdio.h>

/* ---- lead ---------------------------------------------------------------------------------- */

size_t page_shown(const struct page *g)
{
    const size_t there = g->report->result->n_suspects;
    return g->capacity < there ? g->capacity : there;
}

static size_t judged(const struct page *g)
{
    const struct ranking *r = &g->report->result->ranking;
    return r->n - r->n_unjudged;
}

static bool is_calibrated(const struct page *g)
{
    return g->report->plan->mode == MODE_FULL;
}

static void put_window(struct sg_html *p, const struct page *g, struct sg_corr_window w)
{
    sg_html_text(p, page_day(p, g, w.first).s);
    sg_html_say(p, " to ", " a ");
    sg_html_text(p, page_day(p, g, w.last).s);
}

static void put_windows(struct sg_html *p, const struct page *g)
{
    const struct plan *plan = g->report->plan;
    const struct sg_corr_window *recent = &plan->windows.test, *regular = &plan->windows.reference;
    sg_html_open_class(p, "p", "soft period");
    if (plan->fixed && !plan->sliding) {
        sg_html_say(p, "Judged: ", "Julgado: ");
        put_window(p, g, *recent);
        sg_html_say(p, ", by each customer's own ", ", pelos próprios dias de cada cliente de ");
        put_window(p, g, *regular);
        sg_html_text(p, ".");
    } else {
        sg_html_textf(
            p,
            sg_html_word(p, "Judged: the last %d days of each customer, by the days before.",
                         "Julgado: os últimos %d dias de cada cliente, pelos anteriores."),
            (int)(recent->last - recent->first + 1));
    }
    sg_html_close(p);
}

static void put_lead(struct sg_html *p, const struct page *g)
{
    enum sg_language l = p->language;
    sg_html_element_say(p, "h1", NULL, "Where to inspect first", "Onde inspecionar primeiro");
    put_windows(p, g);
    sg_html_open_class(p, "p", "lead");
    sg_html_textf(
        p,
        sg_html_word(p, "%s of %s customers were judged; ", "Foram julgados %s de %s clientes; "),
        sg_format_int(l, (int64_t)judged(g)).s,
        sg_format_int(l, (int64_t)g->report->result->ranking.n).s);
    sg_html_textf(p,
                  sg_html_word(p,
                               "the %zu most suspect follow. A rank is a reason to look, not a "
                               "finding.",
                               "seguem os %zu mais suspeitos. A posição é motivo para olhar, não "
                               "uma constatação."),
                  page_shown(g));
    sg_html_close(p);
}

static double missing_of(const struct picture *pic)
{
    return pic->missing_day > 0 ? pic->missing_day : 0;
}

static void put_tile(struct sg_html *p, const char *value, const char *en, const char *pt)
{
    sg_html_open(p, "li");
    sg_html_element(p, "span", "big", value);
    sg_html_element_say(p, "span", "soft", en, pt);
    sg_html_close(p);
}

static void put_tiles(struct sg_html *p, const struct page *g)
{
    enum sg_language l = p->language;
    double missing = 0;
    for (size_t i = 0; i < page_shown(g); i++)
        missing += missing_of(&g->report->result->suspects[i].picture);
    sg_html_open_class(p, "ul", "tiles");
    put_tile(p, sg_format_int(l, (int64_t)page_shown(g)).s, "customers to look at first",
             "clientes a ver primeiro");
    put_tile(p, page_energy(p, missing).s, "missing a day at these, estimate",
             "faltam por dia nestes, estimativa");
    if (is_calibrated(g))
        put_tile(p, sg_format_int(l, (int64_t)g->digest->rarer).s,
                 "customers at 30 or above: 1 in 1,000 looks as suspect",
                 "clientes em 30 ou mais: 1 em 1.000 parece tão suspeito");
    put_tile(p, sg_format_int(l, (int64_t)g->report->result->ranking.n_unjudged).s,
             "customers could not be judged", "clientes não puderam ser julgados");
    sg_html_close(p);
}

static void put_score_note(struct sg_html *p, const struct page *g)
{
    if (g->report->drift) {
        page_put_learnt(p, g);
        return;
    }
    sg_html_open_class(p, "p", "note");
    if (is_calibrated(g))
        sg_html_say(
            p,
            "The score says how rare such a change is among these customers: 10 is 1 "
            "customer in 10, 20 is 1 in 100, 30 is 1 in 1,000. Of 10,000 customers about "
            "ten stand at 30 or above, whether anybody steals or not: look at the pictures. "
            "The chance of theft compares how many customers stand so high with how many would if "
            "all were honest; it is a careful estimate.",
            "A pontuação diz quão rara é tal mudança entre estes clientes: 10 é 1 cliente "
            "em 10, 20 é 1 em 100, 30 é 1 em 1.000. De 10.000 clientes, cerca de dez ficam "
            "em 30 ou mais, haja fraude ou não: veja as figuras. A chance de fraude compara "
            "quantos clientes estão tão acima com quantos estariam se todos fossem honestos; é uma "
            "estimativa cautelosa.");
    else
        sg_html_say(p,
                    "The score orders; it is no probability. It is higher the more the recent days "
                    "differ from the customer's own regular ones.",
                    "A pontuação ordena; não é probabilidade. É maior quanto mais os dias recentes "
                    "diferem dos dias regulares do próprio cliente.");
    sg_html_close(p);
}

/* ---- cards --------------------------------------------------------------------------------- */

static void put_cards(struct sg_html *p, const struct page *g)
{
    static const unsigned colors[] = {1, 2};
    const char *names[] = {sg_html_word(p, "regular day (band: 8 of 10 regular days); expected",
                                        "dia regular (faixa: 8 de 10 dias regulares); esperado"),
                           sg_html_word(p, "recent day; measured", "dia recente; medido")};
    sg_html_open_class(p, "section", "sheet");
    sg_html_element_say(p, "h2", NULL, "One by one", "Um a um");
    sg_chart_legend(p, names, colors, 2);
    sg_html_element_say(p, "p", "note",
                        "Upper picture: the hours of a day. Lower picture: day by day; the upright "
                        "line is the day of the change.",
                        "Figura de cima: as horas de um dia. Figura de baixo: dia a dia; a linha "
                        "vertical é o dia da mudança.");
    sg_html_open_class(p, "ol", "suspects wide");
    for (size_t i = 0; i < page_shown(g); i++)
        page_put_suspect(p, g, i);
    sg_html_close(p);
    sg_html_close(p);
}

/* ---- not theft ----------------------------------------------------------------------------- */

static const struct page_column excuse_columns[] = {
    {"Customer", "UC", false},
    {"Rank", "Posição", true},
    {"Consumption now, of before", "Consumo atual, do anterior", true},
    {"Why it is not taken for theft", "Por que não foi tomado por fraude", false}};

static void put_excuse(struct sg_html *p, const struct line *l, size_t rank)
{
    sg_html_open(p, "tr");
    sg_html_open(p, "th");
    sg_html_attr(p, "scope", "row");
    sg_html_text(p, l->id);
    sg_html_close(p);
    page_put_cell(p, &excuse_columns[1], sg_format_int(p->language, (int64_t)rank).s);
    page_put_cell(p, &excuse_columns[2],
                  isnan(l->level) ? "\xe2\x80\x93"
                                  : sg_format_percent(p->language, (double)l->level, 0).s);
    page_put_cell(p, &excuse_columns[3], page_excuse(p, l).s);
    sg_html_close(p);
}

static void put_excuses(struct sg_html *p, const struct page *g)
{
    const struct page_digest *d = g->digest;
    const size_t listed = d->n_excused < DIGEST_EXCUSED_MAX ? d->n_excused : DIGEST_EXCUSED_MAX;
    if (d->n_excused == 0)
        return;
    sg_html_open(p, "section");
    sg_html_element_say(p, "h2", NULL, "Changed, and not taken for theft",
                        "Mudaram, e não foram tomados por fraude");
    sg_html_open_class(p, "p", "note");
    sg_html_textf(p,
                  sg_html_word(p,
                               "Customers: %s; the first of them by rank. If you know better, "
                               "inspect.",
                               "Clientes: %s; os primeiros pela posição. Se souber de mais, "
                               "inspecione."),
                  sg_format_int(p->language, (int64_t)d->n_excused).s);
    sg_html_close(p);
    sg_html_open_class(p, "table", "cards");
    page_put_heads(p, excuse_columns, 4);
    sg_html_open(p, "tbody");
    for (size_t i = 0; i < listed; i++)
        put_excuse(p, &d->excused[i].line, d->excused[i].rank);
    sg_html_close(p);
    sg_html_close(p);
    sg_html_close(p);
}

/* ---- unjudged and data --------------------------------------------------------------------- */

static void put_names(struct sg_html *p, const struct digest_names *names, bool conflicts)
{
    for (size_t i = 0; i < names->n && i < DIGEST_NAMES_MAX; i++) {
        sg_html_textf(p, i ? ", %s" : "%s", names->first[i].id);
        if (conflicts)
            sg_html_textf(p, " (%u)", names->first[i].conflicts);
    }
    if (names->n > DIGEST_NAMES_MAX)
        sg_html_textf(p, sg_html_word(p, " and %zu more", " e mais %zu"),
                      names->n - DIGEST_NAMES_MAX);
}

static void put_unjudged(struct sg_html *p, const struct page *g)
{
    if (g->report->result->ranking.n_unjudged == 0)
        return;
    sg_html_open(p, "section");
    sg_html_element_say(p, "h2", NULL, "Not judged", "Não julgados");
    sg_html_element_say(p, "p", "note",
                        "Nobody looked at these: no readings is no proof of honesty.",
                        "Estes ninguém avaliou: falta de leitura não é prova de honestidade.");
    sg_html_open(p, "ul");
    for (int u = 1; u < N_UNJUDGED; u++) {
        const struct digest_names *names = &g->digest->unjudged[u];
        if (names->n == 0)
            continue;
        sg_html_open(p, "li");
        sg_html_textf(p, "%s (%s): ", page_unjudged_word(p, (enum unjudged)u),
                      sg_format_int(p->language, (int64_t)names->n).s);
        put_names(p, names, false);
        sg_html_close(p);
    }
    sg_html_close(p);
    sg_html_close(p);
}

static void put_conflicts(struct sg_html *p, const struct page *g)
{
    sg_html_open(p, "li");
    sg_html_textf(p,
                  sg_html_word(p, "%s readings were told twice with differing values: ",
                               "%s leituras foram informadas duas vezes com valores diferentes: "),
                  sg_format_int(p->language, (int64_t)g->report->result->conflicts).s);
    put_names(p, &g->digest->in_conflict, true);
    sg_html_close(p);
}

static void put_data(struct sg_html *p, const struct page *g)
{
    const struct fleet_result *f = g->report->result;
    if (!f->incomplete && !f->conflicts && !f->bad_facts)
        return;
    sg_html_open(p, "section");
    sg_html_element_say(p, "h2", NULL, "What is wrong with the data",
                        "O que há de errado nos dados");
    sg_html_open(p, "ul");
    if (f->incomplete) {
        sg_html_open(p, "li");
        sg_html_textf(p,
                      sg_html_word(p, "%s days of customers lack readings and were left out.",
                                   "%s dias de clientes têm leituras faltando e ficaram de fora."),
                      sg_format_int(p->language, (int64_t)f->incomplete).s);
        sg_html_close(p);
    }
    if (f->conflicts)
        put_conflicts(p, g);
    if (f->bad_facts) {
        sg_html_open(p, "li");
        sg_html_textf(
            p,
            sg_html_word(p, "%s rows of facts or contracts cannot be read and count as none.",
                         "%s linhas de cadastro ou contrato são ilegíveis e não contam."),
            sg_format_int(p->language, (int64_t)f->bad_facts).s);
        sg_html_close(p);
    }
    sg_html_close(p);
    sg_html_close(p);
}

static void put_method(struct sg_html *p, const struct page *g)
{
    const struct report *r = g->report;
    sg_html_open(p, "section");
    sg_html_element_say(p, "h2", NULL, "How it was made", "Como foi feito");
    sg_html_open_class(p, "p", "note");
    sg_html_textf(p,
                  sg_html_word(p, "sealgrid-fraud, mode %s, seed %llu. ",
                               "sealgrid-fraud, modo %s, semente %llu. "),
                  plan_mode_word(r->plan->mode), (unsigned long long)r->seed);
    sg_html_say(
        p,
        "Missing energy is what the customer's own habit lets expect, less what was "
        "measured. It is an estimate: a family that travels or sells its freezer misses "
        "energy, too. A theft that began before the regular days, or never changes, is not "
        "seen by comparison with oneself.",
        "A energia em falta é o que o hábito do próprio cliente faz esperar, menos o que se "
        "mediu. É uma estimativa: a família que viaja ou vende o freezer também consome "
        "menos. Fraude iniciada antes dos dias regulares, ou que nunca muda, não aparece na "
        "comparação consigo mesmo.");
    sg_html_close(p);
    sg_html_close(p);
}

static void put_body(struct sg_html *p, void *user)
{
    const struct page *g = user;
    put_lead(p, g);
    put_tiles(p, g);
    put_score_note(p, g);
    if (page_shown(g)) {
        page_put_list(p, g);
        page_put_known(p, g);
        put_cards(p, g);
    }
    put_excuses(p, g);
    put_unjudged(p, g);
    put_data(p, g);
    put_method(p, g);
}

int page_make(const struct page *g, struct sg_buf *ret)
{
    struct page copy = *g;
    SG_FREE struct page_digest *digest = malloc(sizeof(*digest));
    int r = digest ? page_digest_make(digest, &g->report->result->ranking, page_shown(g))
                   : sg_raise(-ENOMEM);
    if (r)
        return r;
    copy.digest = digest;
    const struct sg_html_document d = {
        .title = "Sealgrid: inspections", .body = put_body, .user = &copy, .language = g->language};
    return sg_html_document(ret, &d);
}
