/* A fleet against one authenticator over a simulated network that loses, doubles and reorders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/file.h>
#include <sealgrid/meter/session-auth.h>
#include <sealgrid/net/loop-sim.h>

#include "sender.h"

#define METERS       6
#define DAYS         3
#define SESSIONS_MAX 256

static char start[] = "2026-09-01T03:00:00Z", none[] = "";
static struct sim_fleet fleet;
static struct sg_edhoc_identity *auth_own, *auth_peer, *meter_peer[METERS];

struct stored {
    struct sg_session_record record;
    struct sg_window window;
    bool has_window;
};

/* Everything durable, and the engine. */
struct authenticator {
    struct sg_auth *engine;
    struct sg_loop *loop;
    struct sg_udp *udp;
    struct sg_auth_ops ops;
    struct stored sessions[SESSIONS_MAX];
    size_t n_sessions;
    unsigned times[METERS][DAYS * 96]; /* how often each reading was stored */
    bool refuse_all;
};

static struct stored *find(struct authenticator *a, const uint8_t *cid)
{
    for (size_t i = 0; i < a->n_sessions; i++)
        if (memcmp(a->sessions[i].record.cid, cid, SG_FRAME_ID_LEN) == 0)
            return &a->sessions[i];
    return NULL;
}

static int find_meter(void *user, const struct sg_edhoc_id *id, struct sg_auth_meter *ret)
{
    (void)user;
    for (uint32_t i = 0; i < METERS; i++) {
        if (!sg_bytes_equal(sg_buf_bytes(&meter_peer[i]->id_cred), id->id_cred))
            continue;
        ret->credential = sg_edhoc_identity_credential(meter_peer[i]);
        sim_serial(&fleet.params, i, ret->serial);
        ret->client_id = i;
        memcpy(ret->x5t, meter_peer[i]->x5t, 32);
        return 0;
    }
    return SG_EDHOC_NOBODY;
}

static int load_session(void *user, const uint8_t *cid, struct sg_session_record *ret,
                        struct sg_window *ret_window)
{
    const struct stored *s = find(user, cid);
    if (!s)
        return SG_AUTH_NO_SESSION;
    *ret = s->record;
    *ret_window = s->window;
    return 0;
}

static void fill_random(void *user, void *p, size_t n)
{
    struct authenticator *a = user;
    sg_loop_random(a->loop, p, n);
}

static enum sg_ack_status store(struct authenticator *a, uint32_t meter, struct sg_bytes wire)
{
    static struct sg_reading readings[SG_BLOCK_READINGS_MAX];
    struct sg_block_evidence e;
    bool fresh = false;
    assert_int_equal(sg_block_decode(wire, &e, readings), 0);
    assert_int_equal(sg_block_verify(&e, readings, fleet.keys[meter].metrology), 0);
    for (uint32_t i = 0; i < e.header.count; i++) {
        struct sg_reading want;
        sg_model_reading_at(fleet.model, meter, readings[i].seq - 1, &want);
        assert_memory_equal(&want, &readings[i], sizeof(want));
        unsigned *times = &a->times[meter][readings[i].seq - 1];
        fresh |= *times == 0; /* insert once */
        *times = 1;
    }
    return fresh ? SG_ACK_STORED : SG_ACK_DUPLICATE;
}

static void take_payload(struct authenticator *a, struct sg_auth_result *res, struct sg_buf *reply)
{
    struct sg_ack ack = {.seq = res->seq, .status = SG_ACK_REFUSED, .reason = SG_REFUSED_SIGNATURE};
    const struct sg_session_record *who = sg_auth_session_record(res->session);
    struct stored *s = find(a, who->cid);
    struct sg_window next;
    bool ok;
    sg_auth_plan(res->session, &res->seq, 1, &next, &ok);
    assert_true(ok);
    if (!a->refuse_all) {
        ack.status = store(a, (uint32_t)who->client_id, res->payload);
        ack.reason = SG_REFUSED_NONE;
    }
    s->window = next;
    s->has_window = true;
    sg_auth_planned_durable(res->session, &next);
    sg_auth_settled(res->session, res->seq);
    assert_int_equal(sg_auth_ack(a->engine, res->session, &ack, 1, reply), 0);
}

static void on_datagram(void *user, struct sg_addr from, struct sg_bytes datagram)
{
    struct authenticator *a = user;
    struct sg_buf reply = SG_BUF_INIT(SG_FRAME_MAX);
    struct sg_auth_result res = {.out = SG_BUF_INIT_SECRET(SG_FRAME_MAX)};
    assert_int_equal(sg_auth_receive(a->engine, datagram, sg_loop_now_ms(a->loop),
                                     sg_loop_unix_s(a->loop), &res),
                     0);
    if (res.event == SG_AUTH_ESTABLISHED) {
        assert_true(a->n_sessions < SESSIONS_MAX);
        a->sessions[a->n_sessions++] = (struct stored){.record = res.record};
        assert_int_equal(sg_auth_stored(a->engine, res.handshake, &reply), 0);
    } else if (res.event == SG_AUTH_PAYLOAD) {
        take_payload(a, &res, &reply);
    } else if (res.event == SG_AUTH_REPLY || res.event == SG_AUTH_DUPLICATE) {
        assert_int_equal(sg_buf_append(&reply, sg_buf_bytes(&res.out)), 0);
    }
    if (reply.len)
        (void)!sg_udp_send(a->udp, from, sg_buf_bytes(&reply));
    sg_buf_clear(&reply);
    sg_buf_clear(&res.out);
}

static void make_identity(struct sg_edhoc_identity **own, struct sg_edhoc_identity **peer)
{
    struct sg_key *key = NULL;
    struct sg_cert *cert = NULL;
    const struct sg_cert_request req = {
        .common_name = "authd", .not_before_s = 0, .not_after_s = 4000000000};
    assert_int_equal(sg_key_generate(&key, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&cert, &req, key, NULL, key), 0);
    assert_int_equal(sg_edhoc_identity_x509(own, cert, key), 0);
    assert_int_equal(sg_edhoc_identity_x509(peer, cert, NULL), 0);
    sg_cert_free(cert);
}

static int setup(void **state)
{
    (void)state;
    const struct sim_params p = {.meters = METERS,
                                 .days = DAYS,
                                 .interval = 900,
                                 .seed = 11,
                                 .start = start,
                                 .data = none,
                                 .single_percent = 40,
                                 .single_days = 1};
    char dir[] = "/tmp/sealgrid-sender-XXXXXX";
    bool made;
    if (!mkdtemp(dir) || sim_provision(&p, dir, &made) || sim_fleet_open(&fleet, dir) ||
        sim_fleet_load_keys(&fleet, dir) || sg_remove_tree(dir))
        return -1;
    for (int i = 0; i < METERS; i++) {
        struct sg_cert *cert = NULL;
        struct sg_reader in = sg_reader_over(sg_buf_bytes(&fleet.keys[i].edhoc->cred));
        struct sg_bytes der;
        if (sg_cbor_get_bytes(&in, &der) || sg_cert_load(&cert, der) ||
            sg_edhoc_identity_x509(&meter_peer[i], cert, NULL))
            return -1;
        sg_cert_free(cert);
    }
    make_identity(&auth_own, &auth_peer);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < METERS; i++)
        sg_edhoc_identity_free(meter_peer[i]);
    sg_edhoc_identity_free(auth_own);
    sg_edhoc_identity_free(auth_peer);
    sim_fleet_clear(&fleet);
    return 0;
}

static void run(const struct sg_sim_network *net, bool refuse, struct sim_report *report,
                struct authenticator *a)
{
    struct sg_sim *sim = NULL;
    struct sg_loop *loop = NULL;
    struct sim_sender *s = NULL;
    *a = (struct authenticator){.refuse_all = refuse};
    assert_int_equal(sg_sim_new(&sim, 3, fleet.start_s + 86400 * 40), 0);
    sg_sim_set_network(sim, net);
    assert_int_equal(sg_sim_loop(sim, &loop), 0);
    assert_int_equal(sg_sim_loop(sim, &a->loop), 0);
    a->ops = (struct sg_auth_ops){find_meter, load_session, fill_random};
    const struct sg_auth_options o = {
        .ops = &a->ops, .user = a, .suites = {2, 3}, .n_suites = 2, .own = {auth_own, auth_own}};
    assert_int_equal(sg_auth_new(&a->engine, &o), 0);
    const struct sg_addr any = {.ip = {127, 0, 0, 1}, .port = 17000};
    assert_int_equal(sg_udp_new(&a->udp, a->loop, any, 0, on_datagram, a), 0);
    const struct sg_addr addr = sg_udp_local(a->udp);
    const struct sim_sender_config c = {
        .fleet = &fleet,
        .n_meters = METERS,
        .source = sim_fleet_source(&fleet),
        .aggregators = &addr,
        .n_aggregators = 1,
        .authenticators = (const struct sg_edhoc_identity *const *)&auth_peer,
        .n_authenticators = 1,
        .window = 1024,
        .timeout_ms = 600000,
    };
    assert_int_equal(sim_sender_new(&s, loop, &c), 0);
    assert_int_equal(sg_sim_run(sim, 3600 * 1000), 0);
    assert_true(sim_sender_done(s));
    sim_sender_report(s, report);
    sim_sender_free(s);
    sg_udp_free(a->udp);
    sg_auth_free(a->engine);
    sg_loop_free(loop);
    sg_loop_free(a->loop);
    sg_sim_free(sim);
}

static void all_stored_once(const struct authenticator *a)
{
    for (int i = 0; i < METERS; i++)
        for (int k = 0; k < DAYS * 96; k++)
            assert_int_equal(a->times[i][k], 1);
}

static struct authenticator auth;

static void clean_network(void **state)
{
    (void)state;
    const struct sg_sim_network net = {.delay_min_ms = 5, .delay_max_ms = 5};
    struct sim_report r = {.mode = "test"};
    run(&net, false, &r, &auth);
    all_stored_once(&auth);
    assert_int_equal(r.readings_sent, METERS * DAYS * 96);
    assert_int_equal(r.readings_acked, METERS * DAYS * 96);
    assert_int_equal(r.frames_sent, r.blocks);
    assert_int_equal(r.retransmitted, 0);
    assert_int_equal(r.handshakes, METERS);
    assert_int_equal(r.stored, r.blocks);
    assert_int_equal(r.duplicates + r.refused, 0);
}

static void bad_network(void **state)
{
    (void)state;
    const struct sg_sim_network net = {
        .loss = 0.2, .duplicate = 0.1, .reorder = 0.1, .delay_min_ms = 1, .delay_max_ms = 80};
    struct sim_report r = {.mode = "test"};
    run(&net, false, &r, &auth);
    all_stored_once(&auth);
    assert_int_equal(r.readings_acked, METERS * DAYS * 96);
    assert_true(r.retransmitted > 0);
    assert_int_equal(r.refused, 0);
}

static void refusals_are_told(void **state)
{
    (void)state;
    const struct sg_sim_network net = {.delay_min_ms = 5, .delay_max_ms = 5};
    struct sim_report r = {.mode = "test"};
    run(&net, true, &r, &auth);
    assert_int_equal(r.refused, r.blocks);
    assert_int_equal(r.refused_by[SG_REFUSED_SIGNATURE], r.blocks);
    assert_int_equal(r.readings_acked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_network),
        cmocka_unit_test(bad_network),
        cmocka_unit_test(refusals_are_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
