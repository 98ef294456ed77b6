/*
 * Meter end of a session (session.h).
 *
 *          connect                 message_2 verified          message_4 verified
 *   IDLE ----------> WAIT_2 ---------------------> WAIT_4 ---------------------> OPEN
 *     ^   <- timer, too many sends, error: start over with a new handshake <-      |
 *     |                                                                            |
 *     +--- a frame unanswered too long, key or sender slots used up: renew --------+
 *
 * While a session is being renewed its predecessor still takes acknowledgements.  When the new one
 * opens, what is still in flight is sealed again under the new keys: the store recognises a block
 * that had arrived after all.
 *
 * Nothing that a stranger can forge (errors, unknown handshake ids) does more than let the timer
 * that runs anyway choose another step; it never makes the meter send sooner.
 */
#include "keyslab.h"

#include <sealgrid/crypto/aead.h>
#include <sealgrid/meter/session.h>

#define RETRY_FIRST_MS          2000
#define RETRY_MAX_MS            60000
#define ATTEMPTS_BEFORE_RENEWAL 8
#define ATTEMPTS_WITH_HINT      2 /* an authenticator said that it does not know this session */
#define HANDSHAKE_ATTEMPTS      5 /* sends of one handshake message before a new handshake */
#define NEVER                   INT64_MAX

struct sender {
    uint8_t id[SG_FRAME_SENDER_LEN];
    struct sg_window window;
};

struct flight {
    uint64_t seq; /* 0: free */
    uint64_t token;
    int64_t due_ms;
    uint8_t *frame;
    uint32_t len;
    uint32_t sends;
};

struct keys {
    uint8_t prk_exporter[SG_EDHOC_PRK_LEN];
    struct sg_frame_key uplink;
    struct sg_frame_key downlink[SG_METER_SENDERS_MAX];
};

struct handshake {
    struct sg_edhoc *engine;
    uint8_t id[SG_FRAME_ID_LEN];
    struct sg_buf datagram; /* what was sent last */
    unsigned sends;
    unsigned rounds; /* handshakes begun without success */
    int64_t due_ms;
    size_t suite; /* index into the configuration's */
    bool doubted; /* an error, or a message that failed, came: begun anew when the timer runs out */
};

struct sg_meter_session {
    const struct sg_meter_session_config *c;
    const struct sg_edhoc_identity *own;
    void *user;
    enum sg_meter_state state;
    struct sg_edhoc_config edhoc;
    struct sg_edhoc_credential credential;
    struct handshake hs;
    bool has_session; /* keys below are valid */
    bool unknown_hint;
    bool senders_full;
    uint8_t cid[SG_FRAME_ID_LEN];
    uint64_t next_seq;
    struct sg_secret own_page; /* when the configuration has no slab */
    struct keys *keys;
    struct sender senders[SG_METER_SENDERS_MAX];
    size_t n_senders;
    struct flight flights[SG_METER_INFLIGHT_MAX];
    unsigned n_flights;
    struct sg_meter_counters counters;
};

_Static_assert(sizeof(struct sg_meter_session) + sizeof(struct keys) <= 2048, "session too large");

size_t sg_meter_session_size(void)
{
    return sizeof(struct sg_meter_session) + sizeof(struct keys);
}

/* ---- timers ---- */

static int64_t jitter(struct sg_meter_session *s, int64_t span)
{
    uint32_t v;
    s->c->ops->random(s->user, &v, sizeof v);
    return span > 0 ? (int64_t)(v % (uint64_t)span) : 0;
}

/* When to try again after the given number of sends. */
static int64_t retry_at(struct sg_meter_session *s, unsigned sends, int64_t now_ms)
{
    int64_t first = s->c->retry_first_ms ? s->c->retry_first_ms : RETRY_FIRST_MS;
    int64_t max = s->c->retry_max_ms ? s->c->retry_max_ms : RETRY_MAX_MS;
    int64_t wait = first;
    for (unsigned i = 1; i < sends && wait < max; i++)
        wait *= 2;
    wait = wait < max ? wait : max;
    return now_ms + wait + jitter(s, wait / 4);
}

/* ---- handshake ---- */

static const struct sg_edhoc_credential *own_credential(void *user, int suite)
{
    struct sg_meter_session *s = user;
    (void)suite; /* every suite of ours is on P-256 */
    return &s->credential;
}

static int find_authenticator(void *user, const struct sg_edhoc_id *id,
                              struct sg_edhoc_credential *ret)
{
    const struct sg_meter_session *s = user;
    if (id->label != SG_EDHOC_X5T)
        return SG_EDHOC_NOBODY;
    for (size_t i = 0; i < s->c->n_authenticators; i++) {
        const struct sg_edhoc_identity *a = s->c->authenticators[i];
        if (sg_bytes_equal(id->id_cred, sg_buf_bytes(&a->id_cred))) {
            *ret = sg_edhoc_identity_credential(a);
            return 0;
        }
    }
    return SG_EDHOC_NOBODY;
}

static void drop_handshake(struct sg_meter_session *s)
{
    sg_edhoc_free(TAKE_PTR(s->hs.engine));
    sg_buf_clear(&s->hs.datagram);
    s->hs.sends = 0;
    s->hs.doubted = false;
}

static void send_handshake(struct sg_meter_session *s, int64_t now_ms)
{
    s->hs.sends++;
    s->hs.due_ms = retry_at(s, s->hs.sends + (s->hs.rounds > 4 ? 4 : s->hs.rounds), now_ms);
    s->c->ops->send(s->user, sg_buf_bytes(&s->hs.datagram));
}

static int begin_handshake(struct sg_meter_session *s, int64_t now_ms)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf m1 = SG_BUF_INIT(SG_EDHOC_MESSAGE_MAX);
    drop_handshake(s);
    s->c->ops->random(s->user, s->hs.id, sizeof s->hs.id);
    int r = sg_edhoc_initiator(&s->hs.engine, &s->edhoc, SG_BYTES_ARRAY(s->hs.id));
    r = r ? r : sg_edhoc_message_1(s->hs.engine, s->c->suites[s->hs.suite], &m1);
    r = r ? r
          : sg_frame_encode_handshake(SG_FRAME_EDHOC_1, s->hs.id, sg_buf_bytes(&m1),
                                      &s->hs.datagram);
    if (r)
        return sg_fold(r);
    s->state = SG_METER_WAIT_2;
    send_handshake(s, now_ms);
    return 0;
}

static void send_error(struct sg_meter_session *s, int outcome)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf m = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf d = SG_BUF_INIT(512);
    if (sg_edhoc_error(s->hs.engine, outcome, &m) == 0 &&
        sg_frame_encode_handshake(SG_FRAME_EDHOC_ERROR, s->hs.id, sg_buf_bytes(&m), &d) == 0)
        s->c->ops->send(s->user, sg_buf_bytes(&d));
}

/* Common end of a handshake step.  What failed may have been a stranger's: the genuine message has
 * until the timer runs out. */
static int judge_step(struct sg_meter_session *s, int r)
{
    if (r <= 0)
        return r;
    send_error(s, r);
    s->hs.doubted = true;
    return 0;
}

static int on_message_2(struct sg_meter_session *s, struct sg_bytes m, int64_t now_ms)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf m3 = SG_BUF_INIT(SG_EDHOC_MESSAGE_MAX);
    if (s->state != SG_METER_WAIT_2 || !s->hs.engine)
        return 0;
    int r = sg_edhoc_on_message_2(s->hs.engine, m, &m3);
    if (r)
        return judge_step(s, r);
    sg_buf_reset(&s->hs.datagram);
    r = sg_frame_encode_handshake(SG_FRAME_EDHOC_3, s->hs.id, sg_buf_bytes(&m3), &s->hs.datagram);
    if (r)
        return r;
    s->state = SG_METER_WAIT_4;
    s->hs.sends = 0;
    s->hs.doubted = false;
    send_handshake(s, now_ms);
    return 0;
}

static void derive(struct sg_frame_key *ret, const uint8_t prk[SG_EDHOC_PRK_LEN], uint32_t label,
                   struct sg_bytes context)
{
    _Static_assert(sizeof(struct sg_frame_key) == 28, "key and IV side by side");
    sg_edhoc_export_from(prk, label, context, (uint8_t *)ret, sizeof *ret);
}

/* ---- frames in flight ---- */

static void land(struct sg_meter_session *s, struct flight *f)
{
    free(f->frame);
    *f = (struct flight){0};
    s->n_flights--;
}

static void send_flight(struct sg_meter_session *s, struct flight *f, int64_t now_ms)
{
    f->sends++;
    f->due_ms = retry_at(s, f->sends, now_ms);
    if (f->sends == 1)
        s->counters.frames++;
    else
        s->counters.retransmissions++;
    s->c->ops->send(s->user, SG_BYTES(f->frame, f->len));
}

/* plain sealed under the present keys into f. */
static int seal_into(struct sg_meter_session *s, struct flight *f, struct sg_bytes plain)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf sealed = SG_BUF_INIT(SG_FRAME_MAX);
    int r = sg_buf_reserve(&sealed, SG_FRAME_UPLINK_HEADER + plain.len + SG_FRAME_TAG_LEN);
    r = r ? r : sg_frame_seal_uplink(&s->keys->uplink, s->cid, s->next_seq, plain, &sealed);
    if (r)
        return r;
    /* The exact length: buffers grow by doubling and there may be very many of these. */
    uint8_t *exact = realloc(sealed.data, sealed.len);
    if (!exact)
        return sg_raise(-ENOMEM);
    free(f->frame);
    f->frame = exact;
    f->len = (uint32_t)sealed.len;
    f->seq = s->next_seq++;
    f->sends = 0;
    sealed.data = NULL;
    return 0;
}

/* Opens a frame of our own with the key it was sealed with and seals it again under the new one. */
static int reseal(struct sg_meter_session *s, struct flight *f, const struct sg_frame_key *old,
                  int64_t now_ms)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT_SECRET(SG_FRAME_MAX);
    struct sg_frame frame;
    int r = sg_frame_decode(SG_BYTES(f->frame, f->len), &frame);
    r = r ? r : sg_frame_open(old, &frame, &plain);
    r = r ? r : seal_into(s, f, sg_buf_bytes(&plain));
    if (r)
        return sg_fold(r);
    send_flight(s, f, now_ms);
    return 0;
}

static void wipe_key(struct sg_frame_key *k)
{
    sg_wipe(k, sizeof *k);
}

static int install_session(struct sg_meter_session *s, int64_t now_ms)
{
    SG_CLEANUP(wipe_key) struct sg_frame_key old = s->keys->uplink;
    struct sg_bytes cid = sg_edhoc_peer_conn_id(s->hs.engine);
    if (cid.len != SG_FRAME_ID_LEN) {
        s->hs.doubted = true;
        return 0;
    }
    int r = sg_edhoc_prk_exporter(s->hs.engine, s->keys->prk_exporter);
    if (r)
        return r;
    memcpy(s->cid, cid.data, sizeof s->cid);
    derive(&s->keys->uplink, s->keys->prk_exporter, SG_SESSION_LABEL_UPLINK, SG_BYTES_NONE);
    s->next_seq = 1;
    s->n_senders = 0;
    s->senders_full = s->unknown_hint = false;
    s->has_session = true;
    s->state = SG_METER_OPEN;
    s->hs.rounds = 0;
    s->hs.due_ms = NEVER;
    s->counters.handshakes++;
    drop_handshake(s);
    for (size_t i = 0; i < SG_METER_INFLIGHT_MAX; i++) {
        r = s->flights[i].seq ? reseal(s, &s->flights[i], &old, now_ms) : 0;
        if (r)
            return r;
    }
    s->c->ops->connected(s->user);
    return 0;
}

static int on_message_4(struct sg_meter_session *s, struct sg_bytes m, int64_t now_ms)
{
    if (s->state != SG_METER_WAIT_4)
        return 0;
    int r = sg_edhoc_on_message_4(s->hs.engine, m);
    return r ? judge_step(s, r) : install_session(s, now_ms);
}

/* Another suite that the peer names and we have; false if it names none. */
static bool choose_suite(struct sg_meter_session *s)
{
    size_t n;
    const int *theirs = sg_edhoc_peer_suites(s->hs.engine, &n);
    for (size_t i = 0; i < s->c->n_suites; i++) {
        for (size_t k = 0; k < n; k++) {
            if (s->c->suites[i] == theirs[k] && i != s->hs.suite) {
                s->hs.suite = i;
                return true;
            }
        }
    }
    return false;
}

/* An error is unauthenticated: the answer that it stands for may come all the same. */
static int on_handshake_error(struct sg_meter_session *s, struct sg_bytes m)
{
    if (!s->hs.engine)
        return 0;
    int r = sg_edhoc_on_error(s->hs.engine, m);
    if (r < 0)
        return r;
    s->hs.doubted = s->hs.doubted || r == SG_EDHOC_PEER_ERROR;
    return 0;
}

/* ---- downlink ---- */

static struct sender *find_sender(struct sg_meter_session *s, const uint8_t *id)
{
    for (size_t i = 0; i < s->n_senders; i++)
        if (memcmp(s->senders[i].id, id, SG_FRAME_SENDER_LEN) == 0)
            return &s->senders[i];
    return NULL;
}

/*
 * A sender is remembered with its window from its first genuine frame on and never forgotten within
 * the session, so that nothing it ever sent can be played back; a session that has heard its fill
 * of senders is renewed instead.
 */
static int open_downlink(struct sg_meter_session *s, const struct sg_frame *f, struct sg_buf *ret)
{
    struct sender *from = find_sender(s, f->sender);
    SG_CLEANUP(wipe_key) struct sg_frame_key key;
    if (from) {
        if (sg_window_judge(&from->window, f->seq) != SG_WINDOW_FRESH)
            return SG_FRAME_FORGED;
        key = s->keys->downlink[from - s->senders];
    } else {
        derive(&key, s->keys->prk_exporter, SG_SESSION_LABEL_DOWNLINK, SG_BYTES_ARRAY(f->sender));
    }
    int r = sg_frame_open(&key, f, ret);
    if (r)
        return r;
    if (!from && s->n_senders == SG_METER_SENDERS_MAX) {
        s->senders_full = true;
        return SG_FRAME_FORGED;
    }
    if (!from) {
        s->keys->downlink[s->n_senders] = key;
        from = &s->senders[s->n_senders++];
        memcpy(from->id, f->sender, sizeof from->id);
        from->window = (struct sg_window){0};
    }
    sg_window_mark(&from->window, f->seq);
    return 0;
}

static void settle(struct sg_meter_session *s, const struct sg_ack *a)
{
    for (size_t i = 0; i < SG_METER_INFLIGHT_MAX; i++) {
        struct flight *f = &s->flights[i];
        if (f->seq != a->seq)
            continue;
        uint64_t token = f->token;
        land(s, f);
        s->counters.settled++;
        s->c->ops->settled(s->user, token, a->status, a->reason);
        return;
    }
}

static void on_acks(struct sg_meter_session *s, struct sg_bytes plain)
{
    struct sg_ack acks[SG_ACKS_MAX];
    size_t n;
    if (sg_ack_decode(plain, acks, &n)) {
        s->counters.refused_downlinks++;
        return;
    }
    for (size_t i = 0; i < n; i++)
        settle(s, &acks[i]);
}

static int on_downlink(struct sg_meter_session *s, const struct sg_frame *f)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT_SECRET(SG_FRAME_MAX);
    int r = SG_FRAME_FORGED;
    if (s->has_session && memcmp(f->id, s->cid, sizeof s->cid) == 0)
        r = open_downlink(s, f, &plain);
    if (r > 0)
        s->counters.refused_downlinks++;
    if (r)
        return r < 0 ? r : 0;
    if (plain.data[0] == SG_PAYLOAD_ACK)
        on_acks(s, sg_buf_bytes(&plain));
    else if (s->c->ops->command)
        s->c->ops->command(s->user, (enum sg_payload_kind)plain.data[0],
                           SG_BYTES(plain.data + 1, plain.len - 1));
    return 0;
}

static int on_error_frame(struct sg_meter_session *s, const struct sg_frame *f)
{
    if (s->has_session && memcmp(f->id, s->cid, sizeof s->cid) == 0) {
        s->unknown_hint = true;
        return 0;
    }
    if (memcmp(f->id, s->hs.id, sizeof s->hs.id) == 0)
        return on_handshake_error(s, f->body);
    return 0;
}

/* ---- public ---- */

static void bind_engine(struct sg_meter_session *s)
{
    s->credential = sg_edhoc_identity_credential(s->own);
    s->edhoc = (struct sg_edhoc_config){.method = 0,
                                        .suites = s->c->suites,
                                        .n_suites = s->c->n_suites,
                                        .patient = true,
                                        .own = own_credential,
                                        .own_user = s,
                                        .lookup = find_authenticator,
                                        .lookup_user = s};
}

static int take_key_memory(struct sg_meter_session *s)
{
    void *slot;
    int r = s->c->keys ? sg_keyslab_take(s->c->keys, &slot)
                       : sg_secret_new(&s->own_page, sizeof *s->keys);
    if (r)
        return r;
    s->keys = s->c->keys ? slot : (void *)s->own_page.data;
    return 0;
}

int sg_meter_key_pool_new(struct sg_keyslab **ret)
{
    return sg_keyslab_new(ret, sizeof(struct keys));
}

void sg_meter_key_pool_free(struct sg_keyslab *p)
{
    sg_keyslab_free(p);
}

int sg_meter_session_new(struct sg_meter_session **ret, const struct sg_meter_session_config *c,
                         const struct sg_edhoc_identity *own, void *user)
{
    if (c->n_suites == 0 || c->n_suites > 2 || !own->key || !sg_key_is_private(own->key))
        return sg_raise(-EINVAL);
    struct sg_meter_session *s = calloc(1, sizeof *s);
    if (!s)
        return sg_raise(-ENOMEM);
    s->c = c;
    s->own = own;
    s->user = user;
    s->hs.datagram.max = SG_EDHOC_MESSAGE_MAX + SG_FRAME_HANDSHAKE_HEADER;
    s->hs.due_ms = NEVER;
    int r = take_key_memory(s);
    if (r) {
        free(s);
        return r;
    }
    bind_engine(s);
    *ret = s;
    return 0;
}

void sg_meter_session_free(struct sg_meter_session *s)
{
    if (!s)
        return;
    drop_handshake(s);
    for (size_t i = 0; i < SG_METER_INFLIGHT_MAX; i++)
        free(s->flights[i].frame);
    if (s->c->keys)
        sg_keyslab_give(s->c->keys, s->keys);
    sg_secret_clear(&s->own_page);
    free(s);
}

int sg_meter_session_connect(struct sg_meter_session *s, int64_t now_ms)
{
    s->hs.rounds = 0;
    return begin_handshake(s, now_ms);
}

enum sg_meter_state sg_meter_session_state(const struct sg_meter_session *s)
{
    return s->state;
}

/* The authenticator's window forgets what is 256 behind, so the oldest frame in flight bounds the
 * newest. */
static bool within_window(const struct sg_meter_session *s)
{
    for (size_t i = 0; i < SG_METER_INFLIGHT_MAX; i++)
        if (s->flights[i].seq && s->next_seq - s->flights[i].seq >= SG_WINDOW_SIZE / 2)
            return false;
    return s->next_seq < SG_FRAME_SEQ_MAX;
}

unsigned sg_meter_session_room(const struct sg_meter_session *s)
{
    if (s->state != SG_METER_OPEN || !within_window(s))
        return 0;
    return SG_METER_INFLIGHT_MAX - s->n_flights;
}

unsigned sg_meter_session_inflight(const struct sg_meter_session *s)
{
    return s->n_flights;
}

int sg_meter_session_queue(struct sg_meter_session *s, enum sg_payload_kind kind,
                           struct sg_bytes payload, uint64_t token, int64_t now_ms)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT_SECRET(SG_FRAME_PLAIN_MAX);
    struct flight *f = s->flights;
    if (s->state != SG_METER_OPEN)
        return SG_METER_NOT_OPEN;
    if (sg_meter_session_room(s) == 0)
        return SG_METER_FULL;
    while (f->seq)
        f++;
    int r = sg_buf_reserve(&plain, payload.len + 1);
    r = r ? r : sg_buf_append_u8(&plain, (uint8_t)kind);
    r = r ? r : sg_buf_append(&plain, payload);
    r = r ? r : seal_into(s, f, sg_buf_bytes(&plain));
    if (r)
        return r;
    f->token = token;
    s->n_flights++;
    send_flight(s, f, now_ms);
    return 0;
}

int sg_meter_session_receive(struct sg_meter_session *s, struct sg_bytes datagram, int64_t now_ms)
{
    struct sg_frame f;
    if (sg_frame_decode(datagram, &f)) {
        s->counters.refused_downlinks++;
        return 0;
    }
    bool ours = memcmp(f.id, s->hs.id, sizeof f.id) == 0;
    switch (f.type) {
    case SG_FRAME_DOWNLINK:
        return on_downlink(s, &f);
    case SG_FRAME_EDHOC_2:
        return ours ? on_message_2(s, f.body, now_ms) : 0;
    case SG_FRAME_EDHOC_4:
        return ours ? on_message_4(s, f.body, now_ms) : 0;
    case SG_FRAME_EDHOC_ERROR:
        return on_error_frame(s, &f);
    case SG_FRAME_UPLINK:
    case SG_FRAME_EDHOC_1:
    case SG_FRAME_EDHOC_3:
    default:
        s->counters.refused_downlinks++;
        return 0;
    }
}

int64_t sg_meter_session_next_ms(const struct sg_meter_session *s)
{
    int64_t next = s->hs.due_ms;
    if (s->state != SG_METER_OPEN)
        return next;
    if (s->senders_full)
        return 0;
    for (size_t i = 0; i < SG_METER_INFLIGHT_MAX; i++)
        if (s->flights[i].seq && s->flights[i].due_ms < next)
            next = s->flights[i].due_ms;
    return next;
}

static int tick_handshake(struct sg_meter_session *s, int64_t now_ms)
{
    if (s->state == SG_METER_IDLE || now_ms < s->hs.due_ms)
        return 0;
    if (s->hs.engine && s->hs.sends < HANDSHAKE_ATTEMPTS && !s->hs.doubted) {
        send_handshake(s, now_ms);
        return 0;
    }
    if (s->hs.engine) {
        s->hs.rounds++;
        if (sg_edhoc_peer_error_code(s->hs.engine) == 2)
            (void)choose_suite(s);
    }
    return begin_handshake(s, now_ms);
}

static bool wants_renewal(const struct sg_meter_session *s, const struct flight *f)
{
    unsigned limit =
        s->c->attempts_before_renewal ? s->c->attempts_before_renewal : ATTEMPTS_BEFORE_RENEWAL;
    return f->sends >= limit || (s->unknown_hint && f->sends >= ATTEMPTS_WITH_HINT);
}

static int tick_flights(struct sg_meter_session *s, int64_t now_ms)
{
    if (s->senders_full || (s->next_seq >= SG_FRAME_SEQ_MAX && s->n_flights == 0))
        return sg_meter_session_connect(s, now_ms);
    for (size_t i = 0; i < SG_METER_INFLIGHT_MAX; i++) {
        struct flight *f = &s->flights[i];
        if (f->seq == 0 || now_ms < f->due_ms)
            continue;
        if (wants_renewal(s, f))
            return sg_meter_session_connect(s, now_ms);
        send_flight(s, f, now_ms);
    }
    return 0;
}

int sg_meter_session_tick(struct sg_meter_session *s, int64_t now_ms)
{
    return s->state == SG_METER_OPEN ? tick_flights(s, now_ms) : tick_handshake(s, now_ms);
}

const struct sg_meter_counters *sg_meter_session_counters(const struct sg_meter_session *s)
{
    return &s->counters;
}
