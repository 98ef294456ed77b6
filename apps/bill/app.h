#pragma once
/*
 * app - the program sealgrid-bill: its terms, loaded once, and what bills from files and bills from
 * the store share.
 * Exit 0: every bill was made; 1: some client was refused; 2: unusable input.
 */
#include "client.h"
#include "fleet.h"

#include <sealgrid/cas/client.h>

#define EXIT_REFUSED  1
#define EXIT_UNUSABLE 2

struct app {
    struct bill_options options;
    struct sg_tariff *tariff;
    struct sg_contracts contracts;
    struct sg_vee_rules *rules;           /* NULL: nothing is estimated */
    struct sg_cas_grant grant, estimates; /* as service "bill" and, to write estimates, "vee" */
};

/* Says what is wrong, or where a failure came from, on standard error.  EXIT_UNUSABLE. */
int app_complain(const char *what, const char *why);
int app_fail(const char *what);
/* NULL: none were given. */
const struct sg_contracts *app_contracts(const struct app *a);
/* True and the ends if the command line names a period; *ret_bad if it names it wrongly. */
bool app_period(const struct app *a, int64_t *from_s, int64_t *until_s, bool *ret_bad);
/* The bill as the command line asks for it: other forms, then a line or JSON.  An exit code. */
int app_put_bill(const struct app *a, const struct client *c, const struct terms *terms,
                 const struct sg_bill *bill, struct sg_bytes json);
/* EXIT_REFUSED. */
int app_put_refusal(const struct refusal *why);

/* Exit codes. */
int app_on_file(struct app *a);
int app_on_store(struct app *a);
