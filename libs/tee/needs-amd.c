/*
 * needs of SEV-SNP reports: by product, chip and reported TCB.  Reports before version 3 do not say
 * their product: a chip id of 8 octets is Turin's, else Milan is tried before Genoa.
 */
#include "bundle-int.h"
#include "needs-int.h"
#include "snp-int.h"

enum { VERSION_3 = 3, KEY_VCEK = 0, KEY_VLEK = 1, TURIN_CHIP_ID = 8 };

static bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

static const char *name_of(enum sg_snp_product p)
{
    return p == SG_SNP_MILAN ? "Milan" : p == SG_SNP_GENOA ? "Genoa" : "Turin";
}

/* What the evidence brings of certificates. */
struct brought {
    enum sg_snp_product product; /* by a key of the right sort */
    bool key, ca;
};

static struct brought look_at(const struct sg_tee_own_certs *certs, bool vlek)
{
    struct brought b = {.product = SG_SNP_UNKNOWN};
    for (size_t i = 0; i < certs->n; i++) {
        const struct sg_tee_cert *c = certs->at[i];
        struct sg_snp_key_info k;
        if (sg_snp_key_info(c, &k) != SG_SNP_CERT_FOREIGN && k.vlek == vlek) {
            b.key = true;
            b.product = k.product;
        }
        b.ca |= c->ca && !strncmp(c->common_name, vlek ? "SEV-VLEK-" : "SEV-", vlek ? 9 : 4) &&
                (vlek || strncmp(c->common_name, "SEV-VLEK-", 9) != 0);
    }
    return b;
}

static void add_product(const uint8_t *report, enum sg_snp_product product, const struct brought *b,
                        bool vlek, bool guess, struct sg_tee_needs *ret)
{
    const struct sg_snp_tcb t = sg_snp_tcb_decode(product, report + SG_SNP_REPORTED_TCB);
    struct sg_tee_need n = {.kind = SG_TEE_NEED_AMD_CHAIN,
                            .product = name_of(product),
                            .guess = guess,
                            .vlek = vlek,
                            .chip_id_len =
                                product == SG_SNP_TURIN ? TURIN_CHIP_ID : SG_SNP_CHIP_ID_LEN,
                            .fmc = t.fmc,
                            .bl = t.bl,
                            .tee = t.tee,
                            .snp = t.snp,
                            .ucode = t.ucode};
    memcpy(n.chip_id, report + SG_SNP_CHIP_ID, n.chip_id_len);
    if (!b->ca)
        sg_tee_needs_add(ret, &n);
    n.kind = SG_TEE_NEED_AMD_CRL;
    sg_tee_needs_add(ret, &n);
    n.kind = SG_TEE_NEED_VCEK;
    /* A VLEK is its provider's to hand out, and a masked chip has no name to ask by. */
    if (!b->key && !vlek && !all_zero(report + SG_SNP_CHIP_ID, SG_SNP_CHIP_ID_LEN))
        sg_tee_needs_add(ret, &n);
}

static enum sg_snp_product product_of(const uint8_t *report, const struct brought *b)
{
    const uint8_t *chip = report + SG_SNP_CHIP_ID;
    if (sg_load_le32(report) >= VERSION_3)
        return sg_snp_product_of_cpu(report[SG_SNP_FAMILY], report[SG_SNP_MODEL]);
    if (b->product != SG_SNP_UNKNOWN)
        return b->product;
    return !all_zero(chip, TURIN_CHIP_ID) &&
                   all_zero(chip + TURIN_CHIP_ID, SG_SNP_CHIP_ID_LEN - TURIN_CHIP_ID)
               ? SG_SNP_TURIN
               : SG_SNP_UNKNOWN;
}

static void add_needs(const uint8_t *report, const struct brought *b, bool vlek,
                      struct sg_tee_needs *ret)
{
    const enum sg_snp_product product = product_of(report, b);
    if (product != SG_SNP_UNKNOWN) {
        add_product(report, product, b, vlek, false, ret);
    } else if (sg_load_le32(report) < VERSION_3) {
        add_product(report, SG_SNP_MILAN, b, vlek, true, ret);
        add_product(report, SG_SNP_GENOA, b, vlek, true, ret);
    }
}

int sg_snp_needs(const struct sg_tee_evidence *e, struct sg_tee_needs *ret)
{
    SG_CLEANUP(sg_tee_bundle_clear) struct sg_tee_bundle bundle = {0};
    const struct sg_tee_case c = {.evidence = e};
    const struct sg_bytes b = e->part[SG_TEE_PART_REPORT];
    if (b.len < SG_SNP_REPORT_LEN)
        return 0;
    const unsigned key = sg_load_le32(b.data + SG_SNP_KEY_FLAGS) >> 2 & 7;
    int r = sg_tee_bundle_load(&c, 0, &e->part[SG_TEE_PART_CERTIFICATES], 1, &bundle);
    if (r < 0)
        return r;
    if (key == KEY_VCEK || key == KEY_VLEK) {
        const struct brought brought = look_at(bundle.certs, key == KEY_VLEK);
        add_needs(b.data, &brought, key == KEY_VLEK, ret);
    }
    return 0;
}
