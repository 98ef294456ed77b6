/* vee-rules - the YAML file; docs/vee.md is its description. */
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/billing/tariff.h>
#include <sealgrid/billing/vee.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>

#define FORMAT          1
#define WEIGHT_MAX      1000000
#define DAY_WH_MAX      INT64_C(1000000000)
#define GAP_MINUTES_MAX (366 * 1440)
#define EASTER_SPAN     365

struct parser {
    struct sg_vee_rules *rules;
    struct sg_yaml_error *why;
};

static int refuse(struct parser *p, const struct sg_yaml_node *n, const char *reason)
{
    if (n->key)
        return sg_yaml_refuse(p->why, n->line, "%s: %s", n->key, reason);
    return sg_yaml_refuse(p->why, n->line, "%s", reason);
}

static int want_kind(struct parser *p, const struct sg_yaml_node *n, enum sg_yaml_kind kind)
{
    static const char *const names[] = {"one value expected", "a list expected",
                                        "a mapping expected"};
    return n->kind == kind ? 0 : refuse(p, n, names[kind]);
}

static struct sg_yaml_node *must_have(struct parser *p, const struct sg_yaml_node *mapping,
                                      const char *key)
{
    struct sg_yaml_node *n = sg_yaml_get(mapping, key);
    if (!n)
        (void)sg_yaml_refuse(p->why, mapping->line, "%s is missing", key);
    return n;
}

static int check_keys(struct parser *p, const struct sg_yaml_node *mapping,
                      const char *const *allowed)
{
    int r = want_kind(p, mapping, SG_YAML_MAPPING);

    for (const struct sg_yaml_node *n = mapping->first; n && !r; n = n->next) {
        const char *const *k = allowed;
        while (*k && strcmp(*k, n->key))
            k++;
        if (!*k)
            r = refuse(p, n, "unknown key");
    }
    return r;
}

static int take_text(struct parser *p, const struct sg_yaml_node *n, char *ret, size_t max)
{
    int r = want_kind(p, n, SG_YAML_SCALAR);

    if (r)
        return r;
    size_t len = strlen(n->text);
    if (len == 0 || len > max)
        return refuse(p, n, "empty or too long");
    memcpy(ret, n->text, len + 1);
    return 0;
}

static int take_name(struct parser *p, const struct sg_yaml_node *n, char *ret)
{
    int r = take_text(p, n, ret, SG_VEE_NAME_MAX);

    if (r)
        return r;
    for (const char *c = ret; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_' || *c == '-'))
            return refuse(p, n, "a name has only a-z, 0-9, _ and -");
    return 0;
}

static int take_int(struct parser *p, const struct sg_yaml_node *n, int64_t min, int64_t max,
                    int64_t *ret)
{
    int64_t v;
    int r = want_kind(p, n, SG_YAML_SCALAR);

    if (r)
        return r;
    r = sg_decimal_parse(n->text, 0, &v);
    if (r)
        return refuse(p, n, "a whole number expected");
    if (v < min || v > max)
        return sg_yaml_refuse(p->why, n->line, "%s: %lld..%lld", n->key ? n->key : "value",
                              (long long)min, (long long)max);
    *ret = v;
    return 0;
}

/* ---- days -------------------------------------------------------------------------------------
 */

/* "2026-09-07" */
static bool parse_date(const char *text, int64_t *ret_day)
{
    char stamp[32];
    int64_t s;

    if (strlen(text) != 10)
        return false;
    snprintf(stamp, sizeof(stamp), "%sT00:00:00Z", text);
    if (sg_time_parse(stamp, &s) != 0)
        return false;
    *ret_day = s / 86400;
    return true;
}

static bool take_easter(struct sg_vee_rules *rules, const char *text)
{
    int64_t offset = 0;

    if (strncmp(text, "easter", 6) != 0 || rules->n_easter == SG_VEE_HOLIDAYS_MAX)
        return false;
    text += 6;
    if (*text) {
        bool minus = *text == '-';
        if ((!minus && *text != '+') || sg_decimal_parse(text + 1, 0, &offset) != 0 || offset < 1 ||
            offset > EASTER_SPAN)
            return false;
        offset = minus ? -offset : offset;
    }
    rules->easter[rules->n_easter++] = (int32_t)offset;
    return true;
}

static bool take_yearly(struct sg_vee_rules *rules, const char *text)
{
    char date[16];
    int64_t day;
    unsigned month, in_month;
    int year;

    if (strlen(text) != 5 || rules->n_yearly == SG_VEE_HOLIDAYS_MAX)
        return false;
    snprintf(date, sizeof(date), "2024-%s", text); /* a leap year */
    if (!parse_date(date, &day))
        return false;
    sg_civil_from_days(day, &year, &month, &in_month);
    rules->yearly[rules->n_yearly++] = (int32_t)(month * 32 + in_month);
    return true;
}

static bool take_day(struct sg_vee_rules *rules, const char *text)
{
    return rules->n_dates < SG_VEE_HOLIDAYS_MAX &&
           parse_date(text, &rules->dates[rules->n_dates]) && ++rules->n_dates;
}

static int take_holidays(struct parser *p, const struct sg_yaml_node *list)
{
    int r = want_kind(p, list, SG_YAML_SEQUENCE);

    for (const struct sg_yaml_node *n = list->first; n && !r; n = n->next) {
        r = want_kind(p, n, SG_YAML_SCALAR);
        if (!r && !take_easter(p->rules, n->text) && !take_yearly(p->rules, n->text) &&
            !take_day(p->rules, n->text))
            r = refuse(p, n, "a holiday is 2026-09-07, 09-07 or easter-2");
    }
    return r;
}

static bool is_holiday(const struct sg_vee_rules *r, int64_t day)
{
    unsigned month, in_month;
    int year;

    for (size_t i = 0; i < r->n_dates; i++)
        if (r->dates[i] == day)
            return true;
    sg_civil_from_days(day, &year, &month, &in_month);
    for (size_t i = 0; i < r->n_yearly; i++)
        if (r->yearly[i] == (int32_t)(month * 32 + in_month))
            return true;
    if (r->n_easter == 0 || year < 1583 || year > 9999)
        return false;
    const int64_t easter = sg_easter(year);
    for (size_t i = 0; i < r->n_easter; i++)
        if (easter + r->easter[i] == day)
            return true;
    return false;
}

enum sg_vee_kind sg_vee_day_kind(const struct sg_vee_rules *r, int64_t day)
{
    const int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 0: Monday; 1970-01-01 was a Thursday */

    if (is_holiday(r, day))
        return SG_VEE_HOLIDAY;
    return weekday == 6 ? SG_VEE_SUNDAY : weekday == 5 ? SG_VEE_SATURDAY : SG_VEE_WORKING;
}

/* ---- head -------------------------------------------------------------------------------------
 */

static int take_zone(struct parser *p, const struct sg_yaml_node *n)
{
    int r = take_text(p, n, p->rules->zone, sizeof(p->rules->zone) - 1);

    if (r)
        return r;
    r = sg_tz_load(&p->rules->tz, p->rules->zone);
    if (r == SG_TZ_UNKNOWN || r == SG_TZ_MALFORMED)
        return refuse(p, n, "no such time zone on this machine");
    return r;
}

static int take_rounding(struct parser *p, const struct sg_yaml_node *n)
{
    int r = want_kind(p, n, SG_YAML_SCALAR);

    if (r)
        return r;
    if (!strcmp(n->text, "half-even"))
        p->rules->rounding = SG_ROUND_HALF_EVEN;
    else if (!strcmp(n->text, "half-up"))
        p->rules->rounding = SG_ROUND_HALF_UP;
    else
        return refuse(p, n, "half-even or half-up");
    return 0;
}

static int take_bool(struct parser *p, const struct sg_yaml_node *n, bool *ret)
{
    int r = want_kind(p, n, SG_YAML_SCALAR);

    if (r)
        return r;
    if (strcmp(n->text, "true") != 0 && strcmp(n->text, "false") != 0)
        return refuse(p, n, "true or false");
    *ret = !strcmp(n->text, "true");
    return 0;
}

static int take_head(struct parser *p, const struct sg_yaml_node *root)
{
    const struct sg_yaml_node *format = must_have(p, root, "format");
    const struct sg_yaml_node *id = must_have(p, root, "id"), *zone, *rounding, *holidays;
    int64_t v;
    int r = format && id ? take_int(p, format, FORMAT, FORMAT, &v) : SG_VEE_RULES_BAD;

    if (!r)
        r = take_name(p, id, p->rules->id);
    if (r)
        return r;
    zone = must_have(p, root, "zone");
    rounding = zone ? must_have(p, root, "rounding") : NULL;
    if (!rounding)
        return SG_VEE_RULES_BAD;
    r = take_zone(p, zone);
    if (!r)
        r = take_rounding(p, rounding);
    holidays = sg_yaml_get(root, "holidays");
    return r || !holidays ? r : take_holidays(p, holidays);
}

/* ---- checks -----------------------------------------------------------------------------------
 */

static int take_severity(struct parser *p, const struct sg_yaml_node *n, enum sg_vee_severity *ret)
{
    int r = want_kind(p, n, SG_YAML_SCALAR);

    if (r)
        return r;
    for (enum sg_vee_severity s = SG_VEE_INFO; s <= SG_VEE_FAIL; s++)
        if (!strcmp(n->text, sg_vee_severity_word(s))) {
            *ret = s;
            return 0;
        }
    return refuse(p, n, "fail, warn or info");
}

static int take_param(struct parser *p, const struct sg_yaml_node *n, enum sg_vee_check_id id)
{
    const struct sg_vee_param *params = sg_vee_params(id);

    for (size_t i = 0; params[i].name; i++)
        if (!strcmp(params[i].name, n->key))
            return take_int(p, n, params[i].min, params[i].max, &p->rules->checks[id].param[i]);
    return refuse(p, n, "no parameter of this check");
}

static int take_check(struct parser *p, const struct sg_yaml_node *n)
{
    enum sg_vee_check_id id = 0;
    int r = want_kind(p, n, SG_YAML_MAPPING);

    while (id < SG_VEE_N_CHECKS && strcmp(sg_vee_check_word(id), n->key) != 0)
        id++;
    if (id == SG_VEE_N_CHECKS)
        return refuse(p, n, "no such check");
    struct sg_vee_check *c = &p->rules->checks[id];
    const struct sg_vee_param *params = sg_vee_params(id);
    c->on = true;
    for (size_t i = 0; params[i].name; i++)
        c->param[i] = params[i].def;
    if (!r && !sg_yaml_get(n, "severity"))
        return sg_yaml_refuse(p->why, n->line, "%s: severity is missing", n->key);
    for (const struct sg_yaml_node *m = r ? NULL : n->first; m && !r; m = m->next)
        r = strcmp(m->key, "severity") ? take_param(p, m, id) : take_severity(p, m, &c->severity);
    if (!r && (id == SG_VEE_HIGH_LOW || id == SG_VEE_DYNAMIC || id == SG_VEE_UNIT) &&
        c->param[1] > c->param[0])
        r = refuse(p, n, "least_days are more than history_days");
    return r;
}

static int take_checks(struct parser *p, const struct sg_yaml_node *root)
{
    const struct sg_yaml_node *checks = must_have(p, root, "checks");
    int r = checks ? want_kind(p, checks, SG_YAML_MAPPING) : SG_VEE_RULES_BAD;

    for (const struct sg_yaml_node *n = r ? NULL : checks->first; n && !r; n = n->next)
        r = take_check(p, n);
    return r;
}

/* ---- profiles ---------------------------------------------------------------------------------
 */

static int take_weights(struct parser *p, const struct sg_yaml_node *list, int64_t ret[24])
{
    int64_t sum = 0;
    size_t i = 0;
    int r = want_kind(p, list, SG_YAML_SEQUENCE);

    if (!r && list->n_children != 24)
        return refuse(p, list, "24 weights, one an hour");
    for (const struct sg_yaml_node *n = r ? NULL : list->first; n && !r; n = n->next) {
        r = take_int(p, n, 0, WEIGHT_MAX, &ret[i]);
        sum += r ? 0 : ret[i++];
    }
    return !r && sum == 0 ? refuse(p, list, "all weights are zero") : r;
}

static int take_profile(struct parser *p, const struct sg_yaml_node *n)
{
    static const char *const keys[] = {"name",   "day_wh",  "working", "saturday",
                                       "sunday", "holiday", NULL};
    struct sg_vee_profile *profile = &p->rules->profiles[p->rules->n_profiles];
    const struct sg_yaml_node *name, *day_wh;
    int r = check_keys(p, n, keys);

    if (r)
        return r;
    name = must_have(p, n, "name");
    day_wh = name ? must_have(p, n, "day_wh") : NULL;
    if (!day_wh)
        return SG_VEE_RULES_BAD;
    r = take_name(p, name, profile->name);
    for (size_t i = 0; i < p->rules->n_profiles && !r; i++)
        if (!strcmp(p->rules->profiles[i].name, profile->name))
            r = refuse(p, name, "another profile has this name");
    if (!r)
        r = take_int(p, day_wh, 1, DAY_WH_MAX, &profile->day_wh);
    for (enum sg_vee_kind k = 0; k < SG_VEE_N_KINDS && !r; k++) {
        const struct sg_yaml_node *list = must_have(p, n, keys[2 + k]);
        r = list ? take_weights(p, list, profile->weight[k]) : SG_VEE_RULES_BAD;
    }
    p->rules->n_profiles++;
    return r;
}

static int take_profiles(struct parser *p, const struct sg_yaml_node *root)
{
    const struct sg_yaml_node *list = sg_yaml_get(root, "profiles");
    int r = list ? want_kind(p, list, SG_YAML_SEQUENCE) : 0;

    if (!list)
        return 0;
    if (!r && list->n_children > SG_VEE_PROFILES_MAX)
        return refuse(p, list, "too many profiles");
    for (const struct sg_yaml_node *n = r ? NULL : list->first; n && !r; n = n->next)
        r = take_profile(p, n);
    return r;
}

/* ---- chain ------------------------------------------------------------------------------------
 */

static int take_method(struct parser *p, const struct sg_yaml_node *n, enum sg_vee_method *ret)
{
    int r = want_kind(p, n, SG_YAML_SCALAR);

    if (r)
        return r;
    for (enum sg_vee_method m = SG_VEE_LINEAR; m <= SG_VEE_PROFILE; m++)
        if (!strcmp(n->text, sg_vee_method_word(m))) {
            *ret = m;
            return 0;
        }
    return refuse(p, n, "linear, history, proxy_day or profile");
}

static int find_profile(struct parser *p, const struct sg_yaml_node *step, size_t *ret)
{
    const struct sg_yaml_node *n = must_have(p, step, "profile");
    int r = n ? want_kind(p, n, SG_YAML_SCALAR) : SG_VEE_RULES_BAD;

    if (r)
        return r;
    for (size_t i = 0; i < p->rules->n_profiles; i++)
        if (!strcmp(p->rules->profiles[i].name, n->text)) {
            *ret = i;
            return 0;
        }
    return refuse(p, n, "no such profile");
}

/* What a method needs besides its length, and nothing that it does not read. */
static int take_method_params(struct parser *p, const struct sg_yaml_node *n,
                              struct sg_vee_step *step)
{
    static const char *const plain[] = {"rule", "method", "up_to_minutes", NULL};
    static const char *const history[] = {"rule", "method", "up_to_minutes", "days", "least", NULL};
    static const char *const profile[] = {"rule", "method", "up_to_minutes", "profile", NULL};
    const struct sg_yaml_node *days, *least;
    int r = check_keys(p, n,
                       step->method == SG_VEE_HISTORY   ? history
                       : step->method == SG_VEE_PROFILE ? profile
                                                        : plain);

    if (r || step->method == SG_VEE_LINEAR || step->method == SG_VEE_PROXY_DAY)
        return r;
    if (step->method == SG_VEE_PROFILE)
        return find_profile(p, n, &step->profile);
    days = must_have(p, n, "days");
    least = days ? must_have(p, n, "least") : NULL;
    if (!least)
        return SG_VEE_RULES_BAD;
    r = take_int(p, days, 1, 366, &step->days);
    return r ? r : take_int(p, least, 1, step->days, &step->least);
}

static int take_step(struct parser *p, const struct sg_yaml_node *n)
{
    struct sg_vee_step *step = &p->rules->steps[p->rules->n_steps];
    const struct sg_yaml_node *rule, *method, *up_to;
    int64_t minutes;
    int r = want_kind(p, n, SG_YAML_MAPPING);

    if (r)
        return r;
    rule = must_have(p, n, "rule");
    method = rule ? must_have(p, n, "method") : NULL;
    up_to = method ? must_have(p, n, "up_to_minutes") : NULL;
    if (!up_to)
        return SG_VEE_RULES_BAD;
    r = take_name(p, rule, step->rule);
    for (size_t i = 0; i < p->rules->n_steps && !r; i++)
        if (!strcmp(p->rules->steps[i].rule, step->rule))
            r = refuse(p, rule, "another step has this name");
    if (!r)
        r = take_method(p, method, &step->method);
    if (!r)
        r = take_int(p, up_to, 1, GAP_MINUTES_MAX, &minutes);
    if (r)
        return r;
    step->up_to_s = minutes * 60;
    r = take_method_params(p, n, step);
    p->rules->n_steps++;
    return r;
}

static int take_chain(struct parser *p, const struct sg_yaml_node *root)
{
    static const char *const keys[] = {"adjust_to_register", "adjust_reactive_to_register", "chain",
                                       NULL};
    const struct sg_yaml_node *estimate = sg_yaml_get(root, "estimate"), *adjust, *reactive, *chain;
    int r;

    if (!estimate)
        return 0;
    r = check_keys(p, estimate, keys);
    if (r)
        return r;
    adjust = must_have(p, estimate, "adjust_to_register");
    chain = adjust ? must_have(p, estimate, "chain") : NULL;
    if (!chain)
        return SG_VEE_RULES_BAD;
    r = take_bool(p, adjust, &p->rules->adjust);
    reactive = sg_yaml_get(estimate, "adjust_reactive_to_register");
    if (!r && reactive)
        r = take_bool(p, reactive, &p->rules->adjust_reactive);
    if (!r && p->rules->adjust_reactive && !p->rules->adjust)
        r = refuse(p, reactive, "not without adjust_to_register");
    if (!r)
        r = want_kind(p, chain, SG_YAML_SEQUENCE);
    if (!r && (chain->n_children == 0 || chain->n_children > SG_VEE_STEPS_MAX))
        return refuse(p, chain, "one to eight steps");
    for (const struct sg_yaml_node *n = r ? NULL : chain->first; n && !r; n = n->next)
        r = take_step(p, n);
    return r;
}

/* ---- file -------------------------------------------------------------------------------------
 */

static int take_all(struct parser *p, const struct sg_yaml_node *root)
{
    static const char *const keys[] = {"format",   "id",       "title",    "source",
                                       "zone",     "rounding", "holidays", "checks",
                                       "estimate", "profiles", NULL};
    char text[SG_VEE_TEXT_MAX * 4];
    const struct sg_yaml_node *n;
    int r = check_keys(p, root, keys);

    if (!r)
        r = take_head(p, root);
    if (!r && (n = sg_yaml_get(root, "title")))
        r = take_text(p, n, text, sizeof(text) - 1);
    if (!r && (n = sg_yaml_get(root, "source")))
        r = take_text(p, n, text, sizeof(text) - 1);
    if (!r)
        r = take_checks(p, root);
    if (!r)
        r = take_profiles(p, root);
    return r ? r : take_chain(p, root);
}

int sg_vee_rules_parse(struct sg_vee_rules **ret, struct sg_bytes yaml, struct sg_yaml_error *why)
{
    SG_CLEANUP(sg_vee_rules_freep) struct sg_vee_rules *rules = NULL;
    SG_CLEANUP(sg_yaml_clear) struct sg_yaml tree = {NULL, 0};
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
    struct parser p = {rules, why};
    r = take_all(&p, tree.nodes);
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
