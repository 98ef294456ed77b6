/*
 * fuzz - a learnt ranking that is taken is written again octet for octet, judges a customer and
 * counts drift.
 */
#include <sealgrid/fraud/learn.h>

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    SG_CLEANUP(sg_drift_freep) struct sg_drift *d = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_LEARNED_BYTES_MAX);
    static float row[SG_LEARN_FEATURES_MAX];
    bool warns;

    if (sg_learned_decode(SG_BYTES(data, size), &m))
        return 0;
    sg_assert(sg_learned_encode(m, &b) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&b), SG_BYTES(data, size)));
    const double margin = sg_learned_margin(m, row, 3);
    const double p = sg_learned_probability(m, margin);
    sg_assert(p >= 0 && p <= 1);
    sg_assert(sg_drift_new(&d, m) == 0);
    sg_drift_add(d, row, 3, margin);
    for (uint32_t column = 0; column < sg_learned_facts(m).features + 2; column++)
        sg_assert(sg_drift_index(d, column, &warns) >= 0);
    return 0;
}
