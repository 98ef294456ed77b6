#include "options.h"

#define ROW(name, type, field, def, lo, hi, help)                                                  \
    {name, SG_CONF_##type, offsetof(struct bill_options, field), def, lo, hi, false, help},
static const struct sg_conf_option rows[] = {BILL_OPTIONS(ROW)};
#undef ROW

const struct sg_conf_table bill_table = {.program = "sealgrid-bill",
                                         .summary = "bills from signed readings",
                                         .options = rows,
                                         .n = sizeof(rows) / sizeof(rows[0])};
