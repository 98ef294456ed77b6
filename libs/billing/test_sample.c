#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proof-fixture.c"

#include <sealgrid/base/cbor.h>
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

static struct sg_population *population(const struct sg_proof_bill *bills, size_t n)
{
    struct sg_population *p = NULL;
    char why[160];

    assert_int_equal(sg_population_new(&p, bills, n, why), 0);
    return p;
}

static struct sg_challenge challenge(const struct sg_population *p, uint64_t bills, uint8_t nonce,
                                     uint32_t confidence, uint32_t tolerable)
{
    struct sg_challenge c = {.nonce = {nonce},
                             .bills = bills,
                             .confidence_ppm = confidence,
                             .tolerable_ppm = tolerable,
                             .points = sg_sample_size(confidence, tolerable)};
    sg_population_commitment(p, c.commitment);
    return c;
}

/* ---- how many ------------------------------------------------------------------------------- */

/* ceil(ln(1 - c) / ln(1 - f)); tables of attribute sampling have 299 for 95 % and 1 %, 59 for 5 %,
 * 459 for 99 % and 1 %. */
static void sizes_are_those_of_the_formula(void **state)
{
    (void)state;
    assert_int_equal(sg_sample_size(950000, 10000), 299);
    assert_int_equal(sg_sample_size(950000, 50000), 59);
    assert_int_equal(sg_sample_size(990000, 10000), 459);
    assert_int_equal(sg_sample_size(900000, 100000), 22);
    assert_int_equal(sg_sample_size(500000, 500000), 1); /* 0.5 exactly: neither more nor less */
    assert_int_equal(sg_sample_size(750000, 500000), 2);
    assert_int_equal(sg_sample_size(999999, 1000), 13809);
    assert_int_equal(sg_sample_size(0, 1000), 0);
    assert_int_equal(sg_sample_size(1000000, 1000), 0);
    assert_int_equal(sg_sample_size(950000, 0), 0);
    assert_int_equal(sg_sample_size(950000, 1), 0); /* 3 million: past the limit */
}

/* ---- drawing -------------------------------------------------------------------------------- */

static void points_fall_in_proportion_to_the_bill(void **state)
{
    (void)state;
    SG_CLEANUP(sg_population_freep) struct sg_population *p = population(&f.bill, 1);
    struct sg_challenge c = challenge(p, 1, 1, 999999, 1000);
    SG_FREE struct sg_point *points = NULL;
    double due[9] = {0}, all = 0, chi = 0;
    unsigned hits[9] = {0};

    assert_int_equal(sg_sample_draw(p, &c, &points), 0);
    for (size_t i = 0; i < 9; i++) {
        const struct sg_bucket *b = &f.bill.buckets[i];
        due[i] = (double)(b->import_wh + b->export_wh) * (double)f.bill.meters[b->meter].ratio_num;
        all += due[i];
    }
    for (uint32_t k = 0; k < c.points; k++) {
        const struct sg_bucket *b = &f.bill.buckets[points[k].bucket];
        assert_true(points[k].wh >= 0);
        assert_true(points[k].wh < (points[k].is_export ? b->export_wh : b->import_wh));
        hits[points[k].bucket]++;
    }
    for (size_t i = 0; i < 9; i++) {
        double expected = due[i] / all * c.points, off = hits[i] - expected;
        chi += off * off / expected;
    }
    assert_true(chi < 26.12); /* 8 degrees of freedom, 0.1 %; the draw is fixed */
    assert_int_equal(sg_population_wh(p), (uint64_t)all);
}

static void the_seed_needs_both_sides(void **state)
{
    (void)state;
    SG_CLEANUP(sg_population_freep) struct sg_population *p = population(&f.bill, 1);
    struct sg_proof_bill other_bill = f.bill;
    other_bill.sha256[5] ^= 1; /* the utility made another bill of it */
    SG_CLEANUP(sg_population_freep) struct sg_population *q = population(&other_bill, 1);
    const struct sg_challenge c[3] = {challenge(p, 1, 1, 950000, 10000),
                                      challenge(p, 1, 2, 950000, 10000),
                                      challenge(q, 1, 1, 950000, 10000)};
    struct sg_point *points[3];
    uint8_t hash[32];

    for (int i = 0; i < 3; i++)
        assert_int_equal(sg_sample_draw(i == 2 ? q : p, &c[i], &points[i]), 0);
    for (int i = 1; i < 3; i++) {
        uint32_t same = 0;
        for (uint32_t k = 0; k < c[0].points; k++)
            same +=
                points[0][k].bucket == points[i][k].bucket && points[0][k].wh == points[i][k].wh;
        assert_true(same < c[0].points / 20);
    }
    for (int i = 0; i < 3; i++)
        free(points[i]);
    /* The authority had given this nonce's hash before it saw the bills, and no other's. */
    sg_sha256(hash, SG_BYTES_ARRAY(c[0].nonce));
    assert_int_equal(sg_sample_check_nonce(&c[0], hash), 0);
    assert_int_equal(sg_sample_check_nonce(&c[1], hash), SG_SAMPLE_NONCE);
}

static void a_challenge_has_one_form(void **state)
{
    (void)state;
    SG_CLEANUP(sg_population_freep) struct sg_population *p = population(&f.bill, 1);
    struct sg_challenge c = challenge(p, 1, 1, 950000, 10000), again = {.points = 0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);

    assert_int_equal(sg_challenge_put(&b, &c), 0);
    assert_int_equal(sg_challenge_take(sg_buf_bytes(&b), &again), 0);
    assert_memory_equal(&c, &again, offsetof(struct sg_challenge, points));
    assert_int_equal(c.points, again.points);
    assert_int_equal(sg_challenge_take(SG_BYTES(b.data, b.len - 1), &again), SG_PROOF_MALFORMED);
    sg_buf_reset(&b);
    c.points++; /* more than the statement needs: more readings shown */
    assert_int_equal(sg_challenge_put(&b, &c), 0);
    assert_int_equal(sg_challenge_take(sg_buf_bytes(&b), &again), SG_PROOF_MALFORMED);
}

static void impossible_bills_are_no_population(void **state)
{
    (void)state;
    struct sg_bucket buckets[10];
    struct sg_proof_bill bill = f.bill, two[2] = {f.bill, f.bill};
    struct sg_population *p;
    char why[160];

    bill.buckets = buckets;
    bill.n_buckets = 10; /* a_bucket_too_many: the last one twice */
    memcpy(buckets, f.bill.buckets, 9 * sizeof(buckets[0]));
    buckets[9] = buckets[8];
    assert_int_equal(sg_population_new(&p, &bill, 1, why), SG_SAMPLE_BAD_BILLS);
    buckets[9].post += 1;
    buckets[9].from_day -= 1; /* reaches into the piece before */
    assert_int_equal(sg_population_new(&p, &bill, 1, why), SG_SAMPLE_BAD_BILLS);
    bill.n_buckets = 9;
    buckets[3].import_wh = -1;
    assert_int_equal(sg_population_new(&p, &bill, 1, why), SG_SAMPLE_BAD_BILLS);
    bill = f.bill;
    bill.meters[1].from_s -= 900; /* an interval that two meters could have */
    assert_int_equal(sg_population_new(&p, &bill, 1, why), SG_SAMPLE_BAD_BILLS);
    assert_int_equal(sg_population_new(&p, two, 2, why), SG_SAMPLE_BAD_BILLS); /* twice */
    bill = f.bill;
    bill.n_buckets = 0;
    assert_int_equal(sg_population_new(&p, &bill, 1, why), SG_SAMPLE_BAD_BILLS);
}

/* ---- answers -------------------------------------------------------------------------------- */

static int give(void *user, size_t bill, const struct sg_prover **ret)
{
    assert_int_equal(bill, 0);
    *ret = user;
    return 0;
}

struct judged {
    unsigned n[8];
    const char *first;
    struct sg_sample_result result;
};

static void note(void *user, const struct sg_sample_finding *finding)
{
    struct judged *j = user;
    j->n[finding->code]++;
    if (!j->first)
        j->first = finding->why;
}

static struct judged judge(const struct sg_population *p, const struct sg_challenge *c,
                           struct sg_bytes response)
{
    struct sg_proof_authority a = pf_authority(&f);
    struct judged j = {.first = NULL};

    assert_int_equal(sg_sample_judge(p, c, response, &a, note, &j, &j.result), 0);
    return j;
}

static void respond(const struct sg_proof_bill *bill, const struct sg_challenge *c,
                    struct sg_buf *ret)
{
    SG_CLEANUP(sg_population_freep) struct sg_population *p = population(bill, 1);
    SG_CLEANUP(sg_prover_freep) struct sg_prover *prover = NULL;

    assert_int_equal(sg_prover_new(&prover, bill, f.tariff, sg_buf_bytes(&f.evidence)), 0);
    assert_int_equal(sg_sample_respond(p, c, give, prover, ret), 0);
}

static void an_honest_sample_supports_its_statement(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf response = SG_BUF_INIT(1 << 24);
    SG_CLEANUP(sg_population_freep) struct sg_population *p = population(&f.bill, 1);
    struct sg_challenge c = challenge(p, 1, 1, 950000, 10000);

    respond(&f.bill, &c, &response);
    struct judged j = judge(p, &c, sg_buf_bytes(&response));
    assert_int_equal(j.result.findings, 0);
    assert_int_equal(j.result.points, 299);
    assert_int_equal(j.result.answered, 299);
    assert_true(j.result.readings > 100 && j.result.readings < PF_N);
}

/* Every reading shown was hit by a point: the holder draws them himself. */
static void a_response_shows_no_more(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf response = SG_BUF_INIT(1 << 24);
    SG_CLEANUP(sg_buf_clear) struct sg_buf more = SG_BUF_INIT(1 << 24);
    SG_CLEANUP(sg_population_freep) struct sg_population *p = population(&f.bill, 1);
    struct sg_challenge c = challenge(p, 1, 1, 500000, 100000); /* seven points */
    struct sg_challenge d = challenge(p, 1, 9, 900000, 100000);
    SG_FREE struct sg_point *points = NULL;
    struct sg_leaf leaf;
    bool hit[PF_N] = {false};
    size_t due = 0;

    respond(&f.bill, &c, &response);
    assert_int_equal(sg_sample_draw(p, &c, &points), 0);
    for (uint32_t k = 0; k < c.points; k++) {
        assert_true(sg_buckets_leaf_at(f.buckets, points[k].bucket, points[k].is_export,
                                       points[k].wh, &leaf));
        hit[(leaf.ts_s - PF_FROM) / 900 - 1] = true;
    }
    for (int i = 0; i < PF_N; i++)
        due += hit[i];
    struct judged j = judge(p, &c, sg_buf_bytes(&response));
    assert_int_equal(j.result.readings, due);
    assert_int_equal(j.result.findings, 0);

    /* An answer with readings of another draw is told: neither asked for nor answered. */
    respond(&f.bill, &d, &more);
    uint64_t items;
    struct sg_reader in = sg_reader_over(sg_buf_bytes(&response));
    struct sg_bytes magic, hash;
    assert_int_equal(sg_cbor_get_array(&in, &items), 0);
    assert_int_equal(sg_cbor_get_text(&in, &magic), 0);
    assert_int_equal(sg_cbor_get_bytes(&in, &hash), 0);
    size_t head = (size_t)(in.at - response.data);
    memcpy(more.data, response.data, head); /* the list of d under the challenge of c */
    j = judge(p, &c, sg_buf_bytes(&more));
    assert_true(j.result.findings > 0);
    j = judge(p, &d, sg_buf_bytes(&more));
    assert_int_equal(j.n[SG_SAMPLE_CODE_RESPONSE], 1);
}

static void an_unanswered_point_is_found(void **state)
{
    (void)state;
    SG_CLEANUP(sg_population_freep) struct sg_population *p = population(&f.bill, 1);
    struct sg_challenge c = challenge(p, 1, 1, 950000, 10000);
    SG_CLEANUP(sg_buf_clear) struct sg_buf empty = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(4096);
    uint8_t hash[32];

    assert_int_equal(sg_challenge_put(&octets, &c), 0);
    sg_sha256(hash, sg_buf_bytes(&octets));
    assert_int_equal(sg_cbor_put_array(&empty, 3), 0);
    assert_int_equal(sg_cbor_put_text(&empty, "sealgrid-response-v1"), 0);
    assert_int_equal(sg_cbor_put_bytes(&empty, SG_BYTES_ARRAY(hash)), 0);
    assert_int_equal(sg_cbor_put_array(&empty, 0), 0);
    struct judged j = judge(p, &c, sg_buf_bytes(&empty));
    assert_int_equal(j.n[SG_SAMPLE_CODE_UNANSWERED], 299);
    assert_int_equal(j.result.answered, 0);
}

static void a_changed_bill_ends_the_sample(void **state)
{
    (void)state;
    SG_CLEANUP(sg_population_freep) struct sg_population *p = population(&f.bill, 1);
    struct sg_challenge c = challenge(p, 1, 1, 950000, 10000);
    struct sg_proof_bill other = f.bill;
    struct sg_point *points = NULL;
    other.sha256[0] ^= 1;
    SG_CLEANUP(sg_population_freep) struct sg_population *q = population(&other, 1);

    assert_int_equal(sg_sample_draw(q, &c, &points), SG_SAMPLE_COMMITMENT);
}

/* ---- bills that claim too much -------------------------------------------------------------- */

/* The utility lays a tree by its own rules over the signed readings: which before each leaf shall
 * have, and what sum the bucket claims.  It answers as well as it can: with every leaf. */
struct cheat {
    struct sg_bucket bucket;
    struct sg_leaf leaves[PF_N];
    uint8_t hashes[PF_N][32];
    size_t n;
};

static void cheat_finish(struct cheat *c)
{
    uint8_t top[32];

    for (size_t i = 0; i < c->n; i++) {
        c->leaves[i].index = i;
        sg_total_leaf(c->hashes[i], c->leaves[i].content, c->leaves[i].before);
    }
    sg_merkle_root(top, (const uint8_t(*)[32])c->hashes, c->n);
    c->bucket.intervals = c->n;
    sg_total_root(c->bucket.root, c->n,
                  (struct sg_totals){c->bucket.import_wh, c->bucket.export_wh}, top);
}

/* Can a point at that Wh be answered by any leaf of that tree that an auditor takes?  He takes a
 * leaf at the index that its time has, with what its meter signed. */
static bool answerable(const struct cheat *c, int64_t wh)
{
    uint8_t path[SG_BUCKET_PATH_MAX][32];

    for (size_t i = 0; i < c->n; i++) {
        const struct sg_leaf *leaf = &c->leaves[i];
        struct sg_leaf due;
        size_t n = sg_merkle_path(path, (const uint8_t(*)[32])c->hashes, c->n, i);
        if (wh < leaf->before.import_wh || wh - leaf->before.import_wh >= leaf->own.import_wh ||
            sg_bucket_check(&c->bucket, leaf, (const uint8_t(*)[32])path, n) != 0)
            continue;
        assert_true(sg_buckets_leaf_of(f.buckets, c->bucket.meter, leaf->ts_s, &due));
        if (due.index == i && due.own.import_wh == leaf->own.import_wh)
            return true;
    }
    return false;
}

static struct cheat honest(size_t bucket)
{
    struct cheat c = {.bucket = f.bill.buckets[bucket]};

    for (int i = 0; i < PF_N; i++) {
        struct sg_leaf leaf;
        int64_t ts_s = PF_FROM + (i + 1) * INT64_C(900);
        if (sg_buckets_leaf_of(f.buckets, ts_s > PF_SWAP, ts_s, &leaf) && leaf.bucket == bucket)
            c.leaves[c.n++] = leaf;
    }
    cheat_finish(&c);
    assert_memory_equal(c.bucket.root, f.bill.buckets[bucket].root, 32);
    return c;
}

static int64_t answered_of(const struct cheat *c)
{
    int64_t n = 0;

    for (int64_t wh = 0; wh < c->bucket.import_wh; wh++)
        n += answerable(c, wh);
    return n;
}

#define ANY 0 /* a bucket of 12 intervals: every Wh of it can be tried */

static void bent_totals_are_found(void **state)
{
    (void)state;
    struct cheat c = honest(ANY);
    int64_t signed_wh = c.bucket.import_wh;

    assert_int_equal(answered_of(&c), signed_wh);
    c.bucket.import_wh += 200; /* a claim above what was signed: gaps at the end ... */
    cheat_finish(&c);
    assert_true(answered_of(&c) <= signed_wh);
    for (size_t i = 0; i < c.n; i++) /* ... or between the leaves, or over one another */
        c.leaves[i].before.import_wh += (int64_t)(i % 3) * 50;
    cheat_finish(&c);
    assert_true(answered_of(&c) <= signed_wh);
    for (size_t i = 0; i < c.n; i++)
        c.leaves[i].own.import_wh += 20; /* more than was signed */
    cheat_finish(&c);
    assert_int_equal(answered_of(&c), 0);
}

static void a_doubled_reading_leaves_points_unanswered(void **state)
{
    (void)state;
    struct cheat c = honest(ANY);
    int64_t signed_wh = c.bucket.import_wh, twice = c.leaves[2].own.import_wh;

    assert_true(twice > 0);
    /* In the place of its neighbour, and the claim raised by it. */
    c.bucket.import_wh += twice - c.leaves[3].own.import_wh;
    c.leaves[3].content[0] ^= 1;
    memcpy(c.leaves[3].content, c.leaves[2].content, 32);
    c.leaves[3].own = c.leaves[2].own;
    c.leaves[3].ts_s = c.leaves[2].ts_s;
    for (size_t i = 1; i < c.n; i++)
        c.leaves[i].before.import_wh =
            c.leaves[i - 1].before.import_wh + c.leaves[i - 1].own.import_wh;
    cheat_finish(&c);
    assert_true(answered_of(&c) < c.bucket.import_wh);
    assert_true(answered_of(&c) <= signed_wh);
}

/* The whole way: a bill that claims a tenth more than was signed, everything hashed again, answered
 * with what there is.  95 % and 1 % must find it, for any nonce but one in 10^13. */
static void a_claim_above_the_readings_is_found(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf response = SG_BUF_INIT(1 << 24);
    SG_CLEANUP(sg_buckets_freep) struct sg_buckets *claimed = NULL;
    struct sg_proof_bill bill = f.bill;
    int64_t energy[PF_N];

    for (int i = 0; i < PF_N; i++)
        energy[i] = f.energy[i] + f.energy[i] / 10;
    assert_int_equal(pf_buckets(&f, energy, (const uint8_t(*)[32])f.leaf, &claimed, &bill.buckets,
                                &bill.n_buckets),
                     0);
    SG_CLEANUP(sg_population_freep) struct sg_population *p = population(&bill, 1);
    struct sg_challenge c = challenge(p, 1, 1, 950000, 10000);
    SG_FREE struct sg_point *points = NULL;
    unsigned unanswerable = 0;
    /* No prover of ours makes such proofs; what an auditor would take is known all the same: a
     * drawn Wh must lie within the signed energy of its leaf. */
    assert_int_equal(sg_sample_draw(p, &c, &points), 0);
    for (uint32_t k = 0; k < c.points; k++) {
        struct sg_leaf leaf;
        assert_true(sg_buckets_leaf_at(claimed, points[k].bucket, points[k].is_export, points[k].wh,
                                       &leaf));
        int64_t own = llabs(f.energy[(leaf.ts_s - PF_FROM) / 900 - 1]);
        int64_t before = points[k].is_export ? leaf.before.export_wh : leaf.before.import_wh;
        unanswerable += points[k].wh - before >= own;
    }
    assert_true(unanswerable > 5);
    SG_CLEANUP(sg_prover_freep) struct sg_prover *prover = NULL;
    assert_int_equal(sg_prover_new(&prover, &bill, f.tariff, sg_buf_bytes(&f.evidence)),
                     SG_PROVER_EVIDENCE);
}

/* Points of a sample that fall on Wh that no meter signed. */
static unsigned unbacked(const struct sg_population *p, const struct sg_challenge *c,
                         const struct sg_buckets *claimed)
{
    SG_FREE struct sg_point *points = NULL;
    unsigned n = 0;

    assert_int_equal(sg_sample_draw(p, c, &points), 0);
    for (uint32_t k = 0; k < c->points; k++) {
        struct sg_leaf leaf;
        assert_true(sg_buckets_leaf_at(claimed, points[k].bucket, points[k].is_export, points[k].wh,
                                       &leaf));
        int64_t own = llabs(f.energy[(leaf.ts_s - PF_FROM) / 900 - 1]);
        int64_t before = points[k].is_export ? leaf.before.export_wh : leaf.before.import_wh;
        n += points[k].wh - before >= own;
    }
    return n;
}

/* The utility makes its bill again and again (a word of its trace differs, so its hash) until the
 * sample would miss what it claims too much.  Had it known the nonce it would win; against the one
 * of which it has the hash it gains nothing. */
static void grinding_needs_the_nonce(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buckets_freep) struct sg_buckets *claimed = NULL;
    struct sg_proof_bill bill = f.bill;
    int64_t energy[PF_N];
    unsigned missed = 0, tries = 0;

    for (int i = 0; i < PF_N; i++)
        energy[i] = f.energy[i] + f.energy[i] / 9; /* a tenth of the claim */
    assert_int_equal(pf_buckets(&f, energy, (const uint8_t(*)[32])f.leaf, &claimed, &bill.buckets,
                                &bill.n_buckets),
                     0);
    for (bool found = false; !found; tries++) {
        SG_CLEANUP(sg_population_freep) struct sg_population *p = NULL;
        bill.sha256[0] = (uint8_t)tries;
        p = population(&bill, 1);
        struct sg_challenge c = challenge(p, 1, 1, 900000, 100000);
        found = unbacked(p, &c, claimed) == 0;
        assert_true(tries < 256);
    }
    SG_CLEANUP(sg_population_freep) struct sg_population *p = population(&bill, 1);
    for (int nonce = 2; nonce < 202; nonce++) {
        struct sg_challenge c = challenge(p, 1, (uint8_t)nonce, 900000, 100000);
        missed += unbacked(p, &c, claimed) == 0;
    }
    assert_true(tries > 1);
    assert_true(missed < 40); /* a tenth of 200, and three deviations */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_those_of_the_formula),
        cmocka_unit_test(points_fall_in_proportion_to_the_bill),
        cmocka_unit_test(the_seed_needs_both_sides),
        cmocka_unit_test(a_challenge_has_one_form),
        cmocka_unit_test(impossible_bills_are_no_population),
        cmocka_unit_test(an_honest_sample_supports_its_statement),
        cmocka_unit_test(a_response_shows_no_more),
        cmocka_unit_test(an_unanswered_point_is_found),
        cmocka_unit_test(a_changed_bill_ends_the_sample),
        cmocka_unit_test(bent_totals_are_found),
        cmocka_unit_test(a_doubled_reading_leaves_points_unanswered),
        cmocka_unit_test(a_claim_above_the_readings_is_found),
        cmocka_unit_test(grinding_needs_the_nonce),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
