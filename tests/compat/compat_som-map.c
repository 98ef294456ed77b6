/*
 * compat_som-map - every version of the saved map ever written must decode, and encode to the same
 * octets: images in tests/compat/som-map, made independently from the contract in som-map.h.
 */
#include "image.h"

#include <sealgrid/fraud/som-map.h>

#include <inttypes.h>

static struct image image;

static void require(bool ok, const char *name, const char *what)
{
    image_require(&image, ok, name, what);
}

static int put_words(struct sg_buf *b, const struct sg_som *m, const char *label, uint64_t seed)
{
    const struct sg_som_shape *s = sg_som_shape(m);
    int r = sg_buf_printf(b, "%s %" PRIu64 " %" PRIu32 "x%" PRIu32 " %d %" PRIu32, label, seed,
                          s->columns, s->rows, (int)s->topology, s->points);
    for (uint32_t i = 0; r == 0 && i < sg_som_nodes(m) * s->points; i++)
        r = sg_buf_printf(b, " %.9g", (double)sg_som_code(m, 0)[i]);
    return r;
}

static void check(const char *name)
{
    char label[SG_SOM_LABEL_MAX + 1], key[64];
    uint64_t seed;
    SG_CLEANUP(sg_som_freep) struct sg_som *m = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf words = SG_BUF_INIT(IMAGE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(IMAGE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf octets = image_octets(&image, name);

    require(sg_som_map_decode(sg_buf_bytes(&octets), &m, label, &seed) == 0, name,
            "does not decode");
    require(put_words(&words, m, label, seed) == 0, name, "does not print");
    snprintf(key, sizeof(key), "%s_fields", name);
    image_expect_words(&image, key, &words);
    require(sg_som_map_encode(m, label, seed, &again) == 0 &&
                sg_bytes_equal(sg_buf_bytes(&again), sg_buf_bytes(&octets)),
            name, "does not encode to the same octets");
}

int main(void)
{
    image_open(&image, "tests/compat/som-map/v1.txt");
    check("rectangular");
    check("hexagonal");
    sg_buf_clear(&image.text);
    puts("2 maps of version 1");
    return 0;
}
