#include "bundle-int.h"

#include "cache-int.h"
#include "der-int.h"

#include <sealgrid/base/buf.h>
#include <sealgrid/crypto/hash.h>

static int add_der(struct sg_tee_own_certs *certs, struct sg_bytes der)
{
    if (certs->n == SG_TEE_OWN_CERTS_MAX)
        return SG_TEE_CERT_BROKEN;
    int r = sg_tee_cert_new(&certs->at[certs->n], der);
    if (r == 0)
        certs->n++;
    return r;
}

static int add_pem(struct sg_tee_own_certs *certs, struct sg_bytes text)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(SG_TEE_CERT_MAX);
    size_t at = 0;
    char label[32];
    int r;
    while ((r = sg_tee_pem_next(text, &at, label, &der)) == SG_TEE_PEM_BLOCK) {
        if (strcmp(label, "CERTIFICATE") != 0)
            continue;
        r = add_der(certs, sg_buf_bytes(&der));
        if (r != 0)
            return r;
    }
    return r == SG_TEE_PEM_BROKEN ? SG_TEE_CERT_BROKEN : r;
}

static int add_any(struct sg_tee_own_certs *certs, struct sg_bytes b)
{
    if (!b.len)
        return 0;
    return b.data[0] == SG_DER_SEQUENCE ? add_der(certs, b) : add_pem(certs, b);
}

/* Lengths stand before the parts: no two lists of parts give the same octets. */
static void hash_parts(uint8_t ret[32], uint8_t type, const struct sg_bytes *parts, size_t n)
{
    uint8_t head[1 + 8 * SG_TEE_BUNDLE_PARTS_MAX] = {type};
    struct sg_bytes all[1 + SG_TEE_BUNDLE_PARTS_MAX] = {SG_BYTES_ARRAY(head)};
    for (size_t i = 0; i < n; i++) {
        sg_store_be64(head + 1 + 8 * i, parts[i].len);
        all[1 + i] = parts[i];
    }
    sg_sha256_parts(ret, all, 1 + n);
}

int sg_tee_bundle_load(const struct sg_tee_case *c, uint8_t type, const struct sg_bytes *parts,
                       size_t n, struct sg_tee_bundle *ret)
{
    uint8_t hash[32];
    int r = 0;
    sg_assert(n <= SG_TEE_BUNDLE_PARTS_MAX);
    *ret = (struct sg_tee_bundle){.certs = &ret->own};
    if (c->cache) {
        hash_parts(hash, type, parts, n);
        const struct sg_tee_own_certs *known = sg_tee_cache_bundle(c->cache, hash);
        if (known) {
            ret->certs = known;
            return 0;
        }
    }
    for (size_t i = 0; i < n && r == 0; i++)
        r = add_any(&ret->own, parts[i]);
    if (r == 0 && c->cache && ret->own.n)
        ret->certs = sg_tee_cache_keep(c->cache, hash, &ret->own);
    return r;
}

void sg_tee_bundle_clear(struct sg_tee_bundle *b)
{
    sg_tee_own_certs_clear(&b->own);
}
