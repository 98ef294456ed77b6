#pragma once
/*
 * attest - the verbs `attest verify` and `attest show`: evidence of any kind, judged or decoded,
 * from files alone.  libs/tee judges; here is what touches the disk.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/tee/policy.h>

#define SG_ATTEST_PART_MAX (1u << 20) /* octets of one file of evidence */

/* Files of one case; the evidence borrows from them. */
struct sg_attest_evidence {
    struct sg_buf file[SG_TEE_N_PARTS];
    struct sg_tee_evidence parts;
    bool named; /* the report was named; others like it in its folder are not its companions */
};
/* A file is the report itself, in octets or as text; a SEV-SNP report takes the certificates beside
 * it that are named after it (X.report: X.vcek.der).  Of a folder, and of the folder of a file that needs companions (an
 * Azure HCL report, a TPM quote), each file is taken for the part that its content shows it to be;
 * two for one part are refused, but certificates may be any number.  -errno. */
SG_MUST_USE int sg_attest_evidence_read(const char *path, struct sg_attest_evidence *ret);
void sg_attest_evidence_clear(struct sg_attest_evidence *e);

enum sg_attest_text_outcome { SG_ATTEST_NO_TEXT = 1 };
/* Hexadecimal (0x before it or not) or base64 of either alphabet, with spaces and line ends. */
SG_MUST_USE int sg_attest_text_decode(struct sg_bytes text, struct sg_buf *ret);

/* The verdict as one JSON object (ARCHITECTURE, section 9). */
SG_MUST_USE int sg_attest_verdict_json(const struct sg_tee_case *c, const struct sg_tee_verdict *v,
                                       struct sg_buf *ret);
/* The same for people, in lines. */
void sg_attest_verdict_print(const struct sg_tee_verdict *v);
