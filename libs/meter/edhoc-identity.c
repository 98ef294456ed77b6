/*
 * X.509 credentials for EDHOC: ID_CRED = { 34 : [-16, SHA-256(certificate)] } (RFC 9360), CRED =
 * byte string with the certificate's DER.  The full hash, not its 64-bit cut: the store looks
 * credentials up by it, so that two meters must never share one.
 */
#include <sealgrid/base/cbor.h>
#include <sealgrid/meter/edhoc.h>

static int put_id_cred(const uint8_t x5t[32], struct sg_buf *b)
{
    int r = sg_cbor_put_map(b, 1);
    r = r ? r : sg_cbor_put_uint(b, SG_EDHOC_X5T);
    r = r ? r : sg_cbor_put_array(b, 2);
    r = r ? r : sg_cbor_put_int(b, -16);
    return r ? r : sg_cbor_put_bytes(b, SG_BYTES(x5t, 32));
}

int sg_edhoc_identity_x509(struct sg_edhoc_identity **ret, const struct sg_cert *cert,
                           struct sg_key *key)
{
    SG_CLEANUP(sg_edhoc_identity_freep) struct sg_edhoc_identity *i = calloc(1, sizeof *i);
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(SG_EDHOC_MESSAGE_MAX / 2);
    if (!i)
        return sg_raise(-ENOMEM);
    i->id_cred.max = 64;
    i->cred.max = SG_EDHOC_MESSAGE_MAX / 2 + 8;
    sg_cert_fingerprint(cert, i->x5t);
    int r = sg_cert_der(cert, &der);
    r = r ? r : put_id_cred(i->x5t, &i->id_cred);
    r = r ? r : sg_cbor_put_bytes(&i->cred, sg_buf_bytes(&der));
    if (r == 0 && !key)
        r = sg_cert_public_key(cert, &i->key);
    if (r)
        return r;
    if (key)
        i->key = key;
    *ret = TAKE_PTR(i);
    return 0;
}

void sg_edhoc_identity_free(struct sg_edhoc_identity *i)
{
    if (!i)
        return;
    sg_buf_clear(&i->id_cred);
    sg_buf_clear(&i->cred);
    sg_key_free(i->key);
    free(i);
}

struct sg_edhoc_credential sg_edhoc_identity_credential(const struct sg_edhoc_identity *i)
{
    return (struct sg_edhoc_credential){
        .id_cred = sg_buf_bytes(&i->id_cred), .cred = sg_buf_bytes(&i->cred), .key = i->key};
}
