/* billing-month - the month, its bill and its audit. */
#include "billing-month.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/random.h>

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "source.h"

#define FROM   1790823600 /* 2026-10-01T00:00 in Sao Paulo */
#define CLIENT INT64_C(3000000001)
#define SERIAL "10000000"

void billing_month_clear(struct billing_month *m)
{
    sg_key_free(m->root_key);
    sg_key_free(m->ca_key);
    sg_key_free(m->meter_key);
    sg_authority_clear(&m->authority);
    sg_installations_clear(&m->installations);
    sg_tariff_free(m->tariff);
    sg_model_free(m->model);
    sg_buf_clear(&m->evidence);
    sg_buf_clear(&m->json);
    client_clear(&m->client);
}

static int issue_cert(struct sg_cert **ret, const char *name, int path_len, const struct sg_key *k,
                      const struct sg_cert *issuer, const struct sg_key *issuer_key)
{
    const struct sg_cert_request req = {.common_name = name,
                                        .not_before_s = FROM - 365 * INT64_C(86400),
                                        .not_after_s = FROM + 3650 * INT64_C(86400),
                                        .ca = path_len >= 0,
                                        .path_len = path_len};
    return sg_cert_issue(ret, &req, k, issuer, issuer_key);
}

static int make_authority(struct billing_month *m)
{
    struct sg_authority *a = &m->authority;
    int r = sg_key_generate(&m->root_key, SG_KEY_P256);

    if (!r)
        r = sg_key_generate(&m->ca_key, SG_KEY_P256);
    if (!r)
        r = issue_cert(&a->roots[0], "authority", 1, m->root_key, NULL, m->root_key);
    a->n_roots = !r;
    if (!r)
        r = issue_cert(&a->intermediates[0], "authority 2", 0, m->ca_key, a->roots[0], m->root_key);
    a->n_intermediates = !r;
    return r;
}

static int make_installation(struct billing_month *m)
{
    struct sg_installation *record = calloc(1, sizeof(*record));
    int r;

    if (!record)
        return sg_raise(-ENOMEM);
    *record = (struct sg_installation){.client = CLIENT,
                                       .serial = SERIAL,
                                       .from_s = FROM,
                                       .until_s = INT64_MAX,
                                       .ratio_num = 1,
                                       .ratio_den = 1};
    r = sg_key_generate(&m->meter_key, m->alg == SG_SIGN_ES256 ? SG_KEY_P256 : SG_KEY_RSA2048);
    if (!r)
        r = issue_cert(&record->cert, SERIAL, -1, m->meter_key, m->authority.intermediates[0],
                       m->ca_key);
    if (!r)
        return sg_installations_index(&m->installations, record, 1);
    free(record);
    return r;
}

/* A day's readings, signed, taken apart again and appended to the evidence. */
static int put_day(struct billing_month *m, const struct sg_model_day *day, uint32_t number)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    SG_FREE struct sg_evidence_block *b = calloc(1, sizeof(*b));
    struct sg_block_header header = {.serial = SERIAL,
                                     .first_seq = number * BILLING_PER_DAY + 1,
                                     .first_ts_s = FROM + number * 86400 + 900,
                                     .interval_s = 900,
                                     .software = 1,
                                     .format = SG_BLOCK_FORMAT};
    uint8_t seed[SG_BLOCK_SEED_LEN];
    int r;

    if (!b)
        return sg_raise(-ENOMEM);
    sg_random_bytes(seed, sizeof(seed));
    for (uint32_t i = 0; i < BILLING_PER_DAY; i++)
        sg_model_reading(m->model, day, i, &b->readings[i]);
    r = sg_block_sign(&header, b->readings, BILLING_PER_DAY, m->meter_key, m->alg, seed, &wire);
    if (!r)
        r = sg_block_decode(sg_buf_bytes(&wire), &b->evidence, b->readings);
    b->n_readings = b->n_leaves = BILLING_PER_DAY;
    for (uint32_t i = 0; i < BILLING_PER_DAY && !r; i++)
        r = sg_block_reading_hash(seed, i, &b->readings[i], b->leaves[i]);
    return r ? sg_fold(r) : sg_evidence_put_block(&m->evidence, b);
}

static int make_evidence(struct billing_month *m)
{
    SG_FREE struct sg_model_day *day = malloc(sizeof(*day));
    const struct sg_evidence_head head = {CLIENT, FROM, FROM + m->days * INT64_C(86400), m->days};
    const struct sg_model_config config = {
        .seed = 1, .meters = 1, .days = m->days, .interval_s = 900, .start_s = FROM};
    int r = day ? sg_model_new(&m->model, &config) : sg_raise(-ENOMEM);

    if (!r)
        r = sg_evidence_put_head(&m->evidence, &head);
    if (!r)
        sg_model_day(m->model, 0, 0, day);
    for (uint32_t i = 0; i < m->days && !r; i++) {
        r = put_day(m, day, i);
        sg_model_next_day(m->model, day);
    }
    return r;
}

static int measure_leaf(struct billing_month *m)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf leaf = SG_BUF_INIT(SG_READING_LEAF_MAX);
    struct sg_reading reading;

    sg_model_reading_at(m->model, 0, m->days * BILLING_PER_DAY / 2, &reading);
    int r = sg_reading_encode(&reading, &leaf);
    m->leaf_len = leaf.len;
    return r;
}

/* The ready tariffs lie beside the programs, in the build tree as when installed. */
static int load_tariff(struct billing_month *m)
{
    struct sg_yaml_error why;
    char path[PATH_MAX], programs[PATH_MAX - 64];
    ssize_t n = readlink("/proc/self/exe", programs, sizeof(programs) - 1);

    if (n < 0)
        return sg_raise_errno();
    programs[n] = 0;
    *strrchr(programs, '/') = 0;
    snprintf(path, sizeof(path), "%s/../share/sealgrid/tariffs/b1-white.yaml", programs);
    return sg_fold(sg_tariff_load(&m->tariff, path, &why));
}

int billing_month_make(struct billing_month *ret, enum sg_sign_alg alg, uint32_t days)
{
    struct billing_month *m = ret;
    int r;

    *m = (struct billing_month){.alg = alg,
                                .days = days,
                                .evidence = SG_BUF_INIT(SG_EVIDENCE_MAX),
                                .json = SG_BUF_INIT(SG_BILL_JSON_MAX)};
    r = make_authority(m);
    if (!r)
        r = make_installation(m);
    if (!r)
        r = load_tariff(m);
    if (!r)
        r = make_evidence(m);
    if (!r)
        r = measure_leaf(m);
    return r ? sg_fold(r) : billing_month_bill(m);
}

/* ---- bill and audit ------------------------------------------------------------------------ */

int billing_month_bill(struct billing_month *m)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_EVIDENCE_MAX);
    const struct client_install install = {
        .serial = SERIAL, .from_s = FROM, .until_s = INT64_MAX, .ratio_num = 1, .ratio_den = 1};
    struct refusal why;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct terms terms = {.tariff = m->tariff};
    char text[160];

    client_reset(&m->client, CLIENT);
    sg_buf_reset(&m->json);
    int r = source_file(&m->client, sg_buf_bytes(&m->evidence), &terms.signed_only, &terms.from_s,
                        &terms.until_s, text);
    if (!r)
        r = client_add_install(&m->client, &install);
    if (!r)
        r = issue(&m->client, &terms, &bill, &again, &why);
    if (!r)
        r = sg_bill_write(&bill, &m->json);
    if (!r && bill.billed != m->days * BILLING_PER_DAY)
        r = sg_raisef(-EIO, "%llu readings billed", (unsigned long long)bill.billed);
    return sg_fold(r);
}

static void ignore(void *user, const struct sg_audit_finding *f)
{
    (void)user;
    (void)f;
}

int billing_month_audit(struct billing_month *m)
{
    struct sg_audit_result result;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct sg_audit_input in = {.bill = &bill,
                                .evidence = sg_buf_bytes(&m->evidence),
                                .installations = &m->installations,
                                .authority = &m->authority,
                                .tariff = m->tariff};
    int r = sg_bill_read(sg_buf_bytes(&m->json), &bill);

    in.bill_hash_ok = r == 0;
    if (!r)
        r = sg_audit_run(&in, ignore, NULL, &result);
    if (!r && (result.findings || result.readings != m->days * BILLING_PER_DAY))
        r = sg_raisef(-EIO, "%llu findings", (unsigned long long)result.findings);
    return sg_fold(r);
}
