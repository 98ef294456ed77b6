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

/* ---- evidence ---- */

/* Reports of no kind begin like a small map. */
static bool is_map(struct sg_bytes b)
{
    return b.len && b.data[0] > 0xa0 && b.data[0] <= 0xa0 + SG_TEE_N_PARTS;
}

static int take_part(struct sg_reader *r, uint64_t least, struct sg_tee_evidence *ret,
                     uint64_t *ret_part)
{
    uint64_t part = 0;
    struct sg_bytes octets = SG_BYTES_NONE;
    int o = sg_cbor_get_uint(r, &part);
    if (o == 0)
        o = sg_cbor_get_bytes(r, &octets);
    if (o < 0)
        return o;
    if (part < least || part >= SG_TEE_N_PARTS || !octets.len)
        return sg_raise(-EBADMSG);
    ret->part[part] = octets;
    *ret_part = part;
    return 0;
}

int sg_cas_evidence_decode(struct sg_bytes encoded, struct sg_tee_evidence *ret)
{
    struct sg_tee_evidence e = {.part = {[SG_TEE_PART_REPORT] = encoded}};
    struct sg_reader reader = sg_reader_over(encoded);
    uint64_t pairs = 0, part = 0;
    int r = 0;
    if (is_map(encoded)) {
        e = (struct sg_tee_evidence){0};
        r = sg_cbor_get_map(&reader, &pairs);
        for (uint64_t i = 0; i < pairs && r == 0; i++)
            r = take_part(&reader, i ? part + 1 : 0, &e, &part);
        if (r == 0 && reader.left)
            r = sg_raise(-EBADMSG);
    }
    if (r == 0)
        *ret = e;
    return r;
}

int sg_cas_evidence_encode(const struct sg_tee_evidence *e, struct sg_buf *ret)
{
    uint64_t pairs = 0;
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        pairs += e->part[i].len != 0;
    int r = sg_cbor_put_map(ret, pairs);
    for (size_t i = 0; i < SG_TEE_N_PARTS && r == 0; i++) {
        if (!e->part[i].len)
            continue;
        r = sg_cbor_put_uint(ret, i);
        if (r == 0)
            r = sg_cbor_put_bytes(ret, e->part[i]);
    }
    return r;
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
