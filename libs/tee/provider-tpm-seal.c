/*
 * provider-tpm-seal - keys that a TPM derives for the PCR values of the moment.
 * Source: TCG "Trusted Platform Module Library", part 1, sections 19 (policies) and 27 (primary
 * keys are a function of the hierarchy's seed and of their template); part 3, TPM2_HMAC.
 *
 * The policy is part of the template, so every set of PCR values has a key of its own.  Whoever
 * boots something else can name the old template, and gets the old key, but the TPM does not use it
 * for him: its policy asks for the old values.
 */
#include "tpm-tss-int.h"

#include <string.h>

enum { KEY_LEN = 32 };

struct objects {
    ESYS_CONTEXT *esys;
    ESYS_TR storage, key, trial, session; /* ESYS_TR_NONE: not there */
};

static void flush(const struct objects *o)
{
    const ESYS_TR all[] = {o->session, o->trial, o->key, o->storage};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] != ESYS_TR_NONE)
            (void)Esys_FlushContext(o->esys, all[i]); /* a place in the TPM, at worst, is lost */
}

static int create(struct objects *o, const TPM2B_PUBLIC *public, ESYS_TR *ret)
{
    TSS_FREE TPM2B_PUBLIC *made = NULL;
    return sg_tss_create_primary(o->esys, ESYS_TR_RH_OWNER, public, ret, &made);
}

/* P-256; salts the session below, so that who reads the bus does not read the key. */
static int create_storage(struct objects *o)
{
    const TPM2B_PUBLIC public = {
        .publicArea = {.type = TPM2_ALG_ECC,
                       .nameAlg = TPM2_ALG_SHA256,
                       .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                           TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                           TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA |
                                           TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
                       .parameters.eccDetail = {.symmetric = {.algorithm = TPM2_ALG_AES,
                                                              .keyBits.aes = 128,
                                                              .mode.aes = TPM2_ALG_CFB},
                                                .scheme.scheme = TPM2_ALG_NULL,
                                                .curveID = TPM2_ECC_NIST_P256,
                                                .kdf.scheme = TPM2_ALG_NULL}}};
    return create(o, &public, &o->storage);
}

static int start(struct objects *o, TPM2_SE type, ESYS_TR salt, ESYS_TR *ret)
{
    const TPMT_SYM_DEF aes = {
        .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
    return sg_tss_raise(Esys_StartAuthSession(o->esys, salt, ESYS_TR_NONE, ESYS_TR_NONE,
                                              ESYS_TR_NONE, ESYS_TR_NONE, NULL, type, &aes,
                                              TPM2_ALG_SHA256, ret),
                        "StartAuthSession");
}

static int require(struct objects *o, ESYS_TR session, uint32_t pcrs)
{
    const TPML_PCR_SELECTION selection = sg_tss_selection(pcrs);
    const TPM2B_DIGEST as_they_are = {0};
    return sg_tss_raise(Esys_PolicyPCR(o->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                       &as_they_are, &selection),
                        "PolicyPCR");
}

/* The policy of the PCR values as they are. */
static int find_policy(struct objects *o, uint32_t pcrs, TPM2B_DIGEST *ret)
{
    TSS_FREE TPM2B_DIGEST *policy = NULL;
    int r = start(o, TPM2_SE_TRIAL, ESYS_TR_NONE, &o->trial);
    if (r == 0)
        r = require(o, o->trial, pcrs);
    if (r == 0)
        r = sg_tss_raise(Esys_PolicyGetDigest(o->esys, o->trial, ESYS_TR_NONE, ESYS_TR_NONE,
                                              ESYS_TR_NONE, &policy),
                         "PolicyGetDigest");
    if (r == 0)
        *ret = *policy;
    return r;
}

/* USERWITHAUTH is clear: the policy is the only way to use it. */
static int create_key(struct objects *o, const TPM2B_DIGEST *policy)
{
    const TPM2B_PUBLIC public = {
        .publicArea = {.type = TPM2_ALG_KEYEDHASH,
                       .nameAlg = TPM2_ALG_SHA256,
                       .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                           TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_NODA |
                                           TPMA_OBJECT_SIGN_ENCRYPT,
                       .authPolicy = *policy,
                       .parameters.keyedHashDetail.scheme = {
                           .scheme = TPM2_ALG_HMAC, .details.hmac.hashAlg = TPM2_ALG_SHA256}}};
    return create(o, &public, &o->key);
}

static int open_session(struct objects *o, uint32_t pcrs)
{
    int r = start(o, TPM2_SE_POLICY, o->storage, &o->session);
    if (r == 0)
        r = sg_tss_raise(
            Esys_TRSess_SetAttributes(o->esys, o->session,
                                      TPMA_SESSION_ENCRYPT | TPMA_SESSION_CONTINUESESSION, 0xff),
            "attributes of the session");
    return r ? r : require(o, o->session, pcrs);
}

static int use_key(struct objects *o, struct sg_bytes message, struct sg_secret *ret)
{
    TPM2B_MAX_BUFFER in = {.size = (UINT16)message.len};
    TPM2B_DIGEST *out = NULL;
    if (message.len > sizeof in.buffer)
        return sg_raise(-E2BIG);
    memcpy(in.buffer, message.data, message.len);
    int r = sg_tss_raise(Esys_HMAC(o->esys, o->key, o->session, ESYS_TR_NONE, ESYS_TR_NONE, &in,
                                   TPM2_ALG_SHA256, &out),
                         "HMAC");
    if (r == 0 && out->size != KEY_LEN)
        r = sg_raisef(-EIO, "TPM: HMAC of %u octets", out->size);
    if (r == 0)
        r = sg_secret_new(ret, KEY_LEN);
    if (r == 0)
        memcpy(ret->data, out->buffer, KEY_LEN);
    if (out)
        sg_wipe(out, sizeof *out);
    Esys_Free(out);
    return r;
}

int sg_tss_derive(ESYS_CONTEXT *esys, uint32_t pcrs, struct sg_bytes message, struct sg_secret *ret)
{
    struct objects o = {esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE};
    TPM2B_DIGEST policy = {0};
    int r = find_policy(&o, pcrs, &policy);
    if (r == 0)
        r = create_storage(&o);
    if (r == 0)
        r = create_key(&o, &policy);
    if (r == 0)
        r = open_session(&o, pcrs);
    if (r == 0)
        r = use_key(&o, message, ret);
    flush(&o);
    return r;
}
