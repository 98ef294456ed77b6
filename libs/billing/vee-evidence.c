/* vee-evidence - estimates of a period in an evidence file, and the auditor's judgement of them. */
#include "vee-int.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>

#define SECTION "sealgrid-estimates-v1"

static int put_item(struct sg_buf *b, const struct sg_vee_estimate *e)
{
    int r = sg_cbor_put_array(b, 4);

    if (!r)
        r = sg_cbor_put_int(b, e->ts_s);
    if (!r)
        r = sg_cbor_put_int(b, e->energy_wh);
    if (!r)
        r = e->reactive_varh == SG_READING_NA ? sg_cbor_put_null(b)
                                              : sg_cbor_put_int(b, e->reactive_varh);
    return r ? r : sg_cbor_put_text(b, e->rule);
}

int sg_vee_section_encode(const uint8_t rules_sha256[32], const struct sg_vee_estimates *e,
                          struct sg_buf *ret)
{
    const size_t start = ret->len;
    int r = sg_cbor_put_array(ret, 3);

    if (!r)
        r = sg_cbor_put_text(ret, SECTION);
    if (!r)
        r = sg_cbor_put_bytes(ret, SG_BYTES(rules_sha256, 32));
    if (!r)
        r = sg_cbor_put_array(ret, e->n);
    for (size_t i = 0; i < e->n && !r; i++)
        r = put_item(ret, &e->items[i]);
    if (r)
        ret->len = start;
    return r;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static bool take_quantity(struct sg_reader *in, int64_t *ret, bool may_lack)
{
    enum sg_cbor_type type;

    if (sg_cbor_peek(in, &type) != 0)
        return false;
    if (type == SG_CBOR_SIMPLE && may_lack) {
        *ret = SG_READING_NA;
        return sg_cbor_get_null(in) == 0;
    }
    return sg_cbor_get_int(in, ret) == 0 && *ret >= -10000000 && *ret <= 10000000;
}

static bool take_rule(struct sg_reader *in, char ret[SG_VEE_NAME_MAX + 1])
{
    struct sg_bytes text;

    if (sg_cbor_get_text(in, &text) != 0 || text.len == 0 || text.len > SG_VEE_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    memcpy(ret, text.data, text.len);
    ret[text.len] = '\0';
    return true;
}

static bool take_item(struct sg_reader *in, struct sg_vee_estimate *ret)
{
    uint64_t n;

    *ret = (struct sg_vee_estimate){.ts_s = 0};
    return sg_cbor_get_array(in, &n) == 0 && n == 4 && sg_cbor_get_int(in, &ret->ts_s) == 0 &&
           ret->ts_s >= 0 && ret->ts_s <= INT64_C(253402300799) &&
           take_quantity(in, &ret->energy_wh, false) &&
           take_quantity(in, &ret->reactive_varh, true) && take_rule(in, ret->rule);
}

static bool take_head(struct sg_reader *in, struct sg_bytes *ret_sha256, uint64_t *ret_items)
{
    struct sg_bytes name;
    uint64_t n;

    return sg_cbor_get_array(in, &n) == 0 && n == 3 && sg_cbor_get_text(in, &name) == 0 &&
           sg_bytes_equal(name, SG_BYTES_LIT(SECTION)) && sg_cbor_get_bytes(in, ret_sha256) == 0 &&
           ret_sha256->len == 32 && sg_cbor_get_array(in, ret_items) == 0 &&
           *ret_items <= SG_VEE_SLOTS_MAX;
}

int sg_vee_section_decode(struct sg_bytes section, uint8_t ret_rules_sha256[32],
                          struct sg_vee_estimates *ret)
{
    struct sg_reader in = sg_reader_over(section);
    SG_FREE struct sg_vee_estimate *items = NULL;
    struct sg_bytes sha256;
    uint64_t n;

    if (!take_head(&in, &sha256, &n))
        return SG_VEE_SECTION_MALFORMED;
    items = calloc(n + 1, sizeof(*items));
    if (!items)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++)
        if (!take_item(&in, &items[i]) || (i && items[i].ts_s <= items[i - 1].ts_s))
            return SG_VEE_SECTION_MALFORMED;
    if (in.left)
        return SG_VEE_SECTION_MALFORMED;
    memcpy(ret_rules_sha256, sha256.data, 32);
    *ret = (struct sg_vee_estimates){TAKE_PTR(items), (size_t)n, 0};
    return 0;
}

const char *sg_vee_judgement_word(enum sg_vee_judgement j)
{
    static const char *const words[] = {
#define SG_C(id, word) [SG_VEE_ESTIMATE_##id] = (word),
        SG_VEE_JUDGEMENTS(SG_C)
#undef SG_C
    };
    return words[j];
}

/* ---- judging -----------------------------------------------------------------------------------
 */

/* A run of estimates with the same fault. */
struct fault {
    bool open;
    enum sg_vee_judgement what;
    int64_t from_s, until_s;
    uint64_t count;
    const char *text;
};

struct judge {
    const struct sg_vee_series *s;
    sg_vee_judge_fn fn;
    void *user;
    struct fault run;
};

static void flush(struct judge *j)
{
    if (j->run.open)
        j->fn(j->user, j->run.what, j->run.from_s, j->run.until_s, j->run.count, j->run.text);
    j->run.open = false;
}

static void blame(struct judge *j, enum sg_vee_judgement what, int64_t ts_s, const char *text)
{
    struct fault *run = &j->run;

    if (run->open && run->what == what && run->text == text &&
        run->until_s + j->s->interval_s == ts_s) {
        run->until_s = ts_s;
        run->count++;
        return;
    }
    flush(j);
    *run = (struct fault){true, what, ts_s - j->s->interval_s, ts_s, 1, text};
}

static bool names_step(const struct sg_vee_rules *rules, const char *rule)
{
    for (size_t i = 0; i < rules->n_steps; i++)
        if (!strcmp(rules->steps[i].rule, rule))
            return true;
    return false;
}

/* Of one told estimate that nothing asked for. */
static void judge_unasked(struct judge *j, const struct vee_grid *g,
                          const struct sg_vee_estimate *told)
{
    const int64_t slot = vee_slot_of(g, told->ts_s);

    if (slot < 0)
        blame(j, SG_VEE_ESTIMATE_ALTERED, told->ts_s, "not an interval of the period");
    else if (vee_genuine(g, (size_t)slot) || g->rows_in[slot] == 3)
        blame(j, SG_VEE_ESTIMATE_UNNEEDED, told->ts_s, "a signed reading of this interval exists");
    else
        blame(j, SG_VEE_ESTIMATE_ALTERED, told->ts_s,
              "no rule of the chain gives an estimate here");
}

static void judge_one(struct judge *j, const struct sg_vee_rules *rules,
                      const struct sg_vee_estimate *told, const struct sg_vee_estimate *right)
{
    if (!names_step(rules, told->rule))
        blame(j, SG_VEE_ESTIMATE_RULE, told->ts_s, "the rule file has no such rule");
    else if (strcmp(told->rule, right->rule) != 0)
        blame(j, SG_VEE_ESTIMATE_RULE, told->ts_s, "another rule of the chain holds here");
    else if (told->energy_wh != right->energy_wh)
        blame(j, SG_VEE_ESTIMATE_ALTERED, told->ts_s, "energy does not follow from the rule");
    else if (told->reactive_varh != right->reactive_varh)
        blame(j, SG_VEE_ESTIMATE_ALTERED, told->ts_s,
              "reactive energy does not follow from the rule");
}

/* Both lists are by time. */
static void compare(struct judge *j, const struct vee_grid *g, const struct sg_vee_rules *rules,
                    const struct sg_vee_estimates *told, const struct sg_vee_estimates *right)
{
    size_t a = 0, b = 0;

    while (a < told->n || b < right->n) {
        const int64_t ta = a < told->n ? told->items[a].ts_s : INT64_MAX;
        const int64_t tb = b < right->n ? right->items[b].ts_s : INT64_MAX;
        if (ta < tb)
            judge_unasked(j, g, &told->items[a++]);
        else if (tb < ta)
            blame(j, SG_VEE_ESTIMATE_ALTERED, right->items[b++].ts_s,
                  "an estimate that follows is not there");
        else
            judge_one(j, rules, &told->items[a++], &right->items[b++]);
    }
}

/* Without the rules: only whether there was need. */
static void judge_need(struct judge *j, const struct vee_grid *g,
                       const struct sg_vee_estimates *told)
{
    for (size_t i = 0; i < told->n; i++) {
        const int64_t slot = vee_slot_of(g, told->items[i].ts_s);
        if (slot < 0 || vee_genuine(g, (size_t)slot) || g->rows_in[slot] == 3)
            judge_unasked(j, g, &told->items[i]);
    }
}

static const struct sg_vee_rules *no_rules(struct sg_vee_rules *room, struct sg_tz *utc)
{
    *room = (struct sg_vee_rules){.tz = utc};
    return room;
}

static int judge_with(struct judge *j, const struct sg_vee_rules *rules,
                      const struct sg_vee_estimates *told)
{
    SG_CLEANUP(sg_vee_estimates_clear) struct sg_vee_estimates right = {NULL, 0, 0};
    SG_CLEANUP(vee_grid_clear) struct vee_grid g = {.n_slots = 0};
    int r = vee_grid_make(&g, rules, j->s);

    if (!r)
        r = sg_vee_estimate(rules, j->s, &right);
    if (!r)
        compare(j, &g, rules, told, &right);
    return r;
}

static int judge_without(struct judge *j, const struct sg_vee_estimates *told)
{
    SG_CLEANUP(vee_grid_clear) struct vee_grid g = {.n_slots = 0};
    SG_CLEANUP(sg_tz_freep) struct sg_tz *utc = NULL;
    struct sg_vee_rules room;
    int r = sg_tz_load(&utc, "UTC");

    if (r)
        return sg_fold(r);
    r = vee_grid_make(&g, no_rules(&room, utc), j->s);
    if (!r)
        judge_need(j, &g, told);
    return r;
}

int sg_vee_judge(const struct sg_vee_rules *rules, const struct sg_vee_series *s,
                 const uint8_t rules_sha256[32], const struct sg_vee_estimates *told,
                 sg_vee_judge_fn fn, void *user)
{
    struct judge j = {.s = s, .fn = fn, .user = user};
    int r;

    if (rules && memcmp(rules->sha256, rules_sha256, 32) != 0) {
        fn(user, SG_VEE_ESTIMATE_RULE, s->from_s, s->until_s, told->n,
           "made by another rule file than the one given");
        rules = NULL;
    }
    r = rules ? judge_with(&j, rules, told) : judge_without(&j, told);
    flush(&j);
    return r;
}

static void blame_section(const struct sg_vee_series *s, sg_vee_judge_fn fn, void *user,
                          const char *text)
{
    fn(user, SG_VEE_ESTIMATE_SECTION, s->from_s, s->until_s, 0, text);
}

int sg_vee_audit(const struct sg_vee_rules *rules, const struct sg_vee_series *s,
                 struct sg_bytes section, const uint8_t *bill_sha256, sg_vee_judge_fn fn,
                 void *user, struct sg_vee_estimates *ret)
{
    SG_CLEANUP(sg_vee_estimates_clear) struct sg_vee_estimates told = {NULL, 0, 0};
    uint8_t sha256[32], rules_sha256[32];

    if (section.len == 0) {
        if (bill_sha256)
            blame_section(s, fn, user, "the bill names estimates, the evidence has none");
        return 0;
    }
    sg_sha256(sha256, section);
    if (!bill_sha256 || memcmp(sha256, bill_sha256, 32) != 0)
        blame_section(s, fn, user,
                      bill_sha256 ? "not the estimates that the bill names"
                                  : "estimates of which the bill says nothing");
    int r = sg_vee_section_decode(section, rules_sha256, &told);
    if (r > 0)
        blame_section(s, fn, user, "unreadable");
    if (r)
        return r < 0 ? r : 0;
    r = sg_vee_judge(rules, s, rules_sha256, &told, fn, user);
    if (!r) {
        *ret = told;
        told = (struct sg_vee_estimates){NULL, 0, 0};
    }
    return r;
}
