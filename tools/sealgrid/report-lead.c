/* report-lead - what happened, in words and a few figures. */
#include "report-int.h"

#include <sealgrid/base/clock.h>
#include <stdio.h>

struct trials {
    size_t n, seen;
};

static struct trials count_trials(const struct sg_report *r)
{
    struct trials t = {0};
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)json_object_get(r->summary, "tamper"), name, v)
    {
        t.n++;
        t.seen += json_is_true(v);
    }
    return t;
}

static void put_faults(struct sg_html *p, const struct sg_report *r)
{
    const char *name;
    json_t *v;
    sg_html_open(p, "ul");
    sg_report_put_losses(p, r);
    if (!json_is_true(sg_report_at(r->summary, "audit.ok")))
        sg_report_put_fault(p, sg_html_word(p, "Audit", "Auditoria"),
                            sg_html_word(p, "a bill was refused, or none was audited",
                                         "uma fatura foi recusada, ou nenhuma foi auditada"));
    json_object_foreach(json_object_get(r->summary, "tamper"), name, v)
    {
        if (!json_is_true(v))
            sg_report_put_fault(
                p, sg_report_trial_word(p, name),
                sg_html_word(p, "did not come out as it should", "não terminou como devia"));
    }
    if (!r->facts)
        sg_report_put_fault(
            p, sg_html_word(p, "The run", "A execução"),
            sg_html_word(p, "ended before its last stage", "terminou antes da última etapa"));
    sg_html_close(p);
}

static bool is_well(const struct sg_report *r)
{
    return json_is_true(json_object_get(r->summary, "ok"));
}

static void put_verdict(struct sg_html *p, const struct sg_report *r)
{
    sg_html_open_class(p, "p", is_well(r) ? "verdict good" : "verdict bad");
    if (is_well(r))
        sg_html_say(p,
                    "\xe2\x9c\x93 All is well: no reading was lost, every bill stands, every "
                    "tampering was noticed.",
                    "\xe2\x9c\x93 Tudo certo: nenhuma leitura se perdeu, todas as faturas conferem "
                    "e toda adulteração foi percebida.");
    else
        sg_html_say(p, "\xe2\x9c\x97 Not all is well:", "\xe2\x9c\x97 Nem tudo está certo:");
    sg_html_close(p);
    if (!is_well(r))
        put_faults(p, r);
}

static void put_period(struct sg_html *p, const struct sg_report *r)
{
    int64_t from = sg_report_int(r->facts, "run.from_s");
    int64_t days = sg_report_int(r->facts, "run.days");
    int64_t made = sg_report_int(r->facts, "made_s");
    if (!r->facts)
        return;
    int64_t first = sg_report_local(r, from) / 86400;
    sg_html_open_class(p, "p", "soft period");
    sg_html_textf(
        p, sg_html_word(p, "Readings of %s to %s (simulated).", "Leituras de %s a %s (simuladas)."),
        sg_format_date(p->language, first, SG_DATE_LONG).s,
        sg_format_date(p->language, first + days - 1, SG_DATE_LONG).s);
    sg_html_text(p, " ");
    sg_html_textf(p, sg_html_word(p, "Run of %s.", "Execução de %s."),
                  sg_format_time(p->language, sg_report_local(r, made)).s);
    sg_html_close(p);
}

static void put_size(struct sg_html *p, const struct sg_report *r)
{
    int64_t meters = sg_report_int(r->facts, "run.meters");
    if (meters)
        sg_html_textf(
            p,
            sg_html_word(p,
                         "%s simulated electricity meters measured for %s days, every 15 minutes. ",
                         "%s medidores de energia simulados mediram durante %s dias, a cada 15 "
                         "minutos. "),
            sg_format_int(p->language, meters).s,
            sg_format_int(p->language, sg_report_int(r->facts, "run.days")).s);
}

/* What a run does is told as done only when it was. */
static void put_story(struct sg_html *p, const struct sg_report *r)
{
    sg_html_open_class(p, "p", "lead");
    put_size(p, r);
    if (is_well(r))
        sg_html_say(
            p,
            "Each reading was signed and encrypted inside its meter, carried by aggregators that "
            "cannot read it, opened and checked, stored encrypted on several volumes, read back "
            "and "
            "billed; the bills were audited without trusting whoever made them. Then the run "
            "attacked its own data.",
            "Cada leitura foi assinada e criptografada no próprio medidor, levada por agregadores "
            "que não conseguem lê-la, aberta e conferida, gravada criptografada em vários volumes, "
            "lida de volta e faturada; as faturas foram auditadas sem confiar em quem as emitiu. "
            "Depois, a própria execução atacou os seus dados.");
    else
        sg_html_say(
            p,
            "In a run, each reading is to be signed and encrypted inside its meter, carried by "
            "aggregators that cannot read it, opened and checked, stored encrypted, read back and "
            "billed, and the bills audited; then the run attacks its own data. This one did not "
            "come "
            "out like that.",
            "Em uma execução, cada leitura deve ser assinada e criptografada no próprio medidor, "
            "levada por agregadores que não conseguem lê-la, aberta e conferida, gravada "
            "criptografada, lida de volta e faturada, e as faturas auditadas; depois, a execução "
            "ataca os seus próprios dados. Esta não terminou assim.");
    sg_html_close(p);
}

static void open_tile(struct sg_html *p)
{
    sg_html_open(p, "li");
    sg_html_open_class(p, "span", "big");
}

static void close_tile(struct sg_html *p, const char *en, const char *pt)
{
    sg_html_close(p);
    sg_html_element_say(p, "span", "soft", en, pt);
    sg_html_close(p);
}

static void put_tiles(struct sg_html *p, const struct sg_report *r)
{
    struct trials t = count_trials(r);
    char value[64];
    sg_html_open_class(p, "ul", "tiles");
    open_tile(p);
    sg_report_put_figure(p, r, "counts.billed", SG_FORM_INT);
    close_tile(p, "readings from meter to bill", "leituras do medidor à fatura");
    open_tile(p);
    sg_report_put_figure(p, r, "readings_per_s", SG_FORM_INT);
    close_tile(p, "readings a second, verified and stored",
               "leituras por segundo, conferidas e gravadas");
    open_tile(p);
    sg_report_put_figure(p, r, "audit.bills", SG_FORM_INT);
    close_tile(p, "bills audited", "faturas auditadas");
    open_tile(p);
    snprintf(value, sizeof value, "%zu", t.seen);
    sg_html_figure(p, "derived.tamper_detected", value, value);
    sg_html_textf(p, sg_html_word(p, " of %zu", " de %zu"), t.n);
    close_tile(p, "kinds of attack came out as they should",
               "tipos de ataque terminaram como deviam");
    if (sg_report_at(r->fraud, "auc")) {
        open_tile(p);
        sg_report_put_score(p, r, "auc", 3);
        close_tile(p, "fraud ranking, AUC (1 is perfect, 0.5 is chance)",
                   "ranking de fraudes, AUC (1 é perfeito, 0,5 é acaso)");
    }
    sg_html_close(p);
}

/* In the order of the sections, by the names that they are opened with. */
static void put_contents(struct sg_html *p)
{
    static const char *const parts[][3] = {
        {"flow", "Meter to bill", "Do medidor à fatura"},
        {"stages", "Time", "Tempo"},
        {"load", "Load", "Carga"},
        {"bill", "A bill", "Uma fatura"},
        {"trials", "Audit and attacks", "Auditoria e ataques"},
        {"fraud", "Fraud", "Fraude"},
        {"storage", "Storage", "Armazenamento"},
        {"machine", "Machine and limits", "Máquina e limites"},
    };
    sg_html_open_class(p, "nav", "contents");
    sg_html_attr(p, "aria-label", sg_html_word(p, "On this page", "Nesta página"));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        sg_html_open(p, "a");
        sg_html_attrf(p, "href", "#%s-%s", parts[i][0], sg_html_word(p, "en", "pt"));
        sg_html_say(p, parts[i][1], parts[i][2]);
        sg_html_close(p);
        sg_html_text(p, " ");
    }
    sg_html_close(p);
}

void sg_report_put_lead(struct sg_html *p, const struct sg_report *r)
{
    sg_html_element_say(p, "h1", NULL, "Sealgrid: from meter to audited bill",
                        "Sealgrid: do medidor à fatura auditada");
    put_period(p, r);
    put_verdict(p, r);
    put_story(p, r);
    put_tiles(p, r);
    put_contents(p);
}
