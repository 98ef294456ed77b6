/* vee-rules-chain - profiles, and the chain of estimation methods. */
#include "vee-rules-int.h"

#define WEIGHT_MAX      1000000
#define DAY_WH_MAX      INT64_C(1000000000)
#define GAP_MINUTES_MAX (366 * 1440)
#define DAYS_MAX        366

/* ---- profiles ---------------------------------------------------------------------------------
 */

static int take_weights(struct sg_fields *f, const struct sg_yaml_node *list, int64_t ret[24])
{
    int64_t sum = 0;
    size_t i = 0;
    int r = sg_field_kind(f, list, SG_YAML_SEQUENCE);

    if (r)
        return r;
    if (list->n_children != 24)
        return sg_fields_refuse(f, list, "24 weights, one an hour");
    for (const struct sg_yaml_node *n = list->first; n && !r; n = n->next) {
        r = sg_vee_take_int(f, n, 0, WEIGHT_MAX, &ret[i]);
        sum += r ? 0 : ret[i++];
    }
    return !r && sum == 0 ? sg_fields_refuse(f, list, "all weights are zero") : r;
}

#define TAKE_WEIGHTS(name, kind)                                                                   \
    static int name(struct sg_fields *f, const struct sg_yaml_node *n, void *into)                 \
    {                                                                                              \
        struct sg_vee_profile *p = into;                                                           \
        return take_weights(f, n, p->weight[kind]);                                                \
    }
TAKE_WEIGHTS(take_working, SG_VEE_WORKING)
TAKE_WEIGHTS(take_saturday, SG_VEE_SATURDAY)
TAKE_WEIGHTS(take_sunday, SG_VEE_SUNDAY)
TAKE_WEIGHTS(take_holiday, SG_VEE_HOLIDAY)

static int take_profile_name(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_vee_profile *p = into;
    return sg_field_name(f, n, p->name, SG_VEE_NAME_MAX);
}

static int take_day_wh(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_vee_profile *p = into;
    return sg_vee_take_int(f, n, 1, DAY_WH_MAX, &p->day_wh);
}

static int take_profile(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {
        {"name", true, take_profile_name}, {"day_wh", true, take_day_wh},
        {"working", true, take_working},   {"saturday", true, take_saturday},
        {"sunday", true, take_sunday},     {"holiday", true, take_holiday}};
    struct sg_vee_rules *rules = into;
    struct sg_vee_profile *p = &rules->profiles[rules->n_profiles];
    int r = sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), p);

    for (size_t i = 0; i < rules->n_profiles && !r; i++)
        if (!strcmp(rules->profiles[i].name, p->name))
            r = sg_fields_refuse(f, n, "another profile is named %s", p->name);
    rules->n_profiles++;
    return r;
}

int sg_vee_take_profiles(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    if (n->kind == SG_YAML_SEQUENCE && n->n_children == 0)
        return 0;
    return sg_fields_list(f, n, SG_VEE_PROFILES_MAX, take_profile, into);
}

/* ---- chain ------------------------------------------------------------------------------------
 */

/* The step in hand, and the rules whose profiles it may name. */
struct step {
    struct sg_vee_step *to;
    const struct sg_vee_rules *rules;
};

static int take_rule(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct step *step = into;
    return sg_field_name(f, n, step->to->rule, SG_VEE_NAME_MAX);
}

static int take_nothing(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    (void)f, (void)n, (void)into; /* the method is read before the others: it says which they are */
    return 0;
}

static int take_up_to(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct step *step = into;
    int64_t minutes;
    int r = sg_vee_take_int(f, n, 1, GAP_MINUTES_MAX, &minutes);

    if (!r)
        step->to->up_to_s = minutes * 60;
    return r;
}

static int take_days(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct step *step = into;
    return sg_vee_take_int(f, n, 1, DAYS_MAX, &step->to->days);
}

static int take_least(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct step *step = into;
    return step->to->days ? sg_vee_take_int(f, n, 1, step->to->days, &step->to->least) : 0;
}

static int take_profile_of(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct step *step = into;
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    for (size_t i = 0; i < step->rules->n_profiles; i++)
        if (!strcmp(step->rules->profiles[i].name, n->text)) {
            step->to->profile = i;
            return 0;
        }
    return sg_fields_refuse(f, n, "no such profile");
}

#define EVERY_STEP                                                                                 \
    {"rule", true, take_rule}, {"method", true, take_nothing},                                     \
    {                                                                                              \
        "up_to_minutes", true, take_up_to                                                          \
    }
static const struct sg_field plain[] = {EVERY_STEP};
static const struct sg_field history[] = {
    EVERY_STEP, {"days", true, take_days}, {"least", true, take_least}};
static const struct sg_field by_profile[] = {EVERY_STEP, {"profile", true, take_profile_of}};
static const struct {
    const struct sg_field *members;
    size_t n;
} members_of[] = {
    [SG_VEE_LINEAR] = {plain, SG_FIELD_COUNT(plain)},
    [SG_VEE_HISTORY] = {history, SG_FIELD_COUNT(history)},
    [SG_VEE_PROXY_DAY] = {plain, SG_FIELD_COUNT(plain)},
    [SG_VEE_PROFILE] = {by_profile, SG_FIELD_COUNT(by_profile)},
};

static int take_method(struct sg_fields *f, const struct sg_yaml_node *step,
                       enum sg_vee_method *ret)
{
    const struct sg_yaml_node *n = sg_yaml_get(step, "method");
    int r = n ? sg_field_kind(f, n, SG_YAML_SCALAR)
              : sg_fields_refuse_at(f, step->line, "method is missing");

    if (r)
        return r;
    for (enum sg_vee_method m = SG_VEE_LINEAR; m <= SG_VEE_PROFILE; m++)
        if (!strcmp(n->text, sg_vee_method_word(m))) {
            *ret = m;
            return 0;
        }
    return sg_fields_refuse(f, n, "linear, history, proxy_day or profile");
}

static int take_step(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_vee_rules *rules = into;
    struct step step = {&rules->steps[rules->n_steps], rules};
    int r = sg_field_kind(f, n, SG_YAML_MAPPING);

    if (!r)
        r = take_method(f, n, &step.to->method);
    if (!r)
        r = sg_fields_mapping(f, n, members_of[step.to->method].members,
                              members_of[step.to->method].n, &step);
    for (size_t i = 0; i < rules->n_steps && !r; i++)
        if (!strcmp(rules->steps[i].rule, step.to->rule))
            r = sg_fields_refuse(f, n, "another step is named %s", step.to->rule);
    rules->n_steps++;
    return r;
}

static int take_chain(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    int r = sg_field_kind(f, n, SG_YAML_SEQUENCE);

    if (r)
        return r;
    if (n->n_children == 0 || n->n_children > SG_VEE_STEPS_MAX)
        return sg_fields_refuse(f, n, "one to eight steps");
    return sg_fields_list(f, n, SG_VEE_STEPS_MAX, take_step, into);
}

/* ---- estimate ---------------------------------------------------------------------------------
 */

static int take_adjust(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_vee_rules *rules = into;
    return sg_field_bool(f, n, &rules->adjust);
}

static int take_adjust_reactive(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_vee_rules *rules = into;
    int r = sg_field_bool(f, n, &rules->adjust_reactive);

    if (!r && rules->adjust_reactive && !rules->adjust)
        r = sg_fields_refuse(f, n, "not without adjust_to_register");
    return r;
}

int sg_vee_take_estimate(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {
        {"adjust_to_register", true, take_adjust},
        {"adjust_reactive_to_register", false, take_adjust_reactive},
        {"chain", true, take_chain}};
    return sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), into);
}
