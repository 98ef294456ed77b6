#include "options.h"

#define ROW(...) SG_CONF_ROW(struct fraud_options, __VA_ARGS__)
static const struct sg_conf_option rows[] = {FRAUD_OPTIONS(ROW)};
#undef ROW

const struct sg_conf_table fraud_table = {.program = "sealgrid-fraud",
                                          .summary = "a ranking of suspected fraud",
                                          .options = rows,
                                          .n = sizeof(rows) / sizeof(rows[0])};
