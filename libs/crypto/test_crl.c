#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/crypto/crl.h>

#define NOW 1788231600 /* 2026-09-01T03:00:00Z */
#define DAY 86400

static struct {
    struct sg_key *ca_key, *other_key;
    struct sg_cert *ca, *other, *good, *bad;
} g;

static int issue(struct sg_cert **ret, const char *name, const struct sg_key *subject,
                 const struct sg_cert *issuer, const struct sg_key *key)
{
    const struct sg_cert_request request = {.common_name = name,
                                            .not_before_s = NOW - 10 * DAY,
                                            .not_after_s = NOW + 1000 * DAY,
                                            .ca = issuer == NULL,
                                            .path_len = issuer ? -1 : 1};
    return sg_cert_issue(ret, &request, subject, issuer, key);
}

static int make(void **state)
{
    (void)state;
    return sg_key_generate(&g.ca_key, SG_KEY_P256) || sg_key_generate(&g.other_key, SG_KEY_P256) ||
           issue(&g.ca, "ca", g.ca_key, NULL, g.ca_key) ||
           issue(&g.other, "ca", g.other_key, NULL, g.other_key) ||
           issue(&g.good, "1", g.other_key, g.ca, g.ca_key) ||
           issue(&g.bad, "2", g.other_key, g.ca, g.ca_key);
}

static int clear(void **state)
{
    (void)state;
    sg_key_free(g.ca_key);
    sg_key_free(g.other_key);
    sg_cert_free(g.ca);
    sg_cert_free(g.other);
    sg_cert_free(g.good);
    sg_cert_free(g.bad);
    return 0;
}

static void a_list_names_what_it_revokes(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_crl_freep) struct sg_crl *made = NULL;
    SG_CLEANUP(sg_crl_freep) struct sg_crl *l = NULL;
    const struct sg_crl_entry entry = {g.bad, NOW - DAY};
    int64_t from, until;

    assert_int_equal(sg_crl_issue(&made, g.ca, g.ca_key, NOW, NOW + DAY, &entry, 1), 0);
    assert_int_equal(sg_crl_pem(made, &pem), 0);
    assert_int_equal(sg_crl_load(&l, sg_buf_bytes(&pem)), 0);
    sg_crl_validity(l, &from, &until);
    assert_int_equal(from, NOW);
    assert_int_equal(until, NOW + DAY);
    assert_true(sg_crl_revoked_since(l, g.bad) == NOW - DAY);
    assert_true(sg_crl_revoked_since(l, g.good) == INT64_MAX);
    assert_true(sg_crl_is_of(l, g.ca));
    assert_false(sg_crl_is_of(l, g.other)); /* the same name, another key */
    assert_false(sg_crl_is_of(l, g.good));
    assert_true(sg_cert_is_issuer(g.ca, g.bad));
    assert_false(sg_cert_is_issuer(g.good, g.bad));
}

static void other_things_are_no_list(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(65536);
    struct sg_crl *l = NULL;

    assert_int_equal(sg_cert_pem(g.ca, &pem), 0);
    assert_int_equal(sg_crl_load(&l, sg_buf_bytes(&pem)), -EBADMSG);
    assert_int_equal(sg_crl_load(&l, SG_BYTES_NONE), -EBADMSG);
    assert_int_equal(sg_crl_load(&l, SG_BYTES_LIT("0nothing")), -EBADMSG);
    assert_null(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_names_what_it_revokes),
        cmocka_unit_test(other_things_are_no_list),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
