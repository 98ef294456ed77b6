#pragma once
/*
 * testkit rules - what must be true of evidence that is to be trusted by the default policy, octet
 * by octet, beside a good specimen.  Written from the vendors' documents, not from the verifiers:
 * whoever changes evidence and signs it again knows from here what the verdict must be, both ways.
 */
#include "amd.h"
#include "intel.h"

/* Octets [from, until).  Bits in `same` are those of the good specimen; with same 0 the octets are
 * a little-endian number in [low, high], or (or_high not 0) in [or_low, or_high].  What no rule
 * names is the guest's own affair: free. */
struct tk_rule {
    uint16_t from, until;
    uint8_t same;
    uint64_t low, high;
    const char *why;
    uint64_t or_low, or_high;
};

#define TK_RULES_MAX 24
struct tk_rules {
    size_t n;
    struct tk_rule at[TK_RULES_MAX];
};

/* The first rule that does not hold, or NULL.  Both have the octets that the rules name. */
const struct tk_rule *tk_rules_broken(const struct tk_rules *rules, const uint8_t *good,
                                      const uint8_t *is);

/* A quote's header of 48 octets, of any version; which version goes with what is not said here. */
extern const struct tk_rules tk_rules_quote_header;
/* Bodies, behind what version 5 says of them. */
extern const struct tk_rules tk_rules_sgx_body, tk_rules_td_body;
/* The quoting enclave's report; whom it vouches for (REPORTDATA) is not said here. */
extern const struct tk_rules tk_rules_qe;
/* A report of one version for one product, signed by a chip's key or a provider's. */
struct tk_rules tk_rules_snp(unsigned version, enum tk_product product, bool vlek);
