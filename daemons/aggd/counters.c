/* counters - see the table in the header. */
#include "counters.h"

struct agg_counters agg_counters = {
#define C(id, metric, label, is_gauge, text)                                                       \
    .id = {.name = (metric), .labels = (label), .help = (text), .gauge = (is_gauge)},
    AGG_COUNTERS(C)
#undef C
};

void agg_counters_register(void)
{
#define C(id, metric, label, is_gauge, text) sg_metric_register(&agg_counters.id);
    AGG_COUNTERS(C)
#undef C
}
