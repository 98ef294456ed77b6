#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/buf.h>
#include <sealgrid/base/file.h>
#include <stdio.h>
#include <zlib.h>

#include <sealgrid/meter/gz.h>

#define LONG 700000 /* several chunks, plain or not */

static char path[64];

/* text as a gzip member, appended. */
static void pack(struct sg_buf *to, struct sg_bytes text)
{
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)text.data, .avail_in = (unsigned)text.len};
    uint8_t *at;
    assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t room = deflateBound(&z, text.len);
    assert_int_equal(sg_buf_reserve(to, room), 0);
    at = to->data + to->len;
    z.next_out = at;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    to->len += room - z.avail_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
}

/* All that a file of these octets holds, asked for in pieces; what the last read said. */
static int read_all(struct sg_bytes file, size_t piece, struct sg_buf *ret)
{
    SG_CLEANUP(sg_gz_closep) struct sg_gz *g = NULL;
    size_t n;
    sg_buf_reset(ret);
    assert_int_equal(sg_file_write_atomic(path, file, 0600), 0);
    assert_int_equal(sg_gz_open(&g, path), 0);
    do {
        assert_int_equal(sg_buf_reserve(ret, piece), 0);
        int r = sg_gz_read(g, (char *)ret->data + ret->len, piece, &n);
        if (r)
            return r;
        assert_true(n <= piece);
        ret->len += n;
    } while (n);
    assert_int_equal(sg_gz_read(g, (char *)ret->data + ret->len, piece, &n), 0);
    assert_int_equal(n, 0); /* and stays at its end */
    return 0;
}

static void expect(const struct sg_buf *file, struct sg_bytes want)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf got = SG_BUF_INIT(4 << 20);
    static const size_t pieces[] = {1 << 20, 4096, 1000};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(read_all(sg_buf_bytes(file), pieces[i], &got), 0);
        assert_true(sg_bytes_equal(sg_buf_bytes(&got), want));
    }
}

static void plain_files_are_as_they_are(void **state)
{
    (void)state;
    static uint8_t text[LONG];
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(4 << 20);
    for (size_t i = 0; i < LONG; i++)
        text[i] = (uint8_t)(i * 2654435761u >> 13);
    static const size_t lengths[] = {0, 1, 2, 3, LONG};
    text[0] = 0x1f; /* half of the mark of gzip */
    for (size_t i = 0; i < 5; i++) {
        sg_buf_reset(&file);
        assert_int_equal(sg_buf_append(&file, SG_BYTES(text, lengths[i])), 0);
        expect(&file, sg_buf_bytes(&file));
    }
}

static void members_follow_one_another(void **state)
{
    (void)state;
    static uint8_t text[LONG];
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(4 << 20);
    for (size_t i = 0; i < LONG; i++)
        text[i] = (uint8_t)(i * i >> 7);
    pack(&file, SG_BYTES(text, 100));
    pack(&file, SG_BYTES_NONE);
    pack(&file, SG_BYTES(text + 100, LONG - 100));
    expect(&file, SG_BYTES(text, LONG));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(sg_buf_append_u8(&file, 0), 0);
    expect(&file, SG_BYTES(text, LONG));
}

static void what_follows_is_not_lost_in_silence(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20), got = SG_BUF_INIT(1 << 20);
    pack(&file, SG_BYTES_LIT("a row\n"));
    assert_int_equal(sg_buf_append(&file, SG_BYTES_LIT("another row\n")), 0);
    assert_int_equal(read_all(sg_buf_bytes(&file), 4096, &got), -EBADMSG);
}

static void every_cut_is_noticed(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20), got = SG_BUF_INIT(1 << 20);
    pack(&file, SG_BYTES_LIT("a row\nanother row\n"));
    for (size_t n = 2; n < file.len; n++)
        assert_int_equal(read_all(SG_BYTES(file.data, n), 4096, &got), -EBADMSG);
    for (size_t i = 2; i < file.len; i++) {
        const uint8_t kept = file.data[i];
        if (i >= 3 && i < 10) /* text or not, time, speed, system: nothing depends on them */
            continue;
        file.data[i] ^= 1;
        const int r = read_all(sg_buf_bytes(&file), 4096, &got);
        assert_true(r == -EBADMSG);
        file.data[i] = kept;
    }
}

static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    struct sg_gz *g = NULL;
    assert_int_equal(sg_gz_open(&g, "/nonexistent"), -ENOENT);
    assert_int_equal(sg_gz_open(&g, "/"), -EISDIR);
    assert_null(g);
}

static int name_file(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/sealgrid-gz-%d", (int)getpid());
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_files_are_as_they_are),
        cmocka_unit_test(members_follow_one_another),
        cmocka_unit_test(what_follows_is_not_lost_in_silence),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(what_cannot_be_read_is_said),
    };
    return cmocka_run_group_tests(tests, name_file, remove_file);
}
