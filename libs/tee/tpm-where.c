#include "tpm-provider-int.h"

#include <sealgrid/crypto/hash.h>

enum { PCRS = 24, DIGITS_MAX = 2, TPMT_HA_HEAD = 2 };

static bool take_number(const char **at, unsigned *ret)
{
    unsigned n = 0, digits = 0;
    for (; **at >= '0' && **at <= '9' && digits <= DIGITS_MAX; (*at)++, digits++)
        n = n * 10 + (unsigned)(**at - '0');
    *ret = n;
    return digits >= 1 && digits <= DIGITS_MAX && n < PCRS;
}

/* "4" or "0-7"; every PCR once. */
static bool take_range(const char **at, uint32_t *pcrs)
{
    unsigned first, last;
    if (!take_number(at, &first))
        return false;
    last = first;
    if (**at == '-') {
        (*at)++;
        if (!take_number(at, &last) || last < first)
            return false;
    }
    for (unsigned i = first; i <= last; i++) {
        if (*pcrs >> i & 1)
            return false;
        *pcrs |= UINT32_C(1) << i;
    }
    return true;
}

int sg_tpm_where(const char *where, struct sg_tpm_where *ret)
{
    static const char key[] = "pcrs=";
    struct sg_tpm_where w = {.pcrs = SG_TPM_PCRS_DEFAULT, .tcti = where};
    if (where && strncmp(where, key, sizeof key - 1) == 0) {
        const char *at = where + sizeof key - 1;
        w.pcrs = 0;
        do
            if (!take_range(&at, &w.pcrs))
                return sg_raisef(-EINVAL, "%s: pcrs=0-7,9,14;TCTI names PCRs 0 to 23, each once",
                                 where);
        while (*at++ == ',');
        if (at[-1] != ';')
            return sg_raisef(-EINVAL, "%s: a ; stands between PCRs and TCTI", where);
        w.tcti = at;
    }
    if (w.tcti && !w.tcti[0])
        w.tcti = NULL;
    *ret = w;
    return 0;
}

size_t sg_tpm_nonce(size_t digest_max, const uint8_t report_data[SG_TEE_REPORT_DATA_LEN],
                    uint8_t ret[SG_TEE_REPORT_DATA_LEN])
{
    if (digest_max + TPMT_HA_HEAD >= SG_TEE_REPORT_DATA_LEN) {
        memcpy(ret, report_data, SG_TEE_REPORT_DATA_LEN);
        return SG_TEE_REPORT_DATA_LEN;
    }
    sg_sha256(ret, SG_BYTES(report_data, SG_TEE_REPORT_DATA_LEN));
    return 32;
}
