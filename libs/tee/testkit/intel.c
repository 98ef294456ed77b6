#include "intel.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/crypto/hash.h>
#include <stdio.h>

#define DAY       INT64_C(86400)
#define INTEL_SGX "1.2.840.113741.1.13.1"

#define MUST(expr) sg_assert((expr) == 0)

static const uint8_t qe_signer[32] = {
    0x8c, 0x4f, 0x57, 0x75, 0xd7, 0x96, 0x50, 0x3e, 0x96, 0x13, 0x7f, 0x77, 0xc6, 0x8a, 0x82, 0x9a,
    0x00, 0x56, 0xac, 0x8d, 0xed, 0x70, 0x14, 0x0b, 0x08, 0x1b, 0x09, 0x44, 0x90, 0xc5, 0x7b, 0xff};
static const uint8_t td_qe_signer[32] = {
    0xdc, 0x9e, 0x2a, 0x7c, 0x6f, 0x94, 0x8f, 0x17, 0x47, 0x4e, 0x34, 0xa7, 0xfc, 0x43, 0xed, 0x03,
    0x0f, 0x7c, 0x15, 0x63, 0xf1, 0xba, 0xbd, 0xdf, 0x63, 0x40, 0xc8, 0x2e, 0x0e, 0x54, 0xa8, 0xc5};
static const uint8_t qe_vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                      0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

enum { QE_PRODUCT = 1, TD_QE_PRODUCT = 2, QE_SVN = 8, MODULE_SVN = 4, EVALUATION = 17 };

static void store_le16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void append_le(struct sg_buf *b, uint64_t v, size_t octets)
{
    for (size_t i = 0; i < octets; i++)
        MUST(sg_buf_append_u8(b, (uint8_t)(v >> (8 * i))));
}

/* ---- certificates ---- */

static struct tk_cert_spec ca_spec(const struct tk_intel *t, const char *name, int path_length,
                                   uint64_t serial)
{
    return (struct tk_cert_spec){.common_name = name,
                                 .from_s = t->at_s - DAY,
                                 .until_s = t->at_s + 3650 * DAY,
                                 .serial = serial,
                                 .constraints = TK_CA,
                                 .path_length = path_length,
                                 .key_usage = "keyCertSign,cRLSign"};
}

static struct tk_cert_spec leaf_spec(const struct tk_intel *t, const char *name, uint64_t serial)
{
    return (struct tk_cert_spec){.common_name = name,
                                 .from_s = t->at_s - DAY,
                                 .until_s = t->at_s + 365 * DAY,
                                 .serial = serial,
                                 .constraints = TK_END_ENTITY,
                                 .key_usage = "digitalSignature,nonRepudiation"};
}

static void member(struct sg_buf *list, const char *oid, struct sg_bytes value)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pair = SG_BUF_INIT(2048);

    tk_der_oid(&pair, oid);
    MUST(sg_buf_append(&pair, value));
    tk_der(list, 0x30, sg_buf_bytes(&pair));
}

static void octets_member(struct sg_buf *list, const char *oid, const uint8_t *octets, size_t n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(64);

    tk_der(&value, 0x04, SG_BYTES(octets, n));
    member(list, oid, sg_buf_bytes(&value));
}

static void number_member(struct sg_buf *list, const char *oid, unsigned v)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(16);

    tk_der_integer(&value, v);
    member(list, oid, sg_buf_bytes(&value));
}

static void tcb_member(const struct tk_intel *t, struct sg_buf *list)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf levels = SG_BUF_INIT(1024), value = SG_BUF_INIT(1024);
    char oid[64];

    for (int i = 0; i < TK_SVNS; i++) {
        snprintf(oid, sizeof(oid), INTEL_SGX ".2.%d", i + 1);
        number_member(&levels, oid, t->components[i]);
    }
    number_member(&levels, INTEL_SGX ".2.17", t->pcesvn);
    octets_member(&levels, INTEL_SGX ".2.18", t->cpusvn, sizeof(t->cpusvn));
    tk_der(&value, 0x30, sg_buf_bytes(&levels));
    member(list, INTEL_SGX ".2", sg_buf_bytes(&value));
}

void tk_intel_platform_extension(const struct tk_intel *t, struct tk_cert_spec *spec)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf list = SG_BUF_INIT(2048), der = SG_BUF_INIT(2048);
    static const uint8_t ppid[16] = {1, 2, 3, 4}, type[3] = {0x0a, 1, 0};

    octets_member(&list, INTEL_SGX ".1", ppid, sizeof(ppid));
    tcb_member(t, &list);
    octets_member(&list, INTEL_SGX ".3", t->pceid, sizeof(t->pceid));
    octets_member(&list, INTEL_SGX ".4", t->fmspc, sizeof(t->fmspc));
    member(&list, INTEL_SGX ".5", SG_BYTES_ARRAY(type));
    tk_der(&der, 0x30, sg_buf_bytes(&list));
    tk_add_extension(spec, INTEL_SGX, false, sg_buf_bytes(&der));
}

static void free_certs(struct tk_intel *t)
{
    X509_free(t->root);
    X509_free(t->ca);
    X509_free(t->pck);
    X509_free(t->signer);
}

void tk_intel_issue(struct tk_intel *t)
{
    struct tk_cert_spec pck = t->pck_spec;

    free_certs(t);
    if (!pck.n_extensions)
        tk_intel_platform_extension(t, &pck);
    t->root = tk_cert_new(&t->root_spec, t->root_key, NULL, t->root_key);
    t->ca = tk_cert_new(&t->ca_spec, t->ca_key, t->root, t->root_key);
    t->pck = tk_cert_new(&pck, t->pck_key, t->ca, t->ca_key);
    t->signer = tk_cert_new(&t->signer_spec, t->signer_key, t->root, t->root_key);
}

void tk_intel_init(struct tk_intel *t, int64_t at_s)
{
    *t = (struct tk_intel){.at_s = at_s, .pcesvn = 13, .fmspc = {0, 0x60, 0x6a}};
    for (int i = 0; i < 8; i++)
        t->components[i] = (uint8_t)(8 - i);
    t->tdx_components[0] = MODULE_SVN;
    t->tdx_components[1] = 1;
    t->tdx_components[2] = 6;
    t->root_key = tk_key_new(TK_P256);
    t->ca_key = tk_key_new(TK_P256);
    t->pck_key = tk_key_new(TK_P256);
    t->signer_key = tk_key_new(TK_P256);
    t->attestation_key = tk_key_new(TK_P256);
    t->root_spec = ca_spec(t, "Intel SGX Root CA", 1, 1);
    t->ca_spec = ca_spec(t, "Intel SGX PCK Processor CA", 0, 2);
    t->pck_spec = leaf_spec(t, "Intel SGX PCK Certificate", 3);
    t->signer_spec = leaf_spec(t, "Intel SGX TCB Signing", 4);
    tk_intel_issue(t);
}

void tk_intel_clear(struct tk_intel *t)
{
    free_certs(t);
    EVP_PKEY_free(t->root_key);
    EVP_PKEY_free(t->ca_key);
    EVP_PKEY_free(t->pck_key);
    EVP_PKEY_free(t->signer_key);
    EVP_PKEY_free(t->attestation_key);
    *t = (struct tk_intel){0};
}

/* ---- documents ---- */

static void put_hex(struct sg_buf *b, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        MUST(sg_buf_printf(b, "%02X", p[i]));
}

static void put_dates(struct sg_buf *b, int64_t issued_s, int64_t next_s)
{
    char issued[SG_RFC3339_MAX], next[SG_RFC3339_MAX];

    sg_time_rfc3339(issued, issued_s);
    sg_time_rfc3339(next, next_s);
    MUST(sg_buf_printf(b, "\"issueDate\":\"%s\",\"nextUpdate\":\"%s\",", issued, next));
}

void tk_intel_sign_document(const struct tk_intel *t, const char *name, struct sg_bytes object,
                            struct sg_buf *ret)
{
    uint8_t sig[512];
    size_t n = tk_sign(t->signer_key, TK_RAW, "SHA256", object, sig);

    MUST(sg_buf_printf(ret, "{\"%s\":", name));
    MUST(sg_buf_append(ret, object));
    MUST(sg_buf_printf(ret, ",\"signature\":\""));
    for (size_t i = 0; i < n; i++)
        MUST(sg_buf_printf(ret, "%02x", sig[i]));
    MUST(sg_buf_printf(ret, "\"}"));
}

struct tk_tcb_info tk_tcb_info_good(const struct tk_intel *t, bool tdx)
{
    struct tk_tcb_info i = {.tdx = tdx,
                            .version = 3,
                            .issued_s = t->at_s - DAY,
                            .next_s = t->at_s + 29 * DAY,
                            .evaluation = EVALUATION,
                            .n_levels = 1,
                            .module_svn = MODULE_SVN};

    memcpy(i.fmspc, t->fmspc, sizeof(i.fmspc));
    memcpy(i.pceid, t->pceid, sizeof(i.pceid));
    i.level[0] = (struct tk_level){.pcesvn = t->pcesvn, .status = "UpToDate"};
    memcpy(i.level[0].sgx, t->components, TK_SVNS);
    memcpy(i.level[0].tdx, t->tdx_components, TK_SVNS);
    return i;
}

static void put_components(struct sg_buf *b, const char *name, const uint8_t svns[TK_SVNS])
{
    MUST(sg_buf_printf(b, "\"%s\":[", name));
    for (int i = 0; i < TK_SVNS; i++)
        MUST(sg_buf_printf(b, "%s{\"svn\":%u}", i ? "," : "", svns[i]));
    MUST(sg_buf_printf(b, "],"));
}

static void put_level(struct sg_buf *b, const struct tk_tcb_info *info, const struct tk_level *l)
{
    MUST(sg_buf_printf(b, "{\"tcb\":{"));
    if (info->version >= 3)
        put_components(b, "sgxtcbcomponents", l->sgx);
    else
        for (int i = 0; i < TK_SVNS; i++)
            MUST(sg_buf_printf(b, "\"sgxtcbcomp%02dsvn\":%u,", i + 1, l->sgx[i]));
    if (info->tdx)
        put_components(b, "tdxtcbcomponents", l->tdx);
    MUST(sg_buf_printf(b, "\"pcesvn\":%u},\"tcbDate\":\"2024-03-13T00:00:00Z\",", l->pcesvn));
    MUST(sg_buf_printf(b, "\"tcbStatus\":\"%s\"", l->status));
    if (l->advisories)
        MUST(sg_buf_printf(b, ",\"advisoryIDs\":%s", l->advisories));
    MUST(sg_buf_printf(b, "}"));
}

static void put_modules(struct sg_buf *b, const struct tk_tcb_info *info)
{
    static const char module[] = "\"mrsigner\":\"00000000000000000000000000000000000000000000000000"
                                 "0000000000000000000000000000000000000000000000\","
                                 "\"attributes\":\"0000000000000000\","
                                 "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"";

    MUST(sg_buf_printf(b, "\"tdxModule\":{%s},\"tdxModuleIdentities\":[{\"id\":\"TDX_01\",%s,",
                       module, module));
    MUST(sg_buf_printf(b,
                       "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":%u},"
                       "\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"%s\"},"
                       "{\"tcb\":{\"isvsvn\":1},\"tcbDate\":\"2023-08-09T00:00:00Z\","
                       "\"tcbStatus\":\"OutOfDate\"}]}],",
                       info->module_svn, info->module_status ? info->module_status : "UpToDate"));
}

void tk_tcb_info_json(const struct tk_intel *t, const struct tk_tcb_info *info, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(32768);
    const char *id = info->id ? info->id : info->tdx ? "TDX" : "SGX";

    MUST(sg_buf_printf(&b, "{"));
    if (info->version >= 3)
        MUST(sg_buf_printf(&b, "\"id\":\"%s\",", id));
    MUST(sg_buf_printf(&b, "\"version\":%u,", info->version));
    put_dates(&b, info->issued_s, info->next_s);
    MUST(sg_buf_printf(&b, "\"fmspc\":\""));
    put_hex(&b, info->fmspc, sizeof(info->fmspc));
    MUST(sg_buf_printf(&b, "\",\"pceId\":\""));
    put_hex(&b, info->pceid, sizeof(info->pceid));
    MUST(sg_buf_printf(&b, "\",\"tcbType\":0,\"tcbEvaluationDataNumber\":%u,", info->evaluation));
    if (info->tdx)
        put_modules(&b, info);
    MUST(sg_buf_printf(&b, "\"tcbLevels\":["));
    for (size_t i = 0; i < info->n_levels; i++) {
        if (i)
            MUST(sg_buf_append_u8(&b, ','));
        put_level(&b, info, &info->level[i]);
    }
    MUST(sg_buf_printf(&b, "]}"));
    tk_intel_sign_document(t, "tcbInfo", sg_buf_bytes(&b), ret);
}

struct tk_identity tk_identity_good(const struct tk_intel *t, bool tdx)
{
    struct tk_identity i = {.id = tdx ? "TD_QE" : "QE",
                            .issued_s = t->at_s - DAY,
                            .next_s = t->at_s + 29 * DAY,
                            .evaluation = EVALUATION,
                            .isvprodid = tdx ? TD_QE_PRODUCT : QE_PRODUCT,
                            .isvsvn = QE_SVN,
                            .status = "UpToDate",
                            .attributes = {0x11},
                            .attributes_mask = {0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                            .miscselect_mask = {0xff, 0xff, 0xff, 0xff}};

    memcpy(i.mrsigner, tdx ? td_qe_signer : qe_signer, sizeof(i.mrsigner));
    return i;
}

void tk_identity_json(const struct tk_intel *t, const struct tk_identity *id, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);

    MUST(sg_buf_printf(&b, "{\"id\":\"%s\",\"version\":2,", id->id));
    put_dates(&b, id->issued_s, id->next_s);
    MUST(sg_buf_printf(&b, "\"tcbEvaluationDataNumber\":%u,\"miscselect\":\"", id->evaluation));
    put_hex(&b, id->miscselect, sizeof(id->miscselect));
    MUST(sg_buf_printf(&b, "\",\"miscselectMask\":\""));
    put_hex(&b, id->miscselect_mask, sizeof(id->miscselect_mask));
    MUST(sg_buf_printf(&b, "\",\"attributes\":\""));
    put_hex(&b, id->attributes, sizeof(id->attributes));
    MUST(sg_buf_printf(&b, "\",\"attributesMask\":\""));
    put_hex(&b, id->attributes_mask, sizeof(id->attributes_mask));
    MUST(sg_buf_printf(&b, "\",\"mrsigner\":\""));
    put_hex(&b, id->mrsigner, sizeof(id->mrsigner));
    MUST(sg_buf_printf(&b,
                       "\",\"isvprodid\":%u,\"tcbLevels\":[{\"tcb\":{\"isvsvn\":%u},"
                       "\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"%s\"}]}",
                       id->isvprodid, id->isvsvn, id->status));
    tk_intel_sign_document(t, "enclaveIdentity", sg_buf_bytes(&b), ret);
}

static void crl(const struct tk_intel *t, const X509 *issuer, EVP_PKEY *key,
                const uint64_t *serials, size_t n, struct sg_buf *ret)
{
    const struct tk_crl_spec spec = {
        .from_s = t->at_s - DAY, .until_s = t->at_s + 29 * DAY, .serials = serials, .n_serials = n};
    tk_crl_der(&spec, issuer, key, ret);
}

void tk_intel_root_crl(const struct tk_intel *t, const uint64_t *serials, size_t n,
                       struct sg_buf *ret)
{
    crl(t, t->root, t->root_key, serials, n, ret);
}

void tk_intel_pck_crl(const struct tk_intel *t, const uint64_t *serials, size_t n,
                      struct sg_buf *ret)
{
    crl(t, t->ca, t->ca_key, serials, n, ret);
}

void tk_intel_signer_chain(const struct tk_intel *t, struct sg_buf *ret)
{
    tk_cert_pem(t->signer, ret);
    tk_cert_pem(t->root, ret);
}

void tk_intel_pck_chain(const struct tk_intel *t, struct sg_buf *ret)
{
    tk_cert_pem(t->pck, ret);
    tk_cert_pem(t->ca, ret);
    tk_cert_pem(t->root, ret);
}

/* ---- quotes ---- */

static struct tk_quote quote_of(const struct tk_intel *t, unsigned version, bool tdx)
{
    struct tk_quote q = {.version = version, .auth_len = 32};

    store_le16(q.header, version);
    store_le16(q.header + 2, 2);
    q.header[4] = tdx ? 0x81 : 0;
    if (version == 3) {
        store_le16(q.header + 8, QE_SVN);
        store_le16(q.header + 10, t->pcesvn);
    }
    memcpy(q.header + 12, qe_vendor, sizeof(qe_vendor));
    memset(q.auth, 0x42, q.auth_len);
    memset(q.qe, 7, 16); /* CPUSVN: opaque */
    q.qe[48] = 0x11;     /* INIT, provision key */
    memset(q.qe + 64, 0x5a, 32);
    memcpy(q.qe + 128, tdx ? td_qe_signer : qe_signer, 32);
    store_le16(q.qe + 256, tdx ? TD_QE_PRODUCT : QE_PRODUCT);
    store_le16(q.qe + 258, QE_SVN);
    return q;
}

struct tk_quote tk_quote_sgx(const struct tk_intel *t)
{
    struct tk_quote q = quote_of(t, 3, false);

    q.body_len = TK_SGX_BODY;
    memcpy(q.body, t->cpusvn, sizeof(t->cpusvn));
    q.body[48] = 0x05; /* INIT, MODE64 */
    q.body[56] = 0x07;
    memset(q.body + 64, 0x11, 32);
    memset(q.body + 128, 0x22, 32);
    store_le16(q.body + 256, 3);
    store_le16(q.body + 258, 9);
    memset(q.body + 320, 0x77, 64);
    return q;
}

struct tk_quote tk_quote_td(const struct tk_intel *t, unsigned version, size_t body_len)
{
    struct tk_quote q = quote_of(t, version, true);

    q.body_type = body_len == TK_TD15_BODY ? 3 : 2;
    q.body_len = body_len;
    memcpy(q.body, t->tdx_components, TK_SVNS);
    q.body[123] = 0x10; /* TDATTRIBUTES: SEPT_VE_DISABLE, bit 28 */
    q.body[128] = 0xe7;
    memset(q.body + 136, 0x33, 48);
    for (int i = 0; i < 4; i++)
        memset(q.body + 328 + 48 * i, 0x40 + i, 48);
    memset(q.body + 520, 0x77, 64);
    if (body_len == TK_TD15_BODY)
        memcpy(q.body + 584, t->tdx_components, TK_SVNS);
    return q;
}

static void put_signature(EVP_PKEY *key, struct sg_bytes message, struct sg_buf *ret)
{
    uint8_t sig[512];
    size_t n = tk_sign(key, TK_RAW, "SHA256", message, sig);

    MUST(sg_buf_append(ret, SG_BYTES(sig, n)));
}

/* REPORTDATA = SHA-256(attestation key || authentication data), zeros. */
static void bind_key(const struct tk_quote *q, const uint8_t point[64], uint8_t qe[TK_SGX_BODY])
{
    uint8_t both[64 + sizeof(q->auth)];

    memcpy(qe, q->qe, TK_SGX_BODY);
    if (q->keep_binding)
        return;
    memcpy(both, point, 64);
    memcpy(both + 64, q->auth, q->auth_len);
    sg_sha256(qe + 320, SG_BYTES(both, 64 + q->auth_len));
    memset(qe + 352, 0, 32);
}

static void put_qe(const struct tk_intel *t, const struct tk_quote *q, const uint8_t point[64],
                   struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf chain = SG_BUF_INIT(65536);
    const struct sg_buf *cert = q->cert ? q->cert : &chain;
    uint8_t qe[TK_SGX_BODY];

    bind_key(q, point, qe);
    if (!q->cert)
        tk_intel_pck_chain(t, &chain);
    MUST(sg_buf_append(ret, SG_BYTES_ARRAY(qe)));
    put_signature(q->other_pck ? q->other_pck : t->pck_key, SG_BYTES_ARRAY(qe), ret);
    append_le(ret, q->auth_len, 2);
    MUST(sg_buf_append(ret, SG_BYTES(q->auth, q->auth_len)));
    append_le(ret, 5, 2);
    append_le(ret, cert->len, 4);
    MUST(sg_buf_append(ret, sg_buf_bytes(cert)));
}

void tk_quote_make(const struct tk_intel *t, const struct tk_quote *q, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf qe = SG_BUF_INIT(65536), data = SG_BUF_INIT(65536);
    uint8_t point[96];
    size_t start = ret->len;

    tk_key_point(t->attestation_key, point);
    MUST(sg_buf_append(ret, SG_BYTES_ARRAY(q->header)));
    if (q->version == 5) {
        append_le(ret, q->body_type, 2);
        append_le(ret, q->body_len, 4);
    }
    MUST(sg_buf_append(ret, SG_BYTES(q->body, q->body_len)));
    put_signature(q->other_key ? q->other_key : t->attestation_key,
                  SG_BYTES(ret->data + start, ret->len - start), &data);
    MUST(sg_buf_append(&data, SG_BYTES(point, 64)));
    put_qe(t, q, point, &qe);
    if (q->version >= 4) {
        append_le(&data, 6, 2);
        append_le(&data, qe.len, 4);
    }
    MUST(sg_buf_append(&data, sg_buf_bytes(&qe)));
    append_le(ret, data.len, 4);
    MUST(sg_buf_append(ret, sg_buf_bytes(&data)));
}
