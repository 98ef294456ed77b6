/* phasors - a file of phasors: every column, every refusal with its line. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <sealgrid/base/buf.h>

#include "phasors.h"
#include "score.h"

#define BEGIN 1788231600 /* midnight of 2026-09-01, UTC-3 */

static struct phasors p;
static char why[PHASORS_WHY_MAX];

static int parse(const char *text)
{
    struct sg_phasor_config c = SG_PHASOR_CONFIG_DEFAULT;
    c.recent_days = 10;
    phasors_clear(&p);
    return phasors_parse(&p, sg_bytes_str(text), &c, NULL, why);
}

static void refused(const char *text, const char *wanted)
{
    const int r = parse(text);
    if (r != PHASORS_BAD || strcmp(why, wanted) != 0)
        fail_msg("%d: \"%s\", wanted \"%s\"", r, why, wanted);
    assert_null(p.list);
}

/* Thirty days of eight intervals; of the last eight days phase 2 loses `lost` of its voltage. */
static void add_customer(struct sg_buf *b, const char *id, double lost, const char *tail)
{
    for (int k = 1; k <= 30 * 8; k++) {
        const double v = 130 * (k > 22 * 8 ? 1 - lost : 1), i = 10 + k % 3;
        assert_int_equal(sg_buf_printf(b,
                                       "%s,%d,129.%d,%.3f,130.%d,%.1f,%.1f,%.1f,0.95,0.95,0.95%s\n",
                                       id, BEGIN + k * 10800, k % 10, v, k % 7, i, i, i, tail),
                         0);
    }
}

static void customers_are_judged(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    (void)state;
    assert_int_equal(sg_buf_printf(&b, "customer,time,v1,v2,v3,i1,i2,i3,pf1,pf2,pf3,ratio\n"), 0);
    add_customer(&b, "thief", 0.5, ",40");
    add_customer(&b, "honest", 0, ",1");
    assert_int_equal(sg_buf_append(&b, SG_BYTES((const uint8_t *)"", 1)), 0);
    assert_int_equal(parse((const char *)b.data), 0);
    assert_int_equal(p.n, 2);
    assert_int_equal(p.intervals, 480);
    const struct sg_phasor_summary *thief = phasors_find(&p, "thief"),
                                   *honest = phasors_find(&p, "honest");
    assert_non_null(thief);
    assert_non_null(honest);
    assert_null(phasors_find(&p, "nobody"));
    assert_int_equal(thief->days_past, 20);
    assert_int_equal(thief->days_recent, 10);
    assert_true(thief->score > 0.9f);
    assert_int_equal(thief->top[0].rule, SG_PHASOR_VOLTAGE_LOST);
    assert_int_equal(thief->top[0].elements, 2);
    /* Half of 130 V * 11 A * 0.95, through transformers of 40. */
    assert_true(fabs((double)thief->top[0].kwh_per_day - 0.5 * 130 * 11 * 0.95 * 24 / 1000 * 40) <
                20);
    assert_true(honest->score < 0.2f);
}

static void columns_come_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(parse("check_wh,hz,time,client,events,vab,vbc,wiring,celsius,in,wh,p,q3,p1\r\n"
                           "1,60,2026-09-01T00:15:00-03:00,7,3,120,120,aron,25,,1,2,NA,NaN\r\n"
                           "\r\n"
                           "1,60,2026-09-01T00:30:00-03:00,7,,120,120,,25,1,1,1,1,1"),
                     0);
    assert_int_equal(p.n, 1);
    assert_int_equal(p.intervals, 2);
    assert_string_equal(p.list[0].id, "7");
    assert_int_equal(p.list[0].summary.top[0].rule, SG_PHASOR_TAMPER_EVENT);
    assert_int_equal(parse("client,time,v1\n"), 0);
    assert_int_equal(p.n, 0);
}

/* Not that of 1970: summer time is told from winter's by when the customer's intervals begin. */
static void days_are_those_of_the_zone_then(void **state)
{
    (void)state;
    struct sg_phasor_config c = SG_PHASOR_CONFIG_DEFAULT;
    SG_CLEANUP(sg_tz_freep) struct sg_tz *zone = NULL;
    if (sg_tz_load(&zone, "Europe/Berlin")) {
        print_message("no zone files here\n");
        skip();
    }
    c.east_s = -10800;
    phasors_clear(&p);
    assert_int_equal(phasors_parse(&p,
                                   sg_bytes_str("customer,time,v1\na,2026-07-01T00:15:00Z,127\n"
                                                "b,2026-12-01T00:15:00Z,127\n"),
                                   &c, zone, why),
                     0);
    assert_int_equal(p.list[0].summary.east_s, 7200);
    assert_int_equal(p.list[1].summary.east_s, 3600);
}

static void refusals_name_the_line(void **state)
{
    (void)state;
    refused("", "line 0: file: empty");
    refused("customer,v1,time,v9\n", "line 1: column 4: no column of phasors has that name");
    refused("customer,v1,time,v1\n", "line 1: column 4: is there twice");
    refused("customer,client,time,v1\n", "line 1: column 2: is there twice");
    refused("customer,time\n", "line 1: header: customer, time and quantities are wanted");
    refused("time,v1,v2\n", "line 1: header: customer, time and quantities are wanted");
    refused("customer,time,v1\n,5,1\n", "line 2: customer: 1 to 63 octets without quotes");
    refused("customer,time,v1\na,5,1\na,5,1\n", "line 3: time: not after the line before");
    refused("customer,time,v1\na,-5,1\n",
            "line 2: time: neither like 2026-09-01T03:15:00Z nor unix seconds");
    refused("customer,time,v1\na,5.5,1\n",
            "line 2: time: neither like 2026-09-01T03:15:00Z nor unix seconds");
    refused("customer,time,v1\na,yesterday,1\n",
            "line 2: time: neither like 2026-09-01T03:15:00Z nor unix seconds");
    refused("customer,time,v1\na,5,x\n", "line 2: v1: not a number within 10^10");
    refused("customer,time,v1\na,5,1e11\n", "line 2: v1: not a number within 10^10");
    refused("customer,time,events\na,5,32\n", "line 2: events: not a whole number from 0 to 31");
    refused("customer,time,events\na,5,1.5\n", "line 2: events: not a whole number from 0 to 31");
    refused("customer,time,v1,wiring\na,5,1,delta\n", "line 2: wiring: star or aron");
    refused("customer,time,v1,ratio\na,5,1,0\n", "line 2: ratio: not a number from 1 to 1000000");
    refused("customer,time,v1\na,5,1\nb,5,1\na,6,1\n", "customer a: its lines lie apart");
}

static void files_are_read_in_pieces(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4 << 20);
    char path[] = "/tmp/test-phasors-XXXXXX";
    const struct sg_phasor_config c = SG_PHASOR_CONFIG_DEFAULT;
    const int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(sg_buf_printf(&b, "customer,time,v1,v2,v3,i1,i2,i3,pf1,pf2,pf3\n"), 0);
    for (int i = 0; i < 40; i++) {
        char id[16];
        snprintf(id, sizeof(id), "c%02d", 39 - i);
        add_customer(&b, id, 0, "");
    }
    assert_int_equal(write(fd, b.data, b.len), (ssize_t)b.len);
    phasors_clear(&p);
    assert_int_equal(phasors_read(&p, path, &c, NULL, why), 0);
    assert_int_equal(p.n, 40);
    assert_int_equal(p.intervals, 40 * 240);
    assert_string_equal(p.list[0].id, "c00");
    /* A line without end. */
    phasors_clear(&p);
    memset(b.data, 'x', b.len);
    assert_int_equal(pwrite(fd, b.data, b.len, 0), (ssize_t)b.len);
    assert_int_equal(phasors_read(&p, path, &c, NULL, why), PHASORS_BAD);
    assert_string_equal(why, "line 1: line: longer than 4096 octets");
    close(fd);
    unlink(path);
    assert_true(phasors_read(&p, path, &c, NULL, why) < 0);
}

/* What joins the line: the better of the two chances, and the words. */
static void the_line_takes_them(void **state)
{
    struct line l = {.unjudged = JUDGED, .score = 5, .unsupervised = 5};
    struct sg_phasor_summary s = {.score = 0.95f, .east_s = -10800};
    char words[SG_PHASOR_WORDS_MAX];
    (void)state;
    s.top[0] = (struct sg_phasor_finding){.rule = SG_PHASOR_BYPASS,
                                          .elements = 1,
                                          .first_s = BEGIN + 900,
                                          .size = 0.5f,
                                          .sureness = 0.9f};
    assert_false(score_phasor_words(&l, false, words));
    score_add_phasors(&l, &s);
    assert_true(l.score > 28 && l.score < 30);
    assert_true(l.per_1000 > 1 && l.per_1000 < 2);
    assert_true(l.unsupervised == 5);
    assert_true(score_phasor_words(&l, false, words));
    assert_non_null(strstr(words, "phase A: current 50 % below"));
    assert_non_null(strstr(words, "since 2026-09-01"));
    /* What inspections taught starts from both together; nothing taught, nothing changed. */
    const struct scorer untaught = {.learned = NULL};
    const double both = l.score;
    score_by_inspections(&untaught, &l);
    assert_true(l.score == both && l.unsupervised == both && l.chance == 0);
    l = (struct line){.unjudged = NO_DAYS};
    score_add_phasors(&l, &s);
    assert_true(score_phasor_words(&l, false, words)); /* who drops readings is still told of */
    assert_true(score_ranks(&l) && l.score > 28);      /* and ranked by that */
    s.score = 0.4f;
    l = (struct line){.unjudged = NO_DAYS};
    score_add_phasors(&l, &s);
    assert_false(score_ranks(&l));
    /* What was learnt is of loads: no chance is told of one that nobody knows. */
    const struct balances_customer b = {.used = true, .sureness = 0.95f};
    score_add_balance(&l, &b);
    assert_true(score_ranks(&l) && l.balance == &b);
    const struct scorer taught = {.learned = (const struct sg_learned *)&l};
    score_unjudged(&taught, &l);
    assert_false(score_ranks(&l));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(customers_are_judged),
        cmocka_unit_test(columns_come_in_any_order),
        cmocka_unit_test(days_are_those_of_the_zone_then),
        cmocka_unit_test(refusals_name_the_line),
        cmocka_unit_test(files_are_read_in_pieces),
        cmocka_unit_test(the_line_takes_them),
    };
    const int r = cmocka_run_group_tests(tests, NULL, NULL);
    phasors_clear(&p);
    return r;
}
