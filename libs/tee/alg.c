/* alg - AlgorithmIdentifiers of signatures (RFC 3279, 4055, 5758). */
#include "cert-int.h"
#include "der-int.h"

static const struct {
    struct sg_bytes oid;
    enum sg_tee_alg alg;
    bool null; /* parameters: NULL, or none at all */
} plain[] = {
    {SG_BYTES_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x02"), SG_TEE_ECDSA_256, false},
    {SG_BYTES_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x03"), SG_TEE_ECDSA_384, false},
    {SG_BYTES_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x04"), SG_TEE_ECDSA_512, false},
    {SG_BYTES_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), SG_TEE_RS256, true},
    {SG_BYTES_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"), SG_TEE_RS384, true},
    {SG_BYTES_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"), SG_TEE_RS512, true},
};

#define PSS  SG_BYTES_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a")
#define MGF1 SG_BYTES_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08")

static const struct {
    struct sg_bytes oid;
    enum sg_tee_alg alg;
} digests[] = {
    {SG_BYTES_LIT("\x60\x86\x48\x01\x65\x03\x04\x02\x01"), SG_TEE_PS256},
    {SG_BYTES_LIT("\x60\x86\x48\x01\x65\x03\x04\x02\x02"), SG_TEE_PS384},
    {SG_BYTES_LIT("\x60\x86\x48\x01\x65\x03\x04\x02\x03"), SG_TEE_PS512},
};

static bool null_or_nothing(struct sg_reader *r)
{
    struct sg_bytes nothing;
    return !r->left || (sg_der_take(r, SG_DER_NULL, &nothing) && !nothing.len && !r->left);
}

/* AlgorithmIdentifier of a digest, to the PSS algorithm of that digest. */
static enum sg_tee_alg digest(struct sg_reader *r)
{
    struct sg_reader id;
    struct sg_bytes oid;
    if (!sg_der_enter(r, SG_DER_SEQUENCE, &id) || !sg_der_take(&id, SG_DER_OID, &oid) ||
        !null_or_nothing(&id))
        return SG_TEE_ALG_NONE;
    for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++) {
        if (sg_bytes_equal(oid, digests[i].oid))
            return digests[i].alg;
    }
    return SG_TEE_ALG_NONE;
}

static bool mask_with(struct sg_reader *r, enum sg_tee_alg wanted)
{
    struct sg_reader id;
    struct sg_bytes oid;
    return sg_der_enter(r, SG_DER_SEQUENCE, &id) && sg_der_take(&id, SG_DER_OID, &oid) &&
           sg_bytes_equal(oid, MGF1) && digest(&id) == wanted && !id.left;
}

/* RSASSA-PSS-params; the defaults (SHA-1) are not taken, so all but the trailer must be there. */
static enum sg_tee_alg pss(struct sg_reader *params)
{
    struct sg_reader seq, field;
    uint64_t salt, trailer = 1;
    if (!sg_der_enter(params, SG_DER_SEQUENCE, &seq) || params->left ||
        !sg_der_enter(&seq, SG_DER_CONTEXT | 0, &field))
        return SG_TEE_ALG_NONE;
    const enum sg_tee_alg alg = digest(&field);
    if (field.left || !sg_der_enter(&seq, SG_DER_CONTEXT | 1, &field) || !mask_with(&field, alg) ||
        field.left)
        return SG_TEE_ALG_NONE;
    if (!sg_der_enter(&seq, SG_DER_CONTEXT | 2, &field) || !sg_der_small(&field, 64, &salt) ||
        field.left || salt < 32)
        return SG_TEE_ALG_NONE;
    if (seq.left && (!sg_der_enter(&seq, SG_DER_CONTEXT | 3, &field) ||
                     !sg_der_small(&field, 1, &trailer) || field.left))
        return SG_TEE_ALG_NONE;
    return !seq.left && trailer == 1 ? alg : SG_TEE_ALG_NONE;
}

enum sg_tee_alg sg_tee_alg_of(struct sg_bytes algorithm_identifier)
{
    struct sg_reader whole = sg_reader_over(algorithm_identifier), r;
    struct sg_bytes oid;
    if (!sg_der_enter(&whole, SG_DER_SEQUENCE, &r) || whole.left ||
        !sg_der_take(&r, SG_DER_OID, &oid))
        return SG_TEE_ALG_NONE;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (sg_bytes_equal(oid, plain[i].oid))
            return (plain[i].null ? null_or_nothing(&r) : !r.left) ? plain[i].alg : SG_TEE_ALG_NONE;
    }
    return sg_bytes_equal(oid, PSS) ? pss(&r) : SG_TEE_ALG_NONE;
}
