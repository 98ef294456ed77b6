#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* cmocka wants the above first */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/message.h>

#define SAMPLE_FIELDS(X, T)                                                                        \
    X(T, UINT, count, 1, 100)                                                                      \
    X(T, INT, when, INT64_MIN, INT64_MAX)                                                          \
    X(T, BOOL, done, 0, 0)                                                                         \
    X(T, OCTETS, id, 4, 4)                                                                         \
    X(T, BYTES, blob, 0, 8)                                                                        \
    X(T, TEXT, name, 1, 8)                                                                         \
    X(T, ITEM, list, 1, 16)
SG_MESSAGE_STRUCT(sample, SAMPLE_FIELDS)
static const struct sg_message_type type = SG_MESSAGE_TYPE(sample, SAMPLE_FIELDS);

/* {1: 7, 2: -2, 3: true, 4: h'01020304', 5: h'', 6: "ab", 7: [1]} */
static const uint8_t known[] = {0xa7, 1, 7, 2,    0x21, 3,    0xf5, 4,   0x44, 1,    2,
                                3,    4, 5, 0x40, 6,    0x62, 'a',  'b', 7,    0x81, 1};
static const uint8_t list[] = {0x81, 1};

static struct sample a_sample(void)
{
    return (struct sample){.count = 7,
                           .when = -2,
                           .done = true,
                           .id = {1, 2, 3, 4},
                           .name = SG_BYTES_LIT("ab"),
                           .list = SG_BYTES_ARRAY(list)};
}

static void test_known_octets_both_ways(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(64);
    struct sample s = a_sample(), back;
    assert_int_equal(sg_message_encode(&type, &s, &b), 0);
    assert_int_equal(b.len, sizeof known);
    assert_memory_equal(b.data, known, sizeof known);
    assert_int_equal(sg_message_decode(&type, sg_buf_bytes(&b), &back), 0);
    assert_int_equal(back.count, 7);
    assert_int_equal(back.when, -2);
    assert_true(back.done);
    assert_memory_equal(back.id, s.id, 4);
    assert_int_equal(back.blob.len, 0);
    assert_true(sg_bytes_equal(back.name, s.name));
    assert_true(sg_bytes_equal(back.list, s.list));
}

static void test_every_prefix_is_refused_and_output_untouched(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof known; n++) {
        struct sample back = {.count = 55};
        assert_int_equal(sg_message_decode(&type, SG_BYTES(known, n), &back), -EBADMSG);
        assert_int_equal(back.count, 55);
    }
}

static void refuse_with(size_t at, uint8_t octet)
{
    uint8_t changed[sizeof known];
    struct sample back;
    memcpy(changed, known, sizeof known);
    changed[at] = octet;
    assert_int_equal(sg_message_decode(&type, SG_BYTES_ARRAY(changed), &back), -EBADMSG);
}

static void test_foreign_shapes_are_refused(void **state)
{
    (void)state;
    refuse_with(0, 0xa6);  /* a field less */
    refuse_with(1, 2);     /* keys out of order */
    refuse_with(2, 0);     /* below the minimum */
    refuse_with(2, 0x20);  /* negative where unsigned */
    refuse_with(6, 0xf6);  /* null for bool */
    refuse_with(8, 0x43);  /* three octets where four */
    refuse_with(16, 0x42); /* bytes for text */
    refuse_with(17, 0);    /* NUL in text */
    uint8_t longer[sizeof known + 1] = {0};
    struct sample back;
    memcpy(longer, known, sizeof known);
    assert_int_equal(sg_message_decode(&type, SG_BYTES_ARRAY(longer), &back), -EBADMSG);
}

static void test_encoder_refuses_what_the_decoder_would(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(64);
    struct sample s = a_sample();
    s.count = 101;
    assert_int_equal(sg_message_encode(&type, &s, &b), -EINVAL);
    s = a_sample();
    s.name = SG_BYTES_NONE;
    assert_int_equal(sg_message_encode(&type, &s, &b), -EINVAL);
    s = a_sample();
    s.name = SG_BYTES("a\0b", 3);
    assert_int_equal(sg_message_encode(&type, &s, &b), -EINVAL);
    assert_int_equal(b.len, 0);
}

static void test_no_room_appends_nothing(void **state)
{
    (void)state;
    for (size_t max = 1; max < sizeof known; max++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(max);
        struct sample s = a_sample();
        assert_int_equal(sg_message_encode(&type, &s, &b), -ENOBUFS);
        assert_int_equal(b.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_octets_both_ways),
        cmocka_unit_test(test_every_prefix_is_refused_and_output_untouched),
        cmocka_unit_test(test_foreign_shapes_are_refused),
        cmocka_unit_test(test_encoder_refuses_what_the_decoder_would),
        cmocka_unit_test(test_no_room_appends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
