#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "store-int.h"
#include "testkit/intel.h"

#include <sealgrid/base/encode.h>

#define AT  INT64_C(1782864000)
#define DAY INT64_C(86400)

static struct tk_intel intel;

static struct sg_tee_store *empty(void)
{
    struct sg_tee_store *s = NULL;
    assert_int_equal(sg_tee_store_new(&s, false), 0);
    return s;
}

static unsigned add(struct sg_tee_store *s, struct sg_bytes b)
{
    unsigned items = 12345;
    assert_int_equal(sg_tee_store_add(s, b, &items), 0);
    return items;
}

static void test_content_says_what_a_blob_is(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = empty();
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(65536), pem = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf crl = SG_BUF_INIT(65536), hex = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf info = SG_BUF_INIT(65536), id = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(65536);
    tk_cert_der(intel.ca, &der);
    assert_int_equal(add(s, sg_buf_bytes(&der)), SG_TEE_ITEM_CERTIFICATE);
    tk_intel_pck_chain(&intel, &pem);
    assert_int_equal(add(s, sg_buf_bytes(&pem)), SG_TEE_ITEM_CERTIFICATE);
    tk_intel_root_crl(&intel, NULL, 0, &crl);
    assert_int_equal(add(s, sg_buf_bytes(&crl)), SG_TEE_ITEM_CRL);
    assert_int_equal(sg_hex_append(&hex, sg_buf_bytes(&crl)), 0);
    assert_int_equal(sg_buf_append_u8(&hex, '\n'), 0);
    assert_int_equal(add(s, sg_buf_bytes(&hex)), SG_TEE_ITEM_CRL);
    const struct tk_tcb_info good = tk_tcb_info_good(&intel, false);
    tk_tcb_info_json(&intel, &good, &info);
    assert_int_equal(add(s, sg_buf_bytes(&info)), SG_TEE_ITEM_TCB_INFO);
    const struct tk_identity identity = tk_identity_good(&intel, true);
    tk_identity_json(&intel, &identity, &id);
    assert_int_equal(add(s, sg_buf_bytes(&id)), SG_TEE_ITEM_IDENTITY);
    tk_key_spki(intel.ca_key, &key);
    assert_int_equal(add(s, sg_buf_bytes(&key)), SG_TEE_ITEM_KEY);
    /* The same things twice count once. */
    struct sg_tee_store_counts n;
    sg_tee_store_count(s, &n);
    assert_int_equal(n.certificates, 3);
    assert_int_equal(n.crls, 1);
    assert_int_equal(n.tcb_infos, 1);
    assert_int_equal(n.identities, 1);
    assert_int_equal(n.keys, 1);
    assert_int_equal(n.roots, 0);
    assert_int_equal(n.broken, 0);
}

/* Quotes are escaped, as in a string of JSON. */
static void put_string(struct sg_buf *b, const char *name, struct sg_bytes text)
{
    assert_int_equal(sg_buf_printf(b, "%s\"%s\":\"", b->len > 1 ? "," : "", name), 0);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"')
            assert_int_equal(sg_buf_append_u8(b, '\\'), 0);
        assert_int_equal(text.data[i] == '\n' ? sg_buf_append(b, SG_BYTES_LIT("\\n"))
                                              : sg_buf_append_u8(b, text.data[i]),
                         0);
    }
    assert_int_equal(sg_buf_append_u8(b, '"'), 0);
}

/* {"name":BODY,"signature":"HEX"} taken apart. */
static void put_document(struct sg_buf *b, const char *name, struct sg_bytes answer)
{
    const char *mark = ",\"signature\":\"";
    const uint8_t *colon = memchr(answer.data, ':', answer.len);
    const uint8_t *end = memmem(answer.data, answer.len, mark, strlen(mark));
    char signature[32];
    assert_non_null(colon);
    assert_non_null(end);
    put_string(b, name, SG_BYTES(colon + 1, (size_t)(end - colon - 1)));
    snprintf(signature, sizeof signature, "%s_signature", name);
    put_string(b, signature, SG_BYTES(end + strlen(mark), 128));
}

static void put_all_in_one(struct sg_buf *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf part = SG_BUF_INIT(65536), hex = SG_BUF_INIT(65536);
    const struct tk_tcb_info info = tk_tcb_info_good(&intel, false);
    const struct tk_identity identity = tk_identity_good(&intel, false);
    assert_int_equal(sg_buf_append_u8(b, '{'), 0);
    tk_intel_signer_chain(&intel, &part);
    put_string(b, "tcb_info_issuer_chain", sg_buf_bytes(&part));
    sg_buf_reset(&part);
    tk_intel_root_crl(&intel, NULL, 0, &part);
    assert_int_equal(sg_hex_append(&hex, sg_buf_bytes(&part)), 0);
    put_string(b, "root_ca_crl", sg_buf_bytes(&hex));
    sg_buf_reset(&part);
    tk_tcb_info_json(&intel, &info, &part);
    put_document(b, "tcb_info", sg_buf_bytes(&part));
    sg_buf_reset(&part);
    tk_identity_json(&intel, &identity, &part);
    put_document(b, "qe_identity", sg_buf_bytes(&part));
    assert_int_equal(sg_buf_append_u8(b, '}'), 0);
}

static void test_all_in_one_object(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = empty();
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    put_all_in_one(&b);
    assert_int_equal(add(s, sg_buf_bytes(&b)), SG_TEE_ITEM_CERTIFICATE | SG_TEE_ITEM_CRL |
                                                   SG_TEE_ITEM_TCB_INFO | SG_TEE_ITEM_IDENTITY);
    assert_int_equal(sg_tee_store_seal(s), 0);
    assert_int_equal(s->doc[0].n_signers, 1); /* the text is what was signed */
    assert_int_equal(s->doc[1].n_signers, 1);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *t = empty();
    assert_int_equal(add(t, SG_BYTES_LIT("{\"tcb_info\":\"{}\"}")), SG_TEE_ITEM_BROKEN);
    assert_int_equal(add(t, SG_BYTES_LIT("{\"tcb_info\":{}}")), 0);
}

static void test_text_of_der_and_byte_order_marks(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = empty();
    SG_CLEANUP(sg_buf_clear) struct sg_buf crl = SG_BUF_INIT(65536), text = SG_BUF_INIT(65536);
    const struct tk_tcb_info info = tk_tcb_info_good(&intel, false);
    tk_intel_root_crl(&intel, NULL, 0, &crl);
    assert_int_equal(sg_base64_append(&text, sg_buf_bytes(&crl)), 0);
    assert_int_equal(sg_buf_append_u8(&text, '\n'), 0);
    assert_int_equal(add(s, sg_buf_bytes(&text)), SG_TEE_ITEM_CRL);
    assert_int_equal(add(s, SG_BYTES_LIT("MIND the gap")), 0);
    sg_buf_reset(&text);
    assert_int_equal(sg_buf_append(&text, SG_BYTES_LIT("\xef\xbb\xbf")), 0);
    tk_tcb_info_json(&intel, &info, &text);
    assert_int_equal(add(s, sg_buf_bytes(&text)), SG_TEE_ITEM_TCB_INFO);
}

static void test_other_things_are_passed_over(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = empty();
    static const char *const texts[] = {
        "",   "\n",   "hello",
        "{}", "[1]",  "{\"keys\":[]}",
        "30", "3082", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(add(s, sg_bytes_str(texts[i])), 0);
}

static void test_broken_things_are_told(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = empty();
    static const char *const texts[] = {
        "0\x03\x02\x01\x01", "30030201010000aa", "{\"tcbInfo\":{}}", "{\"enclaveIdentity\":1}",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(add(s, sg_bytes_str(texts[i])), SG_TEE_ITEM_BROKEN);
}

static void test_a_root_must_be_one(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = empty();
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDORS_ALL, SG_BYTES_LIT("nothing")),
                     -EBADMSG);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDORS_ALL, SG_BYTES_NONE), -EBADMSG);
    assert_int_equal(s->n_anchors, 0);
}

static void test_the_vendors_roots_are_pinned(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    struct sg_tee_store_counts n;
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    sg_tee_store_count(s, &n);
    assert_int_equal(n.roots, 5);
    for (size_t i = 0; i < s->n_anchors; i++) {
        const struct sg_tee_anchor *a = &s->anchor[i];
        /* Its own vendor's and nobody else's. */
        assert_ptr_equal(sg_tee_store_anchor(s, a->vendors, sg_tee_key_id(a->key)), a);
        assert_null(
            sg_tee_store_anchor(s, SG_TEE_VENDORS_ALL & ~a->vendors, sg_tee_key_id(a->key)));
    }
}

static void test_sealing_finds_who_signed_what(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = empty();
    SG_CLEANUP(sg_buf_clear) struct sg_buf chain = SG_BUF_INIT(65536), info = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf pck = SG_BUF_INIT(65536);
    const struct tk_tcb_info good = tk_tcb_info_good(&intel, false);
    tk_intel_signer_chain(&intel, &chain);
    tk_intel_pck_chain(&intel, &pck);
    tk_tcb_info_json(&intel, &good, &info);
    add(s, sg_buf_bytes(&info));
    add(s, sg_buf_bytes(&chain));
    add(s, sg_buf_bytes(&pck));
    assert_int_equal(sg_tee_store_seal(s), 0);
    assert_int_equal(s->doc[0].n_signers, 1);
    assert_string_equal(s->doc[0].signer[0]->common_name, "Intel SGX TCB Signing");
    for (size_t i = 0; i < s->n_certs; i++) {
        for (size_t k = 0; k < s->n_certs; k++) {
            const bool issued =
                strcmp(s->cert[i]->issuer_common_name, s->cert[k]->common_name) == 0;
            assert_int_equal(sg_tee_store_knows(s, s->cert[i]->id, sg_tee_key_id(s->cert[k]->key)),
                             issued ? SG_TEE_KNOWN_GOOD : SG_TEE_KNOWN_BAD);
        }
    }
}

static void test_strangers_of_a_store_are_unknown_to_it(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = empty();
    SG_CLEANUP(sg_buf_clear) struct sg_buf pck = SG_BUF_INIT(65536);
    const uint8_t stranger[32] = {1};
    tk_intel_pck_chain(&intel, &pck);
    add(s, sg_buf_bytes(&pck));
    assert_int_equal(sg_tee_store_seal(s), 0);
    const struct sg_tee_cert *c = s->cert[0];
    assert_int_equal(sg_tee_store_knows(s, c->id, stranger), SG_TEE_UNKNOWN);
    assert_int_equal(sg_tee_store_knows(s, stranger, sg_tee_key_id(c->key)), SG_TEE_UNKNOWN);
}

static void test_the_next_expiry(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = empty();
    SG_CLEANUP(sg_buf_clear) struct sg_buf info = SG_BUF_INIT(65536), id = SG_BUF_INIT(65536);
    struct tk_tcb_info i = tk_tcb_info_good(&intel, false);
    struct tk_identity d = tk_identity_good(&intel, false);
    i.next_s = AT + 5 * DAY;
    d.next_s = AT + 3 * DAY;
    tk_tcb_info_json(&intel, &i, &info);
    tk_identity_json(&intel, &d, &id);
    assert_int_equal(sg_tee_store_next_expiry(s, AT), INT64_MAX);
    add(s, sg_buf_bytes(&info));
    add(s, sg_buf_bytes(&id));
    assert_int_equal(sg_tee_store_next_expiry(s, AT), AT + 3 * DAY);
    assert_int_equal(sg_tee_store_next_expiry(s, AT + 4 * DAY), AT + 5 * DAY);
    assert_int_equal(sg_tee_store_next_expiry(s, AT + 6 * DAY), INT64_MAX);
}

/* Members of a signed document: each wrong once. */
static void test_documents_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } changes[] = {
        {"\"version\":3", "\"version\":\"3\""},
        {"\"version\":3", "\"version\":3.0"},
        {"\"version\":3", "\"version\":3,\"version\":3"},
        {"\"issueDate\":\"20", "\"issueDate\":\"2O"},
        {"Z\",\"nextUpdate\"", "+00:00\",\"nextUpdate\""},
        {"\"tcbType\":0", "\"tcbType\":1"},
        {"\"pceId\":\"0000\"", "\"pceId\":\"000000\""},
        {"\"pceId\":\"0000\"", "\"pceId\":\"00\""},
        {"\"pceId\":\"0000\"", "\"pceId\":\"0g00\""},
        {"\"id\":\"SGX\"", "\"id\":\"SGY\""},
        {"{\"svn\":8},", ""},
        {"{\"svn\":8},", "{\"svn\":8},{\"svn\":8},"},
        {"{\"svn\":8}", "{\"svn\":256}"},
        {"{\"svn\":8}", "{\"svn\":-1}"},
        {"{\"svn\":8}", "{\"svn\":true}"},
        {"{\"svn\":8}", "{}"},
        {"{\"svn\":8}", "8"},
        {"\"pcesvn\":13", "\"pcesvn\":65536"},
        {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"uptodate\""},
        {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":[1]"},
        {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":\"x\""},
        {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":[\"\"]"},
        {"\"tcbDate\":\"2024-03-13", "\"tcbDate\":\"2024-02-30"},
        {"\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":4294967296"},
        {"\"tcbEvaluationDataNumber\":17", "\"x\":17"},
        {"\"tcbLevels\":[{", "\"tcbLevels\":[],\"other\":[{"},
    };
    SG_CLEANUP(sg_buf_clear) struct sg_buf info = SG_BUF_INIT(65536);
    const struct tk_tcb_info good = tk_tcb_info_good(&intel, false);
    tk_tcb_info_json(&intel, &good, &info);
    assert_int_equal(sg_buf_append_u8(&info, 0), 0);
    const char *text = (const char *)info.data;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
        struct sg_tee_intel_doc *d = NULL;
        const char *at = strstr(text, changes[i].from);
        if (!at)
            fail_msg("nothing like %s", changes[i].from);
        assert_int_equal(sg_buf_printf(&b, "%.*s%s%s", (int)(at - text), text, changes[i].to,
                                       at + strlen(changes[i].from)),
                         0);
        if (sg_tee_intel_doc_new(&d, sg_buf_bytes(&b)) != SG_TEE_DOC_BROKEN)
            fail_msg("taken: %s", changes[i].to);
    }
}

static void test_every_cut_of_a_document_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf info = SG_BUF_INIT(65536);
    const struct tk_tcb_info good = tk_tcb_info_good(&intel, true);
    struct sg_tee_intel_doc *d = NULL;
    tk_tcb_info_json(&intel, &good, &info);
    for (size_t n = 0; n < info.len; n++)
        assert_true(sg_tee_intel_doc_new(&d, SG_BYTES(info.data, n)) > 0);
    assert_int_equal(sg_tee_intel_doc_new(&d, sg_buf_bytes(&info)), 0);
    sg_tee_intel_doc_free(d);
}

static int init(void **state)
{
    (void)state;
    tk_intel_init(&intel, AT);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    tk_intel_clear(&intel);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_says_what_a_blob_is),
        cmocka_unit_test(test_all_in_one_object),
        cmocka_unit_test(test_text_of_der_and_byte_order_marks),
        cmocka_unit_test(test_other_things_are_passed_over),
        cmocka_unit_test(test_broken_things_are_told),
        cmocka_unit_test(test_a_root_must_be_one),
        cmocka_unit_test(test_the_vendors_roots_are_pinned),
        cmocka_unit_test(test_sealing_finds_who_signed_what),
        cmocka_unit_test(test_strangers_of_a_store_are_unknown_to_it),
        cmocka_unit_test(test_the_next_expiry),
        cmocka_unit_test(test_documents_are_read_strictly),
        cmocka_unit_test(test_every_cut_of_a_document_is_refused),
    };
    return cmocka_run_group_tests(tests, init, clear);
}
