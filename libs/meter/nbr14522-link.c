/*
 * Reader's side of the link.
 *
 *            ENQ            command                ENQ: send            first octet
 *   SILENT ------> IDLE ------------> ASKING -----------------> SENT --------------> RECEIVING
 *                   ^                   ^ ^ NAK, WAIT, silence    |                     |   |
 *                   |                   | +-----------------------+    bad CRC or gap:  |   |
 *                   |                   +------ NAK, wait again <-- SENT <--------------+   |
 *                   +-------------------------- good answer: ACK <--------------------------+
 *
 * Any limit passed: DEAD.  An octet that no state expects is a break of sequence: ignored, and the
 * next ENQ resynchronises.
 */
#include <sealgrid/meter/nbr14522-reader.h>

const struct sg_nbr_link_limits sg_nbr_link_standard = {
    .naks = 7,
    .waits = 12,
    .sends = 7,
    .octet_gap_ms = 7,
    .answer_ms = 502,
    .silence_ms = 600,
    .wait_ms = 305000,
};

enum input { IN_ENQ, IN_ACK, IN_NAK, IN_WAIT, IN_OTHER, IN_TIMEOUT, N_INPUTS };

struct step {
    struct sg_nbr_link *l;
    uint8_t octet;
    int64_t now_ms;
    struct sg_buf *out;
    enum sg_nbr_link_event event;
};

typedef int (*action)(struct step *s);

static int die(struct step *s, const char *why)
{
    s->l->state = SG_NBR_LINK_DEAD;
    s->l->deadline_ms = INT64_MAX;
    s->l->why = why;
    s->event = SG_NBR_LINK_FAILED;
    return 0;
}

static void enter(struct step *s, enum sg_nbr_link_state state, unsigned within_ms)
{
    s->l->state = state;
    s->l->deadline_ms = s->now_ms + within_ms;
}

static int ignore(struct step *s)
{
    (void)s;
    return 0;
}

static int connect_line(struct step *s)
{
    s->event = SG_NBR_LINK_CONNECTED;
    enter(s, SG_NBR_LINK_IDLE, s->l->limits.silence_ms);
    return 0;
}

static int stay_idle(struct step *s)
{
    enter(s, SG_NBR_LINK_IDLE, s->l->limits.silence_ms);
    return 0;
}

static int send_command(struct step *s)
{
    struct sg_nbr_link *l = s->l;
    if (l->sends >= l->limits.sends)
        return die(s, "command never answered");
    if (l->sends++ == 0 && l->waits == 0)
        l->asked_ms = s->now_ms;
    l->more = false;
    l->received = 0;
    enter(s, SG_NBR_LINK_SENT, l->limits.answer_ms);
    return sg_buf_append(s->out, SG_BYTES_ARRAY(l->command));
}

static int command_refused(struct step *s)
{
    if (++s->l->naks >= s->l->limits.naks)
        return die(s, "meter refuses the command");
    enter(s, SG_NBR_LINK_ASKING, s->l->limits.silence_ms);
    return 0;
}

/* The next ENQ means: send the command again. */
static int told_to_wait(struct step *s)
{
    if (++s->l->waits > s->l->limits.waits)
        return die(s, "meter asks to wait too often");
    if (s->now_ms - s->l->asked_ms > (int64_t)s->l->limits.wait_ms)
        return die(s, "meter asks to wait too long");
    s->l->sends = 0;
    enter(s, SG_NBR_LINK_ASKING, s->l->limits.silence_ms);
    return 0;
}

/* Inside a composite answer: the meter goes back to ENQ or falls silent when our ACK was lost. */
static int repeat_ack(struct step *s)
{
    if (++s->l->naks >= s->l->limits.naks)
        return die(s, "acknowledgement lost too often");
    enter(s, SG_NBR_LINK_SENT, s->l->limits.answer_ms);
    return sg_buf_append_u8(s->out, SG_NBR_ACK);
}

/* ENQ where an answer was expected: the command was lost. */
static int ask_again(struct step *s)
{
    if (s->l->more)
        return repeat_ack(s);
    s->l->state = SG_NBR_LINK_ASKING;
    return send_command(s);
}

static int no_answer(struct step *s)
{
    if (s->l->more)
        return repeat_ack(s);
    enter(s, SG_NBR_LINK_ASKING, s->l->limits.silence_ms);
    return 0;
}

static int refuse_answer(struct step *s)
{
    s->l->received = 0;
    if (++s->l->naks >= s->l->limits.naks)
        return die(s, "answer damaged too often");
    enter(s, SG_NBR_LINK_SENT, s->l->limits.answer_ms);
    return sg_buf_append_u8(s->out, SG_NBR_NAK);
}

/* Composite answers: octet 6 high nibble 0 means that another block follows our ACK. */
static bool more_follows(const uint8_t answer[258])
{
    return (answer[0] == 0x26 || answer[0] == 0x27 || answer[0] == 0x52) && answer[5] >> 4 == 0;
}

static int accept_answer(struct step *s)
{
    struct sg_nbr_link *l = s->l;
    s->event = SG_NBR_LINK_ANSWER;
    l->received = 0;
    l->naks = 0;
    l->more = more_follows(l->answer);
    if (l->more)
        enter(s, SG_NBR_LINK_SENT, l->limits.answer_ms);
    else
        enter(s, SG_NBR_LINK_IDLE, l->limits.silence_ms);
    return sg_buf_append_u8(s->out, SG_NBR_ACK);
}

static int take_octet(struct step *s)
{
    struct sg_nbr_link *l = s->l;
    struct sg_nbr_frame f;
    l->answer[l->received++] = s->octet;
    enter(s, SG_NBR_LINK_RECEIVING, l->limits.octet_gap_ms);
    if (l->received < sizeof(l->answer))
        return 0;
    return sg_nbr_frame_decode(SG_BYTES_ARRAY(l->answer), &f) == 0 ? accept_answer(s)
                                                                   : refuse_answer(s);
}

static int line_dead(struct step *s)
{
    return die(s, "line silent");
}

static const action table[SG_NBR_LINK_N_STATES][N_INPUTS] = {
    /* ENQ, ACK, NAK, WAIT, another octet, time-out */
    [SG_NBR_LINK_SILENT] = {connect_line, ignore, ignore, ignore, ignore, line_dead},
    [SG_NBR_LINK_IDLE] = {stay_idle, ignore, ignore, ignore, ignore, line_dead},
    [SG_NBR_LINK_ASKING] = {send_command, ignore, ignore, ignore, ignore, line_dead},
    [SG_NBR_LINK_SENT] = {ask_again, ignore, command_refused, told_to_wait, take_octet, no_answer},
    /* Inside a block every octet is data. */
    [SG_NBR_LINK_RECEIVING] = {take_octet, take_octet, take_octet, take_octet, take_octet,
                               refuse_answer},
    [SG_NBR_LINK_DEAD] = {ignore, ignore, ignore, ignore, ignore, ignore},
};

static enum input input_of(uint8_t octet)
{
    switch (octet) {
    case SG_NBR_ENQ:
        return IN_ENQ;
    case SG_NBR_ACK:
        return IN_ACK;
    case SG_NBR_NAK:
        return IN_NAK;
    case SG_NBR_WAIT:
        return IN_WAIT;
    default:
        return IN_OTHER;
    }
}

static int run(struct sg_nbr_link *l, enum input in, uint8_t octet, int64_t now_ms,
               struct sg_buf *out, enum sg_nbr_link_event *ret)
{
    struct step s = {l, octet, now_ms, out, SG_NBR_LINK_NOTHING};
    int r = table[l->state][in](&s);
    if (r == 0)
        *ret = s.event;
    return r;
}

void sg_nbr_link_init(struct sg_nbr_link *l, const struct sg_nbr_link_limits *limits,
                      int64_t now_ms)
{
    *l = (struct sg_nbr_link){.limits = *limits, .state = SG_NBR_LINK_SILENT};
    l->deadline_ms = now_ms + limits->silence_ms;
}

int sg_nbr_link_ask(struct sg_nbr_link *l, const uint8_t block[SG_NBR_COMMAND_LEN])
{
    if (l->state != SG_NBR_LINK_IDLE)
        return sg_raise(-EBUSY);
    struct sg_buf frame = {l->command, 0, sizeof(l->command), sizeof(l->command), false};
    const struct sg_nbr_frame f = {.variant = SG_NBR_COMMAND_66,
                                   .block = {block, SG_NBR_COMMAND_LEN}};
    int r = sg_nbr_frame_encode(&f, &frame);
    if (r)
        return r;
    l->naks = l->waits = l->sends = 0;
    l->state = SG_NBR_LINK_ASKING;
    return 0;
}

int sg_nbr_link_octet(struct sg_nbr_link *l, uint8_t octet, int64_t now_ms, struct sg_buf *out,
                      enum sg_nbr_link_event *ret)
{
    return run(l, input_of(octet), octet, now_ms, out, ret);
}

int sg_nbr_link_tick(struct sg_nbr_link *l, int64_t now_ms, struct sg_buf *out,
                     enum sg_nbr_link_event *ret)
{
    if (now_ms < l->deadline_ms) {
        *ret = SG_NBR_LINK_NOTHING;
        return 0;
    }
    return run(l, IN_TIMEOUT, 0, now_ms, out, ret);
}
