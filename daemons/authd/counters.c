/* counters - see the table in the header. */
#include "counters.h"

#include <stdio.h>

struct auth_counters auth_counters = {
#define C(id, metric, text) .id = {.name = (metric), .help = (text)},
    AUTH_COUNTERS(C)
#undef C
        .aggregators = {.name = "sealgrid_authd_aggregators",
                        .help = "Aggregators connected now.",
                        .gauge = true},
};

/* One metric per word of a list, label reason. */
static void register_reasons(struct sg_metric *m, const char *const *words, size_t from, size_t n,
                             char (*labels)[40], const char *name, const char *help)
{
    for (size_t i = from; i < n; i++) {
        snprintf(labels[i], sizeof labels[i], "reason=\"%s\"", words[i]);
        m[i].name = name;
        m[i].labels = labels[i];
        m[i].help = help;
        sg_metric_register(&m[i]);
    }
}

void auth_counters_register(void)
{
    static char refused[SG_REFUSED_COUNT][40], dropped[SG_AUTH_DROP_COUNT][40];
#define C(id, metric, text) sg_metric_register(&auth_counters.id);
    AUTH_COUNTERS(C)
#undef C
    sg_metric_register(&auth_counters.aggregators);
    register_reasons(auth_counters.refused, sg_refusal_words, 1, SG_REFUSED_COUNT, refused,
                     "sealgrid_authd_readings_refused_total", "Readings refused, by reason.");
    register_reasons(auth_counters.dropped, sg_auth_drop_words, 0, SG_AUTH_DROP_COUNT, dropped,
                     "sealgrid_authd_frames_dropped_total", "Frames dropped, by reason.");
}
