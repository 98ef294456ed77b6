#pragma once
/*
 * tee sim - a simulated platform, for development.  IT PROTECTS NOBODY: its keys are plain files,
 * and whoever reads them can attest to anything and unseal everything.
 *
 * A platform is a folder: platform.key (P-256, PKCS#8 DER, mode 600), platform.pub (SPKI DER),
 * sealing.key (32 octets, mode 600) and README.txt, which says the sentence above.
 */
#include <sealgrid/crypto/sign.h>
#include <sealgrid/tee/verifier.h>

#define SG_SIM_PLATFORM_ID_LEN 32 /* SHA-256 of the platform key's SPKI */

/* Makes the folder; one that is complete already is left as it is. */
SG_MUST_USE int sg_sim_platform_create(const char *dir);
/* The verifier's root. */
SG_MUST_USE int sg_sim_platform_public(const char *dir, struct sg_key **ret);
/* SHA-256 of the running executable, read through /proc/self/exe: what sim evidence of this
 * process will claim. */
SG_MUST_USE int sg_sim_measure_self(uint8_t ret[32]);
/* Evidence of any claims (measurement of 32 octets, report data, svn, debug), as anybody who can
 * read the folder can make it.  For tests of verifiers and policies. */
SG_MUST_USE int sg_sim_forge(const char *dir, const struct sg_tee_claims *claims,
                             struct sg_buf *ret);
