#include "pck-int.h"

#include "der-int.h"

#define EXTENSION SG_BYTES_LIT("\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01")

/* The last number of EXTENSION.n; 0: another OID. */
static unsigned number_under(struct sg_bytes oid, struct sg_bytes arc)
{
    const bool under = oid.len == arc.len + 1 && memcmp(oid.data, arc.data, arc.len) == 0 &&
                       oid.data[arc.len] < 0x80;
    return under ? oid.data[arc.len] : 0;
}

enum { PPID = 1, TCB, PCEID, FMSPC, SGX_TYPE };
enum { PCESVN = 17, CPUSVN = 18 };

static bool take_octets(struct sg_reader *r, uint8_t *ret, size_t len)
{
    struct sg_bytes b;
    if (!sg_der_take(r, SG_DER_OCTET_STRING, &b) || b.len != len)
        return false;
    memcpy(ret, b.data, len);
    return true;
}

static bool read_tcb_member(struct sg_reader *pair, unsigned n, struct sg_pck *ret)
{
    uint64_t svn;
    if (n == CPUSVN)
        return take_octets(pair, ret->cpusvn, sizeof ret->cpusvn);
    if (!sg_der_small(pair, n == PCESVN ? UINT16_MAX : UINT8_MAX, &svn))
        return false;
    if (n == PCESVN)
        ret->pcesvn = (uint16_t)svn;
    else
        ret->component[n - 1] = (uint8_t)svn;
    return true;
}

/* SEQUENCE of {EXTENSION.2.n, value}, n = 1..18, each once. */
static bool read_tcb(struct sg_reader *value, struct sg_pck *ret)
{
    const struct sg_bytes arc = SG_BYTES_LIT("\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01\x02");
    struct sg_reader list, pair;
    struct sg_bytes oid;
    uint32_t seen = 0;
    if (!sg_der_enter(value, SG_DER_SEQUENCE, &list))
        return false;
    while (list.left) {
        if (!sg_der_enter(&list, SG_DER_SEQUENCE, &pair) || !sg_der_take(&pair, SG_DER_OID, &oid))
            return false;
        const unsigned n = number_under(oid, arc);
        if (n < 1 || n > CPUSVN || (seen & 1u << n) || !read_tcb_member(&pair, n, ret) || pair.left)
            return false;
        seen |= 1u << n;
    }
    return seen == (1u << (CPUSVN + 1)) - 2;
}

static bool read_member(struct sg_reader *pair, unsigned n, struct sg_pck *ret)
{
    unsigned tag;
    struct sg_bytes ignored;
    switch (n) {
    case PPID:
        return take_octets(pair, ret->ppid, sizeof ret->ppid);
    case TCB:
        return read_tcb(pair, ret);
    case PCEID:
        return take_octets(pair, ret->pceid, sizeof ret->pceid);
    case FMSPC:
        return take_octets(pair, ret->fmspc, sizeof ret->fmspc);
    default: /* type, platform instance, configuration: nothing is decided by them */
        return sg_der_any(pair, &tag, &ignored, NULL);
    }
}

bool sg_pck_has_extension(const struct sg_tee_cert *c)
{
    struct sg_bytes value;
    return sg_tee_cert_extension(c, EXTENSION, &value);
}

bool sg_pck_read(const struct sg_tee_cert *c, struct sg_pck *ret)
{
    const uint32_t needed = 1u << PPID | 1u << TCB | 1u << PCEID | 1u << FMSPC | 1u << SGX_TYPE;
    struct sg_bytes value, oid;
    struct sg_reader r, list, pair;
    uint32_t seen = 0;
    *ret = (struct sg_pck){0};
    if (!sg_tee_cert_extension(c, EXTENSION, &value))
        return false;
    r = sg_reader_over(value);
    if (!sg_der_enter(&r, SG_DER_SEQUENCE, &list) || r.left)
        return false;
    while (list.left) {
        if (!sg_der_enter(&list, SG_DER_SEQUENCE, &pair) || !sg_der_take(&pair, SG_DER_OID, &oid))
            return false;
        const unsigned n = number_under(oid, EXTENSION);
        if (n < 1 || n > 31 || (seen & 1u << n) || !read_member(&pair, n, ret) || pair.left)
            return false;
        seen |= 1u << n;
    }
    return (seen & needed) == needed;
}
