/*
 * make-seeds DIR - first inputs of the fuzzers that sign what they are given, from the testkit:
 * DIR/tee_quote, DIR/tee_snp...  Run again after a change of a fuzzer's input format.
 */
#include "testkit/world.h"

#include <errno.h>
#include <sealgrid/base/cbor.h>
#include <sealgrid/base/cleanup.h>
#include <stdio.h>
#include <sys/stat.h>

#define MUST(expr) sg_assert((expr) == 0)

static const char *folder;
static struct tk_world world;

static void save(const char *target, const char *name, unsigned how, struct sg_bytes b)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, target);
    sg_assert(mkdir(path, 0777) == 0 || errno == EEXIST);
    snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
    FILE *f = fopen(path, "wb");
    sg_assert(f && fputc((int)how, f) != EOF && fwrite(b.data, 1, b.len, f) == b.len &&
              fclose(f) == 0);
}

/* ---- quotes, up to their chains ---- */

static void save_quote(const char *name, struct tk_quote q)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    const struct sg_buf none = SG_BUF_INIT(1);
    q.cert = &none;
    tk_quote_make(&world.intel, &q, &b);
    save("tee_quote", name, 0, sg_buf_bytes(&b));
}

static void save_quotes(void)
{
    struct tk_quote q = tk_quote_sgx(&world.intel);
    save_quote("sgx-v3", q);
    q.version = 4;
    q.header[0] = 4;
    save_quote("sgx-v4", q);
    q.version = 5;
    q.header[0] = 5;
    q.body_type = 1;
    save_quote("sgx-v5", q);
    save_quote("tdx-v4", tk_quote_td(&world.intel, 4, TK_TD10_BODY));
    save_quote("tdx-v5-10", tk_quote_td(&world.intel, 5, TK_TD10_BODY));
    save_quote("tdx-v5-15", tk_quote_td(&world.intel, 5, TK_TD15_BODY));
}

/* ---- Intel's documents: what is signed of them ---- */

static void save_object(const char *name, unsigned how, const struct sg_buf *document)
{
    static const char behind[] = ",\"signature\"";
    const uint8_t *from = memchr(document->data, ':', document->len);
    const uint8_t *end = memmem(document->data, document->len, behind, sizeof behind - 1);
    sg_assert(from && end);
    save("tee_documents", name, how, SG_BYTES(from + 1, (size_t)(end - from - 1)));
}

static void save_documents(void)
{
    static const char *const names[] = {"sgx", "tdx", "qe", "td-qe"};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    for (unsigned td = 0; td < 2; td++) {
        const struct tk_tcb_info info = tk_tcb_info_good(&world.intel, td);
        const struct tk_identity id = tk_identity_good(&world.intel, td);
        tk_tcb_info_json(&world.intel, &info, &b);
        save_object(names[td], td, &b);
        sg_buf_reset(&b);
        tk_identity_json(&world.intel, &id, &b);
        save_object(names[2 + td], 2 + td, &b);
        sg_buf_reset(&b);
    }
}

/* ---- SEV-SNP reports ---- */

static void save_reports(void)
{
    static const char *const products[] = {"milan", "genoa", "turin"};
    static const unsigned versions[] = {2, 3, 5};
    for (unsigned p = 0; p < TK_PRODUCTS; p++)
        for (unsigned vlek = 0; vlek < 2; vlek++) {
            uint8_t report[TK_SNP_REPORT];
            char name[32];
            tk_snp_report(&world.amd[p], versions[p], report);
            report[0x48] = vlek ? 4 : 0;
            snprintf(name, sizeof name, "%s-v%u-%s", products[p], versions[p],
                     vlek ? "vlek" : "vcek");
            save("tee_snp", name, p | vlek << 2, SG_BYTES_ARRAY(report));
        }
}

/* ---- parts behind their lengths ---- */

static void put(struct sg_buf *b, struct sg_bytes part)
{
    sg_assert(sg_buf_append_be16(b, (uint16_t)part.len) == 0);
    sg_assert(sg_buf_append(b, part) == 0);
}

static void save_tpm(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf all = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf quote = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf values = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(4096);
    struct tk_tpm t = world.ak;
    memset(t.pcr, 0, sizeof t.pcr);
    tk_log_start(&log);
    for (unsigned i = 0; i < 4; i++)
        tk_log_event(&t, i, 8, "event", &log);
    tk_tpm_quote(&t, &quote);
    tk_tpm_values(&t, &values);
    tk_tpm_public(&t, &key);
    put(&all, sg_buf_bytes(&quote));
    put(&all, sg_buf_bytes(&values));
    save("tee_tpm", "plain", 0, sg_buf_bytes(&all));
    save("tee_tpm", "packed", 16, sg_buf_bytes(&all));
    put(&all, sg_buf_bytes(&key));
    put(&all, sg_buf_bytes(&log));
    save("tee_tpm", "log", 0, sg_buf_bytes(&all));
    save("tee_tpm", "key", 4, sg_buf_bytes(&all));
}

/* The modulus is the fuzzer's to put in. */
static void put_runtime(struct sg_buf *b)
{
    sg_assert(sg_buf_printf(b, "{\"keys\":[{\"kid\":\"HCLAkPub\",\"key_ops\":[\"sign\"],"
                               "\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"@\"}],"
                               "\"vm-configuration\":{\"secure-boot\":true}}") == 0);
}

static void save_bundle(const char *name, unsigned type, struct sg_bytes hardware,
                        struct sg_bytes td)
{
    enum { REST = 32 + 1184 + 20 };
    SG_CLEANUP(sg_buf_clear) struct sg_buf all = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf hcl = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf part = SG_BUF_INIT(4096);
    put_runtime(&part);
    tk_hcl_report(type, hardware, sg_buf_bytes(&part), &hcl);
    hcl.len = REST + part.len;
    put(&all, sg_buf_bytes(&hcl));
    sg_buf_reset(&part);
    tk_tpm_quote(&world.azure_ak, &part);
    put(&all, sg_buf_bytes(&part));
    sg_buf_reset(&part);
    tk_tpm_values(&world.azure_ak, &part);
    put(&all, sg_buf_bytes(&part));
    put(&all, td);
    save("tee_azure", name, 0, sg_buf_bytes(&all));
}

static void save_bundles(void)
{
    const struct tk_quote q = tk_quote_td(&world.intel, 4, TK_TD10_BODY);
    uint8_t report[TK_SNP_REPORT];
    tk_snp_report(&world.amd[TK_MILAN], 3, report);
    save_bundle("snp", 2, SG_BYTES_ARRAY(report), SG_BYTES_NONE);
    save_bundle("tdx", 4, SG_BYTES_NONE, SG_BYTES(q.body, TK_TD10_BODY));
}

/* ---- CBOR, certificates and keys under their marks ---- */

static const uint8_t filled[64] = {[0 ... 63] = 0x5a};

static void save_nitro(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    MUST(sg_cbor_put_map(&b, 9));
    MUST(sg_cbor_put_text(&b, "module_id"));
    MUST(sg_cbor_put_text(&b, "i-0123-enc0123"));
    MUST(sg_cbor_put_text(&b, "digest"));
    MUST(sg_cbor_put_text(&b, "SHA384"));
    MUST(sg_cbor_put_text(&b, "timestamp"));
    MUST(sg_cbor_put_uint(&b, (uint64_t)TK_AT * 1000));
    MUST(sg_cbor_put_text(&b, "pcrs"));
    MUST(sg_cbor_put_map(&b, 4));
    for (unsigned i = 0; i < 4; i++) {
        MUST(sg_cbor_put_uint(&b, i));
        MUST(sg_cbor_put_bytes(&b, SG_BYTES(filled, 48)));
    }
    MUST(sg_cbor_put_text(&b, "certificate"));
    MUST(sg_cbor_put_bytes(&b, SG_BYTES_LIT("LEAF")));
    MUST(sg_cbor_put_text(&b, "cabundle"));
    MUST(sg_cbor_put_array(&b, 2));
    MUST(sg_cbor_put_bytes(&b, SG_BYTES_LIT("ROOT")));
    MUST(sg_cbor_put_bytes(&b, SG_BYTES_LIT("ZONE")));
    MUST(sg_cbor_put_text(&b, "public_key"));
    MUST(sg_cbor_put_null(&b));
    MUST(sg_cbor_put_text(&b, "user_data"));
    MUST(sg_cbor_put_bytes(&b, SG_BYTES_ARRAY(filled)));
    MUST(sg_cbor_put_text(&b, "nonce"));
    MUST(sg_cbor_put_bytes(&b, SG_BYTES(filled, 20)));
    save("tee_nitro", "document", 0, sg_buf_bytes(&b));
    b.data[0] = 0xbf; /* a map left open, and its break */
    MUST(sg_buf_append_u8(&b, 0xff));
    save("tee_nitro", "open", 0, sg_buf_bytes(&b));
}

static void save_cca(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf all = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf platform = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf realm = SG_BUF_INIT(4096);
    MUST(sg_cbor_put_map(&platform, 3));
    MUST(sg_cbor_put_uint(&platform, 10));
    MUST(sg_cbor_put_bytes(&platform, SG_BYTES_LIT("HASH")));
    MUST(sg_cbor_put_uint(&platform, 256));
    MUST(sg_cbor_put_bytes(&platform, SG_BYTES(filled, 33)));
    MUST(sg_cbor_put_uint(&platform, 2395));
    MUST(sg_cbor_put_uint(&platform, 0x3003));
    MUST(sg_cbor_put_map(&realm, 4));
    MUST(sg_cbor_put_uint(&realm, 10));
    MUST(sg_cbor_put_bytes(&realm, SG_BYTES_ARRAY(filled)));
    MUST(sg_cbor_put_uint(&realm, 44237));
    MUST(sg_cbor_put_bytes(&realm, SG_BYTES_LIT("RKEY")));
    MUST(sg_cbor_put_uint(&realm, 44238));
    MUST(sg_cbor_put_bytes(&realm, SG_BYTES(filled, 32)));
    MUST(sg_cbor_put_uint(&realm, 44240));
    MUST(sg_cbor_put_text(&realm, "sha-256"));
    put(&all, sg_buf_bytes(&platform));
    MUST(sg_buf_append(&all, sg_buf_bytes(&realm)));
    save("tee_cca", "token", 0, sg_buf_bytes(&all));
    save("tee_cca", "collection", 64, sg_buf_bytes(&all));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make-seeds DIR\n");
        return 2;
    }
    folder = argv[1];
    tk_world_init(&world, SG_TEE_VENDORS_ALL);
    save_quotes();
    save_documents();
    save_reports();
    save_tpm();
    save_bundles();
    save_nitro();
    save_cca();
    tk_world_clear(&world);
    return 0;
}
