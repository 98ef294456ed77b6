/*
 * signed-cose - members of AWS Nitro documents and claims of Arm CCA tokens changed as CBOR, and
 * signed again; and the certificates of a Nitro document.  CCA here has keys of P-256 (ES256, which
 * the verifier takes as it takes ES384): ten times as many in the same time.
 */
#include "mutate.h"
#include "testkit/cose.h"
#include "testkit/model.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/crypto/hash.h>

enum { ITEMS_MAX = 40, ES256 = -7, ES384 = -35 };

/* ---- maps ---- */

/* Encoded keys and values, in order. */
struct map {
    size_t n;
    struct sg_buf key[ITEMS_MAX], value[ITEMS_MAX];
};

static void map_reset(struct map *m)
{
    m->n = 0;
}

static size_t map_add(struct map *m)
{
    const size_t i = m->n++;
    sg_assert(i < ITEMS_MAX);
    if (!m->key[i].max)
        m->key[i] = m->value[i] = (struct sg_buf)SG_BUF_INIT(1u << 20);
    sg_buf_reset(&m->key[i]);
    sg_buf_reset(&m->value[i]);
    return i;
}

static struct sg_buf *map_text(struct map *m, const char *key)
{
    const size_t i = map_add(m);
    MUST(sg_cbor_put_text(&m->key[i], key));
    return &m->value[i];
}

static struct sg_buf *map_uint(struct map *m, uint64_t key)
{
    const size_t i = map_add(m);
    MUST(sg_cbor_put_uint(&m->key[i], key));
    return &m->value[i];
}

static void map_put(const struct map *m, uint64_t pairs, struct sg_buf *ret)
{
    MUST(sg_cbor_put_map(ret, pairs));
    for (size_t i = 0; i < m->n; i++) {
        MUST(sg_buf_append(ret, sg_buf_bytes(&m->key[i])));
        MUST(sg_buf_append(ret, sg_buf_bytes(&m->value[i])));
    }
}

static void put_filled(struct sg_buf *b, int octet, size_t len)
{
    static uint8_t room[1100];
    sg_assert(len <= sizeof room);
    memset(room, octet, len);
    MUST(sg_cbor_put_bytes(b, SG_BYTES(room, len)));
}

/* An item that somebody may trip over. */
static void put_odd(struct sg_buf *b)
{
    static const size_t lens[] = {0,  1,  20, 31, 32, 33,   47,   48,  49,
                                  63, 64, 65, 96, 97, 1023, 1024, 1025};
    static const char *const texts[] = {"", "SHA384", "SHA256", "sha-256", "sha-512", "x"};
    sg_buf_reset(b);
    switch (below(9)) {
    case 0:
    case 1:
        put_filled(b, one_in(4) ? 0 : 0x5a, lens[below(N(lens))]);
        break;
    case 2:
        MUST(sg_cbor_put_text(b, texts[below(N(texts))]));
        break;
    case 3:
        MUST(sg_cbor_put_uint(b, odd_number(0x3003, 64)));
        break;
    case 4:
        MUST(sg_cbor_put_uint(b, (uint64_t)odd_time() * 1000 + below(1000)));
        break;
    case 5:
        MUST(sg_cbor_put_int(b, -(int64_t)below(1000) - 1));
        break;
    case 6:
        MUST(sg_cbor_put_null(b));
        break;
    case 7:
        MUST(sg_cbor_put_array(b, 0));
        break;
    default:
        MUST(sg_cbor_put_map(b, 0));
    }
}

static void swap(struct sg_buf *a, struct sg_buf *b)
{
    const struct sg_buf c = *a;
    *a = *b;
    *b = c;
}

/* One change of a map; *ret_pairs is what its head says. */
static void change_map(struct map *m, uint64_t *ret_pairs)
{
    const size_t i = below(m->n), k = below(m->n);
    const size_t way = below(10);
    *ret_pairs = m->n;
    note("way %zu of entry %zu (and %zu)", way, i, k);
    if (way < 4) {
        put_odd(&m->value[i]);
    } else if (way < 6) {
        change(m->value[i].data, m->value[i].len);
    } else if (way == 6) { /* order says nothing */
        swap(&m->key[i], &m->key[k]);
        swap(&m->value[i], &m->value[k]);
    } else if (way == 7) { /* once more, or under another name */
        if (m->n < ITEMS_MAX) {
            const size_t at = map_add(m);
            MUST(sg_buf_append(&m->key[at], sg_buf_bytes(&m->key[i])));
            MUST(sg_buf_append(&m->value[at], sg_buf_bytes(&m->value[k])));
            if (one_in(2))
                change(m->key[at].data, m->key[at].len);
        }
        *ret_pairs = m->n;
    } else if (way == 8) {
        m->n--;
        swap(&m->key[i], &m->key[m->n]);
        swap(&m->value[i], &m->value[m->n]);
        *ret_pairs = m->n;
    } else {
        *ret_pairs = odd_number(m->n, one_in(2) ? 5 : 64);
        note("%llu pairs", (unsigned long long)*ret_pairs);
    }
}

/* As hypervisors since 2025 write it: open, and ended by a break, unless that is lost. */
static void map_put_open(const struct map *m, struct sg_buf *ret)
{
    MUST(sg_buf_append_u8(ret, 0xbf));
    for (size_t i = 0; i < m->n; i++) {
        MUST(sg_buf_append(ret, sg_buf_bytes(&m->key[i])));
        MUST(sg_buf_append(ret, sg_buf_bytes(&m->value[i])));
    }
    if (!one_in(20))
        MUST(sg_buf_append_u8(ret, 0xff));
    note("open map");
}

static void trail(struct sg_buf *b)
{
    if (!one_in(30))
        return;
    MUST(sg_buf_append_u8(b, (uint8_t)below(256)));
    note("one octet more");
}

/* ---- AWS Nitro ---- */

static struct tk_fast_signer enclave;
static struct sg_buf leaf_der, zone_der, root_der;

static void put_der(const X509 *c, struct sg_buf *ret)
{
    *ret = (struct sg_buf)SG_BUF_INIT(8192);
    tk_cert_der(c, ret);
}

void begin_nitro(void)
{
    tk_fast_signer_init(&enclave, world.enclave_key);
    put_der(world.enclave, &leaf_der);
    put_der(world.zone, &zone_der);
    put_der(world.aws, &root_der);
}

void end_nitro(void)
{
    tk_fast_signer_clear(&enclave);
    sg_buf_clear(&leaf_der);
    sg_buf_clear(&zone_der);
    sg_buf_clear(&root_der);
}

/* PCRs: few or many, of which one may be changed. */
static void put_pcrs(struct sg_buf *b)
{
    static struct map pcrs;
    uint64_t pairs;
    map_reset(&pcrs);
    for (uint64_t i = 0, n = 1 + below(17); i < n; i++)
        put_filled(map_uint(&pcrs, i), i < 3 ? 0x5a : 0, 48);
    pairs = pcrs.n;
    if (one_in(4))
        change_map(&pcrs, &pairs);
    map_put(&pcrs, pairs, b);
}

static void put_bundle(struct sg_buf *b, const struct sg_buf *zone)
{
    const struct sg_buf *const certs[] = {&root_der, zone, &leaf_der};
    const size_t n = one_in(8) ? below(9) : 2;
    MUST(sg_cbor_put_array(b, n));
    for (size_t i = 0; i < n; i++)
        MUST(sg_cbor_put_bytes(b, sg_buf_bytes(n == 2 ? certs[i] : certs[below(N(certs))])));
}

static void make_document(struct map *m, const struct sg_buf *leaf, const struct sg_buf *zone)
{
    map_reset(m);
    MUST(sg_cbor_put_text(map_text(m, "module_id"), "i-0123-enc0123"));
    MUST(sg_cbor_put_text(map_text(m, "digest"), "SHA384"));
    MUST(sg_cbor_put_uint(map_text(m, "timestamp"), (uint64_t)TK_AT * 1000));
    put_pcrs(map_text(m, "pcrs"));
    MUST(sg_cbor_put_bytes(map_text(m, "certificate"), sg_buf_bytes(leaf)));
    put_bundle(map_text(m, "cabundle"), zone);
    MUST(sg_cbor_put_null(map_text(m, "public_key")));
    put_filled(map_text(m, "user_data"), 0x77, 64);
    put_filled(map_text(m, "nonce"), 0x11, 20);
}

static struct map document;
static struct sg_buf payload = SG_BUF_INIT(1u << 20), token = SG_BUF_INIT(1u << 21);

static struct sg_tee_evidence evidence_of(const struct sg_buf *b)
{
    return (struct sg_tee_evidence){.part = {[SG_TEE_PART_REPORT] = sg_buf_bytes(b)}};
}

static bool resigned_document(void)
{
    uint8_t root_key[96];
    bool unclear = false;
    const struct tk_nitro_rules rules = {
        .leaf = sg_buf_bytes(&leaf_der),
        .ca = sg_buf_bytes(&zone_der),
        .root = sg_buf_bytes(&root_der),
        .from_s = TK_AT - DAY,
        .until_s = TK_AT + DAY,
        .root_key = SG_BYTES(root_key, tk_key_point(world.aws_key, root_key)),
        .ret_unclear = &unclear};
    uint64_t pairs;
    make_document(&document, &leaf_der, &zone_der);
    pairs = document.n;
    for (size_t n = below(3); n; n--)
        change_map(&document, &pairs);
    if (one_in(3))
        map_put_open(&document, &payload);
    else
        map_put(&document, pairs, &payload);
    trail(&payload);
    const bool stranger = one_in(60), other = !stranger && one_in(60), tagged = one_in(2);
    note("%s%s", stranger ? "signed by a stranger" : "", other ? "of another algorithm" : "");
    if (stranger || other)
        tk_cose_sign1(stranger ? world.zone_key : world.enclave_key, stranger ? ES384 : ES256,
                      tagged, sg_buf_bytes(&payload), &token);
    else
        tk_cose_sign1_fast(&enclave, tagged, sg_buf_bytes(&payload), &token);
    const struct sg_tee_evidence e = evidence_of(&token);
    const struct sg_tee_verdict v = tk_world_judge(&world, &e);
    bool wanted = !stranger && !other && tk_nitro_is_right(sg_buf_bytes(&payload), &rules);
    if (wanted && unclear)
        wanted = sg_tee_trusted(&v);
    return agree(&v, wanted);
}

/* ---- its certificates ---- */

static bool change_spec(struct tk_cert_spec *c, bool is_ca)
{
    static const char *const usages[] = {NULL, "digitalSignature", "keyCertSign",
                                         "keyCertSign,cRLSign", "keyEncipherment"};
    const char *usage = usages[below(N(usages))];
    const bool critical = one_in(2);
    switch (below(5)) {
    case 0:
        *(one_in(2) ? &c->from_s : &c->until_s) = odd_time();
        note("from %+lld, until %+lld", (long long)(c->from_s - TK_AT),
             (long long)(c->until_s - TK_AT));
        return c->from_s <= TK_AT && c->until_s >= TK_AT;
    case 1:
        c->constraints = (__typeof__(c->constraints))below(3);
        c->path_length = (int)below(3) - 1;
        note("constraints %d", (int)c->constraints);
        return is_ca ? c->constraints == TK_CA : c->constraints == TK_END_ENTITY;
    case 2:
        c->key_usage = usage;
        note("usage %s", usage ? usage : "none");
        return usage && strstr(usage, is_ca ? "keyCertSign" : "digitalSignature");
    case 3:
        c->digest = one_in(2) ? "SHA384" : "SHA1";
        note("%s", c->digest);
        return !strcmp(c->digest, "SHA384");
    default:
        tk_add_extension(c, "1.2.3.4.5", critical, SG_BYTES_LIT("\x05\x00"));
        note("unknown extension%s", critical ? ", critical" : "");
        return !critical;
    }
}

static struct tk_cert_spec spec_of(const char *name, bool is_ca)
{
    return (struct tk_cert_spec){.common_name = name,
                                 .from_s = TK_AT - DAY,
                                 .until_s = TK_AT + DAY,
                                 .serial = is_ca ? 5 : 6,
                                 .constraints = is_ca ? TK_CA : TK_END_ENTITY,
                                 .path_length = -1,
                                 .key_usage = is_ca ? "keyCertSign,cRLSign" : "digitalSignature",
                                 .digest = "SHA384"};
}

static bool resigned_certs(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf leaf = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_buf_clear) struct sg_buf zone = SG_BUF_INIT(8192);
    struct tk_cert_spec ca = spec_of("zone", true), end = spec_of("enclave", false);
    const bool which = one_in(2), stranger = one_in(10);
    const bool right = change_spec(which ? &ca : &end, which);
    note("%s%s", which ? "CA" : "leaf", stranger ? ", issued by a stranger" : "");
    X509 *z = tk_cert_new(&ca, world.zone_key, world.aws,
                          which && stranger ? world.enclave_key : world.aws_key);
    X509 *l = tk_cert_new(&end, world.enclave_key, z,
                          !which && stranger ? world.enclave_key : world.zone_key);
    tk_cert_der(l, &leaf);
    tk_cert_der(z, &zone);
    X509_free(l);
    X509_free(z);
    map_reset(&document);
    MUST(sg_cbor_put_text(map_text(&document, "module_id"), "i"));
    MUST(sg_cbor_put_text(map_text(&document, "digest"), "SHA384"));
    MUST(sg_cbor_put_uint(map_text(&document, "timestamp"), (uint64_t)TK_AT * 1000));
    struct sg_buf *pcrs = map_text(&document, "pcrs");
    MUST(sg_cbor_put_map(pcrs, 1));
    MUST(sg_cbor_put_uint(pcrs, 0));
    put_filled(pcrs, 1, 48);
    MUST(sg_cbor_put_bytes(map_text(&document, "certificate"), sg_buf_bytes(&leaf)));
    struct sg_buf *bundle = map_text(&document, "cabundle");
    MUST(sg_cbor_put_array(bundle, 1));
    MUST(sg_cbor_put_bytes(bundle, sg_buf_bytes(&zone)));
    map_put(&document, document.n, &payload);
    tk_cose_sign1_fast(&enclave, false, sg_buf_bytes(&payload), &token);
    const struct sg_tee_evidence e = evidence_of(&token);
    return judged_as(&e, right && !stranger);
}

bool resigned_nitro(void)
{
    sg_buf_reset(&payload);
    sg_buf_reset(&token);
    return below(20) < 17 ? resigned_document() : resigned_certs();
}

/* ---- Arm CCA ---- */

/* The realm's key in its two forms: a bare point, and a COSE_Key (RFC 9053, 7.1). */
static struct sg_bytes realm_key(bool cose)
{
    static struct sg_buf forms[2] = {SG_BUF_INIT(256), SG_BUF_INIT(256)};
    uint8_t point[96];
    if (!forms[0].len) {
        sg_assert(tk_key_point(world.realm_key, point) == 64);
        MUST(sg_buf_append_u8(&forms[0], 4));
        MUST(sg_buf_append(&forms[0], SG_BYTES(point, 64)));
        MUST(sg_cbor_put_map(&forms[1], 4));
        MUST(sg_cbor_put_int(&forms[1], 1));
        MUST(sg_cbor_put_uint(&forms[1], 2)); /* EC2 */
        MUST(sg_cbor_put_int(&forms[1], -1));
        MUST(sg_cbor_put_uint(&forms[1], 1)); /* P-256 */
        MUST(sg_cbor_put_int(&forms[1], -2));
        MUST(sg_cbor_put_bytes(&forms[1], SG_BYTES(point, 32)));
        MUST(sg_cbor_put_int(&forms[1], -3));
        MUST(sg_cbor_put_bytes(&forms[1], SG_BYTES(point + 32, 32)));
    }
    return sg_buf_bytes(&forms[cose]);
}

struct form {
    bool longer;     /* SHA-512 */
    bool cose_key;   /* COSE_Key, not a point */
    bool collection; /* tag 907 around records, not 399 around tokens */
};

static void make_platform(struct map *m, struct form f)
{
    uint8_t digest[64];
    const struct sg_bytes key = realm_key(f.cose_key);
    sg_assert(EVP_Digest(key.data, key.len, digest, NULL, f.longer ? EVP_sha512() : EVP_sha256(),
                         NULL) == 1);
    map_reset(m);
    MUST(sg_cbor_put_bytes(map_uint(m, 10), SG_BYTES(digest, f.longer ? 64 : 32)));
    put_filled(map_uint(m, 256), 1, 33);
    MUST(sg_cbor_put_uint(map_uint(m, 2395), 0x3003));
    put_filled(map_uint(m, 2396), 2, 32);
    MUST(sg_cbor_put_text(map_uint(m, 265), "profile"));
}

static void make_realm(struct map *m, struct form f)
{
    map_reset(m);
    put_filled(map_uint(m, 10), 0x77, 64);
    MUST(sg_cbor_put_bytes(map_uint(m, 44237), realm_key(f.cose_key)));
    put_filled(map_uint(m, 44238), 0x33, one_in(2) ? 32 : 64);
    MUST(sg_cbor_put_text(map_uint(m, 44240), f.longer ? "sha-512" : "sha-256"));
    put_filled(map_uint(m, 44235), 0, 64);
}

/* A record of a collection is [content format of a CWT, token]. */
static bool put_token(unsigned label, EVP_PKEY *key, bool other, bool record,
                      const struct sg_buf *claims)
{
    static struct sg_buf one = SG_BUF_INIT(1u << 20);
    const uint64_t format = one_in(60) ? odd_number(263, 10) : 263;
    sg_buf_reset(&one);
    tk_cose_sign1(key, other ? ES384 : ES256, one_in(2), sg_buf_bytes(claims), &one);
    MUST(sg_cbor_put_uint(&token, label));
    if (record) {
        MUST(sg_cbor_put_array(&token, 2));
        MUST(sg_cbor_put_uint(&token, format));
    }
    MUST(sg_cbor_put_bytes(&token, sg_buf_bytes(&one)));
    return !record || format == 263;
}

/* Every head of the token, and what signs what. */
static bool put_both(struct form f, const struct sg_buf *platform, const struct sg_buf *realm)
{
    const bool p_stranger = one_in(60), r_stranger = one_in(60), other = one_in(60);
    const uint64_t good = f.collection ? 907 : 399, tag = one_in(60) ? odd_number(good, 16) : good;
    const uint64_t pairs = one_in(60) ? below(5) : 2;
    const unsigned p_label = one_in(60) ? 44241 : 44234, r_label = one_in(60) ? 44234 : 44241;
    const bool realm_first = one_in(2);
    bool right = true;
    note("tag %llu, %llu pairs, labels %u %u%s%s%s", (unsigned long long)tag,
         (unsigned long long)pairs, p_label, r_label, p_stranger ? ", platform by a stranger" : "",
         r_stranger ? ", realm by a stranger" : "", other ? ", another algorithm" : "");
    MUST(sg_cbor_put_tag(&token, tag));
    MUST(sg_cbor_put_map(&token, pairs));
    EVP_PKEY *p_key = p_stranger ? world.realm_key : world.platform_key;
    EVP_PKEY *r_key = r_stranger ? world.platform_key : world.realm_key;
    if (realm_first)
        right &= put_token(r_label, r_key, false, f.collection, realm);
    right &= put_token(p_label, p_key, other, f.collection, platform);
    if (!realm_first)
        right &= put_token(r_label, r_key, false, f.collection, realm);
    return right && !p_stranger && !r_stranger && !other && tag == good && pairs == 2 &&
           p_label == 44234 && r_label == 44241;
}

bool resigned_cca(void)
{
    static struct map platform, realm;
    static struct sg_buf p = SG_BUF_INIT(1u << 20), r = SG_BUF_INIT(1u << 20);
    const struct form f = {one_in(3), one_in(2), one_in(2)};
    uint64_t p_pairs, r_pairs;
    sg_buf_reset(&p);
    sg_buf_reset(&r);
    sg_buf_reset(&token);
    make_platform(&platform, f);
    make_realm(&realm, f);
    p_pairs = platform.n;
    r_pairs = realm.n;
    for (size_t n = below(3); n; n--)
        one_in(2) ? change_map(&platform, &p_pairs) : change_map(&realm, &r_pairs);
    map_put(&platform, p_pairs, &p);
    map_put(&realm, r_pairs, &r);
    trail(one_in(2) ? &p : &r);
    const bool whole = put_both(f, &p, &r);
    const bool more = one_in(60);
    if (more)
        MUST(sg_buf_append_u8(&token, (uint8_t)below(256)));
    const struct sg_tee_evidence e = evidence_of(&token);
    return judged_as(
        &e, whole && !more &&
                tk_cca_is_right(sg_buf_bytes(&p), sg_buf_bytes(&r), realm_key(f.cose_key)));
}
