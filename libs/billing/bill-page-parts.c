/* bill-page-parts - what only some bills have: contract, estimates, choices, credits. */
#include "bill-page-int.h"

#include <stdio.h>

static void put_demand(struct sg_html *p, const struct sg_contract_demand *d)
{
    char en[96], pt[96], value[96];

    snprintf(en, sizeof en, "Contracted demand, %.40s", sg_bill_post_word(SG_EN, d->post));
    snprintf(pt, sizeof pt, "Demanda contratada, %.40s", sg_bill_post_word(SG_PT_BR, d->post));
    snprintf(value, sizeof value, "%s\xc2\xa0kW", sg_format_decimal(p->language, d->w, 3, 0).s);
    sg_bill_put_fact(p, en, pt, value);
}

void sg_bill_put_contract(struct sg_html *p, const struct sg_bill_view *v)
{
    const struct sg_contract *c = &v->bill->contract;

    if (!v->bill->has_contract)
        return;
    sg_html_open_class(p, "dl", "facts short");
    sg_bill_put_fact(p, "Contract since", "Contrato desde",
                     sg_format_date(p->language, c->from_day, SG_DATE_NUMERIC).s);
    if (*c->tariff)
        sg_bill_put_fact(p, "Tariff agreed", "Tarifa contratada", c->tariff);
    if (c->phases)
        sg_bill_put_fact(p, "Phases", "Fases", sg_format_int(p->language, c->phases).s);
    for (size_t i = 0; i < c->n_demand; i++)
        put_demand(p, &c->demand[i]);
    for (size_t i = 0; i < c->n_exempt; i++)
        sg_bill_put_fact(p, "Exempt from", "Isento de",
                         sg_bill_tax_word(p->language, c->exempt[i]));
    sg_html_close(p);
}

static void put_estimate(struct sg_html *p, const struct sg_bill_view *v,
                         const struct sg_bill_estimate *e, const char *const (*heads)[2])
{
    sg_html_open(p, "tr");
    sg_bill_put_row_head(p, e->rule);
    sg_bill_put_number(p, heads[1], sg_format_time(p->language, sg_bill_local_s(v, e->from_s)).s);
    sg_bill_put_number(p, heads[2], sg_format_time(p->language, sg_bill_local_s(v, e->until_s)).s);
    sg_bill_put_number(p, heads[3], sg_format_int(p->language, (int64_t)e->intervals).s);
    sg_bill_put_number(p, heads[4], sg_format_energy(p->language, e->import_wh - e->export_wh).s);
    sg_html_close(p);
}

void sg_bill_put_estimates(struct sg_html *p, const struct sg_bill_view *v)
{
    static const char *const heads[][2] = {{"Rule", "Regra"},
                                           {"From", "De"},
                                           {"Until", "Até"},
                                           {"Intervals", "Intervalos"},
                                           {"Energy", "Energia"}};

    if (v->bill->n_estimates == 0)
        return;
    sg_html_element_say(p, "h3", NULL, "Estimated, not measured", "Estimado, não medido");
    sg_html_open_class(p, "table", "cards");
    sg_bill_put_heads(p, heads, 5);
    sg_html_open(p, "tbody");
    for (size_t i = 0; i < v->bill->n_estimates; i++)
        put_estimate(p, v, &v->bill->estimates[i], heads);
    sg_html_close(p);
    sg_html_close(p);
}

/* To the watt-hour: the reader may have another figure from the meter. */
static void put_choice(struct sg_html *p, const struct sg_bill_view *v,
                       const struct sg_bill_choice *c, const char *const (*heads)[2])
{
    char energy[96] = "-";

    if (c->energy_wh != INT64_MIN)
        snprintf(energy, sizeof energy, "%s\xc2\xa0kWh",
                 sg_format_decimal(p->language, c->energy_wh, 3, 3).s);
    sg_html_open(p, "tr");
    sg_bill_put_row_head(p, sg_format_time(p->language, sg_bill_local_s(v, c->ts_s)).s);
    sg_bill_put_number(p, heads[1], energy);
    sg_bill_put_number(p, heads[2], c->who);
    sg_bill_put_number(p, heads[3],
                       sg_format_time(p->language, sg_bill_local_s(v, c->resolved_s)).s);
    sg_bill_put_number(p, heads[4], c->why);
    sg_html_close(p);
}

void sg_bill_put_choices(struct sg_html *p, const struct sg_bill_view *v)
{
    static const char *const heads[][2] = {{"Interval until", "Intervalo até"},
                                           {"Energy as signed", "Energia assinada"},
                                           {"Chosen by", "Escolhida por"},
                                           {"On", "Em"},
                                           {"Reason", "Motivo"}};

    if (v->bill->n_resolved == 0)
        return;
    sg_html_element_say(p, "h3", NULL, "Told differently by signed readings, and chosen",
                        "Leituras assinadas divergentes e a escolhida");
    sg_html_open_class(p, "table", "cards");
    sg_bill_put_heads(p, heads, 5);
    sg_html_open(p, "tbody");
    for (size_t i = 0; i < v->bill->n_resolved; i++)
        put_choice(p, v, &v->bill->resolved[i], heads);
    sg_html_close(p);
    sg_html_close(p);
}

void sg_bill_put_credits(struct sg_html *p, const struct sg_bill_view *v)
{
    static const char *const heads[][2] = {
        {"Month", "Mês"}, {"Time of use", "Posto"}, {"Energy", "Energia"}};
    const struct sg_bill *b = v->bill;

    if (b->n_credits == 0)
        return;
    sg_html_element_say(p, "h3", NULL, "Energy sent out that is still yours",
                        "Créditos de energia a compensar");
    sg_html_open_class(p, "table", "cards");
    sg_bill_put_heads(p, heads, 3);
    sg_html_open(p, "tbody");
    for (size_t i = 0; i < b->n_credits; i++) {
        sg_html_open(p, "tr");
        sg_bill_put_row_head(p, sg_format_month(p->language, b->credits[i].month).s);
        sg_bill_put_number(p, heads[1],
                           sg_bill_post_word(p->language, b->posts[b->credits[i].post]));
        sg_bill_put_number(p, heads[2], sg_format_energy(p->language, b->credits[i].wh).s);
        sg_html_close(p);
    }
    sg_html_close(p);
    sg_html_close(p);
}
