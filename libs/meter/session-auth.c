/*
 * Authenticator's end of sessions (session-auth.h).
 *
 * A handshake's place in the table:
 *   FREE --message_1--> WAIT_3 --message_3--> STORING --sg_auth_stored--> DONE
 *    ^                    |                                                |
 *    +--- place needed ---+------------------------------------------------+
 * message_1 again in WAIT_3, message_3 again in DONE: the stored answer goes out again.  A
 * message_3 that fails in WAIT_3 and error messages change nothing: strangers can send them, too.
 *
 * A session's sequence number:
 *   fresh --receive--> claimed --sg_auth_settled--> stored, or fresh again
 *
 * Downlinks of all sessions are numbered by one counter under one random sender id, which is drawn
 * anew with each engine.  Keys depend on session and sender id, so a (key, number) pair can come
 * back neither after a session left the cache and was loaded again nor after a restart.
 */
#include "session-auth-int.h"

#include <sealgrid/base/secret.h>
#include <sealgrid/crypto/hash.h>

#define HANDSHAKES_MAX 1024
#define SESSIONS_MAX   65536
#define LOADS_PER_S    2000
#define MARKED_FACTOR  10 /* as many look-ups of ids that bear our mark */
#define CID_KEY_LEN    32
#define CID_MARK_LEN   3 /* of 8 octets: 39 bits stay random where two lanes share an octet */

const char *const sg_auth_drop_words[SG_AUTH_DROP_COUNT] = {
#define SG_D(name, word) [SG_AUTH_DROP_##name] = (word),
    SG_AUTH_DROPS(SG_D)
#undef SG_D
};

enum handshake_state { HS_FREE, HS_WAIT_3, HS_STORING, HS_DONE };

struct handshake {
    enum handshake_state state;
    uint8_t id[SG_FRAME_ID_LEN];
    uint8_t cid[SG_FRAME_ID_LEN];
    uint8_t asked[32]; /* SHA-256 of the message that reply answers */
    int64_t born_ms;
    struct sg_edhoc *engine;
    struct sg_buf reply; /* whole datagram */
    struct sg_session_record record;
};

struct sg_auth {
    struct sg_auth_options o;
    struct sg_edhoc_credential own[2];
    struct sg_edhoc_config edhoc;
    struct sg_session_table sessions;
    struct handshake *handshakes;
    size_t handshakes_max, n_handshakes;
    struct sg_auth_meter met; /* the meter that the running message_3 named */
    uint8_t sender[SG_FRAME_SENDER_LEN];
    uint64_t next_down;
    struct sg_secret cid_key; /* empty: none */
    struct budget {
        int64_t since_ms;
        unsigned n;
    } loads[2]; /* look-ups of connection ids without and with our mark */
};

unsigned sg_auth_lane(const struct sg_frame *f, unsigned lanes)
{
    return lanes ? f->id[0] % lanes : 0;
}

/* ---- life ---- */

static const struct sg_edhoc_credential *own_credential(void *user, int suite)
{
    struct sg_auth *a = user;
    for (size_t i = 0; i < a->o.n_suites; i++)
        if (a->o.suites[i] == suite && a->o.own[i])
            return &a->own[i];
    return NULL;
}

static int find_meter(void *user, const struct sg_edhoc_id *id, struct sg_edhoc_credential *ret)
{
    struct sg_auth *a = user;
    int r = a->o.ops->find_meter(a->o.user, id, &a->met);
    if (r == 0)
        *ret = a->met.credential;
    return r;
}

static int keep_cid_key(struct sg_auth *a, const uint8_t *key)
{
    int r = key ? sg_secret_new(&a->cid_key, CID_KEY_LEN) : 0;
    if (r == 0 && key)
        memcpy(a->cid_key.data, key, CID_KEY_LEN);
    a->o.cid_key = NULL; /* the caller's, not ours to keep */
    return r;
}

int sg_auth_new(struct sg_auth **ret, const struct sg_auth_options *o)
{
    SG_CLEANUP(sg_auth_freep) struct sg_auth *a = calloc(1, sizeof *a);
    if (!a)
        return sg_raise(-ENOMEM);
    a->o = *o;
    a->handshakes_max = o->handshakes_max ? o->handshakes_max : HANDSHAKES_MAX;
    a->handshakes = calloc(a->handshakes_max, sizeof *a->handshakes);
    if (!a->handshakes)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < o->n_suites; i++)
        if (o->own[i])
            a->own[i] = sg_edhoc_identity_credential(o->own[i]);
    a->edhoc = (struct sg_edhoc_config){.method = 0,
                                        .suites = a->o.suites,
                                        .n_suites = a->o.n_suites,
                                        .patient = true,
                                        .own = own_credential,
                                        .own_user = a,
                                        .lookup = find_meter,
                                        .lookup_user = a};
    o->ops->random(o->user, a->sender, sizeof a->sender);
    a->next_down = 1;
    int r = keep_cid_key(a, o->cid_key);
    r = r ? r
          : sg_session_table_init(&a->sessions, o->sessions_max ? o->sessions_max : SESSIONS_MAX);
    if (r)
        return r;
    *ret = TAKE_PTR(a);
    return 0;
}

static void free_handshake(struct sg_auth *a, struct handshake *h)
{
    sg_edhoc_free(h->engine);
    sg_buf_clear(&h->reply);
    sg_wipe(h, sizeof *h);
    a->n_handshakes--;
}

void sg_auth_free(struct sg_auth *a)
{
    if (!a)
        return;
    for (size_t i = 0; a->handshakes && i < a->handshakes_max; i++)
        if (a->handshakes[i].state != HS_FREE)
            free_handshake(a, &a->handshakes[i]);
    free(a->handshakes);
    sg_session_table_clear(&a->sessions);
    sg_secret_clear(&a->cid_key);
    free(a);
}

size_t sg_auth_sessions(const struct sg_auth *a)
{
    return a->sessions.n;
}

size_t sg_auth_handshakes(const struct sg_auth *a)
{
    return a->n_handshakes;
}

/* ---- handshake table ---- */

static struct handshake *find_handshake(struct sg_auth *a, const uint8_t *id)
{
    for (size_t i = 0; a->n_handshakes && i < a->handshakes_max; i++) {
        struct handshake *h = &a->handshakes[i];
        if (h->state != HS_FREE && memcmp(h->id, id, SG_FRAME_ID_LEN) == 0)
            return h;
    }
    return NULL;
}

/* A free place, else that of the oldest handshake: under a flood of message_1 those that move on
 * quickly still get through.  NULL only if every one is being stored. */
static struct handshake *place_for_handshake(struct sg_auth *a)
{
    struct handshake *oldest = NULL;
    for (size_t i = 0; i < a->handshakes_max; i++) {
        struct handshake *h = &a->handshakes[i];
        if (h->state == HS_FREE)
            return h;
        if (h->state != HS_STORING && (!oldest || h->born_ms < oldest->born_ms))
            oldest = h;
    }
    if (oldest)
        free_handshake(a, oldest);
    return oldest;
}

/* Whoever does not know the key hits upon it once in 2^24 tries. */
static void mark_of(const struct sg_auth *a, const uint8_t *cid, uint8_t ret[CID_MARK_LEN])
{
    uint8_t mac[32];
    const struct sg_bytes parts[] = {SG_BYTES_LIT("sealgrid-cid-v1"),
                                     SG_BYTES(cid, SG_FRAME_ID_LEN - CID_MARK_LEN)};
    sg_hmac_sha256(mac, sg_secret_bytes(&a->cid_key), parts, 2);
    memcpy(ret, mac, CID_MARK_LEN);
}

static bool bears_mark(const struct sg_auth *a, const uint8_t *cid)
{
    uint8_t mark[CID_MARK_LEN];
    if (!a->cid_key.data)
        return false;
    mark_of(a, cid, mark);
    return memcmp(mark, cid + SG_FRAME_ID_LEN - CID_MARK_LEN, CID_MARK_LEN) == 0;
}

static void choose_cid(struct sg_auth *a, uint8_t *cid)
{
    a->o.ops->random(a->o.user, cid, SG_FRAME_ID_LEN);
    if (a->o.lanes)
        cid[0] = (uint8_t)(cid[0] - cid[0] % a->o.lanes + a->o.lane);
    if (a->o.lanes && cid[0] % a->o.lanes != a->o.lane) /* wrapped around 256 */
        cid[0] = (uint8_t)a->o.lane;
    if (a->cid_key.data)
        mark_of(a, cid, cid + SG_FRAME_ID_LEN - CID_MARK_LEN);
}

static int drop(struct sg_auth_result *ret, enum sg_auth_drop why)
{
    ret->event = SG_AUTH_DROPPED;
    ret->drop = why;
    return 0;
}

static int reply_again(const struct handshake *h, struct sg_auth_result *ret)
{
    ret->event = SG_AUTH_REPLY;
    return sg_buf_append(&ret->out, sg_buf_bytes(&h->reply));
}

/* An EDHOC error message under the peer's handshake id. */
static int reply_error(const struct sg_edhoc *e, int outcome, const uint8_t *id,
                       struct sg_auth_result *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf m = SG_BUF_INIT(256);
    ret->event = SG_AUTH_REPLY;
    ret->handshake_outcome = outcome;
    int r = sg_edhoc_error(e, outcome, &m);
    return r ? r : sg_frame_encode_handshake(SG_FRAME_EDHOC_ERROR, id, sg_buf_bytes(&m), &ret->out);
}

/* Something that this process does not know: code 1, so that the other end need not guess. */
static int reply_unknown(const uint8_t *id, struct sg_auth_result *ret)
{
    static const uint8_t unknown[] = "\x01\x67unknown"; /* 1, "unknown" */
    ret->event = SG_AUTH_REPLY;
    ret->handshake_outcome = SG_EDHOC_UNEXPECTED;
    return sg_frame_encode_handshake(SG_FRAME_EDHOC_ERROR, id,
                                     SG_BYTES(unknown, sizeof unknown - 1), &ret->out);
}

static int answer_1(struct sg_auth *a, struct handshake *h, const struct sg_frame *f,
                    struct sg_auth_result *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf m2 = SG_BUF_INIT(SG_EDHOC_MESSAGE_MAX);
    choose_cid(a, h->cid);
    int r = sg_edhoc_responder(&h->engine, &a->edhoc, SG_BYTES_ARRAY(h->cid));
    r = r ? r : sg_edhoc_on_message_1(h->engine, f->body, &m2);
    if (r > 0) {
        r = reply_error(h->engine, r, f->id, ret);
        free_handshake(a, h);
        return r;
    }
    r = r ? r : sg_frame_encode_handshake(SG_FRAME_EDHOC_2, h->id, sg_buf_bytes(&m2), &h->reply);
    if (r) {
        free_handshake(a, h);
        return r;
    }
    return reply_again(h, ret);
}

static int on_message_1(struct sg_auth *a, const struct sg_frame *f, int64_t now_ms,
                        struct sg_auth_result *ret)
{
    uint8_t asked[32];
    struct handshake *h = find_handshake(a, f->id);
    sg_sha256(asked, f->body);
    if (h) {
        bool again = h->state == HS_WAIT_3 && memcmp(h->asked, asked, 32) == 0;
        return again ? reply_again(h, ret) : drop(ret, SG_AUTH_DROP_HANDSHAKE_ENDED);
    }
    h = place_for_handshake(a);
    if (!h)
        return drop(ret, SG_AUTH_DROP_HANDSHAKES_FULL);
    *h = (struct handshake){.state = HS_WAIT_3, .born_ms = now_ms};
    h->reply = (struct sg_buf)SG_BUF_INIT(SG_EDHOC_MESSAGE_MAX + SG_FRAME_HANDSHAKE_HEADER);
    memcpy(h->id, f->id, sizeof h->id);
    memcpy(h->asked, asked, sizeof h->asked);
    a->n_handshakes++;
    return answer_1(a, h, f, ret);
}

static int fill_record(const struct sg_auth *a, struct handshake *h, int64_t unix_s)
{
    struct sg_session_record *s = &h->record;
    memcpy(s->cid, h->cid, sizeof s->cid);
    s->suite = sg_edhoc_suite(h->engine);
    memcpy(s->serial, a->met.serial, sizeof s->serial);
    s->client_id = a->met.client_id;
    memcpy(s->x5t, a->met.x5t, sizeof s->x5t);
    s->created_s = unix_s;
    return sg_edhoc_prk_exporter(h->engine, s->prk_exporter);
}

static int verify_3(struct sg_auth *a, struct handshake *h, const struct sg_frame *f,
                    int64_t unix_s, struct sg_auth_result *ret)
{
    int r = sg_edhoc_on_message_3(h->engine, f->body);
    if (r > 0) /* anybody may have sent it: the meter's own may be on its way */
        return reply_error(h->engine, r, f->id, ret);
    r = r ? r : fill_record(a, h, unix_s);
    if (r) {
        free_handshake(a, h); /* the engine is used up: the meter begins again */
        return r;
    }
    h->state = HS_STORING;
    sg_sha256(h->asked, f->body);
    ret->event = SG_AUTH_ESTABLISHED;
    ret->record = h->record;
    memcpy(ret->handshake, h->id, sizeof ret->handshake);
    return 0;
}

static int on_message_3(struct sg_auth *a, const struct sg_frame *f, int64_t unix_s,
                        struct sg_auth_result *ret)
{
    uint8_t asked[32];
    struct handshake *h = find_handshake(a, f->id);
    if (!h)
        return reply_unknown(f->id, ret);
    if (h->state == HS_WAIT_3)
        return verify_3(a, h, f, unix_s, ret);
    sg_sha256(asked, f->body);
    if (memcmp(h->asked, asked, sizeof asked) != 0)
        return drop(ret, SG_AUTH_DROP_HANDSHAKE_ENDED);
    if (h->state == HS_DONE)
        return reply_again(h, ret);
    ret->event = SG_AUTH_PENDING;
    return 0;
}

int sg_auth_stored(struct sg_auth *a, const uint8_t handshake[SG_FRAME_ID_LEN], struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf m4 = SG_BUF_INIT(SG_EDHOC_MESSAGE_MAX);
    static const struct sg_window nothing;
    struct handshake *h = find_handshake(a, handshake);
    struct sg_auth_session *s;
    if (!h || h->state != HS_STORING)
        return sg_raise(-ENOENT);
    sg_buf_reset(&h->reply);
    int r = sg_edhoc_message_4(h->engine, &m4);
    r = r ? r : sg_frame_encode_handshake(SG_FRAME_EDHOC_4, h->id, sg_buf_bytes(&m4), &h->reply);
    r = r ? r : sg_session_table_add(&a->sessions, &h->record, &nothing, &s);
    r = r ? r : sg_buf_append(ret, sg_buf_bytes(&h->reply));
    if (r) {
        free_handshake(a, h);
        return sg_fold(r);
    }
    h->state = HS_DONE;
    sg_edhoc_free(TAKE_PTR(h->engine));
    sg_wipe(&h->record, sizeof h->record);
    return 0;
}

void sg_auth_store_failed(struct sg_auth *a, const uint8_t handshake[SG_FRAME_ID_LEN])
{
    struct handshake *h = find_handshake(a, handshake);
    if (h && h->state == HS_STORING)
        free_handshake(a, h);
}

/* ---- frames ---- */

/* Ids that nobody of us made have a budget of their own, which strangers can use up: sessions that
 * are looked up after a restart do not wait for it. */
static bool may_load(struct sg_auth *a, const uint8_t *cid, int64_t now_ms)
{
    bool ours = bears_mark(a, cid);
    struct budget *b = &a->loads[ours];
    unsigned limit = a->o.loads_per_s ? a->o.loads_per_s : LOADS_PER_S;
    if (now_ms - b->since_ms >= 1000)
        *b = (struct budget){.since_ms = now_ms};
    return b->n++ < (ours ? limit * MARKED_FACTOR : limit);
}

static void wipe_record(struct sg_session_record *s)
{
    sg_wipe(s, sizeof *s);
}

/* 0, SG_AUTH_NO_SESSION, -errno */
static int load_session(struct sg_auth *a, const uint8_t *cid, struct sg_auth_session **ret)
{
    SG_CLEANUP(wipe_record) struct sg_session_record record;
    struct sg_window window = {0};
    int r = a->o.ops->load_session(a->o.user, cid, &record, &window);
    return r ? r : sg_session_table_add(&a->sessions, &record, &window, ret);
}

static int ack_duplicate(struct sg_auth *a, struct sg_auth_session *s, uint64_t seq,
                         struct sg_auth_result *ret)
{
    struct sg_ack ack = {.seq = seq, .status = SG_ACK_DUPLICATE};
    sg_buf_reset(&ret->out);
    ret->event = SG_AUTH_DUPLICATE;
    return sg_auth_ack(a, s, &ack, 1, &ret->out);
}

/* Only a frame that opens may tell anything, even by our answer: so open first, then judge. */
static int judge_frame(struct sg_auth *a, struct sg_auth_session *s, uint64_t seq,
                       struct sg_auth_result *ret)
{
    switch (sg_window_judge(&s->stored, seq)) {
    case SG_WINDOW_SEEN:
        return ack_duplicate(a, s, seq, ret);
    case SG_WINDOW_STALE:
        return drop(ret, SG_AUTH_DROP_STALE);
    case SG_WINDOW_FRESH:
    default:
        break;
    }
    switch (sg_session_claim(s, seq)) {
    case SG_CLAIM_TAKEN:
        ret->event = SG_AUTH_PENDING;
        return 0;
    case SG_CLAIM_FULL:
        return drop(ret, SG_AUTH_DROP_BUSY);
    case SG_CLAIM_OURS:
    default:
        break;
    }
    ret->event = SG_AUTH_PAYLOAD;
    ret->session = s;
    ret->seq = seq;
    ret->kind = (enum sg_payload_kind)ret->out.data[0];
    ret->payload = SG_BYTES(ret->out.data + 1, ret->out.len - 1);
    return 0;
}

static int on_uplink(struct sg_auth *a, const struct sg_frame *f, int64_t now_ms,
                     struct sg_auth_result *ret)
{
    struct sg_auth_session *s = sg_session_table_find(&a->sessions, f->id);
    if (!s && !may_load(a, f->id, now_ms))
        return drop(ret, SG_AUTH_DROP_LOAD_RATE);
    int r = s ? 0 : load_session(a, f->id, &s);
    if (r)
        return r == SG_AUTH_NO_SESSION ? reply_unknown(f->id, ret) : r;
    r = sg_frame_open(&s->keys->uplink, f, &ret->out);
    if (r > 0)
        return drop(ret, SG_AUTH_DROP_FORGED);
    return r ? r : judge_frame(a, s, f->seq, ret);
}

int sg_auth_receive(struct sg_auth *a, struct sg_bytes datagram, int64_t now_ms, int64_t unix_s,
                    struct sg_auth_result *ret)
{
    struct sg_frame f;
    sg_buf_reset(&ret->out);
    ret->session = NULL;
    ret->handshake_outcome = 0;
    if (sg_frame_decode(datagram, &f))
        return drop(ret, SG_AUTH_DROP_MALFORMED);
    switch (f.type) {
    case SG_FRAME_UPLINK:
        return on_uplink(a, &f, now_ms, ret);
    case SG_FRAME_EDHOC_1:
        return on_message_1(a, &f, now_ms, ret);
    case SG_FRAME_EDHOC_3:
        return on_message_3(a, &f, unix_s, ret);
    case SG_FRAME_EDHOC_ERROR: /* anybody's; a handshake that was given up gives way when its place
                                * is needed */
        return drop(ret, SG_AUTH_DROP_HANDSHAKE_ENDED);
    case SG_FRAME_DOWNLINK:
    case SG_FRAME_EDHOC_2:
    case SG_FRAME_EDHOC_4:
    default:
        return drop(ret, SG_AUTH_DROP_DIRECTION);
    }
}

/* ---- windows ---- */

const struct sg_session_record *sg_auth_session_record(const struct sg_auth_session *s)
{
    return &s->record;
}

const struct sg_window *sg_auth_session_window(const struct sg_auth_session *s, bool *ret_absent)
{
    *ret_absent = s->stored.highest == 0;
    return &s->stored;
}

void sg_auth_plan(const struct sg_auth_session *s, const uint64_t *seqs, size_t n,
                  struct sg_window *ret, bool *ret_ok)
{
    *ret = s->stored;
    for (size_t i = 0; i < n; i++) {
        /* Judged as marking goes on: a number that a later one of this batch pushes out of the
         * window is still within it here, because claims span less than a window. */
        ret_ok[i] = sg_window_judge(&s->stored, seqs[i]) == SG_WINDOW_FRESH &&
                    sg_window_judge(ret, seqs[i]) == SG_WINDOW_FRESH;
        if (ret_ok[i])
            sg_window_mark(ret, seqs[i]);
    }
}

void sg_auth_planned_durable(struct sg_auth_session *s, const struct sg_window *w)
{
    s->stored = *w;
}

void sg_auth_session_reload(struct sg_auth_session *s, const struct sg_window *stored)
{
    s->stored = *stored;
}

void sg_auth_settled(struct sg_auth_session *s, uint64_t seq)
{
    sg_session_unclaim(s, seq);
}

/* ---- downlink ---- */

static int seal_down(struct sg_auth *a, struct sg_auth_session *s, struct sg_bytes plain,
                     struct sg_buf *ret)
{
    if (a->next_down >= SG_FRAME_SEQ_MAX) {
        a->o.ops->random(a->o.user, a->sender, sizeof a->sender);
        a->next_down = 1;
    }
    sg_session_downlink_key(s, a->sender);
    return sg_frame_seal_downlink(&s->keys->downlink, s->record.cid, a->sender, a->next_down++,
                                  plain, ret);
}

int sg_auth_ack(struct sg_auth *a, struct sg_auth_session *s, const struct sg_ack *acks, size_t n,
                struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT(1 + SG_ACKS_MAX * SG_ACK_LEN);
    int r = sg_ack_encode(acks, n, &plain);
    return r ? r : seal_down(a, s, sg_buf_bytes(&plain), ret);
}

int sg_auth_command(struct sg_auth *a, struct sg_auth_session *s, enum sg_payload_kind kind,
                    struct sg_bytes payload, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT_SECRET(SG_FRAME_PLAIN_MAX);
    int r = sg_buf_append_u8(&plain, (uint8_t)kind);
    r = r ? r : sg_buf_append(&plain, payload);
    return r ? r : seal_down(a, s, sg_buf_bytes(&plain), ret);
}
