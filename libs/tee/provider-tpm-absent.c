/* In place of provider-tpm.c where tss2 is not at hand. */
#include "tpm-provider-int.h"

int sg_tpm_provider_open(struct sg_tee_provider **ret, const char *where)
{
    (void)ret, (void)where;
    return sg_raisef(-ENOTSUP, "built without tss2: no provider of evidence \"tpm\"");
}
