/*
 * vectors_abnt [FILE.hex ...] - captured frames of NBR 14522.
 * Every frame decodes, encodes back to its octets, and each field of it survives get and set;
 * frames of a file whose name starts with "bad" must be refused, except the valid block 000, which
 * a composite read must refuse.  NAME.expect.csv beside NAME.hex gives field values.  The blocks of
 * a mass-memory capture are reassembled, and a missing one must be noticed.
 */
#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/meter/nbr14522-reader.h>

static unsigned failures, frames;

static void fail(const char *file, size_t line, const char *why)
{
    fprintf(stderr, "%s:%zu: %s\n", file, line, why);
    failures++;
}

static bool fields_survive(struct sg_bytes block, bool answer)
{
    const struct sg_nbr_layout *l = sg_nbr_layout_of(block, answer);
    uint8_t made[SG_NBR_ANSWER_LEN];
    memcpy(made, block.data, block.len);
    for (size_t k = 0; k < l->n; k++)
        for (size_t i = 0; i < l->fields[k].count; i++) {
            struct sg_nbr_value v;
            sg_nbr_get(&l->fields[k], block, i, &v);
            if (sg_nbr_set(&l->fields[k], made, block.len, i, &v) != 0)
                return false;
        }
    return memcmp(made, block.data, block.len) == 0;
}

static bool is_block_000(const struct sg_nbr_frame *f)
{
    struct sg_nbr_composite c;
    sg_nbr_composite_init(&c, f->block.data[0], 0);
    int r = sg_nbr_is_answer(f->variant) ? sg_nbr_composite_feed(&c, f->block) : 0;
    sg_nbr_composite_clear(&c);
    return r == SG_NBR_POSITION_LOST;
}

static void check_user_output(const char *file, size_t line, struct sg_bytes octets)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(16);
    struct sg_nbr_user_output u;
    if (sg_nbr_user_output_decode(octets, &u) != 0)
        fail(file, line, "user output refused");
    else if (sg_nbr_user_output_encode(&u, &again) != 0 ||
             !sg_bytes_equal(sg_buf_bytes(&again), octets))
        fail(file, line, "user output does not encode back");
}

static void check_good(const char *file, size_t line, struct sg_bytes octets)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_NBR_FRAME_MAX);
    struct sg_nbr_frame f;
    if (octets.len == 8 || octets.len == 9) {
        check_user_output(file, line, octets);
        return;
    }
    int r = sg_nbr_frame_decode(octets, &f);
    if (r > 0)
        fail(file, line, sg_nbr_refusal_text((enum sg_nbr_refusal)r));
    else if (sg_nbr_frame_encode(&f, &again) != 0 || !sg_bytes_equal(sg_buf_bytes(&again), octets))
        fail(file, line, "frame does not encode back");
    else if (!fields_survive(f.block, sg_nbr_is_answer(f.variant)))
        fail(file, line, "a field does not encode back");
}

static void check_bad(const char *file, size_t line, struct sg_bytes octets)
{
    struct sg_nbr_frame f;
    if (sg_nbr_frame_decode(octets, &f) == 0 && !is_block_000(&f))
        fail(file, line, "accepted");
}

/* value as text equals the expected column, numbers to the three decimals of the file. */
static bool same_value(const struct sg_nbr_value *v, const char *want)
{
    switch (v->kind) {
    case SG_NBR_NONE:
        return strcmp(want, "NA") == 0;
    case SG_NBR_REAL:
        return fabs((double)v->real - strtod(want, NULL)) < 6e-4;
    case SG_NBR_NUMBER: /* a plain octet FF is "not available" too */
        return strcmp(want, "NA") == 0 ? v->number == 255 : v->number == strtol(want, NULL, 10);
    default:
        return strcmp(v->text, want) == 0;
    }
}

/* octet,name,unit,hex,value */
static void check_expected_row(const char *file, size_t line, char *row, struct sg_bytes block)
{
    char *column[5];
    for (int i = 0; i < 5; i++)
        column[i] = strsep(&row, ",");
    if (!column[4])
        return;
    column[4][strcspn(column[4], "\r\n")] = 0;
    const struct sg_nbr_field *f = sg_nbr_field_named(sg_nbr_layout_of(block, true), column[1]);
    struct sg_nbr_value v;
    if (!f || f->octet != strtoul(column[0], NULL, 10)) {
        fail(file, line, column[1]);
        return;
    }
    sg_nbr_get(f, block, 0, &v);
    if (!same_value(&v, column[4]))
        fail(file, line, column[1]);
}

static void check_expected(const char *hex_file, struct sg_bytes octets)
{
    char path[4096];
    SG_FREE char *line = NULL;
    size_t room = 0, number = 0;
    struct sg_nbr_frame f;
    snprintf(path, sizeof(path), "%.*s.expect.csv", (int)strlen(hex_file) - 4, hex_file);
    FILE *in = fopen(path, "r");
    if (!in)
        return;
    if (sg_nbr_frame_decode(octets, &f) != 0)
        fail(path, 0, "frame refused");
    else
        while (getline(&line, &room, in) >= 0)
            if (number++ > 0)
                check_expected_row(path, number, line, f.block);
    printf("%s: %zu fields\n", path, number ? number - 1 : 0);
    fclose(in);
}

/* A capture that keeps blocks back must end in "gap", never in a wrong whole. */
static void reassemble(struct sg_nbr_composite *c, bool *gap, struct sg_bytes octets)
{
    struct sg_nbr_frame f;
    if (sg_nbr_frame_decode(octets, &f) != 0 || f.block.data[0] != 0x26 ||
        !sg_nbr_is_answer(f.variant))
        return;
    if (sg_nbr_composite_feed(c, f.block) == SG_NBR_GAP)
        *gap = true;
}

static void check_file(const char *path)
{
    SG_FREE char *line = NULL;
    size_t room = 0, number = 0;
    const char *name = strrchr(path, '/');
    const bool bad = strncmp(name ? name + 1 : path, "bad", 3) == 0;
    struct sg_nbr_composite c;
    bool gap = false;
    FILE *in = fopen(path, "r");
    if (!in) {
        fail(path, 0, "cannot be read");
        return;
    }
    sg_nbr_composite_init(&c, 0x26, 0);
    while (getline(&line, &room, in) >= 0) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(65536);
        line[strcspn(line, "#\r\n")] = 0;
        number++;
        if (sg_hex_decode(&octets, sg_bytes_str(line)) != 0) {
            if (!bad)
                fail(path, number, "not hexadecimal");
            continue;
        }
        if (octets.len == 0)
            continue;
        frames++;
        (bad ? check_bad : check_good)(path, number, sg_buf_bytes(&octets));
        if (!bad)
            check_expected(path, sg_buf_bytes(&octets));
        reassemble(&c, &gap, sg_buf_bytes(&octets));
    }
    if (c.blocks > 0 && !bad)
        printf("%s: %u blocks in turn%s\n", path, c.blocks, gap ? ", then a gap, noticed" : "");
    sg_nbr_composite_clear(&c);
    fclose(in);
}

static int check_folder(void)
{
    char folder[2048], path[4096];
    const char *root = getenv("SEALGRID_VECTORS");
    struct dirent *e;
    snprintf(folder, sizeof(folder), "%s/abnt", root ? root : "../shared/vectors");
    DIR *d = opendir(folder);
    if (!d) {
        printf("skipped: no folder %s\n", folder);
        return 0;
    }
    while ((e = readdir(d))) {
        const char *dot = strrchr(e->d_name, '.');
        if (!dot || strcmp(dot, ".hex") != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        check_file(path);
    }
    closedir(d);
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        check_file(argv[i]);
    if (argc == 1)
        check_folder();
    printf("%u frames, %u failures\n", frames, failures);
    return failures ? 1 : 0;
}
