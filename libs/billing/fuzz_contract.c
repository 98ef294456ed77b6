/* fuzz - a file of contracts is refused with a reason, or is in order and can be searched. */
#include <sealgrid/billing/contract.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_contracts_clear) struct sg_contracts all = {NULL, 0};
    struct sg_yaml_error why = {0, ""};
    const struct sg_contract *found;

    if (sg_contracts_read(&all, SG_BYTES(data, size), &why)) {
        sg_assert(all.n == 0 && why.text[0]);
        return 0;
    }
    for (size_t i = 0; i < all.n; i++) {
        const struct sg_contract *c = &all.list[i];
        sg_assert(c->from_day < c->until_day && c->phases <= 3);
        sg_assert(sg_contracts_over(&all, c->client, c->from_day, c->from_day, &found) == 0);
        sg_assert(found == c);
        sg_assert(sg_contract_highest_w(c, SG_CONTRACT_ALL, 24320, 12) >= 0);
        for (size_t k = 0; k < c->n_credits; k++)
            sg_assert(c->credits[k].wh > 0);
    }
    return 0;
}
