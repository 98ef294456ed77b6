/*
 * Any octets as evidence, judged under no root and described: nothing is trusted or read out of
 * bounds, what is written is well-formed JSON with every nesting closed.
 */
#include "fuzz-judging-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fields(const struct sg_tee_verdict *v)
{
    for (size_t i = 0; i < v->n_fields; i++) {
        struct sg_bytes field;
        if (sg_tee_verdict_field(v, sg_bytes_str(v->fields[i].name), &field))
            sg_assert(field.data >= v->body.data &&
                      field.data + field.len <= v->body.data + v->body.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = SG_BYTES(data, size)};
    fuzz_judge(&e, true, check_fields);
    fuzz_judge(&e, false, check_fields);
    fuzz_describe(&e);
    return 0;
}
