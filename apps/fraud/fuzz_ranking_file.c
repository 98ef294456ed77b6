/* A ranking that was read, written out and read again is the same ranking. */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>

#include "ranking-file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A name that begins like a formula, or like one with its guard, gets a guard. */
static bool wants_guard(const char *id)
{
    const char *first = id + (id[0] == '\'');
    return *first && strchr("=+-@", *first);
}

static void write_all(const struct ranking_file *f, struct sg_buf *b)
{
    sg_assert(sg_buf_printf(b, "customer,score\n") == 0);
    for (size_t i = 0; i < f->n; i++) {
        sg_assert(i == 0 || f->list[i].score <= f->list[i - 1].score);
        sg_assert(sg_buf_printf(b, "\"%s%s\",%.17g\n", wants_guard(f->list[i].id) ? "'" : "",
                                f->list[i].id, f->list[i].score) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(ranking_file_clear) struct ranking_file f = {.list = NULL}, again = {.list = NULL};
    SG_CLEANUP(sg_buf_clear) struct sg_buf one = SG_BUF_INIT(64 << 20), two = SG_BUF_INIT(64 << 20);
    char why[RANKING_FILE_WHY_MAX];
    if (ranking_file_parse(&f, SG_BYTES(data, size), why) != 0)
        return 0;
    write_all(&f, &one);
    sg_assert(ranking_file_parse(&again, sg_buf_bytes(&one), why) == 0);
    write_all(&again, &two);
    sg_assert(f.n == again.n && sg_bytes_equal(sg_buf_bytes(&one), sg_buf_bytes(&two)));
    return 0;
}
