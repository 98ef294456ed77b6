#include <sealgrid/crypto/hash.h>

#include "messages-int.h"

const struct sg_message_type sg_cas_challenge_type =
    SG_MESSAGE_TYPE(sg_cas_challenge, SG_CAS_CHALLENGE_FIELDS);
const struct sg_message_type sg_cas_request_type =
    SG_MESSAGE_TYPE(sg_cas_request, SG_CAS_REQUEST_FIELDS);
const struct sg_message_type sg_cas_reply_type = SG_MESSAGE_TYPE(sg_cas_reply, SG_CAS_REPLY_FIELDS);

void sg_cas_report_data(uint8_t ret[SG_TEE_REPORT_DATA_LEN], const uint8_t nonce[SG_CAS_NONCE_LEN],
                        const struct sg_cas_connection *c, struct sg_bytes service)
{
    const struct sg_bytes parts[] = {
        SG_BYTES_LIT(SG_CAS_REPORT_LABEL),
        SG_BYTES(nonce, SG_CAS_NONCE_LEN),
        c->spki,
        SG_BYTES_ARRAY(c->exporter),
        service,
    };
    sg_sha512_parts(ret, parts, sizeof parts / sizeof parts[0]);
}

static const struct {
    const char *name;
    int status;
} refusals[] = {[SG_CAS_REFUSAL_NONE] = {"none", 200},
#define X(id, name, status) [SG_CAS_REFUSAL_##id] = {name, status},
                SG_CAS_REFUSALS(X)
#undef X
};

#define N_REFUSALS (sizeof refusals / sizeof refusals[0])

const char *sg_cas_refusal_name(enum sg_cas_refusal r)
{
    if (r >= SG_CAS_REFUSAL_EVIDENCE)
        return sg_tee_refusal_name((enum sg_tee_refusal)(r - SG_CAS_REFUSAL_EVIDENCE));
    return (size_t)r < N_REFUSALS ? refusals[r].name : "unknown";
}

int sg_cas_refusal_status(enum sg_cas_refusal r)
{
    return (size_t)r < N_REFUSALS ? refusals[r].status : 403;
}
