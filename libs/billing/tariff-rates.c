/* tariff-rates - dated rates of a charge, by its kind. */
#include "tariff-int.h"

static int take_signed_rate(struct sg_fields *f, const struct sg_yaml_node *n, int64_t *ret)
{
    return sg_field_decimal(f, n, SG_RATE_DIGITS, -SG_FIELD_RATE_MAX, SG_FIELD_RATE_MAX, ret);
}

/* ---- by post ------------------------------------------------------------------------------- */

/* All pieces of a charge have rates of the same posts, or all have one rate.  The first that is in
 * order says which. */
static int same_shape(struct sg_fields *f, const struct sg_yaml_node *n, bool by_post,
                      uint8_t posts)
{
    struct sg_tariff_charge *c = sg_tariff_parser_of(f)->charge;

    if (sg_tariff_parser_of(f)->is_first_piece || c->posts == 0) {
        c->by_post = by_post;
        c->posts = posts;
        return 0;
    }
    return c->by_post == by_post && c->posts == posts
               ? 0
               : sg_fields_refuse(f, n, "must name the same posts as the rates before");
}

static int take_rate_of_post(struct sg_fields *f, const struct sg_yaml_node *n,
                             struct sg_tariff_piece *piece, uint8_t *posts)
{
    size_t post = sg_tariff_find_post(sg_tariff_parser_of(f)->t, n->key);

    if (post == SIZE_MAX)
        return sg_fields_refuse(f, n, "no post of that name%s",
                                n->key[0] && strspn(n->key, "0123456789") == strlen(n->key)
                                    ? " (decimals are behind a point)"
                                    : "");
    *posts = (uint8_t)(*posts | 1u << post);
    return take_signed_rate(f, n, &piece->rate[post]);
}

static int take_rate(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    const struct sg_tariff_parser *p = sg_tariff_parser_of(f);
    struct sg_tariff_piece *piece = into;
    unsigned all = (1u << p->t->n_posts) - 1;
    uint8_t posts = 0;
    int r = 0;

    if (n->kind != SG_YAML_MAPPING) {
        r = take_signed_rate(f, n, &piece->rate[0]);
        for (size_t i = 1; i < SG_TARIFF_POSTS_MAX; i++)
            piece->rate[i] = piece->rate[0];
        return r ? r : same_shape(f, n, false, (uint8_t)all);
    }
    for (const struct sg_yaml_node *e = n->first; e && r >= 0; e = e->next)
        r = sg_fields_worse(r, take_rate_of_post(f, e, piece, &posts));
    if (r)
        return r;
    if (posts == 0)
        return sg_fields_refuse(f, n, "names no post");
    if (p->charge->kind == SG_CHARGE_ENERGY && posts != all)
        return sg_fields_refuse(f, n, "every post must be named");
    return same_shape(f, n, true, posts);
}

/* ---- tiers --------------------------------------------------------------------------------- */

static int take_nothing(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    (void)f, (void)n, (void)into; /* read already, before the other members */
    return 0;
}

static int take_tier_rate(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_tier *tier = into;
    return take_signed_rate(f, n, &tier->rate);
}

static int take_tier(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {{"up_to_kwh", false, take_nothing},
                                              {"rate", true, take_tier_rate}};
    struct sg_tariff_piece *piece = into;
    size_t i = piece->n_tiers++;
    int r = sg_fields_up_to(f, n, i ? piece->tiers[i - 1].up_to_wh : 0, i > 0,
                            &piece->tiers[i].up_to_wh);

    if (n->kind != SG_YAML_MAPPING || r < 0)
        return r;
    return sg_fields_worse(
        r, sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), &piece->tiers[i]));
}

static int take_tiers(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return sg_fields_list(f, n, SG_TARIFF_TIERS_MAX, take_tier, into);
}

/* ---- fixed amounts ------------------------------------------------------------------------- */

static int take_one(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return take_signed_rate(f, n, (int64_t *)into);
}

static int take_two(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return take_signed_rate(f, n, (int64_t *)into + 1);
}

static int take_three(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return take_signed_rate(f, n, (int64_t *)into + 2);
}

static int take_amount(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {
        {"one", true, take_one}, {"two", true, take_two}, {"three", true, take_three}};
    struct sg_tariff_parser *p = sg_tariff_parser_of(f);
    struct sg_tariff_piece *piece = into;
    bool by_phases = n->kind == SG_YAML_MAPPING;
    int r;

    if (p->is_first_piece)
        p->charge->by_phases = by_phases;
    else if (p->charge->by_phases != by_phases)
        return sg_fields_refuse(f, n, "by phases in all pieces or in none");
    if (by_phases)
        return sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), piece->amount);
    r = take_signed_rate(f, n, &piece->amount[0]);
    piece->amount[1] = piece->amount[2] = piece->amount[0];
    return r;
}

/* ---- dynamic ------------------------------------------------------------------------------- */

static int take_adder(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_piece *piece = into;
    return take_signed_rate(f, n, &piece->adder);
}

static int take_cap(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_piece *piece = into;
    return take_signed_rate(f, n, &piece->cap);
}

static int take_floor(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_piece *piece = into;
    int r = take_signed_rate(f, n, &piece->floor);

    if (!r && piece->floor > piece->cap)
        r = sg_fields_refuse(f, n, "must not be above the cap");
    return r;
}

/* ---- net metering -------------------------------------------------------------------------- */

static bool is_import_energy(const struct sg_tariff_charge *c)
{
    return c->kind == SG_CHARGE_ENERGY && c->of == SG_OF_IMPORT;
}

static int take_percent_of(struct sg_fields *f, const struct sg_yaml_node *n,
                           struct sg_tariff_piece *piece)
{
    struct sg_tariff_parser *p = sg_tariff_parser_of(f);
    struct sg_tariff_charge *c = p->charge;
    size_t charge = sg_tariff_find_charge(p->t, n->key), i = 0;

    if (charge == SIZE_MAX || !is_import_energy(&p->t->charges[charge]))
        return sg_fields_refuse(f, n, "no energy charge of import by that name stands above");
    while (i < c->n_credited && c->credited[i] != charge)
        i++;
    if (i == c->n_credited) {
        if (!p->is_first_piece)
            return sg_fields_refuse(f, n, "must name the same charges as the piece before");
        if (i == SG_TARIFF_CREDITED_MAX)
            return sg_fields_refuse(f, n, "more than %d charges", SG_TARIFF_CREDITED_MAX);
        c->credited[c->n_credited++] = charge;
    }
    return sg_field_decimal(f, n, 4, 0, SG_PPM, &piece->credit_ppm[i]);
}

static int take_percent(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    const struct sg_tariff_charge *c = sg_tariff_parser_of(f)->charge;
    int r = sg_field_kind(f, n, SG_YAML_MAPPING);

    if (r)
        return r;
    for (const struct sg_yaml_node *e = n->first; e && r >= 0; e = e->next)
        r = sg_fields_worse(r, take_percent_of(f, e, into));
    if (!r && (n->n_children == 0 || n->n_children != c->n_credited))
        r = sg_fields_refuse(f, n, "must name at least one charge, in all pieces the same");
    return r;
}

/* ---- all ----------------------------------------------------------------------------------- */

static const struct sg_field by_rate[] = {{"from", false, take_nothing}, {"rate", true, take_rate}};
static const struct sg_field by_tiers[] = {{"from", false, take_nothing},
                                           {"tiers", true, take_tiers}};
static const struct sg_field by_amount[] = {{"from", false, take_nothing},
                                            {"amount", true, take_amount}};
static const struct sg_field by_price[] = {{"from", false, take_nothing},
                                           {"adder", false, take_adder},
                                           {"cap", false, take_cap},
                                           {"floor", false, take_floor}};
static const struct sg_field by_percent[] = {{"from", false, take_nothing},
                                             {"percent", true, take_percent}};

static const struct {
    const struct sg_field *members;
    size_t n;
} members_of[SG_CHARGE_N_KINDS] = {
    [SG_CHARGE_ENERGY] = {by_rate, SG_FIELD_COUNT(by_rate)},
    [SG_CHARGE_TIERS] = {by_tiers, SG_FIELD_COUNT(by_tiers)},
    [SG_CHARGE_DYNAMIC] = {by_price, SG_FIELD_COUNT(by_price)},
    [SG_CHARGE_DEMAND] = {by_rate, SG_FIELD_COUNT(by_rate)},
    [SG_CHARGE_REACTIVE_ENERGY] = {by_rate, SG_FIELD_COUNT(by_rate)},
    [SG_CHARGE_REACTIVE_DEMAND] = {by_rate, SG_FIELD_COUNT(by_rate)},
    [SG_CHARGE_FIXED] = {by_amount, SG_FIELD_COUNT(by_amount)},
    [SG_CHARGE_NET_METERING] = {by_percent, SG_FIELD_COUNT(by_percent)},
};

static int take_piece(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_parser *p = sg_tariff_parser_of(f);
    enum sg_charge_kind kind = p->charge->kind;
    struct sg_tariff_piece *piece = into;

    piece->cap = INT64_MAX;
    piece->floor = INT64_MIN;
    p->is_first_piece = n == p->rates->first;
    return sg_fields_mapping(f, n, members_of[kind].members, members_of[kind].n, into);
}

int sg_tariff_take_rates(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_parser *p = sg_tariff_parser_of(f);
    void *pieces = NULL;
    size_t n_pieces = 0;
    int r;

    (void)into;
    _Static_assert(offsetof(struct sg_tariff_piece, from_day) == 0, "sg_fields_dated");
    p->rates = n;
    r = sg_fields_dated(f, n, sizeof(struct sg_tariff_piece), take_piece, &pieces, &n_pieces);
    p->charge->pieces = pieces;
    p->charge->n_pieces = n_pieces;
    return r;
}
