/*
 * phasor-words - a finding as an inspector would tell it, and where to look.  No text has a comma:
 * it may stand in a list.
 */
#include "phasor-int.h"

#include <stdarg.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>

enum number { NONE, SIZE, SHARE };

/* By language: what was seen (with one number in percent, or none) and where to look. */
static const struct words {
    const char *seen[2], *look[2];
    enum number number;
} words[SG_PHASOR_N_RULES] = {
    [SG_PHASOR_VOLTAGE_LOST] = {{"voltage %.0f %% below the other phases while current flows",
                                 "tensão %.0f %% abaixo das outras fases com corrente presente"},
                                {"look for an open voltage link or a resistor in it",
                                 "procurar elo de tensão aberto ou resistor nele"},
                                SIZE},
    [SG_PHASOR_CURRENT_LOST] = {{"current gone by %.0f %% while the others carry",
                                 "corrente caiu %.0f %% enquanto as outras conduzem"},
                                {"look for a shorted or open current circuit or a jumper",
                                 "procurar circuito de corrente em curto ou aberto ou ponte"},
                                SIZE},
    [SG_PHASOR_CURRENT_REVERSED] = {{"power runs backwards by night too in %.0f %% of the time",
                                     "potência invertida também à noite em %.0f %% do tempo"},
                                    {"look for swapped current leads",
                                     "procurar condutores de corrente trocados"},
                                    SHARE},
    [SG_PHASOR_WRONG_PHASE] = {{"current turned against its voltage as if from another phase",
                                "corrente girada em relação à tensão como se fosse de outra fase"},
                               {"look for current and voltage of different phases on one element",
                                "procurar corrente e tensão de fases diferentes no mesmo elemento"},
                               NONE},
    [SG_PHASOR_PHASE_SEQUENCE] = {{"voltages follow in the wrong order",
                                   "sequência de fases das tensões invertida"},
                                  {"check the wiring; nothing is lost by that alone",
                                   "conferir a ligação; só isso não causa perda"},
                                  NONE},
    [SG_PHASOR_BYPASS] =
        {{"current %.0f %% below what the other phases lead one to expect at all hours alike",
          "corrente %.0f %% abaixo do que as outras fases indicam em todas as horas por igual"},
         {"look for a by-pass of the element", "procurar desvio do elemento"},
         SIZE},
    [SG_PHASOR_BYPASS_ALL] = {{"currents fell by %.0f %% at all hours and on all phases alike",
                               "correntes caíram %.0f %% em todas as horas e fases por igual"},
                              {"look for a by-pass of the whole meter or a business that shrank",
                               "procurar desvio do medidor inteiro ou atividade que encolheu"},
                              SIZE},
    [SG_PHASOR_NEUTRAL] =
        {{"current of the neutral differs from that of the phases by %.0f %% more",
          "corrente do neutro difere da soma das fases em mais %.0f %%"},
         {"look for current that does not pass the meter",
          "procurar corrente que não passa pelo medidor"},
         SIZE},
    [SG_PHASOR_SUM_CHECK] = {{"%.1f %% less than the check tells",
                              "%.1f %% a menos que a conferência indica"},
                             {"compare the meters on site", "comparar os medidores no local"},
                             SIZE},
    [SG_PHASOR_REGISTER] = {{"register counts %.1f %% less of the measured power than before",
                             "registrador conta %.1f %% a menos da potência medida do que antes"},
                            {"test the register against a standard meter",
                             "aferir o registrador contra medidor padrão"},
                            SIZE},
    [SG_PHASOR_POWER_FACTOR] = {{"angle of the current turned: power fell while the current stayed",
                                 "ângulo da corrente mudou: a potência caiu e a corrente ficou"},
                                {"look for a device that shifts voltage or current",
                                 "procurar dispositivo que defase tensão ou corrente"},
                                NONE},
    [SG_PHASOR_DISTORTION] = {{"power %.0f %% below what voltage and current and angle give",
                               "potência %.0f %% abaixo do que tensão e corrente e ângulo dão"},
                              {"look for a device that distorts the current",
                               "procurar dispositivo que distorça a corrente"},
                              SIZE},
    [SG_PHASOR_IMPOSSIBLE] = {{"more power than volts times amperes in %.0f %% of the readings",
                               "mais potência que volts vezes ampères em %.0f %% das leituras"},
                              {"test or replace the meter", "aferir ou trocar o medidor"},
                              SIZE},
    [SG_PHASOR_TAMPER_EVENT] = {{"magnet or cover or tilt events without a visit of ours",
                                 "eventos de ímã ou tampa ou inclinação sem visita nossa"},
                                {"check seals", "conferir os lacres"},
                                NONE},
    [SG_PHASOR_NONSENSE] = {{"frequency or temperature that cannot be in %.0f %% of the readings",
                             "frequência ou temperatura impossível em %.0f %% das leituras"},
                            {"test or replace the meter", "aferir ou trocar o medidor"},
                            SIZE},
    [SG_PHASOR_FROZEN] = {{"the same voltages twice running in %.0f %% of the readings",
                           "as mesmas tensões duas vezes seguidas em %.0f %% das leituras"},
                          {"the readings repeat: the meter may be imitated",
                           "as leituras se repetem: o medidor pode ser imitado"},
                          SIZE},
    [SG_PHASOR_MISSING] =
        {{"voltages or currents missing in %.0f %% more of the readings than before",
          "tensões ou correntes ausentes em mais %.0f %% das leituras do que antes"},
         {"the energy still arrives: see what keeps the meter from telling the rest",
          "a energia ainda chega: ver o que impede o medidor de informar o resto"},
         SIZE},
};

struct text {
    char *at;
    size_t room, n;
    enum sg_phasor_language language;
};

static SG_PRINTF(2, 3) void add(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(t->at + t->n, t->room - t->n, fmt, ap);
    va_end(ap);
    t->n = n < 0 ? t->n : t->n + (size_t)n < t->room ? t->n + (size_t)n : t->room - 1;
}

static const char *word(const struct text *t, const char *english, const char *portuguese)
{
    return t->language == SG_PHASOR_PORTUGUESE ? portuguese : english;
}

/* "phase B", "phases A and C", "the meter" when all or none are meant. */
static void add_elements(struct text *t, unsigned mask)
{
    const char *name = "ABC";
    unsigned n = 0;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        n += mask >> k & 1;
    if (n == 0 || n == SG_PHASOR_ELEMENTS) {
        add(t, "%s", n ? word(t, "all phases", "todas as fases") : word(t, "meter", "medidor"));
        return;
    }
    add(t, "%s ", n > 1 ? word(t, "phases", "fases") : word(t, "phase", "fase"));
    for (int k = 0, told = 0; k < SG_PHASOR_ELEMENTS; k++)
        if (mask >> k & 1)
            add(t, "%s%c", told++ ? word(t, " and ", " e ") : "", name[k]);
}

static void add_date(struct text *t, int64_t unix_s, int32_t east_s)
{
    int year;
    unsigned month, day;
    const int64_t local = unix_s - 1 + east_s;
    sg_civil_from_days(local / 86400 - (local % 86400 < 0), &year, &month, &day);
    if (t->language == SG_PHASOR_PORTUGUESE)
        add(t, " desde %02u/%02u/%04d", day, month, year);
    else
        add(t, " since %04d-%02u-%02u", year, month, day);
}

void sg_phasor_words_in(const struct sg_phasor_finding *f, int32_t east_s,
                        enum sg_phasor_language language, char ret[SG_PHASOR_WORDS_MAX])
{
    struct text t = {.at = ret, .room = SG_PHASOR_WORDS_MAX, .language = language};
    ret[0] = 0;
    if ((unsigned)f->rule >= SG_PHASOR_N_RULES)
        return;
    const struct words *w = &words[f->rule];
    const double percent = 100 * (double)(w->number == SHARE ? f->share : f->size);
    add_elements(&t, f->elements);
    add(&t, ": ");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (w->number == NONE)
        add(&t, "%s", w->seen[language]);
    else
        add(&t, w->seen[language], percent); /* each has one number: test_words_fit */
#pragma GCC diagnostic pop
    add_date(&t, f->first_s, east_s);
    if (f->kwh_per_day >= 0.1f)
        add(&t, " (%s %.*f kWh %s)", word(&t, "about", "cerca de"), f->kwh_per_day < 10 ? 1 : 0,
            (double)f->kwh_per_day, word(&t, "a day", "por dia"));
    add(&t, " - %s", w->look[language]);
}

void sg_phasor_words(const struct sg_phasor_finding *f, int32_t east_s,
                     char ret[SG_PHASOR_WORDS_MAX])
{
    sg_phasor_words_in(f, east_s, SG_PHASOR_ENGLISH, ret);
}
