#include "amd.h"

#include <sealgrid/base/error.h>
#include <string.h>

#define DAY INT64_C(86400)
#define AMD "1.3.6.1.4.1.3704.1."

static const struct {
    const char *ark, *ask, *asvk, *leaf;
    uint8_t family, model;
} products[] = {[TK_MILAN] = {"ARK-Milan", "SEV-Milan", "SEV-VLEK-Milan", "Milan-B0", 0x19, 0x01},
                [TK_GENOA] = {"ARK-Genoa", "SEV-Genoa", "SEV-VLEK-Genoa", "Genoa", 0x19, 0x11},
                [TK_TURIN] = {"ARK-Turin", "SEV-Turin", "SEV-VLEK-Turin", "Turin", 0x1a, 0x02}};

static struct tk_cert_spec spec_of(const struct tk_amd *t, const char *name, int path_length)
{
    return (struct tk_cert_spec){.common_name = name,
                                 .from_s = t->at_s - DAY,
                                 .until_s = t->at_s + 2000 * DAY,
                                 .constraints = TK_CA,
                                 .path_length = path_length,
                                 .key_usage = path_length ? "keyCertSign,cRLSign" : "keyCertSign",
                                 .digest = "SHA384",
                                 .pss = true};
}

static struct tk_cert_spec leaf_of(const struct tk_amd *t, const char *name)
{
    return (struct tk_cert_spec){.common_name = name,
                                 .from_s = t->at_s - DAY,
                                 .until_s = t->at_s + 365 * DAY,
                                 .digest = "SHA384",
                                 .pss = true};
}

static void add_versions(const struct tk_amd *t, struct tk_cert_spec *spec)
{
    tk_add_integer(spec, AMD "1", t->product == TK_TURIN);
    tk_add_text(spec, AMD "2", t->product_name);
    tk_add_integer(spec, AMD "3.1", t->bl);
    tk_add_integer(spec, AMD "3.2", t->tee);
    tk_add_integer(spec, AMD "3.3", t->snp);
    tk_add_integer(spec, AMD "3.8", t->ucode);
    if (t->product == TK_TURIN)
        tk_add_integer(spec, AMD "3.9", t->fmc);
}

static void add_chip(const struct tk_amd *t, struct tk_cert_spec *spec)
{
    uint8_t der[66] = {0x04, t->product == TK_TURIN ? 8 : 64};

    memcpy(der + 2, t->chip_id, der[1]);
    tk_add_extension(spec, AMD "4", false,
                     t->chip_id_in_der ? SG_BYTES(der, der[1] + 2u) : SG_BYTES(der + 2, der[1]));
}

static void free_certs(struct tk_amd *t)
{
    X509_free(t->ark);
    X509_free(t->ask);
    X509_free(t->asvk);
    X509_free(t->vcek);
    X509_free(t->vlek);
}

struct tk_cert_spec tk_amd_leaf_spec(const struct tk_amd *t, bool vlek)
{
    struct tk_cert_spec spec = vlek ? t->vlek_spec : t->vcek_spec;

    if (spec.n_extensions)
        return spec;
    add_versions(t, &spec);
    if (vlek)
        tk_add_text(&spec, AMD "5", "CN=cloud.example");
    else
        add_chip(t, &spec);
    return spec;
}

void tk_amd_issue(struct tk_amd *t)
{
    const struct tk_cert_spec vcek = tk_amd_leaf_spec(t, false), vlek = tk_amd_leaf_spec(t, true);

    free_certs(t);
    t->ark = tk_cert_new(&t->ark_spec, t->ark_key, NULL, t->ark_key);
    t->ask = tk_cert_new(&t->ask_spec, t->ask_key, t->ark, t->ark_key);
    t->asvk = tk_cert_new(&t->asvk_spec, t->asvk_key, t->ark, t->ark_key);
    t->vcek = tk_cert_new(&vcek, t->vcek_key, t->ask, t->ask_key);
    t->vlek = tk_cert_new(&vlek, t->vlek_key, t->asvk, t->asvk_key);
}

void tk_amd_init(struct tk_amd *t, enum tk_product product, int64_t at_s)
{
    *t = (struct tk_amd){.product = product,
                         .at_s = at_s,
                         .product_name = products[product].leaf,
                         .fmc = 1,
                         .bl = 4,
                         .tee = 2,
                         .snp = 24,
                         .ucode = 219};
    memset(t->chip_id, 0xc5, product == TK_TURIN ? 8 : sizeof(t->chip_id));
    t->ark_key = tk_key_new(TK_RSA2048);
    t->ask_key = tk_key_new(TK_RSA2048);
    t->asvk_key = tk_key_new(TK_RSA2048);
    t->vcek_key = tk_key_new(TK_P384);
    t->vlek_key = tk_key_new(TK_P384);
    t->ark_spec = spec_of(t, products[product].ark, -1);
    t->ask_spec = spec_of(t, products[product].ask, 0);
    t->asvk_spec = spec_of(t, products[product].asvk, 0);
    t->vcek_spec = leaf_of(t, "SEV-VCEK");
    t->vlek_spec = leaf_of(t, "SEV-VLEK");
    tk_amd_issue(t);
}

void tk_amd_clear(struct tk_amd *t)
{
    free_certs(t);
    EVP_PKEY_free(t->ark_key);
    EVP_PKEY_free(t->ask_key);
    EVP_PKEY_free(t->asvk_key);
    EVP_PKEY_free(t->vcek_key);
    EVP_PKEY_free(t->vlek_key);
    *t = (struct tk_amd){0};
}

static void put_tcb(const struct tk_amd *t, uint8_t ret[8])
{
    const uint8_t turin[8] = {t->fmc, t->bl, t->tee, t->snp, 0, 0, 0, t->ucode};
    const uint8_t before[8] = {t->bl, t->tee, 0, 0, 0, 0, t->snp, t->ucode};

    memcpy(ret, t->product == TK_TURIN ? turin : before, 8);
}

void tk_snp_report(const struct tk_amd *t, unsigned version, uint8_t r[TK_SNP_REPORT])
{
    static const size_t tcbs[] = {0x38, 0x180, 0x1e0, 0x1f0};

    memset(r, 0, TK_SNP_REPORT);
    r[0] = (uint8_t)version;
    r[4] = 5;
    r[0x08 + 2] = 0x03; /* SMT, and the bit that must be set */
    r[0x34] = 1;
    memset(r + 0x50, 0x77, 64);
    memset(r + 0x90, 0x33, 48);
    memset(r + 0x140, 0x11, 32);
    memset(r + 0x160, 0xff, 32);
    for (size_t i = 0; i < sizeof(tcbs) / sizeof(tcbs[0]); i++)
        put_tcb(t, r + tcbs[i]);
    if (version >= 3) {
        r[0x188] = products[t->product].family;
        r[0x189] = products[t->product].model;
        r[0x18a] = 1;
    }
    memcpy(r + 0x1a0, t->chip_id, sizeof(t->chip_id));
    r[0x1e8] = r[0x1ec] = 4;
    r[0x1e9] = r[0x1ed] = 55;
    r[0x1ea] = r[0x1ee] = 1;
}

/* Big-endian r and s become little-endian ones. */
static void put_signature(const uint8_t sig[96], uint8_t r[TK_SNP_REPORT])
{
    for (size_t i = 0; i < 48; i++) {
        r[0x2a0 + i] = sig[47 - i];
        r[0x2a0 + 72 + i] = sig[95 - i];
    }
}

void tk_snp_sign(EVP_PKEY *key, uint8_t r[TK_SNP_REPORT])
{
    uint8_t sig[512];

    sg_assert(tk_sign(key, TK_RAW, "SHA384", SG_BYTES(r, 0x2a0), sig) == 96);
    put_signature(sig, r);
}

void tk_snp_sign_fast(const struct tk_fast_signer *s, uint8_t r[TK_SNP_REPORT])
{
    uint8_t sig[96];

    tk_fast_sign(s, SG_BYTES(r, 0x2a0), sig);
    put_signature(sig, r);
}
