/* page - what the ranking learnt from inspections, and whether that still holds. */
#include "page-int.h"

#include "learn.h"

enum { DRIFT_LIST_MAX = 12 };

static void put_origin(struct sg_html *p, const struct page *g)
{
    const struct sg_learned_facts f = sg_learned_facts(g->report->learned);
    sg_html_open_class(p, "p", "note");
    sg_html_textf(
        p,
        sg_html_word(p,
                     "The score is the chance, in percent, that an inspection finds a "
                     "fraud, learnt from %s inspections with a fraud and %s without, from "
                     "%s to %s. A catch is not the truth, a miss neither.",
                     "A pontuação é a probabilidade, em por cento, de a inspeção "
                     "encontrar fraude, aprendida de %s inspeções com fraude e %s sem, de "
                     "%s a %s. Um flagrante não é a verdade, um não achado também não."),
        sg_format_int(p->language, f.n_fraud).s, sg_format_int(p->language, f.n_nothing).s,
        page_day(p, g, f.first_day).s, page_day(p, g, f.last_day).s);
    sg_html_close(p);
}

static unsigned count_warnings(const struct report *r)
{
    unsigned n = 0;
    for (uint32_t column = 0; column < sg_learned_facts(r->learned).features + 2; column++) {
        bool warns;
        (void)sg_drift_index(r->drift, column, &warns);
        n += warns;
    }
    return n;
}

static void put_columns(struct sg_html *p, const struct report *r)
{
    unsigned n = 0;
    sg_html_open(p, "ul");
    for (uint32_t column = 0; column < sg_learned_facts(r->learned).features + 2; column++) {
        bool warns;
        const double index = sg_drift_index(r->drift, column, &warns);
        if (!warns || n++ >= DRIFT_LIST_MAX)
            continue;
        sg_html_open(p, "li");
        sg_html_textf(p, "%s: %s", learn_column(r->learned, column),
                      sg_format_fixed(p->language, index, 2).s);
        sg_html_close(p);
    }
    if (n > DRIFT_LIST_MAX) {
        sg_html_open(p, "li");
        sg_html_textf(p, sg_html_word(p, "and %u more", "e mais %u"), n - DRIFT_LIST_MAX);
        sg_html_close(p);
    }
    sg_html_close(p);
}

void page_put_learnt(struct sg_html *p, const struct page *g)
{
    put_origin(p, g);
    if (count_warnings(g->report) == 0)
        return;
    sg_html_open(p, "section");
    sg_html_element_say(p, "h2", NULL, "Customers are not as they were",
                        "Os clientes não são mais como eram");
    sg_html_open_class(p, "p", "note");
    sg_html_textf(p,
                  sg_html_word(p,
                               "Since the ranking was learnt these moved by more than %s "
                               "(population stability index). Learn again before relying on it.",
                               "Desde o aprendizado estes mudaram mais que %s (índice de "
                               "estabilidade populacional). Aprenda de novo antes de confiar."),
                  sg_format_fixed(p->language, SG_DRIFT_LIMIT, 2).s);
    sg_html_close(p);
    put_columns(p, g->report);
    sg_html_close(p);
}
