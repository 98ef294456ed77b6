#include <sealgrid/tee/reason.h>

static const char *const names[] = {[SG_TEE_REASON_NONE] = "none",
#define Y(R, r, F, f) [SG_TEE_##R##_##F] = r "-" f,
#define X(R, r)       SG_TEE_CERT_FAULTS(Y, R, r)
                                    SG_TEE_CERT_ROLES(X)
#undef X
#define X(D, d) SG_TEE_DOC_FAULTS(Y, D, d)
                                        SG_TEE_DOCS(X)
#undef X
#undef Y
#define X(id, name) [SG_TEE_REASON_##id] = name,
                                            SG_TEE_OTHER_REASONS(X)
#undef X
};

const char *sg_tee_reason_name(enum sg_tee_reason r)
{
    return (size_t)r < sizeof names / sizeof names[0] ? names[r] : "unknown";
}

enum sg_tee_reason sg_tee_cert_reason(enum sg_tee_cert_role role, enum sg_tee_cert_fault fault)
{
    const unsigned first = SG_TEE_PCK_MISSING;
    return (enum sg_tee_reason)(first + (unsigned)role * SG_TEE_N_CERT_FAULTS + (unsigned)fault);
}

enum sg_tee_reason sg_tee_doc_reason(enum sg_tee_doc doc, enum sg_tee_doc_fault fault)
{
    const unsigned first = SG_TEE_TCB_INFO_MISSING;
    return (enum sg_tee_reason)(first + (unsigned)doc * SG_TEE_N_DOC_FAULTS + (unsigned)fault);
}

bool sg_tee_reasons_have(const struct sg_tee_reasons *list, enum sg_tee_reason r)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->at[i] == r)
            return true;
    }
    return false;
}

void sg_tee_reasons_add(struct sg_tee_reasons *list, enum sg_tee_reason r)
{
    if (sg_tee_reasons_have(list, r))
        return;
    if (list->n < SG_TEE_REASONS_MAX)
        list->at[list->n++] = r;
    else
        list->at[SG_TEE_REASONS_MAX - 1] = SG_TEE_REASON_NOT_JUDGED;
}
