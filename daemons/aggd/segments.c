/* segments - append-only files of the backlog. */
#include "backlog-int.h"

#include <dirent.h>
#include <fcntl.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT_BYTES (16u << 20)
#define HEAD          16                   /* magic, length, check */
#define ADDRESS       6                    /* ip, port */
#define MAGIC         UINT32_C(0x53474231) /* SGB1 */

struct segment {
    uint32_t id;
    int fd;
    uint64_t len;
    size_t in_use; /* records not released; at 0 the file goes */
    bool closed;   /* of an earlier run: takes no more records */
    struct segment *next;
};

struct agg_segments {
    char *dir;
    size_t segment_bytes;
    uint64_t disk_max, octets;
    struct segment *first, **end; /* by id; the last one is the open one, if any */
    uint32_t next_id;
};

static void path_of(const struct agg_segments *s, uint32_t id, char *ret, size_t size)
{
    snprintf(ret, size, "%s/%08x.seg", s->dir, id);
}

static struct segment *find(const struct agg_segments *s, uint32_t id)
{
    struct segment *x = s->first;
    while (x && x->id != id)
        x = x->next;
    return x;
}

static int add_segment(struct agg_segments *s, uint32_t id, int flags, struct segment **ret)
{
    char path[4096];
    struct segment *x = calloc(1, sizeof *x);
    if (!x)
        return sg_raise(-ENOMEM);
    path_of(s, id, path, sizeof path);
    x->id = id;
    x->fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
    if (x->fd < 0) {
        free(x);
        return sg_raise_errno();
    }
    *s->end = x;
    s->end = &x->next;
    *ret = x;
    return 0;
}

static void remove_segment(struct agg_segments *s, struct segment *x)
{
    char path[4096];
    struct segment **at = &s->first;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    if (s->end == &x->next)
        s->end = at;
    path_of(s, x->id, path, sizeof path);
    (void)unlink(path);
    s->octets -= x->len;
    close(x->fd);
    free(x);
}

static void release_if_done(struct agg_segments *s, struct segment *x)
{
    if (x->in_use == 0)
        remove_segment(s, x);
}

/* ---- open and load ---- */

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int list_ids(const char *dir, uint32_t **ret, size_t *ret_n)
{
    DIR *d = opendir(dir);
    uint32_t *ids = NULL;
    size_t n = 0;
    if (!d)
        return sg_raise_errno();
    for (struct dirent *e; (e = readdir(d));) {
        uint32_t id;
        char tail;
        if (strlen(e->d_name) != 12 || sscanf(e->d_name, "%8x.se%c", &id, &tail) != 2 || id == 0)
            continue;
        uint32_t *grown = realloc(ids, (n + 1) * sizeof *ids);
        if (!grown) {
            free(ids);
            closedir(d);
            return sg_raise(-ENOMEM);
        }
        ids = grown;
        ids[n++] = id;
    }
    closedir(d);
    if (n)
        qsort(ids, n, sizeof *ids, by_id);
    *ret = ids;
    *ret_n = n;
    return 0;
}

static int open_existing(struct agg_segments *s)
{
    SG_FREE uint32_t *ids = NULL;
    size_t n = 0;
    int r = list_ids(s->dir, &ids, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct segment *x;
        struct stat st;
        r = add_segment(s, ids[i], 0, &x);
        if (r)
            return r;
        if (fstat(x->fd, &st))
            return sg_raise_errno();
        x->len = (uint64_t)st.st_size;
        x->closed = true;
        s->octets += x->len;
        s->next_id = ids[i] + 1;
    }
    return r;
}

int agg_segments_open(struct agg_segments **ret, const char *dir, size_t segment_bytes,
                      uint64_t disk_max)
{
    struct agg_segments *s = calloc(1, sizeof *s);
    if (!s)
        return sg_raise(-ENOMEM);
    s->dir = strdup(dir);
    s->segment_bytes = segment_bytes ? segment_bytes : SEGMENT_BYTES;
    s->disk_max = disk_max;
    s->end = &s->first;
    s->next_id = 1;
    int r = s->dir ? sg_mkdir_p(dir, 0700) : sg_raise(-ENOMEM);
    r = r ? r : open_existing(s);
    if (r) {
        agg_segments_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void agg_segments_free(struct agg_segments *s)
{
    if (!s)
        return;
    for (struct segment *x = s->first, *next; x; x = next) {
        next = x->next;
        close(x->fd);
        free(x);
    }
    free(s->dir);
    free(s);
}

static void check_of(uint8_t ret[8], const uint8_t length[4], struct sg_bytes rest)
{
    uint8_t hash[32];
    struct sg_bytes parts[] = {SG_BYTES(length, 4), rest};
    sg_sha256_parts(hash, parts, 2);
    memcpy(ret, hash, 8);
}

/* One record at offset: its length on disk, 0 if there is no sound one. */
static size_t read_record(const struct segment *x, uint64_t offset, struct sg_buf *body)
{
    uint8_t head[HEAD], check[8], *p;
    sg_buf_reset(body);
    if (x->len - offset < HEAD || sg_pread_all(x->fd, head, HEAD, offset))
        return 0;
    uint32_t len = sg_load_be32(head + 4);
    if (sg_load_be32(head) != MAGIC || len <= ADDRESS || len > ADDRESS + SG_FRAME_MAX ||
        len > x->len - offset - HEAD)
        return 0;
    if (sg_buf_extend(body, len, &p) || sg_pread_all(x->fd, p, len, offset + HEAD))
        return 0;
    check_of(check, head + 4, sg_buf_bytes(body));
    return memcmp(check, head + 8, 8) == 0 ? HEAD + len : 0;
}

static int load_segment(struct segment *x,
                        int (*fn)(void *user, struct sg_addr addr, struct sg_bytes frame,
                                  struct agg_place place),
                        void *user, uint64_t *damaged)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(ADDRESS + SG_FRAME_MAX);
    uint64_t offset = 0;
    while (offset < x->len) {
        size_t len = read_record(x, offset, &body);
        struct sg_addr addr;
        if (len == 0) {
            (*damaged)++; /* cut short by a crash, or worse: what follows cannot be found */
            return 0;
        }
        memcpy(addr.ip, body.data, 4);
        addr.port = sg_load_be16(body.data + 4);
        x->in_use++;
        int r = fn(user, addr, SG_BYTES(body.data + ADDRESS, body.len - ADDRESS),
                   (struct agg_place){x->id, offset + HEAD + ADDRESS});
        if (r)
            return r;
        offset += len;
    }
    return 0;
}

int agg_segments_load(struct agg_segments *s,
                      int (*fn)(void *user, struct sg_addr addr, struct sg_bytes frame,
                                struct agg_place place),
                      void *user, uint64_t *damaged)
{
    for (struct segment *x = s->first, *next; x; x = next) {
        next = x->next;
        x->in_use = 1; /* held while it is read */
        int r = load_segment(x, fn, user, damaged);
        if (r)
            return r;
        agg_segments_release(s, x->id);
    }
    return 0;
}

/* ---- work ---- */

/* The segment that takes len more octets. */
static int writable_segment(struct agg_segments *s, size_t len, struct segment **ret)
{
    struct segment *last = s->first;
    while (last && last->next)
        last = last->next;
    if (last && !last->closed && last->len + len <= s->segment_bytes) {
        *ret = last;
        return 0;
    }
    return add_segment(s, s->next_id++, O_CREAT | O_EXCL, ret);
}

int agg_segments_append(struct agg_segments *s, struct sg_addr addr, struct sg_bytes frame,
                        struct agg_place *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf record = SG_BUF_INIT(HEAD + ADDRESS + SG_FRAME_MAX);
    struct segment *x;
    uint8_t *p;
    size_t len = HEAD + ADDRESS + frame.len;
    if (s->octets + len > s->disk_max)
        return AGG_SEGMENTS_FULL;
    int r = sg_buf_extend(&record, len, &p);
    r = r ? r : writable_segment(s, len, &x);
    if (r)
        return r;
    sg_store_be32(p, MAGIC);
    sg_store_be32(p + 4, (uint32_t)(ADDRESS + frame.len));
    memcpy(p + HEAD, addr.ip, 4);
    sg_store_be16(p + HEAD + 4, addr.port);
    memcpy(p + HEAD + ADDRESS, frame.data, frame.len);
    check_of(p + 8, p + 4, SG_BYTES(p + HEAD, len - HEAD));
    r = sg_pwrite_all(x->fd, sg_buf_bytes(&record), x->len);
    if (r) {
        /* A full disk leaves half a record: nothing may follow it. */
        (void)!ftruncate(x->fd, (off_t)x->len);
        return r;
    }
    *ret = (struct agg_place){x->id, x->len + HEAD + ADDRESS};
    x->len += len;
    x->in_use++;
    s->octets += len;
    return 0;
}

int agg_segments_read(struct agg_segments *s, struct agg_place p, void *ret, size_t len)
{
    const struct segment *x = find(s, p.segment);
    sg_assert(x);
    return sg_pread_all(x->fd, ret, len, p.offset);
}

void agg_segments_release(struct agg_segments *s, uint32_t segment)
{
    struct segment *x = find(s, segment);
    sg_assert(x && x->in_use > 0);
    x->in_use--;
    release_if_done(s, x);
}

uint64_t agg_segments_octets(const struct agg_segments *s)
{
    return s->octets;
}
