/* page - what the ranking learnt from inspections, and whether that still holds. */
#include "page-int.h"

#include "learn.h"

enum { MOVED_MAX = 5 };

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

/* What moved most, first; how many moved too far. */
struct moved {
    uint32_t column[MOVED_MAX];
    double index[MOVED_MAX];
    unsigned n;
};

static void insert(struct moved *m, uint32_t column, double index)
{
    unsigned at = m->n < MOVED_MAX ? m->n : MOVED_MAX;
    m->n++;
    for (; at > 0 && m->index[at - 1] < index; at--)
        if (at < MOVED_MAX) {
            m->column[at] = m->column[at - 1];
            m->index[at] = m->index[at - 1];
        }
    if (at < MOVED_MAX) {
        m->column[at] = column;
        m->index[at] = index;
    }
}

static struct moved what_moved(const struct report *r)
{
    struct moved m = {.n = 0};
    for (uint32_t column = 0; column < sg_learned_facts(r->learned).features + 2; column++) {
        bool warns;
        const double index = sg_drift_index(r->drift, column, &warns);
        if (warns)
            insert(&m, column, index);
    }
    return m;
}

static void put_moved(struct sg_html *p, const struct report *r, const struct moved *m)
{
    sg_html_open(p, "ul");
    for (unsigned i = 0; i < m->n && i < MOVED_MAX; i++) {
        sg_html_open(p, "li");
        sg_html_textf(p, "%s: %s", learn_column(r->learned, m->column[i]),
                      sg_format_fixed(p->language, m->index[i], 2).s);
        sg_html_close(p);
    }
    if (m->n > MOVED_MAX) {
        sg_html_open(p, "li");
        sg_html_textf(p, sg_html_word(p, "and %u more", "e mais %u"), m->n - MOVED_MAX);
        sg_html_close(p);
    }
    sg_html_close(p);
}

void page_put_learnt(struct sg_html *p, const struct page *g)
{
    const struct moved moved = what_moved(g->report);
    put_origin(p, g);
    if (moved.n == 0)
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
    put_moved(p, g->report, &moved);
    sg_html_close(p);
}
