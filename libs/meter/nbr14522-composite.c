#include <sealgrid/meter/nbr14522-reader.h>

#define NUMBER_OCTET   5 /* 0-based: last mark and high digit */
#define TRIPLETS_OCTET 7

void sg_nbr_composite_init(struct sg_nbr_composite *c, uint8_t code, size_t words)
{
    *c = (struct sg_nbr_composite){
        .code = code,
        .blocks_max = sg_nbr_blocks_of(words),
        .packed = SG_BUF_INIT(SG_NBR_BLOCKS_MAX * SG_NBR_TRIPLETS_LEN),
    };
}

void sg_nbr_composite_clear(struct sg_nbr_composite *c)
{
    sg_buf_clear(&c->packed);
}

unsigned sg_nbr_blocks_of(size_t words)
{
    return (unsigned)((words + SG_NBR_WORDS_PER_BLOCK - 1) / SG_NBR_WORDS_PER_BLOCK);
}

/* -1: not three decimal digits. */
static int block_number(const uint8_t *p)
{
    int hundreds = p[0] & 15, tens = p[1] >> 4, ones = p[1] & 15;
    return hundreds > 9 || tens > 9 || ones > 9 ? -1 : hundreds * 100 + tens * 10 + ones;
}

static bool foreign(const struct sg_nbr_composite *c, struct sg_bytes block)
{
    return block.len != SG_NBR_ANSWER_LEN || block.data[0] != c->code ||
           (c->blocks > 0 && memcmp(block.data + 1, c->meter, 4) != 0);
}

static int judge_number(const struct sg_nbr_composite *c, int number)
{
    if (number == 0)
        return SG_NBR_POSITION_LOST;
    if (number == (int)c->blocks + 1 && !c->complete)
        return c->blocks_max && c->blocks >= c->blocks_max ? SG_NBR_OVERRUN : 0;
    if (c->blocks > 0 && number == (int)c->blocks)
        return SG_NBR_REPEATED;
    return number == 1 ? SG_NBR_WRAPPED : SG_NBR_GAP;
}

int sg_nbr_composite_feed(struct sg_nbr_composite *c, struct sg_bytes block)
{
    if (foreign(c, block))
        return SG_NBR_FOREIGN;
    int r = judge_number(c, block_number(block.data + NUMBER_OCTET));
    if (r)
        return r;
    r = sg_buf_append(&c->packed, SG_BYTES(block.data + TRIPLETS_OCTET, SG_NBR_TRIPLETS_LEN));
    if (r)
        return r;
    memcpy(c->meter, block.data + 1, 4);
    c->blocks++;
    c->complete =
        block.data[NUMBER_OCTET] >> 4 == 1 || (c->blocks_max && c->blocks == c->blocks_max);
    return 0;
}

unsigned sg_nbr_composite_word(const struct sg_nbr_composite *c, size_t i)
{
    sg_assert(i < (size_t)c->blocks * SG_NBR_WORDS_PER_BLOCK);
    return sg_nbr_word(c->packed.data + i / SG_NBR_WORDS_PER_BLOCK * SG_NBR_TRIPLETS_LEN,
                       i % SG_NBR_WORDS_PER_BLOCK);
}

/* ---- asking -------------------------------------------------------------------------------- */

enum { STEP_START, STEP_NEXT, STEP_REPEAT };

void sg_nbr_read_init(struct sg_nbr_read *r, uint8_t code, size_t words, unsigned tries_max)
{
    *r = (struct sg_nbr_read){.tries_max = tries_max, .step = STEP_START};
    sg_nbr_composite_init(&r->data, code, words);
}

void sg_nbr_read_clear(struct sg_nbr_read *r)
{
    sg_nbr_composite_clear(&r->data);
}

void sg_nbr_read_command(const struct sg_nbr_read *r, const uint8_t reader[3],
                         uint8_t ret[SG_NBR_COMMAND_LEN])
{
    memset(ret, 0, SG_NBR_COMMAND_LEN);
    ret[0] = r->data.code;
    memcpy(ret + 1, reader, 3);
    ret[4] = r->step;
}

static enum sg_nbr_read_state retry(struct sg_nbr_read *r, uint8_t step)
{
    if (++r->tries >= r->tries_max)
        return SG_NBR_READ_FAILED;
    r->step = step;
    return SG_NBR_READ_SEND;
}

/* Silence: either the command or the answer was lost.  "Repeat" is right in both cases: it brings
 * the block before (then ask on) or the one that was lost; "next" could skip a block. */
enum sg_nbr_read_state sg_nbr_read_silence(struct sg_nbr_read *r)
{
    return retry(r, r->data.blocks == 0 ? STEP_START : STEP_REPEAT);
}

enum sg_nbr_read_state sg_nbr_read_answer(struct sg_nbr_read *r, struct sg_bytes block)
{
    int e = sg_nbr_composite_feed(&r->data, block);
    if (e == SG_NBR_FOREIGN)
        return sg_nbr_read_silence(r);
    if (e == SG_NBR_REPEATED) /* counts as a try: a meter stuck on one block must not hold us */
        return retry(r, STEP_NEXT);
    if (e)
        return SG_NBR_READ_FAILED;
    if (r->data.complete)
        return SG_NBR_READ_DONE;
    r->tries = 0;
    r->step = STEP_NEXT;
    return SG_NBR_READ_SEND;
}
