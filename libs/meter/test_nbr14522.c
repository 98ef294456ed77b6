#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <sealgrid/base/encode.h>
#include <sealgrid/meter/nbr14522-fields.h>

static void checksums(void **state)
{
    (void)state;
    assert_int_equal(sg_crc16_arc(SG_BYTES_LIT("123456789")), 0xbb3d);
    assert_int_equal(sg_crc16_modbus(SG_BYTES_LIT("123456789")), 0x4b37);
    assert_int_equal(sg_crc16_arc(SG_BYTES_LIT("\x11\x22\x33\x44")), 0xf5b1);
}

static void every_variant(void **state)
{
    (void)state;
    uint8_t block[SG_NBR_ANSWER_LEN];
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = (uint8_t)(i * 7 + 0x14);
    static const size_t lens[] = {66, 71, 68, 258, 260};
    for (int v = 0; v < 5; v++) {
        struct sg_buf b = SG_BUF_INIT(SG_NBR_FRAME_MAX);
        struct sg_nbr_frame in = {.variant = (enum sg_nbr_variant)v,
                                  .meter = {0x12, 0x34, 0x56, 0x78}};
        struct sg_nbr_frame out;
        const size_t block_len =
            sg_nbr_is_answer(in.variant) ? SG_NBR_ANSWER_LEN : SG_NBR_COMMAND_LEN;
        in.block = SG_BYTES(block, block_len);
        assert_int_equal(sg_nbr_frame_encode(&in, &b), 0);
        assert_int_equal(b.len, lens[v]);
        assert_int_equal(sg_nbr_frame_decode(sg_buf_bytes(&b), &out), 0);
        assert_int_equal(out.variant, in.variant);
        assert_true(sg_bytes_equal(out.block, in.block));
        /* Every flipped bit is noticed; a flip in a prefix is another length class. */
        for (size_t bit = 0; bit < b.len * 8; bit++) {
            b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            int r = sg_nbr_frame_decode(sg_buf_bytes(&b), &out);
            if (v == SG_NBR_MULTIPOINT_71 && bit >= 8 && bit < 40)
                assert_int_equal(r, 0); /* the address is outside the CRC: a fact of the variant */
            else
                assert_true(r == SG_NBR_BAD_CRC || r == SG_NBR_BAD_LENGTH);
            b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        in.block.len--;
        assert_true(sg_nbr_frame_encode(&in, &b) < 0);
        sg_buf_clear(&b);
    }
}

/* Zeros after a good frame leave the CRC residue at 0. */
static void zero_padding_is_told(void **state)
{
    (void)state;
    uint8_t frame[68] = {0x01, 0x99, 0x02, 0x01, 0x07, 0x2d, 0x01, 0x29, 0x03};
    uint16_t crc = sg_crc16_modbus(SG_BYTES(frame, 9));
    frame[9] = (uint8_t)crc;
    frame[10] = (uint8_t)(crc >> 8);
    assert_int_equal(sg_crc16_modbus(SG_BYTES(frame, 66)), 0);
    struct sg_nbr_frame out;
    assert_int_equal(sg_nbr_frame_decode(SG_BYTES_ARRAY(frame), &out), SG_NBR_PADDED);
}

static void signals_are_no_codes(void **state)
{
    (void)state;
    static const uint8_t bad[] = {0x00, 0x05, 0x06, 0x10, 0x15};
    for (size_t i = 0; i < sizeof(bad); i++) {
        uint8_t block[SG_NBR_COMMAND_LEN] = {bad[i], 1, 2, 3};
        struct sg_buf b = SG_BUF_INIT(SG_NBR_FRAME_MAX);
        const struct sg_nbr_frame in = {.block = SG_BYTES_ARRAY(block)};
        struct sg_nbr_frame out;
        assert_int_equal(sg_nbr_frame_encode(&in, &b), 0);
        assert_int_equal(sg_nbr_frame_decode(sg_buf_bytes(&b), &out), SG_NBR_BAD_CODE);
        sg_buf_clear(&b);
    }
}

static const struct sg_nbr_field *named(enum sg_nbr_layout_id id, const char *name)
{
    const struct sg_nbr_field *f = sg_nbr_field_named(&sg_nbr_layouts[id], name);
    assert_non_null(f);
    return f;
}

/* No field reaches past its block, and none overlaps another but the shared nibble. */
static void tables_are_sound(void **state)
{
    (void)state;
    for (size_t id = 0; id < SG_NBR_N_LAYOUTS; id++) {
        const struct sg_nbr_layout *l = &sg_nbr_layouts[id];
        const size_t max = id < SG_NBR_LAYOUT_PLAIN_COMMAND ? 256 : 64;
        bool used[257] = {false};
        for (size_t k = 0; k < l->n; k++) {
            const struct sg_nbr_field *f = &l->fields[k];
            const size_t len = f->type == SG_NBR_W12 ? f->len : (size_t)f->len * f->count;
            assert_true(f->octet >= 2 && f->octet - 1 + len <= max);
            for (size_t i = f->octet; i < f->octet + len; i++) {
                if (used[i] && f->type != SG_NBR_BLOCK_NO)
                    fail_msg("%s: octet %zu of %s is taken", l->name, i, f->name);
                used[i] = true;
            }
        }
    }
}

static void instantaneous(void **state)
{
    (void)state;
    uint8_t block[SG_NBR_ANSWER_LEN] = {0x14, 0x55, 0x00, 0x00, 0x52, 0x10, 0x15, 0x46,
                                        0x04, 0x06, 0x24, 0x8c, 0x4c, 0x01, 0x43};
    const struct sg_bytes b = SG_BYTES_ARRAY(block);
    struct sg_nbr_value v;
    assert_ptr_equal(sg_nbr_layout_of(b, true), &sg_nbr_layouts[SG_NBR_LAYOUT_INSTANT]);
    sg_nbr_get(named(SG_NBR_LAYOUT_INSTANT, "time"), b, 0, &v);
    assert_string_equal(v.text, "10:15:46");
    sg_nbr_get(named(SG_NBR_LAYOUT_INSTANT, "date"), b, 0, &v);
    assert_string_equal(v.text, "04/06/24");
    sg_nbr_get(named(SG_NBR_LAYOUT_INSTANT, "Va"), b, 0, &v);
    assert_int_equal(v.kind, SG_NBR_REAL);
    assert_true(v.real > 129.298f && v.real < 129.300f);
    memset(block + 115, 0xff, 4);
    sg_nbr_get(named(SG_NBR_LAYOUT_INSTANT, "Da"), b, 0, &v);
    assert_int_equal(v.kind, SG_NBR_NONE);
}

/* Octets that mean nothing come back as they are, and go in again. */
static void strange_octets(void **state)
{
    (void)state;
    uint8_t block[SG_NBR_ANSWER_LEN] = {0x14}, made[SG_NBR_ANSWER_LEN] = {0x14};
    const struct sg_nbr_field *time = named(SG_NBR_LAYOUT_INSTANT, "time");
    struct sg_nbr_value v;
    memcpy(block + 5, "\xaf\x00\x61", 3);
    sg_nbr_get(time, SG_BYTES_ARRAY(block), 0, &v);
    assert_string_equal(v.text, "0xAF0061");
    assert_int_equal(sg_nbr_set(time, made, sizeof(made), 0, &v), 0);
    assert_memory_equal(block, made, sizeof(block));
    struct sg_nbr_value bad = {.kind = SG_NBR_STRING, .text = "1:02:03"};
    assert_true(sg_nbr_set(time, made, sizeof(made), 0, &bad) < 0);
    bad = (struct sg_nbr_value){.kind = SG_NBR_NUMBER, .number = 1};
    assert_true(sg_nbr_set(time, made, sizeof(made), 0, &bad) < 0);
    bad = (struct sg_nbr_value){.kind = SG_NBR_NUMBER, .number = 100};
    assert_true(sg_nbr_set(named(SG_NBR_LAYOUT_PARAMETER, "resets"), made, sizeof(made), 0, &bad) <
                0);
    assert_memory_equal(block, made, sizeof(block));
}

static void twelve_bit_words(void **state)
{
    (void)state;
    uint8_t block[SG_NBR_ANSWER_LEN] = {0x26};
    const struct sg_nbr_field *words = named(SG_NBR_LAYOUT_MEMORY, "words");
    for (size_t i = 0; i < 166; i++) {
        const struct sg_nbr_value v = {.kind = SG_NBR_NUMBER, .number = (int64_t)(i * 97 % 4096)};
        assert_int_equal(sg_nbr_set(words, block, sizeof(block), i, &v), 0);
    }
    for (size_t i = 0; i < 166; i++) {
        struct sg_nbr_value v;
        sg_nbr_get(words, SG_BYTES_ARRAY(block), i, &v);
        assert_int_equal(v.number, i * 97 % 4096);
    }
    /* Triplet b0 b1 b2: b0 with the high nibble of b1, b2 with its low one. */
    static const uint8_t triplet[] = {0x34, 0x1a, 0x56};
    assert_int_equal(sg_nbr_word(triplet, 0), 0x134);
    assert_int_equal(sg_nbr_word(triplet, 1), 0xa56);
}

/* Cut and reconnect of both vendors. */
static void load_control(void **state)
{
    (void)state;
    const uint8_t ab[SG_NBR_COMMAND_LEN] = {0xab, 0, 0, 3, 0x06, 1, 1};
    const uint8_t e2[SG_NBR_COMMAND_LEN] = {0xe2, 0, 0x11, 1, 0x90, 0xde};
    const uint8_t other[SG_NBR_COMMAND_LEN] = {0xab, 0, 0, 3, 0x02};
    struct sg_nbr_value v;
    assert_ptr_equal(sg_nbr_layout_of(SG_BYTES_ARRAY(ab), false),
                     &sg_nbr_layouts[SG_NBR_LAYOUT_RELAY_AB_COMMAND]);
    sg_nbr_get(named(SG_NBR_LAYOUT_RELAY_AB_COMMAND, "state"), SG_BYTES_ARRAY(ab), 0, &v);
    assert_int_equal(v.number, 1);
    assert_ptr_equal(sg_nbr_layout_of(SG_BYTES_ARRAY(e2), false),
                     &sg_nbr_layouts[SG_NBR_LAYOUT_RELAY_E2_COMMAND]);
    sg_nbr_get(named(SG_NBR_LAYOUT_RELAY_E2_COMMAND, "action"), SG_BYTES_ARRAY(e2), 0, &v);
    assert_string_equal(v.text, "DE");
    assert_ptr_equal(sg_nbr_layout_of(SG_BYTES_ARRAY(other), false),
                     &sg_nbr_layouts[SG_NBR_LAYOUT_PLAIN_COMMAND]);
}

static void user_output(void **state)
{
    (void)state;
    struct sg_nbr_user_output u = {.seconds_left = 540,
                                   .post = 2,
                                   .tariff = 1,
                                   .reactive_tariff = true,
                                   .active_pulses = 8400,
                                   .reactive_pulses = 3100},
                              back;
    struct sg_buf b = SG_BUF_INIT(16);
    for (int extended = 0; extended < 2; extended++) {
        u.extended = extended;
        u.tariff = extended ? 0 : 1;
        sg_buf_reset(&b);
        assert_int_equal(sg_nbr_user_output_encode(&u, &b), 0);
        assert_int_equal(b.len, extended ? 9 : 8);
        assert_int_equal(sg_nbr_user_output_decode(sg_buf_bytes(&b), &back), 0);
        assert_int_equal(back.seconds_left, 540);
        assert_int_equal(back.active_pulses, 8400);
        assert_int_equal(back.reactive_pulses, 3100);
        for (size_t bit = 0; bit < b.len * 8; bit++) {
            b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(sg_nbr_user_output_decode(sg_buf_bytes(&b), &back), SG_NBR_BAD_CRC);
            b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    u.seconds_left = 4096;
    assert_true(sg_nbr_user_output_encode(&u, &b) < 0);
    assert_int_equal(sg_nbr_user_output_decode(SG_BYTES(b.data, 7), &back), SG_NBR_BAD_LENGTH);
    sg_buf_clear(&b);
}

/* The file command: comments, a good frame, rubbish. */
static void file(void **state)
{
    (void)state;
    uint8_t block[SG_NBR_COMMAND_LEN] = {0x14, 0x00, 0x11, 0x01};
    struct sg_buf frame = SG_BUF_INIT(SG_NBR_FRAME_MAX), text = SG_BUF_INIT(4096);
    const struct sg_nbr_frame f = {.block = SG_BYTES_ARRAY(block)};
    assert_int_equal(sg_nbr_frame_encode(&f, &frame), 0);
    assert_int_equal(sg_buf_printf(&text, "# comment\n\n"), 0);
    assert_int_equal(sg_hex_append(&text, sg_buf_bytes(&frame)), 0);
    assert_int_equal(sg_buf_printf(&text, "  # after\n15 15\nxyz\n"), 0);
    char *out_text = NULL;
    size_t out_len = 0, bad = 0;
    FILE *in = fmemopen(text.data, text.len, "r"), *out = open_memstream(&out_text, &out_len);
    assert_int_equal(sg_abnt_decode_file(in, true, out, &bad), 0);
    fclose(in);
    fclose(out);
    assert_int_equal(bad, 2);
    assert_non_null(
        strstr(out_text, "{\"line\":3,\"ok\":true,\"variant\":\"66\",\"command\":\"14\""));
    assert_non_null(strstr(out_text, "\"serial\":\"001101\""));
    assert_non_null(strstr(out_text, "{\"line\":4,\"ok\":false,\"error\":\"wrong length"));
    assert_non_null(strstr(out_text, "{\"line\":5,\"ok\":false,\"error\":\"not hexadecimal"));
    free(out_text);
    sg_buf_clear(&frame);
    sg_buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums),
        cmocka_unit_test(every_variant),
        cmocka_unit_test(instantaneous),
        cmocka_unit_test(zero_padding_is_told),
        cmocka_unit_test(tables_are_sound),
        cmocka_unit_test(signals_are_no_codes),
        cmocka_unit_test(strange_octets),
        cmocka_unit_test(twelve_bit_words),
        cmocka_unit_test(load_control),
        cmocka_unit_test(user_output),
        cmocka_unit_test(file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
