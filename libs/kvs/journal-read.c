/* Reading the journal: at start, and by scrub. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#include "journal-int.h"

struct copy {
    int fd;
    unsigned slot;
    uint64_t len;
};

/* All copies of one segment found on the volumes. */
struct group {
    uint64_t first;
    uint64_t era;
    bool known; /* one of its headers is good */
    uint8_t mac[SG_JOURNAL_MAC_LEN];
    struct copy copies[64];
    size_t n;
};

struct groups {
    struct group *all;
    size_t n;
};

static void close_groups(struct groups *g)
{
    for (size_t i = 0; i < g->n; i++)
        for (size_t c = 0; c < g->all[i].n; c++)
            close(g->all[i].copies[c].fd);
    free(g->all);
    g->all = NULL;
    g->n = 0;
}

static struct group *find_group(struct groups *g, uint64_t first, uint64_t era)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->all[i].first == first && g->all[i].era == era)
            return &g->all[i];
    struct group *all = realloc(g->all, (g->n + 1) * sizeof(*all));
    if (!all)
        return NULL;
    g->all = all;
    memset(&all[g->n], 0, sizeof(*all));
    all[g->n].first = first;
    all[g->n].era = era;
    return &all[g->n++];
}

static int add_file(struct groups *g, const struct sg_journal_site *site, const char *name)
{
    char path[600];
    unsigned long long first, era;
    int used = 0;
    struct stat st;
    if (sscanf(name, "%16llx.%16llx%n", &first, &era, &used) != 2 || name[used] || first == 0)
        return 0;
    struct group *into = find_group(g, first, era);
    if (!into)
        return sg_raise(-ENOMEM);
    snprintf(path, sizeof(path), "%s/%s", site->folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) < 0 || into->n == 64) {
        if (fd >= 0)
            close(fd);
        return 0; /* as if it were not there */
    }
    into->copies[into->n++] =
        (struct copy){.fd = fd, .slot = site->slot, .len = (uint64_t)st.st_size};
    return 0;
}

static int by_number(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->era > y->era) - (x->era < y->era);
}

static int find_segments(struct groups *g, const struct sg_journal_site *sites, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        DIR *d = opendir(sites[i].folder);
        int r = 0;
        if (!d)
            continue; /* a lost volume */
        for (struct dirent *e; r == 0 && (e = readdir(d));)
            r = add_file(g, &sites[i], e->d_name);
        closedir(d);
        if (r < 0)
            return r;
    }
    if (g->n)
        qsort(g->all, g->n, sizeof(*g->all), by_number);
    return 0;
}

/* State of one reading. */
struct reading {
    const struct sg_journal *j;
    struct sg_journal_scan scan;
    bool thorough;
    bool linked; /* scan.mac is known to be the MAC before the next record */
    struct sg_buf payload;
    int (*fn)(void *user, uint64_t seq, struct sg_bytes payload);
    void *user;
};

/* The first good header gives the MAC before the segment.  A name alone proves nothing: a segment
 * without a good header neither ends the one before it nor breaks the chain. */
static void read_headers(struct reading *rd, struct group *g)
{
    uint8_t p[SG_JOURNAL_HEADER_LEN];
    struct sg_journal_header h;
    for (size_t i = 0; i < g->n; i++) {
        struct copy *c = &g->copies[i];
        if (c->len < sizeof(p) || sg_pread_all(c->fd, p, sizeof(p), 0) < 0)
            continue;
        if (!sg_journal_header_decode(rd->j, p, &h) || h.first != g->first || h.era != g->era) {
            rd->scan.damage[c->slot]++;
            continue;
        }
        memcpy(g->mac, h.mac, sizeof(h.mac));
        g->known = true;
        rd->scan.era = h.era > rd->scan.era ? h.era : rd->scan.era;
    }
}

enum read_outcome { READ_NONE = 1, READ_BAD };

/* A crash may leave the file's new length and none of its new octets: the room reserved for them
 * reads as zeros.  No record begins so, they count from 1. */
static bool is_zero(const uint8_t lead[SG_JOURNAL_RECORD_LEN])
{
    static const uint8_t zeros[SG_JOURNAL_RECORD_LEN];
    return memcmp(lead, zeros, sizeof(zeros)) == 0;
}

/* One copy of the record at offset at into rd->payload; READ_NONE: the file ends before it does. */
static int read_copy(struct reading *rd, const struct copy *c, uint64_t at, uint64_t seq,
                     uint8_t lead[SG_JOURNAL_RECORD_LEN])
{
    uint8_t mac[SG_JOURNAL_MAC_LEN], *into;
    if (c->len < at + SG_JOURNAL_RECORD_LEN)
        return READ_NONE;
    if (sg_pread_all(c->fd, lead, SG_JOURNAL_RECORD_LEN, at) < 0)
        return READ_BAD;
    if (is_zero(lead))
        return READ_NONE;
    uint32_t len = sg_load_be32(lead);
    if (len > SG_JOURNAL_RECORD_MAX || sg_load_be64(lead + 4) != seq)
        return READ_BAD;
    if (c->len - at - SG_JOURNAL_RECORD_LEN < len)
        return READ_NONE;
    sg_buf_reset(&rd->payload);
    int r = sg_buf_extend(&rd->payload, len, &into);
    if (r < 0)
        return r;
    if (sg_pread_all(c->fd, into, len, at + SG_JOURNAL_RECORD_LEN) < 0)
        return READ_BAD;
    const struct sg_bytes parts[] = {SG_BYTES_LIT("sg-jrecd1"),
                                     SG_BYTES(rd->scan.mac, SG_JOURNAL_MAC_LEN), SG_BYTES(lead, 12),
                                     SG_BYTES(into, len)};
    sg_blake2b_parts(mac, sizeof(mac), sg_secret_bytes(&rd->j->key), parts, 4);
    return memcmp(mac, lead + 12, sizeof(mac)) == 0 ? 0 : READ_BAD;
}

/* A copy that seemed to end here, though it is long enough for the record that others have. */
static bool only_seems_short(const struct copy *c, uint64_t at, const uint8_t *lead)
{
    return c->len - at >= SG_JOURNAL_RECORD_LEN + (uint64_t)sg_load_be32(lead);
}

/* From the first good copy (thorough: from all).  READ_NONE: no copy has this record. */
static int read_record(struct reading *rd, const struct group *g, uint64_t at, uint64_t seq,
                       uint8_t ret_lead[SG_JOURNAL_RECORD_LEN])
{
    uint64_t bad = 0, none = 0; /* copies */
    int result = READ_NONE;
    for (size_t i = 0; i < g->n && (result != 0 || rd->thorough); i++) {
        uint8_t lead[SG_JOURNAL_RECORD_LEN];
        int r = read_copy(rd, &g->copies[i], at, seq, lead);
        if (r < 0)
            return r;
        bad |= (uint64_t)(r == READ_BAD) << i;
        none |= (uint64_t)(r == READ_NONE && g->copies[i].len > at) << i;
        if (r == 0) {
            memcpy(ret_lead, lead, sizeof(lead));
            result = 0;
        }
    }
    for (size_t i = 0; i < g->n; i++)
        if (bad >> i & 1 ||
            (result == 0 && none >> i & 1 && only_seems_short(&g->copies[i], at, ret_lead)))
            rd->scan.damage[g->copies[i].slot]++;
    return result;
}

static int accept_record(struct reading *rd, uint64_t seq,
                         const uint8_t lead[SG_JOURNAL_RECORD_LEN])
{
    memcpy(rd->scan.mac, lead + 12, SG_JOURNAL_MAC_LEN);
    rd->scan.last = seq;
    rd->scan.bytes += SG_JOURNAL_RECORD_LEN + sg_load_be32(lead);
    return rd->fn ? rd->fn(rd->user, seq, sg_buf_bytes(&rd->payload)) : 0;
}

/* Where the segment's records end at the latest: those that the next one has again are void. */
static uint64_t limit_of(const struct groups *g, size_t i)
{
    for (size_t k = i + 1; k < g->n; k++)
        if (g->all[k].known)
            return g->all[k].first;
    return UINT64_MAX;
}

/* False: there is nothing to check its records against.  Where a header names another record before
 * the segment than the one that was read, that one is void: a volume that was away brought it back,
 * and all before it counts as a run that has ended. */
static bool link_segment(struct reading *rd, const struct group *g)
{
    bool follows = rd->linked && g->first == rd->scan.last + 1 &&
                   (!g->known || memcmp(rd->scan.mac, g->mac, sizeof(g->mac)) == 0);
    if (!follows && g->known) {
        memcpy(rd->scan.mac, g->mac, sizeof(g->mac));
        rd->scan.run_first = g->first;
        rd->linked = true;
    }
    return follows || g->known;
}

static int read_segment(struct reading *rd, struct group *g, uint64_t limit)
{
    uint8_t lead[SG_JOURNAL_RECORD_LEN] = {0}; /* GCC cannot see that 0 means it was read */
    uint64_t at = SG_JOURNAL_HEADER_LEN;
    if (!link_segment(rd, g))
        return 0;
    for (uint64_t seq = g->first; seq < limit; seq++) {
        int r = read_record(rd, g, at, seq, lead);
        if (r == READ_NONE)
            return 0;
        if (r == 0)
            r = accept_record(rd, seq, lead);
        if (r)
            return r;
        at += SG_JOURNAL_RECORD_LEN + sg_load_be32(lead);
    }
    return 0;
}

int sg_journal_read(const struct sg_journal *j, const struct sg_journal_site *sites, size_t n_sites,
                    bool thorough, int (*fn)(void *user, uint64_t seq, struct sg_bytes payload),
                    void *user, struct sg_journal_scan *ret)
{
    SG_CLEANUP(close_groups) struct groups g = {NULL, 0};
    struct reading rd = {.j = j,
                         .thorough = thorough,
                         .payload = SG_BUF_INIT(SG_JOURNAL_RECORD_MAX),
                         .fn = thorough ? NULL : fn,
                         .user = user};
    rd.scan.run_first = 1;
    int r = find_segments(&g, sites, n_sites);
    for (size_t i = 0; r == 0 && i < g.n; i++)
        read_headers(&rd, &g.all[i]);
    for (size_t i = 0; r == 0 && i < g.n; i++)
        r = read_segment(&rd, &g.all[i], limit_of(&g, i));
    sg_buf_clear(&rd.payload);
    if (r)
        return r;
    if (rd.scan.last == 0 || rd.scan.run_first > rd.scan.last)
        rd.scan.run_first = rd.scan.last + 1;
    *ret = rd.scan;
    return 0;
}
