/* proof-fixture - see proof-fixture.h. */
#include "proof-fixture.h"

#include <stdio.h>

static const char yaml[] =
    "format: 2\nid: proofs\ncurrency: EUR\ndecimals: 2\nzone: Europe/Lisbon\n"
    "interval_minutes: 15\nrounding: half-even\nposts:\n"
    "  - {name: peak, when: [{hours: [\"18:00-21:00\"]}]}\n"
    "  - {name: night, when: [{hours: [\"00:00-07:00\"]}]}\n"
    "  - {name: rest}\n"
    "charges:\n"
    "  - name: energy\n    kind: energy\n    rates:\n"
    "      - {from: 2026-01-01, rate: {peak: 0.3, night: 0.1, rest: 0.2}}\n"
    "      - {from: 2026-10-26, rate: {peak: 0.4, night: 0.2, rest: 0.3}}\n";

static int issue(struct sg_cert **ret, const char *name, int path_len, const struct sg_key *k,
                 const struct sg_cert *issuer, const struct sg_key *issuer_key)
{
    const struct sg_cert_request req = {.common_name = name,
                                        .not_before_s = PF_FROM - 86400,
                                        .not_after_s = PF_FROM + 3650 * INT64_C(86400),
                                        .ca = path_len >= 0,
                                        .path_len = path_len};
    return sg_cert_issue(ret, &req, k, issuer, issuer_key);
}

static int make_authority(struct pf *f)
{
    struct sg_authority *a = &f->authority;
    int r = sg_key_generate(&f->root_key, SG_KEY_P256);

    if (!r)
        r = sg_key_generate(&f->ca_key, SG_KEY_P256);
    if (!r)
        r = issue(&a->roots[0], "root", 1, f->root_key, NULL, f->root_key);
    if (!r)
        r = issue(&a->intermediates[0], "ca", 0, f->ca_key, a->roots[0], f->root_key);
    a->n_roots = a->n_intermediates = 1;
    return r;
}

static int make_records(struct pf *f)
{
    struct sg_installation *records = calloc(2, sizeof(*records));
    int r = records ? 0 : -ENOMEM;

    for (int i = 0; i < 2 && !r; i++) {
        records[i] = (struct sg_installation){.client = PF_CLIENT,
                                              .from_s = i ? PF_SWAP : PF_FROM - 86400,
                                              .until_s = i ? INT64_MAX : PF_SWAP,
                                              .ratio_num = i ? 40 : 1,
                                              .ratio_den = 1};
        snprintf(records[i].serial, sizeof(records[i].serial), "4000000%d", i);
        r = sg_key_generate(&f->key[i], SG_KEY_P256);
        if (!r)
            r = issue(&records[i].cert, "meter", -1, f->key[i], f->authority.intermediates[0],
                      f->ca_key);
        f->bill.meters[i] = (struct sg_proof_meter){.serial = i ? "40000001" : "40000000",
                                                    .from_s = i ? PF_SWAP : PF_FROM,
                                                    .until_s = i ? PF_UNTIL : PF_SWAP,
                                                    .ratio_num = records[i].ratio_num,
                                                    .ratio_den = 1};
    }
    f->bill.n_meters = 2;
    return r ? r : sg_installations_index(&f->records, records, 2);
}

/* Intervals first..first + n - 1 in a block of their meter. */
static int add_block(struct pf *f, int first, uint32_t n)
{
    static struct sg_evidence_block b;
    SG_CLEANUP(sg_buf_clear) struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    int64_t ts_s = PF_FROM + (first + 1) * INT64_C(900);
    int meter = ts_s > PF_SWAP;
    struct sg_block_header h = {.first_seq = (uint64_t)first + 1,
                                .count = n,
                                .first_ts_s = ts_s,
                                .interval_s = PF_STEP,
                                .software = 1,
                                .format = SG_BLOCK_FORMAT};
    uint8_t seed[SG_BLOCK_SEED_LEN] = {(uint8_t)first, 7};

    snprintf(h.serial, sizeof(h.serial), "4000000%d", meter);
    for (uint32_t i = 0; i < n; i++) {
        struct sg_reading *r = &b.readings[i];
        *r = (struct sg_reading){.seq = h.first_seq + i, .ts_s = ts_s + i * INT64_C(900)};
        for (int k = 0; k < SG_READING_N_FIELDS; k++)
            r->field[k] = SG_READING_NA;
        r->field[SG_READING_interval_energy] = f->energy[(uint32_t)first + i];
    }
    int r = sg_block_sign(&h, b.readings, n, f->key[meter], SG_SIGN_ES256, seed, &wire);
    if (!r)
        r = sg_block_decode(sg_buf_bytes(&wire), &b.evidence, b.readings);
    b.n_readings = b.n_leaves = n;
    for (uint32_t i = 0; i < n && !r; i++) {
        r = sg_block_reading_hash(seed, i, &b.readings[i], b.leaves[i]);
        memcpy(f->leaf[(uint32_t)first + i], b.leaves[i], 32);
    }
    return r ? r : sg_evidence_put_block(&f->evidence, &b);
}

static int make_evidence(struct pf *f)
{
    static const int parts[][2] = {
        {0, 96}, {96, 4}, {101, 19}, {120, 80}, {200, 92}}; /* the exchange is at 120 */
    const struct sg_evidence_head head = {PF_CLIENT, PF_FROM, PF_UNTIL, 5};
    int r = sg_evidence_put_head(&f->evidence, &head);

    for (int i = 0; i < PF_N; i++)
        f->energy[i] = i % 7 == 3 ? -(40 + i % 11) : 200 + i; /* sun now and then */
    for (int i = 0; i < 5 && !r; i++)
        r = add_block(f, parts[i][0], (uint32_t)parts[i][1]);
    return r;
}

int pf_buckets(const struct pf *f, const int64_t *energy, const uint8_t (*leaf)[32],
               struct sg_buckets **ret, const struct sg_bucket **ret_list, size_t *ret_n)
{
    const struct sg_bucket_meter meters[2] = {{PF_FROM, PF_SWAP}, {PF_SWAP, PF_UNTIL}};
    static const uint8_t none[32];
    int r = sg_buckets_new(ret, f->tariff, PF_FROM, PF_UNTIL, meters, 2, true);

    for (int i = 0; i < PF_N && !r; i++) {
        int64_t ts_s = PF_FROM + (i + 1) * INT64_C(900);
        if (memcmp(leaf[i], none, 32))
            r = sg_buckets_add(*ret, ts_s > PF_SWAP, ts_s, energy[i], leaf[i]);
    }
    return r ? r : sg_buckets_finish(*ret, ret_list, ret_n);
}

int pf_make(struct pf *f)
{
    struct sg_yaml_error why;
    int r;

    *f = (struct pf){.evidence = SG_BUF_INIT(1 << 22)};
    f->bill = (struct sg_proof_bill){.client = PF_CLIENT,
                                     .from_s = PF_FROM,
                                     .until_s = PF_UNTIL,
                                     .interval_s = PF_STEP,
                                     .sha256 = {1, 2, 3}};
    r = make_authority(f);
    if (!r)
        r = make_records(f);
    if (!r)
        r = sg_tariff_parse(&f->tariff, sg_bytes_str(yaml), &why);
    if (r > 0)
        fprintf(stderr, "tariff: line %u: %s\n", why.line, why.text);
    if (!r)
        r = make_evidence(f);
    if (!r)
        r = pf_buckets(f, f->energy, (const uint8_t(*)[32])f->leaf, &f->buckets, &f->bill.buckets,
                       &f->bill.n_buckets);
    if (!r)
        memcpy(f->bill.tariff_sha256, f->tariff->sha256, 32);
    return r;
}

void pf_clear(struct pf *f)
{
    sg_buckets_free(f->buckets);
    sg_tariff_free(f->tariff);
    sg_installations_clear(&f->records);
    sg_authority_clear(&f->authority);
    sg_key_free(f->root_key);
    sg_key_free(f->ca_key);
    sg_key_free(f->key[0]);
    sg_key_free(f->key[1]);
    sg_buf_clear(&f->evidence);
}

struct sg_proof_authority pf_authority(const struct pf *f)
{
    return (struct sg_proof_authority){&f->records, &f->authority, f->tariff, 0};
}
