/* fuzz - a rule file either is refused with a reason, or judges and fills a short load with a gap:
 * estimates are of the missing intervals, and one pass gives what another gives. */
#include <sealgrid/billing/vee.h>

#include <stdio.h>

#define ROWS 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *user, const struct sg_vee_finding *f)
{
    uint64_t *n = user;
    sg_assert(f->rule && f->text && f->until_s >= f->from_s);
    (*n)++;
}

static void make(struct sg_vee_row rows[ROWS])
{
    for (int i = 0; i < ROWS; i++) {
        rows[i] = (struct sg_vee_row){.serial = "M",
                                      .seq = (uint64_t)i + 1,
                                      .ts_s = 1788231600 + (i < 90 ? i : i + 30) * 900,
                                      .energy_wh = 100 + i * 37 % 50,
                                      .reactive_varh = i,
                                      .register_wh = 1000 + i * 200,
                                      .reactive_register_varh = 5000 - i * 7};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_vee_rules_freep) struct sg_vee_rules *rules = NULL;
    SG_CLEANUP(sg_vee_estimates_clear) struct sg_vee_estimates a = {NULL, 0, 0};
    SG_CLEANUP(sg_vee_estimates_clear) struct sg_vee_estimates b = {NULL, 0, 0};
    struct sg_yaml_error why = {0, ""};
    struct sg_vee_row rows[ROWS];
    uint64_t found = 0;

    if (sg_vee_rules_parse(&rules, SG_BYTES(data, size), &why)) {
        sg_assert(!rules && why.text[0]);
        return 0;
    }
    make(rows);
    const struct sg_vee_series s = {.from_s = 1788231600 - 900,
                                    .until_s = 1788231600 + (ROWS + 29) * 900,
                                    .interval_s = 900,
                                    .rows = rows,
                                    .n_rows = ROWS};
    sg_assert(sg_vee_check(rules, &s, count, &found) == 0);
    sg_assert(sg_vee_estimate(rules, &s, &a) == 0 && sg_vee_estimate(rules, &s, &b) == 0);
    sg_assert(a.n + a.unfilled == 30 && a.n == b.n);
    for (size_t i = 0; i < a.n; i++)
        sg_assert(a.items[i].energy_wh == b.items[i].energy_wh &&
                  !memcmp(a.items[i].inputs, b.items[i].inputs, 32));
    return 0;
}
