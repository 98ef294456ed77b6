/*
 * signed-azure - every structure of an Azure bundle changed: wrapper, hardware's report, runtime
 * data, TPM quote, PCR values, what lies beside; bound and signed again.
 */
#include "mutate.h"
#include "testkit/model.h"

enum { HARDWARE = 32, REQUEST = HARDWARE + 1184, RUNTIME = REQUEST + 20 };
enum { SNP_DATA = 0x50, TD_DATA = 520, SHA256_BANK = 0x0b, TYPE_SNP = 2, TYPE_TDX = 4 };

static struct tk_fast_signer chip;

struct bundle {
    bool snp;
    uint8_t report[TK_SNP_REPORT];
    struct tk_quote td;
    struct sg_buf runtime, hcl, quote, values, sig, td_quote, beside_key, beside_runtime;
};
static struct bundle bundle = {.runtime = SG_BUF_INIT(65536),
                               .hcl = SG_BUF_INIT(1u << 20),
                               .quote = SG_BUF_INIT(65536),
                               .values = SG_BUF_INIT(65536),
                               .sig = SG_BUF_INIT(4096),
                               .td_quote = SG_BUF_INIT(65536),
                               .beside_key = SG_BUF_INIT(4096),
                               .beside_runtime = SG_BUF_INIT(65536)};

void begin_azure(void)
{
    tk_fast_signer_init(&chip, world.amd[TK_MILAN].vcek_key);
}

void end_azure(void)
{
    tk_fast_signer_clear(&chip);
}

static void start(struct bundle *u)
{
    struct sg_buf *const all[] = {&u->runtime, &u->hcl,      &u->quote,      &u->values,
                                  &u->sig,     &u->td_quote, &u->beside_key, &u->beside_runtime};
    for (size_t i = 0; i < N(all); i++)
        sg_buf_reset(all[i]);
    u->snp = one_in(2);
    tk_snp_report(&world.amd[TK_MILAN], 3, u->report);
    u->td = tk_quote_td(&world.intel, 4, TK_TD10_BODY);
    tk_hcl_runtime(&world.azure_ak, &u->runtime);
    tk_tpm_quote(&world.azure_ak, &u->quote);
    tk_tpm_values(&world.azure_ak, &u->values);
    note("%s", u->snp ? "SNP" : "TDX");
}

/* ---- runtime data ---- */

static void replace(struct sg_buf *b, const char *what, const char *with)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf rest = SG_BUF_INIT(65536);
    const uint8_t *found = memmem(b->data, b->len, what, strlen(what));
    sg_assert(found);
    const size_t at = (size_t)(found - b->data), behind = at + strlen(what);
    MUST(sg_buf_append(&rest, SG_BYTES(b->data + behind, b->len - behind)));
    b->len = at;
    MUST(sg_buf_append(b, sg_bytes_str(with)));
    MUST(sg_buf_append(b, sg_buf_bytes(&rest)));
}

/* One key of the name HCLAkPub, RSA, its numbers in base64url; all else is anybody's. */
static bool change_runtime(struct bundle *u)
{
    static const struct {
        const char *what, *with;
        bool right;
    } edits[] = {{"\"vm-configuration\"", "\"anything\"", true},
                 {"true", "false", true},
                 {"{\"keys\"", " { \"keys\"", true},
                 {"\"key_ops\":[\"sign\"]", "\"key_ops\":[]", true},
                 {"\"keys\":[", "\"keys\":[{\"kid\":\"HCLEkPub\",\"kty\":\"RSA\"},", true},
                 {"\"keys\":[", "\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\"},", false},
                 {"\"keys\":[", "\"keys\":[],\"keys\":[", false},
                 {"\"keys\"", "\"key\"", false},
                 {"HCLAkPub", "HCLAkPrv", false},
                 {"HCLAkPub", "hclakpub", false},
                 {"\"kty\":\"RSA\"", "\"kty\":\"EC\"", false},
                 {"\"kty\":\"RSA\",", "", false},
                 {"\"e\":\"AQAB\"", "\"e\":\"Aw\"", false},
                 {"\"e\":\"AQAB\"", "\"e\":\"\"", false},
                 {"\"e\":\"AQAB\"", "\"e\":65537", false},
                 {"\"e\":\"AQAB\"", "\"e\":\"AQAB=\"", false},
                 {"\"n\":\"", "\"n\":\"A", false},
                 {"\"n\":\"", "\"n\":\"+", false},
                 {"\"n\":\"", "\"m\":\"", false},
                 {"}", "", false}};
    const size_t i = below(N(edits));
    note("runtime data: %s is %s", edits[i].what, edits[i].with);
    replace(&u->runtime, edits[i].what, edits[i].with);
    return edits[i].right;
}

/* ---- the rest ---- */

static bool snp_is_right(const uint8_t *report)
{
    const struct tk_amd *a = &world.amd[TK_MILAN];
    uint8_t good[TK_SNP_REPORT];
    if (report[0] != 2 && report[0] != 3 && report[0] != 5)
        return false;
    tk_snp_report(a, report[0], good);
    const struct tk_rules rules = tk_rules_snp(report[0], TK_MILAN, false);
    return !tk_rules_broken(&rules, good, report);
}

static bool change_hardware(struct bundle *u)
{
    const struct tk_rules snp = tk_rules_snp(3, TK_MILAN, false);
    const struct tk_rules *rules = u->snp ? &snp : &tk_rules_td_body;
    const struct tk_quote good = tk_quote_td(&world.intel, 4, TK_TD10_BODY);
    uint8_t *p = u->snp ? u->report : u->td.body;
    const struct tk_rule *r = &rules->at[below(rules->n)];
    note("hardware");
    if (one_in(2) && r->from < 0x2a0)
        change(p + r->from, (size_t)(r->until - r->from));
    else
        change(p, u->snp ? 0x2a0 : TK_TD10_BODY);
    return u->snp ? snp_is_right(u->report)
                  : !tk_rules_broken(&tk_rules_td_body, good.body, u->td.body);
}

static bool change_quote(struct bundle *u)
{
    note("quote or values");
    if (one_in(3))
        change(u->values.data, u->values.len);
    else
        change(u->quote.data, u->quote.len);
    return tk_tpm_is_right(sg_buf_bytes(&u->quote), sg_buf_bytes(&u->values), SHA256_BANK);
}

/* The same key or the same runtime data may lie beside; others not. */
static bool put_beside(struct bundle *u)
{
    const bool same = one_in(2), key = one_in(2);
    note("%s %s beside", same ? "the same" : "another", key ? "key" : "runtime data");
    if (key) {
        tk_tpm_public(same ? &world.azure_ak : &world.ak, &u->beside_key);
    } else {
        MUST(sg_buf_append(&u->beside_runtime, sg_buf_bytes(&u->runtime)));
        if (!same)
            change(u->beside_runtime.data, u->beside_runtime.len);
    }
    return same;
}

static uint64_t load(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
}

static void store(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* Numbers of the wrapper; hash types 2 and 3 are bound by the caller. */
static bool change_wrapper(struct bundle *u)
{
    static const size_t fields[] = {
        0, 4, 8, 12, 16, 20, 24, 28, REQUEST, REQUEST + 4, REQUEST + 8, REQUEST + 12, REQUEST + 16};
    const size_t at = fields[below(N(fields))];
    uint8_t *p = u->hcl.data + at;
    const uint64_t before = load(p), v = odd_number(before, one_in(2) ? 3 : 32);
    store(p, v);
    note("wrapper at %zu is %llx", at, (unsigned long long)v);
    return v == before || at == 12 || (at == 4 && (v == 1 || v == 2)) ||
           (at == REQUEST + 12 && v >= 1 && v <= 3);
}

/* Trailing octets must be zero. */
static bool change_padding(struct bundle *u)
{
    const size_t n = 1 + below(64);
    MUST(sg_buf_append_zeros(&u->hcl, n));
    const bool zero = one_in(2);
    u->hcl.data[u->hcl.len - 1 - below(n)] = zero ? 0 : (uint8_t)(1 + below(255));
    note("%zu more octets, %s", n, zero ? "zero" : "not zero");
    return zero;
}

static void binding(const struct bundle *u, uint8_t ret[64])
{
    const uint64_t hash = load(u->hcl.data + REQUEST + 12);
    const EVP_MD *md = hash == 2 ? EVP_sha384() : hash == 3 ? EVP_sha512() : EVP_sha256();
    memset(ret, 0, 64);
    sg_assert(EVP_Digest(u->runtime.data, u->runtime.len, ret, NULL, md, NULL) == 1);
}

static bool seal_hardware(struct bundle *u)
{
    uint8_t wanted[64];
    const bool unbound = one_in(20);
    binding(u, wanted);
    if (unbound)
        change(wanted, sizeof wanted);
    note("%s", unbound ? "bound to other data" : "bound");
    memcpy(u->report + SNP_DATA, wanted, sizeof wanted);
    memcpy(u->td.body + TD_DATA, wanted, sizeof wanted);
    if (u->snp) {
        tk_snp_sign_fast(&chip, u->report);
        memcpy(u->hcl.data + HARDWARE, u->report, sizeof u->report);
    } else {
        tk_quote_make(&world.intel, &u->td, &u->td_quote);
    }
    return !unbound;
}

static bool seal_quote(struct bundle *u)
{
    const bool stranger = one_in(20);
    struct tk_tpm t = world.azure_ak;
    t.scheme = one_in(4) ? TK_PSS : TK_PKCS1;
    note("%s by %s", t.scheme == TK_PSS ? "PSS" : "PKCS 1", stranger ? "a stranger" : "the TPM");
    tk_tpm_sign(stranger ? &world.ak : &t, sg_buf_bytes(&u->quote), &u->sig);
    return !stranger;
}

static struct sg_bytes leaf(void)
{
    static struct sg_buf der = SG_BUF_INIT(8192);
    if (!der.len)
        tk_cert_der(world.amd[TK_MILAN].vcek, &der);
    return sg_buf_bytes(&der);
}

static bool judge(const struct bundle *u, bool wanted)
{
    struct sg_tee_evidence e = {
        .part = {[SG_TEE_PART_REPORT] = sg_buf_bytes(&u->hcl),
                 [SG_TEE_PART_CERTIFICATES] = u->snp ? leaf() : SG_BYTES_NONE,
                 [SG_TEE_PART_RUNTIME_DATA] = sg_buf_bytes(&u->beside_runtime),
                 [SG_TEE_PART_TPM_QUOTE] = sg_buf_bytes(&u->quote),
                 [SG_TEE_PART_TPM_SIGNATURE] = sg_buf_bytes(&u->sig),
                 [SG_TEE_PART_TPM_PCRS] = sg_buf_bytes(&u->values),
                 [SG_TEE_PART_TPM_KEY] = sg_buf_bytes(&u->beside_key),
                 [SG_TEE_PART_TD_QUOTE] = sg_buf_bytes(&u->td_quote)}};
    static const enum sg_tee_part needed[] = {SG_TEE_PART_TPM_QUOTE, SG_TEE_PART_TPM_SIGNATURE,
                                              SG_TEE_PART_TPM_PCRS, SG_TEE_PART_CERTIFICATES,
                                              SG_TEE_PART_TD_QUOTE};
    const enum sg_tee_part part = needed[below(N(needed))];
    if (one_in(40) && e.part[part].len) {
        note("part %d missing", (int)part);
        e.part[part] = SG_BYTES_NONE;
        wanted = false;
    }
    return judged_as(&e, wanted);
}

bool resigned_azure(void)
{
    struct bundle *u = &bundle;
    bool wanted = true;
    start(u);
    const size_t way = below(16);
    if (way < 4)
        wanted &= change_hardware(u);
    else if (way < 7)
        wanted &= change_runtime(u);
    else if (way < 11)
        wanted &= change_quote(u);
    else if (way < 12)
        wanted &= put_beside(u);
    tk_hcl_report(u->snp ? TYPE_SNP : TYPE_TDX, SG_BYTES_ARRAY(u->report),
                  sg_buf_bytes(&u->runtime), &u->hcl);
    if (way >= 12 && way < 15)
        wanted &= change_wrapper(u);
    else if (way == 15)
        wanted &= change_padding(u);
    wanted &= seal_hardware(u);
    wanted &= seal_quote(u);
    return judge(u, wanted);
}
