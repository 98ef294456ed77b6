/* tpm-read - the structures of a TPM, octet by octet; see tpm-int.h. */
#include "tpm-int.h"

#include "cert-int.h"
#include "der-int.h"

#include <openssl/evp.h>
#include <sealgrid/base/buf.h>
#include <string.h>

#define TPM_GENERATED_VALUE UINT32_C(0xff544347)
enum { ST_ATTEST_QUOTE = 0x8018, NAME_MAX_LEN = 66, EXTRA_MAX = 64 };

/* ---- digests ---- */

static const struct {
    unsigned alg;
    size_t len;
    const EVP_MD *(*md)(void);
} digests[] = {{SG_TPM_ALG_SHA1, 20, EVP_sha1},
               {SG_TPM_ALG_SHA256, 32, EVP_sha256},
               {SG_TPM_ALG_SHA384, 48, EVP_sha384},
               {SG_TPM_ALG_SHA512, 64, EVP_sha512}};

enum { N_DIGESTS = sizeof digests / sizeof digests[0] };

size_t sg_tpm_digest_len(unsigned alg)
{
    for (size_t i = 0; i < N_DIGESTS; i++)
        if (digests[i].alg == alg)
            return digests[i].len;
    return 0;
}

bool sg_tpm_digest(unsigned alg, const struct sg_bytes *parts, size_t n,
                   uint8_t ret[SG_TPM_DIGEST_MAX])
{
    const EVP_MD *md = NULL;
    for (size_t i = 0; i < N_DIGESTS; i++)
        if (digests[i].alg == alg)
            md = digests[i].md();
    EVP_MD_CTX *ctx = md ? EVP_MD_CTX_new() : NULL;
    bool ok = ctx && EVP_DigestInit_ex(ctx, md, NULL) == 1;
    for (size_t i = 0; i < n && ok; i++)
        ok = EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

/* ---- the quote ---- */

static bool take_sized(struct sg_reader *r, size_t max, struct sg_bytes *ret)
{
    uint16_t len;
    return sg_take_be16(r, &len) && len <= max && sg_take(r, len, ret);
}

static bool take_clock(struct sg_reader *r, struct sg_tpm_quote *q)
{
    uint8_t safe;
    if (!sg_take_be64(r, &q->clock_ms) || !sg_take_be32(r, &q->resets) ||
        !sg_take_be32(r, &q->restarts) || !sg_take_u8(r, &safe) || safe > 1)
        return false;
    q->safe = safe;
    return sg_take_be64(r, &q->firmware);
}

/* Each bank once: two selections of one bank would be two readings of the same values. */
static bool take_bank(struct sg_reader *r, struct sg_tpm_quote *q)
{
    struct sg_tpm_bank b = {0};
    uint16_t alg;
    uint8_t size;
    if (!sg_take_be16(r, &alg) || !sg_take_u8(r, &size) || size > 4 || !sg_take(r, size, &b.bitmap))
        return false;
    b.alg = alg;
    for (size_t i = 0; i < size; i++)
        b.pcrs |= (uint32_t)b.bitmap.data[i] << 8 * i;
    for (size_t i = 0; i < q->n_banks; i++)
        if (q->bank[i].alg == b.alg)
            return false;
    q->bank[q->n_banks++] = b;
    return b.pcrs >> SG_TPM_PCRS == 0;
}

static bool take_selection(struct sg_reader *r, struct sg_tpm_quote *q)
{
    uint32_t n;
    if (!sg_take_be32(r, &n) || n > SG_TPM_BANKS_MAX)
        return false;
    while (q->n_banks < n)
        if (!take_bank(r, q))
            return false;
    return true;
}

enum sg_tee_reason sg_tpm_quote_read(struct sg_bytes octets, struct sg_tpm_quote *ret)
{
    struct sg_reader r = sg_reader_over(octets);
    struct sg_tpm_quote q = {.len = octets.len};
    uint32_t magic;
    uint16_t type;
    if (!sg_take_be32(&r, &magic))
        return SG_TEE_REASON_TPM_STRUCTURE;
    if (magic != TPM_GENERATED_VALUE)
        return SG_TEE_REASON_TPM_MAGIC;
    if (!sg_take_be16(&r, &type))
        return SG_TEE_REASON_TPM_STRUCTURE;
    if (type != ST_ATTEST_QUOTE)
        return SG_TEE_REASON_TPM_TYPE;
    if (!take_sized(&r, NAME_MAX_LEN, &q.signer) || !take_sized(&r, EXTRA_MAX, &q.extra) ||
        !take_clock(&r, &q) || !take_selection(&r, &q) ||
        !take_sized(&r, SG_TPM_DIGEST_MAX, &q.pcr_digest) || r.left)
        return SG_TEE_REASON_TPM_STRUCTURE;
    *ret = q;
    return SG_TEE_REASON_NONE;
}

/* ---- the signature ---- */

static enum sg_tee_alg rsa_alg(unsigned scheme, unsigned hash)
{
    const bool pss = scheme == SG_TPM_ALG_RSAPSS;
    switch (hash) {
    case SG_TPM_ALG_SHA256:
        return pss ? SG_TEE_PS256 : SG_TEE_RS256;
    case SG_TPM_ALG_SHA384:
        return pss ? SG_TEE_PS384 : SG_TEE_RS384;
    case SG_TPM_ALG_SHA512:
        return pss ? SG_TEE_PS512 : SG_TEE_RS512;
    default:
        return SG_TEE_ALG_NONE;
    }
}

/* r and s may come without their leading zeros. */
static bool take_scalar(struct sg_reader *r, size_t len, uint8_t *ret)
{
    struct sg_bytes b;
    if (!take_sized(r, len, &b))
        return false;
    memset(ret, 0, len - b.len);
    if (b.len)
        memcpy(ret + len - b.len, b.data, b.len);
    return true;
}

static bool take_ecdsa(struct sg_reader *r, enum sg_tee_key_type type, struct sg_tpm_signature *s)
{
    const size_t len = type == SG_TEE_KEY_P384 ? 48 : 32;
    if (!take_scalar(r, len, s->room) || !take_scalar(r, len, s->room + len))
        return false;
    s->octets = SG_BYTES(s->room, 2 * len);
    if (type == SG_TEE_KEY_P256 && s->hash == SG_TPM_ALG_SHA256)
        s->alg = SG_TEE_ES256;
    if (type == SG_TEE_KEY_P384 && s->hash == SG_TPM_ALG_SHA384)
        s->alg = SG_TEE_ES384;
    return true;
}

static bool read_tagged(struct sg_bytes octets, enum sg_tee_key_type type,
                        struct sg_tpm_signature *s)
{
    struct sg_reader r = sg_reader_over(octets);
    uint16_t scheme, hash;
    if (!sg_take_be16(&r, &scheme) || !sg_take_be16(&r, &hash))
        return false;
    s->scheme = scheme;
    s->hash = hash;
    if (scheme == SG_TPM_ALG_RSASSA || scheme == SG_TPM_ALG_RSAPSS) {
        if (!take_sized(&r, 1024, &s->octets))
            return false;
        s->alg = type == SG_TEE_KEY_RSA ? rsa_alg(scheme, hash) : SG_TEE_ALG_NONE;
    } else if (scheme == SG_TPM_ALG_ECDSA) {
        if (!take_ecdsa(&r, type, s))
            return false;
    } else {
        return false;
    }
    return r.left == 0;
}

bool sg_tpm_signature_read(struct sg_bytes octets, const struct sg_tee_key *key,
                           struct sg_tpm_signature *ret)
{
    const enum sg_tee_key_type type = sg_tee_key_type(key);
    *ret = (struct sg_tpm_signature){0};
    if (read_tagged(octets, type, ret))
        return true;
    /* A modulus of whole 128 octets: what TPMs make. */
    if (type != SG_TEE_KEY_RSA || octets.len < 256 || octets.len % 128)
        return false;
    *ret = (struct sg_tpm_signature){.alg = SG_TEE_RS256,
                                     .scheme = SG_TPM_ALG_RSASSA,
                                     .hash = SG_TPM_ALG_SHA256,
                                     .octets = octets};
    return true;
}

/* ---- the key ---- */

/* TPMA_OBJECT */
enum {
    FIXED_TPM = 1 << 1,
    FIXED_PARENT = 1 << 4,
    SENSITIVE_DATA_ORIGIN = 1 << 5,
    RESTRICTED = 1 << 16,
    DECRYPT = 1 << 17,
    SIGN = 1 << 18,
};
enum { CURVE_P256 = 3, CURVE_P384 = 4, POLICY_MAX = 64 };

static bool take_alg(struct sg_reader *r, unsigned *ret)
{
    uint16_t v;
    if (!sg_take_be16(r, &v))
        return false;
    *ret = v;
    return true;
}

/* TPMT_SYM_DEF_OBJECT: none, for a key that signs. */
static bool take_no_cipher(struct sg_reader *r)
{
    unsigned alg;
    return take_alg(r, &alg) && alg == SG_TPM_ALG_NULL;
}

static bool fits(unsigned type, unsigned scheme)
{
    return type == SG_TPM_ALG_RSA ? scheme == SG_TPM_ALG_RSASSA || scheme == SG_TPM_ALG_RSAPSS
                                  : scheme == SG_TPM_ALG_ECDSA;
}

/* TPMT_RSA_SCHEME, TPMT_ECC_SCHEME: of signing, or none. */
static bool take_scheme(struct sg_reader *r, unsigned type, struct sg_tpm_key *k)
{
    unsigned scheme;
    if (!take_alg(r, &scheme))
        return false;
    if (scheme == SG_TPM_ALG_NULL)
        return true;
    k->scheme = scheme;
    return fits(type, scheme) && take_alg(r, &k->hash) && sg_tpm_digest_len(k->hash);
}

static int read_rsa(struct sg_reader *r, struct sg_tpm_key *ret)
{
    uint16_t bits;
    uint32_t exponent;
    uint8_t e[4];
    struct sg_bytes n;
    if (!take_no_cipher(r) || !take_scheme(r, SG_TPM_ALG_RSA, ret) || !sg_take_be16(r, &bits) ||
        !sg_take_be32(r, &exponent) || !take_sized(r, 1024, &n) || r->left || n.len != bits / 8u)
        return SG_TEE_KEY_BAD;
    sg_store_be32(e, exponent ? exponent : 65537); /* 0 stands for the default */
    size_t skip = 0;
    while (skip < 3 && !e[skip])
        skip++;
    return sg_tee_key_rsa(&ret->key, n, SG_BYTES(e + skip, sizeof e - skip));
}

static int read_ecc(struct sg_reader *r, struct sg_tpm_key *ret)
{
    uint8_t xy[96];
    unsigned curve, kdf;
    if (!take_no_cipher(r) || !take_scheme(r, SG_TPM_ALG_ECC, ret) || !take_alg(r, &curve) ||
        !take_alg(r, &kdf) || kdf != SG_TPM_ALG_NULL ||
        (curve != CURVE_P256 && curve != CURVE_P384))
        return SG_TEE_KEY_BAD;
    const size_t len = curve == CURVE_P256 ? 32 : 48;
    if (!take_scalar(r, len, xy) || !take_scalar(r, len, xy + len) || r->left)
        return SG_TEE_KEY_BAD;
    return sg_tee_key_point(&ret->key, SG_BYTES(xy, 2 * len));
}

static int read_public(struct sg_reader r, struct sg_tpm_key *ret)
{
    const uint32_t wanted = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | RESTRICTED | SIGN;
    unsigned type, name_alg;
    uint32_t attributes;
    struct sg_bytes policy;
    if (!take_alg(&r, &type) || !take_alg(&r, &name_alg) || !sg_take_be32(&r, &attributes) ||
        !take_sized(&r, POLICY_MAX, &policy) || !sg_tpm_digest_len(name_alg) ||
        (policy.len && policy.len != sg_tpm_digest_len(name_alg)))
        return SG_TEE_KEY_BAD;
    ret->has_attributes = true;
    ret->may_attest = (attributes & (wanted | DECRYPT)) == wanted;
    return type == SG_TPM_ALG_RSA   ? read_rsa(&r, ret)
           : type == SG_TPM_ALG_ECC ? read_ecc(&r, ret)
                                    : SG_TEE_KEY_BAD;
}

static int read_pem(struct sg_bytes text, struct sg_tpm_key *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(4096);
    size_t at = 0;
    char label[32];
    int r = sg_tee_pem_next(text, &at, label, &der);
    if (r < 0)
        return r;
    if (r != SG_TEE_PEM_BLOCK || strcmp(label, "PUBLIC KEY") != 0)
        return SG_TEE_KEY_BAD;
    return sg_tee_key_spki(&ret->key, sg_buf_bytes(&der));
}

void sg_tpm_key_clear(struct sg_tpm_key *k)
{
    sg_tee_key_free(k->key);
    *k = (struct sg_tpm_key){0};
}

/* A TPM2B_PUBLIC is under 64 KiB and starts with its own length; a TPMT_PUBLIC with 0x0001 or
 * 0x0023; DER with 0x30, which as a length would say 12 KiB. */
int sg_tpm_key_read(struct sg_bytes octets, struct sg_tpm_key *ret)
{
    struct sg_reader r = sg_reader_over(octets);
    uint16_t head;
    *ret = (struct sg_tpm_key){0};
    if (!sg_take_be16(&r, &head))
        return SG_TEE_KEY_BAD;
    if (head == r.left)
        return read_public(r, ret);
    if (head == SG_TPM_ALG_RSA || head == SG_TPM_ALG_ECC)
        return read_public(sg_reader_over(octets), ret);
    if (octets.data[0] == SG_DER_SEQUENCE)
        return sg_tee_key_spki(&ret->key, octets);
    return read_pem(octets, ret);
}
