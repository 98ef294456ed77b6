#pragma once
/*
 * judge, inside - one table entry per kind of evidence.
 *
 * A judge fills the verdict it is given (zeroed, NOT_JUDGED not yet listed), adds reasons with
 * sg_tee_refuse, absences with sg_tee_absent, and returns 0; it sets nothing about `judged`:
 * judge.c does when it returned 0.  It must go on after a refused check only over octets whose
 * bounds it has checked.
 */
#include <sealgrid/tee/verdict.h>

struct sg_tee_needs;

struct sg_tee_judge {
    enum sg_tee_kind (*kind_of)(const struct sg_tee_evidence *e); /* of what it recognises */
    bool (*recognise)(const struct sg_tee_evidence *e);
    int (*judge)(const struct sg_tee_case *c, struct sg_tee_verdict *v); /* 0, -ENOMEM */
    /* 0, -ENOMEM */
    int (*describe)(const struct sg_tee_evidence *e, const struct sg_tee_store *store,
                    struct sg_json *j);
    /* Fields that have no fixed offset; NULL: the verdict's table only. */
    bool (*field)(const struct sg_tee_verdict *v, struct sg_bytes name, struct sg_bytes *ret);
    /* What it will be judged by (needs-int.h); NULL: nothing that could be gathered. */
    int (*needs)(const struct sg_tee_evidence *e, struct sg_tee_needs *ret);
};

extern const struct sg_tee_judge sg_tee_judge_dcap; /* SGX and TDX */
extern const struct sg_tee_judge sg_tee_judge_snp, sg_tee_judge_nitro, sg_tee_judge_cca;
extern const struct sg_tee_judge sg_tee_judge_tpm, sg_tee_judge_azure;
extern const struct sg_tee_judge sg_tee_judge_snp_key; /* a certificate by itself */

/* NULL: evidence of no kind known here. */
const struct sg_tee_judge *sg_tee_judge_of(const struct sg_tee_evidence *e);

void sg_tee_refuse(struct sg_tee_verdict *v, enum sg_tee_reason r);
void sg_tee_absent(struct sg_tee_verdict *v, enum sg_tee_reason r);
/* The validity of a document that was used. */
void sg_tee_used(struct sg_tee_verdict *v, int64_t from_s, int64_t until_s);
void sg_tee_advise(struct sg_tee_verdict *v, const char *advisory);
/* Members of the object that is open, in the table's order. */
void sg_tee_fields_json(const struct sg_tee_field *fields, size_t n, struct sg_bytes body,
                        struct sg_json *j);

static inline uint16_t sg_load_le16(const uint8_t *p)
{
    return (uint16_t)((uint16_t)p[1] << 8 | p[0]);
}

static inline uint32_t sg_load_le32(const uint8_t *p)
{
    return (uint32_t)sg_load_le16(p + 2) << 16 | sg_load_le16(p);
}

static inline uint64_t sg_load_le64(const uint8_t *p)
{
    return (uint64_t)sg_load_le32(p + 4) << 32 | sg_load_le32(p);
}
