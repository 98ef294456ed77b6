#pragma once
/*
 * basis - what an audit was made by: when, by which program, by which of the authority's own files
 * (as SHA-256), and how strictly.  Part of every signed report; docs/adr/0010 has the octets.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/billing/audit.h>

#define BASIS_TARIFFS_MAX 64
#define BASIS_TOOL_MAX    63

struct basis {
    int64_t made_s;
    char tool[BASIS_TOOL_MAX + 1];
    uint8_t installations[32], certificates[32];
    uint8_t tariffs[BASIS_TARIFFS_MAX][32]; /* in the order in which they were given */
    size_t n_tariffs;                       /* 0: amounts were checked by the bills' own lines */
    bool has_contracts, has_rules, has_operators;
    uint8_t contracts[32]; /* without it the bills' contracts were believed */
    uint8_t rules[32], operators[32];
    enum sg_audit_clock clock;
    bool require_crl;
};
SG_MUST_USE int basis_put(struct sg_buf *b, const struct basis *s);
bool basis_take(struct sg_reader *in, struct basis *ret);
