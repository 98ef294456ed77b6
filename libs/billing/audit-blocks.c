/* audit-blocks - signatures and leaves: what each block vouches for. */
#include "audit-int.h"

#include <sealgrid/crypto/merkle.h>

#define ITEMS_MAX 2000000

int sg_audit_append(struct sg_audit_items *items, const struct sg_audit_item *item)
{
    if (items->n == items->capacity) {
        size_t capacity = items->capacity ? items->capacity * 2 : 1024;
        struct sg_audit_item *list =
            capacity <= ITEMS_MAX ? reallocarray(items->list, capacity, sizeof(*list)) : NULL;
        if (!list)
            return sg_raise(-ENOMEM);
        items->list = list;
        items->capacity = capacity;
    }
    items->list[items->n++] = *item;
    return 0;
}

/* A finding about a run of readings of the block at hand. */
static void report_run(struct sg_audit *a, enum sg_audit_code code, uint32_t i, uint64_t count,
                       const char *text)
{
    const struct sg_block_header *h = &a->block.evidence.header;
    const struct sg_audit_finding f = {.code = code,
                                       .serial = h->serial,
                                       .seq = h->first_seq + i,
                                       .ts_s = h->first_ts_s + (int64_t)i * h->interval_s,
                                       .count = count,
                                       .text = text};
    sg_audit_report(a, &f);
}

static void report_block(struct sg_audit *a, enum sg_audit_code code, const char *text)
{
    report_run(a, code, 0, a->block.evidence.header.count, text);
}

/* The record that places the block's meter at this client when the block's intervals ended. */
static const struct sg_installation *place(struct sg_audit *a)
{
    const struct sg_block_header *h = &a->block.evidence.header;
    int64_t last = h->first_ts_s + (int64_t)(h->count - 1) * h->interval_s;
    const struct sg_installation *record;
    bool known;

    record = sg_installations_of_serial(a->in->installations, h->serial, h->first_ts_s, &known);
    if (record && record->client == a->in->bill->client && last <= record->until_s)
        return record;
    report_block(a, SG_AUDIT_READING_FOREIGN,
                 !known    ? "the authority has no record of this meter"
                 : !record ? "this meter was not installed then"
                 : record->client != a->in->bill->client
                     ? "this meter was installed at another client"
                     : "this meter was removed before the block ended");
    return NULL;
}

static void judge_revocation(struct sg_audit *a, struct sg_audit_meter *m,
                             const struct sg_cert *cert)
{
    m->revocation = sg_authority_revocation(a->in->authority, cert, a->in->judged_s);
    if (m->revocation.covered)
        return;
    a->result.without_crl++;
    if (a->in->require_crl)
        report_block(a, SG_AUDIT_CERTIFICATE_NO_CRL, "no revocation list covers the certificate");
}

/* Once a meter: lists there are, but none that speaks of the time of its readings. */
static void judge_staleness(struct sg_audit *a, struct sg_audit_meter *m, int64_t last_s)
{
    if (!m->revocation.covered || m->stale || last_s <= m->revocation.known_until_s)
        return;
    m->stale = true;
    a->result.stale_crl++;
    if (a->in->require_crl)
        report_block(a, SG_AUDIT_CERTIFICATE_STALE_CRL,
                     "the revocation lists had run out and are older than these readings");
}

static int judge_meter(struct sg_audit *a, struct sg_audit_meter *m, int64_t at_s)
{
    const struct sg_authority *authority = a->in->authority;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    int r = sg_installation_cert(m->record, &cert);

    if (r > 0) {
        report_block(a, SG_AUDIT_CERTIFICATE, "the record's certificate is none");
        return 0;
    }
    if (r)
        return r;
    r = sg_cert_verify(cert, authority->intermediates, authority->n_intermediates, authority->roots,
                       authority->n_roots, at_s);
    if (r < 0)
        return r;
    sg_cert_validity(cert, &m->from_s, &m->until_s);
    if (r == 0) {
        judge_revocation(a, m, cert);
        return sg_cert_public_key(cert, &m->key);
    }
    report_block(a, SG_AUDIT_CERTIFICATE,
                 r == SG_CHAIN_EXPIRED ? "certificate not valid at that time"
                                       : "certificate does not chain to the authority");
    return 0;
}

/* The place of a record not seen lately: evidence may name more records of a client than are kept.
 */
static struct sg_audit_meter *forget_oldest(struct sg_audit *a)
{
    struct sg_audit_meter *m = &a->meters[a->judged++ % SG_AUDIT_KEYS];

    sg_key_free(m->key);
    *m = (struct sg_audit_meter){0};
    return m;
}

/* Of a certificate that was good once: at the block's own time, too? */
static bool good_then(struct sg_audit *a, struct sg_audit_meter *m)
{
    const struct sg_block_header *h = &a->block.evidence.header;
    int64_t last = h->first_ts_s + (int64_t)(h->count - 1) * h->interval_s;

    if (h->first_ts_s < m->from_s || last > m->until_s) {
        report_block(a, SG_AUDIT_CERTIFICATE, "certificate not valid at that time");
        return false;
    }
    if (last >= m->revocation.since_s) {
        report_block(a, SG_AUDIT_CERTIFICATE_REVOKED, "certificate was revoked by then");
        return false;
    }
    judge_staleness(a, m, last);
    return true;
}

/* *ret NULL: the meter's certificate is not good, which was reported. */
static int key_of(struct sg_audit *a, const struct sg_installation *record,
                  const struct sg_key **ret)
{
    struct sg_audit_meter *m = NULL;

    for (size_t i = 0; i < SG_AUDIT_KEYS && !m; i++)
        if (a->meters[i].record == record)
            m = &a->meters[i];
    if (!m) {
        m = forget_oldest(a);
        m->record = record;
        int r = judge_meter(a, m, a->block.evidence.header.first_ts_s);
        if (r)
            return r;
    }
    *ret = m->key && good_then(a, m) ? m->key : NULL;
    return 0;
}

static bool root_matches(const struct sg_audit *a, const uint8_t (*leaves)[32])
{
    uint8_t root[32];

    sg_merkle_root(root, leaves, a->block.evidence.header.count);
    return memcmp(root, a->block.evidence.header.root, 32) == 0;
}

static bool leaves_signed(const struct sg_audit *a)
{
    return a->block.n_leaves == a->block.evidence.header.count &&
           root_matches(a, (const uint8_t(*)[32])a->block.leaves);
}

/* Without the signed leaf hashes: the readings must be all there, in order, and make the root. */
static int recover_leaves(struct sg_audit *a, bool *ret_ok)
{
    const struct sg_block_header *h = &a->block.evidence.header;
    uint8_t leaves[SG_BLOCK_READINGS_MAX][32];

    *ret_ok = false;
    report_block(a, SG_AUDIT_BLOCK_LEAVES, "leaf hashes are not those that were signed");
    if (a->block.n_readings != h->count)
        return 0;
    for (uint32_t i = 0; i < h->count; i++) {
        int r = sg_block_reading_hash(a->block.evidence.seed, i, &a->block.readings[i], leaves[i]);
        if (r)
            return r;
    }
    if (!root_matches(a, (const uint8_t(*)[32])leaves))
        return 0;
    memcpy(a->block.leaves, leaves, sizeof(leaves[0]) * h->count);
    *ret_ok = true;
    return 0;
}

static bool in_period(const struct sg_audit *a, int64_t ts_s)
{
    return ts_s > a->in->bill->from_s && ts_s <= a->in->bill->until_s;
}

/* Compares one reading with the leaf it claims to be. */
static int judge_reading(struct sg_audit *a, const struct sg_reading *reading,
                         struct sg_audit_item *items, bool *seen)
{
    const struct sg_block_header *h = &a->block.evidence.header;
    uint64_t i = reading->seq - h->first_seq; /* wraps far out of range if it is smaller */
    uint8_t hash[32];

    if (i >= h->count) {
        const struct sg_audit_finding f = {.code = SG_AUDIT_READING_FOREIGN,
                                           .serial = h->serial,
                                           .seq = reading->seq,
                                           .ts_s = reading->ts_s,
                                           .count = 1,
                                           .text = "no reading of this block"};
        sg_audit_report(a, &f);
        return 0;
    }
    if (seen[i]) {
        report_run(a, SG_AUDIT_READING_DUPLICATED, (uint32_t)i, 1, "twice in its block");
        return 0;
    }
    seen[i] = true;
    int r = sg_block_reading_hash(a->block.evidence.seed, (uint32_t)i, reading, hash);
    if (r)
        return r;
    if (memcmp(hash, a->block.leaves[i], 32) || reading->ts_s != items[i].ts_s ||
        !sg_block_format_has(h, reading)) {
        report_run(a, SG_AUDIT_READING_ALTERED, (uint32_t)i, 1, "not the reading that was signed");
        items[i].state = SG_ITEM_ALTERED;
        return 0;
    }
    items[i].state = SG_ITEM_OK;
    items[i].energy_wh = reading->field[SG_READING_interval_energy];
    items[i].reactive_varh = reading->field[SG_READING_interval_reactive_energy];
    items[i].register_wh = reading->field[SG_READING_energy_register];
    items[i].reactive_register_varh = reading->field[SG_READING_reactive_energy_register];
    return a->sections ? sg_row_digest(reading, items[i].digest) : 0;
}

static void report_absent(struct sg_audit *a, const struct sg_audit_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count;) {
        uint32_t run = 0;
        while (i + run < count && items[i + run].state == SG_ITEM_ABSENT &&
               in_period(a, items[i + run].ts_s))
            run++;
        if (run)
            report_run(a, SG_AUDIT_READING_MISSING, i, run, "signed, but not in the file");
        i += run + 1;
    }
}

static int keep_items(struct sg_audit *a, const struct sg_audit_item *items, uint32_t count)
{
    int r = 0;

    for (uint32_t i = 0; i < count && !r; i++)
        r = sg_audit_append(in_period(a, items[i].ts_s) ? &a->items : &a->outside, &items[i]);
    return r;
}

static int judge_readings(struct sg_audit *a, const struct sg_installation *record)
{
    const struct sg_block_header *h = &a->block.evidence.header;
    struct sg_audit_item items[SG_BLOCK_READINGS_MAX];
    bool seen[SG_BLOCK_READINGS_MAX] = {false}, ok = leaves_signed(a);
    int r = ok ? 0 : recover_leaves(a, &ok);

    if (r)
        return r;
    for (uint32_t i = 0; i < h->count; i++) {
        items[i] = (struct sg_audit_item){.ts_s = h->first_ts_s + (int64_t)i * h->interval_s,
                                          .seq = h->first_seq + i,
                                          .record = record,
                                          .state = ok ? SG_ITEM_ABSENT : SG_ITEM_ALTERED};
        memcpy(items[i].leaf, a->block.leaves[i], 32);
    }
    if (!ok) {
        report_block(a, SG_AUDIT_READING_ALTERED, "at least one reading is not what was signed");
        return keep_items(a, items, h->count);
    }
    for (size_t i = 0; i < a->block.n_readings && !r; i++)
        r = judge_reading(a, &a->block.readings[i], items, seen);
    if (r)
        return r;
    report_absent(a, items, h->count);
    return keep_items(a, items, h->count);
}

static void judge_clock(struct sg_audit *a)
{
    enum sg_clock_status clock = a->block.evidence.header.clock;
    enum sg_audit_clock policy = a->in->clock_policy;

    a->result.clock += clock != SG_CLOCK_OK;
    if (clock == SG_CLOCK_WAS_SET && policy != SG_AUDIT_POLICY_NOTE)
        report_block(a, SG_AUDIT_CLOCK_SET, "the meter's clock was set before this block");
    if (clock == SG_CLOCK_UNSYNCHRONISED && policy == SG_AUDIT_POLICY_STRICT)
        report_block(a, SG_AUDIT_CLOCK_UNSYNCHRONISED, "the meter's clock was not synchronised");
}

static int judge_block(struct sg_audit *a)
{
    const struct sg_installation *record = place(a);
    const struct sg_key *key = NULL;
    int r;

    a->result.blocks++;
    a->result.readings += a->block.n_readings;
    if (!record)
        return 0;
    r = key_of(a, record, &key);
    if (r || !key)
        return r;
    r = sg_block_check_signature(&a->block.evidence, key);
    if (r) {
        if (r < 0)
            return r;
        report_block(a, SG_AUDIT_BLOCK_SIGNATURE, "not signed by this meter");
        return 0;
    }
    if (a->block.evidence.header.interval_s != a->in->bill->interval_s) {
        report_block(a, SG_AUDIT_BLOCK_INTERVAL, "interval is not the bill's");
        return 0;
    }
    judge_clock(a);
    return judge_readings(a, record);
}

static void report_file(struct sg_audit *a, enum sg_audit_code code, const char *text)
{
    const struct sg_audit_finding f = {.code = code, .ts_s = INT64_MIN, .count = 0, .text = text};
    sg_audit_report(a, &f);
}

int sg_audit_blocks(struct sg_audit *a)
{
    const struct sg_bill *bill = a->in->bill;
    struct sg_evidence_reader reader;
    struct sg_evidence_head head;
    int r = sg_evidence_open(&reader, a->in->evidence, &head);

    if (r) {
        report_file(a, SG_AUDIT_EVIDENCE_MALFORMED, "not an evidence file");
        return r < 0 ? r : 0;
    }
    if (head.client != bill->client)
        report_file(a, SG_AUDIT_EVIDENCE_CLIENT, "evidence is about another client");
    if (head.from_s != bill->from_s || head.until_s != bill->until_s)
        report_file(a, SG_AUDIT_EVIDENCE_PERIOD, "evidence is about another period");
    a->sections = reader.sections;
    while ((r = sg_evidence_next(&reader, &a->block)) == 0) {
        r = judge_block(a);
        if (r)
            return r;
    }
    if (r == SG_EVIDENCE_END) {
        a->estimates = reader.estimates;
        a->resolutions = reader.resolutions;
        return 0;
    }
    if (r > 0)
        report_file(a, SG_AUDIT_EVIDENCE_MALFORMED, "the rest cannot be read");
    return r < 0 ? r : 0;
}
