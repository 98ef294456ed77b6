#include <sealgrid/meter/gz.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define CHUNK (256u * 1024)

struct sg_gz {
    int fd;
    bool plain, at_end;
    bool in_member; /* its trailer is still to come */
    bool has_z;
    z_stream z; /* next_in, avail_in: what is read and not taken, of either kind */
    unsigned char room[CHUNK];
};

void sg_gz_close(struct sg_gz *g)
{
    if (!g)
        return;
    if (g->has_z)
        (void)inflateEnd(&g->z);
    if (g->fd >= 0)
        close(g->fd);
    free(g);
}

/* What is not taken moves to the front, more comes behind it. */
static int refill(struct sg_gz *g)
{
    memmove(g->room, g->z.next_in, g->z.avail_in);
    g->z.next_in = g->room;
    ssize_t n;
    do
        n = read(g->fd, g->room + g->z.avail_in, CHUNK - g->z.avail_in);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return sg_raise_errno();
    g->at_end = n == 0;
    g->z.avail_in += (unsigned)n;
    return 0;
}

/* By the first two octets. */
static int find_kind(struct sg_gz *g)
{
    int r = 0;
    g->z.next_in = g->room;
    while (r == 0 && g->z.avail_in < 2 && !g->at_end)
        r = refill(g);
    g->plain = g->z.avail_in < 2 || g->room[0] != 0x1f || g->room[1] != 0x8b;
    if (r || g->plain)
        return r;
    /* 15 bits of window, 16: a gzip header and nothing else */
    g->has_z = inflateInit2(&g->z, 15 + 16) == Z_OK;
    return g->has_z ? 0 : sg_raise(-ENOMEM);
}

int sg_gz_open(struct sg_gz **ret, const char *path)
{
    SG_CLEANUP(sg_gz_closep) struct sg_gz *g = calloc(1, sizeof(*g));
    if (!g)
        return sg_raise(-ENOMEM);
    g->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (g->fd < 0)
        return sg_raise_errno();
    int r = find_kind(g);
    if (r)
        return r;
    *ret = TAKE_PTR(g);
    return 0;
}

/* Zeros behind a member are padding. */
static void skip_zeros(struct sg_gz *g)
{
    while (g->z.avail_in && *g->z.next_in == 0) {
        g->z.next_in++;
        g->z.avail_in--;
    }
}

static int inflate_some(struct sg_gz *g)
{
    if (!g->in_member && inflateReset(&g->z) != Z_OK)
        return sg_raise(-ENOMEM);
    g->in_member = true;
    const int z = inflate(&g->z, Z_NO_FLUSH);
    if (z == Z_MEM_ERROR)
        return sg_raise(-ENOMEM);
    if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
        return sg_raisef(-EBADMSG, "gzip damaged, or something else behind it");
    g->in_member = z != Z_STREAM_END;
    return 0;
}

static int read_gzip(struct sg_gz *g, size_t room)
{
    int r = 0;
    while (r == 0 && g->z.avail_out == room) {
        if (!g->in_member)
            skip_zeros(g);
        if (g->z.avail_in == 0 && g->at_end)
            return g->in_member ? sg_raisef(-EBADMSG, "gzip damaged or cut off") : 0;
        r = g->z.avail_in ? inflate_some(g) : refill(g);
    }
    return r;
}

static int read_plain(struct sg_gz *g, char *to, size_t room, size_t *ret)
{
    int r = g->z.avail_in || g->at_end ? 0 : refill(g);
    *ret = g->z.avail_in < room ? g->z.avail_in : room;
    memcpy(to, g->z.next_in, *ret);
    g->z.next_in += *ret;
    g->z.avail_in -= (unsigned)*ret;
    return r;
}

int sg_gz_read(struct sg_gz *g, char *to, size_t room, size_t *ret)
{
    sg_assert(room > 0 && room <= UINT32_MAX);
    if (g->plain)
        return read_plain(g, to, room, ret);
    g->z.next_out = (unsigned char *)to;
    g->z.avail_out = (unsigned)room;
    int r = read_gzip(g, room);
    *ret = room - g->z.avail_out;
    return r;
}
