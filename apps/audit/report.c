/* report - findings. */
#include "report.h"

#include <sealgrid/base/clock.h>

#include <stdio.h>

#define TEXT_MAX (64u << 20)

void report_init(struct report *r, bool lines, struct sg_buf *items)
{
    r->text = (struct sg_buf)SG_BUF_INIT(TEXT_MAX);
    r->lines = lines;
    r->items = items;
    r->failure = 0;
    r->n = r->codes = 0;
    sg_json_init(&r->json, &r->text);
    sg_json_array(&r->json);
}

void report_clear(struct report *r)
{
    sg_buf_clear(&r->text);
}

static void print_line(const struct sg_audit_finding *f, const char *at)
{
    printf("%s", sg_audit_word(f->code));
    if (f->serial)
        printf(" meter %s", f->serial);
    if (f->seq)
        printf(" sequence %llu", (unsigned long long)f->seq);
    if (f->count > 1)
        printf("..%llu", (unsigned long long)(f->seq + f->count - 1));
    if (*at)
        printf(" interval ending %s", at);
    printf(": %s\n", f->text);
}

void report_finding(void *user, const struct sg_audit_finding *f)
{
    struct report *r = user;
    struct sg_json *j = &r->json;
    char at[SG_RFC3339_MAX] = "";

    r->codes |= UINT64_C(1) << f->code;
    if (r->n++ >= REPORT_FINDINGS_MAX)
        return;
    if (r->items && !r->failure)
        r->failure = verdict_put_finding(r->items, f);
    sg_json_object(j);
    sg_json_key(j, "code");
    sg_json_str(j, sg_audit_word(f->code));
    if (f->serial) {
        sg_json_key(j, "serial");
        sg_json_str(j, f->serial);
    }
    if (f->seq) {
        sg_json_key(j, "sequence");
        sg_json_uint(j, f->seq);
    }
    if (f->ts_s != INT64_MIN) {
        sg_time_rfc3339(at, f->ts_s);
        sg_json_key(j, "interval_end");
        sg_json_str(j, at);
    }
    if (f->count) {
        sg_json_key(j, "count");
        sg_json_uint(j, f->count);
    }
    sg_json_key(j, "text");
    sg_json_str(j, f->text);
    sg_json_end_object(j);
    if (r->lines)
        print_line(f, at);
}

static void put_time(struct sg_json *j, const char *key, int64_t unix_s)
{
    char text[SG_RFC3339_MAX];

    sg_time_rfc3339(text, unix_s);
    sg_json_key(j, key);
    sg_json_str(j, text);
}

static void put_counts(struct sg_json *j, const struct sg_audit_result *result)
{
    const struct {
        const char *key;
        uint64_t n;
    } counts[] = {{"blocks", result->blocks},
                  {"readings", result->readings},
                  {"gaps", result->gaps},
                  {"clock_in_doubt", result->clock},
                  {"estimated", result->estimated},
                  {"resolved", result->resolved},
                  {"without_crl", result->without_crl},
                  {"stale_crl", result->stale_crl},
                  {"found", result->findings}};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        sg_json_key(j, counts[i].key);
        sg_json_uint(j, counts[i].n);
    }
}

int report_write(struct report *r, const struct sg_audit_input *in,
                 const struct sg_audit_result *result, struct sg_json *out)
{
    const struct sg_bill *bill = in->bill;

    sg_json_end_array(&r->json);
    int f = sg_json_done(&r->json);
    if (f)
        return f;
    sg_json_object(out);
    sg_json_key(out, "client");
    sg_json_int(out, bill->client);
    put_time(out, "from", bill->from_s);
    put_time(out, "until", bill->until_s);
    sg_json_key(out, "ok");
    sg_json_bool(out, result->findings == 0);
    sg_json_key(out, "amounts");
    sg_json_str(out, in->tariff ? "recomputed" : "consistent-with-own-lines");
    sg_json_key(out, "contract");
    sg_json_str(out, in->contracts ? "compared" : "as-billed");
    put_counts(out, result);
    sg_json_key(out, "findings");
    sg_json_raw(out, sg_buf_bytes(&r->text));
    sg_json_end_object(out);
    return 0;
}

void report_print_notes(const struct sg_audit_input *in, const struct sg_audit_result *result)
{
    if (!in->tariff)
        printf("note: no tariff was given; amounts were checked by the bill's own lines\n");
    if (!in->contracts)
        printf("note: no contracts were given; the contract was taken from the bill\n");
    if (result->without_crl)
        printf("warning: certificate.no_crl: %llu certificate(s) that no revocation list covers\n",
               (unsigned long long)result->without_crl);
    if (result->stale_crl)
        printf("warning: certificate.stale_crl: %llu certificate(s) whose revocation lists had run "
               "out and are older than the readings\n",
               (unsigned long long)result->stale_crl);
    if (result->clock)
        printf("note: %llu block(s) whose meter said that its clock was not in order\n",
               (unsigned long long)result->clock);
    if (result->estimated || result->resolved)
        printf("note: %llu interval(s) estimated, %llu chosen by an operator\n",
               (unsigned long long)result->estimated, (unsigned long long)result->resolved);
}
