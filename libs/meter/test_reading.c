#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/reading.h>

static struct sg_reading sample(void)
{
    struct sg_reading r = {.seq = 7, .ts_s = 1788231600};
    for (int i = 0; i < SG_READING_N_FIELDS; i++)
        r.field[i] = i;
    r.field[SG_READING_active_power] = -1234;
    r.field[SG_READING_voltage_c] = SG_READING_NA;
    r.field[SG_READING_energy_register] = INT64_C(9007199254740992);
    return r;
}

static void round_trip(void **state)
{
    (void)state;
    const struct sg_reading in = sample();
    struct sg_reading out;
    struct sg_buf b = SG_BUF_INIT(SG_READING_LEAF_MAX);
    assert_int_equal(sg_reading_encode(&in, &b), 0);
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&b));
    assert_int_equal(sg_reading_decode(&r, &out), 0);
    assert_int_equal(r.left, 0);
    assert_memory_equal(&in, &out, sizeof(in));
    sg_buf_clear(&b);
}

/* The first octets by hand: array of 42, 7, 32-bit time, voltages 0 and 1, null. */
static void layout(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x98, 0x2a, 0x07, 0x1a, 0x6a, 0x96,
                                   0x3f, 0xb0, 0x00, 0x01, 0xf6};
    const struct sg_reading in = sample();
    struct sg_buf b = SG_BUF_INIT(SG_READING_LEAF_MAX);
    assert_int_equal(sg_reading_encode(&in, &b), 0);
    assert_memory_equal(b.data, want, sizeof(want));
    sg_buf_clear(&b);
}

/* The longest reading there can be fits the leaf bound. */
static void longest_fits(void **state)
{
    (void)state;
    struct sg_reading in = {.seq = INT64_MAX, .ts_s = INT64_C(253402300799)};
    size_t i = 0;
#define SG_F(name, unit, lo, hi) in.field[i++] = (lo) < 0 ? (lo) : (hi);
    SG_READING_FIELDS(SG_F)
#undef SG_F
    struct sg_buf b = SG_BUF_INIT(SG_READING_LEAF_MAX);
    assert_int_equal(sg_reading_encode(&in, &b), 0);
    sg_buf_clear(&b);
}

static void encode_refuses(void **state)
{
    (void)state;
    struct sg_buf b = SG_BUF_INIT(SG_READING_LEAF_MAX);
    struct sg_reading r = sample();
    r.seq = 0;
    assert_true(sg_reading_encode(&r, &b) < 0);
    r = sample();
    r.field[SG_READING_power_factor] = 1001;
    assert_true(sg_reading_encode(&r, &b) < 0);
    r = sample();
    r.field[SG_READING_voltage_a] = -1;
    assert_true(sg_reading_encode(&r, &b) < 0);
    assert_int_equal(b.len, 0);
    struct sg_buf small = SG_BUF_INIT(20);
    r = sample();
    assert_true(sg_reading_encode(&r, &small) < 0);
    assert_int_equal(small.len, 0);
    sg_buf_clear(&small);
    sg_buf_clear(&b);
}

static void expect_refused(const uint8_t *p, size_t n)
{
    struct sg_reading out = {.seq = 99};
    struct sg_reader r = sg_reader_over(SG_BYTES(p, n));
    assert_true(sg_reading_decode(&r, &out) < 0);
    assert_int_equal(out.seq, 99);
    assert_int_equal(r.left, n);
}

static void decode_refuses(void **state)
{
    (void)state;
    const struct sg_reading in = sample();
    struct sg_buf b = SG_BUF_INIT(SG_READING_LEAF_MAX);
    assert_int_equal(sg_reading_encode(&in, &b), 0);
    for (size_t n = 0; n < b.len; n++)
        expect_refused(b.data, n); /* every truncation */
    uint8_t copy[SG_READING_LEAF_MAX];
    memcpy(copy, b.data, b.len);
    for (copy[1] = 0x18; copy[1] < 0x40; copy[1]++) /* 24 to 63 items, but those there are */
        if (copy[1] != 0x2a && copy[1] != 0x28)
            expect_refused(copy, b.len);
    memcpy(copy, b.data, b.len);
    copy[2] = 0x00; /* sequence 0 */
    expect_refused(copy, b.len);
    memcpy(copy, b.data, b.len);
    copy[8] = 0x20; /* voltage -1 mV */
    expect_refused(copy, b.len);
    memcpy(copy, b.data, b.len);
    copy[10] = 0xf5; /* true where null or a number belongs */
    expect_refused(copy, b.len);
    sg_buf_clear(&b);
}

/* What the first meters could tell has their form, of 40 items, and no other. */
static void short_form(void **state)
{
    (void)state;
    struct sg_reading in = sample(), out;
    uint8_t padded[2 * SG_READING_LEAF_MAX] = {0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_READING_LEAF_MAX);
    in.field[SG_READING_neutral_current] = in.field[SG_READING_events] = SG_READING_NA;
    assert_true(sg_reading_is_short(&in));
    assert_int_equal(sg_reading_encode(&in, &b), 0);
    assert_int_equal(b.data[1], 0x28);
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&b));
    assert_int_equal(sg_reading_decode(&r, &out), 0);
    assert_memory_equal(&in, &out, sizeof(in));
    /* The same with two nulls more would be another leaf of the same reading. */
    memcpy(padded, b.data, b.len);
    padded[1] = 0x2a;
    padded[b.len] = padded[b.len + 1] = 0xf6;
    expect_refused(padded, b.len + 2);
    expect_refused(padded, sizeof(padded));
    /* One of the two is enough for the long form; what it says is kept. */
    for (int i = SG_READING_neutral_current; i <= SG_READING_events; i++) {
        struct sg_reading told = in;
        told.field[i] = 5;
        sg_buf_reset(&b);
        assert_false(sg_reading_is_short(&told));
        assert_int_equal(sg_reading_encode(&told, &b), 0);
        assert_int_equal(b.data[1], 0x2a);
        r = sg_reader_over(sg_buf_bytes(&b));
        assert_int_equal(sg_reading_decode(&r, &out), 0);
        assert_memory_equal(&told, &out, sizeof(told));
        b.data[1] = 0x28; /* cut down to the short form: octets are left over */
        r = sg_reader_over(sg_buf_bytes(&b));
        assert_int_equal(sg_reading_decode(&r, &out), 0);
        assert_true(r.left > 0);
    }
}

static void unknown_events_are_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_READING_LEAF_MAX);
    struct sg_reading in = sample();
    in.field[SG_READING_events] = 63;
    assert_int_equal(sg_reading_encode(&in, &b), 0);
    uint8_t octets[SG_READING_LEAF_MAX];
    memcpy(octets, b.data, b.len);
    assert_int_equal(octets[b.len - 1], 63);
    octets[b.len - 1] = 64;
    expect_refused(octets, b.len);
    in.field[SG_READING_events] = 64;
    assert_true(sg_reading_encode(&in, &b) < 0);
}

static void names_in_order(void **state)
{
    (void)state;
    assert_int_equal(SG_READING_N_FIELDS, 40);
    assert_int_equal(SG_READING_FIELDS_FIRST, 38);
    assert_string_equal(sg_reading_names[0], "voltage_a");
    assert_string_equal(sg_reading_names[SG_READING_reactive_energy_register],
                        "reactive_energy_register");
    assert_string_equal(sg_reading_units[SG_READING_frequency], "mHz");
}

/* With room to spare and without: the same octets, the same reading, the same refusal. */
static void room_makes_no_difference(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 1, 23, 24, 255, 256, 1000};
    static const int64_t energies[] = {-1,     -24,   -25,   -256,    -257,     -65536,
                                       -65537, 65535, 65536, 9999999, -9999999, 10000001};
    static const int64_t registers[] = {0, 65536, 4294967295, 4294967296, 9007199254740992};
    size_t made = 0;
    uint8_t padded[2 * SG_READING_LEAF_MAX];

    for (size_t k = 0; k < 400; k++) {
        struct sg_reading in = {.seq = k * k * k * k + 1, .ts_s = (int64_t)(k * k * k * k)}, a, b;
        SG_CLEANUP(sg_buf_clear) struct sg_buf roomy = SG_BUF_INIT(4096);
        for (size_t i = 0; i < SG_READING_N_FIELDS; i++) {
            in.field[i] = values[(i * 5 + k) % 7];
            if ((i + k) % 5 == 0)
                in.field[i] = SG_READING_NA;
        }
        in.field[SG_READING_interval_energy] = energies[k % 12];
        in.field[SG_READING_energy_register] = registers[k % 5];
        in.field[SG_READING_events] = k % 3 ? (int64_t)k % 64 : SG_READING_NA;
        if (k % 6 == 0)
            in.field[SG_READING_neutral_current] = SG_READING_NA;
        assert_int_equal(sg_buf_reserve(&roomy, 4096), 0);
        SG_CLEANUP(sg_buf_clear) struct sg_buf tight = SG_BUF_INIT(SG_READING_LEAF_MAX);
        int r = sg_reading_encode(&in, &roomy);
        assert_int_equal(sg_reading_encode(&in, &tight), r);
        assert_int_equal(roomy.len, tight.len);
        if (r)
            continue; /* more energy than there is */
        made++;
        assert_memory_equal(roomy.data, tight.data, roomy.len);
        memset(padded, 0xff, sizeof(padded));
        memcpy(padded, tight.data, tight.len);
        for (size_t at = 0; at <= tight.len;
             at++) { /* whole, then one octet after another changed */
            struct sg_reader x = {tight.data, tight.len}, y = {padded, sizeof(padded)};
            int ra = sg_reading_decode(&x, &a), rb = sg_reading_decode(&y, &b);
            /* A longer head may reach into the padding: only there may the two differ. */
            if (x.at == tight.data && y.at > padded + tight.len)
                ra = rb;
            assert_int_equal(ra, rb);
            if (ra == 0 && x.at != tight.data)
                assert_memory_equal(&a, &b, sizeof(a));
            if (at < tight.len) {
                tight.data[at] ^= (uint8_t)(1u << (k % 8));
                padded[at] = tight.data[at];
            }
            if (at) {
                tight.data[at - 1] ^= (uint8_t)(1u << (k % 8));
                padded[at - 1] = tight.data[at - 1];
            }
        }
    }
    assert_true(made > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(layout),
        cmocka_unit_test(longest_fits),
        cmocka_unit_test(encode_refuses),
        cmocka_unit_test(decode_refuses),
        cmocka_unit_test(short_form),
        cmocka_unit_test(unknown_events_are_refused),
        cmocka_unit_test(names_in_order),
        cmocka_unit_test(room_makes_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
