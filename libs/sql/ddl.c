#include "ddl-int.h"

#include <strings.h>

enum token_kind { T_WORD, T_QUOTED, T_PUNCT, T_END, T_BAD };

struct token {
    enum token_kind kind;
    size_t at;
    struct sg_bytes text; /* of a quoted name without its quotes */
};

struct parser {
    struct sg_bytes sql;
    size_t pos;
    struct token token; /* the one looked at */
    const char *what;   /* NULL until something is wrong */
};

/* ---- lexer ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static bool is_name_start(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name_octet(uint8_t c)
{
    return is_name_start(c) || (c >= '0' && c <= '9');
}

static uint8_t octet(const struct parser *p, size_t at)
{
    return at < p->sql.len ? p->sql.data[at] : 0;
}

/* One comment or run of space; false if there is none.  An unclosed comment ends with the text, as
 * SQLite has it. */
static bool skip_blank(struct parser *p)
{
    size_t start = p->pos;
    while (p->pos < p->sql.len && is_space(p->sql.data[p->pos]))
        p->pos++;
    if (octet(p, p->pos) == '-' && octet(p, p->pos + 1) == '-') {
        while (p->pos < p->sql.len && p->sql.data[p->pos] != '\n')
            p->pos++;
    } else if (octet(p, p->pos) == '/' && octet(p, p->pos + 1) == '*') {
        const uint8_t *from = p->sql.data + p->pos + 2;
        const uint8_t *end = memmem(from, p->sql.len - p->pos - 2, "*/", 2);
        p->pos = end ? (size_t)(end - p->sql.data) + 2 : p->sql.len;
    }
    return p->pos > start;
}

static void lex_name(struct parser *p, struct token *t)
{
    size_t start = p->pos;
    while (p->pos < p->sql.len && is_name_octet(p->sql.data[p->pos]))
        p->pos++;
    t->kind = T_WORD;
    t->text = SG_BYTES(p->sql.data + start, p->pos - start);
}

static void lex_quoted(struct parser *p, struct token *t)
{
    size_t start = ++p->pos;
    if (!is_name_start(octet(p, start)))
        return;
    while (is_name_octet(octet(p, p->pos)))
        p->pos++;
    if (octet(p, p->pos) != '"')
        return;
    t->kind = T_QUOTED;
    t->text = SG_BYTES(p->sql.data + start, p->pos - start);
    p->pos++;
}

static void advance(struct parser *p)
{
    while (skip_blank(p)) {
    }
    struct token t = {.kind = T_BAD, .at = p->pos};
    uint8_t c = octet(p, p->pos);
    if (p->pos == p->sql.len) {
        t.kind = T_END;
    } else if (is_name_start(c)) {
        lex_name(p, &t);
    } else if (c == '"') {
        lex_quoted(p, &t);
    } else if (c == '(' || c == ')' || c == ',' || c == ';') {
        t.kind = T_PUNCT;
        t.text = SG_BYTES(p->sql.data + p->pos++, 1);
    }
    p->token = t;
}

static bool at_word(const struct parser *p, const char *word)
{
    return p->token.kind == T_WORD && p->token.text.len == strlen(word) &&
           strncasecmp((const char *)p->token.text.data, word, p->token.text.len) == 0;
}

static bool at_punct(const struct parser *p, char c)
{
    return p->token.kind == T_PUNCT && p->token.text.data[0] == (uint8_t)c;
}

static bool wrong(struct parser *p, const char *what)
{
    if (!p->what)
        p->what = what;
    return false;
}

static bool take_word(struct parser *p, const char *word)
{
    if (!at_word(p, word))
        return false;
    advance(p);
    return true;
}

static bool take_punct(struct parser *p, char c)
{
    if (!at_punct(p, c))
        return false;
    advance(p);
    return true;
}

static bool is_keyword(struct sg_bytes word)
{
    static const char *const words[] = {"primary", "partition", "table",   "not",       "null",
                                        "if",      "exists",    "create",  "drop",      "check",
                                        "unique",  "foreign",   "default", "constraint"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (word.len == strlen(words[i]) &&
            strncasecmp((const char *)word.data, words[i], word.len) == 0)
            return true;
    return false;
}

static bool take_name(struct parser *p, char ret[SG_SQL_NAME_MAX + 1])
{
    const struct token *t = &p->token;
    if (t->kind == T_WORD && is_keyword(t->text))
        return wrong(p, "expected a name, this is a keyword (put it between double quotes)");
    if (t->kind != T_WORD && t->kind != T_QUOTED)
        return wrong(p, "expected a name of letters, digits and _");
    if (t->text.len > SG_SQL_NAME_MAX)
        return wrong(p, "a name has at most 63 characters");
    for (size_t i = 0; i < t->text.len; i++) {
        uint8_t c = t->text.data[i];
        ret[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    ret[t->text.len] = 0;
    advance(p);
    return true;
}

/* ---- grammar ---- */

static int find_column(const struct sg_sql_shape *s, const char *name)
{
    for (unsigned i = 0; i < s->n_columns; i++)
        if (strcmp(s->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

static bool parse_type(struct parser *p, enum sg_value_type *ret)
{
    for (enum sg_value_type t = SG_INTEGER; t <= SG_BLOB; t++) {
        if (take_word(p, sg_sql_type_name(t))) {
            *ret = t;
            return true;
        }
    }
    return wrong(p, "expected a type: INTEGER, REAL, TEXT or BLOB");
}

static bool in_key(const struct sg_sql_shape *s, uint8_t column)
{
    for (unsigned i = 0; i < s->n_key; i++)
        if (s->key[i] == column)
            return true;
    return false;
}

static bool add_key_column(struct parser *p, struct sg_sql_shape *s, uint8_t column)
{
    if (s->n_key == SG_SQL_KEY_MAX)
        return wrong(p, "a primary key has at most 16 columns");
    if (in_key(s, column))
        return wrong(p, "this column is in the primary key already");
    s->columns[column].not_null = true;
    s->key[s->n_key++] = column;
    return true;
}

static bool parse_column_constraints(struct parser *p, struct sg_sql_shape *s, unsigned column)
{
    for (;;) {
        if (take_word(p, "not")) {
            if (!take_word(p, "null"))
                return wrong(p, "expected NULL after NOT");
            s->columns[column].not_null = true;
        } else if (at_word(p, "primary")) {
            if (s->n_key)
                return wrong(p, "a second primary key");
            advance(p);
            if (!take_word(p, "key"))
                return wrong(p, "expected KEY after PRIMARY");
            if (!add_key_column(p, s, (uint8_t)column))
                return false;
        } else {
            return true;
        }
    }
}

static bool parse_column(struct parser *p, struct sg_sql_shape *s)
{
    struct sg_sql_column *c = &s->columns[s->n_columns];
    if (s->n_columns == SG_SQL_COLUMNS_MAX)
        return wrong(p, "a table has at most 200 columns");
    *c = (struct sg_sql_column){.not_null = false};
    size_t at = p->token.at;
    if (!take_name(p, c->name))
        return false;
    if (find_column(s, c->name) >= 0 || strcmp(c->name, "_row") == 0) {
        p->token.at = at;
        return wrong(p, "this column name is taken");
    }
    if (!parse_type(p, &c->type))
        return false;
    s->n_columns++;
    return parse_column_constraints(p, s, s->n_columns - 1);
}

/* "( name {, name} )", each name handed to fn. */
static bool parse_names(struct parser *p, struct sg_sql_shape *s,
                        bool (*fn)(struct parser *p, struct sg_sql_shape *s, int column))
{
    if (!take_punct(p, '('))
        return wrong(p, "expected (");
    do {
        char name[SG_SQL_NAME_MAX + 1];
        size_t at = p->token.at;
        if (!take_name(p, name))
            return false;
        int column = find_column(s, name);
        if (column < 0 || !fn(p, s, column)) {
            p->token.at = at;
            return wrong(p, "no such column in this table");
        }
    } while (take_punct(p, ','));
    return take_punct(p, ')') || wrong(p, "expected , or )");
}

static bool key_name(struct parser *p, struct sg_sql_shape *s, int column)
{
    return add_key_column(p, s, (uint8_t)column);
}

static bool parse_primary_key(struct parser *p, struct sg_sql_shape *s)
{
    if (!take_word(p, "primary") || !take_word(p, "key"))
        return wrong(p, "expected PRIMARY KEY");
    if (s->n_key)
        return wrong(p, "a second primary key");
    return parse_names(p, s, key_name);
}

static bool partition_name(struct parser *p, struct sg_sql_shape *s, int column)
{
    if (s->n_partition == s->n_key || s->key[s->n_partition] != column)
        return wrong(p, "PARTITION BY must name the leading columns of the primary key in order");
    s->n_partition++;
    return true;
}

static bool parse_partition(struct parser *p, struct sg_sql_shape *s)
{
    s->n_partition = 1;
    if (!take_word(p, "partition"))
        return true;
    if (!take_word(p, "by"))
        return wrong(p, "expected BY after PARTITION");
    s->n_partition = 0;
    size_t pos = p->pos;
    struct token open = p->token;
    if (take_punct(p, '(') && take_punct(p, ')'))
        return true;
    p->pos = pos;
    p->token = open;
    return parse_names(p, s, partition_name);
}

static bool parse_columns(struct parser *p, struct sg_sql_shape *s)
{
    if (!take_punct(p, '('))
        return wrong(p, "expected ( and columns");
    bool keyed = false;
    do {
        if (keyed)
            return wrong(p, "PRIMARY KEY (...) must come last");
        keyed = at_word(p, "primary");
        if (keyed ? !parse_primary_key(p, s) : !parse_column(p, s))
            return false;
    } while (take_punct(p, ','));
    if (!take_punct(p, ')'))
        return wrong(p, "expected , or ) after a column");
    return s->n_key || wrong(p, "a table needs a PRIMARY KEY");
}

static bool parse_table_name(struct parser *p, struct sg_ddl *d)
{
    if (!take_word(p, "table"))
        return wrong(p, "only CREATE TABLE and DROP TABLE are supported");
    d->if_clause = take_word(p, "if");
    if (d->if_clause && d->kind == SG_DDL_CREATE && !take_word(p, "not"))
        return wrong(p, "expected NOT EXISTS after IF");
    if (d->if_clause && !take_word(p, "exists"))
        return wrong(p, "expected EXISTS");
    return take_name(p, d->shape.name);
}

static bool parse_statement(struct parser *p, struct sg_ddl *d)
{
    if (take_word(p, "create"))
        d->kind = SG_DDL_CREATE;
    else if (take_word(p, "drop"))
        d->kind = SG_DDL_DROP;
    else
        return wrong(p, "only CREATE TABLE and DROP TABLE are supported");
    if (!parse_table_name(p, d))
        return false;
    if (d->kind == SG_DDL_CREATE &&
        (!parse_columns(p, &d->shape) || !parse_partition(p, &d->shape)))
        return false;
    while (take_punct(p, ';')) {
    }
    return p->token.kind == T_END || wrong(p, "unexpected text after the statement");
}

int sg_ddl_parse(struct sg_bytes sql, struct sg_ddl *ret, size_t *reterr_at,
                 const char **reterr_what)
{
    SG_FREE struct sg_ddl *d = calloc(1, sizeof(*d));
    struct parser p = {.sql = sql};
    if (!d)
        return sg_raise(-ENOMEM);
    advance(&p);
    if (!parse_statement(&p, d)) {
        *reterr_at = p.token.at;
        *reterr_what = p.what;
        return SG_DDL_BAD;
    }
    sg_sql_shape_finish(&d->shape);
    *ret = *d;
    return 0;
}

bool sg_ddl_is_ours(struct sg_bytes sql)
{
    struct parser p = {.sql = sql};
    advance(&p);
    return at_word(&p, "create") || at_word(&p, "drop") || at_word(&p, "alter");
}

bool sg_ddl_is_blank(struct sg_bytes sql)
{
    struct parser p = {.sql = sql};
    do
        advance(&p);
    while (at_punct(&p, ';'));
    return p.token.kind == T_END;
}

void sg_sql_shape_finish(struct sg_sql_shape *s)
{
    int16_t field = 0;
    for (unsigned i = 0; i < s->n_columns; i++)
        s->columns[i].key = -1;
    for (unsigned i = 0; i < s->n_key; i++)
        s->columns[s->key[i]].key = (int16_t)i;
    for (unsigned i = 0; i < s->n_columns; i++)
        s->columns[i].field = s->columns[i].key >= 0 ? -1 : field++;
}

const char *sg_sql_type_name(enum sg_value_type type)
{
    static const char *const names[] = {"NULL", "INTEGER", "REAL", "TEXT", "BLOB"};
    return names[type];
}

/* ---- canonical text ---- */

static int format_key_names(const struct sg_sql_shape *s, unsigned n, struct sg_buf *b)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < n; i++)
        r = sg_buf_printf(b, "%s\"%s\"", i ? ", " : "", s->columns[s->key[i]].name);
    return r;
}

static int format_columns(const struct sg_sql_shape *s, struct sg_buf *b)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < s->n_columns; i++) {
        const struct sg_sql_column *c = &s->columns[i];
        r = sg_buf_printf(b, "\"%s\" %s%s, ", c->name, sg_sql_type_name(c->type),
                          c->not_null ? " NOT NULL" : "");
    }
    return r;
}

static int format(const struct sg_sql_shape *s, struct sg_buf *b)
{
    int r = sg_buf_printf(b, "CREATE TABLE \"%s\" (", s->name);
    if (r == 0)
        r = format_columns(s, b);
    if (r == 0)
        r = sg_buf_append(b, SG_BYTES_LIT("PRIMARY KEY ("));
    if (r == 0)
        r = format_key_names(s, s->n_key, b);
    if (r == 0)
        r = sg_buf_append(b, SG_BYTES_LIT(")) PARTITION BY ("));
    if (r == 0)
        r = format_key_names(s, s->n_partition, b);
    if (r == 0)
        r = sg_buf_append(b, SG_BYTES_LIT(")"));
    return r;
}

int sg_ddl_format(const struct sg_sql_shape *shape, struct sg_buf *ret)
{
    size_t before = ret->len;
    int r = format(shape, ret);
    if (r < 0)
        ret->len = before;
    return r;
}
