#include "record-stream-int.h"

#include "kv-int.h"
#include "tuple-int.h"

enum { VERSION = 1 };
enum { FLAG_EXPECT_ABSENT = 1 };
enum { FLAG_REVERSE = 1, FLAG_FIELDS = 2 };

static const uint8_t magic[4] = {'S', 'G', 'R', 'S'};

/* Item that each kind of stream consists of. */
static const enum sg_item_type item_of[] = {
    [SG_RECORDS_BATCH] = SG_ITEM_OP,         [SG_RECORDS_RESULTS] = SG_ITEM_RESULTS,
    [SG_RECORDS_GET] = SG_ITEM_KEY,          [SG_RECORDS_VALUE] = SG_ITEM_VALUE,
    [SG_RECORDS_SCAN] = SG_ITEM_RANGE,       [SG_RECORDS_ROWS] = SG_ITEM_ROW,
    [SG_RECORDS_PARTITIONS] = SG_ITEM_RANGE, [SG_RECORDS_KEYS] = SG_ITEM_ROW,
};

/* ---- writing ---- */

static size_t part_len(struct sg_bytes b)
{
    return sg_varint_len(b.len) + b.len;
}

static uint8_t *put_part(uint8_t *p, struct sg_bytes b)
{
    p = sg_varint_put(p, b.len);
    if (b.len)
        memcpy(p, b.data, b.len);
    return p + b.len;
}

/* Appends an item's head; *ret is where its len octets of contents go. */
static int put_head(struct sg_records_writer *w, enum sg_item_type type, size_t len, uint8_t **ret)
{
    uint8_t *p;
    int r = sg_buf_extend(w->out, 1 + sg_varint_len(len) + len, &p);
    if (r < 0)
        return r;
    *p++ = (uint8_t)type;
    *ret = sg_varint_put(p, len);
    w->items++;
    return 0;
}

int sg_records_begin(struct sg_records_writer *w, struct sg_buf *out, enum sg_records_kind kind)
{
    const uint8_t tail[] = {VERSION, (uint8_t)kind};
    *w = (struct sg_records_writer){out, 0};
    int r = sg_buf_append(out, SG_BYTES_ARRAY(magic));
    return r < 0 ? r : sg_buf_append(out, SG_BYTES_ARRAY(tail));
}

static size_t key_len(const struct sg_kv_key *k)
{
    return sg_varint_len(k->table) + part_len(k->partition) + part_len(k->sort);
}

static uint8_t *put_key(uint8_t *p, const struct sg_kv_key *k)
{
    p = sg_varint_put(p, k->table);
    p = put_part(p, k->partition);
    return put_part(p, k->sort);
}

int sg_records_put_op(struct sg_records_writer *w, const struct sg_kv_op *op)
{
    uint8_t *p;
    size_t len = 2 + key_len(&op->key) + part_len(op->value) + part_len(op->expect);
    int r = put_head(w, SG_ITEM_OP, len, &p);
    if (r < 0)
        return r;
    *p++ = (uint8_t)op->kind;
    *p++ = op->expect_absent ? FLAG_EXPECT_ABSENT : 0;
    p = put_key(p, &op->key);
    p = put_part(p, op->value);
    put_part(p, op->expect);
    return 0;
}

int sg_records_put_results(struct sg_records_writer *w, const enum sg_kv_op_result *results,
                           size_t n)
{
    uint8_t *p;
    int r = put_head(w, SG_ITEM_RESULTS, n, &p);
    for (size_t i = 0; r == 0 && i < n; i++)
        p[i] = (uint8_t)results[i];
    return r;
}

int sg_records_put_key(struct sg_records_writer *w, const struct sg_kv_key *key)
{
    uint8_t *p;
    int r = put_head(w, SG_ITEM_KEY, key_len(key), &p);
    if (r == 0)
        put_key(p, key);
    return r;
}

int sg_records_put_value(struct sg_records_writer *w, struct sg_bytes value)
{
    uint8_t *p;
    int r = put_head(w, SG_ITEM_VALUE, value.len, &p);
    if (r == 0 && value.len)
        memcpy(p, value.data, value.len);
    return r;
}

int sg_records_put_range(struct sg_records_writer *w, const struct sg_kv_range *range)
{
    uint8_t *p;
    size_t len = sg_varint_len(range->table) + part_len(range->partition) + part_len(range->from) +
                 part_len(range->until) + 1 + sg_varint_len(range->limit) +
                 (range->fields.len ? part_len(range->fields) : 0);
    int r = put_head(w, SG_ITEM_RANGE, len, &p);
    if (r < 0)
        return r;
    p = sg_varint_put(p, range->table);
    p = put_part(p, range->partition);
    p = put_part(p, range->from);
    p = put_part(p, range->until);
    *p++ = (uint8_t)((range->reverse ? FLAG_REVERSE : 0) | (range->fields.len ? FLAG_FIELDS : 0));
    p = sg_varint_put(p, range->limit);
    if (range->fields.len)
        put_part(p, range->fields);
    return 0;
}

int sg_records_put_row(struct sg_records_writer *w, struct sg_bytes sort, struct sg_bytes value)
{
    uint8_t *p;
    int r = put_head(w, SG_ITEM_ROW, part_len(sort) + value.len, &p);
    if (r < 0)
        return r;
    p = put_part(p, sort);
    if (value.len)
        memcpy(p, value.data, value.len);
    return 0;
}

int sg_records_put_error(struct sg_records_writer *w, int outcome, const char *code)
{
    uint8_t *p;
    size_t len = strlen(code);
    int r = put_head(w, SG_ITEM_ERROR, 1 + len, &p);
    if (r < 0)
        return r;
    *p++ = (uint8_t)outcome;
    memcpy(p, code, len);
    return 0;
}

int sg_records_end(struct sg_records_writer *w)
{
    uint8_t *p;
    uint64_t items = w->items;
    int r = put_head(w, SG_ITEM_END, sg_varint_len(items), &p);
    if (r == 0)
        sg_varint_put(p, items);
    return r;
}

/* ---- reading ---- */

static bool take_part(struct sg_reader *r, size_t max, struct sg_bytes *ret)
{
    uint64_t len;
    return sg_varint_get(r, &len) && len <= max && sg_take(r, (size_t)len, ret);
}

static bool take_table(struct sg_reader *r, uint32_t *ret)
{
    uint64_t table;
    if (!sg_varint_get(r, &table) || table > UINT32_MAX)
        return false;
    *ret = (uint32_t)table;
    return true;
}

static bool take_flag(struct sg_reader *r, bool *ret)
{
    uint8_t flag;
    if (!sg_take_u8(r, &flag) || flag > 1)
        return false;
    *ret = flag;
    return true;
}

static bool take_key(struct sg_reader *r, struct sg_kv_key *ret)
{
    return take_table(r, &ret->table) && take_part(r, SG_KV_KEY_MAX, &ret->partition) &&
           take_part(r, SG_KV_KEY_MAX, &ret->sort);
}

static bool take_op(struct sg_reader *r, struct sg_kv_op *ret)
{
    uint8_t kind;
    if (!sg_take_u8(r, &kind) || kind > SG_KV_CHECK)
        return false;
    ret->kind = (enum sg_kv_op_kind)kind;
    return take_flag(r, &ret->expect_absent) && take_key(r, &ret->key) &&
           take_part(r, SG_KV_VALUE_MAX, &ret->value) &&
           take_part(r, SG_KV_VALUE_MAX, &ret->expect);
}

static bool take_range(struct sg_reader *r, struct sg_kv_range *ret)
{
    uint8_t flags;
    if (!take_table(r, &ret->table) || !take_part(r, SG_KV_KEY_MAX, &ret->partition) ||
        !take_part(r, SG_KV_KEY_MAX, &ret->from) || !take_part(r, SG_KV_KEY_MAX, &ret->until) ||
        !sg_take_u8(r, &flags) || flags > (FLAG_REVERSE | FLAG_FIELDS) ||
        !sg_varint_get(r, &ret->limit))
        return false;
    ret->reverse = flags & FLAG_REVERSE;
    return !(flags & FLAG_FIELDS) ||
           (take_part(r, SG_KV_FIELDS_MAX, &ret->fields) && ret->fields.len > 0);
}

static bool take_rest(struct sg_reader *r, size_t max, struct sg_bytes *ret)
{
    return r->left <= max && sg_take(r, r->left, ret);
}

static bool take_results(struct sg_reader *r, struct sg_bytes *ret)
{
    if (!take_rest(r, SG_KV_BATCH_OPS_MAX, ret))
        return false;
    for (size_t i = 0; i < ret->len; i++)
        if (ret->data[i] > SG_KV_OP_CONFLICT)
            return false;
    return true;
}

static bool take_error(struct sg_reader *r, struct sg_records_error *ret)
{
    uint8_t outcome;
    if (!sg_take_u8(r, &outcome) || outcome > SG_KV_DAMAGED || !take_rest(r, 64, &ret->code))
        return false;
    ret->outcome = outcome;
    return true;
}

static bool take_end(struct sg_reader *r, uint64_t items)
{
    uint64_t n;
    return sg_varint_get(r, &n) && n == items;
}

static bool take_contents(struct sg_reader *r, enum sg_item_type type, uint64_t items,
                          struct sg_item *ret)
{
    switch (type) {
    case SG_ITEM_OP:
        return take_op(r, &ret->op);
    case SG_ITEM_RESULTS:
        return take_results(r, &ret->bytes);
    case SG_ITEM_KEY:
        return take_key(r, &ret->op.key);
    case SG_ITEM_VALUE:
        return take_rest(r, SG_KV_VALUE_MAX, &ret->bytes);
    case SG_ITEM_RANGE:
        return take_range(r, &ret->range);
    case SG_ITEM_ROW:
        return take_part(r, SG_KV_KEY_MAX, &ret->row.sort) &&
               take_rest(r, SG_KV_VALUE_MAX, &ret->row.value);
    case SG_ITEM_ERROR:
        return take_error(r, &ret->error);
    case SG_ITEM_END:
        return take_end(r, items);
    }
    return false;
}

static int take_head(struct sg_records_reader *s, struct sg_reader *in)
{
    struct sg_bytes head;
    if (!sg_take(in, sizeof(magic) + 2, &head))
        return SG_RECORDS_MORE;
    if (memcmp(head.data, magic, sizeof(magic)) != 0)
        return sg_raisef(-EBADMSG, "not a record stream");
    if (head.data[4] != VERSION || head.data[5] != s->kind)
        return sg_raisef(-EBADMSG, "record stream of version %u, kind %u", head.data[4],
                         head.data[5]);
    s->begun = true;
    return 0;
}

/* Type and length of the next item, contents in *ret if all are there. */
static int take_item(struct sg_reader *in, uint8_t *ret_type, struct sg_bytes *ret)
{
    struct sg_reader r = *in;
    uint64_t len;
    if (!sg_take_u8(&r, ret_type) || r.left == 0)
        return SG_RECORDS_MORE;
    if (!sg_varint_get(&r, &len))
        return r.left < SG_VARINT_MAX ? SG_RECORDS_MORE : sg_raise(-EBADMSG);
    if (len > SG_ITEM_MAX)
        return sg_raisef(-EBADMSG, "item too long");
    if (!sg_take(&r, (size_t)len, ret))
        return SG_RECORDS_MORE;
    *in = r;
    return 0;
}

static bool is_last(uint8_t type)
{
    return type == SG_ITEM_END || type == SG_ITEM_ERROR;
}

/* Rows are by far the most items, and the general way clears and copies room for the largest.
 * False: not a whole good row, the general way says what it is. */
static inline bool take_row(struct sg_records_reader *s, struct sg_reader *in, struct sg_item *ret)
{
    struct sg_reader r = *in, c;
    struct sg_bytes contents, sort;
    uint64_t len;
    uint8_t type;
    if (!s->begun || s->ended || item_of[s->kind] != SG_ITEM_ROW || !sg_take_u8(&r, &type) ||
        type != SG_ITEM_ROW || !sg_varint_get(&r, &len) || len > SG_ITEM_MAX ||
        !sg_take(&r, (size_t)len, &contents))
        return false;
    c = sg_reader_over(contents);
    if (!take_part(&c, SG_KV_KEY_MAX, &sort) || c.left > SG_KV_VALUE_MAX)
        return false;
    ret->type = SG_ITEM_ROW;
    ret->row = (struct sg_row_item){sort, {c.at, c.left}};
    *in = r;
    s->items++;
    return true;
}

int sg_records_next(struct sg_records_reader *s, struct sg_reader *in, struct sg_item *ret)
{
    if (take_row(s, in, ret))
        return 0;
    struct sg_reader at = *in;
    struct sg_bytes contents;
    uint8_t type;
    if (s->ended)
        return in->left ? sg_raisef(-EBADMSG, "octets after the last item") : SG_RECORDS_MORE;
    int r = s->begun ? 0 : take_head(s, &at);
    if (r != 0)
        return r;
    *in = at;
    r = take_item(&at, &type, &contents);
    if (r != 0)
        return r;
    struct sg_item item = {.type = (enum sg_item_type)type};
    struct sg_reader c = sg_reader_over(contents);
    if ((type != item_of[s->kind] && !is_last(type)) ||
        !take_contents(&c, item.type, s->items, &item) || c.left)
        return sg_raisef(-EBADMSG, "bad item of type %u", type);
    *in = at;
    *ret = item;
    s->items++;
    s->ended = is_last(type);
    return s->ended ? SG_RECORDS_END : 0;
}
