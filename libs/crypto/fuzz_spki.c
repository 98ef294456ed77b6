/*
 * fuzz - a key that is recognised without OpenSSL's decoder is the key that this would make of it,
 * and is refused if this refuses it.
 */
#include <openssl/err.h>
#include <openssl/x509.h>

#include "sign-int.h"
#include "spki-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int by_decoder(const uint8_t *data, size_t size, struct sg_key **ret)
{
    const unsigned char *at = data;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)size);
    int r = -EBADMSG;

    if (pkey && at == data + size)
        r = sg_key_wrap(ret, pkey, false);
    else
        EVP_PKEY_free(pkey);
    ERR_clear_error();
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *ours = NULL;
    SG_CLEANUP(sg_key_freep) struct sg_key *theirs = NULL;

    if (size > 4096 || sg_spki_recognise(SG_BYTES(data, size)).kind == SG_SPKI_OTHER)
        return 0;
    int r = sg_key_load_public(&ours, SG_BYTES(data, size));
    sg_assert(r == by_decoder(data, size, &theirs));
    sg_assert(r || EVP_PKEY_eq(sg_key_evp(ours), sg_key_evp(theirs)) == 1);
    return 0;
}
