/*
 * fuzz - trees that are taken are written again octet for octet; every row comes to a leaf; what
 * the features add makes up the margin.
 */
#include <sealgrid/fraud/trees-file.h>

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TREES_BYTES_MAX);
    char label[SG_TREES_LABEL_MAX + 1];
    static float row[SG_TREES_FEATURES_MAX];
    static double part[SG_TREES_FEATURES_MAX];
    double margin, sum, most = 1;

    if (sg_trees_decode(SG_BYTES(data, size), &m, label))
        return 0;
    sg_assert(sg_trees_encode(m, label, &b) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&b), SG_BYTES(data, size)));
    for (uint32_t f = 0; f < sg_trees_features(m); f++)
        row[f] = f % 3 ? (float)(size % 17) - (float)f : NAN;
    sg_trees_margins(m, row, 1, &margin);
    sg_trees_explain(m, row, part, &sum);
    for (uint32_t f = 0; f < sg_trees_features(m); f++) {
        most = fmax(most, fabs(part[f]));
        sum += part[f];
    }
    /* Values of up to 1e6 a tree: the bound is relative. */
    sg_assert(fabs(sum - margin) <= 1e-9 * most * (1 + sg_trees_count(m)) * 1e3);
    return 0;
}
