#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/crypto/hash.h>
#include <sealgrid/meter/block.h>

struct fixture {
    struct sg_key *p256, *other, *rsa, *ed;
    struct sg_reading readings[SG_BLOCK_READINGS_MAX];
    struct sg_block_header header;
    uint8_t seed[SG_BLOCK_SEED_LEN];
};

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    if (sg_key_generate(&f.p256, SG_KEY_P256) || sg_key_generate(&f.other, SG_KEY_P256) ||
        sg_key_generate(&f.rsa, SG_KEY_RSA2048) || sg_key_generate(&f.ed, SG_KEY_ED25519))
        return -1;
    f.header = (struct sg_block_header){.serial = "9003123456",
                                        .first_seq = 1000,
                                        .first_ts_s = 1788232500,
                                        .interval_s = 900,
                                        .clock = SG_CLOCK_OK,
                                        .software = 7,
                                        .format = SG_BLOCK_FORMAT};
    for (unsigned i = 0; i < SG_BLOCK_READINGS_MAX; i++) {
        f.readings[i].seq = 1000 + i;
        f.readings[i].ts_s = 1788232500 + 900 * (int64_t)i;
        for (unsigned k = 0; k < SG_READING_N_FIELDS; k++)
            f.readings[i].field[k] = (int64_t)(i * 7 + k) % 1000;
        f.readings[i].field[SG_READING_temperature] = SG_READING_NA;
        f.readings[i].field[SG_READING_events] = i % 64;
    }
    memset(f.seed, 0x5a, sizeof(f.seed));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sg_key_free(f.p256);
    sg_key_free(f.other);
    sg_key_free(f.rsa);
    sg_key_free(f.ed);
    return 0;
}

static void sign(size_t n, const struct sg_key *key, enum sg_sign_alg alg, struct sg_buf *wire)
{
    assert_int_equal(sg_block_sign(&f.header, f.readings, n, key, alg, f.seed, wire), 0);
}

static void round_trip_with(size_t n, const struct sg_key *key, enum sg_sign_alg alg)
{
    struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX), again = SG_BUF_INIT(SG_BLOCK_MAX);
    struct sg_block_evidence e;
    static struct sg_reading out[SG_BLOCK_READINGS_MAX];
    sign(n, key, alg, &wire);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &e, out), 0);
    assert_int_equal(e.header.count, n);
    assert_string_equal(e.header.serial, f.header.serial);
    assert_memory_equal(out, f.readings, n * sizeof(out[0]));
    assert_int_equal(sg_block_verify(&e, out, key), 0);
    assert_int_equal(sg_block_verify(&e, out, f.other), SG_BLOCK_BAD_SIGNATURE);
    assert_int_equal(sg_block_encode(&e, out, &again), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&again), sg_buf_bytes(&wire)));
    sg_buf_clear(&wire);
    sg_buf_clear(&again);
}

static void round_trip(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 3, 4, 5, 7, 8, 9, 33, 95, 96};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        round_trip_with(counts[i], f.p256, SG_SIGN_ES256);
    round_trip_with(96, f.rsa, SG_SIGN_PS256);
    round_trip_with(96, f.rsa, SG_SIGN_RS256);
    round_trip_with(96, f.ed, SG_SIGN_EDDSA);
}

static void sign_refuses(void **state)
{
    (void)state;
    struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    struct sg_block_header h = f.header;
    assert_true(sg_block_sign(&h, f.readings, 0, f.p256, SG_SIGN_ES256, f.seed, &wire) < 0);
    assert_true(sg_block_sign(&h, f.readings, 97, f.p256, SG_SIGN_ES256, f.seed, &wire) < 0);
    h.first_seq = 999;
    assert_true(sg_block_sign(&h, f.readings, 2, f.p256, SG_SIGN_ES256, f.seed, &wire) < 0);
    h = f.header;
    h.interval_s = 901;
    assert_true(sg_block_sign(&h, f.readings, 2, f.p256, SG_SIGN_ES256, f.seed, &wire) < 0);
    h = f.header;
    strcpy(h.serial, "12 34");
    assert_true(sg_block_sign(&h, f.readings, 2, f.p256, SG_SIGN_ES256, f.seed, &wire) < 0);
    struct sg_reading two[2] = {f.readings[0], f.readings[1]};
    two[1].ts_s++;
    assert_true(sg_block_sign(&f.header, two, 2, f.p256, SG_SIGN_ES256, f.seed, &wire) < 0);
    assert_int_equal(wire.len, 0);
    sg_buf_clear(&wire);
}

/* What is signed as format 1 never passes for more than such a leaf could say, at no door; and a
 * format that is not known yet is refused before its leaves are looked at. */
static void an_old_leaf_is_no_new_one(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf proof = SG_BUF_INIT(SG_BLOCK_PROOF_MAX);
    static struct sg_reading out[SG_BLOCK_READINGS_MAX];
    struct sg_reading old[2] = {f.readings[0], f.readings[1]}, told;
    struct sg_block_header h = f.header, back;
    struct sg_block_evidence e;

    for (int i = 0; i < 2; i++)
        old[i].field[SG_READING_neutral_current] = old[i].field[SG_READING_events] = SG_READING_NA;
    h.format = SG_BLOCK_FORMAT_FIRST;
    assert_true(sg_block_sign(&h, f.readings, 2, f.p256, SG_SIGN_ES256, f.seed, &wire) < 0);
    assert_int_equal(wire.len, 0);
    assert_int_equal(sg_block_sign(&h, old, 2, f.p256, SG_SIGN_ES256, f.seed, &wire), 0);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &e, out), 0);
    assert_int_equal(sg_block_verify(&e, out, f.p256), 0);
    out[1].field[SG_READING_events] = 0; /* "nothing was opened", which nobody signed */
    assert_int_equal(sg_block_verify(&e, out, f.p256), SG_BLOCK_MALFORMED);
    assert_true(sg_block_prove(&e, out, 1, &proof) < 0);
    sg_buf_reset(&wire);
    assert_true(sg_block_encode(&e, out, &wire) < 0);
    assert_int_equal(wire.len, 0);
    /* A header of format 1 over leaves of 2, as a faulty meter would sign it: the wire octets of a
     * good block with the format's octet changed, where no signature is asked for yet. */
    sign(2, f.p256, SG_SIGN_ES256, &wire);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &e, out), 0);
    uint8_t *format = memmem(wire.data, wire.len, e.header.root, 32);
    assert_non_null(format);
    format -= 3; /* before the root: its head of two octets, and the format */
    assert_int_equal(*format, SG_BLOCK_FORMAT);
    for (*format = 0; *format < 24; ++*format)
        assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &e, out),
                         *format == SG_BLOCK_FORMAT ? 0 : SG_BLOCK_MALFORMED);
    *format = SG_BLOCK_FORMAT;
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &e, out), 0);
    assert_int_equal(sg_block_prove(&e, out, 1, &proof), 0);
    assert_int_equal(sg_block_check_proof(sg_buf_bytes(&proof), f.p256, &back, &told), 0);
    format = memmem(proof.data, proof.len, e.header.root, 32);
    assert_non_null(format);
    format[-3] = SG_BLOCK_FORMAT_FIRST;
    assert_int_equal(sg_block_check_proof(sg_buf_bytes(&proof), f.p256, &back, &told),
                     SG_BLOCK_MALFORMED);
}

/* Every single flipped bit of a small block is refused at one stage or another. */
static void every_bit_counts(void **state)
{
    (void)state;
    struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    static struct sg_reading out[SG_BLOCK_READINGS_MAX];
    sign(2, f.p256, SG_SIGN_ES256, &wire);
    for (size_t i = 0; i < wire.len * 8; i++) {
        struct sg_block_evidence e;
        wire.data[i / 8] ^= (uint8_t)(1u << i % 8);
        int r = sg_block_decode(sg_buf_bytes(&wire), &e, out);
        if (r == 0)
            r = sg_block_verify(&e, out, f.p256);
        assert_true(r > 0);
        wire.data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    sg_buf_clear(&wire);
}

static void every_length_counts(void **state)
{
    (void)state;
    struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    static struct sg_reading out[SG_BLOCK_READINGS_MAX];
    struct sg_block_evidence e;
    sign(3, f.p256, SG_SIGN_ES256, &wire);
    for (size_t n = 0; n < wire.len; n++)
        assert_int_equal(sg_block_decode(SG_BYTES(wire.data, n), &e, out), SG_BLOCK_MALFORMED);
    assert_int_equal(sg_buf_append_u8(&wire, 0), 0);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &e, out), SG_BLOCK_MALFORMED);
    sg_buf_clear(&wire);
}

/* Rows that are not what was signed: changed, swapped, moved in time. */
static void rows_altered(void **state)
{
    (void)state;
    struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    static struct sg_reading rows[SG_BLOCK_READINGS_MAX];
    struct sg_block_evidence e;
    sign(96, f.p256, SG_SIGN_ES256, &wire);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &e, rows), 0);
    rows[50].field[SG_READING_interval_energy]++;
    assert_int_equal(sg_block_verify(&e, rows, f.p256), SG_BLOCK_BAD_ROOT);
    rows[50] = f.readings[50];
    struct sg_reading keep = rows[3];
    rows[3] = rows[4];
    rows[4] = keep;
    assert_int_equal(sg_block_verify(&e, rows, f.p256), SG_BLOCK_BAD_SEQUENCE);
    memcpy(rows, f.readings, sizeof(rows));
    rows[95].ts_s += 900;
    assert_int_equal(sg_block_verify(&e, rows, f.p256), SG_BLOCK_BAD_SEQUENCE);
    memcpy(rows, f.readings, sizeof(rows));
    e.header.count = 95; /* a tree cut short */
    assert_int_equal(sg_block_verify(&e, rows, f.p256), SG_BLOCK_BAD_ROOT);
    e.header.count = 96;
    e.header.software++;
    assert_int_equal(sg_block_verify(&e, rows, f.p256), SG_BLOCK_BAD_SIGNATURE);
    e.header.software--;
    e.alg = SG_SIGN_EDDSA;
    assert_int_equal(sg_block_verify(&e, rows, f.p256), SG_BLOCK_BAD_SIGNATURE);
    sg_buf_clear(&wire);
}

static void evidence_rebuilds_wire(void **state)
{
    (void)state;
    struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX), again = SG_BUF_INIT(SG_BLOCK_MAX),
                  ev = SG_BUF_INIT(SG_BLOCK_EVIDENCE_MAX);
    static struct sg_reading rows[SG_BLOCK_READINGS_MAX];
    struct sg_block_evidence e, back;
    sign(96, f.rsa, SG_SIGN_PS256, &wire);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &e, rows), 0);
    assert_int_equal(sg_block_evidence_encode(&e, &ev), 0);
    assert_int_equal(sg_block_evidence_decode(sg_buf_bytes(&ev), &back), 0);
    assert_int_equal(sg_block_verify(&back, f.readings, f.rsa), 0);
    assert_int_equal(sg_block_encode(&back, f.readings, &again), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&again), sg_buf_bytes(&wire)));
    for (size_t n = 0; n < ev.len; n++)
        assert_int_equal(sg_block_evidence_decode(SG_BYTES(ev.data, n), &back), SG_BLOCK_MALFORMED);
    sg_buf_clear(&wire);
    sg_buf_clear(&again);
    sg_buf_clear(&ev);
}

static void prove_one(const struct sg_block_evidence *e, uint32_t i, const struct sg_key *key)
{
    struct sg_buf proof = SG_BUF_INIT(SG_BLOCK_PROOF_MAX);
    struct sg_block_header header;
    struct sg_reading reading;
    assert_int_equal(sg_block_prove(e, f.readings, i, &proof), 0);
    assert_int_equal(sg_block_check_proof(sg_buf_bytes(&proof), key, &header, &reading), 0);
    assert_memory_equal(&reading, &f.readings[i], sizeof(reading));
    assert_int_equal(header.count, e->header.count);
    assert_null(memmem(proof.data, proof.len, e->seed, SG_BLOCK_SEED_LEN));
    assert_int_equal(sg_block_check_proof(sg_buf_bytes(&proof), f.other, &header, &reading),
                     SG_BLOCK_BAD_SIGNATURE);
    for (size_t bit = 0; bit < proof.len * 8; bit += 13) {
        proof.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(sg_block_check_proof(sg_buf_bytes(&proof), key, &header, &reading) > 0);
        proof.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    sg_buf_clear(&proof);
}

static void proofs(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 5, 96};
    for (size_t c = 0; c < 3; c++) {
        struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
        static struct sg_reading rows[SG_BLOCK_READINGS_MAX];
        struct sg_block_evidence e;
        sign(counts[c], f.p256, SG_SIGN_ES256, &wire);
        assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &e, rows), 0);
        prove_one(&e, 0, f.p256);
        prove_one(&e, (uint32_t)counts[c] - 1, f.p256);
        assert_true(sg_block_prove(&e, f.readings, (uint32_t)counts[c], &wire) < 0);
        sg_buf_clear(&wire);
    }
}

/* The salt against HMAC (RFC 2104) spelled out. */
static void salt_is_hmac(void **state)
{
    (void)state;
    uint8_t inner[32], outer[32], ipad[64], opad[64], salt[SG_BLOCK_SALT_LEN];
    memset(ipad, 0x36, 64);
    memset(opad, 0x5c, 64);
    for (size_t i = 0; i < SG_BLOCK_SEED_LEN; i++) {
        ipad[i] ^= f.seed[i];
        opad[i] ^= f.seed[i];
    }
    const uint8_t index[4] = {0, 0, 0, 77};
    const struct sg_bytes in[] = {SG_BYTES_ARRAY(ipad), SG_BYTES_LIT("sealgrid-salt-v1"),
                                  SG_BYTES_ARRAY(index)};
    sg_sha256_parts(inner, in, 3);
    const struct sg_bytes out[] = {SG_BYTES_ARRAY(opad), SG_BYTES_ARRAY(inner)};
    sg_sha256_parts(outer, out, 2);
    sg_block_salt(salt, f.seed, 77);
    assert_memory_equal(salt, outer, SG_BLOCK_SALT_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(sign_refuses),
        cmocka_unit_test(an_old_leaf_is_no_new_one),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(every_length_counts),
        cmocka_unit_test(rows_altered),
        cmocka_unit_test(evidence_rebuilds_wire),
        cmocka_unit_test(proofs),
        cmocka_unit_test(salt_is_hmac),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
