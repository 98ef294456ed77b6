#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/crypto/aead.h>

#include <pthread.h>

struct vector {
    enum sg_aead_alg alg;
    const char *key, *nonce, *aad, *plain, *sealed;
};

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 1, 4, 13, 16;
 * RFC 3610 section 8, packet vectors 1 and 2. */
static const struct vector vectors[] = {
    {SG_AEAD_AES_128_GCM, "00000000000000000000000000000000", "000000000000000000000000", "", "",
     "58e2fccefa7e3061367f1d57a4e7455a"},
    {SG_AEAD_AES_128_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {SG_AEAD_AES_256_GCM, "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {SG_AEAD_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {SG_AEAD_AES_CCM_16_64_128, "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf", "00000003020100a0a1a2a3a4a5",
     "0001020304050607", "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
     "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0"},
    {SG_AEAD_AES_CCM_16_64_128, "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf", "00000004030201a0a1a2a3a4a5",
     "0001020304050607", "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "72c91a36e135f8cf291ca894085c87e3cc15c439c9e43a3ba091d56e10400916"},
};
#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static struct sg_buf unhex(const char *hex)
{
    struct sg_buf b = SG_BUF_INIT(256);
    assert_int_equal(sg_buf_reserve(&b, 128), 0);
    assert_int_equal(sg_hex_decode(&b, sg_bytes_str(hex)), 0);
    return b;
}

#define UNHEX(name, hex) SG_CLEANUP(sg_buf_clear) struct sg_buf name = unhex(hex)

static void check_vector(const struct vector *v)
{
    UNHEX(key, v->key);
    UNHEX(nonce, v->nonce);
    UNHEX(aad, v->aad);
    UNHEX(plain, v->plain);
    UNHEX(sealed, v->sealed);
    uint8_t out[128];

    assert_int_equal(key.len, sg_aead_key_len(v->alg));
    assert_int_equal(nonce.len, sg_aead_nonce_len(v->alg));
    assert_int_equal(sealed.len, plain.len + sg_aead_tag_len(v->alg));
    assert_int_equal(
        sg_aead_seal(v->alg, key.data, nonce.data, sg_buf_bytes(&aad), sg_buf_bytes(&plain), out),
        0);
    assert_memory_equal(out, sealed.data, sealed.len);
    /* In place, too. */
    assert_int_equal(sg_aead_open(v->alg, key.data, nonce.data, sg_buf_bytes(&aad),
                                  SG_BYTES(out, sealed.len), out),
                     0);
    assert_memory_equal(out, plain.data, plain.len);
}

static void published_vectors(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) /* cached contexts carry nothing over */
        for (size_t i = 0; i < N_VECTORS; i++)
            check_vector(&vectors[i]);
}

static const enum sg_aead_alg algs[] = {SG_AEAD_AES_128_GCM, SG_AEAD_AES_256_GCM,
                                        SG_AEAD_AES_CCM_16_64_128, SG_AEAD_AES_CCM_16_128_128};

/* Every length class, the libsodium border included; every octet's change is noticed. */
static void lengths_and_forgeries(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 15, 16, 17, 1023, 1024, 5000};
    static uint8_t plain[5000], sealed[5016], out[5016];
    uint8_t key[32] = {1}, nonce[13] = {2}, aad[5] = {3};

    for (size_t a = 0; a < 4; a++) {
        for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++) {
            size_t n = lens[l] + sg_aead_tag_len(algs[a]);
            memset(plain, (int)l + 1, sizeof(plain));
            assert_int_equal(sg_aead_seal(algs[a], key, nonce, SG_BYTES_ARRAY(aad),
                                          SG_BYTES(plain, lens[l]), sealed),
                             0);
            memset(out, 0xee, sizeof(out));
            assert_int_equal(
                sg_aead_open(algs[a], key, nonce, SG_BYTES_ARRAY(aad), SG_BYTES(sealed, n), out),
                0);
            assert_memory_equal(out, plain, lens[l]);
            for (size_t at = 0; at<n; at += lens[l]> 100 ? 499 : 1) {
                sealed[at] ^= 0x40;
                assert_int_equal(sg_aead_open(algs[a], key, nonce, SG_BYTES_ARRAY(aad),
                                              SG_BYTES(sealed, n), out),
                                 SG_AEAD_FORGED);
                for (size_t i = 0; i < lens[l]; i++)
                    assert_int_equal(out[i], 0); /* nothing unauthenticated comes out */
                sealed[at] ^= 0x40;
            }
            aad[0]++;
            assert_int_equal(
                sg_aead_open(algs[a], key, nonce, SG_BYTES_ARRAY(aad), SG_BYTES(sealed, n), out),
                SG_AEAD_FORGED);
        }
        assert_int_equal(sg_aead_open(algs[a], key, nonce, SG_BYTES_NONE,
                                      SG_BYTES(sealed, sg_aead_tag_len(algs[a]) - 1), out),
                         SG_AEAD_FORGED);
    }
}

static void ccm_has_its_limit(void **state)
{
    (void)state;
    static uint8_t plain[65536], sealed[65552];
    uint8_t key[16] = {1}, nonce[13] = {2};

    assert_int_equal(sg_aead_seal(SG_AEAD_AES_CCM_16_64_128, key, nonce, SG_BYTES_NONE,
                                  SG_BYTES(plain, 65535), sealed),
                     0);
    assert_int_equal(sg_aead_seal(SG_AEAD_AES_CCM_16_64_128, key, nonce, SG_BYTES_NONE,
                                  SG_BYTES(plain, 65536), sealed),
                     -EMSGSIZE);
}

/* A short message of AES-256-GCM goes through libsodium, a long one through OpenSSL; the first
 * octets of the key stream must be the same. */
static void both_libraries_agree(void **state)
{
    (void)state;
    static uint8_t plain[4096], shorter[1100], longer[4112];
    uint8_t key[32] = {9}, nonce[12] = {8};

    assert_int_equal(sg_aead_seal(SG_AEAD_AES_256_GCM, key, nonce, SG_BYTES_NONE,
                                  SG_BYTES(plain, 1000), shorter),
                     0);
    assert_int_equal(
        sg_aead_seal(SG_AEAD_AES_256_GCM, key, nonce, SG_BYTES_NONE, SG_BYTES(plain, 4096), longer),
        0);
    assert_memory_equal(shorter, longer, 1000);
}

#define N_KEYS 34

/* Keys that differ in one octet each, in turns, so that each follows another and itself: a thread
 * keeps the key used last, and must neither mistake it for another nor forget which it is. */
static void keys_in_turns(void **state)
{
    (void)state;
    static const size_t lens[] = {100, 3000}; /* libsodium's, OpenSSL's */
    static uint8_t keys[N_KEYS][32], plain[3000], sealed[N_KEYS][3016], again[3016], out[3000];
    uint8_t nonce[13] = {5};

    for (size_t i = 1; i < 33; i++)
        keys[i][i - 1] = 1;
    for (size_t a = 0; a < 4; a++) {
        size_t n_keys = sg_aead_key_len(algs[a]) + 1;
        for (size_t l = 0; l < 2; l++) {
            size_t len = lens[l], n = len + sg_aead_tag_len(algs[a]);
            struct sg_bytes aad = SG_BYTES_LIT("aad");
            for (size_t i = 0; i < n_keys; i++) {
                assert_int_equal(
                    sg_aead_seal(algs[a], keys[i], nonce, aad, SG_BYTES(plain, len), sealed[i]), 0);
                assert_int_equal(
                    sg_aead_seal(algs[a], keys[i], nonce, aad, SG_BYTES(plain, len), again), 0);
                assert_memory_equal(sealed[i], again, n);
                assert_true(i == 0 || memcmp(sealed[i], sealed[i - 1], n));
            }
            for (size_t i = 0; i < n_keys; i++) {
                size_t other = (i + 1) % n_keys;
                struct sg_bytes s = SG_BYTES(sealed[i], n);
                assert_int_equal(sg_aead_open(algs[a], keys[i], nonce, aad, s, out), 0);
                assert_int_equal(sg_aead_open(algs[a], keys[other], nonce, aad, s, out),
                                 SG_AEAD_FORGED);
                assert_int_equal(sg_aead_open(algs[a], keys[i], nonce, aad, s, out), 0);
            }
        }
    }
}

static void *check_in_thread(void *arg)
{
    for (int round = 0; round < 50; round++)
        check_vector(arg);
    return NULL;
}

static void threads_have_contexts_of_their_own(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        struct vector *v = (struct vector *)(uintptr_t)&vectors[i + 1];
        assert_int_equal(pthread_create(&threads[i], NULL, check_in_thread, v), 0);
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors), cmocka_unit_test(lengths_and_forgeries),
        cmocka_unit_test(ccm_has_its_limit), cmocka_unit_test(both_libraries_agree),
        cmocka_unit_test(keys_in_turns),     cmocka_unit_test(threads_have_contexts_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
