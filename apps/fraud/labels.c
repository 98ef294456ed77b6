#include "labels.h"

#include <math.h>
#include <stdio.h>

#include <sealgrid/base/file.h>
#include <sealgrid/base/grow.h>

#include "csv.h"

#define FILE_BYTES_MAX ((size_t)1 << 30)
#define LOWEST         -1e300
#define ENERGY_MAX     1e18 /* sums over any number of customers stay finite */

const unsigned verdict_ks[VERDICT_N_K] = {
#define K(k) k,
    VERDICT_KS(K)
#undef K
};

void labels_clear(struct labels *l)
{
    free(l->list);
    *l = (struct labels){.list = NULL};
}

/* ---- file ---------------------------------------------------------------------------------- */

/* Positions of the columns that are used; -1: not there. */
struct columns {
    int customer, label, type, start, full, reported;
};

static bool begins(struct sg_bytes field, const char *with)
{
    const size_t n = strlen(with);
    return field.len >= n && memcmp(field.data, with, n) == 0;
}

static struct columns find_columns(const struct sg_bytes *field, size_t n)
{
    struct columns c = {-1, -1, -1, -1, -1, -1};
    for (int i = 0; i < (int)n; i++) {
        if (csv_is(field[i], "customer") || csv_is(field[i], "client"))
            c.customer = i;
        else if (csv_is(field[i], "label"))
            c.label = i;
        else if (csv_is(field[i], "type"))
            c.type = i;
        else if (csv_is(field[i], "start_day"))
            c.start = i;
        else if (begins(field[i], "true_"))
            c.full = i;
        else if (begins(field[i], "reported_"))
            c.reported = i;
    }
    return c;
}

/* Nothing, which leaves *ret, or a whole number. */
static bool whole(struct sg_bytes field, double from, double to, double *ret)
{
    double v;
    if (field.len == 0)
        return true;
    if (!csv_number(field, &v) || v != floor(v) || v < from || v > to)
        return false;
    *ret = v;
    return true;
}

static bool energy(struct sg_bytes field, double *ret)
{
    return csv_number(field, ret) && fabs(*ret) <= ENERGY_MAX;
}

/* 0 or 1, in the ways that tables of other programs write them. */
static bool truth(struct sg_bytes field, bool *ret)
{
    static const char *const words[2][4] = {{"0", "0.0", "False", "FALSE"},
                                            {"1", "1.0", "True", "TRUE"}};
    for (int v = 0; v < 2; v++)
        for (int i = 0; i < 4; i++)
            if (csv_is(field, words[v][i])) {
                *ret = v;
                return true;
            }
    return false;
}

/* What is wrong with the line, or NULL. */
static const char *take_label(const struct columns *c, const struct sg_bytes *field, size_t n,
                              struct label *ret)
{
    const struct sg_bytes id = csv_at(field, n, c->customer), label = csv_at(field, n, c->label);
    double type = 0, start = -1, full, reported;
    bool thief;
    if (!csv_is_name(id))
        return "customer: 1 to 63 octets without quotes";
    if (!truth(label, &thief))
        return "label: 0 or 1";
    if (!whole(csv_at(field, n, c->type), 0, LABEL_TYPES - 1, &type))
        return "type: 0 to 15";
    if (!whole(csv_at(field, n, c->start), -1e6, 1e6, &start))
        return "start_day: not a day";
    *ret = (struct label){.thief = thief, .type = (uint8_t)type, .start_day = (int32_t)start};
    memcpy(ret->id, id.data, id.len);
    if (c->full < 0 || c->reported < 0)
        return NULL;
    if (!energy(csv_at(field, n, c->full), &full) ||
        !energy(csv_at(field, n, c->reported), &reported))
        return "energy: not a number within 10^18";
    ret->energy = full - reported;
    return NULL;
}

/* true_kwh_test, true_wh: the energies' unit stands in the column's name. */
static double unit_of(struct sg_bytes name)
{
    static const struct {
        const char *word;
        double kwh;
    } units[] = {{"mwh", 1000}, {"kwh", 1}, {"wh", 1e-3}};
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (name.len && memmem(name.data, name.len, units[i].word, strlen(units[i].word)))
            return units[i].kwh;
    return 1;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct label *)a)->id, ((const struct label *)b)->id);
}

static const char *check_once(const struct labels *l)
{
    for (size_t i = 1; i < l->n; i++)
        if (by_id(&l->list[i - 1], &l->list[i]) == 0)
            return "a customer has two labels";
    return NULL;
}

/* Positive: what is wrong is said. */
static int take_lines(struct labels *l, struct sg_bytes text, size_t most, char why[160])
{
    struct sg_bytes line, field[CSV_COLUMNS_MAX];
    const struct columns none = {-1, -1, -1, -1, -1, -1};
    struct columns c = none;
    text = csv_text(text);
    for (unsigned at_line = 1; csv_line(&text, &line); at_line++) {
        const char *wrong = NULL;
        const size_t n = csv_split(line, field);
        int r = l->n < most ? sg_grow(&l->list, &l->room, l->n, most) : 0;
        if (r)
            return r;
        if (at_line == 1) {
            c = find_columns(field, n);
            l->kwh = unit_of(csv_at(field, n, c.full));
            wrong = c.customer < 0 || c.label < 0 ? "columns customer and label are wanted" : NULL;
        } else if (line.len && l->n == most) {
            wrong = "more labels than there may be";
        } else if (line.len) {
            wrong = take_label(&c, field, n, &l->list[l->n]);
            l->n += wrong == NULL;
        }
        if (wrong) {
            snprintf(why, 160, "line %u: %s", at_line, wrong);
            return LABELS_BAD;
        }
    }
    return 0;
}

int labels_parse_most(struct labels *ret, struct sg_bytes text, size_t most, char why[160])
{
    SG_CLEANUP(labels_clear) struct labels l = {.list = NULL};
    int r = take_lines(&l, text, most, why);
    if (r)
        return r;
    if (l.n)
        qsort(l.list, l.n, sizeof(*l.list), by_id);
    const char *wrong = l.n ? check_once(&l) : "no label in it";
    if (wrong) {
        snprintf(why, 160, "%s", wrong);
        return LABELS_BAD;
    }
    *ret = l;
    l.list = NULL;
    return 0;
}

int labels_parse(struct labels *ret, struct sg_bytes text, char why[160])
{
    return labels_parse_most(ret, text, LABELS_MAX, why);
}

int labels_read(struct labels *ret, const char *path, char why[160])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(FILE_BYTES_MAX);
    int r = sg_file_read(path, &text);
    return r ? r : labels_parse(ret, sg_buf_bytes(&text), why);
}

const struct label *labels_find(const struct labels *l, const char *id)
{
    struct label key;
    if (l->n == 0 || strlen(id) > SG_FRAUD_ID_MAX)
        return NULL;
    memcpy(key.id, id, strlen(id) + 1);
    return bsearch(&key, l->list, l->n, sizeof(key), by_id);
}

/* ---- verdict ------------------------------------------------------------------------------- */

/* The customers with a label, as cases in order of rank, and their types. */
struct cases {
    struct sg_judge_case *list;
    uint8_t *type;
    size_t n;
};

static void cases_clear(struct cases *c)
{
    free(c->list);
    free(c->type);
}

/* What a walk over the ranking fills. */
struct casting {
    const struct labels *labels;
    struct cases *cases;
    struct verdict *v;
};

static int cast(void *ctx, const struct line *line, size_t rank)
{
    struct casting *c = ctx;
    const struct label *label = labels_find(c->labels, line->id);
    (void)rank;
    if (!label) {
        c->v->unlabelled++;
        return 0;
    }
    if (c->cases->n == c->labels->n)
        return sg_raisef(-EBADMSG, "a customer stands in the ranking twice");
    c->cases->type[c->cases->n] = label->type;
    c->cases->list[c->cases->n++] =
        (struct sg_judge_case){.score = score_ranks(line) ? line->score : LOWEST,
                               .energy = label->thief ? label->energy : 0,
                               .thief = label->thief};
    c->v->thieves += label->thief;
    c->v->energy += label->thief ? label->energy : 0;
    return 0;
}

static int make_cases(const struct labels *l, const struct ranking *r, struct cases *ret,
                      struct verdict *v)
{
    struct casting c = {.labels = l, .cases = ret, .v = v};
    ret->list = calloc(l->n + 1, sizeof(*ret->list));
    ret->type = calloc(l->n + 1, 1);
    if (!ret->list || !ret->type)
        return sg_raise(-ENOMEM);
    int e = ranking_each(r, cast, &c);
    if (e)
        return e;
    v->customers = ret->n;
    v->unseen = l->n - ret->n;
    return 0;
}

static int judge_all(const struct cases *c, const struct sg_judge_rounds *rounds, struct verdict *v)
{
    enum { EACH = 3, N = 3 + EACH * VERDICT_N_K };
    struct sg_judge_figure f[N] = {
        {SG_JUDGE_AUC, 0}, {SG_JUDGE_AVERAGE_PRECISION, 0}, {SG_JUDGE_FALSE_PER_1000, 0.5}};
    struct sg_judge_interval got[N];
    for (size_t i = 0; i < VERDICT_N_K; i++) {
        f[3 + EACH * i] = (struct sg_judge_figure){SG_JUDGE_PRECISION_AT, verdict_ks[i]};
        f[4 + EACH * i] = (struct sg_judge_figure){SG_JUDGE_LIFT_AT, verdict_ks[i]};
        f[5 + EACH * i] = (struct sg_judge_figure){SG_JUDGE_RECOVERED_AT, verdict_ks[i]};
    }
    int r = sg_judge(c->list, c->n, f, N, rounds, got);
    if (r)
        return r;
    v->auc = got[0];
    v->average_precision = got[1];
    v->false_alarms = got[2];
    for (size_t i = 0; i < VERDICT_N_K; i++) {
        v->precision[i] = got[3 + EACH * i];
        v->lift[i] = got[4 + EACH * i];
        v->recovered[i] = got[5 + EACH * i];
    }
    return 0;
}

static int judge_types(const struct cases *c, struct verdict *v)
{
    const struct sg_judge_figure f = {SG_JUDGE_AUC, 0};
    const struct sg_judge_rounds none = {.level = 0.95};
    SG_FREE struct sg_judge_case *some = calloc(c->n + 1, sizeof(*some));
    if (!some)
        return sg_raise(-ENOMEM);
    for (int type = 0; type < LABEL_TYPES; type++) {
        struct sg_judge_interval got;
        size_t n = 0;
        for (size_t i = 0; i < c->n; i++)
            if (!c->list[i].thief || c->type[i] == type)
                some[n++] = c->list[i];
        int r = sg_judge(some, n, &f, 1, &none, &got);
        if (r)
            return r;
        v->type_auc[type] = got.value;
    }
    return 0;
}

int labels_judge(const struct labels *l, const struct ranking *r, uint32_t rounds, uint64_t seed,
                 struct verdict *ret)
{
    SG_CLEANUP(cases_clear) struct cases c = {.list = NULL};
    const struct sg_judge_rounds b = {.rounds = rounds, .seed = seed, .level = 0.95};
    struct verdict v = {.customers = 0};
    int e = make_cases(l, r, &c, &v);
    if (e == 0)
        e = judge_all(&c, &b, &v);
    if (e == 0)
        e = judge_types(&c, &v);
    if (e)
        return e;
    *ret = v;
    return 0;
}
