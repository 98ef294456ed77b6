#include "exact-int.h"
#include "learn-int.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { N = 900, F = 3 };

/* A fleet: feature 0 tells thieves well, the score less well, features 1 and 2 nothing. */
struct table {
    float x[N * F], score[N];
    uint8_t outcome[N], thief[N];
    int32_t day[N];
    uint64_t group[N], key[N];
};

static void fill(struct table *t, double tells, double score_tells)
{
    struct sg_prng p;
    sg_prng_seed(&p, 12);
    for (size_t i = 0; i < N; i++) {
        t->thief[i] = sg_prng_below(&p, 4) == 0;
        for (size_t f = 0; f < F; f++)
            t->x[i * F + f] = (float)(sg_prng_normal(&p) + (f == 0) * tells * t->thief[i]);
        t->score[i] = (float)(sg_prng_normal(&p) + score_tells * t->thief[i]);
        t->outcome[i] = t->thief[i] ? SG_LEARN_FRAUD : SG_LEARN_NOTHING;
        t->day[i] = (int32_t)(i / 3);
        t->group[i] = sg_prng_below(&p, 300);
        t->key[i] = i;
    }
}

static struct sg_learn_examples examples_of(const struct table *t)
{
    return (struct sg_learn_examples){.x = t->x,
                                      .score = t->score,
                                      .outcome = t->outcome,
                                      .day = t->day,
                                      .group = t->group,
                                      .key = t->key,
                                      .n = N,
                                      .features = F};
}

static struct sg_learn_settings settings(void)
{
    struct sg_learn_settings s = SG_LEARN_SETTINGS_DEFAULT;
    s.rounds = 200;
    s.training.trees = 40;
    s.training.shrinkage = 0.1;
    s.training.column_share = 1;
    return s;
}

static int learn(const struct table *t, struct sg_learned **ret, struct sg_learn_report *report)
{
    const struct sg_learn_examples e = examples_of(t);
    const struct sg_learn_settings s = settings();
    return sg_learn(&e, &s, "test/1", ret, report);
}

/* --- when it is used ----------------------------------------------------------------------- */

static void test_better(void **state)
{
    (void)state;
    static struct table t;
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    struct sg_learn_report r;
    fill(&t, 3, 1);
    assert_int_equal(learn(&t, &m, &r), 0);
    assert_true(r.has_folds && r.has_later);
    assert_true(r.later_from == 200 && r.first_day == 0 && r.last_day == 299);
    assert_int_equal(r.later.n_fraud + r.later.n_nothing, 300);
    assert_true(r.later.learnt.value > 0.9 && r.later.unsupervised.value < 0.6);
    assert_true(r.folds.learnt_auc.value > 0.95 && r.folds.unsupervised_auc.value < 0.85);
    assert_true(r.later.gain.low > 0.2 && r.later.gain.low < r.later.gain.value);
    /* The report sums up what the folds say one by one. */
    const struct sg_learn_examples e = examples_of(&t);
    const struct sg_learn_settings s = settings();
    double margin[N];
    uint32_t fold[N];
    struct learn_case cases[N];
    struct sg_learn_comparison c;
    assert_int_equal(sg_learn_folds(&e, &s, margin, fold), 0);
    for (size_t i = 0; i < N; i++) {
        assert_true(fold[i] < SG_LEARN_FOLDS);
        cases[i] = (struct learn_case){margin[i], (double)t.score[i], t.group[i], t.thief[i]};
        for (size_t k = 0; k < i; k++)
            assert_true(t.group[i] != t.group[k] || fold[i] == fold[k]);
    }
    assert_int_equal(learn_compare(cases, N, 100, 1, &c), 0);
    assert_true(c.learnt.value == r.folds.learnt.value);
    const struct sg_learned_facts f = sg_learned_facts(m);
    assert_string_equal(f.label, "test/1");
    assert_int_equal(f.features, F);
    assert_int_equal(f.n_fraud, r.n[SG_LEARN_FRAUD]);
    assert_int_equal(f.n_fraud + f.n_nothing, N);
    assert_true(f.first_day == 0 && f.last_day == 299);
}

/* The features tell nothing: whatever is learnt ranks no better than the score. */
static void test_not_better(void **state)
{
    (void)state;
    static struct table t;
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    struct sg_learn_report r;
    fill(&t, 0, 2);
    assert_int_equal(learn(&t, &m, &r), SG_LEARN_NOT_BETTER);
    assert_null(m);
    assert_true(r.has_later && r.later.gain.low <= 0);
}

static void test_few(void **state)
{
    (void)state;
    static struct table t;
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    struct sg_learn_report r;
    size_t frauds = 0;
    fill(&t, 3, 1);
    for (size_t i = 0; i < N; i++)
        if (t.outcome[i] == SG_LEARN_FRAUD && ++frauds >= SG_LEARN_LEAST)
            t.outcome[i] = SG_LEARN_NO_ACCESS;
    assert_int_equal(learn(&t, &m, &r), SG_LEARN_FEW);
    assert_int_equal(r.n[SG_LEARN_FRAUD], SG_LEARN_LEAST - 1);
    assert_int_equal(r.n[SG_LEARN_NO_ACCESS], frauds - SG_LEARN_LEAST + 1);
    assert_true(!r.has_folds && !r.has_later);
}

/* What was learnt holds no more: folds would take it, later outcomes do not. */
static void test_time_goes_one_way(void **state)
{
    (void)state;
    static struct table t;
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    struct sg_learn_report r;
    fill(&t, 4, 1);
    for (size_t i = 0; i < N; i++)
        if (t.day[i] >= 200) /* thieves look otherwise now */
            t.x[i * F] = -t.x[i * F];
    assert_int_equal(learn(&t, &m, &r), SG_LEARN_NOT_BETTER);
    assert_true(r.folds.gain.low > 0 && r.later.gain.value < 0);
}

/* A group's outcome in the earlier part tells nothing of the same group later: it is left out. */
static void test_groups_are_not_learnt_by_heart(void **state)
{
    (void)state;
    static struct table t;
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    struct sg_learn_report r;
    fill(&t, 0, 0.5);
    for (size_t i = 0; i < N; i++) {
        t.group[i] = i % 100;
        t.outcome[i] = sg_fraud_mix(t.group[i]) % 4 == 0 ? SG_LEARN_FRAUD : SG_LEARN_NOTHING;
        for (size_t f = 0; f < F; f++) /* names the group */
            t.x[i * F + f] = (float)(sg_fraud_mix(t.group[i] * F + f + 1000) % 1000);
    }
    assert_int_equal(learn(&t, &m, &r), SG_LEARN_NOT_BETTER);
    assert_true(r.has_folds && !r.has_later); /* every group has later outcomes */
    for (size_t i = 0; i < N; i++)
        t.group[i] = i; /* as if they did not belong together: learnt by heart */
    assert_int_equal(learn(&t, &m, &r), 0);
}

/* All of one day: there is no later; folds decide. */
static void test_one_day(void **state)
{
    (void)state;
    static struct table t;
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    struct sg_learn_report r;
    fill(&t, 3, 1);
    for (size_t i = 0; i < N; i++)
        t.day[i] = 120;
    assert_int_equal(learn(&t, &m, &r), 0);
    assert_true(r.has_folds && !r.has_later);
}

static void test_bad(void **state)
{
    (void)state;
    static struct table t;
    struct sg_learned *m = NULL;
    struct sg_learn_report r;
    fill(&t, 3, 1);
    struct sg_learn_examples e = examples_of(&t);
    struct sg_learn_settings s = settings();
#define BAD(change, undo)                                                                          \
    do {                                                                                           \
        change;                                                                                    \
        assert_int_equal(sg_learn(&e, &s, "x", &m, &r), SG_LEARN_BAD);                             \
        undo;                                                                                      \
    } while (0)
    BAD(t.x[5] = INFINITY, t.x[5] = NAN);
    BAD(t.score[7] = NAN, t.score[7] = 0);
    BAD(t.outcome[7] = SG_LEARN_OUTCOMES, t.outcome[7] = 0);
    BAD(e.n = 0, e.n = N);
    BAD(e.features = 0, e.features = F);
    BAD(s.overlooked = 0.6, s.overlooked = 0.05);
    BAD(s.false_catch = NAN, s.false_catch = 0);
    BAD(s.rounds = 99, s.rounds = 100);
    BAD(s.training.depth = 0, s.training.depth = 3);
#undef BAD
    assert_int_equal(sg_learn(&e, &s, "x", &m, &r), 0);
    sg_learned_free(m);
}

/* --- figures ------------------------------------------------------------------------------- */

/* By score T H T(tied with H) H: precision 1, then two of four together. */
static void test_comparison_by_hand(void **state)
{
    (void)state;
    const struct learn_case c[] = {
        {4, 1, 1, true}, {3, 1, 2, false}, {2, 1, 3, true}, {2, 1, 4, false}, {1, 1, 5, false}};
    struct sg_learn_comparison r;
    assert_int_equal(learn_compare(c, 5, 500, 1, &r), 0);
    assert_true(fabs(r.learnt.value - (1 + 2.0 / 4) / 2) < 1e-12);
    assert_true(fabs(r.learnt_auc.value - (3 + 1.5) / 6) < 1e-12);
    assert_true(fabs(r.unsupervised.value - 2.0 / 5) < 1e-12); /* all tied */
    assert_true(r.unsupervised_auc.value == 0.5);
    assert_true(fabs(r.gain.value - 0.35) < 1e-12);
    assert_true(r.gain.low < 0.35 && r.gain.high > 0.35 && r.learnt.high <= 1);
    assert_true(r.n_fraud == 2 && r.n_nothing == 3 && r.n_groups == 5);
}

/* The same cases nine times over are not surer if each is a group with its copies. */
static void test_groups_are_drawn_whole(void **state)
{
    (void)state;
    static struct learn_case c[900];
    struct sg_learn_comparison one, grouped, apart;
    struct sg_prng p;
    sg_prng_seed(&p, 4);
    for (size_t i = 0; i < 900; i++)
        c[i] = i < 100 ? (struct learn_case){.learnt = sg_prng_normal(&p) + (i % 4 == 0),
                                             .unsupervised = sg_prng_normal(&p),
                                             .group = i,
                                             .thief = i % 4 == 0}
                       : c[i - 100];
    assert_int_equal(learn_compare(c, 100, 400, 1, &one), 0);
    assert_int_equal(learn_compare(c, 900, 400, 1, &grouped), 0);
    for (size_t i = 0; i < 900; i++)
        c[i].group = i;
    assert_int_equal(learn_compare(c, 900, 400, 1, &apart), 0);
    assert_true(fabs(one.gain.low - grouped.gain.low) < 1e-9);
    assert_true(apart.gain.high - apart.gain.low < (one.gain.high - one.gain.low) / 2);
}

/* --- weights ------------------------------------------------------------------------------- */

/* 100 examples: the upper half was inspected, and every tenth of the lower one. */
static void test_weights(void **state)
{
    (void)state;
    static struct table t;
    float weight[N], label[N];
    uint32_t order[N];
    double unknown = 0;
    struct sg_learn_examples e = examples_of(&t);
    const struct sg_learn_settings s = SG_LEARN_SETTINGS_DEFAULT;
    e.n = 100;
    for (uint32_t i = 0; i < 100; i++) {
        order[i] = i;
        t.outcome[i] = i >= 50 || i % 10 == 0 ? SG_LEARN_NOTHING : SG_LEARN_UNKNOWN;
    }
    t.outcome[99] = SG_LEARN_FRAUD;
    t.outcome[98] = SG_LEARN_DEFECT;
    t.outcome[97] = SG_LEARN_NO_ACCESS;
    learn_weigh(&e, &s, order, weight, label);
    /* Of all (55 + 1) / (100 + 2), of a lower tenth 2 / 12, of an upper one 11 / 12. */
    const double all = 56.0 / 102;
    assert_true(fabs((double)weight[0] - all / (2.0 / 12)) < 1e-6);
    assert_true(fabs((double)weight[99] - all / (11.0 / 12)) < 1e-6);
    assert_true(weight[98] == 0 && weight[97] == 0);
    assert_true(label[99] == 0.98f && label[60] == 0.05f && label[1] == 0.05f);
    for (size_t i = 0; i < 100; i++)
        unknown += t.outcome[i] == SG_LEARN_UNKNOWN ? (double)weight[i] : 0;
    assert_true(fabs(unknown - 45 * 0.1) < 1e-5); /* not half of 52, but 0.1 each */
    /* Hardly any inspected below: no weight above 4. */
    for (uint32_t i = 1; i < 50; i++)
        t.outcome[i] = SG_LEARN_UNKNOWN;
    learn_weigh(&e, &s, order, weight, label);
    assert_true(weight[0] < 4 && weight[0] > 2.5f);
    for (uint32_t i = 0; i < 90; i++)
        t.outcome[i] = SG_LEARN_UNKNOWN;
    t.outcome[0] = SG_LEARN_NOTHING;
    learn_weigh(&e, &s, order, weight, label);
    assert_true(weight[99] >= 0.25f);
}

/* The same examples in another order: the same model. */
static void test_order_of_examples(void **state)
{
    (void)state;
    static struct table a, b;
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL, *k = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf x = SG_BUF_INIT(SG_LEARNED_BYTES_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf y = SG_BUF_INIT(SG_LEARNED_BYTES_MAX);
    struct sg_learn_report r;
    fill(&a, 3, 1);
    for (size_t i = 0; i < N; i++) {
        const size_t j = N - 1 - i;
        memcpy(b.x + j * F, a.x + i * F, F * sizeof(float));
        b.score[j] = a.score[i];
        b.outcome[j] = a.outcome[i];
        b.day[j] = a.day[i];
        b.group[j] = a.group[i];
        b.key[j] = a.key[i];
    }
    assert_int_equal(learn(&a, &m, &r), 0);
    assert_int_equal(learn(&b, &k, &r), 0);
    assert_int_equal(sg_learned_encode(m, &x), 0);
    assert_int_equal(sg_learned_encode(k, &y), 0);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
}

/* --- using it ------------------------------------------------------------------------------ */

static void test_use(void **state)
{
    (void)state;
    static struct table t;
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    struct sg_learn_report r;
    double expected = 0, found = 0;
    fill(&t, 2, 1);
    assert_int_equal(learn(&t, &m, &r), 0);
    for (size_t i = 0; i < N; i++) {
        double before = -HUGE_VAL;
        const double margin = sg_learned_margin(m, t.x + i * F, t.score[i]);
        expected += sg_learned_probability(m, margin);
        found += t.thief[i];
        if (i >= 20)
            continue;
        for (float score = -3; score < 3; score += 0.1f) { /* more suspect is never less so */
            const double now = sg_learned_margin(m, t.x + i * F, score);
            assert_true(now >= before - 1e-12);
            before = now;
        }
    }
    assert_true(fabs(expected / found - 1) < 0.1);
}

static void test_surprise(void **state)
{
    (void)state;
    double p[100], found, expected;
    uint8_t outcome[100];
    for (size_t i = 0; i < 100; i++) {
        p[i] = 0.5;
        outcome[i] = i < 64 ? SG_LEARN_FRAUD : SG_LEARN_NOTHING;
    }
    assert_true(fabs(sg_learned_surprise(p, outcome, 100, &found, &expected) - 14.0 / 5) < 1e-12);
    assert_true(found == 64 && expected == 50);
    outcome[0] = SG_LEARN_NO_ACCESS; /* tells nothing */
    sg_learned_surprise(p, outcome, 100, &found, &expected);
    assert_true(found == 63 && expected == 49.5);
    assert_true(sg_learned_surprise(p, outcome, 0, &found, &expected) == 0);
}

/* --- drift --------------------------------------------------------------------------------- */

static void add_all(struct sg_drift *d, const struct sg_learned *m, struct table *t, size_t n,
                    float shift)
{
    for (size_t i = 0; i < n; i++) {
        float row[F];
        memcpy(row, t->x + i * F, sizeof(row));
        row[1] += shift;
        sg_drift_add(d, row, t->score[i], sg_learned_margin(m, row, t->score[i]));
    }
}

static void test_drift(void **state)
{
    (void)state;
    static struct table t;
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    SG_CLEANUP(sg_drift_freep) struct sg_drift *same = NULL, *moved = NULL, *few = NULL;
    struct sg_learn_report r;
    bool warns;
    fill(&t, 3, 1);
    t.x[1] = NAN;
    assert_int_equal(learn(&t, &m, &r), 0);
    assert_int_equal(sg_drift_new(&same, m), 0);
    assert_int_equal(sg_drift_new(&moved, m), 0);
    assert_int_equal(sg_drift_new(&few, m), 0);
    add_all(same, m, &t, N, 0);
    add_all(moved, m, &t, N, 1);
    add_all(few, m, &t, 10, 1);
    for (uint32_t column = 0; column < F + 2; column++) {
        assert_true(sg_drift_index(same, column, &warns) < 1e-12 && !warns);
        assert_true((sg_drift_index(moved, column, &warns) > SG_DRIFT_LIMIT) == (column == 1));
        assert_true(warns == (column == 1));
        sg_drift_index(few, column, &warns); /* ten customers prove nothing */
        assert_false(warns);
    }
    assert_int_equal(sg_drift_customers(few), 10);
    add_all(few, m, &t, N, 1);
    assert_int_equal(sg_drift_customers(few), N + 10);
    assert_true(sg_drift_index(few, 1, &warns) > SG_DRIFT_LIMIT && warns);
}

/* Two classes of 2 and 2, then 1 and 3: (0.3 - 0.5) log(0.3 / 0.5) + (0.7 - 0.5) log(0.7 / 0.5), as
 * half a customer is added to either. */
static void test_index_by_hand(void **state)
{
    (void)state;
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    SG_CLEANUP(sg_drift_freep) struct sg_drift *d = NULL;
    const float now[] = {0, 1, 1, 1};
    bool warns;
    assert_int_equal(learned_new(&m, 1), 0);
    for (uint32_t column = 0; column < 3; column++)
        learned_population(m, column, (float[]){1, 0, 1, 0}, 4);
    assert_int_equal(sg_drift_new(&d, m), 0);
    for (size_t i = 0; i < 4; i++)
        sg_drift_add(d, &now[i], now[i], (double)now[i]);
    const double want = -0.2 * log(0.3 / 0.5) + 0.2 * log(0.7 / 0.5);
    for (uint32_t column = 0; column < 3; column++)
        assert_true(fabs(sg_drift_index(d, column, &warns) - want) < 1e-12 && !warns);
}

/* --- file ---------------------------------------------------------------------------------- */

static int decode(struct sg_bytes bytes)
{
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    int r = sg_learned_decode(bytes, &m);
    assert_int_equal(r == 0, m != NULL);
    return r;
}

static void test_file(void **state)
{
    (void)state;
    static struct table t;
    char folder[] = "/tmp/sealgrid-test-XXXXXX", path[64];
    SG_CLEANUP(sg_buf_clear) struct sg_buf x = SG_BUF_INIT(SG_LEARNED_BYTES_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf y = SG_BUF_INIT(SG_LEARNED_BYTES_MAX);
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL, *back = NULL;
    struct sg_learn_report r;
    struct stat st;
    fill(&t, 3, 1);
    assert_int_equal(learn(&t, &m, &r), 0);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/fleet.learned", folder);
    assert_true(sg_learned_load(path, &back) < 0);
    assert_int_equal(sg_learned_save(m, path), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(sg_learned_load(path, &back), 0);
    assert_int_equal(sg_learned_encode(m, &x), 0);
    assert_int_equal(sg_learned_encode(back, &y), 0);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    assert_true(sg_learned_margin(m, t.x, 1) == sg_learned_margin(back, t.x, 1));
    assert_int_equal(sg_remove_tree(folder), 0);
    for (size_t n = 0; n < x.len; n += n < 1000 ? 1 : 97)
        assert_int_equal(decode(SG_BYTES(x.data, n)), SG_LEARNED_NOT_LEARNED);
    assert_int_equal(sg_buf_append_u8(&x, 0), 0);
    assert_int_equal(decode(sg_buf_bytes(&x)), SG_LEARNED_NOT_LEARNED);
}

/* One field wrong at a time, of a model of one feature without trees. */
struct fields {
    const char *format;
    uint64_t version, fraud;
    int64_t first, last;
    uint32_t features, edge[27], count[33];
    size_t n_edges, n_counts, n_start;
    uint64_t start[2]; /* bits */
};

static int decode_fields(const struct fields *f)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096), trees = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *none = NULL;
    uint8_t edges[28 * 4] = {0}, counts[34 * 4] = {0}, start[24] = {0};
    sg_store_be64(start, f->start[0]);
    sg_store_be64(start + 8, f->start[1]);
    for (size_t i = 0; i < 27; i++)
        sg_store_be32(edges + 4 * i, f->edge[i]);
    for (size_t i = 0; i < 33; i++)
        sg_store_be32(counts + 4 * i, f->count[i]);
    assert_int_equal(trees_new(&none, f->features, 1), 0);
    assert_int_equal(sg_trees_encode(none, "x", &trees), 0);
    assert_int_equal(sg_cbor_put_array(&b, 10), 0);
    assert_int_equal(sg_cbor_put_text(&b, f->format), 0);
    assert_int_equal(sg_cbor_put_uint(&b, f->version), 0);
    assert_int_equal(sg_cbor_put_int(&b, f->first), 0);
    assert_int_equal(sg_cbor_put_int(&b, f->last), 0);
    assert_int_equal(sg_cbor_put_uint(&b, f->fraud), 0);
    assert_int_equal(sg_cbor_put_uint(&b, 4), 0);
    assert_int_equal(sg_cbor_put_bytes(&b, SG_BYTES(start, f->n_start)), 0);
    assert_int_equal(sg_cbor_put_bytes(&b, SG_BYTES(edges, f->n_edges * 4)), 0);
    assert_int_equal(sg_cbor_put_bytes(&b, SG_BYTES(counts, f->n_counts * 4)), 0);
    assert_int_equal(sg_cbor_put_bytes(&b, sg_buf_bytes(&trees)), 0);
    return decode(sg_buf_bytes(&b));
}

static void test_fields(void **state)
{
    (void)state;
    const struct fields good = {.format = "sealgrid-learned",
                                .version = 1,
                                .fraud = 3,
                                .first = -5,
                                .last = 20000,
                                .features = 2,
                                .n_edges = 27,
                                .n_counts = 33,
                                .n_start = 16,
                                .start = {0x3ff0000000000000u, 0}};
    assert_int_equal(decode_fields(&good), 0);
#define REFUSED(change, outcome)                                                                   \
    do {                                                                                           \
        struct fields f = good;                                                                    \
        f.change;                                                                                  \
        assert_int_equal(decode_fields(&f), outcome);                                              \
    } while (0)
    REFUSED(format = "sealgrid-learnet", SG_LEARNED_NOT_LEARNED);
    REFUSED(version = 2, SG_LEARNED_VERSION);
    REFUSED(fraud = UINT64_MAX, SG_LEARNED_NOT_LEARNED);
    REFUSED(first = 20001, SG_LEARNED_NOT_LEARNED);
    REFUSED(first = (int64_t)INT32_MIN - 1, SG_LEARNED_NOT_LEARNED);
    REFUSED(last = (int64_t)INT32_MAX + 1, SG_LEARNED_NOT_LEARNED);
    REFUSED(features = 1, SG_LEARNED_NOT_LEARNED);
    REFUSED(features = 3, SG_LEARNED_NOT_LEARNED);
    REFUSED(n_start = 15, SG_LEARNED_NOT_LEARNED);
    REFUSED(n_start = 17, SG_LEARNED_NOT_LEARNED);
    REFUSED(start[0] = 0, SG_LEARNED_NOT_LEARNED); /* slope 0 */
    REFUSED(start[0] = 0xbff0000000000000u, SG_LEARNED_NOT_LEARNED);
    REFUSED(start[1] = 0x7ff8000000000000u, SG_LEARNED_NOT_LEARNED);
    REFUSED(start[1] = 1ull << 63, SG_LEARNED_NOT_LEARNED);
    REFUSED(n_edges = 26, SG_LEARNED_NOT_LEARNED);
    REFUSED(n_edges = 28, SG_LEARNED_NOT_LEARNED);
    REFUSED(n_counts = 32, SG_LEARNED_NOT_LEARNED);
    REFUSED(n_counts = 34, SG_LEARNED_NOT_LEARNED);
    REFUSED(edge[26] = 0x7fc00000, SG_LEARNED_NOT_LEARNED); /* NaN */
    REFUSED(edge[26] = 0x7f800000, SG_LEARNED_NOT_LEARNED);
    REFUSED(edge[26] = 0x80000000, SG_LEARNED_NOT_LEARNED); /* negative zero */
    REFUSED(edge[3] = 0x3f800000, SG_LEARNED_NOT_LEARNED);  /* falls afterwards */
    REFUSED(edge[8] = 0x3f800000, 0);                       /* the last of its column may */
    REFUSED(count[32] = 1, SG_LEARNED_NOT_LEARNED);         /* another number of customers */
    REFUSED(count[0] = 1, SG_LEARNED_NOT_LEARNED);
#undef REFUSED
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_better),
        cmocka_unit_test(test_not_better),
        cmocka_unit_test(test_few),
        cmocka_unit_test(test_time_goes_one_way),
        cmocka_unit_test(test_groups_are_not_learnt_by_heart),
        cmocka_unit_test(test_one_day),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_comparison_by_hand),
        cmocka_unit_test(test_groups_are_drawn_whole),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_order_of_examples),
        cmocka_unit_test(test_use),
        cmocka_unit_test(test_surprise),
        cmocka_unit_test(test_drift),
        cmocka_unit_test(test_index_by_hand),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
