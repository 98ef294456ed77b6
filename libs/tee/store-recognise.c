/* store-recognise - what a blob is, by its content. */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/encode.h>

#include "der-int.h"
#include "store-int.h"

#define PEM_BLOCKS_MAX 512

/* TAKEN: it is one, and the store has it.  Readers return 0 for "not one of mine". */
enum { NOT_MINE, TAKEN };

static int try_cert(struct sg_tee_store *s, struct sg_bytes der)
{
    struct sg_tee_cert *c = NULL;
    int r = sg_tee_cert_new(&c, der);
    if (r == 0)
        r = sg_tee_store_take_cert(s, c);
    return r == 0 ? TAKEN : r < 0 ? r : NOT_MINE;
}

static int try_crl(struct sg_tee_store *s, struct sg_bytes der)
{
    struct sg_tee_crl *c = NULL;
    int r = sg_tee_crl_new(&c, der);
    if (r == 0)
        r = sg_tee_store_take_crl(s, c);
    return r == 0 ? TAKEN : r < 0 ? r : NOT_MINE;
}

static int try_key(struct sg_tee_store *s, struct sg_bytes der)
{
    struct sg_tee_key *k = NULL;
    int r = sg_tee_key_spki(&k, der);
    if (r == 0)
        r = sg_tee_store_take_key(s, k);
    return r == 0 ? TAKEN : r < 0 ? r : NOT_MINE;
}

static void note_broken(struct sg_tee_store *s, unsigned looked_like, unsigned *items)
{
    s->n_broken++;
    s->broken_items |= looked_like;
    *items |= SG_TEE_ITEM_BROKEN;
}

static int add_der(struct sg_tee_store *s, struct sg_bytes der, unsigned *items)
{
    static const struct {
        int (*take)(struct sg_tee_store *s, struct sg_bytes der);
        unsigned item;
    } kinds[] = {{try_cert, SG_TEE_ITEM_CERTIFICATE},
                 {try_crl, SG_TEE_ITEM_CRL},
                 {try_key, SG_TEE_ITEM_KEY}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int r = kinds[i].take(s, der);
        if (r < 0)
            return r;
        if (r == TAKEN) {
            *items |= kinds[i].item;
            return 0;
        }
    }
    note_broken(s, SG_TEE_ITEM_CERTIFICATE, items);
    return 0;
}

static int add_pem_block(struct sg_tee_store *s, const char *label, struct sg_bytes der,
                         unsigned *items)
{
    int r;
    unsigned item;
    if (strcmp(label, "CERTIFICATE") == 0 || strcmp(label, "X509 CERTIFICATE") == 0)
        r = try_cert(s, der), item = SG_TEE_ITEM_CERTIFICATE;
    else if (strcmp(label, "X509 CRL") == 0)
        r = try_crl(s, der), item = SG_TEE_ITEM_CRL;
    else if (strcmp(label, "PUBLIC KEY") == 0)
        r = try_key(s, der), item = SG_TEE_ITEM_KEY;
    else
        return 0;
    if (r == NOT_MINE)
        note_broken(s, item, items);
    *items |= r == TAKEN ? item : 0;
    return r < 0 ? r : 0;
}

static int add_pem(struct sg_tee_store *s, struct sg_bytes text, unsigned *items)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(SG_TEE_BLOB_MAX);
    size_t at = 0;
    for (unsigned n = 0; n < PEM_BLOCKS_MAX; n++) {
        char label[32];
        int r = sg_tee_pem_next(text, &at, label, &der);
        if (r <= 0)
            return r;
        if (r == SG_TEE_PEM_BROKEN)
            note_broken(s, SG_TEE_ITEM_CERTIFICATE, items);
        else if ((r = add_pem_block(s, label, sg_buf_bytes(&der), items)) < 0)
            return r;
    }
    return 0;
}

static int add_json(struct sg_tee_store *s, struct sg_bytes text, unsigned *items)
{
    struct sg_tee_intel_doc *d = NULL;
    int r = sg_tee_intel_doc_new(&d, text);
    if (r == SG_TEE_DOC_FOREIGN)
        return sg_tee_store_add_collateral(s, text, items);
    if (r < 0)
        return r;
    if (r == SG_TEE_DOC_BROKEN) {
        const bool info = memmem(text.data, text.len, "\"tcbInfo\"", 9) != NULL;
        note_broken(s, info ? SG_TEE_ITEM_TCB_INFO : SG_TEE_ITEM_IDENTITY, items);
        return 0;
    }
    const bool identity = d->identity;
    r = sg_tee_store_take_doc(s, d);
    if (r == 0)
        *items |= identity ? SG_TEE_ITEM_IDENTITY : SG_TEE_ITEM_TCB_INFO;
    return r;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Without a byte order mark, which editors put there. */
static struct sg_bytes trimmed(struct sg_bytes text)
{
    if (text.len >= 3 && !memcmp(text.data, "\xef\xbb\xbf", 3))
        text = SG_BYTES(text.data + 3, text.len - 3);
    while (text.len && is_space(text.data[0]))
        text = SG_BYTES(text.data + 1, text.len - 1);
    while (text.len && is_space(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* Intel's service answers with CRLs as hexadecimal text. */
static bool is_hex_of_der(struct sg_bytes text)
{
    if (text.len < 8 || text.len % 2 || text.data[0] != '3' || text.data[1] != '0')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
    }
    return true;
}

static int add_hex(struct sg_tee_store *s, struct sg_bytes text, unsigned *items)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(SG_TEE_BLOB_MAX);
    int r = sg_hex_decode(&der, text);
    return r < 0 ? r : add_der(s, sg_buf_bytes(&der), items);
}

/* "MI": 0x30, and a length of two octets or more. */
static bool may_be_base64_of_der(struct sg_bytes text)
{
    return text.len >= 8 && text.data[0] == 'M' && text.data[1] == 'I';
}

static int add_base64(struct sg_tee_store *s, struct sg_bytes text, unsigned *items)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT(SG_TEE_BLOB_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(SG_TEE_BLOB_MAX);
    int r = 0;
    for (size_t i = 0; r == 0 && i < text.len; i++)
        if (!is_space(text.data[i]))
            r = sg_buf_append_u8(&plain, text.data[i]);
    if (r == 0)
        r = sg_base64_decode(&der, sg_buf_bytes(&plain));
    return r == 0 ? add_der(s, sg_buf_bytes(&der), items) : r == -EINVAL ? 0 : r;
}

int sg_tee_store_add(struct sg_tee_store *s, struct sg_bytes blob, unsigned *ret_items)
{
    unsigned items = 0;
    int r = 0;
    sg_assert(!s->sealed);
    if (blob.len > SG_TEE_BLOB_MAX)
        return sg_raise(-ENOBUFS);
    const struct sg_bytes text = trimmed(blob);
    if (blob.len && blob.data[0] == SG_DER_SEQUENCE && !is_hex_of_der(text))
        r = add_der(s, blob, &items);
    else if (text.len && text.data[0] == '{')
        r = add_json(s, text, &items);
    else if (text.len && memmem(text.data, text.len, "-----BEGIN ", 11))
        r = add_pem(s, text, &items);
    else if (is_hex_of_der(text))
        r = add_hex(s, text, &items);
    else if (may_be_base64_of_der(text))
        r = add_base64(s, text, &items);
    if (r == 0)
        *ret_items = items;
    return r;
}

static int anchor_of_cert(struct sg_bytes der, struct sg_tee_anchor *a)
{
    SG_CLEANUP(sg_tee_cert_freep) struct sg_tee_cert *c = NULL;
    int r = sg_tee_cert_new(&c, der);
    if (r != 0)
        return r;
    memcpy(a->common_name, c->common_name, sizeof a->common_name);
    a->dated = true;
    a->not_before_s = c->not_before_s;
    a->not_after_s = c->not_after_s;
    a->path_length = c->path_length;
    a->key = TAKE_PTR(c->key);
    return 0;
}

static int anchor_of_der(struct sg_bytes der, struct sg_tee_anchor *a)
{
    int r = anchor_of_cert(der, a);
    return r == SG_TEE_CERT_BROKEN ? sg_tee_key_spki(&a->key, der) : r;
}

int sg_tee_store_add_root(struct sg_tee_store *s, unsigned vendors, struct sg_bytes pem_or_der)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(SG_TEE_CERT_MAX);
    struct sg_tee_anchor a = {.vendors = vendors, .path_length = -1};
    char label[32];
    size_t at = 0;
    sg_assert(!s->sealed);
    if (s->n_anchors == SG_TEE_ROOTS_MAX)
        return sg_raise(-ENOBUFS);
    int r = sg_tee_pem_next(pem_or_der, &at, label, &der);
    if (r < 0)
        return r;
    r = anchor_of_der(r == SG_TEE_PEM_BLOCK ? sg_buf_bytes(&der) : pem_or_der, &a);
    if (r != 0)
        return r < 0 ? r : sg_raisef(-EBADMSG, "neither a certificate nor a public key");
    s->anchor[s->n_anchors++] = a;
    return 0;
}
