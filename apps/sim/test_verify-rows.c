#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "verify-rows.h"

#define ROWS 700 /* more than one buffer holds */

struct wanted {
    uint64_t next, n;
};

static int64_t value_of(uint64_t row, size_t column)
{
    if ((row + column) % 11 == 0 && column > 3)
        return SG_READING_NA;
    return (int64_t)(row * 31 + column) - 5000;
}

static bool next_wanted(void *user, struct sim_expected *ret)
{
    struct wanted *w = user;
    if (w->next == w->n)
        return false;
    for (size_t i = 0; i < SIM_COLUMNS; i++)
        ret->value[i] = value_of(w->next, i);
    w->next++;
    return true;
}

static void write_head(struct sg_buf *b, const char *space)
{
    assert_int_equal(sg_buf_printf(b, "{\"columns\":%s[", space), 0);
    for (size_t i = 0; i < SIM_COLUMNS; i++)
        assert_int_equal(sg_buf_printf(b, "%s{\"name\":%s\"%s\",\"type\":\"INTEGER\"}",
                                       i ? "," : "", space, sim_column_names[i]),
                         0);
    assert_int_equal(sg_buf_printf(b, "],\"rows\":%s[", space), 0);
}

static void write_row(struct sg_buf *b, uint64_t row, const char *space)
{
    assert_int_equal(sg_buf_printf(b, "%s%s[", row ? "," : "", space), 0);
    for (size_t i = 0; i < SIM_COLUMNS; i++) {
        const int64_t v = value_of(row, i);
        const char *comma = i ? "," : "";
        int r = i == SIM_COLUMN_SERIAL ? sg_buf_printf(b, "%s%s\"12345678\"", comma, space)
                : v == SG_READING_NA   ? sg_buf_printf(b, "%s%snull", comma, space)
                                       : sg_buf_printf(b, "%s%s%lld", comma, space, (long long)v);
        assert_int_equal(r, 0);
    }
    assert_int_equal(sg_buf_printf(b, "%s]", space), 0);
}

static void write_answer(struct sg_buf *b, uint64_t rows, const char *space)
{
    sg_buf_reset(b);
    write_head(b, space);
    for (uint64_t i = 0; i < rows; i++)
        write_row(b, i, space);
    assert_int_equal(sg_buf_printf(b, "]%s,\"rowcount\":%llu}", space, (unsigned long long)rows),
                     0);
}

/* In pieces of `piece` octets; the outcome of the whole. */
static int judge(struct sim_rows *r, struct sg_bytes text, uint64_t wanted_rows, size_t piece)
{
    struct wanted w = {0, wanted_rows};
    const struct sim_rows_source source = {next_wanted, "12345678", NULL, &w};
    sim_rows_begin(r, &source);
    while (text.len) {
        uint8_t *p;
        size_t n = sim_rows_room(r, &p);
        if (n == 0)
            return SIM_ROWS_MALFORMED;
        n = n < piece ? n : piece;
        n = n < text.len ? n : text.len;
        memcpy(p, text.data, n);
        text = SG_BYTES(text.data + n, text.len - n);
        int e = sim_rows_advance(r, n);
        if (e)
            return e;
    }
    return sim_rows_end(r);
}

static void agrees(void **state)
{
    (void)state;
    static const size_t pieces[] = {1 << 20, 65536, 4096, 101, 1};
    static const char *const spaces[] = {"", " ", "\n\t"};
    struct sg_buf text = SG_BUF_INIT(1 << 20);
    struct sim_rows *r = NULL;
    assert_int_equal(sim_rows_new(&r), 0);
    for (size_t s = 0; s < 3; s++) {
        const uint64_t rows = s == 0 ? ROWS : 20;
        write_answer(&text, rows, spaces[s]);
        for (size_t i = 0; i < 5; i++) {
            if (pieces[i] == 1 && rows == ROWS)
                continue;
            assert_int_equal(judge(r, sg_buf_bytes(&text), rows, pieces[i]), 0);
            assert_int_equal(sim_rows_count(r), rows);
            assert_int_equal(sim_rows_mismatches(r), 0);
        }
    }
    write_answer(&text, 0, "");
    assert_int_equal(judge(r, sg_buf_bytes(&text), 0, 7), 0);
    sim_rows_free(r);
    sg_buf_clear(&text);
}

/* Any changed octet of the rows is a difference or no answer at all. */
static void every_octet_counts(void **state)
{
    (void)state;
    struct sg_buf text = SG_BUF_INIT(1 << 20);
    struct sim_rows *r = NULL;
    assert_int_equal(sim_rows_new(&r), 0);
    write_answer(&text, 3, "");
    const uint8_t *rows = memmem(text.data, text.len, "\"rows\":[", 8);
    assert_non_null(rows);
    for (size_t i = (size_t)(rows - text.data) + 8; i < text.len; i++) {
        const uint8_t keep = text.data[i];
        text.data[i] = keep == '7' ? '8' : '7';
        int e = judge(r, sg_buf_bytes(&text), 3, 1000);
        if (e == 0 && sim_rows_mismatches(r) == 0)
            fail_msg("octet %zu", i);
        text.data[i] = keep;
    }
    sim_rows_free(r);
    sg_buf_clear(&text);
}

static void incomplete(void **state)
{
    (void)state;
    struct sg_buf text = SG_BUF_INIT(1 << 20);
    struct sim_rows *r = NULL;
    assert_int_equal(sim_rows_new(&r), 0);
    write_answer(&text, 5, "");
    for (size_t n = 0; n < text.len; n++)
        assert_int_not_equal(judge(r, SG_BYTES(text.data, n), 5, 4096), 0);
    assert_int_equal(judge(r, sg_buf_bytes(&text), 7, 4096), 0); /* two are missing */
    assert_int_equal(sim_rows_mismatches(r), 2);
    assert_int_equal(judge(r, sg_buf_bytes(&text), 4, 4096), 0); /* one too many */
    assert_int_equal(sim_rows_mismatches(r), 1);
    sg_buf_reset(&text);
    write_head(&text, "");
    assert_int_equal(sg_buf_printf(&text, "],\"error\":{\"code\":\"XX000\"}}"), 0);
    assert_int_equal(judge(r, sg_buf_bytes(&text), 0, 4096), SIM_ROWS_ERROR);
    sim_rows_free(r);
    sg_buf_clear(&text);
}

/* Columns in another order are another question's answer. */
static void other_columns(void **state)
{
    (void)state;
    struct sg_buf text = SG_BUF_INIT(1 << 20);
    struct sim_rows *r = NULL;
    assert_int_equal(sim_rows_new(&r), 0);
    write_answer(&text, 1, "");
    uint8_t *p = memmem(text.data, text.len, "voltage_a", 9);
    assert_non_null(p);
    p[8] = 'x';
    assert_int_equal(judge(r, sg_buf_bytes(&text), 1, 4096), SIM_ROWS_MALFORMED);
    sim_rows_free(r);
    sg_buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(every_octet_counts),
        cmocka_unit_test(incomplete),
        cmocka_unit_test(other_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
