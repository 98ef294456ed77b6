#include "fragment-int.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#define SEGMENT_BYTES_MAX (64u << 20)

static const char magic[9] = "SGFRAG01";

struct site {
    pthread_mutex_t lock;
    struct sg_io_file file; /* open segment, fd -1: none yet */
    uint32_t segment;
};

struct old_segment {
    uint8_t slot;
    uint32_t segment;
    bool live;
};

struct sg_fragments {
    struct sg_store *s;
    struct site sites[SG_STORE_VOLUMES_MAX];
    pthread_rwlock_t use;
    struct old_segment *old; /* between mark and sweep */
    size_t n_old;
    struct old_segment *bad; /* since the last check */
    size_t n_bad;
};

int sg_fragments_new(struct sg_fragments **ret, struct sg_store *s)
{
    struct sg_fragments *f = calloc(1, sizeof(*f));
    if (!f)
        return sg_raise(-ENOMEM);
    f->s = s;
    pthread_rwlock_init(&f->use, NULL);
    for (size_t i = 0; i < SG_STORE_VOLUMES_MAX; i++) {
        pthread_mutex_init(&f->sites[i].lock, NULL);
        f->sites[i].file.fd = -1;
    }
    *ret = f;
    return 0;
}

void sg_fragments_free(struct sg_fragments *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < SG_STORE_VOLUMES_MAX; i++)
        sg_io_close(&f->sites[i].file);
    free(f->old);
    free(f->bad);
    free(f);
}

/* Segments of a volume. */

static void folder_of(const struct sg_fragments *f, unsigned slot, char ret[300])
{
    snprintf(ret, 300, "%s/fragments", f->s->volumes[slot].path);
}

static void path_of(const struct sg_fragments *f, unsigned slot, uint32_t segment, char ret[330])
{
    snprintf(ret, 330, "%s/fragments/%08x", f->s->volumes[slot].path, segment);
}

static uint64_t segment_bytes(const struct sg_fragments *f, unsigned slot, uint32_t segment)
{
    char path[330];
    struct stat st;
    path_of(f, slot, segment, path);
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* One call per segment file, by number. */
static int each_segment(struct sg_fragments *f, unsigned slot,
                        int (*fn)(struct sg_fragments *f, unsigned slot, uint32_t segment,
                                  void *user),
                        void *user)
{
    char folder[300];
    int r = 0;
    folder_of(f, slot, folder);
    DIR *d = opendir(folder);
    for (struct dirent *e; d && r == 0 && (e = readdir(d));) {
        unsigned segment;
        int used = 0;
        if (sscanf(e->d_name, "%8x%n", &segment, &used) == 1 && used == 8 && !e->d_name[8])
            r = fn(f, slot, segment, user);
    }
    if (d)
        closedir(d);
    return r;
}

static int note_highest(struct sg_fragments *f, unsigned slot, uint32_t segment, void *user)
{
    uint32_t *highest = user;
    (void)f;
    (void)slot;
    if (segment > *highest)
        *highest = segment;
    return 0;
}

/* Site locked. */
static int begin_segment(struct sg_fragments *f, unsigned slot)
{
    struct site *at = &f->sites[slot];
    char folder[300], name[16];
    uint32_t highest = at->segment;
    int r = at->file.fd >= 0 ? sg_io_sync(&at->file) : 0;
    sg_io_close(&at->file);
    if (r == 0)
        r = each_segment(f, slot, note_highest, &highest);
    if (r < 0)
        return r;
    at->segment = highest + 1;
    folder_of(f, slot, folder);
    snprintf(name, sizeof(name), "%08x", at->segment);
    return sg_io_create(&at->file, folder, name);
}

/* Writing. */

static void encode_header(const struct sg_shard_name *name, struct sg_bytes contents,
                          uint8_t p[SG_FRAGMENT_HEADER_LEN])
{
    memcpy(p, magic, 8);
    memcpy(p + 8, name->object, SG_OBJECT_ID_LEN);
    sg_store_be32(p + 24, name->chunk);
    sg_store_be16(p + 28, name->shard);
    sg_store_be16(p + 30, 0);
    sg_store_be32(p + 32, (uint32_t)contents.len);
    sg_store_be32(p + 36, sg_crc32c(sg_crc32c(0, SG_BYTES(p, 36)), contents));
}

/* The file's end is in doubt: nothing is ever appended there again.  What others wrote before and
 * have not synced yet is made durable now; if that fails too, the volume is to blame. */
static void abandon(struct sg_fragments *f, unsigned slot)
{
    if (sg_io_sync(&f->sites[slot].file) < 0)
        sg_store_set_aside(f->s, slot, SG_VOLUME_DAMAGED);
    sg_io_close(&f->sites[slot].file);
}

static int write_locked(struct sg_fragments *f, unsigned slot, const uint8_t *header,
                        struct sg_bytes contents, struct sg_shard *ret)
{
    struct site *at = &f->sites[slot];
    const struct sg_bytes parts[] = {SG_BYTES(header, SG_FRAGMENT_HEADER_LEN), contents};
    int r = 0;
    if (at->file.fd < 0 || at->file.len > SEGMENT_BYTES_MAX)
        r = begin_segment(f, slot);
    if (r < 0)
        return r;
    ret->segment = at->segment;
    ret->offset = (uint32_t)at->file.len;
    r = sg_io_append(&at->file, parts, 2);
    if (r < 0)
        abandon(f, slot);
    return r;
}

int sg_fragment_write(struct sg_fragments *f, unsigned slot, const struct sg_shard_name *name,
                      struct sg_bytes contents, struct sg_shard *ret)
{
    uint8_t header[SG_FRAGMENT_HEADER_LEN];
    struct sg_shard shard = {.slot = (uint8_t)slot, .len = (uint32_t)contents.len};
    sg_assert(contents.len <= SG_FRAGMENT_BYTES_MAX);
    encode_header(name, contents, header);
    sg_blake2b_parts(shard.hash, SG_FRAGMENT_HASH_LEN, SG_BYTES_NONE, &contents, 1);
    pthread_mutex_lock(&f->sites[slot].lock);
    int r = write_locked(f, slot, header, contents, &shard);
    pthread_mutex_unlock(&f->sites[slot].lock);
    if (r == 0)
        *ret = shard;
    return r;
}

/* A segment that was closed meanwhile was synced then. */
int sg_fragments_sync(struct sg_fragments *f, uint64_t slots)
{
    int r = 0;
    for (unsigned slot = 0; r == 0 && slot < f->s->n_volumes; slot++) {
        struct site *at = &f->sites[slot];
        if (!(slots >> slot & 1))
            continue;
        pthread_mutex_lock(&at->lock);
        r = at->file.fd >= 0 ? sg_io_sync(&at->file) : 0;
        pthread_mutex_unlock(&at->lock);
    }
    return r;
}

/* Reading. */

static bool header_ok(const uint8_t *p, const struct sg_shard *shard,
                      const struct sg_shard_name *name, const uint8_t *contents)
{
    uint8_t want[SG_FRAGMENT_HEADER_LEN];
    encode_header(name, SG_BYTES(contents, shard->len), want);
    return memcmp(p, want, sizeof(want)) == 0;
}

int sg_fragment_read(struct sg_fragments *f, const struct sg_shard *shard,
                     const struct sg_shard_name *name, uint8_t *contents)
{
    uint8_t header[SG_FRAGMENT_HEADER_LEN], hash[SG_FRAGMENT_HASH_LEN];
    char path[330];
    if (shard->slot >= f->s->n_volumes)
        return SG_FRAGMENT_BAD;
    path_of(f, shard->slot, shard->segment, path);
    SG_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || sg_pread_all(fd, header, sizeof(header), shard->offset) < 0 ||
        sg_pread_all(fd, contents, shard->len, shard->offset + sizeof(header)) < 0)
        return SG_FRAGMENT_BAD;
    const struct sg_bytes parts[] = {SG_BYTES(contents, shard->len)};
    sg_blake2b_parts(hash, sizeof(hash), SG_BYTES_NONE, parts, 1);
    bool right =
        memcmp(hash, shard->hash, sizeof(hash)) == 0 && header_ok(header, shard, name, contents);
    return right ? 0 : SG_FRAGMENT_BAD;
}

bool sg_fragment_there(const struct sg_fragments *f, const struct sg_shard *shard)
{
    char path[330];
    struct stat st;
    if (shard->slot >= f->s->n_volumes)
        return false;
    path_of(f, shard->slot, shard->segment, path);
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t)st.st_size >= (uint64_t)shard->offset + SG_FRAGMENT_HEADER_LEN + shard->len;
}

/* Waste. */

void sg_fragments_use(struct sg_fragments *f)
{
    pthread_rwlock_rdlock(&f->use);
}

void sg_fragments_unuse(struct sg_fragments *f)
{
    pthread_rwlock_unlock(&f->use);
}

static int note_old(struct sg_fragments *f, unsigned slot, uint32_t segment, void *user)
{
    (void)user;
    if (f->sites[slot].file.fd >= 0 && f->sites[slot].segment == segment)
        return 0;
    struct old_segment *more = reallocarray(f->old, f->n_old + 1, sizeof(*more));
    if (!more)
        return sg_raise(-ENOMEM);
    f->old = more;
    more[f->n_old++] = (struct old_segment){.slot = (uint8_t)slot, .segment = segment};
    return 0;
}

int sg_fragments_mark(struct sg_fragments *f)
{
    int r = 0;
    f->n_old = 0;
    pthread_rwlock_wrlock(&f->use);
    for (unsigned slot = 0; r == 0 && slot < f->s->n_volumes; slot++)
        r = each_segment(f, slot, note_old, NULL);
    pthread_rwlock_unlock(&f->use);
    return r;
}

void sg_fragments_live(struct sg_fragments *f, const struct sg_shard *shard)
{
    for (size_t i = 0; i < f->n_old; i++)
        if (f->old[i].slot == shard->slot && f->old[i].segment == shard->segment)
            f->old[i].live = true;
}

int sg_fragments_sweep(struct sg_fragments *f)
{
    char path[330];
    int result = 0;
    for (size_t i = 0; i < f->n_old; i++) {
        if (f->old[i].live)
            continue;
        path_of(f, f->old[i].slot, f->old[i].segment, path);
        int r = sg_io_unlink(path);
        result = r < 0 ? r : result;
    }
    f->n_old = 0;
    return result;
}

void sg_fragments_restart(struct sg_fragments *f, unsigned slot)
{
    struct site *at = &f->sites[slot];
    pthread_mutex_lock(&at->lock);
    if (at->file.fd >= 0)
        abandon(f, slot);
    pthread_mutex_unlock(&at->lock);
}

/* Check. */

/* 0 and the record's whole length, SG_FRAGMENT_BAD, or -errno.  buffer: SG_FRAGMENT_BYTES_MAX. */
static int check_record(int fd, uint64_t at, uint64_t end, uint8_t *buffer, uint64_t *ret_len)
{
    uint8_t header[SG_FRAGMENT_HEADER_LEN];
    if (end - at < sizeof(header) || sg_pread_all(fd, header, sizeof(header), at) < 0)
        return SG_FRAGMENT_BAD;
    uint64_t len = sg_load_be32(header + 32);
    if (memcmp(header, magic, 8) != 0 || len > SG_FRAGMENT_BYTES_MAX ||
        len > end - at - sizeof(header) || sg_pread_all(fd, buffer, len, at + sizeof(header)) < 0)
        return SG_FRAGMENT_BAD;
    uint32_t crc = sg_crc32c(sg_crc32c(0, SG_BYTES(header, 36)), SG_BYTES(buffer, len));
    if (crc != sg_load_be32(header + 36))
        return SG_FRAGMENT_BAD;
    *ret_len = sizeof(header) + len;
    return 0;
}

static bool segment_good(const char *path, uint64_t end, uint8_t *buffer)
{
    SG_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    uint64_t len;
    if (fd < 0)
        return access(path, F_OK) < 0; /* swept meanwhile */
    for (uint64_t at = 0; at < end; at += len)
        if (check_record(fd, at, end, buffer, &len))
            return false;
    return true;
}

struct segment_check {
    void (*fn)(void *user, unsigned slot);
    void *user;
    uint8_t *buffer;
};

static int add_bad(struct sg_fragments *f, unsigned slot, uint32_t segment)
{
    struct old_segment *more = reallocarray(f->bad, f->n_bad + 1, sizeof(*more));
    if (!more)
        return sg_raise(-ENOMEM);
    f->bad = more;
    more[f->n_bad++] = (struct old_segment){.slot = (uint8_t)slot, .segment = segment};
    return 0;
}

static int check_segment(struct sg_fragments *f, unsigned slot, uint32_t segment, void *user)
{
    struct segment_check *c = user;
    struct site *at = &f->sites[slot];
    char path[330];
    path_of(f, slot, segment, path);
    pthread_mutex_lock(&at->lock); /* so that the length is that of whole records */
    bool open = at->file.fd >= 0 && at->segment == segment;
    uint64_t end = open ? at->file.len : segment_bytes(f, slot, segment);
    pthread_mutex_unlock(&at->lock);
    if (segment_good(path, end, c->buffer))
        return 0;
    c->fn(c->user, slot);
    if (open)
        sg_fragments_restart(f, slot);
    return add_bad(f, slot, segment);
}

/* A file that somebody removed while it is open takes everything and keeps nothing. */
static void leave_removed(struct sg_fragments *f, unsigned slot)
{
    struct site *at = &f->sites[slot];
    pthread_mutex_lock(&at->lock);
    if (at->file.fd >= 0 && access(at->file.path, F_OK) < 0)
        abandon(f, slot);
    pthread_mutex_unlock(&at->lock);
}

int sg_fragments_check(struct sg_fragments *f, uint64_t slots,
                       void (*fn)(void *user, unsigned slot), void *user)
{
    SG_FREE uint8_t *buffer = malloc(SG_FRAGMENT_BYTES_MAX);
    struct segment_check c = {fn, user, buffer};
    int r = buffer ? 0 : sg_raise(-ENOMEM);
    f->n_bad = 0;
    for (unsigned slot = 0; r == 0 && slot < f->s->n_volumes; slot++) {
        leave_removed(f, slot);
        if (slots >> slot & 1)
            r = each_segment(f, slot, check_segment, &c);
    }
    return r;
}

bool sg_fragments_is_bad(const struct sg_fragments *f, const struct sg_shard *shard)
{
    for (size_t i = 0; i < f->n_bad; i++)
        if (f->bad[i].slot == shard->slot && f->bad[i].segment == shard->segment)
            return true;
    return false;
}

/* Files. */

static int add_bytes(struct sg_fragments *f, unsigned slot, uint32_t segment, void *user)
{
    *(uint64_t *)user += segment_bytes(f, slot, segment);
    return 0;
}

uint64_t sg_fragments_bytes(struct sg_fragments *f, unsigned slot)
{
    uint64_t n = 0;
    return each_segment(f, slot, add_bytes, &n) == 0 ? n : 0;
}

struct files_walk {
    int (*fn)(void *user, enum sg_store_file_class class, const char *path, uint64_t live_bytes);
    void *user;
};

static int report_file(struct sg_fragments *f, unsigned slot, uint32_t segment, void *user)
{
    struct files_walk *w = user;
    char path[330];
    path_of(f, slot, segment, path);
    return w->fn(w->user, SG_FILE_FRAGMENT, path, segment_bytes(f, slot, segment));
}

int sg_fragments_files(struct sg_fragments *f,
                       int (*fn)(void *user, enum sg_store_file_class class, const char *path,
                                 uint64_t live_bytes),
                       void *user)
{
    struct files_walk w = {fn, user};
    int r = 0;
    for (unsigned slot = 0; r == 0 && slot < f->s->n_volumes; slot++)
        r = each_segment(f, slot, report_file, &w);
    return r;
}
