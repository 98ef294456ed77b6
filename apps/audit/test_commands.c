#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../libs/billing/test-fixture.c"

#include "commands.h"
#include "inputs.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reading_is_proved_and_checked),
        cmocka_unit_test(a_sample_goes_from_nonce_to_statement),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
