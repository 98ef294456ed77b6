/* Both ends of a session, datagrams passed by hand: life of a frame and the attacks of ADR 0001. */
#include "session-fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MAX_SENT 64

struct meter {
    struct sg_meter_session *s;
    struct sg_prng prng;
    struct sg_buf sent[MAX_SENT]; /* what the meter put on the network */
    size_t n_sent;
    unsigned connected, settled, stored, duplicates, refused;
    enum sg_refusal reason;
    uint64_t last_token;
    unsigned commands;
};

static void on_send(void *user, struct sg_bytes d)
{
    struct meter *m = user;
    assert_true(m->n_sent < MAX_SENT);
    m->sent[m->n_sent] = (struct sg_buf)SG_BUF_INIT(SG_FRAME_MAX);
    assert_int_equal(sg_buf_append(&m->sent[m->n_sent++], d), 0);
}

static void on_connected(void *user)
{
    ((struct meter *)user)->connected++;
}

static void on_settled(void *user, uint64_t token, enum sg_ack_status status,
                       enum sg_refusal reason)
{
    struct meter *m = user;
    m->settled++;
    m->stored += status == SG_ACK_STORED;
    m->duplicates += status == SG_ACK_DUPLICATE;
    m->refused += status == SG_ACK_REFUSED;
    m->reason = reason;
    m->last_token = token;
}

static void on_command(void *user, enum sg_payload_kind kind, struct sg_bytes payload)
{
    assert_int_equal(kind, SG_PAYLOAD_NBR_REQUEST);
    assert_int_equal(payload.len, 3);
    ((struct meter *)user)->commands++;
}

static void on_random(void *user, void *p, size_t n)
{
    struct meter *m = user;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (uint8_t)sg_prng_u64(&m->prng);
}

static const struct sg_meter_session_ops meter_ops = {
    on_send, on_connected, on_settled, on_command, on_random,
};

struct world {
    struct fx_identity auth_id, other_auth_id, meters[3];
    const struct sg_edhoc_identity *authenticators[1];
    struct sg_meter_session_config config;
    struct fx_store store;
    struct fx_auth auth, twin; /* twin: second instance on the same store */
    struct meter m[3];
    struct sg_buf reply;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    fx_identity(&w->auth_id, "authenticator");
    fx_identity(&w->other_auth_id, "impostor");
    for (size_t i = 0; i < 3; i++)
        fx_identity(&w->meters[i], "meter");
    w->authenticators[0] = w->auth_id.peer;
    w->config = (struct sg_meter_session_config){.ops = &meter_ops,
                                                 .suites = {2, 3},
                                                 .n_suites = 2,
                                                 .authenticators = w->authenticators,
                                                 .n_authenticators = 1};
    fx_auth_new(&w->auth, &w->store, &w->auth_id, w->meters, 2, 1);
    fx_auth_new(&w->twin, &w->store, &w->auth_id, w->meters, 2, 2);
    for (size_t i = 0; i < 3; i++) {
        sg_prng_seed(&w->m[i].prng, 100 + i);
        assert_int_equal(sg_meter_session_new(&w->m[i].s, &w->config, w->meters[i].own, &w->m[i]),
                         0);
    }
    w->reply = (struct sg_buf)SG_BUF_INIT(SG_FRAME_MAX);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < 3; i++) {
        sg_meter_session_free(w->m[i].s);
        for (size_t k = 0; k < w->m[i].n_sent; k++)
            sg_buf_clear(&w->m[i].sent[k]);
        fx_identity_clear(&w->meters[i]);
    }
    fx_auth_free(&w->auth);
    fx_auth_free(&w->twin);
    fx_identity_clear(&w->auth_id);
    fx_identity_clear(&w->other_auth_id);
    sg_buf_clear(&w->reply);
    free(w);
    return 0;
}

static struct sg_bytes last_sent(const struct meter *m)
{
    assert_true(m->n_sent > 0);
    return sg_buf_bytes(&m->sent[m->n_sent - 1]);
}

/* The meter's last datagram to this authenticator and its answer back. */
static void round_trip(struct world *w, struct meter *m, struct fx_auth *a, int64_t now_ms)
{
    fx_auth_receive(a, last_sent(m), now_ms, &w->reply);
    if (w->reply.len)
        assert_int_equal(sg_meter_session_receive(m->s, sg_buf_bytes(&w->reply), now_ms), 0);
}

static void connect_meter(struct world *w, size_t i)
{
    struct meter *m = &w->m[i];
    assert_int_equal(sg_meter_session_connect(m->s, 0), 0);
    round_trip(w, m, &w->auth, 0);
    assert_int_equal(sg_meter_session_state(m->s), SG_METER_WAIT_4);
    round_trip(w, m, &w->auth, 0);
    assert_int_equal(sg_meter_session_state(m->s), SG_METER_OPEN);
    assert_int_equal(m->connected, 1);
}

static void queue_number(struct meter *m, uint64_t number, int64_t now_ms)
{
    uint8_t payload[12] = {0};
    sg_store_be64(payload, number);
    assert_int_equal(
        sg_meter_session_queue(m->s, SG_PAYLOAD_BLOCK, SG_BYTES_ARRAY(payload), number, now_ms), 0);
}

/* ---- the good life ---- */

static void test_payload_is_stored_and_acknowledged(void **state)
{
    struct world *w = *state;
    connect_meter(w, 0);
    queue_number(&w->m[0], 7, 10);
    assert_int_equal(sg_meter_session_inflight(w->m[0].s), 1);
    round_trip(w, &w->m[0], &w->auth, 20);
    assert_int_equal(fx_times(&w->store, 1000, 7), 1);
    assert_int_equal(w->m[0].stored, 1);
    assert_int_equal(w->m[0].last_token, 7);
    assert_int_equal(sg_meter_session_inflight(w->m[0].s), 0);
    assert_int_equal(sg_meter_session_next_ms(w->m[0].s), INT64_MAX);
}

static void test_retransmission_is_the_same_octets_and_a_duplicate(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    connect_meter(w, 0);
    queue_number(m, 7, 0);
    fx_auth_receive(&w->auth, last_sent(m), 0, &w->reply); /* the acknowledgement is lost */
    int64_t due = sg_meter_session_next_ms(m->s);
    assert_in_range(due, 2000, 2500);
    size_t before = m->n_sent;
    assert_int_equal(sg_meter_session_tick(m->s, due - 1), 0);
    assert_int_equal(m->n_sent, before);
    assert_int_equal(sg_meter_session_tick(m->s, due), 0);
    assert_int_equal(m->n_sent, before + 1);
    assert_true(sg_bytes_equal(last_sent(m), sg_buf_bytes(&m->sent[before - 1])));
    round_trip(w, m, &w->auth, due);
    assert_int_equal(m->duplicates, 1);
    assert_int_equal(fx_times(&w->store, 1000, 7), 1);
    assert_int_equal(sg_meter_session_counters(m->s)->retransmissions, 1);
    assert_int_equal(sg_meter_session_counters(m->s)->frames, 1);
}

static void test_lost_message_4_comes_again(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    assert_int_equal(sg_meter_session_connect(m->s, 0), 0);
    round_trip(w, m, &w->auth, 0);
    fx_auth_receive(&w->auth, last_sent(m), 0, &w->reply); /* message_4 lost */
    assert_int_equal(w->store.n_sessions, 1);
    assert_int_equal(sg_meter_session_tick(m->s, sg_meter_session_next_ms(m->s)), 0);
    round_trip(w, m, &w->auth, 3000);
    assert_int_equal(sg_meter_session_state(m->s), SG_METER_OPEN);
    assert_int_equal(w->store.n_sessions, 1);
}

static void test_session_is_taken_over_by_the_other_authenticator(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    connect_meter(w, 0);
    queue_number(m, 1, 0);
    round_trip(w, m, &w->auth, 0);
    queue_number(m, 2, 0);
    round_trip(w, m, &w->twin, 0);
    queue_number(m, 3, 0);
    round_trip(w, m, &w->auth, 0); /* its window is behind: conflict, reload, stored */
    assert_int_equal(w->auth.conflicts, 1);
    assert_int_equal(m->stored, 3);
    for (uint64_t n = 1; n <= 3; n++)
        assert_int_equal(fx_times(&w->store, 1000, n), 1);
}

static void test_unknown_session_is_renewed_and_frames_sealed_again(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    connect_meter(w, 0);
    w->store.n_sessions = 0; /* lost by the store; the other authenticator does not know it */
    queue_number(m, 9, 0);
    round_trip(w, m, &w->twin, 0);
    assert_int_equal(m->settled, 0);
    while (sg_meter_session_state(m->s) == SG_METER_OPEN) {
        int64_t at = sg_meter_session_next_ms(m->s);
        assert_int_equal(sg_meter_session_tick(m->s, at), 0);
        if (sg_meter_session_state(m->s) == SG_METER_OPEN)
            round_trip(w, m, &w->twin, at);
    }
    assert_int_equal(sg_meter_session_counters(m->s)->retransmissions, 1);
    round_trip(w, m, &w->twin, 20000);
    round_trip(w, m, &w->twin, 20000);
    assert_int_equal(m->connected, 2);
    round_trip(w, m, &w->twin, 20000); /* the resealed frame */
    assert_int_equal(m->stored, 1);
    assert_int_equal(m->last_token, 9);
    assert_int_equal(sg_meter_session_counters(m->s)->frames, 2);
}

static void test_nothing_is_acknowledged_while_the_store_is_down(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    connect_meter(w, 0);
    queue_number(m, 4, 0);
    w->store.down = true;
    round_trip(w, m, &w->auth, 0);
    assert_int_equal(w->reply.len, 0);
    assert_int_equal(m->settled, 0);
    w->store.down = false;
    round_trip(w, m, &w->auth, 0); /* the same frame again is fresh still */
    assert_int_equal(m->stored, 1);
}

static void test_suite_3_when_the_authenticator_has_no_2(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    struct fx_auth only_3 = {.store = &w->store, .meters = w->meters, .n_meters = 2};
    struct sg_auth_options o = {.ops = &w->auth.ops,
                                .user = &w->auth,
                                .suites = {3},
                                .n_suites = 1,
                                .own = {w->auth_id.own}};
    assert_int_equal(sg_auth_new(&only_3.engine, &o), 0);
    assert_int_equal(sg_meter_session_connect(m->s, 0), 0);
    round_trip(w, m, &only_3, 0);
    assert_int_equal(sg_meter_session_state(m->s), SG_METER_WAIT_2);
    int64_t at = sg_meter_session_next_ms(m->s);
    assert_int_equal(sg_meter_session_tick(m->s, at), 0);
    round_trip(w, m, &only_3, at);
    round_trip(w, m, &only_3, at);
    assert_int_equal(sg_meter_session_state(m->s), SG_METER_OPEN);
    assert_int_equal(w->store.sessions[0].record.suite, 3);
    fx_auth_free(&only_3);
}

static void test_room_ends_at_sixteen(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    uint8_t payload[8] = {0};
    assert_int_equal(sg_meter_session_queue(m->s, SG_PAYLOAD_BLOCK, SG_BYTES_ARRAY(payload), 0, 0),
                     SG_METER_NOT_OPEN);
    connect_meter(w, 0);
    for (uint64_t i = 0; i < SG_METER_INFLIGHT_MAX; i++)
        queue_number(m, i, 0);
    assert_int_equal(sg_meter_session_room(m->s), 0);
    assert_int_equal(sg_meter_session_queue(m->s, SG_PAYLOAD_BLOCK, SG_BYTES_ARRAY(payload), 0, 0),
                     SG_METER_FULL);
}

static void test_session_object_is_small(void **state)
{
    (void)state;
    assert_in_range(sg_meter_session_size(), 1, 2048);
}

static void test_ninth_sender_renews_the_session(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    connect_meter(w, 0);
    for (uint64_t i = 1; i <= SG_METER_SENDERS_MAX; i++) {
        struct fx_auth fresh;
        fx_auth_new(&fresh, &w->store, &w->auth_id, w->meters, 2, 50 + i);
        queue_number(m, i, 0);
        round_trip(w, m, &fresh, 0);
        assert_int_equal(m->stored, i);
        fx_auth_free(&fresh);
    }
    queue_number(m, 99, 0);
    round_trip(w, m, &w->auth, 0);
    assert_int_equal(m->stored, SG_METER_SENDERS_MAX);
    assert_int_equal(sg_meter_session_next_ms(m->s), 0);
    assert_int_equal(sg_meter_session_tick(m->s, 1), 0);
    assert_int_equal(sg_meter_session_state(m->s), SG_METER_WAIT_2);
}

/* ---- attacks ---- */

static void test_attack_replayed_frame_has_no_second_effect(void **state)
{
    struct world *w = *state;
    connect_meter(w, 0);
    queue_number(&w->m[0], 7, 0);
    struct sg_bytes frame = last_sent(&w->m[0]);
    round_trip(w, &w->m[0], &w->auth, 0);
    for (int i = 0; i < 5; i++) {
        fx_auth_receive(i % 2 ? &w->auth : &w->twin, frame, 100, &w->reply);
        assert_int_equal(sg_meter_session_receive(w->m[0].s, sg_buf_bytes(&w->reply), 100), 0);
    }
    assert_int_equal(fx_times(&w->store, 1000, 7), 1);
    assert_int_equal(w->store.n_payloads, 1);
    assert_int_equal(w->auth.events[SG_AUTH_PAYLOAD] + w->twin.events[SG_AUTH_PAYLOAD], 1);
    assert_int_equal(w->m[0].settled, 1);
}

static void test_attack_every_bit_of_a_frame(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    connect_meter(w, 0);
    queue_number(m, 7, 0);
    struct sg_buf *frame = &m->sent[m->n_sent - 1];
    for (size_t bit = 0; bit < frame->len * 8; bit++) {
        frame->data[bit / 8] = (uint8_t)(frame->data[bit / 8] ^ 1u << bit % 8);
        fx_auth_receive(&w->auth, sg_buf_bytes(frame), 0, &w->reply);
        frame->data[bit / 8] = (uint8_t)(frame->data[bit / 8] ^ 1u << bit % 8);
    }
    assert_int_equal(w->store.n_payloads, 0);
    assert_int_equal(w->auth.events[SG_AUTH_PAYLOAD], 0);
    round_trip(w, m, &w->auth, 0); /* and the true one is still welcome */
    assert_int_equal(m->stored, 1);
}

static void test_attack_cross_session_splice(void **state)
{
    struct world *w = *state;
    connect_meter(w, 0);
    connect_meter(w, 1);
    queue_number(&w->m[0], 7, 0);
    queue_number(&w->m[1], 8, 0);
    struct sg_buf *a = &w->m[0].sent[w->m[0].n_sent - 1], *b = &w->m[1].sent[w->m[1].n_sent - 1];
    uint8_t header[SG_FRAME_UPLINK_HEADER];
    memcpy(header, a->data, sizeof header); /* A's header on B's body */
    memcpy(b->data, header, sizeof header);
    fx_auth_receive(&w->auth, sg_buf_bytes(b), 0, &w->reply);
    assert_int_equal(w->auth.drops[SG_AUTH_DROP_FORGED], 1);
    assert_int_equal(w->store.n_payloads, 0);
}

static void test_attack_sequence_number_reuse(void **state)
{
    struct world *w = *state;
    struct sg_session_record *rec;
    struct sg_frame_key key;
    SG_CLEANUP(sg_buf_clear) struct sg_buf first = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf second = SG_BUF_INIT(256);
    connect_meter(w, 0);
    rec = &w->store.sessions[0].record;
    sg_edhoc_export_from(rec->prk_exporter, SG_SESSION_LABEL_UPLINK, SG_BYTES_NONE, (uint8_t *)&key,
                         sizeof key);
    /* A meter gone bad: two different payloads under one number. */
    assert_int_equal(sg_frame_seal_uplink(&key, rec->cid, 5, SG_BYTES_LIT("\3AAAAAAAA"), &first),
                     0);
    assert_int_equal(sg_frame_seal_uplink(&key, rec->cid, 5, SG_BYTES_LIT("\3BBBBBBBB"), &second),
                     0);
    fx_auth_receive(&w->auth, sg_buf_bytes(&first), 0, &w->reply);
    fx_auth_receive(&w->auth, sg_buf_bytes(&second), 0, &w->reply);
    fx_auth_receive(&w->twin, sg_buf_bytes(&second), 0, &w->reply);
    assert_int_equal(w->store.n_payloads, 1);
    assert_int_equal(fx_times(&w->store, 1000, UINT64_C(0x4141414141414141)), 1);
}

static void test_attack_behind_the_window(void **state)
{
    struct world *w = *state;
    struct sg_session_record *rec;
    struct sg_frame_key key;
    SG_CLEANUP(sg_buf_clear) struct sg_buf d = SG_BUF_INIT(256);
    connect_meter(w, 0);
    rec = &w->store.sessions[0].record;
    sg_edhoc_export_from(rec->prk_exporter, SG_SESSION_LABEL_UPLINK, SG_BYTES_NONE, (uint8_t *)&key,
                         sizeof key);
    const struct {
        uint64_t seq;
        unsigned payloads;
    } steps[] = {{300, 1}, {45, 2}, {44, 2}, {1, 2}, {45, 2}, {556, 3}, {300, 3}, {301, 4}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        uint8_t plain[9] = {SG_PAYLOAD_BLOCK, (uint8_t)i};
        sg_buf_reset(&d);
        assert_int_equal(
            sg_frame_seal_uplink(&key, rec->cid, steps[i].seq, SG_BYTES_ARRAY(plain), &d), 0);
        fx_auth_receive(&w->auth, sg_buf_bytes(&d), 0, &w->reply);
        assert_int_equal(w->store.n_payloads, steps[i].payloads);
    }
    assert_int_equal(w->auth.drops[SG_AUTH_DROP_STALE], 3);
}

static void test_attack_downlink_replay_to_the_meter(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    SG_CLEANUP(sg_buf_clear) struct sg_buf d = SG_BUF_INIT(SG_FRAME_MAX);
    connect_meter(w, 0);
    queue_number(m, 1, 0);
    round_trip(w, m, &w->auth, 0);
    /* A command, twice: the second time it is a recording. */
    struct sg_auth_result res = {.out = SG_BUF_INIT_SECRET(SG_FRAME_MAX)};
    queue_number(m, 2, 0);
    assert_int_equal(sg_auth_receive(w->auth.engine, last_sent(m), 0, FX_T0, &res), 0);
    assert_int_equal(res.event, SG_AUTH_PAYLOAD);
    assert_int_equal(sg_auth_command(w->auth.engine, res.session, SG_PAYLOAD_NBR_REQUEST,
                                     SG_BYTES_LIT("cut"), &d),
                     0);
    sg_auth_settled(res.session, res.seq);
    sg_buf_clear(&res.out);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sg_meter_session_receive(m->s, sg_buf_bytes(&d), i), 0);
    assert_int_equal(m->commands, 1);
    assert_int_equal(sg_meter_session_counters(m->s)->refused_downlinks, 2);
}

static void test_attack_forged_acknowledgement(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    SG_CLEANUP(sg_buf_clear) struct sg_buf d = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT(64);
    struct sg_frame_key key = {{1}, {2}};
    struct sg_ack ack = {.seq = 1, .status = SG_ACK_STORED};
    uint8_t sender[16] = {9};
    connect_meter(w, 0);
    connect_meter(w, 1);
    queue_number(m, 7, 0);
    assert_int_equal(sg_ack_encode(&ack, 1, &plain), 0);
    assert_int_equal(sg_frame_seal_downlink(&key, w->store.sessions[0].record.cid, sender, 1,
                                            sg_buf_bytes(&plain), &d),
                     0);
    assert_int_equal(sg_meter_session_receive(m->s, sg_buf_bytes(&d), 0), 0);
    assert_int_equal(m->settled, 0);
    /* A genuine acknowledgement of the other meter, under this meter's connection id. */
    queue_number(&w->m[1], 8, 0);
    fx_auth_receive(&w->auth, last_sent(&w->m[1]), 0, &w->reply);
    memcpy(w->reply.data + 2, w->store.sessions[0].record.cid, 8);
    assert_int_equal(sg_meter_session_receive(m->s, sg_buf_bytes(&w->reply), 0), 0);
    assert_int_equal(m->settled, 0);
    /* The meter's own frame turned back as a downlink. */
    assert_int_equal(sg_meter_session_receive(m->s, last_sent(m), 0), 0);
    assert_int_equal(m->settled, 0);
    assert_int_equal(sg_meter_session_counters(m->s)->refused_downlinks, 3);
}

static void test_attack_every_bit_of_an_acknowledgement(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    connect_meter(w, 0);
    queue_number(m, 7, 0);
    fx_auth_receive(&w->auth, last_sent(m), 0, &w->reply);
    for (size_t bit = 0; bit < w->reply.len * 8; bit++) {
        w->reply.data[bit / 8] = (uint8_t)(w->reply.data[bit / 8] ^ 1u << bit % 8);
        assert_int_equal(sg_meter_session_receive(m->s, sg_buf_bytes(&w->reply), 0), 0);
        w->reply.data[bit / 8] = (uint8_t)(w->reply.data[bit / 8] ^ 1u << bit % 8);
        assert_int_equal(m->settled, 0);
    }
    assert_int_equal(sg_meter_session_receive(m->s, sg_buf_bytes(&w->reply), 0), 0);
    assert_int_equal(m->stored, 1);
}

static void test_attack_impostor_authenticator(void **state)
{
    struct world *w = *state;
    struct fx_auth impostor;
    fx_auth_new(&impostor, &w->store, &w->other_auth_id, w->meters, 2, 3);
    assert_int_equal(sg_meter_session_connect(w->m[0].s, 0), 0);
    round_trip(w, &w->m[0], &impostor, 0);
    assert_int_equal(sg_meter_session_state(w->m[0].s), SG_METER_WAIT_2);
    assert_int_equal(w->m[0].connected, 0);
    fx_auth_free(&impostor);
}

static void test_attack_meter_without_a_credential(void **state)
{
    struct world *w = *state;
    assert_int_equal(sg_meter_session_connect(w->m[2].s, 0), 0); /* not among the two known */
    round_trip(w, &w->m[2], &w->auth, 0);
    round_trip(w, &w->m[2], &w->auth, 0);
    assert_int_equal(w->m[2].connected, 0);
    assert_int_equal(w->store.n_sessions, 0);
}

static void test_attack_forged_errors_only_cost_time(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    SG_CLEANUP(sg_buf_clear) struct sg_buf d = SG_BUF_INIT(64);
    connect_meter(w, 0);
    queue_number(m, 7, 0);
    size_t sent = m->n_sent;
    assert_int_equal(sg_frame_encode_handshake(SG_FRAME_EDHOC_ERROR,
                                               w->store.sessions[0].record.cid,
                                               SG_BYTES_LIT("\x01\x60"), &d),
                     0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(sg_meter_session_receive(m->s, sg_buf_bytes(&d), i), 0);
    assert_int_equal(m->n_sent, sent); /* no storm */
    assert_int_equal(sg_meter_session_state(m->s), SG_METER_OPEN);
    round_trip(w, m, &w->auth, 20);
    assert_int_equal(m->stored, 1);
}

/* A handshake message of a stranger, who sees the handshake id go by but knows no key. */
static void forge(struct sg_buf *d, enum sg_frame_type type, struct sg_bytes seen, uint8_t flip)
{
    struct sg_frame f;
    assert_int_equal(sg_frame_decode(seen, &f), 0);
    sg_buf_reset(d);
    if (type == SG_FRAME_EDHOC_ERROR) {
        assert_int_equal(sg_frame_encode_handshake(type, f.id, SG_BYTES_LIT("\x01\x60"), d), 0);
        return;
    }
    assert_int_equal(sg_frame_encode_handshake(type, f.id, f.body, d), 0);
    d->data[d->len - 1] ^= flip;
}

/* Before the genuine message_3 comes, anything but it. */
static void test_attack_handshake_of_another_at_the_authenticator(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    SG_CLEANUP(sg_buf_clear) struct sg_buf d = SG_BUF_INIT(SG_FRAME_MAX);
    assert_int_equal(sg_meter_session_connect(m->s, 0), 0);
    round_trip(w, m, &w->auth, 0);
    assert_int_equal(sg_meter_session_state(m->s), SG_METER_WAIT_4);
    forge(&d, SG_FRAME_EDHOC_ERROR, last_sent(m), 0);
    fx_auth_receive(&w->auth, sg_buf_bytes(&d), 0, &w->reply);
    assert_int_equal(w->reply.len, 0);
    for (uint8_t flip = 1; flip; flip = (uint8_t)(flip << 1)) {
        forge(&d, SG_FRAME_EDHOC_3, last_sent(m), flip);
        fx_auth_receive(&w->auth, sg_buf_bytes(&d), 0, &w->reply);
        /* The error that the stranger provoked reaches the meter. */
        assert_true(w->reply.len > 0);
        assert_int_equal(sg_meter_session_receive(m->s, sg_buf_bytes(&w->reply), 0), 0);
    }
    assert_int_equal(m->connected, 0);
    round_trip(w, m, &w->auth, 0);
    assert_int_equal(m->connected, 1);
    assert_int_equal(w->store.n_sessions, 1);
}

/* Before the genuine message_2 and message_4 come, errors and messages that fail. */
static void test_attack_handshake_of_another_at_the_meter(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    SG_CLEANUP(sg_buf_clear) struct sg_buf d = SG_BUF_INIT(SG_FRAME_MAX);
    static const enum sg_frame_type answers[] = {SG_FRAME_EDHOC_2, SG_FRAME_EDHOC_4};
    assert_int_equal(sg_meter_session_connect(m->s, 0), 0);
    for (size_t i = 0; i < 2; i++) {
        fx_auth_receive(&w->auth, last_sent(m), 0, &w->reply);
        forge(&d, SG_FRAME_EDHOC_ERROR, sg_buf_bytes(&w->reply), 0);
        assert_int_equal(sg_meter_session_receive(m->s, sg_buf_bytes(&d), 0), 0);
        for (uint8_t flip = 1; flip; flip = (uint8_t)(flip << 1)) {
            forge(&d, answers[i], sg_buf_bytes(&w->reply), flip);
            assert_int_equal(sg_meter_session_receive(m->s, sg_buf_bytes(&d), 0), 0);
        }
        assert_int_equal(m->connected, 0);
        assert_int_equal(sg_meter_session_receive(m->s, sg_buf_bytes(&w->reply), 0), 0);
    }
    assert_int_equal(m->connected, 1);
    assert_int_equal(sg_auth_handshakes(w->auth.engine), 1);
}

/* Believed after all when nothing better came until the timer ran out. */
static void test_handshake_that_was_refused_begins_anew(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    SG_CLEANUP(sg_buf_clear) struct sg_buf d = SG_BUF_INIT(SG_FRAME_MAX);
    struct sg_frame before, after;
    assert_int_equal(sg_meter_session_connect(m->s, 0), 0);
    assert_int_equal(sg_frame_decode(last_sent(m), &before), 0);
    forge(&d, SG_FRAME_EDHOC_ERROR, last_sent(m), 0);
    assert_int_equal(sg_meter_session_receive(m->s, sg_buf_bytes(&d), 0), 0);
    assert_int_equal(m->n_sent, 1);
    assert_int_equal(sg_meter_session_tick(m->s, sg_meter_session_next_ms(m->s)), 0);
    assert_int_equal(m->n_sent, 2);
    assert_int_equal(sg_frame_decode(last_sent(m), &after), 0);
    assert_int_equal(after.type, SG_FRAME_EDHOC_1);
    assert_memory_not_equal(after.id, before.id, sizeof after.id);
}

static void test_attack_flood_of_message_1(void **state)
{
    struct world *w = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf d = SG_BUF_INIT(1024);
    assert_int_equal(sg_meter_session_connect(w->m[0].s, 0), 0);
    assert_int_equal(sg_buf_append(&d, last_sent(&w->m[0])), 0);
    for (uint64_t i = 0; i < 1100; i++) {
        sg_store_be64(d.data + 2, i + 1);
        fx_auth_receive(&w->auth, sg_buf_bytes(&d), 0, &w->reply);
    }
    assert_int_equal(sg_auth_handshakes(w->auth.engine), 1024);
    round_trip(w, &w->m[0], &w->auth, 0);
    round_trip(w, &w->m[0], &w->auth, 0);
    assert_int_equal(w->m[0].connected, 1);
}

/* An authenticator that has just started knows no session; strangers make it look up ids that they
 * made up, more than it will do in a second. */
static void test_attack_made_up_connection_ids(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    SG_CLEANUP(sg_buf_clear) struct sg_buf d = SG_BUF_INIT(SG_FRAME_MAX);
    struct sg_prng prng;
    connect_meter(w, 0);
    queue_number(m, 7, 0);
    sg_prng_seed(&prng, 1);
    assert_int_equal(sg_buf_append(&d, last_sent(m)), 0);
    for (int i = 0; i < 30000; i++) {
        sg_store_be64(d.data + 2, sg_prng_u64(&prng));
        fx_auth_receive(&w->twin, sg_buf_bytes(&d), 0, &w->reply);
    }
    assert_true(w->twin.drops[SG_AUTH_DROP_LOAD_RATE] > 27000);
    round_trip(w, m, &w->twin, 0);
    assert_int_equal(m->stored, 1);
}

/* Ids made before there were marks, or under another key, are looked up as long as nobody floods.
 */
static void test_connection_id_without_a_mark(void **state)
{
    struct world *w = *state;
    struct meter *m = &w->m[0];
    SG_CLEANUP(sg_buf_clear) struct sg_buf d = SG_BUF_INIT(SG_FRAME_MAX);
    struct sg_frame_key uplink;
    connect_meter(w, 0);
    queue_number(m, 7, 0);
    struct fx_stored_session *s = &w->store.sessions[0];
    uint8_t payload[13] = {SG_PAYLOAD_BLOCK, 0, 0, 0, 0, 0, 0, 0, 9};
    s->record.cid[SG_FRAME_ID_LEN - 1] ^= 1;
    sg_edhoc_export_from(s->record.prk_exporter, SG_SESSION_LABEL_UPLINK, SG_BYTES_NONE,
                         (uint8_t *)&uplink, sizeof uplink);
    assert_int_equal(sg_frame_seal_uplink(&uplink, s->record.cid, 1, SG_BYTES_ARRAY(payload), &d),
                     0);
    fx_auth_receive(&w->twin, sg_buf_bytes(&d), 0, &w->reply);
    assert_int_equal(fx_times(&w->store, 1000, 9), 1);
}

static void test_session_rows_survive(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT_SECRET(SG_SESSION_ROW_MAX);
    struct sg_session_record s = {
        .suite = 2, .serial = "70000001", .client_id = 3000000001, .created_s = FX_T0};
    struct sg_session_record back;
    struct sg_window w = {.highest = 300}, w2;
    memset(s.prk_exporter, 0xa5, sizeof s.prk_exporter);
    memset(s.x5t, 0x5a, sizeof s.x5t);
    memset(s.cid, 1, sizeof s.cid);
    assert_int_equal(sg_session_row_encode(&b, &s), 0);
    assert_int_equal(sg_session_row_decode(s.cid, sg_buf_bytes(&b), &back), 0);
    assert_memory_equal(&s, &back, sizeof s);
    for (size_t n = 0; n < b.len; n++)
        assert_true(sg_session_row_decode(s.cid, SG_BYTES(b.data, n), &back) < 0);
    sg_buf_reset(&b);
    sg_window_mark(&w, 301);
    assert_int_equal(sg_window_row_encode(&b, &w), 0);
    assert_int_equal(sg_window_row_decode(sg_buf_bytes(&b), &w2), 0);
    assert_memory_equal(&w, &w2, sizeof w);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_payload_is_stored_and_acknowledged),
        T(test_retransmission_is_the_same_octets_and_a_duplicate),
        T(test_lost_message_4_comes_again),
        T(test_session_is_taken_over_by_the_other_authenticator),
        T(test_unknown_session_is_renewed_and_frames_sealed_again),
        T(test_nothing_is_acknowledged_while_the_store_is_down),
        T(test_suite_3_when_the_authenticator_has_no_2),
        T(test_room_ends_at_sixteen),
        T(test_session_object_is_small),
        T(test_ninth_sender_renews_the_session),
        T(test_attack_replayed_frame_has_no_second_effect),
        T(test_attack_every_bit_of_a_frame),
        T(test_attack_cross_session_splice),
        T(test_attack_sequence_number_reuse),
        T(test_attack_behind_the_window),
        T(test_attack_downlink_replay_to_the_meter),
        T(test_attack_forged_acknowledgement),
        T(test_attack_every_bit_of_an_acknowledgement),
        T(test_attack_impostor_authenticator),
        T(test_attack_meter_without_a_credential),
        T(test_attack_forged_errors_only_cost_time),
        T(test_attack_handshake_of_another_at_the_authenticator),
        T(test_attack_handshake_of_another_at_the_meter),
        T(test_handshake_that_was_refused_begins_anew),
        T(test_attack_flood_of_message_1),
        T(test_attack_made_up_connection_ids),
        T(test_connection_id_without_a_mark),
        T(test_session_rows_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
