/*
 * The authenticator's pipeline, whole but for sockets: meters' session engines on one side, the kv
 * interface in memory on the other, two instances that share nothing but that.
 */
#include "counters.h"
#include "lane.h"
#include "registry.h"
#include "session-fixture.h"

#include <pthread.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/kvs/memory.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define METERS   4
#define INTERVAL 900
#define WAIT_MS  5000
#define CLIENT0  INT64_C(3000000000)

struct meter {
    struct world *w;
    size_t index;
    struct fx_identity edhoc;
    struct sg_key *metrology;
    struct sg_buf metrology_der;
    char serial[16];
    struct sg_meter_session *s;
    struct sg_prng prng;
    unsigned connected, stored, duplicates, refused;
    enum sg_refusal reason;
    bool deaf; /* what comes down is lost */
};

struct world {
    struct sg_kv_memory *memory;
    struct sg_kv *kv;
    _Atomic bool store_down;
    struct fx_identity auth_id;
    const struct sg_edhoc_identity *authenticators[1];
    struct sg_key *root_key;
    struct sg_cert *root;
    struct sg_meter_session_config config;
    struct auth_lanes *lanes[2];
    struct auth_conn *sinks[2];
    unsigned to; /* which instance meters reach */
    struct meter m[METERS];
    pthread_mutex_t lock;
    struct sg_buf answers; /* encoded messages, under the lock */
    _Atomic uint64_t done;
};

/* ---- meters ---- */

static void on_send(void *user, struct sg_bytes d)
{
    struct meter *m = user;
    static uint64_t number;
    struct world *w = m->w;
    assert_int_equal(auth_lanes_put(w->lanes[w->to], w->sinks[w->to], m->index + 1, ++number, d),
                     0);
}

static void on_connected(void *user)
{
    ((struct meter *)user)->connected++;
}

static void on_settled(void *user, uint64_t token, enum sg_ack_status status,
                       enum sg_refusal reason)
{
    struct meter *m = user;
    (void)token;
    m->stored += status == SG_ACK_STORED;
    m->duplicates += status == SG_ACK_DUPLICATE;
    m->refused += status == SG_ACK_REFUSED;
    m->reason = reason;
}

static void on_random(void *user, void *p, size_t n)
{
    struct meter *m = user;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (uint8_t)sg_prng_u64(&m->prng);
}

static const struct sg_meter_session_ops meter_ops = {
    .send = on_send, .connected = on_connected, .settled = on_settled, .random = on_random};

/* ---- what comes down ---- */

static void sink(void *user, const struct sg_agg_message *a)
{
    struct world *w = user;
    if (a->type == SG_AGG_DONE) {
        w->done++;
        return;
    }
    pthread_mutex_lock(&w->lock);
    assert_int_equal(sg_agg_encode(a, &w->answers), 0);
    pthread_mutex_unlock(&w->lock);
}

static int64_t now_ms(void)
{
    return sg_clock_monotonic_ns() / 1000000;
}

static void deliver(struct world *w)
{
    struct sg_agg_message a;
    pthread_mutex_lock(&w->lock);
    struct sg_buf taken = w->answers;
    w->answers = (struct sg_buf)SG_BUF_INIT(1 << 22);
    pthread_mutex_unlock(&w->lock);
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&taken));
    while (sg_agg_take(&r, &a) == 0) {
        struct meter *m = &w->m[a.handle - 1];
        if (!m->deaf)
            assert_int_equal(sg_meter_session_receive(m->s, a.frame, now_ms()), 0);
    }
    sg_buf_clear(&taken);
}

/* Delivers until cond holds. */
#define WAIT_FOR(w, cond)                                                                          \
    do {                                                                                           \
        int64_t until_ = now_ms() + WAIT_MS;                                                       \
        while (!(cond) && now_ms() < until_) {                                                     \
            struct timespec ts_ = {.tv_nsec = 200000};                                             \
            nanosleep(&ts_, NULL);                                                                 \
            deliver(w);                                                                            \
        }                                                                                          \
        assert_true(cond);                                                                         \
    } while (0)

/* ---- store ---- */

static int open_kv(void *user, struct sg_kv **ret)
{
    struct world *w = user;
    if (w->store_down)
        return sg_raise(-ECONNREFUSED);
    return sg_kv_open_memory(ret, w->memory);
}

static void close_kv(void *user, struct sg_kv *kv)
{
    (void)user;
    sg_kv_free(kv);
}

/* Lanes let go of a session that is old: so the store goes down for them at once. */
static bool kv_is_old(void *user, const struct sg_kv *kv)
{
    const struct world *w = user;
    (void)kv;
    return w->store_down;
}

static void put_row(struct world *w, uint32_t table, struct sg_bytes partition,
                    struct sg_bytes sort, struct sg_bytes value)
{
    struct sg_kv_op op = {.kind = SG_KV_PUT, .key = {table, partition, sort}, .value = value};
    assert_int_equal(sg_kv_batch(w->kv, AUTH_BUCKET, &op, 1, NULL), 0);
}

static void provision(struct world *w, struct meter *m)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(8192);
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&m->edhoc.own->cred));
    struct sg_row_credential c = {.client_id = CLIENT0 + (int64_t)m->index,
                                  .metrology_cert = sg_buf_bytes(&m->metrology_der)};
    struct sg_row_installation in = {.client_id = c.client_id,
                                     .from_ts_s = FX_T0,
                                     .open = true,
                                     .ratio_num = 1,
                                     .ratio_den = 1,
                                     .metrology_cert = c.metrology_cert,
                                     .tariff_class = "B1"};
    (void)sg_take(&r, 3, &c.edhoc_cert); /* head of a byte string of 256 octets and more */
    c.edhoc_cert = SG_BYTES(r.at, r.left);
    memcpy(c.serial, m->serial, sizeof m->serial);
    memcpy(in.serial, m->serial, sizeof m->serial);
    assert_int_equal(sg_row_x5t_partition(&partition, m->edhoc.own->x5t), 0);
    assert_int_equal(sg_row_int_sort(&sort, 0), 0);
    assert_int_equal(sg_row_credential_encode(&value, &c), 0);
    put_row(w, SG_TABLE_CREDENTIAL, sg_buf_bytes(&partition), sg_buf_bytes(&sort),
            sg_buf_bytes(&value));
    sg_buf_reset(&partition);
    sg_buf_reset(&sort);
    sg_buf_reset(&value);
    assert_int_equal(sg_row_client_partition(&partition, c.client_id), 0);
    assert_int_equal(sg_row_int_sort(&sort, FX_T0), 0);
    assert_int_equal(sg_row_installation_encode(&value, &in), 0);
    put_row(w, SG_TABLE_INSTALLATION, sg_buf_bytes(&partition), sg_buf_bytes(&sort),
            sg_buf_bytes(&value));
}

static size_t rows_of(struct world *w, uint32_t table, const struct meter *m)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(256);
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    struct sg_bytes sort, value;
    size_t n = 0;
    assert_int_equal(sg_row_client_partition(&partition, CLIENT0 + (int64_t)m->index), 0);
    struct sg_kv_range range = {.table = table, .partition = sg_buf_bytes(&partition)};
    int r = sg_kv_scan_open(&scan, w->kv, AUTH_BUCKET, &range);
    while (r == 0 && (r = sg_kv_scan_next(scan, &sort, &value)) == 0)
        n++;
    assert_int_equal(r, SG_KV_NOT_FOUND);
    return n;
}

/* ---- life ---- */

static void issue_metrology(struct meter *m, const struct sg_cert *issuer,
                            const struct sg_key *issuer_key)
{
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    struct sg_cert_request req = {.common_name = "metrology",
                                  .not_before_s = FX_T0 - 86400,
                                  .not_after_s = FX_T0 + 86400 * 3650};
    m->metrology_der = (struct sg_buf)SG_BUF_INIT(4096);
    assert_int_equal(sg_key_generate(&m->metrology, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&cert, &req, m->metrology, issuer, issuer_key), 0);
    assert_int_equal(sg_cert_der(cert, &m->metrology_der), 0);
}

static void start_meter(struct world *w, size_t i)
{
    struct meter *m = &w->m[i];
    m->w = w;
    m->index = i;
    snprintf(m->serial, sizeof m->serial, "%zu", 70000000 + i);
    sg_prng_seed(&m->prng, 100 + i);
    fx_identity(&m->edhoc, "meter");
    issue_metrology(m, w->root, w->root_key);
    provision(w, m);
    assert_int_equal(sg_meter_session_new(&m->s, &w->config, m->edhoc.own, m), 0);
}

static int64_t clock_s(void)
{
    return FX_T0 + 30 * 86400;
}

static void start_lanes(struct world *w, size_t i)
{
    struct auth_lane_options o = {.lanes = 2,
                                  .suites = {2, 3},
                                  .n_suites = 2,
                                  .own = {w->auth_id.own, w->auth_id.own},
                                  .roots = &w->root,
                                  .n_roots = 1,
                                  .rules = {.future_max_s = 300},
                                  .open_kv = open_kv,
                                  .close_kv = close_kv,
                                  .kv_is_old = kv_is_old,
                                  .kv_user = w,
                                  .unix_s = clock_s,
                                  .retry_first_ms = 5,
                                  .retry_max_ms = 20};
    assert_int_equal(auth_lanes_start(&w->lanes[i], &o), 0);
    assert_int_equal(auth_conn_new_sink(&w->sinks[i], sink, w), 0);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct sg_cert_request ca = {.common_name = "authority",
                                 .not_before_s = FX_T0 - 86400,
                                 .not_after_s = FX_T0 + 86400 * 3650,
                                 .ca = true,
                                 .path_len = -1};
    assert_non_null(w);
    pthread_mutex_init(&w->lock, NULL);
    w->answers = (struct sg_buf)SG_BUF_INIT(1 << 22);
    assert_int_equal(sg_kv_memory_new(&w->memory), 0);
    assert_int_equal(sg_kv_open_memory(&w->kv, w->memory), 0);
    assert_int_equal(sg_key_generate(&w->root_key, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&w->root, &ca, w->root_key, NULL, w->root_key), 0);
    fx_identity(&w->auth_id, "authenticator");
    w->authenticators[0] = w->auth_id.peer;
    w->config = (struct sg_meter_session_config){.ops = &meter_ops,
                                                 .suites = {2, 3},
                                                 .n_suites = 2,
                                                 .authenticators = w->authenticators,
                                                 .n_authenticators = 1};
    start_lanes(w, 0);
    start_lanes(w, 1);
    for (size_t i = 0; i < METERS; i++)
        start_meter(w, i);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < 2; i++) {
        auth_lanes_stop(w->lanes[i]);
        auth_conn_unref(w->sinks[i]);
    }
    for (size_t i = 0; i < METERS; i++) {
        sg_meter_session_free(w->m[i].s);
        sg_key_free(w->m[i].metrology);
        sg_buf_clear(&w->m[i].metrology_der);
        fx_identity_clear(&w->m[i].edhoc);
    }
    fx_identity_clear(&w->auth_id);
    sg_cert_free(w->root);
    sg_key_free(w->root_key);
    sg_kv_free(w->kv);
    sg_kv_memory_free(w->memory);
    sg_buf_clear(&w->answers);
    free(w);
    return 0;
}

/* ---- blocks ---- */

struct block_spec {
    const char *serial;
    uint64_t first_seq;
    size_t n;
    int64_t first_ts_s;
    int64_t energy; /* what tells two readings of one time apart */
    const struct sg_key *key;
};

static void send_block(struct meter *m, const struct block_spec *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    struct sg_reading r[SG_BLOCK_READINGS_MAX];
    struct sg_block_header h = {.first_seq = b->first_seq,
                                .first_ts_s = b->first_ts_s,
                                .interval_s = INTERVAL,
                                .software = 1,
                                .format = SG_BLOCK_FORMAT};
    uint8_t seed[SG_BLOCK_SEED_LEN] = {(uint8_t)b->first_seq, 7};
    strcpy(h.serial, b->serial ? b->serial : m->serial);
    for (size_t i = 0; i < b->n; i++) {
        r[i] = (struct sg_reading){.seq = b->first_seq + i,
                                   .ts_s = b->first_ts_s + (int64_t)i * INTERVAL};
        for (size_t k = 0; k < SG_READING_N_FIELDS; k++)
            r[i].field[k] = SG_READING_NA;
        r[i].field[SG_READING_interval_energy] = b->energy + (int64_t)i;
    }
    assert_int_equal(
        sg_block_sign(&h, r, b->n, b->key ? b->key : m->metrology, SG_SIGN_ES256, seed, &wire), 0);
    assert_int_equal(
        sg_meter_session_queue(m->s, SG_PAYLOAD_BLOCK, sg_buf_bytes(&wire), b->first_seq, now_ms()),
        0);
}

/* Block number d of a day each. */
static void send_day(struct meter *m, uint64_t d)
{
    struct block_spec b = {.first_seq = 1 + d * 96,
                           .n = 96,
                           .first_ts_s = FX_T0 + INTERVAL + (int64_t)d * 86400,
                           .energy = 100};
    send_block(m, &b);
}

static void connect_meter(struct world *w, size_t i)
{
    assert_int_equal(sg_meter_session_connect(w->m[i].s, now_ms()), 0);
    WAIT_FOR(w, w->m[i].connected == 1);
}

/* ---- tests ---- */

static void test_days_of_many_meters_are_stored_once(void **state)
{
    struct world *w = *state;
    int64_t before = sg_metric_get(&auth_counters.stored);
    for (size_t i = 0; i < METERS; i++)
        connect_meter(w, i);
    for (uint64_t d = 0; d < 5; d++)
        for (size_t i = 0; i < METERS; i++)
            send_day(&w->m[i], d);
    for (size_t i = 0; i < METERS; i++) {
        WAIT_FOR(w, w->m[i].stored == 5);
        assert_int_equal(rows_of(w, SG_TABLE_READING, &w->m[i]), 480);
        assert_int_equal(rows_of(w, SG_TABLE_BLOCK, &w->m[i]), 5);
        assert_int_equal(rows_of(w, SG_TABLE_READING_CONFLICT, &w->m[i]), 0);
    }
    assert_int_equal(sg_metric_get(&auth_counters.stored) - before, METERS * 480);
    /* Two handshake messages and five frames each: all done with. */
    WAIT_FOR(w, w->done == METERS * 7);
}

static void test_lost_acknowledgement_comes_again_as_duplicate(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    connect_meter(w, 0);
    m->deaf = true;
    send_day(m, 0);
    WAIT_FOR(w, rows_of(w, SG_TABLE_READING, m) == 96);
    WAIT_FOR(w, w->done == 3);
    deliver(w); /* to deaf ears */
    m->deaf = false;
    w->to = 1; /* and the other instance answers: the window is in the store */
    assert_int_equal(sg_meter_session_tick(m->s, now_ms() + 10000), 0);
    WAIT_FOR(w, m->duplicates == 1);
    assert_int_equal(rows_of(w, SG_TABLE_READING, m), 96);
}

static void test_session_moves_to_and_fro(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[1];
    connect_meter(w, 1);
    for (uint64_t d = 0; d < 12; d++) {
        w->to = d % 2;
        send_day(m, d);
        WAIT_FOR(w, m->stored == d + 1);
    }
    assert_int_equal(rows_of(w, SG_TABLE_READING, m), 12 * 96);
    assert_int_equal(m->refused + m->duplicates, 0);
}

static void test_both_instances_at_once(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[2];
    connect_meter(w, 2);
    for (uint64_t d = 0; d < 10; d++) {
        w->to = d % 2;
        send_day(m, d);
    }
    WAIT_FOR(w, m->stored == 10);
    assert_int_equal(rows_of(w, SG_TABLE_READING, m), 960);
    assert_int_equal(rows_of(w, SG_TABLE_BLOCK, m), 10);
}

static void test_differing_second_reading_goes_on_record(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    struct block_spec again = {.first_seq = 97,
                               .n = 4,
                               .first_ts_s = FX_T0 + INTERVAL * 95, /* two old times, two new */
                               .energy = 5000};
    int64_t before = sg_metric_get(&auth_counters.conflict);
    connect_meter(w, 0);
    send_day(m, 0);
    WAIT_FOR(w, m->stored == 1);
    send_block(m, &again);
    WAIT_FOR(w, m->refused == 1);
    assert_int_equal(m->reason, SG_REFUSED_CONFLICT);
    assert_int_equal(rows_of(w, SG_TABLE_READING, m), 98);
    assert_int_equal(rows_of(w, SG_TABLE_READING_CONFLICT, m), 2);
    assert_int_equal(sg_metric_get(&auth_counters.conflict) - before, 2);
}

static void test_same_block_in_a_new_session_is_a_duplicate(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    connect_meter(w, 0);
    send_day(m, 0);
    WAIT_FOR(w, m->stored == 1);
    assert_int_equal(sg_meter_session_connect(m->s, now_ms()), 0);
    WAIT_FOR(w, m->connected == 2);
    send_day(m, 0);
    WAIT_FOR(w, m->duplicates == 1);
    assert_int_equal(rows_of(w, SG_TABLE_READING, m), 96);
    assert_int_equal(rows_of(w, SG_TABLE_BLOCK, m), 1);
    assert_int_equal(rows_of(w, SG_TABLE_READING_CONFLICT, m), 0);
}

/* One reading at once and the day later begin alike; the day told again with other figures, too.
 * What was acknowledged must stay proved: every block has its evidence. */
static void test_blocks_that_begin_alike_keep_their_evidence(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    const struct block_spec first = {
        .first_seq = 1, .n = 1, .first_ts_s = FX_T0 + INTERVAL, .energy = 100};
    struct block_spec other = {
        .first_seq = 1, .n = 96, .first_ts_s = FX_T0 + INTERVAL, .energy = 101};
    connect_meter(w, 0);
    send_block(m, &first);
    WAIT_FOR(w, m->stored == 1);
    send_day(m, 0);
    WAIT_FOR(w, m->stored == 2);
    assert_int_equal(rows_of(w, SG_TABLE_READING, m), 96);
    assert_int_equal(rows_of(w, SG_TABLE_BLOCK, m), 2);
    send_block(m, &other);
    WAIT_FOR(w, m->refused == 1);
    assert_int_equal(rows_of(w, SG_TABLE_READING_CONFLICT, m), 96);
    assert_int_equal(rows_of(w, SG_TABLE_BLOCK, m), 3);
}

static void refuse(struct world *w, const struct block_spec *b, enum sg_refusal why)
{
    struct meter *m = &w->m[0];
    unsigned before = m->refused;
    int64_t counted = sg_metric_get(&auth_counters.refused[why]);
    send_block(m, b);
    WAIT_FOR(w, m->refused == before + 1);
    assert_int_equal(m->reason, why);
    assert_int_equal(sg_metric_get(&auth_counters.refused[why]) - counted, b->n);
    assert_int_equal(rows_of(w, SG_TABLE_READING, m), 0);
}

static void test_attack_blocks_that_are_not_what_they_say(void **state)
{
    struct world *w = *state;
    const struct block_spec good = {.first_seq = 1, .n = 2, .first_ts_s = FX_T0 + INTERVAL};
    connect_meter(w, 0);
    struct block_spec b = good;
    b.serial = w->m[1].serial; /* another meter's block in this session */
    b.key = w->m[1].metrology;
    refuse(w, &b, SG_REFUSED_FOREIGN);
    b = good;
    b.key = w->m[1].metrology; /* another meter's signature */
    refuse(w, &b, SG_REFUSED_SIGNATURE);
    b = good;
    b.first_ts_s = FX_T0 - 10 * INTERVAL; /* before it was installed */
    refuse(w, &b, SG_REFUSED_NOT_INSTALLED);
    b.first_ts_s = FX_T0; /* the interval that ended as it was installed: the meter's before it */
    refuse(w, &b, SG_REFUSED_NOT_INSTALLED);
    b = good;
    b.first_ts_s = clock_s() + INTERVAL; /* ahead */
    refuse(w, &b, SG_REFUSED_FUTURE);
    b = good;
    b.first_ts_s += 60; /* beside the interval */
    refuse(w, &b, SG_REFUSED_SEQUENCE);
    assert_int_equal(
        sg_meter_session_queue(w->m[0].s, SG_PAYLOAD_BLOCK, SG_BYTES_LIT("junk"), 9, now_ms()), 0);
    WAIT_FOR(w, w->m[0].refused == 7);
    assert_int_equal(w->m[0].reason, SG_REFUSED_MALFORMED);
    assert_int_equal(sg_meter_session_queue(w->m[0].s, SG_PAYLOAD_NBR_RESPONSE,
                                            SG_BYTES_LIT("block"), 9, now_ms()),
                     0);
    WAIT_FOR(w, w->m[0].refused == 8);
    assert_int_equal(w->m[0].reason, SG_REFUSED_KIND);
}

static void test_attack_sequence_number_again_for_a_later_time(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    struct block_spec b = {.first_seq = 50, .n = 2, .first_ts_s = FX_T0 + 2 * 86400};
    connect_meter(w, 0);
    send_day(m, 0);
    WAIT_FOR(w, m->stored == 1);
    send_block(m, &b);
    WAIT_FOR(w, m->refused == 1);
    assert_int_equal(m->reason, SG_REFUSED_SEQUENCE);
    assert_int_equal(rows_of(w, SG_TABLE_READING, m), 96);
}

/* A certificate of somebody else's CA in the credential: the key is not taken from it. */
static void test_attack_metrology_key_outside_the_authority(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    const struct block_spec good = {.first_seq = 1, .n = 2, .first_ts_s = FX_T0 + INTERVAL};
    SG_CLEANUP(sg_key_freep) struct sg_key *fake_key = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *fake = NULL;
    struct sg_cert_request ca = {.common_name = "authority",
                                 .not_before_s = FX_T0 - 86400,
                                 .not_after_s = FX_T0 + 86400 * 3650,
                                 .ca = true,
                                 .path_len = -1};
    assert_int_equal(sg_key_generate(&fake_key, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&fake, &ca, fake_key, NULL, fake_key), 0);
    sg_key_free(TAKE_PTR(m->metrology));
    sg_buf_clear(&m->metrology_der);
    issue_metrology(m, fake, fake_key);
    provision(w, m);
    connect_meter(w, 0);
    refuse(w, &good, SG_REFUSED_CREDENTIAL);
}

/* Every session is a record for ever: a meter (or whoever keeps its acknowledgements from it)
 * cannot fill the store with them. */
static void test_attack_sessions_without_end(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    int64_t before = sg_metric_get(&auth_counters.sessions_too_many);
    for (unsigned i = 1; sg_metric_get(&auth_counters.sessions_too_many) == before; i++) {
        /* one share for each lane that a handshake may fall into */
        assert_true(i <= 2 * AUTH_SESSIONS_BURST + 1);
        assert_int_equal(sg_meter_session_connect(m->s, now_ms()), 0);
        WAIT_FOR(w, m->connected == i || sg_metric_get(&auth_counters.sessions_too_many) > before);
    }
    assert_true(m->connected >= AUTH_SESSIONS_BURST);
    connect_meter(w, 1); /* others are not concerned */
    send_day(&w->m[1], 0);
    WAIT_FOR(w, w->m[1].stored == 1);
}

static void test_store_comes_back_and_nothing_is_lost(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    connect_meter(w, 0);
    w->store_down = true;
    for (uint64_t d = 0; d < 3; d++)
        send_day(m, d);
    struct timespec ts = {.tv_nsec = 100000000};
    nanosleep(&ts, NULL);
    deliver(w);
    assert_int_equal(m->stored + m->duplicates + m->refused, 0);
    assert_false(auth_lanes_ready(w->lanes[0]));
    w->store_down = false;
    WAIT_FOR(w, m->stored == 3);
    assert_int_equal(rows_of(w, SG_TABLE_READING, m), 288);
    assert_true(auth_lanes_ready(w->lanes[0]));
}

static void test_stop_with_work_in_the_queues(void **state)
{
    struct world *w = *state;
    connect_meter(w, 0);
    w->store_down = true;
    for (uint64_t d = 0; d < 10; d++)
        send_day(&w->m[0], d);
    auth_lanes_stop(w->lanes[0]);
    w->lanes[0] = NULL;
    deliver(w);
    assert_int_equal(w->m[0].stored, 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_days_of_many_meters_are_stored_once),
        T(test_lost_acknowledgement_comes_again_as_duplicate),
        T(test_session_moves_to_and_fro),
        T(test_both_instances_at_once),
        T(test_differing_second_reading_goes_on_record),
        T(test_same_block_in_a_new_session_is_a_duplicate),
        T(test_blocks_that_begin_alike_keep_their_evidence),
        T(test_attack_blocks_that_are_not_what_they_say),
        T(test_attack_sequence_number_again_for_a_later_time),
        T(test_attack_metrology_key_outside_the_authority),
        T(test_attack_sessions_without_end),
        T(test_store_comes_back_and_nothing_is_lost),
        T(test_stop_with_work_in_the_queues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
