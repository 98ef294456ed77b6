#pragma once
/*
 * volume - one directory of the store:
 *
 *   lock                held by the owning process
 *   label, label.2      the same sealed record twice: whose volume this is, which index folder is
 *                       current, up to which journal record that index is complete, and size and
 *                       CRC32C of every immutable file in it
 *   index-G/            the index, G counts rebuilds
 *   journal/ fragments/
 *
 * Owns: its lock, its index.  The state is read anywhere; index, generation and inventory change
 * only under the store's gate held for writing.
 */
#include <stdatomic.h>

#include <sealgrid/kvs/store.h>

#include "index-int.h"
#include "journal-int.h"

struct sg_volume_file {
    char *name; /* below the index's folder */
    uint64_t bytes;
    uint32_t crc;
};

struct sg_volume_inventory {
    struct sg_volume_file *files;
    size_t n;
};

void sg_volume_inventory_clear(struct sg_volume_inventory *v);

/* What a label says. */
struct sg_label {
    uint8_t store_id[SG_STORE_ID_LEN];
    uint16_t slot;
    uint64_t seq;                    /* the index holds every record up to this one */
    uint8_t mac[SG_JOURNAL_MAC_LEN]; /* the journal's chain at that record */
    uint32_t generation;
    struct sg_volume_inventory inventory;
};

SG_MUST_USE int sg_label_encode(const struct sg_label *l, struct sg_bytes key, struct sg_buf *out);
/* -EBADMSG if it is not ours or not whole. */
SG_MUST_USE int sg_label_decode(struct sg_bytes in, struct sg_bytes key, struct sg_label *ret);

struct sg_volume {
    unsigned slot;
    char path[256];
    int lock_fd;
    _Atomic int state;      /* enum sg_volume_state */
    struct sg_index *index; /* NULL unless the state is ONLINE or REBUILDING */
    _Atomic int rebuilt_to; /* REBUILDING: placement groups below this one are complete */
    struct sg_label label;  /* as last written */
    bool labelled;
    bool label_damaged; /* one of its two copies, found at start */
    unsigned failures;  /* checkpoints in a row; checkpoint lock */
    _Atomic uint64_t damage, repaired;
};

enum sg_volume_outcome { SG_VOLUME_LOCKED = 1, SG_VOLUME_BAD };

/* Makes the folder if need be, takes the lock, reads the label if there is a good one.
 * 0, SG_VOLUME_LOCKED, -errno. */
SG_MUST_USE int sg_volume_attach(struct sg_volume *v, const char *path, struct sg_bytes label_key);
/* Again, after its folder was lost.  0, SG_VOLUME_LOCKED. */
SG_MUST_USE int sg_volume_lock(struct sg_volume *v);
void sg_volume_detach(struct sg_volume *v);
SG_MUST_USE int sg_volume_make_folders(const struct sg_volume *v);

/* The index that the label names.  0, SG_VOLUME_BAD. */
SG_MUST_USE int sg_volume_open_index(struct sg_volume *v, struct sg_index_pool *pool);
/* A new, empty one of this generation. */
SG_MUST_USE int sg_volume_create_index(const struct sg_volume *v, struct sg_index_pool *pool,
                                       uint32_t generation, struct sg_index **ret);
/* Deletes the folders of other generations. */
void sg_volume_remove_old(const struct sg_volume *v);

/*
 * Flushes the index, adds its new files to the inventory and writes the label with l->seq, l->mac,
 * l->generation, l->store_id; the old inventory is carried over from v->label where the generation
 * is the same.  On success l is v->label.  0, SG_VOLUME_BAD, -errno.
 */
SG_MUST_USE int sg_volume_checkpoint(struct sg_volume *v, struct sg_index *ix, struct sg_bytes key,
                                     const struct sg_label *l);

/* Adds files that the index has made since to the inventory in memory, soon after they were
 * written, so that what happens to them later shows.  0 or -errno. */
SG_MUST_USE int sg_volume_refresh(struct sg_volume *v);
/* Whether the inventory has this file of the index. */
bool sg_volume_knows(const struct sg_volume *v, const char *path);

struct sg_volume_check {
    uint64_t files, bytes, damage;
    bool label_damage; /* of which: in the label's copies, mended by the next checkpoint */
};
/* Every live octet of index and label against the inventory and the formats' own checksums.
 * 0 or -errno. */
SG_MUST_USE int sg_volume_check_files(struct sg_volume *v, struct sg_bytes key,
                                      struct sg_volume_check *ret);
void sg_volume_index_folder(const struct sg_volume *v, uint32_t generation, char ret[300]);
