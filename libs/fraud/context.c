#include <sealgrid/fraud/context.h>

#include <string.h>

static const char *const words[SG_FRAUD_CLASS_COUNT] = {
#define X(name, word) word,
    SG_FRAUD_CLASSES(X)
#undef X
};

bool sg_fraud_context_holiday(const struct sg_fraud_context *c, int32_t day)
{
    if (!c)
        return false;
    const int64_t calendar = (int64_t)day + c->epoch;
    size_t low = 0, high = c->n_holidays;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (c->holiday[middle] < calendar)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->n_holidays && c->holiday[low] == calendar;
}

enum sg_fraud_day_kind sg_fraud_context_kind(const struct sg_fraud_context *c, int32_t day,
                                             uint8_t weekday)
{
    return sg_fraud_context_holiday(c, day) ? SG_FRAUD_WEEKEND : sg_fraud_day_kind_of(weekday);
}

enum sg_fraud_class sg_fraud_class_named(const char *word)
{
    for (unsigned c = 0; c < SG_FRAUD_CLASS_COUNT; c++)
        if (!strcmp(word, words[c]))
            return (enum sg_fraud_class)c;
    return SG_FRAUD_CLASS_UNKNOWN;
}
