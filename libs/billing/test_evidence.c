#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test-fixture.c"

#include <sealgrid/base/cleanup.h>

static struct fixture f;

static int make(void **state)
{
    (void)state;
    return fx_make(&f);
}

static int clear(void **state)
{
    (void)state;
    fx_clear(&f);
    return 0;
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    SG_FREE struct sg_evidence_block *b = malloc(sizeof(*b));
    struct sg_evidence_reader r;
    struct sg_evidence_head head;

    assert_non_null(b);
    assert_int_equal(sg_evidence_open(&r, sg_buf_bytes(&f.evidence), &head), 0);
    assert_int_equal(head.client, FX_CLIENT);
    assert_int_equal(head.n_blocks, FX_DAYS);
    for (int day = 0; day < FX_DAYS; day++) {
        const struct sg_evidence_block *want = f.blocks[0][day];
        assert_int_equal(sg_evidence_next(&r, b), 0);
        assert_string_equal(b->evidence.header.serial, want->evidence.header.serial);
        assert_int_equal(b->evidence.header.first_seq, want->evidence.header.first_seq);
        assert_memory_equal(b->evidence.header.root, want->evidence.header.root, 32);
        assert_int_equal(b->n_readings, 96);
        assert_memory_equal(b->readings, want->readings, 96 * sizeof(b->readings[0]));
        assert_memory_equal(b->leaves, want->leaves, sizeof(b->leaves));
    }
    assert_int_equal(sg_evidence_next(&r, b), SG_EVIDENCE_END);
}

static void a_file_packs_and_unpacks(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(1 << 24);
    SG_CLEANUP(sg_buf_clear) struct sg_buf back = SG_BUF_INIT(SG_EVIDENCE_MAX);

    assert_int_equal(sg_evidence_pack(sg_buf_bytes(&f.evidence), &packed), 0);
    assert_true(packed.len < f.evidence.len);
    assert_int_equal(sg_evidence_unpack(sg_buf_bytes(&packed), &back), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&back), sg_buf_bytes(&f.evidence)));
    sg_buf_reset(&back);
    assert_int_equal(sg_evidence_unpack(SG_BYTES(packed.data, packed.len - 1), &back),
                     SG_EVIDENCE_MALFORMED);
    assert_int_equal(back.len, 0);
    assert_int_equal(sg_evidence_unpack(sg_buf_bytes(&f.evidence), &back), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&back), sg_buf_bytes(&f.evidence)));
}

static void something_behind_the_end_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf longer = SG_BUF_INIT(1 << 24);
    SG_FREE struct sg_evidence_block *b = malloc(sizeof(*b));
    struct sg_evidence_reader r;
    struct sg_evidence_head head;

    assert_int_equal(sg_buf_append(&longer, sg_buf_bytes(&f.evidence)), 0);
    assert_int_equal(sg_buf_append_u8(&longer, 0), 0);
    assert_int_equal(sg_evidence_open(&r, sg_buf_bytes(&longer), &head), 0);
    assert_int_equal(sg_evidence_next(&r, b), 0);
    assert_int_equal(sg_evidence_next(&r, b), 0);
    assert_int_equal(sg_evidence_next(&r, b), SG_EVIDENCE_MALFORMED);
}

static void records_are_written_read_and_found(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_installations_clear) struct sg_installations back = {NULL, 0, NULL};
    uint8_t a[32], b[32];
    char why[160];
    bool known;
    size_t n;

    assert_int_equal(sg_installations_write(f.installations.records, 2, &json), 0);
    assert_int_equal(sg_installations_read(sg_buf_bytes(&json), &back, why), 0);
    assert_int_equal(back.n, 2);
    const struct sg_installation *r = sg_installations_of_client(&back, FX_OTHER, &n);
    assert_int_equal(n, 1);
    assert_string_equal(r->serial, "10000001");
    sg_installation_fingerprint(r, a);
    sg_installation_fingerprint(&f.installations.records[1], b);
    assert_memory_equal(a, b, 32);
    sg_installations_of_client(&back, 7, &n);
    assert_int_equal(n, 0);
    assert_ptr_equal(sg_installations_of_serial(&back, "10000001", FX_FROM + 1, &known), r);
    assert_null(sg_installations_of_serial(&back, "10000001", FX_FROM, &known));
    assert_true(known);
    assert_null(sg_installations_of_serial(&back, "1000000", FX_FROM + 1, &known));
    assert_false(known);
}

/* The record of f whose certificate is that base64, in a list of its own. */
static int read_with_certificate(const char *base64, struct sg_installations *ret, char why[160])
{
    char json[512];

    snprintf(json, sizeof(json),
             "[{\"client_id\":1,\"meter_serial\":\"x\",\"from\":\"2026-09-01T00:00:00Z\","
             "\"until\":null,\"ratio_num\":1,\"ratio_den\":1,\"metrology_cert\":\"%s\"}]",
             base64);
    return sg_installations_read(sg_bytes_str(json), ret, why);
}

/* A city's certificates are parsed when they are needed: that one is none comes out then. */
static void a_certificate_is_looked_at_when_it_is_needed(void **state)
{
    (void)state;
    SG_CLEANUP(sg_installations_clear) struct sg_installations list = {NULL, 0, NULL};
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    char why[160];

    assert_int_equal(read_with_certificate("MAMCAQE=", &list, why), 0); /* a SEQUENCE of 1 */
    assert_int_equal(sg_installation_cert(&list.records[0], &cert), SG_INSTALLATIONS_MALFORMED);
    assert_null(cert);
    assert_int_equal(sg_installation_cert(&f.installations.records[0], &cert), 0);
    assert_non_null(cert);
}

static void an_empty_list_is_a_list(void **state)
{
    (void)state;
    SG_CLEANUP(sg_installations_clear) struct sg_installations none = {NULL, 0, NULL};
    char why[160];

    assert_int_equal(sg_installations_read(sg_bytes_str(" [ \n] \n"), &none, why), 0);
    assert_int_equal(none.n, 0);
}

static void wrong_records_are_named(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{}", "not a list"},
        {"[", "line 1"},
        {"[{}]", "record 1: client_id"},
        {"[{\"client_id\":1}]", "meter_serial"},
        {"[{\"client_id\":1,\"meter_serial\":\"x\",\"from\":\"2026-09-01T00:00:00Z\",\"until\":"
         "\"2026-08-01T00:00:00Z\"}]",
         "in order"},
        {"[{\"client_id\":1,\"meter_serial\":\"x\",\"from\":\"2026-09-01T00:00:00Z\",\"until\":"
         "null,"
         "\"ratio_num\":0,\"ratio_den\":1}]",
         "ratio_num"},
        {"[{\"client_id\":1,\"meter_serial\":\"x\",\"from\":\"2026-09-01T00:00:00Z\",\"until\":"
         "null,"
         "\"ratio_num\":1,\"ratio_den\":1,\"metrology_cert\":\"AAAA\"}]",
         "metrology_cert"},
        {"[{\"client_id\":1,\"meter_serial\":\"x\",\"from\":\"2026-09-01T00:00:00Z\",\"until\":"
         "null,"
         "\"ratio_num\":1,\"ratio_den\":1,\"metrology_cert\":\"MAMCAQEA\"}]", /* one octet behind */
         "metrology_cert"},
        {"[\n\n{\"client_id\":1,}", "line 3"},
        {"[{\"client_id\":1,\"client_id\":2}]", "line 1: duplicate"},
        {"[]\n]", "line 2: the list has ended"},
        {"[] \1", "line 1: the list has ended"},
        {"", "not a list"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sg_installations none = {NULL, 0, NULL};
        char why[160] = "";
        assert_int_equal(sg_installations_read(sg_bytes_str(cases[i][0]), &none, why),
                         SG_INSTALLATIONS_MALFORMED);
        if (!strstr(why, cases[i][1]))
            fail_msg("case %zu: %s", i, why);
        assert_null(none.records);
    }
}

static void the_authority_is_read_from_pem(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(1 << 16);
    struct sg_authority a;

    assert_int_equal(sg_cert_pem(f.ca, &pem), 0);
    assert_int_equal(sg_authority_read(sg_buf_bytes(&pem), &a), SG_AUTHORITY_MALFORMED);
    assert_int_equal(sg_cert_pem(f.root, &pem), 0);
    assert_int_equal(sg_authority_read(sg_buf_bytes(&pem), &a), 0);
    assert_int_equal(a.n_roots, 1);
    assert_int_equal(a.n_intermediates, 1);
    sg_authority_clear(&a);
    assert_int_equal(sg_authority_read(SG_BYTES_NONE, &a), SG_AUTHORITY_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_file_packs_and_unpacks),
        cmocka_unit_test(something_behind_the_end_is_refused),
        cmocka_unit_test(records_are_written_read_and_found),
        cmocka_unit_test(a_certificate_is_looked_at_when_it_is_needed),
        cmocka_unit_test(an_empty_list_is_a_list),
        cmocka_unit_test(wrong_records_are_named),
        cmocka_unit_test(the_authority_is_read_from_pem),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
