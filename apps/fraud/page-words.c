/* page-words - what a score, a reason and a doubt mean to who goes and looks. */
#include "page-int.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static SG_PRINTF(1, 2) struct page_text text(const char *fmt, ...)
{
    struct page_text t;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(t.s, sizeof t.s, fmt, ap);
    va_end(ap);
    return t;
}

static struct sg_text percent(const struct sg_html *p, float share)
{
    return sg_format_percent(p->language, (double)share, 0);
}

static struct sg_text two(const struct sg_html *p, float v)
{
    return sg_format_fixed(p->language, (double)v, 2);
}

struct sg_text page_day(const struct sg_html *p, const struct page *g, int32_t day)
{
    struct sg_text t;
    if (g->dated)
        return sg_format_date(p->language, day, SG_DATE_NUMERIC);
    snprintf(t.s, sizeof t.s, sg_html_word(p, "day %d", "dia %d"), (int)day);
    return t;
}

const char *page_class_word(const struct sg_html *p, enum sg_fraud_class cls)
{
    static const char *const words[SG_FRAUD_CLASS_COUNT][2] = {
        [SG_FRAUD_CLASS_RESIDENTIAL] = {"residential", "residencial"},
        [SG_FRAUD_CLASS_COMMERCIAL] = {"commercial", "comercial"},
        [SG_FRAUD_CLASS_INDUSTRIAL] = {"industrial", "industrial"},
        [SG_FRAUD_CLASS_RURAL] = {"rural", "rural"},
        [SG_FRAUD_CLASS_PUBLIC] = {"public body", "poder público"},
        [SG_FRAUD_CLASS_LIGHTING] = {"street lighting", "iluminação pública"},
    };
    return words[cls][0] ? sg_html_word(p, words[cls][0], words[cls][1]) : "";
}

const char *page_unjudged_word(const struct sg_html *p, enum unjudged u)
{
    static const char *const words[N_UNJUDGED][2] = {
        [JUDGED] = {"judged", "julgados"},
        [NO_DAYS] = {"no complete day of readings", "nenhum dia completo de leituras"},
        [FEW_REFERENCE] = {"too few complete regular days to compare with",
                           "poucos dias regulares completos para comparar"},
        [FEW_RECENT] = {"too few complete recent days", "poucos dias recentes completos"},
        [LOST_RECENT] = {"recent days arrive but cannot be used, unlike those before: look at the "
                         "meter and its link",
                         "dias recentes chegam, mas não servem, ao contrário dos anteriores: ver o "
                         "medidor e a comunicação"},
        [NOTHING_DRAWN] = {"nothing was drawn before, so nothing can be missing",
                           "não havia consumo antes: nada pode faltar"},
    };
    return sg_html_word(p, words[u][0], words[u][1]);
}

/* ---- score --------------------------------------------------------------------------------- */

enum { ONE_IN_MOST = 10000 };

struct page_text page_meaning(const struct sg_html *p, const struct line *l)
{
    if (l->chance > 0)
        return text(sg_html_word(p, "by past inspections, fraud at %s of visits like this",
                                 "pelas inspeções passadas, fraude em %s das visitas como esta"),
                    percent(p, l->chance).s);
    if (isnan(l->per_1000) || l->per_1000 <= 0)
        return text("%s", sg_html_word(p, "higher than those below; not calibrated",
                                       "maior que os de baixo; não calibrada"));
    const double one_in = 1000 / (double)l->per_1000;
    /* Farther out there are no honest months to count: it would be a figure of the curve's. */
    if (one_in > ONE_IN_MOST)
        return text(sg_html_word(p, "fewer than 1 in %s customers looks as suspect",
                                 "menos de 1 em %s clientes parece tão suspeito"),
                    sg_format_int(p->language, ONE_IN_MOST).s);
    return text(sg_html_word(p, "1 in %s customers looks as suspect",
                             "1 em %s clientes parece tão suspeito"),
                sg_format_int(p->language, llround(one_in)).s);
}

double page_score(const struct page *g, const struct line *l)
{
    if (l->chance > 0)
        return 100 * (double)l->chance;
    return g->report->plan->mode == MODE_FULL ? l->unsupervised : l->score;
}

struct sg_text page_chance(const struct sg_html *p, const struct page *g, const struct line *l)
{
    struct sg_text none = {"\xe2\x80\x93"};
    if (g->report->plan->mode != MODE_FULL)
        return none;
    const double chance = score_chance(&g->report->result->odds, l);
    if (chance >= 0.05)
        return sg_format_percent(p->language, chance, 0);
    struct sg_text small; /* less than such an estimate can tell */
    snprintf(small.s, sizeof small.s, "< %.16s", sg_format_percent(p->language, 0.05, 0).s);
    return small;
}

/* ---- reasons ------------------------------------------------------------------------------- */

static struct page_text hours(const struct sg_html *p, const struct sg_full_reason *r)
{
    if (r->a < 0.02f)
        return text(sg_html_word(p, "between %.0f and %.0f o'clock nothing is measured any more",
                                 "entre %.0f h e %.0f h já não se mede nada"),
                    (double)r->b, (double)r->c);
    return text(sg_html_word(p,
                             "between %.0f and %.0f o'clock only %s of the usual load is measured",
                             "entre %.0f h e %.0f h só se mede %s da carga habitual"),
                (double)r->b, (double)r->c, percent(p, r->a).s);
}

static struct page_text level(const struct sg_html *p, const struct sg_full_reason *r)
{
    if (r->b < 0.95f || r->b > 1.05f)
        return text(
            sg_html_word(p,
                         "consumption is %s of the usual; customers who move alike lead one "
                         "to expect %s",
                         "o consumo é %s do habitual; clientes de comportamento parecido "
                         "fazem esperar %s"),
            percent(p, r->a).s, percent(p, r->b).s);
    return text(sg_html_word(p, "consumption is %s of the usual", "o consumo é %s do habitual"),
                percent(p, r->a).s);
}

/* The score sees a step among the judged days only; the picture may have found it before them. */
static int32_t day_of_change(const struct page *g, const struct line *l, int32_t told)
{
    const struct fleet_result *f = g->report->result;
    int32_t seen = SG_FRAUD_NO_DAY;
    for (size_t i = 0; i < f->n_suspects; i++)
        if (!strcmp(f->suspects[i].id, l->id))
            seen = f->suspects[i].picture.change_day;
    return seen != SG_FRAUD_NO_DAY && seen < told ? seen : told;
}

/* A fall, or a rise, and its day. */
static struct page_text step(const struct sg_html *p, const struct page *g, const struct line *l,
                             const struct sg_full_reason *r)
{
    const struct sg_text day = page_day(p, g, day_of_change(g, l, (int32_t)r->c + l->epoch));
    const struct sg_text by = percent(p, fabsf(r->a - 1));
    return r->a < 1 ? text(sg_html_word(p, "on %s it fell by %s from one day to the next",
                                        "em %s caiu %s de um dia para o outro"),
                           day.s, by.s)
                    : text(sg_html_word(p, "on %s it rose by %s from one day to the next",
                                        "em %s subiu %s de um dia para o outro"),
                           day.s, by.s);
}

static struct page_text suspicion(const struct sg_html *p, const struct page *g,
                                  const struct line *l, const struct sg_full_reason *r)
{
    switch (r->kind) {
    case SG_FULL_REASON_LEVEL:
        return level(p, r);
    case SG_FULL_REASON_SHAPE:
        return text(sg_html_word(p,
                                 "the day no longer looks like this customer's: likeness %s, "
                                 "before %s (1 is the same day again)",
                                 "o dia já não se parece com o deste cliente: semelhança %s, "
                                 "antes %s (1 é o mesmo dia)"),
                    two(p, r->a).s, two(p, r->b).s);
    case SG_FULL_REASON_PEAKS:
        return text(sg_html_word(p,
                                 "no hour above %s kW any more; before, %s of %s days went above",
                                 "nenhuma hora passa de %s kW; antes, %s de %s dias passavam"),
                    two(p, r->a).s, sg_format_int(p->language, llroundf(r->b)).s,
                    sg_format_int(p->language, llroundf(r->c)).s);
    case SG_FULL_REASON_GAP:
        return hours(p, r);
    case SG_FULL_REASON_BASE:
        return text(sg_html_word(p, "what always runs (night load) fell to %s of before",
                                 "a carga permanente (da madrugada) caiu a %s da anterior"),
                    percent(p, r->a).s);
    case SG_FULL_REASON_REVERSED:
        return text(sg_html_word(p,
                                 "the day runs backwards: it is like the own day reversed (%s), "
                                 "not like the day itself (%s)",
                                 "o dia corre ao contrário: parece o próprio dia invertido (%s), "
                                 "não o dia (%s)"),
                    two(p, r->a).s, two(p, r->b).s);
    case SG_FULL_REASON_FLAT:
        return text(sg_html_word(p, "hours became alike: %s of the former difference within a day",
                                 "as horas ficaram iguais: %s da diferença anterior dentro do dia"),
                    percent(p, r->a).s);
    case SG_FULL_REASON_NOISE:
        return text(sg_html_word(p, "jumps from hour to hour are %s times the usual",
                                 "os saltos de hora em hora são %s vezes o habitual"),
                    sg_format_fixed(p->language, (double)r->a, 1).s);
    case SG_FULL_REASON_STEP:
        return step(p, g, l, r);
    case SG_FULL_REASON_MISSING:
        return text(sg_html_word(p, "%s of the days have no complete readings, before %s",
                                 "%s dos dias sem leituras completas, antes %s"),
                    percent(p, r->a).s, percent(p, r->b).s);
    default:
        return text("%s", "");
    }
}

static bool is_excuse(uint8_t kind)
{
    return kind >= SG_FULL_REASON_VACANT && kind < SG_FULL_REASON_COUNT;
}

static size_t plain_reasons(const struct sg_html *p, const struct page *g, const struct line *l,
                            struct page_text *ret)
{
    size_t n = 0;
    if (!isnan(l->level) && l->level < 0.95f)
        ret[n++] =
            text(sg_html_word(p, "consumption is %s of before", "o consumo é %s do anterior"),
                 percent(p, l->level).s);
    if (!isnan(l->likeness) && l->likeness < 0.6f)
        ret[n++] = text(sg_html_word(p,
                                     "the day no longer looks like this customer's: likeness %s "
                                     "(1 is the same day again)",
                                     "o dia já não se parece com o deste cliente: semelhança %s (1 "
                                     "é o mesmo dia)"),
                        two(p, l->likeness).s);
    if (g->report->plan->mode == MODE_PAPER && l->class_then != l->class_now && n < 3)
        ret[n++] = text("%s", sg_html_word(p, "most days are now of another type of day",
                                           "a maioria dos dias agora é de outro tipo"));
    if (n == 0)
        ret[n++] =
            text("%s", sg_html_word(p, "the recent days differ a little from the regular ones",
                                    "os dias recentes diferem um pouco dos regulares"));
    return n;
}

/* Where half of the load is gone, that peaks are lower and hours more alike only follows from it:
 * such reasons are told last. */
static bool only_follows(const struct line *l, uint8_t kind)
{
    return l->level < 0.8f && (kind == SG_FULL_REASON_PEAKS || kind == SG_FULL_REASON_FLAT ||
                               kind == SG_FULL_REASON_NOISE);
}

/* The order in which an inspector is told them. */
static size_t order_reasons(const struct line *l, const struct sg_full_reason *ret[SG_FULL_REASONS])
{
    size_t n = 0;
    for (int last = 0; last < 2; last++)
        for (size_t i = 0; i < SG_FULL_REASONS; i++) {
            const uint8_t kind = l->reason[i].kind;
            if (kind != SG_FULL_REASON_NONE && !is_excuse(kind) && only_follows(l, kind) == last)
                ret[n++] = &l->reason[i];
        }
    return n;
}

/* What the meter's phasors and its transformer tell weighs more than any change of the load. */
static size_t wiring_reasons(const struct sg_html *p, const struct line *l, struct page_text ret[2])
{
    char words[SG_PHASOR_WORDS_MAX];
    size_t n = 0;
    if (score_phasor_words(l, sg_html_word(p, "", "pt")[0] != 0, words))
        ret[n++] = text("%s", words);
    if (l->balance && balances_tells(l->balance))
        ret[n++] = text(sg_html_word(p,
                                     "%.1f kWh a day of what is lost behind transformer %s go "
                                     "with its load",
                                     "%.1f kWh por dia do que se perde no transformador %s "
                                     "acompanham a sua carga"),
                        (double)l->balance->kwh_per_day, l->balance->transformer);
    return n;
}

size_t page_reasons(const struct sg_html *p, const struct page *g, const struct line *l,
                    struct page_text ret[PAGE_REASONS_MAX])
{
    const struct sg_full_reason *reasons[SG_FULL_REASONS];
    if (g->report->plan->mode != MODE_FULL)
        return plain_reasons(p, g, l, ret);
    size_t n = wiring_reasons(p, l, ret);
    const size_t n_own = order_reasons(l, reasons);
    for (size_t i = 0; i < n_own; i++)
        ret[n++] = suspicion(p, g, l, reasons[i]);
    return n;
}

struct page_text page_excuse(const struct sg_html *p, const struct line *l)
{
    static const char *const known[2][2] = {{"it looks like", "parece"}, {"known", "informado"}};
    for (size_t i = 0; i < SG_FULL_REASONS; i++) {
        const struct sg_full_reason *r = &l->reason[i];
        const char *how = sg_html_word(p, known[r->b > 0.5f][0], known[r->b > 0.5f][1]);
        switch (r->kind) {
        case SG_FULL_REASON_VACANT:
            return text(
                sg_html_word(p,
                             "vacant premises (%s): what is left is %s of the former "
                             "night load",
                             "imóvel desocupado (%s): resta %s da antiga carga da madrugada"),
                how, percent(p, r->a).s);
        case SG_FULL_REASON_SOLAR:
            return text(sg_html_word(p,
                                     "solar panels (%s): at noon %s of the usual load is left, the "
                                     "night is as before",
                                     "painéis solares (%s): ao meio-dia resta %s da carga "
                                     "habitual, a noite é como antes"),
                        how, percent(p, r->a).s);
        case SG_FULL_REASON_TARIFF:
            return text(sg_html_word(p,
                                     "another tariff (%s): %s of the former total, at other hours",
                                     "outra tarifa (%s): %s do total anterior, em outros horários"),
                        how, percent(p, r->a).s);
        default:
            break;
        }
    }
    return text("%s", "");
}

/* ---- doubts -------------------------------------------------------------------------------- */

static struct page_text honest_alike(const struct sg_html *p, double chance)
{
    return text(sg_html_word(p, "of ten customers like this about %.0f are honest",
                             "de dez clientes assim, cerca de %.0f são honestos"),
                10 * (1 - chance));
}

size_t page_doubts(const struct sg_html *p, const struct page *g, const struct line *l,
                   const struct picture *pic, struct page_text ret[PAGE_DOUBTS_MAX])
{
    const struct page_text excuse = page_excuse(p, l);
    const double chance = score_chance(&g->report->result->odds, l);
    size_t n = 0;
    if (excuse.s[0])
        ret[n++] = excuse;
    if (g->report->plan->mode == MODE_FULL && chance < 0.85)
        ret[n++] = honest_alike(p, chance);
    if (pic->missing_day <= 0)
        ret[n++] = text("%s", sg_html_word(p,
                                           "no energy is missing in all: what changed is when it "
                                           "is drawn, which pays under a tariff by hours only",
                                           "no total não falta energia: mudou a hora em que é "
                                           "consumida, o que só compensa em tarifa horária"));
    if (pic->change_day == SG_FRAUD_NO_DAY)
        ret[n++] = text("%s", sg_html_word(p, "no day stands out on which it began",
                                           "nenhum dia se destaca como começo"));
    if (l->incomplete > l->n_recent / 3)
        ret[n++] =
            text(sg_html_word(p, "%s of the days lack readings", "em %s dos dias faltam leituras"),
                 sg_format_int(p->language, l->incomplete).s);
    return n;
}

/* ---- what to look at ----------------------------------------------------------------------- */

/* Bits of a set, in the order in which they are told. */
enum check { CLAMP, SEALS, BYPASS, TRANSFORMERS, SWITCH, SECOND, CLOCK, MEMORY, MODULE, N_CHECKS };

static const char *check_word(const struct sg_html *p, enum check c)
{
    static const char *const words[N_CHECKS][2] = {
        [CLAMP] = {"clamp meter on the incoming line against the meter's display, under load",
                   "alicate amperímetro no ramal de entrada contra o visor do medidor, com carga"},
        [SEALS] = {"seals of cover and terminals, against the last work order",
                   "lacres da tampa e dos bornes, contra a última ordem de serviço"},
        [BYPASS] = {"taps before the meter, jumpers between line and load terminals",
                    "derivação antes do medidor, ponte entre bornes de linha e de carga"},
        [TRANSFORMERS] = {"current transformers: ratio, polarity, shorted secondary (if any)",
                          "transformadores de corrente: relação, polaridade, secundário em curto "
                          "(se houver)"},
        [SWITCH] = {"a switch, timer or contactor that takes load off the meter: visit in these "
                    "hours",
                    "chave, temporizador ou contator que tire carga do medidor: visitar nesse "
                    "horário"},
        [SECOND] = {"a second supply for the large loads (air conditioning, shower, motors)",
                    "segunda alimentação das cargas grandes (ar-condicionado, chuveiro, motores)"},
        [CLOCK] = {"the meter's clock, and its load profile hour by hour",
                   "relógio do medidor e sua memória de massa, hora a hora"},
        [MEMORY] = {"the meter's own register and load profile against the readings received; "
                    "firmware version",
                    "registrador e memória de massa do medidor contra as leituras recebidas; "
                    "versão do firmware"},
        [MODULE] = {"communication module and antenna, power cuts in the meter's event log",
                    "módulo de comunicação e antena, faltas de energia no registro de eventos"},
    };
    return sg_html_word(p, words[c][0], words[c][1]);
}

static unsigned checks_of(uint8_t kind)
{
    switch (kind) {
    case SG_FULL_REASON_LEVEL:
    case SG_FULL_REASON_STEP:
    case SG_FULL_REASON_BASE:
        return 1u << CLAMP | 1u << SEALS | 1u << BYPASS | 1u << TRANSFORMERS;
    case SG_FULL_REASON_PEAKS:
        return 1u << SECOND | 1u << CLAMP | 1u << TRANSFORMERS;
    case SG_FULL_REASON_GAP:
        return 1u << SWITCH | 1u << BYPASS | 1u << SEALS;
    case SG_FULL_REASON_REVERSED:
        return 1u << CLOCK | 1u << MEMORY;
    case SG_FULL_REASON_FLAT:
    case SG_FULL_REASON_NOISE:
        return 1u << MEMORY | 1u << SEALS;
    case SG_FULL_REASON_SHAPE:
        return 1u << CLAMP | 1u << MEMORY;
    case SG_FULL_REASON_MISSING:
        return 1u << MODULE | 1u << SEALS;
    default:
        return 0;
    }
}

static unsigned plain_checks(const struct line *l)
{
    unsigned set = 0;
    if (!isnan(l->level) && l->level < 0.95f)
        set |= checks_of(SG_FULL_REASON_LEVEL);
    if (!isnan(l->likeness) && l->likeness < 0.6f)
        set |= checks_of(SG_FULL_REASON_SHAPE);
    return set ? set : checks_of(SG_FULL_REASON_SHAPE);
}

/* Of the first two reasons: the third is weak, and its checks would only tire. */
static unsigned full_checks(const struct line *l)
{
    const struct sg_full_reason *reasons[SG_FULL_REASONS];
    const size_t n = order_reasons(l, reasons);
    unsigned set = l->level < 0.8f ? checks_of(SG_FULL_REASON_LEVEL) : 0;
    for (size_t i = 0; i < n && i < 2; i++)
        set |= checks_of(reasons[i]->kind);
    return set ? set : checks_of(SG_FULL_REASON_SHAPE);
}

size_t page_checks(const struct sg_html *p, const struct page *g, const struct line *l,
                   const char *ret[PAGE_CHECKS_MAX])
{
    unsigned set = 0;
    size_t n = 0;
    if (g->report->plan->mode != MODE_FULL)
        set = plain_checks(l);
    else
        set = full_checks(l) | (l->phasor.sureness > 0.3f ? checks_of(SG_FULL_REASON_STEP) : 0);
    for (int c = 0; c < N_CHECKS && n < PAGE_CHECKS_MAX; c++)
        if (set & 1u << c)
            ret[n++] = check_word(p, (enum check)c);
    return n;
}
