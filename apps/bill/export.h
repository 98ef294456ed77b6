#pragma once
/*
 * export - one client's bill in the forms that other programs and people take: page, PDF, Green
 * Button, table.
 */
#include "client.h"
#include "options.h"

/* Does the command line ask for any of them? */
bool export_asked(const struct bill_options *o);
/* Writes what is asked for; c and terms are those that the bill was made from.  0; 1: said on
 * standard error; negative. */
SG_MUST_USE int export_bill(const struct bill_options *o, const struct client *c,
                            const struct terms *terms, const struct sg_bill *bill);
