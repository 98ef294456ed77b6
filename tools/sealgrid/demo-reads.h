#pragma once
/*
 * demo-reads - what every client's rows were before the store was tampered with, to compare with.
 */
#include "demo.h"

#include <sealgrid/base/random.h>

struct sg_demo_client {
    int64_t number;
    uint8_t digest[32]; /* of the whole answer to SELECT *, in order of time */
};

struct sg_demo_reads {
    const struct sg_demo *m;
    struct sg_http_client *sqld;
    struct sg_demo_client *clients;
    size_t n;
};

/* Reads everybody once. */
SG_MUST_USE int sg_demo_reads_new(struct sg_demo_reads *ret, const struct sg_demo *m);
void sg_demo_reads_clear(struct sg_demo_reads *r);
/* Reads k clients drawn at random, or all of them, again; how many differ or fail. */
size_t sg_demo_reads_some(const struct sg_demo_reads *r, size_t k, struct sg_prng *rng);
size_t sg_demo_reads_all(const struct sg_demo_reads *r);
/* The first number of the first row of an answer, -1 if there is none. */
int64_t sg_demo_query(const struct sg_demo *m, struct sg_http_client *sqld, const char *sql);
