#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vee-fixture.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/evidence.h>
#include <sealgrid/crypto/hash.h>

#define FROM INT64_C(1788231600)
#define DAY  96

struct fixture {
    struct vx_load load;
    struct sg_vee_estimates honest;
};

static int make(void **state)
{
    static struct fixture f;
    vx_make(&f.load, "America/Sao_Paulo", FROM, 30 * DAY, 900, 7);
    vx_drop(&f.load, 1000, 4);
    vx_drop(&f.load, 2000, 40);
    f.load.rows[500].energy_wh = SG_READING_NA; /* signed, but without the quantity */
    *state = &f;
    return sg_vee_estimate(f.load.rules, &f.load.series, &f.honest);
}

static int clear(void **state)
{
    struct fixture *f = *state;
    sg_vee_estimates_clear(&f->honest);
    vx_clear(&f->load);
    return 0;
}

struct verdict {
    unsigned n, of[4];
    uint64_t count;
};

static void see(void *user, enum sg_vee_judgement j, int64_t from_s, int64_t until_s,
                uint64_t count, const char *text)
{
    struct verdict *v = user;
    assert_true(until_s > from_s);
    assert_non_null(text);
    v->n++;
    v->of[j]++;
    v->count = count;
}

static struct verdict judge(const struct fixture *f, const struct sg_vee_estimates *told)
{
    struct verdict v = {0};
    assert_int_equal(
        sg_vee_judge(f->load.rules, &f->load.series, f->load.rules->sha256, told, see, &v), 0);
    return v;
}

static void t_round_trip(void **state)
{
    const struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf a = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_vee_estimates_clear) struct sg_vee_estimates back = {NULL, 0, 0};
    uint8_t sha256[32];

    assert_int_equal(f->honest.n, 45);
    assert_int_equal(sg_vee_section_encode(f->load.rules->sha256, &f->honest, &a), 0);
    assert_int_equal(sg_vee_section_decode(sg_buf_bytes(&a), sha256, &back), 0);
    assert_memory_equal(sha256, f->load.rules->sha256, 32);
    assert_int_equal(back.n, f->honest.n);
    assert_int_equal(sg_vee_section_encode(sha256, &back, &b), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&a), sg_buf_bytes(&b)));
    for (size_t cut = 0; cut < a.len; cut++) {
        struct sg_vee_estimates none = {NULL, 0, 0};
        assert_int_equal(sg_vee_section_decode(SG_BYTES(a.data, cut), sha256, &none),
                         SG_VEE_SECTION_MALFORMED);
    }
    assert_int_equal(judge(f, &back).n, 0);
}

static void t_honest(void **state)
{
    const struct fixture *f = *state;
    assert_int_equal(judge(f, &f->honest).n, 0);
}

static void t_altered(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < f->honest.n; i++) {
        f->honest.items[i].energy_wh++;
        const struct verdict v = judge(f, &f->honest);
        assert_int_equal(v.n, 1);
        assert_int_equal(v.of[SG_VEE_ESTIMATE_ALTERED], 1);
        f->honest.items[i].energy_wh--;
    }
    f->honest.items[3].reactive_varh = SG_READING_NA;
    assert_int_equal(judge(f, &f->honest).of[SG_VEE_ESTIMATE_ALTERED], 1);
}

/* Values at the ends of what a meter can report, and no reactive energy. */
static void t_extremes(void **state)
{
    struct sg_vee_estimate items[2] = {
        {.rule = "a", .ts_s = 0, .energy_wh = -10000000, .reactive_varh = SG_READING_NA},
        {.rule = "b", .ts_s = 900, .energy_wh = 10000000, .reactive_varh = -10000000}};
    const struct sg_vee_estimates e = {items, 2, 0};
    const uint8_t sha256[32] = {7};

    (void)state;
    for (int over = 0; over < 2; over++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf section = SG_BUF_INIT(4096);
        SG_CLEANUP(sg_vee_estimates_clear) struct sg_vee_estimates back = {NULL, 0, 0};
        uint8_t got[32];
        items[0].energy_wh -= over;
        assert_int_equal(sg_vee_section_encode(sha256, &e, &section), 0);
        assert_int_equal(sg_vee_section_decode(sg_buf_bytes(&section), got, &back),
                         over ? SG_VEE_SECTION_MALFORMED : 0);
        if (!over)
            assert_int_equal(back.items[0].reactive_varh, SG_READING_NA);
    }
}

/* One Wh from an interval to another: the sum is right, both are named. */
static void t_moved(void **state)
{
    struct fixture *f = *state;

    f->honest.items[2].energy_wh--;
    f->honest.items[3].energy_wh++;
    const struct verdict v = judge(f, &f->honest);
    assert_int_equal(v.n, 1);
    assert_int_equal(v.count, 2);
}

static void t_left_out(void **state)
{
    struct fixture *f = *state;

    f->honest.n--;
    assert_int_equal(judge(f, &f->honest).of[SG_VEE_ESTIMATE_ALTERED], 1);
}

/* A reading withheld, an estimate in its place: the evidence still has the reading. */
static void t_unneeded(void **state)
{
    struct fixture *f = *state;

    f->honest.items[f->honest.n - 1].ts_s += 900;
    struct verdict v = judge(f, &f->honest);
    assert_int_equal(v.of[SG_VEE_ESTIMATE_UNNEEDED], 1);
    assert_int_equal(v.of[SG_VEE_ESTIMATE_ALTERED], 1); /* and the one that is lacking now */
    memset(&v, 0, sizeof(v));
    assert_int_equal(
        sg_vee_judge(NULL, &f->load.series, f->load.rules->sha256, &f->honest, see, &v), 0);
    assert_int_equal(v.of[SG_VEE_ESTIMATE_UNNEEDED], 1);
    assert_int_equal(v.n, 1);
}

static void t_rule(void **state)
{
    struct fixture *f = *state;
    uint8_t other[32] = {1};
    struct verdict v = {0};

    snprintf(f->honest.items[1].rule, sizeof(f->honest.items[1].rule), "by-hand");
    snprintf(f->honest.items[2].rule, sizeof(f->honest.items[2].rule), "same-kind");
    assert_int_equal(judge(f, &f->honest).of[SG_VEE_ESTIMATE_RULE], 2);
    assert_int_equal(sg_vee_judge(f->load.rules, &f->load.series, other, &f->honest, see, &v), 0);
    assert_int_equal(v.of[SG_VEE_ESTIMATE_RULE], 1);
    assert_int_equal(v.n, 1);
}

/* A genuine reading that came later: what was estimated in its place has had its day. */
static void t_superseded(void **state)
{
    struct fixture *f = *state;
    struct sg_vee_row row = f->load.rows[999];

    row.ts_s += 900;
    row.seq++;
    row.register_wh = SG_READING_NA;
    vx_insert(&f->load, 1000, &row);
    SG_CLEANUP(sg_vee_estimates_clear) struct sg_vee_estimates now = {NULL, 0, 0};
    assert_int_equal(sg_vee_estimate(f->load.rules, &f->load.series, &now), 0);
    assert_int_equal(now.n, f->honest.n - 1);
    assert_int_equal(judge(f, &f->honest).of[SG_VEE_ESTIMATE_UNNEEDED], 1);
    assert_int_equal(judge(f, &now).n, 0);
}

static struct verdict audit(const struct fixture *f, struct sg_bytes section, const uint8_t *sha256)
{
    SG_CLEANUP(sg_vee_estimates_clear) struct sg_vee_estimates e = {NULL, 0, 0};
    struct verdict v = {0};
    assert_int_equal(sg_vee_audit(f->load.rules, &f->load.series, section, sha256, see, &v, &e), 0);
    return v;
}

/* What the bill commits to is what the evidence shows. */
static void t_audit(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf section = SG_BUF_INIT(1 << 20);
    uint8_t sha256[32];

    assert_int_equal(sg_vee_section_encode(f->load.rules->sha256, &f->honest, &section), 0);
    sg_sha256(sha256, sg_buf_bytes(&section));
    assert_int_equal(audit(f, sg_buf_bytes(&section), sha256).n, 0);
    assert_int_equal(audit(f, SG_BYTES_NONE, NULL).n, 0);
    assert_int_equal(audit(f, SG_BYTES_NONE, sha256).of[SG_VEE_ESTIMATE_SECTION], 1);
    assert_int_equal(audit(f, sg_buf_bytes(&section), NULL).of[SG_VEE_ESTIMATE_SECTION], 1);
    assert_int_equal(audit(f, SG_BYTES(section.data, 9), sha256).of[SG_VEE_ESTIMATE_SECTION], 2);
    sha256[7] ^= 1;
    assert_int_equal(audit(f, sg_buf_bytes(&section), sha256).of[SG_VEE_ESTIMATE_SECTION], 1);
}

/* Both sections in a file of no block; cut anywhere, or with something behind, it is none. */
static void t_file(void **state)
{
    const struct sg_evidence_head head = {1, 900, 1800, 0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(4096);
    SG_FREE struct sg_evidence_block *b = calloc(1, sizeof(*b));
    struct sg_evidence_reader in;
    struct sg_evidence_head back;

    (void)state;
    assert_int_equal(sg_evidence_put_head_sections(&file, &head), 0);
    assert_int_equal(sg_evidence_put_sections(&file, SG_BYTES_LIT("abc"), SG_BYTES_NONE), 0);
    assert_int_equal(sg_evidence_open(&in, sg_buf_bytes(&file), &back), 0);
    assert_true(in.sections);
    assert_int_equal(sg_evidence_next(&in, b), SG_EVIDENCE_END);
    assert_int_equal(sg_evidence_next(&in, b), SG_EVIDENCE_END);
    assert_true(sg_bytes_equal(in.estimates, SG_BYTES_LIT("abc")));
    assert_int_equal(in.resolutions.len, 0);
    for (size_t cut = 0; cut < file.len; cut++)
        assert_true(sg_evidence_open(&in, SG_BYTES(file.data, cut), &back) ==
                        SG_EVIDENCE_MALFORMED ||
                    sg_evidence_next(&in, b) == SG_EVIDENCE_MALFORMED);
    assert_int_equal(sg_buf_append_u8(&file, 0), 0);
    assert_int_equal(sg_evidence_open(&in, sg_buf_bytes(&file), &back), 0);
    assert_int_equal(sg_evidence_next(&in, b), SG_EVIDENCE_MALFORMED);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, clear)
    const struct CMUnitTest tests[] = {T(t_round_trip), T(t_honest),   T(t_altered),  T(t_moved),
                                       T(t_extremes),   T(t_left_out), T(t_unneeded), T(t_rule),
                                       T(t_superseded), T(t_audit),    T(t_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
