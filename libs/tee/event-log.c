#include "event-log-int.h"

enum { EV_NO_ACTION = 3, BANKS_MAX = 8, SIGNATURE_LEN = 16, SHA1_LEN = 20 };

struct bank {
    unsigned alg;
    size_t len;
};

struct log {
    struct sg_reader r;
    bool agile;
    size_t n_banks;
    struct bank bank[BANKS_MAX];
};

struct event {
    uint32_t pcr, type;
    struct sg_bytes digest; /* of the bank asked for; empty: it has none */
    struct sg_bytes data;
};

static bool take_le32(struct sg_reader *r, uint32_t *ret)
{
    struct sg_bytes b;
    if (!sg_take(r, 4, &b))
        return false;
    *ret = sg_load_le32(b.data);
    return true;
}

static bool take_le16(struct sg_reader *r, unsigned *ret)
{
    struct sg_bytes b;
    if (!sg_take(r, 2, &b))
        return false;
    *ret = sg_load_le16(b.data);
    return true;
}

static bool take_data(struct sg_reader *r, struct sg_bytes *ret)
{
    uint32_t len;
    return take_le32(r, &len) && sg_take(r, len, ret);
}

/* TCG_PCClientPCREvent */
static bool take_old(struct sg_reader *r, struct event *ret)
{
    return take_le32(r, &ret->pcr) && take_le32(r, &ret->type) &&
           sg_take(r, SHA1_LEN, &ret->digest) && take_data(r, &ret->data);
}

static size_t bank_len(const struct log *l, unsigned alg)
{
    for (size_t i = 0; i < l->n_banks; i++)
        if (l->bank[i].alg == alg)
            return l->bank[i].len;
    return 0;
}

/* TCG_PCR_EVENT2: every event has a digest for each bank of the header, once. */
static bool take_agile(struct log *l, unsigned alg, struct event *ret)
{
    uint32_t count;
    unsigned seen[BANKS_MAX];
    if (!take_le32(&l->r, &ret->pcr) || !take_le32(&l->r, &ret->type) ||
        !take_le32(&l->r, &count) || count != l->n_banks)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct sg_bytes digest;
        if (!take_le16(&l->r, &seen[i]) || !bank_len(l, seen[i]) ||
            !sg_take(&l->r, bank_len(l, seen[i]), &digest))
            return false;
        for (uint32_t k = 0; k < i; k++)
            if (seen[k] == seen[i])
                return false;
        if (seen[i] == alg)
            ret->digest = digest;
    }
    return take_data(&l->r, &ret->data);
}

/* TCG_EfiSpecIDEvent behind its signature. */
static bool read_banks(struct sg_reader r, struct log *l)
{
    struct sg_bytes skipped;
    uint32_t n;
    uint8_t vendor;
    if (!sg_take(&r, 8, &skipped) || !take_le32(&r, &n) || !n || n > BANKS_MAX)
        return false;
    for (l->n_banks = 0; l->n_banks < n; l->n_banks++) {
        struct bank *b = &l->bank[l->n_banks];
        unsigned len;
        if (!take_le16(&r, &b->alg) || !take_le16(&r, &len) || !len || len > SG_TPM_DIGEST_MAX ||
            bank_len(l, b->alg))
            return false;
        b->len = len;
        if (sg_tpm_digest_len(b->alg) && sg_tpm_digest_len(b->alg) != len)
            return false;
    }
    return sg_take_u8(&r, &vendor) && sg_take(&r, vendor, &skipped) && r.left == 0;
}

/* The first event tells a crypto-agile log; in an older one it counts as any other. */
static bool read_header(struct log *l)
{
    static const struct sg_bytes mark = SG_BYTES_LIT("Spec ID Event03\0");
    struct sg_reader first = l->r;
    struct event e = {0};
    if (!take_old(&first, &e))
        return false;
    if (e.type == EV_NO_ACTION && e.data.len >= SIGNATURE_LEN &&
        !memcmp(e.data.data, mark.data, SIGNATURE_LEN)) {
        l->agile = true;
        l->r = first;
        return read_banks(
            sg_reader_over(SG_BYTES(e.data.data + SIGNATURE_LEN, e.data.len - SIGNATURE_LEN)), l);
    }
    l->bank[0] = (struct bank){SG_TPM_ALG_SHA1, SHA1_LEN};
    l->n_banks = 1;
    return true;
}

/* PCR 0 starts from the locality that TPM2_Startup came from. */
static void start_locality(const struct event *e, struct sg_event_log_pcrs *p)
{
    static const struct sg_bytes mark = SG_BYTES_LIT("StartupLocality\0");
    if (e->pcr == 0 && e->data.len == SIGNATURE_LEN + 1 &&
        !memcmp(e->data.data, mark.data, SIGNATURE_LEN) && !(p->extended & 1))
        p->value[0][p->digest_len - 1] = e->data.data[SIGNATURE_LEN];
}

static bool apply(const struct event *e, unsigned alg, struct sg_event_log_pcrs *p)
{
    if (e->type == EV_NO_ACTION) {
        start_locality(e, p);
        return true;
    }
    if (e->pcr >= SG_TPM_PCRS)
        return false;
    uint8_t *value = p->value[e->pcr];
    const struct sg_bytes parts[] = {SG_BYTES(value, p->digest_len), e->digest};
    uint8_t next[SG_TPM_DIGEST_MAX];
    if (!sg_tpm_digest(alg, parts, 2, next))
        return false;
    memcpy(value, next, p->digest_len);
    p->extended |= UINT32_C(1) << e->pcr;
    return true;
}

int sg_event_log_replay(struct sg_bytes log, unsigned bank, struct sg_event_log_pcrs *ret)
{
    struct log l = {.r = sg_reader_over(log)};
    struct sg_event_log_pcrs p = {.digest_len = sg_tpm_digest_len(bank)};
    if (log.len > SG_EVENT_LOG_MAX || !read_header(&l))
        return SG_EVENT_LOG_BROKEN;
    if (!p.digest_len || !bank_len(&l, bank))
        return SG_EVENT_LOG_NO_BANK;
    while (l.r.left) {
        struct event e = {0};
        if (p.n_events++ == SG_EVENT_LOG_EVENTS_MAX ||
            !(l.agile ? take_agile(&l, bank, &e) : take_old(&l.r, &e)) || !apply(&e, bank, &p))
            return SG_EVENT_LOG_BROKEN;
    }
    *ret = p;
    return 0;
}
