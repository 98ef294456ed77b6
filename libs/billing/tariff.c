/* tariff - the file as a whole and its head; docs/tariff.md is its description. */
#include "tariff-int.h"

#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#include <limits.h>
#include <stdio.h>

#define FORMAT 2

static int take_format(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    int64_t v;

    (void)into;
    return sg_field_decimal(f, n, 0, FORMAT, FORMAT, &v);
}

static int take_id(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff *t = into;
    return sg_field_name(f, n, t->id, SG_TARIFF_ID_MAX);
}

static int take_title(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff *t = into;
    return sg_field_text(f, n, t->title, SG_TARIFF_TEXT_MAX);
}

static int take_source(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff *t = into;
    return sg_field_text(f, n, t->source, SG_TARIFF_TEXT_MAX);
}

static int take_currency(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff *t = into;
    int r = sg_field_text(f, n, t->currency, 3);

    if (r)
        return r;
    for (int i = 0; i < 3; i++)
        if (t->currency[i] < 'A' || t->currency[i] > 'Z')
            return sg_fields_refuse(f, n, "three capital letters (ISO 4217)");
    return 0;
}

static int take_decimals(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff *t = into;
    int64_t v = 0;
    int r = sg_field_decimal(f, n, 0, 0, 4, &v);

    t->decimals = (unsigned)v;
    return r;
}

static int take_zone(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff *t = into;
    int r = sg_field_text(f, n, t->zone, sizeof(t->zone) - 1);

    if (r)
        return r;
    r = sg_tz_load(&t->tz, t->zone);
    return r > 0 ? sg_fields_refuse(f, n, "no such time zone on this machine") : r;
}

static int take_interval(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff *t = into;
    int64_t minutes = 0;
    int r = sg_field_decimal(f, n, 0, 1, 60, &minutes);

    if (!r && 60 % minutes)
        r = sg_fields_refuse(f, n, "must divide an hour");
    if (!r)
        t->interval_s = (uint32_t)minutes * 60;
    return r;
}

static int take_rounding(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const char *const words[] = {"half-even", "half-up"};
    struct sg_tariff *t = into;
    size_t i;
    int r = sg_field_word(f, n, words, 2, &i);

    if (!r)
        t->rounding = i ? SG_ROUND_HALF_UP : SG_ROUND_HALF_EVEN;
    return r;
}

/* In this order, because later ones use earlier ones. */
static const struct sg_field members[] = {
    {"format", true, take_format},
    {"id", true, take_id},
    {"title", false, take_title},
    {"source", false, take_source},
    {"currency", true, take_currency},
    {"decimals", true, take_decimals},
    {"zone", true, take_zone},
    {"interval_minutes", true, take_interval},
    {"rounding", true, take_rounding},
    {"seasons", false, sg_tariff_take_seasons},
    {"holidays", false, sg_tariff_take_holidays},
    {"posts", true, sg_tariff_take_posts},
    {"schedule", false, sg_tariff_take_schedule},
    {"charges", true, sg_tariff_take_charges},
    {"taxes", false, sg_tariff_take_taxes},
    {"lighting", false, sg_tariff_take_lighting},
};

static int take_tariff(struct sg_tariff_parser *p, const struct sg_yaml_node *root)
{
    int r = sg_fields_mapping(&p->fields, root, members, SG_FIELD_COUNT(members), p->t);

    if (p->t->n_seasons == 0)
        p->t->n_seasons = 1; /* nameless, all the year */
    return r;
}

int sg_tariff_read(struct sg_tariff **ret, struct sg_bytes yaml,
                   const struct sg_tariff_reading *how, struct sg_yaml_error *why)
{
    static const struct sg_tariff_reading nothing = {NULL, NULL, NULL};
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = calloc(1, sizeof(*t));
    SG_CLEANUP(sg_yaml_clear) struct sg_yaml doc = {NULL, 0};
    struct sg_tariff_parser p = {.t = t, .how = how ? how : &nothing};
    int r;

    if (!t)
        return sg_raise(-ENOMEM);
    p.fields = (struct sg_fields){
        .why = why, .problem = p.how->problem, .user = p.how->user, .context = &p};
    r = sg_yaml_parse(&doc, yaml, why);
    if (r > 0 && p.fields.problem)
        p.fields.problem(p.fields.user, why);
    if (r)
        return r > 0 ? SG_TARIFF_BAD : r;
    p.root = doc.nodes;
    r = take_tariff(&p, p.root);
    if (r)
        return r > 0 ? SG_TARIFF_BAD : r;
    sg_sha256(t->sha256, yaml);
    *ret = TAKE_PTR(t);
    return 0;
}

int sg_tariff_parse(struct sg_tariff **ret, struct sg_bytes yaml, struct sg_yaml_error *why)
{
    return sg_tariff_read(ret, yaml, NULL, why);
}

int sg_tariff_fetch_beside(void *user, const char *name, struct sg_buf *ret)
{
    const char *path = user, *slash = strrchr(path, '/');
    char beside[PATH_MAX];
    int n =
        snprintf(beside, sizeof(beside), "%.*s%s", slash ? (int)(slash - path + 1) : 0, path, name);

    if (n < 0 || (size_t)n >= sizeof(beside))
        return sg_raise(-ENAMETOOLONG);
    return sg_file_read(beside, ret);
}

int sg_tariff_load(struct sg_tariff **ret, const char *path, struct sg_yaml_error *why)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_TARIFF_FILE_MAX);
    SG_FREE char *own = strdup(path);
    const struct sg_tariff_reading how = {.fetch = sg_tariff_fetch_beside, .user = own};
    int r;

    if (!own)
        return sg_raise(-ENOMEM);
    r = sg_file_read(path, &text);
    if (r)
        return sg_yaml_refuse(why, 0, "cannot read: %s", strerror(-r));
    return sg_tariff_read(ret, sg_buf_bytes(&text), &how, why);
}

void sg_tariff_free(struct sg_tariff *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_charges; i++) {
        free(t->charges[i].pieces);
        free(t->charges[i].flags);
        sg_series_free(t->charges[i].prices);
    }
    for (size_t i = 0; i < t->n_taxes; i++)
        free(t->taxes[i].pieces);
    free(t->lighting_pieces);
    sg_series_free(t->schedule);
    sg_tz_free(t->tz);
    free(t);
}
