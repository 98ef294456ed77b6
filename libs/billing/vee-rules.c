/* vee-rules - the YAML file; docs/vee.md is its description. */
#include "vee-rules-int.h"

#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#define FORMAT   1
#define TEXT_MAX (SG_VEE_TEXT_MAX * 4)

int sg_vee_take_int(struct sg_fields *f, const struct sg_yaml_node *n, int64_t min, int64_t max,
                    int64_t *ret)
{
    int64_t v;
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    r = sg_decimal_parse(n->text, 0, &v);
    if (r)
        return sg_fields_refuse(f, n, "a whole number expected, not %.40s", n->text);
    if (v < min || v > max)
        return sg_fields_refuse(f, n, "%lld..%lld", (long long)min, (long long)max);
    *ret = v;
    return 0;
}

/* ---- days -------------------------------------------------------------------------------------
 */

static int take_holiday(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_vee_rules *rules = into;
    int r = sg_field_holiday(f, n, &rules->holidays[rules->n_holidays]);

    rules->n_holidays += r == 0;
    return r;
}

static int take_holidays(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    if (n->kind == SG_YAML_SEQUENCE && n->n_children == 0)
        return 0;
    return sg_fields_list(f, n, SG_VEE_HOLIDAYS_MAX, take_holiday, into);
}

enum sg_vee_kind sg_vee_day_kind(const struct sg_vee_rules *r, int64_t day)
{
    static const enum sg_vee_kind kinds[] = {[SG_DAY_WORKING] = SG_VEE_WORKING,
                                             [SG_DAY_SATURDAY] = SG_VEE_SATURDAY,
                                             [SG_DAY_SUNDAY] = SG_VEE_SUNDAY,
                                             [SG_DAY_HOLIDAY] = SG_VEE_HOLIDAY};
    return kinds[sg_day_kind_of(r->holidays, r->n_holidays, day)];
}

/* ---- head -------------------------------------------------------------------------------------
 */

static int take_format(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    int64_t format;

    (void)into;
    return sg_field_decimal(f, n, 0, FORMAT, FORMAT, &format);
}

static int take_id(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_vee_rules *rules = into;
    return sg_field_name(f, n, rules->id, SG_VEE_NAME_MAX);
}

/* For people alone. */
static int take_text(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    char text[TEXT_MAX + 1];

    (void)into;
    return sg_field_text(f, n, text, TEXT_MAX);
}

static int take_zone(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_vee_rules *rules = into;
    int r = sg_field_text(f, n, rules->zone, sizeof(rules->zone) - 1);

    if (r)
        return r;
    r = sg_tz_load(&rules->tz, rules->zone);
    if (r == SG_TZ_UNKNOWN || r == SG_TZ_MALFORMED)
        return sg_fields_refuse(f, n, "no such time zone on this machine");
    return r;
}

static int take_rounding(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_vee_rules *rules = into;
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    if (!strcmp(n->text, "half-even"))
        rules->rounding = SG_ROUND_HALF_EVEN;
    else if (!strcmp(n->text, "half-up"))
        rules->rounding = SG_ROUND_HALF_UP;
    else
        return sg_fields_refuse(f, n, "half-even or half-up");
    return 0;
}

/* ---- file -------------------------------------------------------------------------------------
 */

static int take_all(struct sg_fields *f, const struct sg_yaml_node *root,
                    struct sg_vee_rules *rules)
{
    static const struct sg_field members[] = {{"format", true, take_format},
                                              {"id", true, take_id},
                                              {"title", false, take_text},
                                              {"source", false, take_text},
                                              {"zone", true, take_zone},
                                              {"rounding", true, take_rounding},
                                              {"holidays", false, take_holidays},
                                              {"checks", true, sg_vee_take_checks},
                                              {"profiles", false, sg_vee_take_profiles},
                                              {"estimate", false, sg_vee_take_estimate}};
    return sg_fields_mapping(f, root, members, SG_FIELD_COUNT(members), rules);
}

int sg_vee_rules_parse(struct sg_vee_rules **ret, struct sg_bytes yaml, struct sg_yaml_error *why)
{
    SG_CLEANUP(sg_vee_rules_freep) struct sg_vee_rules *rules = NULL;
    SG_CLEANUP(sg_yaml_clear) struct sg_yaml tree = {NULL, 0};
    struct sg_fields f = {.why = why};
    int r;

    if (yaml.len > SG_VEE_FILE_MAX) {
        (void)sg_yaml_refuse(why, 0, "larger than %d octets", SG_VEE_FILE_MAX);
        return SG_VEE_RULES_BAD;
    }
    r = sg_yaml_parse(&tree, yaml, why);
    if (r)
        return r < 0 ? r : SG_VEE_RULES_BAD;
    rules = calloc(1, sizeof(*rules));
    if (!rules)
        return sg_raise(-ENOMEM);
    r = take_all(&f, tree.nodes, rules);
    if (r)
        return r < 0 ? r : SG_VEE_RULES_BAD;
    sg_sha256(rules->sha256, yaml);
    *ret = TAKE_PTR(rules);
    return 0;
}

int sg_vee_rules_load(struct sg_vee_rules **ret, const char *path, struct sg_yaml_error *why)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_VEE_FILE_MAX + 1);
    int r = sg_file_read(path, &text);
    return r ? r : sg_vee_rules_parse(ret, sg_buf_bytes(&text), why);
}

void sg_vee_rules_free(struct sg_vee_rules *r)
{
    if (!r)
        return;
    sg_tz_free(r->tz);
    free(r);
}
