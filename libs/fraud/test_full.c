#include "full-int.h"
#include "full-test-int.h"

#include <sealgrid/fraud/full-file.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FLEET = 48, THIEVES = 6 };

/* The first THIEVES steal, each in a way of its own. */
static void make_one(unsigned number, const char *id, uint32_t points, struct sg_fraud_days *d)
{
    struct made m;
    made_customer(&m, number, 0.2f);
    for (unsigned day = MADE_REFERENCE + 3; day < MADE_DAYS && number < THIEVES; day++) {
        float *x = m.load[day], mean = 0;
        for (unsigned h = 0; h < 24; h++)
            mean += x[h] / 24;
        for (unsigned h = 0; h < 24; h++)
            x[h] = number == 0   ? x[h] * 0.4f
                   : number == 1 ? (h >= 8 && h < 14 ? 0 : x[h])
                   : number == 2 ? mean
                   : number == 3 ? x[h] * (0.1f + 0.7f * made_share(day, h))
                   : number == 4 ? fmaxf(x[h] - 0.7f * mean, 0)
                                 : mean * (0.1f + 0.7f * made_share(day, h));
    }
    made_days(&m, id, points, 0, d);
}

static void name(unsigned number, char id[16])
{
    snprintf(id, 16, "c%u", number);
}

static void add(struct sg_full_sample *s, unsigned number)
{
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    char id[16];
    name(number, id);
    make_one(number, id, 24, &d);
    assert_int_equal(sg_full_sample_add(s, &d, NULL), 0);
}

static struct sg_full_model *train(struct sg_full_sample *s, unsigned threads)
{
    struct sg_full_training t = SG_FULL_TRAINING_DEFAULT;
    struct sg_full_model *m = NULL;
    t.threads = threads;
    t.repeats = 1;
    t.trees = 24;
    assert_int_equal(sg_full_train(s, &t, &m), 0);
    return m;
}

static struct sg_full_model *model;

static int setup(void **state)
{
    (void)state;
    SG_CLEANUP(sg_full_sample_freep) struct sg_full_sample *s = NULL;
    assert_int_equal(sg_full_sample_new(&s, &made_windows, 1000, 5), 0);
    for (unsigned i = 0; i < FLEET; i++)
        add(s, i);
    model = train(s, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sg_full_model_free(model);
    return 0;
}

static void judge(const struct sg_full_model *m, const struct sg_fraud_days *d,
                  const struct sg_fraud_context *ctx, struct sg_full_score *ret)
{
    SG_CLEANUP(sg_full_judge_freep) struct sg_full_judge *j = NULL;
    memset(ret, 0, sizeof(*ret));
    assert_int_equal(sg_full_judge_new(&j, m), 0);
    assert_int_equal(sg_full_judge_score(j, d, ctx, ret), 0);
}

static void judge_one(const struct sg_full_model *m, unsigned number, struct sg_full_score *ret)
{
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    char id[16];
    name(number, id);
    make_one(number, id, 24, &d);
    judge(m, &d, NULL, ret);
}

static void test_thieves_come_first(void **state)
{
    (void)state;
    double least = 1e9;
    for (unsigned i = 0; i < THIEVES; i++) {
        struct sg_full_score s;
        judge_one(model, i, &s);
        least = s.score < least ? s.score : least;
        assert_true(s.per_1000 < 100);
        assert_int_not_equal(s.reason[0].kind, SG_FULL_REASON_NONE);
    }
    unsigned above = 0;
    for (unsigned i = THIEVES; i < FLEET; i++) {
        struct sg_full_score s;
        judge_one(model, i, &s);
        above += s.score >= least;
    }
    assert_in_range(above, 0, 2);
}

/* Only the last days of the reference are there, no more than a placebo takes: it takes fewer. */
static void test_young_meters_are_judged(void **state)
{
    (void)state;
    SG_CLEANUP(sg_full_sample_freep) struct sg_full_sample *s = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_fraud_days young[FLEET];
    struct sg_full_score score[FLEET];
    unsigned above = 0;
    assert_int_equal(sg_full_sample_new(&s, &made_windows, 1000, 5), 0);
    for (unsigned i = 0; i < FLEET; i++) {
        char id[16];
        name(i, id);
        make_one(i, id, 24, &d);
        young[i] = (struct sg_fraud_days)SG_FRAUD_DAYS_INIT;
        assert_int_equal(sg_fraud_days_start(&young[i], id, 24), 0);
        for (uint32_t k = MADE_REFERENCE - 20; k < MADE_DAYS; k++)
            assert_int_equal(sg_fraud_days_add(&young[i], d.day[k], d.weekday[k],
                                               sg_fraud_days_row(&d, k), NULL),
                             0);
        assert_int_equal(sg_full_sample_add(s, &young[i], NULL), 0);
    }
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *m = train(s, 1);
    for (unsigned i = 0; i < FLEET; i++) {
        judge(m, &young[i], NULL, &score[i]);
        sg_fraud_days_clear(&young[i]);
        above += score[i].score >= 10;
        if (i < THIEVES)
            assert_int_equal(above, i + 1);
    }
    assert_in_range(above, THIEVES, THIEVES + 6);
}

static void same_models(const struct sg_full_model *a, const struct sg_full_model *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf x = SG_BUF_INIT(SG_FULL_BYTES_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf y = SG_BUF_INIT(SG_FULL_BYTES_MAX);
    assert_int_equal(sg_full_encode(a, &x), 0);
    assert_int_equal(sg_full_encode(b, &y), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&x), sg_buf_bytes(&y)));
}

/* Any order of customers, any split over samples, any number of threads: the same octets. */
static void test_order_and_threads_do_not_matter(void **state)
{
    (void)state;
    SG_CLEANUP(sg_full_sample_freep) struct sg_full_sample *s = NULL;
    SG_CLEANUP(sg_full_sample_freep) struct sg_full_sample *more = NULL;
    assert_int_equal(sg_full_sample_new(&s, &made_windows, 1000, 5), 0);
    assert_int_equal(sg_full_sample_new(&more, &made_windows, 1000, 5), 0);
    for (unsigned i = FLEET; i-- > 0;)
        add(i % 3 ? s : more, i);
    assert_int_equal(sg_full_sample_merge(s, more), 0);
    assert_int_equal(sg_full_sample_size(more), 0);
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *m = train(s, 3);
    same_models(m, model);
}

/* One model's octets and one score, on every compiler, kernel and machine. */
static void test_bits_are_those_of_always(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_FULL_BYTES_MAX);
    struct sg_full_score s;
    uint64_t h = 0, bits;
    assert_int_equal(sg_full_encode(model, &b), 0);
    for (size_t i = 0; i < b.len; i++)
        h = sg_fraud_mix(h ^ b.data[i]);
    assert_int_equal(h, UINT64_C(0x95fd130aacbffdd4));
    judge_one(model, 7, &s);
    memcpy(&bits, &s.score, sizeof(bits));
    assert_int_equal(bits, UINT64_C(0x40132a3e6b486cc7));
}

/* A bounded panel holds the same customers whichever came first. */
static void test_a_panel_is_chosen_by_hash(void **state)
{
    (void)state;
    SG_CLEANUP(sg_full_sample_freep) struct sg_full_sample *a = NULL;
    SG_CLEANUP(sg_full_sample_freep) struct sg_full_sample *b = NULL;
    assert_int_equal(sg_full_sample_new(&a, &made_windows, 30, 5), 0);
    assert_int_equal(sg_full_sample_new(&b, &made_windows, 30, 5), 0);
    for (unsigned i = 0; i < FLEET; i++) {
        add(a, i);
        add(b, FLEET - 1 - i);
    }
    assert_int_equal(sg_full_sample_size(a), 30);
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *m = train(a, 1);
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *n = train(b, 2);
    same_models(m, n);
    assert_int_equal(sg_full_model_panel(m), 30);
}

static void test_the_file_judges_like_the_model(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_FULL_BYTES_MAX);
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *m = NULL;
    assert_int_equal(sg_full_encode(model, &b), 0);
    assert_int_equal(sg_full_decode(sg_buf_bytes(&b), &m), 0);
    same_models(m, model);
    for (unsigned i = 0; i < FLEET; i += 5) {
        struct sg_full_score x, y;
        judge_one(model, i, &x);
        judge_one(m, i, &y);
        assert_true(x.score == y.score && x.margin == y.margin);
        assert_memory_equal(x.reason, y.reason, sizeof(x.reason));
    }
    assert_memory_equal(sg_full_model_windows(m), &made_windows, sizeof(made_windows));
}

static void test_a_damaged_file_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_FULL_BYTES_MAX);
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *m = NULL;
    assert_int_equal(sg_full_encode(model, &b), 0);
    struct sg_bytes bytes = sg_buf_bytes(&b);
    for (size_t n = 0; n < bytes.len; n += 1 + n / 7)
        assert_int_equal(sg_full_decode(SG_BYTES(bytes.data, n), &m), SG_FULL_FILE_NOT_A_MODEL);
    /* Its version stands behind the name of 19 letters: another one is not damage. */
    uint8_t *copy = malloc(bytes.len);
    memcpy(copy, bytes.data, bytes.len);
    assert_int_equal(copy[21], 2);
    copy[21] = 1;
    assert_int_equal(sg_full_decode(SG_BYTES(copy, bytes.len), &m), SG_FULL_FILE_VERSION);
    copy[21] = 2;
    copy[26] ^= 1; /* a letter of the features' label */
    assert_int_equal(sg_full_decode(SG_BYTES(copy, bytes.len), &m), SG_FULL_FILE_VERSION);
    free(copy);
    assert_null(m);
}

static void test_the_score_is_a_share_of_honest_windows(void **state)
{
    (void)state;
    double last = 2;
    const uint32_t n = model->n_null;
    for (double margin = (double)model->null[n - 1] - 3; margin < (double)model->null[0] + 9;
         margin += 0.01) {
        const double share = sg_full_share(model, margin);
        assert_true(share > 0 && share < last);
        last = share;
    }
    const double middle = sg_full_share(model, (double)model->null[n / 2]);
    assert_true(fabs(middle - 0.5) < 0.1);
    struct sg_full_score s;
    judge_one(model, 20, &s);
    assert_true(fabs(s.score - -10 * log10(s.per_1000 / 1000)) < 1e-9);
}

static void test_what_cannot_be_judged_is_said(void **state)
{
    (void)state;
    SG_CLEANUP(sg_full_judge_freep) struct sg_full_judge *j = NULL;
    SG_CLEANUP(sg_full_sample_freep) struct sg_full_sample *s = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_full_score score;
    struct sg_full_model *m = NULL;
    struct made made;
    memset(&made, 0, sizeof(made));
    made_days(&made, "zero", 24, 0, &d);
    assert_int_equal(sg_full_judge_new(&j, model), 0);
    assert_int_equal(sg_full_judge_score(j, &d, NULL, &score), SG_FULL_NO_LEVEL);
    assert_int_equal(sg_full_sample_new(&s, &made_windows, 1000, 5), 0);
    assert_int_equal(sg_full_sample_add(s, &d, NULL), SG_FULL_NO_LEVEL);
    make_one(9, "late", 24, &d);
    for (uint32_t i = 0; i < d.n_days; i++)
        d.day[i] += MADE_REFERENCE;
    assert_int_equal(sg_full_judge_score(j, &d, NULL, &score), SG_FULL_NO_REFERENCE);
    assert_int_equal(sg_full_sample_add(s, &d, NULL), SG_FULL_NO_REFERENCE);
    for (uint32_t i = 0; i < d.n_days; i++)
        d.day[i] -= 2 * MADE_REFERENCE;
    assert_int_equal(sg_full_judge_score(j, &d, NULL, &score), SG_FULL_NO_TEST);
    for (unsigned i = 0; i < SG_FULL_PANEL_LEAST - 1; i++)
        add(s, i);
    const struct sg_full_training t = SG_FULL_TRAINING_DEFAULT;
    assert_int_equal(sg_full_train(s, &t, &m), SG_FULL_NO_CUSTOMERS);
    const struct sg_corr_windows wide = {.reference = {0, 600}, .test = {601, 630}};
    assert_int_equal(sg_full_sample_new(&s, &wide, 10, 1), SG_FULL_TOO_LARGE);
}

/* Who drops its days is told so, and comes before itself with all of them. */
static void test_missing_days_count(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_full_score all, some;
    unsigned told = 0;
    judge_one(model, 20, &all);
    make_one(20, "c20", 24, &d);
    d.n_days -= 12;
    judge(model, &d, NULL, &some);
    assert_true(some.margin > all.margin + 2);
    for (unsigned i = 0; i < SG_FULL_REASONS; i++)
        if (some.reason[i].kind == SG_FULL_REASON_MISSING) {
            char text[SG_FULL_REASON_MAX];
            sg_full_reason_text(&some.reason[i], false, 0, text);
            assert_string_equal(text,
                                "readings missing on 60 % of days since day 68 (never before)");
            told++;
        }
    assert_int_equal(told, 1);
}

/* ---- readings that lack ---------------------------------------------------------------------- */

enum lacking { ANY_HOUR, PEAK, TWENTIETH };

/* A reading a day from the theft on, or one in twenty all along. */
static void drop(struct sg_fraud_days *d, uint32_t points, enum lacking how)
{
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days all = SG_FRAUD_DAYS_INIT;
    assert_int_equal(sg_fraud_days_copy(&all, d), 0);
    assert_int_equal(sg_fraud_days_start(d, all.id, points), 0);
    for (uint32_t i = 0; i < all.n_days; i++) {
        float row[SG_FRAUD_POINTS_MAX];
        uint32_t at = (uint32_t)((float)points * made_share(77, i));
        memcpy(row, sg_fraud_days_row(&all, i), points * sizeof(*row));
        for (uint32_t k = 0; k < points && how == PEAK; k++)
            at = row[k] > row[at] ? k : at;
        for (uint32_t k = 0; k < points && how == TWENTIETH; k++)
            row[k] = made_share(i, k) < 0.05f ? NAN : row[k];
        if (how != TWENTIETH && i >= MADE_REFERENCE + 3)
            row[at] = NAN;
        assert_int_equal(sg_fraud_days_add_part(d, all.day[i], all.weekday[i], row, NULL), 0);
    }
}

/* A reading a day made a day incomplete, and 30 of them a customer that nobody judged. */
static void test_dropping_readings_hides_no_theft(void **state)
{
    (void)state;
    static const uint32_t widths[] = {24, 48, 96};
    for (unsigned i = 0; i < THIEVES; i++)
        for (unsigned w = 0; w < 3; w++)
            for (enum lacking how = ANY_HOUR; how <= PEAK; how++) {
                SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
                struct sg_full_score whole, dropped;
                bool told = false;
                char id[16], text[SG_FULL_REASON_MAX];
                name(i, id);
                judge_one(model, i, &whole);
                make_one(i, id, widths[w], &d);
                drop(&d, widths[w], how);
                judge(model, &d, NULL, &dropped);
                assert_int_equal(dropped.n_test, MADE_DAYS - MADE_REFERENCE);
                assert_true(dropped.margin > whole.margin - 0.5);
                assert_true(dropped.score > 10);
                for (unsigned k = 0; k < SG_FULL_REASONS; k++) {
                    sg_full_reason_text(&dropped.reason[k], false, 0, text);
                    told |= !strcmp(text,
                                    "readings missing on 85 % of days since day 63 (never before)");
                }
                assert_true(told || dropped.family[SG_FEATURE_MISSING] > 1.5);
            }
}

/* All hours in which something is taken are dropped: little is left to see in the load. */
static void test_dropping_the_hours_of_a_theft_is_seen(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_full_score s, whole;
    struct made m;
    made_customer(&m, 20, 0.2f);
    judge_one(model, 20, &whole);
    assert_int_equal(sg_fraud_days_start(&d, "c20", 24), 0);
    for (unsigned day = 0; day < MADE_DAYS; day++) {
        for (unsigned h = 8; h < 14 && day >= MADE_REFERENCE + 3; h++)
            m.load[day][h] = NAN;
        assert_int_equal(
            sg_fraud_days_add_part(&d, (int32_t)day, m.weekday[day], m.load[day], NULL), 0);
    }
    judge(model, &d, NULL, &s);
    assert_true(s.margin > whole.margin + 3);
    assert_true(s.reason[0].kind == SG_FULL_REASON_MISSING);
}

/* The same share of readings lacks as ever: nothing is made of it, and the load is judged as it
 * would be. */
static void test_a_bad_link_accuses_nobody(void **state)
{
    (void)state;
    unsigned above = 0;
    for (unsigned i = THIEVES; i < FLEET; i++) {
        SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
        struct sg_full_score whole, lacking;
        char id[16];
        name(i, id);
        judge_one(model, i, &whole);
        make_one(i, id, 24, &d);
        drop(&d, 24, TWENTIETH);
        judge(model, &d, NULL, &lacking);
        assert_true(lacking.family[SG_FEATURE_MISSING] < 0.5);
        above += lacking.score > whole.score + 3;
    }
    assert_in_range(above, 0, 3);
}

/* Nothing is left to judge, though it arrives: judged by that; a customer that came with it is not.
 */
static void test_days_that_arrive_unusable_are_a_reason(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    SG_CLEANUP(sg_full_judge_freep) struct sg_full_judge *j = NULL;
    struct sg_full_score s;
    char text[SG_FULL_REASON_MAX];
    make_one(20, "c20", 24, &d);
    assert_int_equal(sg_full_judge_new(&j, model), 0);
    assert_int_equal(sg_full_judge_absence(j, &d, NULL, &s), SG_FULL_NO_TEST); /* nothing lacks */
    d.n_days = MADE_REFERENCE;
    assert_int_equal(sg_full_judge_absence(j, &d, NULL, &s), 0);
    assert_true(s.score > 5 && s.per_1000 < 300);
    sg_full_reason_text(&s.reason[0], false, 0, text);
    assert_string_equal(text, "readings missing on 100 % of days since day 60 (never before)");
    d.n_days = 1;
    assert_int_equal(sg_full_judge_absence(j, &d, NULL, &s), SG_FULL_NO_REFERENCE);
}

/* ---- not theft ------------------------------------------------------------------------------- */

enum change { VACANT, PANELS, TARIFF, FRIDGE, OFF, LARGE_PANELS };

static void change_one(unsigned number, enum change c, struct made *m)
{
    made_customer(m, number, 0.2f);
    float base = 1e9f, noon = 0;
    for (unsigned d = 0; d < MADE_REFERENCE; d++) {
        for (unsigned h = 0; h < 24; h++)
            base = m->load[d][h] < base ? m->load[d][h] : base;
        noon += m->load[d][12] / MADE_REFERENCE;
    }
    for (unsigned d = MADE_REFERENCE + 2; d < MADE_DAYS; d++) {
        float *x = m->load[d], moved = 0;
        const float clear = 0.3f + 0.7f * made_share(777 + number, d);
        static const float sun[24] = {
            [6] = 0.13f,  [7] = 0.38f,  [8] = 0.61f,  [9] = 0.79f,  [10] = 0.92f, [11] = 0.99f,
            [12] = 0.99f, [13] = 0.92f, [14] = 0.79f, [15] = 0.61f, [16] = 0.38f, [17] = 0.13f};
        for (unsigned h = 0; h < 24; h++) {
            const float share = made_share(number + d, 31 * h);
            if (c == VACANT)
                x[h] = base * (1.05f + 0.06f * share);
            else if (c == FRIDGE)
                x[h] = base / 8 * (0.7f + 0.6f * share);
            else if (c == OFF)
                x[h] = share < 0.1f ? base / 40 : 0;
            else if (c == PANELS || c == LARGE_PANELS)
                x[h] = fmaxf(x[h] - (c == PANELS ? 0.8f : 2.5f) * noon * clear * sun[h], 0);
            else if (c == TARIFF && h >= 17 && h < 21) {
                moved += 0.4f * x[h];
                x[h] *= 0.6f;
            }
        }
        for (unsigned h = 0; c == TARIFF && h < 5; h++)
            x[h] += moved / 5;
    }
}

static double score_of_change(unsigned number, enum change c, bool known, bool stolen,
                              struct sg_full_score *ret)
{
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_fraud_context ctx = SG_FRAUD_CONTEXT_NONE;
    struct made m;
    char id[16];
    change_one(number, c, &m);
    for (unsigned day = MADE_REFERENCE + 4; stolen && day < MADE_DAYS; day++)
        for (unsigned h = 0; h < 24; h++)
            m.load[day][h] *= 0.1f + 0.6f * made_share(number + day, 99 + h);
    name(number, id);
    made_days(&m, id, 24, 0, &d);
    if (known)
        *(c == PANELS || c == LARGE_PANELS ? &ctx.solar_since
          : c == TARIFF                    ? &ctx.tariff_since
                                           : &ctx.vacant_since) = MADE_REFERENCE + 2;
    judge(model, &d, &ctx, ret);
    return ret->score;
}

/* With the fact an honest change is far from the first; a thief behind the same fact is not. */
static void test_changes_with_a_fact_are_no_theft(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {SG_FULL_REASON_VACANT, SG_FULL_REASON_SOLAR,
                                    SG_FULL_REASON_TARIFF};
    for (unsigned c = VACANT; c <= TARIFF; c++)
        for (unsigned number = 20; number < 30; number += 2) {
            struct sg_full_score known, unknown, thief;
            const double with = score_of_change(number, (enum change)c, true, false, &known);
            const double without = score_of_change(number, (enum change)c, false, false, &unknown);
            const double stolen = score_of_change(number, (enum change)c, true, true, &thief);
            assert_true(with < without);
            assert_true(known.per_1000 > 100);
            assert_true(stolen > with + 3);
            assert_true(thief.per_1000 < 100);
            for (unsigned i = 0; i < SG_FULL_REASONS; i++)
                assert_int_not_equal(thief.reason[i].kind, kinds[c]);
        }
}

/* In premises known to be empty a refrigerator is left, or nothing at all.  Without the fact the
 * same is a by-pass of the whole meter, for all that the load says. */
static void test_a_house_known_to_be_empty_may_draw_next_to_nothing(void **state)
{
    (void)state;
    for (enum change c = FRIDGE; c <= OFF; c++)
        for (unsigned number = 20; number < 30; number += 2) {
            struct sg_full_score known, unknown;
            (void)score_of_change(number, c, true, false, &known);
            (void)score_of_change(number, c, false, false, &unknown);
            assert_true(known.per_1000 > 100);
            assert_true(unknown.per_1000 < 20);
        }
}

/* Panels that feed in leave nothing around noon, for more hours on a clear day than on others.  A
 * switch that takes the same hours every day does not. */
static void test_clouds_are_the_mark_of_panels(void **state)
{
    (void)state;
    for (unsigned number = 20; number < 30; number += 2) {
        SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
        struct sg_full_score panels, timer;
        struct made m;
        char id[16];
        (void)score_of_change(number, LARGE_PANELS, false, false, &panels);
        assert_true(panels.per_1000 > 50);
        made_customer(&m, number, 0.2f);
        for (unsigned day = MADE_REFERENCE + 2; day < MADE_DAYS; day++)
            for (unsigned h = 9; h < 16; h++)
                m.load[day][h] = 0;
        name(number, id);
        made_days(&m, id, 24, 0, &d);
        judge(model, &d, NULL, &timer);
        assert_true(timer.per_1000 < 20);
    }
}

/* Without the fact the pattern of an empty house is named, and lowers the score. */
static void test_an_empty_house_is_recognised(void **state)
{
    (void)state;
    unsigned named = 0;
    for (unsigned number = 20; number < 30; number += 2) {
        struct sg_full_score s;
        (void)score_of_change(number, VACANT, false, false, &s);
        for (unsigned i = 0; i < SG_FULL_REASONS; i++)
            if (s.reason[i].kind == SG_FULL_REASON_VACANT) {
                char text[SG_FULL_REASON_MAX];
                sg_full_reason_text(&s.reason[i], false, 0, text);
                assert_non_null(strstr(text, "looks like vacant premises"));
                named++;
            }
    }
    assert_int_equal(named, 5);
}

/* ---- words and pictures ---------------------------------------------------------------------- */

static void test_reasons_fit_a_field_of_csv(void **state)
{
    (void)state;
    char text[SG_FULL_REASON_MAX];
    for (unsigned k = SG_FULL_REASON_NONE; k < SG_FULL_REASON_COUNT; k++) {
        const struct sg_full_reason r = {.kind = (uint8_t)k, .a = 1234.5f, .b = 0.25f, .c = 20000};
        sg_full_reason_text(&r, true, 0, text);
        assert_null(strpbrk(text, ",\"\r\n;"));
        assert_int_equal(text[0] == 0, k == SG_FULL_REASON_NONE);
        assert_true(strlen(text) < SG_FULL_REASON_MAX - 1);
    }
    const struct sg_full_reason step = {.kind = SG_FULL_REASON_STEP, .a = 0.4f, .b = 9, .c = 3};
    sg_full_reason_text(&step, true, 20000, text);
    assert_string_equal(text, "load steps down by 60 % on 2024-10-07");
    sg_full_reason_text(&step, false, 90, text);
    assert_string_equal(text, "load steps down by 60 % on day 93");
    const struct sg_full_reason cap = {.kind = SG_FULL_REASON_PEAKS, .a = 12.3f, .b = 61, .c = 63};
    sg_full_reason_text(&cap, false, 0, text);
    assert_string_equal(text, "never passes 12.3 in an hour (before on 61 of 63 days)");
}

static void test_the_picture_shows_what_was_judged(void **state)
{
    (void)state;
    SG_CLEANUP(sg_full_judge_freep) struct sg_full_judge *j = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    static struct sg_full_picture p;
    struct sg_full_score s;
    make_one(0, "c0", 96, &d); /* from day 63 on 0.4 of the load */
    assert_int_equal(sg_full_judge_new(&j, model), 0);
    assert_int_equal(sg_full_judge_score(j, &d, NULL, &s), 0);
    sg_full_judge_picture(j, &d, NULL, &p);
    assert_int_equal(p.points, 96);
    assert_int_equal(p.kind, SG_FRAUD_WORKDAY);
    assert_int_equal(p.n_days, MADE_DAYS);
    assert_int_equal(p.first_recent, MADE_REFERENCE);
    assert_in_range(p.change_day, MADE_REFERENCE + 2, MADE_REFERENCE + 4);
    assert_int_equal(p.change_day, s.change_day);
    assert_int_equal(s.began, s.change_day);
    for (unsigned k = 0; k < 96; k++) {
        assert_true(p.low[k] <= p.regular[k] * 1.001f && p.regular[k] <= p.high[k] * 1.001f);
        assert_true(fabsf(p.recent[k] / p.regular[k] - 0.4f) < 0.1f);
    }
    for (uint32_t i = 0; i < p.n_days; i++) {
        const float ratio = p.level[i] / p.expected[i];
        assert_true(i < MADE_REFERENCE ? fabsf(ratio - 1) < 0.25f
                                       : i < MADE_REFERENCE + 3 || fabsf(ratio - 0.4f) < 0.15f);
    }
    double missing = 0, n = 0;
    for (uint32_t i = 0; i < p.n_days; i++)
        if (p.day[i] >= s.began) {
            missing += ((double)p.expected[i] - (double)p.level[i]) * 96;
            n++;
        }
    assert_true(fabs(s.missing_day - missing / n) < 1e-3 * s.missing_day);
}

/* A load that steps up lacks nothing, so nothing began. */
static void test_a_rise_began_nothing(void **state)
{
    (void)state;
    SG_CLEANUP(sg_full_judge_freep) struct sg_full_judge *j = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_full_score s;
    struct made m;
    made_customer(&m, THIEVES, 0.2f);
    for (unsigned day = MADE_REFERENCE + 3; day < MADE_DAYS; day++)
        for (unsigned h = 0; h < 24; h++)
            m.load[day][h] *= 1.8f;
    made_days(&m, "c6", 24, 0, &d);
    assert_int_equal(sg_full_judge_new(&j, model), 0);
    assert_int_equal(sg_full_judge_score(j, &d, NULL, &s), 0);
    assert_int_not_equal(s.change_day, SG_FRAUD_NO_DAY);
    assert_true(s.missing_day < 0);
    assert_int_equal(s.began, SG_FRAUD_NO_DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thieves_come_first),
        cmocka_unit_test(test_young_meters_are_judged),
        cmocka_unit_test(test_order_and_threads_do_not_matter),
        cmocka_unit_test(test_bits_are_those_of_always),
        cmocka_unit_test(test_a_panel_is_chosen_by_hash),
        cmocka_unit_test(test_the_file_judges_like_the_model),
        cmocka_unit_test(test_a_damaged_file_is_refused),
        cmocka_unit_test(test_the_score_is_a_share_of_honest_windows),
        cmocka_unit_test(test_what_cannot_be_judged_is_said),
        cmocka_unit_test(test_missing_days_count),
        cmocka_unit_test(test_dropping_readings_hides_no_theft),
        cmocka_unit_test(test_dropping_the_hours_of_a_theft_is_seen),
        cmocka_unit_test(test_a_bad_link_accuses_nobody),
        cmocka_unit_test(test_days_that_arrive_unusable_are_a_reason),
        cmocka_unit_test(test_changes_with_a_fact_are_no_theft),
        cmocka_unit_test(test_an_empty_house_is_recognised),
        cmocka_unit_test(test_a_house_known_to_be_empty_may_draw_next_to_nothing),
        cmocka_unit_test(test_clouds_are_the_mark_of_panels),
        cmocka_unit_test(test_reasons_fit_a_field_of_csv),
        cmocka_unit_test(test_the_picture_shows_what_was_judged),
        cmocka_unit_test(test_a_rise_began_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
