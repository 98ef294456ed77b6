/*
 * Any octets as a case of several parts (each behind its length, two octets, in the order of enum
 * sg_tee_part): TPM quotes and Azure bundles, judged under no root and described.  Nothing is
 * trusted or read out of bounds; fields lie inside the evidence; what is written is JSON.
 */
#include "fuzz-judging-int.h"
#include "tpm-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct sg_bytes whole, struct sg_bytes f)
{
    return f.len <= whole.len && f.data >= whole.data && f.data <= whole.data + whole.len - f.len;
}

static void check_fields(const struct sg_tee_verdict *v)
{
    static const char *const names[] = {"extra", "signer", "pcrdigest", "pcr0", "pcr23", "version"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct sg_bytes f;
        if (sg_tee_verdict_field(v, sg_bytes_str(names[i]), &f))
            sg_assert(inside(v->tpm_quote, f) || inside(v->tpm_pcrs, f) || inside(v->body, f));
    }
}

/* The key by itself, as it is read beside a good quote too. */
static void read_key(struct sg_bytes octets)
{
    SG_CLEANUP(sg_tpm_key_clear) struct sg_tpm_key k = {0};
    const int r = sg_tpm_key_read(octets, &k);
    sg_assert(r == 0 || r == SG_TEE_KEY_BAD);
    sg_assert((r == 0) == (k.key != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_reader r = sg_reader_over(SG_BYTES(data, size));
    struct sg_tee_evidence e = {0};
    uint16_t len;
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        if (!sg_take_be16(&r, &len) || !sg_take(&r, len, &e.part[i]))
            break;
    fuzz_judge(&e, true, check_fields);
    fuzz_judge(&e, false, check_fields);
    fuzz_describe(&e);
    read_key(e.part[SG_TEE_PART_TPM_KEY]);
    return 0;
}
