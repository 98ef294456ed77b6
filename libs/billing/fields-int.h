#pragma once
/*
 * fields - members of a YAML tree become members of structures: the reader under tariffs,
 * contracts and rules of validation.  A problem is reported with its line and reading goes on, so
 * that one run names all of them; a failure of the system (negative) stops it.
 *
 * Functions return 0, SG_YAML_BAD (reported) or a negative failure.
 */
#include <sealgrid/base/yaml.h>
#include <sealgrid/billing/tariff.h>

struct sg_fields {
    struct sg_yaml_error *why;    /* the first problem */
    sg_tariff_problem_fn problem; /* NULL, or every one of them */
    void *user;
    bool bad;
    void *context; /* of the caller's functions */
};

typedef int (*sg_field_fn)(struct sg_fields *f, const struct sg_yaml_node *n, void *into);

struct sg_field {
    const char *key;
    bool required;
    sg_field_fn take;
};
#define SG_FIELD_WH_MAX       INT64_C(1000000000000000) /* 10^12 kWh */
#define SG_FIELD_RATE_MAX     INT64_C(1000000000000000) /* a million per kWh */
#define SG_FIELD_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Reports; SG_YAML_BAD. */
int sg_fields_refuse_at(struct sg_fields *f, unsigned line, const char *fmt, ...) SG_PRINTF(3, 4);
/* Likewise, with the node's key before the text if it has one. */
int sg_fields_refuse(struct sg_fields *f, const struct sg_yaml_node *n, const char *fmt, ...)
    SG_PRINTF(3, 4);
/* Of two results the one to go on with: a failure, else a problem. */
static inline int sg_fields_worse(int a, int b)
{
    return a < 0 || (a > 0 && b >= 0) ? a : b;
}

/* A mapping whose members are the table's: unknown and missing ones are problems, the others are
 * taken in the table's order. */
int sg_fields_mapping(struct sg_fields *f, const struct sg_yaml_node *n,
                      const struct sg_field *table, size_t n_table, void *into);
/* Every element of a list of 1 to max. */
int sg_fields_list(struct sg_fields *f, const struct sg_yaml_node *n, size_t max, sg_field_fn take,
                   void *into);
/* The same, or one element that stands alone. */
int sg_fields_one_or_list(struct sg_fields *f, const struct sg_yaml_node *n, size_t max,
                          sg_field_fn take, void *into);

/* Pieces in force from a date on, ascending; the date may be absent if there is one piece.  Each
 * structure begins with int64_t from_day; take_piece is given the piece as into. */
int sg_fields_dated(struct sg_fields *f, const struct sg_yaml_node *list, size_t piece_size,
                    sg_field_fn take_piece, void **ret, size_t *ret_n);
/* Threshold of a step, tier or band of a list in which they rise; the last has no up_to_kwh and
 * *ret is INT64_MAX. */
int sg_fields_up_to(struct sg_fields *f, const struct sg_yaml_node *n, int64_t previous,
                    bool has_previous, int64_t *ret);

int sg_field_kind(struct sg_fields *f, const struct sg_yaml_node *n, enum sg_yaml_kind kind);
/* A text of 1 to max octets; ret has room for max + 1. */
int sg_field_text(struct sg_fields *f, const struct sg_yaml_node *n, char *ret, size_t max);
/* A name: a-z, 0-9, "_" and "-", up to SG_TARIFF_NAME_MAX. */
int sg_field_name(struct sg_fields *f, const struct sg_yaml_node *n, char *ret, size_t max);
/* A decimal with at most so many digits behind the point, scaled by 10^digits, in [min, max]. */
int sg_field_decimal(struct sg_fields *f, const struct sg_yaml_node *n, unsigned digits,
                     int64_t min, int64_t max, int64_t *ret);
int sg_field_bool(struct sg_fields *f, const struct sg_yaml_node *n, bool *ret);
/* The index of the text in words. */
int sg_field_word(struct sg_fields *f, const struct sg_yaml_node *n, const char *const *words,
                  size_t n_words, size_t *ret);
/* "2026-09-07" as days since 1970. */
int sg_field_date(struct sg_fields *f, const struct sg_yaml_node *n, int64_t *ret_day);
/* "18:00-21:00" as minutes. */
int sg_field_range(struct sg_fields *f, const struct sg_yaml_node *n, struct sg_tariff_range *ret);
/* "2026-09-07", "09-07" or "easter-47". */
int sg_field_holiday(struct sg_fields *f, const struct sg_yaml_node *n,
                     struct sg_tariff_holiday *ret);

bool sg_text_date(const char *text, int64_t *ret_day);
/* "05-01" as month * 32 + day; 02-29 too. */
bool sg_text_month_day(const char *text, int64_t *ret);
/* "2026-09" as year * 12 + month - 1. */
bool sg_text_month(const char *text, int *ret);
