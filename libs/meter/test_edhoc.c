/*
 * EDHOC: the trace of RFC 9529 section 3 (static Diffie-Hellman, CCS, suite negotiation), its
 * invalid messages of section 4, and what the engines do under attack.  The transcripts beside the
 * repository are run by tests/vectors/vectors_edhoc.c.
 */
#include "edhoc-int.h"
#include "session-fixture.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/encode.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct sg_buf hex(const char *text)
{
    struct sg_buf b = SG_BUF_INIT(1024);
    assert_int_equal(sg_hex_decode(&b, sg_bytes_str(text)), 0);
    return b;
}

static void assert_hex(struct sg_bytes ours, const char *text)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf theirs = hex(text);
    assert_int_equal(ours.len, theirs.len);
    assert_memory_equal(ours.data, theirs.data, ours.len);
}

/* ---- RFC 9529 section 3 ---- */

struct party {
    struct sg_buf scalar, id_cred, cred, ephemeral;
    struct sg_key *key, *public_key;
    struct sg_edhoc_credential own, peer_view;
};

static void load(struct party *p, const char *scalar, const char *ephemeral, const char *id_cred,
                 const char *cred)
{
    uint8_t xy[64];
    p->scalar = hex(scalar);
    p->ephemeral = hex(ephemeral);
    p->id_cred = hex(id_cred);
    p->cred = hex(cred);
    assert_int_equal(sg_key_p256_private(&p->key, sg_buf_bytes(&p->scalar)), 0);
    assert_int_equal(sg_key_p256_xy(p->key, xy), 0);
    assert_int_equal(sg_key_p256_public(&p->public_key, SG_BYTES_ARRAY(xy)), 0);
    p->own = (struct sg_edhoc_credential){
        .id_cred = sg_buf_bytes(&p->id_cred), .cred = sg_buf_bytes(&p->cred), .key = p->key};
    p->peer_view = p->own;
    p->peer_view.key = p->public_key;
}

static void unload(struct party *p)
{
    sg_buf_clear(&p->scalar);
    sg_buf_clear(&p->ephemeral);
    sg_buf_clear(&p->id_cred);
    sg_buf_clear(&p->cred);
    sg_key_free(p->key);
    sg_key_free(p->public_key);
}

static const struct sg_edhoc_credential *own_of(void *user, int suite)
{
    (void)suite;
    return &((struct party *)user)->own;
}

static int find_one(void *user, const struct sg_edhoc_id *id, struct sg_edhoc_credential *ret)
{
    const struct party *p = user;
    if (!sg_bytes_equal(id->id_cred, p->own.id_cred))
        return SG_EDHOC_NOBODY;
    *ret = p->peer_view;
    return 0;
}

static void load_rfc9529(struct party *i, struct party *r)
{
    load(i, "fb13adeb6518cee5f88417660841142e830a81fe334380a953406a1305e8706b",
         "368ec1f69aeb659ba37d5a8d45b21bdc0299dceaa8ef235f3ca42ce3530f9525", "a104412b",
         "a2027734322d35302d33312d46462d45462d33372d33322d333908a101a5010202412b2001215820"
         "ac75e9ece3e50bfc8ed60399889522405c47bf16df96660a41298cb4307f7eb62258206e5de611388a4b"
         "8a8211334ac7d37ecb52a387d257e6db3c2a93df21ff3affc8");
    load(r, "72cc4761dbd4c78f758931aa589d348d1ef874a7e303ede2f140dcf3e6aa4aac",
         "e2f4126777205e853b437d6eaca1e1f753cdcc3e2c69fa884b0a1a640977e418", "a1044132",
         "a2026b6578616d706c652e65647508a101a501020241322001215820bbc34960526ea4d32e940cad2a"
         "234148ddc21791a12afbcbac93622046dd44f02258204519e257236b2a0ce2023f0931f1f386ca7afda6"
         "4fcde0108c224c51eabf6072");
}

static void negotiate(const struct sg_edhoc_config *ci, const struct sg_edhoc_config *cr)
{
    SG_CLEANUP(sg_edhoc_freep) struct sg_edhoc *i = NULL;
    SG_CLEANUP(sg_edhoc_freep) struct sg_edhoc *r = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf m = SG_BUF_INIT(1024);
    SG_CLEANUP(sg_buf_clear)
    struct sg_buf x = hex("5c4172aca8b82b5a62e66f722216f5a10f72aa69f42c1d1cd3ccd7bfd29ca4e9");
    struct sg_edhoc_config first = *ci;
    size_t n;
    first.ephemeral = x.data;
    assert_int_equal(sg_edhoc_initiator(&i, &first, SG_BYTES_LIT("\x0e")), 0);
    assert_int_equal(sg_edhoc_responder(&r, cr, SG_BYTES_LIT("\x27")), 0);
    assert_int_equal(sg_edhoc_message_1(i, 6, &m), 0);
    assert_hex(sg_buf_bytes(&m),
               "03065820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e");
    struct sg_buf out = SG_BUF_INIT(1024);
    assert_int_equal(sg_edhoc_on_message_1(r, sg_buf_bytes(&m), &out), SG_EDHOC_SUITE);
    assert_int_equal(out.len, 0);
    assert_int_equal(sg_edhoc_error(r, SG_EDHOC_SUITE, &out), 0);
    assert_hex(sg_buf_bytes(&out), "0202");
    assert_int_equal(sg_edhoc_on_error(i, sg_buf_bytes(&out)), SG_EDHOC_PEER_ERROR);
    assert_int_equal(sg_edhoc_peer_error_code(i), 2);
    assert_int_equal(sg_edhoc_peer_suites(i, &n)[0], 2);
    assert_int_equal(n, 1);
    sg_buf_clear(&out);
}

static void test_rfc9529_section_3(void **state)
{
    static const int suites_i[] = {6, 2}, suites_r[] = {2};
    struct party pi, pr;
    SG_CLEANUP(sg_edhoc_freep) struct sg_edhoc *i = NULL;
    SG_CLEANUP(sg_edhoc_freep) struct sg_edhoc *r = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf m = SG_BUF_INIT(1024);
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(1024);
    SG_CLEANUP(sg_buf_clear) struct sg_buf context = hex("a01158fdb820890cd6be169602b8bcea");
    uint8_t okm[16];
    (void)state;
    load_rfc9529(&pi, &pr);
    struct sg_edhoc_config ci = {.method = 3,
                                 .suites = suites_i,
                                 .n_suites = 2,
                                 .own = own_of,
                                 .own_user = &pi,
                                 .lookup = find_one,
                                 .lookup_user = &pr,
                                 .ephemeral = pi.ephemeral.data};
    struct sg_edhoc_config cr = {.method = 3,
                                 .suites = suites_r,
                                 .n_suites = 1,
                                 .own = own_of,
                                 .own_user = &pr,
                                 .lookup = find_one,
                                 .lookup_user = &pi,
                                 .ephemeral = pr.ephemeral.data};
    negotiate(&ci, &cr);
    assert_int_equal(sg_edhoc_initiator(&i, &ci, SG_BYTES_LIT("\x37")), 0);
    assert_int_equal(sg_edhoc_responder(&r, &cr, SG_BYTES_LIT("\x27")), 0);
    assert_int_equal(sg_edhoc_message_1(i, 2, &m), 0);
    assert_hex(sg_buf_bytes(&m), "0382060258208af6f430ebe18d34184017a9a11bf511c8dff8f834730b96c1b7"
                                 "c8dbca2fc3b637");
    assert_int_equal(sg_edhoc_on_message_1(r, sg_buf_bytes(&m), &out), 0);
    assert_hex(sg_buf_bytes(&out),
               "582b419701d7f00a26c2dc587a36dd752549f33763c893422c8ea0f955a13a4f"
               "f5d59862a1eef9e0e7e1886fcd");
    assert_hex(SG_BYTES_ARRAY(r->th_2),
               "356efd53771425e008f3fe3a86c83ff4c6b16e57028ff39d5236c182b202084b");
    assert_hex(SG_BYTES_ARRAY(r->s->prk_2e),
               "5aa0d69f3e3d1e0c479f0b8a486690c9802630c3466b1dc92371c982563170b5");
    assert_hex(SG_BYTES_ARRAY(r->s->prk_3e2m),
               "0ca3d3398296b3c03900987620c11f6fce70781c1d1219720f9ec08c122d8434");
    sg_buf_reset(&m);
    assert_int_equal(sg_edhoc_on_message_2(i, sg_buf_bytes(&out), &m), 0);
    assert_hex(sg_buf_bytes(&m), "52e562097bc417dd5919485ac7891ffd90a9fc");
    assert_hex(SG_BYTES_ARRAY(i->th_3),
               "adaf67a78a4bcc91e018f8882762a722000b2507039df0bc1bbf0c161bb3155c");
    assert_int_equal(sg_edhoc_on_message_3(r, sg_buf_bytes(&m)), 0);
    assert_hex(SG_BYTES_ARRAY(r->s->prk_4e3m),
               "81cc8a298e357044e3c466bb5c0a1e507e01d49238aeba138df94635407c0ff7");
    sg_buf_reset(&out);
    assert_int_equal(sg_edhoc_message_4(r, &out), 0);
    assert_hex(sg_buf_bytes(&out), "4828c966b7ca304f83");
    assert_int_equal(sg_edhoc_on_message_4(i, sg_buf_bytes(&out)), 0);
    assert_hex(SG_BYTES_ARRAY(i->s->prk_out),
               "2c71afc1a9338a940bb3529ca734b886f30d1aba0b4dc51beeaeabdfea9ecbf8");
    assert_int_equal(sg_edhoc_export(i, 0, SG_BYTES_NONE, okm, 16), 0);
    assert_hex(SG_BYTES_ARRAY(okm), "f9868f6a3aca78a05d1485b35030b162");
    assert_int_equal(sg_edhoc_export(r, 1, SG_BYTES_NONE, okm, 8), 0);
    assert_hex(SG_BYTES(okm, 8), "ada24c7dbfc85eeb");
    assert_int_equal(sg_edhoc_key_update(i, sg_buf_bytes(&context)), 0);
    assert_hex(SG_BYTES_ARRAY(i->s->prk_exporter),
               "00fcf7db9b2ead73824e7e830363c805c296f902830fac23d86c359c752f0f17");
    unload(&pi);
    unload(&pr);
}

/* ---- RFC 9529 section 4 ---- */

static void test_rfc9529_invalid_messages(void **state)
{
    static const char *const bad_1[] = {
        /* surplus array */
        "8403025820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
        /* surplus bstr around C_I */
        "03025820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa9410e",
        /* array of one suite */
        "0381025820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
        /* text string for G_X */
        "0302782020616972207370656564206F66206120756E6C6164656E207377616C6C6F77200e",
        /* METHOD not in shortest form */
        "190003025820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
        /* indefinite-length array */
        "039F0602FF5820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
        "",
        "03",
        "0302",
        "0302ff",
    };
    struct sg_edhoc_m1 m1 = {.method = 77};
    struct sg_edhoc_m2 m2;
    struct sg_edhoc_plain p;
    (void)state;
    for (size_t i = 0; i < sizeof bad_1 / sizeof *bad_1; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = hex(bad_1[i]);
        assert_int_equal(sg_edhoc_m1_decode(sg_buf_bytes(&b), &m1), SG_EDHOC_MALFORMED);
        assert_int_equal(m1.method, 77);
    }
    SG_CLEANUP(sg_buf_clear)
    struct sg_buf two_items =
        hex("5820419701d7f00a26c2dc587a36dd752549f33763c893422c8ea0f955a13a4ff5d54B9862a11de42a95d7"
            "85386a");
    assert_int_equal(sg_edhoc_m2_decode(SG_EDHOC_RFC9528, sg_buf_bytes(&two_items), &m2),
                     SG_EDHOC_MALFORMED);
    static const char *const bad_plain_2[] = {
        "27a10442321048fa5efa2ebf920bf3", /* map around a lone kid */
        "27413248fa5efa2ebf920bf3",       /* bstr around a one-octet kid */
    };
    for (size_t i = 0; i < 2; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = hex(bad_plain_2[i]);
        assert_int_equal(sg_edhoc_plain_decode(SG_EDHOC_RFC9528, true, sg_buf_bytes(&b), &p),
                         SG_EDHOC_MALFORMED);
    }
}

/* Keys that are no points of the curve: refused by the responder, nothing derived. */
static void test_rfc9529_invalid_keys(void **state)
{
    static const struct {
        const char *m1;
        int outcome;
    } cases[] = {
        /* x >= p */
        {"03025820ffffffff00000001000000000000000000000000ffffffffffffffffffffffff0e",
         SG_EDHOC_BAD_KEY},
        /* no y for this x */
        {"03025820a04e73601df544a70ba7ea1e57030f7d4b4eb7f673924e58d54ca77a5e7d4d4a0e",
         SG_EDHOC_BAD_KEY},
        /* 31 octets */
        {"0302581fd9697725d23a688b12d1c7e0108a08c9f71a85a09c20814976ab21122248fc0e",
         SG_EDHOC_BAD_KEY},
        /* another curve's suite */
        {"03820218185820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
         SG_EDHOC_SUITE},
        /* another method */
        {"00025820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e",
         SG_EDHOC_METHOD},
        /* EAD_1: critical and unknown */
        {"03025820741a13d7ba048fbb615e94386aa3b61bea5b3d8f65f32620b749bee8d278efa90e20",
         SG_EDHOC_CRITICAL_EAD},
    };
    static const int suites[] = {2};
    struct party pi, pr;
    (void)state;
    load_rfc9529(&pi, &pr);
    struct sg_edhoc_config cr = {.method = 3,
                                 .suites = suites,
                                 .n_suites = 1,
                                 .own = own_of,
                                 .own_user = &pr,
                                 .lookup = find_one,
                                 .lookup_user = &pi};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SG_CLEANUP(sg_edhoc_freep) struct sg_edhoc *r = NULL;
        SG_CLEANUP(sg_buf_clear) struct sg_buf m1 = hex(cases[i].m1);
        SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(1024);
        assert_int_equal(sg_edhoc_responder(&r, &cr, SG_BYTES_LIT("\x27")), 0);
        assert_int_equal(sg_edhoc_on_message_1(r, sg_buf_bytes(&m1), &out), cases[i].outcome);
        assert_int_equal(out.len, 0);
        assert_int_equal(sg_edhoc_error(r, cases[i].outcome, &out), 0);
        assert_int_equal(sg_edhoc_on_message_1(r, sg_buf_bytes(&m1), &out), SG_EDHOC_UNEXPECTED);
    }
    unload(&pi);
    unload(&pr);
}

/* ---- our own use: method 0, X.509 by x5t ---- */

struct pair {
    struct fx_identity a, b;
    struct sg_edhoc_credential own_a, own_b, seen_a, seen_b;
    struct sg_edhoc_config ci, cr;
    struct sg_edhoc *i, *r;
    struct sg_buf m1, m2, m3, m4;
};

static const struct sg_edhoc_credential *own_x5t(void *user, int suite)
{
    (void)suite;
    return user;
}

static int find_x5t(void *user, const struct sg_edhoc_id *id, struct sg_edhoc_credential *ret)
{
    const struct sg_edhoc_credential *c = user;
    if (!sg_bytes_equal(id->id_cred, c->id_cred))
        return SG_EDHOC_NOBODY;
    *ret = *c;
    return 0;
}

static const int suites_23[] = {2, 3};

static void pair_open(struct pair *p)
{
    *p = (struct pair){.m1 = SG_BUF_INIT(2048),
                       .m2 = SG_BUF_INIT(2048),
                       .m3 = SG_BUF_INIT(2048),
                       .m4 = SG_BUF_INIT(2048)};
    fx_identity(&p->a, "initiator");
    fx_identity(&p->b, "responder");
    p->own_a = sg_edhoc_identity_credential(p->a.own);
    p->own_b = sg_edhoc_identity_credential(p->b.own);
    p->seen_a = sg_edhoc_identity_credential(p->a.peer);
    p->seen_b = sg_edhoc_identity_credential(p->b.peer);
    p->ci = (struct sg_edhoc_config){.suites = suites_23,
                                     .n_suites = 2,
                                     .own = own_x5t,
                                     .own_user = &p->own_a,
                                     .lookup = find_x5t,
                                     .lookup_user = &p->seen_b};
    p->cr = p->ci;
    p->cr.own_user = &p->own_b;
    p->cr.lookup_user = &p->seen_a;
}

static void pair_engines(struct pair *p)
{
    sg_edhoc_free(p->i);
    sg_edhoc_free(p->r);
    p->i = p->r = NULL;
    assert_int_equal(sg_edhoc_initiator(&p->i, &p->ci, SG_BYTES_LIT("aaaaaaaa")), 0);
    assert_int_equal(sg_edhoc_responder(&p->r, &p->cr, SG_BYTES_LIT("bbbbbbbb")), 0);
    sg_buf_reset(&p->m1);
    sg_buf_reset(&p->m2);
    sg_buf_reset(&p->m3);
    sg_buf_reset(&p->m4);
}

static void pair_close(struct pair *p)
{
    sg_edhoc_free(p->i);
    sg_edhoc_free(p->r);
    sg_buf_clear(&p->m1);
    sg_buf_clear(&p->m2);
    sg_buf_clear(&p->m3);
    sg_buf_clear(&p->m4);
    fx_identity_clear(&p->a);
    fx_identity_clear(&p->b);
}

static void test_every_method_and_suite_agrees_on_keys(void **state)
{
    struct pair p;
    uint8_t a[28], b[28];
    (void)state;
    pair_open(&p);
    for (int method = 0; method < 4; method++) {
        for (int suite = 2; suite <= 3; suite++) {
            static const int only_3[] = {3};
            p.ci.method = p.cr.method = method;
            p.cr.suites = suite == 3 ? only_3 : suites_23;
            p.cr.n_suites = suite == 3 ? 1 : 2;
            pair_engines(&p);
            assert_int_equal(sg_edhoc_message_1(p.i, suite, &p.m1), 0);
            assert_int_equal(sg_edhoc_on_message_1(p.r, sg_buf_bytes(&p.m1), &p.m2), 0);
            assert_int_equal(sg_edhoc_on_message_2(p.i, sg_buf_bytes(&p.m2), &p.m3), 0);
            assert_int_equal(sg_edhoc_on_message_3(p.r, sg_buf_bytes(&p.m3)), 0);
            assert_int_equal(sg_edhoc_message_4(p.r, &p.m4), 0);
            assert_int_equal(sg_edhoc_on_message_4(p.i, sg_buf_bytes(&p.m4)), 0);
            assert_int_equal(sg_edhoc_suite(p.r), suite);
            assert_int_equal(sg_edhoc_export(p.i, 40961, SG_BYTES_NONE, a, 28), 0);
            assert_int_equal(sg_edhoc_export(p.r, 40961, SG_BYTES_NONE, b, 28), 0);
            assert_memory_equal(a, b, 28);
            assert_true(sg_bytes_equal(sg_edhoc_peer_conn_id(p.i), SG_BYTES_LIT("bbbbbbbb")));
            assert_true(sg_bytes_equal(sg_edhoc_peer_conn_id(p.r), SG_BYTES_LIT("aaaaaaaa")));
        }
    }
    pair_close(&p);
}

/* A less preferred suite than both have is refused, even if the message says so honestly. */
static void test_downgrade_is_refused(void **state)
{
    struct pair p;
    (void)state;
    pair_open(&p);
    pair_engines(&p);
    assert_int_equal(sg_edhoc_message_1(p.i, 3, &p.m1), 0); /* [2, 3]: selected 3 */
    assert_int_equal(sg_edhoc_on_message_1(p.r, sg_buf_bytes(&p.m1), &p.m2), SG_EDHOC_SUITE);
    pair_close(&p);
}

static void flip(struct sg_buf *b, size_t bit)
{
    b->data[bit / 8] = (uint8_t)(b->data[bit / 8] ^ 1u << bit % 8);
}

/* One bit of one message; the handshake must not complete on both sides. */
static bool completes_with_flip(struct pair *p, int message, size_t bit)
{
    pair_engines(p);
    assert_int_equal(sg_edhoc_message_1(p->i, 2, &p->m1), 0);
    if (message == 1)
        flip(&p->m1, bit);
    if (sg_edhoc_on_message_1(p->r, sg_buf_bytes(&p->m1), &p->m2))
        return false;
    if (message == 2)
        flip(&p->m2, bit);
    if (sg_edhoc_on_message_2(p->i, sg_buf_bytes(&p->m2), &p->m3))
        return false;
    if (message == 3)
        flip(&p->m3, bit);
    if (sg_edhoc_on_message_3(p->r, sg_buf_bytes(&p->m3)))
        return false;
    assert_int_equal(sg_edhoc_message_4(p->r, &p->m4), 0);
    if (message == 4)
        flip(&p->m4, bit);
    return sg_edhoc_on_message_4(p->i, sg_buf_bytes(&p->m4)) == 0;
}

static void test_attack_every_octet_of_every_message(void **state)
{
    static const size_t lengths[] = {0, 46, 160, 130, 9};
    struct pair p;
    (void)state;
    pair_open(&p);
    assert_true(completes_with_flip(&p, 0, 0));
    assert_in_range(p.m1.len, lengths[1] - 4, lengths[1] + 4);
    for (int message = 1; message <= 4; message++) {
        const struct sg_buf *m[] = {NULL, &p.m1, &p.m2, &p.m3, &p.m4};
        assert_true(completes_with_flip(&p, 0, 0));
        size_t len = m[message]->len;
        for (size_t at = 0; at < len; at++)
            assert_false(completes_with_flip(&p, message, at * 8 + at % 8));
    }
    pair_close(&p);
}

static void test_messages_out_of_place_do_no_harm(void **state)
{
    struct pair p;
    (void)state;
    pair_open(&p);
    pair_engines(&p);
    assert_int_equal(sg_edhoc_on_message_2(p.i, SG_BYTES_LIT("x"), &p.m3), SG_EDHOC_UNEXPECTED);
    assert_int_equal(sg_edhoc_message_1(p.i, 2, &p.m1), 0);
    assert_int_equal(sg_edhoc_message_1(p.i, 2, &p.m1), SG_EDHOC_UNEXPECTED);
    assert_int_equal(sg_edhoc_on_message_3(p.r, SG_BYTES_LIT("x")), SG_EDHOC_UNEXPECTED);
    assert_int_equal(sg_edhoc_message_4(p.r, &p.m4), SG_EDHOC_UNEXPECTED);
    assert_int_equal(sg_edhoc_on_message_1(p.i, sg_buf_bytes(&p.m1), &p.m2), SG_EDHOC_UNEXPECTED);
    assert_int_equal(sg_edhoc_on_message_1(p.r, sg_buf_bytes(&p.m1), &p.m2), 0);
    assert_int_equal(sg_edhoc_on_message_1(p.r, sg_buf_bytes(&p.m1), &p.m2), SG_EDHOC_UNEXPECTED);
    assert_int_equal(sg_edhoc_on_message_2(p.i, sg_buf_bytes(&p.m2), &p.m3), 0);
    assert_int_equal(sg_edhoc_on_message_3(p.r, sg_buf_bytes(&p.m3)), 0);
    assert_int_equal(sg_edhoc_on_message_3(p.r, sg_buf_bytes(&p.m3)), SG_EDHOC_UNEXPECTED);
    assert_true(sg_edhoc_complete(p.i) && sg_edhoc_complete(p.r));
    pair_close(&p);
}

static void test_no_keys_before_the_end_nor_after_a_failure(void **state)
{
    struct pair p;
    uint8_t okm[16], prk[32];
    (void)state;
    pair_open(&p);
    pair_engines(&p);
    assert_true(sg_edhoc_export(p.i, 0, SG_BYTES_NONE, okm, 16) < 0);
    assert_int_equal(sg_edhoc_message_1(p.i, 2, &p.m1), 0);
    assert_int_equal(sg_edhoc_on_message_1(p.r, sg_buf_bytes(&p.m1), &p.m2), 0);
    assert_true(sg_edhoc_prk_exporter(p.r, prk) < 0);
    assert_int_equal(sg_edhoc_on_message_2(p.i, sg_buf_bytes(&p.m2), &p.m3), 0);
    p.m3.data[p.m3.len - 1] ^= 1;
    assert_int_equal(sg_edhoc_on_message_3(p.r, sg_buf_bytes(&p.m3)), SG_EDHOC_UNVERIFIED);
    assert_true(sg_edhoc_prk_exporter(p.r, prk) < 0);
    static const struct sg_edhoc_secrets none;
    assert_memory_equal(p.r->s, &none, sizeof none); /* wiped */
    pair_close(&p);
}

/* The peer's own messages turned back: an engine never takes its own side's part. */
static void test_attack_reflection(void **state)
{
    struct pair p;
    (void)state;
    pair_open(&p);
    p.cr.lookup_user = &p.seen_a;
    p.ci.lookup_user = &p.seen_a; /* even one that would accept its own credential */
    p.cr.own_user = &p.own_b;
    pair_engines(&p);
    assert_int_equal(sg_edhoc_message_1(p.i, 2, &p.m1), 0);
    assert_int_equal(sg_edhoc_on_message_1(p.r, sg_buf_bytes(&p.m1), &p.m2), 0);
    assert_int_equal(sg_edhoc_on_message_2(p.i, sg_buf_bytes(&p.m2), &p.m3),
                     SG_EDHOC_UNKNOWN_CREDENTIAL);
    assert_int_equal(sg_edhoc_error(p.i, SG_EDHOC_UNKNOWN_CREDENTIAL, &p.m4), 0);
    assert_hex(sg_buf_bytes(&p.m4), "03f5");
    pair_close(&p);
}

static void test_wrong_signature_key_behind_the_right_credential(void **state)
{
    struct pair p;
    struct fx_identity thief;
    (void)state;
    pair_open(&p);
    fx_identity(&thief, "thief");
    p.own_a.key = thief.own->key; /* has the certificate, not the key */
    pair_engines(&p);
    assert_int_equal(sg_edhoc_message_1(p.i, 2, &p.m1), 0);
    assert_int_equal(sg_edhoc_on_message_1(p.r, sg_buf_bytes(&p.m1), &p.m2), 0);
    assert_int_equal(sg_edhoc_on_message_2(p.i, sg_buf_bytes(&p.m2), &p.m3), 0);
    assert_int_equal(sg_edhoc_on_message_3(p.r, sg_buf_bytes(&p.m3)), SG_EDHOC_UNVERIFIED);
    fx_identity_clear(&thief);
    pair_close(&p);
}

static void test_error_messages(void **state)
{
    struct sg_edhoc_error_message e;
    (void)state;
    static const char *const good[] = {"016e4341206e6f742074727573746564", "0202", "0282181918 18",
                                       "03f5", "1863820102"};
    static const char *const bad[] = {"",     "00f5",   "01",   "0161", "01f5",
                                      "0280", "028102", "02f5", "03",   "03f500"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = hex(good[i]);
        SG_CLEANUP(sg_buf_clear) struct sg_buf back = SG_BUF_INIT(64);
        assert_int_equal(sg_edhoc_error_decode(sg_buf_bytes(&b), &e), 0);
        assert_int_equal(sg_edhoc_error_encode(&e, &back), 0);
        assert_hex(sg_buf_bytes(&back), good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = hex(bad[i]);
        assert_int_equal(sg_edhoc_error_decode(sg_buf_bytes(&b), &e), SG_EDHOC_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc9529_section_3),
        cmocka_unit_test(test_rfc9529_invalid_messages),
        cmocka_unit_test(test_rfc9529_invalid_keys),
        cmocka_unit_test(test_every_method_and_suite_agrees_on_keys),
        cmocka_unit_test(test_downgrade_is_refused),
        cmocka_unit_test(test_attack_every_octet_of_every_message),
        cmocka_unit_test(test_messages_out_of_place_do_no_harm),
        cmocka_unit_test(test_no_keys_before_the_end_nor_after_a_failure),
        cmocka_unit_test(test_attack_reflection),
        cmocka_unit_test(test_wrong_signature_key_behind_the_right_credential),
        cmocka_unit_test(test_error_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
