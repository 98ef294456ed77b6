/*
 * What casd grants, whom it throttles, whom it obeys.  Attacks on evidence: test_attacks.c.
 */
#include "test-service-int.h"

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    world_init(&f.w);
    open_service(&f);
    *state = &f;
    return 0;
}

/* Evidence as an honest program on that connection makes it. */
static void make_evidence(struct fixture *f, const struct sg_cas_connection *c,
                          const uint8_t nonce[SG_CAS_NONCE_LEN], const char *service,
                          struct sg_buf *ret)
{
    uint8_t report_data[SG_TEE_REPORT_DATA_LEN];
    sg_cas_report_data(report_data, nonce, c, sg_bytes_str(service));
    assert_int_equal(sg_tee_evidence(f->w.tee, report_data, ret), 0);
}

static struct sg_cas_request request_of(const struct peer *p, const char *service,
                                        const uint8_t nonce[SG_CAS_NONCE_LEN],
                                        const struct sg_buf *evidence)
{
    struct sg_cas_request q = {.service = sg_bytes_str(service),
                               .kind = SG_BYTES_LIT("sim"),
                               .evidence = sg_buf_bytes(evidence),
                               .spki = sg_buf_bytes(&p->spki)};
    memcpy(q.nonce, nonce, sizeof q.nonce);
    return q;
}

/* The honest way from the nonce on. */
static int attest_with(struct fixture *f, const struct peer *p, const char *service,
                       const uint8_t nonce[SG_CAS_NONCE_LEN], struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    make_evidence(f, &p->connection, nonce, service, &evidence);
    struct sg_cas_request q = request_of(p, service, nonce, &evidence);
    return send_request(f, &p->connection, &q, ret);
}

static int attest(struct fixture *f, const struct peer *p, const char *service, struct sg_buf *ret)
{
    uint8_t nonce[SG_CAS_NONCE_LEN];
    get_nonce(f, p, nonce);
    return attest_with(f, p, service, nonce, ret);
}

/* ---- grants ---- */

static void decode_grant(const struct sg_buf *b, struct sg_cas_reply *reply,
                         struct sg_cas_secrets *secrets)
{
    assert_int_equal(sg_message_decode(&sg_cas_reply_type, sg_buf_bytes(b), reply), 0);
    assert_int_equal(sg_cas_secrets_decode(secrets, reply->secrets), 0);
}

static void test_a_service_gets_its_secrets_and_no_other(void **state)
{
    struct fixture *f = *state;
    PEER(p);
    OUT(out);
    SG_CLEANUP(sg_cas_secrets_clear) struct sg_cas_secrets l = {NULL, 0};
    struct sg_cas_reply reply;
    assert_int_equal(attest(f, &p, "alpha", &out), 0);
    decode_grant(&out, &reply, &l);
    assert_int_equal(l.n, 5);
    assert_int_equal(sg_cas_secrets_find(&l, "kek/metering/1")->len, 32);
    assert_int_equal(sg_cas_secrets_find(&l, "kek/metering/2")->len, 32);
    assert_int_equal(sg_cas_secrets_find(&l, "name-key/metering")->len, 32);
    assert_memory_equal(sg_cas_secrets_find(&l, "note")->data, "hello", 5);
    assert_memory_equal(sg_cas_secrets_find(&l, "imported")->data, "imported contents", 17);
    assert_null(sg_cas_secrets_find(&l, "api-key/reader"));
}

static void test_edhoc_key_fits_its_certificate(void **state)
{
    struct fixture *f = *state;
    PEER(p);
    OUT(out);
    SG_CLEANUP(sg_cas_secrets_clear) struct sg_cas_secrets l = {NULL, 0};
    SG_CLEANUP(sg_key_freep) struct sg_key *priv = NULL;
    SG_CLEANUP(sg_key_freep) struct sg_key *pub = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    struct sg_cas_reply reply;
    uint8_t a[64], b[64];
    assert_int_equal(attest(f, &p, "beta", &out), 0);
    decode_grant(&out, &reply, &l);
    assert_int_equal(l.n, 3);
    assert_int_equal(sg_cas_secrets_find(&l, "api-key/reader")->len, 43);
    const struct sg_secret *key = sg_cas_secrets_find(&l, "edhoc/suite2/key");
    const struct sg_secret *der = sg_cas_secrets_find(&l, "edhoc/suite2/cert");
    assert_int_equal(sg_key_load_private(&priv, sg_secret_bytes(key)), 0);
    assert_int_equal(sg_cert_load(&cert, sg_secret_bytes(der)), 0);
    assert_int_equal(sg_cert_public_key(cert, &pub), 0);
    assert_int_equal(sg_key_p256_xy(priv, a), 0);
    assert_int_equal(sg_key_p256_xy(pub, b), 0);
    assert_memory_equal(a, b, sizeof a);
}

static void test_the_certificate_is_short_lived_and_names_the_service(void **state)
{
    struct fixture *f = *state;
    PEER(p);
    OUT(out);
    SG_CLEANUP(sg_cas_secrets_clear) struct sg_cas_secrets l = {NULL, 0};
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *root = NULL;
    struct sg_cas_reply reply;
    int64_t from_s, until_s;
    char uri[128], pin[65];
    uint8_t fingerprint[32];
    assert_int_equal(attest(f, &p, "alpha", &out), 0);
    decode_grant(&out, &reply, &l);
    assert_int_equal(sg_cert_load(&cert, reply.cert), 0);
    assert_int_equal(sg_cert_load(&root, reply.root), 0);
    assert_int_equal(sg_cert_verify(cert, NULL, 0, &root, 1, f->w.now.unix_s), 0);
    sg_cert_uri(cert, uri, sizeof uri);
    assert_string_equal(uri, "spiffe://sealgrid/alpha");
    sg_cert_validity(cert, &from_s, &until_s);
    assert_int_equal(until_s, reply.expires_s);
    assert_int_equal(until_s - f->w.now.unix_s, 86400);
    sg_cert_fingerprint(root, fingerprint);
    sg_hex(pin, fingerprint, sizeof fingerprint);
    assert_string_equal(pin, f->w.pin);
}

/* ---- strangers ---- */

static void test_every_prefix_of_a_request_is_malformed(void **state)
{
    struct fixture *f = *state;
    PEER(p);
    OUT(out);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_CAS_REQUEST_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    struct sg_cas_finding finding;
    uint8_t nonce[SG_CAS_NONCE_LEN];
    get_nonce(f, &p, nonce);
    make_evidence(f, &p.connection, nonce, "alpha", &evidence);
    struct sg_cas_request q = request_of(&p, "alpha", nonce, &evidence);
    assert_int_equal(sg_message_encode(&sg_cas_request_type, &q, &b), 0);
    for (size_t n = 0; n < b.len; n++)
        assert_refused(sg_cas_service_attest(f->service, &p.connection, SG_BYTES(b.data, n),
                                             f->w.now, &out, &finding),
                       SG_CAS_REFUSAL_REQUEST_MALFORMED, &out);
}

static int admit(struct fixture *f, uint8_t from)
{
    const uint8_t origin[SG_CAS_ORIGIN_LEN] = {[10] = 0xff, 0xff, 192, 0, 2, from};
    return sg_cas_service_admit(f->service, origin, f->w.now);
}

/* One origin after the other, until they are turned away. */
static int admit_all(struct fixture *f, uint8_t from)
{
    int n = 0;
    while (n < 5000 && admit(f, from) == 0)
        n++;
    return n;
}

/* A burst of 300 from one, of 1,000 together. */
static void test_strangers_are_throttled(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(admit_all(f, 1), 300);
    assert_int_equal(admit_all(f, 2), 300);
    assert_int_equal(admit_all(f, 1), 0); /* and costs the others nothing */
    assert_int_equal(admit_all(f, 3), 300);
    assert_int_equal(admit_all(f, 4), 100);
    f->w.now.mono_ms += 1;
    assert_int_equal(admit(f, 5), 0);
    assert_int_equal(admit(f, 6), SG_CAS_REFUSAL_THROTTLED);
}

/* ... and cannot fill the disk with records of their refusals, which are counted all the same. */
static void test_a_flood_of_refusals_is_counted_not_written(void **state)
{
    struct fixture *f = *state;
    PEER(p);
    OUT(out);
    struct sg_cas_finding finding;
    unsigned recorded = 0;
    for (int i = 0; i < 80; i++) {
        assert_refused(sg_cas_service_attest(f->service, &p.connection, SG_BYTES_LIT("x"), f->w.now,
                                             &out, &finding),
                       SG_CAS_REFUSAL_REQUEST_MALFORMED, &out);
        recorded += finding.recorded;
    }
    assert_int_equal(recorded, 50);
    assert_int_equal(f->service->unlogged, 30);
    f->w.now.mono_ms += 1000;
    assert_refused(sg_cas_service_attest(f->service, &p.connection, SG_BYTES_LIT("x"), f->w.now,
                                         &out, &finding),
                   SG_CAS_REFUSAL_REQUEST_MALFORMED, &out);
    assert_true(finding.recorded);
    assert_int_equal(f->service->unlogged, 0);
}

/* ---- the operator ---- */

static void digest_of(const char *text, uint8_t ret[32])
{
    sg_sha256(ret, sg_bytes_str(text));
}

static int update(struct fixture *f, const char *text, const char *predecessor)
{
    uint8_t digest[32];
    struct sg_yaml_error e;
    digest_of(predecessor, digest);
    return sg_cas_service_update(f->service, sg_bytes_str(text), digest, f->w.now, &e);
}

static void copy_secret(struct fixture *f, const char *service, const char *name,
                        struct sg_secret *ret)
{
    PEER(p);
    OUT(out);
    SG_CLEANUP(sg_cas_secrets_clear) struct sg_cas_secrets l = {NULL, 0};
    struct sg_cas_reply reply;
    assert_int_equal(attest(f, &p, service, &out), 0);
    decode_grant(&out, &reply, &l);
    struct sg_secret *found = sg_cas_secrets_find(&l, name);
    assert_non_null(found);
    *ret = sg_secret_take(found);
}

static void test_an_update_keeps_old_secrets_and_makes_new_ones(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_secret_clear) struct sg_secret before = SG_SECRET_INIT;
    SG_CLEANUP(sg_secret_clear) struct sg_secret after = SG_SECRET_INIT;
    char v1[4096], v2[4096];
    policy_text(1, "", v1, sizeof v1);
    policy_text(2, "  extra: {kind: random, octets: 16}\n", v2, sizeof v2);
    copy_secret(f, "alpha", "kek/metering/1", &before);
    assert_int_equal(update(f, v2, v1), 0);
    copy_secret(f, "alpha", "kek/metering/1", &after);
    assert_true(sg_secret_equal(sg_secret_bytes(&before), sg_secret_bytes(&after)));
    assert_int_equal(sg_cas_secrets_find(&f->service->vault->secrets, "extra")->len, 16);
}

static void test_an_update_must_follow_the_present_policy(void **state)
{
    struct fixture *f = *state;
    char v1[4096], v2[4096], v3[4096];
    policy_text(1, "", v1, sizeof v1);
    policy_text(2, "", v2, sizeof v2);
    policy_text(3, "", v3, sizeof v3);
    assert_int_equal(update(f, v2, v3), SG_CAS_REFUSAL_POLICY_PREDECESSOR);
    assert_int_equal(update(f, v3, v1), SG_CAS_REFUSAL_POLICY_VERSION);
    assert_int_equal(update(f, v1, v1), SG_CAS_REFUSAL_POLICY_VERSION);
    assert_int_equal(update(f, "version: [", v1), SG_CAS_REFUSAL_POLICY_BAD);
    assert_int_equal(update(f, v2, v1), 0);
    assert_int_equal(update(f, v2, v1), SG_CAS_REFUSAL_POLICY_PREDECESSOR);
}

/* The program that may speak for alpha becomes another one. */
static void other_program(char *policy)
{
    static const char before[] = "  alpha:\n    measurements: ['";
    char *at = strstr(policy, before);
    assert_non_null(at);
    at += sizeof before - 1;
    *at = *at == '0' ? '1' : '0';
}

/* A connection, its nonces and what was granted on it are worth nothing against a new policy, and
 * what was spent stays spent. */
static void test_a_new_policy_counts_from_the_next_request(void **state)
{
    struct fixture *f = *state;
    PEER(p);
    OUT(out);
    uint8_t spent[SG_CAS_NONCE_LEN], kept[SG_CAS_NONCE_LEN];
    char v1[4096], v2[4096], v3[4096];
    policy_text(1, "", v1, sizeof v1);
    policy_text(2, "", v2, sizeof v2);
    policy_text(3, "", v3, sizeof v3);
    other_program(v2);
    get_nonce(f, &p, spent);
    get_nonce(f, &p, kept);
    assert_int_equal(attest_with(f, &p, "alpha", spent, &out), 0);
    assert_int_equal(update(f, v2, v1), 0);
    sg_buf_reset(&out);
    assert_refused(attest_with(f, &p, "alpha", kept, &out), SG_CAS_REFUSAL_MEASUREMENT, &out);
    assert_refused(attest(f, &p, "alpha", &out), SG_CAS_REFUSAL_MEASUREMENT, &out);
    assert_refused(attest_with(f, &p, "alpha", spent, &out), SG_CAS_REFUSAL_NONCE_REPLAYED, &out);
    assert_int_equal(update(f, v3, v2), 0);
    assert_refused(attest_with(f, &p, "alpha", kept, &out), SG_CAS_REFUSAL_NONCE_REPLAYED, &out);
    assert_int_equal(attest(f, &p, "alpha", &out), 0);
}

/* Over the network nobody makes casd read its host's files. */
static void test_an_update_imports_no_file_and_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    char v1[4096], v2[4096];
    policy_text(1, "", v1, sizeof v1);
    policy_text(2, "  extra: {kind: random}\n  shadow: {kind: file, path: /etc/hostname}\n", v2,
                sizeof v2);
    assert_int_equal(update(f, v2, v1), SG_CAS_REFUSAL_POLICY_IMPORT);
    assert_null(sg_cas_secrets_find(&f->service->vault->secrets, "extra"));
    assert_int_equal(f->service->policy->version, 1);
    policy_text(2, "", v2, sizeof v2);
    assert_int_equal(update(f, v2, v1), 0);
}

static void test_only_the_operator_is_the_operator(void **state)
{
    struct fixture *f = *state;
    PEER(p);
    static const char *const services[] = {"operator", "alpha"};
    static const int expected[] = {0, SG_CAS_REFUSAL_NOT_OPERATOR};
    for (int i = 0; i < 2; i++) {
        OUT(out);
        SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
        struct sg_cas_reply reply;
        assert_int_equal(attest(f, &p, services[i], &out), 0);
        assert_int_equal(sg_message_decode(&sg_cas_reply_type, sg_buf_bytes(&out), &reply), 0);
        assert_int_equal(sg_cert_load(&cert, reply.cert), 0);
        assert_int_equal(sg_cas_service_operator(f->service, cert, f->w.now), expected[i]);
        struct sg_cas_now later = f->w.now;
        later.unix_s += 2 * 86400;
        assert_int_equal(sg_cas_service_operator(f->service, cert, later),
                         SG_CAS_REFUSAL_NOT_OPERATOR);
    }
    assert_int_equal(sg_cas_service_operator(f->service, NULL, f->w.now),
                     SG_CAS_REFUSAL_NOT_OPERATOR);
}

/* Names the operator, signed by a CA of the attacker's. */
static void test_a_self_made_operator_is_none(void **state)
{
    struct fixture *f = *state;
    PEER(p);
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    struct sg_cert_request req = {.common_name = "operator",
                                  .uri = SG_CAS_OPERATOR_URI,
                                  .not_before_s = f->w.now.unix_s - 60,
                                  .not_after_s = f->w.now.unix_s + 60};
    assert_int_equal(sg_cert_issue(&cert, &req, p.key, NULL, p.key), 0);
    assert_int_equal(sg_cas_service_operator(f->service, cert, f->w.now),
                     SG_CAS_REFUSAL_NOT_OPERATOR);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_service_gets_its_secrets_and_no_other),
        TEST(test_edhoc_key_fits_its_certificate),
        TEST(test_the_certificate_is_short_lived_and_names_the_service),
        TEST(test_every_prefix_of_a_request_is_malformed),
        TEST(test_strangers_are_throttled),
        TEST(test_a_flood_of_refusals_is_counted_not_written),
        TEST(test_an_update_keeps_old_secrets_and_makes_new_ones),
        TEST(test_an_update_must_follow_the_present_policy),
        TEST(test_an_update_imports_no_file_and_leaves_no_trace),
        TEST(test_a_new_policy_counts_from_the_next_request),
        TEST(test_only_the_operator_is_the_operator),
        TEST(test_a_self_made_operator_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
