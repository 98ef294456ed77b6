/* page-list - the first in rank as tables, by chance and by energy; and those whose change is
 * known. */
#include "page-int.h"

#include <math.h>
#include <stdlib.h>

#define DASH "\xe2\x80\x93"

void page_put_heads(struct sg_html *p, const struct page_column *columns, size_t n)
{
    sg_html_open(p, "thead");
    sg_html_open(p, "tr");
    for (size_t i = 0; i < n; i++) {
        sg_html_open_class(p, "th", columns[i].number ? "n" : NULL);
        sg_html_attr(p, "scope", "col");
        sg_html_say(p, columns[i].en, columns[i].pt);
        sg_html_close(p);
    }
    sg_html_close(p);
    sg_html_close(p);
}

void page_put_cell(struct sg_html *p, const struct page_column *c, const char *text)
{
    sg_html_open_class(p, "td", c->number ? "n" : NULL);
    sg_html_attr(p, "data-label", sg_html_word(p, c->en, c->pt));
    sg_html_element(p, "span", NULL, text);
    sg_html_close(p);
}

/* ---- the first in rank --------------------------------------------------------------------- */

static const struct page_column columns[] = {
    {"Rank", "Posição", true},
    {"Customer", "UC", false},
    {"Score", "Pontuação", true},
    {"Chance of theft", "Chance de fraude", true},
    {"Missing a day", "Falta por dia", true},
    {"Since", "Desde", true},
    {"First reason", "Primeiro motivo", false},
};

static void put_name(struct sg_html *p, const struct line *l, size_t i)
{
    sg_html_open(p, "th");
    sg_html_attr(p, "scope", "row");
    sg_html_open(p, "a");
    sg_html_attrf(p, "href", "#s%zu-%s", i + 1, sg_html_word(p, "en", "pt"));
    sg_html_text(p, l->id);
    sg_html_close(p);
    sg_html_close(p);
}

static void put_row(struct sg_html *p, const struct page *g, size_t i)
{
    const struct line *l = &g->report->result->ranking.lines[i];
    const struct picture *pic = &g->report->result->suspects[i].picture;
    const bool begun = pic->missing_day > 0 || pic->change_day != SG_FRAUD_NO_DAY;
    struct page_text reasons[PAGE_REASONS_MAX] = {{""}};
    page_reasons(p, g, l, reasons);
    sg_html_open(p, "tr");
    page_put_cell(p, &columns[0], sg_format_int(p->language, (int64_t)i + 1).s);
    put_name(p, l, i);
    page_put_cell(p, &columns[2], sg_format_fixed(p->language, page_score(g, l), 1).s);
    page_put_cell(p, &columns[3], page_chance(p, g, l).s);
    page_put_cell(p, &columns[4], pic->missing_day > 0 ? page_energy(p, pic->missing_day).s : DASH);
    page_put_cell(p, &columns[5], begun ? page_day(p, g, pic->missing_since).s : DASH);
    page_put_cell(p, &columns[6], reasons[0].s);
    sg_html_close(p);
}

static void put_table(struct sg_html *p, const struct page *g, const size_t *order)
{
    sg_html_open_class(p, "table", "cards");
    page_put_heads(p, columns, sizeof columns / sizeof *columns);
    sg_html_open(p, "tbody");
    for (size_t i = 0; i < page_shown(g); i++)
        put_row(p, g, order[i]);
    sg_html_close(p);
    sg_html_close(p);
}

/* Of those shown, first what ranks first by the other order. */
struct place {
    double value;
    size_t i;
};

static int by_value(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    return x->i < y->i ? -1 : 1;
}

static void order_by(const struct page *g, bool energy, size_t *ret)
{
    const struct fleet_result *f = g->report->result;
    const size_t n = page_shown(g);
    static struct place place[PAGE_CAPACITY_MAX];
    for (size_t i = 0; i < n; i++) {
        const struct line *l = &f->ranking.lines[i];
        place[i].value = energy ? score_expected(&f->odds, l) : page_score(g, l);
        place[i].i = i;
    }
    qsort(place, n, sizeof *place, by_value);
    for (size_t i = 0; i < n; i++)
        ret[i] = place[i].i;
}

/* An accordion that needs neither script nor style: opening one closes the other. */
static void put_folded(struct sg_html *p, const struct page *g, bool energy, bool open)
{
    size_t order[PAGE_CAPACITY_MAX];
    order_by(g, energy, order);
    sg_html_open(p, "details");
    sg_html_attr(p, "name", sg_html_word(p, "order-en", "order-pt"));
    if (open)
        sg_html_attr(p, "open", "open");
    if (energy)
        sg_html_element_say(p, "summary", NULL, "These by energy: chance times what is missing",
                            "Estes por energia: chance vezes o que falta");
    else
        sg_html_element_say(p, "summary", NULL, "These by chance of theft",
                            "Estes por chance de fraude");
    put_table(p, g, order);
    sg_html_close(p);
}

void page_put_list(struct sg_html *p, const struct page *g)
{
    size_t order[PAGE_CAPACITY_MAX];
    sg_html_open(p, "section");
    sg_html_element_say(p, "h2", NULL, "In order", "Em ordem");
    if (g->report->plan->mode == MODE_FULL) {
        put_folded(p, g, g->by_energy, true);
        put_folded(p, g, !g->by_energy, false);
    } else {
        order_by(g, false, order);
        put_table(p, g, order);
    }
    sg_html_close(p);
}

/* ---- known changes ------------------------------------------------------------------------- */

static const struct page_column known_columns[] = {
    {"Customer", "UC", false},
    {"Rank", "Posição", true},
    {"Less a day than usual", "Menos por dia que o habitual", true},
    {"Known change that explains it", "Mudança informada que o explica", false},
};

void page_put_known(struct sg_html *p, const struct page *g)
{
    const struct page_digest *d = g->digest;
    if (d->n_known == 0)
        return;
    sg_html_open(p, "section");
    sg_html_element_say(p, "h2", NULL, "Explained by a known change: check the fact",
                        "Explicados por mudança informada: confirmar o fato");
    sg_html_open_class(p, "p", "note");
    sg_html_textf(
        p,
        sg_html_word(
            p,
            "Customers: %s; those with most energy. The load fits what is known of them, so "
            "nothing can be told from it: a thief in premises that are said to be empty "
            "would look the same. At a visit near by see whether the fact is true.",
            "Clientes: %s; os de mais energia. A carga combina com o que se sabe deles, e "
            "dela nada se conclui: um fraudador em imóvel dado como vazio teria a mesma "
            "aparência. Em visita próxima, ver se o fato é verdadeiro."),
        sg_format_int(p->language, (int64_t)d->n_known).s);
    sg_html_close(p);
    sg_html_open_class(p, "table", "cards");
    page_put_heads(p, known_columns, sizeof known_columns / sizeof *known_columns);
    sg_html_open(p, "tbody");
    for (size_t i = 0; i < d->n_known && i < DIGEST_KNOWN_MAX; i++) {
        const struct line *l = &d->known[i].line;
        sg_html_open(p, "tr");
        sg_html_open(p, "th");
        sg_html_attr(p, "scope", "row");
        sg_html_text(p, l->id);
        sg_html_close(p);
        page_put_cell(p, &known_columns[1],
                      sg_format_int(p->language, (int64_t)d->known[i].rank).s);
        page_put_cell(p, &known_columns[2],
                      l->missing_day > 0 ? page_energy(p, (double)l->missing_day).s : DASH);
        page_put_cell(p, &known_columns[3], page_excuse(p, l).s);
        sg_html_close(p);
    }
    sg_html_close(p);
    sg_html_close(p);
    sg_html_close(p);
}
