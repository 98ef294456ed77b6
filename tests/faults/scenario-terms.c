/* scenario-terms - contracts, and choices between differing readings. */
#include "scenario.h"

#include <stdio.h>

#define CERT_FROM INT64_C(1400000000)
#define CERT_DAYS 12000

/* ---- operators ----------------------------------------------------------------------------- */

static int issue(struct sg_cert **ret, const char *name, bool ca, const struct sg_key *k,
                 const struct sg_cert *issuer, const struct sg_key *issuer_key)
{
    const struct sg_cert_request req = {.common_name = name,
                                        .not_before_s = CERT_FROM,
                                        .not_after_s = CERT_FROM + CERT_DAYS * INT64_C(86400),
                                        .ca = ca,
                                        .path_len = ca ? 0 : -1};
    return sg_cert_issue(ret, &req, k, issuer, issuer_key);
}

int sc_operators_make(struct sc_world *w)
{
    int r = sg_key_generate(&w->operators_key, SG_KEY_RSA2048);

    if (!r)
        r = sg_key_generate(&w->operator_key, SG_KEY_ED25519);
    if (!r)
        r = issue(&w->operators.roots[0], "operators", true, w->operators_key, NULL,
                  w->operators_key);
    w->operators.n_roots = r == 0;
    return r ? r
             : issue(&w->operator_cert, "Ana", false, w->operator_key, w->operators.roots[0],
                     w->operators_key);
}

void sc_operators_clear(struct sc_world *w)
{
    sg_key_free(w->operators_key);
    sg_key_free(w->operator_key);
    sg_cert_free(w->operator_cert);
    sg_authority_clear(&w->operators);
}

/* ---- contracts ----------------------------------------------------------------------------- */

static void fill_demand(struct sg_contract_demand *d, struct sg_prng *random)
{
    *d = (struct sg_contract_demand){.post = SG_CONTRACT_ALL,
                                     .w = 1000 + (int64_t)sg_prng_below(random, 20000)};
}

void scenario_make_contract(struct scenario *s, struct sg_prng *random)
{
    const struct sg_tariff *t = s->world->tariff[s->tariff];
    const int64_t day = s->from_s / 86400;
    const int month = sg_month_of_day(day);
    struct sg_contract *c = &s->contract;

    *c = (struct sg_contract){.client = s->client,
                              .from_day = day - 2 - (int64_t)sg_prng_below(random, 400),
                              .until_day = SG_CONTRACT_NEVER,
                              .phases = 1 + (unsigned)sg_prng_below(random, 3),
                              .n_demand = 1,
                              .history = s->history,
                              .n_history = sg_prng_below(random, 3),
                              .credits = s->credits,
                              .n_credits = sg_prng_below(random, 3)};
    fill_demand(&c->demand[0], random);
    if (sg_prng_below(random, 2))
        c->until_day = day + 10 + (int64_t)sg_prng_below(random, 400);
    if (sg_prng_below(random, 2))
        memcpy(c->tariff, t->id, sizeof(c->tariff));
    if (sg_prng_below(random, 4) == 0)
        snprintf(c->exempt[c->n_exempt++], sizeof(c->exempt[0]), "vat");
    for (int i = 0; i < 2; i++) {
        s->history[i] = (struct sg_contract_history){.month = month - 2 + i, .n_demand = 1};
        fill_demand(&s->history[i].demand[0], random);
        s->credits[i] = (struct sg_contract_credit){
            .month = month - 2 + i, .post = "peak", .wh = 1 + (int64_t)sg_prng_below(random, 9000)};
    }
}

/* ---- choices ------------------------------------------------------------------------------- */

const struct sg_reading *scenario_telling(const struct scenario *s, int64_t ts_s, int which)
{
    const struct sg_evidence_block *b = s->blocks[s->told_again - (which == 0)];

    for (size_t i = 0; i < b->n_readings; i++)
        if (b->readings[i].ts_s == ts_s)
            return &b->readings[i];
    return NULL;
}

bool scenario_counts(const struct sc_choices *c, const struct sg_reading *r)
{
    uint8_t digest[SG_ROW_DIGEST_LEN];

    for (size_t i = 0; i < c->n; i++)
        if (c->rows[i].ts_s == r->ts_s)
            return sg_row_digest(r, digest) == 0 &&
                   !memcmp(digest, c->rows[i].chosen, sizeof(digest));
    return true;
}

int scenario_choose(const struct scenario *s, struct sc_choices *c, size_t i,
                    const struct sg_reading *reading, const struct sg_key *key,
                    const struct sg_cert *cert)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(SC_RECORD_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf signature = SG_BUF_INIT(SC_RECORD_MAX);
    struct sg_resolution one = {.client = s->client,
                                .row = {.ts_s = reading->ts_s,
                                        .resolved_ts_s = s->until_s + 3600,
                                        .why = SG_BYTES_LIT("clock set back")}};
    char name[SG_ROW_WHO_MAX + 1];
    uint8_t *room = c->room[i];
    int r = sg_row_digest(reading, one.row.chosen);

    if (!r)
        r = sg_resolution_sign(&one, key, cert, name, &der, &signature);
    if (r)
        return r;
    size_t n = strlen(name);
    if (der.len + signature.len + n > SC_RECORD_MAX)
        return sg_raise(-ENOBUFS);
    memcpy(room, der.data, der.len);
    memcpy(room + der.len, signature.data, signature.len);
    memcpy(room + der.len + signature.len, name, n);
    c->rows[i] = one.row;
    c->rows[i].certificate = SG_BYTES(room, der.len);
    c->rows[i].signature = SG_BYTES(room + der.len, signature.len);
    c->rows[i].who = SG_BYTES(room + der.len + signature.len, n);
    return 0;
}

int scenario_make_choices(struct scenario *s, struct sg_prng *random)
{
    const struct sg_evidence_block *again;
    int r = 0;

    if (s->told_again == SC_BLOCKS_MAX)
        return 0;
    again = s->blocks[s->told_again];
    for (size_t i = 0; i < again->n_readings && !r; i++) {
        const struct sg_reading *chosen =
            scenario_telling(s, again->readings[i].ts_s, (int)sg_prng_below(random, 2));
        r = scenario_choose(s, &s->choices, i, chosen, s->world->operator_key,
                            s->world->operator_cert);
        s->choices.n++;
    }
    return r;
}
