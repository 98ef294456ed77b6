#include <sealgrid/base/file.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "audit-int.h"

#define SLOT_LEN    256   /* of audit.head: an encoded head, zeros behind it */
#define TORN_MAX    65536 /* one write by commit; a longer ruin is no torn write */
#define PENDING_MAX TORN_MAX
#define WINDOW      65536 /* read at once while opening */

struct sg_cas_audit {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    const struct sg_key *key;
    int log_fd, head_fd;
    struct sg_cas_replay replay; /* all appended */
    uint8_t (*leaves)[32];
    size_t n_leaves, leaves_capacity;
    struct sg_buf pending; /* appended, not yet written */
    uint64_t end;          /* of the log on the disk, octets */
    uint64_t durable;      /* records */
    uint8_t durable_root[32];
    bool syncing;
    int failure;
    unsigned slot; /* of audit.head to write next */
};

/* ---- opening ---- */

struct opening {
    struct sg_cas_audit *audit;
    sg_cas_record_fn fn;
    void *user;
    struct sg_cas_anchor points[2]; /* must be in the log: caller's anchor, signed head */
    bool met[2];
};

static int open_in(const char *dir, const char *name, int *ret_fd)
{
    SG_FREE char *path = NULL;
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return sg_raise(-ENOMEM);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return sg_raise_errno();
    *ret_fd = fd;
    return 0;
}

static int file_size(int fd, uint64_t *ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return sg_raise_errno();
    *ret = (uint64_t)st.st_size;
    return 0;
}

static int add_leaf(struct sg_cas_audit *a, const uint8_t leaf[32])
{
    if (a->n_leaves == a->leaves_capacity) {
        size_t capacity = a->leaves_capacity ? a->leaves_capacity * 2 : 1024;
        uint8_t(*grown)[32] = realloc(a->leaves, capacity * sizeof *grown);
        if (!grown)
            return sg_raise(-ENOMEM);
        a->leaves = grown;
        a->leaves_capacity = capacity;
    }
    memcpy(a->leaves[a->n_leaves++], leaf, 32);
    return 0;
}

/* Which of the points the tree has reached; called at every size. */
static void meet_points(struct opening *o)
{
    uint8_t root[32];
    const struct sg_merkle *tree = &o->audit->replay.tree;
    for (size_t i = 0; i < 2; i++) {
        if (o->points[i].size != tree->n)
            continue;
        sg_merkle_finish(tree, root);
        o->met[i] = tree->n == 0 || memcmp(root, o->points[i].root, sizeof root) == 0;
    }
}

/* A bad frame in the middle is damage; one that ends the file may be a torn write. */
static int judge_ruin(const struct sg_cas_audit *a, int outcome, size_t claimed, uint64_t left)
{
    bool last = outcome == SG_CAS_FRAME_SHORT || claimed >= left;
    if (last && left <= TORN_MAX)
        return 0;
    return sg_cas_traced(sg_raisef(-EBADMSG, "audit log is damaged at record %zu", a->n_leaves),
                         SG_CAS_AUDIT_DAMAGED);
}

/* All frames of one window; *ret_taken octets of it were whole. */
static int take_frames(struct opening *o, struct sg_bytes window, size_t *ret_taken,
                       int *ret_outcome, size_t *ret_claimed)
{
    struct sg_reader in = sg_reader_over(window);
    struct sg_cas_record record;
    uint8_t leaf[32];
    *ret_outcome = 0;
    while (in.left && *ret_outcome == 0) {
        *ret_outcome = sg_cas_frame_take(&o->audit->replay, &in, &record, leaf, ret_claimed);
        if (*ret_outcome)
            break;
        int r = add_leaf(o->audit, leaf);
        if (r < 0)
            return r;
        meet_points(o);
        o->fn(o->user, &record);
    }
    *ret_taken = window.len - in.left;
    return 0;
}

static int read_log(struct opening *o, uint64_t size)
{
    struct sg_cas_audit *a = o->audit;
    SG_FREE uint8_t *window = malloc(WINDOW);
    if (!window)
        return sg_raise(-ENOMEM);
    while (a->end < size) {
        size_t n = size - a->end < WINDOW ? (size_t)(size - a->end) : WINDOW;
        size_t taken = 0, claimed = 0;
        int outcome = 0;
        int r = sg_pread_all(a->log_fd, window, n, a->end);
        if (r == 0)
            r = take_frames(o, SG_BYTES(window, n), &taken, &outcome, &claimed);
        if (r < 0)
            return r;
        a->end += taken;
        bool more = a->end + (n - taken) < size;
        if (outcome == SG_CAS_FRAME_SHORT && more && taken)
            continue; /* the rest of this frame is in the next window */
        if (outcome)
            return judge_ruin(a, outcome, claimed, size - a->end);
    }
    return 0;
}

/* Keeps the newer of two heads; the other slot is the next to write. */
static void read_slot(struct opening *o, unsigned slot)
{
    struct sg_cas_audit *a = o->audit;
    uint8_t octets[SLOT_LEN];
    struct sg_cas_head head;
    if (sg_pread_all(a->head_fd, octets, sizeof octets, (uint64_t)slot * SLOT_LEN) < 0)
        return;
    struct sg_reader r = {octets, sizeof octets};
    struct sg_bytes encoded;
    if (sg_cbor_skip(&r, &encoded) < 0 ||
        sg_message_decode(&sg_cas_head_type, encoded, &head) < 0 ||
        sg_cas_head_verify(&head, a->key) != 0 || head.size < o->points[1].size)
        return;
    o->points[1].size = head.size;
    memcpy(o->points[1].root, head.root, sizeof head.root);
    a->slot = slot ^ 1;
}

static int check_points(const struct opening *o)
{
    static const char *const names[] = {"the sealed state", "its signed head"};
    for (size_t i = 0; i < 2; i++) {
        if (o->met[i])
            continue;
        return sg_cas_traced(
            sg_raisef(-EBADMSG, "audit log of %zu records is not that of %s (%llu)",
                      o->audit->n_leaves, names[i], (unsigned long long)o->points[i].size),
            SG_CAS_AUDIT_CUT);
    }
    return 0;
}

static int cut_tail(struct sg_cas_audit *a, uint64_t size)
{
    if (a->end == size)
        return 0;
    if (ftruncate(a->log_fd, (off_t)a->end) < 0 || fdatasync(a->log_fd) < 0)
        return sg_raise_errno();
    return 0;
}

static int replay_all(struct opening *o)
{
    uint64_t size = 0;
    read_slot(o, 0);
    read_slot(o, 1);
    meet_points(o);
    int r = file_size(o->audit->log_fd, &size);
    if (r == 0)
        r = read_log(o, size);
    if (r == 0)
        r = check_points(o);
    return r ? r : cut_tail(o->audit, size);
}

int sg_cas_audit_open(struct sg_cas_audit **ret, const char *dir, const struct sg_key *key,
                      const struct sg_cas_anchor *anchor, sg_cas_record_fn fn, void *user)
{
    SG_CLEANUP(sg_cas_audit_freep) struct sg_cas_audit *a = calloc(1, sizeof *a);
    if (!a)
        return sg_raise(-ENOMEM);
    a->log_fd = a->head_fd = -1;
    a->key = key;
    a->pending = (struct sg_buf)SG_BUF_INIT(PENDING_MAX);
    pthread_mutex_init(&a->mutex, NULL);
    pthread_cond_init(&a->changed, NULL);
    sg_merkle_init(&a->replay.tree);
    struct opening o = {.audit = a, .fn = fn, .user = user, .points = {*anchor}};
    int r = open_in(dir, "audit.log", &a->log_fd);
    if (r == 0)
        r = open_in(dir, "audit.head", &a->head_fd);
    if (r == 0)
        r = replay_all(&o);
    if (r == 0 && a->n_leaves == 0)
        r = sg_fsync_dir(dir); /* the files may be new */
    if (r != 0)
        return r;
    a->durable = a->replay.tree.n;
    sg_merkle_finish(&a->replay.tree, a->durable_root);
    *ret = TAKE_PTR(a);
    return 0;
}

void sg_cas_audit_free(struct sg_cas_audit *a)
{
    if (!a)
        return;
    sg_close_fd(&a->log_fd);
    sg_close_fd(&a->head_fd);
    sg_buf_clear(&a->pending);
    free(a->leaves);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->mutex);
    free(a);
}

/* ---- writing ---- */

static int append_locked(struct sg_cas_audit *a, struct sg_cas_record *r)
{
    uint8_t leaf[32];
    if (a->failure)
        return sg_raisef(a->failure, "audit log failed before");
    r->index = a->replay.tree.n;
    struct sg_cas_replay before = a->replay;
    size_t len = a->pending.len;
    int o = sg_cas_frame_put(&a->replay, r, &a->pending, leaf);
    if (o == 0)
        o = add_leaf(a, leaf);
    if (o < 0) {
        a->replay = before;
        a->pending.len = len;
    }
    return o;
}

/* Writes and syncs what is pending; called and left with the mutex held. */
static void sync_pending(struct sg_cas_audit *a, int64_t now_s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf batch = a->pending;
    SG_CLEANUP(sg_buf_clear) struct sg_buf encoded = SG_BUF_INIT(SLOT_LEN);
    struct sg_cas_head head = {.size = a->replay.tree.n, .time_s = now_s};
    sg_merkle_finish(&a->replay.tree, head.root);
    a->pending = (struct sg_buf)SG_BUF_INIT(PENDING_MAX);
    a->syncing = true;
    pthread_mutex_unlock(&a->mutex);

    int r = sg_pwrite_all(a->log_fd, sg_buf_bytes(&batch), a->end);
    if (r == 0 && fdatasync(a->log_fd) < 0)
        r = sg_raise_errno();
    if (r == 0)
        r = sg_cas_head_sign(&head, a->key);
    if (r == 0)
        r = sg_message_encode(&sg_cas_head_type, &head, &encoded);
    if (r == 0)
        r = sg_buf_append_zeros(&encoded, SLOT_LEN - encoded.len);
    if (r == 0)
        r = sg_pwrite_all(a->head_fd, sg_buf_bytes(&encoded), (uint64_t)a->slot * SLOT_LEN);

    pthread_mutex_lock(&a->mutex);
    a->syncing = false;
    a->slot ^= 1;
    a->end += batch.len;
    if (r < 0) {
        a->failure = r;
    } else {
        a->durable = head.size;
        memcpy(a->durable_root, head.root, sizeof head.root);
    }
    pthread_cond_broadcast(&a->changed);
}

static int commit_locked(struct sg_cas_audit *a, uint64_t size, int64_t now_s)
{
    while (!a->failure && a->durable < size) {
        if (a->syncing)
            pthread_cond_wait(&a->changed, &a->mutex);
        else
            sync_pending(a, now_s);
    }
    return a->failure ? sg_raisef(a->failure, "audit log cannot be written") : 0;
}

int sg_cas_audit_append(struct sg_cas_audit *a, struct sg_cas_record *r)
{
    pthread_mutex_lock(&a->mutex);
    int o = 0;
    /* Make room first: a full buffer is written by whoever finds it so. */
    if (a->pending.len > PENDING_MAX - 2 * SG_CAS_RECORD_MAX)
        o = commit_locked(a, a->replay.tree.n, r->time_s);
    if (o == 0)
        o = append_locked(a, r);
    pthread_mutex_unlock(&a->mutex);
    return o;
}

int sg_cas_audit_commit(struct sg_cas_audit *a, int64_t now_s)
{
    pthread_mutex_lock(&a->mutex);
    int r = commit_locked(a, a->replay.tree.n, now_s);
    pthread_mutex_unlock(&a->mutex);
    return r;
}

/* ---- reading ---- */

void sg_cas_audit_anchor(struct sg_cas_audit *a, struct sg_cas_anchor *ret)
{
    pthread_mutex_lock(&a->mutex);
    ret->size = a->durable;
    memcpy(ret->root, a->durable_root, sizeof ret->root);
    pthread_mutex_unlock(&a->mutex);
}

int sg_cas_audit_head(struct sg_cas_audit *a, int64_t now_s, struct sg_buf *ret)
{
    struct sg_cas_head head = {.time_s = now_s};
    pthread_mutex_lock(&a->mutex);
    head.size = a->durable;
    memcpy(head.root, a->durable_root, sizeof head.root);
    pthread_mutex_unlock(&a->mutex);
    int r = sg_cas_head_sign(&head, a->key);
    return r < 0 ? r : sg_message_encode(&sg_cas_head_type, &head, ret);
}

int sg_cas_audit_path(struct sg_cas_audit *a, uint64_t index, uint64_t size, uint8_t (*ret)[32],
                      size_t *ret_n)
{
    pthread_mutex_lock(&a->mutex);
    bool ok = index < size && size <= a->durable;
    if (ok)
        *ret_n = sg_merkle_path(ret, (const uint8_t(*)[32])a->leaves, size, index);
    pthread_mutex_unlock(&a->mutex);
    return ok ? 0 : sg_raise(-ERANGE);
}
