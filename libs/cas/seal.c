#include <sealgrid/base/random.h>
#include <sealgrid/crypto/aead.h>
#include <sealgrid/crypto/hash.h>

#include "vault-int.h"

#define MAGIC     "SGCASST1"
#define MAGIC_LEN 8
#define SALT_LEN  32
#define HEAD_LEN  (MAGIC_LEN + SALT_LEN)
#define TAG_LEN   16

struct file_key {
    uint8_t key[32];
    uint8_t nonce[12];
};

/* One key and nonce for one salt, hence for one file ever. */
static void derive(struct file_key *ret, struct sg_bytes sealing_key, struct sg_bytes salt)
{
    uint8_t prk[32], okm[sizeof ret->key + sizeof ret->nonce];
    sg_hkdf_extract(prk, salt, sealing_key);
    sg_hkdf_expand(okm, sizeof okm, SG_BYTES_ARRAY(prk), SG_BYTES_LIT("sealgrid-casd-state-v1"));
    memcpy(ret->key, okm, sizeof ret->key);
    memcpy(ret->nonce, okm + sizeof ret->key, sizeof ret->nonce);
    sg_wipe(prk, sizeof prk);
    sg_wipe(okm, sizeof okm);
}

int sg_cas_seal(struct sg_bytes sealing_key, struct sg_bytes plain, struct sg_buf *ret)
{
    uint8_t *out;
    struct file_key k;
    int r = sg_buf_extend(ret, HEAD_LEN + plain.len + TAG_LEN, &out);
    if (r < 0)
        return r;
    memcpy(out, MAGIC, MAGIC_LEN);
    sg_random_bytes(out + MAGIC_LEN, SALT_LEN);
    derive(&k, sealing_key, SG_BYTES(out + MAGIC_LEN, SALT_LEN));
    r = sg_aead_seal(SG_AEAD_AES_256_GCM, k.key, k.nonce, SG_BYTES(out, HEAD_LEN), plain,
                     out + HEAD_LEN);
    sg_wipe(&k, sizeof k);
    return r;
}

int sg_cas_unseal(struct sg_bytes sealing_key, struct sg_bytes sealed, struct sg_buf *ret)
{
    struct sg_reader in = sg_reader_over(sealed);
    struct sg_bytes head;
    struct file_key k;
    uint8_t *out;
    size_t before = ret->len;
    if (!sg_take(&in, HEAD_LEN, &head) || in.left < TAG_LEN ||
        memcmp(head.data, MAGIC, MAGIC_LEN) != 0)
        return SG_CAS_VAULT_FORGED;
    int r = sg_buf_extend(ret, in.left - TAG_LEN, &out);
    if (r < 0)
        return r;
    derive(&k, sealing_key, SG_BYTES(head.data + MAGIC_LEN, SALT_LEN));
    r = sg_aead_open(SG_AEAD_AES_256_GCM, k.key, k.nonce, head, SG_BYTES(in.at, in.left), out);
    sg_wipe(&k, sizeof k);
    if (r != 0)
        ret->len = before;
    return r > 0 ? SG_CAS_VAULT_FORGED : r;
}
