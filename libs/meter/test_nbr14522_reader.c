#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/random.h>
#include <sealgrid/meter/nbr14522-reader.h>

/* ---- a meter on the bus that behaves as the captures show ---------------------------------- */

struct bus_meter {
    unsigned blocks; /* in its memory */
    unsigned at;     /* block last sent, 0: none */
    bool lost;       /* answers block 000 from now on */
};

static uint16_t word_of(unsigned block, unsigned i)
{
    return (uint16_t)((block * 31 + i * 7) % 4096);
}

static void make_block(unsigned blocks, unsigned number, uint8_t ret[SG_NBR_ANSWER_LEN])
{
    const struct sg_nbr_layout *l = &sg_nbr_layouts[SG_NBR_LAYOUT_MEMORY];
    struct sg_nbr_value v = {.kind = SG_NBR_NUMBER};
    memset(ret, 0, SG_NBR_ANSWER_LEN);
    memcpy(ret, "\x26\x12\x34\x56\x78", 5);
    v.number = number == blocks;
    assert_int_equal(sg_nbr_set(sg_nbr_field_named(l, "last"), ret, SG_NBR_ANSWER_LEN, 0, &v), 0);
    v.number = number;
    assert_int_equal(sg_nbr_set(sg_nbr_field_named(l, "block"), ret, SG_NBR_ANSWER_LEN, 0, &v), 0);
    for (unsigned i = 0; number && i < SG_NBR_WORDS_PER_BLOCK; i++) {
        v.number = word_of(number, i);
        assert_int_equal(sg_nbr_set(sg_nbr_field_named(l, "words"), ret, SG_NBR_ANSWER_LEN, i, &v),
                         0);
    }
}

/* After the last block it starts again at 001: the trap of the captures. */
static void meter_answer(struct bus_meter *m, const uint8_t command[SG_NBR_COMMAND_LEN],
                         uint8_t ret[SG_NBR_ANSWER_LEN])
{
    if (command[4] == 0)
        m->at = 1;
    else if (command[4] == 1)
        m->at = m->at % m->blocks + 1;
    make_block(m->blocks, m->lost ? 0 : m->at, ret);
}

static enum sg_nbr_read_state run_read(struct bus_meter *m, struct sg_nbr_read *r, double loss,
                                       struct sg_prng *rng)
{
    enum sg_nbr_read_state s = SG_NBR_READ_SEND;
    static const uint8_t reader[3] = {0, 0, 1};
    for (unsigned guard = 0; s == SG_NBR_READ_SEND; guard++) {
        uint8_t command[SG_NBR_COMMAND_LEN], answer[SG_NBR_ANSWER_LEN];
        assert_true(guard < 100000); /* ends, whatever happens */
        sg_nbr_read_command(r, reader, command);
        bool heard = sg_prng_unit(rng) >= loss;
        if (heard)
            meter_answer(m, command, answer);
        if (heard && sg_prng_unit(rng) >= loss)
            s = sg_nbr_read_answer(r, SG_BYTES_ARRAY(answer));
        else
            s = sg_nbr_read_silence(r);
    }
    return s;
}

static void check_words(const struct sg_nbr_read *r, unsigned blocks)
{
    assert_int_equal(r->data.blocks, blocks);
    for (size_t i = 0; i < (size_t)blocks * SG_NBR_WORDS_PER_BLOCK; i++)
        assert_int_equal(sg_nbr_composite_word(&r->data, i),
                         word_of((unsigned)(i / 166) + 1, (unsigned)(i % 166)));
}

/* 20,271 words = 123 blocks, each direction losing 0, 40 and 60 % of its frames. */
static void lossy_reads(void **state)
{
    (void)state;
    static const double losses[] = {0, 0.4, 0.6};
    assert_int_equal(sg_nbr_blocks_of(20271), 123);
    for (size_t i = 0; i < 3; i++) {
        struct sg_prng rng;
        struct bus_meter m = {.blocks = 123};
        struct sg_nbr_read r;
        sg_prng_seed(&rng, 7 + i);
        sg_nbr_read_init(&r, 0x26, 20271, losses[i] > 0 ? 200 : 7);
        assert_int_equal(run_read(&m, &r, losses[i], &rng), SG_NBR_READ_DONE);
        check_words(&r, 123);
        sg_nbr_read_clear(&r);
    }
}

/* Block 000 a hundred times over: an error, not a loop. */
static void lost_position_ends(void **state)
{
    (void)state;
    struct sg_prng rng;
    struct bus_meter m = {.blocks = 123, .lost = true};
    struct sg_nbr_read r;
    sg_prng_seed(&rng, 1);
    sg_nbr_read_init(&r, 0x26, 20271, 7);
    assert_int_equal(run_read(&m, &r, 0, &rng), SG_NBR_READ_FAILED);
    sg_nbr_read_clear(&r);
}

static int feed(struct sg_nbr_composite *c, unsigned blocks, unsigned number)
{
    uint8_t b[SG_NBR_ANSWER_LEN];
    make_block(blocks, number, b);
    return sg_nbr_composite_feed(c, SG_BYTES_ARRAY(b));
}

static void composite_traps(void **state)
{
    (void)state;
    struct sg_nbr_composite c;
    uint8_t b[SG_NBR_ANSWER_LEN];
    sg_nbr_composite_init(&c, 0x26, 0);
    assert_int_equal(feed(&c, 3, 0), SG_NBR_POSITION_LOST);
    assert_int_equal(feed(&c, 3, 2), SG_NBR_GAP);
    assert_int_equal(feed(&c, 3, 1), 0);
    assert_int_equal(feed(&c, 3, 1), SG_NBR_REPEATED);
    assert_int_equal(feed(&c, 3, 3), SG_NBR_GAP);
    assert_int_equal(feed(&c, 3, 2), 0);
    assert_int_equal(feed(&c, 3, 1), SG_NBR_WRAPPED);
    assert_false(c.complete);
    make_block(3, 3, b);
    b[4] ^= 1;
    assert_int_equal(sg_nbr_composite_feed(&c, SG_BYTES_ARRAY(b)), SG_NBR_FOREIGN);
    make_block(3, 3, b);
    b[6] = 0xaf; /* number that is no number */
    assert_int_equal(sg_nbr_composite_feed(&c, SG_BYTES_ARRAY(b)), SG_NBR_GAP);
    assert_int_equal(feed(&c, 3, 3), 0);
    assert_true(c.complete);
    assert_int_equal(feed(&c, 3, 1), SG_NBR_WRAPPED); /* ACK after the last block */
    sg_nbr_composite_clear(&c);
    /* The count of words is the authority when the meter never marks the last block. */
    sg_nbr_composite_init(&c, 0x26, 167);
    assert_int_equal(feed(&c, 99, 1), 0);
    assert_false(c.complete);
    assert_int_equal(feed(&c, 99, 2), 0);
    assert_true(c.complete);
    sg_nbr_composite_clear(&c);
}

/* ---- link: transcripts ---------------------------------------------------------------------- */

struct line {
    struct sg_nbr_link l;
    struct sg_buf out;
    int64_t now;
    enum sg_nbr_link_event last;
};

static void hear(struct line *x, uint8_t octet)
{
    sg_buf_reset(&x->out);
    assert_int_equal(sg_nbr_link_octet(&x->l, octet, x->now, &x->out, &x->last), 0);
}

static void pass(struct line *x, int64_t ms)
{
    x->now += ms;
    sg_buf_reset(&x->out);
    assert_int_equal(sg_nbr_link_tick(&x->l, x->now, &x->out, &x->last), 0);
}

static void said(const struct line *x, size_t len, uint8_t first)
{
    assert_int_equal(x->out.len, len);
    if (len)
        assert_int_equal(x->out.data[0], first);
}

static void begin(struct line *x)
{
    const uint8_t command[SG_NBR_COMMAND_LEN] = {0x23, 0, 0, 1};
    *x = (struct line){.out = SG_BUF_INIT(128), .now = 1000};
    sg_nbr_link_init(&x->l, &sg_nbr_link_standard, x->now);
    hear(x, SG_NBR_ENQ);
    assert_int_equal(x->last, SG_NBR_LINK_CONNECTED);
    assert_int_equal(sg_nbr_link_ask(&x->l, command), 0);
    assert_true(sg_nbr_link_ask(&x->l, command) < 0); /* one at a time */
    said(x, 0, 0);
    hear(x, SG_NBR_ENQ);
    said(x, 66, 0x23);
}

static void answer(struct line *x, const uint8_t block[SG_NBR_ANSWER_LEN], uint8_t damage)
{
    struct sg_buf f = SG_BUF_INIT(SG_NBR_FRAME_MAX);
    const struct sg_nbr_frame frame = {.variant = SG_NBR_ANSWER_258,
                                       .block = {block, SG_NBR_ANSWER_LEN}};
    assert_int_equal(sg_nbr_frame_encode(&frame, &f), 0);
    f.data[100] ^= damage;
    for (size_t i = 0; i < f.len; i++) {
        x->now++;
        hear(x, f.data[i]);
    }
    sg_buf_clear(&f);
}

static const uint8_t plain[SG_NBR_ANSWER_LEN] = {0x23, 0x12, 0x34, 0x56, 0x78, 0x05, 0x10, 0x15};

static void link_plain(void **state)
{
    (void)state;
    struct line x;
    begin(&x);
    answer(&x, plain, 0); /* holds ENQ, WAIT and NAK octets as data */
    said(&x, 1, SG_NBR_ACK);
    assert_int_equal(x.last, SG_NBR_LINK_ANSWER);
    assert_memory_equal(x.l.answer, plain, sizeof(plain));
    assert_int_equal(x.l.state, SG_NBR_LINK_IDLE);
    sg_buf_clear(&x.out);
}

static void link_damaged_answer(void **state)
{
    (void)state;
    struct line x;
    begin(&x);
    for (int i = 0; i < 6; i++) {
        answer(&x, plain, 1);
        said(&x, 1, SG_NBR_NAK);
        assert_int_equal(x.last, SG_NBR_LINK_NOTHING);
    }
    answer(&x, plain, 1);
    assert_int_equal(x.last, SG_NBR_LINK_FAILED);
    said(&x, 0, 0);
    hear(&x, SG_NBR_ENQ); /* dead stays dead */
    assert_int_equal(x.l.state, SG_NBR_LINK_DEAD);
    sg_buf_clear(&x.out);
}

static void link_gap_inside_answer(void **state)
{
    (void)state;
    struct line x;
    begin(&x);
    hear(&x, 0x23);
    pass(&x, 6);
    said(&x, 0, 0);
    pass(&x, 1);
    said(&x, 1, SG_NBR_NAK);
    answer(&x, plain, 0);
    assert_int_equal(x.last, SG_NBR_LINK_ANSWER);
    sg_buf_clear(&x.out);
}

static void link_wait_and_nak(void **state)
{
    (void)state;
    struct line x;
    begin(&x);
    for (int i = 0; i < 12; i++) {
        hear(&x, SG_NBR_WAIT);
        assert_int_equal(x.last, SG_NBR_LINK_NOTHING);
        hear(&x, SG_NBR_ENQ);
        said(&x, 66, 0x23);
    }
    hear(&x, SG_NBR_WAIT);
    assert_int_equal(x.last, SG_NBR_LINK_FAILED);
    sg_buf_clear(&x.out);
    begin(&x);
    for (int i = 0; i < 6; i++) {
        hear(&x, SG_NBR_NAK);
        hear(&x, SG_NBR_ENQ);
        said(&x, 66, 0x23);
    }
    hear(&x, SG_NBR_NAK);
    assert_int_equal(x.last, SG_NBR_LINK_FAILED);
    sg_buf_clear(&x.out);
}

static void link_silence(void **state)
{
    (void)state;
    struct line x;
    begin(&x);
    for (int i = 0; i < 6; i++) {
        pass(&x, 502);
        assert_int_equal(x.l.state, SG_NBR_LINK_ASKING);
        hear(&x, SG_NBR_ENQ);
        said(&x, 66, 0x23);
    }
    pass(&x, 502);
    hear(&x, SG_NBR_ENQ); /* an eighth time */
    assert_int_equal(x.last, SG_NBR_LINK_FAILED);
    sg_buf_clear(&x.out);
    x = (struct line){.out = SG_BUF_INIT(128)};
    sg_nbr_link_init(&x.l, &sg_nbr_link_standard, 0);
    pass(&x, 599);
    assert_int_equal(x.last, SG_NBR_LINK_NOTHING);
    pass(&x, 1);
    assert_int_equal(x.last, SG_NBR_LINK_FAILED);
    sg_buf_clear(&x.out);
}

/* The ACK of a composite block was lost: the meter goes back to ENQ, we repeat the ACK. */
static void link_composite(void **state)
{
    (void)state;
    struct line x;
    uint8_t block[SG_NBR_ANSWER_LEN];
    begin(&x);
    make_block(2, 1, block);
    answer(&x, block, 0);
    said(&x, 1, SG_NBR_ACK);
    assert_true(x.l.more);
    hear(&x, SG_NBR_ENQ);
    said(&x, 1, SG_NBR_ACK);
    make_block(2, 2, block);
    answer(&x, block, 0);
    assert_int_equal(x.last, SG_NBR_LINK_ANSWER);
    assert_false(x.l.more);
    assert_int_equal(x.l.state, SG_NBR_LINK_IDLE);
    sg_buf_clear(&x.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lossy_reads),         cmocka_unit_test(lost_position_ends),
        cmocka_unit_test(composite_traps),     cmocka_unit_test(link_plain),
        cmocka_unit_test(link_damaged_answer), cmocka_unit_test(link_gap_inside_answer),
        cmocka_unit_test(link_wait_and_nak),   cmocka_unit_test(link_silence),
        cmocka_unit_test(link_composite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
