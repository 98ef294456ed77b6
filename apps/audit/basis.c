/* basis - see basis.h. */
#include "basis.h"

#include <sealgrid/base/cbor.h>

#define ITEMS 10

static int put_hash_or_null(struct sg_buf *b, bool there, const uint8_t hash[32])
{
    return there ? sg_cbor_put_bytes(b, SG_BYTES(hash, 32)) : sg_cbor_put_null(b);
}

static int put_tariffs(struct sg_buf *b, const struct basis *s)
{
    int r = sg_cbor_put_array(b, s->n_tariffs);

    for (size_t i = 0; i < s->n_tariffs && !r; i++)
        r = sg_cbor_put_bytes(b, SG_BYTES_ARRAY(s->tariffs[i]));
    return r;
}

int basis_put(struct sg_buf *b, const struct basis *s)
{
    int r = sg_cbor_put_array(b, ITEMS);

    if (!r)
        r = sg_cbor_put_int(b, s->made_s);
    if (!r)
        r = sg_cbor_put_text(b, s->tool);
    if (!r)
        r = sg_cbor_put_bytes(b, SG_BYTES_ARRAY(s->installations));
    if (!r)
        r = sg_cbor_put_bytes(b, SG_BYTES_ARRAY(s->certificates));
    if (!r)
        r = put_tariffs(b, s);
    if (!r)
        r = put_hash_or_null(b, s->has_contracts, s->contracts);
    if (!r)
        r = put_hash_or_null(b, s->has_rules, s->rules);
    if (!r)
        r = put_hash_or_null(b, s->has_operators, s->operators);
    if (!r)
        r = sg_cbor_put_text(b, sg_audit_clock_word(s->clock));
    return r ? r : sg_cbor_put_bool(b, s->require_crl);
}

static bool take_hash_or_null(struct sg_reader *in, bool *ret_there, uint8_t ret[32])
{
    enum sg_cbor_type type;

    *ret_there = sg_cbor_peek(in, &type) == 0 && type != SG_CBOR_SIMPLE;
    return *ret_there ? sg_cbor_get_octets(in, ret, 32) == 0 : sg_cbor_get_null(in) == 0;
}

static bool take_tariffs(struct sg_reader *in, struct basis *s)
{
    uint64_t n;

    if (sg_cbor_get_array(in, &n) != 0 || n > BASIS_TARIFFS_MAX)
        return false;
    for (; s->n_tariffs < n; s->n_tariffs++)
        if (sg_cbor_get_octets(in, s->tariffs[s->n_tariffs], 32) != 0)
            return false;
    return true;
}

static bool take_clock(struct sg_reader *in, enum sg_audit_clock *ret)
{
    struct sg_bytes word;
    int i = 0;

    if (sg_cbor_get_text(in, &word) != 0)
        return false;
    while (i < SG_AUDIT_N_CLOCKS &&
           !sg_bytes_equal(word, sg_bytes_str(sg_audit_clock_word((enum sg_audit_clock)i))))
        i++;
    *ret = (enum sg_audit_clock)i;
    return i < SG_AUDIT_N_CLOCKS;
}

static bool take_tool(struct sg_reader *in, char ret[BASIS_TOOL_MAX + 1])
{
    struct sg_bytes text;

    if (sg_cbor_get_text(in, &text) != 0 || text.len > BASIS_TOOL_MAX ||
        (text.len && memchr(text.data, 0, text.len)))
        return false;
    memset(ret, 0, BASIS_TOOL_MAX + 1);
    if (text.len)
        memcpy(ret, text.data, text.len);
    return true;
}

bool basis_take(struct sg_reader *in, struct basis *ret)
{
    struct basis s = {.n_tariffs = 0};
    uint64_t n;

    if (sg_cbor_get_array(in, &n) != 0 || n != ITEMS || sg_cbor_get_int(in, &s.made_s) != 0 ||
        !take_tool(in, s.tool) || sg_cbor_get_octets(in, s.installations, 32) != 0 ||
        sg_cbor_get_octets(in, s.certificates, 32) != 0 || !take_tariffs(in, &s) ||
        !take_hash_or_null(in, &s.has_contracts, s.contracts) ||
        !take_hash_or_null(in, &s.has_rules, s.rules) ||
        !take_hash_or_null(in, &s.has_operators, s.operators) || !take_clock(in, &s.clock) ||
        sg_cbor_get_bool(in, &s.require_crl) != 0)
        return false;
    *ret = s;
    return true;
}
