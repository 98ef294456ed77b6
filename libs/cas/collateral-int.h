#pragma once
/*
 * collateral-int - by what casd judges evidence of hardware: pinned roots, roots that its
 * configuration adds, certificates, CRLs and signed documents of its folders.
 *
 * A load reads everything into a new sealed store and puts it in place at once; whoever is judging
 * keeps the one he took until he gives it back.  Caches of verified chains belong to a store and
 * lie beside it: one is taken with it, used by one thread, given back.
 * Owns: stores, caches, copies of its paths.  Any thread; loads one at a time.
 */
#include <sealgrid/tee/verdict.h>

#include "marks-int.h"
#include "policy-int.h"

struct sg_cas_collateral_options {
    const char *const *folders; /* or files */
    size_t n_folders;
    const char *const *roots; /* "intel:/path/of.pem"; intel, amd, aws, tpm, arm */
    size_t n_roots;
};

/* Which added roots count: all (casd is no production one), or those whose files have one of these
 * SHA-256. */
struct sg_cas_root_rule {
    bool all;
    const struct sg_cas_root *permitted;
    size_t n_permitted;
    const struct sg_cas_memory *memory; /* NULL: any document is as good as a newer one */
};

/* What casd remembers of documents (docs/adr/0011). */
struct sg_cas_memory {
    void *user;
    const struct sg_cas_marks *marks; /* as kept last */
    uint64_t epoch;                   /* past that of the marks: they are forgotten */
    /* New marks are durable when it returns 0; until then nothing is judged by what raised them.
     * Takes them in any case. */
    int (*keep)(void *user, struct sg_cas_marks *marks);
};

struct sg_cas_collateral;
struct sg_cas_trust; /* a store and its caches */

/* One judge's share. */
struct sg_cas_judging {
    struct sg_cas_trust *trust;
    const struct sg_tee_store *store;
    struct sg_tee_cache *cache;
};

/* What a load found, for the log. */
struct sg_cas_collateral_report {
    struct sg_tee_store_counts counts;
    size_t n_roots_added, n_roots_refused;
    const char *root_refused; /* its path, of the first; borrowed */
    size_t n_unmarked;        /* TCB infos, identities and lists that nobody at hand vouches for */
    size_t n_superseded;      /* below their marks: refused */
    char superseded[SG_TEE_DOCUMENT_NAME_MAX]; /* the first */
};

/* Nothing is read; until the first load all evidence is refused. */
SG_MUST_USE int sg_cas_collateral_new(struct sg_cas_collateral **ret,
                                      const struct sg_cas_collateral_options *o);
void sg_cas_collateral_free(struct sg_cas_collateral *c);
SG_DEFINE_FREEP(struct sg_cas_collateral, sg_cas_collateral_free)

/* On failure the present store stays in place. */
SG_MUST_USE int sg_cas_collateral_load(struct sg_cas_collateral *c,
                                       const struct sg_cas_root_rule *rule,
                                       struct sg_cas_collateral_report *ret);
/* Whether files changed since the last load that succeeded. */
SG_MUST_USE int sg_cas_collateral_changed(struct sg_cas_collateral *c, bool *ret);
/* From now on nothing is trusted, until the next load. */
void sg_cas_collateral_drop(struct sg_cas_collateral *c);

/* -ENODATA: nothing is loaded. */
SG_MUST_USE int sg_cas_collateral_take(struct sg_cas_collateral *c, struct sg_cas_judging *ret);
/* Verdicts made with it borrow from it until then. */
void sg_cas_collateral_give(struct sg_cas_collateral *c, struct sg_cas_judging *j);
/* Of the present store (tee/store.h); INT64_MAX: nothing ends, or nothing is loaded. */
int64_t sg_cas_collateral_next_expiry(struct sg_cas_collateral *c, int64_t at_s);
