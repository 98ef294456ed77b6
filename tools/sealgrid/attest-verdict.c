#include "attest.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/json.h>
#include <stdio.h>

static const char *kind_of(const struct sg_tee_verdict *v)
{
    return v->format[0] ? v->format : sg_tee_kind_name(v->kind);
}

static void put_str(struct sg_json *j, const char *key, const char *text)
{
    sg_json_key(j, key);
    sg_json_str(j, text);
}

static void put_reasons(struct sg_json *j, const char *key, const struct sg_tee_reasons *list)
{
    sg_json_key(j, key);
    sg_json_array(j);
    for (size_t i = 0; i < list->n; i++)
        sg_json_str(j, sg_tee_reason_name(list->at[i]));
    sg_json_end_array(j);
}

/* The first n: of the platform's level; the others are the QE's and the TDX module's. */
static void put_advisories(struct sg_json *j, const struct sg_tee_advisories *a, size_t n)
{
    sg_json_key(j, "advisories");
    sg_json_array(j);
    for (size_t i = 0; i < n; i++)
        sg_json_str(j, a->id[i]);
    sg_json_end_array(j);
}

static void put_status(struct sg_json *j, const struct sg_tee_component *c)
{
    char date[SG_RFC3339_MAX];

    put_str(j, "status", sg_tee_status_name(c->status));
    if (c->date_s) {
        sg_time_rfc3339(date, c->date_s);
        put_str(j, "date", date);
    }
}

static void put_component(struct sg_json *j, const char *key, const struct sg_tee_component *c)
{
    sg_json_key(j, key);
    sg_json_object(j);
    put_status(j, c);
    sg_json_end_object(j);
}

static void put_platform(struct sg_json *j, const struct sg_tee_verdict *v)
{
    sg_json_key(j, "platform");
    sg_json_object(j);
    put_status(j, &v->platform);
    put_advisories(j, &v->advisories, v->advisories.n_platform);
    sg_json_end_object(j);
}

static void put_claims(struct sg_json *j, const struct sg_tee_claims *c)
{
    sg_json_key(j, "measurement");
    sg_json_hex(j, SG_BYTES(c->measurement, c->measurement_len));
    sg_json_key(j, "signer");
    sg_json_hex(j, SG_BYTES(c->signer, c->signer_len));
    sg_json_key(j, "svn");
    sg_json_uint(j, c->svn);
    sg_json_key(j, "report_data");
    sg_json_hex(j, SG_BYTES_ARRAY(c->report_data));
}

static void put_collateral(struct sg_json *j, const struct sg_tee_verdict *v)
{
    char until[SG_RFC3339_MAX];

    sg_json_key(j, "collateral_until");
    if (v->collateral_until_s == INT64_MAX) {
        sg_json_null(j);
        return;
    }
    sg_time_rfc3339(until, v->collateral_until_s);
    sg_json_str(j, until);
}

static void put_warning(struct sg_json *j, const struct sg_attest_note *a)
{
    char until[SG_RFC3339_MAX];

    sg_json_object(j);
    put_str(j, "document", a->document);
    if (a->until_s) {
        sg_time_rfc3339(until, a->until_s);
        put_str(j, "until", until);
        sg_json_key(j, "days");
        sg_json_int(j, a->days);
    } else {
        put_str(j, "text", a->text);
    }
    sg_json_end_object(j);
}

/* "warnings": what ends soon; "fetch": how documents were had, if any were asked for. */
static void put_notes(struct sg_json *j, const struct sg_attest_notes *n)
{
    const struct sg_collateral_report *r = &n->report;
    const struct {
        const char *name;
        unsigned count;
    } counts[] = {{"fetched", r->fetched},
                  {"kept", r->kept},
                  {"missing", r->missing},
                  {"refused", r->refused}};

    sg_json_key(j, "warnings");
    sg_json_array(j);
    for (size_t i = 0; i < n->n; i++)
        if (n->at[i].until_s)
            put_warning(j, &n->at[i]);
    sg_json_end_array(j);
    if (!n->gathered)
        return;
    sg_json_key(j, "fetch");
    sg_json_object(j);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        sg_json_key(j, counts[i].name);
        sg_json_uint(j, counts[i].count);
    }
    sg_json_key(j, "messages");
    sg_json_array(j);
    for (size_t i = 0; i < n->n; i++)
        if (!n->at[i].until_s)
            put_warning(j, &n->at[i]);
    sg_json_end_array(j);
    sg_json_end_object(j);
}

int sg_attest_verdict_json(const struct sg_tee_case *c, const struct sg_tee_verdict *v,
                           const struct sg_attest_notes *n, struct sg_buf *ret)
{
    struct sg_json j;
    int r;

    sg_json_init(&j, ret);
    sg_json_object(&j);
    put_str(&j, "verdict", sg_tee_trusted(v) ? "trusted" : "refused");
    put_str(&j, "kind", kind_of(v));
    put_str(&j, "tcb_status", sg_tee_status_name(v->tcb_status));
    sg_json_key(&j, "debug");
    sg_json_bool(&j, v->claims.debug);
    put_claims(&j, &v->claims);
    r = sg_tee_describe(c->evidence, c->store, &j);
    if (r)
        return r;
    put_platform(&j, v);
    put_component(&j, "qe_identity", &v->qe);
    put_component(&j, "tdx_module", &v->tdx_module);
    put_advisories(&j, &v->advisories, v->advisories.n);
    put_reasons(&j, "reasons", &v->reasons);
    put_reasons(&j, "absent", &v->absent);
    put_collateral(&j, v);
    put_notes(&j, n);
    sg_json_end_object(&j);
    return sg_json_done(&j);
}

static void print_hex(const char *name, const uint8_t *p, size_t n)
{
    if (!n)
        return;
    printf("%-14s ", name);
    for (size_t i = 0; i < n; i++)
        printf("%02x", p[i]);
    printf("\n");
}

void sg_attest_verdict_print(const struct sg_tee_verdict *v)
{
    printf("%-14s %s\n", "verdict", sg_tee_trusted(v) ? "trusted" : "REFUSED");
    printf("%-14s %s\n", "kind", kind_of(v));
    printf("%-14s %s\n", "TCB status", sg_tee_status_name(v->tcb_status));
    print_hex("measurement", v->claims.measurement, v->claims.measurement_len);
    print_hex("signer", v->claims.signer, v->claims.signer_len);
    print_hex("report data", v->claims.report_data, sizeof(v->claims.report_data));
    if (v->claims.debug)
        printf("%-14s its memory can be read from outside\n", "debug");
    for (size_t i = 0; i < v->reasons.n; i++)
        printf("%-14s %s\n", i ? "" : "refused for", sg_tee_reason_name(v->reasons.at[i]));
    for (size_t i = 0; i < v->absent.n; i++)
        printf("%-14s %s\n", i ? "" : "not at hand", sg_tee_reason_name(v->absent.at[i]));
    for (size_t i = 0; i < v->advisories.n; i++)
        printf("%-14s %s\n", i ? "" : "advisories", v->advisories.id[i]);
}
