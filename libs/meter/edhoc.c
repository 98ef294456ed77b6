/*
 * EDHOC engine: RFC 9528 section 5 (processing), 6 (errors), appendix H (key update).
 *
 *  Initiator                                     Responder
 *
 *   START --message_1()--> WAIT_2                 START --on_message_1()--> WAIT_3
 *                            | on_message_2()                                | on_message_3()
 *                            v                                               v
 *   DONE <--on_message_4()-- WAIT_4               DONE <--message_4()----- SEND_4
 *
 * Any positive outcome, and an error message where one may come, leads to DEAD, or leaves a patient
 * handshake where it was.  Keys can be exported from WAIT_4, SEND_4 and DONE.
 */
#include "edhoc-int.h"

#include <sealgrid/crypto/hash.h>

enum event { MAKE_1, RECV_1, RECV_2, RECV_3, MAKE_4, RECV_4, RECV_ERROR };

static const struct transition {
    bool initiator;
    enum sg_edhoc_state from;
    enum event event;
    enum sg_edhoc_state to;
} transitions[] = {
    {true, SG_EDHOC_START, MAKE_1, SG_EDHOC_WAIT_2},
    {true, SG_EDHOC_WAIT_2, RECV_2, SG_EDHOC_WAIT_4},
    {true, SG_EDHOC_WAIT_2, RECV_ERROR, SG_EDHOC_DEAD},
    {true, SG_EDHOC_WAIT_4, RECV_4, SG_EDHOC_DONE},
    {true, SG_EDHOC_WAIT_4, RECV_ERROR, SG_EDHOC_DEAD},
    {false, SG_EDHOC_START, RECV_1, SG_EDHOC_WAIT_3},
    {false, SG_EDHOC_WAIT_3, RECV_3, SG_EDHOC_SEND_4},
    {false, SG_EDHOC_WAIT_3, RECV_ERROR, SG_EDHOC_DEAD},
    {false, SG_EDHOC_SEND_4, MAKE_4, SG_EDHOC_DONE},
    {false, SG_EDHOC_SEND_4, RECV_ERROR, SG_EDHOC_DEAD},
};

static const char *const outcome_texts[] = {[SG_EDHOC_OK] = NULL,
#define SG_E(name, text) [SG_EDHOC_##name] = (text),
                                            SG_EDHOC_OUTCOMES(SG_E)
#undef SG_E
};

static const char *const outcome_words[] = {[SG_EDHOC_OK] = "ok",
#define SG_E(name, text) [SG_EDHOC_##name] = #name,
                                            SG_EDHOC_OUTCOMES(SG_E)
#undef SG_E
};

const char *sg_edhoc_outcome_word(int outcome)
{
    size_t n = sizeof outcome_words / sizeof *outcome_words;
    return outcome >= 0 && (size_t)outcome < n ? outcome_words[outcome] : "FAILURE";
}

static const struct transition *find_transition(const struct sg_edhoc *e, enum event event)
{
    for (size_t i = 0; i < sizeof transitions / sizeof *transitions; i++) {
        const struct transition *t = &transitions[i];
        if (t->initiator == e->initiator && t->from == e->state && t->event == event)
            return t;
    }
    return NULL;
}

static void die(struct sg_edhoc *e)
{
    e->state = SG_EDHOC_DEAD;
    sg_wipe(e->s, sizeof *e->s);
    sg_key_free(TAKE_PTR(e->ephemeral));
}

static void wipe_secrets(struct sg_edhoc_secrets *s)
{
    sg_wipe(s, sizeof *s);
}

/* Runs one step where the table allows it; whatever is not 0 ends a handshake that is not
 * patient, and leaves *ret as it was. */
static int step(struct sg_edhoc *e, enum event event,
                int (*fn)(struct sg_edhoc *e, struct sg_bytes m, struct sg_buf *ret),
                struct sg_bytes m, struct sg_buf *ret)
{
    const struct transition *t = find_transition(e, event);
    size_t before = ret ? ret->len : 0;
    if (!t)
        return SG_EDHOC_UNEXPECTED; /* out of place, so no harm to a living handshake */
    const struct sg_edhoc as_it_was = *e;
    SG_CLEANUP(wipe_secrets) struct sg_edhoc_secrets secrets = *e->s;
    int r = fn(e, m, ret);
    if (r == 0) {
        e->state = t->to;
        return 0;
    }
    if (ret)
        ret->len = before;
    if (r < 0 || !e->c->patient || event == RECV_1)
        die(e);
    else if (event != RECV_ERROR) { /* what an error said is wanted still */
        *e = as_it_was;
        *e->s = secrets;
    }
    return r;
}

/* ---- life ---- */

static int edhoc_new(struct sg_edhoc **ret, const struct sg_edhoc_config *c, bool initiator,
                     struct sg_bytes own_id)
{
    if (own_id.len == 0 || own_id.len > SG_EDHOC_CONN_ID_MAX)
        return sg_raise(-EINVAL);
    SG_CLEANUP(sg_edhoc_freep) struct sg_edhoc *e = calloc(1, sizeof *e);
    if (!e)
        return sg_raise(-ENOMEM);
    e->c = c;
    e->initiator = initiator;
    e->method = c->method;
    struct sg_edhoc_conn_id *own = initiator ? &e->c_i : &e->c_r;
    memcpy(own->data, own_id.data, own_id.len);
    own->len = own_id.len;
    int r = sg_secret_new(&e->secret_memory, sizeof *e->s);
    if (r)
        return r;
    e->s = (struct sg_edhoc_secrets *)(void *)e->secret_memory.data;
    *ret = TAKE_PTR(e);
    return 0;
}

int sg_edhoc_initiator(struct sg_edhoc **ret, const struct sg_edhoc_config *c, struct sg_bytes c_i)
{
    return edhoc_new(ret, c, true, c_i);
}

int sg_edhoc_responder(struct sg_edhoc **ret, const struct sg_edhoc_config *c, struct sg_bytes c_r)
{
    return edhoc_new(ret, c, false, c_r);
}

void sg_edhoc_free(struct sg_edhoc *e)
{
    if (!e)
        return;
    sg_key_free(e->ephemeral);
    sg_secret_clear(&e->secret_memory);
    free(e);
}

/* ---- pieces ---- */

static int make_ephemeral(struct sg_edhoc *e)
{
    uint8_t xy[64];
    int r = e->c->ephemeral ? sg_key_p256_private(&e->ephemeral, SG_BYTES(e->c->ephemeral, 32))
                            : sg_key_generate(&e->ephemeral, SG_KEY_P256);
    r = r ? r : sg_key_p256_xy(e->ephemeral, xy);
    if (r)
        return r;
    memcpy(e->g_own, xy, 32);
    return 0;
}

/* priv x (the point whose x coordinate the peer sent).  Either y gives the same result (RFC 9528
 * appendix B); an x off the curve is the peer's fault. */
static int ecdh_with_x(const struct sg_key *priv, const uint8_t x[32], uint8_t ret[32])
{
    SG_CLEANUP(sg_key_freep) struct sg_key *pub = NULL;
    if (sg_key_p256_public_x(&pub, SG_BYTES(x, 32), false))
        return SG_EDHOC_BAD_KEY;
    return sg_ecdh_p256(priv, pub, ret);
}

struct shared_secret {
    uint8_t b[32];
};

static void wipe_shared(struct shared_secret *s)
{
    sg_wipe(s, sizeof *s);
}

static void extract(uint8_t prk[32], const uint8_t salt[32], const struct shared_secret *ikm)
{
    sg_hkdf_extract(prk, SG_BYTES(salt, 32), SG_BYTES_ARRAY(ikm->b));
}

static int derive_prk_2e(struct sg_edhoc *e)
{
    static const uint8_t zeros[32];
    SG_CLEANUP(wipe_shared) struct shared_secret g_xy;
    int r = ecdh_with_x(e->ephemeral, e->g_peer, g_xy.b);
    if (r)
        return r;
    extract(e->s->prk_2e, e->c->edition == SG_EDHOC_DRAFT15 ? zeros : e->th_2, &g_xy);
    return 0;
}

/*
 * PRK_3e2m from PRK_2e (and R), or PRK_4e3m from PRK_3e2m (and I): the same step.
 * signs: that side signs, the key stays.  own: its static private key, to be joined with the
 * ephemeral key of the other side; else peer: its static public key, joined with our ephemeral.
 */
static int derive_static(const struct sg_edhoc *e, bool signs, uint32_t salt_label,
                         const uint8_t th[32], const struct sg_key *own, const struct sg_key *peer,
                         const uint8_t from[32], uint8_t ret[32])
{
    SG_CLEANUP(wipe_shared) struct shared_secret dh, salt;
    if (signs) {
        memcpy(ret, from, 32);
        return 0;
    }
    if (sg_key_type(own ? own : peer) != SG_KEY_P256)
        return SG_EDHOC_UNVERIFIED;
    int r = own ? ecdh_with_x(own, e->g_peer, dh.b) : sg_ecdh_p256(e->ephemeral, peer, dh.b);
    r = r ? r : sg_edhoc_kdf(from, salt_label, SG_BYTES(th, 32), salt.b, 32);
    if (r)
        return r;
    extract(ret, salt.b, &dh);
    return 0;
}

static int derive_3e2m(struct sg_edhoc *e, const struct sg_key *own, const struct sg_key *peer)
{
    return derive_static(e, sg_edhoc_responder_signs(e->method), SG_EDHOC_SALT_3E2M, e->th_2, own,
                         peer, e->s->prk_2e, e->s->prk_3e2m);
}

static int derive_4e3m(struct sg_edhoc *e, const struct sg_key *own, const struct sg_key *peer)
{
    return derive_static(e, sg_edhoc_initiator_signs(e->method), SG_EDHOC_SALT_4E3M, e->th_3, own,
                         peer, e->s->prk_3e2m, e->s->prk_4e3m);
}

static int derive_out(struct sg_edhoc *e)
{
    int r =
        sg_edhoc_kdf(e->s->prk_4e3m, SG_EDHOC_PRK_OUT, SG_BYTES(e->th_4, 32), e->s->prk_out, 32);
    return r ? r
             : sg_edhoc_kdf(e->s->prk_out, SG_EDHOC_PRK_EXPORTER, SG_BYTES_NONE, e->s->prk_exporter,
                            32);
}

static const struct sg_edhoc_credential *own_credential(const struct sg_edhoc *e)
{
    return e->c->own(e->c->own_user, e->suite->number);
}

static int find_peer(const struct sg_edhoc *e, const struct sg_edhoc_id *id,
                     struct sg_edhoc_credential *ret)
{
    int r = e->c->lookup(e->c->lookup_user, id, ret);
    return r == SG_EDHOC_NOBODY ? SG_EDHOC_UNKNOWN_CREDENTIAL : r;
}

static int sign_with(const struct sg_edhoc_credential *own, struct sg_bytes message,
                     struct sg_buf *ret)
{
    uint8_t signature[64];
    if (!own->sign)
        return sg_sign(own->key, SG_SIGN_ES256, message, ret);
    int r = own->sign(own->sign_user, message, signature);
    return r ? r : sg_buf_append(ret, SG_BYTES_ARRAY(signature));
}

/* Signature_or_MAC of our own side appended to *ret. */
static int prove(const struct sg_edhoc *e, const struct sg_edhoc_auth *a, bool signs,
                 const uint8_t prk[32], const struct sg_edhoc_credential *own, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(2 * SG_EDHOC_CONTEXT_MAX);
    uint8_t mac[SG_EDHOC_HASH_LEN];
    size_t len = signs ? SG_EDHOC_HASH_LEN : e->suite->mac_len;
    int r = sg_edhoc_mac(a, prk, mac, len);
    if (r || !signs)
        return r ? r : sg_buf_append(ret, SG_BYTES(mac, len));
    r = sg_edhoc_to_be_signed(a, SG_BYTES(mac, len), &message);
    return r ? r : sign_with(own, sg_buf_bytes(&message), ret);
}

static int verify(const struct sg_edhoc *e, const struct sg_edhoc_auth *a, bool signs,
                  const uint8_t prk[32], const struct sg_key *peer, struct sg_bytes given)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(2 * SG_EDHOC_CONTEXT_MAX);
    uint8_t mac[SG_EDHOC_HASH_LEN];
    size_t len = signs ? SG_EDHOC_HASH_LEN : e->suite->mac_len;
    int r = sg_edhoc_mac(a, prk, mac, len);
    if (r)
        return r;
    if (!signs)
        return sg_secret_equal(SG_BYTES(mac, len), given) ? 0 : SG_EDHOC_UNVERIFIED;
    r = sg_edhoc_to_be_signed(a, SG_BYTES(mac, len), &message);
    if (r)
        return r;
    r = sg_verify(peer, SG_SIGN_ES256, sg_buf_bytes(&message), given);
    return r > 0 ? SG_EDHOC_UNVERIFIED : r;
}

static struct sg_edhoc_auth auth_2(const struct sg_edhoc *e, struct sg_bytes id_cred,
                                   struct sg_bytes cred, struct sg_bytes ead)
{
    return (struct sg_edhoc_auth){.edition = e->c->edition,
                                  .responder = true,
                                  .c_r = sg_edhoc_conn_bytes(&e->c_r),
                                  .id_cred = id_cred,
                                  .cred = cred,
                                  .ead = ead,
                                  .th = e->th_2};
}

static struct sg_edhoc_auth auth_3(const struct sg_edhoc *e, struct sg_bytes id_cred,
                                   struct sg_bytes cred, struct sg_bytes ead)
{
    return (struct sg_edhoc_auth){
        .edition = e->c->edition, .id_cred = id_cred, .cred = cred, .ead = ead, .th = e->th_3};
}

/* PLAINTEXT_2 or _3 of our own side: no EAD of ours is defined. */
static int put_plain(const struct sg_edhoc *e, bool with_c_r, const struct sg_edhoc_credential *own,
                     struct sg_bytes sig_or_mac, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf wire = SG_BUF_INIT(SG_EDHOC_MESSAGE_MAX);
    struct sg_edhoc_plain p = {.with_c_r = with_c_r, .sig_or_mac = sig_or_mac};
    int r = sg_edhoc_id_wire(e->c->edition, own->id_cred, &wire);
    if (r)
        return r;
    p.c_r = sg_edhoc_conn_bytes(&e->c_r);
    p.id_wire = sg_buf_bytes(&wire);
    return sg_edhoc_plain_encode(&p, ret);
}

static bool plain_2_has_c_r(const struct sg_edhoc *e)
{
    return e->c->edition == SG_EDHOC_RFC9528;
}

static int keep_conn_id(struct sg_edhoc_conn_id *c, struct sg_bytes id)
{
    if (id.len > sizeof c->data)
        return SG_EDHOC_MALFORMED;
    if (id.len)
        memcpy(c->data, id.data, id.len);
    c->len = id.len;
    return 0;
}

/* ---- message_1 ---- */

/* SUITES_I: the supported ones up to the selected one, in order of preference. */
static int list_suites(const struct sg_edhoc_config *c, int selected, struct sg_edhoc_m1 *m)
{
    for (size_t i = 0; i < c->n_suites && i < SG_EDHOC_SUITES_MAX; i++) {
        m->suites[m->n_suites++] = c->suites[i];
        if (c->suites[i] == selected)
            return 0;
    }
    return sg_raise(-EINVAL);
}

static int make_1(struct sg_edhoc *e, struct sg_bytes selected, struct sg_buf *ret)
{
    struct sg_edhoc_m1 m = {.method = e->method};
    int suite;
    memcpy(&suite, selected.data, sizeof suite);
    int r = list_suites(e->c, suite, &m);
    r = r ? r : make_ephemeral(e);
    if (r)
        return r;
    /* A suite outside ours can be offered (and will be refused), never completed. */
    e->suite = sg_edhoc_suite_info(suite);
    m.g_x = SG_BYTES(e->g_own, 32);
    m.c_i = sg_edhoc_conn_bytes(&e->c_i);
    size_t before = ret->len;
    r = sg_edhoc_m1_encode(&m, ret);
    if (r)
        return r;
    sg_sha256(e->h_message_1, SG_BYTES(ret->data + before, ret->len - before));
    return 0;
}

int sg_edhoc_message_1(struct sg_edhoc *e, int suite, struct sg_buf *ret)
{
    return step(e, MAKE_1, make_1, SG_BYTES(&suite, sizeof suite), ret);
}

/* Section 6.3: the selected suite must be the first of SUITES_I that we support. */
static int select_suite(struct sg_edhoc *e, const struct sg_edhoc_m1 *m)
{
    for (size_t i = 0; i < m->n_suites; i++) {
        for (size_t k = 0; k < e->c->n_suites; k++) {
            if (m->suites[i] != e->c->suites[k])
                continue;
            if (i + 1 != m->n_suites)
                return SG_EDHOC_SUITE;
            e->suite = sg_edhoc_suite_info(m->suites[i]);
            return e->suite && own_credential(e) ? 0 : SG_EDHOC_SUITE;
        }
    }
    return SG_EDHOC_SUITE;
}

static int accept_1(struct sg_edhoc *e, struct sg_bytes bytes, const struct sg_edhoc_m1 *m)
{
    if (m->method != e->method)
        return SG_EDHOC_METHOD;
    int r = select_suite(e, m);
    if (r)
        return r;
    if (m->g_x.len != SG_EDHOC_ECDH_LEN)
        return SG_EDHOC_BAD_KEY;
    memcpy(e->g_peer, m->g_x.data, 32);
    sg_sha256(e->h_message_1, bytes);
    return keep_conn_id(&e->c_i, m->c_i);
}

/* ---- message_2 ---- */

static int start_2(struct sg_edhoc *e, struct sg_bytes g_y)
{
    int r =
        sg_edhoc_th_2(e->c->edition, g_y, sg_edhoc_conn_bytes(&e->c_r), e->h_message_1, e->th_2);
    return r ? r : derive_prk_2e(e);
}

static int make_2(struct sg_edhoc *e, const struct sg_edhoc_credential *own, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf proof = SG_BUF_INIT(128);
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT_SECRET(SG_EDHOC_PLAIN_MAX);
    struct sg_edhoc_auth a = auth_2(e, own->id_cred, own->cred, SG_BYTES_NONE);
    int r = prove(e, &a, sg_edhoc_responder_signs(e->method), e->s->prk_3e2m, own, &proof);
    r = r ? r : put_plain(e, plain_2_has_c_r(e), own, sg_buf_bytes(&proof), &text);
    r = r ? r : sg_edhoc_th_next(e->c->edition, e->th_2, sg_buf_bytes(&text), own->cred, e->th_3);
    r = r ? r : sg_edhoc_xor_keystream_2(e->s->prk_2e, e->th_2, text.data, text.len);
    if (r)
        return r;
    struct sg_edhoc_m2 m = {SG_BYTES(e->g_own, 32), sg_buf_bytes(&text),
                            sg_edhoc_conn_bytes(&e->c_r)};
    return sg_edhoc_m2_encode(e->c->edition, &m, ret);
}

static int recv_1(struct sg_edhoc *e, struct sg_bytes bytes, struct sg_buf *ret)
{
    struct sg_edhoc_m1 m;
    int r = sg_edhoc_m1_decode(bytes, &m);
    r = r ? r : accept_1(e, bytes, &m);
    r = r ? r : make_ephemeral(e);
    r = r ? r : start_2(e, SG_BYTES(e->g_own, 32));
    if (r)
        return r;
    const struct sg_edhoc_credential *own = own_credential(e);
    r = derive_3e2m(e, own->key, NULL);
    return r ? r : make_2(e, own, ret);
}

int sg_edhoc_on_message_1(struct sg_edhoc *e, struct sg_bytes m, struct sg_buf *ret_m2)
{
    return step(e, RECV_1, recv_1, m, ret_m2);
}

/* PLAINTEXT_2 judged: the Responder is who it says. */
static int authenticate_responder(struct sg_edhoc *e, struct sg_bytes text)
{
    struct sg_edhoc_plain p;
    struct sg_edhoc_credential peer = {0};
    int r = sg_edhoc_plain_decode(e->c->edition, plain_2_has_c_r(e), text, &p);
    if (r == 0 && p.with_c_r)
        r = keep_conn_id(&e->c_r, p.c_r);
    r = r ? r : find_peer(e, &p.id, &peer);
    r = r ? r : derive_3e2m(e, NULL, peer.key);
    if (r)
        return r;
    struct sg_edhoc_auth a = auth_2(e, p.id.id_cred, peer.cred, p.ead);
    r = verify(e, &a, sg_edhoc_responder_signs(e->method), e->s->prk_3e2m, peer.key, p.sig_or_mac);
    return r ? r : sg_edhoc_th_next(e->c->edition, e->th_2, text, peer.cred, e->th_3);
}

static int open_2(struct sg_edhoc *e, struct sg_bytes bytes)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT_SECRET(SG_EDHOC_MESSAGE_MAX);
    struct sg_edhoc_m2 m;
    int r = sg_edhoc_m2_decode(e->c->edition, bytes, &m);
    if (r)
        return r;
    memcpy(e->g_peer, m.g_y.data, 32);
    r = e->c->edition == SG_EDHOC_DRAFT15 ? keep_conn_id(&e->c_r, m.c_r) : 0;
    r = r ? r : start_2(e, m.g_y);
    r = r ? r : sg_buf_append(&text, m.ciphertext);
    r = r ? r : sg_edhoc_xor_keystream_2(e->s->prk_2e, e->th_2, text.data, text.len);
    return r ? r : authenticate_responder(e, sg_buf_bytes(&text));
}

/* ---- message_3 ---- */

static int make_3(struct sg_edhoc *e, const struct sg_edhoc_credential *own, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf proof = SG_BUF_INIT(128);
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT_SECRET(SG_EDHOC_PLAIN_MAX);
    struct sg_edhoc_auth a = auth_3(e, own->id_cred, own->cred, SG_BYTES_NONE);
    int r = prove(e, &a, sg_edhoc_initiator_signs(e->method), e->s->prk_4e3m, own, &proof);
    r = r ? r : put_plain(e, false, own, sg_buf_bytes(&proof), &text);
    r = r ? r : sg_edhoc_th_next(e->c->edition, e->th_3, sg_buf_bytes(&text), own->cred, e->th_4);
    r = r ? r : derive_out(e);
    return r ? r
             : sg_edhoc_seal(e->suite, e->s->prk_3e2m, SG_EDHOC_K_3, e->th_3, sg_buf_bytes(&text),
                             ret);
}

static int recv_2(struct sg_edhoc *e, struct sg_bytes bytes, struct sg_buf *ret)
{
    if (!e->suite)
        return SG_EDHOC_UNVERIFIED; /* nobody can have accepted a suite that we cannot do */
    int r = open_2(e, bytes);
    if (r)
        return r;
    const struct sg_edhoc_credential *own = own_credential(e);
    if (!own)
        return sg_raise(-ENOKEY);
    r = derive_4e3m(e, own->key, NULL);
    return r ? r : make_3(e, own, ret);
}

int sg_edhoc_on_message_2(struct sg_edhoc *e, struct sg_bytes m, struct sg_buf *ret_m3)
{
    return step(e, RECV_2, recv_2, m, ret_m3);
}

static int authenticate_initiator(struct sg_edhoc *e, struct sg_bytes text)
{
    struct sg_edhoc_plain p;
    struct sg_edhoc_credential peer = {0};
    int r = sg_edhoc_plain_decode(e->c->edition, false, text, &p);
    r = r ? r : find_peer(e, &p.id, &peer);
    r = r ? r : derive_4e3m(e, NULL, peer.key);
    if (r)
        return r;
    struct sg_edhoc_auth a = auth_3(e, p.id.id_cred, peer.cred, p.ead);
    r = verify(e, &a, sg_edhoc_initiator_signs(e->method), e->s->prk_4e3m, peer.key, p.sig_or_mac);
    r = r ? r : sg_edhoc_th_next(e->c->edition, e->th_3, text, peer.cred, e->th_4);
    return r ? r : derive_out(e);
}

static int recv_3(struct sg_edhoc *e, struct sg_bytes bytes, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT_SECRET(SG_EDHOC_MESSAGE_MAX);
    struct sg_bytes sealed;
    (void)ret;
    int r = sg_edhoc_bstr_decode(bytes, &sealed);
    r = r ? r : sg_edhoc_open(e->suite, e->s->prk_3e2m, SG_EDHOC_K_3, e->th_3, sealed, &text);
    return r ? r : authenticate_initiator(e, sg_buf_bytes(&text));
}

int sg_edhoc_on_message_3(struct sg_edhoc *e, struct sg_bytes m)
{
    return step(e, RECV_3, recv_3, m, NULL);
}

/* ---- message_4 ---- */

static int make_4(struct sg_edhoc *e, struct sg_bytes none, struct sg_buf *ret)
{
    return sg_edhoc_seal(e->suite, e->s->prk_4e3m, SG_EDHOC_K_4, e->th_4, none, ret);
}

int sg_edhoc_message_4(struct sg_edhoc *e, struct sg_buf *ret)
{
    return step(e, MAKE_4, make_4, SG_BYTES_NONE, ret);
}

static int recv_4(struct sg_edhoc *e, struct sg_bytes bytes, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT_SECRET(SG_EDHOC_MESSAGE_MAX);
    struct sg_bytes sealed;
    (void)ret;
    int r = sg_edhoc_bstr_decode(bytes, &sealed);
    r = r ? r : sg_edhoc_open(e->suite, e->s->prk_4e3m, SG_EDHOC_K_4, e->th_4, sealed, &text);
    return r ? r : sg_edhoc_ead_check(sg_buf_bytes(&text));
}

int sg_edhoc_on_message_4(struct sg_edhoc *e, struct sg_bytes m)
{
    return step(e, RECV_4, recv_4, m, NULL);
}

/* ---- errors ---- */

static int recv_error(struct sg_edhoc *e, struct sg_bytes bytes, struct sg_buf *ret)
{
    struct sg_edhoc_error_message m;
    (void)ret;
    int r = sg_edhoc_error_decode(bytes, &m);
    if (r)
        return r;
    e->peer_error = m.code;
    memcpy(e->peer_suites, m.suites, sizeof e->peer_suites);
    e->n_peer_suites = m.n_suites;
    return SG_EDHOC_PEER_ERROR;
}

int sg_edhoc_on_error(struct sg_edhoc *e, struct sg_bytes m)
{
    return step(e, RECV_ERROR, recv_error, m, NULL);
}

int sg_edhoc_error(const struct sg_edhoc *e, int outcome, struct sg_buf *ret)
{
    struct sg_edhoc_error_message m = {.code = 1};
    size_t n_texts = sizeof outcome_texts / sizeof *outcome_texts;
    if (outcome <= 0 || (size_t)outcome >= n_texts || outcome == SG_EDHOC_PEER_ERROR)
        return sg_raise(-EINVAL);
    if (outcome == SG_EDHOC_SUITE) {
        m.code = 2;
        for (size_t i = 0; i < e->c->n_suites && i < SG_EDHOC_SUITES_MAX; i++)
            m.suites[m.n_suites++] = e->c->suites[i];
    } else if (outcome == SG_EDHOC_UNKNOWN_CREDENTIAL) {
        m.code = 3;
        m.info = SG_BYTES_LIT("\xf5"); /* true */
    } else {
        m.text = sg_bytes_str(outcome_texts[outcome]);
    }
    return sg_edhoc_error_encode(&m, ret);
}

int64_t sg_edhoc_peer_error_code(const struct sg_edhoc *e)
{
    return e->peer_error;
}

const int *sg_edhoc_peer_suites(const struct sg_edhoc *e, size_t *ret_n)
{
    *ret_n = e->n_peer_suites;
    return e->peer_suites;
}

/* ---- results ---- */

bool sg_edhoc_complete(const struct sg_edhoc *e)
{
    return e->state == SG_EDHOC_WAIT_4 || e->state == SG_EDHOC_SEND_4 || e->state == SG_EDHOC_DONE;
}

int sg_edhoc_suite(const struct sg_edhoc *e)
{
    return e->suite ? e->suite->number : -1;
}

struct sg_bytes sg_edhoc_peer_conn_id(const struct sg_edhoc *e)
{
    return sg_edhoc_conn_bytes(e->initiator ? &e->c_r : &e->c_i);
}

struct sg_bytes sg_edhoc_own_conn_id(const struct sg_edhoc *e)
{
    return sg_edhoc_conn_bytes(e->initiator ? &e->c_i : &e->c_r);
}

int sg_edhoc_export(const struct sg_edhoc *e, uint32_t label, struct sg_bytes context, uint8_t *ret,
                    size_t len)
{
    if (!sg_edhoc_complete(e))
        return sg_raise(-ENOKEY);
    return sg_edhoc_kdf(e->s->prk_exporter, label, context, ret, len);
}

int sg_edhoc_prk_exporter(const struct sg_edhoc *e, uint8_t ret[SG_EDHOC_PRK_LEN])
{
    if (!sg_edhoc_complete(e))
        return sg_raise(-ENOKEY);
    memcpy(ret, e->s->prk_exporter, SG_EDHOC_PRK_LEN);
    return 0;
}

int sg_edhoc_key_update(struct sg_edhoc *e, struct sg_bytes context)
{
    SG_CLEANUP(wipe_shared) struct shared_secret fresh;
    if (!sg_edhoc_complete(e))
        return sg_raise(-ENOKEY);
    int r = sg_edhoc_kdf(e->s->prk_out, SG_EDHOC_NEW_PRK_OUT, context, fresh.b, 32);
    if (r)
        return r;
    memcpy(e->s->prk_out, fresh.b, 32);
    return sg_edhoc_kdf(e->s->prk_out, SG_EDHOC_PRK_EXPORTER, SG_BYTES_NONE, e->s->prk_exporter,
                        32);
}
