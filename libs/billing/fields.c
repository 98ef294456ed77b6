/* fields - the reader under tariffs and contracts. */
#include "fields-int.h"

#include <sealgrid/base/clock.h>

#include <stdarg.h>
#include <stdio.h>

#define EASTER_SPAN 365

static int report(struct sg_fields *f, unsigned line, const char *text)
{
    struct sg_yaml_error e = {.line = line};

    snprintf(e.text, sizeof(e.text), "%s", text);
    if (!f->bad)
        *f->why = e;
    f->bad = true;
    if (f->problem)
        f->problem(f->user, &e);
    return SG_YAML_BAD;
}

int sg_fields_refuse_at(struct sg_fields *f, unsigned line, const char *fmt, ...)
{
    char text[160];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return report(f, line, text);
}

int sg_fields_refuse(struct sg_fields *f, const struct sg_yaml_node *n, const char *fmt, ...)
{
    char text[160];
    size_t len = 0;
    va_list args;

    if (n->key)
        len = (size_t)snprintf(text, sizeof(text), "%.64s: ", n->key);
    va_start(args, fmt);
    vsnprintf(text + len, sizeof(text) - len, fmt, args);
    va_end(args);
    return report(f, n->line, text);
}

int sg_field_kind(struct sg_fields *f, const struct sg_yaml_node *n, enum sg_yaml_kind kind)
{
    static const char *const names[] = {"one value expected", "a list expected",
                                        "a mapping expected"};
    return n->kind == kind ? 0 : sg_fields_refuse(f, n, "%s", names[kind]);
}

static int check_keys(struct sg_fields *f, const struct sg_yaml_node *mapping,
                      const struct sg_field *table, size_t n_table)
{
    int r = 0;

    for (const struct sg_yaml_node *n = mapping->first; n; n = n->next) {
        size_t i = 0;
        while (i < n_table && strcmp(table[i].key, n->key))
            i++;
        if (i == n_table)
            r = sg_fields_refuse(f, n, "unknown key");
    }
    return r;
}

int sg_fields_mapping(struct sg_fields *f, const struct sg_yaml_node *n,
                      const struct sg_field *table, size_t n_table, void *into)
{
    int r = sg_field_kind(f, n, SG_YAML_MAPPING);

    if (r)
        return r;
    r = check_keys(f, n, table, n_table);
    for (size_t i = 0; i < n_table && r >= 0; i++) {
        const struct sg_yaml_node *member = sg_yaml_get(n, table[i].key);
        if (member)
            r = sg_fields_worse(r, table[i].take(f, member, into));
        else if (table[i].required)
            r = sg_fields_refuse_at(f, n->line, "%s is missing", table[i].key);
    }
    return r;
}

int sg_fields_list(struct sg_fields *f, const struct sg_yaml_node *n, size_t max, sg_field_fn take,
                   void *into)
{
    int r = sg_field_kind(f, n, SG_YAML_SEQUENCE);

    if (r)
        return r;
    if (n->n_children == 0)
        return sg_fields_refuse(f, n, "an empty list");
    if (n->n_children > max)
        return sg_fields_refuse(f, n, "more than %zu elements", max);
    for (const struct sg_yaml_node *e = n->first; e && r >= 0; e = e->next)
        r = sg_fields_worse(r, take(f, e, into));
    return r;
}

int sg_fields_one_or_list(struct sg_fields *f, const struct sg_yaml_node *n, size_t max,
                          sg_field_fn take, void *into)
{
    return n->kind == SG_YAML_SEQUENCE ? sg_fields_list(f, n, max, take, into) : take(f, n, into);
}

static int take_from(struct sg_fields *f, const struct sg_yaml_node *piece, bool alone,
                     int64_t *ret_day)
{
    const struct sg_yaml_node *from = NULL;
    int r = sg_field_kind(f, piece, SG_YAML_MAPPING);

    if (r)
        return r;
    from = sg_yaml_get(piece, "from");
    *ret_day = SG_TARIFF_ALWAYS;
    if (from)
        return sg_field_date(f, from, ret_day);
    return alone ? 0 : sg_fields_refuse_at(f, piece->line, "from is missing: there are several");
}

int sg_fields_dated(struct sg_fields *f, const struct sg_yaml_node *list, size_t piece_size,
                    sg_field_fn take_piece, void **ret, size_t *ret_n)
{
    uint8_t *pieces;
    size_t i = 0;
    int r = sg_field_kind(f, list, SG_YAML_SEQUENCE);

    if (r)
        return r;
    if (list->n_children == 0 || list->n_children > SG_TARIFF_PIECES_MAX)
        return sg_fields_refuse(f, list, "1 to %d dated rates expected", SG_TARIFF_PIECES_MAX);
    pieces = calloc(list->n_children, piece_size);
    if (!pieces)
        return sg_raise(-ENOMEM);
    *ret = pieces;
    *ret_n = list->n_children;
    for (const struct sg_yaml_node *n = list->first; n && r >= 0; n = n->next, i++) {
        int64_t *from_day = (int64_t *)(void *)(pieces + i * piece_size);
        const int64_t *previous = i ? (int64_t *)(void *)(pieces + (i - 1) * piece_size) : NULL;
        int taken = take_from(f, n, list->n_children == 1, from_day);
        if (!taken && previous && *from_day <= *previous)
            taken = sg_fields_refuse_at(f, n->line, "from: must be later than the date before");
        if (n->kind == SG_YAML_MAPPING)
            taken = sg_fields_worse(taken, take_piece(f, n, from_day));
        r = sg_fields_worse(r, taken);
    }
    return r;
}

int sg_fields_up_to(struct sg_fields *f, const struct sg_yaml_node *n, int64_t previous,
                    bool has_previous, int64_t *ret)
{
    const struct sg_yaml_node *up_to;
    int r = sg_field_kind(f, n, SG_YAML_MAPPING);

    if (r)
        return r;
    up_to = sg_yaml_get(n, "up_to_kwh");
    *ret = INT64_MAX;
    if (!up_to)
        return n->next ? sg_fields_refuse_at(f, n->line, "only the last may have no up_to_kwh") : 0;
    r = sg_field_decimal(f, up_to, 3, 0, SG_FIELD_WH_MAX, ret);
    if (!r && has_previous && *ret <= previous)
        r = sg_fields_refuse(f, up_to, "must rise");
    if (!r && !n->next)
        r = sg_fields_refuse(f, up_to, "the last must have none");
    return r;
}

int sg_field_text(struct sg_fields *f, const struct sg_yaml_node *n, char *ret, size_t max)
{
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    size_t len = strlen(n->text);
    if (len == 0 || len > max)
        return sg_fields_refuse(f, n, "a text of 1 to %zu octets expected", max);
    memcpy(ret, n->text, len + 1);
    return 0;
}

int sg_field_name(struct sg_fields *f, const struct sg_yaml_node *n, char *ret, size_t max)
{
    int r = sg_field_text(f, n, ret, max);

    if (r)
        return r;
    for (const char *c = ret; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_' || *c == '-'))
            return sg_fields_refuse(f, n, "a name has only a-z, 0-9, _ and -");
    return 0;
}

int sg_field_decimal(struct sg_fields *f, const struct sg_yaml_node *n, unsigned digits,
                     int64_t min, int64_t max, int64_t *ret)
{
    char least[SG_DECIMAL_MAX], most[SG_DECIMAL_MAX];
    int64_t v;
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    r = sg_decimal_parse(n->text, digits, &v);
    if (r == -EINVAL)
        return sg_fields_refuse(f, n, "not a decimal number with at most %u decimals: %.40s%s",
                                digits, n->text,
                                strchr(n->text, ',') ? " (decimals are behind a point)" : "");
    if (!r && v >= min && v <= max) {
        *ret = v;
        return 0;
    }
    sg_decimal_format(least, min, digits, 0);
    sg_decimal_format(most, max, digits, 0);
    if (min == max)
        return sg_fields_refuse(f, n, "must be %s", least);
    return sg_fields_refuse(f, n, "must be from %s to %s", least, most);
}

int sg_field_bool(struct sg_fields *f, const struct sg_yaml_node *n, bool *ret)
{
    static const char *const words[] = {"false", "true"};
    size_t i;
    int r = sg_field_word(f, n, words, 2, &i);

    if (!r)
        *ret = i == 1;
    return r;
}

int sg_field_word(struct sg_fields *f, const struct sg_yaml_node *n, const char *const *words,
                  size_t n_words, size_t *ret)
{
    char list[120] = "";
    size_t len = 0;
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    for (size_t i = 0; i < n_words; i++) {
        if (!strcmp(n->text, words[i])) {
            *ret = i;
            return 0;
        }
        len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "", words[i]);
        len = len < sizeof(list) ? len : sizeof(list) - 1;
    }
    return sg_fields_refuse(f, n, "one of: %s", list);
}

/* A date through the time parser, which knows the length of months. */
bool sg_text_date(const char *text, int64_t *ret_day)
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

bool sg_text_month_day(const char *text, int64_t *ret)
{
    char date[16];
    int64_t day;
    unsigned month, mday;
    int year;

    if (strlen(text) != 5)
        return false;
    snprintf(date, sizeof(date), "2000-%s", text);
    if (!sg_text_date(date, &day))
        return false;
    sg_civil_from_days(day, &year, &month, &mday);
    *ret = (int64_t)(month * 32 + mday);
    return true;
}

bool sg_text_month(const char *text, int *ret)
{
    char date[16];
    int64_t day;

    if (strlen(text) != 7)
        return false;
    snprintf(date, sizeof(date), "%s-01", text);
    if (!sg_text_date(date, &day))
        return false;
    *ret = sg_month_of_day(day);
    return true;
}

int sg_field_date(struct sg_fields *f, const struct sg_yaml_node *n, int64_t *ret_day)
{
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    return sg_text_date(n->text, ret_day)
               ? 0
               : sg_fields_refuse(f, n, "a date is 2026-09-07, not %.40s", n->text);
}

/* "18:30" to minutes from midnight, 24:00 included. */
static bool parse_clock(const char *s, uint16_t *ret)
{
    for (int i = 0; i < 5; i++)
        if (i == 2 ? s[i] != ':' : (s[i] < '0' || s[i] > '9'))
            return false;
    int minute = ((s[0] - '0') * 10 + s[1] - '0') * 60 + (s[3] - '0') * 10 + s[4] - '0';
    *ret = (uint16_t)minute;
    return s[3] <= '5' && minute <= 1440;
}

int sg_field_range(struct sg_fields *f, const struct sg_yaml_node *n, struct sg_tariff_range *ret)
{
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    if (strlen(n->text) == 11 && n->text[5] == '-' && parse_clock(n->text, &ret->from) &&
        parse_clock(n->text + 6, &ret->until) && ret->from < ret->until)
        return 0;
    return sg_fields_refuse(f, n, "hours are written 18:00-21:00, not past midnight");
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

int sg_field_holiday(struct sg_fields *f, const struct sg_yaml_node *n,
                     struct sg_tariff_holiday *ret)
{
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    if (sg_text_date(n->text, &ret->day))
        ret->kind = SG_HOLIDAY_DATE;
    else if (sg_text_month_day(n->text, &ret->day))
        ret->kind = SG_HOLIDAY_YEARLY;
    else if (parse_easter(n->text, &ret->day))
        ret->kind = SG_HOLIDAY_EASTER;
    else
        return sg_fields_refuse(f, n, "a holiday is 2026-09-07, 09-07 or easter-47, not %.20s",
                                n->text);
    return 0;
}
