/* Facts and holidays of whatever octets: refused with a place, or fit to be asked for. */
#include <sealgrid/base/cleanup.h>

#include "context-file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct context_files *f)
{
    for (size_t i = 0; i < f->n && i < 100; i++) {
        struct sg_fraud_context c = SG_FRAUD_CONTEXT_NONE;
        context_fill(f, f->rows[i].id, &c);
        sg_assert(c.cls < SG_FRAUD_CLASS_COUNT && c.contracted_kw >= 0 && c.solar_kw >= 0);
        sg_assert(strlen(c.activity) <= SG_FRAUD_ACTIVITY_MAX);
        sg_assert(strlen(c.region) <= SG_FRAUD_REGION_MAX);
        sg_assert(c.n_holidays <= SG_FRAUD_HOLIDAYS_MAX);
        for (size_t k = 1; k < c.n_holidays; k++)
            sg_assert(c.holiday[k - 1] <= c.holiday[k]);
    }
}

/* The text up to a line of "--" tells of customers, what follows of holidays. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(context_files_clear) struct context_files f = {.rows = NULL};
    char why[CONTEXT_WHY_MAX] = "";
    const uint8_t *cut = size ? memmem(data, size, "--\n", 3) : NULL;
    const size_t first = cut ? (size_t)(cut - data) : size;
    int r = context_parse(&f, SG_BYTES(data, first), why);
    sg_assert(r != CONTEXT_BAD || why[0]);
    if (r == 0 && cut)
        r = context_parse_holidays(&f, SG_BYTES(cut + 3, size - first - 3), why);
    sg_assert(r != CONTEXT_BAD || why[0]);
    if (r == 0)
        ask(&f);
    return 0;
}
