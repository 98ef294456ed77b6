#include "verify-rows.h"

#include <stdio.h>
#include <stdlib.h>

#define BUFFER_LEN (1u << 17)
#define ROOM_LEAST (1u << 15)
#define TOLD_MAX   5

const char *const sim_column_names[SIM_COLUMNS] = {
    "client_id",
    "ts",
    "meter_serial",
    "seq",
#define SG_F(name, unit, lo, hi) #name,
    SG_READING_FIELDS(SG_F)
#undef SG_F
        "origin",
};

enum state { IN_HEAD, IN_ROWS, IN_TAIL };

struct sim_rows {
    struct sim_rows_source source;
    enum state state;
    bool first_row;
    uint64_t rows, mismatches, told;
    size_t len;
    uint8_t buf[BUFFER_LEN + 1];
};

int sim_rows_new(struct sim_rows **ret)
{
    struct sim_rows *r = calloc(1, sizeof(*r));
    if (!r)
        return sg_raise(-ENOMEM);
    *ret = r;
    return 0;
}

void sim_rows_free(struct sim_rows *r)
{
    free(r);
}

void sim_rows_begin(struct sim_rows *r, const struct sim_rows_source *source)
{
    r->source = *source;
    r->state = IN_HEAD;
    r->first_row = true;
    r->rows = r->mismatches = r->told = 0;
    r->len = 0;
}

size_t sim_rows_room(struct sim_rows *r, uint8_t **ret)
{
    const size_t room = BUFFER_LEN - r->len;
    *ret = r->buf + r->len;
    return room < ROOM_LEAST ? 0 : room;
}

uint64_t sim_rows_count(const struct sim_rows *r)
{
    return r->rows;
}

uint64_t sim_rows_mismatches(const struct sim_rows *r)
{
    return r->mismatches;
}

/* ---- tokens -------------------------------------------------------------------------------- */

/* A step in the buffer: enough octets, too few yet, or not what belongs here. */
enum step { DONE, MORE, BAD };

struct cursor {
    const uint8_t *at, *end;
};

static void skip_space(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\r' || *c->at == '\t'))
        c->at++;
}

static enum step take_char(struct cursor *c, char want)
{
    skip_space(c);
    if (c->at == c->end)
        return MORE;
    if (*c->at != (uint8_t)want)
        return BAD;
    c->at++;
    return DONE;
}

struct token {
    const uint8_t *at;
    size_t len;
};

/* A number, word or string without escapes, up to what ends it. */
static enum step take_token(struct cursor *c, struct token *ret)
{
    skip_space(c);
    if (c->at == c->end)
        return MORE;
    const uint8_t *p = c->at;
    if (*p == '"') {
        for (p++; p < c->end && *p != '"'; p++)
            if (*p == '\\' || *p < ' ')
                return BAD;
        if (p == c->end)
            return MORE;
        p++;
    } else {
        while (p < c->end && *p != ',' && *p != ']' && *p > ' ')
            p++;
        if (p == c->end)
            return MORE;
    }
    *ret = (struct token){c->at, (size_t)(p - c->at)};
    c->at = p;
    return ret->len ? DONE : BAD;
}

static bool token_int(const struct token *t, int64_t *ret)
{
    const bool negative = t->at[0] == '-';
    uint64_t v = 0;
    if (t->len - negative < 1 || t->len - negative > 18)
        return false;
    for (size_t i = negative; i < t->len; i++) {
        if (t->at[i] < '0' || t->at[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(t->at[i] - '0');
    }
    *ret = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

static bool token_is(const struct token *t, const char *text, size_t len)
{
    return t->len == len && memcmp(t->at, text, len) == 0;
}

/* ---- rows ---------------------------------------------------------------------------------- */

static bool value_agrees(const struct sim_rows *r, const struct token *t, size_t column,
                         const struct sim_expected *want)
{
    int64_t v = 0;
    if (column == SIM_COLUMN_SERIAL)
        return t->len >= 2 && t->at[0] == '"' && strlen(r->source.serial) == t->len - 2 &&
               memcmp(t->at + 1, r->source.serial, t->len - 2) == 0;
    if (want->value[column] == SG_READING_NA)
        return token_is(t, "null", 4);
    return token_int(t, &v) && v == want->value[column];
}

static void tell(struct sim_rows *r, size_t column, const struct token *t)
{
    char got[64];
    if (r->told++ >= TOLD_MAX || !r->source.differs)
        return;
    snprintf(got, sizeof(got), "%.*s", (int)(t->len < 60 ? t->len : 60), (const char *)t->at);
    r->source.differs(r->source.user, r->rows, sim_column_names[column], got);
}

/* One value after the other; the row is taken whole or not at all. */
static enum step compare_row(struct sim_rows *r, struct cursor *c, const struct sim_expected *want,
                             size_t *ret_bad, struct token *ret_token)
{
    enum step s = take_char(c, '[');
    *ret_bad = SIM_COLUMNS;
    for (size_t i = 0; s == DONE && i < SIM_COLUMNS; i++) {
        struct token t;
        s = take_token(c, &t);
        if (s == DONE && !value_agrees(r, &t, i, want) && *ret_bad == SIM_COLUMNS) {
            *ret_bad = i;
            *ret_token = t;
        }
        if (s == DONE)
            s = take_char(c, i + 1 < SIM_COLUMNS ? ',' : ']');
    }
    return s;
}

/* True when everything up to the row's end is here; cheap next to comparing, and then the expected
 * row is asked for once only. */
static bool row_is_whole(const struct cursor *c)
{
    return memchr(c->at, ']', (size_t)(c->end - c->at)) != NULL;
}

static enum step take_row(struct sim_rows *r, struct cursor *c)
{
    struct sim_expected want;
    struct token t = {NULL, 0};
    size_t bad;
    if (!row_is_whole(c))
        return MORE;
    memset(&want, 0, sizeof(want));
    const bool expected = r->source.next(r->source.user, &want);
    enum step s = compare_row(r, c, &want, &bad, &t);
    if (s == MORE) /* a ']' inside, and no end after it: not our shape */
        return BAD;
    if (s != DONE)
        return s;
    if (!expected || bad < SIM_COLUMNS) {
        r->mismatches++;
        if (expected)
            tell(r, bad, &t);
    }
    r->rows++;
    return DONE;
}

static enum step take_rows(struct sim_rows *r, struct cursor *c)
{
    for (;;) {
        struct cursor probe = *c;
        skip_space(&probe);
        if (probe.at == probe.end)
            return MORE;
        if (*probe.at == ']') {
            c->at = probe.at + 1;
            r->state = IN_TAIL;
            return DONE;
        }
        enum step s = r->first_row ? DONE : take_char(&probe, ',');
        if (s == DONE)
            s = take_row(r, &probe);
        if (s != DONE)
            return s;
        r->first_row = false;
        *c = probe;
    }
}

/* ---- head and tail: small, searched as text ------------------------------------------------ */

static const char *find(const char *from, const char *what)
{
    const char *p = strstr(from, what);
    return p ? p + strlen(what) : NULL;
}

static bool columns_agree(const char *head)
{
    const char *p = find(head, "\"columns\"");
    char name[64];
    for (size_t i = 0; p && i < SIM_COLUMNS; i++) {
        snprintf(name, sizeof(name), "\"%s\"", sim_column_names[i]);
        p = find(p, "\"name\"");
        const char *value = p ? p + strspn(p, ": \t\r\n") : NULL;
        p = value && strncmp(value, name, strlen(name)) == 0 ? value + strlen(name) : NULL;
    }
    return p != NULL && strstr(p, "\"name\"") == NULL;
}

/* The head ends with "rows": [ */
static enum step take_head(struct sim_rows *r, struct cursor *c)
{
    char *text = (char *)r->buf;
    r->buf[r->len] = 0;
    const char *p = find(text, "\"rows\"");
    if (!p)
        return MORE;
    p += strspn(p, ": \t\r\n");
    if (!*p)
        return MORE;
    if (*p != '[')
        return BAD;
    const size_t head_len = (size_t)(p - text);
    text[head_len] = 0;
    if (!columns_agree(text))
        return BAD;
    c->at = r->buf + head_len + 1;
    r->state = IN_ROWS;
    return DONE;
}

int sim_rows_advance(struct sim_rows *r, size_t n)
{
    r->len += n;
    struct cursor c = {r->buf, r->buf + r->len};
    enum step s = DONE;
    if (r->state == IN_HEAD)
        s = take_head(r, &c);
    if (s == DONE && r->state == IN_ROWS)
        s = take_rows(r, &c);
    if (s == BAD)
        return SIM_ROWS_MALFORMED;
    r->len = (size_t)(c.end - c.at);
    memmove(r->buf, c.at, r->len);
    return 0;
}

/* ,"rowcount":N} and nothing else. */
static bool tail_agrees(const struct sim_rows *r)
{
    static const char *const parts[] = {",", "\"rowcount\"", ":"};
    const char *p = (const char *)r->buf;
    char *end;
    for (size_t i = 0; i < 3; i++) {
        p += strspn(p, " \t\r\n");
        if (strncmp(p, parts[i], strlen(parts[i])) != 0)
            return false;
        p += strlen(parts[i]);
    }
    if (strtoull(p, &end, 10) != r->rows || end == p)
        return false;
    end += strspn(end, " \t\r\n");
    return *end == '}' && end[1 + strspn(end + 1, " \t\r\n")] == 0;
}

int sim_rows_end(struct sim_rows *r)
{
    struct sim_expected want;
    r->buf[r->len] = 0;
    if (strstr((const char *)r->buf, "\"error\""))
        return SIM_ROWS_ERROR;
    if (r->state != IN_TAIL || !tail_agrees(r))
        return SIM_ROWS_MALFORMED;
    while (r->source.next(r->source.user, &want))
        r->mismatches++;
    return 0;
}
