#pragma once
/*
 * test-bill - for tests of bills: a tariff from text, a meter, and a bill of readings that a
 * function makes up.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/bill.h>

#define TB_HEADER                                                                                  \
    "format: 2\nid: t\ncurrency: BRL\ndecimals: 2\nzone: America/Sao_Paulo\n"                      \
    "interval_minutes: 15\nrounding: half-even\n"
#define TB_FROM   1788231600 /* 2026-09-01T00:00 in Sao Paulo */
#define TB_UNTIL  1790823600 /* 2026-10-01T00:00 */
#define TB_CLIENT INT64_C(3000000001)

/* A reading of the interval that ends at ts_s; false: there is none. */
typedef bool (*tb_fn)(void *user, int64_t ts_s, struct sg_bill_reading *ret);

struct tb_case {
    const struct sg_tariff *tariff;
    int64_t from_s, until_s;                /* 0: TB_FROM, TB_UNTIL */
    const struct sg_bill_install *installs; /* NULL: one meter "1000", ratio 1 */
    size_t n_installs;
    const char *contract; /* YAML of a list; NULL: none */
    tb_fn fn;
    void *user;
};
struct sg_tariff *tb_tariff(const char *yaml);
/* What sg_billing_new or sg_billing_finish said; the readings must be accepted. */
int tb_bill(const struct tb_case *c, struct sg_bill *ret);
/* As above, 0 expected. */
struct sg_bill tb_made(const struct tb_case *c);
/* Every interval has the energy that user, an int64_t, says. */
bool tb_flat(void *user, int64_t ts_s, struct sg_bill_reading *ret);
/* NULL if there is none of that code. */
const struct sg_bill_line *tb_line(const struct sg_bill *b, const char *code);
/* The line must be there: its quantity and amount. */
void tb_expect(const struct sg_bill *b, const char *code, int64_t quantity, int64_t amount);
