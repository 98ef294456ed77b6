/* fraud-rows - the reader of daily rows beside zlib and the C library. */
#include "fraud-int.h"

#include <stdio.h>
#include <zlib.h>

#include <sealgrid/meter/daily-rows.h>

static int read_rows(void *ctx, uint64_t n, int64_t *ret_ns)
{
    const struct bench *s = ctx;
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++) {
        SG_CLEANUP(sg_daily_freep) struct sg_daily *d = NULL;
        struct sg_daily_error why;
        struct sg_daily_row row;
        int r = sg_daily_open(&d, s->csv, &why);
        while (r == 0)
            r = sg_daily_next(d, &row, &why);
        if (r != SG_DAILY_END)
            return sg_fold(r);
    }
    return 0;
}

/* The same octets through zlib alone, in chunks of the same size. */
static int inflate_alone(void *ctx, uint64_t n, int64_t *ret_ns)
{
    const struct bench *s = ctx;
    static char chunk[256 * 1024];
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++) {
        size_t sum = 0;
        int got;
        gzFile f = gzopen(s->csv, "rb");
        if (!f)
            return sg_raise(-EIO);
        (void)gzbuffer(f, sizeof(chunk));
        while ((got = gzread(f, chunk, sizeof(chunk))) > 0)
            sum += (size_t)got;
        gzclose(f);
        if (sum != s->csv_bytes)
            return sg_raise(-EIO);
    }
    return 0;
}

/* Every value of the plain file by the C library, which checks nothing else. */
static int read_by_library(void *ctx, uint64_t n, int64_t *ret_ns)
{
    const struct bench *s = ctx;
    static char line[SG_DAILY_LINE_MAX];
    double sum = 0;
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++) {
        FILE *f = fopen(s->csv, "re");
        if (!f)
            return sg_raise_errno();
        while (fgets(line, sizeof(line), f))
            for (char *at = strchr(line, ','); at; at = strchr(at + 1, ','))
                sum += (double)strtof(at + 1, NULL);
        fclose(f);
    }
    return sum > 0 ? 0 : sg_raise(-EIO);
}

static int write_csv(struct bench *s, const char *path, const char *mode)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(256 << 20);
    int r = fraud_data_csv(&s->data, sg_bench_scale(s->b, 300, 5), &text);
    gzFile f = r ? NULL : gzopen(path, mode);
    if (r)
        return r;
    if (!f)
        return sg_raise(-EIO);
    const bool whole = gzwrite(f, text.data, (unsigned)text.len) == (int)text.len;
    s->csv_bytes = text.len;
    return gzclose(f) == Z_OK && whole ? 0 : sg_raise(-EIO);
}

int fraud_measure_rows(struct bench *s)
{
    const struct {
        const char *leaf, *mode, *name, *note;
        struct sg_bench_side theirs;
    } kinds[] = {
        {"rows.csv",
         "wbT",
         "daily rows, plain",
         "96 values a line, checked",
         {"fgets, strtof", read_by_library, s}},
        {"rows.csv.gz",
         "wb6",
         "daily rows, gzip",
         "theirs: the octets without looking at them",
         {"zlib alone", inflate_alone, s}},
    };
    int r = 0;
    for (int i = 0; r == 0 && i < 2; i++) {
        char path[1100];
        snprintf(path, sizeof(path), "%s/%s", s->folder, kinds[i].leaf);
        r = write_csv(s, path, kinds[i].mode);
        s->csv = path;
        const struct sg_bench_line line = {.name = kinds[i].name,
                                           .unit = "MB/s",
                                           .per_unit = (double)s->csv_bytes / 1e6,
                                           .cpu = true,
                                           .note = kinds[i].note,
                                           .ours = {"sealgrid", read_rows, s},
                                           .theirs = kinds[i].theirs};
        if (r == 0)
            r = sg_bench_pair(s->b, &line);
    }
    return r;
}
