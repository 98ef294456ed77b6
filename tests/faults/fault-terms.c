/* fault-terms - contracts and choices, doctored. */
#include "fault.h"

#include <stdio.h>

/* ---- contracts ----------------------------------------------------------------------------- */

/* One member of it says something else; false: it says the same. */
static bool change_contract(const struct scenario *s, struct sg_prng *random, struct sg_contract *c,
                            const char **ret_what)
{
    static const char *const members[] = {"demand",  "phases", "exempt",         "tariff", "until",
                                          "history", "credit", "one month more", "from"};
    const uint64_t k = sg_prng_below(random, sizeof(members) / sizeof(members[0]));
    int64_t one = sg_prng_below(random, 2) ? 1 : -1;

    *ret_what = members[k];
    switch (k) {
    case 0:
        c->demand[0].w += one * (1 + (int64_t)sg_prng_below(random, 900));
        return true;
    case 1:
        c->phases = c->phases % 3 + 1;
        return true;
    case 2:
        snprintf(c->exempt[0], sizeof(c->exempt[0]), "vat");
        c->n_exempt = 1 - c->n_exempt;
        return true;
    case 3:
        snprintf(c->tariff, sizeof(c->tariff), "%s",
                 *c->tariff ? "" : s->world->tariff[s->tariff]->id);
        return true;
    case 4:
        c->until_day =
            c->until_day == SG_CONTRACT_NEVER ? s->until_s / 86400 + 5 : SG_CONTRACT_NEVER;
        return true;
    case 5:
        if (c->n_history)
            c->history[sg_prng_below(random, c->n_history)].demand[0].w += one;
        return c->n_history;
    case 6:
        if (c->n_credits)
            c->credits[sg_prng_below(random, c->n_credits)].wh += 1;
        return c->n_credits;
    case 7:
        c->n_history = (c->n_history + 1) % 3;
        return true;
    default:
        c->from_day -= 1;
        return true;
    }
}

bool fault_contract(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    struct sg_contract_history history[2];
    struct sg_contract_credit credits[2];
    struct sg_contract c = s->contract;
    struct sc_terms terms = scenario_terms(s);
    const char *what;

    memcpy(history, s->history, sizeof(history));
    memcpy(credits, s->credits, sizeof(credits));
    c.history = history;
    c.credits = credits;
    terms.contract = &c;
    if (!change_contract(s, random, &c, &what))
        return false;
    snprintf(lie->what, sizeof(lie->what), "%s", what);
    if (sg_prng_below(random, 2)) /* everything worked out by it */
        return fault_bill(s, lie, &terms, s->charged, s->n_charged);
    struct sg_bill worked = {.client = 0}; /* its face alone */
    if (scenario_bill(s, &terms, s->charged, s->n_charged, &worked) != 0)
        return false;
    struct sg_contract told = lie->bill.contract;
    lie->bill.contract = worked.contract;
    worked.contract = told;
    sg_bill_clear(&worked);
    return true;
}

/* ---- choices ------------------------------------------------------------------------------- */

static struct sg_bill_choice *some_choice(struct sg_prng *random, struct sg_bill *b)
{
    return &b->resolved[sg_prng_below(random, b->n_resolved)];
}

/* The bill tells a choice otherwise than it was recorded. */
static bool tell_otherwise(struct sg_prng *random, struct lie *lie)
{
    struct sg_bill_choice *c = some_choice(random, &lie->bill);

    snprintf(lie->what, sizeof(lie->what), "told otherwise");
    switch (sg_prng_below(random, 6)) {
    case 0:
        c->who[0] ^= 1;
        return true;
    case 1:
        c->why[sg_prng_below(random, 5)] ^= 1;
        return true;
    case 2:
        c->resolved_s += 1;
        return true;
    case 3:
        c->energy_wh += 1;
        return true;
    case 4:
        c->chosen[sg_prng_below(random, sizeof(c->chosen))] ^= 1;
        return true;
    default:
        c->record_sha256[sg_prng_below(random, 32)] ^= 1;
        return true;
    }
}

static bool hide(struct sg_prng *random, struct lie *lie)
{
    struct sg_bill *b = &lie->bill;
    size_t i = sg_prng_below(random, b->n_resolved);

    snprintf(lie->what, sizeof(lie->what), "hidden");
    memmove(&b->resolved[i], &b->resolved[i + 1], (b->n_resolved - i - 1) * sizeof(*b->resolved));
    b->n_resolved--;
    return true;
}

/* A choice that nobody made, on the bill. */
static bool invent(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    const struct sc_charged *of = &s->charged[sg_prng_below(random, s->n_charged)];
    struct sg_bill *b = &lie->bill;
    struct sg_bill_choice *list;
    size_t at = 0;

    snprintf(lie->what, sizeof(lie->what), "invented");
    while (at < b->n_resolved && b->resolved[at].ts_s < of->ts_s)
        at++;
    if (at < b->n_resolved && b->resolved[at].ts_s == of->ts_s)
        return false;
    list = reallocarray(b->resolved, b->n_resolved + 1, sizeof(*list));
    if (!list)
        return false;
    memmove(&list[at + 1], &list[at], (b->n_resolved - at) * sizeof(*list));
    list[at] = (struct sg_bill_choice){.meter = sg_bill_meter_at(b, of->serial, of->ts_s),
                                       .ts_s = of->ts_s,
                                       .energy_wh = of->energy_wh,
                                       .who = "Ana",
                                       .why = "clock set back",
                                       .resolved_s = s->until_s};
    b->resolved = list;
    b->n_resolved++;
    return true;
}

/* The reading that was not chosen is charged, everything else worked out by it.  forge: the record
 * says so too, under the old signature or a meter's. */
static bool turn(const struct scenario *s, struct sg_prng *random, struct lie *lie, bool forge)
{
    struct sc_charged charged[SC_READINGS_MAX];
    struct sc_terms terms = scenario_terms(s);
    const size_t k = sg_prng_below(random, s->choices.n);
    const int64_t ts_s = s->choices.rows[k].ts_s;
    const struct sg_reading *other = scenario_telling(s, ts_s, 0);
    size_t n = 0;

    if (scenario_counts(&s->choices, other))
        other = scenario_telling(s, ts_s, 1);
    memcpy(charged, s->charged, sizeof(charged));
    while (n < s->n_charged && charged[n].ts_s != ts_s)
        n++;
    if (n == s->n_charged)
        return false;
    charged[n].energy_wh = other->field[SG_READING_interval_energy];
    snprintf(lie->what, sizeof(lie->what), "the other one charged%s", forge ? ", forged" : "");
    terms.choices = &lie->choices;
    if (forge && sg_prng_below(random, 2)) {
        if (sg_row_digest(other, lie->choices.rows[k].chosen) != 0)
            return false;
    } else if (forge && scenario_choose(s, &lie->choices, k, other, s->world->key[0],
                                        s->world->cert[0]) != 0) {
        return false;
    }
    for (size_t b = 0; b < lie->n_blocks; b++)
        for (size_t i = 0; i < lie->blocks[b]->n_readings; i++)
            if (&lie->blocks[b]->readings[i] == other)
                memcpy(charged[n].leaf, lie->blocks[b]->leaves[i], 32);
    return fault_bill(s, lie, &terms, charged, s->n_charged);
}

/* A record taken out of the evidence; the bill may keep quiet about it, too. */
static bool lose(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    struct sc_choices *c = &lie->choices;
    size_t k = sg_prng_below(random, c->n);
    struct sc_terms terms = scenario_terms(s);

    snprintf(lie->what, sizeof(lie->what), "record lost");
    memmove(&c->rows[k], &c->rows[k + 1], (c->n - k - 1) * sizeof(c->rows[0]));
    c->n--;
    terms.choices = c;
    return sg_prng_below(random, 2) || fault_bill(s, lie, &terms, s->charged, s->n_charged);
}

/* As if there had never been two tellings. */
static bool keep_back(const struct scenario *s, struct lie *lie)
{
    struct sc_terms terms = scenario_terms(s);
    struct sc_charged charged[SC_READINGS_MAX];
    size_t n = 0;

    snprintf(lie->what, sizeof(lie->what), "second telling kept back");
    memmove(&lie->blocks[s->told_again], &lie->blocks[s->told_again + 1],
            (lie->n_blocks - s->told_again - 1) * sizeof(lie->blocks[0]));
    lie->n_blocks--;
    lie->choices.n = 0;
    terms.choices = &lie->choices;
    for (size_t i = 0; i < s->n_charged; i++) {
        charged[n] = s->charged[i];
        for (size_t k = 0; k < s->choices.n; k++) {
            const struct sg_reading *first = scenario_telling(s, s->choices.rows[k].ts_s, 0);
            if (first && first->ts_s == charged[n].ts_s)
                charged[n].energy_wh = first->field[SG_READING_interval_energy];
        }
        n++;
    }
    return fault_bill(s, lie, &terms, charged, n);
}

bool fault_choice(const struct scenario *s, struct sg_prng *random, struct lie *lie)
{
    if (s->choices.n == 0)
        return invent(s, random, lie);
    switch (sg_prng_below(random, 7)) {
    case 0:
        return invent(s, random, lie);
    case 1:
        return tell_otherwise(random, lie);
    case 2:
        return hide(random, lie);
    case 3:
        return turn(s, random, lie, false);
    case 4:
        return turn(s, random, lie, true);
    case 5:
        return lose(s, random, lie);
    default:
        return keep_back(s, lie);
    }
}
