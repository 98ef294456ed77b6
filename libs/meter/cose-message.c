#include "cose-crypto.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/cleanup.h>

enum { LABEL_ALG = 1, LABEL_CRIT = 2, LABEL_IV = 5, LABEL_PARTIAL_IV = 6 };
#define ALG_DIRECT    (-6)
#define NONCE_MAX     16
#define STRUCTURE_MAX (1u << 20)

/* ---- headers ------------------------------------------------------------------------------- */

/* Algorithms named by text are none that we know. */
static int take_alg(struct sg_reader *in, int64_t *ret)
{
    enum sg_cbor_type type;
    if (sg_cbor_peek(in, &type) != 0)
        return SG_COSE_MALFORMED;
    if (type == SG_CBOR_TEXT)
        return SG_COSE_UNSUPPORTED;
    if (*ret != 0 || sg_cbor_get_int(in, ret) != 0 || *ret == 0)
        return SG_COSE_MALFORMED; /* twice, or no number */
    return 0;
}

static int take_bytes_once(struct sg_reader *in, struct sg_bytes *ret)
{
    return ret->data || sg_cbor_get_bytes(in, ret) != 0 ? SG_COSE_MALFORMED : 0;
}

static int take_header(struct sg_reader *in, struct sg_cose_headers *h)
{
    enum sg_cbor_type type;
    struct sg_bytes other;
    int64_t label = 0;
    if (sg_cbor_peek(in, &type) != 0)
        return SG_COSE_MALFORMED;
    if (type == SG_CBOR_TEXT ? sg_cbor_get_text(in, &other) : sg_cbor_get_int(in, &label))
        return SG_COSE_MALFORMED;
    switch (label) {
    case LABEL_ALG:
        return take_alg(in, &h->alg);
    case LABEL_CRIT:
        return SG_COSE_UNSUPPORTED;
    case LABEL_IV:
        return take_bytes_once(in, &h->iv);
    case LABEL_PARTIAL_IV:
        return take_bytes_once(in, &h->partial_iv);
    default:
        return sg_cbor_skip(in, &other) != 0 ? SG_COSE_MALFORMED : 0;
    }
}

static int take_map(struct sg_reader *in, struct sg_cose_headers *h)
{
    uint64_t pairs;
    if (sg_cbor_get_map(in, &pairs) != 0)
        return SG_COSE_MALFORMED;
    for (uint64_t i = 0; i < pairs; i++) {
        int r = take_header(in, h);
        if (r)
            return r;
    }
    return 0;
}

/* Protected as byte string, then unprotected as map. */
static int take_headers(struct sg_reader *in, struct sg_cose_headers *h)
{
    *h = (struct sg_cose_headers){.alg = 0};
    if (sg_cbor_get_bytes(in, &h->protected_map) != 0)
        return SG_COSE_MALFORMED;
    struct sg_reader map = sg_reader_over(h->protected_map);
    int r = map.left ? take_map(&map, h) : 0;
    if (r || map.left)
        return r ? r : SG_COSE_MALFORMED;
    if (sg_cbor_skip(in, &h->unprotected) != 0)
        return SG_COSE_MALFORMED;
    map = sg_reader_over(h->unprotected);
    return take_map(&map, h);
}

/* ---- message ------------------------------------------------------------------------------- */

static bool has_parties(enum sg_cose_kind kind)
{
    return kind == SG_COSE_SIGN || kind == SG_COSE_ENCRYPT;
}

static bool has_proof(enum sg_cose_kind kind)
{
    return kind == SG_COSE_SIGN1 || kind == SG_COSE_MAC0;
}

static uint64_t items_of(enum sg_cose_kind kind)
{
    return has_parties(kind) || has_proof(kind) ? 4 : 3;
}

static bool kind_known(uint64_t tag)
{
    return tag == SG_COSE_ENCRYPT0 || tag == SG_COSE_MAC0 || tag == SG_COSE_SIGN1 ||
           tag == SG_COSE_ENCRYPT || tag == SG_COSE_SIGN;
}

static int take_tag(struct sg_reader *in, enum sg_cose_kind untagged, struct sg_cose_message *m)
{
    enum sg_cbor_type type;
    uint64_t tag;
    m->kind = untagged;
    if (sg_cbor_peek(in, &type) != 0)
        return SG_COSE_MALFORMED;
    m->tagged = type == SG_CBOR_TAG;
    if (!m->tagged)
        return 0;
    if (sg_cbor_get_tag(in, &tag) != 0)
        return SG_COSE_MALFORMED;
    m->kind = (enum sg_cose_kind)tag;
    return kind_known(tag) ? 0 : SG_COSE_UNSUPPORTED;
}

static int take_parties(struct sg_reader *in, struct sg_cose_message *m)
{
    uint64_t n, items;
    if (sg_cbor_get_array(in, &n) != 0 || n == 0)
        return SG_COSE_MALFORMED;
    if (n > SG_COSE_PARTIES_MAX)
        return SG_COSE_UNSUPPORTED;
    for (m->n_parties = 0; m->n_parties < n; m->n_parties++) {
        struct sg_cose_party *p = &m->parties[m->n_parties];
        if (sg_cbor_get_array(in, &items) != 0 || items != 3)
            return SG_COSE_MALFORMED;
        int r = take_headers(in, &p->headers);
        if (r)
            return r;
        if (sg_cbor_get_bytes(in, &p->value) != 0)
            return SG_COSE_MALFORMED;
    }
    return 0;
}

int sg_cose_message_decode(struct sg_bytes b, enum sg_cose_kind untagged,
                           struct sg_cose_message *ret)
{
    struct sg_cose_message m = {.n_parties = 0};
    struct sg_reader in = sg_reader_over(b);
    uint64_t items;
    int r = take_tag(&in, untagged, &m);
    if (r)
        return r;
    if (sg_cbor_get_array(&in, &items) != 0 || items != items_of(m.kind))
        return SG_COSE_MALFORMED;
    r = take_headers(&in, &m.headers);
    if (r)
        return r;
    if (sg_cbor_get_bytes(&in, &m.content) != 0)
        return SG_COSE_MALFORMED;
    if (has_proof(m.kind) && sg_cbor_get_bytes(&in, &m.proof) != 0)
        return SG_COSE_MALFORMED;
    r = has_parties(m.kind) ? take_parties(&in, &m) : 0;
    if (r || in.left)
        return r ? r : SG_COSE_MALFORMED;
    *ret = m;
    return 0;
}

static int put_headers(const struct sg_cose_headers *h, struct sg_buf *b)
{
    int r = sg_cbor_put_bytes(b, h->protected_map);
    return r ? r : sg_buf_append(b, h->unprotected);
}

static int put_parties(const struct sg_cose_message *m, struct sg_buf *b)
{
    int r = sg_cbor_put_array(b, m->n_parties);
    for (size_t i = 0; r == 0 && i < m->n_parties; i++) {
        r = sg_cbor_put_array(b, 3);
        if (r == 0)
            r = put_headers(&m->parties[i].headers, b);
        if (r == 0)
            r = sg_cbor_put_bytes(b, m->parties[i].value);
    }
    return r;
}

int sg_cose_message_encode(const struct sg_cose_message *m, struct sg_buf *ret)
{
    size_t start = ret->len;
    int r = m->tagged ? sg_cbor_put_tag(ret, m->kind) : 0;
    if (r == 0)
        r = sg_cbor_put_array(ret, items_of(m->kind));
    if (r == 0)
        r = put_headers(&m->headers, ret);
    if (r == 0)
        r = sg_cbor_put_bytes(ret, m->content);
    if (r == 0 && has_proof(m->kind))
        r = sg_cbor_put_bytes(ret, m->proof);
    if (r == 0 && has_parties(m->kind))
        r = put_parties(m, ret);
    if (r)
        ret->len = start;
    return r;
}

/* ---- the structures that are signed, authenticated, macced ---------------------------------- */

/* An empty map counts as no octets (RFC 9052, section 4.4). */
static int put_protected(const struct sg_cose_headers *h, struct sg_buf *b)
{
    const bool empty = h->protected_map.len == 1 && h->protected_map.data[0] == 0xa0;
    return sg_cbor_put_bytes(b, empty ? SG_BYTES_NONE : h->protected_map);
}

int sg_cose_to_be_signed(const struct sg_cose_message *m, size_t i, struct sg_bytes external_aad,
                         struct sg_buf *ret)
{
    const bool one = m->kind == SG_COSE_SIGN1;
    if (!one && (m->kind != SG_COSE_SIGN || i >= m->n_parties))
        return sg_raise(-EINVAL);
    int r = sg_cbor_put_array(ret, one ? 4 : 5);
    if (r == 0)
        r = sg_cbor_put_text(ret, one ? "Signature1" : "Signature");
    if (r == 0)
        r = put_protected(&m->headers, ret);
    if (r == 0 && !one)
        r = put_protected(&m->parties[i].headers, ret);
    if (r == 0)
        r = sg_cbor_put_bytes(ret, external_aad);
    return r ? r : sg_cbor_put_bytes(ret, m->content);
}

static int put_enc_structure(const struct sg_cose_message *m, struct sg_bytes external_aad,
                             struct sg_buf *ret)
{
    int r = sg_cbor_put_array(ret, 3);
    if (r == 0)
        r = sg_cbor_put_text(ret, m->kind == SG_COSE_ENCRYPT0 ? "Encrypt0" : "Encrypt");
    if (r == 0)
        r = put_protected(&m->headers, ret);
    return r ? r : sg_cbor_put_bytes(ret, external_aad);
}

static int put_mac_structure(const struct sg_cose_message *m, struct sg_bytes external_aad,
                             struct sg_buf *ret)
{
    int r = sg_cbor_put_array(ret, 4);
    if (r == 0)
        r = sg_cbor_put_text(ret, "MAC0");
    if (r == 0)
        r = put_protected(&m->headers, ret);
    if (r == 0)
        r = sg_cbor_put_bytes(ret, external_aad);
    return r ? r : sg_cbor_put_bytes(ret, m->content);
}

/* ---- judging ------------------------------------------------------------------------------- */

int sg_cose_verify(const struct sg_cose_message *m, size_t i, struct sg_bytes external_aad,
                   const struct sg_cose_key *key)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(STRUCTURE_MAX);
    int r = sg_cose_to_be_signed(m, i, external_aad, &message);
    if (r)
        return r;
    const bool one = m->kind == SG_COSE_SIGN1;
    return sg_cose_crypto_verify(one ? m->headers.alg : m->parties[i].headers.alg, key,
                                 sg_buf_bytes(&message), one ? m->proof : m->parties[i].value);
}

/* IV, or base IV with the partial IV xored into its end (RFC 9052, section 3.1). */
static int make_nonce(const struct sg_cose_message *m, struct sg_bytes base_iv,
                      uint8_t ret[NONCE_MAX])
{
    const size_t len = sg_cose_crypto_nonce_len(m->headers.alg);
    const struct sg_bytes partial = m->headers.partial_iv;
    if (len == 0)
        return SG_COSE_UNSUPPORTED;
    if (m->headers.iv.data) {
        if (m->headers.iv.len != len || partial.data)
            return SG_COSE_MALFORMED;
        memcpy(ret, m->headers.iv.data, len);
        return 0;
    }
    if (!partial.data || partial.len > len || base_iv.len != len)
        return SG_COSE_MALFORMED;
    memcpy(ret, base_iv.data, len);
    for (size_t i = 0; i < partial.len; i++)
        ret[len - partial.len + i] ^= partial.data[i];
    return 0;
}

static bool direct(const struct sg_cose_message *m)
{
    return m->kind == SG_COSE_ENCRYPT0 ||
           (m->kind == SG_COSE_ENCRYPT && m->n_parties == 1 &&
            m->parties[0].headers.alg == ALG_DIRECT && m->parties[0].value.len == 0 &&
            m->parties[0].headers.protected_map.len == 0);
}

int sg_cose_open(const struct sg_cose_message *m, struct sg_bytes external_aad,
                 const struct sg_cose_key *key, struct sg_bytes base_iv, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf aad = SG_BUF_INIT(STRUCTURE_MAX);
    uint8_t nonce[NONCE_MAX];
    if (!direct(m))
        return SG_COSE_UNSUPPORTED;
    int r = make_nonce(m, base_iv, nonce);
    if (r == 0)
        r = put_enc_structure(m, external_aad, &aad);
    return r ? r
             : sg_cose_crypto_open(m->headers.alg, key->secret, nonce, sg_buf_bytes(&aad),
                                   m->content, ret);
}

int sg_cose_seal(const struct sg_cose_message *m, struct sg_bytes external_aad,
                 const struct sg_cose_key *key, struct sg_bytes base_iv, struct sg_bytes plain,
                 struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf aad = SG_BUF_INIT(STRUCTURE_MAX);
    uint8_t nonce[NONCE_MAX];
    if (!direct(m))
        return SG_COSE_UNSUPPORTED;
    int r = make_nonce(m, base_iv, nonce);
    if (r == 0)
        r = put_enc_structure(m, external_aad, &aad);
    return r ? r
             : sg_cose_crypto_seal(m->headers.alg, key->secret, nonce, sg_buf_bytes(&aad), plain,
                                   ret);
}

int sg_cose_check_mac(const struct sg_cose_message *m, struct sg_bytes external_aad,
                      const struct sg_cose_key *key)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(STRUCTURE_MAX);
    if (m->kind != SG_COSE_MAC0)
        return SG_COSE_UNSUPPORTED;
    int r = put_mac_structure(m, external_aad, &message);
    return r ? r
             : sg_cose_crypto_mac(m->headers.alg, key->secret, sg_buf_bytes(&message), m->proof);
}
