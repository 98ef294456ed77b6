/* test-fixture - see test-fixture.h. */
#include "test-fixture.h"

#include <stdio.h>

static int make_cert(struct sg_cert **ret, const char *name, bool ca, int path_len,
                     const struct sg_key *subject, const struct sg_cert *issuer,
                     const struct sg_key *issuer_key)
{
    const struct sg_cert_request req = {.common_name = name,
                                        .not_before_s = FX_FROM - 365 * INT64_C(86400),
                                        .not_after_s = FX_FROM + 3650 * INT64_C(86400),
                                        .ca = ca,
                                        .path_len = path_len};
    return sg_cert_issue(ret, &req, subject, issuer, issuer_key);
}

static int make_authority(struct fixture *f)
{
    int r = sg_key_generate(&f->root_key, SG_KEY_P256);
    if (!r)
        r = sg_key_generate(&f->ca_key, SG_KEY_P256);
    if (!r)
        r = make_cert(&f->root, "authority", true, 1, f->root_key, NULL, f->root_key);
    if (!r)
        r = make_cert(&f->ca, "authority 2", true, 0, f->ca_key, f->root, f->root_key);
    f->authority.roots[0] = f->root;
    f->authority.intermediates[0] = f->ca;
    f->authority.n_roots = f->authority.n_intermediates = 1;
    return r;
}

static int make_installations(struct fixture *f)
{
    struct sg_installation *records = calloc(2, sizeof(*records));
    int r = records ? 0 : -ENOMEM;

    for (int i = 0; i < 2 && !r; i++) {
        records[i] = (struct sg_installation){.client = FX_CLIENT + i,
                                              .from_s = FX_FROM,
                                              .until_s = INT64_MAX,
                                              .ratio_num = 1,
                                              .ratio_den = 1};
        snprintf(records[i].serial, sizeof(records[i].serial), "1000000%d", i);
        r = sg_key_generate(&f->meter_key[i], SG_KEY_P256);
        if (!r)
            r = make_cert(&records[i].cert, records[i].serial, false, -1, f->meter_key[i], f->ca,
                          f->ca_key);
    }
    return r ? r : sg_installations_index(&f->installations, records, 2);
}

static void make_readings(struct sg_reading *readings, int meter, int day)
{
    for (int i = 0; i < 96; i++) {
        struct sg_reading *r = &readings[i];
        r->seq = (uint64_t)(day * 96 + i + 1);
        r->ts_s = FX_FROM + day * 86400 + (i + 1) * 900;
        for (int k = 0; k < SG_READING_N_FIELDS; k++)
            r->field[k] = SG_READING_NA;
        r->field[SG_READING_voltage_a] = 127000 + i;
        r->field[SG_READING_interval_energy] = 100 + i + meter;
    }
}

static int make_block(struct fixture *f, int meter, int day)
{
    struct sg_evidence_block *b = calloc(1, sizeof(*b));
    struct sg_block_header header = {.first_seq = (uint64_t)(day * 96 + 1),
                                     .first_ts_s = FX_FROM + day * 86400 + 900,
                                     .interval_s = 900,
                                     .software = 1,
                                     .format = SG_BLOCK_FORMAT};
    uint8_t seed[SG_BLOCK_SEED_LEN] = {(uint8_t)meter, (uint8_t)day};
    struct sg_buf *wire = &f->wire[meter][day];

    if (!b)
        return -ENOMEM;
    f->blocks[meter][day] = b;
    *wire = (struct sg_buf)SG_BUF_INIT(SG_BLOCK_MAX);
    memcpy(header.serial, f->installations.records[meter].serial, 9);
    make_readings(b->readings, meter, day);
    int r = sg_block_sign(&header, b->readings, 96, f->meter_key[meter], SG_SIGN_ES256, seed, wire);
    if (!r)
        r = sg_block_decode(sg_buf_bytes(wire), &b->evidence, b->readings);
    b->n_readings = b->n_leaves = 96;
    for (uint32_t i = 0; i < 96 && !r; i++)
        r = sg_block_reading_hash(seed, i, &b->readings[i], b->leaves[i]);
    return r;
}

static int add_readings(const struct fixture *f, struct sg_billing *b)
{
    int r = 0;

    for (int day = 0; day < FX_DAYS; day++)
        for (int i = 0; i < 96 && !r; i++) {
            const struct sg_reading *from = &f->blocks[0][day]->readings[i];
            const struct sg_bill_reading reading = {
                .serial = "10000000",
                .ts_s = from->ts_s,
                .energy_wh = from->field[SG_READING_interval_energy],
                .reactive_varh = INT64_MIN,
                .leaf = f->blocks[0][day]->leaves[i]};
            r = sg_billing_add(b, &reading);
        }
    return r;
}

static int make_bill(struct fixture *f)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    uint8_t sha256[32];
    const struct sg_bill_install install = {"10000000", FX_FROM, INT64_MAX, 1, 1, sha256};
    struct sg_yaml_error why;
    int r = sg_tariff_load(&f->tariff, "apps/bill/tariffs/b1-white.yaml", &why);
    const struct sg_bill_input in = {.tariff = f->tariff,
                                     .client = FX_CLIENT,
                                     .from_s = FX_FROM,
                                     .until_s = FX_UNTIL,
                                     .installs = &install,
                                     .n_installs = 1};

    sg_cert_fingerprint(f->installations.records[0].cert, sha256);
    if (!r)
        r = sg_billing_new(&b, &in);
    if (!r)
        r = add_readings(f, b);
    return r ? r : sg_billing_finish(b, &f->bill);
}

int fx_evidence(const struct sg_evidence_block *const *blocks, size_t n, struct sg_buf *ret)
{
    const struct sg_evidence_head head = {FX_CLIENT, FX_FROM, FX_UNTIL, n};
    int r = sg_evidence_put_head(ret, &head);

    for (size_t i = 0; i < n && !r; i++)
        r = sg_evidence_put_block(ret, blocks[i]);
    return r;
}

int fx_make(struct fixture *f)
{
    *f = (struct fixture){.evidence = SG_BUF_INIT(1 << 24)};
    int r = make_authority(f);
    if (!r)
        r = make_installations(f);
    for (int meter = 0; meter < 2; meter++)
        for (int day = 0; day < FX_DAYS && !r; day++)
            r = make_block(f, meter, day);
    if (!r)
        r = make_bill(f);
    return r ? r
             : fx_evidence((const struct sg_evidence_block *const *)f->blocks[0], FX_DAYS,
                           &f->evidence);
}

void fx_clear(struct fixture *f)
{
    for (int meter = 0; meter < 2; meter++) {
        for (int day = 0; day < FX_DAYS; day++) {
            free(f->blocks[meter][day]);
            sg_buf_clear(&f->wire[meter][day]);
        }
        sg_key_free(f->meter_key[meter]);
    }
    sg_installations_clear(&f->installations);
    sg_cert_free(f->root);
    sg_cert_free(f->ca);
    sg_key_free(f->root_key);
    sg_key_free(f->ca_key);
    sg_tariff_free(f->tariff);
    sg_bill_clear(&f->bill);
    sg_buf_clear(&f->evidence);
}
