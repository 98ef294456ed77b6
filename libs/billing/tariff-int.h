#pragma once
/*
 * tariff - parts of the reader of tariff files, by what they read.
 *
 * Every function is an sg_field_fn: f->context is the parser; into is what its table says.
 */
#include "fields-int.h"

struct sg_tariff_parser {
    struct sg_fields fields;
    struct sg_tariff *t;
    const struct sg_tariff_reading *how;
    const struct sg_yaml_node *root;
    struct sg_tariff_charge *charge;  /* that is being read */
    const struct sg_yaml_node *rates; /* its list */
    bool is_first_piece;              /* of them: it decides the shape of all */
    bool has_rest_post;
    uint8_t rest_post; /* that has no when */
};

static inline struct sg_tariff_parser *sg_tariff_parser_of(struct sg_fields *f)
{
    return f->context;
}

int sg_tariff_take_seasons(struct sg_fields *f, const struct sg_yaml_node *n, void *into);
int sg_tariff_take_holidays(struct sg_fields *f, const struct sg_yaml_node *n, void *into);
int sg_tariff_take_posts(struct sg_fields *f, const struct sg_yaml_node *n, void *into);
int sg_tariff_take_schedule(struct sg_fields *f, const struct sg_yaml_node *n, void *into);
int sg_tariff_take_charges(struct sg_fields *f, const struct sg_yaml_node *n, void *into);
int sg_tariff_take_taxes(struct sg_fields *f, const struct sg_yaml_node *n, void *into);
int sg_tariff_take_lighting(struct sg_fields *f, const struct sg_yaml_node *n, void *into);

/* Rates of the charge that is being read, by its kind; into is not used. */
int sg_tariff_take_rates(struct sg_fields *f, const struct sg_yaml_node *n, void *into);
/* {file, sha256, step_minutes}: fetches the file and checks it.  words NULL: prices. */
int sg_tariff_take_series(struct sg_fields *f, const struct sg_yaml_node *n,
                          const struct sg_series_words *words, struct sg_series **ret);

/* Index of the name among the posts, or charges so far; SIZE_MAX. */
size_t sg_tariff_find_post(const struct sg_tariff *t, const char *name);
size_t sg_tariff_find_charge(const struct sg_tariff *t, const char *name);
