#include "seal-int.h"

#include <sealgrid/base/random.h>
#include <sealgrid/crypto/hash.h>

#define SEALS_PER_WRITER_MAX UINT32_MAX

/* Names.  Inputs are framed: fixed label, one length octet, bucket, four octets, rest. */

static void name_prf(const struct sg_bucket_keys *k, const char *label, uint32_t table,
                     struct sg_bytes rest, uint8_t ret[SG_NAME_LEN])
{
    size_t n = strlen(k->name);
    uint8_t bucket_len = (uint8_t)n, number[4];
    sg_store_be32(number, table);
    const struct sg_bytes parts[] = {sg_bytes_str(label), SG_BYTES(&bucket_len, 1),
                                     SG_BYTES(k->name, n), SG_BYTES_ARRAY(number), rest};
    sg_blake2b_parts(ret, SG_NAME_LEN, sg_secret_bytes(&k->name_key), parts, 5);
}

void sg_name_partition(const struct sg_bucket_keys *k, uint32_t table, struct sg_bytes partition,
                       uint8_t ret[SG_NAME_LEN])
{
    name_prf(k, "sg-name-1", table, partition, ret);
}

static void make_table_tag(const struct sg_bucket_keys *k, uint32_t table,
                           uint8_t ret[SG_TABLE_TAG_LEN])
{
    uint8_t tag[SG_NAME_LEN];
    name_prf(k, "sg-table1", table, SG_BYTES_NONE, tag);
    memcpy(ret, tag, SG_TABLE_TAG_LEN);
}

void sg_name_table(const struct sg_bucket_keys *k, uint32_t table, uint8_t ret[SG_TABLE_TAG_LEN])
{
    if (table < SG_TABLE_TAGS_KEPT)
        memcpy(ret, k->table_tags[table], SG_TABLE_TAG_LEN);
    else
        make_table_tag(k, table, ret);
}

/* Buckets' keys. */

static int kek_order(const void *a, const void *b)
{
    uint32_t x = ((const struct sg_kek *)a)->epoch, y = ((const struct sg_kek *)b)->epoch;
    return (x > y) - (x < y);
}

static int copy_keks(struct sg_bucket_keys *k, const struct sg_store_bucket *from)
{
    k->keks = calloc(from->n_keks, sizeof(*k->keks));
    if (!k->keks)
        return sg_raise(-ENOMEM);
    for (; k->n_keks < from->n_keks; k->n_keks++) {
        const struct sg_store_kek *kek = &from->keks[k->n_keks];
        if (kek->key.len != SG_KEY_LEN)
            return sg_raisef(-EINVAL, "a key-encryption key must have 32 octets");
        int r = sg_secret_copy(&k->keks[k->n_keks].key, kek->key);
        if (r < 0)
            return r;
        k->keks[k->n_keks].epoch = kek->epoch;
    }
    qsort(k->keks, k->n_keks, sizeof(*k->keks), kek_order);
    return 0;
}

int sg_bucket_keys_init(struct sg_bucket_keys *k, const struct sg_store_bucket *from)
{
    uint8_t tag[SG_NAME_LEN];
    *k = (struct sg_bucket_keys){.keks = NULL};
    size_t n = strlen(from->name);
    if (n >= sizeof(k->name) || from->name_key.len != SG_KEY_LEN || from->n_keks == 0 ||
        from->n_keks > SG_STORE_EPOCHS_MAX)
        return sg_raisef(-EINVAL, "bucket: needs a name, a name key and at least one KEK");
    memcpy(k->name, from->name, n + 1);
    int r = sg_secret_copy(&k->name_key, from->name_key);
    if (r == 0)
        r = copy_keks(k, from);
    if (r < 0) {
        sg_bucket_keys_clear(k);
        return r;
    }
    name_prf(k, "sg-bucket", 0, SG_BYTES_NONE, tag);
    memcpy(k->tag, tag, sizeof(k->tag));
    for (uint32_t table = 0; table < SG_TABLE_TAGS_KEPT; table++)
        make_table_tag(k, table, k->table_tags[table]);
    return 0;
}

void sg_bucket_keys_clear(struct sg_bucket_keys *k)
{
    for (size_t i = 0; i < k->n_keks; i++)
        sg_secret_clear(&k->keks[i].key);
    free(k->keks);
    sg_secret_clear(&k->name_key);
    *k = (struct sg_bucket_keys){.keks = NULL};
}

/* Derivation. */

static void derive(uint8_t ret[SG_KEY_LEN], const uint8_t dek[SG_KEY_LEN], const char label[9],
                   const uint8_t *salt)
{
    uint8_t info[9 + SG_SALT_LEN];
    memcpy(info, label, 9);
    if (salt)
        memcpy(info + 9, salt, SG_SALT_LEN);
    sg_hkdf_expand(ret, SG_KEY_LEN, SG_BYTES(dek, SG_KEY_LEN),
                   SG_BYTES(info, salt ? sizeof(info) : 9));
}

static void derive_fixed(struct sg_part_keys *k)
{
    derive(k->multiset, k->dek, "sg-mset-1", NULL);
    k->can_read = k->can_write = false;
}

void sg_part_keys_generate(struct sg_part_keys *k)
{
    sg_random_bytes(k->dek, sizeof(k->dek));
    derive_fixed(k);
}

/* salt = lease || instance || fresh: no two processes share a lease, no two loads of a partition in
 * one process an instance, and the fresh part still separates machines cloned with both. */
static void start_writing(struct sg_part_keys *k, struct sg_writer *w)
{
    memcpy(k->writer_salt, w->lease, 16);
    sg_store_be32(k->writer_salt + 16, w->instances++);
    sg_random_bytes(k->writer_salt + 20, 12);
    derive(k->writer, k->dek, "sg-writer", k->writer_salt);
    k->sealed = 0;
    k->can_write = true;
}

static const uint8_t *reading_key(struct sg_part_keys *k, const uint8_t *salt)
{
    if (k->can_write && memcmp(salt, k->writer_salt, SG_SALT_LEN) == 0)
        return k->writer;
    if (!k->can_read || memcmp(salt, k->reader_salt, SG_SALT_LEN) != 0) {
        memcpy(k->reader_salt, salt, SG_SALT_LEN);
        derive(k->reader, k->dek, "sg-writer", salt);
        k->can_read = true;
    }
    return k->reader;
}

/* Wrapping.  AAD binds the wrapped key to its bucket, partition and epoch. */

#define WRAP_AAD_LEN (9 + SG_BUCKET_TAG_LEN + SG_NAME_LEN + 4)

static void wrap_aad(const struct sg_bucket_keys *b, const uint8_t *name, uint32_t epoch,
                     uint8_t ret[WRAP_AAD_LEN])
{
    memcpy(ret, "sg-wrap-1", 9);
    memcpy(ret + 9, b->tag, SG_BUCKET_TAG_LEN);
    memcpy(ret + 9 + SG_BUCKET_TAG_LEN, name, SG_NAME_LEN);
    sg_store_be32(ret + 9 + SG_BUCKET_TAG_LEN + SG_NAME_LEN, epoch);
}

int sg_dek_wrap(const struct sg_part_keys *k, const struct sg_bucket_keys *b,
                const uint8_t name[SG_NAME_LEN], uint32_t *ret_epoch, uint8_t ret[SG_WRAPPED_LEN])
{
    const struct sg_kek *kek = &b->keks[b->n_keks - 1];
    uint8_t aad[WRAP_AAD_LEN], wrapped[SG_WRAPPED_LEN];
    wrap_aad(b, name, kek->epoch, aad);
    sg_random_bytes(wrapped, SG_NONCE_LEN);
    int r = sg_aead_seal(SG_AEAD_AES_256_GCM, kek->key.data, wrapped, SG_BYTES_ARRAY(aad),
                         SG_BYTES(k->dek, SG_KEY_LEN), wrapped + SG_NONCE_LEN);
    if (r < 0)
        return r;
    memcpy(ret, wrapped, sizeof(wrapped));
    *ret_epoch = kek->epoch;
    return 0;
}

static const struct sg_kek *find_kek(const struct sg_bucket_keys *b, uint32_t epoch)
{
    for (size_t i = 0; i < b->n_keks; i++)
        if (b->keks[i].epoch == epoch)
            return &b->keks[i];
    return NULL;
}

int sg_dek_unwrap(struct sg_part_keys *k, const struct sg_bucket_keys *b,
                  const uint8_t name[SG_NAME_LEN], uint32_t epoch,
                  const uint8_t wrapped[SG_WRAPPED_LEN])
{
    uint8_t aad[WRAP_AAD_LEN];
    const struct sg_kek *kek = find_kek(b, epoch);
    if (!kek)
        return SG_SEAL_NO_KEK;
    wrap_aad(b, name, epoch, aad);
    int r = sg_aead_open(SG_AEAD_AES_256_GCM, kek->key.data, wrapped, SG_BYTES_ARRAY(aad),
                         SG_BYTES(wrapped + SG_NONCE_LEN, SG_KEY_LEN + SG_TAG_LEN), k->dek);
    if (r == SG_AEAD_FORGED)
        return SG_SEAL_FORGED;
    if (r)
        return sg_fold(r);
    derive_fixed(k);
    return 0;
}

/* Envelope. */

int sg_envelope_seal(struct sg_part_keys *k, struct sg_writer *w, struct sg_bytes aad,
                     uint8_t *envelope, size_t body_len, uint8_t ret_tag[SG_TAG_LEN])
{
    uint8_t *nonce = envelope + SG_SALT_LEN, *body = envelope + SG_ENVELOPE_BODY_AT;
    if (!k->can_write || k->sealed == SEALS_PER_WRITER_MAX)
        start_writing(k, w);
    memcpy(envelope, k->writer_salt, SG_SALT_LEN);
    sg_store_be32(nonce, k->sealed++);
    sg_random_bytes(nonce + 4, SG_NONCE_LEN - 4);
    int r =
        sg_aead_seal(SG_AEAD_AES_256_GCM, k->writer, nonce, aad, SG_BYTES(body, body_len), body);
    if (r < 0) {
        sg_wipe(body, body_len);
        return r;
    }
    if (ret_tag)
        memcpy(ret_tag, body + body_len, SG_TAG_LEN);
    return 0;
}

int sg_envelope_open(struct sg_part_keys *k, struct sg_bytes aad, struct sg_bytes envelope,
                     struct sg_buf *out)
{
    uint8_t *at;
    if (envelope.len < SG_ENVELOPE_LEN)
        return SG_SEAL_FORGED;
    const uint8_t *salt = envelope.data, *nonce = salt + SG_SALT_LEN;
    size_t body_len = envelope.len - SG_ENVELOPE_LEN, before = out->len;
    int r = sg_buf_extend(out, body_len, &at);
    if (r < 0)
        return r;
    r = sg_aead_open(SG_AEAD_AES_256_GCM, reading_key(k, salt), nonce, aad,
                     SG_BYTES(nonce + SG_NONCE_LEN, body_len + SG_TAG_LEN), at);
    if (r == 0)
        return 0;
    out->len = before;
    return r == SG_AEAD_FORGED ? SG_SEAL_FORGED : sg_fold(r);
}
