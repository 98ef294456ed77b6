/*
 * fuzz - a model that is taken is written again octet for octet, and judges a customer: a score of
 * 0 or more, whatever the trees say.
 */
#include <sealgrid/fraud/full-file.h>

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fill(struct sg_fraud_days *d, const struct sg_corr_windows *w)
{
    float row[24];
    sg_assert(sg_fraud_days_start(d, "c", 24) == 0);
    for (int32_t day = w->reference.first; day <= w->test.last; day++) {
        for (unsigned h = 0; h < 24; h++)
            row[h] = (float)(h % 7 + (unsigned)(day & 3));
        sg_assert(sg_fraud_days_add(d, day, (uint8_t)((uint32_t)day % 7), row, NULL) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *m = NULL;
    SG_CLEANUP(sg_full_judge_freep) struct sg_full_judge *j = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_FULL_BYTES_MAX);
    struct sg_full_score s;

    if (sg_full_decode(SG_BYTES(data, size), &m))
        return 0;
    sg_assert(sg_full_encode(m, &b) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&b), SG_BYTES(data, size)));
    fill(&d, sg_full_model_windows(m));
    sg_assert(sg_full_judge_new(&j, m) == 0);
    if (sg_full_judge_score(j, &d, NULL, &s) == 0)
        sg_assert(s.score >= 0 && isfinite(s.score));
    return 0;
}
