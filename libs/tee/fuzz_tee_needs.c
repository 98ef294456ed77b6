/*
 * Any octets as evidence: what it needs can be named, and is looked for among any octets as
 * collateral, whose documents can be listed.  The input is cut at its first two octets' number.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/tee/needs.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sg_tee_store *store_of(struct sg_bytes blob)
{
    struct sg_tee_store *s = NULL;
    unsigned items;
    sg_assert(sg_tee_store_new(&s, true) == 0);
    (void)!sg_tee_store_add(s, blob, &items);
    sg_assert(sg_tee_store_seal(s) == 0);
    return s;
}

static void list(struct sg_tee_store *s, const struct sg_tee_needs *n)
{
    for (size_t i = 0; i < sg_tee_store_n_documents(s); i++) {
        struct sg_tee_document d;
        sg_tee_store_document(s, i, 0, &d);
        sg_tee_store_document(s, i, d.from_s, &d);
        sg_assert(d.name[0] && memchr(d.name, 0, sizeof d.name));
        for (size_t k = 0; k < n->n; k++)
            (void)sg_tee_need_is(&n->at[k], s, i);
        sg_assert(!sg_tee_document_older(&d, &d));
        if (d.kind != SG_TEE_DOCUMENT_CERTIFICATE)
            sg_tee_store_supersede(s, i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_tee_needs n;
    if (size < 2)
        return 0;
    const size_t rest = size - 2, first = sg_load_be16(data) < rest ? sg_load_be16(data) : rest;
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = SG_BYTES(data + 2, first)};
    if (sg_tee_needs(&e, &n) < 0)
        return 0;
    sg_assert(n.n <= SG_TEE_NEEDS_MAX);
    for (size_t i = 0; i < n.n; i++) {
        char name[SG_TEE_DOCUMENT_NAME_MAX];
        sg_tee_need_name(&n.at[i], name);
        sg_assert(name[0]);
    }
    SG_CLEANUP(sg_tee_store_freep)
    struct sg_tee_store *s = store_of(SG_BYTES(data + 2 + first, rest - first));
    list(s, &n);
    return 0;
}
