#include "judge-int.h"

#include "tpm-int.h"

#include <sealgrid/crypto/hash.h>
#include <stdio.h>

static const struct sg_tee_judge *const judges[] = {
    &sg_tee_judge_dcap, &sg_tee_judge_snp,   &sg_tee_judge_nitro,  &sg_tee_judge_cca,
    &sg_tee_judge_tpm,  &sg_tee_judge_azure, &sg_tee_judge_snp_key};

#define N_JUDGES (sizeof judges / sizeof judges[0])

const struct sg_tee_judge *sg_tee_judge_of(const struct sg_tee_evidence *e)
{
    for (size_t i = 0; i < N_JUDGES; i++) {
        if (judges[i]->recognise(e))
            return judges[i];
    }
    return NULL;
}

enum sg_tee_kind sg_tee_recognise(const struct sg_tee_evidence *e)
{
    const struct sg_tee_judge *j = sg_tee_judge_of(e);
    return j ? j->kind_of(e) : SG_TEE_KIND_NONE;
}

static void start(struct sg_tee_verdict *v)
{
    *v = (struct sg_tee_verdict){
        .collateral_oldest_s = INT64_MAX,
        .collateral_from_s = INT64_MIN,
        .collateral_until_s = INT64_MAX,
        .platform.status = SG_TEE_STATUS_NOT_APPLICABLE,
        .qe.status = SG_TEE_STATUS_NOT_APPLICABLE,
        .tdx_module.status = SG_TEE_STATUS_NOT_APPLICABLE,
    };
}

int sg_tee_judge(const struct sg_tee_case *c, struct sg_tee_verdict *ret)
{
    struct sg_tee_verdict v;
    const struct sg_tee_judge *j = sg_tee_judge_of(c->evidence);
    int r = 0;
    start(&v);
    if (!j)
        sg_tee_refuse(&v, SG_TEE_REASON_UNSUPPORTED);
    else
        r = j->judge(c, &v);
    if (r < 0)
        return r;
    v.claims.kind = v.kind;
    v.judged = true;
    *ret = v;
    return 0;
}

static bool is_digest_of(struct sg_bytes extra, const uint8_t report_data[64])
{
    uint8_t digest[32];
    sg_sha256(digest, SG_BYTES(report_data, 64));
    return sg_bytes_equal(extra, SG_BYTES_ARRAY(digest));
}

bool sg_tee_is_over(const struct sg_tee_verdict *v, const uint8_t report_data[64])
{
    struct sg_bytes extra;
    if (!v->claims.no_report_data)
        return memcmp(v->claims.report_data, report_data, sizeof v->claims.report_data) == 0;
    return sg_tpm_field(v, SG_BYTES_LIT("extra"), &extra) && is_digest_of(extra, report_data);
}

bool sg_tee_trusted(const struct sg_tee_verdict *v)
{
    return v->judged && v->applied && v->reasons.n == 0;
}

int sg_tee_describe(const struct sg_tee_evidence *e, const struct sg_tee_store *store,
                    struct sg_json *j)
{
    const struct sg_tee_judge *judge = sg_tee_judge_of(e);
    if (judge)
        return judge->describe(e, store, j);
    sg_json_key(j, "fields");
    sg_json_object(j);
    sg_json_end_object(j);
    return 0;
}

bool sg_tee_verdict_field(const struct sg_tee_verdict *v, struct sg_bytes name,
                          struct sg_bytes *ret)
{
    for (size_t i = 0; i < v->n_fields; i++) {
        const struct sg_tee_field *f = &v->fields[i];
        if (sg_bytes_equal(name, sg_bytes_str(f->name)) && f->offset <= v->body.len &&
            f->len <= v->body.len - f->offset) {
            *ret = SG_BYTES(v->body.data + f->offset, f->len);
            return true;
        }
    }
    for (size_t i = 0; i < N_JUDGES; i++) {
        if (judges[i]->field && judges[i]->field(v, name, ret))
            return true;
    }
    return false;
}

void sg_tee_refuse(struct sg_tee_verdict *v, enum sg_tee_reason r)
{
    sg_tee_reasons_add(&v->reasons, r);
}

void sg_tee_absent(struct sg_tee_verdict *v, enum sg_tee_reason r)
{
    sg_tee_reasons_add(&v->absent, r);
}

void sg_tee_used(struct sg_tee_verdict *v, int64_t from_s, int64_t until_s)
{
    if (from_s < v->collateral_oldest_s)
        v->collateral_oldest_s = from_s;
    if (from_s > v->collateral_from_s)
        v->collateral_from_s = from_s;
    if (until_s < v->collateral_until_s)
        v->collateral_until_s = until_s;
}

void sg_tee_advise(struct sg_tee_verdict *v, const char *advisory)
{
    struct sg_tee_advisories *a = &v->advisories;
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->id[i], advisory) == 0)
            return;
    }
    if (a->n < SG_TEE_ADVISORIES_MAX)
        a->id[a->n++] = advisory;
    else
        sg_tee_refuse(v, SG_TEE_REASON_ADVISORY); /* more than can be weighed */
}

static uint64_t number(struct sg_bytes b)
{
    uint64_t v = 0;
    for (size_t i = b.len < 8 ? b.len : 8; i > 0; i--)
        v = v << 8 | b.data[i - 1];
    return v;
}

void sg_tee_fields_json(const struct sg_tee_field *fields, size_t n, struct sg_bytes body,
                        struct sg_json *j)
{
    for (size_t i = 0; i < n; i++) {
        const struct sg_tee_field *f = &fields[i];
        if (f->offset > body.len || f->len > body.len - f->offset)
            continue;
        const struct sg_bytes b = SG_BYTES(body.data + f->offset, f->len);
        char text[24];
        sg_json_key(j, f->name);
        switch (f->type) {
        case SG_TEE_FIELD_HEX:
            sg_json_hex(j, b);
            break;
        case SG_TEE_FIELD_UINT:
            sg_json_uint(j, number(b));
            break;
        case SG_TEE_FIELD_HEX_UINT:
            snprintf(text, sizeof text, "0x%llx", (unsigned long long)number(b));
            sg_json_str(j, text);
            break;
        }
    }
}
