#pragma once
/*
 * marks-int - the highest number that was seen of each document's subject (docs/adr/0011): what is
 * below its mark is superseded.
 * Owns: its list.  One thread.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/tee/documents.h>

#define SG_CAS_MARKS_MAX    2048
#define SG_CAS_MARK_LEN     (32 + SG_TEE_DOCUMENT_NUMBER_LEN + 8)
#define SG_CAS_MARKS_OCTETS (8 + SG_CAS_MARKS_MAX * SG_CAS_MARK_LEN)

struct sg_cas_mark {
    uint8_t subject[32], number[SG_TEE_DOCUMENT_NUMBER_LEN]; /* a list's: 0 */
    int64_t issued_s;
};

struct sg_cas_marks {
    uint64_t epoch;
    size_t n;
    struct sg_cas_mark *at; /* by subject, ascending */
};

void sg_cas_marks_clear(struct sg_cas_marks *m);
/* *ret must be empty.  -EBADMSG. */
SG_MUST_USE int sg_cas_marks_decode(struct sg_bytes octets, struct sg_cas_marks *ret);
SG_MUST_USE int sg_cas_marks_encode(const struct sg_cas_marks *m, struct sg_buf *ret);
SG_MUST_USE int sg_cas_marks_copy(const struct sg_cas_marks *m, struct sg_cas_marks *ret);

/* Raises marks by what the store's roots vouch for; *ret_raised: any; *ret_unmarked: documents that
 * could raise none. -ENOBUFS, -ENOMEM. */
SG_MUST_USE int sg_cas_marks_raise(struct sg_cas_marks *m, const struct sg_tee_store *s,
                                   bool *ret_raised, size_t *ret_unmarked);
/* Supersedes what is below its mark; how many, and the name of the first. */
size_t sg_cas_marks_apply(const struct sg_cas_marks *m, struct sg_tee_store *s,
                          char ret_first[SG_TEE_DOCUMENT_NAME_MAX]);
