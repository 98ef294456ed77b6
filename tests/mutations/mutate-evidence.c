/*
 * mutate-evidence KIND raw|signed COUNT [SEED] - good evidence under roots of our own, changed
 * COUNT times and judged; exit 1 at the first wrong verdict.
 *
 * raw: octets turned, cut, doubled, moved.  First every octet is turned by itself, which lists the
 * octets that no signature and no rule covers; whatever is trusted afterwards may differ from the
 * good evidence there and nowhere else.
 * signed (snp, tpm): one octet of what is signed is changed and all signed again, so that every
 * later check is reached.  A table says of each bit whether it is free or must be as it is; the
 * verdict must agree both ways.
 */
#include "testkit/amd.h"
#include "testkit/cose.h"
#include "testkit/intel.h"
#include "testkit/tpm.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/random.h>
#include <sealgrid/crypto/hash.h>
#include <sealgrid/tee/policy.h>
#include <stdio.h>

#define AT  INT64_C(1782864000)
#define DAY INT64_C(86400)

#define MUST(expr) sg_assert((expr) == 0)

static struct tk_intel intel;
static struct tk_amd amd;
static struct tk_tpm ak;
static EVP_PKEY *aws_key, *zone_key, *enclave_key, *platform_key, *realm_key;
static X509 *aws, *zone, *enclave;
static struct sg_tee_store *store;
static struct sg_tee_cache *cache;
static struct sg_prng prng;

struct specimen {
    struct sg_buf part[SG_TEE_N_PARTS];
    struct sg_buf free[SG_TEE_N_PARTS]; /* per octet: bits that were found free */
};

static struct specimen good;

/* ---- what everything is judged by ---- */

static void add(const struct sg_buf *b)
{
    unsigned items;
    MUST(sg_tee_store_add(store, sg_buf_bytes(b), &items));
}

static void add_root(unsigned vendor, X509 *root)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    tk_cert_der(root, &b);
    MUST(sg_tee_store_add_root(store, vendor, sg_buf_bytes(&b)));
}

static void add_intel(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    for (int td = 0; td < 2; td++) {
        const struct tk_tcb_info info = tk_tcb_info_good(&intel, td);
        const struct tk_identity id = tk_identity_good(&intel, td);
        tk_tcb_info_json(&intel, &info, &b);
        add(&b);
        sg_buf_reset(&b);
        tk_identity_json(&intel, &id, &b);
        add(&b);
        sg_buf_reset(&b);
    }
    tk_intel_signer_chain(&intel, &b);
    add(&b);
    sg_buf_reset(&b);
    tk_intel_root_crl(&intel, NULL, 0, &b);
    add(&b);
    sg_buf_reset(&b);
    tk_intel_pck_crl(&intel, NULL, 0, &b);
    add(&b);
}

static void add_amd(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    const struct tk_crl_spec crl = {
        .from_s = AT - DAY, .until_s = AT + DAY, .digest = "SHA384", .pss = true};
    tk_cert_pem(amd.ask, &b);
    tk_cert_pem(amd.vcek, &b);
    add(&b);
    sg_buf_reset(&b);
    tk_crl_der(&crl, amd.ark, amd.ark_key, &b);
    add(&b);
}

static X509 *certify(const char *name, bool is_ca, EVP_PKEY *key, const X509 *issuer,
                     EVP_PKEY *issuer_key)
{
    const struct tk_cert_spec spec = {.common_name = name,
                                      .from_s = AT - DAY,
                                      .until_s = AT + DAY,
                                      .constraints = is_ca ? TK_CA : TK_END_ENTITY,
                                      .path_length = -1,
                                      .key_usage =
                                          is_ca ? "keyCertSign,cRLSign" : "digitalSignature",
                                      .digest = "SHA384"};
    return tk_cert_new(&spec, key, issuer, issuer_key);
}

static void make_keys(void)
{
    aws_key = tk_key_new(TK_P384);
    zone_key = tk_key_new(TK_P384);
    enclave_key = tk_key_new(TK_P384);
    platform_key = tk_key_new(TK_P384);
    realm_key = tk_key_new(TK_P384);
    aws = certify("root", true, aws_key, NULL, aws_key);
    zone = certify("zone", true, zone_key, aws, aws_key);
    enclave = certify("enclave", false, enclave_key, zone, zone_key);
}

static void clear_keys(void)
{
    EVP_PKEY *const keys[] = {aws_key, zone_key, enclave_key, platform_key, realm_key};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        EVP_PKEY_free(keys[i]);
    X509_free(aws);
    X509_free(zone);
    X509_free(enclave);
}

static void add_aws(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    const struct tk_crl_spec crl = {.from_s = AT - DAY, .until_s = AT + DAY, .digest = "SHA384"};
    tk_crl_der(&crl, aws, aws_key, &b);
    add(&b);
}

static void make_store(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(1024);
    SG_CLEANUP(sg_buf_clear) struct sg_buf arm = SG_BUF_INIT(1024);
    MUST(sg_tee_store_new(&store, true));
    add_root(SG_TEE_VENDOR_INTEL, intel.root);
    add_root(SG_TEE_VENDOR_AMD, amd.ark);
    tk_key_spki(ak.key, &key);
    MUST(sg_tee_store_add_root(store, SG_TEE_VENDOR_TPM, sg_buf_bytes(&key)));
    tk_key_spki(platform_key, &arm);
    MUST(sg_tee_store_add_root(store, SG_TEE_VENDOR_ARM, sg_buf_bytes(&arm)));
    add_root(SG_TEE_VENDOR_AWS, aws);
    add_intel();
    add_amd();
    add_aws();
    MUST(sg_tee_store_seal(store));
    MUST(sg_tee_cache_new(&cache, store));
}

static bool trusted(const struct specimen *s)
{
    struct sg_tee_evidence e = {0};
    struct sg_tee_policy p = sg_tee_policy_default();
    struct sg_tee_verdict v;
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        e.part[i] = sg_buf_bytes(&s->part[i]);
    const struct sg_tee_case c = {.evidence = &e, .store = store, .cache = cache, .at_s = AT};
    p.at_s = AT;
    MUST(sg_tee_judge(&c, &v));
    sg_tee_apply(&p, &v);
    return sg_tee_trusted(&v);
}

/* ---- specimens ---- */

static void make_quote(struct specimen *s, struct tk_quote q)
{
    tk_quote_make(&intel, &q, &s->part[SG_TEE_PART_REPORT]);
}

static void make_sgx(struct specimen *s)
{
    make_quote(s, tk_quote_sgx(&intel));
}

static void make_td4(struct specimen *s)
{
    make_quote(s, tk_quote_td(&intel, 4, TK_TD10_BODY));
}

static void make_td5(struct specimen *s)
{
    make_quote(s, tk_quote_td(&intel, 5, TK_TD15_BODY));
}

static void make_snp(struct specimen *s)
{
    uint8_t report[TK_SNP_REPORT];
    tk_snp_report(&amd, 3, report);
    tk_snp_sign(amd.vcek_key, report);
    MUST(sg_buf_append(&s->part[SG_TEE_PART_REPORT], SG_BYTES_ARRAY(report)));
}

static void sign_quote(struct specimen *s)
{
    sg_buf_reset(&s->part[SG_TEE_PART_TPM_SIGNATURE]);
    tk_tpm_sign(&ak, sg_buf_bytes(&s->part[SG_TEE_PART_TPM_QUOTE]),
                &s->part[SG_TEE_PART_TPM_SIGNATURE]);
}

static void make_tpm(struct specimen *s)
{
    tk_tpm_quote(&ak, &s->part[SG_TEE_PART_TPM_QUOTE]);
    sign_quote(s);
    tk_tpm_values(&ak, &s->part[SG_TEE_PART_TPM_PCRS]);
    tk_tpm_public(&ak, &s->part[SG_TEE_PART_TPM_KEY]);
}

static void make_azure(struct specimen *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf runtime = SG_BUF_INIT(4096);
    uint8_t report[TK_SNP_REPORT];
    tk_hcl_runtime(&ak, &runtime);
    tk_snp_report(&amd, 3, report);
    memset(report + 0x50, 0, 64);
    sg_sha256(report + 0x50, sg_buf_bytes(&runtime));
    tk_snp_sign(amd.vcek_key, report);
    tk_hcl_report(2, SG_BYTES_ARRAY(report), sg_buf_bytes(&runtime), &s->part[SG_TEE_PART_REPORT]);
    make_tpm(s);
    sg_buf_reset(&s->part[SG_TEE_PART_TPM_KEY]); /* it is in the runtime data */
}

static void make_nitro(struct specimen *s)
{
    tk_nitro_document(enclave_key, enclave, zone, aws, AT, &s->part[SG_TEE_PART_REPORT]);
}

static void make_cca(struct specimen *s)
{
    tk_cca_token(platform_key, realm_key, &s->part[SG_TEE_PART_REPORT]);
}

static const struct {
    const char *name;
    void (*make)(struct specimen *s);
    enum tk_key_type key; /* of the TPM */
} kinds[] = {{"sgx-v3", make_sgx, TK_P256},  {"tdx-v4", make_td4, TK_P256},
             {"tdx-v5", make_td5, TK_P256},  {"snp", make_snp, TK_P256},
             {"tpm", make_tpm, TK_P256},     {"azure", make_azure, TK_RSA2048},
             {"nitro", make_nitro, TK_P256}, {"cca", make_cca, TK_P256}};

static void init(struct specimen *s)
{
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        s->part[i] = s->free[i] = (struct sg_buf)SG_BUF_INIT(1u << 20);
}

static void clear(struct specimen *s)
{
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++) {
        sg_buf_clear(&s->part[i]);
        sg_buf_clear(&s->free[i]);
    }
}

static void copy(struct specimen *to)
{
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++) {
        sg_buf_reset(&to->part[i]);
        MUST(sg_buf_append(&to->part[i], sg_buf_bytes(&good.part[i])));
    }
}

static const char *part_name(size_t part)
{
    static const char *const names[] = {
#define X(id, name) name,
        SG_TEE_PARTS(X)
#undef X
    };
    return names[part];
}

/* ---- octets that nothing covers ---- */

static uint8_t free_bits(struct specimen *s, size_t part, size_t at)
{
    uint8_t bits = 0;
    for (unsigned bit = 0; bit < 8; bit++) {
        s->part[part].data[at] ^= (uint8_t)(1u << bit);
        bits |= (uint8_t)((unsigned)trusted(s) << bit);
        s->part[part].data[at] ^= (uint8_t)(1u << bit);
    }
    return bits;
}

/* Numbers (algorithms) of which some are as good as others without differing in one bit. */
static uint8_t free_values(struct specimen *s, size_t part, size_t at)
{
    uint8_t bits = 0;
    for (unsigned change = 1; change < 256; change++) {
        s->part[part].data[at] ^= (uint8_t)change;
        bits |= trusted(s) ? (uint8_t)change : 0;
        s->part[part].data[at] ^= (uint8_t)change;
    }
    return bits;
}

enum { KEY_HEAD = 20 }; /* of a public area: what stands before the key itself */
static uint8_t free_at(struct specimen *s, size_t part, size_t at)
{
    return part == SG_TEE_PART_TPM_KEY && at < KEY_HEAD ? free_values(s, part, at)
                                                        : free_bits(s, part, at);
}

static void list_free(size_t part)
{
    const struct sg_buf *f = &good.free[part];
    for (size_t i = 0; i < f->len;) {
        const size_t from = i;
        const uint8_t bits = f->data[i];
        while (i < f->len && f->data[i] == bits)
            i++;
        if (bits)
            printf("  not covered: %s, octets %zu to %zu, bits %02x\n", part_name(part), from,
                   i - 1, bits);
    }
}

/* A chain in a quote is PEM: its last certificate is the root, which is pinned by key and need not
 * be there at all; and ends of lines may be other white space. */
static size_t start_of_root(const struct sg_buf *b)
{
    static const char mark[] = "-----BEGIN";
    size_t found = b->len;
    for (size_t i = 0; i + sizeof mark - 1 <= b->len; i++)
        if (!memcmp(b->data + i, mark, sizeof mark - 1))
            found = i;
    return found;
}

static void find_free(struct specimen *s)
{
    for (size_t part = 0; part < SG_TEE_N_PARTS; part++) {
        const struct sg_buf *b = &good.part[part];
        const size_t root = start_of_root(b);
        for (size_t i = 0; i < b->len; i++) {
            const bool blank = root < b->len && b->data[i] == '\n' && i > 1024;
            MUST(sg_buf_append_u8(&good.free[part],
                                  i >= root || blank ? 0xff : free_at(s, part, i)));
        }
        list_free(part);
    }
}

/* ---- raw ---- */

static size_t below(size_t n)
{
    return (size_t)sg_prng_below(&prng, n ? n : 1);
}

static void turn(struct sg_buf *b)
{
    for (size_t n = 1 + below(4); n && b->len; n--)
        b->data[below(b->len)] ^= (uint8_t)(1 + below(255));
}

static void cut(struct sg_buf *b)
{
    b->len = below(b->len);
}

static void fill(struct sg_buf *b)
{
    const size_t at = below(b->len), n = below(16);
    memset(b->data + at, below(2) ? 0xff : 0, n < b->len - at ? n : b->len - at);
}

static void move(struct sg_buf *b)
{
    const size_t n = 1 + below(b->len < 64 ? b->len : 64);
    memmove(b->data + below(b->len - n + 1), b->data + below(b->len - n + 1), n);
}

static void insert(struct sg_buf *b)
{
    const size_t at = below(b->len + 1), n = 1 + below(8);
    MUST(sg_buf_append_zeros(b, n));
    memmove(b->data + at + n, b->data + at, b->len - n - at);
    sg_random_bytes(b->data + at, below(2) ? n : 0);
}

static void mutate(struct specimen *s)
{
    static void (*const ways[])(struct sg_buf *) = {turn, turn, cut, fill, move, insert};
    size_t part;
    do
        part = below(SG_TEE_N_PARTS);
    while (!s->part[part].len);
    ways[below(sizeof ways / sizeof ways[0])](&s->part[part]);
}

static uint8_t octet(const struct sg_buf *b, size_t i)
{
    return i < b->len ? b->data[i] : 0;
}

/* The same up to free bits; reports may be padded with zeros. */
static bool same(const struct specimen *s, size_t part)
{
    const struct sg_buf *a = &good.part[part], *b = &s->part[part];
    if (part != SG_TEE_PART_REPORT && a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len || i < b->len; i++)
        if ((octet(a, i) ^ octet(b, i)) & ~octet(&good.free[part], i))
            return false;
    return true;
}

static void print_difference(const struct specimen *s)
{
    for (size_t part = 0; part < SG_TEE_N_PARTS; part++) {
        const struct sg_buf *a = &good.part[part], *b = &s->part[part];
        if (a->len != b->len)
            printf("    %s: %zu octets, now %zu\n", part_name(part), a->len, b->len);
        for (size_t i = 0; i < a->len && i < b->len; i++)
            if (a->data[i] != b->data[i])
                printf("    %s: octet %zu was %02x, is %02x\n", part_name(part), i, a->data[i],
                       b->data[i]);
    }
}

static bool same_all(const struct specimen *s)
{
    bool all = true;
    for (size_t part = 0; part < SG_TEE_N_PARTS; part++)
        all &= same(s, part);
    return all;
}

static int run_raw(struct specimen *s, uint64_t count)
{
    uint64_t accepted = 0;
    find_free(s);
    for (uint64_t i = 0; i < count; i++) {
        copy(s);
        mutate(s);
        if (!trusted(s))
            continue;
        accepted++;
        if (!same_all(s)) {
            printf("  WRONG: mutation %llu is trusted\n", (unsigned long long)i);
            print_difference(s);
            return 1;
        }
    }
    printf("  %llu mutations, %llu of no consequence, none wrongly trusted\n",
           (unsigned long long)count, (unsigned long long)accepted);
    return 0;
}

/* ---- changed and signed again ---- */

struct rule {
    uint16_t from, until; /* octets [from, until) */
    uint8_t fixed;        /* bits that must be as they are */
};

/* SEV-SNP report version 3 (AMD 56860); octets in none of these are free. */
static const struct rule snp_rules[] = {
    {0x000, 0x004, 0xff},                       /* version */
    {0x00a, 0x00b, 0x0e},                       /* policy: bit 17, MIGRATE_MA, DEBUG */
    {0x00b, 0x00c, 0xfc},                       /* its reserved bits */
    {0x00c, 0x010, 0xff}, {0x030, 0x034, 0xff}, /* VMPL */
    {0x034, 0x038, 0xff},                       /* algorithm */
    {0x048, 0x049, 0xfc},                       /* signing key, reserved */
    {0x049, 0x050, 0xff}, {0x180, 0x182, 0xff}, /* reported TCB: boot loader, TEE */
    {0x186, 0x188, 0xff},                       /* SNP, microcode */
    {0x188, 0x189, 0xff},                       /* family */
    {0x189, 0x18a, 0xf0},                       /* model: 0x00 to 0x0f are Milan */
    {0x18b, 0x1e0, 0xff},                       /* reserved, chip id */
    {0x1eb, 0x1ec, 0xff}, {0x1ef, 0x1f0, 0xff}, {0x1f8, 0x2a0, 0xff}};

/* TPMS_ATTEST as the testkit lays it out: signer of 34 octets, extra of 64. */
enum { BITMAP = 140 };
enum { SIGNER = 6, EXTRA = SIGNER + 2 + 34, CLOCK = EXTRA + 2 + 64, SAFE = CLOCK + 16 };
static const struct rule tpm_rules[] = {
    {0, SIGNER + 2, 0xff},        /* magic, type, length */
    {EXTRA, EXTRA + 2, 0xff},     /* length */
    {SAFE, SAFE + 1, 0xfe},       /* 0 or 1 */
    {SAFE + 1 + 8, 0xffff, 0xff}, /* selection and digest */
};

static uint8_t fixed_bits(const struct rule *rules, size_t n, size_t at)
{
    uint8_t bits = 0;
    for (size_t i = 0; i < n; i++)
        if (at >= rules[i].from && at < rules[i].until)
            bits |= rules[i].fixed;
    return bits;
}

/* As many other PCRs selected, with the same values: another statement, and as true. */
static bool renames_pcrs(bool tpm, size_t at, uint8_t before, uint8_t change)
{
    return tpm && at >= BITMAP && at < BITMAP + 3 &&
           __builtin_popcount(before) == __builtin_popcount((unsigned)(before ^ change));
}

static void sign_snp(struct specimen *s)
{
    tk_snp_sign(amd.vcek_key, s->part[SG_TEE_PART_REPORT].data);
}

static int run_signed(struct specimen *s, bool tpm, uint64_t count)
{
    const size_t part = tpm ? SG_TEE_PART_TPM_QUOTE : SG_TEE_PART_REPORT;
    const size_t len = tpm ? good.part[part].len : 0x2a0;
    uint64_t accepted = 0;
    for (uint64_t i = 0; i < count; i++) {
        const size_t at = below(len);
        const uint8_t change = (uint8_t)(1 + below(255));
        const uint8_t fixed =
            tpm ? fixed_bits(tpm_rules, sizeof tpm_rules / sizeof tpm_rules[0], at)
                : fixed_bits(snp_rules, sizeof snp_rules / sizeof snp_rules[0], at);
        copy(s);
        if (renames_pcrs(tpm, at, s->part[part].data[at], change))
            continue;
        s->part[part].data[at] ^= change;
        (tpm ? sign_quote : sign_snp)(s);
        const bool yes = trusted(s);
        accepted += yes;
        if (yes != !(change & fixed)) {
            printf("  WRONG: octet %zu changed by %02x is %s\n", at, change,
                   yes ? "trusted" : "refused");
            return 1;
        }
    }
    printf("  %llu signed again, %llu trusted, every verdict as the rules say\n",
           (unsigned long long)count, (unsigned long long)accepted);
    return 0;
}

/* ---- the program ---- */

static int usage(void)
{
    fprintf(stderr, "usage: mutate-evidence KIND raw|signed COUNT [SEED]\n  KIND:");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        fprintf(stderr, " %s", kinds[i].name);
    fprintf(stderr, "; signed: snp, tpm\n");
    return 2;
}

static int run(size_t kind, bool again, uint64_t count)
{
    SG_CLEANUP(clear) struct specimen s;
    init(&s);
    init(&good);
    tk_intel_init(&intel, AT);
    tk_amd_init(&amd, TK_MILAN, AT);
    tk_tpm_init(&ak, kinds[kind].key);
    make_keys();
    make_store();
    kinds[kind].make(&good);
    copy(&s);
    sg_assert(trusted(&s));
    printf("%s, %s\n", kinds[kind].name, again ? "signed again" : "raw");
    const int wrong =
        again ? run_signed(&s, strcmp(kinds[kind].name, "tpm") == 0, count) : run_raw(&s, count);
    clear(&good);
    sg_tee_cache_free(cache);
    sg_tee_store_free(store);
    tk_intel_clear(&intel);
    tk_amd_clear(&amd);
    tk_tpm_clear(&ak);
    clear_keys();
    return wrong;
}

int main(int argc, char **argv)
{
    size_t kind = 0;
    if (argc < 4 || argc > 5 || (strcmp(argv[2], "raw") && strcmp(argv[2], "signed")))
        return usage();
    while (kind < sizeof kinds / sizeof kinds[0] && strcmp(kinds[kind].name, argv[1]) != 0)
        kind++;
    const bool again = !strcmp(argv[2], "signed");
    if (kind == sizeof kinds / sizeof kinds[0] ||
        (again && strcmp(argv[1], "snp") && strcmp(argv[1], "tpm")))
        return usage();
    sg_prng_seed(&prng, argc == 5 ? strtoull(argv[4], NULL, 10) : 1);
    return run(kind, again, strtoull(argv[3], NULL, 10));
}
