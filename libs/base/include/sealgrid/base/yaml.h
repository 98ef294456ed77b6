#pragma once
/*
 * yaml - the adaptor over libyaml: one document as a tree.
 *
 * Strict on purpose: aliases, anchors, tags, duplicate keys, NUL in a text, keys that are no
 * scalar, several documents are refused; at most SG_YAML_NODES nodes and SG_YAML_DEPTH levels.
 * The tree owns all its texts.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

#define SG_YAML_NODES 4096
#define SG_YAML_DEPTH 8

enum sg_yaml_kind { SG_YAML_SCALAR, SG_YAML_SEQUENCE, SG_YAML_MAPPING };

struct sg_yaml_node {
    enum sg_yaml_kind kind;
    unsigned line;              /* 1.. */
    char *key;                  /* in a mapping, else NULL */
    char *text;                 /* of a scalar, else NULL */
    struct sg_yaml_node *first; /* children, in order */
    struct sg_yaml_node *last;
    struct sg_yaml_node *next;
    size_t n_children;
};

struct sg_yaml {
    struct sg_yaml_node *nodes; /* nodes[0] is the root */
    size_t n;
};

/* Where and why a text was refused, for people. */
struct sg_yaml_error {
    unsigned line; /* 0: the whole */
    char text[160];
};

enum sg_yaml_outcome { SG_YAML_BAD = 1 };

/* Fills e and returns SG_YAML_BAD. */
int sg_yaml_refuse(struct sg_yaml_error *e, unsigned line, const char *fmt, ...) SG_PRINTF(3, 4);
SG_MUST_USE int sg_yaml_parse(struct sg_yaml *ret, struct sg_bytes text, struct sg_yaml_error *e);
/* A document that is a list, of any length: each element in its order is a tree of its own with the
 * limits of one, borrowed for the call; so memory is that of the largest element.  fn returns 0 to
 * go on; anything else ends it and is returned.  A mistake of form behind an element is found after
 * fn had it. */
typedef int (*sg_yaml_item_fn)(void *user, const struct sg_yaml_node *item);
SG_MUST_USE int sg_yaml_each(struct sg_bytes text, sg_yaml_item_fn fn, void *user,
                             struct sg_yaml_error *e);
void sg_yaml_clear(struct sg_yaml *y);
/* NULL if the mapping has no such key. */
struct sg_yaml_node *sg_yaml_get(const struct sg_yaml_node *mapping, const char *key);
