/*
 * compat_columns - every version of the page body ever written must give back its rows: images in
 * tests/compat/columns.  What the encoder makes of the same rows today may differ from the image,
 * but must give them back too.
 */
#include "image.h"

#include "libs/kvs/columns-int.h"

static struct image image;

static void expect_rows(const char *set, const struct sg_rows *rows)
{
    char name[64];

    for (size_t i = 0; i < rows->n; i++) {
        snprintf(name, sizeof(name), "%s_sort_%zu", set, i);
        image_expect_octets(&image, name, rows->row[i].sort);
        snprintf(name, sizeof(name), "%s_value_%zu", set, i);
        image_expect_octets(&image, name, rows->row[i].value);
    }
    snprintf(name, sizeof(name), "%s_sort_%zu", set, rows->n);
    image_require(&image, image_find(&image, name).data == NULL, name, "was not decoded");
}

static void check_set(const char *set, uint8_t form)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(IMAGE_MAX);
    SG_CLEANUP(sg_rows_clear) struct sg_rows rows = SG_ROWS_INIT, twice = SG_ROWS_INIT;
    char name[64];

    snprintf(name, sizeof(name), "%s_body", set);
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = image_octets(&image, name);
    image_require(&image, body.len > 0 && body.data[0] == form, name, "is of another form");
    image_require(&image, sg_columns_decode(sg_buf_bytes(&body), &rows) == 0, name,
                  "does not decode");
    expect_rows(set, &rows);
    image_require(&image, sg_columns_encode(rows.row, rows.n, &again) == 0, name,
                  "does not encode");
    image_require(&image, sg_columns_decode(sg_buf_bytes(&again), &twice) == 0, name,
                  "does not decode twice");
    expect_rows(set, &twice);
}

int main(int argc, char **argv)
{
    image_open(&image, argc > 1 ? argv[1] : "tests/compat/columns/v1.txt");
    check_set("plain", 1);
    check_set("day", 2);
    check_set("hand", 2);
    check_set("mixed", 3);
    check_set("raw", 3);
    printf("%s: every body gives back its rows\n", image.path);
    sg_buf_clear(&image.text);
    return 0;
}
