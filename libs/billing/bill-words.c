/* bill-words - what codes of lines, posts and taxes are called on a bill for people. */
#include "bill-page-int.h"

#include <stdio.h>

struct word {
    const char *code, *en, *pt;
};

/* Names that tariff files use; another name stands as it is. */
static const struct word posts[] = {
    {"peak", "peak", "ponta"},
    {"intermediate", "intermediate", "intermediário"},
    {"off_peak", "off-peak", "fora ponta"},
    {"reserved", "reserved", "reservado"},
    {"high", "high", "alto"},
    {"normal", "normal", "normal"},
    {"low", "low", "baixo"},
    {"all", "all hours", "todas as horas"},
    {NULL, NULL, NULL},
};
static const struct word charges[] = {
    {"energy", "Energy", "Consumo"},
    {"te", "Energy (TE)", "Energia (TE)"},
    {"tusd", "Use of the network (TUSD)", "Uso do sistema (TUSD)"},
    {"demand", "Demand", "Demanda"},
    {"reactive", "Reactive energy above the reference", "Energia reativa excedente"},
    {"reactive_energy", "Reactive energy above the reference", "Energia reativa excedente"},
    {"reactive_demand", "Reactive demand above the reference", "Demanda reativa excedente"},
    {"service", "Service", "Serviço"},
    {"standing", "Standing charge", "Taxa fixa"},
    {"fixed", "Fixed charge", "Encargo fixo"},
    {"minimum", "Minimum bill (availability)", "Custo de disponibilidade"},
    {"net", "Energy sent out, credited", "Energia injetada, compensada"},
    {"net_metering", "Energy sent out, credited", "Energia injetada, compensada"},
    {"export", "Energy sent out", "Energia injetada"},
    {"feed_in", "Energy sent out", "Energia injetada"},
    {NULL, NULL, NULL},
};
static const struct word flags[] = {
    {"green", "green", "verde"},
    {"yellow", "yellow", "amarela"},
    {"red-1", "red, level 1", "vermelha patamar 1"},
    {"red-2", "red, level 2", "vermelha patamar 2"},
    {"scarcity", "water scarcity", "escassez hídrica"},
    {NULL, NULL, NULL},
};
static const struct word taxes[] = {
    {"icms", "ICMS (state)", "ICMS"},
    {"pis", "PIS (federal)", "PIS/Pasep"},
    {"cofins", "COFINS (federal)", "Cofins"},
    {"vat", "VAT", "IVA"},
    {NULL, NULL, NULL},
};

static const char *translate(enum sg_language l, const struct word *words, const char *code)
{
    for (; words->code; words++)
        if (!strcmp(words->code, code))
            return l == SG_PT_BR ? words->pt : words->en;
    return code;
}

const char *sg_bill_post_word(enum sg_language l, const char *post)
{
    return translate(l, posts, post);
}

const char *sg_bill_tax_word(enum sg_language l, const char *tax)
{
    return translate(l, taxes, tax);
}

/* "2026-09.red-1", after "flag." */
static bool flag_word(enum sg_language l, const char *rest, char ret[SG_BILL_WORD_MAX])
{
    int year, month, at = 0;
    if (sscanf(rest, "%4d-%2d.%n", &year, &month, &at) != 2 || !at || year < 0 || month < 1 ||
        month > 12)
        return false;
    snprintf(ret, SG_BILL_WORD_MAX, l == SG_PT_BR ? "Bandeira %.60s, %s" : "Flag %.60s, %s",
             translate(l, flags, rest + at), sg_format_month(l, year * 12 + month - 1).s);
    return true;
}

/* "excess", "tier3", another charge's name, or a post. */
static void part_word(enum sg_language l, const char *part, char ret[SG_BILL_WORD_MAX])
{
    unsigned tier;
    const char *charge = translate(l, charges, part);
    if (!strcmp(part, "excess"))
        snprintf(ret, SG_BILL_WORD_MAX, "%s",
                 l == SG_PT_BR ? "ultrapassagem" : "above the contract");
    else if (sscanf(part, "tier%3u", &tier) == 1)
        snprintf(ret, SG_BILL_WORD_MAX, l == SG_PT_BR ? "faixa %u" : "step %u", tier);
    else
        snprintf(ret, SG_BILL_WORD_MAX, "%.60s",
                 charge == part ? sg_bill_post_word(l, part) : charge);
}

void sg_bill_line_word(enum sg_language l, const char *code, char ret[SG_BILL_WORD_MAX])
{
    char text[SG_BILL_CODE_MAX + 1], word[SG_BILL_WORD_MAX], *rest = text;
    snprintf(text, sizeof text, "%s", code);
    const char *name = strsep(&rest, ".");
    if (rest && flag_word(l, code + (rest - text), ret))
        return;
    int n = snprintf(ret, SG_BILL_WORD_MAX, "%.100s", translate(l, charges, name));
    while (rest && n > 0 && n < SG_BILL_WORD_MAX) {
        part_word(l, strsep(&rest, "."), word);
        n += snprintf(ret + n, (size_t)(SG_BILL_WORD_MAX - n), ", %.60s", word);
    }
}
