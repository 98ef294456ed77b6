/*
 * signed-tpm - TPM quotes, PCR values and event logs changed, signed again by the pinned key; and
 * quotes by a key that only a certificate vouches for, which is changed too.
 * Sources: TCG, TPM 2.0 part 2; PC Client Platform Firmware Profile (event log); "TPM 2.0 Keys for
 * Device Identity and Attestation" (certificates of purpose AIK).
 */
#include "mutate.h"
#include "testkit/model.h"
#include "tpm-int.h"

#include <sealgrid/crypto/hash.h>

enum { SHA1_BANK = 4, SHA256_BANK = 0x0b, EVENTS_MAX = 6 };

static struct {
    EVP_PKEY *root_key;
    X509 *root;
    struct tk_tpm ak; /* not pinned */
} ca;

static const struct tk_cert_spec root_spec = {.common_name = "TPM root",
                                              .from_s = TK_AT - DAY,
                                              .until_s = TK_AT + DAY,
                                              .constraints = TK_CA,
                                              .path_length = -1,
                                              .key_usage = "keyCertSign,cRLSign"};

void begin_tpm(void)
{
    ca.root_key = tk_key_new(TK_P256);
    ca.root = tk_cert_new(&root_spec, ca.root_key, NULL, ca.root_key);
    tk_tpm_init(&ca.ak, TK_P256);
}

void end_tpm(void)
{
    EVP_PKEY_free(ca.root_key);
    X509_free(ca.root);
    tk_tpm_clear(&ca.ak);
}

static void put(struct sg_buf *b, size_t at, size_t octets, uint64_t v)
{
    for (size_t i = 0; i < octets; i++)
        b->data[at + i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get(const struct sg_buf *b, size_t at, size_t octets)
{
    uint64_t v = 0;
    while (octets--)
        v = v << 8 | b->data[at + octets];
    return v;
}

/* ---- event logs ---- */

/* TCG_PCR_EVENT2 with banks SHA-1 and SHA-256: offsets of its fields. */
enum {
    PCR = 0,
    TYPE = 4,
    COUNT = 8,
    ALG1 = 12,
    AT_SHA1 = 14,
    ALG2 = 34,
    AT_SHA2 = 36,
    LEN = 68,
    DATA = 72
};
enum { NO_ACTION = 3 };

struct log {
    struct sg_buf octets;
    size_t n, event[EVENTS_MAX];
};

static void make_log(struct tk_tpm *t, struct log *ret)
{
    static const char *const texts[] = {"boot", "kernel", "", "a longer text of an event"};
    memset(t->pcr, 0, sizeof t->pcr);
    tk_log_start(&ret->octets);
    for (ret->n = 0; ret->n < EVENTS_MAX; ret->n++) {
        ret->event[ret->n] = ret->octets.len;
        tk_log_event(t, (unsigned)below(12), 4 + (uint32_t)below(8), texts[below(N(texts))],
                     &ret->octets);
    }
}

/* One event as it stands now: its PCR, type and SHA-256 digest; false: not well-formed. */
static bool take_event(const struct sg_buf *b, size_t *at, uint64_t *ret_pcr, uint64_t *ret_type,
                       const uint8_t **ret_digest)
{
    if (b->len - *at < DATA || get(b, *at + COUNT, 4) != 2)
        return false;
    *ret_pcr = get(b, *at + PCR, 4);
    *ret_type = get(b, *at + TYPE, 4);
    const bool turned = get(b, *at + ALG1, 2) == SHA256_BANK; /* order says nothing */
    const size_t second = *at + ALG1 + (turned ? 34 : 22);
    if (get(b, *at + ALG1, 2) != (turned ? SHA256_BANK : SHA1_BANK) ||
        get(b, second, 2) != (turned ? SHA1_BANK : SHA256_BANK))
        return false;
    *ret_digest = b->data + (turned ? *at + ALG1 : second) + 2;
    const uint64_t data = get(b, *at + LEN, 4);
    if (data > b->len - *at - DATA)
        return false;
    *at += DATA + data;
    return true;
}

/* Replayed as it is now, beside the values quoted. */
static bool log_leads_to(const struct log *l, const struct tk_tpm *t)
{
    uint8_t value[TK_PCRS][32] = {{0}};
    uint32_t extended = 0;
    for (size_t at = l->event[0]; at < l->octets.len;) {
        uint64_t pcr, type;
        const uint8_t *digest;
        if (!take_event(&l->octets, &at, &pcr, &type, &digest))
            return false;
        if (type == NO_ACTION)
            continue;
        if (pcr >= TK_PCRS)
            return false;
        sg_sha256_parts(value[pcr],
                        (struct sg_bytes[]){SG_BYTES(value[pcr], 32), SG_BYTES(digest, 32)}, 2);
        extended |= UINT32_C(1) << pcr;
    }
    for (unsigned i = 0; i < TK_PCRS; i++)
        if ((extended & t->selected) >> i & 1 && memcmp(value[i], t->pcr[i], 32) != 0)
            return false;
    return (extended & t->selected) != 0;
}

/* What the header says; TCG_PCClientPCREvent around TCG_EfiSpecIDEvent. */
static bool change_log_header(struct log *l)
{
    static const struct {
        size_t at, len;
        bool free;
    } fields[] = {{0, 4, true},    /* PCR */
                  {4, 4, false},   /* EV_NO_ACTION */
                  {8, 20, true},   /* digest of nothing */
                  {28, 4, false},  /* length */
                  {32, 16, false}, /* "Spec ID Event03" */
                  {48, 8, true},   /* class and version */
                  {56, 4, false},  /* banks */
                  {60, 8, false},  /* SHA-1 20, SHA-256 32 */
                  {68, 1, false}};
    const size_t i = below(N(fields));
    note("log header, from %zu", fields[i].at);
    change(l->octets.data + fields[i].at, fields[i].len);
    return fields[i].free;
}

/* Whether the header is still good; what the events lead to is another matter. */
static bool change_log(struct log *l)
{
    static const struct {
        size_t at, len;
    } fields[] = {{PCR, 4},      {TYPE, 4}, {COUNT, 4},    {ALG1, 2},
                  {AT_SHA1, 20}, {ALG2, 2}, {AT_SHA2, 32}, {LEN, 4}};
    const size_t k = below(l->n), at = l->event[k], i = below(N(fields) + 4);
    if (i >= N(fields) + 2)
        return change_log_header(l);
    if (i == N(fields)) { /* an event swallows the next one, or the log ends early */
        note("event %zu without the next, or cut", k);
        if (k + 1 < l->n && one_in(2))
            put(&l->octets, at + LEN, 4,
                (k + 2 < l->n ? l->event[k + 2] : l->octets.len) - at - DATA);
        else
            l->octets.len = one_in(2) && k ? at : at + 1 + below(l->octets.len - at - 1);
        return true;
    }
    if (i > N(fields)) { /* numbers of few PCRs and types, which random ones seldom are */
        put(&l->octets, at + PCR, 4, below(26));
        put(&l->octets, at + TYPE, 4, one_in(2) ? NO_ACTION : get(&l->octets, at + TYPE, 4));
        note("event at %zu of PCR %u, type %u", at, (unsigned)get(&l->octets, at + PCR, 4),
             (unsigned)get(&l->octets, at + TYPE, 4));
        return true;
    }
    note("event at %zu, field %zu", at, i);
    change(l->octets.data + at + fields[i].at, fields[i].len);
    return true;
}

/* ---- quotes ---- */

struct made {
    struct tk_tpm t;
    struct sg_buf quote, values, key, sig, packed;
    struct log log;
    struct sg_tee_evidence e, whole;
};

static struct made made = {.quote = SG_BUF_INIT(65536),
                           .values = SG_BUF_INIT(65536),
                           .key = SG_BUF_INIT(4096),
                           .sig = SG_BUF_INIT(4096),
                           .packed = SG_BUF_INIT(1u << 20),
                           .log = {.octets = SG_BUF_INIT(65536)}};

static void reset(struct made *m, const struct tk_tpm *t)
{
    struct sg_buf *const all[] = {&m->quote, &m->values, &m->key,
                                  &m->sig,   &m->packed, &m->log.octets};
    for (size_t i = 0; i < N(all); i++)
        sg_buf_reset(all[i]);
    m->t = *t;
    m->log.n = 0;
}

/* What a TPM may be asked for. */
static void vary(struct tk_tpm *t)
{
    static const unsigned banks[] = {0x0b, 0x0c, 0x0d, 4, 0x0b, 0x0b};
    t->bank = banks[below(N(banks))];
    if (one_in(2))
        t->selected = (uint32_t)odd_number(0x3ff, 24);
    if (one_in(3))
        t->extra_len = below(65);
    if (one_in(20))
        t->magic = (uint32_t)odd_number(t->magic, 32);
    if (one_in(20))
        t->attest_type = (uint16_t)odd_number(t->attest_type, 16);
    if (one_in(3))
        change(t->pcr[below(TK_PCRS)], 32);
    note("bank %x, PCRs %06x, extra %zu, magic %x, type %x", t->bank, t->selected, t->extra_len,
         t->magic, t->attest_type);
}

/* All 24 of a bank are as good as those selected. */
static void put_whole_bank(struct made *m)
{
    struct tk_tpm all = m->t;
    all.selected = 0xffffff;
    sg_buf_reset(&m->values);
    tk_tpm_values(&all, &m->values);
    note("all 24 values");
}

static void change_octets(struct made *m)
{
    switch (below(4)) {
    case 0:
        if (m->values.len) {
            note("values");
            change(m->values.data, m->values.len);
        }
        break;
    case 1:
        note("quote cut or longer");
        if (one_in(2))
            m->quote.len -= 1 + below(m->quote.len - 1);
        else
            MUST(sg_buf_append_zeros(&m->quote, 1 + below(8)));
        break;
    case 2:
        note("values cut or longer");
        if (one_in(2) && m->values.len)
            m->values.len -= 1 + below(m->values.len - 1);
        else
            MUST(sg_buf_append_zeros(&m->values, 1 + below(64)));
        break;
    default:
        note("quote");
        change(m->quote.data, m->quote.len);
    }
}

/* Of the signature's own fields each has one value. */
static bool change_signature(struct made *m)
{
    static const size_t at[] = {0, 2, 4, 38}; /* scheme, hash, sizes of r and s */
    const size_t i = below(N(at));
    note("signature, from %zu", at[i]);
    change(m->sig.data + at[i], 2);
    return false;
}

static void gather(struct made *m, const struct tk_tpm *signer)
{
    tk_tpm_sign(signer, sg_buf_bytes(&m->quote), &m->sig);
    tk_tpm_public(&m->t, &m->key);
    m->e = (struct sg_tee_evidence){0};
    m->e.part[SG_TEE_PART_TPM_QUOTE] = sg_buf_bytes(&m->quote);
    m->e.part[SG_TEE_PART_TPM_SIGNATURE] = sg_buf_bytes(&m->sig);
    m->e.part[SG_TEE_PART_TPM_PCRS] = sg_buf_bytes(&m->values);
    m->e.part[SG_TEE_PART_TPM_KEY] = sg_buf_bytes(&m->key);
    m->e.part[SG_TEE_PART_EVENT_LOG] = sg_buf_bytes(&m->log.octets);
}

static const struct sg_tee_evidence *packed(struct made *m)
{
    MUST(sg_tpm_pack(&m->e, &m->packed));
    m->whole = (struct sg_tee_evidence){0};
    m->whole.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&m->packed);
    note("in one");
    return &m->whole;
}

static bool resigned_plain(struct made *m)
{
    bool wanted = true;
    reset(m, &world.ak);
    const bool log = one_in(3);
    if (log)
        make_log(&m->t, &m->log);
    else if (one_in(2))
        vary(&m->t);
    tk_tpm_quote(&m->t, &m->quote);
    tk_tpm_values(&m->t, &m->values);
    if (log && !one_in(10))
        wanted &= change_log(&m->log);
    if (!log && m->t.bank == SHA256_BANK && one_in(6))
        put_whole_bank(m);
    if (!log && !one_in(4))
        change_octets(m);
    const bool stranger = one_in(30);
    if (stranger)
        note("signed by a stranger");
    gather(m, stranger ? &ca.ak : &world.ak);
    if (one_in(20))
        wanted &= change_signature(m);
    wanted = wanted && !stranger &&
             tk_tpm_is_right(sg_buf_bytes(&m->quote), sg_buf_bytes(&m->values), SHA256_BANK) &&
             (!log || log_leads_to(&m->log, &m->t));
    return judged_as(one_in(4) ? packed(m) : &m->e, wanted);
}

/* ---- attributes of the key: whose word they are, they must be right ---- */

/* TPMA_OBJECT: fixedTPM, fixedParent, sensitiveDataOrigin, restricted, sign; not decrypt. */
static bool resigned_attributes(struct made *m)
{
    enum { MUST_HAVE = 0x00050032, MUST_NOT = 0x00020000 };
    reset(m, &world.ak);
    m->t.attributes = (uint32_t)odd_number(m->t.attributes, 32);
    note("attributes %08x", m->t.attributes);
    tk_tpm_quote(&m->t, &m->quote);
    tk_tpm_values(&m->t, &m->values);
    gather(m, &world.ak);
    return judged_as(&m->e, (m->t.attributes & (MUST_HAVE | MUST_NOT)) == MUST_HAVE);
}

/* ---- a key under a certificate ---- */

static bool change_spec(struct tk_cert_spec *c)
{
    static const char *const usages[] = {NULL, "digitalSignature", "keyCertSign",
                                         "digitalSignature,nonRepudiation", "keyEncipherment"};
    const char *usage = usages[below(N(usages))];
    const bool critical = one_in(2);
    switch (below(6)) {
    case 0:
        *(one_in(2) ? &c->from_s : &c->until_s) = odd_time();
        note("from %+lld, until %+lld", (long long)(c->from_s - TK_AT),
             (long long)(c->until_s - TK_AT));
        return c->from_s <= TK_AT && c->until_s >= TK_AT;
    case 1:
        c->constraints = (__typeof__(c->constraints))below(3);
        c->path_length = -1;
        note("constraints %d", (int)c->constraints);
        return c->constraints == TK_END_ENTITY;
    case 2:
        c->key_usage = usage;
        note("usage %s", usage ? usage : "none");
        return usage && strstr(usage, "digitalSignature");
    case 3:
        c->common_name = one_in(2) ? "any name" : "TPM root";
        note("name %s", c->common_name);
        return true;
    case 4: /* subjectAltName is understood, critical or not */
        tk_add_extension(c, "2.5.29.17", critical, SG_BYTES_LIT("\x30\x00"));
        note("alternative name");
        return true;
    default:
        tk_add_extension(c, "1.2.3.4.5", critical, SG_BYTES_LIT("\x05\x00"));
        note("unknown extension%s", critical ? ", critical" : "");
        return !critical;
    }
}

/* extKeyUsage, which must name tcg-kp-AIKCertificate. */
static bool add_purpose(struct tk_cert_spec *c)
{
    static const struct {
        struct sg_bytes der;
        bool right;
    } purposes[] = {
        {SG_BYTES_LIT("\x30\x07\x06\x05\x67\x81\x05\x08\x03"), true},
        {SG_BYTES_LIT("\x30\x07\x06\x05\x67\x81\x05\x08\x01"), false}, /* EK */
        {SG_BYTES_LIT("\x30\x0e\x06\x05\x67\x81\x05\x08\x01\x06\x05\x67\x81\x05\x08\x03"), true},
        {SG_BYTES_LIT("\x30\x00"), false},
        {SG_BYTES_LIT("\x30\x08\x06\x05\x67\x81\x05\x08\x03"), false},
        {SG_BYTES_LIT("\x30\x09\x06\x07\x67\x81\x05\x08\x03\x00\x00"), false}};
    const size_t i = one_in(2) ? 0 : below(N(purposes) + 1);
    note("purpose %zu", i);
    if (i == N(purposes))
        return false;
    tk_add_extension(c, "2.5.29.37", one_in(2), purposes[i].der);
    return purposes[i].right;
}

static void add(struct sg_tee_store *s, struct sg_buf *b)
{
    unsigned items;
    MUST(sg_tee_store_add(s, sg_buf_bytes(b), &items));
    sg_buf_reset(b);
}

static bool put_list(struct sg_tee_store *store, uint64_t serial)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    const bool lists = one_in(4), stranger = one_in(30), without = one_in(30);
    struct tk_crl_spec c = {.from_s = TK_AT - DAY, .until_s = TK_AT + DAY};
    uint64_t revoked = one_in(2) ? serial : serial ^ 1;
    if (lists) {
        c.serials = &revoked;
        c.n_serials = 1;
    }
    if (one_in(6))
        *(one_in(2) ? &c.from_s : &c.until_s) = odd_time();
    note("list from %+lld, until %+lld, %s%s%s", (long long)(c.from_s - TK_AT),
         (long long)(c.until_s - TK_AT), lists ? "with one" : "empty", stranger ? ", foreign" : "",
         without ? ", missing" : "");
    tk_crl_der(&c, ca.root, stranger ? ca.ak.key : ca.root_key, &b);
    if (!without)
        add(store, &b);
    return !without && !stranger && c.from_s <= TK_AT && c.until_s >= TK_AT &&
           !(lists && revoked == serial);
}

static bool resigned_certified(struct made *m)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *store = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    struct tk_cert_spec spec = {.common_name = "AK",
                                .from_s = TK_AT - DAY,
                                .until_s = TK_AT + DAY,
                                .serial = 8,
                                .constraints = TK_END_ENTITY,
                                .key_usage = "digitalSignature"};
    bool wanted = add_purpose(&spec);
    if (one_in(2))
        wanted &= change_spec(&spec);
    const bool stranger = one_in(20), other = one_in(20);
    note("%s%s", stranger ? "issued by a stranger" : "", other ? ", of another key" : "");
    X509 *cert = tk_cert_new(&spec, other ? world.ak.key : ca.ak.key, ca.root,
                             stranger ? ca.ak.key : ca.root_key);
    MUST(sg_tee_store_new(&store, false));
    tk_cert_der(ca.root, &b);
    MUST(sg_tee_store_add_root(store, SG_TEE_VENDOR_TPM, sg_buf_bytes(&b)));
    sg_buf_reset(&b);
    wanted &= put_list(store, spec.serial);
    tk_cert_der(cert, &b);
    X509_free(cert);
    reset(m, &ca.ak);
    tk_tpm_quote(&m->t, &m->quote);
    tk_tpm_values(&m->t, &m->values);
    gather(m, &ca.ak);
    m->e.part[SG_TEE_PART_CERTIFICATES] = sg_buf_bytes(&b);
    return judged_in(store, &m->e, wanted && !stranger && !other);
}

bool resigned_tpm(void)
{
    const size_t way = below(20);
    return way < 15   ? resigned_plain(&made)
           : way < 16 ? resigned_attributes(&made)
                      : resigned_certified(&made);
}
