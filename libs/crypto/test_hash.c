#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#include <stdlib.h>

static void check(const uint8_t *got, size_t n, const char *hex)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf want = SG_BUF_INIT(256);
    assert_int_equal(sg_hex_decode(&want, sg_bytes_str(hex)), 0);
    assert_int_equal(want.len, n);
    assert_memory_equal(got, want.data, n);
}

/* FIPS 180-4 examples. */
static void sha2_examples(void **state)
{
    (void)state;
    static const char abc256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const struct sg_bytes parts[] = {SG_BYTES_LIT("a"), SG_BYTES_NONE, SG_BYTES_LIT("bc")};
    uint8_t d[64];

    sg_sha256(d, SG_BYTES_LIT("abc"));
    check(d, 32, abc256);
    sg_sha256_parts(d, parts, 3);
    check(d, 32, abc256);
    sg_sha256(d, SG_BYTES_NONE);
    check(d, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sg_sha256(d, SG_BYTES_LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
    check(d, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    sg_sha512_parts(d, parts, 3);
    check(d, 64,
          "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

/* RFC 4231 cases 1, 2 and 6. */
static void hmac_of_the_rfc(void **state)
{
    (void)state;
    uint8_t key[131], d[32];
    struct sg_bytes hi = SG_BYTES_LIT("Hi There");
    struct sg_bytes long_key =
        SG_BYTES_LIT("Test Using Larger Than Block-Size Key - Hash Key First");
    const struct sg_bytes jefe[] = {SG_BYTES_LIT("what do ya want "), SG_BYTES_LIT("for nothing?")};

    memset(key, 0x0b, 20);
    sg_hmac_sha256(d, SG_BYTES(key, 20), &hi, 1);
    check(d, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    sg_hmac_sha256(d, SG_BYTES_LIT("Jefe"), jefe, 2);
    check(d, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    sg_hmac_sha256(d, SG_BYTES_ARRAY(key), &long_key, 1);
    check(d, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* RFC 5869 appendix A.1 and A.3. */
static void hkdf_of_the_rfc(void **state)
{
    (void)state;
    uint8_t ikm[22], prk[32], okm[42];
    static const uint8_t salt[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const uint8_t info[] = {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9};

    memset(ikm, 0x0b, sizeof(ikm));
    sg_hkdf_extract(prk, SG_BYTES_ARRAY(salt), SG_BYTES_ARRAY(ikm));
    check(prk, 32, "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    sg_hkdf_expand(okm, sizeof(okm), SG_BYTES_ARRAY(prk), SG_BYTES_ARRAY(info));
    check(okm, 42,
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    sg_hkdf_extract(prk, SG_BYTES_NONE, SG_BYTES_ARRAY(ikm));
    check(prk, 32, "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
    sg_hkdf_expand(okm, sizeof(okm), SG_BYTES_ARRAY(prk), SG_BYTES_NONE);
    check(okm, 42,
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

/* RFC 7693 appendix A; keyed: first case of the reference implementation's blake2b-kat.txt. */
static void blake2b_of_the_rfc(void **state)
{
    (void)state;
    uint8_t d[64], key[64];
    const struct sg_bytes parts[] = {SG_BYTES_LIT("ab"), SG_BYTES_LIT("c")};

    sg_blake2b_parts(d, 64, SG_BYTES_NONE, parts, 2);
    check(d, 64,
          "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
          "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    sg_blake2b_parts(d, 64, SG_BYTES_ARRAY(key), NULL, 0);
    check(d, 64,
          "10ebb67700b1868efb4417987acf4690ae9d972fb7a590c2f02871799aaa4786"
          "b5e996e8f0f4eb981fc214b005f42d2ff4233499391653df7aefcbc13fc51568");
}

static void a_file_is_hashed_whole(void **state)
{
    (void)state;
    char path[] = "/tmp/sg-test-hash.XXXXXX";
    SG_CLOSE int fd = mkstemp(path);
    static uint8_t contents[50000];
    uint8_t want[32], got[32];

    memset(contents, 0x5a, sizeof(contents));
    assert_int_equal(sg_write_all(fd, SG_BYTES_ARRAY(contents)), 0);
    sg_sha256(want, SG_BYTES_ARRAY(contents));
    assert_int_equal(sg_sha256_file(path, got), 0);
    assert_memory_equal(got, want, 32);
    unlink(path);
    assert_int_equal(sg_sha256_file(path, got), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha2_examples),          cmocka_unit_test(hmac_of_the_rfc),
        cmocka_unit_test(hkdf_of_the_rfc),        cmocka_unit_test(blake2b_of_the_rfc),
        cmocka_unit_test(a_file_is_hashed_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
