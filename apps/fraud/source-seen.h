#pragma once
/*
 * source-seen - whether a customer's rows in a file lie together: a name that comes again after
 * another one did not.
 *
 * A file whose names come in order (as octets, or shorter ones first: c9, c10) cannot repeat one,
 * and nothing is kept of it.  Once a name breaks both orders, those before it are read again and
 * from then on a hash of each is kept, 16 to 32 octets a customer; so it is from the beginning for
 * what cannot be read again, a pipe.  Two names of one hash only mean that a file is sorted in
 * vain.
 */
#include <sealgrid/meter/daily-rows.h>

struct seen {
    const char *path;
    char last[SG_DAILY_NAME_MAX + 1];
    bool by_octets, by_length; /* all names so far came in that order */
    size_t met;
    uint64_t *slot; /* 0: free; NULL: nothing is kept yet */
    size_t n, room; /* room is a power of two */
};

/* Nobody was met.  Borrows the path. */
void seen_start(struct seen *s, const char *path);
void seen_clear(struct seen *s);
enum seen_outcome { SEEN_BEFORE = 1 };
/* The next customer: 0, SEEN_BEFORE, -errno. */
SG_MUST_USE int seen_meet(struct seen *s, struct sg_bytes name);
