/* report-flow - the counts from meter to bill: whether anything was lost, and where. */
#include "report-int.h"

#include <stdio.h>

static int64_t expected_readings(const struct sg_report *r)
{
    int64_t planned =
        sg_report_int(r->facts, "run.meters") * sg_report_int(r->facts, "run.days") * 96;
    return planned ? planned : sg_report_int(r->summary, "counts.sent");
}

struct step {
    const char *path, *en, *pt, *more_en, *more_pt;
    bool frames;
};

static const struct step steps[] = {
    {"counts.frames_sent", "Frames sent by the meters", "Quadros enviados pelos medidores",
     "sealed in the meter; one holds 1 to 96 readings, or a step of the handshake",
     "cifrados no medidor; cada um leva de 1 a 96 leituras, ou um passo da negociação de chaves",
     true},
    {"counts.aggregated", "Frames taken by the aggregators", "Quadros recebidos pelos agregadores",
     "passed on unopened", "repassados sem abrir", true},
    {"counts.sent", "Readings in them", "Leituras contidas neles",
     "one for each meter and quarter of an hour", "uma para cada medidor e quarto de hora", false},
    {"counts.accepted", "Readings accepted", "Leituras aceitas",
     "decrypted; signature, sequence and time checked",
     "decifradas; assinatura, sequência e horário conferidos", false},
    {"counts.stored", "Readings stored", "Leituras gravadas", "counted by SQL in the store",
     "contadas por SQL no armazenamento", false},
    {"counts.read_back", "Readings read back the same", "Leituras lidas de volta, idênticas",
     "every column compared with what the meter measured",
     "cada coluna comparada com o que o medidor mediu", false},
    {"counts.billed", "Readings billed", "Leituras faturadas", "each counted once",
     "cada uma contada uma única vez", false},
};
enum { N_STEPS = sizeof steps / sizeof *steps };

static int64_t expected_of(const struct sg_report *r, const struct step *s)
{
    return s->frames ? sg_report_int(r->summary, "counts.frames_sent") : expected_readings(r);
}

/* True if all is there. */
static bool loss_word(const struct sg_html *p, const struct sg_report *r, const struct step *s,
                      char ret[96])
{
    int64_t expected = expected_of(r, s), lack = expected - sg_report_int(r->summary, s->path);
    if (expected == 0)
        snprintf(ret, 96, "%s", sg_html_word(p, "not reached", "não chegou a acontecer"));
    else if (lack == 0)
        snprintf(ret, 96, "%s", sg_html_word(p, "none lost", "nenhuma perda"));
    else
        snprintf(ret, 96,
                 lack > 0 ? sg_html_word(p, "%s missing", "faltam %s")
                          : sg_html_word(p, "%s too many", "%s a mais"),
                 sg_format_int(p->language, lack > 0 ? lack : -lack).s);
    return expected != 0 && lack == 0;
}

static bool is_lossless(const struct sg_report *r)
{
    struct sg_html p = {.language = SG_EN};
    char word[96];
    bool all = true;
    for (size_t i = 0; i < N_STEPS; i++)
        all &= loss_word(&p, r, &steps[i], word);
    return all;
}

static void put_loss(struct sg_html *p, const struct sg_report *r, const struct step *s)
{
    char word[96];
    bool good = loss_word(p, r, s, word);
    sg_html_element(p, "span", good ? "good word" : "bad word", word);
}

void sg_report_put_fault(struct sg_html *p, const char *what, const char *how)
{
    sg_html_open(p, "li");
    sg_html_textf(p, "%s: ", what);
    sg_html_element(p, "span", "bad", how);
    sg_html_close(p);
}

void sg_report_put_losses(struct sg_html *p, const struct sg_report *r)
{
    char word[96];
    for (size_t i = 0; i < N_STEPS; i++)
        if (!loss_word(p, r, &steps[i], word))
            sg_report_put_fault(p, sg_html_word(p, steps[i].en, steps[i].pt), word);
}

static void put_step(struct sg_html *p, const struct sg_report *r, const struct step *s, bool first)
{
    int64_t expected = expected_of(r, s);
    int64_t n = sg_report_int(r->summary, s->path);
    int64_t most = n > expected ? n : expected;
    sg_html_open(p, "li");
    sg_html_open_class(p, "div", "head");
    sg_html_element_say(p, "span", NULL, s->en, s->pt);
    sg_report_put_figure(p, r, s->path, SG_FORM_INT);
    sg_html_close(p);
    sg_chart_bar(p, sg_html_word(p, s->en, s->pt), (double)n, (double)expected, (double)most,
                 s->frames ? 4 : 1);
    sg_html_open_class(p, "div", "head soft");
    sg_html_element_say(p, "span", NULL, s->more_en, s->more_pt);
    if (!first)
        put_loss(p, r, s);
    sg_html_close(p);
    sg_html_close(p);
}

void sg_report_put_flow(struct sg_html *p, const struct sg_report *r)
{
    if (is_lossless(r))
        sg_report_open_section(p, "flow", "Nothing lost on the way", "Nada se perdeu no caminho");
    else
        sg_report_open_section(p, "flow", "Not everything arrived", "Nem tudo chegou");
    sg_report_put_note(p, "note",
                       "The same number at every step; what is missing is red in the bar.",
                       "O mesmo número em cada passo; o que falta fica em vermelho na barra.");
    sg_html_open_class(p, "ol", "flow");
    for (size_t i = 0; i < N_STEPS; i++)
        put_step(p, r, &steps[i], i == 0);
    sg_html_close(p);
    sg_html_close(p);
}
