/* summary - see summary.h. */
#include "summary.h"

#include <sealgrid/base/cbor.h>

#define MAGIC      "sealgrid-audit-summary-v1"
#define ITEMS      4
#define COUNTS     4
#define ITEM_ITEMS 6

const char *summary_state_word(enum summary_state s)
{
    static const char *const words[] = {
        [SUMMARY_OK] = "ok", [SUMMARY_FOUND] = "findings", [SUMMARY_UNUSABLE] = "unusable"};
    return words[s];
}

/* ---- an item ------------------------------------------------------------------------------- */

static int put_text(struct sg_buf *b, struct sg_bytes text)
{
    char room[SUMMARY_NAME_MAX + 1];

    if (text.len > SUMMARY_NAME_MAX)
        return sg_raise(-EINVAL);
    if (text.len)
        memcpy(room, text.data, text.len);
    room[text.len] = '\0';
    return sg_cbor_put_text(b, room);
}

static int put_hash(struct sg_buf *b, bool there, const uint8_t hash[32])
{
    return there ? sg_cbor_put_bytes(b, SG_BYTES(hash, 32)) : sg_cbor_put_null(b);
}

int summary_put_item(struct sg_buf *items, const struct summary_item *item)
{
    int r = sg_cbor_put_array(items, ITEM_ITEMS);

    if (!r)
        r = put_text(items, item->name);
    if (!r)
        r = sg_cbor_put_text(items, summary_state_word(item->state));
    if (!r)
        r = put_hash(items, item->has_bill, item->bill_file);
    if (!r)
        r = put_hash(items, item->has_evidence, item->evidence);
    if (!r)
        r = sg_cbor_put_uint(items, item->found);
    if (!r)
        r = sg_cbor_put_array(items, item->n_codes);
    for (size_t i = 0; i < item->n_codes && !r; i++)
        r = put_text(items, item->codes[i]);
    return r;
}

static bool take_text(struct sg_reader *in, struct sg_bytes *ret)
{
    return sg_cbor_get_text(in, ret) == 0 && ret->len && ret->len <= SUMMARY_NAME_MAX &&
           !memchr(ret->data, 0, ret->len);
}

static bool take_state(struct sg_reader *in, enum summary_state *ret)
{
    struct sg_bytes word;
    int i = 0;

    if (!take_text(in, &word))
        return false;
    while (i < SUMMARY_N_STATES &&
           !sg_bytes_equal(word, sg_bytes_str(summary_state_word((enum summary_state)i))))
        i++;
    *ret = (enum summary_state)i;
    return i < SUMMARY_N_STATES;
}

static bool take_hash(struct sg_reader *in, bool *ret_there, uint8_t ret[32])
{
    enum sg_cbor_type type;

    *ret_there = sg_cbor_peek(in, &type) == 0 && type != SG_CBOR_SIMPLE;
    return *ret_there ? sg_cbor_get_octets(in, ret, 32) == 0 : sg_cbor_get_null(in) == 0;
}

static bool take_codes(struct sg_reader *in, struct summary_item *item)
{
    uint64_t n;

    if (sg_cbor_get_array(in, &n) != 0 || n > SUMMARY_CODES_MAX)
        return false;
    for (; item->n_codes < n; item->n_codes++)
        if (!take_text(in, &item->codes[item->n_codes]))
            return false;
    return true;
}

/* Its own members must agree: nothing was found in a bill that is ok, nothing judged of one that
 * was unusable. */
static bool item_agrees(const struct summary_item *item)
{
    switch (item->state) {
    case SUMMARY_OK:
        return item->has_bill && item->has_evidence && !item->found && !item->n_codes;
    case SUMMARY_FOUND:
        return item->has_bill && item->has_evidence && item->found && item->n_codes;
    default:
        return !item->found && !item->n_codes;
    }
}

int summary_next(struct sg_reader *items, struct summary_item *ret)
{
    uint64_t n;

    ret->n_codes = 0;
    return sg_cbor_get_array(items, &n) == 0 && n == ITEM_ITEMS && take_text(items, &ret->name) &&
                   take_state(items, &ret->state) &&
                   take_hash(items, &ret->has_bill, ret->bill_file) &&
                   take_hash(items, &ret->has_evidence, ret->evidence) &&
                   sg_cbor_get_uint(items, &ret->found) == 0 && take_codes(items, ret) &&
                   item_agrees(ret)
               ? 0
               : SUMMARY_MALFORMED;
}

/* ---- the whole ----------------------------------------------------------------------------- */

int summary_encode(const struct summary *s, struct sg_buf *ret)
{
    const uint64_t counts[COUNTS] = {s->bills, s->bad, s->unusable, s->readings};
    int r = sg_cbor_put_array(ret, ITEMS);

    if (!r)
        r = sg_cbor_put_text(ret, MAGIC);
    if (!r)
        r = basis_put(ret, &s->basis);
    if (!r)
        r = sg_cbor_put_array(ret, COUNTS);
    for (int i = 0; i < COUNTS && !r; i++)
        r = sg_cbor_put_uint(ret, counts[i]);
    if (!r)
        r = sg_cbor_put_array(ret, s->bills);
    return r ? r : sg_buf_append(ret, s->items);
}

static bool take_counts(struct sg_reader *in, struct summary *s)
{
    uint64_t n;

    return sg_cbor_get_array(in, &n) == 0 && n == COUNTS && sg_cbor_get_uint(in, &s->bills) == 0 &&
           sg_cbor_get_uint(in, &s->bad) == 0 && sg_cbor_get_uint(in, &s->unusable) == 0 &&
           sg_cbor_get_uint(in, &s->readings) == 0 && s->bills <= SUMMARY_BILLS_MAX;
}

static bool rises(struct sg_bytes before, struct sg_bytes name)
{
    const size_t n = before.len < name.len ? before.len : name.len;
    const int c = n ? memcmp(before.data, name.data, n) : 0;
    return c < 0 || (c == 0 && before.len < name.len);
}

static bool items_agree(const struct summary *s)
{
    struct sg_reader in = sg_reader_over(s->items);
    struct sg_bytes before = SG_BYTES_NONE;
    uint64_t n[SUMMARY_N_STATES] = {0};
    struct summary_item item;

    for (uint64_t i = 0; i < s->bills; i++) {
        if (summary_next(&in, &item) != 0 || !rises(before, item.name))
            return false;
        before = item.name;
        n[item.state]++;
    }
    return in.left == 0 && n[SUMMARY_FOUND] == s->bad && n[SUMMARY_UNUSABLE] == s->unusable;
}

int summary_decode(struct sg_bytes payload, struct summary *ret)
{
    struct sg_reader in = sg_reader_over(payload);
    struct summary s = {.bills = 0};
    struct sg_bytes magic;
    uint64_t n;

    if (sg_cbor_get_array(&in, &n) != 0 || n != ITEMS || sg_cbor_get_text(&in, &magic) != 0 ||
        !sg_bytes_equal(magic, SG_BYTES_LIT(MAGIC)) || !basis_take(&in, &s.basis) ||
        !take_counts(&in, &s) || sg_cbor_get_array(&in, &n) != 0 || n != s.bills)
        return SUMMARY_MALFORMED;
    s.items = SG_BYTES(in.at, in.left);
    if (!items_agree(&s))
        return SUMMARY_MALFORMED;
    *ret = s;
    return 0;
}
