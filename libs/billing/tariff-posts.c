/* tariff-posts - seasons, holidays, posts of use and their schedule. */
#include "tariff-int.h"

#include <stdio.h>

#define DAY_S     86400
#define RULES_MAX 16
#define HOURS_MAX 24

/* ---- seasons and holidays ------------------------------------------------------------------ */

static int take_season_name(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff *t = into;
    struct sg_tariff_season *season = &t->seasons[t->n_seasons];
    int r = sg_field_name(f, n, season->name, SG_TARIFF_NAME_MAX);

    for (size_t i = 0; i < t->n_seasons && !r; i++)
        if (!strcmp(t->seasons[i].name, season->name))
            r = sg_fields_refuse(f, n, "a season of that name stands above");
    return r;
}

static int take_season_from(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff *t = into;
    int64_t from;
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    if (!sg_text_month_day(n->text, &from))
        return sg_fields_refuse(f, n, "a season begins on a day of the year as 05-01");
    t->seasons[t->n_seasons].from = (unsigned)from;
    if (t->n_seasons && t->seasons[t->n_seasons - 1].from >= (unsigned)from)
        return sg_fields_refuse(f, n, "must be later in the year than the season before");
    return 0;
}

static int take_season(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {{"name", true, take_season_name},
                                              {"from", true, take_season_from}};
    struct sg_tariff *t = into;
    int r = sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), into);

    t->n_seasons++;
    return r;
}

int sg_tariff_take_seasons(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return sg_fields_list(f, n, SG_TARIFF_SEASONS_MAX, take_season, into);
}

static int take_holiday(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff *t = into;
    int r = sg_field_holiday(f, n, &t->holidays[t->n_holidays]);

    t->n_holidays += r == 0;
    return r;
}

int sg_tariff_take_holidays(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return sg_fields_list(f, n, SG_TARIFF_HOLIDAYS_MAX, take_holiday, into);
}

/* ---- rules --------------------------------------------------------------------------------- */

/* Bits of kinds of day and of seasons, and ranges of hours. */
struct rule {
    unsigned days, seasons;
    struct sg_tariff_range hours[HOURS_MAX];
    size_t n_hours;
};

#define BIT(kind) (1u << (kind))

static int take_days(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const char *const words[] = {"working", "saturday", "sunday", "holiday",
                                        "weekend", "rest",     "every"};
    static const unsigned bits[] = {BIT(SG_DAY_WORKING),
                                    BIT(SG_DAY_SATURDAY),
                                    BIT(SG_DAY_SUNDAY),
                                    BIT(SG_DAY_HOLIDAY),
                                    BIT(SG_DAY_SATURDAY) | BIT(SG_DAY_SUNDAY),
                                    BIT(SG_DAY_SATURDAY) | BIT(SG_DAY_SUNDAY) | BIT(SG_DAY_HOLIDAY),
                                    BIT(SG_DAY_KINDS) - 1};
    struct rule *rule = into;
    size_t i;
    int r = sg_field_word(f, n, words, SG_FIELD_COUNT(words), &i);

    if (!r)
        rule->days |= bits[i];
    return r;
}

static int take_days_list(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return sg_fields_one_or_list(f, n, SG_DAY_KINDS, take_days, into);
}

static int take_rule_season(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    const struct sg_tariff *t = sg_tariff_parser_of(f)->t;
    struct rule *rule = into;
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    for (size_t i = 0; i < t->n_seasons; i++)
        if (!strcmp(t->seasons[i].name, n->text)) {
            rule->seasons |= 1u << i;
            return 0;
        }
    return sg_fields_refuse(f, n, "no season is named %.31s", n->text);
}

static int take_rule_seasons(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return sg_fields_one_or_list(f, n, SG_TARIFF_SEASONS_MAX, take_rule_season, into);
}

static int take_rule_range(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct rule *rule = into;
    return sg_field_range(f, n, &rule->hours[rule->n_hours++]);
}

static int take_rule_hours(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    return sg_fields_one_or_list(f, n, HOURS_MAX, take_rule_range, into);
}

/* Gives minutes to the post; a minute that is another's is a problem, named once a rule. */
static int claim(struct sg_fields *f, const struct sg_yaml_node *n, size_t season, size_t kind,
                 const struct sg_tariff_range *range)
{
    static const char *const kinds[] = {"working days", "Saturdays", "Sundays", "holidays"};
    struct sg_tariff *t = sg_tariff_parser_of(f)->t;

    for (unsigned m = range->from; m < range->until; m++) {
        uint8_t *at = &t->post_at[season][kind][m];
        if (*at != SG_TARIFF_NO_POST && *at != t->n_posts)
            return sg_fields_refuse_at(
                f, n->line, "%.31s and %.31s both have %02u:%02u of %s%s%.31s", t->posts[*at].name,
                t->posts[t->n_posts].name, m / 60, m % 60, kinds[kind],
                t->n_seasons ? ", season " : "", t->n_seasons ? t->seasons[season].name : "");
        *at = (uint8_t)t->n_posts;
    }
    return 0;
}

static int apply(struct sg_fields *f, const struct sg_yaml_node *n, const struct rule *rule)
{
    const struct sg_tariff *t = sg_tariff_parser_of(f)->t;
    size_t n_seasons = t->n_seasons ? t->n_seasons : 1;
    int r = 0;

    for (size_t s = 0; s < n_seasons; s++)
        for (size_t k = 0; k < SG_DAY_KINDS; k++) {
            if (!(rule->seasons & 1u << s) || !(rule->days & 1u << k))
                continue;
            for (size_t h = 0; h < rule->n_hours && !r; h++)
                r = claim(f, n, s, k, &rule->hours[h]);
        }
    return r;
}

static int take_rule(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {{"days", false, take_days_list},
                                              {"seasons", false, take_rule_seasons},
                                              {"hours", false, take_rule_hours}};
    struct rule rule = {.n_hours = 0};
    int r = sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), &rule);

    (void)into;
    if (r)
        return r;
    if (n->n_children == 0)
        return sg_fields_refuse(f, n, "a rule has days, seasons or hours");
    if (!rule.days)
        rule.days = BIT(SG_DAY_KINDS) - 1;
    if (!rule.seasons)
        rule.seasons = ~0u;
    if (!rule.n_hours)
        rule.hours[rule.n_hours++] = (struct sg_tariff_range){0, 1440};
    return apply(f, n, &rule);
}

/* ---- posts --------------------------------------------------------------------------------- */

static int take_post_name(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff *t = into;
    struct sg_tariff_post *post = &t->posts[t->n_posts];
    int r = sg_field_name(f, n, post->name, SG_TARIFF_NAME_MAX);

    for (size_t i = 0; i < t->n_posts && !r; i++)
        if (!strcmp(t->posts[i].name, post->name))
            r = sg_fields_refuse(f, n, "a post of that name stands above");
    return r;
}

static int take_when(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    if (sg_yaml_get(sg_tariff_parser_of(f)->root, "schedule"))
        return sg_fields_refuse(f, n, "the schedule says it already");
    return sg_fields_list(f, n, RULES_MAX, take_rule, into);
}

static int take_post(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    static const struct sg_field members[] = {{"name", true, take_post_name},
                                              {"when", false, take_when}};
    struct sg_tariff_parser *p = sg_tariff_parser_of(f);
    struct sg_tariff *t = into;
    int r = sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), into);

    if (r >= 0 && n->kind == SG_YAML_MAPPING && !sg_yaml_get(n, "when") &&
        !sg_yaml_get(p->root, "schedule")) {
        if (p->has_rest_post)
            r = sg_fields_refuse(f, n,
                                 "a second post without when: which has the rest of the time?");
        p->has_rest_post = true;
        p->rest_post = (uint8_t)t->n_posts;
    }
    t->n_posts++;
    return r;
}

int sg_tariff_take_posts(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff_parser *p = sg_tariff_parser_of(f);
    struct sg_tariff *t = into;
    uint8_t *minutes = &t->post_at[0][0][0];
    int r;

    memset(minutes, SG_TARIFF_NO_POST, sizeof(t->post_at));
    r = sg_fields_list(f, n, SG_TARIFF_POSTS_MAX, take_post, into);
    if (r || sg_yaml_get(p->root, "schedule"))
        return r;
    if (!p->has_rest_post)
        return sg_fields_refuse(f, n, "one post must have no when: it takes the rest of the time");
    for (size_t i = 0; i < sizeof(t->post_at); i++)
        if (minutes[i] == SG_TARIFF_NO_POST)
            minutes[i] = p->rest_post;
    return 0;
}

size_t sg_tariff_find_post(const struct sg_tariff *t, const char *name)
{
    for (size_t i = 0; i < t->n_posts; i++)
        if (!strcmp(t->posts[i].name, name))
            return i;
    return SIZE_MAX;
}

int sg_tariff_take_schedule(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct sg_tariff *t = into;
    const char *names[SG_TARIFF_POSTS_MAX];
    const struct sg_series_words words = {names, t->n_posts};

    for (size_t i = 0; i < t->n_posts; i++)
        names[i] = t->posts[i].name;
    return sg_tariff_take_series(f, n, &words, &t->schedule);
}
