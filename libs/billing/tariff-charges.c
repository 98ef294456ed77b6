/* tariff-charges - the list of charges: what each kind has besides its rates. */
#include "tariff-int.h"

#define CARRY_MAX   600 /* months */
#define RATCHET_MAX 60
#define FACTOR_MAX  INT64_C(100000000) /* 100 */
#define KWH_MAX     (SG_FIELD_WH_MAX / 1000)

/* Members of a charge that are one word, one whole number, one decimal. */
#define TAKE_WORD(name, member, type, ...)                                                         \
    static int name(struct sg_fields *f, const struct sg_yaml_node *n, void *into)                 \
    {                                                                                              \
        static const char *const words[] = {__VA_ARGS__};                                          \
        struct sg_tariff_charge *c = into;                                                         \
        size_t i;                                                                                  \
        int r = sg_field_word(f, n, words, SG_FIELD_COUNT(words), &i);                             \
        if (!r)                                                                                    \
            c->member = (type)i;                                                                   \
        return r;                                                                                  \
    }
#define TAKE_COUNT(name, member, min, max)                                                         \
    static int name(struct sg_fields *f, const struct sg_yaml_node *n, void *into)                 \
    {                                                                                              \
        struct sg_tariff_charge *c = into;                                                         \
        int64_t v;                                                                                 \
        int r = sg_field_decimal(f, n, 0, min, max, &v);                                           \
        if (!r)                                                                                    \
            c->member = (uint32_t)v;                                                               \
        return r;                                                                                  \
    }
#define TAKE_DECIMAL(name, member, digits, min, max)                                               \
    static int name(struct sg_fields *f, const struct sg_yaml_node *n, void *into)                 \
    {                                                                                              \
        struct sg_tariff_charge *c = into;                                                         \
        return sg_field_decimal(f, n, digits, min, max, &c->member);                               \
    }

size_t sg_tariff_find_charge(const struct sg_tariff *t, const char *name)
{
    for (size_t i = 0; i < t->n_charges; i++)
        if (!strcmp(t->charges[i].name, name))
            return i;
    return SIZE_MAX;
}

static const char *const kind_words[] = {
#define SG_C(id, word) word,
    SG_CHARGE_KINDS(SG_C)
#undef SG_C
};

const char *sg_charge_kind_word(enum sg_charge_kind kind)
{
    return kind_words[kind];
}

static int take_nothing(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    (void)f, (void)n, (void)into; /* name and kind are read before the others */
    return 0;
}

/* ---- energy -------------------------------------------------------------------------------- */

TAKE_WORD(take_of, of, enum sg_energy_of, "import", "export", "net")
TAKE_COUNT(take_per_days, per_days, 1, 400)

static int take_prices(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_charge *c = into;
    return sg_tariff_take_series(f, n, NULL, &c->prices);
}

/* ---- demand -------------------------------------------------------------------------------- */

static int take_integration(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_charge *c = into;
    const struct sg_tariff *t = sg_tariff_parser_of(f)->t;
    int64_t minutes;
    int r = sg_field_decimal(f, n, 0, 1, 60, &minutes);

    if (r)
        return r;
    c->window_s = (uint32_t)minutes * 60;
    if (60 % minutes)
        return sg_fields_refuse(f, n, "must divide an hour");
    if (t->interval_s && (uint32_t)minutes * 60 % t->interval_s)
        return sg_fields_refuse(f, n, "must be a multiple of interval_minutes");
    return 0;
}

static int take_contracted(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_charge *c = into;
    return sg_field_bool(f, n, &c->contracted);
}

TAKE_DECIMAL(take_tolerance, tolerance_ppm, 4, 0, SG_PPM)
TAKE_DECIMAL(take_factor, factor_ppm, 6, 0, FACTOR_MAX)

static int take_excess(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_charge *c = into;
    static const struct sg_field members[] = {{"tolerance_percent", true, take_tolerance},
                                              {"factor", true, take_factor}};

    c->has_excess = true;
    if (!c->contracted)
        return sg_fields_refuse(f, n, "needs contracted: true");
    return sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), into);
}

TAKE_DECIMAL(take_ratchet_percent, ratchet_ppm, 4, 0, SG_PPM)
TAKE_COUNT(take_ratchet_months, ratchet_months, 1, RATCHET_MAX)

static int take_ratchet(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {{"percent", true, take_ratchet_percent},
                                              {"months", true, take_ratchet_months}};
    return sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), into);
}

/* ---- reactive ------------------------------------------------------------------------------ */

TAKE_DECIMAL(take_power_factor, power_factor_ppm, 6, 1, SG_PPM)

static int take_capacitive_range(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_charge *c = into;

    return sg_field_range(f, n, &c->capacitive[c->n_capacitive++]);
}

static int take_capacitive(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return sg_fields_one_or_list(f, n, SG_TARIFF_RANGES_MAX, take_capacitive_range, into);
}

static int take_demand_name(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    const struct sg_tariff *t = sg_tariff_parser_of(f)->t;
    struct sg_tariff_charge *c = into;
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    c->demand = sg_tariff_find_charge(t, n->text);
    if (c->demand == SIZE_MAX || t->charges[c->demand].kind != SG_CHARGE_DEMAND)
        return sg_fields_refuse(f, n, "no demand charge of that name stands above");
    if (c->by_post != t->charges[c->demand].by_post || c->posts & ~t->charges[c->demand].posts)
        return sg_fields_refuse(f, n, "that charge has demands of other posts than these rates");
    return 0;
}

/* ---- fixed and flags ----------------------------------------------------------------------- */

TAKE_WORD(take_per, per, enum sg_fixed_per, "cycle", "day", "month")
TAKE_WORD(take_split, split, enum sg_flag_split, "interval", "days")

static int take_flag_name(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_flag *flag = into;
    return sg_field_name(f, n, flag->name, SG_TARIFF_NAME_MAX);
}

static int take_flag_adder(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_flag *flag = into;
    return sg_field_decimal(f, n, SG_RATE_DIGITS, -SG_FIELD_RATE_MAX, SG_FIELD_RATE_MAX,
                            &flag->adder);
}

static int take_month(struct sg_fields *f, const struct sg_yaml_node *n, struct sg_tariff_charge *c)
{
    static const struct sg_field members[] = {{"name", true, take_flag_name},
                                              {"adder", true, take_flag_adder}};
    struct sg_tariff_flag *flag = &c->flags[c->n_flags];
    int r = sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), flag);

    if (r < 0)
        return r;
    if (!sg_text_month(n->key, &flag->month))
        return sg_fields_refuse(f, n, "a month is written 2026-09");
    if (c->n_flags && flag->month <= flag[-1].month)
        return sg_fields_refuse(f, n, "months must rise");
    c->n_flags++;
    return r;
}

static int take_months(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_charge *c = into;
    int r = sg_field_kind(f, n, SG_YAML_MAPPING);

    if (r)
        return r;
    if (n->n_children == 0 || n->n_children > SG_TARIFF_FLAGS_MAX)
        return sg_fields_refuse(f, n, "1 to %d months expected", SG_TARIFF_FLAGS_MAX);
    c->flags = calloc(n->n_children, sizeof(*c->flags));
    if (!c->flags)
        return sg_raise(-ENOMEM);
    for (const struct sg_yaml_node *e = n->first; e && r >= 0; e = e->next)
        r = sg_fields_worse(r, take_month(f, e, c));
    return r;
}

/* ---- minimum and net metering -------------------------------------------------------------- */

TAKE_DECIMAL(take_one, least_wh[0], 3, 0, KWH_MAX)
TAKE_DECIMAL(take_two, least_wh[1], 3, 0, KWH_MAX)
TAKE_DECIMAL(take_three, least_wh[2], 3, 0, KWH_MAX)

static int take_kwh(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {
        {"one", true, take_one}, {"two", true, take_two}, {"three", true, take_three}};
    struct sg_tariff_charge *c = into;
    int r;

    c->by_phases = n->kind == SG_YAML_MAPPING;
    if (c->by_phases)
        return sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), into);
    r = take_one(f, n, c);
    c->least_wh[1] = c->least_wh[2] = c->least_wh[0];
    return r;
}

static int take_least_charge(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    const struct sg_tariff *t = sg_tariff_parser_of(f)->t;
    struct sg_tariff_charge *c = into;
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    size_t charge = sg_tariff_find_charge(t, n->text);
    if (charge == SIZE_MAX || t->charges[charge].kind != SG_CHARGE_ENERGY ||
        t->charges[charge].of != SG_OF_IMPORT)
        return sg_fields_refuse(f, n, "no energy charge of import named %.31s stands above",
                                n->text);
    for (size_t i = 0; i < c->n_credited; i++)
        if (c->credited[i] == charge)
            return sg_fields_refuse(f, n, "%.31s is named twice", n->text);
    c->credited[c->n_credited++] = charge;
    return 0;
}

static int take_least_charges(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return sg_fields_list(f, n, SG_TARIFF_CREDITED_MAX, take_least_charge, into);
}

static int take_least_post(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_charge *c = into;
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    size_t post = sg_tariff_find_post(sg_tariff_parser_of(f)->t, n->text);
    if (post == SIZE_MAX)
        return sg_fields_refuse(f, n, "no post of that name");
    c->least_post = (uint8_t)post;
    return 0;
}

TAKE_COUNT(take_carry, carry_months, 0, CARRY_MAX)

/* ---- the list ------------------------------------------------------------------------------ */

#define NAME_AND_KIND                                                                              \
    {"name", true, take_nothing},                                                                  \
    {                                                                                              \
        "kind", true, take_nothing                                                                 \
    }
#define RATES                                                                                      \
    {                                                                                              \
        "rates", true, sg_tariff_take_rates                                                        \
    }

static const struct sg_field of_energy[] = {NAME_AND_KIND, {"of", false, take_of}, RATES};
static const struct sg_field of_tiers[] = {
    NAME_AND_KIND, {"per_days", false, take_per_days}, RATES};
static const struct sg_field of_dynamic[] = {NAME_AND_KIND,
                                             {"of", false, take_of},
                                             {"prices", true, take_prices},
                                             {"rates", false, sg_tariff_take_rates}};
static const struct sg_field of_demand[] = {NAME_AND_KIND,
                                            {"integration_minutes", true, take_integration},
                                            {"contracted", false, take_contracted},
                                            {"excess", false, take_excess},
                                            {"ratchet", false, take_ratchet},
                                            RATES};
static const struct sg_field of_reactive_energy[] = {NAME_AND_KIND,
                                                     {"power_factor", true, take_power_factor},
                                                     {"capacitive_hours", false, take_capacitive},
                                                     RATES};
static const struct sg_field of_reactive_demand[] = {NAME_AND_KIND,
                                                     {"power_factor", true, take_power_factor},
                                                     {"capacitive_hours", false, take_capacitive},
                                                     RATES,
                                                     {"demand", true, take_demand_name}};
static const struct sg_field of_fixed[] = {NAME_AND_KIND, {"per", true, take_per}, RATES};
static const struct sg_field of_flag[] = {
    NAME_AND_KIND, {"split", true, take_split}, {"months", true, take_months}};
static const struct sg_field of_minimum[] = {NAME_AND_KIND,
                                             {"kwh", true, take_kwh},
                                             {"charges", true, take_least_charges},
                                             {"post", true, take_least_post}};
static const struct sg_field of_net_metering[] = {
    NAME_AND_KIND, {"carry_months", true, take_carry}, RATES};

#define TABLE(name)                                                                                \
    {                                                                                              \
        name, SG_FIELD_COUNT(name)                                                                 \
    }
static const struct {
    const struct sg_field *members;
    size_t n;
} members_of[SG_CHARGE_N_KINDS] = {
    [SG_CHARGE_ENERGY] = TABLE(of_energy),
    [SG_CHARGE_TIERS] = TABLE(of_tiers),
    [SG_CHARGE_DYNAMIC] = TABLE(of_dynamic),
    [SG_CHARGE_DEMAND] = TABLE(of_demand),
    [SG_CHARGE_REACTIVE_ENERGY] = TABLE(of_reactive_energy),
    [SG_CHARGE_REACTIVE_DEMAND] = TABLE(of_reactive_demand),
    [SG_CHARGE_FIXED] = TABLE(of_fixed),
    [SG_CHARGE_FLAG] = TABLE(of_flag),
    [SG_CHARGE_MINIMUM] = TABLE(of_minimum),
    [SG_CHARGE_NET_METERING] = TABLE(of_net_metering),
};

static int take_charge_name(struct sg_fields *f, const struct sg_yaml_node *n,
                            struct sg_tariff_charge *c)
{
    const struct sg_yaml_node *name = sg_yaml_get(n, "name");
    int r = name ? sg_field_name(f, name, c->name, SG_TARIFF_NAME_MAX)
                 : sg_fields_refuse_at(f, n->line, "name is missing");

    if (!r && sg_tariff_find_charge(sg_tariff_parser_of(f)->t, c->name) != SIZE_MAX)
        r = sg_fields_refuse(f, name, "a charge of that name stands above");
    return r;
}

static int take_charge_kind(struct sg_fields *f, const struct sg_yaml_node *n,
                            struct sg_tariff_charge *c)
{
    const struct sg_yaml_node *kind = sg_yaml_get(n, "kind");
    size_t i;
    int r = kind ? sg_field_word(f, kind, kind_words, SG_CHARGE_N_KINDS, &i)
                 : sg_fields_refuse_at(f, n->line, "kind is missing");

    if (!r)
        c->kind = (enum sg_charge_kind)i;
    return r;
}

/* Credits are one account, and a minimum must know them. */
static int check_order(struct sg_fields *f, const struct sg_yaml_node *n)
{
    const struct sg_tariff *t = sg_tariff_parser_of(f)->t;

    if (sg_tariff_parser_of(f)->charge->kind != SG_CHARGE_NET_METERING)
        return 0;
    for (size_t i = 0; i < t->n_charges; i++) {
        if (t->charges[i].kind == SG_CHARGE_NET_METERING)
            return sg_fields_refuse(f, n, "a second net_metering charge");
        if (t->charges[i].kind == SG_CHARGE_MINIMUM)
            return sg_fields_refuse(f, n, "net_metering must stand above a minimum");
    }
    return 0;
}

/* A dynamic charge without rates of its own has the prices as they are. */
static int plain_prices(struct sg_tariff_charge *c)
{
    if (c->kind != SG_CHARGE_DYNAMIC || c->n_pieces)
        return 0;
    c->pieces = calloc(1, sizeof(*c->pieces));
    if (!c->pieces)
        return sg_raise(-ENOMEM);
    c->n_pieces = 1;
    c->pieces[0] = (struct sg_tariff_piece){
        .from_day = SG_TARIFF_ALWAYS, .cap = INT64_MAX, .floor = INT64_MIN};
    return 0;
}

static int take_charge(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_parser *p = sg_tariff_parser_of(f);
    struct sg_tariff *t = into;
    struct sg_tariff_charge *c = &t->charges[t->n_charges];
    int named, r = sg_field_kind(f, n, SG_YAML_MAPPING);

    if (r)
        return r;
    p->charge = c;
    c->line = n->line;
    named = take_charge_name(f, n, c);
    r = take_charge_kind(f, n, c);
    if (!r)
        r = sg_fields_mapping(f, n, members_of[c->kind].members, members_of[c->kind].n, c);
    if (!r)
        r = check_order(f, n);
    if (!r)
        r = plain_prices(c);
    t->n_charges++;
    return sg_fields_worse(r, named);
}

int sg_tariff_take_charges(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return sg_fields_list(f, n, SG_TARIFF_CHARGES_MAX, take_charge, into);
}
