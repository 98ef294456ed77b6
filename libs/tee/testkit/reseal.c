#include "reseal.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>

enum { HEADER = 48, DESCRIPTION = 6, SIG = 64, KEY = 64, CERT_HEAD = 6, BINDING = 320 };
enum { TEE_TDX = 0x81, BODY_SGX = 1, BODY_TD10 = 2, BODY_TD15 = 3 };
enum { TYPE_LEAF = 4, TYPE_CHAIN = 5, TYPE_NESTED = 6 };

static uint64_t load(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    while (n--)
        v = v << 8 | p[n];
    return v;
}

static void store(uint8_t *p, size_t n, uint64_t v)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static unsigned version_of(const uint8_t *quote)
{
    return (unsigned)load(quote, 2);
}

static bool find_body(struct sg_bytes q, struct tk_quote_layout *l)
{
    if (q.len < HEADER + DESCRIPTION)
        return false;
    const unsigned version = version_of(q.data);
    const uint64_t tee = load(q.data + 4, 4), type = load(q.data + HEADER, 2);
    l->body = version == 5 ? HEADER + DESCRIPTION : HEADER;
    l->td = tee == TEE_TDX;
    if ((tee && !l->td) || version < 3 || version > 5 || (version == 3 && tee))
        return false;
    if (version == 5 && !(l->td ? type == BODY_TD10 || type == BODY_TD15 : type == BODY_SGX))
        return false;
    l->body_len = !l->td                              ? TK_SGX_BODY
                  : version == 5 && type == BODY_TD15 ? TK_TD15_BODY
                                                      : TK_TD10_BODY;
    return true;
}

bool tk_quote_find(struct sg_bytes q, struct tk_quote_layout *ret)
{
    struct tk_quote_layout l;
    if (!find_body(q, &l))
        return false;
    l.size = l.body + l.body_len;
    l.signature = l.size + 4;
    l.key = l.signature + SIG;
    l.nested = version_of(q.data) > 3 ? l.key + KEY : 0;
    l.qe = l.key + KEY + (l.nested ? CERT_HEAD : 0);
    l.auth_len = l.qe + TK_SGX_BODY + SIG;
    l.auth = l.auth_len + 2;
    if (q.len < l.auth + CERT_HEAD)
        return false;
    l.auth_octets = (size_t)load(q.data + l.auth_len, 2);
    l.cert = l.auth + l.auth_octets;
    if (q.len < l.cert + CERT_HEAD)
        return false;
    *ret = l;
    return true;
}

struct length {
    size_t at, octets;
    uint64_t value;
};

/* Every length of a quote of so many octets. */
static size_t lengths(const struct tk_quote_layout *l, struct sg_bytes q, struct length ret[4])
{
    size_t n = 0;
    ret[n++] = (struct length){l->size, 4, q.len - l->signature};
    ret[n++] = (struct length){l->cert + 2, 4, q.len - l->cert - CERT_HEAD};
    if (l->nested)
        ret[n++] = (struct length){l->nested + 2, 4, q.len - l->qe};
    if (version_of(q.data) == 5)
        ret[n++] = (struct length){HEADER + 2, 4, l->body_len};
    return n;
}

static void sign(EVP_PKEY *key, struct sg_bytes message, uint8_t ret[SIG])
{
    uint8_t sig[512];
    sg_assert(tk_sign(key, TK_RAW, "SHA256", message, sig) == SIG);
    memcpy(ret, sig, SIG);
}

/* SHA-256(attestation key || authentication data), zeros. */
static void binding(const struct tk_quote_layout *l, const uint8_t *q, uint8_t ret[64])
{
    memset(ret, 0, 64);
    sg_sha256_parts(
        ret, (struct sg_bytes[]){SG_BYTES(q + l->key, KEY), SG_BYTES(q + l->auth, l->auth_octets)},
        2);
}

void tk_quote_reseal(const struct tk_intel *t, unsigned how, const struct tk_quote_layout *l,
                     struct sg_buf *b)
{
    struct length length[4];
    uint8_t point[96], *q = b->data;
    const size_t n = how & TK_OWN_SIZES ? 0 : lengths(l, sg_buf_bytes(b), length);
    for (size_t i = 0; i < n; i++)
        store(q + length[i].at, length[i].octets, length[i].value);
    tk_key_point(t->attestation_key, point);
    memcpy(q + l->key, point, KEY);
    if (!(how & TK_OWN_BINDING))
        binding(l, q, q + l->qe + BINDING);
    sign(how & TK_OTHER_PCK ? t->ca_key : t->pck_key, SG_BYTES(q + l->qe, TK_SGX_BODY),
         q + l->qe + TK_SGX_BODY);
    sign(how & TK_OTHER_SIGNER ? t->pck_key : t->attestation_key, SG_BYTES(q, l->size),
         q + l->signature);
}

static bool lengths_are_right(const struct tk_quote_layout *l, struct sg_bytes q)
{
    struct length length[4];
    const size_t n = lengths(l, q, length);
    for (size_t i = 0; i < n; i++)
        if (load(q.data + length[i].at, length[i].octets) != length[i].value)
            return false;
    return true;
}

bool tk_quote_is_right(const struct tk_intel *t, unsigned how, const struct tk_quote_layout *l,
                       struct sg_bytes quote)
{
    const struct tk_quote good = l->td ? tk_quote_td(t, 4, TK_TD15_BODY) : tk_quote_sgx(t);
    const uint8_t *q = quote.data;
    const uint64_t type = load(q + l->cert, 2);
    uint8_t header[HEADER], wanted[64];
    memcpy(header, good.header, HEADER);
    header[0] = q[0]; /* known to tk_quote_find */
    binding(l, q, wanted);
    return !(how & (TK_OTHER_SIGNER | TK_OTHER_PCK)) && lengths_are_right(l, quote) &&
           (!l->nested || load(q + l->nested, 2) == TYPE_NESTED) &&
           (type == TYPE_CHAIN || type == TYPE_LEAF) &&
           !memcmp(wanted, q + l->qe + BINDING, sizeof wanted) &&
           !tk_rules_broken(&tk_rules_quote_header, header, q) &&
           !tk_rules_broken(l->td ? &tk_rules_td_body : &tk_rules_sgx_body, good.body,
                            q + l->body) &&
           !tk_rules_broken(&tk_rules_qe, good.qe, q + l->qe);
}
