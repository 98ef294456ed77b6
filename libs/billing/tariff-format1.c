/* tariff - the YAML file; docs/tariff.md is its description. */
#include "tariff-int.h"

#include <sealgrid/base/clock.h>

#include <stdio.h>

#define FORMAT      1
#define RATE_MAX    INT64_C(1000000000000000) /* a million per kWh */
#define NO_POST     UINT8_MAX
#define PPM         1000000
#define EASTER_SPAN 365

struct parser {
    struct sg_tariff *t;
    struct sg_yaml_error *why;
};

static int refuse(struct parser *p, const struct sg_yaml_node *n, const char *reason)
{
    if (n->key)
        return sg_yaml_refuse(p->why, n->line, "%s: %s", n->key, reason);
    return sg_yaml_refuse(p->why, n->line, "%s", reason);
}

/* Reports a number's failure: both ways of being wrong are the file's fault. */
static int refuse_number(struct parser *p, const struct sg_yaml_node *n, int r)
{
    return refuse(p, n, r == -ERANGE ? "number too large" : "not a decimal number of this scale");
}

static int want_kind(struct parser *p, const struct sg_yaml_node *n, enum sg_yaml_kind kind)
{
    static const char *const names[] = {"one value expected", "a list expected",
                                        "a mapping expected"};
    return n->kind == kind ? 0 : refuse(p, n, names[kind]);
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

/* Names stand in bills and line codes: lower-case words. */
static int take_name(struct parser *p, const struct sg_yaml_node *n, char *ret, size_t max)
{
    int r = take_text(p, n, ret, max);

    if (r)
        return r;
    for (const char *c = ret; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_' || *c == '-'))
            return refuse(p, n, "a name has only a-z, 0-9, _ and -");
    return 0;
}

static int take_decimal(struct parser *p, const struct sg_yaml_node *n, unsigned digits,
                        int64_t min, int64_t max, int64_t *ret)
{
    int64_t v;
    int r = want_kind(p, n, SG_YAML_SCALAR);

    if (r)
        return r;
    r = sg_decimal_parse(n->text, digits, &v);
    if (r)
        return refuse_number(p, n, r);
    if (v < min || v > max)
        return refuse(p, n, "out of range");
    *ret = v;
    return 0;
}

static struct sg_yaml_node *must_have(struct parser *p, const struct sg_yaml_node *mapping,
                                      const char *key)
{
    struct sg_yaml_node *n = sg_yaml_get(mapping, key);
    if (!n)
        (void)sg_yaml_refuse(p->why, mapping->line, "%s is missing", key);
    return n;
}

/* Only these keys may stand in the mapping. */
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

/* "18:30" to minutes from midnight, 24:00 included. */
static bool parse_clock(const char *s, int *ret)
{
    for (int i = 0; i < 5; i++)
        if (i == 2 ? s[i] != ':' : (s[i] < '0' || s[i] > '9'))
            return false;
    int minute = ((s[0] - '0') * 10 + s[1] - '0') * 60 + (s[3] - '0') * 10 + s[4] - '0';
    *ret = minute;
    return s[3] <= '5' && minute <= 1440;
}

static int take_hours(struct parser *p, const struct sg_yaml_node *n, uint8_t post)
{
    int from, until;
    int r = want_kind(p, n, SG_YAML_SCALAR);

    if (r)
        return r;
    if (strlen(n->text) != 11 || n->text[5] != '-' || !parse_clock(n->text, &from) ||
        !parse_clock(n->text + 6, &until) || from >= until)
        return refuse(p, n, "hours are written 18:00-21:00");
    for (int m = from; m < until; m++) {
        if (p->t->post_of_minute[m] != NO_POST)
            return refuse(p, n, "these hours overlap others");
        p->t->post_of_minute[m] = post;
    }
    return 0;
}

static int take_post_hours(struct parser *p, const struct sg_yaml_node *hours, uint8_t post)
{
    int r = want_kind(p, hours, SG_YAML_SEQUENCE);

    for (const struct sg_yaml_node *n = hours->first; n && !r; n = n->next)
        r = take_hours(p, n, post);
    return r;
}

static int take_rest_post(struct parser *p, const struct sg_yaml_node *n, uint8_t post)
{
    if (p->t->rest_post != NO_POST)
        return refuse(p, n, "a second post without hours");
    p->t->rest_post = post;
    return 0;
}

static int take_post(struct parser *p, const struct sg_yaml_node *n)
{
    static const char *const keys[] = {"name", "rate", "hours", NULL};
    struct sg_tariff *t = p->t;
    struct sg_tariff_post *post = &t->posts[t->n_posts];
    const struct sg_yaml_node *name, *rate, *hours;
    int r;

    if (t->n_posts == SG_TARIFF_POSTS_MAX)
        return refuse(p, n, "too many posts");
    r = check_keys(p, n, keys);
    if (r)
        return r;
    if (!(name = must_have(p, n, "name")) || !(rate = must_have(p, n, "rate")))
        return SG_TARIFF_BAD;
    r = take_name(p, name, post->name, SG_TARIFF_NAME_MAX);
    if (!r)
        r = take_decimal(p, rate, SG_RATE_DIGITS, -RATE_MAX, RATE_MAX, &post->rate);
    for (size_t i = 0; i < t->n_posts && !r; i++)
        if (!strcmp(t->posts[i].name, post->name))
            r = refuse(p, name, "a post of that name stands above");
    if (r)
        return r;
    hours = sg_yaml_get(n, "hours");
    r = hours ? take_post_hours(p, hours, (uint8_t)t->n_posts)
              : take_rest_post(p, n, (uint8_t)t->n_posts);
    t->n_posts++;
    return r;
}

static int take_posts(struct parser *p, const struct sg_yaml_node *posts)
{
    int r = want_kind(p, posts, SG_YAML_SEQUENCE);

    memset(p->t->post_of_minute, NO_POST, sizeof(p->t->post_of_minute));
    p->t->rest_post = NO_POST;
    for (const struct sg_yaml_node *n = posts->first; n && !r; n = n->next)
        r = take_post(p, n);
    if (r)
        return r;
    if (p->t->rest_post == NO_POST)
        return refuse(p, posts, "one post must have no hours: it takes the rest of the time");
    for (int m = 0; m < 1440; m++)
        if (p->t->post_of_minute[m] == NO_POST)
            p->t->post_of_minute[m] = p->t->rest_post;
    memset(p->t->post_at, p->t->rest_post, sizeof(p->t->post_at));
    memcpy(p->t->post_at[0][SG_DAY_WORKING], p->t->post_of_minute, 1440);
    return 0;
}

/* A date through the time parser, which knows the length of months. */
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

/* "05-01"; 02-29 too. */
static bool parse_month_day(const char *text, int64_t *ret)
{
    char date[16];
    int64_t day;
    unsigned month, mday;
    int year;

    if (strlen(text) != 5)
        return false;
    snprintf(date, sizeof(date), "2000-%s", text);
    if (!parse_date(date, &day))
        return false;
    sg_civil_from_days(day, &year, &month, &mday);
    *ret = (int64_t)(month * 32 + mday);
    return true;
}

/* "easter-47", "easter+60", "easter" */
static bool parse_easter(const char *text, int64_t *ret)
{
    if (strncmp(text, "easter", 6))
        return false;
    text += 6;
    *ret = 0;
    if (!*text)
        return true;
    bool before = *text == '-';
    if ((!before && *text != '+') || sg_decimal_parse(text + 1, 0, ret) || *ret < 0 ||
        *ret > EASTER_SPAN)
        return false;
    if (before)
        *ret = -*ret;
    return true;
}

static int take_holiday(struct parser *p, const struct sg_yaml_node *n)
{
    struct sg_tariff_holiday *h = &p->t->holidays[p->t->n_holidays];
    int r = want_kind(p, n, SG_YAML_SCALAR);

    if (r)
        return r;
    if (p->t->n_holidays == SG_TARIFF_HOLIDAYS_MAX)
        return refuse(p, n, "too many holidays");
    if (parse_date(n->text, &h->day))
        h->kind = SG_HOLIDAY_DATE;
    else if (parse_month_day(n->text, &h->day))
        h->kind = SG_HOLIDAY_YEARLY;
    else if (parse_easter(n->text, &h->day))
        h->kind = SG_HOLIDAY_EASTER;
    else
        return refuse(p, n, "a holiday is 2026-09-07, 09-07 or easter-47");
    p->t->n_holidays++;
    return 0;
}

static int take_holidays(struct parser *p, const struct sg_yaml_node *list)
{
    int r = want_kind(p, list, SG_YAML_SEQUENCE);

    for (const struct sg_yaml_node *n = list->first; n && !r; n = n->next)
        r = take_holiday(p, n);
    return r;
}

static bool parse_month(const char *text, int *ret)
{
    char date[16];
    int64_t day;
    unsigned month, mday;
    int year;

    if (strlen(text) != 7)
        return false;
    snprintf(date, sizeof(date), "%s-01", text);
    if (!parse_date(date, &day))
        return false;
    sg_civil_from_days(day, &year, &month, &mday);
    *ret = year * 12 + (int)month - 1;
    return true;
}

static int take_flag(struct parser *p, const struct sg_yaml_node *n)
{
    static const char *const keys[] = {"name", "adder", NULL};
    struct sg_tariff_flag *f = &p->t->flags[p->t->n_flags];
    const struct sg_yaml_node *name, *adder;
    int r;

    if (p->t->n_flags == SG_TARIFF_FLAGS_MAX)
        return refuse(p, n, "too many months");
    if (!parse_month(n->key, &f->month))
        return refuse(p, n, "a month is written 2026-09");
    r = check_keys(p, n, keys);
    if (r)
        return r;
    if (!(name = must_have(p, n, "name")) || !(adder = must_have(p, n, "adder")))
        return SG_TARIFF_BAD;
    r = take_name(p, name, f->name, SG_TARIFF_NAME_MAX);
    if (!r)
        r = take_decimal(p, adder, SG_RATE_DIGITS, 0, RATE_MAX, &f->adder);
    p->t->n_flags++;
    return r;
}

static int take_flags(struct parser *p, const struct sg_yaml_node *months)
{
    int r = want_kind(p, months, SG_YAML_MAPPING);

    for (const struct sg_yaml_node *n = months->first; n && !r; n = n->next)
        r = take_flag(p, n);
    return r;
}

static int take_minimum(struct parser *p, const struct sg_yaml_node *n)
{
    static const char *const keys[] = {"kwh", "post", NULL};
    const struct sg_yaml_node *kwh, *post;
    char name[SG_TARIFF_NAME_MAX + 1];
    int r = check_keys(p, n, keys);

    if (r)
        return r;
    if (!(kwh = must_have(p, n, "kwh")) || !(post = must_have(p, n, "post")))
        return SG_TARIFF_BAD;
    r = take_decimal(p, kwh, 3, 0, INT64_C(1000000000), &p->t->minimum_wh);
    if (!r)
        r = take_name(p, post, name, SG_TARIFF_NAME_MAX);
    if (r)
        return r;
    for (size_t i = 0; i < p->t->n_posts; i++) {
        if (strcmp(p->t->posts[i].name, name))
            continue;
        p->t->minimum_post = (uint8_t)i;
        return 0;
    }
    return refuse(p, post, "no post of that name");
}

static int take_excluded(struct parser *p, const struct sg_yaml_node *n, struct sg_tariff_tax *tax)
{
    int r = want_kind(p, n, SG_YAML_SCALAR);

    if (r)
        return r;
    for (size_t i = 0; i < p->t->n_taxes; i++) {
        if (strcmp(p->t->taxes[i].name, n->text))
            continue;
        /* One level only, so that the factor stays exact in 1e-12. */
        if (p->t->taxes[i].excludes)
            return refuse(p, n, "that tax has exclusions of its own");
        tax->excludes |= UINT32_C(1) << i;
        return 0;
    }
    return refuse(p, n, "no tax of that name stands above");
}

/* Share of the gross that a tax takes, in 1e-12. */
static int64_t tax_share(const struct sg_tariff *t, const struct sg_tariff_tax *tax)
{
    int64_t excluded = 0;

    for (size_t i = 0; i < t->n_taxes; i++)
        if (tax->excludes & UINT32_C(1) << i)
            excluded += t->taxes[i].rate_ppm;
    return tax->rate_ppm * (PPM - excluded);
}

static int take_tax(struct parser *p, const struct sg_yaml_node *n)
{
    static const char *const keys[] = {"name", "percent", "excludes", NULL};
    struct sg_tariff_tax *tax = &p->t->taxes[p->t->n_taxes];
    const struct sg_yaml_node *name, *percent, *excludes;
    int r;

    if (p->t->n_taxes == SG_TARIFF_TAXES_MAX)
        return refuse(p, n, "too many taxes");
    r = check_keys(p, n, keys);
    if (r)
        return r;
    if (!(name = must_have(p, n, "name")) || !(percent = must_have(p, n, "percent")))
        return SG_TARIFF_BAD;
    r = take_name(p, name, tax->name, SG_TARIFF_NAME_MAX);
    for (size_t i = 0; i < p->t->n_taxes && !r; i++)
        if (!strcmp(p->t->taxes[i].name, tax->name))
            r = refuse(p, name, "a tax of that name stands above");
    /* Percent with four decimals is parts per million. */
    if (!r)
        r = take_decimal(p, percent, 4, 0, PPM - 1, &tax->rate_ppm);
    excludes = sg_yaml_get(n, "excludes");
    if (!r && excludes)
        r = want_kind(p, excludes, SG_YAML_SEQUENCE);
    for (const struct sg_yaml_node *e = excludes ? excludes->first : NULL; e && !r; e = e->next)
        r = take_excluded(p, e, tax);
    p->t->n_taxes++;
    return r;
}

static int take_taxes(struct parser *p, const struct sg_yaml_node *list)
{
    int64_t share = 0;
    int r = want_kind(p, list, SG_YAML_SEQUENCE);

    for (const struct sg_yaml_node *n = list->first; n && !r; n = n->next)
        r = take_tax(p, n);
    if (r)
        return r;
    for (size_t i = 0; i < p->t->n_taxes; i++) {
        int64_t part = tax_share(p->t, &p->t->taxes[i]);
        if (part < 0)
            return refuse(p, list, "excluded taxes exceed the whole");
        share += part;
    }
    /* Inside their own base, taxes of 100 % would make the bill endless. */
    if (share > INT64_C(900000000000))
        return refuse(p, list, "taxes take more than 90 % of the bill");
    return 0;
}

static int take_step(struct parser *p, const struct sg_yaml_node *n)
{
    static const char *const keys[] = {"up_to_kwh", "amount", NULL};
    struct sg_tariff *t = p->t;
    struct sg_tariff_step *step = &t->lighting[t->n_lighting];
    const struct sg_yaml_node *up_to, *amount;
    int r;

    if (t->n_lighting == SG_TARIFF_STEPS_MAX)
        return refuse(p, n, "too many steps");
    r = check_keys(p, n, keys);
    if (r)
        return r;
    up_to = sg_yaml_get(n, "up_to_kwh");
    amount = must_have(p, n, "amount");
    if (!amount)
        return SG_TARIFF_BAD;
    step->up_to_wh = INT64_MAX;
    if (up_to)
        r = take_decimal(p, up_to, 3, 0, INT64_MAX - 1, &step->up_to_wh);
    if (!r)
        r = take_decimal(p, amount, t->decimals, 0, RATE_MAX, &step->amount);
    if (!r && t->n_lighting && step->up_to_wh <= t->lighting[t->n_lighting - 1].up_to_wh)
        r = refuse(p, n, "steps must rise");
    t->n_lighting++;
    return r;
}

static int take_lighting(struct parser *p, const struct sg_yaml_node *list)
{
    int r = want_kind(p, list, SG_YAML_SEQUENCE);

    for (const struct sg_yaml_node *n = list->first; n && !r; n = n->next)
        r = take_step(p, n);
    if (!r && p->t->n_lighting && p->t->lighting[p->t->n_lighting - 1].up_to_wh != INT64_MAX)
        r = refuse(p, list, "the last step must have no up_to_kwh");
    return r;
}

static int take_format(struct parser *p, const struct sg_yaml_node *n)
{
    int64_t v;
    return take_decimal(p, n, 0, FORMAT, FORMAT, &v);
}

static int take_id(struct parser *p, const struct sg_yaml_node *n)
{
    return take_name(p, n, p->t->id, SG_TARIFF_ID_MAX);
}

static int take_currency(struct parser *p, const struct sg_yaml_node *n)
{
    int r = take_text(p, n, p->t->currency, 3);

    if (r)
        return r;
    for (int i = 0; i < 3; i++)
        if (p->t->currency[i] < 'A' || p->t->currency[i] > 'Z')
            return refuse(p, n, "three capital letters (ISO 4217)");
    return 0;
}

static int take_decimals(struct parser *p, const struct sg_yaml_node *n)
{
    int64_t v = 0;
    int r = take_decimal(p, n, 0, 0, 4, &v);

    p->t->decimals = (unsigned)v;
    return r;
}

static int take_zone(struct parser *p, const struct sg_yaml_node *n)
{
    int r = take_text(p, n, p->t->zone, sizeof(p->t->zone) - 1);

    if (r)
        return r;
    r = sg_tz_load(&p->t->tz, p->t->zone);
    return r > 0 ? refuse(p, n, "no such time zone on this machine") : r;
}

static int take_interval(struct parser *p, const struct sg_yaml_node *n)
{
    int64_t minutes = 0;
    int r = take_decimal(p, n, 0, 1, 60, &minutes);

    if (!r && 60 % minutes)
        r = refuse(p, n, "must divide an hour");
    p->t->interval_s = (uint32_t)minutes * 60;
    return r;
}

static int take_rounding(struct parser *p, const struct sg_yaml_node *n)
{
    int r = want_kind(p, n, SG_YAML_SCALAR);

    if (r)
        return r;
    if (strcmp(n->text, "half-even") && strcmp(n->text, "half-up"))
        return refuse(p, n, "half-even or half-up");
    p->t->rounding = strcmp(n->text, "half-up") ? SG_ROUND_HALF_EVEN : SG_ROUND_HALF_UP;
    return 0;
}

static int take_title(struct parser *p, const struct sg_yaml_node *n)
{
    return want_kind(p, n, SG_YAML_SCALAR); /* for people only */
}

/* In this order, because later ones use earlier ones. */
static const struct {
    const char *key;
    bool required;
    int (*take)(struct parser *p, const struct sg_yaml_node *n);
} members[] = {
    {"format", true, take_format},      {"id", true, take_id},
    {"title", false, take_title},       {"source", false, take_title},
    {"currency", true, take_currency},  {"decimals", true, take_decimals},
    {"zone", true, take_zone},          {"interval_minutes", true, take_interval},
    {"rounding", true, take_rounding},  {"posts", true, take_posts},
    {"holidays", false, take_holidays}, {"flags", false, take_flags},
    {"minimum", false, take_minimum},   {"taxes", false, take_taxes},
    {"lighting", false, take_lighting},
};
#define N_MEMBERS (sizeof(members) / sizeof(members[0]))

static int take_tariff(struct parser *p, const struct sg_yaml_node *root)
{
    const char *keys[N_MEMBERS + 1] = {NULL};
    int r;

    for (size_t i = 0; i < N_MEMBERS; i++)
        keys[i] = members[i].key;
    r = check_keys(p, root, keys);
    for (size_t i = 0; i < N_MEMBERS && !r; i++) {
        const struct sg_yaml_node *n = sg_yaml_get(root, members[i].key);
        if (n)
            r = members[i].take(p, n);
        else if (members[i].required)
            r = sg_yaml_refuse(p->why, root->line, "%s is missing", members[i].key);
    }
    return r;
}

int sg_tariff_take_format1(struct sg_tariff *t, const struct sg_yaml_node *root,
                           struct sg_yaml_error *why)
{
    struct parser p = {t, why};
    return take_tariff(&p, root);
}
