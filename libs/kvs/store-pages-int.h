#pragma once
/*
 * store pages - opened pages in TEE memory, for reads of single rows.
 *
 * A page never changes and its tag is part of the verified directory, so what is kept here under
 * the tag that the directory names is the page, and nothing has to be taken back when a partition
 * is written.  A page is kept from the second time on that a row of it is asked for, and the least
 * recently used go first; whether to open it whole is what sg_pages_get tells on a miss.
 *
 * Owns: copies of rows, wiped when they go.  Any thread.
 */
#include <pthread.h>

#include "columns-int.h"
#include "head-int.h"

#define SG_PAGES_SHARDS 16
#define SG_PAGES_SEEN   1024 /* pages of a shard that were asked for once */

struct sg_kept_page;

struct sg_pages {
    size_t max_bytes; /* of a shard */
    struct sg_pages_shard {
        pthread_mutex_t lock;
        struct sg_kept_page **heads;
        size_t n_heads; /* a power of two */
        struct sg_kept_page *newest, *oldest;
        size_t bytes;
        uint32_t seen[SG_PAGES_SEEN];
    } shards[SG_PAGES_SHARDS];
};

enum sg_pages_outcome {
    SG_PAGES_NO_ROW = 1, /* the page is here and has no such row */
    SG_PAGES_ONCE,       /* not here; its first time */
    SG_PAGES_AGAIN,      /* not here; worth keeping */
};

/* -ENOMEM: nothing was made. */
SG_MUST_USE int sg_pages_init(struct sg_pages *c, size_t max_bytes);
/* All zero is fine. */
void sg_pages_clear(struct sg_pages *c);
/* The row's value is appended to *ret.  name: of the partition. */
SG_MUST_USE int sg_pages_get(struct sg_pages *c, const uint8_t name[SG_NAME_LEN],
                             const struct sg_page *page, struct sg_bytes sort, struct sg_buf *ret);
/* Copies all rows of the page.  Too little memory is no failure: it is not kept then. */
void sg_pages_keep(struct sg_pages *c, const uint8_t name[SG_NAME_LEN], const struct sg_page *page,
                   const struct sg_rows *rows);
