/*
 * billing - one client's month of quarter hours (31 day blocks, 2,976 readings of the simulator's
 * meter): the bill from its evidence file, and its audit, in memory and as the programs do them;
 * beside the hashes and signatures in them alone.
 *
 * What cannot be left out of either: for each reading a salt (HMAC: two messages of one block, the
 * key's two blocks hashed once for each signed block), a leaf hash, a node in its block's tree and
 * one in the bill's, a leaf and a node in its bucket's.  An audit also verifies a signature a block
 * and two certificates.
 */
#include "suites.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/random.h>
#include <sealgrid/billing/audit.h>
#include <sealgrid/meter/model.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <unistd.h>

#include "source.h"

#define MONTH           31
#define YEAR            365
#define PER_DAY         96
#define FROM            1790823600 /* 2026-10-01T00:00 in Sao Paulo */
#define CLIENT          INT64_C(3000000001)
#define SERIAL          "10000000"
#define NODE_LEN        65
#define BUCKET_LEAF_LEN 49
#define CHAIN           2 /* signatures of certificates in an audit: meter's and second authority's */

/* ---- a month ------------------------------------------------------------------------------- */

struct month {
    enum sg_sign_alg alg;
    uint32_t days; /* a month's, or a year's */
    struct sg_key *root_key, *ca_key, *meter_key;
    struct sg_authority authority;
    struct sg_installations installations;
    struct sg_tariff *tariff;
    struct sg_model *model;
    struct sg_buf evidence, json; /* unpacked; of the bill, made by a first run */
    struct client client;
    size_t leaf_len; /* of the first reading's leaf, without salt */
};

static void clear_month(struct month *m)
{
    sg_key_free(m->root_key);
    sg_key_free(m->ca_key);
    sg_key_free(m->meter_key);
    sg_authority_clear(&m->authority);
    sg_installations_clear(&m->installations);
    sg_tariff_free(m->tariff);
    sg_model_free(m->model);
    sg_buf_clear(&m->evidence);
    sg_buf_clear(&m->json);
    client_clear(&m->client);
}

static int issue_cert(struct sg_cert **ret, const char *name, int path_len, const struct sg_key *k,
                      const struct sg_cert *issuer, const struct sg_key *issuer_key)
{
    const struct sg_cert_request req = {.common_name = name,
                                        .not_before_s = FROM - 365 * INT64_C(86400),
                                        .not_after_s = FROM + 3650 * INT64_C(86400),
                                        .ca = path_len >= 0,
                                        .path_len = path_len};
    return sg_cert_issue(ret, &req, k, issuer, issuer_key);
}

static int make_authority(struct month *m)
{
    struct sg_authority *a = &m->authority;
    int r = sg_key_generate(&m->root_key, SG_KEY_P256);

    if (!r)
        r = sg_key_generate(&m->ca_key, SG_KEY_P256);
    if (!r)
        r = issue_cert(&a->roots[0], "authority", 1, m->root_key, NULL, m->root_key);
    a->n_roots = !r;
    if (!r)
        r = issue_cert(&a->intermediates[0], "authority 2", 0, m->ca_key, a->roots[0], m->root_key);
    a->n_intermediates = !r;
    return r;
}

static int make_installation(struct month *m)
{
    struct sg_installation *record = calloc(1, sizeof(*record));
    int r;

    if (!record)
        return sg_raise(-ENOMEM);
    *record = (struct sg_installation){.client = CLIENT,
                                       .serial = SERIAL,
                                       .from_s = FROM,
                                       .until_s = INT64_MAX,
                                       .ratio_num = 1,
                                       .ratio_den = 1};
    r = sg_key_generate(&m->meter_key, m->alg == SG_SIGN_ES256 ? SG_KEY_P256 : SG_KEY_RSA2048);
    if (!r)
        r = issue_cert(&record->cert, SERIAL, -1, m->meter_key, m->authority.intermediates[0],
                       m->ca_key);
    if (!r)
        return sg_installations_index(&m->installations, record, 1);
    free(record);
    return r;
}

/* A day's readings, signed, taken apart again and appended to the evidence. */
static int put_day(struct month *m, const struct sg_model_day *day, uint32_t number)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    SG_FREE struct sg_evidence_block *b = calloc(1, sizeof(*b));
    struct sg_block_header header = {.serial = SERIAL,
                                     .first_seq = number * PER_DAY + 1,
                                     .first_ts_s = FROM + number * 86400 + 900,
                                     .interval_s = 900,
                                     .software = 1,
                                     .format = 1};
    uint8_t seed[SG_BLOCK_SEED_LEN];
    int r;

    if (!b)
        return sg_raise(-ENOMEM);
    sg_random_bytes(seed, sizeof(seed));
    for (uint32_t i = 0; i < PER_DAY; i++)
        sg_model_reading(m->model, day, i, &b->readings[i]);
    r = sg_block_sign(&header, b->readings, PER_DAY, m->meter_key, m->alg, seed, &wire);
    if (!r)
        r = sg_block_decode(sg_buf_bytes(&wire), &b->evidence, b->readings);
    b->n_readings = b->n_leaves = PER_DAY;
    for (uint32_t i = 0; i < PER_DAY && !r; i++)
        r = sg_block_reading_hash(seed, i, &b->readings[i], b->leaves[i]);
    return r ? sg_fold(r) : sg_evidence_put_block(&m->evidence, b);
}

static int make_evidence(struct month *m)
{
    SG_FREE struct sg_model_day *day = malloc(sizeof(*day));
    const struct sg_evidence_head head = {CLIENT, FROM, FROM + m->days * INT64_C(86400), m->days};
    const struct sg_model_config config = {
        .seed = 1, .meters = 1, .days = m->days, .interval_s = 900, .start_s = FROM};
    int r = day ? sg_model_new(&m->model, &config) : sg_raise(-ENOMEM);

    if (!r)
        r = sg_evidence_put_head(&m->evidence, &head);
    if (!r)
        sg_model_day(m->model, 0, 0, day);
    for (uint32_t i = 0; i < m->days && !r; i++) {
        r = put_day(m, day, i);
        sg_model_next_day(m->model, day);
    }
    return r;
}

static int measure_leaf(struct month *m)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf leaf = SG_BUF_INIT(SG_READING_LEAF_MAX);
    struct sg_reading reading;

    sg_model_reading_at(m->model, 0, m->days * PER_DAY / 2, &reading);
    int r = sg_reading_encode(&reading, &leaf);
    m->leaf_len = leaf.len;
    return r;
}

/* The ready tariffs lie beside the programs, in the build tree as when installed. */
static int load_tariff(struct month *m)
{
    struct sg_yaml_error why;
    char path[PATH_MAX], programs[PATH_MAX - 64];
    ssize_t n = readlink("/proc/self/exe", programs, sizeof(programs) - 1);

    if (n < 0)
        return sg_raise_errno();
    programs[n] = 0;
    *strrchr(programs, '/') = 0;
    snprintf(path, sizeof(path), "%s/../share/sealgrid/tariffs/b1-white.yaml", programs);
    return sg_fold(sg_tariff_load(&m->tariff, path, &why));
}

/* ---- ours ---------------------------------------------------------------------------------- */

static int bill_once(struct month *m)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_EVIDENCE_MAX);
    const struct client_install install = {
        .serial = SERIAL, .from_s = FROM, .until_s = INT64_MAX, .ratio_num = 1, .ratio_den = 1};
    struct refusal why;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct terms terms = {.tariff = m->tariff};
    char text[160];

    client_reset(&m->client, CLIENT);
    sg_buf_reset(&m->json);
    int r = source_file(&m->client, sg_buf_bytes(&m->evidence), &terms.signed_only, &terms.from_s,
                        &terms.until_s, text);
    if (!r)
        r = client_add_install(&m->client, &install);
    if (!r)
        r = issue(&m->client, &terms, &bill, &again, &why);
    if (!r)
        r = sg_bill_write(&bill, &m->json);
    if (!r && bill.billed != m->days * PER_DAY)
        r = sg_raisef(-EIO, "%llu readings billed", (unsigned long long)bill.billed);
    return sg_fold(r);
}

static int ours_bill(void *ctx, uint64_t n, int64_t *ret_ns)
{
    int r = 0;
    (void)ret_ns;
    for (uint64_t i = 0; i < n && !r; i++)
        r = bill_once(ctx);
    return r;
}

static void ignore(void *user, const struct sg_audit_finding *f)
{
    (void)user;
    (void)f;
}

static int audit_once(struct month *m)
{
    struct sg_audit_result result;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct sg_audit_input in = {.bill = &bill,
                                .evidence = sg_buf_bytes(&m->evidence),
                                .installations = &m->installations,
                                .authority = &m->authority,
                                .tariff = m->tariff};
    int r = sg_bill_read(sg_buf_bytes(&m->json), &bill);

    in.bill_hash_ok = r == 0;
    if (!r)
        r = sg_audit_run(&in, ignore, NULL, &result);
    if (!r && (result.findings || result.readings != m->days * PER_DAY))
        r = sg_raisef(-EIO, "%llu findings", (unsigned long long)result.findings);
    return sg_fold(r);
}

static int ours_audit(void *ctx, uint64_t n, int64_t *ret_ns)
{
    int r = 0;
    (void)ret_ns;
    for (uint64_t i = 0; i < n && !r; i++)
        r = audit_once(ctx);
    return r;
}

/* ---- bare ---------------------------------------------------------------------------------- */

struct bare {
    uint32_t days;
    EVP_MD *md;
    EVP_MD_CTX *hash;
    EVP_PKEY_CTX *meter, *authority;
    uint8_t data[SG_READING_LEAF_MAX + 64], digest[32], signed_digest[32];
    uint8_t meter_sig[512], authority_sig[80];
    size_t leaf_len, meter_sig_len, authority_sig_len;
};

static void clear_bare(struct bare *b)
{
    EVP_MD_CTX_free(b->hash);
    EVP_MD_free(b->md);
    EVP_PKEY_CTX_free(b->meter);
    EVP_PKEY_CTX_free(b->authority);
}

static bool pad(EVP_PKEY_CTX *c, const struct bare *b, enum sg_sign_alg alg)
{
    return alg != SG_SIGN_PS256 || (EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
                                    EVP_PKEY_CTX_set_signature_md(c, b->md) == 1 &&
                                    EVP_PKEY_CTX_set_rsa_pss_saltlen(c, 32) == 1);
}

/* A signature by the key, and a context that stays ready to verify it. */
static EVP_PKEY_CTX *make_verifier(const struct bare *b, const struct sg_key *k,
                                   enum sg_sign_alg alg, uint8_t *ret_sig, size_t *ret_len)
{
    EVP_PKEY_CTX *s = EVP_PKEY_CTX_new_from_pkey(NULL, sg_key_evp(k), NULL);
    EVP_PKEY_CTX *v = EVP_PKEY_CTX_new_from_pkey(NULL, sg_key_evp(k), NULL);
    bool ok = s && v && EVP_PKEY_sign_init(s) == 1 && pad(s, b, alg) &&
              EVP_PKEY_sign(s, ret_sig, ret_len, b->signed_digest, 32) == 1 &&
              EVP_PKEY_verify_init(v) == 1 && pad(v, b, alg);

    EVP_PKEY_CTX_free(s);
    if (ok)
        return v;
    EVP_PKEY_CTX_free(v);
    return NULL;
}

static int make_bare(struct bare *b, const struct month *m)
{
    b->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    b->hash = EVP_MD_CTX_new();
    b->days = m->days;
    b->leaf_len = 1 + SG_BLOCK_SALT_LEN + m->leaf_len;
    b->meter_sig_len = sizeof(b->meter_sig);
    b->authority_sig_len = sizeof(b->authority_sig);
    if (!b->md || !b->hash || EVP_DigestInit_ex2(b->hash, b->md, NULL) != 1)
        return sg_raise(-ENOMEM);
    b->meter = make_verifier(b, m->meter_key, m->alg, b->meter_sig, &b->meter_sig_len);
    b->authority =
        make_verifier(b, m->ca_key, SG_SIGN_ES256, b->authority_sig, &b->authority_sig_len);
    return b->meter && b->authority ? 0 : sg_raise(-EIO);
}

static bool digest(struct bare *b, size_t len)
{
    return EVP_DigestInit_ex2(b->hash, NULL, NULL) == 1 &&
           EVP_DigestUpdate(b->hash, b->data, len) == 1 &&
           EVP_DigestFinal_ex(b->hash, b->digest, NULL) == 1;
}

static bool hashes(struct bare *b)
{
    bool ok = true;

    for (size_t i = 0; i < 2 * (size_t)b->days && ok; i++)
        ok = digest(b, 55); /* a seed's inner and outer block */
    for (size_t i = 0; i < (size_t)b->days * PER_DAY && ok; i++)
        ok = digest(b, 20) && digest(b, 32) && digest(b, b->leaf_len) && digest(b, NODE_LEN) &&
             digest(b, NODE_LEN) && digest(b, BUCKET_LEAF_LEN) && digest(b, NODE_LEN);
    return ok;
}

static bool verifies(EVP_PKEY_CTX *c, const uint8_t *sig, size_t len, const struct bare *b,
                     size_t n)
{
    bool ok = true;

    for (size_t i = 0; i < n && ok; i++)
        ok = EVP_PKEY_verify(c, sig, len, b->signed_digest, 32) == 1;
    return ok;
}

static int bare_hashes(void *ctx, uint64_t n, int64_t *ret_ns)
{
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++)
        if (!hashes(ctx))
            return sg_raise(-EIO);
    return 0;
}

static int bare_all(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bare *b = ctx;
    int r = 0;

    for (uint64_t i = 0; i < n && !r; i++) {
        r = bare_hashes(b, 1, ret_ns);
        if (!r && (!verifies(b->meter, b->meter_sig, b->meter_sig_len, b, b->days) ||
                   !verifies(b->authority, b->authority_sig, b->authority_sig_len, b, CHAIN)))
            r = sg_raise(-EIO);
    }
    return r;
}

/* ---- lines --------------------------------------------------------------------------------- */

static int prepare(struct month *m, struct bare *b)
{
    int r = make_authority(m);

    if (!r)
        r = make_installation(m);
    if (!r)
        r = load_tariff(m);
    if (!r)
        r = make_evidence(m);
    if (!r)
        r = measure_leaf(m);
    if (!r)
        r = make_bare(b, m);
    return r ? sg_fold(r) : bill_once(m);
}

static int measure(struct sg_bench *b, enum sg_sign_alg alg, const char *word)
{
    SG_CLEANUP(clear_month)
    struct month m = {.alg = alg,
                      .days = MONTH,
                      .evidence = SG_BUF_INIT(SG_EVIDENCE_MAX),
                      .json = SG_BUF_INIT(SG_BILL_JSON_MAX)};
    SG_CLEANUP(clear_bare) struct bare bare = {.md = NULL};
    char name[64];
    struct sg_bench_line line = {
        .name = name,
        .unit = "months/s",
        .cpu = true,
        .note = "31 day blocks, 2,976 readings, from the evidence in memory to the bill's JSON and "
                "new evidence, against the hashes in it",
        .ours = {"sealgrid", ours_bill, &m},
        .theirs = {"OpenSSL: its SHA-256", bare_hashes, &bare}};
    int r = prepare(&m, &bare);

    snprintf(name, sizeof(name), "bill, %s", word);
    /* the bill has no signature to check: one line is enough */
    if (!r && alg == SG_SIGN_ES256)
        r = sg_bench_pair(b, &line);
    snprintf(name, sizeof(name), "audit, %s", word);
    line.note = "that bill against its evidence, records and authority, with the tariff, against "
                "the hashes, 31 block and 2 certificate signatures in it";
    line.ours.run = ours_audit;
    line.theirs = (struct sg_bench_side){"OpenSSL: its SHA-256 and signatures", bare_all, &bare};
    return r ? r : sg_bench_pair(b, &line);
}

/* The goal: less than half a second, which is 2 years/s. */
static int measure_year(struct sg_bench *b)
{
    SG_CLEANUP(clear_month)
    struct month m = {.alg = SG_SIGN_PS256,
                      .days = YEAR,
                      .evidence = SG_BUF_INIT(SG_EVIDENCE_MAX),
                      .json = SG_BUF_INIT(SG_BILL_JSON_MAX)};
    SG_CLEANUP(clear_bare) struct bare bare = {.md = NULL};
    const struct sg_bench_line line = {
        .name = "audit of a year, RSA-2048 (PS256)",
        .unit = "years/s",
        .cpu = true,
        .note = "one bill over 365 day blocks, 35,040 readings, against its evidence, records and "
                "authority, with the tariff, against the hashes and signatures in it",
        .ours = {"sealgrid", ours_audit, &m},
        .theirs = {"OpenSSL: its SHA-256 and signatures", bare_all, &bare}};
    int r = prepare(&m, &bare);

    return r ? r : sg_bench_pair(b, &line);
}

static int run(struct sg_bench *b)
{
    int r = measure(b, SG_SIGN_ES256, "ES256");
    if (!r)
        r = measure(b, SG_SIGN_PS256, "PS256");
    return r ? r : measure_year(b);
}

const struct sg_bench_suite sg_bench_suite_billing = {
    "billing",
    "a client's month, and the audit of a year, beside their hashes and signatures alone", run};
