#include <sealgrid/crypto/hash.h>
#include <sealgrid/kvs/tuple.h>
#include <sealgrid/meter/rows.h>

/* READING: serial, seq, fields, origin. */
#define READING_COLUMNS  (SG_READING_N_FIELDS + 3)
#define CONFLICT_COLUMNS (READING_COLUMNS + 1)

static int append_value(struct sg_buf *b, const struct sg_value *v, size_t n)
{
    size_t start = b->len;
    int r = sg_tuple_value_append(b, v, n);
    if (r)
        b->len = start;
    return r;
}

static int append_key(struct sg_buf *b, const struct sg_value *v, size_t n)
{
    size_t start = b->len;
    int r = sg_tuple_key_append(b, v, n);
    if (r)
        b->len = start;
    return r;
}

/* Exactly n columns. */
static int take_columns(struct sg_bytes value, struct sg_value *ret, size_t n)
{
    size_t got;
    int r = sg_tuple_value_decode(value, ret, n, &got);
    if (r)
        return r;
    return got == n ? 0 : sg_raise(-EBADMSG);
}

static bool is_int(const struct sg_value *v)
{
    return v->type == SG_INTEGER;
}

/* Text of 1..max printable ASCII without space, so that it has one spelling. */
static bool take_name(const struct sg_value *v, char *ret, size_t max)
{
    if (v->type != SG_TEXT || v->bytes.len == 0 || v->bytes.len > max)
        return false;
    for (size_t i = 0; i < v->bytes.len; i++)
        if (v->bytes.data[i] <= ' ' || v->bytes.data[i] > '~')
            return false;
    memset(ret, 0, max + 1);
    memcpy(ret, v->bytes.data, v->bytes.len);
    return true;
}

/* ---- keys ---------------------------------------------------------------------------------- */

int sg_row_int_sort(struct sg_buf *b, int64_t v)
{
    return append_key(b, &SG_VAL_INT(v), 1);
}

int sg_row_client_partition(struct sg_buf *b, int64_t client_id)
{
    return sg_row_int_sort(b, client_id);
}

int sg_row_int_take(struct sg_bytes sort, int64_t *ret)
{
    struct sg_reader in = sg_reader_over(sort);
    struct sg_value v;
    struct sg_buf none = SG_BUF_INIT(0); /* an integer needs no scratch */
    int r = sg_tuple_key_next(&in, &v, &none);
    if (r)
        return r;
    if (!is_int(&v) || in.left != 0)
        return sg_raise(-EBADMSG);
    *ret = v.i;
    return 0;
}

int sg_row_client_take(struct sg_bytes partition, int64_t *ret_client_id)
{
    return sg_row_int_take(partition, ret_client_id);
}

int sg_row_x5t_partition(struct sg_buf *b, const uint8_t x5t[32])
{
    return append_key(b, &SG_VAL_BLOB(SG_BYTES(x5t, 32)), 1);
}

int sg_row_conflict_sort(struct sg_buf *b, const struct sg_reading *r,
                         const uint8_t digest[SG_ROW_DIGEST_LEN])
{
    const struct sg_value key[] = {SG_VAL_INT(r->ts_s), SG_VAL_INT((int64_t)r->seq),
                                   SG_VAL_BLOB(SG_BYTES(digest, SG_ROW_DIGEST_LEN))};
    return append_key(b, key, 3);
}

int sg_row_block_sort(struct sg_buf *b, const struct sg_block_header *h,
                      const uint8_t digest[SG_ROW_DIGEST_LEN])
{
    const struct sg_value key[] = {SG_VAL_INT(h->first_ts_s), SG_VAL_TEXT(h->serial),
                                   SG_VAL_INT((int64_t)h->first_seq),
                                   SG_VAL_BLOB(SG_BYTES(digest, SG_ROW_DIGEST_LEN))};
    return append_key(b, key, 4);
}

int sg_row_digest(const struct sg_reading *r, uint8_t ret[SG_ROW_DIGEST_LEN])
{
    uint8_t room[SG_READING_LEAF_MAX], hash[32];
    struct sg_buf leaf = {room, 0, sizeof(room), sizeof(room), false};
    int e = sg_reading_encode(r, &leaf);
    if (e)
        return e;
    sg_sha256(hash, sg_buf_bytes(&leaf));
    memcpy(ret, hash, SG_ROW_DIGEST_LEN);
    return 0;
}

/* ---- readings ------------------------------------------------------------------------------ */

static void reading_columns(const struct sg_row_reading *row, struct sg_value v[READING_COLUMNS])
{
    const struct sg_reading *r = &row->reading;
    v[0] = SG_VAL_TEXT(row->serial);
    v[1] = SG_VAL_INT((int64_t)r->seq);
    for (size_t i = 0; i < SG_READING_N_FIELDS; i++)
        v[2 + i] = r->field[i] == SG_READING_NA ? (struct sg_value){.type = SG_NULL}
                                                : SG_VAL_INT(r->field[i]);
    v[READING_COLUMNS - 1] = SG_VAL_INT(row->origin);
}

static bool columns_reading(const struct sg_value v[READING_COLUMNS], struct sg_row_reading *ret)
{
    const struct sg_value *origin = &v[READING_COLUMNS - 1];
    if (!take_name(&v[0], ret->serial, SG_BLOCK_SERIAL_MAX) || !is_int(&v[1]) || v[1].i < 1 ||
        !is_int(origin) || origin->i < SG_ORIGIN_METROLOGY || origin->i > SG_ORIGIN_SQL)
        return false;
    ret->reading.seq = (uint64_t)v[1].i;
    ret->origin = (enum sg_row_origin)origin->i;
    for (size_t i = 0; i < SG_READING_N_FIELDS; i++) {
        const struct sg_value *field = &v[2 + i];
        if (field->type == SG_NULL)
            ret->reading.field[i] = SG_READING_NA;
        else if (is_int(field) && field->i != SG_READING_NA)
            ret->reading.field[i] = field->i;
        else
            return false;
    }
    return sg_reading_valid(&ret->reading);
}

int sg_row_reading_encode(struct sg_buf *b, const struct sg_row_reading *row)
{
    struct sg_value v[READING_COLUMNS];
    if (!sg_reading_valid(&row->reading))
        return sg_raise(-EINVAL);
    reading_columns(row, v);
    return append_value(b, v, READING_COLUMNS);
}

int sg_row_reading_decode(struct sg_bytes sort, struct sg_bytes value, struct sg_row_reading *ret)
{
    struct sg_value v[READING_COLUMNS];
    struct sg_row_reading row;
    int r = sg_row_int_take(sort, &row.reading.ts_s);
    if (r)
        return r;
    r = take_columns(value, v, READING_COLUMNS);
    if (r)
        return r;
    if (!columns_reading(v, &row))
        return sg_raise(-EBADMSG);
    *ret = row;
    return 0;
}

_Static_assert(SG_ROW_READING_FIELDS_LEN * 8 >= READING_COLUMNS, "a bit for every column");

void sg_row_reading_want(enum sg_reading_field field, uint8_t ret[SG_ROW_READING_FIELDS_LEN])
{
    memset(ret, 0, SG_ROW_READING_FIELDS_LEN);
    sg_row_reading_want_also(field, ret);
}

void sg_row_reading_want_also(enum sg_reading_field field,
                              uint8_t fields[SG_ROW_READING_FIELDS_LEN])
{
    const unsigned column = 2 + (unsigned)field; /* after serial and sequence */
    fields[column / 8] |= (uint8_t)(1u << column % 8);
}

int sg_row_reading_take(struct sg_bytes sort, struct sg_bytes value, int64_t *ret_ts_s,
                        int64_t *ret)
{
    return sg_row_reading_take_all(sort, value, ret_ts_s, ret, 1);
}

int sg_row_reading_take_all(struct sg_bytes sort, struct sg_bytes value, int64_t *ret_ts_s,
                            int64_t *ret, size_t n)
{
    struct sg_value v[SG_READING_N_FIELDS];
    int64_t ts_s;
    int r = sg_row_int_take(sort, &ts_s);
    if (r == 0)
        r = n <= SG_READING_N_FIELDS ? take_columns(value, v, n) : sg_raise(-EINVAL);
    if (r)
        return r;
    for (size_t i = 0; i < n; i++)
        if (v[i].type != SG_NULL && (!is_int(&v[i]) || v[i].i == SG_READING_NA))
            return sg_raise(-EBADMSG);
    for (size_t i = 0; i < n; i++)
        ret[i] = v[i].type == SG_NULL ? SG_READING_NA : v[i].i;
    *ret_ts_s = ts_s;
    return 0;
}

int sg_row_conflict_encode(struct sg_buf *b, const struct sg_row_conflict *row)
{
    struct sg_value v[CONFLICT_COLUMNS];
    if (!sg_reading_valid(&row->row.reading))
        return sg_raise(-EINVAL);
    reading_columns(&row->row, v);
    v[READING_COLUMNS] = SG_VAL_INT(row->received_ts_s);
    return append_value(b, v, CONFLICT_COLUMNS);
}

static int take_conflict_ts(struct sg_bytes sort, int64_t *ret)
{
    struct sg_reader in = sg_reader_over(sort);
    struct sg_value ts;
    struct sg_buf none = SG_BUF_INIT(0);
    int r = sg_tuple_key_next(&in, &ts, &none);
    if (r)
        return r;
    if (!is_int(&ts))
        return sg_raise(-EBADMSG);
    *ret = ts.i;
    return 0;
}

int sg_row_conflict_decode(struct sg_bytes sort, struct sg_bytes value, struct sg_row_conflict *ret)
{
    struct sg_value v[CONFLICT_COLUMNS];
    struct sg_row_conflict row;
    int r = take_conflict_ts(sort, &row.row.reading.ts_s);
    if (r)
        return r;
    r = take_columns(value, v, CONFLICT_COLUMNS);
    if (r)
        return r;
    if (!columns_reading(v, &row.row) || !is_int(&v[READING_COLUMNS]))
        return sg_raise(-EBADMSG);
    row.received_ts_s = v[READING_COLUMNS].i;
    *ret = row;
    return 0;
}

/* ---- installations and credentials --------------------------------------------------------- */

static bool installation_valid(const struct sg_row_installation *row)
{
    return row->serial[0] && row->tariff_class[0] && row->ratio_num >= 1 && row->ratio_den >= 1 &&
           (row->open || row->until_ts_s > row->from_ts_s);
}

int sg_row_installation_encode(struct sg_buf *b, const struct sg_row_installation *row)
{
    if (!installation_valid(row))
        return sg_raise(-EINVAL);
    const struct sg_value v[] = {
        SG_VAL_TEXT(row->serial),
        row->open ? (struct sg_value){.type = SG_NULL} : SG_VAL_INT(row->until_ts_s),
        SG_VAL_INT(row->ratio_num),
        SG_VAL_INT(row->ratio_den),
        SG_VAL_BLOB(row->metrology_cert),
        SG_VAL_TEXT(row->tariff_class),
    };
    return append_value(b, v, 6);
}

static bool columns_installation(const struct sg_value v[6], struct sg_row_installation *ret)
{
    if (!take_name(&v[0], ret->serial, SG_BLOCK_SERIAL_MAX) ||
        (v[1].type != SG_NULL && !is_int(&v[1])) || !is_int(&v[2]) || !is_int(&v[3]) ||
        v[4].type != SG_BLOB || !take_name(&v[5], ret->tariff_class, SG_ROW_CLASS_MAX))
        return false;
    ret->open = v[1].type == SG_NULL;
    ret->until_ts_s = ret->open ? 0 : v[1].i;
    ret->ratio_num = v[2].i;
    ret->ratio_den = v[3].i;
    ret->metrology_cert = v[4].bytes;
    return installation_valid(ret);
}

int sg_row_installation_decode(struct sg_bytes partition, struct sg_bytes sort,
                               struct sg_bytes value, struct sg_row_installation *ret)
{
    struct sg_value v[6];
    struct sg_row_installation row;
    int r = sg_row_client_take(partition, &row.client_id);
    if (r)
        return r;
    r = sg_row_int_take(sort, &row.from_ts_s);
    if (r)
        return r;
    r = take_columns(value, v, 6);
    if (r)
        return r;
    if (!columns_installation(v, &row))
        return sg_raise(-EBADMSG);
    *ret = row;
    return 0;
}

int sg_row_credential_encode(struct sg_buf *b, const struct sg_row_credential *row)
{
    if (!row->serial[0])
        return sg_raise(-EINVAL);
    const struct sg_value v[] = {SG_VAL_TEXT(row->serial), SG_VAL_INT(row->client_id),
                                 SG_VAL_BLOB(row->edhoc_cert), SG_VAL_BLOB(row->metrology_cert)};
    return append_value(b, v, 4);
}

int sg_row_credential_decode(struct sg_bytes value, struct sg_row_credential *ret)
{
    struct sg_value v[4];
    struct sg_row_credential row;
    int r = take_columns(value, v, 4);
    if (r)
        return r;
    if (!take_name(&v[0], row.serial, SG_BLOCK_SERIAL_MAX) || !is_int(&v[1]) ||
        v[2].type != SG_BLOB || v[3].type != SG_BLOB)
        return sg_raise(-EBADMSG);
    row.client_id = v[1].i;
    row.edhoc_cert = v[2].bytes;
    row.metrology_cert = v[3].bytes;
    *ret = row;
    return 0;
}

/* ---- blocks -------------------------------------------------------------------------------- */

int sg_row_block_encode(struct sg_buf *b, const struct sg_row_block *row)
{
    const struct sg_value v[] = {SG_VAL_INT(row->count), SG_VAL_BLOB(row->evidence),
                                 row->original.len ? SG_VAL_BLOB(row->original)
                                                   : (struct sg_value){.type = SG_NULL}};
    return append_value(b, v, 3);
}

int sg_row_block_decode(struct sg_bytes value, struct sg_row_block *ret)
{
    struct sg_value v[3];
    int r = take_columns(value, v, 3);
    if (r)
        return r;
    bool original_ok = v[2].type == SG_NULL || (v[2].type == SG_BLOB && v[2].bytes.len > 0);
    if (!is_int(&v[0]) || v[1].type != SG_BLOB || !original_ok)
        return sg_raise(-EBADMSG);
    ret->count = v[0].i;
    ret->evidence = v[1].bytes;
    ret->original = v[2].type == SG_NULL ? SG_BYTES_NONE : v[2].bytes;
    return 0;
}

/* ---- estimates and resolutions ------------------------------------------------------------- */

#define ESTIMATE_COLUMNS   8
#define RESOLUTION_COLUMNS 5

/* An integer and a second element that is all that is left. */
static int take_pair(struct sg_bytes sort, int64_t *ret_ts, struct sg_value *ret,
                     struct sg_buf *scratch)
{
    struct sg_reader in = sg_reader_over(sort);
    struct sg_value ts;
    int r = sg_tuple_key_next(&in, &ts, scratch);
    if (r == 0)
        r = sg_tuple_key_next(&in, ret, scratch);
    if (r)
        return r;
    if (!is_int(&ts) || in.left != 0)
        return sg_raise(-EBADMSG);
    *ret_ts = ts.i;
    return 0;
}

int sg_row_estimate_sort(struct sg_buf *b, int64_t ts_s, const uint8_t inputs[32])
{
    const struct sg_value key[] = {SG_VAL_INT(ts_s), SG_VAL_BLOB(SG_BYTES(inputs, 32))};
    return append_key(b, key, 2);
}

int sg_row_estimate_encode(struct sg_buf *b, const struct sg_row_estimate *row)
{
    const struct sg_value v[ESTIMATE_COLUMNS] = {SG_VAL_TEXT(row->serial),
                                                 SG_VAL_INT(row->energy_wh),
                                                 row->reactive_varh == SG_READING_NA
                                                     ? (struct sg_value){.type = SG_NULL}
                                                     : SG_VAL_INT(row->reactive_varh),
                                                 SG_VAL_TEXT(row->rule),
                                                 SG_VAL_TEXT(row->parameters),
                                                 SG_VAL_BLOB(SG_BYTES(row->rules, 32)),
                                                 SG_VAL_INT(row->adjusted),
                                                 SG_VAL_INT(row->made_ts_s)};
    if (!row->serial[0] || !row->rule[0])
        return sg_raise(-EINVAL);
    return append_value(b, v, ESTIMATE_COLUMNS);
}

static bool columns_estimate(const struct sg_value v[ESTIMATE_COLUMNS], struct sg_row_estimate *ret)
{
    if (!take_name(&v[0], ret->serial, SG_BLOCK_SERIAL_MAX) || !is_int(&v[1]) ||
        (v[2].type != SG_NULL && (!is_int(&v[2]) || v[2].i == SG_READING_NA)) ||
        !take_name(&v[3], ret->rule, SG_ROW_RULE_MAX) || v[4].type != SG_TEXT ||
        v[4].bytes.len > SG_ROW_PARAMETERS_MAX || memchr(v[4].bytes.data, 0, v[4].bytes.len) ||
        v[5].type != SG_BLOB || v[5].bytes.len != 32 || !is_int(&v[6]) || v[6].i < 0 ||
        v[6].i > 1 || !is_int(&v[7]))
        return false;
    ret->energy_wh = v[1].i;
    ret->reactive_varh = v[2].type == SG_NULL ? SG_READING_NA : v[2].i;
    memset(ret->parameters, 0, sizeof(ret->parameters));
    memcpy(ret->parameters, v[4].bytes.data, v[4].bytes.len);
    memcpy(ret->rules, v[5].bytes.data, 32);
    ret->adjusted = v[6].i;
    ret->made_ts_s = v[7].i;
    return true;
}

int sg_row_estimate_decode(struct sg_bytes sort, struct sg_bytes value, struct sg_row_estimate *ret)
{
    uint8_t room[64];
    struct sg_buf scratch = {room, 0, sizeof(room), sizeof(room), false};
    struct sg_value v[ESTIMATE_COLUMNS], inputs;
    struct sg_row_estimate row;
    int r = take_pair(sort, &row.ts_s, &inputs, &scratch);
    if (r)
        return r;
    if (inputs.type != SG_BLOB || inputs.bytes.len != 32)
        return sg_raise(-EBADMSG);
    memcpy(row.inputs, inputs.bytes.data, 32);
    r = take_columns(value, v, ESTIMATE_COLUMNS);
    if (r)
        return r;
    if (!columns_estimate(v, &row))
        return sg_raise(-EBADMSG);
    *ret = row;
    return 0;
}

int sg_row_resolution_sort(struct sg_buf *b, int64_t ts_s, int64_t resolved_ts_s)
{
    const struct sg_value key[] = {SG_VAL_INT(ts_s), SG_VAL_INT(resolved_ts_s)};
    return append_key(b, key, 2);
}

static bool resolution_valid(const struct sg_row_resolution *row)
{
    return row->who.len && row->who.len <= SG_ROW_WHO_MAX && row->why.len &&
           row->why.len <= SG_ROW_WHY_MAX && row->certificate.len && row->signature.len;
}

int sg_row_resolution_encode(struct sg_buf *b, const struct sg_row_resolution *row)
{
    const struct sg_value v[RESOLUTION_COLUMNS] = {
        SG_VAL_BLOB(SG_BYTES(row->chosen, SG_ROW_DIGEST_LEN)),
        (struct sg_value){.type = SG_TEXT, .bytes = row->who},
        (struct sg_value){.type = SG_TEXT, .bytes = row->why}, SG_VAL_BLOB(row->certificate),
        SG_VAL_BLOB(row->signature)};
    if (!resolution_valid(row))
        return sg_raise(-EINVAL);
    return append_value(b, v, RESOLUTION_COLUMNS);
}

int sg_row_resolution_decode(struct sg_bytes sort, struct sg_bytes value,
                             struct sg_row_resolution *ret)
{
    struct sg_buf none = SG_BUF_INIT(0);
    struct sg_value v[RESOLUTION_COLUMNS], at;
    struct sg_row_resolution row;
    int r = take_pair(sort, &row.ts_s, &at, &none);
    if (r)
        return r;
    r = take_columns(value, v, RESOLUTION_COLUMNS);
    if (r)
        return r;
    if (!is_int(&at) || v[0].type != SG_BLOB || v[0].bytes.len != SG_ROW_DIGEST_LEN ||
        v[1].type != SG_TEXT || v[2].type != SG_TEXT || v[3].type != SG_BLOB ||
        v[4].type != SG_BLOB)
        return sg_raise(-EBADMSG);
    row.resolved_ts_s = at.i;
    memcpy(row.chosen, v[0].bytes.data, SG_ROW_DIGEST_LEN);
    row.who = v[1].bytes;
    row.why = v[2].bytes;
    row.certificate = v[3].bytes;
    row.signature = v[4].bytes;
    if (!resolution_valid(&row))
        return sg_raise(-EBADMSG);
    *ret = row;
    return 0;
}

/* ---- contracts ----------------------------------------------------------------------------- */

int sg_row_contract_encode(struct sg_buf *b, const struct sg_row_contract *row)
{
    const struct sg_value v[] = {{.type = SG_TEXT, .bytes = row->terms}};

    if (row->terms.len == 0 || row->terms.len > SG_ROW_TERMS_MAX)
        return sg_raise(-EINVAL);
    return append_value(b, v, 1);
}

int sg_row_contract_decode(struct sg_bytes sort, struct sg_bytes value, struct sg_row_contract *ret)
{
    struct sg_row_contract row;
    struct sg_value v[1];
    int r = sg_row_int_take(sort, &row.from_day);

    if (r == 0)
        r = take_columns(value, v, 1);
    if (r)
        return r;
    if (v[0].type != SG_TEXT || v[0].bytes.len == 0 || v[0].bytes.len > SG_ROW_TERMS_MAX)
        return sg_raise(-EBADMSG);
    row.terms = v[0].bytes;
    *ret = row;
    return 0;
}

/* ---- inspections --------------------------------------------------------------------------- */

enum { INSPECTION_COLUMNS = 3 };

static const char *const outcome_words[] = {
#define X(name, word) word,
    SG_ROW_OUTCOMES(X)
#undef X
};

const char *sg_row_outcome_word(enum sg_row_outcome outcome)
{
    sg_assert(outcome < SG_OUTCOME_COUNT);
    return outcome_words[outcome];
}

bool sg_row_outcome_named(struct sg_bytes word, enum sg_row_outcome *ret)
{
    for (unsigned i = 0; i < SG_OUTCOME_COUNT; i++)
        if (sg_bytes_equal(word, sg_bytes_str(outcome_words[i]))) {
            if (ret)
                *ret = (enum sg_row_outcome)i;
            return true;
        }
    return false;
}

static bool inspection_valid(const struct sg_row_inspection *row)
{
    return row->inspected_day >= 0 && row->inspected_day <= SG_ROW_DAY_MAX &&
           row->note.len <= SG_ROW_NOTE_MAX &&
           (row->recovered_wh == SG_READING_NA ||
            (row->recovered_wh >= 0 && row->recovered_wh <= SG_ROW_RECOVERED_WH_MAX));
}

int sg_row_inspection_encode(struct sg_buf *b, const struct sg_row_inspection *row)
{
    const struct sg_value null = {.type = SG_NULL};
    if (!inspection_valid(row))
        return sg_raise(-EINVAL);
    const struct sg_value v[INSPECTION_COLUMNS] = {
        SG_VAL_TEXT(sg_row_outcome_word(row->outcome)),
        row->recovered_wh == SG_READING_NA ? null : SG_VAL_INT(row->recovered_wh),
        row->note.len ? (struct sg_value){.type = SG_TEXT, .bytes = row->note} : null};
    return append_value(b, v, INSPECTION_COLUMNS);
}

int sg_row_inspection_decode(struct sg_bytes sort, struct sg_bytes value,
                             struct sg_row_inspection *ret)
{
    struct sg_row_inspection row = {.recovered_wh = SG_READING_NA};
    struct sg_value v[INSPECTION_COLUMNS];
    int r = sg_row_int_take(sort, &row.inspected_day);
    if (r == 0)
        r = take_columns(value, v, INSPECTION_COLUMNS);
    if (r)
        return r;
    if (v[0].type != SG_TEXT || !sg_row_outcome_named(v[0].bytes, &row.outcome) ||
        (v[1].type != SG_NULL && (!is_int(&v[1]) || v[1].i == SG_READING_NA)) ||
        (v[2].type != SG_NULL && (v[2].type != SG_TEXT || v[2].bytes.len == 0)))
        return sg_raise(-EBADMSG);
    if (is_int(&v[1]))
        row.recovered_wh = v[1].i;
    if (v[2].type == SG_TEXT)
        row.note = v[2].bytes;
    if (!inspection_valid(&row))
        return sg_raise(-EBADMSG);
    *ret = row;
    return 0;
}

/* ---- consumers ----------------------------------------------------------------------------- */

/* Three texts, six integers, a text. */
enum { CONSUMER_TEXTS = 3, CONSUMER_WIRING = CONSUMER_TEXTS + 6, CONSUMER_COLUMNS };

static bool is_consumer_class(struct sg_bytes word)
{
#define X(text)                                                                                    \
    if (sg_bytes_equal(word, SG_BYTES_LIT(text)))                                                  \
        return true;
    SG_ROW_CONSUMER_CLASSES(X)
#undef X
    return word.len == 0;
}

static bool is_wiring(struct sg_bytes word)
{
#define X(text)                                                                                    \
    if (sg_bytes_equal(word, SG_BYTES_LIT(text)))                                                  \
        return true;
    SG_ROW_WIRINGS(X)
#undef X
    return word.len == 0;
}

static bool consumer_valid(const struct sg_row_consumer *row)
{
#define I(column, most)                                                                            \
    if (row->column != SG_READING_NA && (row->column < 0 || row->column > (most)))                 \
        return false;
    SG_ROW_CONSUMER_INTS(I)
#undef I
    return row->from_day >= 0 && row->from_day <= SG_ROW_DAY_MAX && is_consumer_class(row->cls) &&
           is_wiring(row->wiring) && row->activity.len <= SG_ROW_CONSUMER_TEXT_MAX &&
           row->region.len <= SG_ROW_CONSUMER_TEXT_MAX;
}

static struct sg_value text_or_null(struct sg_bytes text)
{
    return (struct sg_value){.type = text.len ? SG_TEXT : SG_NULL, .bytes = text};
}

static struct sg_value int_or_null(int64_t v)
{
    return (struct sg_value){.type = v == SG_READING_NA ? SG_NULL : SG_INTEGER, .i = v};
}

int sg_row_consumer_encode(struct sg_buf *b, const struct sg_row_consumer *row)
{
    if (!consumer_valid(row))
        return sg_raise(-EINVAL);
    const struct sg_value v[CONSUMER_COLUMNS] = {
        text_or_null(row->cls), text_or_null(row->activity), text_or_null(row->region),
#define I(column, most) int_or_null(row->column),
        SG_ROW_CONSUMER_INTS(I)
#undef I
            text_or_null(row->wiring)};
    return append_value(b, v, CONSUMER_COLUMNS);
}

static bool consumer_types(const struct sg_value *v)
{
    for (int i = 0; i < CONSUMER_COLUMNS; i++) {
        const bool text = i < CONSUMER_TEXTS || i == CONSUMER_WIRING;
        const enum sg_value_type wanted = text ? SG_TEXT : SG_INTEGER;
        if (v[i].type != SG_NULL && v[i].type != wanted)
            return false;
        if (v[i].type == SG_TEXT && v[i].bytes.len == 0)
            return false;
        if (v[i].type == SG_INTEGER && v[i].i == SG_READING_NA)
            return false;
    }
    return true;
}

int sg_row_consumer_decode(struct sg_bytes sort, struct sg_bytes value, struct sg_row_consumer *ret)
{
    struct sg_row_consumer row = {.from_day = 0};
    struct sg_value v[CONSUMER_COLUMNS];
    int at = CONSUMER_TEXTS;
    int r = sg_row_int_take(sort, &row.from_day);
    if (r == 0)
        r = take_columns(value, v, CONSUMER_COLUMNS);
    if (r)
        return r;
    if (!consumer_types(v))
        return sg_raise(-EBADMSG);
    row.cls = v[0].type == SG_TEXT ? v[0].bytes : SG_BYTES_NONE;
    row.activity = v[1].type == SG_TEXT ? v[1].bytes : SG_BYTES_NONE;
    row.region = v[2].type == SG_TEXT ? v[2].bytes : SG_BYTES_NONE;
#define I(column, most)                                                                            \
    row.column = v[at].type == SG_INTEGER ? v[at].i : SG_READING_NA;                               \
    at++;
    SG_ROW_CONSUMER_INTS(I)
#undef I
    row.wiring = v[CONSUMER_WIRING].type == SG_TEXT ? v[CONSUMER_WIRING].bytes : SG_BYTES_NONE;
    if (!consumer_valid(&row))
        return sg_raise(-EBADMSG);
    *ret = row;
    return 0;
}

/* ---- topology ------------------------------------------------------------------------------ */

static bool topology_valid(const struct sg_row_topology *row)
{
    return row->from_day >= 0 && row->from_day <= SG_ROW_DAY_MAX && row->transformer >= 0;
}

int sg_row_topology_encode(struct sg_buf *b, const struct sg_row_topology *row)
{
    if (!topology_valid(row))
        return sg_raise(-EINVAL);
    const struct sg_value v = SG_VAL_INT(row->transformer);
    return append_value(b, &v, 1);
}

int sg_row_topology_decode(struct sg_bytes sort, struct sg_bytes value, struct sg_row_topology *ret)
{
    struct sg_row_topology row;
    struct sg_value v;
    int r = sg_row_int_take(sort, &row.from_day);
    if (r == 0)
        r = take_columns(value, &v, 1);
    if (r)
        return r;
    if (!is_int(&v))
        return sg_raise(-EBADMSG);
    row.transformer = v.i;
    if (!topology_valid(&row))
        return sg_raise(-EBADMSG);
    *ret = row;
    return 0;
}
