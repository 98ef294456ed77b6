#pragma once
/*
 * exhibit - evidence and collateral of a folder of vectors, loaded.  Whatever fails ends the
 * program with 2: a list that names a file has it.
 */
#include <sealgrid/tee/verdict.h>

extern const char *folder; /* that names below are relative to */

_Noreturn void give_up(const char *what);

/* A single file is its REPORT; a folder is a bundle whose parts are known by their names. */
struct exhibit {
    struct sg_buf room[SG_TEE_N_PARTS];
    struct sg_tee_evidence e;
};
void load_exhibit(struct exhibit *x, const char *name);
void clear_exhibit(struct exhibit *x);

/* A sealed store of these files and folders (NULL-terminated) and the pinned roots; root: a
 * certificate that is one too, or NULL. */
struct sg_tee_store *store_of(const char *const *names, const char *root);
