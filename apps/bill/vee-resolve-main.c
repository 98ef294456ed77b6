/* sealgrid-bill resolve - on record, which of two differing readings of an interval counts. */
#include "conflicts.h"
#include "vee-session.h"
#include "vee.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/meter/tables.h>

#include <stdio.h>

#define OPTIONS(O)                                                                                 \
    O(STRING, client, "client", NULL, 0, 0, true, "client's number")                               \
    O(STRING, ts, "ts", NULL, 0, 0, true, "end of the interval, RFC 3339 or unix seconds")         \
    O(STRING, choose, "choose", NULL, 0, 0, false,                                                 \
      "digest of the reading that counts, hex; without it the readings are listed")                \
    O(STRING, why, "why", NULL, 0, 0, false, "reason, for whoever audits (with --choose)")         \
    O(STRING, key, "key", NULL, 0, 0, false, "operator's private key, PEM (with --choose)")        \
    O(STRING, certificate, "certificate", NULL, 0, 0, false,                                       \
      "operator's certificate, PEM (with --choose)")                                               \
    VEE_SESSION_OPTIONS(O)

struct options {
    OPTIONS(SG_CONF_MEMBER)
};
#define ROW(...) SG_CONF_ROW(struct options, __VA_ARGS__)
static const struct sg_conf_option rows[] = {OPTIONS(ROW)};
#undef ROW
static const struct sg_conf_table table = {.program = "sealgrid-bill resolve",
                                           .summary = "which of two differing readings counts",
                                           .options = rows,
                                           .n = sizeof(rows) / sizeof(rows[0])};

struct job {
    struct options o;
    int64_t client_id, ts_s;
    struct vee_session session;
    struct client client;
    struct conflicts conflicts;
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "sealgrid-bill resolve: %s: %s\n", what, why);
    return VEE_EXIT_UNUSABLE;
}

static int take_reading(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                        struct sg_bytes value)
{
    struct client *c = ctx;
    struct sg_row_reading *row;
    int r = client_add_row(c, &row);

    (void)partition;
    return r ? r : sg_row_reading_decode(sort, value, row);
}

static int read_readings(struct job *j)
{
    const int64_t after = j->ts_s + 1;
    int r = sg_table_each(j->session.kv, j->client_id, SG_TABLE_READING, &j->ts_s, &after,
                          SG_BYTES_NONE, take_reading, &j->client);
    return r ? r : conflicts_read(&j->conflicts, j->session.kv, j->client_id, j->ts_s, after);
}

/* ---- listing ------------------------------------------------------------------------------------
 */

static void print_reading(const struct sg_row_reading *row, const char *what)
{
    uint8_t digest[SG_ROW_DIGEST_LEN];
    char hex[2 * SG_ROW_DIGEST_LEN + 1] = "-";
    const int64_t wh = row->reading.field[SG_READING_interval_energy];

    if (sg_row_digest(&row->reading, digest) == 0)
        sg_hex(hex, digest, sizeof(digest));
    printf("%s  meter %s, number %llu, ", hex, row->serial, (unsigned long long)row->reading.seq);
    if (wh == SG_READING_NA)
        printf("no energy");
    else
        printf("%lld Wh", (long long)wh);
    printf(", %s\n", what);
}

static int list(const struct job *j)
{
    for (size_t i = 0; i < j->client.n_rows; i++)
        print_reading(&j->client.rows[i], "came first");
    for (size_t i = 0; i < j->conflicts.n_rows; i++)
        print_reading(&j->conflicts.rows[i].row, "came later and differs");
    for (size_t i = 0; i < j->conflicts.n_records; i++) {
        const struct sg_row_resolution *r = &j->conflicts.records[i].row;
        char hex[2 * SG_ROW_DIGEST_LEN + 1], at[SG_RFC3339_MAX];
        sg_hex(hex, r->chosen, SG_ROW_DIGEST_LEN);
        sg_time_rfc3339(at, r->resolved_ts_s);
        printf("%s  chosen %s by %.*s: %.*s\n", hex, at, (int)r->who.len, (const char *)r->who.data,
               (int)r->why.len, (const char *)r->why.data);
    }
    return j->conflicts.n_rows && !j->conflicts.n_records ? VEE_EXIT_FOUND : 0;
}

/* ---- choosing -----------------------------------------------------------------------------------
 */

static bool take_digest(const char *hex, uint8_t ret[SG_ROW_DIGEST_LEN])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_ROW_DIGEST_LEN);

    if (strlen(hex) != 2 * SG_ROW_DIGEST_LEN || sg_hex_decode(&b, sg_bytes_str(hex)) != 0)
        return false;
    memcpy(ret, b.data, SG_ROW_DIGEST_LEN);
    return true;
}

static bool is_there(const struct job *j, const uint8_t chosen[SG_ROW_DIGEST_LEN])
{
    uint8_t digest[SG_ROW_DIGEST_LEN];

    for (size_t i = 0; i < j->client.n_rows; i++)
        if (!sg_row_digest(&j->client.rows[i].reading, digest) &&
            !memcmp(digest, chosen, sizeof(digest)))
            return true;
    for (size_t i = 0; i < j->conflicts.n_rows; i++)
        if (!sg_row_digest(&j->conflicts.rows[i].row.reading, digest) &&
            !memcmp(digest, chosen, sizeof(digest)))
            return true;
    return false;
}

static int load_signer(const struct job *j, struct sg_key **ret_key, struct sg_cert **ret_cert)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT_SECRET(64 * 1024);
    SG_CLEANUP(sg_buf_clear) struct sg_buf cert = SG_BUF_INIT(64 * 1024);
    int r = sg_file_read(j->o.key, &key);

    if (!r)
        r = sg_key_load_private(ret_key, sg_buf_bytes(&key));
    if (!r)
        r = sg_file_read(j->o.certificate, &cert);
    return r ? r : sg_cert_load(ret_cert, sg_buf_bytes(&cert));
}

static int store(struct job *j, const struct sg_row_resolution *row)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(32 * 1024);
    int r = sg_row_client_partition(&partition, j->client_id);

    if (!r)
        r = sg_row_resolution_sort(&sort, row->ts_s, row->resolved_ts_s);
    if (!r)
        r = sg_row_resolution_encode(&value, row);
    if (r)
        return r;
    const struct sg_kv_op op = {
        .kind = SG_KV_INSERT,
        .key = {SG_TABLE_RESOLUTION, sg_buf_bytes(&partition), sg_buf_bytes(&sort)},
        .value = sg_buf_bytes(&value)};
    return sg_fold(sg_kv_batch(j->session.kv, SG_METERING_BUCKET, &op, 1, NULL));
}

static int choose(struct job *j)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(16 * 1024);
    SG_CLEANUP(sg_buf_clear) struct sg_buf signature = SG_BUF_INIT(1024);
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    struct sg_resolution r = {.client = j->client_id,
                              .row = {.ts_s = j->ts_s, .resolved_ts_s = sg_clock_unix_s()}};
    char name[SG_ROW_WHO_MAX + 1];

    if (!j->o.why || !j->o.key || !j->o.certificate)
        return complain("--choose", "with --why, --key and --certificate");
    if (strlen(j->o.why) > SG_ROW_WHY_MAX)
        return complain("--why", "at most 511 octets");
    if (!take_digest(j->o.choose, r.row.chosen) || !is_there(j, r.row.chosen))
        return complain("--choose", "no reading of this interval has that digest");
    if (j->conflicts.n_rows == 0)
        return complain("--ts", "this interval has no conflict");
    r.row.why = sg_bytes_str(j->o.why);
    if (load_signer(j, &key, &cert))
        return complain("--key, --certificate", sg_error_trace());
    if (sg_resolution_sign(&r, key, cert, name, &der, &signature))
        return complain("signature", sg_error_trace());
    if (sg_resolution_verify(&r, NULL) != 0)
        return complain("--key, --certificate", "the key is not that of the certificate");
    if (store(j, &r.row))
        return complain("store", sg_error_trace());
    printf("resolved by %s\n", name);
    return 0;
}

static int run(struct job *j)
{
    const struct vee_session_options o = {j->o.kvsd_connect, j->o.cas_connect, j->o.cas_pin,
                                          j->o.cas_provider, j->o.cas_platform};

    if (sg_decimal_parse(j->o.client, 0, &j->client_id) != 0)
        return complain("--client", "a whole number");
    if (sg_decimal_parse(j->o.ts, 0, &j->ts_s) != 0 && sg_time_parse(j->o.ts, &j->ts_s) != 0)
        return complain("--ts", "RFC 3339 or unix seconds");
    if (vee_session_open(&j->session, &o) || read_readings(j))
        return complain("store", sg_error_trace());
    return j->o.choose ? choose(j) : list(j);
}

int vee_resolve_main(int argc, char **argv)
{
    struct job j = {.client_id = 0};
    int first, r;

    r = sg_conf_parse(&table, argc, argv, &j.o, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : VEE_EXIT_UNUSABLE;
    r = first < argc ? complain(argv[first], "unexpected argument") : run(&j);
    conflicts_clear(&j.conflicts);
    client_clear(&j.client);
    vee_session_close(&j.session);
    sg_conf_clear(&table, &j.o);
    return r;
}
