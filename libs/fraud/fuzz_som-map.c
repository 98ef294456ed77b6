/*
 * fuzz - a map that is taken is written again octet for octet, and can be matched against.
 */
#include <sealgrid/fraud/som-map.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_som_freep) struct sg_som *m = NULL;
    SG_CLEANUP(sg_som_matcher_freep) struct sg_som_matcher *w = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_SOM_MAP_BYTES_MAX);
    char label[SG_SOM_LABEL_MAX + 1];
    uint64_t seed;
    uint32_t node;

    if (sg_som_map_decode(SG_BYTES(data, size), &m, label, &seed))
        return 0;
    sg_assert(sg_som_map_encode(m, label, seed, &b) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&b), SG_BYTES(data, size)));
    /* A code's best match is itself, or a lower one just like it. */
    uint32_t last = sg_som_nodes(m) - 1;
    sg_assert(sg_som_matcher_new(&w, m, NULL) == 0);
    sg_assert(sg_som_match(w, sg_som_code(m, last), 1, &node, NULL, NULL) == 0 && node <= last);
    return 0;
}
