/*
 * Key schedule and protected structures of EDHOC: RFC 9528 sections 4 and 5, COSE structures of RFC
 * 9052 sections 4.4 and 5.3.  All our suites use SHA-256, so the hash length is 32 throughout.
 */
#include "edhoc-int.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/crypto/hash.h>

static const struct sg_edhoc_suite_info suites[] = {
    {2, SG_AEAD_AES_CCM_16_64_128, 8},
    {3, SG_AEAD_AES_CCM_16_128_128, 16},
};

const struct sg_edhoc_suite_info *sg_edhoc_suite_info(int number)
{
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        if (suites[i].number == number)
            return &suites[i];
    return NULL;
}

int sg_edhoc_info(struct sg_buf *b, uint32_t label, struct sg_bytes context, size_t len)
{
    int r = sg_cbor_put_uint(b, label);
    r = r ? r : sg_cbor_put_bytes(b, context);
    return r ? r : sg_cbor_put_uint(b, len);
}

int sg_edhoc_kdf(const uint8_t prk[32], uint32_t label, struct sg_bytes context, uint8_t *ret,
                 size_t len)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf info = SG_BUF_INIT_SECRET(SG_EDHOC_CONTEXT_MAX);
    int r = sg_edhoc_info(&info, label, context, len);
    if (r)
        return r;
    sg_hkdf_expand(ret, len, SG_BYTES(prk, 32), sg_buf_bytes(&info));
    return 0;
}

void sg_edhoc_export_from(const uint8_t prk_exporter[SG_EDHOC_PRK_LEN], uint32_t label,
                          struct sg_bytes context, uint8_t *ret, size_t len)
{
    /* Label, context and length are at most 5 + 3 + 64 + 3 octets here: it always fits. */
    sg_assert(context.len <= 64);
    int r = sg_edhoc_kdf(prk_exporter, label, context, ret, len);
    sg_assert(r == 0);
}

static int put_th(struct sg_buf *b, const uint8_t th[32])
{
    return sg_cbor_put_bytes(b, SG_BYTES(th, 32));
}

int sg_edhoc_mac_context(const struct sg_edhoc_auth *a, struct sg_buf *ret)
{
    bool with_c_r = a->responder && a->edition == SG_EDHOC_RFC9528;
    int r = with_c_r ? sg_edhoc_put_short(ret, a->c_r) : 0;
    r = r ? r : sg_buf_append(ret, a->id_cred);
    r = r ? r : put_th(ret, a->th);
    r = r ? r : sg_buf_append(ret, a->cred);
    return r ? r : sg_buf_append(ret, a->ead);
}

int sg_edhoc_mac(const struct sg_edhoc_auth *a, const uint8_t prk[32], uint8_t *ret, size_t len)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf context = SG_BUF_INIT(SG_EDHOC_CONTEXT_MAX);
    int r = sg_edhoc_mac_context(a, &context);
    if (r)
        return r;
    return sg_edhoc_kdf(prk, a->responder ? SG_EDHOC_MAC_2 : SG_EDHOC_MAC_3, sg_buf_bytes(&context),
                        ret, len);
}

/* external_aad = << TH, CRED, ? EAD >> */
static int put_external_aad(struct sg_buf *b, const struct sg_edhoc_auth *a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf aad = SG_BUF_INIT(SG_EDHOC_CONTEXT_MAX);
    int r = put_th(&aad, a->th);
    r = r ? r : sg_buf_append(&aad, a->cred);
    r = r ? r : sg_buf_append(&aad, a->ead);
    return r ? r : sg_cbor_put_bytes(b, sg_buf_bytes(&aad));
}

int sg_edhoc_to_be_signed(const struct sg_edhoc_auth *a, struct sg_bytes mac, struct sg_buf *ret)
{
    int r = sg_cbor_put_array(ret, 4);
    r = r ? r : sg_cbor_put_text(ret, "Signature1");
    r = r ? r : sg_cbor_put_bytes(ret, a->id_cred);
    r = r ? r : put_external_aad(ret, a);
    return r ? r : sg_cbor_put_bytes(ret, mac);
}

int sg_edhoc_enc_structure(const uint8_t th[32], struct sg_buf *ret)
{
    int r = sg_cbor_put_array(ret, 3);
    r = r ? r : sg_cbor_put_text(ret, "Encrypt0");
    r = r ? r : sg_cbor_put_bytes(ret, SG_BYTES_NONE);
    return r ? r : put_th(ret, th);
}

int sg_edhoc_th_2(enum sg_edhoc_edition ed, struct sg_bytes g_y, struct sg_bytes c_r,
                  const uint8_t h_message_1[32], uint8_t ret[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf input = SG_BUF_INIT(256);
    int r = sg_cbor_put_bytes(&input, g_y);
    if (ed == SG_EDHOC_DRAFT15)
        r = r ? r : sg_edhoc_put_short(&input, c_r);
    r = r ? r : put_th(&input, h_message_1);
    if (r)
        return r;
    sg_sha256(ret, sg_buf_bytes(&input));
    return 0;
}

int sg_edhoc_th_next(enum sg_edhoc_edition ed, const uint8_t th[32], struct sg_bytes plain,
                     struct sg_bytes cred, uint8_t ret[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf input = SG_BUF_INIT_SECRET(2 * SG_EDHOC_CONTEXT_MAX);
    int r = put_th(&input, th);
    r = r ? r : sg_buf_append(&input, plain);
    if (ed != SG_EDHOC_DRAFT15)
        r = r ? r : sg_buf_append(&input, cred);
    if (r)
        return r;
    sg_sha256(ret, sg_buf_bytes(&input));
    return 0;
}

struct aead_inputs {
    uint8_t key[32], nonce[16];
};

static void wipe_inputs(struct aead_inputs *i)
{
    sg_wipe(i, sizeof *i);
}

/* K and IV stand side by side in figure 6: IV's label is K's plus one. */
static int derive_inputs(const struct sg_edhoc_suite_info *s, const uint8_t prk[32],
                         uint32_t k_label, const uint8_t th[32], struct aead_inputs *ret)
{
    struct sg_bytes context = SG_BYTES(th, 32);
    int r = sg_edhoc_kdf(prk, k_label, context, ret->key, sg_aead_key_len(s->aead));
    return r ? r : sg_edhoc_kdf(prk, k_label + 1, context, ret->nonce, sg_aead_nonce_len(s->aead));
}

int sg_edhoc_seal(const struct sg_edhoc_suite_info *s, const uint8_t prk[32], uint32_t k_label,
                  const uint8_t th[32], struct sg_bytes plain, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf aad = SG_BUF_INIT(128);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sealed = SG_BUF_INIT(SG_EDHOC_MESSAGE_MAX);
    SG_CLEANUP(wipe_inputs) struct aead_inputs in = {0};
    uint8_t *out;
    int r = derive_inputs(s, prk, k_label, th, &in);
    r = r ? r : sg_edhoc_enc_structure(th, &aad);
    r = r ? r : sg_buf_extend(&sealed, plain.len + sg_aead_tag_len(s->aead), &out);
    r = r ? r : sg_aead_seal(s->aead, in.key, in.nonce, sg_buf_bytes(&aad), plain, out);
    return r ? r : sg_cbor_put_bytes(ret, sg_buf_bytes(&sealed));
}

int sg_edhoc_open(const struct sg_edhoc_suite_info *s, const uint8_t prk[32], uint32_t k_label,
                  const uint8_t th[32], struct sg_bytes sealed, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf aad = SG_BUF_INIT(128);
    SG_CLEANUP(wipe_inputs) struct aead_inputs in = {0};
    size_t tag = sg_aead_tag_len(s->aead), before = ret->len;
    uint8_t *out = NULL;
    if (sealed.len < tag)
        return SG_EDHOC_MALFORMED;
    int r = derive_inputs(s, prk, k_label, th, &in);
    r = r ? r : sg_edhoc_enc_structure(th, &aad);
    /* Room for the tag as well, so that there is an address even for an empty plain text. */
    r = r ? r : sg_buf_extend(ret, sealed.len, &out);
    if (r)
        return r;
    r = sg_aead_open(s->aead, in.key, in.nonce, sg_buf_bytes(&aad), sealed, out);
    ret->len = r ? before : before + sealed.len - tag;
    return r == SG_AEAD_FORGED ? SG_EDHOC_UNVERIFIED : r;
}

int sg_edhoc_xor_keystream_2(const uint8_t prk_2e[32], const uint8_t th_2[32], uint8_t *text,
                             size_t len)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf stream = SG_BUF_INIT_SECRET(SG_EDHOC_PLAIN_MAX);
    uint8_t *k;
    int r = sg_buf_extend(&stream, len, &k);
    r = r ? r : sg_edhoc_kdf(prk_2e, SG_EDHOC_KEYSTREAM_2, SG_BYTES(th_2, 32), k, len);
    for (size_t i = 0; r == 0 && i < len; i++)
        text[i] ^= k[i];
    return r;
}
