#include <sealgrid/crypto/hash.h>

#include "messages-int.h"

const struct sg_message_type sg_cas_challenge_type =
    SG_MESSAGE_TYPE(sg_cas_challenge, SG_CAS_CHALLENGE_FIELDS);
const struct sg_message_type sg_cas_request_type =
    SG_MESSAGE_TYPE(sg_cas_request, SG_CAS_REQUEST_FIELDS);
const struct sg_message_type sg_cas_reply_type = SG_MESSAGE_TYPE(sg_cas_reply, SG_CAS_REPLY_FIELDS);

const struct sg_message_type sg_cas_question_type =
    SG_MESSAGE_TYPE(sg_cas_question, SG_CAS_QUESTION_FIELDS);
const struct sg_message_type sg_cas_proof_type = SG_MESSAGE_TYPE(sg_cas_proof, SG_CAS_PROOF_FIELDS);

static void hash_report_data(uint8_t ret[SG_TEE_REPORT_DATA_LEN], struct sg_bytes label,
                             const uint8_t nonce[SG_CAS_NONCE_LEN],
                             const struct sg_cas_connection *c, struct sg_bytes tail)
{
    const struct sg_bytes parts[] = {
        label, SG_BYTES(nonce, SG_CAS_NONCE_LEN), c->spki, SG_BYTES_ARRAY(c->exporter), tail,
    };
    sg_sha512_parts(ret, parts, sizeof parts / sizeof parts[0]);
}

void sg_cas_casd_report_data(uint8_t ret[SG_TEE_REPORT_DATA_LEN],
                             const uint8_t nonce[SG_CAS_NONCE_LEN],
                             const struct sg_cas_connection *c, const uint8_t ca[32])
{
    hash_report_data(ret, SG_BYTES_LIT(SG_CAS_CASD_LABEL), nonce, c, SG_BYTES(ca, 32));
}

void sg_cas_report_data(uint8_t ret[SG_TEE_REPORT_DATA_LEN], const uint8_t nonce[SG_CAS_NONCE_LEN],
                        const struct sg_cas_connection *c, struct sg_bytes service)
{
    hash_report_data(ret, SG_BYTES_LIT(SG_CAS_REPORT_LABEL), nonce, c, service);
}

/* ---- refusals ---- */

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
