/* report-stages - how long each stage took, and its pace. */
#include "report-int.h"

#include <math.h>
#include <stdio.h>

struct stage_words {
    const char *name, *en, *pt;
    const char *amount; /* path of how much it worked on; NULL: not counted */
    const char *unit_en, *unit_pt;
};

static const struct stage_words stage_words[] = {
    {"provision", "Keys and certificates for every meter", "Chaves e certificados de cada medidor",
     "audit.bills", "meters", "medidores"},
    {"up", "Services started, each attested before it got a key",
     "Serviços iniciados; cada um atestado antes de receber chaves", NULL, "", ""},
    {"register", "Installation records loaded", "Registros de instalação carregados", "audit.bills",
     "meters", "medidores"},
    {"meters", "Readings sealed, sent, opened, verified and stored",
     "Leituras cifradas, enviadas, abertas, conferidas e gravadas", "counts.stored", "readings",
     "leituras"},
    {"read_back", "Every reading read back through SQL and compared",
     "Cada leitura lida de volta por SQL e comparada", "counts.read_back", "readings", "leituras"},
    {"bill", "Bills made, with the evidence for each",
     "Faturas emitidas, com as provas de cada uma", "counts.billed", "readings", "leituras"},
    {"audit", "Bills audited from their evidence alone",
     "Faturas auditadas somente a partir das provas", "audit.bills", "bills", "faturas"},
    {"fraud", "Customers ranked by suspicion of fraud",
     "Unidades consumidoras ordenadas por suspeita de fraude", "fraud.judged", "customers",
     "unidades"},
    {"tamper_frames", "Attack: messages repeated and contradicted",
     "Ataque: mensagens repetidas e contraditas", NULL, "", ""},
    {"tamper_evidence", "Attack: a bill's evidence edited", "Ataque: provas de uma fatura editadas",
     NULL, "", ""},
    {"tamper_octets", "Attack: stored bytes flipped", "Ataque: bytes gravados trocados", NULL, "",
     ""},
    {"tamper_volumes", "Attack: each volume destroyed in turn",
     "Ataque: cada volume destruído, um por vez", NULL, "", ""},
    {"report", "Loads read for this page", "Cargas lidas para esta página", NULL, "", ""},
};

static const struct stage_words *words_of(const char *name)
{
    for (size_t i = 0; i < sizeof stage_words / sizeof *stage_words; i++)
        if (!strcmp(stage_words[i].name, name))
            return &stage_words[i];
    return NULL;
}

static void put_stage(struct sg_html *p, const struct sg_report *r, const char *name,
                      double seconds, double longest)
{
    const struct stage_words *w = words_of(name);
    const char *what = w ? sg_html_word(p, w->en, w->pt) : name;
    char path[64], text[128];
    int64_t amount = w && w->amount ? sg_report_int(r->summary, w->amount) : 0;
    snprintf(path, sizeof path, "seconds.%.50s", name);
    sg_html_open(p, "tr");
    sg_html_open(p, "th");
    sg_html_attr(p, "scope", "row");
    sg_html_text(p, what);
    sg_html_close(p);
    sg_html_open_class(p, "td", "wide");
    sg_chart_bar(p, what, seconds, 0, longest, !strncmp(name, "tamper", 6) ? 2 : 1);
    sg_html_close(p);
    sg_html_open_class(p, "td", "n");
    sg_html_attr(p, "data-label", sg_html_word(p, "Time", "Tempo"));
    sg_report_put_figure(p, r, path, SG_FORM_DURATION);
    sg_html_close(p);
    sg_html_open_class(p, "td", "n");
    if (amount && seconds > 0) {
        double rate = (double)amount / seconds;
        sg_html_attr(p, "data-label", sg_html_word(p, "Pace", "Ritmo"));
        snprintf(text, sizeof text, "%s\xc2\xa0%s/s",
                 sg_format_fixed(p->language, rate, rate < 10).s,
                 sg_html_word(p, w->unit_en, w->unit_pt));
        sg_html_element(p, "span", NULL, text);
    }
    sg_html_close(p);
    sg_html_close(p);
}

static void put_stage_heads(struct sg_html *p)
{
    static const char *const heads[][3] = {
        {NULL, "Stage", "Etapa"}, {NULL, "", ""}, {"n", "Time", "Tempo"}, {"n", "Pace", "Ritmo"}};
    sg_html_open(p, "thead");
    sg_html_open(p, "tr");
    for (size_t i = 0; i < 4; i++)
        sg_html_element_say(p, i == 1 ? "td" : "th", heads[i][0], heads[i][1], heads[i][2]);
    sg_html_close(p);
    sg_html_close(p);
}

void sg_report_put_stages(struct sg_html *p, const struct sg_report *r)
{
    json_t *all = json_object_get(r->summary, "seconds"), *v;
    const char *name;
    double longest = 0, sum = 0;
    char value[64];
    json_object_foreach(all, name, v)
    {
        longest = fmax(longest, json_number_value(v));
        sum += json_number_value(v);
    }
    snprintf(value, sizeof value, "%.9f", sum);
    sg_report_open_section(p, "stages", "Where the time went", "Onde o tempo foi gasto");
    sg_html_open_class(p, "p", "note");
    sg_html_say(p, "The whole run took ", "A execução inteira levou ");
    sg_html_figure(p, "derived.seconds", value, sg_format_duration(p->language, sum).s);
    sg_html_say(p, " and at most ", " e no máximo ");
    sg_report_put_figure(p, r, "peak_rss_bytes", SG_FORM_BYTES);
    sg_html_say(p, " of memory, all processes together.",
                " de memória, somando todos os processos.");
    sg_html_close(p);
    sg_html_open_class(p, "table", "cards");
    put_stage_heads(p);
    sg_html_open(p, "tbody");
    json_object_foreach(all, name, v) put_stage(p, r, name, json_number_value(v), longest);
    sg_html_close(p);
    sg_html_close(p);
    sg_html_close(p);
}
