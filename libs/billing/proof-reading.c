/* proof-reading - the message, and its judgement. */
#include <sealgrid/base/cbor.h>
#include <sealgrid/billing/reading-proof.h>

#define MAGIC "sealgrid-reading-proof-v1"
#define ITEMS 9

const char *sg_proof_fault_word(enum sg_proof_fault f)
{
    static const char *const words[] = {
#define SG_V(id, word) word,
        SG_PROOF_FAULTS(SG_V)
#undef SG_V
    };
    return words[f];
}

const char *sg_proof_crl_word(enum sg_proof_crl c)
{
    static const char *const words[] = {
#define SG_L(id, word) word,
        SG_PROOF_CRLS(SG_L)
#undef SG_L
    };
    return words[c];
}

/* ---- the message --------------------------------------------------------------------------- */

static int put_items(struct sg_buf *b, const struct sg_reading_proof *p)
{
    int r = sg_cbor_put_array(b, ITEMS);
    if (!r)
        r = sg_cbor_put_text(b, MAGIC);
    if (!r)
        r = sg_cbor_put_bytes(b, SG_BYTES_ARRAY(p->bill_sha256));
    if (!r)
        r = sg_cbor_put_uint(b, p->bucket);
    if (!r)
        r = sg_cbor_put_uint(b, p->count);
    if (!r)
        r = sg_cbor_put_uint(b, p->index);
    if (!r)
        r = sg_cbor_put_int(b, p->before.import_wh);
    if (!r)
        r = sg_cbor_put_int(b, p->before.export_wh);
    if (!r)
        r = sg_cbor_put_bytes(b, p->block);
    return r ? r : sg_cbor_put_bytes(b, SG_BYTES(p->path, 32 * p->path_len));
}

int sg_reading_proof_put(struct sg_buf *out, const struct sg_reading_proof *p)
{
    uint8_t room[SG_READING_PROOF_MAX];
    struct sg_buf b = {room, 0, sizeof(room), sizeof(room), false};
    int r = put_items(&b, p);

    return r ? r : sg_buf_append(out, sg_buf_bytes(&b));
}

static bool take_number(struct sg_reader *in, uint64_t max, uint64_t *ret)
{
    return sg_cbor_get_uint(in, ret) == 0 && *ret <= max;
}

static bool take_totals(struct sg_reader *in, struct sg_totals *ret)
{
    uint64_t import_wh, export_wh;

    if (!take_number(in, SG_TOTAL_MAX, &import_wh) || !take_number(in, SG_TOTAL_MAX, &export_wh))
        return false;
    *ret = (struct sg_totals){(int64_t)import_wh, (int64_t)export_wh};
    return true;
}

static bool take_path(struct sg_reader *in, struct sg_reading_proof *p)
{
    struct sg_bytes path;

    if (sg_cbor_get_bytes(in, &path) != 0 || path.len % 32 || path.len > sizeof(p->path))
        return false;
    p->path_len = path.len / 32;
    if (path.len)
        memcpy(p->path, path.data, path.len);
    return true;
}

int sg_reading_proof_take(struct sg_bytes b, struct sg_reading_proof *ret)
{
    struct sg_reader in = sg_reader_over(b);
    struct sg_reading_proof p;
    struct sg_bytes magic;
    uint64_t n;

    if (b.len > SG_READING_PROOF_MAX || sg_cbor_get_array(&in, &n) != 0 || n != ITEMS ||
        sg_cbor_get_text(&in, &magic) != 0 || !sg_bytes_equal(magic, SG_BYTES_LIT(MAGIC)) ||
        sg_cbor_get_octets(&in, p.bill_sha256, sizeof(p.bill_sha256)) != 0 ||
        !take_number(&in, SG_BUCKETS_MAX - 1, &p.bucket) ||
        !take_number(&in, UINT64_C(1) << SG_BUCKET_PATH_MAX, &p.count) ||
        !take_number(&in, p.count, &p.index) || !take_totals(&in, &p.before) ||
        sg_cbor_get_bytes(&in, &p.block) != 0 || !take_path(&in, &p) || in.left)
        return SG_PROOF_MALFORMED;
    *ret = p;
    return 0;
}

/* ---- judging ------------------------------------------------------------------------------- */

static const struct sg_installation *placed(const struct sg_proof_bill *bill,
                                            const struct sg_installations *records,
                                            const struct sg_proof_meter *m)
{
    bool known;
    const struct sg_installation *record =
        sg_installations_of_serial(records, m->serial, m->until_s, &known);
    int64_t from, until;

    if (!record || record->client != bill->client || record->ratio_num != m->ratio_num ||
        record->ratio_den != m->ratio_den)
        return NULL;
    from = record->from_s > bill->from_s ? record->from_s : bill->from_s;
    until = record->until_s < bill->until_s ? record->until_s : bill->until_s;
    return from == m->from_s && until == m->until_s ? record : NULL;
}

static enum sg_proof_fault judge_certificate(const struct sg_proof_authority *a,
                                             const struct sg_cert *cert,
                                             const struct sg_block_header *h,
                                             enum sg_proof_crl *ret_crl, int *ret_r)
{
    const struct sg_authority *k = a->authority;
    const struct sg_revocation revocation = sg_authority_revocation(k, cert, a->judged_s);
    int64_t last = h->first_ts_s + (int64_t)(h->count - 1) * h->interval_s, from, until;

    *ret_r = sg_cert_verify(cert, k->intermediates, k->n_intermediates, k->roots, k->n_roots,
                            h->first_ts_s);
    sg_cert_validity(cert, &from, &until);
    if (*ret_r > 0 || last > until) {
        *ret_r = 0;
        return SG_PROOF_FAULT_CERTIFICATE;
    }
    *ret_crl = !revocation.covered               ? SG_PROOF_CRL_NONE
               : last > revocation.known_until_s ? SG_PROOF_CRL_STALE
                                                 : SG_PROOF_CRL_CHECKED;
    return last >= revocation.since_s ? SG_PROOF_FAULT_REVOKED : SG_PROOF_FAULT_NONE;
}

/* The block's proof under the key that the records name, and the reading at its own time there. */
static int judge_block(const struct sg_reading_proof *p, const struct sg_proof_bill *bill,
                       const struct sg_proof_meter *m, const struct sg_proof_authority *a,
                       const struct sg_installation *record, enum sg_proof_fault *ret,
                       struct sg_proved *out)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    const struct sg_block_header *h = &out->header;
    int r = sg_installation_cert(record, &cert);

    if (r > 0) {
        *ret = SG_PROOF_FAULT_CERTIFICATE;
        return 0;
    }
    if (!r)
        r = sg_cert_public_key(cert, &key);
    if (!r)
        r = sg_block_check_proof(p->block, key, &out->header, &out->reading);
    if (r) {
        *ret = r == SG_BLOCK_BAD_SIGNATURE ? SG_PROOF_FAULT_SIGNATURE : SG_PROOF_FAULT_READING;
        return r < 0 ? r : 0;
    }
    int64_t last = h->first_ts_s + (int64_t)(h->count - 1) * h->interval_s;
    if (strcmp(h->serial, m->serial) != 0 || h->interval_s != bill->interval_s ||
        out->reading.ts_s <= m->from_s || out->reading.ts_s > m->until_s ||
        h->first_ts_s <= record->from_s || last > record->until_s) {
        *ret = SG_PROOF_FAULT_FOREIGN;
        return 0;
    }
    *ret = judge_certificate(a, cert, h, &out->crl, &r);
    return r;
}

static enum sg_proof_fault judge_path(const struct sg_reading_proof *p,
                                      const struct sg_bucket *on_bill, struct sg_proved *out)
{
    struct sg_bucket bucket = *on_bill;
    uint8_t leaf_hash[32];
    int64_t energy = out->reading.field[SG_READING_interval_energy];

    if (energy == SG_READING_NA)
        return SG_PROOF_FAULT_NO_ENERGY;
    if (sg_block_proof_leaf(p->block, leaf_hash) != 0)
        return SG_PROOF_FAULT_READING;
    bucket.intervals = p->count; /* which the root holds */
    out->leaf = (struct sg_leaf){.bucket = (size_t)p->bucket,
                                 .index = p->index,
                                 .ts_s = out->reading.ts_s,
                                 .before = p->before,
                                 .own = sg_totals_of(energy)};
    memcpy(out->leaf.content, leaf_hash, 32);
    return sg_bucket_check(&bucket, &out->leaf, (const uint8_t(*)[32])p->path, p->path_len)
               ? SG_PROOF_FAULT_PATH
               : SG_PROOF_FAULT_NONE;
}

static enum sg_proof_fault judge_class(const struct sg_reading_proof *p,
                                       const struct sg_bucket *bucket, int64_t ts_s,
                                       const struct sg_buckets *plan)
{
    struct sg_bucket due;
    struct sg_leaf leaf;

    if (!sg_buckets_leaf_of(plan, bucket->meter, ts_s, &leaf))
        return SG_PROOF_FAULT_CLASS;
    due = sg_buckets_get(plan, leaf.bucket);
    return due.post == bucket->post && due.from_day == bucket->from_day &&
                   due.until_day == bucket->until_day && due.intervals == p->count &&
                   leaf.index == p->index
               ? SG_PROOF_FAULT_NONE
               : SG_PROOF_FAULT_CLASS;
}

int sg_proof_plan(const struct sg_proof_bill *bill, const struct sg_tariff *t,
                  struct sg_buckets **ret)
{
    struct sg_bucket_meter meters[SG_PROOF_METERS_MAX];

    for (size_t i = 0; i < bill->n_meters; i++)
        meters[i] = (struct sg_bucket_meter){bill->meters[i].from_s, bill->meters[i].until_s};
    return sg_buckets_plan(ret, t, bill->from_s, bill->until_s, meters, bill->n_meters);
}

static int judge_tariff(const struct sg_reading_proof *p, const struct sg_proof_bill *bill,
                        const struct sg_tariff *t, const struct sg_buckets *plan, int64_t ts_s,
                        enum sg_proof_fault *ret)
{
    SG_CLEANUP(sg_buckets_freep) struct sg_buckets *own = NULL;
    int r = 0;

    if (memcmp(t->sha256, bill->tariff_sha256, 32) || t->interval_s != bill->interval_s) {
        *ret = SG_PROOF_FAULT_TARIFF;
        return 0;
    }
    if (!plan)
        r = sg_proof_plan(bill, t, &own);
    if (r) {
        *ret = SG_PROOF_FAULT_BUCKET;
        return r < 0 ? r : 0;
    }
    *ret = judge_class(p, &bill->buckets[p->bucket], ts_s, plan ? plan : own);
    return 0;
}

int sg_reading_proof_check(const struct sg_reading_proof *p, const struct sg_proof_bill *bill,
                           const struct sg_proof_authority *a, const struct sg_buckets *plan,
                           enum sg_proof_fault *ret, struct sg_proved *ret_proved)
{
    struct sg_proved out = {.crl = SG_PROOF_CRL_NONE};
    const struct sg_bucket *bucket;
    const struct sg_installation *record;
    int r;

    *ret = SG_PROOF_FAULT_BILL;
    if (memcmp(p->bill_sha256, bill->sha256, 32))
        return 0;
    *ret = SG_PROOF_FAULT_BUCKET;
    if (p->bucket >= bill->n_buckets || bill->buckets[p->bucket].meter >= bill->n_meters)
        return 0;
    bucket = &bill->buckets[p->bucket];
    *ret = SG_PROOF_FAULT_METER;
    record = placed(bill, a->installations, &bill->meters[bucket->meter]);
    if (!record)
        return 0;
    r = judge_block(p, bill, &bill->meters[bucket->meter], a, record, ret, &out);
    if (r || *ret)
        return r;
    *ret = judge_path(p, bucket, &out);
    if (!*ret && a->tariff)
        r = judge_tariff(p, bill, a->tariff, plan, out.reading.ts_s, ret);
    if (!r && !*ret)
        *ret_proved = out;
    return r;
}
