/* configfs-tsm imitated: folders and files on a disk, and between them and the provider what a
 * kernel does when a folder is made and a file written or read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "provider-attr-int.h"
#include "tsm-int.h"

#include <dirent.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/tee/evidence.h>
#include <stdio.h>
#include <sys/stat.h>

static char dir[64];

/* What the imitated kernel does. */
static struct {
    const char *provider; /* NULL: there is none, mkdir fails */
    int privlevel_floor;  /* -1: an older kernel, without the file */
    unsigned other_writes_before,
        other_writes_after; /* of a stranger, around our inblob; times left */
    bool write_is_lost;     /* the failure comes at close, where nobody hears of it */
    int read_fails;         /* errno of reading outblob */
    unsigned busy;          /* reads that say EWOULDBLOCK */
    bool stale;             /* the report of another request */
    size_t too_long;        /* octets more than a report has */
    struct sg_bytes table;  /* the host's certificates; no octets: an empty file */
    bool no_table;          /* no such file */
    unsigned requests, levels;
} kernel;

static uint8_t inblob[SG_TEE_REPORT_DATA_LEN];
static uint64_t generation;

static void put_file(const char *folder, const char *name, struct sg_bytes value)
{
    char path[SG_ATTR_PATH_MAX];
    assert_int_equal(sg_attr_path(path, folder, name), 0);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    if (value.len)
        assert_int_equal(fwrite(value.data, 1, value.len, f), value.len);
    assert_int_equal(fclose(f), 0);
}

static void put_generation(const char *folder)
{
    char text[24];
    const int n = snprintf(text, sizeof text, "%llu\n", (unsigned long long)generation);
    put_file(folder, "generation", SG_BYTES(text, (size_t)n));
}

static int make(const char *folder)
{
    char text[24];
    if (!kernel.provider)
        return sg_raise(-ENXIO);
    kernel.requests++;
    generation = 0;
    int r = sg_tsm_kernel.make(folder);
    if (r < 0)
        return r;
    snprintf(text, sizeof text, "%s\n", kernel.provider);
    put_file(folder, "provider", sg_bytes_str(text));
    put_file(folder, "inblob", SG_BYTES_NONE);
    put_file(folder, "privlevel", SG_BYTES_NONE);
    put_generation(folder);
    if (kernel.privlevel_floor >= 0) {
        snprintf(text, sizeof text, "%d\n", kernel.privlevel_floor);
        put_file(folder, "privlevel_floor", sg_bytes_str(text));
    }
    return 0;
}

static int drop(const char *folder)
{
    return sg_remove_tree(folder);
}

/* The report is made when it is read; here as well when the request is written. */
static void put_report(const char *folder)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf report = SG_BUF_INIT(65536);
    const bool tdx = strcmp(kernel.provider, "tdx_guest") == 0;
    const size_t at = tdx ? 48 + 520 : 0x50;
    assert_int_equal(sg_buf_append_zeros(&report, 1184 + kernel.too_long), 0);
    report.data[0] = tdx ? 4 : 3;
    memcpy(report.data + at, inblob, sizeof inblob);
    report.data[at] ^= kernel.stale;
    put_file(folder, "outblob", sg_buf_bytes(&report));
    if (!kernel.no_table)
        put_file(folder, "auxblob", kernel.table);
}

static bool happens(unsigned *times)
{
    return *times > 0 && (*times)--;
}

static int write_attr(const char *folder, const char *name, struct sg_bytes value)
{
    int r = sg_attr_write(folder, name, value);
    if (r < 0)
        return r;
    kernel.levels += strcmp(name, "privlevel") == 0;
    if (strcmp(name, "inblob") == 0) {
        assert_int_equal(value.len, sizeof inblob);
        memcpy(inblob, value.data, sizeof inblob);
        put_report(folder);
        generation += happens(&kernel.other_writes_before);
    }
    generation += !kernel.write_is_lost;
    put_generation(folder);
    return 0;
}

static int read_attr(const char *folder, const char *name, struct sg_buf *ret)
{
    int r = sg_attr_read(folder, name, ret);
    if (r < 0 || strcmp(name, "outblob") != 0)
        return r;
    if (kernel.read_fails)
        return sg_raise(-kernel.read_fails);
    if (happens(&kernel.busy))
        return sg_raise(-EWOULDBLOCK);
    generation += happens(&kernel.other_writes_after);
    put_generation(folder);
    return 0;
}

/* What the firmware was asked for, and what it says. */
static struct {
    uint64_t fields;
    uint32_t vmpl;
    uint8_t status, key;
    int fails; /* errno */
} firmware;

static int snp_key(uint64_t fields, uint32_t vmpl, uint8_t ret[SG_SNP_KEY_REPLY])
{
    firmware.fields = fields;
    firmware.vmpl = vmpl;
    if (firmware.fails)
        return sg_raise(-firmware.fails);
    ret[0] = firmware.status;
    memset(ret + 32, firmware.key, 32);
    return 0;
}

static const struct sg_tsm_io io = {make, drop, write_attr, read_attr, snp_key};

/* ---- tests ---- */

static int set_up(void **state)
{
    (void)state;
    memset(&kernel, 0, sizeof kernel);
    memset(&firmware, 0, sizeof firmware);
    kernel.provider = "sev_guest";
    kernel.privlevel_floor = -1;
    strcpy(dir, "/tmp/sg-test-tsm-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

/* Nothing is left behind, whatever happened. */
static int tear_down(void **state)
{
    (void)state;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));)
        assert_int_equal(e->d_name[0], '.');
    closedir(d);
    return sg_remove_tree(dir);
}

static int get(uint8_t first, struct sg_buf *ret)
{
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *p = NULL;
    const uint8_t report_data[SG_TEE_REPORT_DATA_LEN] = {first, 2, 3};
    assert_int_equal(sg_tsm_provider_open(&p, dir, &io), 0);
    return sg_tee_evidence(p, report_data, ret);
}

static int get_once(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    const int r = get(1, &b);
    assert_int_equal(b.len, r ? 0 : 1184); /* untouched on failure */
    return r;
}

static void test_names_tell_the_kind(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum sg_tee_kind kind;
    } known[] = {
        {"sev_guest", SG_TEE_SNP}, {"tdx_guest", SG_TEE_TDX}, {"arm_cca_guest", SG_TEE_CCA}};
    struct sg_tee_provider *p;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        kernel.provider = known[i].name;
        assert_int_equal(sg_tsm_provider_open(&p, dir, &io), 0);
        assert_int_equal(sg_tee_provider_kind(p), known[i].kind);
        sg_tee_provider_free(p);
    }
    kernel.provider = "sev_guest2";
    assert_int_equal(sg_tsm_provider_open(&p, dir, &io), -ENOTSUP);
    kernel.provider = NULL;
    assert_int_equal(sg_tsm_provider_open(&p, dir, &io), -ENXIO);
}

static void test_evidence_holds_the_report_data(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    assert_int_equal(sg_buf_append_u8(&b, 0xee), 0); /* appended behind what is there */
    assert_int_equal(get(7, &b), 0);
    assert_int_equal(b.len, 1 + 1184);
    assert_int_equal(b.data[1 + 0x50], 7);
    kernel.provider = "tdx_guest";
    sg_buf_reset(&b);
    assert_int_equal(get(9, &b), 0);
    assert_int_equal(b.data[48 + 520], 9);
    kernel.provider = "arm_cca_guest";
    assert_int_equal(get_once(), 0);
}

/* One entry: a VCEK of four octets. */
static const uint8_t one_certificate[52] = {
    0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4,        0xb9, 0x3b, 0xe8,
    0xac, 0xcd, 48,   0,    0,    0,    4,    0,    0,    0,    [48] = 0x30, 2,    5,    0};

static void test_the_hosts_certificates_come_along(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    struct sg_tee_evidence e;
    kernel.table = SG_BYTES_ARRAY(one_certificate);
    assert_int_equal(get(7, &b), 0);
    assert_int_equal(sg_tee_evidence_decode(sg_buf_bytes(&b), &e), 0);
    assert_int_equal(e.part[SG_TEE_PART_REPORT].len, 1184);
    assert_int_equal(e.part[SG_TEE_PART_REPORT].data[0x50], 7);
    assert_memory_equal(e.part[SG_TEE_PART_CERTIFICATES].data,
                        "-----BEGIN CERTIFICATE-----\nMAIFAA==\n", 37);
    assert_int_equal(sg_tee_recognise(&e), SG_TEE_SNP);
    /* A quote of TDX is as it was. */
    kernel.provider = "tdx_guest";
    sg_buf_reset(&b);
    assert_int_equal(get(7, &b), 0);
    assert_int_equal(b.len, 1184);
}

static void test_a_host_without_certificates(void **state)
{
    (void)state;
    kernel.table = SG_BYTES(one_certificate + 24, 24); /* an end without entries */
    assert_int_equal(get_once(), 0);
    kernel.no_table = true;
    assert_int_equal(get_once(), 0);
}

static void test_a_table_that_points_outside(void **state)
{
    (void)state;
    kernel.table = SG_BYTES(one_certificate, 51);
    assert_int_equal(get_once(), -EBADMSG);
    kernel.table = SG_BYTES(one_certificate, 30);
    assert_int_equal(get_once(), -EBADMSG);
}

static void test_the_lowest_level_allowed_is_asked_for(void **state)
{
    (void)state;
    kernel.privlevel_floor = 0;
    assert_int_equal(get_once(), 0);
    assert_int_equal(kernel.levels, 0);
    kernel.privlevel_floor = 2;
    assert_int_equal(get_once(), 0);
    assert_int_equal(kernel.levels, 1);
}

static void test_a_raced_request_comes_again(void **state)
{
    (void)state;
    kernel.other_writes_before = 2;
    assert_int_equal(get_once(), 0);
    assert_int_equal(kernel.requests, 1 + 3); /* one asks for the provider's name */
    kernel.other_writes_after = 3;
    assert_int_equal(get_once(), 0);
    kernel.busy = 1;
    assert_int_equal(get_once(), 0);
}

static void test_a_race_that_never_ends(void **state)
{
    (void)state;
    kernel.other_writes_after = 1000;
    assert_int_equal(get_once(), -EAGAIN);
    kernel.other_writes_after = 0;
    kernel.busy = 1000;
    assert_int_equal(get_once(), -EAGAIN);
}

static void test_a_write_that_was_lost(void **state)
{
    (void)state;
    kernel.write_is_lost = true;
    assert_int_equal(get_once(), -EAGAIN);
}

static void test_reads_that_fail(void **state)
{
    (void)state;
    static const int failures[] = {EINVAL, EFBIG, EIO, ETIMEDOUT, ENXIO};
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        kernel.read_fails = failures[i];
        kernel.requests = 0;
        assert_int_equal(get_once(), -failures[i]);
        assert_int_equal(kernel.requests, 1 + 1);
    }
}

static void test_evidence_over_other_data_is_not_handed_out(void **state)
{
    (void)state;
    kernel.stale = true;
    assert_int_equal(get_once(), -EBADMSG);
    kernel.provider = "tdx_guest";
    assert_int_equal(get_once(), -EBADMSG);
    kernel.provider = "arm_cca_guest";
    assert_int_equal(get_once(), -EBADMSG);
}

static void test_evidence_that_is_too_long(void **state)
{
    (void)state;
    kernel.too_long = SG_TEE_EVIDENCE_MAX;
    assert_int_equal(get_once(), -EFBIG);
}

static int derive(enum sg_tee_seal policy, const char *label, struct sg_secret *ret)
{
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *p = NULL;
    assert_int_equal(sg_tsm_provider_open(&p, dir, &io), 0);
    return sg_tee_sealing_key(p, policy, label, ret);
}

static void test_keys_of_an_snp_guest(void **state)
{
    (void)state;
    SG_CLEANUP(sg_secret_clear) struct sg_secret a = SG_SECRET_INIT, b = SG_SECRET_INIT;
    SG_CLEANUP(sg_secret_clear) struct sg_secret other = SG_SECRET_INIT, label = SG_SECRET_INIT;
    kernel.privlevel_floor = 2;
    firmware.key = 0x42;
    assert_int_equal(derive(SG_TEE_SEAL_MEASUREMENT, "x", &a), 0);
    assert_int_equal(firmware.fields, 0xf); /* policy, image, family, measurement */
    assert_int_equal(firmware.vmpl, 2);
    assert_int_equal(derive(SG_TEE_SEAL_MEASUREMENT, "x", &b), 0);
    assert_true(sg_secret_equal(sg_secret_bytes(&a), sg_secret_bytes(&b)));
    assert_int_equal(derive(SG_TEE_SEAL_MEASUREMENT, "y", &label), 0);
    assert_false(sg_secret_equal(sg_secret_bytes(&a), sg_secret_bytes(&label)));
    firmware.key = 0x43;
    assert_int_equal(derive(SG_TEE_SEAL_MEASUREMENT, "x", &other), 0);
    assert_false(sg_secret_equal(sg_secret_bytes(&a), sg_secret_bytes(&other)));
}

static void test_keys_that_are_none(void **state)
{
    (void)state;
    SG_CLEANUP(sg_secret_clear) struct sg_secret key = SG_SECRET_INIT;
    assert_int_equal(derive(SG_TEE_SEAL_MEASUREMENT, "x", &key), -EIO); /* zeros */
    firmware.key = 0x42;
    firmware.status = 0x16;
    assert_int_equal(derive(SG_TEE_SEAL_MEASUREMENT, "x", &key), -EIO);
    assert_non_null(strstr(sg_error_trace(), "status 0x16"));
    firmware.status = 0;
    firmware.fails = ENOTTY;
    assert_int_equal(derive(SG_TEE_SEAL_MEASUREMENT, "x", &key), -ENOTTY);
    firmware.fails = 0;
    /* Anybody's guest on this chip could ask for it. */
    assert_int_equal(derive(SG_TEE_SEAL_PLATFORM, "x", &key), -ENOTSUP);
    assert_int_equal(key.len, 0);
}

static void test_kinds_without_keys_say_where_to_get_one(void **state)
{
    (void)state;
    SG_CLEANUP(sg_secret_clear) struct sg_secret key = SG_SECRET_INIT;
    static const char *const names[] = {"tdx_guest", "arm_cca_guest"};
    for (size_t i = 0; i < 2; i++) {
        kernel.provider = names[i];
        assert_int_equal(derive(SG_TEE_SEAL_MEASUREMENT, "x", &key), -ENOTSUP);
        assert_non_null(strstr(sg_error_trace(), "TPM"));
    }
}

static void test_a_machine_without_it(void **state)
{
    (void)state;
    struct sg_tee_provider *p = NULL;
    assert_int_equal(sg_tee_provider_open(&p, "tsm", "/nowhere/tsm/report"), -ENOENT);
    assert_null(p);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names_tell_the_kind),
        TEST(test_evidence_holds_the_report_data),
        TEST(test_the_hosts_certificates_come_along),
        TEST(test_a_host_without_certificates),
        TEST(test_a_table_that_points_outside),
        TEST(test_the_lowest_level_allowed_is_asked_for),
        TEST(test_a_raced_request_comes_again),
        TEST(test_a_race_that_never_ends),
        TEST(test_a_write_that_was_lost),
        TEST(test_reads_that_fail),
        TEST(test_evidence_over_other_data_is_not_handed_out),
        TEST(test_evidence_that_is_too_long),
        TEST(test_keys_of_an_snp_guest),
        TEST(test_keys_that_are_none),
        TEST(test_kinds_without_keys_say_where_to_get_one),
        TEST(test_a_machine_without_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
