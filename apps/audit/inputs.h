#pragma once
/*
 * inputs - what the authority brings to every command: its records, its certificates and lists, and
 * perhaps the tariff.  Each function says on standard error what is wrong and returns
 * EXIT_UNUSABLE.
 */
#include <sealgrid/base/conf.h>
#include <sealgrid/billing/audit.h>

#include "basis.h"

#define EXIT_FINDINGS 1
#define EXIT_UNUSABLE 2

struct inputs {
    struct sg_installations installations;
    struct sg_authority authority, operators;
    struct sg_contracts contracts;
    struct sg_vee_rules *rules;
    struct sg_tariff *tariff; /* of commands that take one */
    struct sg_tariff *tariffs[BASIS_TARIFFS_MAX];
    size_t n_tariffs;
    struct basis basis; /* SHA-256 of the octets that were read; when and how are the caller's */
};
void inputs_clear(struct inputs *in);

int complain(const char *what, const char *why);
/* installations NULL: installations.json in the folder that keys names first. */
SG_MUST_USE int inputs_installations(struct inputs *in, const char *installations,
                                     const struct sg_conf_list *keys);
SG_MUST_USE int inputs_keys(struct inputs *in, const struct sg_conf_list *keys);
/* tariff NULL: none. */
SG_MUST_USE int inputs_tariff(struct inputs *in, const char *tariff);
/* Empty: none. */
SG_MUST_USE int inputs_tariffs(struct inputs *in, const struct sg_conf_list *tariffs);
/* NULL: none. */
SG_MUST_USE int inputs_contracts(struct inputs *in, const char *contracts);
/* NULL: none. */
SG_MUST_USE int inputs_rules(struct inputs *in, const char *rules);
/* Empty: none. */
SG_MUST_USE int inputs_operators(struct inputs *in, const struct sg_conf_list *operators);
/* Whole, at most max octets. */
SG_MUST_USE int inputs_file(const char *path, size_t max, struct sg_buf *ret);
/* Unpacked. */
SG_MUST_USE int inputs_evidence(const char *path, struct sg_buf *ret);
