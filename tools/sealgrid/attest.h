#pragma once
/*
 * attest - the verbs `attest verify`, `show`, `fetch` and `collateral`: evidence of any kind,
 * judged or decoded, and the documents that it is judged by.  libs/tee judges; here is what touches
 * the disk, and through libs/collateral the network.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/collateral.h>
#include <sealgrid/tee/policy.h>

#define SG_ATTEST_PART_MAX (1u << 20) /* octets of one file of evidence */

enum { SG_ATTEST_TRUSTED = 0, SG_ATTEST_REFUSED = 1, SG_ATTEST_UNUSABLE = 2 };

struct sg_attest_options {
    struct sg_conf_list evidence;
    char *at, *policy, *cache, *out, *service_ca;
    struct sg_conf_list collateral, root, allow_missing, service;
    bool crypto_only, json, fetch, service_http, service_proxy, watch;
    int64_t warn_days, refresh_percent, fetch_timeout, every;
};

/* Says on standard error why; SG_ATTEST_UNUSABLE. */
int sg_attest_unusable(const char *verb);
/* --at, or now. */
SG_MUST_USE int sg_attest_instant(const struct sg_attest_options *o, int64_t *ret_s);

/* ---- evidence ---- */

/* Files of one case; the evidence borrows from them. */
struct sg_attest_evidence {
    struct sg_buf file[SG_TEE_N_PARTS];
    struct sg_tee_evidence parts;
    bool named; /* the report was named; others like it in its folder are not its companions */
};
/* A file is the report itself, or all that a provider of ours hands out (sealgrid/tee/evidence.h),
 * in octets or as text; a SEV-SNP report takes the certificates beside it that are named after it
 * (X.report: X.vcek.der).  Of a folder, and of the folder of a file that
 * needs companions (an Azure HCL report, a TPM quote), each file is taken for the part that its
 * content shows it to be; two for one part are refused, but certificates may be any number. -errno.
 */
SG_MUST_USE int sg_attest_evidence_read(const char *path, struct sg_attest_evidence *ret);
void sg_attest_evidence_clear(struct sg_attest_evidence *e);

enum sg_attest_text_outcome { SG_ATTEST_NO_TEXT = 1 };
/* Hexadecimal (0x before it or not) or base64 of either alphabet, with spaces and line ends. */
SG_MUST_USE int sg_attest_text_decode(struct sg_bytes text, struct sg_buf *ret);

/* ---- what to trust, what to consult ---- */

/* The vendors' roots and those of --root. */
SG_MUST_USE int sg_attest_roots(const struct sg_attest_options *o, struct sg_tee_store **ret);
/* With the files and folders of --collateral; not sealed. */
SG_MUST_USE int sg_attest_store(const struct sg_attest_options *o, struct sg_tee_store **ret);

/* What an operator should know beside the verdict. */
#define SG_ATTEST_NOTES_MAX 64
struct sg_attest_note {
    char document[SG_TEE_DOCUMENT_NAME_MAX];
    int64_t until_s; /* it ends soon; 0: a word of the gathering */
    int64_t days;
    char text[256];
};
struct sg_attest_notes {
    size_t n;
    struct sg_attest_note at[SG_ATTEST_NOTES_MAX];
    bool gathered; /* report says how */
    struct sg_collateral_report report;
};
/* Documents that the evidence was judged by and that end within --warn-days. */
void sg_attest_note_ends(const struct sg_attest_options *o, const struct sg_tee_needs *needs,
                         const struct sg_tee_case *c, const struct sg_tee_verdict *v,
                         struct sg_attest_notes *ret);
/* On standard error. */
void sg_attest_notes_print(const char *verb, const struct sg_attest_notes *n);

/* ---- gathering ---- */

/* Adds to an unsealed store what the evidence needs and --collateral lacks, from a cache and, if
 * connect, from the services.  into NULL: the cache is what matters. */
SG_MUST_USE int sg_attest_gather(const struct sg_attest_options *o, const char *cache, bool connect,
                                 const struct sg_tee_evidence *e, int64_t at_s,
                                 struct sg_tee_store *into, struct sg_attest_notes *ret);
/* A service of --service is not known, or its URL is missing; -EINVAL. */
SG_MUST_USE int sg_attest_services(const struct sg_attest_options *o,
                                   struct sg_collateral_options *ret);

/* ---- the verbs: exit statuses ---- */

int sg_attest_fetch(const struct sg_attest_options *o);
int sg_attest_collateral(const struct sg_attest_options *o, char *const *paths, int n_paths);

/* The verdict as one JSON object (ARCHITECTURE, section 9). */
SG_MUST_USE int sg_attest_verdict_json(const struct sg_tee_case *c, const struct sg_tee_verdict *v,
                                       const struct sg_attest_notes *n, struct sg_buf *ret);
/* The same for people, in lines. */
void sg_attest_verdict_print(const struct sg_tee_verdict *v);
