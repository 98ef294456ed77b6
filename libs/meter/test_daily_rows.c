#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <zlib.h>

#include <sealgrid/base/buf.h>
#include <sealgrid/meter/daily-rows.h>

static struct sg_buf text = SG_BUF_INIT(64 << 20);
static struct sg_daily_error why;

static void put(const char *s)
{
    assert_int_equal(sg_buf_append(&text, sg_bytes_str(s)), 0);
}

/* "customer,day,weekday" or "building,date", and names of n columns. */
static void begin(const char *lead, int n)
{
    sg_buf_reset(&text);
    put(lead);
    for (int i = 0; i < n; i++)
        assert_int_equal(sg_buf_printf(&text, ",h%02d", i), 0);
    put("\n");
}

/* n times the value, after what leads. */
static void line(const char *lead, const char *value, int n, const char *end)
{
    put(lead);
    for (int i = 0; i < n; i++)
        assert_int_equal(sg_buf_printf(&text, ",%s", value), 0);
    put(end);
}

static struct sg_daily *over(void)
{
    struct sg_daily *d = NULL;
    assert_int_equal(sg_daily_over(&d, sg_buf_bytes(&text), &why), 0);
    return d;
}

static struct sg_daily_row next(struct sg_daily *d)
{
    struct sg_daily_row row;
    assert_int_equal(sg_daily_next(d, &row, &why), 0);
    return row;
}

static void assert_end(struct sg_daily *d)
{
    struct sg_daily_row row;
    assert_int_equal(sg_daily_next(d, &row, &why), SG_DAILY_END);
    sg_daily_free(d);
}

static void assert_name(const struct sg_daily_row *row, const char *name)
{
    assert_true(sg_bytes_equal(row->customer, sg_bytes_str(name)));
}

static void days_and_weekdays(void **state)
{
    (void)state;
    begin("customer,day,weekday", 24);
    line("a b,119,6", "2.5", 24, "\n");
    line("c,0,0", "0", 24, ""); /* the last line needs no end */
    struct sg_daily *d = over();
    assert_int_equal(sg_daily_points(d), 24);
    assert_false(sg_daily_dated(d));
    struct sg_daily_row row = next(d);
    assert_name(&row, "a b");
    assert_int_equal(row.day, 119);
    assert_int_equal(row.weekday, 6);
    assert_int_equal(row.line, 2);
    for (int i = 0; i < 24; i++)
        assert_true(row.load[i] == 2.5f);
    row = next(d);
    assert_name(&row, "c");
    assert_int_equal(row.line, 3);
    assert_true(row.load[23] == 0);
    assert_end(d);
}

/* 1970-01-01 was a Thursday, 2000-02-29 a Tuesday, 2026-09-01 a Tuesday. */
static void dates_tell_their_weekday(void **state)
{
    (void)state;
    begin("building,date", 96);
    line("7,1970-01-01", "1", 96, "\r\n");
    line("7,2000-02-29", "1", 96, "\r\n\r\n");
    line("7,2026-09-01", "1", 96, "\r\n");
    line("7,1969-12-31", "1", 96, "\r\n");
    struct sg_daily *d = over();
    assert_int_equal(sg_daily_points(d), 96);
    assert_true(sg_daily_dated(d));
    struct sg_daily_row row = next(d);
    assert_int_equal(row.day, 0);
    assert_int_equal(row.weekday, 3);
    row = next(d);
    assert_int_equal(row.day, 11016);
    assert_int_equal(row.weekday, 1);
    row = next(d);
    assert_int_equal(row.day, 20697);
    assert_int_equal(row.weekday, 1);
    row = next(d);
    assert_int_equal(row.day, -1);
    assert_int_equal(row.weekday, 2);
    assert_end(d);
}

/* Each column holds another way to write a number. */
static void numbers_read_as_strtof_reads_them(void **state)
{
    (void)state;
    static const char *const plain[] = {"0",
                                        "1",
                                        "279.6",
                                        "0.1",
                                        "000.5",
                                        "7.",
                                        ".25",
                                        "123456.789",
                                        "1e3",
                                        "2.5E2",
                                        "1e-3",
                                        "16777217",
                                        "0.3",
                                        "10350.9",
                                        "99.995",
                                        "5e-324",
                                        "1e12",
                                        "3.14159265358979323846",
                                        "0.000000000000000001",
                                        "100000000000.5",
                                        "33.333",
                                        "66.667",
                                        "-0.0",
                                        "18446744073709551617e-15"};
    begin("customer,day,weekday", 24);
    put("x,0,0");
    for (int i = 0; i < 24; i++)
        assert_int_equal(sg_buf_printf(&text, ",%s", plain[i]), 0);
    struct sg_daily *d = over();
    struct sg_daily_row row = next(d);
    for (int i = 0; i < 24; i++)
        assert_true(row.load[i] == strtof(plain[i], NULL));
    assert_end(d);
}

/* As R's write.csv and others put them: around words, or around everything. */
static void cells_may_stand_in_quotes(void **state)
{
    (void)state;
    sg_buf_reset(&text);
    put("\xef\xbb\xbf\"customer\",\"day\",\"weekday\"");
    line("", "\"h\"", 24, "\r\n");
    line("\"a b\",7,1", "2.5", 24, "\r\n");
    line("\"c\",\"8\",\"2\"", "\"1e1\"", 23, ",\"\"\n");
    line("d,9,3", "\"NA\"", 24, "");
    struct sg_daily *d = over();
    struct sg_daily_row row = next(d);
    assert_name(&row, "a b");
    assert_int_equal(row.day, 7);
    assert_true(row.load[0] == 2.5f && row.load[23] == 2.5f);
    row = next(d);
    assert_name(&row, "c");
    assert_int_equal(row.line, 3);
    assert_int_equal(row.weekday, 2);
    assert_int_equal(row.missing, 1);
    assert_true(row.load[22] == 10 && isnan(row.load[23]));
    row = next(d);
    assert_name(&row, "d");
    assert_int_equal(row.missing, 24);
    assert_end(d);
}

static void missing_values_are_counted(void **state)
{
    (void)state;
    begin("client,date", 48);
    put("x,2024-02-29,NA,nan,NaN,");
    line("", "1.5", 44, "\n");
    line("x,2024-03-01", "", 48, "");
    struct sg_daily *d = over();
    struct sg_daily_row row = next(d);
    assert_int_equal(row.missing, 4);
    for (int i = 0; i < 4; i++)
        assert_true(isnan(row.load[i]));
    assert_true(row.load[4] == 1.5f);
    row = next(d);
    assert_int_equal(row.missing, 48);
    assert_end(d);
}

static void a_header_that_says_something_else_is_refused(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "",
        "\n",
        "customer\n",
        "customer,day,h00,h01\n",
        "0,2008-01-01,9.9,19.8\n",
        "customer,weekday,day,h00\n",
        "customer,day,weekday,h00,h01,h02\n",
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        struct sg_daily *d = NULL;
        why = (struct sg_daily_error){.line = 99};
        assert_int_equal(sg_daily_over(&d, sg_bytes_str(headers[i]), &why), SG_DAILY_BAD);
        assert_null(d);
        assert_true(why.line == 1 && why.text[0]);
    }
    sg_buf_reset(&text);
    put("\xef\xbb\xbf"); /* as spreadsheets write it */
    line("building,date", "q", 24, "\n");
    assert_end(over());
}

/* The third line is bad; where, and that nothing was taken. */
static void refuse_octets(struct sg_bytes bad, unsigned column)
{
    struct sg_daily_row row = {.line = 77};
    begin("customer,day,weekday", 24);
    line("x,0,0", "1", 24, "\n");
    assert_int_equal(sg_buf_append(&text, bad), 0);
    put("\n");
    struct sg_daily *d = over();
    next(d);
    assert_int_equal(sg_daily_next(d, &row, &why), SG_DAILY_BAD);
    assert_int_equal(row.line, 77);
    assert_int_equal(why.line, 3);
    assert_int_equal(why.column, column);
    assert_true(why.text[0] != 0);
    sg_daily_free(d);
}

static void refuse(const char *bad, unsigned column)
{
    refuse_octets(sg_bytes_str(bad), column);
}

#define SIX "1,1,1,1,1,1"

static void a_bad_line_is_named(void **state)
{
    (void)state;
    refuse(",1,0," SIX "," SIX "," SIX "," SIX, 1);
    refuse("\"x,1,0," SIX "," SIX "," SIX "," SIX, 1);
    refuse("x\",1,0," SIX "," SIX "," SIX "," SIX, 1);
    refuse("\"x\"y,1,0," SIX "," SIX "," SIX "," SIX, 1);
    refuse("\"x,y\",1,0," SIX "," SIX "," SIX "," SIX, 1);
    refuse("\"x\"\"y\",1,0," SIX "," SIX "," SIX "," SIX, 1);
    refuse("\"\",1,0," SIX "," SIX "," SIX "," SIX, 1);
    refuse("x,\"1\",0,1,\"1," SIX "," SIX "," SIX ",1,1,1,1", 5);
    refuse("x,1,0," SIX "," SIX "," SIX ",1,1,1,1,1,\"1\"\"", 27);
    refuse("x,1,0," SIX "," SIX "," SIX ",1,1,1,1,1,\"", 27);
    refuse("x,1,0,1,-,1,1,1,1," SIX "," SIX "," SIX, 5);
    refuse("x,1,0,1,--0,1,1,1,1," SIX "," SIX "," SIX, 5);
    refuse("x,1,0,1,-1e-300,1,1,1,1," SIX "," SIX "," SIX, 5);
    refuse("a name of more octets than any customer is ever allowed to have here,1,0", 1);
    refuse("x", 1);
    refuse("x,-1,0," SIX "," SIX "," SIX "," SIX, 2);
    refuse("x,1.5,0," SIX "," SIX "," SIX "," SIX, 2);
    refuse("x,10000000,0," SIX "," SIX "," SIX "," SIX, 2);
    refuse("x,99999999999999999999,0," SIX, 2);
    refuse("x,1,7," SIX "," SIX "," SIX "," SIX, 3);
    refuse("x,1,", 3);
    refuse("x,1,0", 4);
    refuse("x,1,0," SIX "," SIX "," SIX ",1,1,1,1,1", 26);
    refuse("x,1,0," SIX "," SIX "," SIX "," SIX ",1", 27);
    refuse("x,1,0," SIX "," SIX "," SIX "," SIX ",", 27);
    refuse("x,1,0,1,-0.1,1,1,1,1," SIX "," SIX "," SIX, 5);
    refuse("x,1,0,1,1x,1,1,1,1," SIX "," SIX "," SIX, 5);
    refuse("x,1,0,1,1.2.3,1,1,1,1," SIX "," SIX "," SIX, 5);
    refuse("x,1,0,1,0x10,1,1,1,1," SIX "," SIX "," SIX, 5);
    refuse("x,1,0,1,inf,1,1,1,1," SIX "," SIX "," SIX, 5);
    refuse("x,1,0,1, 1,1,1,1,1," SIX "," SIX "," SIX, 5);
    refuse("x,1,0,1,1e13,1,1,1,1," SIX "," SIX "," SIX, 5);
    refuse("x,1,0,1,1e999,1,1,1,1," SIX "," SIX "," SIX, 5);
    refuse("x,1,0,1,.,1,1,1,1," SIX "," SIX "," SIX, 5);
    refuse("x,1,0,1,0000000000000000000000000000000000000000001,1", 5);
}

/* What a C string ends at must not hide the rest of a value. */
static void a_nul_is_no_end_of_a_value(void **state)
{
    (void)state;
    refuse_octets(SG_BYTES_LIT("x,1,0,1,5\0-9,1,1,1,1," SIX "," SIX "," SIX), 5);
    refuse_octets(SG_BYTES_LIT("x,1,0,1,NA\0-9,1,1,1,1," SIX "," SIX "," SIX), 5);
    refuse_octets(SG_BYTES_LIT("x,1,0,1,1e3\0,1,1,1,1," SIX "," SIX "," SIX), 5);
    refuse_octets(SG_BYTES_LIT("x,1,0\0," SIX "," SIX "," SIX "," SIX), 3);
    refuse_octets(SG_BYTES_LIT("x\0y,1,0," SIX "," SIX "," SIX "," SIX), 1);
}

static void a_bad_date_is_named(void **state)
{
    (void)state;
    static const char *const dates[] = {
        "2023-02-29",  "2023-13-01", "2023-00-10", "2023-01-00", "2023-1-01", "23-01-01",
        "2023-01-011", "20230101",   "1900-02-29", "2023-04-31", "",          "2"};
    for (size_t i = 0; i < sizeof(dates) / sizeof(*dates); i++) {
        struct sg_daily_row row;
        begin("building,date", 24);
        put("x,");
        put(dates[i]);
        struct sg_daily *d = over();
        assert_int_equal(sg_daily_next(d, &row, &why), SG_DAILY_BAD);
        assert_int_equal(why.line, 2);
        assert_int_equal(why.column, 2);
        sg_daily_free(d);
    }
}

static void a_line_without_end_is_not_swallowed(void **state)
{
    (void)state;
    struct sg_daily_row row;
    begin("customer,day,weekday", 24);
    for (int i = 0; i < 400000; i++)
        put("1");
    struct sg_daily *d = over();
    assert_int_equal(sg_daily_next(d, &row, &why), SG_DAILY_BAD);
    assert_int_equal(why.line, 2);
    assert_int_equal(why.column, 0);
    sg_daily_free(d);
}

/* Rows over the borders of many chunks, with lines of every length around them. */
static void make_many(int n)
{
    begin("customer,day,weekday", 24);
    for (int i = 0; i < n; i++) {
        assert_int_equal(sg_buf_printf(&text, "%.*s%d,%d,%d", i % 13, "xxxxxxxxxxxxx", i, i, i % 7),
                         0);
        for (int k = 0; k < 24; k++)
            assert_int_equal(sg_buf_printf(&text, ",%d.%d", i % 977, k), 0);
        put("\n");
    }
}

static void check_many(struct sg_daily *d, int n)
{
    char name[64];
    for (int i = 0; i < n; i++) {
        const struct sg_daily_row row = next(d);
        snprintf(name, sizeof(name), "%.*s%d", i % 13, "xxxxxxxxxxxxx", i);
        assert_name(&row, name);
        assert_int_equal(row.day, i);
        assert_int_equal(row.line, i + 2);
        for (int k = 0; k < 24; k++) {
            char value[32];
            snprintf(value, sizeof(value), "%d.%d", i % 977, k);
            if (i % 100 == 0)
                assert_true(row.load[k] == strtof(value, NULL));
        }
    }
    assert_end(d);
}

#define MANY 12000

static void files_plain_and_packed(void **state)
{
    (void)state;
    char path[64];
    struct sg_daily *d = NULL;
    snprintf(path, sizeof(path), "/tmp/sealgrid-daily-%d.csv", (int)getpid());
    make_many(MANY);
    check_many(over(), MANY);
    for (int packed = 0; packed < 2; packed++) {
        gzFile f = gzopen(path, packed ? "wb1" : "wbT"); /* T: as it is */
        assert_int_equal(gzwrite(f, text.data, (unsigned)text.len), text.len);
        assert_int_equal(gzclose(f), Z_OK);
        assert_int_equal(sg_daily_open(&d, path, &why), 0);
        check_many(d, MANY);
    }
    unlink(path);
    assert_int_equal(sg_daily_open(&d, path, &why), -ENOENT);
}

/* A copy that broke off must not pass for a shorter file. */
static void a_packed_file_cut_off_is_an_error(void **state)
{
    (void)state;
    char path[64];
    struct sg_daily *d = NULL;
    struct sg_daily_row row;
    int r;
    snprintf(path, sizeof(path), "/tmp/sealgrid-daily-%d.csv.gz", (int)getpid());
    make_many(MANY);
    gzFile f = gzopen(path, "wb1");
    assert_int_equal(gzwrite(f, text.data, (unsigned)text.len), text.len);
    assert_int_equal(gzclose(f), Z_OK);
    assert_int_equal(truncate(path, 200000), 0);
    assert_int_equal(sg_daily_open(&d, path, &why), 0);
    while ((r = sg_daily_next(d, &row, &why)) == 0)
        ;
    assert_int_equal(r, -EBADMSG);
    sg_daily_free(d);
    unlink(path);
}

static int clear(void **state)
{
    (void)state;
    sg_buf_clear(&text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_weekdays),
        cmocka_unit_test(dates_tell_their_weekday),
        cmocka_unit_test(numbers_read_as_strtof_reads_them),
        cmocka_unit_test(cells_may_stand_in_quotes),
        cmocka_unit_test(missing_values_are_counted),
        cmocka_unit_test(a_header_that_says_something_else_is_refused),
        cmocka_unit_test(a_bad_line_is_named),
        cmocka_unit_test(a_nul_is_no_end_of_a_value),
        cmocka_unit_test(a_bad_date_is_named),
        cmocka_unit_test(a_line_without_end_is_not_swallowed),
        cmocka_unit_test(files_plain_and_packed),
        cmocka_unit_test(a_packed_file_cut_off_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, clear);
}
