#pragma once
/*
 * nbr14522-reader - the reading side above frames: a composite answer reassembled over a line that
 * loses frames, and the link with its ENQ, ACK, NAK and WAIT octets.  Sans-I/O, virtual time.
 */
#include <sealgrid/meter/nbr14522-fields.h>

/* ---- composite answers (26, 27, 52): up to 999 blocks of 166 words ------------------------- */

#define SG_NBR_WORDS_PER_BLOCK 166
#define SG_NBR_BLOCKS_MAX      999
#define SG_NBR_TRIPLETS_LEN    249

struct sg_nbr_composite {
    uint8_t code;
    uint8_t meter[4];    /* of the first block; others must agree */
    unsigned blocks;     /* accepted, so the next number is blocks + 1 */
    unsigned blocks_max; /* from the word count of 20/21/22/51; 0: unknown */
    bool complete;
    struct sg_buf packed; /* 249 octets a block */
};

/* words 0: unknown, then the meter's "last" mark ends it. */
void sg_nbr_composite_init(struct sg_nbr_composite *c, uint8_t code, size_t words);
void sg_nbr_composite_clear(struct sg_nbr_composite *c);

enum sg_nbr_composite_outcome {
    SG_NBR_REPEATED = 1,  /* the block before again: the acknowledgement was lost; ask on */
    SG_NBR_FOREIGN,       /* other code or other meter: not for this read */
    SG_NBR_POSITION_LOST, /* block 000: the meter lost the read position.  Ends the read. */
    SG_NBR_WRAPPED,       /* block 001 after others: it began again.  Ends the read. */
    SG_NBR_GAP,           /* any other number out of turn.  Ends the read. */
    SG_NBR_OVERRUN,       /* more blocks than the word count promises.  Ends the read. */
};
/* One answer block (256 octets).  0: taken; then look at c->complete. */
SG_MUST_USE int sg_nbr_composite_feed(struct sg_nbr_composite *c, struct sg_bytes block);
/* Word i; i < blocks * 166. */
unsigned sg_nbr_composite_word(const struct sg_nbr_composite *c, size_t i);
/* Blocks that n words need. */
unsigned sg_nbr_blocks_of(size_t words);

/*
 * The asking side of a composite read on the addressed variants (71 and 68), where octet 5 is 0
 * start, 1 next, 2 repeat.  The caller sends what it is told to and reports an answer or silence.
 */
struct sg_nbr_read {
    struct sg_nbr_composite data;
    unsigned tries;     /* of the step under way */
    unsigned tries_max; /* the standard's 7, more on bad lines */
    uint8_t step;       /* what to send: 0, 1, 2 */
};
enum sg_nbr_read_state { SG_NBR_READ_SEND, SG_NBR_READ_DONE, SG_NBR_READ_FAILED };
void sg_nbr_read_init(struct sg_nbr_read *r, uint8_t code, size_t words, unsigned tries_max);
/* The command block to send now. */
void sg_nbr_read_command(const struct sg_nbr_read *r, const uint8_t reader[3],
                         uint8_t ret[SG_NBR_COMMAND_LEN]);
/* After a decoded answer block. */
enum sg_nbr_read_state sg_nbr_read_answer(struct sg_nbr_read *r, struct sg_bytes block);
/* After silence or a damaged answer. */
enum sg_nbr_read_state sg_nbr_read_silence(struct sg_nbr_read *r);
void sg_nbr_read_clear(struct sg_nbr_read *r);

/* ---- link ---------------------------------------------------------------------------------- */

#define SG_NBR_ENQ  0x05
#define SG_NBR_ACK  0x06
#define SG_NBR_WAIT 0x10
#define SG_NBR_NAK  0x15

/* Limits, docs/protocols/nbr14522.md section "Link"; milliseconds. */
struct sg_nbr_link_limits {
    unsigned naks, waits, sends; /* 7, 12, 7 */
    unsigned octet_gap_ms;       /* 7: 1.04 + 5, rounded up */
    unsigned answer_ms;          /* 502; some readers wait 2,500 */
    unsigned silence_ms;         /* 600: no ENQ, the line is dead */
    unsigned wait_ms;            /* 305,000 in all without an answer */
};
extern const struct sg_nbr_link_limits sg_nbr_link_standard;

enum sg_nbr_link_state {
    SG_NBR_LINK_SILENT,    /* no ENQ heard yet */
    SG_NBR_LINK_IDLE,      /* the meter sends ENQ, nothing to ask */
    SG_NBR_LINK_ASKING,    /* a command waits for the next ENQ */
    SG_NBR_LINK_SENT,      /* command sent, nothing heard */
    SG_NBR_LINK_RECEIVING, /* inside an answer */
    SG_NBR_LINK_DEAD,      /* a limit was passed */
    SG_NBR_LINK_N_STATES
};

enum sg_nbr_link_event {
    SG_NBR_LINK_NOTHING,
    SG_NBR_LINK_CONNECTED, /* first ENQ */
    SG_NBR_LINK_ANSWER, /* link->answer holds 258 good octets, acknowledged; more: not the last */
    SG_NBR_LINK_FAILED, /* state is DEAD, link->why says which limit */
};

struct sg_nbr_link {
    struct sg_nbr_link_limits limits;
    enum sg_nbr_link_state state;
    int64_t deadline_ms; /* INT64_MAX: none */
    int64_t asked_ms;    /* when the command under way was first sent */
    unsigned naks, waits, sends;
    bool more; /* inside a composite answer: the next block follows our ACK */
    uint8_t command[66];
    uint8_t answer[258];
    size_t received;
    const char *why;
};

void sg_nbr_link_init(struct sg_nbr_link *l, const struct sg_nbr_link_limits *limits,
                      int64_t now_ms);
/* -EBUSY while another command is under way or the link is dead. */
SG_MUST_USE int sg_nbr_link_ask(struct sg_nbr_link *l, const uint8_t block[SG_NBR_COMMAND_LEN]);
/* One octet from the line; what is to be sent is appended to out (at most 66 octets). */
SG_MUST_USE int sg_nbr_link_octet(struct sg_nbr_link *l, uint8_t octet, int64_t now_ms,
                                  struct sg_buf *out, enum sg_nbr_link_event *ret);
/* When deadline_ms has come. */
SG_MUST_USE int sg_nbr_link_tick(struct sg_nbr_link *l, int64_t now_ms, struct sg_buf *out,
                                 enum sg_nbr_link_event *ret);
