#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proof-fixture.c"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>

static struct pf f;

static int make(void **state)
{
    (void)state;
    return pf_make(&f);
}

static int clear(void **state)
{
    (void)state;
    pf_clear(&f);
    return 0;
}

static int64_t end_of(int interval)
{
    return PF_FROM + (interval + 1) * INT64_C(900);
}

/* ---- trees ---------------------------------------------------------------------------------- */

/* Local days cut at the change of the rates; the 25 hours' night has four quarters more. */
static void buckets_are_a_function_of_time(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buckets_freep) struct sg_buckets *plan = NULL;
    uint64_t intervals = 0, readings = 0;
    struct sg_leaf leaf;

    assert_int_equal(sg_proof_plan(&f.bill, f.tariff, &plan), 0);
    for (size_t i = 0; i < f.bill.n_buckets; i++) {
        const struct sg_bucket *b = &f.bill.buckets[i];
        assert_int_equal(b->until_day - b->from_day,
                         b->from_day == f.bill.buckets[0].from_day ? 2 : 1);
        assert_int_equal(sg_buckets_get(plan, i).intervals, b->intervals);
        intervals += b->intervals;
        readings += b->readings;
    }
    assert_int_equal(f.bill.n_buckets, 3 + 3 + 3); /* two meters before, one after */
    assert_int_equal(intervals, PF_N);
    assert_int_equal(readings, PF_N - 1);
    /* meter 0 saw the night of the 24th (28) and the hours 0 to 6 of the 25th's clock: 24 more */
    assert_int_equal(f.bill.buckets[1].post, 1);
    assert_int_equal(f.bill.buckets[1].intervals, 28 + 24);
    assert_true(sg_buckets_leaf_of(f.buckets, 1, end_of(130), &leaf));
    assert_int_equal(leaf.ts_s, end_of(130));
    assert_int_equal(sg_totals_of(-5).export_wh, 5);
    assert_false(sg_buckets_leaf_of(f.buckets, 0, end_of(130), &leaf)); /* of the other meter */
}

/* The octets of ADR 10, put together by hand: a bucket of two. */
static void octets_are_those_described(void **state)
{
    (void)state;
    uint8_t leaf[2][32], data[65] = {2}, hand[32], made[32], node[65] = {1}, top[57] = {4};
    const uint8_t content[32] = {9};

    memcpy(data + 1, content, 32);
    sg_store_be64(data + 33, 5);
    sg_store_be64(data + 41, 6);
    sg_sha256(hand, SG_BYTES(data, 49));
    sg_total_leaf(leaf[0], content, (struct sg_totals){5, 6});
    assert_memory_equal(leaf[0], hand, 32);
    sg_total_leaf(leaf[1], content, (struct sg_totals){7, 8});
    memcpy(node + 1, leaf, 64);
    sg_sha256(hand, SG_BYTES_ARRAY(node));
    sg_store_be64(top + 1, 2);
    sg_store_be64(top + 9, 10);
    sg_store_be64(top + 17, 11);
    memcpy(top + 25, hand, 32);
    sg_merkle_root(made, (const uint8_t(*)[32])leaf, 2);
    assert_memory_equal(made, hand, 32);
    sg_sha256(hand, SG_BYTES_ARRAY(top));
    sg_total_root(made, 2, (struct sg_totals){10, 11}, made);
    assert_memory_equal(made, hand, 32);
}

static struct sg_leaf leaf_of(int interval)
{
    struct sg_leaf leaf;

    assert_true(sg_buckets_leaf_of(f.buckets, end_of(interval) > PF_SWAP, end_of(interval), &leaf));
    return leaf;
}

static void every_leaf_has_its_path(void **state)
{
    (void)state;
    uint8_t path[SG_BUCKET_PATH_MAX][32];

    for (int i = 0; i < PF_N; i++) {
        struct sg_leaf leaf = leaf_of(i), other;
        const struct sg_bucket *b = &f.bill.buckets[leaf.bucket];
        size_t n = sg_buckets_path(f.buckets, &leaf, path);
        assert_int_equal(sg_bucket_check(b, &leaf, (const uint8_t(*)[32])path, n), 0);
        if (n) {
            assert_int_equal(sg_bucket_check(b, &leaf, (const uint8_t(*)[32])path, n - 1),
                             SG_PROOF_MISMATCH);
            path[n / 2][3] ^= 1;
            assert_int_equal(sg_bucket_check(b, &leaf, (const uint8_t(*)[32])path, n),
                             SG_PROOF_MISMATCH);
        }
        if (i == PF_GAP)
            continue;
        bool is_export = f.energy[i] < 0;
        int64_t wh = is_export ? leaf.before.export_wh : leaf.before.import_wh;
        assert_true(sg_buckets_leaf_at(f.buckets, leaf.bucket, is_export, wh, &other));
        assert_int_equal(other.ts_s, leaf.ts_s);
        assert_true(sg_buckets_leaf_at(f.buckets, leaf.bucket, is_export,
                                       wh + llabs(f.energy[i]) - 1, &other));
        assert_int_equal(other.ts_s, leaf.ts_s);
    }
}

static void a_node_is_no_leaf(void **state)
{
    (void)state;
    struct sg_leaf leaf = leaf_of(40);
    const struct sg_bucket *b = &f.bill.buckets[leaf.bucket];
    uint8_t path[SG_BUCKET_PATH_MAX][32], own[32], node[32];
    size_t n = sg_buckets_path(f.buckets, &leaf, path);

    /* The node above the leaf as the content of a leaf one level up, at its place there. */
    sg_total_leaf(own, leaf.content, leaf.before);
    if (leaf.index & 1)
        sg_merkle_node(node, path[0], own);
    else
        sg_merkle_node(node, own, path[0]);
    struct sg_bucket half = *b;
    half.intervals = (b->intervals + 1) / 2;
    leaf.index /= 2;
    memcpy(leaf.content, node, 32);
    assert_int_equal(sg_bucket_check(&half, &leaf, (const uint8_t(*)[32])path + 1, n - 1),
                     SG_PROOF_MISMATCH);
    assert_int_equal(sg_bucket_check(b, &leaf, (const uint8_t(*)[32])path + 1, n - 1),
                     SG_PROOF_MISMATCH);
}

static void a_count_cannot_be_changed(void **state)
{
    (void)state;
    for (int i = 0; i < PF_N; i += 13)
        for (int by = -3; by <= 3; by++) {
            struct sg_leaf leaf = leaf_of(i);
            struct sg_bucket b = f.bill.buckets[leaf.bucket];
            uint8_t path[SG_BUCKET_PATH_MAX][32];
            size_t n = sg_buckets_path(f.buckets, &leaf, path);
            b.intervals += (uint64_t)(int64_t)by;
            assert_int_equal(sg_bucket_check(&b, &leaf, (const uint8_t(*)[32])path, n),
                             by ? SG_PROOF_MISMATCH : 0);
        }
}

static void a_reading_has_one_place(void **state)
{
    (void)state;
    struct sg_leaf leaf = leaf_of(40);
    const struct sg_bucket *b = &f.bill.buckets[leaf.bucket];
    uint8_t path[SG_BUCKET_PATH_MAX][32];
    size_t n = sg_buckets_path(f.buckets, &leaf, path);

    leaf.index ^= 1;
    assert_int_equal(sg_bucket_check(b, &leaf, (const uint8_t(*)[32])path, n), SG_PROOF_MISMATCH);
    leaf.index ^= 1;
    leaf.before.import_wh ^= 1;
    assert_int_equal(sg_bucket_check(b, &leaf, (const uint8_t(*)[32])path, n), SG_PROOF_MISMATCH);
    assert_int_equal(sg_buckets_add(f.buckets, 1, end_of(130), 5, leaf.content), SG_PROOF_ORDER);
}

static void sums_are_bounded(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buckets_freep) struct sg_buckets *b = NULL;
    const struct sg_bucket_meter meter = {PF_FROM, PF_UNTIL};
    struct sg_leaf leaf = leaf_of(40);
    struct sg_bucket bucket = f.bill.buckets[leaf.bucket];
    uint8_t path[SG_BUCKET_PATH_MAX][32];
    size_t n = sg_buckets_path(f.buckets, &leaf, path);
    const uint8_t content[32] = {1};

    assert_int_equal(sg_buckets_new(&b, f.tariff, PF_FROM, PF_UNTIL, &meter, 1, false), 0);
    assert_int_equal(sg_buckets_add(b, 0, end_of(0), INT64_MIN, content), SG_PROOF_OVERFLOW);
    assert_int_equal(sg_buckets_add(b, 0, end_of(0), SG_TOTAL_MAX, content), 0);
    assert_int_equal(sg_buckets_add(b, 0, end_of(1), 1, content), SG_PROOF_OVERFLOW);
    assert_int_equal(sg_buckets_add(b, 0, end_of(1), -1, content), 0);
    leaf.own.import_wh = bucket.import_wh; /* reaches past the bucket's sum */
    assert_int_equal(sg_bucket_check(&bucket, &leaf, (const uint8_t(*)[32])path, n),
                     SG_PROOF_OVERFLOW);
    leaf = leaf_of(40);
    leaf.before.export_wh = -1;
    assert_int_equal(sg_bucket_check(&bucket, &leaf, (const uint8_t(*)[32])path, n),
                     SG_PROOF_OVERFLOW);
    leaf = leaf_of(40);
    bucket.import_wh = -1;
    assert_int_equal(sg_bucket_check(&bucket, &leaf, (const uint8_t(*)[32])path, n),
                     SG_PROOF_OVERFLOW);
}

/* ---- proofs of a reading -------------------------------------------------------------------- */

static void prove(int interval, struct sg_buf *ret)
{
    SG_CLEANUP(sg_prover_freep) struct sg_prover *p = NULL;

    assert_int_equal(sg_prover_new(&p, &f.bill, f.tariff, sg_buf_bytes(&f.evidence)), 0);
    assert_int_equal(sg_prover_at(p, end_of(interval), ret), 0);
}

static enum sg_proof_fault check(const struct sg_reading_proof *p, const struct sg_proof_bill *bill,
                                 struct sg_proved *ret)
{
    struct sg_proof_authority a = pf_authority(&f);
    enum sg_proof_fault fault;

    assert_int_equal(sg_reading_proof_check(p, bill, &a, NULL, &fault, ret), 0);
    return fault;
}

static void a_reading_is_proved_to_anyone(void **state)
{
    (void)state;
    static const int chosen[] = {0, 99, 101, 119, 120, 200, 291};

    for (size_t i = 0; i < sizeof(chosen) / sizeof(chosen[0]); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(1 << 16);
        SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(1 << 16);
        struct sg_reading_proof p;
        struct sg_proved proved;
        prove(chosen[i], &octets);
        assert_true(octets.len <= SG_READING_PROOF_MAX);
        assert_int_equal(sg_reading_proof_take(sg_buf_bytes(&octets), &p), 0);
        assert_int_equal(sg_reading_proof_put(&again, &p), 0);
        assert_int_equal(again.len, octets.len);
        assert_memory_equal(again.data, octets.data, again.len);
        assert_int_equal(check(&p, &f.bill, &proved), SG_PROOF_FAULT_NONE);
        assert_int_equal(proved.reading.ts_s, end_of(chosen[i]));
        assert_int_equal(proved.reading.field[SG_READING_interval_energy], f.energy[chosen[i]]);
    }
}

static void a_gap_has_no_proof(void **state)
{
    (void)state;
    SG_CLEANUP(sg_prover_freep) struct sg_prover *p = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(1 << 16);

    assert_int_equal(sg_prover_new(&p, &f.bill, f.tariff, sg_buf_bytes(&f.evidence)), 0);
    assert_int_equal(sg_prover_at(p, end_of(PF_GAP), &octets), SG_PROVER_NONE);
    assert_int_equal(sg_prover_at(p, end_of(PF_N), &octets), SG_PROVER_NONE);
    assert_int_equal(sg_prover_at(p, end_of(5) + 1, &octets), SG_PROVER_NONE);
}

static void a_proof_holds_for_its_own_bill(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(1 << 16);
    struct sg_proof_bill bill = f.bill;
    struct sg_reading_proof p;
    struct sg_proved proved;

    prove(150, &octets);
    assert_int_equal(sg_reading_proof_take(sg_buf_bytes(&octets), &p), 0);
    bill.sha256[0] ^= 1;
    assert_int_equal(check(&p, &bill, &proved), SG_PROOF_FAULT_BILL);
    bill = f.bill;
    bill.meters[1].ratio_num = 1;
    assert_int_equal(check(&p, &bill, &proved), SG_PROOF_FAULT_METER);
    bill = f.bill;
    bill.tariff_sha256[0] ^= 1;
    assert_int_equal(check(&p, &bill, &proved), SG_PROOF_FAULT_TARIFF);
    bill = f.bill;
    bill.interval_s = 1800;
    assert_int_equal(check(&p, &bill, &proved), SG_PROOF_FAULT_FOREIGN);
    p.bucket += 1; /* another post of the same meter */
    assert_int_equal(check(&p, &f.bill, &proved), SG_PROOF_FAULT_PATH);
    p.bucket = f.bill.n_buckets;
    assert_int_equal(check(&p, &f.bill, &proved), SG_PROOF_FAULT_BUCKET);
    assert_int_equal(sg_reading_proof_take(sg_buf_bytes(&octets), &p), 0);
    p.count += 1;
    assert_int_equal(check(&p, &f.bill, &proved), SG_PROOF_FAULT_PATH);
    assert_int_equal(sg_reading_proof_take(sg_buf_bytes(&octets), &p), 0);
    p.index ^= 1;
    assert_int_equal(check(&p, &f.bill, &proved), SG_PROOF_FAULT_PATH);
}

/* The customer has a neighbour's bill with the same period, tariff, buckets and numbers of leaves,
 * and a proof from his own: under the other bill's hash it opens nothing there. */
static void a_proof_is_nobody_elses(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(1 << 16);
    SG_CLEANUP(sg_buckets_freep) struct sg_buckets *theirs = NULL;
    struct sg_proof_bill bill = f.bill;
    int64_t energy[PF_N];
    uint8_t leaf[PF_N][32];
    struct sg_reading_proof p;
    struct sg_proved proved;

    memcpy(energy, f.energy, sizeof(energy));
    memcpy(leaf, f.leaf, sizeof(leaf));
    leaf[150][0] ^= 1; /* another meter's reading in each of the two places */
    leaf[151][0] ^= 1;
    assert_int_equal(
        pf_buckets(&f, energy, (const uint8_t(*)[32])leaf, &theirs, &bill.buckets, &bill.n_buckets),
        0);
    assert_int_equal(bill.n_buckets, f.bill.n_buckets);
    bill.sha256[0] ^= 1;
    prove(150, &octets);
    assert_int_equal(sg_reading_proof_take(sg_buf_bytes(&octets), &p), 0);
    assert_int_equal(check(&p, &bill, &proved), SG_PROOF_FAULT_BILL);
    memcpy(p.bill_sha256, bill.sha256, 32);
    assert_int_equal(check(&p, &bill, &proved), SG_PROOF_FAULT_PATH);
    bill.client++; /* whose records do not place that meter there */
    assert_int_equal(check(&p, &bill, &proved), SG_PROOF_FAULT_METER);
    bill = f.bill; /* of another month: same leaves, another time */
    bill.from_s += 86400;
    bill.until_s += 86400;
    memcpy(bill.sha256, p.bill_sha256, 32);
    assert_int_equal(check(&p, &bill, &proved), SG_PROOF_FAULT_METER);
}

static void every_octet_of_a_proof_counts(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(1 << 16);
    struct sg_reading_proof p;
    struct sg_proved proved;

    prove(77, &octets);
    for (size_t i = 0; i < octets.len; i++) {
        octets.data[i] ^= (uint8_t)(1u << i % 8);
        if (sg_reading_proof_take(sg_buf_bytes(&octets), &p) == 0)
            assert_int_not_equal(check(&p, &f.bill, &proved), SG_PROOF_FAULT_NONE);
        octets.data[i] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t n = 0; n < octets.len; n++)
        assert_int_equal(sg_reading_proof_take(SG_BYTES(octets.data, n), &p), SG_PROOF_MALFORMED);
}

/* The utility lays a peak reading into the off-peak bucket and hashes everything again. */
static void exchanged_buckets_are_found(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(1 << 16);
    struct sg_bucket swapped[9];
    struct sg_proof_bill bill = f.bill;
    struct sg_reading_proof p;
    struct sg_proved proved;

    prove(150, &octets);
    assert_int_equal(sg_reading_proof_take(sg_buf_bytes(&octets), &p), 0);
    memcpy(swapped, f.bill.buckets, sizeof(swapped));
    struct sg_bucket *mine = &swapped[p.bucket];
    mine->post = (mine->post + 1) % 3; /* the root is that of another class now */
    bill.buckets = swapped;
    assert_int_equal(check(&p, &bill, &proved), SG_PROOF_FAULT_CLASS);
    memcpy(swapped, f.bill.buckets, sizeof(swapped));
    mine->from_day += 1;
    assert_int_equal(check(&p, &bill, &proved), SG_PROOF_FAULT_CLASS);
}

static void revoked_or_strange_meters_prove_nothing(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(1 << 16);
    struct sg_authority *a = &f.authority;
    const struct sg_crl_entry entry = {f.records.records[1].cert, PF_SWAP};
    struct sg_cert *ca = a->intermediates[0];
    struct sg_reading_proof p;
    struct sg_proved proved;

    prove(150, &octets);
    assert_int_equal(sg_reading_proof_take(sg_buf_bytes(&octets), &p), 0);
    assert_int_equal(sg_crl_issue(&a->crls[0], ca, f.ca_key, PF_UNTIL, PF_UNTIL + 86400, &entry, 1),
                     0);
    a->crl_issuers[0] = ca;
    a->n_crls = 1;
    assert_int_equal(check(&p, &f.bill, &proved), SG_PROOF_FAULT_REVOKED);
    sg_crl_free(a->crls[--a->n_crls]);
    a->intermediates[0] = a->roots[0];
    assert_int_equal(check(&p, &f.bill, &proved), SG_PROOF_FAULT_CERTIFICATE);
    a->intermediates[0] = ca;
    f.records.records[1].until_s = PF_UNTIL - 900; /* removed before the block ended */
    assert_int_equal(check(&p, &f.bill, &proved), SG_PROOF_FAULT_METER);
    f.records.records[1].until_s = INT64_MAX;
    assert_int_equal(check(&p, &f.bill, &proved), SG_PROOF_FAULT_NONE);
}

/* The largest that can be: every field of the reading at its longest, 96 readings under RSA-2048,
 * a year of quarter hours in one bucket, sums of nine octets. */
static void the_longest_proof_fits(void **state)
{
    (void)state;
    SG_CLEANUP(sg_key_freep) struct sg_key *rsa = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf inner = SG_BUF_INIT(SG_BLOCK_PROOF_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(1 << 16);
    static const int64_t most[] = {
#define F(name, unit, least, most) most,
        SG_READING_FIELDS(F)
#undef F
    };
    static struct sg_evidence_block b;
    struct sg_block_header h = {.serial = "12345678901234567890",
                                .first_seq = INT64_MAX / 2,
                                .count = 96,
                                .first_ts_s = INT64_C(253402128000),
                                .interval_s = 900,
                                .software = UINT32_MAX,
                                .format = SG_BLOCK_FORMAT};
    const uint8_t seed[SG_BLOCK_SEED_LEN] = {1};
    struct sg_reading_proof p = {.bucket = SG_BUCKETS_MAX - 1,
                                 .count = 35040,
                                 .index = 35000,
                                 .before = {SG_TOTAL_MAX, SG_TOTAL_MAX},
                                 .path_len = 16};

    assert_int_equal(sg_key_generate(&rsa, SG_KEY_RSA2048), 0);
    for (uint32_t i = 0; i < 96; i++) {
        b.readings[i] =
            (struct sg_reading){.seq = h.first_seq + i, .ts_s = h.first_ts_s + i * INT64_C(900)};
        for (int k = 0; k < SG_READING_N_FIELDS; k++)
            b.readings[i].field[k] = most[k];
    }
    assert_int_equal(sg_block_sign(&h, b.readings, 96, rsa, SG_SIGN_PS256, seed, &wire), 0);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &b.evidence, b.readings), 0);
    assert_int_equal(sg_block_prove(&b.evidence, b.readings, 5, &inner), 0);
    p.block = sg_buf_bytes(&inner);
    assert_int_equal(sg_reading_proof_put(&octets, &p), 0);
    print_message("longest proof: %zu octets, of them %zu of its block\n", octets.len, inner.len);
    assert_true(octets.len <= 2048);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_a_function_of_time),
        cmocka_unit_test(octets_are_those_described),
        cmocka_unit_test(every_leaf_has_its_path),
        cmocka_unit_test(a_node_is_no_leaf),
        cmocka_unit_test(a_count_cannot_be_changed),
        cmocka_unit_test(a_reading_has_one_place),
        cmocka_unit_test(sums_are_bounded),
        cmocka_unit_test(a_reading_is_proved_to_anyone),
        cmocka_unit_test(a_gap_has_no_proof),
        cmocka_unit_test(a_proof_holds_for_its_own_bill),
        cmocka_unit_test(a_proof_is_nobody_elses),
        cmocka_unit_test(every_octet_of_a_proof_counts),
        cmocka_unit_test(exchanged_buckets_are_found),
        cmocka_unit_test(revoked_or_strange_meters_prove_nothing),
        cmocka_unit_test(the_longest_proof_fits),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
