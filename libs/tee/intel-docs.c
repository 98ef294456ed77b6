#include "intel-docs-int.h"

#include <stdio.h>

#include "json-read-int.h"
#include "signed-json-int.h"

#include <sealgrid/crypto/hash.h>

static void free_module(struct sg_tee_module *m)
{
    free(m->level);
}

void sg_tee_intel_doc_free(struct sg_tee_intel_doc *d)
{
    if (!d)
        return;
    for (size_t i = 0; d->modules && i < d->n_modules; i++)
        free_module(&d->modules[i]);
    free_module(&d->module);
    free(d->modules);
    free(d->level);
    free(d->svn_level);
    json_decref(d->json);
    free(d->room);
    free(d);
}

/* Readers below: 0, SG_TEE_DOC_BROKEN, -ENOMEM. */

static bool read_advisories(const json_t *level, struct sg_tee_level_advisories *ret)
{
    const json_t *list;
    if (!json_object_get(level, "advisoryIDs"))
        return true;
    if (!sg_tee_json_list(level, "advisoryIDs", JSON_STRING, SG_TEE_LEVEL_ADVISORIES_MAX, &list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *id = json_array_get(list, i);
        if (!json_string_length(id) || json_string_length(id) > SG_TEE_ADVISORY_MAX)
            return false;
        ret->id[ret->n++] = json_string_value(id);
    }
    return true;
}

static bool read_status(const json_t *level, enum sg_tee_status *ret)
{
    const char *s = sg_tee_json_text(level, "tcbStatus", 64);
    return s && sg_tee_status_parse(sg_bytes_str(s), ret);
}

static bool read_svn_level(const json_t *level, struct sg_tee_svn_level *ret)
{
    const json_t *tcb = json_object_get(level, "tcb");
    uint64_t svn;
    if (!json_is_object(tcb) || !sg_tee_json_uint(tcb, "isvsvn", UINT16_MAX, &svn) ||
        !sg_tee_json_time(level, "tcbDate", &ret->date_s) || !read_status(level, &ret->status))
        return false;
    ret->isvsvn = (uint16_t)svn;
    return read_advisories(level, &ret->advisories);
}

static int read_svn_levels(const json_t *object, struct sg_tee_svn_level **ret, size_t *ret_n)
{
    const json_t *list;
    if (!sg_tee_json_list(object, "tcbLevels", JSON_OBJECT, SG_TEE_LEVELS_MAX, &list) ||
        !json_array_size(list))
        return SG_TEE_DOC_BROKEN;
    *ret = calloc(json_array_size(list), sizeof **ret);
    if (!*ret)
        return sg_raise(-ENOMEM);
    *ret_n = json_array_size(list);
    for (size_t i = 0; i < *ret_n; i++) {
        struct sg_tee_svn_level *l = &(*ret)[i];
        if (!read_svn_level(json_array_get(list, i), l))
            return SG_TEE_DOC_BROKEN;
    }
    return 0;
}

/* "sgxtcbcomp01svn".."sgxtcbcomp16svn" (version 2). */
static bool read_numbered_components(const json_t *tcb, uint8_t ret[SG_TEE_COMPONENTS])
{
    for (unsigned i = 0; i < SG_TEE_COMPONENTS; i++) {
        char key[24];
        uint64_t svn;
        snprintf(key, sizeof key, "sgxtcbcomp%02usvn", i + 1);
        if (!sg_tee_json_uint(tcb, key, UINT8_MAX, &svn))
            return false;
        ret[i] = (uint8_t)svn;
    }
    return true;
}

/* [{"svn": n, ...} x 16] (version 3). */
static bool read_listed_components(const json_t *tcb, const char *key,
                                   uint8_t ret[SG_TEE_COMPONENTS])
{
    const json_t *list;
    if (!sg_tee_json_list(tcb, key, JSON_OBJECT, SG_TEE_COMPONENTS, &list) ||
        json_array_size(list) != SG_TEE_COMPONENTS)
        return false;
    for (size_t i = 0; i < SG_TEE_COMPONENTS; i++) {
        uint64_t svn;
        if (!sg_tee_json_uint(json_array_get(list, i), "svn", UINT8_MAX, &svn))
            return false;
        ret[i] = (uint8_t)svn;
    }
    return true;
}

static bool read_components(const struct sg_tee_intel_doc *d, const json_t *tcb,
                            struct sg_tee_tcb_level *ret)
{
    if (d->version == 2)
        return read_numbered_components(tcb, ret->sgx);
    return read_listed_components(tcb, "sgxtcbcomponents", ret->sgx) &&
           (d->id != SG_TEE_INTEL_ID_TDX ||
            read_listed_components(tcb, "tdxtcbcomponents", ret->tdx));
}

static bool read_tcb_level(const struct sg_tee_intel_doc *d, const json_t *level,
                           struct sg_tee_tcb_level *ret)
{
    const json_t *tcb = json_object_get(level, "tcb");
    uint64_t pcesvn;
    if (!json_is_object(tcb) || !read_components(d, tcb, ret) ||
        !sg_tee_json_uint(tcb, "pcesvn", UINT16_MAX, &pcesvn) ||
        !sg_tee_json_time(level, "tcbDate", &ret->date_s) || !read_status(level, &ret->status))
        return false;
    ret->pcesvn = (uint16_t)pcesvn;
    return read_advisories(level, &ret->advisories);
}

static int read_tcb_levels(struct sg_tee_intel_doc *d, const json_t *body)
{
    const json_t *list;
    if (!sg_tee_json_list(body, "tcbLevels", JSON_OBJECT, SG_TEE_LEVELS_MAX, &list) ||
        !json_array_size(list))
        return SG_TEE_DOC_BROKEN;
    d->level = calloc(json_array_size(list), sizeof *d->level);
    if (!d->level)
        return sg_raise(-ENOMEM);
    d->n_levels = json_array_size(list);
    for (size_t i = 0; i < d->n_levels; i++) {
        if (!read_tcb_level(d, json_array_get(list, i), &d->level[i]))
            return SG_TEE_DOC_BROKEN;
    }
    return 0;
}

static bool read_module_masks(const json_t *m, struct sg_tee_module *ret)
{
    return sg_tee_json_hex(m, "mrsigner", ret->mrsigner, sizeof ret->mrsigner) &&
           sg_tee_json_hex(m, "attributes", ret->attributes, sizeof ret->attributes) &&
           sg_tee_json_hex(m, "attributesMask", ret->attributes_mask, sizeof ret->attributes_mask);
}

static int read_module(const json_t *m, struct sg_tee_module *ret)
{
    const char *id = sg_tee_json_text(m, "id", sizeof ret->id - 1);
    if (!id || !read_module_masks(m, ret))
        return SG_TEE_DOC_BROKEN;
    memcpy(ret->id, id, strlen(id) + 1);
    return read_svn_levels(m, &ret->level, &ret->n_levels);
}

static bool id_is_new(const struct sg_tee_intel_doc *d, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(d->modules[k].id, d->modules[i].id) == 0)
            return false;
    }
    return true;
}

static int read_modules(struct sg_tee_intel_doc *d, const json_t *body)
{
    const json_t *one = json_object_get(body, "tdxModule"), *list;
    if (!json_is_object(one) || !read_module_masks(one, &d->module))
        return SG_TEE_DOC_BROKEN;
    if (!json_object_get(body, "tdxModuleIdentities"))
        return 0; /* before TDX 1.5 */
    if (!sg_tee_json_list(body, "tdxModuleIdentities", JSON_OBJECT, SG_TEE_MODULES_MAX, &list))
        return SG_TEE_DOC_BROKEN;
    d->n_modules = json_array_size(list);
    d->modules = calloc(d->n_modules + 1, sizeof *d->modules);
    if (!d->modules)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < d->n_modules; i++) {
        int r = read_module(json_array_get(list, i), &d->modules[i]);
        if (r != 0 || !id_is_new(d, i))
            return r ? r : SG_TEE_DOC_BROKEN;
    }
    return 0;
}

/* Version 2 is of SGX and says no id; version 3 says "SGX" or "TDX". */
static bool read_tcb_id(struct sg_tee_intel_doc *d, const json_t *body)
{
    const char *id = sg_tee_json_text(body, "id", 8);
    if (d->version == 2) {
        d->id = SG_TEE_INTEL_ID_SGX;
        return !json_object_get(body, "id") || (id && strcmp(id, "SGX") == 0);
    }
    d->id = id && strcmp(id, "SGX") == 0   ? SG_TEE_INTEL_ID_SGX
            : id && strcmp(id, "TDX") == 0 ? SG_TEE_INTEL_ID_TDX
                                           : SG_TEE_INTEL_ID_NONE;
    return d->id != SG_TEE_INTEL_ID_NONE;
}

static int read_tcb_info(struct sg_tee_intel_doc *d, const json_t *body)
{
    uint64_t type;
    if (d->version != 2 && d->version != 3) {
        d->fault = SG_TEE_DOC_FAULT_VERSION;
        return 0;
    }
    if (!read_tcb_id(d, body) || !sg_tee_json_hex(body, "fmspc", d->fmspc, sizeof d->fmspc) ||
        !sg_tee_json_hex(body, "pceId", d->pceid, sizeof d->pceid) ||
        !sg_tee_json_uint(body, "tcbType", 0, &type)) /* 0: compare by component, the only one */
        return SG_TEE_DOC_BROKEN;
    int r = d->id == SG_TEE_INTEL_ID_TDX ? read_modules(d, body) : 0;
    return r ? r : read_tcb_levels(d, body);
}

static bool read_identity_id(struct sg_tee_intel_doc *d, const json_t *body)
{
    const char *id = sg_tee_json_text(body, "id", 8);
    d->id = !id                        ? SG_TEE_INTEL_ID_NONE
            : strcmp(id, "QE") == 0    ? SG_TEE_INTEL_ID_QE
            : strcmp(id, "TD_QE") == 0 ? SG_TEE_INTEL_ID_TD_QE
            : strcmp(id, "QVE") == 0   ? SG_TEE_INTEL_ID_QVE
                                       : SG_TEE_INTEL_ID_NONE;
    return d->id != SG_TEE_INTEL_ID_NONE;
}

static int read_identity(struct sg_tee_intel_doc *d, const json_t *body)
{
    uint64_t product;
    if (d->version != 2) {
        d->fault = SG_TEE_DOC_FAULT_VERSION;
        return 0;
    }
    if (!read_identity_id(d, body) || !sg_tee_json_hex(body, "miscselect", d->miscselect, 4) ||
        !sg_tee_json_hex(body, "miscselectMask", d->miscselect_mask, 4) ||
        !sg_tee_json_hex(body, "attributes", d->attributes, 16) ||
        !sg_tee_json_hex(body, "attributesMask", d->attributes_mask, 16) ||
        !sg_tee_json_hex(body, "mrsigner", d->mrsigner, 32) ||
        !sg_tee_json_uint(body, "isvprodid", UINT16_MAX, &product))
        return SG_TEE_DOC_BROKEN;
    d->isvprodid = (uint16_t)product;
    return read_svn_levels(body, &d->svn_level, &d->n_svn_levels);
}

static int read_body(struct sg_tee_intel_doc *d)
{
    uint64_t version, evaluation;
    json_t *body =
        json_loadb((const char *)d->body.data, d->body.len, JSON_REJECT_DUPLICATES, NULL);
    d->json = body;
    if (!json_is_object(body) || !sg_tee_json_uint(body, "version", 1000, &version))
        return SG_TEE_DOC_BROKEN;
    d->version = (unsigned)version;
    if (!sg_tee_json_time(body, "issueDate", &d->issue_s) ||
        !sg_tee_json_time(body, "nextUpdate", &d->next_s) ||
        !sg_tee_json_uint(body, "tcbEvaluationDataNumber", UINT32_MAX, &evaluation))
        return SG_TEE_DOC_BROKEN;
    d->evaluation = (uint32_t)evaluation;
    return d->identity ? read_identity(d, body) : read_tcb_info(d, body);
}

static int locate(struct sg_tee_intel_doc *d)
{
    static const char *const names[] = {"tcbInfo", "enclaveIdentity", NULL};
    size_t name = 0;
    switch (sg_tee_signed_json(d->text, names, &name, &d->body, d->signature)) {
    case SG_TEE_SIGNED_JSON_OK:
        d->identity = name == 1;
        return 0;
    case SG_TEE_SIGNED_JSON_FOREIGN:
        return SG_TEE_DOC_FOREIGN;
    default:
        return SG_TEE_DOC_BROKEN;
    }
}

int sg_tee_intel_doc_new(struct sg_tee_intel_doc **ret, struct sg_bytes text)
{
    if (text.len > SG_TEE_DOC_MAX || !text.len)
        return SG_TEE_DOC_FOREIGN;
    SG_CLEANUP(sg_tee_intel_doc_freep) struct sg_tee_intel_doc *d = calloc(1, sizeof *d);
    if (!d || !(d->room = malloc(text.len)))
        return sg_raise(-ENOMEM);
    memcpy(d->room, text.data, text.len);
    d->text = SG_BYTES(d->room, text.len);
    d->fault = SG_TEE_N_DOC_FAULTS;
    int r = locate(d);
    if (r == 0)
        r = read_body(d);
    if (r != 0)
        return r;
    sg_sha256_parts(d->id_hash, (struct sg_bytes[]){d->body, SG_BYTES_ARRAY(d->signature)}, 2);
    *ret = TAKE_PTR(d);
    return 0;
}
