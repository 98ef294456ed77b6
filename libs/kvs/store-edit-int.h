#pragma once
/*
 * edit - what a batch does to one partition: its operations evaluated against the rows that are
 * there, then a plan of pages to remove, pages to add and a new tail.
 *
 * Rules of the plan: a row is either in the tail or in exactly one page; pages' ranges are
 * disjoint; a page is never changed, only replaced.  Rows of little weight gather in the tail (in
 * the head, 2 KiB) and become a page when it is full; a run of new rows that weighs more becomes a
 * page at once; when 16 small pages have gathered, neighbours are merged.
 *
 * Borrows the operations and, under its lock, the partition, which stays unchanged until
 * sg_edit_install.
 */
#include "store-int.h"

enum sg_where { SG_ABSENT, SG_IN_TAIL, SG_IN_PAGE };

struct sg_change {
    struct sg_row row;
    bool is_delete;
    enum sg_where where;
    size_t page; /* index in edit->pages */
};

struct sg_row_list {
    struct sg_row *rows;
    size_t n, capacity;
};

/* A page of the partition that was read. */
struct sg_edit_page {
    size_t dir;
    struct sg_rows rows;
    struct sg_row_list extra; /* to be merged in */
    bool replaced;
};

struct sg_edit {
    struct sg_store *s;
    struct sg_part *p;
    const struct sg_kv_op *ops; /* of the batch */
    const uint32_t *order;      /* this partition's, ascending by sort key */
    size_t n_ops;

    struct sg_change *changes;
    size_t n_changes;
    struct sg_edit_page *pages;
    size_t n_pages;

    struct sg_row_list tail;
    struct sg_row_list merged; /* scratch */
    bool *removed;             /* per entry of the directory */
    bool *filled;              /* per gap of the directory: a new page lies there */
    struct sg_dir_entry *added;
    size_t n_added;

    struct sg_dir_entry *next_dir; /* made by sg_edit_prepare */
    size_t n_next_dir;
    struct sg_row *next_tail;

    struct sg_part_keys
        *fresh_keys; /* when the last row went: a new DEK, so the old pages are lost */
    uint64_t n_rows, next_page;
    uint8_t sum[SG_MULTISET_LEN];
};

void sg_edit_clear(struct sg_edit *e);
/* Partition loaded.  Fills results[order[i]]; 0, SG_KV_CONFLICT, SG_KV_DAMAGED, -EINVAL. */
SG_MUST_USE int sg_edit_evaluate(struct sg_edit *e, enum sg_kv_op_result *results);
/* Seals the plan and appends its physical operations to out.  0, SG_KV_DAMAGED. */
SG_MUST_USE int sg_edit_plan(struct sg_edit *e, struct sg_buf *out);
/* Everything that sg_edit_install needs, while failing still does no harm. */
SG_MUST_USE int sg_edit_prepare(struct sg_edit *e);
/* After the commit. */
void sg_edit_install(struct sg_edit *e);

/* One allocation that owns everything. */
SG_MUST_USE int sg_rows_copy(const struct sg_row *rows, size_t n, struct sg_row **ret);

/* The page of that entry of the directory, read once; *ret is its index in e->pages.
 * 0, SG_KV_DAMAGED. */
SG_MUST_USE int sg_edit_open_page(struct sg_edit *e, size_t dir, size_t *ret);

/* store-edit-rows.c */
SG_MUST_USE int sg_row_list_push(struct sg_row_list *l, struct sg_row row);
size_t sg_row_list_bytes(const struct sg_row_list *l);
/* Both ascending and without a common key. */
SG_MUST_USE int sg_rows_merge(const struct sg_row *a, size_t n_a, const struct sg_row *b,
                              size_t n_b, struct sg_row_list *out);
/* rows with those changes that sit at (where, page). */
SG_MUST_USE int sg_rows_change(const struct sg_row *rows, size_t n, const struct sg_change *changes,
                               size_t n_changes, enum sg_where where, size_t page,
                               struct sg_row_list *out);
