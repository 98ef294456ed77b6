#include "learn-int.h"

enum { TENTHS = 10 };
#define WEIGHT_MOST      4.0
#define UNKNOWN_TOGETHER 0.5
#define UNKNOWN_MOST     0.1

static bool is_chosen(uint8_t outcome)
{
    return outcome != SG_LEARN_UNKNOWN;
}

static bool is_told(uint8_t outcome)
{
    return outcome == SG_LEARN_FRAUD || outcome == SG_LEARN_NOTHING;
}

/* The share inspected of one tenth of the ranking; one more of either kind than there are, so that
 * a tenth with none inspected has a share, too. */
static double share_of(const struct sg_learn_examples *e, const uint32_t *by_score, size_t from,
                       size_t to)
{
    double chosen = 1;
    for (size_t i = from; i < to; i++)
        chosen += is_chosen(e->outcome[by_score[i]]);
    return chosen / ((double)(to - from) + 2);
}

static double held_within(double v)
{
    return v > WEIGHT_MOST ? WEIGHT_MOST : v < 1 / WEIGHT_MOST ? 1 / WEIGHT_MOST : v;
}

/* Outcomes by how unlikely it was that one looked there. */
static void weigh_told(const struct sg_learn_examples *e, const uint32_t *by_score,
                       float *ret_weight)
{
    const double all = share_of(e, by_score, 0, e->n);
    for (size_t k = 0; k < TENTHS; k++) {
        const size_t from = k * e->n / TENTHS, to = (k + 1) * e->n / TENTHS;
        const double weight = held_within(all / share_of(e, by_score, from, to));
        for (size_t i = from; i < to; i++)
            ret_weight[by_score[i]] = is_told(e->outcome[by_score[i]]) ? (float)weight : 0;
    }
}

static void weigh_unknown(const struct sg_learn_examples *e, float *ret_weight)
{
    size_t unknown = 0, nothing = 0;
    for (size_t i = 0; i < e->n; i++) {
        unknown += e->outcome[i] == SG_LEARN_UNKNOWN;
        nothing += e->outcome[i] == SG_LEARN_NOTHING;
    }
    double each = unknown ? UNKNOWN_TOGETHER * (double)nothing / (double)unknown : 0;
    each = each > UNKNOWN_MOST ? UNKNOWN_MOST : each;
    for (size_t i = 0; i < e->n; i++)
        if (e->outcome[i] == SG_LEARN_UNKNOWN)
            ret_weight[i] = (float)each;
}

void learn_weigh(const struct sg_learn_examples *e, const struct sg_learn_settings *s,
                 const uint32_t *by_score, float *ret_weight, float *ret_label)
{
    weigh_told(e, by_score, ret_weight);
    weigh_unknown(e, ret_weight);
    for (size_t i = 0; i < e->n; i++)
        ret_label[i] =
            (float)(e->outcome[i] == SG_LEARN_FRAUD ? 1 - s->false_catch : s->overlooked);
}
