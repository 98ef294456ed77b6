#pragma once
/*
 * bound - what a constraint "key column OP value" means for the octets of a key.
 *
 * SQLite hands over the right-hand side as it is, before affinity, and checks the constraint again
 * afterwards, so a bound may admit too much but never too little.  Comparisons follow SQLite's
 * (datatype3.html section 4): NULL matches nothing; numbers < text < blobs; text that looks like a
 * number is one beside a numeric column; integers and reals compare by value.
 */
#include <sealgrid/kvs/tuple.h>

enum sg_bound_op { SG_BOUND_EQ, SG_BOUND_GT, SG_BOUND_GE, SG_BOUND_LT, SG_BOUND_LE };

enum sg_bound_kind {
    SG_BOUND_NOTHING, /* no row can match */
    SG_BOUND_ALL,     /* every row may */
    SG_BOUND_AT,      /* value, inclusive or not */
    SG_BOUND_UNFIT,   /* = between a text key and a number: has no key (docs/sql.md, types) */
};

struct sg_bound {
    enum sg_bound_kind kind;
    bool inclusive;
    struct sg_value value; /* of the column's type; text and blob borrowed from rhs */
};

/* rhs: numeric text already turned into a number if the column is numeric. */
struct sg_bound sg_bound_make(enum sg_value_type column, enum sg_bound_op op, struct sg_value rhs);

/* Keys that begin with prefix and whose next element lies between lower and upper (kind ALL where
 * there is no bound), as from (inclusive) and until (exclusive, empty: no end).  Appends. */
SG_MUST_USE int sg_bound_range(struct sg_bytes prefix, const struct sg_bound *lower,
                               const struct sg_bound *upper, struct sg_buf *ret_from,
                               struct sg_buf *ret_until);
