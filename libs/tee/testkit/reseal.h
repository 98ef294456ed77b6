#pragma once
/*
 * testkit reseal - a quote of any layout, changed anywhere, made whole again: keys, signatures,
 * binding and lengths of a make-believe platform are put where that layout has them.
 */
#include "intel.h"
#include "rules.h"

/* Offsets in a quote that is at least as long as they say. */
struct tk_quote_layout {
    size_t body, body_len, size, signature, key;
    size_t nested; /* type and size of what is around the QE's report; 0: version 3 has none */
    size_t qe, auth_len, auth, cert;
    size_t auth_octets;
    bool td;
};

enum tk_reseal {
    TK_OWN_BINDING = 1,  /* the QE's REPORTDATA stays */
    TK_OWN_SIZES = 2,    /* so do all lengths */
    TK_OTHER_SIGNER = 4, /* the quote is signed by another key */
    TK_OTHER_PCK = 8,    /* so is the QE's report */
};

/* By version, TEE and body type; false: no known layout, or too short for it. */
bool tk_quote_find(struct sg_bytes quote, struct tk_quote_layout *ret);
/* `how`: bits of enum tk_reseal.  Lengths are made to fit b->len: certificates come before. */
void tk_quote_reseal(const struct tk_intel *t, unsigned how, const struct tk_quote_layout *l,
                     struct sg_buf *b);
/* What the rules say of a quote that was sealed so and brings the platform's own chain. */
bool tk_quote_is_right(const struct tk_intel *t, unsigned how, const struct tk_quote_layout *l,
                       struct sg_bytes quote);
