#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../libs/billing/test-fixture.c"

#include "commands.h"
#include "folder.h"
#include "inputs.h"
#include "seal.h"
#include "summary.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#include <ftw.h>
#include <unistd.h>

/* The commands over files, as the two sides of an audit would use them. */

#define TARIFF "apps/bill/tariffs/b1-white.yaml"

static struct fixture f;
static char dir[] = "/tmp/sealgrid-commands-XXXXXX";

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

/* DIR/leaf, in one of a few rooms so that several stand in a command line. */
static const char *at(const char *leaf)
{
    static char room[16][128];
    static unsigned next;
    char *path = room[next++ % 16];

    snprintf(path, sizeof(room[0]), "%s/%s", dir, leaf);
    return path;
}

static int put(const char *leaf, struct sg_bytes octets)
{
    return sg_file_write_atomic(at(leaf), octets, 0600);
}

static int put_authority(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(1 << 20);
    int r = sg_cert_pem(f.root, &pem);

    if (!r)
        r = sg_cert_pem(f.ca, &pem);
    if (!r)
        r = put("keys.pem", sg_buf_bytes(&pem));
    if (!r)
        r = sg_installations_write(f.installations.records, f.installations.n, &json);
    return r ? r : put("installations.json", sg_buf_bytes(&json));
}

static int make(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    int r = mkdtemp(dir) ? fx_make(&f) : -1;

    if (!r)
        r = sg_bill_write(&f.bill, &json);
    if (!r)
        r = put("bill.json", sg_buf_bytes(&json));
    if (!r)
        r = put("evidence.cbor", sg_buf_bytes(&f.evidence));
    return r ? r : put_authority();
}

static int clear(void **state)
{
    (void)state;
    fx_clear(&f);
    return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

#define RUN(command, ...) run(command, (const char *const[]){"command", __VA_ARGS__, NULL})

static int run(int (*command)(int argc, char **argv), const char *const *args)
{
    char *argv[32];
    int argc = 0, r;

    for (; args[argc]; argc++)
        argv[argc] = strdup(args[argc]);
    argv[argc] = NULL;
    char *own[32];
    memcpy(own, argv, sizeof(own)); /* options are permuted */
    r = command(argc, argv);
    for (int i = 0; i < argc; i++)
        free(own[i]);
    return r;
}

static int prove(const char *rfc3339)
{
    return RUN(command_prove_reading, "--bill", at("bill.json"), "--evidence", at("evidence.cbor"),
               "--tariff", TARIFF, "--at", rfc3339, "--out", at("proof"));
}

static int check(const char *bill, const char *proof)
{
    return RUN(command_check_reading, "--bill", bill, "--proof", proof, "--installations",
               at("installations.json"), "--keys", at("keys.pem"), "--tariff", TARIFF, "--json");
}

static size_t size_of(const char *leaf)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 24);
    assert_int_equal(sg_file_read(at(leaf), &b), 0);
    return b.len;
}

static void a_reading_is_proved_and_checked(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf proof = SG_BUF_INIT(4096);

    assert_int_equal(prove("2026-09-01T21:15:00Z"), 0);
    assert_true(size_of("proof") <= 2048);
    assert_int_equal(check(at("bill.json"), at("proof")), 0);
    assert_int_equal(sg_file_read(at("proof"), &proof), 0);
    proof.data[proof.len - 1] ^= 1;
    assert_int_equal(put("doctored", sg_buf_bytes(&proof)), 0);
    assert_int_equal(check(at("bill.json"), at("doctored")), EXIT_FINDINGS);
    assert_int_equal(check(at("bill.json"), at("bill.json")), EXIT_UNUSABLE);
    assert_int_equal(prove("2026-10-01T21:15:00Z"), EXIT_UNUSABLE); /* not on this bill */
    assert_int_equal(prove("yesterday"), EXIT_UNUSABLE);
}

/* Runs with what it prints in a file. */
static int captured(const char *leaf, int (*command)(int argc, char **argv),
                    const char *const *args)
{
    fflush(stdout);
    int old = dup(STDOUT_FILENO);
    assert_non_null(freopen(at(leaf), "w", stdout));
    int r = run(command, args);
    fflush(stdout);
    assert_true(dup2(old, STDOUT_FILENO) >= 0);
    close(old);
    return r;
}

static void read_hash(const char *leaf, char ret[65])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);

    assert_int_equal(sg_file_read(at(leaf), &b), 0);
    assert_true(b.len >= 65);
    memcpy(ret, b.data, 64);
    ret[64] = 0;
}

static int respond(const char *hash)
{
    return RUN(command_respond, "--bill", at("bill.json"), "--evidence", at("evidence.cbor"),
               "--challenge", at("challenge"), "--nonce-hash", hash, "--tariff", TARIFF, "--out",
               at("response"));
}

static int judge(const char *response)
{
    return RUN(command_judge, "--bill", at("bill.json"), "--challenge", at("challenge"),
               "--response", response, "--installations", at("installations.json"), "--keys",
               at("keys.pem"), "--tariff", TARIFF, "--json");
}

static void a_sample_goes_from_nonce_to_statement(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf response = SG_BUF_INIT(1 << 24);
    char hash[65];

    assert_int_equal(captured("nonce-hash", command_nonce,
                              (const char *const[]){"nonce", "--out", at("nonce"), NULL}),
                     0);
    read_hash("nonce-hash", hash);
    assert_int_equal(RUN(command_commitment, "--bill", at("bill.json")), 0);
    assert_int_equal(RUN(command_draw, "--bill", at("bill.json"), "--nonce", at("nonce"),
                         "--confidence", "95", "--misstatement", "2.5", "--out", at("challenge")),
                     0);
    assert_int_equal(respond(hash), 0);
    assert_int_equal(judge(at("response")), 0);
    hash[0] = hash[0] == '0' ? '1' : '0';
    assert_int_equal(respond(hash), EXIT_FINDINGS); /* another nonce than was announced */
    assert_int_equal(sg_file_read(at("response"), &response), 0);
    response.data[response.len - 40] ^= 1;
    assert_int_equal(put("response2", sg_buf_bytes(&response)), 0);
    assert_int_equal(judge(at("response2")), EXIT_FINDINGS);
    assert_int_equal(RUN(command_draw, "--bill", at("bill.json"), "--nonce", at("nonce"),
                         "--confidence", "100", "--out", at("challenge")),
                     EXIT_UNUSABLE);
}

/* ---- a dishonest expert ---------------------------------------------------------------------- */

static void put_key(const char *leaf, const struct sg_key *key)
{
    const struct sg_cert_request req = {.common_name = leaf,
                                        .not_before_s = FX_FROM,
                                        .not_after_s = FX_FROM + 86400,
                                        .path_len = -1};
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(1 << 16);

    assert_int_equal(sg_cert_issue(&cert, &req, key, NULL, key), 0);
    assert_int_equal(sg_cert_pem(cert, &pem), 0);
    assert_int_equal(put(leaf, sg_buf_bytes(&pem)), 0);
}

static void seal(const char *leaf, const struct sg_key *key, struct sg_bytes payload)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(1 << 20);

    assert_int_equal(seal_put(&message, key, payload), 0);
    assert_int_equal(put(leaf, sg_buf_bytes(&message)), 0);
}

static int verify(const char *report, const char *auditor, const char *option, const char *value)
{
    return RUN(command_verify_report, "--report", at(report), "--auditor", at(auditor), option,
               value);
}

static void hash_of(const char *leaf, uint8_t ret[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 24);

    assert_int_equal(sg_file_read(at(leaf), &b), 0);
    sg_sha256(ret, sg_buf_bytes(&b));
}

/* A report of one bill shown for another, under another's name, changed, or about a folder that has
 * other bills by now. */
static void a_report_is_about_what_it_is_about(void **state)
{
    (void)state;
    SG_CLEANUP(sg_key_freep) struct sg_key *auditor = NULL;
    SG_CLEANUP(sg_key_freep) struct sg_key *other = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf payload = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf items = SG_BUF_INIT(1 << 20);
    struct verdict v = {.basis = {.tool = "t"}, .client = FX_CLIENT, .ok = true};
    struct summary_item item = {
        .name = SG_BYTES_LIT("3000000001/2026-09"), .has_bill = true, .has_evidence = true};

    assert_int_equal(sg_key_generate(&auditor, SG_KEY_P256), 0);
    assert_int_equal(sg_key_generate(&other, SG_KEY_P256), 0);
    put_key("auditor.pem", auditor);
    put_key("other.pem", other);
    hash_of("bill.json", v.bill_file);
    hash_of("bill.json", item.bill_file);
    assert_int_equal(verdict_encode(&v, &payload), 0);
    seal("report", auditor, sg_buf_bytes(&payload));
    assert_int_equal(verify("report", "auditor.pem", "--bill", at("bill.json")), 0);
    assert_int_equal(verify("report", "auditor.pem", "--bill", at("keys.pem")), EXIT_FINDINGS);
    assert_int_equal(verify("report", "other.pem", "--bill", at("bill.json")), EXIT_FINDINGS);
    assert_int_equal(verify("report", "auditor.pem", "--dir", dir), EXIT_FINDINGS);
    assert_int_equal(verify("bill.json", "auditor.pem", "--bill", at("bill.json")), EXIT_UNUSABLE);

    assert_int_equal(sg_mkdir_p(at("city/bill/3000000001"), 0700), 0);
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(1 << 24);
    assert_int_equal(sg_file_read(at("bill.json"), &json), 0);
    assert_int_equal(put("city/bill/3000000001/2026-09.json", sg_buf_bytes(&json)), 0);
    assert_int_equal(summary_put_item(&items, &item), 0);
    struct summary s = {.basis = {.tool = "t"}, .bills = 1, .items = sg_buf_bytes(&items)};
    sg_buf_reset(&payload);
    assert_int_equal(summary_encode(&s, &payload), 0);
    seal("summary", auditor, sg_buf_bytes(&payload));
    assert_int_equal(verify("summary", "auditor.pem", "--dir", at("city")), 0);
    assert_int_equal(verify("summary", "auditor.pem", "--bill", at("bill.json")), 0);
    assert_int_equal(verify("summary", "auditor.pem", "--bill", at("keys.pem")), EXIT_FINDINGS);
    assert_int_equal(put("city/bill/3000000001/2026-10.json", sg_buf_bytes(&json)), 0);
    assert_int_equal(verify("summary", "auditor.pem", "--dir", at("city")), EXIT_FINDINGS);
    assert_int_equal(remove(at("city/bill/3000000001/2026-10.json")), 0);
    json.data[json.len / 2] ^= 1;
    assert_int_equal(put("city/bill/3000000001/2026-09.json", sg_buf_bytes(&json)), 0);
    assert_int_equal(verify("summary", "auditor.pem", "--dir", at("city")), EXIT_FINDINGS);
}

/* He audits by records of his own making: the report says by which. */
static void an_expert_cannot_hide_what_he_looked_at(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(1 << 20);
    const struct sg_conf_list none = {NULL, 0};
    struct inputs right = {.tariff = NULL}, own = {.tariff = NULL};

    f.installations.records[0].ratio_num = 40;
    assert_int_equal(sg_installations_write(f.installations.records, f.installations.n, &json), 0);
    f.installations.records[0].ratio_num = 1;
    assert_int_equal(put("own.json", sg_buf_bytes(&json)), 0);
    assert_int_equal(inputs_installations(&right, at("installations.json"), &none), 0);
    assert_int_equal(inputs_installations(&own, at("own.json"), &none), 0);
    assert_memory_not_equal(right.basis.installations, own.basis.installations, 32);
    inputs_clear(&right);
    inputs_clear(&own);
}

/* Two versions of one tariff: a bill would pass by the older, dearer one. */
static void a_tariff_has_one_version(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf yaml = SG_BUF_INIT(1 << 20);
    char *paths[] = {(char *)(uintptr_t)TARIFF, (char *)(uintptr_t)at("older.yaml")};
    const struct sg_conf_list both = {paths, 2}, one = {paths, 1};
    struct inputs in = {.tariff = NULL};

    assert_int_equal(sg_file_read(TARIFF, &yaml), 0);
    assert_int_equal(sg_buf_append(&yaml, SG_BYTES_LIT("# older\n")), 0);
    assert_int_equal(put("older.yaml", sg_buf_bytes(&yaml)), 0);
    assert_int_equal(inputs_tariffs(&in, &one), 0);
    assert_int_equal(in.basis.n_tariffs, 1);
    inputs_clear(&in);
    in = (struct inputs){.tariff = NULL};
    assert_int_equal(inputs_tariffs(&in, &both), EXIT_UNUSABLE);
    inputs_clear(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reading_is_proved_and_checked),
        cmocka_unit_test(a_sample_goes_from_nonce_to_statement),
        cmocka_unit_test(a_report_is_about_what_it_is_about),
        cmocka_unit_test(an_expert_cannot_hide_what_he_looked_at),
        cmocka_unit_test(a_tariff_has_one_version),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
