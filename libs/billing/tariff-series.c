/* tariff-series - {file, sha256, step_minutes}: the series that a tariff names. */
#include "tariff-int.h"

#include <sealgrid/base/encode.h>

#include <stdio.h>

#define FILE_NAME_MAX 100
#define DAY_MINUTES   1440

struct reference {
    char file[FILE_NAME_MAX + 1];
    uint8_t sha256[32];
    uint32_t step_s;
};

/* A name in the tariff's own folder. */
static int take_file(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    struct reference *ref = into;
    int r = sg_field_text(f, n, ref->file, FILE_NAME_MAX);

    if (r)
        return r;
    for (const char *c = ref->file; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              strchr("._-", *c)))
            return sg_fields_refuse(f, n, "a file in this folder: letters, digits, . _ -");
    return ref->file[0] == '.' ? sg_fields_refuse(f, n, "must not begin with a point") : 0;
}

static int take_sha256(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf hash = SG_BUF_INIT(32);
    struct reference *ref = into;
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    if (strlen(n->text) != 64 || sg_hex_decode(&hash, sg_bytes_str(n->text)) || hash.len != 32)
        return sg_fields_refuse(f, n, "64 hexadecimal digits expected");
    memcpy(ref->sha256, hash.data, 32);
    return 0;
}

static int take_step(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    const struct sg_tariff *t = sg_tariff_parser_of(f)->t;
    struct reference *ref = into;
    int64_t minutes = 0;
    int r = sg_field_decimal(f, n, 0, 1, DAY_MINUTES, &minutes);

    if (r)
        return r;
    ref->step_s = (uint32_t)minutes * 60;
    if (DAY_MINUTES % minutes)
        return sg_fields_refuse(f, n, "must divide a day");
    if (t->interval_s && ref->step_s % t->interval_s)
        return sg_fields_refuse(f, n, "must be a multiple of interval_minutes");
    return 0;
}

static int read_series(struct sg_fields *f, const struct sg_yaml_node *n,
                       const struct reference *ref, struct sg_bytes csv,
                       const struct sg_series_words *words, struct sg_series **ret)
{
    SG_CLEANUP(sg_series_freep) struct sg_series *s = NULL;
    struct sg_yaml_error why = {0, ""};
    int r = sg_series_read(&s, csv, ref->step_s, words, &why);

    if (r < 0)
        return r;
    if (r > 0)
        return sg_fields_refuse(f, n, "%s:%u: %.80s", ref->file, why.line, why.text);
    if (memcmp(s->sha256, ref->sha256, 32))
        return sg_fields_refuse(f, n, "%s has another sha256", ref->file);
    *ret = TAKE_PTR(s);
    return 0;
}

int sg_tariff_take_series(struct sg_fields *f, const struct sg_yaml_node *n,
                          const struct sg_series_words *words, struct sg_series **ret)
{
    static const struct sg_field members[] = {{"file", true, take_file},
                                              {"sha256", true, take_sha256},
                                              {"step_minutes", true, take_step}};
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(SG_SERIES_FILE_MAX);
    const struct sg_tariff_reading *how = sg_tariff_parser_of(f)->how;
    struct reference ref = {.step_s = 0};
    int r = sg_fields_mapping(f, n, members, SG_FIELD_COUNT(members), &ref);

    if (r)
        return r;
    if (!how->fetch)
        return sg_fields_refuse(f, n, "no folder to read %s from", ref.file);
    r = how->fetch(how->user, ref.file, &csv);
    if (r)
        return sg_fields_refuse(f, n, "cannot read %s: %s", ref.file, strerror(-r));
    return read_series(f, n, &ref, sg_buf_bytes(&csv), words, ret);
}
