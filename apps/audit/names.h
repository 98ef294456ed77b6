#pragma once
/*
 * names - the bills below DIR/bill, as sealgrid-bill --out writes them: "CLIENT/PERIOD".
 */
#include <sealgrid/base/error.h>

#include <stddef.h>

struct names {
    char **items;
    size_t n, capacity;
};
/* In alphabetic order; the caller clears it, after a failure too. */
SG_MUST_USE int names_read(struct names *ret, const char *dir);
void names_clear(struct names *n);
