#pragma once
/*
 * mutate - good evidence of make-believe vendors, changed at random, judged, and the verdict
 * compared with a model that is not the verifiers' code.  One process, one thread, one world.
 */
#include "testkit/reseal.h"
#include "testkit/world.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/random.h>
#include <stdio.h>

#define MUST(expr) sg_assert((expr) == 0)
#define N(array)   (sizeof(array) / sizeof((array)[0]))
#define DAY        INT64_C(86400)

extern struct tk_world world;

/* ---- chance (mutate.c) ---- */

extern struct sg_prng prng;
size_t below(size_t n); /* 0..n-1; 0 of 0 */
bool one_in(size_t n);
/* One change of a run of octets: a bit, an octet, a field, a number to a limit or beside it; never
 * none.  Little-endian numbers. */
void change(uint8_t *p, size_t len);
/* A number of so many bits that checks may trip over: 0, 1, all ones, beside `good`, any. */
uint64_t odd_number(uint64_t good, unsigned bits);
/* An instant around TK_AT. */
int64_t odd_time(void);

/* ---- specimens (specimen.c) ---- */

struct specimen {
    struct sg_buf part[SG_TEE_N_PARTS];
};
void specimen_init(struct specimen *s);
void specimen_clear(struct specimen *s);
void specimen_copy(struct specimen *to, const struct specimen *from);
struct sg_tee_evidence specimen_evidence(const struct specimen *s);

/* Octets [from, until) of a part, where these bits may differ. */
struct free_range {
    enum sg_tee_part part;
    size_t from, until;
    uint8_t bits;
    const char *why;
};
#define FREE_MAX 256
struct free_list {
    size_t n;
    struct free_range at[FREE_MAX];
};

struct kind {
    const char *name;
    unsigned vendors;
    unsigned n_variants;
    const char *(*variant_name)(unsigned variant); /* NULL: there is one */
    void (*make)(unsigned variant, struct specimen *ret);
    /* What no signature covers, and why that does no harm. */
    void (*uncovered)(const struct specimen *good, struct free_list *ret);
    void (*begin)(void);    /* of the signed run; NULL: nothing */
    bool (*resigned)(void); /* one mutation; false: a wrong verdict, told */
    void (*end)(void);
};
extern const struct kind kinds[];
extern const size_t n_kinds;

/* ---- verdicts (mutate.c) ---- */

/* What was done to the specimen at hand; kept for the report of a wrong verdict. */
__attribute__((format(printf, 1, 2))) void note(const char *format, ...);
void note_clear(void);
/* The verdict is as the model has it; counted, told if not. */
bool agree(const struct sg_tee_verdict *v, bool wanted);
bool judged_as(const struct sg_tee_evidence *e, bool wanted);
/* In a store of its own making: sealed here. */
bool judged_in(struct sg_tee_store *s, const struct sg_tee_evidence *e, bool wanted);
void print_counts(const char *kind, const char *mode);

/* ---- modes ---- */

int list_uncovered(const struct kind *k, size_t most); /* most bits of a part are tried */
int run_raw(const struct kind *k, uint64_t count);
int run_signed(const struct kind *k, uint64_t count);

/* ---- signed again: signed-*.c ---- */

bool resigned_quote(const struct specimen *good);
bool resigned_intel_document(const struct specimen *good, bool td); /* documents, certificates */
void begin_snp(void);
void end_snp(void);
bool resigned_snp(void);
void begin_tpm(void);
void end_tpm(void);
bool resigned_tpm(void);
void begin_azure(void);
void end_azure(void);
bool resigned_azure(void);
void begin_nitro(void);
void end_nitro(void);
bool resigned_nitro(void);
bool resigned_cca(void);
