#pragma once
/*
 * parts - the partitions a cursor will visit, as encoded keys in order without doubles.
 * Owns: its octets.  At most SG_SQL_PARTS_MAX keys at once; a longer listing comes in several
 * loads.
 */
#include <sealgrid/base/buf.h>

#define SG_SQL_PARTS_MAX   (1u << 20)
#define SG_SQL_PARTS_LOAD  49152u
#define SG_SQL_PARTS_BYTES (64u << 20)

struct sg_sql_parts {
    struct sg_buf octets;
    struct sg_sql_part {
        uint32_t at, len;
    } * keys;
    size_t n, capacity;
};

#define SG_SQL_PARTS_INIT                                                                          \
    {                                                                                              \
        .octets = SG_BUF_INIT(SG_SQL_PARTS_BYTES)                                                  \
    }

void sg_sql_parts_clear(struct sg_sql_parts *p);
void sg_sql_parts_reset(struct sg_sql_parts *p);
/* -ENOBUFS past the limits. */
SG_MUST_USE int sg_sql_parts_add(struct sg_sql_parts *p, struct sg_bytes key);
void sg_sql_parts_sort(struct sg_sql_parts *p);

static inline struct sg_bytes sg_sql_parts_key(const struct sg_sql_parts *p, size_t i)
{
    return SG_BYTES(p->octets.data + p->keys[i].at, p->keys[i].len);
}
