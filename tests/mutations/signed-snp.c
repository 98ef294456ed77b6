/*
 * signed-snp - fields of SEV-SNP reports changed and signed again, of every version, product and
 * kind of key; and the certificates and lists that the key is judged by.
 */
#include "mutate.h"

enum { SIGNED = 0x2a0, SCALAR = 48, ROOM = 72, KEY_FLAGS = 0x48 };

static const unsigned versions[] = {2, 3, 5};
static struct tk_fast_signer signers[TK_PRODUCTS][2];

void begin_snp(void)
{
    for (size_t p = 0; p < TK_PRODUCTS; p++) {
        tk_fast_signer_init(&signers[p][0], world.amd[p].vcek_key);
        tk_fast_signer_init(&signers[p][1], world.amd[p].vlek_key);
    }
}

void end_snp(void)
{
    for (size_t p = 0; p < TK_PRODUCTS; p++)
        for (size_t k = 0; k < 2; k++)
            tk_fast_signer_clear(&signers[p][k]);
}

struct report {
    unsigned product, vlek;
    struct sg_buf octets;
};

static void make(struct report *r)
{
    uint8_t octets[TK_SNP_REPORT];
    r->product = (unsigned)below(TK_PRODUCTS);
    r->vlek = (unsigned)below(2);
    const unsigned version = versions[below(N(versions))];
    tk_snp_report(&world.amd[r->product], version, octets);
    octets[KEY_FLAGS] = r->vlek ? 4 : 0;
    note("product %u, version %u, %s", r->product, version, r->vlek ? "VLEK" : "VCEK");
    MUST(sg_buf_append(&r->octets, SG_BYTES_ARRAY(octets)));
}

/* ---- the report ---- */

static bool zeros(const uint8_t *p, size_t n)
{
    while (n--)
        if (p[n])
            return false;
    return true;
}

static bool is_right(const struct report *r)
{
    const uint8_t *p = r->octets.data;
    uint8_t good[TK_SNP_REPORT];
    if (r->octets.len < TK_SNP_REPORT || (p[0] != 2 && p[0] != 3 && p[0] != 5))
        return false;
    tk_snp_report(&world.amd[r->product], p[0], good);
    good[KEY_FLAGS] = r->vlek ? 4 : 0;
    const struct tk_rules rules = tk_rules_snp(p[0], (enum tk_product)r->product, r->vlek);
    return !tk_rules_broken(&rules, good, p) && zeros(p + SIGNED + SCALAR, ROOM - SCALAR) &&
           zeros(p + SIGNED + ROOM + SCALAR, ROOM - SCALAR) &&
           zeros(p + TK_SNP_REPORT, r->octets.len - TK_SNP_REPORT);
}

/* Where a rule looks or beside it, or anywhere. */
static void change_field(struct report *r)
{
    const struct tk_rules rules =
        tk_rules_snp(r->octets.data[0] % 8, (enum tk_product)r->product, r->vlek);
    const struct tk_rule *rule = &rules.at[below(rules.n)];
    if (one_in(3) || rule->from >= SIGNED) {
        change(r->octets.data, SIGNED);
        return;
    }
    const size_t before = rule->from ? below(2) : 0;
    note("%s, from %#zx", rule->why, rule->from - before);
    change(r->octets.data + rule->from - before, (size_t)(rule->until - rule->from) + before);
}

/* After signing: what the signature does not reach, and still may not be anything. */
static void change_behind(struct report *r)
{
    static const size_t at[] = {SIGNED + SCALAR, SIGNED + ROOM + SCALAR, SIGNED + 2 * ROOM};
    const size_t which = below(4);
    if (which == 3) {
        MUST(sg_buf_append_zeros(&r->octets, 1 + below(100)));
        r->octets.data[r->octets.len - 1] = (uint8_t)below(2);
        note("%zu octets", r->octets.len);
        return;
    }
    change(r->octets.data + at[which], which == 2 ? TK_SNP_REPORT - at[2] : ROOM - SCALAR);
    note("behind %#zx", at[which]);
}

static void reverse(uint8_t *p)
{
    for (size_t i = 0; i < SCALAR / 2; i++) {
        const uint8_t v = p[i];
        p[i] = p[SCALAR - 1 - i];
        p[SCALAR - 1 - i] = v;
    }
}

static struct sg_bytes leaf_of(unsigned product, unsigned vlek)
{
    static struct sg_buf der[TK_PRODUCTS][2];
    struct sg_buf *b = &der[product][vlek];
    if (!b->len) {
        *b = (struct sg_buf)SG_BUF_INIT(8192);
        tk_cert_der(vlek ? world.amd[product].vlek : world.amd[product].vcek, b);
    }
    return sg_buf_bytes(b);
}

static bool resigned_report(struct report *r)
{
    struct sg_tee_evidence e = {0};
    bool wanted = true;
    unsigned signer = r->product, key = r->vlek;
    for (size_t n = one_in(3) ? 2 : 1; n; n--)
        change_field(r);
    if (one_in(40)) {
        signer = (signer + 1) % TK_PRODUCTS;
        note("signed for another product");
        wanted = false;
    } else if (one_in(40)) {
        key = !key;
        note("signed by the other key");
        wanted = false;
    }
    tk_snp_sign_fast(&signers[signer][key], r->octets.data);
    if (one_in(60)) {
        reverse(r->octets.data + SIGNED);
        reverse(r->octets.data + SIGNED + ROOM);
        note("big-endian");
        wanted = false;
    }
    if (one_in(10))
        change_behind(r);
    e.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&r->octets);
    e.part[SG_TEE_PART_CERTIFICATES] = leaf_of(r->product, r->vlek);
    return judged_as(&e, wanted && is_right(r));
}

/* ---- certificates ---- */

static const char *odd_product(void)
{
    static const char *const names[] = {"Milan", "Milan-B0",  "Genoa", "Genoa-B1",
                                        "Turin", "Turin-C1",  "milan", "Milano",
                                        "",      "SEV-Milan", "-Milan"};
    return names[below(N(names))];
}

/* The product's own name, with or without a stepping. */
static bool is_product(const char *name, unsigned product)
{
    static const char *const names[] = {"Milan", "Genoa", "Turin"};
    const size_t n = strlen(names[product]);
    return !strncmp(name, names[product], n) && (!name[n] || name[n] == '-');
}

/* One fact of the leaf; whether the report still goes with it. */
static bool change_fact(struct tk_amd *a, unsigned product, bool vlek)
{
    uint8_t *const versions_of[] = {&a->bl, &a->tee, &a->snp, &a->ucode, &a->fmc};
    const size_t which = below(8);
    if (which < N(versions_of)) {
        const uint8_t before = *versions_of[which];
        *versions_of[which] = (uint8_t)odd_number(before, 8);
        note("component %zu is %u", which, *versions_of[which]);
        return *versions_of[which] == before ||
               (versions_of[which] == &a->fmc && product != TK_TURIN); /* others have none */
    }
    switch (which) {
    case 5:
        change(a->chip_id, product == TK_TURIN ? 8 : sizeof a->chip_id);
        note("another chip");
        return vlek;
    case 6:
        a->chip_id_in_der = true;
        note("chip id as an octet string");
        return true;
    default:
        a->product_name = odd_product();
        note("product %s", a->product_name);
        return is_product(a->product_name, product);
    }
}

static bool change_form(struct tk_cert_spec *c, bool vlek)
{
    static const char *const names[] = {"SEV-VCEK", "SEV-VLEK", "SEV-Milan", "sev-vcek"};
    const size_t i = below(c->n_extensions);
    switch (below(7)) {
    case 0:
        c->from_s = odd_time();
        break;
    case 1:
        c->until_s = odd_time();
        break;
    case 2:
        c->common_name = names[below(N(names))];
        note("name %s", c->common_name);
        return !strcmp(c->common_name, names[vlek]);
    case 3:
        c->constraints = (__typeof__(c->constraints))below(3);
        c->path_length = -1;
        note("constraints %d", (int)c->constraints);
        return c->constraints != TK_CA;
    case 4: {
        const bool critical = one_in(2);
        tk_add_extension(c, "1.2.3.4.5", critical, SG_BYTES_LIT("\x05\x00"));
        note("unknown extension%s", critical ? ", critical" : "");
        return !critical;
    }
    case 5:
        note("without extension %s", c->extension[i].oid);
        c->extension[i] = c->extension[--c->n_extensions];
        return false;
    default:
        note("extension %s cut", c->extension[i].oid);
        c->extension[i].len = below(c->extension[i].len);
        /* A chip id and a text keep their forms when shortened to nothing known. */
        return false;
    }
    note("from %+lld, until %+lld", (long long)(c->from_s - TK_AT),
         (long long)(c->until_s - TK_AT));
    return c->from_s <= TK_AT && c->until_s >= TK_AT;
}

static bool resigned_leaf(struct report *r)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    struct tk_amd a = world.amd[r->product];
    struct sg_tee_evidence e = {0};
    bool wanted = true;
    if (one_in(2))
        wanted &= change_fact(&a, r->product, r->vlek);
    struct tk_cert_spec spec = tk_amd_leaf_spec(&a, r->vlek);
    if (!wanted || one_in(2))
        wanted &= change_form(&spec, r->vlek);
    const bool stranger = one_in(20);
    if (stranger)
        note("issued by a stranger");
    X509 *leaf = tk_cert_new(&spec, r->vlek ? a.vlek_key : a.vcek_key, r->vlek ? a.asvk : a.ask,
                             (r->vlek != 0) != stranger ? a.asvk_key : a.ask_key);
    tk_cert_der(leaf, &der);
    X509_free(leaf);
    tk_snp_sign_fast(&signers[r->product][r->vlek], r->octets.data);
    e.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&r->octets);
    e.part[SG_TEE_PART_CERTIFICATES] = sg_buf_bytes(&der);
    return judged_as(&e, wanted && !stranger);
}

/* ---- the CA and the list of its issuer ---- */

static bool change_ca(struct tk_cert_spec *c, unsigned product, bool vlek)
{
    static const char *const names[] = {
        "SEV-Milan",      "SEV-Genoa",      "SEV-Turin", "SEV-VLEK-Milan",
        "SEV-VLEK-Genoa", "SEV-VLEK-Turin", "ARK-Milan", "x"};
    static const char *const usages[] = {NULL, "digitalSignature", "keyCertSign", "cRLSign",
                                         "keyCertSign,cRLSign"};
    const char *usage = usages[below(N(usages))];
    switch (below(4)) {
    case 0:
        *(one_in(2) ? &c->from_s : &c->until_s) = odd_time();
        note("CA from %+lld, until %+lld", (long long)(c->from_s - TK_AT),
             (long long)(c->until_s - TK_AT));
        return c->from_s <= TK_AT && c->until_s >= TK_AT;
    case 1:
        c->common_name = names[below(N(names))];
        note("CA %s", c->common_name);
        return !strcmp(c->common_name, names[product + (vlek ? 3 : 0)]);
    case 2:
        c->constraints = (__typeof__(c->constraints))below(3);
        note("CA constraints %d", (int)c->constraints);
        return c->constraints == TK_CA;
    default:
        c->key_usage = usage;
        note("CA usage %s", usage ? usage : "none");
        return usage && strstr(usage, "keyCertSign");
    }
}

static bool change_crl(struct tk_crl_spec *c, const uint64_t *serial)
{
    switch (below(4)) {
    case 0:
        c->from_s = odd_time();
        break;
    case 1:
        c->until_s = one_in(4) ? 0 : odd_time();
        break;
    case 2:
        c->serials = serial;
        c->n_serials = 1;
        break;
    default:
        break;
    }
    note("list from %+lld, until %+lld, %zu serials (%llu)", (long long)(c->from_s - TK_AT),
         (long long)(c->until_s - TK_AT), c->n_serials, (unsigned long long)*serial);
    /* The CA's serial is 1. */
    return c->from_s <= TK_AT && c->until_s >= TK_AT && !(c->n_serials && *serial == 1);
}

static void add(struct sg_tee_store *s, struct sg_buf *b)
{
    unsigned items;
    MUST(sg_tee_store_add(s, sg_buf_bytes(b), &items));
    sg_buf_reset(b);
}

static bool resigned_ca(struct report *r)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *store = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    const struct tk_amd *a = &world.amd[r->product];
    struct tk_cert_spec ca = r->vlek ? a->asvk_spec : a->ask_spec;
    const struct tk_cert_spec leaf = tk_amd_leaf_spec(a, r->vlek);
    EVP_PKEY *ca_key = r->vlek ? a->asvk_key : a->ask_key;
    struct tk_crl_spec crl = {
        .from_s = TK_AT - DAY, .until_s = TK_AT + DAY, .digest = "SHA384", .pss = true};
    const uint64_t serial = odd_number(1, 8);
    bool wanted = true;
    if (one_in(2))
        wanted &= change_ca(&ca, r->product, r->vlek);
    else
        wanted &= change_crl(&crl, &serial);
    const bool without = one_in(20), stranger = one_in(20);
    if (without || stranger)
        note("list %s", without ? "missing" : "of a stranger");
    X509 *issuer = tk_cert_new(&ca, ca_key, a->ark, a->ark_key);
    X509 *cert = tk_cert_new(&leaf, r->vlek ? a->vlek_key : a->vcek_key, issuer, ca_key);
    tk_world_new_store(&world, &store);
    tk_cert_der(issuer, &b);
    add(store, &b);
    tk_crl_der(&crl, a->ark, stranger ? ca_key : a->ark_key, &b);
    if (!without)
        add(store, &b);
    sg_buf_reset(&b);
    tk_cert_der(cert, &b);
    X509_free(cert);
    X509_free(issuer);
    tk_snp_sign_fast(&signers[r->product][r->vlek], r->octets.data);
    const struct sg_tee_evidence e = {.part = {[SG_TEE_PART_REPORT] = sg_buf_bytes(&r->octets),
                                               [SG_TEE_PART_CERTIFICATES] = sg_buf_bytes(&b)}};
    return judged_in(store, &e, wanted && !without && !stranger);
}

bool resigned_snp(void)
{
    static struct report r = {.octets = SG_BUF_INIT(65536)};
    const size_t way = below(20);
    sg_buf_reset(&r.octets);
    make(&r);
    return way < 14 ? resigned_report(&r) : way < 18 ? resigned_leaf(&r) : resigned_ca(&r);
}
