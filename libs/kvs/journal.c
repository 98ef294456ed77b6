#include "journal-int.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include <sealgrid/crypto/hash.h>

static const char magic[9] = "SGJRNL01";

int sg_journal_init(struct sg_journal *j, struct sg_bytes key,
                    const uint8_t store_id[SG_STORE_ID_LEN])
{
    *j = (struct sg_journal){.n_copies = 0};
    for (size_t i = 0; i < SG_JOURNAL_COPIES; i++)
        j->copies[i].fd = -1;
    memcpy(j->store_id, store_id, SG_STORE_ID_LEN);
    int r = sg_syncer_new(&j->syncer);
    return r < 0 ? r : sg_secret_copy(&j->key, key);
}

static void close_copies(struct sg_journal *j)
{
    for (size_t i = 0; i < j->n_copies; i++)
        sg_io_close(&j->copies[i]);
    j->n_copies = 0;
}

void sg_journal_clear(struct sg_journal *j)
{
    close_copies(j);
    free(j->segments);
    j->segments = NULL;
    j->n_segments = 0;
    sg_syncer_free(j->syncer);
    j->syncer = NULL;
    sg_secret_clear(&j->key);
}

/* MACs. */

static void mac_parts(const struct sg_journal *j, const struct sg_bytes *parts, size_t n,
                      uint8_t ret[SG_JOURNAL_MAC_LEN])
{
    sg_blake2b_parts(ret, SG_JOURNAL_MAC_LEN, sg_secret_bytes(&j->key), parts, n);
}

/* "sg-jrecd1" || previous MAC || length || number || payload; parts[0..2] are filled in here. */
#define MAC_LEAD 3
static void record_mac(const struct sg_journal *j, const uint8_t *previous, const uint8_t *lead,
                       struct sg_bytes *parts, size_t n, uint8_t ret[SG_JOURNAL_MAC_LEN])
{
    parts[0] = SG_BYTES_LIT("sg-jrecd1");
    parts[1] = SG_BYTES(previous, SG_JOURNAL_MAC_LEN);
    parts[2] = SG_BYTES(lead, 12);
    mac_parts(j, parts, n, ret);
}

static void header_mac(const struct sg_journal *j, const uint8_t *p,
                       uint8_t ret[SG_JOURNAL_MAC_LEN])
{
    const struct sg_bytes parts[] = {SG_BYTES_LIT("sg-jhead1"),
                                     SG_BYTES(p, SG_JOURNAL_HEADER_LEN - SG_JOURNAL_MAC_LEN)};
    mac_parts(j, parts, 2, ret);
}

static void encode_header(const struct sg_journal *j, uint64_t first,
                          uint8_t p[SG_JOURNAL_HEADER_LEN])
{
    memcpy(p, magic, 8);
    memcpy(p + 8, j->store_id, SG_STORE_ID_LEN);
    sg_store_be64(p + 24, first);
    sg_store_be64(p + 32, j->era);
    memcpy(p + 40, j->mac, SG_JOURNAL_MAC_LEN);
    header_mac(j, p, p + 56);
}

bool sg_journal_header_decode(const struct sg_journal *j, const uint8_t p[SG_JOURNAL_HEADER_LEN],
                              struct sg_journal_header *ret)
{
    uint8_t mac[SG_JOURNAL_MAC_LEN];
    header_mac(j, p, mac);
    if (memcmp(p, magic, 8) != 0 || memcmp(p + 8, j->store_id, SG_STORE_ID_LEN) != 0 ||
        !sg_secret_equal(SG_BYTES_ARRAY(mac), SG_BYTES(p + 56, SG_JOURNAL_MAC_LEN)))
        return false;
    ret->first = sg_load_be64(p + 24);
    ret->era = sg_load_be64(p + 32);
    memcpy(ret->mac, p + 40, SG_JOURNAL_MAC_LEN);
    return true;
}

/* Writing. */

static struct sg_journal_segment *add_segment(struct sg_journal *j, uint64_t first)
{
    struct sg_journal_segment *all =
        realloc(j->segments, (j->n_segments + 1) * sizeof(*j->segments));
    if (!all)
        return NULL;
    j->segments = all;
    all[j->n_segments] = (struct sg_journal_segment){.first = first, .last = first - 1, .bytes = 0};
    return &all[j->n_segments++];
}

static int start_copy(struct sg_journal *j, const struct sg_journal_site *site,
                      const uint8_t *header, struct sg_journal_segment *s)
{
    struct sg_io_file *f = &j->copies[j->n_copies];
    struct sg_bytes part = SG_BYTES(header, SG_JOURNAL_HEADER_LEN);
    char name[40];
    snprintf(name, sizeof(name), "%016llx.%016llx", (unsigned long long)s->first,
             (unsigned long long)j->era);
    int r = sg_io_create(f, site->folder, name);
    if (r < 0)
        return r;
    r = sg_io_append(f, &part, 1);
    if (r == 0)
        r = sg_io_sync(f);
    if (r < 0) {
        sg_io_close(f);
        return r;
    }
    memcpy(s->paths[s->n_copies], f->path, sizeof(f->path));
    s->slots[s->n_copies++] = site->slot;
    j->slots[j->n_copies++] = site->slot;
    return 0;
}

static void next_era(struct sg_journal *j)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    j->era = us > j->era ? us : j->era + 1;
}

int sg_journal_begin(struct sg_journal *j, const struct sg_journal_site *sites, size_t n_sites)
{
    uint8_t header[SG_JOURNAL_HEADER_LEN];
    int r = 0;
    close_copies(j);
    struct sg_journal_segment *s = add_segment(j, j->seq + 1);
    if (!s)
        return sg_raise(-ENOMEM);
    next_era(j);
    encode_header(j, s->first, header);
    for (size_t i = 0; i < n_sites && j->n_copies < SG_JOURNAL_COPIES; i++) {
        int started = start_copy(j, &sites[i], header, s);
        if (started < 0)
            j->failed |= 1ull << sites[i].slot;
        r = started < 0 ? started : r;
    }
    j->quorum = n_sites > 1 ? 2 : 1;
    if (j->n_copies >= j->quorum)
        return 0;
    close_copies(j);
    return r < 0 ? r : sg_raisef(-EIO, "no place for the journal");
}

static void drop_copy(struct sg_journal *j, size_t i)
{
    j->failed |= 1ull << j->slots[i];
    sg_io_close(&j->copies[i]);
    j->n_copies--;
    j->copies[i] = j->copies[j->n_copies];
    j->slots[i] = j->slots[j->n_copies];
    j->copies[j->n_copies].fd = -1;
}

static int append_copies(struct sg_journal *j, const struct sg_bytes *parts, size_t n,
                         size_t octets)
{
    int failure = 0;
    for (size_t i = j->n_copies; i-- > 0;) {
        sg_io_reserve(&j->copies[i], octets);
        int r = sg_io_append(&j->copies[i], parts, n);
        if (r < 0) {
            drop_copy(j, i);
            failure = r;
        }
    }
    return failure;
}

/* Writes all copies first, then syncs them together. */
static int write_copies(struct sg_journal *j, const struct sg_bytes *parts, size_t n, size_t octets)
{
    int synced[SG_JOURNAL_COPIES];
    int failure = append_copies(j, parts, n, octets);
    sg_io_sync_all(j->copies, j->n_copies, j->syncer, synced);
    for (size_t i = j->n_copies; i-- > 0;)
        if (synced[i] < 0) {
            failure = synced[i];
            drop_copy(j, i);
        }
    return j->n_copies >= j->quorum ? 0 : failure;
}

int sg_journal_append(struct sg_journal *j, const struct sg_bytes *parts, size_t n)
{
    uint8_t lead[SG_JOURNAL_RECORD_LEN];
    size_t len = 0;
    SG_FREE struct sg_bytes *all = calloc(n + MAC_LEAD, sizeof(*all));
    if (!all)
        return sg_raise(-ENOMEM);
    if (j->n_copies == 0)
        return sg_raise(-EIO);
    for (size_t i = 0; i < n; i++) {
        all[MAC_LEAD + i] = parts[i];
        len += parts[i].len;
    }
    if (len > SG_JOURNAL_RECORD_MAX)
        return sg_raise(-EMSGSIZE);
    sg_store_be32(lead, (uint32_t)len);
    sg_store_be64(lead + 4, j->seq + 1);
    record_mac(j, j->mac, lead, all, n + MAC_LEAD, lead + 12);
    all[MAC_LEAD - 1] = SG_BYTES_ARRAY(lead);
    int r = write_copies(j, all + MAC_LEAD - 1, n + 1, sizeof(lead) + len);
    if (r < 0) {
        close_copies(j);
        return r;
    }
    struct sg_journal_segment *s = &j->segments[j->n_segments - 1];
    j->seq++;
    memcpy(j->mac, lead + 12, SG_JOURNAL_MAC_LEN);
    s->last = j->seq;
    s->bytes += sizeof(lead) + len;
    j->bytes += sizeof(lead) + len;
    return 0;
}

static int remove_segment(struct sg_journal *j, size_t i)
{
    struct sg_journal_segment *s = &j->segments[i];
    int result = 0;
    for (size_t c = 0; c < s->n_copies; c++) {
        int r = sg_io_unlink(s->paths[c]);
        result = r < 0 ? r : result;
    }
    j->bytes -= s->bytes;
    memmove(s, s + 1, (j->n_segments - i - 1) * sizeof(*s));
    j->n_segments--;
    return result;
}

int sg_journal_cut(struct sg_journal *j, uint64_t seq)
{
    int result = 0;
    for (size_t i = j->n_segments; i-- > 0;) {
        bool open = i + 1 == j->n_segments && j->n_copies > 0;
        if (open || j->segments[i].last > seq)
            continue;
        int r = remove_segment(j, i);
        result = r < 0 ? r : result;
    }
    return result;
}

/* Payload. */

int sg_physical_append(struct sg_buf *b, const struct sg_physical *op)
{
    uint8_t lead[8];
    lead[0] = op->is_delete ? 2 : 1;
    lead[1] = op->replicas;
    sg_store_be16(lead + 2, (uint16_t)op->key.len);
    sg_store_be32(lead + 4, (uint32_t)op->value.len);
    int r = sg_buf_append(b, SG_BYTES_ARRAY(lead));
    if (r == 0)
        r = sg_buf_append(b, op->key);
    return r < 0 ? r : sg_buf_append(b, op->value);
}

int sg_physical_next(struct sg_reader *r, struct sg_physical *ret)
{
    struct sg_physical op;
    uint8_t kind;
    uint16_t key_len;
    uint32_t value_len;
    if (r->left == 0)
        return 1;
    bool ok = sg_take_u8(r, &kind) && sg_take_u8(r, &op.replicas) && sg_take_be16(r, &key_len) &&
              sg_take_be32(r, &value_len) && sg_take(r, key_len, &op.key) &&
              sg_take(r, value_len, &op.value);
    if (!ok || kind < 1 || kind > 2 || key_len == 0 || op.replicas == 0)
        return sg_raise(-EBADMSG);
    op.is_delete = kind == 2;
    if (op.is_delete && value_len)
        return sg_raise(-EBADMSG);
    *ret = op;
    return 0;
}
