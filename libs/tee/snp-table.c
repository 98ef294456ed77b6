#include "snp-table-int.h"

#include "judge-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <string.h>

enum { GUID = 16, ENTRY = 24, ENTRIES_MAX = 32 };

struct entry {
    const uint8_t *guid;
    size_t offset, len;
};

/* Those that go into a chain below the root; the root is pinned, and lists are collateral. */
static const uint8_t taken[][GUID] = {
    /* VCEK 63da758d-e664-4564-adc5-f4b93be8accd */
    {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac,
     0xcd},
    /* VLEK a8074bc2-a25a-483e-aae6-39c045a0b8a1 */
    {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8,
     0xa1},
    /* ASK or ASVK 4ab7b379-bbac-4fe4-a02f-05aef327c782 */
    {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7,
     0x82},
};

/* The first three numbers of a GUID the other way round, as Windows hosts write them. */
static void turn(const uint8_t *guid, uint8_t ret[GUID])
{
    static const uint8_t order[8] = {3, 2, 1, 0, 5, 4, 7, 6};
    memcpy(ret, guid, GUID);
    for (size_t i = 0; i < sizeof order; i++)
        ret[i] = guid[order[i]];
}

static bool is_taken(const uint8_t *guid)
{
    uint8_t turned[GUID];
    turn(guid, turned);
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (memcmp(guid, taken[i], GUID) == 0 || memcmp(turned, taken[i], GUID) == 0)
            return true;
    return false;
}

static bool is_last(const uint8_t *guid)
{
    static const uint8_t zeros[GUID];
    return memcmp(guid, zeros, GUID) == 0;
}

/* Number of entries before the last one, which is zeros; SIZE_MAX: there is no such. */
static size_t count(struct sg_bytes table)
{
    for (size_t n = 0; n <= ENTRIES_MAX && (n + 1) * ENTRY <= table.len; n++)
        if (is_last(table.data + n * ENTRY))
            return n;
    return SIZE_MAX;
}

/* Its octets stand behind all entries and before the end. */
static bool read_entry(struct sg_bytes table, size_t n_entries, size_t i, struct entry *ret)
{
    const uint8_t *at = table.data + i * ENTRY;
    *ret = (struct entry){at, sg_load_le32(at + GUID), sg_load_le32(at + GUID + 4)};
    return ret->offset >= (n_entries + 1) * ENTRY && ret->offset <= table.len &&
           ret->len <= table.len - ret->offset;
}

static int put_pem(struct sg_bytes der, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_SNP_TABLE_MAX * 2);
    enum { LINE = 64 };
    int r = sg_base64_append(&text, der);
    if (r == 0)
        r = sg_buf_printf(ret, "-----BEGIN CERTIFICATE-----\n");
    for (size_t at = 0; at < text.len && r == 0; at += LINE) {
        const size_t n = text.len - at < LINE ? text.len - at : LINE;
        r = sg_buf_printf(ret, "%.*s\n", (int)n, (const char *)text.data + at);
    }
    return r ? r : sg_buf_printf(ret, "-----END CERTIFICATE-----\n");
}

static int put_certificate(struct sg_bytes cert, struct sg_buf *ret)
{
    static const struct sg_bytes pem = SG_BYTES_LIT("-----BEGIN ");
    if (cert.len < pem.len || memcmp(cert.data, pem.data, pem.len) != 0)
        return put_pem(cert, ret);
    int r = sg_buf_append(ret, cert);
    return r ? r : sg_buf_append_u8(ret, '\n');
}

int sg_snp_table_read(struct sg_bytes table, struct sg_buf *ret)
{
    const size_t before = ret->len, n = table.len ? count(table) : 0;
    struct entry e;
    int r = 0;
    if (n == SIZE_MAX)
        return sg_raisef(-EBADMSG, "certificate table: no last entry among the first %d",
                         ENTRIES_MAX);
    for (size_t i = 0; i < n && r == 0; i++) {
        if (!read_entry(table, n, i, &e))
            r = sg_raisef(-EBADMSG,
                          "certificate table: entry %zu: %zu octets at %zu in a table of %zu", i,
                          e.len, e.offset, table.len);
        else if (e.len && is_taken(e.guid))
            r = put_certificate(SG_BYTES(table.data + e.offset, e.len), ret);
    }
    if (r < 0)
        ret->len = before;
    return r;
}
