#include "snp-int.h"

#include "der-int.h"

#include <stdio.h>
#include <string.h>

/* 1.3.6.1.4.1.3704.1.x and .x.y */
#define AMD "\x2b\x06\x01\x04\x01\x9c\x78\x01"
static const struct sg_bytes oid_struct_version = SG_BYTES_LIT(AMD "\x01"),
                             oid_product = SG_BYTES_LIT(AMD "\x02"),
                             oid_bl = SG_BYTES_LIT(AMD "\x03\x01"),
                             oid_tee = SG_BYTES_LIT(AMD "\x03\x02"),
                             oid_snp = SG_BYTES_LIT(AMD "\x03\x03"),
                             oid_ucode = SG_BYTES_LIT(AMD "\x03\x08"),
                             oid_fmc = SG_BYTES_LIT(AMD "\x03\x09"),
                             oid_hwid = SG_BYTES_LIT(AMD "\x04"),
                             oid_csp_id = SG_BYTES_LIT(AMD "\x05");

static const struct {
    enum sg_snp_product product;
    const char *name;
} products[] = {{SG_SNP_MILAN, "Milan"}, {SG_SNP_GENOA, "Genoa"}, {SG_SNP_TURIN, "Turin"}};

enum sg_snp_product sg_snp_product_of_name(struct sg_bytes name)
{
    for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++) {
        size_t len = strlen(products[i].name);
        if (name.len >= len && !memcmp(name.data, products[i].name, len) &&
            (name.len == len || name.data[len] == '-'))
            return products[i].product;
    }
    return SG_SNP_UNKNOWN;
}

enum sg_snp_product sg_snp_product_of_cpu(unsigned family, unsigned model)
{
    if (family == 0x19 && model <= 0x0F)
        return SG_SNP_MILAN;
    if (family == 0x19 && ((model >= 0x10 && model <= 0x1F) || (model >= 0xA0 && model <= 0xAF)))
        return SG_SNP_GENOA;
    if (family == 0x1A && model <= 0x1F)
        return SG_SNP_TURIN;
    return SG_SNP_UNKNOWN;
}

struct sg_snp_tcb sg_snp_tcb_decode(enum sg_snp_product product, const uint8_t t[8])
{
    if (product == SG_SNP_TURIN)
        return (struct sg_snp_tcb){
            .fmc = t[0], .bl = t[1], .tee = t[2], .snp = t[3], .ucode = t[7]};
    return (struct sg_snp_tcb){.fmc = -1, .bl = t[0], .tee = t[1], .snp = t[6], .ucode = t[7]};
}

bool sg_snp_tcb_equal(const struct sg_snp_tcb *a, const struct sg_snp_tcb *b)
{
    return a->fmc == b->fmc && a->bl == b->bl && a->tee == b->tee && a->snp == b->snp &&
           a->ucode == b->ucode;
}

/* An INTEGER 0..255. */
static bool octet_of(const struct sg_tee_cert *c, struct sg_bytes oid, int *ret)
{
    struct sg_bytes v;
    uint64_t number;
    if (!sg_tee_cert_extension(c, oid, &v))
        return false;
    struct sg_reader r = sg_reader_over(v);
    if (!sg_der_small(&r, 255, &number) || r.left)
        return false;
    *ret = (int)number;
    return true;
}

static bool text_of(const struct sg_tee_cert *c, struct sg_bytes oid, struct sg_bytes *ret)
{
    struct sg_bytes v;
    unsigned tag;
    if (!sg_tee_cert_extension(c, oid, &v))
        return false;
    struct sg_reader r = sg_reader_over(v);
    return sg_der_any(&r, &tag, ret, NULL) && !r.left &&
           (tag == SG_DER_IA5_STRING || tag == SG_DER_UTF8_STRING);
}

/* Raw octets in every genuine certificate seen; AMD's text allows an OCTET STRING too. */
static bool chip_of(const struct sg_tee_cert *c, struct sg_snp_key_info *ret)
{
    if (!sg_tee_cert_extension(c, oid_hwid, &ret->hwid))
        return false;
    struct sg_reader r = sg_reader_over(ret->hwid);
    ret->chip_id = ret->hwid;
    if (ret->hwid.len == 66 || ret->hwid.len == 10)
        return sg_der_take(&r, SG_DER_OCTET_STRING, &ret->chip_id) && !r.left;
    return ret->hwid.len == 64 || ret->hwid.len == 8;
}

static bool versions_of(const struct sg_tee_cert *c, struct sg_snp_tcb *ret)
{
    bool all = octet_of(c, oid_bl, &ret->bl);

    all &= octet_of(c, oid_tee, &ret->tee);
    all &= octet_of(c, oid_snp, &ret->snp);
    all &= octet_of(c, oid_ucode, &ret->ucode);
    return all;
}

int sg_snp_key_info(const struct sg_tee_cert *c, struct sg_snp_key_info *ret)
{
    struct sg_bytes name = SG_BYTES_NONE;
    int version = 0;
    bool all;

    *ret = (struct sg_snp_key_info){.vlek = !strcmp(c->common_name, "SEV-VLEK"),
                                    .tcb = {-1, -1, -1, -1, -1}};
    if (!ret->vlek && strcmp(c->common_name, "SEV-VCEK"))
        return SG_SNP_CERT_FOREIGN;
    all = octet_of(c, oid_struct_version, &version);
    ret->struct_version = (unsigned)version;
    all &= text_of(c, oid_product, &name) && name.len < sizeof(ret->product_name);
    if (all)
        snprintf(ret->product_name, sizeof(ret->product_name), "%.*s", (int)name.len,
                 (const char *)name.data);
    ret->product = sg_snp_product_of_name(name);
    all &= versions_of(c, &ret->tcb);
    if (ret->product == SG_SNP_TURIN)
        all &= octet_of(c, oid_fmc, &ret->tcb.fmc);
    all &= ret->vlek ? text_of(c, oid_csp_id, &ret->csp_id) : chip_of(c, ret);
    return all ? 0 : SG_SNP_CERT_EXTENSION;
}

bool sg_snp_chip_matches(const struct sg_snp_key_info *k, const uint8_t chip_id[SG_SNP_CHIP_ID_LEN])
{
    size_t wanted = k->product == SG_SNP_TURIN ? 8 : SG_SNP_CHIP_ID_LEN;
    uint8_t rest = 0;

    if (k->chip_id.len != wanted || memcmp(k->chip_id.data, chip_id, wanted))
        return false;
    for (size_t i = wanted; i < SG_SNP_CHIP_ID_LEN; i++)
        rest |= chip_id[i];
    return rest == 0;
}

static void number(struct sg_json *j, const char *name, int v)
{
    sg_json_key(j, name);
    if (v < 0)
        sg_json_null(j);
    else
        sg_json_int(j, v);
}

void sg_snp_key_info_json(const struct sg_snp_key_info *k, struct sg_json *j)
{
    number(j, "struct_version", (int)k->struct_version);
    sg_json_key(j, "product");
    sg_json_str(j, k->product_name);
    number(j, "bl", k->tcb.bl);
    number(j, "tee", k->tcb.tee);
    number(j, "snp", k->tcb.snp);
    number(j, "ucode", k->tcb.ucode);
    number(j, "fmc", k->tcb.fmc);
    sg_json_key(j, "hwid");
    if (k->hwid.len)
        sg_json_hex(j, k->hwid);
    else
        sg_json_null(j);
    sg_json_key(j, "csp_id");
    if (k->csp_id.len)
        sg_json_strn(j, k->csp_id);
    else
        sg_json_null(j);
}
