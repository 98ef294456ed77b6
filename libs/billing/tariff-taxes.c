/* tariff-taxes - taxes inside and on top, and the lighting fee. */
#include "tariff-int.h"

#define INSIDE_MAX_PPM 900000

static int take_nothing(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    (void)f, (void)n, (void)into; /* read already, before the other members */
    return 0;
}

/* ---- taxes --------------------------------------------------------------------------------- */

static int take_tax_percent(struct sg_fields *f, const struct sg_yaml_node *n, int64_t *ret)
{
    /* Percent with four decimals is parts per million. */
    return sg_field_decimal(f, n, 4, 0, SG_PPM - 1, ret);
}

static int take_band_percent(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_band *band = into;
    return take_tax_percent(f, n, &band->rate_ppm);
}

static int take_band(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {{"up_to_kwh", false, take_nothing},
                                              {"percent", true, take_band_percent}};
    struct sg_tariff_tax_piece *piece = into;
    size_t i = piece->n_bands++;
    int r = sg_fields_up_to(f, n, i ? piece->bands[i - 1].up_to_wh : 0, i > 0,
                            &piece->bands[i].up_to_wh);

    if (n->kind != SG_YAML_MAPPING || r < 0)
        return r;
    return sg_fields_worse(
        r, sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), &piece->bands[i]));
}

static int take_bands(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return sg_fields_list(f, n, SG_TARIFF_BANDS_MAX, take_band, into);
}

static int take_percent(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_tax_piece *piece = into;

    piece->n_bands = 1;
    piece->bands[0].up_to_wh = INT64_MAX;
    return take_tax_percent(f, n, &piece->bands[0].rate_ppm);
}

static int take_tax_piece(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {{"from", false, take_nothing},
                                              {"percent", false, take_percent},
                                              {"bands", false, take_bands}};

    if (!sg_yaml_get(n, "percent") == !sg_yaml_get(n, "bands"))
        return sg_fields_refuse_at(f, n->line, "either percent or bands expected");
    return sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), into);
}

static int take_tax_rates(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_tax *tax = into;
    void *pieces = NULL;
    size_t n_pieces = 0;
    int r = sg_fields_dated(f, n, sizeof(struct sg_tariff_tax_piece), take_tax_piece, &pieces,
                            &n_pieces);

    _Static_assert(offsetof(struct sg_tariff_tax_piece, from_day) == 0, "sg_fields_dated");
    tax->pieces = pieces;
    tax->n_pieces = n_pieces;
    return r;
}

static int take_tax_name(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    const struct sg_tariff *t = sg_tariff_parser_of(f)->t;
    struct sg_tariff_tax *tax = into;
    int r = sg_field_name(f, n, tax->name, SG_TARIFF_NAME_MAX);

    for (size_t i = 0; i < t->n_taxes && !r; i++)
        if (!strcmp(t->taxes[i].name, tax->name))
            r = sg_fields_refuse(f, n, "a tax of that name stands above");
    return r;
}

static int take_excluded(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    const struct sg_tariff *t = sg_tariff_parser_of(f)->t;
    struct sg_tariff_tax *tax = into;
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    for (size_t i = 0; i < t->n_taxes; i++) {
        if (strcmp(t->taxes[i].name, n->text))
            continue;
        /* One level only, so that the factor stays exact in 1e-12. */
        if (t->taxes[i].excludes || t->taxes[i].on_top)
            return sg_fields_refuse(f, n, "%.31s is on top or has exclusions of its own", n->text);
        tax->excludes |= UINT32_C(1) << i;
        return 0;
    }
    return sg_fields_refuse(f, n, "no tax named %.31s stands above", n->text);
}

static int take_excludes(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_tax *tax = into;
    int r = sg_fields_list(f, n, SG_TARIFF_TAXES_MAX, take_excluded, into);

    if (!r && tax->on_top)
        r = sg_fields_refuse(f, n, "a tax on top excludes nothing");
    return r;
}

static int take_on_top(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_tax *tax = into;
    return sg_field_bool(f, n, &tax->on_top);
}

static int take_tax(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {{"name", true, take_tax_name},
                                              {"on_top", false, take_on_top},
                                              {"excludes", false, take_excludes},
                                              {"rates", true, take_tax_rates}};
    struct sg_tariff *t = into;
    int r = sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), &t->taxes[t->n_taxes]);

    t->n_taxes++;
    return r;
}

static int64_t highest(const struct sg_tariff_tax *tax)
{
    int64_t most = 0;

    for (size_t i = 0; i < tax->n_pieces; i++)
        for (size_t b = 0; b < tax->pieces[i].n_bands; b++)
            if (tax->pieces[i].bands[b].rate_ppm > most)
                most = tax->pieces[i].bands[b].rate_ppm;
    return most;
}

int sg_tariff_take_taxes(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    const struct sg_tariff *t = into;
    int64_t inside = 0;
    int r = sg_fields_list(f, n, SG_TARIFF_TAXES_MAX, take_tax, into);

    for (size_t i = 0; i < t->n_taxes && !r; i++)
        if (!t->taxes[i].on_top)
            inside += highest(&t->taxes[i]);
    /* Inside their own base, taxes of 100 % would make the bill endless. */
    if (inside > INSIDE_MAX_PPM)
        return sg_fields_refuse(f, n, "taxes inside take more than 90 %% of the bill");
    return r;
}

/* ---- lighting ------------------------------------------------------------------------------ */

static int take_step_amount(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_step *step = into;
    return sg_field_decimal(f, n, sg_tariff_parser_of(f)->t->decimals, 0, SG_FIELD_RATE_MAX,
                            &step->amount);
}

static int take_step(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {{"up_to_kwh", false, take_nothing},
                                              {"amount", true, take_step_amount}};
    struct sg_tariff_lighting_piece *piece = into;
    size_t i = piece->n_steps++;
    int r = sg_fields_up_to(f, n, i ? piece->steps[i - 1].up_to_wh : 0, i > 0,
                            &piece->steps[i].up_to_wh);

    if (n->kind != SG_YAML_MAPPING || r < 0)
        return r;
    return sg_fields_worse(
        r, sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), &piece->steps[i]));
}

static int take_steps(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return sg_fields_list(f, n, SG_TARIFF_STEPS_MAX, take_step, into);
}

static int take_lighting_piece(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {{"from", false, take_nothing},
                                              {"steps", true, take_steps}};
    return sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), into);
}

static int take_lighting_rates(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff *t = into;
    void *pieces = NULL;
    size_t n_pieces = 0;
    int r = sg_fields_dated(f, n, sizeof(struct sg_tariff_lighting_piece), take_lighting_piece,
                            &pieces, &n_pieces);

    _Static_assert(offsetof(struct sg_tariff_lighting_piece, from_day) == 0, "sg_fields_dated");
    t->lighting_pieces = pieces;
    t->n_lighting_pieces = n_pieces;
    return r;
}

int sg_tariff_take_lighting(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {{"rates", true, take_lighting_rates}};
    return sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), into);
}
