/*
 * Any octets as evidence, judged under no root and described: nothing is trusted or read out of
 * bounds, what is written is well-formed JSON with every nesting closed.
 */
#include "fuzz-judging-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = SG_BYTES(data, size)};
    fuzz_judge(&e, true, fuzz_check_fields);
    fuzz_judge(&e, false, fuzz_check_fields);
    fuzz_describe(&e);
    return 0;
}
