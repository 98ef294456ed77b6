#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include <sealgrid/base/file.h>
#include <sealgrid/kv.h>

#include "fleet.h"

static char start[] = "2026-09-01T03:00:00Z";

static struct sim_params small(void)
{
    return (struct sim_params){.meters = 8,
                               .days = 3,
                               .interval = 900,
                               .seed = 5,
                               .start = start,
                               .rsa_percent = 10,
                               .single_percent = 30,
                               .single_days = 1};
}

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Numbers have their digits and belong to one meter each; another seed gives other ones. */
static void identities(void **state)
{
    (void)state;
    struct sim_params p = small();
    enum { N = 20000 };
    static int64_t id[N], serial_of[N];
    for (uint32_t i = 0; i < N; i++) {
        char serial[SG_BLOCK_SERIAL_MAX + 1];
        id[i] = sim_client_id(&p, i);
        assert_true(id[i] >= 3000000000 && id[i] <= 3999999999);
        sim_serial(&p, i, serial);
        assert_int_equal(strlen(serial), 8);
        serial_of[i] = strtol(serial, NULL, 10);
    }
    const int64_t first = id[0];
    qsort(id, N, sizeof(id[0]), by_value);
    qsort(serial_of, N, sizeof(serial_of[0]), by_value);
    for (int i = 1; i < N; i++)
        assert_true(id[i] != id[i - 1] && serial_of[i] != serial_of[i - 1]);
    p.seed++;
    assert_true(sim_client_id(&p, 0) != first);
}

static void mix(void **state)
{
    (void)state;
    struct sim_params p = small();
    unsigned rsa = 0, single = 0;
    p.rsa_percent = 20;
    p.single_percent = 10;
    for (uint32_t i = 0; i < 1000; i++) {
        rsa += sim_signs_rsa(&p, i);
        single += sim_sends_single(&p, i);
        assert_false(sim_signs_rsa(&p, i) && sim_sends_single(&p, i));
    }
    assert_int_equal(rsa, 200);
    assert_int_equal(single, 100);
}

/* Every reading is in exactly one block, in order. */
static void blocks_cover(void **state)
{
    (void)state;
    const struct sim_params p = small();
    struct sim_fleet f;
    assert_int_equal(sim_fleet_init(&f, &p), 0);
    for (uint32_t i = 0; i < 8; i++) {
        uint64_t next = 0, first;
        uint32_t count;
        for (uint32_t b = 0; b < sim_block_count(&f, i); b++) {
            sim_block_range(&f, i, b, &first, &count);
            assert_int_equal(first, next);
            next += count;
        }
        assert_int_equal(next, 3 * 96);
        assert_int_equal(sim_block_count(&f, i), sim_sends_single(&p, i) ? 2 + 96 : 3);
    }
    sim_fleet_clear(&f);
}

static struct sg_cert *load_cert(const char *dir, const char *name)
{
    char path[SIM_PATH_MAX];
    struct sg_buf pem = SG_BUF_INIT(65536);
    struct sg_cert *c = NULL;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(sg_file_read(path, &pem), 0);
    assert_int_equal(sg_cert_load(&c, sg_buf_bytes(&pem)), 0);
    sg_buf_clear(&pem);
    return c;
}

static bool take_string(struct sg_reader *in, struct sg_bytes *ret)
{
    uint32_t n;
    return sg_take_be32(in, &n) && sg_take(in, n, ret);
}

/* A block of this meter under the certificate that the store is given for it. */
static void check_block(const struct sim_fleet *f, uint32_t i, const struct sg_cert *cert)
{
    struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    struct sg_key *key = NULL;
    struct sg_block_evidence e;
    static struct sg_reading readings[SG_BLOCK_READINGS_MAX];
    char serial[SG_BLOCK_SERIAL_MAX + 1];
    assert_int_equal(sg_cert_public_key(cert, &key), 0);
    assert_int_equal(sim_make_block(f, i, 1, &wire), 0);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &e, readings), 0);
    assert_int_equal(sg_block_verify(&e, readings, key), 0);
    sim_serial(&f->params, i, serial);
    assert_string_equal(e.header.serial, serial);
    assert_int_equal(e.alg, sim_alg(&f->params, i));
    sg_key_free(key);
    sg_buf_clear(&wire);
}

/* fleet.rows: installation and credential of each meter in turn; certificates chain to the root. */
static void check_rows(const struct sim_fleet *f, const char *dir)
{
    char path[SIM_PATH_MAX];
    struct sg_buf file = SG_BUF_INIT(1 << 20);
    struct sg_cert *root = load_cert(dir, "authority-root.pem");
    struct sg_cert *ca = load_cert(dir, "authority-ca.pem");
    snprintf(path, sizeof(path), "%s/fleet.rows", dir);
    assert_int_equal(sg_file_read(path, &file), 0);
    struct sg_reader in = sg_reader_over(sg_buf_bytes(&file));
    for (uint32_t i = 0; i < 8; i++) {
        struct sg_bytes partition = SG_BYTES_NONE, sort = SG_BYTES_NONE, value = SG_BYTES_NONE;
        struct sg_row_installation row;
        struct sg_row_credential c;
        struct sg_cert *cert = NULL;
        uint32_t table = 0;
        assert_true(sg_take_be32(&in, &table) && take_string(&in, &partition) &&
                    take_string(&in, &sort) && take_string(&in, &value));
        assert_int_equal(table, SG_TABLE_INSTALLATION);
        assert_int_equal(sg_row_installation_decode(partition, sort, value, &row), 0);
        assert_int_equal(row.client_id, sim_client_id(&f->params, i));
        assert_int_equal(sg_cert_load(&cert, row.metrology_cert), 0);
        assert_int_equal(sg_cert_verify(cert, &ca, 1, &root, 1, f->start_s), 0);
        check_block(f, i, cert);
        sg_cert_free(cert);
        assert_true(sg_take_be32(&in, &table) && take_string(&in, &partition) &&
                    take_string(&in, &sort) && take_string(&in, &value));
        assert_int_equal(table, SG_TABLE_CREDENTIAL);
        assert_int_equal(sg_row_credential_decode(value, &c), 0);
        assert_int_equal(c.client_id, row.client_id);
        assert_true(sg_bytes_equal(c.metrology_cert, row.metrology_cert));
        assert_true(sg_bytes_equal(
            c.edhoc_cert,
            SG_BYTES(f->keys[i].edhoc->cred.data + f->keys[i].edhoc->cred.len - c.edhoc_cert.len,
                     c.edhoc_cert.len)));
    }
    assert_int_equal(in.left, 0);
    sg_cert_free(root);
    sg_cert_free(ca);
    sg_buf_clear(&file);
}

static void provisioned(void **state)
{
    (void)state;
    struct sim_params p = small();
    struct sim_fleet f;
    char dir[] = "/tmp/sealgrid-fleet-XXXXXX";
    bool made = false;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(sim_provision(&p, dir, &made), 0);
    assert_true(made);
    assert_int_equal(sim_provision(&p, dir, &made), 0);
    assert_false(made); /* the same: nothing to do */
    assert_int_equal(sim_fleet_open(&f, dir), 0);
    assert_int_equal(f.params.meters, 8);
    assert_int_equal(f.start_s, 1788231600);
    assert_int_equal(sim_fleet_load_keys(&f, dir), 0);
    check_rows(&f, dir);
    sim_fleet_clear(&f);
    assert_int_equal(sg_remove_tree(dir), 0);
}

/* A block that is made again carries the same root: only its signature may differ. */
static void made_again(void **state)
{
    (void)state;
    struct sim_params p = small();
    p.meters = 1;
    p.rsa_percent = 0;
    struct sim_fleet f;
    char dir[] = "/tmp/sealgrid-fleet-XXXXXX";
    bool made;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(sim_provision(&p, dir, &made), 0);
    assert_int_equal(sim_fleet_open(&f, dir), 0);
    assert_int_equal(sim_fleet_load_keys(&f, dir), 0);
    struct sg_buf a = SG_BUF_INIT(SG_BLOCK_MAX), b = SG_BUF_INIT(SG_BLOCK_MAX);
    struct sg_block_evidence x, y;
    static struct sg_reading r[SG_BLOCK_READINGS_MAX];
    assert_int_equal(sim_make_block(&f, 0, 0, &a), 0);
    assert_int_equal(sim_make_block(&f, 0, 0, &b), 0);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&a), &x, r), 0);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&b), &y, r), 0);
    assert_memory_equal(x.header.root, y.header.root, 32);
    sg_buf_reset(&b);
    assert_int_equal(sim_make_block(&f, 0, 1, &b), 0);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&b), &y, r), 0);
    assert_memory_not_equal(x.seed, y.seed, sizeof(x.seed));
    sg_buf_clear(&a);
    sg_buf_clear(&b);
    sim_fleet_clear(&f);
    assert_int_equal(sg_remove_tree(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identities),  cmocka_unit_test(mix),        cmocka_unit_test(blocks_cover),
        cmocka_unit_test(provisioned), cmocka_unit_test(made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
