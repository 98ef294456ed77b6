/* seal - see seal.h. */
#include "seal.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/cose.h>

#define EXTERNAL_AAD SG_BYTES_LIT("sealgrid-audit-v1")

int seal_put(struct sg_buf *ret, const struct sg_key *key, struct sg_bytes payload)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(SEAL_MESSAGE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf signature = SG_BUF_INIT(SG_COSE_SIGNATURE_MAX);
    const enum sg_sign_alg alg = sg_sign_alg_of(key);
    int r = sg_cose_sign1_to_be_signed(alg, EXTERNAL_AAD, payload, &message);

    if (!r)
        r = sg_fold(sg_sign(key, alg, sg_buf_bytes(&message), &signature));
    if (r)
        return r;
    const struct sg_cose_sign1 m = {alg, payload, sg_buf_bytes(&signature)};
    return sg_cose_sign1_put(ret, &m);
}

int seal_open(struct sg_bytes message, const struct sg_key *key, struct sg_bytes *ret_payload)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf signed_octets = SG_BUF_INIT(SEAL_MESSAGE_MAX);
    struct sg_reader in = sg_reader_over(message);
    struct sg_cose_sign1 m;
    int r;

    if (message.len > SEAL_MESSAGE_MAX || sg_cose_sign1_take(&in, &m) != 0 || in.left)
        return SEAL_MALFORMED;
    r = sg_cose_sign1_to_be_signed(m.alg, EXTERNAL_AAD, m.payload, &signed_octets);
    if (!r)
        r = sg_verify(key, m.alg, sg_buf_bytes(&signed_octets), m.signature);
    if (r)
        return r < 0 ? r : SEAL_BAD_SIGNATURE;
    *ret_payload = m.payload;
    return 0;
}
