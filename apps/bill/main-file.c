/* main-file - the bill of one client from an evidence file or CSV. */
#include "app.h"
#include "source.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/billing/installation.h>

#include <stdio.h>

static int take_records(struct app *a, struct client *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_INSTALLATION_FILE_MAX);
    SG_CLEANUP(sg_installations_clear) struct sg_installations all = {NULL, 0, NULL};
    char why[160];
    size_t n;
    int r = sg_file_read(a->options.installations, &text);

    if (r)
        return app_fail(a->options.installations);
    r = sg_installations_read(sg_buf_bytes(&text), &all, why);
    if (r)
        return r < 0 ? app_fail("installations") : app_complain(a->options.installations, why);
    const struct sg_installation *own = sg_installations_of_client(&all, c->id, &n);
    for (size_t i = 0; i < n; i++) {
        struct client_install install = {.from_s = own[i].from_s,
                                         .until_s = own[i].until_s,
                                         .ratio_num = own[i].ratio_num,
                                         .ratio_den = own[i].ratio_den};
        memcpy(install.serial, own[i].serial, sizeof(install.serial));
        sg_installation_fingerprint(&own[i], install.certificate_sha256);
        install.has_certificate = true;
        if (client_add_install(c, &install))
            return app_fail("installations");
    }
    return 0;
}

/* Without records the one meter that occurs stands there all the time, directly connected. */
static int assume_install(struct client *c)
{
    struct client_install install = {
        .from_s = INT64_MIN, .until_s = INT64_MAX, .ratio_num = 1, .ratio_den = 1};

    if (c->n_rows == 0)
        return app_complain("--input", "no reading in it");
    memcpy(install.serial, c->rows[0].serial, sizeof(install.serial));
    for (size_t i = 1; i < c->n_rows; i++)
        if (strcmp(c->rows[i].serial, install.serial))
            return app_complain("--input",
                                "several meters: --installations must say when each was there");
    return client_add_install(c, &install) ? app_fail("installations") : 0;
}

static int write_files(const struct app *a, const struct sg_bill *bill, struct sg_bytes json,
                       struct sg_bytes evidence)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(SG_EVIDENCE_MAX);
    char period[PERIOD_NAME_MAX];
    int r = 0;

    if (!a->options.out)
        return 0;
    output_period_name(period, a->tariff, bill->from_s, bill->until_s);
    if (evidence.len)
        r = sg_evidence_pack(evidence, &packed);
    if (!r && evidence.len)
        r = output_file(a->options.out, "evidence", bill->client, period, "cbor",
                        sg_buf_bytes(&packed));
    if (!r)
        r = output_file(a->options.out, "bill", bill->client, period, "json", json);
    if (!r)
        r = output_sync(a->options.out);
    return r ? app_fail(a->options.out) : 0;
}

static int bill_rows(struct app *a, struct client *c, int64_t from_s, int64_t until_s,
                     bool is_signed)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_EVIDENCE_MAX);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    const struct terms terms = {a->tariff, app_contracts(a), from_s, until_s, a->rules, is_signed};
    struct refusal why;
    int r = issue(c, &terms, &bill, &evidence, &why);

    if (r == ISSUE_REFUSED)
        return app_put_refusal(&why);
    if (!r)
        r = sg_bill_write(&bill, &json);
    if (r)
        return app_fail("bill");
    r = write_files(a, &bill, sg_buf_bytes(&json), sg_buf_bytes(&evidence));
    return r ? r : app_put_bill(a, c, &terms, &bill, sg_buf_bytes(&json));
}

static int read_input(struct app *a, struct client *c, bool *is_signed, int64_t *from_s,
                      int64_t *until_s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1u << 30);
    char why[160];
    int r = sg_file_read(a->options.input, &file);

    if (!r)
        r = source_file(c, sg_buf_bytes(&file), is_signed, from_s, until_s, why);
    if (r)
        return r < 0 ? app_fail(a->options.input) : app_complain(a->options.input, why);
    if (!*is_signed && c->n_rows) {
        *from_s = c->rows[0].reading.ts_s - a->tariff->interval_s;
        *until_s = c->rows[c->n_rows - 1].reading.ts_s;
    }
    return 0;
}

int app_on_file(struct app *a)
{
    SG_CLEANUP(client_clear) struct client c = {.id = 0};
    int64_t from_s = 0, until_s = 0;
    bool is_signed, bad;
    int r = read_input(a, &c, &is_signed, &from_s, &until_s);

    if (r)
        return r;
    app_period(a, &from_s, &until_s, &bad);
    if (bad)
        return app_complain("period", "--period 2026-09, or --from and --until in RFC 3339");
    r = a->options.installations ? take_records(a, &c) : assume_install(&c);
    return r ? r : bill_rows(a, &c, from_s, until_s, is_signed);
}
