#pragma once
/*
 * tsm - evidence through configfs-tsm (Linux 6.7 and later): SEV-SNP reports, TDX quotes, Arm CCA
 * tokens, without a vendor's library.
 * Source: Linux, Documentation/ABI/testing/configfs-tsm-report.
 *
 * Every request has a folder of its own, so no two share state; still the kernel's counter
 * `generation` is compared around each step, for a write's failure may be lost at close and whoever
 * may write below the folder can change a request between write and read.  And the evidence must
 * hold the report data asked for.
 */
#include "provider-int.h"
#include "snp-derive-int.h"

#define SG_TSM_FOLDER "/sys/kernel/config/tsm/report"

/* How requests reach the kernel; tests put themselves between.  -errno. */
struct sg_tsm_io {
    int (*make)(const char *folder); /* mkdir */
    int (*drop)(const char *folder); /* rmdir */
    int (*write)(const char *folder, const char *name, struct sg_bytes value);
    int (*read)(const char *folder, const char *name, struct sg_buf *ret);
    sg_snp_ask_key *snp_key; /* of SEV-SNP guests, by a device of their own */
};
extern const struct sg_tsm_io sg_tsm_kernel;

/* where: the folder of requests; NULL or "": SG_TSM_FOLDER.  -ENOTSUP: a provider that is none of
 * the three. */
SG_MUST_USE int sg_tsm_provider_open(struct sg_tee_provider **ret, const char *where,
                                     const struct sg_tsm_io *io);
