/* specimen - good evidence of every kind, and which of its octets no signature covers. */
#include "mutate.h"

#include <sealgrid/crypto/hash.h>

#include "testkit/cose.h"

struct tk_world world;

void specimen_init(struct specimen *s)
{
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        s->part[i] = (struct sg_buf)SG_BUF_INIT(1u << 20);
}

void specimen_clear(struct specimen *s)
{
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        sg_buf_clear(&s->part[i]);
}

void specimen_copy(struct specimen *to, const struct specimen *from)
{
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++) {
        sg_buf_reset(&to->part[i]);
        MUST(sg_buf_append(&to->part[i], sg_buf_bytes(&from->part[i])));
    }
}

struct sg_tee_evidence specimen_evidence(const struct specimen *s)
{
    struct sg_tee_evidence e = {0};
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        e.part[i] = sg_buf_bytes(&s->part[i]);
    return e;
}

static void add(struct free_list *l, enum sg_tee_part part, size_t from, size_t until, uint8_t bits,
                const char *why)
{
    sg_assert(l->n < FREE_MAX && from < until);
    l->at[l->n++] = (struct free_range){part, from, until, bits, why};
}

/* ---- SGX and TDX quotes ---- */

static void make_sgx(unsigned variant, struct specimen *s)
{
    const struct tk_quote q = tk_quote_sgx(&world.intel);
    (void)variant;
    tk_quote_make(&world.intel, &q, &s->part[SG_TEE_PART_REPORT]);
}

static void make_td(unsigned version, size_t body, struct sg_buf *ret)
{
    const struct tk_quote q = tk_quote_td(&world.intel, version, body);
    tk_quote_make(&world.intel, &q, ret);
}

static void make_td4(unsigned variant, struct specimen *s)
{
    (void)variant;
    make_td(4, TK_TD10_BODY, &s->part[SG_TEE_PART_REPORT]);
}

static const char *td5_name(unsigned variant)
{
    return variant ? "TD 1.5" : "TD 1.0";
}

static void make_td5(unsigned variant, struct specimen *s)
{
    make_td(5, variant ? TK_TD15_BODY : TK_TD10_BODY, &s->part[SG_TEE_PART_REPORT]);
}

static size_t start_of_last_block(const struct sg_buf *b)
{
    static const char mark[] = "-----BEGIN";
    size_t found = b->len;
    for (size_t i = 0; i + sizeof mark - 1 <= b->len; i++)
        if (!memcmp(b->data + i, mark, sizeof mark - 1))
            found = i;
    return found;
}

static void uncovered_in_quote(const struct sg_buf *b, enum sg_tee_part part, struct free_list *l)
{
    struct tk_quote_layout at;
    sg_assert(tk_quote_find(sg_buf_bytes(b), &at));
    const size_t root = start_of_last_block(b);
    add(l, part, at.cert, at.cert + 1, 0x01,
        "type of certification data, 4 or 5: both are certificates, known by content");
    for (size_t i = at.cert + 6; i < root; i++) {
        if (b->data[i] != '\n')
            continue;
        const bool between = b->data[i - 1] == '-' && b->data[i + 1] == '-';
        add(l, part, i, i + 1, between ? 0xff : 0x7f,
            between ? "text between two blocks of PEM: anything"
                    : "end of a line of PEM: any white space");
    }
    add(l, part, root, b->len, 0xff,
        "root certificate: pinned by key, nothing else of it is read, and it may be left out");
}

static void uncovered_quote(const struct specimen *good, struct free_list *l)
{
    uncovered_in_quote(&good->part[SG_TEE_PART_REPORT], SG_TEE_PART_REPORT, l);
}

static bool signed_report(bool td, unsigned version, size_t body)
{
    static struct specimen good[3];
    struct specimen *g = &good[!td ? 0 : body == TK_TD15_BODY ? 2 : 1];
    struct sg_buf *b = &g->part[SG_TEE_PART_REPORT];
    if (!b->max)
        specimen_init(g);
    if (b->len && b->data[0] != version)
        sg_buf_reset(b);
    if (!b->len && td)
        make_td(version, body, b);
    if (!b->len)
        make_sgx(0, g);
    return below(10) < 3 ? resigned_intel_document(g, td) : resigned_quote(g);
}

static bool resigned_sgx(void)
{
    return signed_report(false, 3, 0);
}

static bool resigned_td4(void)
{
    return signed_report(true, 4, TK_TD10_BODY);
}

static bool resigned_td5(void)
{
    return signed_report(true, 5, one_in(2) ? TK_TD10_BODY : TK_TD15_BODY);
}

/* ---- SEV-SNP ---- */

static const char *const products[] = {"Milan", "Genoa", "Turin"};
static const unsigned versions[] = {2, 3, 5};

static const char *snp_name(unsigned variant)
{
    static char name[32];
    snprintf(name, sizeof name, "%s v%u %s", products[variant / 2 % 3], versions[variant / 6],
             variant % 2 ? "VLEK" : "VCEK");
    return name;
}

static void make_snp(unsigned variant, struct specimen *s)
{
    const struct tk_amd *a = &world.amd[variant / 2 % 3];
    const bool vlek = variant % 2;
    uint8_t report[TK_SNP_REPORT];
    tk_snp_report(a, versions[variant / 6], report);
    report[0x48] = vlek ? 4 : 0;
    tk_snp_sign(vlek ? a->vlek_key : a->vcek_key, report);
    MUST(sg_buf_append(&s->part[SG_TEE_PART_REPORT], SG_BYTES_ARRAY(report)));
    tk_cert_der(vlek ? a->vlek : a->vcek, &s->part[SG_TEE_PART_CERTIFICATES]);
}

/* ---- TPM ---- */

static void sign_quote(const struct tk_tpm *t, struct specimen *s)
{
    tk_tpm_quote(t, &s->part[SG_TEE_PART_TPM_QUOTE]);
    tk_tpm_sign(t, sg_buf_bytes(&s->part[SG_TEE_PART_TPM_QUOTE]),
                &s->part[SG_TEE_PART_TPM_SIGNATURE]);
    tk_tpm_values(t, &s->part[SG_TEE_PART_TPM_PCRS]);
}

static void make_tpm(unsigned variant, struct specimen *s)
{
    (void)variant;
    sign_quote(&world.ak, s);
    tk_tpm_public(&world.ak, &s->part[SG_TEE_PART_TPM_KEY]);
}

/* TPM2B_PUBLIC: size 2, type 2, name algorithm 2, attributes 4. */
static void uncovered_tpm(const struct specimen *good, struct free_list *l)
{
    static const char attributes[] =
        "attributes that an attestation key may have or not (userWithAuth, noDA, adminWithPolicy, "
        "reserved): the key is bound by its point, not by its name";
    (void)good;
    add(l, SG_TEE_PART_TPM_KEY, 5, 6, 0x0f, "hash algorithm of the key's name, any of TCG's");
    add(l, SG_TEE_PART_TPM_KEY, 6, 7, 0xff, attributes);
    add(l, SG_TEE_PART_TPM_KEY, 7, 8, 0xf8, attributes);
    add(l, SG_TEE_PART_TPM_KEY, 8, 9, 0xff, attributes);
    add(l, SG_TEE_PART_TPM_KEY, 9, 10, 0xcd, attributes);
}

/* ---- Azure ---- */

enum { HARDWARE = 32, HARDWARE_END = HARDWARE + 1184 };

static const char *azure_name(unsigned variant)
{
    return variant ? "on TDX" : "on SNP";
}

static void make_azure(unsigned variant, struct specimen *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf runtime = SG_BUF_INIT(4096);
    uint8_t report[TK_SNP_REPORT], binding[64] = {0};
    const struct tk_amd *a = &world.amd[TK_MILAN];
    tk_hcl_runtime(&world.azure_ak, &runtime);
    sg_sha256(binding, sg_buf_bytes(&runtime));
    tk_snp_report(a, 3, report);
    memcpy(report + 0x50, binding, sizeof binding);
    tk_snp_sign(a->vcek_key, report);
    tk_hcl_report(variant ? 4 : 2, SG_BYTES_ARRAY(report), sg_buf_bytes(&runtime),
                  &s->part[SG_TEE_PART_REPORT]);
    if (variant) {
        struct tk_quote q = tk_quote_td(&world.intel, 4, TK_TD10_BODY);
        memcpy(q.body + 520, binding, sizeof binding);
        tk_quote_make(&world.intel, &q, &s->part[SG_TEE_PART_TD_QUOTE]);
    } else {
        tk_cert_der(a->vcek, &s->part[SG_TEE_PART_CERTIFICATES]);
    }
    sign_quote(&world.azure_ak, s);
}

static void uncovered_azure(const struct specimen *good, struct free_list *l)
{
    const bool td = good->part[SG_TEE_PART_TD_QUOTE].len;
    add(l, SG_TEE_PART_REPORT, 4, 5, 0x03, "version of the wrapper, 1 or 2: read alike");
    add(l, SG_TEE_PART_REPORT, 12, 16, 0xff, "number of the request: not read");
    if (!td)
        return;
    add(l, SG_TEE_PART_REPORT, HARDWARE, HARDWARE_END, 0xff,
        "TDREPORT: only its own machine could check it, so it is not read; the TD quote beside "
        "counts");
    uncovered_in_quote(&good->part[SG_TEE_PART_TD_QUOTE], SG_TEE_PART_TD_QUOTE, l);
}

/* ---- COSE ---- */

static void make_nitro(unsigned variant, struct specimen *s)
{
    (void)variant;
    tk_nitro_document(world.enclave_key, world.enclave, world.zone, world.aws, TK_AT,
                      &s->part[SG_TEE_PART_REPORT]);
}

static void make_cca(unsigned variant, struct specimen *s)
{
    (void)variant;
    tk_cca_token(world.platform_key, world.realm_key, &s->part[SG_TEE_PART_REPORT]);
}

/* Everything is covered, or has one form only. */
static void uncovered_nothing(const struct specimen *good, struct free_list *l)
{
    (void)good;
    (void)l;
}

enum { AZURE = SG_TEE_VENDOR_INTEL | SG_TEE_VENDOR_AMD | SG_TEE_VENDOR_TPM };

const struct kind kinds[] = {
    {"sgx-v3", SG_TEE_VENDOR_INTEL, 1, NULL, make_sgx, uncovered_quote, NULL, resigned_sgx, NULL},
    {"tdx-v4", SG_TEE_VENDOR_INTEL, 1, NULL, make_td4, uncovered_quote, NULL, resigned_td4, NULL},
    {"tdx-v5", SG_TEE_VENDOR_INTEL, 2, td5_name, make_td5, uncovered_quote, NULL, resigned_td5,
     NULL},
    {"snp", SG_TEE_VENDOR_AMD, 18, snp_name, make_snp, uncovered_nothing, begin_snp, resigned_snp,
     end_snp},
    {"tpm", SG_TEE_VENDOR_TPM, 1, NULL, make_tpm, uncovered_tpm, begin_tpm, resigned_tpm, end_tpm},
    {"azure", AZURE, 2, azure_name, make_azure, uncovered_azure, begin_azure, resigned_azure,
     end_azure},
    {"nitro", SG_TEE_VENDOR_AWS, 1, NULL, make_nitro, uncovered_nothing, begin_nitro,
     resigned_nitro, end_nitro},
    {"cca", SG_TEE_VENDOR_ARM, 1, NULL, make_cca, uncovered_nothing, NULL, resigned_cca, NULL},
};
const size_t n_kinds = N(kinds);
