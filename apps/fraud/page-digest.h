#pragma once
/*
 * page-digest - what the page tells of all customers but the first, gathered in one walk over the
 * ranking: the page itself is made from what is bounded.
 */
#include "page.h"

#define DIGEST_EXCUSED_MAX 100
#define DIGEST_NAMES_MAX   20
#define DIGEST_KNOWN_MAX   20

struct digest_line {
    struct line line;
    size_t rank;
};

struct digest_name {
    char id[SG_FRAUD_ID_MAX + 1];
    uint32_t conflicts;
};

/* The first of them by rank, and how many there are. */
struct digest_names {
    struct digest_name first[DIGEST_NAMES_MAX];
    size_t n;
};

struct page_digest {
    size_t rarer; /* judged, and at most 1 of 1,000 alike */
    /* Past those shown: a fact explains the load; most energy first. */
    struct digest_line known[DIGEST_KNOWN_MAX];
    size_t n_known;
    /* Likewise, by their pattern alone: changed by more than a fifth. */
    struct digest_line excused[DIGEST_EXCUSED_MAX];
    size_t n_excused;
    struct digest_names unjudged[N_UNJUDGED];
    struct digest_names in_conflict; /* readings told twice */
};
/* `shown`: suspects that have a card. */
SG_MUST_USE int page_digest_make(struct page_digest *ret, const struct ranking *r, size_t shown);
