/*
 * Sealed frame: docs/adr/0001-sealed-frame.md.  AES-128-GCM, tag 16; the header is the AAD.
 */
#include <sealgrid/crypto/aead.h>
#include <sealgrid/meter/frame.h>

#define NONCE_LEN 12

const char *const sg_refusal_words[SG_REFUSED_COUNT] = {
#define SG_R(name, number, word) [number] = (word),
    SG_REFUSALS(SG_R)
#undef SG_R
};

/* ---- codec ---- */

static bool take_id(struct sg_reader *r, uint8_t *ret, size_t len)
{
    struct sg_bytes b;
    if (!sg_take(r, len, &b))
        return false;
    memcpy(ret, b.data, len);
    return true;
}

static bool take_sealed_header(struct sg_reader *r, struct sg_frame *f)
{
    if (!take_id(r, f->id, SG_FRAME_ID_LEN))
        return false;
    if (f->type == SG_FRAME_DOWNLINK && !take_id(r, f->sender, SG_FRAME_SENDER_LEN))
        return false;
    if (!sg_take_be64(r, &f->seq) || f->seq == 0 || f->seq > SG_FRAME_SEQ_MAX)
        return false;
    return r->left > SG_FRAME_TAG_LEN; /* at least the kind octet */
}

static bool take_header(struct sg_reader *r, struct sg_frame *f)
{
    uint8_t version, type;
    if (!sg_take_u8(r, &version) || version != SG_FRAME_VERSION || !sg_take_u8(r, &type))
        return false;
    f->type = (enum sg_frame_type)type;
    switch (type) {
    case SG_FRAME_UPLINK:
    case SG_FRAME_DOWNLINK:
        return take_sealed_header(r, f);
    case SG_FRAME_EDHOC_1:
    case SG_FRAME_EDHOC_2:
    case SG_FRAME_EDHOC_3:
    case SG_FRAME_EDHOC_4:
    case SG_FRAME_EDHOC_ERROR:
        return take_id(r, f->id, SG_FRAME_ID_LEN) && r->left > 0;
    default:
        return false;
    }
}

int sg_frame_decode(struct sg_bytes datagram, struct sg_frame *ret)
{
    struct sg_reader r = sg_reader_over(datagram);
    struct sg_frame f = {0};
    if (datagram.len > SG_FRAME_MAX || !take_header(&r, &f))
        return SG_FRAME_MALFORMED;
    f.header = SG_BYTES(datagram.data, datagram.len - r.left);
    (void)sg_take(&r, r.left, &f.body);
    *ret = f;
    return 0;
}

/* Header of any type; the types that have no sender or sequence number ignore them. */
static size_t put_header(uint8_t *p, enum sg_frame_type type, const uint8_t *id,
                         const uint8_t *sender, uint64_t seq)
{
    size_t n = SG_FRAME_HANDSHAKE_HEADER;
    p[0] = SG_FRAME_VERSION;
    p[1] = (uint8_t)type;
    memcpy(p + 2, id, SG_FRAME_ID_LEN);
    if (type == SG_FRAME_DOWNLINK) {
        memcpy(p + n, sender, SG_FRAME_SENDER_LEN);
        n += SG_FRAME_SENDER_LEN;
    }
    if (type == SG_FRAME_UPLINK || type == SG_FRAME_DOWNLINK) {
        sg_store_be64(p + n, seq);
        n += 8;
    }
    return n;
}

int sg_frame_encode_handshake(enum sg_frame_type type, const uint8_t id[SG_FRAME_ID_LEN],
                              struct sg_bytes message, struct sg_buf *ret)
{
    uint8_t header[SG_FRAME_HANDSHAKE_HEADER];
    sg_assert(type >= SG_FRAME_EDHOC_1 && type <= SG_FRAME_EDHOC_ERROR);
    size_t n = put_header(header, type, id, NULL, 0);
    int r = sg_buf_reserve(ret, n + message.len);
    r = r ? r : sg_buf_append(ret, SG_BYTES(header, n));
    return r ? r : sg_buf_append(ret, message);
}

/* ---- seal and open ---- */

static void make_nonce(uint8_t nonce[NONCE_LEN], const struct sg_frame_key *k, uint64_t seq)
{
    uint8_t be[8];
    memcpy(nonce, k->iv, NONCE_LEN);
    sg_store_be64(be, seq);
    for (size_t i = 0; i < 8; i++)
        nonce[NONCE_LEN - 8 + i] ^= be[i];
}

static int seal(const struct sg_frame_key *k, enum sg_frame_type type, const uint8_t *id,
                const uint8_t *sender, uint64_t seq, struct sg_bytes plain, struct sg_buf *ret)
{
    uint8_t header[SG_FRAME_DOWNLINK_HEADER], nonce[NONCE_LEN], *out;
    size_t before = ret->len;
    if (seq == 0 || seq > SG_FRAME_SEQ_MAX || plain.len == 0 || plain.len > SG_FRAME_PLAIN_MAX)
        return sg_raise(-EMSGSIZE);
    size_t n = put_header(header, type, id, sender, seq);
    int r = sg_buf_extend(ret, n + plain.len + SG_FRAME_TAG_LEN, &out);
    if (r)
        return r;
    memcpy(out, header, n);
    make_nonce(nonce, k, seq);
    r = sg_aead_seal(SG_AEAD_AES_128_GCM, k->key, nonce, SG_BYTES(out, n), plain, out + n);
    if (r)
        ret->len = before;
    return r;
}

int sg_frame_seal_uplink(const struct sg_frame_key *k, const uint8_t cid[SG_FRAME_ID_LEN],
                         uint64_t seq, struct sg_bytes plain, struct sg_buf *ret)
{
    return seal(k, SG_FRAME_UPLINK, cid, NULL, seq, plain, ret);
}

int sg_frame_seal_downlink(const struct sg_frame_key *k, const uint8_t cid[SG_FRAME_ID_LEN],
                           const uint8_t sender[SG_FRAME_SENDER_LEN], uint64_t seq,
                           struct sg_bytes plain, struct sg_buf *ret)
{
    return seal(k, SG_FRAME_DOWNLINK, cid, sender, seq, plain, ret);
}

int sg_frame_open(const struct sg_frame_key *k, const struct sg_frame *f, struct sg_buf *ret)
{
    uint8_t nonce[NONCE_LEN], *out;
    size_t before = ret->len;
    if (f->type != SG_FRAME_UPLINK && f->type != SG_FRAME_DOWNLINK)
        return SG_FRAME_MALFORMED;
    int r = sg_buf_extend(ret, f->body.len - SG_FRAME_TAG_LEN, &out);
    if (r)
        return r;
    make_nonce(nonce, k, f->seq);
    r = sg_aead_open(SG_AEAD_AES_128_GCM, k->key, nonce, f->header, f->body, out);
    if (r)
        ret->len = before;
    return r == SG_AEAD_FORGED ? SG_FRAME_FORGED : r;
}

/* ---- replay window ---- */

static bool get_bit(const struct sg_window *w, uint64_t age)
{
    return w->bits[age / 8] >> (7 - age % 8) & 1;
}

static void set_bit(struct sg_window *w, uint64_t age)
{
    w->bits[age / 8] = (uint8_t)(w->bits[age / 8] | 1u << (7 - age % 8));
}

enum sg_window_verdict sg_window_judge(const struct sg_window *w, uint64_t seq)
{
    if (seq > w->highest)
        return SG_WINDOW_FRESH;
    uint64_t age = w->highest - seq;
    if (age >= SG_WINDOW_SIZE)
        return SG_WINDOW_STALE;
    return get_bit(w, age) ? SG_WINDOW_SEEN : SG_WINDOW_FRESH;
}

/* Every sequence number grows older by n. */
static void age_by(struct sg_window *w, uint64_t n)
{
    struct sg_window old = *w;
    memset(w->bits, 0, sizeof w->bits);
    for (uint64_t age = 0; age + n < SG_WINDOW_SIZE; age++)
        if (get_bit(&old, age))
            set_bit(w, age + n);
}

void sg_window_mark(struct sg_window *w, uint64_t seq)
{
    if (seq > w->highest) {
        age_by(w, seq - w->highest < SG_WINDOW_SIZE ? seq - w->highest : SG_WINDOW_SIZE);
        w->highest = seq;
    }
    sg_assert(w->highest - seq < SG_WINDOW_SIZE);
    set_bit(w, w->highest - seq);
}

/* ---- acknowledgement ---- */

int sg_ack_encode(const struct sg_ack *acks, size_t n, struct sg_buf *ret)
{
    uint8_t *p;
    if (n == 0 || n > SG_ACKS_MAX)
        return sg_raise(-EINVAL);
    int r = sg_buf_extend(ret, 1 + n * SG_ACK_LEN, &p);
    if (r)
        return r;
    *p++ = SG_PAYLOAD_ACK;
    for (size_t i = 0; i < n; i++, p += SG_ACK_LEN) {
        sg_store_be64(p, acks[i].seq);
        p[8] = (uint8_t)acks[i].status;
        p[9] = (uint8_t)acks[i].reason;
    }
    return 0;
}

/* A reason goes with a refusal and with nothing else. */
static bool ack_makes_sense(const struct sg_ack *a)
{
    if (a->seq == 0 || a->seq > SG_FRAME_SEQ_MAX || a->status > SG_ACK_REFUSED ||
        a->reason >= SG_REFUSED_COUNT)
        return false;
    return (a->status == SG_ACK_REFUSED) == (a->reason != SG_REFUSED_NONE);
}

int sg_ack_decode(struct sg_bytes plain, struct sg_ack *ret, size_t *ret_n)
{
    struct sg_reader r = sg_reader_over(plain);
    uint8_t kind, status, reason;
    size_t n = 0;
    if (!sg_take_u8(&r, &kind) || kind != SG_PAYLOAD_ACK || r.left == 0 ||
        r.left % SG_ACK_LEN != 0 || r.left / SG_ACK_LEN > SG_ACKS_MAX)
        return SG_FRAME_MALFORMED;
    for (; r.left > 0; n++) {
        if (!sg_take_be64(&r, &ret[n].seq) || !sg_take_u8(&r, &status) || !sg_take_u8(&r, &reason))
            return SG_FRAME_MALFORMED;
        ret[n].status = (enum sg_ack_status)status;
        ret[n].reason = (enum sg_refusal)reason;
        if (!ack_makes_sense(&ret[n]))
            return SG_FRAME_MALFORMED;
    }
    *ret_n = n;
    return 0;
}
