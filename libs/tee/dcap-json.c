/* dcap-json - quotes in the words of published vectors: hdr, fields, qe, pck. */
#include <sealgrid/base/encode.h>
#include <stdio.h>

#include "dcap-int.h"

static void key_uint(struct sg_json *j, const char *key, uint64_t v)
{
    sg_json_key(j, key);
    sg_json_uint(j, v);
}

static void key_hex(struct sg_json *j, const char *key, struct sg_bytes v)
{
    sg_json_key(j, key);
    sg_json_hex(j, v);
}

static void key_bool(struct sg_json *j, const char *key, bool v)
{
    sg_json_key(j, key);
    sg_json_bool(j, v);
}

static void write_header(const struct sg_quote *q, struct sg_json *j)
{
    char tee[16];
    snprintf(tee, sizeof tee, "0x%x", q->tee);
    sg_json_key(j, "hdr");
    sg_json_object(j);
    key_uint(j, "version", q->version);
    key_uint(j, "att_key_type", q->key_type);
    sg_json_key(j, "tee_type");
    sg_json_str(j, tee);
    key_uint(j, "qe_svn", q->qe_svn);
    key_uint(j, "pce_svn", q->pce_svn);
    key_hex(j, "user_data", q->user_data);
    sg_json_key(j, "body_type");
    if (q->version == 5)
        sg_json_uint(j, q->body_type);
    else
        sg_json_null(j);
    key_uint(j, "quote_len", q->len);
    key_uint(j, "trailing", q->trailing);
    key_uint(j, "cert_data_type", q->cert_type);
    sg_json_end_object(j);
}

static void write_td_attributes(uint64_t attributes, struct sg_json *j)
{
    key_bool(j, "debug", attributes & 1);
    sg_json_key(j, "td_attr_bits");
    sg_json_array(j);
#define X(bit, name)                                                                               \
    if (attributes >> (bit)&1)                                                                     \
        sg_json_str(j, name);
    SG_TD_ATTRIBUTES(X)
#undef X
    sg_json_end_array(j);
}

static void write_fields(const struct sg_quote *q, struct sg_json *j)
{
    size_t n;
    const struct sg_tee_field *fields = sg_quote_fields(q, &n);
    sg_json_key(j, "fields");
    sg_json_object(j);
    sg_tee_fields_json(fields, n, q->body, j);
    if (q->body.len && q->tee == SG_QUOTE_TEE_SGX) {
        const uint8_t flags = q->body.data[SG_SGX_AT_attributes];
        key_bool(j, "debug", flags & SG_SGX_ATTRIBUTE_DEBUG);
        key_bool(j, "init", flags & SG_SGX_ATTRIBUTE_INIT);
    } else if (q->body.len) {
        write_td_attributes(sg_load_le64(q->body.data + SG_TD_AT_tdattributes), j);
    }
    sg_json_end_object(j);
}

static void write_qe(const struct sg_quote *q, struct sg_json *j)
{
    const uint8_t *r = q->qe_report.data;
    sg_json_key(j, "qe");
    sg_json_object(j);
    key_hex(j, "mrsigner", SG_BYTES(r + SG_SGX_AT_mrsigner, 32));
    key_hex(j, "mrenclave", SG_BYTES(r + SG_SGX_AT_mrenclave, 32));
    key_uint(j, "isvprodid", sg_load_le16(r + SG_SGX_AT_isvprodid));
    key_uint(j, "isvsvn", sg_load_le16(r + SG_SGX_AT_isvsvn));
    key_uint(j, "auth_data_len", q->qe_auth.len);
    sg_json_end_object(j);
}

/* A number in hexadecimal: no leading zero digit. */
static void write_serial(struct sg_bytes serial, struct sg_json *j)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf hex = SG_BUF_INIT(2 * SG_TEE_CERT_MAX);
    sg_json_key(j, "serial");
    if (!serial.len || sg_hex_append(&hex, serial) < 0) {
        sg_json_str(j, "0");
        return;
    }
    const size_t skip = hex.data[0] == '0';
    sg_json_strn(j, SG_BYTES(hex.data + skip, hex.len - skip));
}

static void write_pck(const struct sg_tee_own_certs *certs, const struct sg_tee_cert *leaf,
                      struct sg_json *j)
{
    struct sg_pck pck;
    if (!sg_pck_read(leaf, &pck))
        return;
    sg_json_key(j, "pck");
    sg_json_object(j);
    key_hex(j, "fmspc", SG_BYTES_ARRAY(pck.fmspc));
    key_hex(j, "pceid", SG_BYTES_ARRAY(pck.pceid));
    key_hex(j, "cpusvn", SG_BYTES_ARRAY(pck.cpusvn));
    sg_json_key(j, "comp_svn");
    sg_json_array(j);
    for (size_t i = 0; i < sizeof pck.component; i++)
        sg_json_uint(j, pck.component[i]);
    sg_json_end_array(j);
    key_uint(j, "pcesvn", pck.pcesvn);
    key_hex(j, "ppid", SG_BYTES_ARRAY(pck.ppid));
    write_serial(leaf->serial, j);
    sg_json_key(j, "ca");
    sg_json_array(j);
    for (size_t i = 0; i < certs->n; i++) {
        if (certs->at[i]->ca && !sg_bytes_equal(certs->at[i]->subject, certs->at[i]->issuer))
            sg_json_str(j, certs->at[i]->common_name);
    }
    sg_json_end_array(j);
    sg_tee_cert_validity_json(leaf, j);
    sg_json_end_object(j);
}

int sg_dcap_describe(const struct sg_tee_evidence *e, const struct sg_tee_store *store,
                     struct sg_json *j)
{
    SG_CLEANUP(sg_tee_bundle_clear) struct sg_tee_bundle bundle = {0};
    const struct sg_tee_case c = {.evidence = e, .store = store};
    struct sg_quote q;
    (void)sg_quote_read(e->part[SG_TEE_PART_REPORT], &q);
    write_fields(&q, j);
    if (!q.len)
        return 0;
    write_header(&q, j);
    if (q.qe_report.len)
        write_qe(&q, j);
    int r = sg_dcap_certs(&c, &q, &bundle);
    const struct sg_tee_cert *leaf = sg_dcap_leaf(bundle.certs);
    if (leaf)
        write_pck(bundle.certs, leaf, j);
    return r < 0 ? r : 0;
}
