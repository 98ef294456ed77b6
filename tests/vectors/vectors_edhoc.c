/*
 * vectors_edhoc - published EDHOC transcripts, run through both engines and compared octet by
 * octet: every message and every intermediate value that a transcript names.
 *
 * Input: JSON files in the form of lake-wg/edhoc test-vectors-15 (an object of transcripts, values
 * in hexadecimal).  Without arguments: edhoc/edhoc-p256.json under $SEALGRID_VECTORS or
 * ../shared/vectors.  Transcripts of draft 15 and of RFC 9528 differ in the place of C_R; which one
 * it is shows in PLAINTEXT_2.  Exit 0: all equal (or the file absent, which is said), 1:
 * differences.
 */
#include "edhoc-int.h"
#include "rfc6979.h"

#include <jansson.h>
#include <openssl/x509.h>
#include <sealgrid/base/cbor.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/crypto/hash.h>
#include <stdio.h>

#define VALUE_MAX 16384

struct party {
    struct sg_buf scalar, id_cred, cred;
    struct sg_key *key;
    struct sg_edhoc_credential own, public_half;
    struct sg_key *public_key;
};

struct transcript {
    const char *name;
    json_t *values;
    json_t *compared; /* names seen */
    enum sg_edhoc_edition edition;
    int method, suite;
    struct party i, r;
    struct sg_buf x, y, c_i, c_r;
    int equal, different;
};

/* ---- values ---- */

static void value(const struct transcript *t, const char *name, struct sg_buf *ret)
{
    const char *hex = json_string_value(json_object_get(t->values, name));
    *ret = (struct sg_buf)SG_BUF_INIT(VALUE_MAX);
    if (hex && sg_hex_decode(ret, sg_bytes_str(hex)))
        fprintf(stderr, "%s: %s is not hexadecimal\n", t->name, name);
}

static void note(struct transcript *t, const char *name, bool same)
{
    json_object_set_new(t->compared, name, json_true());
    t->equal += same;
    t->different += !same;
    if (!same)
        fprintf(stderr, "%s: %s differs\n", t->name, name);
}

/* Compares if the transcript has the value at all. */
static void expect(struct transcript *t, const char *name, struct sg_bytes ours)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf theirs = {0};
    if (!json_object_get(t->values, name))
        return;
    value(t, name, &theirs);
    note(t, name, sg_bytes_equal(sg_buf_bytes(&theirs), ours));
}

static void expect_int(struct transcript *t, const char *name, int64_t ours)
{
    json_t *v = json_object_get(t->values, name);
    if (v)
        note(t, name, json_is_integer(v) && json_integer_value(v) == ours);
}

/* raw under one name, as a CBOR byte string under the other. */
static void expect_both(struct transcript *t, const char *raw, const char *item,
                        struct sg_bytes ours)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(VALUE_MAX);
    int r = sg_cbor_put_bytes(&b, ours);
    sg_assert(r == 0);
    expect(t, raw, ours);
    expect(t, item, sg_buf_bytes(&b));
}

static void must(int r, const char *what)
{
    if (r == 0)
        return;
    fprintf(stderr, "%s: %s %s\n", what, r > 0 ? sg_edhoc_outcome_word(r) : "failed",
            sg_error_trace());
    exit(1);
}

/* ---- the two parties ---- */

static int sign_deterministically(void *user, struct sg_bytes message, uint8_t ret[64])
{
    const struct party *p = user;
    return rfc6979_sign(p->scalar.data, message, ret);
}

static void load_party(struct transcript *t, struct party *p, const char *sk, const char *static_dh,
                       const char *id_cred, const char *cred)
{
    uint8_t xy[64];
    value(t, json_object_get(t->values, sk) ? sk : static_dh, &p->scalar);
    value(t, id_cred, &p->id_cred);
    value(t, cred, &p->cred);
    must(sg_key_p256_private(&p->key, sg_buf_bytes(&p->scalar)), "private key");
    must(sg_key_p256_xy(p->key, xy), "public point");
    must(sg_key_p256_public(&p->public_key, SG_BYTES_ARRAY(xy)), "public key");
    p->own = (struct sg_edhoc_credential){.id_cred = sg_buf_bytes(&p->id_cred),
                                          .cred = sg_buf_bytes(&p->cred),
                                          .key = p->key,
                                          .sign = sign_deterministically,
                                          .sign_user = p};
    p->public_half = p->own;
    p->public_half.key = p->public_key;
}

static void free_party(struct party *p)
{
    sg_buf_clear(&p->scalar);
    sg_buf_clear(&p->id_cred);
    sg_buf_clear(&p->cred);
    sg_key_free(p->key);
    sg_key_free(p->public_key);
}

static const struct sg_edhoc_credential *own_of(void *user, int suite)
{
    const struct party *p = user;
    (void)suite;
    return &p->own;
}

static int find(void *user, const struct sg_edhoc_id *id, struct sg_edhoc_credential *ret)
{
    const struct party *peer = user;
    if (!sg_bytes_equal(id->id_cred, sg_buf_bytes(&peer->id_cred)))
        return SG_EDHOC_NOBODY;
    *ret = peer->public_half;
    return 0;
}

/* An identifier is given in its short form; the engine wants the octets. */
static struct sg_bytes plain_id(const struct sg_buf *form)
{
    struct sg_reader r = sg_reader_over(sg_buf_bytes(form));
    struct sg_bytes id;
    must(sg_edhoc_take_short(&r, SG_EDHOC_CONN_ID_MAX, &id), "connection identifier");
    return id;
}

static int small_int(const struct transcript *t, const char *name)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = {0};
    int64_t v;
    value(t, name, &b);
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&b));
    must(sg_cbor_get_int(&r, &v), name);
    return (int)v;
}

static enum sg_edhoc_edition edition_of(const struct transcript *t)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf p = {0}, c_r = {0}, id = {0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf with_c_r = SG_BUF_INIT(VALUE_MAX);
    value(t, "plaintext_2", &p);
    value(t, "c_r", &c_r);
    value(t, "id_cred_r", &id);
    must(sg_buf_append(&with_c_r, sg_buf_bytes(&c_r)), "c_r");
    if (sg_edhoc_id_wire(SG_EDHOC_RFC9528, sg_buf_bytes(&id), &with_c_r))
        return SG_EDHOC_DRAFT15; /* an integer kid inside the map went with that draft */
    bool rfc = p.len >= with_c_r.len && memcmp(p.data, with_c_r.data, with_c_r.len) == 0;
    return rfc ? SG_EDHOC_RFC9528 : SG_EDHOC_DRAFT15;
}

/* ---- what the transcript says about keys and certificates ---- */

static void expect_point(struct transcript *t, const struct sg_key *key, const char *x,
                         const char *y, const char *x_item, const char *uncompressed)
{
    uint8_t point[65] = {4};
    must(sg_key_p256_xy(key, point + 1), "point");
    expect(t, x, SG_BYTES(point + 1, 32));
    expect(t, y, SG_BYTES(point + 33, 32));
    SG_CLEANUP(sg_buf_clear) struct sg_buf item = SG_BUF_INIT(64);
    must(sg_cbor_put_bytes(&item, SG_BYTES(point + 1, 32)), "item");
    expect(t, x_item, sg_buf_bytes(&item));
    expect(t, uncompressed, SG_BYTES_ARRAY(point));
}

static void expect_ephemeral(struct transcript *t, const struct sg_buf *scalar, const char *x,
                             const char *y, const char *item)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *k = NULL;
    must(sg_key_p256_private(&k, sg_buf_bytes(scalar)), "ephemeral key");
    expect_point(t, k, x, y, item, "-");
}

static void expect_shared(struct transcript *t, const char *name, struct sg_bytes scalar,
                          struct sg_bytes x)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *priv = NULL;
    SG_CLEANUP(sg_key_freep) struct sg_key *pub = NULL;
    uint8_t shared[32];
    must(sg_key_p256_private(&priv, scalar), "scalar");
    must(sg_key_p256_public_x(&pub, x, false), "point");
    must(sg_ecdh_p256(priv, pub, shared), "ECDH");
    expect(t, name, SG_BYTES_ARRAY(shared));
}

/* The named CA did issue the certificate in CRED. */
static void expect_issuer(struct transcript *t, struct sg_bytes cred, const char *cn_name,
                          const char *pk_name)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pk = {0};
    SG_CLEANUP(sg_key_freep) struct sg_key *ca = NULL;
    struct sg_reader r = sg_reader_over(cred);
    struct sg_bytes der;
    char cn[64] = "";
    value(t, pk_name, &pk);
    if (pk.len != 65 || sg_cbor_get_bytes(&r, &der))
        return; /* a CCS has no issuer */
    const unsigned char *p = der.data;
    X509 *x = d2i_X509(NULL, &p, (long)der.len);
    must(x ? 0 : -1, "certificate");
    must(sg_key_p256_public(&ca, SG_BYTES(pk.data + 1, 64)), "CA key");
    note(t, pk_name, X509_verify(x, sg_key_evp(ca)) == 1);
    X509_NAME_get_text_by_NID(X509_get_issuer_name(x), NID_commonName, cn, sizeof cn);
    expect(t, cn_name, sg_bytes_str(cn));
    X509_free(x);
}

static void expect_inputs(struct transcript *t, const struct sg_edhoc *i, const struct sg_edhoc *r)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(64);
    must(sg_cbor_put_int(&b, t->method), "method");
    expect(t, "method", sg_buf_bytes(&b));
    sg_buf_reset(&b);
    must(sg_cbor_put_int(&b, t->suite), "suite");
    expect(t, "SUITES_I", sg_buf_bytes(&b));
    expect(t, "x_raw", sg_buf_bytes(&t->x));
    expect(t, "y_raw", sg_buf_bytes(&t->y));
    expect_int(t, "c_i_raw", small_int(t, "c_i"));
    expect_int(t, "c_r_raw", small_int(t, "c_r"));
    sg_buf_reset(&b);
    must(sg_edhoc_put_short(&b, sg_edhoc_conn_bytes(&r->c_i)), "C_I");
    expect(t, "c_i", sg_buf_bytes(&b));
    sg_buf_reset(&b);
    must(sg_edhoc_put_short(&b, sg_edhoc_conn_bytes(&i->c_r)), "C_R");
    expect(t, "c_r", sg_buf_bytes(&b));
    for (const char *const *ead = (const char *const[]){"ead_1", "ead_2", "ead_3", "ead_4", NULL};
         *ead; ead++)
        expect(t, *ead, SG_BYTES_NONE);
    expect_ephemeral(t, &t->x, "g_x_raw", "g_x_raw_y_coordinate", "g_x");
    expect_ephemeral(t, &t->y, "g_y_raw", "g_y_raw_y_coordinate", "g_y");
    expect_point(t, t->r.key, "g_r_raw", "g_r_raw_y_coordinate", "-", "pk_r_raw");
    expect_point(t, t->i.key, "g_i_raw", "g_i_raw_y_coordinate", "-", "pk_i_raw");
    expect(t, "sk_r_raw", sg_buf_bytes(&t->r.scalar));
    expect(t, "sk_i_raw", sg_buf_bytes(&t->i.scalar));
    expect(t, "r_raw", sg_buf_bytes(&t->r.scalar));
    expect(t, "i_raw", sg_buf_bytes(&t->i.scalar));
    expect_issuer(t, sg_buf_bytes(&t->r.cred), "ca_r_cn", "ca_r_pk");
    expect_issuer(t, sg_buf_bytes(&t->i.cred), "ca_i_cn", "ca_i_pk");
    expect_shared(t, "g_xy_raw", sg_buf_bytes(&t->x), SG_BYTES_ARRAY(r->g_own));
    expect_shared(t, "g_rx_raw", sg_buf_bytes(&t->r.scalar), SG_BYTES_ARRAY(i->g_own));
    expect_shared(t, "g_iy_raw", sg_buf_bytes(&t->i.scalar), SG_BYTES_ARRAY(r->g_own));
}

/* ---- key schedule ---- */

static void expect_info(struct transcript *t, const char *name, uint32_t label,
                        struct sg_bytes context, size_t len)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(VALUE_MAX);
    must(sg_edhoc_info(&b, label, context, len), name);
    expect(t, name, sg_buf_bytes(&b));
}

static void expect_kdf(struct transcript *t, const char *name, const uint8_t prk[32],
                       uint32_t label, struct sg_bytes context, size_t len)
{
    uint8_t okm[1024];
    must(len <= sizeof okm ? sg_edhoc_kdf(prk, label, context, okm, len) : -1, name);
    expect(t, name, SG_BYTES(okm, len));
}

/* One side's authentication: MAC, what is signed, the proof itself. */
static void expect_proof(struct transcript *t, const struct sg_edhoc_auth *a, const uint8_t prk[32],
                         bool signs, struct sg_bytes proof, const char *const names[6])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf context = SG_BUF_INIT(VALUE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf m = SG_BUF_INIT(VALUE_MAX);
    uint8_t mac[32];
    size_t len = signs ? 32 : sg_edhoc_suite_info(t->suite)->mac_len;
    must(sg_edhoc_mac_context(a, &context), "context");
    expect_info(t, names[0], a->responder ? SG_EDHOC_MAC_2 : SG_EDHOC_MAC_3, sg_buf_bytes(&context),
                len);
    must(sg_edhoc_mac(a, prk, mac, len), "MAC");
    expect_both(t, names[1], names[2], SG_BYTES(mac, len));
    must(sg_edhoc_to_be_signed(a, SG_BYTES(mac, len), &m), "Sig_structure");
    expect(t, names[3], sg_buf_bytes(&m));
    expect_both(t, names[4], names[5], proof);
}

static void expect_message_2(struct transcript *t, struct sg_bytes m2, const struct sg_edhoc *e)
{
    static const char *const names[6] = {"info_mac_2", "mac_2_raw",        "mac_2",
                                         "m_2",        "sig_or_mac_2_raw", "sig_or_mac_2"};
    static const uint8_t zeros[32];
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(VALUE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf input = SG_BUF_INIT(VALUE_MAX);
    struct sg_edhoc_m2 m;
    struct sg_edhoc_plain p;
    struct sg_bytes th_2 = SG_BYTES_ARRAY(e->th_2);
    bool rfc = t->edition == SG_EDHOC_RFC9528;
    must(sg_edhoc_m2_decode(t->edition, m2, &m), "message_2");
    expect_both(t, "ciphertext_2_raw", "ciphertext_2", m.ciphertext);
    expect(t, "salt_raw", rfc ? th_2 : SG_BYTES_ARRAY(zeros));
    expect_both(t, "h_message_1_raw", "h_message_1", SG_BYTES_ARRAY(e->h_message_1));
    must(sg_cbor_put_bytes(&input, m.g_y), "G_Y");
    must(rfc ? 0 : sg_edhoc_put_short(&input, m.c_r), "C_R");
    must(sg_cbor_put_bytes(&input, SG_BYTES_ARRAY(e->h_message_1)), "H(message_1)");
    expect(t, "input_th_2", sg_buf_bytes(&input));
    expect_both(t, "th_2_raw", "th_2", th_2);
    expect(t, "prk_2e_raw", SG_BYTES_ARRAY(e->s->prk_2e));
    expect(t, "prk_3e2m_raw", SG_BYTES_ARRAY(e->s->prk_3e2m));
    expect_kdf(t, "salt_3e2m", e->s->prk_2e, SG_EDHOC_SALT_3E2M, th_2, 32);
    expect_info(t, "info_keystream_2", SG_EDHOC_KEYSTREAM_2, th_2, m.ciphertext.len);
    expect_kdf(t, "keystream_2_raw", e->s->prk_2e, SG_EDHOC_KEYSTREAM_2, th_2, m.ciphertext.len);
    must(sg_buf_append(&text, m.ciphertext), "ciphertext");
    must(sg_edhoc_xor_keystream_2(e->s->prk_2e, e->th_2, text.data, text.len), "keystream");
    expect(t, "plaintext_2", sg_buf_bytes(&text));
    must(sg_edhoc_plain_decode(t->edition, rfc, sg_buf_bytes(&text), &p), "PLAINTEXT_2");
    expect(t, "id_cred_r", p.id.id_cred);
    expect(t, "cred_r", sg_buf_bytes(&t->r.cred));
    struct sg_edhoc_auth a = {.edition = t->edition,
                              .responder = true,
                              .c_r = sg_edhoc_conn_bytes(&e->c_r),
                              .id_cred = p.id.id_cred,
                              .cred = sg_buf_bytes(&t->r.cred),
                              .th = e->th_2};
    expect_proof(t, &a, e->s->prk_3e2m, sg_edhoc_responder_signs(t->method), p.sig_or_mac, names);
    sg_buf_reset(&input);
    must(sg_cbor_put_bytes(&input, th_2), "TH_2");
    must(sg_buf_append(&input, sg_buf_bytes(&text)), "PLAINTEXT_2");
    must(rfc ? sg_buf_append(&input, a.cred) : 0, "CRED_R");
    expect(t, "input_TH_3", sg_buf_bytes(&input));
    expect_both(t, "th_3_raw", "th_3", SG_BYTES_ARRAY(e->th_3));
}

static void expect_aead(struct transcript *t, const uint8_t prk[32], uint32_t k_label,
                        const uint8_t th[32], const char *const names[5])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf aad = SG_BUF_INIT(128);
    struct sg_bytes context = SG_BYTES(th, 32);
    must(sg_edhoc_enc_structure(th, &aad), "Enc_structure");
    expect(t, names[0], sg_buf_bytes(&aad));
    expect_info(t, names[1], k_label, context, 16);
    expect_kdf(t, names[2], prk, k_label, context, 16);
    expect_info(t, names[3], k_label + 1, context, 13);
    expect_kdf(t, names[4], prk, k_label + 1, context, 13);
}

static void expect_message_3(struct transcript *t, struct sg_bytes m3, const struct sg_edhoc *e)
{
    static const char *const names[6] = {"info_mac_3", "mac_3_raw",        "mac_3",
                                         "m_3",        "sig_or_mac_3_raw", "sig_or_mac_3"};
    static const char *const aead[5] = {"a_3", "info_k_3", "k_3_raw", "info_iv_3", "iv_3_raw"};
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(VALUE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf input = SG_BUF_INIT(VALUE_MAX);
    struct sg_edhoc_plain p;
    struct sg_bytes sealed, th_3 = SG_BYTES_ARRAY(e->th_3);
    must(sg_edhoc_bstr_decode(m3, &sealed), "message_3");
    expect_both(t, "ciphertext_3_raw", "ciphertext_3", sealed);
    expect_aead(t, e->s->prk_3e2m, SG_EDHOC_K_3, e->th_3, aead);
    must(sg_edhoc_open(e->suite, e->s->prk_3e2m, SG_EDHOC_K_3, e->th_3, sealed, &text), "open 3");
    expect(t, "p_3", sg_buf_bytes(&text));
    must(sg_edhoc_plain_decode(t->edition, false, sg_buf_bytes(&text), &p), "PLAINTEXT_3");
    expect(t, "id_cred_i", p.id.id_cred);
    expect(t, "cred_i", sg_buf_bytes(&t->i.cred));
    expect_kdf(t, "salt_4e3m", e->s->prk_3e2m, SG_EDHOC_SALT_4E3M, th_3, 32);
    expect(t, "prk_4e3m_raw", SG_BYTES_ARRAY(e->s->prk_4e3m));
    struct sg_edhoc_auth a = {.edition = t->edition,
                              .id_cred = p.id.id_cred,
                              .cred = sg_buf_bytes(&t->i.cred),
                              .th = e->th_3};
    expect_proof(t, &a, e->s->prk_4e3m, sg_edhoc_initiator_signs(t->method), p.sig_or_mac, names);
    must(sg_cbor_put_bytes(&input, th_3), "TH_3");
    must(sg_buf_append(&input, sg_buf_bytes(&text)), "PLAINTEXT_3");
    must(t->edition == SG_EDHOC_RFC9528 ? sg_buf_append(&input, a.cred) : 0, "CRED_I");
    expect(t, "input_th_4", sg_buf_bytes(&input));
    expect_both(t, "th_4_raw", "th_4", SG_BYTES_ARRAY(e->th_4));
}

static void expect_message_4(struct transcript *t, struct sg_bytes m4, const struct sg_edhoc *e)
{
    static const char *const aead[5] = {"a_4", "info_k_4", "k_4_raw", "info_iv_4", "iv_4_raw"};
    struct sg_bytes sealed;
    must(sg_edhoc_bstr_decode(m4, &sealed), "message_4");
    expect_both(t, "ciphertext_4_raw", "ciphertext_4", sealed);
    expect(t, "p_4", SG_BYTES_NONE);
    expect_aead(t, e->s->prk_4e3m, SG_EDHOC_K_4, e->th_4, aead);
}

static void expect_export(struct transcript *t, const struct sg_edhoc *e, const char *name,
                          uint32_t label, size_t len)
{
    uint8_t out[32];
    must(sg_edhoc_export(e, label, SG_BYTES_NONE, out, len), name);
    expect(t, name, SG_BYTES(out, len));
}

/* OSCORE (appendix A.1 of the RFC): exporter labels 0 and 1, lengths 16 and 8. */
static void expect_outputs(struct transcript *t, struct sg_edhoc *e)
{
    expect(t, "prk_out", SG_BYTES_ARRAY(e->s->prk_out));
    expect(t, "prk_exporter", SG_BYTES_ARRAY(e->s->prk_exporter));
    expect_int(t, "oscore_aead_alg", 10);
    expect_int(t, "oscore_hash_alg", -16);
    expect(t, "client_sender_id_raw", sg_edhoc_conn_bytes(&e->c_r));
    expect(t, "server_sender_id_raw", sg_edhoc_conn_bytes(&e->c_i));
    expect_info(t, "info_oscore_secret", 0, SG_BYTES_NONE, 16);
    expect_info(t, "info_oscore_salt", 1, SG_BYTES_NONE, 8);
    expect_export(t, e, "oscore_secret_raw", 0, 16);
    expect_export(t, e, "oscore_salt_raw", 1, 8);
    must(sg_edhoc_key_update(e, SG_BYTES_NONE), "key update");
    expect(t, "prk_out_updated", SG_BYTES_ARRAY(e->s->prk_out));
    expect(t, "prk_exporter_update", SG_BYTES_ARRAY(e->s->prk_exporter));
    expect_export(t, e, "oscore_secret_key_update_raw", 0, 16);
    expect_export(t, e, "oscore_salt_key_update_raw", 1, 8);
}

/* ---- one transcript ---- */

static void run(struct transcript *t)
{
    struct sg_edhoc_config ci = {.edition = t->edition,
                                 .method = t->method,
                                 .suites = &t->suite,
                                 .n_suites = 1,
                                 .own = own_of,
                                 .own_user = &t->i,
                                 .lookup = find,
                                 .lookup_user = &t->r,
                                 .ephemeral = t->x.data};
    struct sg_edhoc_config cr = ci;
    SG_CLEANUP(sg_edhoc_freep) struct sg_edhoc *i = NULL;
    SG_CLEANUP(sg_edhoc_freep) struct sg_edhoc *r = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf m1 = SG_BUF_INIT(VALUE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf m2 = SG_BUF_INIT(VALUE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf m3 = SG_BUF_INIT(VALUE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf m4 = SG_BUF_INIT(VALUE_MAX);
    cr.own_user = &t->r;
    cr.lookup_user = &t->i;
    cr.ephemeral = t->y.data;
    must(sg_edhoc_initiator(&i, &ci, plain_id(&t->c_i)), "initiator");
    must(sg_edhoc_responder(&r, &cr, plain_id(&t->c_r)), "responder");
    must(sg_edhoc_message_1(i, t->suite, &m1), "message_1");
    expect(t, "message_1", sg_buf_bytes(&m1));
    must(sg_edhoc_on_message_1(r, sg_buf_bytes(&m1), &m2), "on message_1");
    expect(t, "message_2", sg_buf_bytes(&m2));
    must(sg_edhoc_on_message_2(i, sg_buf_bytes(&m2), &m3), "on message_2");
    expect(t, "message_3", sg_buf_bytes(&m3));
    must(sg_edhoc_on_message_3(r, sg_buf_bytes(&m3)), "on message_3");
    must(sg_edhoc_message_4(r, &m4), "message_4");
    expect(t, "message_4", sg_buf_bytes(&m4));
    must(sg_edhoc_on_message_4(i, sg_buf_bytes(&m4)), "on message_4");
    expect_inputs(t, i, r);
    expect_message_2(t, sg_buf_bytes(&m2), i);
    expect_message_3(t, sg_buf_bytes(&m3), r);
    expect_message_4(t, sg_buf_bytes(&m4), r);
    expect_outputs(t, r);
}

static void name_uncompared(struct transcript *t)
{
    const char *name;
    json_t *v;
    json_object_foreach(t->values, name, v) if (!json_object_get(t->compared, name))
        printf("  %s: no value of ours for %s\n", t->name, name);
}

static bool run_transcript(const char *name, json_t *values)
{
    struct transcript t = {.name = name, .values = values, .compared = json_object()};
    value(&t, "x_raw", &t.x);
    value(&t, "y_raw", &t.y);
    value(&t, "c_i", &t.c_i);
    value(&t, "c_r", &t.c_r);
    t.method = small_int(&t, "method");
    t.suite = small_int(&t, "SUITES_I");
    t.edition = edition_of(&t);
    load_party(&t, &t.i, "sk_i_raw", "i_raw", "id_cred_i", "cred_i");
    load_party(&t, &t.r, "sk_r_raw", "r_raw", "id_cred_r", "cred_r");
    run(&t);
    name_uncompared(&t);
    printf("%s: method %d, suite %d, %s: %d values equal, %d different, %zu named\n", name,
           t.method, t.suite, t.edition == SG_EDHOC_RFC9528 ? "RFC 9528" : "draft 15", t.equal,
           t.different, json_object_size(values));
    sg_buf_clear(&t.x);
    sg_buf_clear(&t.y);
    sg_buf_clear(&t.c_i);
    sg_buf_clear(&t.c_r);
    free_party(&t.i);
    free_party(&t.r);
    json_decref(t.compared);
    return t.different == 0 && t.equal > 0;
}

static bool run_file(const char *path)
{
    json_error_t error;
    const char *name;
    json_t *values, *all = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    bool ok = json_object_size(all) > 0;
    if (!ok)
        fprintf(stderr, "%s: no transcripts: %s\n", path, error.text);
    json_object_foreach(all, name, values) ok = run_transcript(name, values) && ok;
    json_decref(all);
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = true;
    char path[4096];
    for (int i = 1; i < argc; i++)
        ok = run_file(argv[i]) && ok;
    if (argc > 1)
        return ok ? 0 : 1;
    const char *root = getenv("SEALGRID_VECTORS");
    snprintf(path, sizeof path, "%s/edhoc/edhoc-p256.json", root ? root : "../shared/vectors");
    if (access(path, R_OK) != 0) {
        printf("SKIPPED: no %s\n", path);
        return 0;
    }
    return run_file(path) ? 0 : 1;
}
