/* report-trials - a bill, what the audit says, and what became of each attack. */
#include "report-int.h"

#include <stdio.h>

static void put_whose(struct sg_html *p, const struct sg_report *r)
{
    const char *class = json_string_value(sg_report_at(r->facts, "bill.class"));
    if (!class)
        return;
    sg_html_open_class(p, "p", "note");
    sg_html_textf(p,
                  sg_html_word(p, "As its customer gets it: class %s, typical consumption.",
                               "Como a recebe o consumidor: classe %s, consumo típico."),
                  sg_report_class_word(p, class));
    sg_html_close(p);
}

void sg_report_put_bill(struct sg_html *p, const struct sg_report *r)
{
    sg_report_open_section(p, "bill", "One of the bills", "Uma das faturas");
    if (r->has_bill) {
        const struct sg_bill_view v = {&r->bill, r->tariff, r->load.n_days ? &r->load : NULL,
                                       "bill."};
        put_whose(p, r);
        sg_bill_view_put(p, &v);
    } else {
        sg_report_put_note(p, "note", "No bill was made in this run.",
                           "Nenhuma fatura foi emitida nesta execução.");
    }
    sg_html_close(p);
}

/* ---- attacks -------------------------------------------------------------------------------- */

struct trial {
    const char *name, *en, *pt, *wanted_en, *wanted_pt;
};

static const struct trial trials[] = {
    {"replayed_frame", "Recorded messages were sent a second time",
     "Mensagens gravadas foram enviadas uma segunda vez",
     "recognised as repeats; nothing stored twice",
     "reconhecidas como repetidas; nada gravado em dobro"},
    {"conflicting_reading", "A meter sent a different value for an interval already stored",
     "Um medidor enviou outro valor para um intervalo já gravado",
     "the first value stays; the second is kept apart as a conflict, which stops the bill",
     "o primeiro valor permanece; o segundo fica à parte como conflito, que bloqueia a fatura"},
    {"evidence_reading_dropped", "One reading was removed from a bill's evidence",
     "Uma leitura foi retirada das provas de uma fatura", "the audit names the missing reading",
     "a auditoria aponta a leitura que falta"},
    {"evidence_reading_doubled", "One reading was put in twice",
     "Uma leitura foi inserida duas vezes", "the audit names the doubled reading",
     "a auditoria aponta a leitura duplicada"},
    {"evidence_reading_altered", "One reading was changed by 1 Wh",
     "Uma leitura foi alterada em 1 Wh", "the audit names the altered reading",
     "a auditoria aponta a leitura alterada"},
    {"evidence_reading_foreign", "A neighbour's genuine readings were put in",
     "Leituras autênticas do vizinho foram inseridas", "the audit names the foreign readings",
     "a auditoria aponta as leituras alheias"},
    {"flipped_octets_read_right", "Single bits of stored files were flipped, one file at a time",
     "Bits de arquivos gravados foram invertidos, um arquivo por vez",
     "every answer stays right while the damage stands",
     "toda resposta continua certa enquanto o dano existe"},
    {"flipped_octets_reported", "Flipped bits: damage noticed", "Bits invertidos: dano percebido",
     "each one is reported", "cada um é relatado"},
    {"flipped_octets_repaired", "Flipped bits: damage undone", "Bits invertidos: dano desfeito",
     "each one is repaired from other copies", "cada um é reparado a partir de outras cópias"},
    {"lost_volume_read_right",
     "Each storage volume was taken away in turn, the store killed at that moment",
     "Cada volume de armazenamento foi removido, um por vez, e o serviço morto nesse instante",
     "every reading stays readable and right", "toda leitura continua legível e certa"},
    {"lost_volume_reported", "Lost volumes: loss noticed", "Volumes perdidos: perda percebida",
     "each one is reported", "cada uma é relatada"},
    {"lost_volume_rebuilt", "Lost volumes: rebuilt", "Volumes perdidos: reconstruídos",
     "the empty volume is filled again from the others",
     "o volume vazio é refeito a partir dos outros"},
};

static const struct trial *trial_of(const char *name)
{
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
        if (!strcmp(trials[i].name, name))
            return &trials[i];
    return NULL;
}

const char *sg_report_trial_word(const struct sg_html *p, const char *name)
{
    const struct trial *t = trial_of(name);
    return t ? sg_html_word(p, t->en, t->pt) : name;
}

static void put_answer(struct sg_html *p, const char *name, bool yes)
{
    char figure[96];
    snprintf(figure, sizeof figure, "tamper.%.80s", name);
    sg_html_open_class(p, "span", yes ? "good word" : "bad word");
    sg_html_figure(p, figure, yes ? "true" : "false",
                   yes ? sg_html_word(p, "\xe2\x9c\x93 yes", "\xe2\x9c\x93 sim")
                       : sg_html_word(p, "\xe2\x9c\x97 NO", "\xe2\x9c\x97 NÃO"));
    sg_html_close(p);
}

static void put_trial(struct sg_html *p, const char *name, bool yes)
{
    const struct trial *t = trial_of(name);
    sg_html_open(p, "tr");
    sg_html_open(p, "th");
    sg_html_attr(p, "scope", "row");
    sg_html_text(p, sg_report_trial_word(p, name));
    sg_html_close(p);
    sg_html_open(p, "td");
    sg_html_element(p, "span", NULL, t ? sg_html_word(p, t->wanted_en, t->wanted_pt) : "");
    sg_html_close(p);
    sg_html_open(p, "td");
    put_answer(p, name, yes);
    sg_html_close(p);
    sg_html_close(p);
}

static void put_audit(struct sg_html *p, const struct sg_report *r)
{
    bool ok = json_is_true(sg_report_at(r->summary, "audit.ok"));
    if (sg_report_int(r->summary, "audit.bills") == 0) {
        sg_report_put_note(p, "verdict bad", "\xe2\x9c\x97 No bill was audited in this run.",
                           "\xe2\x9c\x97 Nenhuma fatura foi auditada nesta execução.");
        return;
    }
    sg_html_open_class(p, "p", ok ? "verdict good" : "verdict bad");
    sg_html_text(p, ok ? "\xe2\x9c\x93 " : "\xe2\x9c\x97 ");
    sg_report_put_figure(p, r, "audit.bills", SG_FORM_INT);
    sg_html_say(p, " bills audited: ", " faturas auditadas: ");
    sg_html_figure(p, "audit.ok", ok ? "true" : "false",
                   ok ? sg_html_word(p, "all stand", "todas conferem")
                      : sg_html_word(p, "NOT all stand", "NEM todas conferem"));
    sg_html_close(p);
    sg_report_put_note(p, "note",
                       "The audit sees the bill, the signed readings, the authority's records of "
                       "installed meters and "
                       "its public key; not the store and not the utility. It checks every "
                       "signature, that no reading "
                       "is missing, doubled, altered or foreign, and every sum on the bill.",
                       "A auditoria vê a fatura, as leituras assinadas, os registros de medidores "
                       "instalados e a chave "
                       "pública da autoridade; não vê o armazenamento nem a concessionária. "
                       "Confere cada assinatura, "
                       "que nenhuma leitura falte, esteja duplicada, alterada ou seja de outro "
                       "medidor, e cada soma da "
                       "fatura.");
}

static void put_table(struct sg_html *p, const struct sg_report *r)
{
    static const char *const heads[][2] = {
        {"Attack", "Ataque"}, {"Must happen", "O que deve acontecer"}, {"Happened?", "Aconteceu?"}};
    const char *name;
    json_t *v;
    sg_html_element_say(p, "h3", NULL, "What was attacked, and what came of it",
                        "O que foi atacado e o que aconteceu");
    sg_html_open_class(p, "table", "cards");
    sg_html_open(p, "thead");
    sg_html_open(p, "tr");
    for (size_t i = 0; i < 3; i++)
        sg_html_element_say(p, "th", NULL, heads[i][0], heads[i][1]);
    sg_html_close(p);
    sg_html_close(p);
    sg_html_open(p, "tbody");
    json_object_foreach(json_object_get(r->summary, "tamper"), name, v)
        put_trial(p, name, json_is_true(v));
    sg_html_close(p);
    sg_html_close(p);
}

void sg_report_put_trials(struct sg_html *p, const struct sg_report *r)
{
    sg_report_open_section(p, "trials", "Audit and attacks", "Auditoria e ataques");
    put_audit(p, r);
    if (json_object_size(json_object_get(r->summary, "tamper")))
        put_table(p, r);
    else
        sg_report_put_note(p, "note", "The run ended before its attacks.",
                           "A execução terminou antes dos ataques.");
    sg_html_close(p);
}
