/* report-lead - what happened, whether anything was lost, and how long each stage took. */
#include "report-int.h"

#include <math.h>
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

static int64_t expected_readings(const struct sg_report *r)
{
    int64_t planned =
        sg_report_int(r->facts, "run.meters") * sg_report_int(r->facts, "run.days") * 96;
    return planned ? planned : sg_report_int(r->summary, "counts.sent");
}

/* ---- what is expected ------------------------------------------------------------------------ */

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

/* ---- what went wrong ------------------------------------------------------------------------ */

static void put_fault(struct sg_html *p, const char *what, const char *how)
{
    sg_html_open(p, "li");
    sg_html_textf(p, "%s: ", what);
    sg_html_element(p, "span", "bad", how);
    sg_html_close(p);
}

static void put_faults(struct sg_html *p, const struct sg_report *r)
{
    char word[96];
    const char *name;
    json_t *v;
    sg_html_open(p, "ul");
    for (size_t i = 0; i < N_STEPS; i++)
        if (!loss_word(p, r, &steps[i], word))
            put_fault(p, sg_html_word(p, steps[i].en, steps[i].pt), word);
    if (!json_is_true(sg_report_at(r->summary, "audit.ok")))
        put_fault(p, sg_html_word(p, "Audit", "Auditoria"),
                  sg_html_word(p, "a bill was refused, or none was audited",
                               "uma fatura foi recusada, ou nenhuma foi auditada"));
    json_object_foreach(json_object_get(r->summary, "tamper"), name, v)
    {
        if (!json_is_true(v))
            put_fault(p, sg_report_trial_word(p, name),
                      sg_html_word(p, "did not come out as it should", "não terminou como devia"));
    }
    if (!r->facts)
        put_fault(p, sg_html_word(p, "The run", "A execução"),
                  sg_html_word(p, "ended before its last stage", "terminou antes da última etapa"));
    sg_html_close(p);
}

/* ---- lead ----------------------------------------------------------------------------------- */

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

/* ---- nothing lost --------------------------------------------------------------------------- */

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

/* ---- stages --------------------------------------------------------------------------------- */

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
