#include "tpm.h"

#include <openssl/core_names.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/crypto/hash.h>
#include <stdio.h>

#define MUST(expr) sg_assert((expr) == 0)

enum { ALG_SHA1 = 4, ALG_SHA256 = 0x0b, ALG_SHA384 = 0x0c, ALG_SHA512 = 0x0d, ALG_NONE = 0x10 };
enum { HARDWARE_ROOM = 1184, HEADER_LEN = 32, REQUEST_LEN = 20 };

static const char *digest_name(unsigned alg)
{
    return alg == ALG_SHA1     ? "SHA1"
           : alg == ALG_SHA384 ? "SHA384"
           : alg == ALG_SHA512 ? "SHA512"
                               : "SHA256";
}

static size_t digest(unsigned alg, struct sg_bytes data, uint8_t ret[64])
{
    unsigned len;
    sg_assert(EVP_Digest(data.data, data.len, ret, &len, EVP_get_digestbyname(digest_name(alg)),
                         NULL) == 1);
    return len;
}

void tk_tpm_init(struct tk_tpm *t, enum tk_key_type type)
{
    *t = (struct tk_tpm){.type = type,
                         .key = tk_key_new(type),
                         .scheme = TK_PKCS1,
                         .hash = type == TK_P384 ? ALG_SHA384 : ALG_SHA256,
                         .bank = ALG_SHA256,
                         .selected = 0x3ff,
                         .magic = UINT32_C(0xff544347),
                         .attest_type = 0x8018,
                         .extra_len = 64,
                         .attributes = 0x00050072};
    memset(t->extra, 0x77, sizeof t->extra);
    for (unsigned i = 0; i < TK_PCRS; i++)
        memset(t->pcr[i], 0x10 + (int)i, 64);
}

void tk_tpm_clear(struct tk_tpm *t)
{
    EVP_PKEY_free(t->key);
    t->key = NULL;
}

static void sized(struct sg_buf *b, struct sg_bytes v)
{
    MUST(sg_buf_append_be16(b, (uint16_t)v.len));
    MUST(sg_buf_append(b, v));
}

void tk_tpm_values(const struct tk_tpm *t, struct sg_buf *ret)
{
    uint8_t none[64];
    const size_t len = digest(t->bank, SG_BYTES_NONE, none);
    for (unsigned i = 0; i < TK_PCRS; i++)
        if (t->selected >> i & 1)
            MUST(sg_buf_append(ret, SG_BYTES(t->pcr[i], len)));
}

void tk_tpm_quote(const struct tk_tpm *t, struct sg_buf *ret)
{
    static const uint8_t signer[34] = {0, ALG_SHA256, 1, 2, 3};
    SG_CLEANUP(sg_buf_clear) struct sg_buf values = SG_BUF_INIT(4096);
    uint8_t d[64];

    MUST(sg_buf_append_be32(ret, t->magic));
    MUST(sg_buf_append_be16(ret, t->attest_type));
    sized(ret, SG_BYTES_ARRAY(signer));
    sized(ret, SG_BYTES(t->extra, t->extra_len));
    MUST(sg_buf_append_be64(ret, 3513262)); /* clock, resets, restarts, safe, firmware */
    MUST(sg_buf_append_be32(ret, 2));
    MUST(sg_buf_append_be32(ret, 0));
    MUST(sg_buf_append_u8(ret, 1));
    MUST(sg_buf_append_be64(ret, UINT64_C(0x2020031200120003)));
    MUST(sg_buf_append_be32(ret, 1));
    MUST(sg_buf_append_be16(ret, (uint16_t)t->bank));
    MUST(sg_buf_append_u8(ret, 3));
    for (int i = 0; i < 3; i++)
        MUST(sg_buf_append_u8(ret, (uint8_t)(t->selected >> 8 * i)));
    tk_tpm_values(t, &values);
    sized(ret, SG_BYTES(d, digest(t->hash, sg_buf_bytes(&values), d)));
}

void tk_tpm_sign(const struct tk_tpm *t, struct sg_bytes quote, struct sg_buf *ret)
{
    const bool rsa = t->type == TK_RSA2048;
    uint8_t sig[512];
    const size_t n = tk_sign(t->key, rsa ? t->scheme : TK_RAW, digest_name(t->hash), quote, sig);

    MUST(sg_buf_append_be16(ret, !rsa ? 0x18 : t->scheme == TK_PSS ? 0x16 : 0x14));
    MUST(sg_buf_append_be16(ret, (uint16_t)t->hash));
    if (rsa) {
        sized(ret, SG_BYTES(sig, n));
        return;
    }
    sized(ret, SG_BYTES(sig, n / 2));
    sized(ret, SG_BYTES(sig + n / 2, n / 2));
}

static size_t modulus(EVP_PKEY *key, uint8_t ret[512])
{
    BIGNUM *n = NULL;
    sg_assert(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1);
    const int len = BN_bn2bin(n, ret);
    BN_free(n);
    return (size_t)len;
}

static void put_rsa(const struct tk_tpm *t, struct sg_buf *b)
{
    uint8_t n[512];
    MUST(sg_buf_append_be16(b, (uint16_t)(8 * modulus(t->key, n))));
    MUST(sg_buf_append_be32(b, 0)); /* 65537 */
    sized(b, SG_BYTES(n, modulus(t->key, n)));
}

static void put_point(const struct tk_tpm *t, struct sg_buf *b)
{
    uint8_t xy[96];
    const size_t len = tk_key_point(t->key, xy);
    MUST(sg_buf_append_be16(b, t->type == TK_P256 ? 3 : 4));
    MUST(sg_buf_append_be16(b, ALG_NONE));
    sized(b, SG_BYTES(xy, len / 2));
    sized(b, SG_BYTES(xy + len / 2, len / 2));
}

void tk_tpm_public(const struct tk_tpm *t, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    const bool rsa = t->type == TK_RSA2048;

    MUST(sg_buf_append_be16(&b, rsa ? 1 : 0x23));
    MUST(sg_buf_append_be16(&b, ALG_SHA256));
    MUST(sg_buf_append_be32(&b, t->attributes));
    sized(&b, SG_BYTES_NONE);
    MUST(sg_buf_append_be16(&b, ALG_NONE));
    MUST(sg_buf_append_be16(&b, !rsa ? 0x18 : t->scheme == TK_PSS ? 0x16 : 0x14));
    MUST(sg_buf_append_be16(&b, (uint16_t)t->hash));
    if (rsa)
        put_rsa(t, &b);
    else
        put_point(t, &b);
    sized(ret, sg_buf_bytes(&b));
}

X509 *tk_tpm_certify(const struct tk_tpm *t, struct tk_cert_spec spec, const X509 *issuer,
                     EVP_PKEY *issuer_key)
{
    /* SEQUENCE { 2.23.133.8.3 } */
    tk_add_extension(&spec, "2.5.29.37", false,
                     SG_BYTES_LIT("\x30\x07\x06\x05\x67\x81\x05\x08\x03"));
    return tk_cert_new(&spec, t->key, issuer, issuer_key);
}

/* ---- event logs ---- */

static void le(struct sg_buf *b, uint64_t v, size_t octets)
{
    for (size_t i = 0; i < octets; i++)
        MUST(sg_buf_append_u8(b, (uint8_t)(v >> 8 * i)));
}

void tk_log_start(struct sg_buf *log)
{
    le(log, 0, 4);
    le(log, 3, 4);
    MUST(sg_buf_append_zeros(log, 20));
    le(log, 16 + 8 + 4 + 8 + 1, 4);
    MUST(sg_buf_append(log, SG_BYTES_LIT("Spec ID Event03\0")));
    le(log, 0, 4);
    le(log, 0x02000200, 4); /* minor 0, major 2, errata 0, 64-bit */
    le(log, 2, 4);
    le(log, ALG_SHA1, 2);
    le(log, 20, 2);
    le(log, ALG_SHA256, 2);
    le(log, 32, 2);
    le(log, 0, 1);
}

void tk_log_event(struct tk_tpm *t, unsigned pcr, uint32_t type, const char *data,
                  struct sg_buf *log)
{
    uint8_t d[64];
    le(log, pcr, 4);
    le(log, type, 4);
    le(log, 2, 4);
    le(log, ALG_SHA1, 2);
    MUST(sg_buf_append(log, SG_BYTES(d, digest(ALG_SHA1, sg_bytes_str(data), d))));
    le(log, ALG_SHA256, 2);
    MUST(sg_buf_append(log, SG_BYTES(d, digest(ALG_SHA256, sg_bytes_str(data), d))));
    le(log, strlen(data), 4);
    MUST(sg_buf_append(log, sg_bytes_str(data)));
    if (pcr < TK_PCRS && type != 3)
        sg_sha256_parts(t->pcr[pcr],
                        (struct sg_bytes[]){SG_BYTES(t->pcr[pcr], 32), SG_BYTES(d, 32)}, 2);
}

void tk_log_old_event(unsigned pcr, uint32_t type, const char *data, struct sg_buf *log)
{
    uint8_t d[64];
    le(log, pcr, 4);
    le(log, type, 4);
    MUST(sg_buf_append(log, SG_BYTES(d, digest(ALG_SHA1, sg_bytes_str(data), d))));
    le(log, strlen(data), 4);
    MUST(sg_buf_append(log, sg_bytes_str(data)));
}

/* ---- the paravisor's bundles ---- */

void tk_hcl_runtime(const struct tk_tpm *t, struct sg_buf *ret)
{
    uint8_t n[512];
    MUST(sg_buf_printf(ret, "{\"keys\":["));
    if (t) {
        MUST(sg_buf_printf(ret, "{\"kid\":\"HCLAkPub\",\"key_ops\":[\"sign\"],\"kty\":\"RSA\","
                                "\"e\":\"AQAB\",\"n\":\""));
        MUST(sg_base64url_append(ret, SG_BYTES(n, modulus(t->key, n))));
        MUST(sg_buf_printf(ret, "\"}"));
    }
    MUST(sg_buf_printf(ret, "],\"vm-configuration\":{\"secure-boot\":true}}"));
}

void tk_hcl_report(unsigned type, struct sg_bytes hardware, struct sg_bytes runtime,
                   struct sg_buf *ret)
{
    const size_t start = ret->len, used = REQUEST_LEN + runtime.len;
    sg_assert(hardware.len <= HARDWARE_ROOM);
    MUST(sg_buf_append(ret, SG_BYTES_LIT("HCLA")));
    le(ret, 2, 4);
    le(ret, HEADER_LEN + HARDWARE_ROOM + used, 4);
    le(ret, 2, 4);
    MUST(sg_buf_append_zeros(ret, 16));
    MUST(sg_buf_append(ret, hardware));
    MUST(sg_buf_append_zeros(ret, HARDWARE_ROOM - hardware.len));
    le(ret, used, 4);
    le(ret, 1, 4);
    le(ret, type, 4);
    le(ret, 1, 4); /* SHA-256 */
    le(ret, runtime.len, 4);
    MUST(sg_buf_append(ret, runtime));
    MUST(sg_buf_append_zeros(ret, TK_HCL_LEN - (ret->len - start)));
}
