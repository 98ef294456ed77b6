/*
 * The provider "tpm" live on swtpm, a TPM 2.0 in software that this test starts from its Debian
 * package and ends again.  Without it, or built without tss2, the test says so and is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "tpm-int.h"

#include <arpa/inet.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/tee/policy.h>
#include <sealgrid/tee/provider.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define AT INT64_C(1782864000)

extern char **environ;

static char dir[64], tcti[64];
static pid_t tpm = -1;

/* ---- swtpm ---- */

static bool bind_to(int fd, unsigned port)
{
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return bind(fd, (const struct sockaddr *)&a, sizeof a) == 0;
}

static unsigned port_of(int fd)
{
    struct sockaddr_in a = {0};
    socklen_t len = sizeof a;
    return getsockname(fd, (struct sockaddr *)&a, &len) == 0 ? ntohs(a.sin_port) : 0;
}

/* Two neighbours: swtpm's commands and its control; 0: none found. */
static unsigned free_ports(void)
{
    for (int i = 0; i < 50; i++) {
        SG_CLOSE int a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        SG_CLOSE int b = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (a >= 0 && b >= 0 && bind_to(a, 0) && port_of(a) < 65535 && bind_to(b, port_of(a) + 1))
            return port_of(a);
    }
    return 0;
}

static bool answers(unsigned port)
{
    SG_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof a) == 0;
}

/* Another process: there is no clock of ours to turn. */
static bool wait_for(unsigned port)
{
    for (int i = 0; i < 200; i++) {
        if (answers(port))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return false;
}

static int start(void **state)
{
    char place[96], server[64], control[64];
    (void)state;
    const unsigned port = free_ports();
    strcpy(dir, "/tmp/sg-test-tpm-XXXXXX");
    if (!mkdtemp(dir) || !port)
        return -1;
    snprintf(place, sizeof place, "dir=%s", dir);
    snprintf(server, sizeof server, "type=tcp,port=%u,disconnect", port);
    snprintf(control, sizeof control, "type=tcp,port=%u", port + 1);
    snprintf(tcti, sizeof tcti, "swtpm:port=%u", port);
    const char *argv[] = {"swtpm",
                          "socket",
                          "--tpm2",
                          "--tpmstate",
                          place,
                          "--server",
                          server,
                          "--ctrl",
                          control,
                          "--flags",
                          "not-need-init,startup-clear",
                          NULL};
    if (posix_spawnp(&tpm, "swtpm", NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0) {
        tpm = -1;
        printf("skipped: swtpm is not installed\n");
        return 0;
    }
    if (!wait_for(port + 1)) {
        printf("skipped: swtpm does not come up\n");
        kill(tpm, SIGKILL);
        waitpid(tpm, NULL, 0);
        tpm = -1;
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    if (tpm > 0) {
        kill(tpm, SIGTERM);
        waitpid(tpm, NULL, 0);
    }
    return sg_remove_tree(dir);
}

static struct sg_tee_provider *open_provider(void)
{
    struct sg_tee_provider *p = NULL;
    if (tpm < 0)
        skip();
    const int r = sg_tee_provider_open(&p, "tpm", tcti);
    if (r == -ENOTSUP) {
        printf("skipped: built without tss2\n");
        skip();
    }
    if (r < 0)
        fail_msg("%s", sg_error_trace());
    return p;
}

/* ---- tests ---- */

static void key_of(struct sg_bytes evidence, struct sg_bytes *ret)
{
    const struct sg_tee_evidence packed = {.part[SG_TEE_PART_REPORT] = evidence};
    struct sg_tee_evidence parts;
    assert_true(sg_tpm_unpack(&packed, &parts));
    *ret = parts.part[SG_TEE_PART_TPM_KEY];
}

static struct sg_tee_verdict judge(struct sg_bytes evidence, struct sg_bytes root,
                                   const uint8_t report_data[64])
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = evidence};
    struct sg_tee_policy p = sg_tee_policy_default();
    struct sg_tee_verdict v;
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    if (root.len)
        assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_TPM, root), 0);
    assert_int_equal(sg_tee_store_seal(s), 0);
    const struct sg_tee_case c = {.evidence = &e, .store = s, .at_s = AT};
    assert_int_equal(sg_tee_judge(&c, &v), 0);
    p.report_data = report_data;
    p.at_s = AT;
    sg_tee_apply(&p, &v);
    return v;
}

/* SubjectPublicKeyInfo of a TPM2B_PUBLIC of P-256: what an operator pins. */
static void spki_of(struct sg_bytes public, struct sg_buf *ret)
{
    static const struct sg_bytes head = SG_BYTES_LIT(
        "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01"
        "\x07\x03\x42\x00\x04");
    assert_true(public.len > 68);
    const uint8_t *end = public.data + public.len;
    assert_int_equal(sg_load_be16(end - 34), 32);
    assert_int_equal(sg_load_be16(end - 68), 32);
    assert_int_equal(sg_buf_append(ret, head), 0);
    assert_int_equal(sg_buf_append(ret, SG_BYTES(end - 66, 32)), 0);
    assert_int_equal(sg_buf_append(ret, SG_BYTES(end - 32, 32)), 0);
}

static void test_a_quote_of_a_living_tpm_is_trusted(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *p = open_provider();
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(256);
    const uint8_t mine[64] = {4, 5, 6}, other[64] = {0};
    struct sg_bytes key;
    assert_int_equal(sg_tee_provider_kind(p), SG_TEE_TPM);
    assert_int_equal(sg_tee_evidence(p, mine, &b), 0);
    key_of(sg_buf_bytes(&b), &key);
    spki_of(key, &spki);
    const struct sg_tee_verdict v = judge(sg_buf_bytes(&b), sg_buf_bytes(&spki), mine);
    if (!sg_tee_trusted(&v))
        fail_msg("refused: %s", sg_tee_reason_name(v.reasons.at[0]));
    assert_int_equal(v.kind, SG_TEE_TPM);
    const struct sg_tee_verdict replayed = judge(sg_buf_bytes(&b), sg_buf_bytes(&spki), other);
    assert_int_equal(replayed.reasons.at[0], SG_TEE_REASON_REPORT_DATA);
    const struct sg_tee_verdict unbound = judge(sg_buf_bytes(&b), SG_BYTES_NONE, mine);
    assert_int_equal(unbound.reasons.at[0], SG_TEE_REASON_TPM_AK_UNBOUND);
    for (size_t n = 0; n < b.len; n++) {
        const struct sg_tee_verdict cut = judge(SG_BYTES(b.data, n), sg_buf_bytes(&spki), mine);
        assert_false(sg_tee_trusted(&cut));
    }
}

static void test_the_key_is_the_same_at_every_start(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf a = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    const uint8_t data[64] = {1};
    struct sg_bytes first, second;
    struct sg_tee_provider *p = open_provider();
    assert_int_equal(sg_tee_evidence(p, data, &a), 0);
    sg_tee_provider_free(p);
    p = open_provider();
    assert_int_equal(sg_tee_evidence(p, data, &b), 0);
    sg_tee_provider_free(p);
    key_of(sg_buf_bytes(&a), &first);
    key_of(sg_buf_bytes(&b), &second);
    assert_true(sg_bytes_equal(first, second));
    assert_false(sg_bytes_equal(sg_buf_bytes(&a), sg_buf_bytes(&b))); /* the clock went on */
}

static void test_no_keys_are_derived(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *p = open_provider();
    struct sg_secret key = {0};
    assert_int_equal(sg_tee_sealing_key(p, SG_TEE_SEAL_PLATFORM, "x", &key), -ENOTSUP);
}

static void test_no_tpm_there(void **state)
{
    (void)state;
    struct sg_tee_provider *p = open_provider();
    sg_tee_provider_free(p);
    p = NULL;
    setenv("TSS2_LOG", "all+none", 1);
    assert_int_equal(sg_tee_provider_open(&p, "tpm", "swtpm:port=1"), -EIO);
    assert_null(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quote_of_a_living_tpm_is_trusted),
        cmocka_unit_test(test_the_key_is_the_same_at_every_start),
        cmocka_unit_test(test_no_keys_are_derived),
        cmocka_unit_test(test_no_tpm_there),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
