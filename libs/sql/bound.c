#include "bound-int.h"

#include <math.h>

#define TWO63 9223372036854775808.0

static struct sg_bound nothing(void)
{
    return (struct sg_bound){.kind = SG_BOUND_NOTHING};
}

static struct sg_bound all(void)
{
    return (struct sg_bound){.kind = SG_BOUND_ALL};
}

static struct sg_bound at(struct sg_value v, bool inclusive)
{
    return (struct sg_bound){.kind = SG_BOUND_AT, .inclusive = inclusive, .value = v};
}

static bool is_lower(enum sg_bound_op op)
{
    return op == SG_BOUND_GT || op == SG_BOUND_GE;
}

static bool is_inclusive(enum sg_bound_op op)
{
    return op != SG_BOUND_GT && op != SG_BOUND_LT;
}

/* rhs is of a type that sorts after every value of the column, or before. */
static struct sg_bound against_other_type(enum sg_bound_op op, bool rhs_is_after)
{
    if (op == SG_BOUND_EQ)
        return nothing();
    return is_lower(op) == rhs_is_after ? nothing() : all();
}

static struct sg_bound integer_against_real(enum sg_bound_op op, double f)
{
    if (!(f < TWO63))
        return against_other_type(op, true);
    if (f < -TWO63)
        return against_other_type(op, false);
    double whole = is_lower(op) ? ceil(f) : floor(f);
    if (whole != f && op == SG_BOUND_EQ)
        return nothing();
    return at(SG_VAL_INT((int64_t)whole), whole != f || is_inclusive(op));
}

static struct sg_bound real_against_integer(enum sg_bound_op op, int64_t i)
{
    double f = (double)i;
    bool exact = f < TWO63 && (int64_t)f == i;
    if (!exact && op == SG_BOUND_EQ)
        return nothing();
    /* Rounded to the nearest real: including it admits at most that one row too many. */
    return at((struct sg_value){.type = SG_REAL, .f = f}, !exact || is_inclusive(op));
}

static struct sg_bound number_against_number(enum sg_value_type column, enum sg_bound_op op,
                                             struct sg_value rhs)
{
    if (column == rhs.type)
        return at(rhs, is_inclusive(op));
    return column == SG_INTEGER ? integer_against_real(op, rhs.f) : real_against_integer(op, rhs.i);
}

static bool is_number(enum sg_value_type t)
{
    return t == SG_INTEGER || t == SG_REAL;
}

struct sg_bound sg_bound_make(enum sg_value_type column, enum sg_bound_op op, struct sg_value rhs)
{
    if (rhs.type == SG_NULL)
        return nothing();
    if (is_number(column))
        return is_number(rhs.type) ? number_against_number(column, op, rhs)
                                   : against_other_type(op, true);
    if (column == rhs.type)
        return at(rhs, is_inclusive(op));
    if (column == SG_BLOB)
        return against_other_type(op, false);
    if (rhs.type == SG_BLOB)
        return against_other_type(op, true);
    /* A number beside a text column: SQLite compares as text or as numbers, depending on the
     * expression it came from, which is not known here. */
    return (struct sg_bound){.kind = op == SG_BOUND_EQ ? SG_BOUND_UNFIT : SG_BOUND_ALL};
}

/* Elements begin with octets below this one, so it sorts after every continuation of a key. */
#define AFTER_ALL 0xff

static int append_end(struct sg_bytes prefix, const struct sg_bound *bound, bool past,
                      struct sg_buf *b)
{
    int r = sg_buf_append(b, prefix);
    if (r == 0 && bound->kind == SG_BOUND_AT)
        r = sg_tuple_key_append(b, &bound->value, 1);
    if (r == 0 && past)
        r = sg_buf_append_u8(b, AFTER_ALL);
    return r;
}

int sg_bound_range(struct sg_bytes prefix, const struct sg_bound *lower,
                   const struct sg_bound *upper, struct sg_buf *ret_from, struct sg_buf *ret_until)
{
    bool bounded = upper->kind == SG_BOUND_AT;
    int r = append_end(prefix, lower, lower->kind == SG_BOUND_AT && !lower->inclusive, ret_from);
    if (r == 0 && (bounded || prefix.len))
        r = append_end(prefix, upper, !bounded || upper->inclusive, ret_until);
    return r;
}
