#include "rules.h"

#include <sealgrid/base/error.h>

#define SAME(first, behind, bits, text)                                                            \
    {                                                                                              \
        .from = first, .until = behind, .same = bits, .why = text                                  \
    }
#define NUMBER(first, behind, least, most, text)                                                   \
    {                                                                                              \
        .from = first, .until = behind, .low = least, .high = most, .why = text                    \
    }

static uint64_t number(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = n; i > 0; i--)
        v = v << 8 | p[i - 1];
    return v;
}

static bool holds(const struct tk_rule *r, const uint8_t *good, const uint8_t *is)
{
    if (!r->same) {
        const uint64_t v = number(is + r->from, (size_t)(r->until - r->from));
        return (v >= r->low && v <= r->high) || (r->or_high && v >= r->or_low && v <= r->or_high);
    }
    for (size_t i = r->from; i < r->until; i++)
        if ((good[i] ^ is[i]) & r->same)
            return false;
    return true;
}

const struct tk_rule *tk_rules_broken(const struct tk_rules *rules, const uint8_t *good,
                                      const uint8_t *is)
{
    for (size_t i = 0; i < rules->n; i++)
        if (!holds(&rules->at[i], good, is))
            return &rules->at[i];
    return NULL;
}

/* Intel, "SGX ECDSA QuoteLibReference", "TDX DCAP Quoting Library API": quote header. */
const struct tk_rules tk_rules_quote_header = {
    .n = 4,
    .at = {SAME(0, 2, 0xff, "version"), SAME(2, 4, 0xff, "attestation key: ECDSA over P-256"),
           SAME(4, 8, 0xff, "TEE"), SAME(12, 28, 0xff, "vendor of the quoting enclave")}};

/* Intel SDM volume 3D, REPORT; policy: no debugging. */
const struct tk_rules tk_rules_sgx_body = {.n = 1, .at = {SAME(48, 49, 0x02, "ATTRIBUTES.DEBUG")}};

/* Intel TDX module ABI, TDREPORT; levels of tk_tcb_info_good: module TDX_01 at its SVN 4, third
 * component at 6; policy: no debugging, no migration. */
const struct tk_rules tk_rules_td_body = {
    .n = 7,
    .at = {NUMBER(0, 1, 4, 255, "TEE_TCB_SVN[0]: SVN of the module"),
           SAME(1, 2, 0xff, "TEE_TCB_SVN[1]: version of the module"),
           NUMBER(2, 3, 6, 255, "TEE_TCB_SVN[2]: a component of the TCB level"),
           SAME(64, 112, 0xff, "MRSIGNERSEAM"), SAME(112, 120, 0xff, "SEAMATTRIBUTES"),
           SAME(120, 121, 0xff, "TDATTRIBUTES: DEBUG and reserved bits of its group"),
           SAME(123, 124, 0x20, "TDATTRIBUTES.MIGRATABLE")}};

/* QE identity of tk_identity_good. */
const struct tk_rules tk_rules_qe = {
    .n = 6,
    .at = {SAME(16, 20, 0xff, "MISCSELECT"),
           SAME(48, 49, 0xfb, "ATTRIBUTES under the mask, DEBUG in it"),
           SAME(49, 56, 0xff, "ATTRIBUTES under the mask"), SAME(128, 160, 0xff, "MRSIGNER"),
           SAME(256, 258, 0xff, "ISVPRODID"),
           NUMBER(258, 260, 8, UINT16_MAX, "ISVSVN of the level")}};

static void add(struct tk_rules *r, struct tk_rule rule)
{
    sg_assert(r->n < TK_RULES_MAX);
    r->at[r->n++] = rule;
}

/* AMD 57230: CPUID family and model of what a VCEK is for. */
static void add_product(struct tk_rules *r, enum tk_product product)
{
    static const uint8_t family[] = {[TK_MILAN] = 0x19, [TK_GENOA] = 0x19, [TK_TURIN] = 0x1a};
    static const struct tk_rule model[] = {
        [TK_MILAN] = NUMBER(0x189, 0x18a, 0x00, 0x0f, "CPU model"),
        [TK_GENOA] = {0x189, 0x18a, 0, 0x10, 0x1f, "CPU model", 0xa0, 0xaf}, /* Bergamo, Siena */
        [TK_TURIN] = NUMBER(0x189, 0x18a, 0x00, 0x1f, "CPU model")};
    add(r, (struct tk_rule)NUMBER(0x188, 0x189, family[product], family[product], "CPU family"));
    add(r, model[product]);
}

/* REPORTED_TCB: the components that the key's certificate names. */
static void add_tcb(struct tk_rules *r, enum tk_product product)
{
    if (product == TK_TURIN) {
        add(r, (struct tk_rule)SAME(0x180, 0x184, 0xff, "FMC, boot loader, TEE, SNP"));
    } else {
        add(r, (struct tk_rule)SAME(0x180, 0x182, 0xff, "boot loader, TEE"));
        add(r, (struct tk_rule)SAME(0x186, 0x187, 0xff, "SNP"));
    }
    add(r, (struct tk_rule)SAME(0x187, 0x188, 0xff, "microcode"));
}

/* AMD 56860, ATTESTATION_REPORT; policy: VMPL 0, no debugging, no migration. */
struct tk_rules tk_rules_snp(unsigned version, enum tk_product product, bool vlek)
{
    struct tk_rules r = {
        .n = 13,
        .at = {SAME(0x000, 0x004, 0xff, "VERSION"),
               SAME(0x00a, 0x00b, 0x0e, "POLICY: bit 17, MIGRATE_MA, DEBUG"),
               SAME(0x00b, 0x00c, 0xfc, "POLICY: reserved bits"),
               SAME(0x00c, 0x010, 0xff, "POLICY: reserved bits"), SAME(0x030, 0x034, 0xff, "VMPL"),
               SAME(0x034, 0x038, 0xff, "SIGNATURE_ALGO"),
               SAME(0x048, 0x049, 0xfc, "which key signed; reserved bits"),
               SAME(0x049, 0x050, 0xff, "reserved"), SAME(0x18b, 0x1a0, 0xff, "reserved"),
               SAME(0x1eb, 0x1ec, 0xff, "reserved"), SAME(0x1ef, 0x1f0, 0xff, "reserved"),
               SAME(0x208, 0x2a0, 0xff, "reserved"),
               SAME(0x2a0 + 144, 0x4a0, 0xff, "behind the signature: zeros")}};
    add_tcb(&r, product);
    if (version < 3)
        add(&r, (struct tk_rule)SAME(0x188, 0x18b, 0xff, "reserved before version 3"));
    else
        add_product(&r, product);
    if (version < 5)
        add(&r, (struct tk_rule)SAME(0x1f8, 0x208, 0xff, "reserved before version 5"));
    if (!vlek)
        add(&r, (struct tk_rule)SAME(0x1a0, 0x1e0, 0xff, "CHIP_ID"));
    return r;
}
