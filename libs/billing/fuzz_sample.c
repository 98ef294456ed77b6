/* fuzz_sample - a challenge, and a response judged against one. */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/sample.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *user, const struct sg_sample_finding *f)
{
    sg_assert(f->why && sg_sample_code_word(f->code));
    (void)user;
}

static void judge(const struct sg_challenge *c, struct sg_bytes response)
{
    const struct sg_bucket bucket = {.until_day = 1, .intervals = 1, .readings = 1, .import_wh = 7};
    const struct sg_proof_bill bill = {.client = 1,
                                       .until_s = 86400,
                                       .interval_s = 86400,
                                       .meters = {{"1", 0, 86400, 1, 1}},
                                       .n_meters = 1,
                                       .buckets = &bucket,
                                       .n_buckets = 1};
    static struct sg_tariff t;
    const struct sg_installations none = {NULL, 0, NULL};
    const struct sg_authority nobody = {.n_roots = 0};
    const struct sg_proof_authority a = {&none, &nobody, &t, 0};
    SG_CLEANUP(sg_population_freep) struct sg_population *p = NULL;
    struct sg_challenge mine = *c;
    struct sg_sample_result result;
    char why[160];

    t.interval_s = 86400;
    sg_assert(sg_population_new(&p, &bill, 1, why) == 0);
    sg_population_commitment(p, mine.commitment);
    mine.bills = 1;
    sg_assert(sg_sample_judge(p, &mine, response, &a, ignore, NULL, &result) == 0);
    sg_assert(result.findings > 0 && result.answered == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_challenge c = {.confidence_ppm = 500000, .tolerable_ppm = 500000, .points = 1};
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_CHALLENGE_MAX);

    if (sg_challenge_take(SG_BYTES(data, size), &c) == 0) {
        sg_assert(sg_challenge_put(&again, &c) == 0);
        sg_assert(sg_bytes_equal(sg_buf_bytes(&again), SG_BYTES(data, size)));
        return 0;
    }
    judge(&c, SG_BYTES(data, size));
    return 0;
}
