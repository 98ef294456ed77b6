#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/crypto/hash.h>
#include <sealgrid/crypto/merkle.h>

/* The leaves and roots of the Certificate Transparency reference (RFC 6962 test data, also in
 * google/certificate-transparency, merkletree tests). */
static const char *const leaf_hex[8] = {"",
                                        "00",
                                        "10",
                                        "2021",
                                        "3031",
                                        "40414243",
                                        "5051525354555657",
                                        "606162636465666768696a6b6c6d6e6f"};
static const char *const root_hex[8] = {
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

static void make_leaves(uint8_t leaves[8][32])
{
    for (size_t i = 0; i < 8; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(16);
        assert_int_equal(sg_hex_decode(&b, sg_bytes_str(leaf_hex[i])), 0);
        struct sg_bytes all = sg_buf_bytes(&b);
        sg_merkle_leaf(leaves[i], &all, 1);
    }
}

static void roots_of_the_reference(void **state)
{
    (void)state;
    uint8_t leaves[8][32], root[32], empty[32];
    struct sg_merkle m;

    make_leaves(leaves);
    sg_merkle_init(&m);
    sg_sha256(empty, SG_BYTES_NONE);
    sg_merkle_finish(&m, root);
    assert_memory_equal(root, empty, 32);
    for (size_t n = 1; n <= 8; n++) {
        char hex[65];
        sg_merkle_root(root, (const uint8_t(*)[32])leaves, n);
        sg_hex(hex, root, 32);
        assert_string_equal(hex, root_hex[n - 1]);
        sg_merkle_add(&m, leaves[n - 1]);
        sg_merkle_finish(&m, root);
        sg_hex(hex, root, 32);
        assert_string_equal(hex, root_hex[n - 1]);
    }
}

/* The definition of section 2.1, word for word, as the judge of the stack. */
static void by_definition(uint8_t ret[32], const uint8_t (*leaves)[32], size_t n)
{
    uint8_t left[32], right[32];
    size_t k = 1;

    if (n == 1) {
        memcpy(ret, leaves[0], 32);
        return;
    }
    while (k * 2 < n)
        k *= 2;
    by_definition(left, leaves, k);
    by_definition(right, leaves + k, n - k);
    sg_merkle_node(ret, left, right);
}

static void paths_prove_their_leaf_and_no_other(void **state)
{
    (void)state;
    static uint8_t leaves[96][32];
    uint8_t root[32], want[32], path[SG_MERKLE_PATH_MAX][32];

    for (unsigned i = 0; i < 96; i++)
        memset(leaves[i], (int)i + 1, 32);
    for (size_t n = 1; n <= 96; n++) {
        sg_merkle_root(root, (const uint8_t(*)[32])leaves, n);
        by_definition(want, (const uint8_t(*)[32])leaves, n);
        assert_memory_equal(root, want, 32);
        for (size_t i = 0; i<n; i += n> 20 ? 7 : 1) {
            size_t len = sg_merkle_path(path, (const uint8_t(*)[32])leaves, n, i);
            const uint8_t(*p)[32] = (const uint8_t(*)[32])path;
            assert_int_equal(sg_merkle_check_path(root, leaves[i], i, n, p, len), 0);
            assert_int_equal(sg_merkle_check_path(root, leaves[(i + 1) % 96], i, n, p, len),
                             SG_MERKLE_MISMATCH);
            assert_int_equal(sg_merkle_check_path(root, leaves[i], n, n, p, len),
                             SG_MERKLE_MISMATCH);
            if (n > 1)
                assert_int_equal(sg_merkle_check_path(root, leaves[i], i, n, p, len - 1),
                                 SG_MERKLE_MISMATCH);
            assert_int_equal(sg_merkle_check_path(root, leaves[i], i, n, p, len + 1),
                             SG_MERKLE_MISMATCH);
        }
    }
    assert_int_equal(sg_merkle_check_path(root, leaves[0], 0, 0, NULL, 0), SG_MERKLE_MISMATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_of_the_reference),
        cmocka_unit_test(paths_prove_their_leaf_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
