#pragma once
/*
 * ddl - our own subset of the data definition language, parsed here and never by SQLite:
 *
 *   CREATE TABLE [IF NOT EXISTS] name ( column {, column} [, PRIMARY KEY ( name {, name} )] )
 *       [PARTITION BY ( [name {, name}] )] [;]
 *   column := name ( INTEGER | REAL | TEXT | BLOB ) { NOT NULL | PRIMARY KEY }
 *   DROP TABLE [IF EXISTS] name [;]
 *
 * A name is [A-Za-z_][A-Za-z0-9_]*, at most 63, in any case and kept in lower case; between double
 * quotes it may be a keyword.  Exactly one primary key.  PARTITION BY names the leading columns of
 * the primary key (default: the first); none at all puts the whole table in one partition.
 *
 * sg_ddl_format writes the canonical text, which is also what the dictionary stores: one grammar
 * for both, and formatting what was parsed and parsing it again is the identity.
 */
#include <sealgrid/sql.h>

#define SG_SQL_COLUMNS_MAX 200
#define SG_SQL_KEY_MAX     16
#define SG_SQL_NAME_MAX    63
#define SG_DDL_TEXT_MAX    32768

struct sg_sql_column {
    char name[SG_SQL_NAME_MAX + 1];
    enum sg_value_type type;
    bool not_null; /* true for every key column */
    int16_t key;   /* place in the primary key, or -1 */
    int16_t field; /* place in the value tuple, or -1 for a key column */
};

struct sg_sql_shape {
    char name[SG_SQL_NAME_MAX + 1];
    unsigned n_columns;
    unsigned n_key;       /* columns of the primary key */
    unsigned n_partition; /* the first so many of them, 0..n_key */
    struct sg_sql_column columns[SG_SQL_COLUMNS_MAX];
    uint8_t key[SG_SQL_KEY_MAX]; /* column of each key part */
};

enum sg_ddl_kind { SG_DDL_CREATE, SG_DDL_DROP };

struct sg_ddl {
    enum sg_ddl_kind kind;
    bool if_clause;            /* IF NOT EXISTS, IF EXISTS */
    struct sg_sql_shape shape; /* of DROP only the name */
};

enum sg_ddl_outcome { SG_DDL_BAD = 1 };

/* Does the text begin (after space and comments) with CREATE, DROP or ALTER? */
bool sg_ddl_is_ours(struct sg_bytes sql);
/* Nothing but space, comments and semicolons? */
bool sg_ddl_is_blank(struct sg_bytes sql);
/* 0, or SG_DDL_BAD with the offset and a phrase that says what was expected there. */
SG_MUST_USE int sg_ddl_parse(struct sg_bytes sql, struct sg_ddl *ret, size_t *reterr_at,
                             const char **reterr_what);
/* CREATE TABLE in canonical form. */
SG_MUST_USE int sg_ddl_format(const struct sg_sql_shape *shape, struct sg_buf *ret);
/* Fills key and field places from n_key, key[] and the columns. */
void sg_sql_shape_finish(struct sg_sql_shape *shape);
const char *sg_sql_type_name(enum sg_value_type type);
