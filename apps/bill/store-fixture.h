#pragma once
/*
 * store-fixture - for tests: the metering tables as an authenticator leaves them, row by row, in a
 * store in memory.  Every function ends the test if the row cannot be written.
 */
#include <sealgrid/billing/resolution.h>
#include <sealgrid/kvs/memory.h>
#include <sealgrid/meter/rows.h>
#include <sealgrid/meter/tables.h>

#define SX_INTERVAL_S 900

struct sx_record {
    uint8_t room[3][4096];
    struct sg_buf partition, sort, value;
};

static inline void sx_record_init(struct sx_record *r, int64_t client)
{
    struct sg_buf *parts[] = {&r->partition, &r->sort, &r->value};
    for (int i = 0; i < 3; i++)
        *parts[i] = (struct sg_buf){r->room[i], 0, sizeof(r->room[i]), sizeof(r->room[i]), false};
    assert_int_equal(sg_row_client_partition(&r->partition, client), 0);
}

static inline void sx_put(struct sg_kv *kv, uint32_t table, const struct sx_record *r)
{
    const struct sg_kv_op op = {.kind = SG_KV_PUT,
                                .key = {table, sg_buf_bytes(&r->partition), sg_buf_bytes(&r->sort)},
                                .value = sg_buf_bytes(&r->value)};
    assert_int_equal(sg_kv_batch(kv, SG_METERING_BUCKET, &op, 1, NULL), 0);
}

static inline void sx_put_installation(struct sg_kv *kv, const struct sg_row_installation *row)
{
    struct sx_record r;

    sx_record_init(&r, row->client_id);
    assert_int_equal(sg_row_int_sort(&r.sort, row->from_ts_s), 0);
    assert_int_equal(sg_row_installation_encode(&r.value, row), 0);
    sx_put(kv, SG_TABLE_INSTALLATION, &r);
}

/* A meter that stands there for ever, of ratio 1; cert NULL: octets that are no certificate. */
static inline void sx_put_meter(struct sg_kv *kv, int64_t client, const char *serial,
                                int64_t from_s, const struct sg_cert *cert)
{
    struct sg_buf der = SG_BUF_INIT(4096);
    struct sg_row_installation row = {.client_id = client,
                                      .from_ts_s = from_s,
                                      .open = true,
                                      .ratio_num = 1,
                                      .ratio_den = 1,
                                      .metrology_cert = SG_BYTES_LIT("\x30"),
                                      .tariff_class = "B1"};

    memcpy(row.serial, serial, strlen(serial) + 1);
    if (cert) {
        assert_int_equal(sg_cert_der(cert, &der), 0);
        row.metrology_cert = sg_buf_bytes(&der);
    }
    sx_put_installation(kv, &row);
    sg_buf_clear(&der);
}

/* An operator's choice of this telling, signed by key. */
static inline void sx_put_resolution(struct sg_kv *kv, int64_t client,
                                     const struct sg_reading *chosen, int64_t resolved_s,
                                     const struct sg_key *key, const struct sg_cert *cert)
{
    struct sg_buf der = SG_BUF_INIT(4096), signature = SG_BUF_INIT(1024);
    struct sg_resolution res = {client,
                                {.ts_s = chosen->ts_s,
                                 .resolved_ts_s = resolved_s,
                                 .why = SG_BYTES_LIT("meter opened on that day")}};
    char name[SG_ROW_WHO_MAX + 1];
    struct sx_record r;

    assert_int_equal(sg_row_digest(chosen, res.row.chosen), 0);
    assert_int_equal(sg_resolution_sign(&res, key, cert, name, &der, &signature), 0);
    sx_record_init(&r, client);
    assert_int_equal(sg_row_resolution_sort(&r.sort, res.row.ts_s, resolved_s), 0);
    assert_int_equal(sg_row_resolution_encode(&r.value, &res.row), 0);
    sx_put(kv, SG_TABLE_RESOLUTION, &r);
    sg_buf_clear(&der);
    sg_buf_clear(&signature);
}

static inline void sx_put_block(struct sg_kv *kv, int64_t client, const struct sg_block_evidence *e,
                                const uint8_t digest[SG_ROW_DIGEST_LEN])
{
    uint8_t room[SG_BLOCK_EVIDENCE_MAX];
    struct sg_buf evidence = {room, 0, sizeof(room), sizeof(room), false};
    struct sx_record r;

    assert_int_equal(sg_block_evidence_encode(e, &evidence), 0);
    const struct sg_row_block row = {.count = e->header.count, .evidence = sg_buf_bytes(&evidence)};
    sx_record_init(&r, client);
    assert_int_equal(sg_row_block_sort(&r.sort, &e->header, digest), 0);
    assert_int_equal(sg_row_block_encode(&r.value, &row), 0);
    sx_put(kv, SG_TABLE_BLOCK, &r);
}

/* The block of these readings, signed; which tells blocks of the same readings apart. */
static inline void sx_sign_block(struct sg_kv *kv, int64_t client, const char *serial,
                                 enum sg_clock_status clock, const struct sg_reading *readings,
                                 size_t n, const struct sg_key *key, uint8_t which)
{
    struct sg_block_header header = {.first_seq = readings->seq,
                                     .first_ts_s = readings->ts_s,
                                     .interval_s = SX_INTERVAL_S,
                                     .clock = clock,
                                     .software = 1,
                                     .format = SG_BLOCK_FORMAT};
    const uint8_t seed[SG_BLOCK_SEED_LEN] = {which}, digest[SG_ROW_DIGEST_LEN] = {which};
    struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    struct sg_reading back[SG_BLOCK_READINGS_MAX];
    struct sg_block_evidence e;

    memcpy(header.serial, serial, strlen(serial) + 1);
    assert_int_equal(sg_block_sign(&header, readings, n, key, SG_SIGN_ES256, seed, &wire), 0);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &e, back), 0);
    sx_put_block(kv, client, &e, digest);
    sg_buf_clear(&wire);
}

static inline void sx_put_reading(struct sg_kv *kv, int64_t client, const char *serial,
                                  const struct sg_reading *reading, enum sg_row_origin origin)
{
    struct sg_row_reading row = {.reading = *reading, .origin = origin};
    struct sx_record r;

    memcpy(row.serial, serial, strlen(serial) + 1);
    sx_record_init(&r, client);
    assert_int_equal(sg_row_int_sort(&r.sort, reading->ts_s), 0);
    assert_int_equal(sg_row_reading_encode(&r.value, &row), 0);
    sx_put(kv, SG_TABLE_READING, &r);
}

static inline void sx_put_conflict(struct sg_kv *kv, int64_t client, const char *serial,
                                   const struct sg_reading *reading)
{
    struct sg_row_conflict row = {.row.reading = *reading, .received_ts_s = reading->ts_s + 200000};
    uint8_t digest[SG_ROW_DIGEST_LEN];
    struct sx_record r;

    memcpy(row.row.serial, serial, strlen(serial) + 1);
    sx_record_init(&r, client);
    assert_int_equal(sg_row_digest(reading, digest), 0);
    assert_int_equal(sg_row_conflict_sort(&r.sort, reading, digest), 0);
    assert_int_equal(sg_row_conflict_encode(&r.value, &row), 0);
    sx_put(kv, SG_TABLE_READING_CONFLICT, &r);
}

/* Away with the row of that key. */
static inline void sx_take(struct sg_kv *kv, uint32_t table, const struct sx_record *r)
{
    const struct sg_kv_op op = {
        .kind = SG_KV_DELETE, .key = {table, sg_buf_bytes(&r->partition), sg_buf_bytes(&r->sort)}};
    assert_int_equal(sg_kv_batch(kv, SG_METERING_BUCKET, &op, 1, NULL), 0);
}

/* Likewise of a table whose sort key is one integer: an instant or a day. */
static inline void sx_take_at(struct sg_kv *kv, int64_t client, uint32_t table, int64_t at)
{
    struct sx_record r;

    sx_record_init(&r, client);
    assert_int_equal(sg_row_int_sort(&r.sort, at), 0);
    sx_take(kv, table, &r);
}
