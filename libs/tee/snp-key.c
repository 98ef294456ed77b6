/*
 * snp-key - AMD's certificates of report keys (VCEK, VLEK): the chain above them, and one that was
 * given as evidence by itself.
 *
 * A certificate says nothing of a guest: it is never trusted as evidence.  Judging chains alone
 * (crypto_only), its chain is all there is to judge.
 */
#include "snp-int.h"

#include "bundle-int.h"
#include "judge-int.h"

#include <ctype.h>
#include <stdio.h>

struct sg_tee_chain_request sg_snp_chain_request(const struct sg_tee_case *c,
                                                 const struct sg_tee_own_certs *own, bool vlek)
{
    static const char *const vcek_names[] = {"SEV-VCEK", NULL};
    static const char *const vlek_names[] = {"SEV-VLEK", NULL};
    static const char *const ask_names[] = {"SEV-Milan", "SEV-Genoa", "SEV-Turin", NULL};
    static const char *const asvk_names[] = {"SEV-VLEK-Milan", "SEV-VLEK-Genoa", "SEV-VLEK-Turin",
                                             NULL};

    return (struct sg_tee_chain_request){.of = c,
                                         .own = own,
                                         .vendor = SG_TEE_VENDOR_AMD,
                                         .role = vlek ? SG_TEE_ROLE_VLEK : SG_TEE_ROLE_VCEK,
                                         .leaf_names = vlek ? vlek_names : vcek_names,
                                         .ca_names = vlek ? asvk_names : ask_names,
                                         .min_cas = 1,
                                         .max_cas = 1,
                                         .leaf_may_be_bare = true,
                                         .no_leaf_crl = true};
}

/* "SEV-Milan" and "SEV-VLEK-Milan". */
enum sg_snp_product sg_snp_product_of_ca(const struct sg_tee_chain *chain, bool vlek)
{
    const char *prefix = vlek ? "SEV-VLEK-" : "SEV-";
    size_t len = strlen(prefix);

    if (chain->n < 2 || strncmp(chain->at[1]->common_name, prefix, len) != 0)
        return SG_SNP_UNKNOWN;
    return sg_snp_product_of_name(sg_bytes_str(chain->at[1]->common_name + len));
}

void sg_snp_cert_json(const struct sg_tee_cert *c, const struct sg_snp_key_info *k,
                      struct sg_json *j)
{
    sg_json_key(j, "cert");
    sg_json_object(j);
    sg_snp_key_info_json(k, j);
    sg_tee_cert_validity_json(c, j);
    sg_json_key(j, "sha256");
    sg_json_hex(j, SG_BYTES_ARRAY(c->id));
    sg_json_end_object(j);
}

/* ---- as evidence ---- */

/* The first certificate of the file that is a report key's; 0 without one: *ret is NULL. */
static int load(const struct sg_tee_evidence *e, struct sg_tee_bundle *bundle,
                const struct sg_tee_cert **ret, struct sg_snp_key_info *ret_info)
{
    const struct sg_tee_case c = {.evidence = e};
    const struct sg_bytes part = e->part[SG_TEE_PART_REPORT];
    int r;

    *ret = NULL;
    *bundle = (struct sg_tee_bundle){.certs = &bundle->own};
    if (!part.len || (part.data[0] != 0x30 && part.data[0] != '-'))
        return 0;
    r = sg_tee_bundle_load(&c, 0, &part, 1, bundle);
    if (r)
        return r < 0 ? r : 0;
    for (size_t i = 0; i < bundle->certs->n && !*ret; i++)
        if (sg_snp_key_info(bundle->certs->at[i], ret_info) != SG_SNP_CERT_FOREIGN)
            *ret = bundle->certs->at[i];
    return 0;
}

static bool recognise(const struct sg_tee_evidence *e)
{
    SG_CLEANUP(sg_tee_bundle_clear) struct sg_tee_bundle bundle;
    const struct sg_tee_cert *cert;
    struct sg_snp_key_info info;

    return load(e, &bundle, &cert, &info) == 0 && cert;
}

static enum sg_tee_kind kind_of(const struct sg_tee_evidence *e)
{
    (void)e;
    return SG_TEE_SNP;
}

/* "snp-vcek-turin" */
static void name_format(const struct sg_snp_key_info *k, char ret[SG_TEE_FORMAT_MAX])
{
    snprintf(ret, SG_TEE_FORMAT_MAX, "snp-%s-%.*s", k->vlek ? "vlek" : "vcek",
             (int)strcspn(k->product_name, "-"), k->product_name);
    for (size_t i = 0; ret[i]; i++)
        ret[i] = (char)tolower((unsigned char)ret[i]);
}

static int judge(const struct sg_tee_case *c, struct sg_tee_verdict *v)
{
    SG_CLEANUP(sg_tee_bundle_clear) struct sg_tee_bundle bundle;
    const struct sg_tee_cert *cert;
    struct sg_snp_key_info info;
    struct sg_tee_chain chain;
    int r = load(c->evidence, &bundle, &cert, &info);

    v->kind = SG_TEE_SNP;
    v->tcb_status = c->crypto_only ? SG_TEE_STATUS_NOT_CHECKED : SG_TEE_STATUS_NOT_APPLICABLE;
    v->claims.no_report_data = true;
    if (r)
        return r;
    if (!c->crypto_only)
        sg_tee_refuse(v, SG_TEE_REASON_UNSUPPORTED);
    name_format(&info, v->format);
    struct sg_tee_chain_request q = sg_snp_chain_request(c, bundle.certs, info.vlek);
    sg_tee_chain_judge(&q, cert, &chain);
    sg_tee_chain_report(&q, &chain, v);
    if (sg_snp_key_info(cert, &info))
        sg_tee_refuse(v, info.vlek ? SG_TEE_VLEK_EXTENSION : SG_TEE_VCEK_EXTENSION);
    if (info.product == SG_SNP_UNKNOWN ||
        (chain.n && sg_snp_product_of_ca(&chain, info.vlek) != info.product))
        sg_tee_refuse(v, SG_TEE_REASON_SNP_PRODUCT);
    return 0;
}

static int describe(const struct sg_tee_evidence *e, const struct sg_tee_store *store,
                    struct sg_json *j)
{
    SG_CLEANUP(sg_tee_bundle_clear) struct sg_tee_bundle bundle;
    const struct sg_tee_cert *cert;
    struct sg_snp_key_info info;
    int r = load(e, &bundle, &cert, &info);

    (void)store;
    sg_json_key(j, "fields");
    sg_json_object(j);
    sg_json_end_object(j);
    if (!r && cert)
        sg_snp_cert_json(cert, &info, j);
    return r;
}

const struct sg_tee_judge sg_tee_judge_snp_key = {
    .kind_of = kind_of, .recognise = recognise, .judge = judge, .describe = describe};
