/* signed-quote - fields of SGX and TDX quotes changed; the quote and the QE's report signed again.
 */
#include "mutate.h"

/* Structures of a quote by offset and length; what no signature of ours covers is left out. */
struct area {
    const char *name;
    size_t at, len;
};

static struct area pick(const struct tk_quote_layout *l, unsigned how)
{
    const struct area areas[] = {
        {"header", 0, 48},
        {"body", l->body, l->body_len},
        {"body", l->body, l->body_len},
        {"QE report", l->qe, TK_SGX_BODY},
        {"QE report", l->qe, TK_SGX_BODY},
        {"authentication data", l->auth_len, 2 + l->auth_octets},
        {"certification data", l->cert, 6},
        {"size", l->size, 4},
        {l->nested ? "nesting" : "description", l->nested ? l->nested : 0, l->nested ? 6 : 48},
        {"description", l->body > 48 ? 48 : 0, l->body > 48 ? 6 : 48},
    };
    if ((how & TK_OWN_BINDING) && !one_in(3)) /* both halves of REPORTDATA */
        return (struct area){"binding", l->qe + 320 + 32 * below(2), 32};
    return areas[below(N(areas))];
}

/* Where a rule looks, or right beside it: random octets seldom hit the few that matter. */
static struct area narrow(struct area a, const struct tk_quote_layout *l)
{
    const struct tk_rules *rules = a.at == 0         ? &tk_rules_quote_header
                                   : a.at == l->qe   ? &tk_rules_qe
                                   : a.at != l->body ? NULL
                                   : l->td           ? &tk_rules_td_body
                                                     : &tk_rules_sgx_body;
    if (!rules || one_in(3))
        return a;
    const struct tk_rule *r = &rules->at[below(rules->n)];
    const size_t before = r->from ? below(2) : 0;
    size_t len = (size_t)(r->until - r->from) + before + below(2);
    if (r->from - before + len > a.len)
        len = a.len - (r->from - before);
    return (struct area){a.name, a.at + r->from - before, len};
}

/* Authentication data of another length is as good, and covered all the same. */
static void resize_auth(struct sg_buf *b, struct tk_quote_layout *l)
{
    const size_t n = below(40), old = l->auth_octets, rest = b->len - l->cert;
    if (n > old)
        MUST(sg_buf_append_zeros(b, n - old));
    memmove(b->data + l->auth + n, b->data + l->cert, rest);
    b->len = l->auth + n + rest;
    b->data[l->auth_len] = (uint8_t)n;
    b->data[l->auth_len + 1] = 0;
    note("authentication data of %zu octets", n);
}

static unsigned how_to_seal(void)
{
    unsigned how = 0;
    if (one_in(12))
        how |= TK_OWN_BINDING;
    if (one_in(40))
        how |= TK_OTHER_SIGNER;
    if (one_in(40))
        how |= TK_OTHER_PCK;
    note("sealed %x", how);
    return how;
}

bool resigned_quote(const struct specimen *good)
{
    static struct sg_buf b = SG_BUF_INIT(1u << 20);
    struct sg_tee_evidence e = {0};
    struct tk_quote_layout l;
    unsigned how = how_to_seal();
    sg_buf_reset(&b);
    MUST(sg_buf_append(&b, sg_buf_bytes(&good->part[SG_TEE_PART_REPORT])));
    sg_assert(tk_quote_find(sg_buf_bytes(&b), &l));
    if (one_in(16))
        resize_auth(&b, &l);
    else
        how |= TK_OWN_SIZES;
    for (size_t n = one_in(3) ? 2 : 1; n && (how & TK_OWN_SIZES); n--) {
        const struct area a = narrow(pick(&l, how), &l);
        note("%s, from %zu", a.name, a.at);
        change(b.data + a.at, a.len);
    }
    const bool whole = tk_quote_find(sg_buf_bytes(&b), &l);
    if (whole)
        tk_quote_reseal(&world.intel, how, &l, &b);
    e.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&b);
    return judged_as(&e, whole && tk_quote_is_right(&world.intel, how, &l, sg_buf_bytes(&b)));
}
