/* balances - topologies and what comes of them, from a file and as the store is asked. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/kvs/memory.h>
#include <sealgrid/meter/rows.h>

#include "balances.h"
#include "score.h"

#define DAYS 40
#define PAST 20

static struct topology topology;
static char why[TOPOLOGY_WHY_MAX];

static void refused(const char *text, const char *wanted)
{
    topology_clear(&topology);
    const int r = topology_parse(&topology, sg_bytes_str(text), 3, why);
    if (r != TOPOLOGY_BAD || strcmp(why, wanted) != 0)
        fail_msg("%d: \"%s\", wanted \"%s\"", r, why, wanted);
}

static void topologies(void **state)
{
    int64_t *clients;
    size_t n;
    (void)state;
    refused("", "line 0: empty");
    refused("customer,feeder\na,b\n", "line 1: columns customer and transformer are wanted");
    refused("customer,transformer\na\n",
            "line 2: customer, transformer: 1 to 63 octets without quotes");
    refused("customer,transformer\na,T\na,U\n",
            "a: is there twice, or a transformer and a customer at once");
    refused("customer,transformer\na,T\nT,U\n",
            "T: is there twice, or a transformer and a customer at once");
    refused("customer,transformer\na,T\nb,T\n\nc,T\nd,T\n", "line 6: more than 3 customers");
    assert_int_equal(topology_parse(&topology,
                                    sg_bytes_str("\xef\xbb\xbf"
                                                 "transformer,x,client\n7,,3\r\n5,,8\n7,,1\n"),
                                    TOPOLOGY_ROWS_MAX, why),
                     0);
    assert_int_equal(topology.n_groups, 2);
    assert_int_equal(topology.n_members, 5);
    assert_int_equal(topology_find(&topology, "3")->place, 1);
    assert_int_equal(topology_find(&topology, "7")->place, SIZE_MAX);
    assert_null(topology_find(&topology, "9"));
    assert_null(topology_clients(&topology, &clients, &n));
    const int64_t wanted[] = {5, 8, 7, 1, 3};
    assert_int_equal(n, 5);
    assert_memory_equal(clients, wanted, sizeof(wanted));
    free(clients);
    topology_clear(&topology);
    assert_int_equal(topology_parse(&topology, sg_bytes_str("customer,transformer\na,7\n"),
                                    TOPOLOGY_ROWS_MAX, why),
                     0);
    assert_non_null(topology_clients(&topology, &clients, &n));
}

/* ---- the store's table ---------------------------------------------------------------------- */

static void put(struct sg_kv *kv, int64_t client, int64_t day, struct sg_bytes value)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(64);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(64);
    assert_int_equal(sg_row_client_partition(&partition, client), 0);
    assert_int_equal(sg_row_int_sort(&sort, day), 0);
    const struct sg_kv_op op = {
        .kind = SG_KV_PUT,
        .key = {SG_TABLE_TOPOLOGY, sg_buf_bytes(&partition), sg_buf_bytes(&sort)},
        .value = value};
    assert_int_equal(sg_kv_batch(kv, "metering", &op, 1, NULL), 0);
}

static void put_transformer(struct sg_kv *kv, int64_t client, int64_t day, int64_t transformer)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(64);
    const struct sg_row_topology row = {day, transformer};
    assert_int_equal(sg_row_topology_encode(&value, &row), 0);
    put(kv, client, day, sg_buf_bytes(&value));
}

/* The last row that holds counts: 2 moved, 3 left, 4 will move. */
static void the_table_of_the_store(void **state)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    struct sg_kv_memory *memory;
    const int64_t clients[] = {1, 2, 3, 4, 9};
    (void)state;
    assert_int_equal(sg_kv_memory_new(&memory), 0);
    assert_int_equal(sg_kv_open_memory(&kv, memory), 0);
    put_transformer(kv, 1, 100, 9);
    put_transformer(kv, 2, 100, 8);
    put_transformer(kv, 2, 150, 9);
    put_transformer(kv, 3, 100, 9);
    put_transformer(kv, 3, 180, 0);
    put_transformer(kv, 4, 100, 9);
    put_transformer(kv, 4, 201, 8);
    topology_clear(&topology);
    assert_int_equal(topology_from_store(&topology, kv, clients, 5, 200, why), 0);
    assert_int_equal(topology.n_groups, 1);
    assert_int_equal(topology.groups[0].customers, 3);
    assert_non_null(topology_find(&topology, "2"));
    assert_null(topology_find(&topology, "3"));
    assert_int_equal(topology_find(&topology, "4")->place, 2);
    put(kv, 1, 120, SG_BYTES_LIT("\x01\x00"));
    topology_clear(&topology);
    /* A row that cannot be read costs its client that row; the one before it holds. */
    assert_int_equal(topology_from_store(&topology, kv, clients, 5, 200, why), 0);
    assert_int_equal(topology.left_out, 1);
    assert_int_equal(topology.groups[0].customers, 3);
    sg_kv_free(TAKE_PTR(kv));
    sg_kv_memory_free(memory);
}

/* Rows that no file may hold (refused there) cost who they are of, not everybody. */
static void rows_at_odds_are_left_out(void **state)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    struct sg_kv_memory *memory;
    static int64_t clients[SG_BALANCE_CUSTOMERS_MAX + 20];
    size_t n = 0;
    (void)state;
    assert_int_equal(sg_kv_memory_new(&memory), 0);
    assert_int_equal(sg_kv_open_memory(&kv, memory), 0);
    for (clients[n++] = 1; clients[n - 1] < 9; n++)
        clients[n] = clients[n - 1] + 1;
    put_transformer(kv, 1, 100, 9);
    put_transformer(kv, 2, 100, 9);
    put_transformer(kv, 9, 100, 3); /* a transformer is nobody's customer */
    put_transformer(kv, 4, 100, 1); /* behind a customer */
    put_transformer(kv, 5, 100, 5); /* behind itself */
    put_transformer(kv, 6, 100, 7); /* in a ring */
    put_transformer(kv, 7, 100, 6);
    for (int64_t c = 100; c <= 100 + SG_BALANCE_CUSTOMERS_MAX; c++) {
        clients[n++] = c;
        put_transformer(kv, c, 100, 8); /* one too many */
    }
    topology_clear(&topology);
    assert_int_equal(topology_from_store(&topology, kv, clients, n, 200, why), 0);
    assert_int_equal(topology.left_out, 5 + SG_BALANCE_CUSTOMERS_MAX + 1);
    assert_int_equal(topology.n_groups, 1);
    assert_string_equal(topology.groups[0].id, "9");
    assert_int_equal(topology.groups[0].customers, 2);
    topology_clear(&topology);
    sg_kv_free(TAKE_PTR(kv));
    sg_kv_memory_free(memory);
}

/* ---- a file of days ------------------------------------------------------------------------- */

static char path[] = "/tmp/test-balances-XXXXXX";
#define CUSTOMERS 12
#define THIEF     5

static void put_row(struct sg_buf *b, const char *id, uint32_t day, const double *load)
{
    assert_int_equal(sg_buf_printf(b, "%s,%u,%u", id, day, day % 7), 0);
    for (int h = 0; h < 24; h++)
        assert_int_equal(sg_buf_printf(b, ",%.4f", load[h]), 0);
    assert_int_equal(sg_buf_printf(b, "\n"), 0);
}

/* Customer number c of those that a transformer feeds: what it draws goes into `of`. */
static void write_customer(struct sg_buf *b, const char *id, int c, bool thief,
                           struct sg_prng *prng, double of[DAYS][24])
{
    for (uint32_t d = 0; d < DAYS; d++) {
        double load[24];
        for (int h = 0; h < 24; h++) {
            load[h] =
                (1 + c % 3) * (0.3 + (h >= 6 + c && h < 12 + c)) * (0.6 + 0.8 * sg_prng_unit(prng));
            of[d][h] += load[h];
            load[h] *= thief && d >= PAST ? 0.6 : 1;
        }
        put_row(b, id, d, load);
    }
}

static void write_transformer(struct sg_buf *b, const char *id, double of[DAYS][24])
{
    for (uint32_t d = 0; d < DAYS; d++) {
        for (int h = 0; h < 24; h++)
            of[d][h] = of[d][h] * 1.005 + 0.05;
        put_row(b, id, d, of[d]);
    }
}

/* Customers c00.. of T, of whom c05 reports 0.6 from day PAST on; u00.. of U, which feeds c99 as
 * well; x is nobody's. */
static void write_days(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8 << 20);
    static double of_t[DAYS][24], of_u[DAYS][24];
    const double load[24] = {0};
    struct sg_prng prng;
    char id[16];
    sg_prng_seed(&prng, 5);
    memset(of_t, 0, sizeof(of_t));
    memset(of_u, 0, sizeof(of_u));
    assert_int_equal(sg_buf_printf(&b, "customer,day,weekday"), 0);
    for (int h = 0; h < 24; h++)
        assert_int_equal(sg_buf_printf(&b, ",h%02d", h), 0);
    assert_int_equal(sg_buf_printf(&b, "\n"), 0);
    for (int c = 0; c < CUSTOMERS; c++) {
        snprintf(id, sizeof(id), "c%02d", c);
        write_customer(&b, id, c, c == THIEF, &prng, of_t);
        snprintf(id, sizeof(id), "u%02d", c);
        write_customer(&b, id, c, false, &prng, of_u);
    }
    write_customer(&b, "c99", 7, false, &prng, of_u);
    write_transformer(&b, "T", of_t);
    write_transformer(&b, "U", of_u);
    put_row(&b, "x", 3, load);
    assert_int_equal(sg_file_write_atomic(path, sg_buf_bytes(&b), 0600), 0);
}

static const struct plan plan = {.fixed = true,
                                 .windows = {.reference = {0, PAST - 1}, .test = {PAST, DAYS - 1}}};

static int make(uint64_t max_bytes, struct balances *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(4096);
    SG_CLEANUP(source_freep) struct source *s = NULL;
    topology_clear(&topology);
    assert_int_equal(sg_buf_printf(&text, "customer,transformer\nnobody,V\n"), 0);
    for (int c = 0; c < CUSTOMERS; c++)
        assert_int_equal(sg_buf_printf(&text, "c%02d,T\nu%02d,U\n", c, c), 0);
    assert_int_equal(sg_buf_printf(&text, "c99,T\n"), 0);
    assert_int_equal(topology_parse(&topology, sg_buf_bytes(&text), TOPOLOGY_ROWS_MAX, why), 0);
    assert_int_equal(source_file_open(&s, path, (struct source_span){1, 0}), 0);
    return balances_make(ret, &topology, s, &plan, max_bytes);
}

static void the_thief_is_first(void **state)
{
    SG_CLEANUP(balances_clear) struct balances b = {.customers = NULL};
    char words[BALANCES_WORDS_MAX];
    (void)state;
    assert_int_equal(make(1 << 20, &b), 0);
    assert_int_equal(b.n_transformers, 3);
    assert_int_equal(b.n_customers, 2 * CUSTOMERS + 1);
    assert_true(b.transformers[0].judged && b.transformers[1].judged);
    assert_false(b.transformers[2].judged); /* V never told anything */
    assert_null(balances_find(&b, "T"));
    assert_null(balances_find(&b, "nobody"));
    const struct balances_customer *thief = balances_find(&b, "c05");
    assert_non_null(thief);
    assert_true(fabs((double)thief->share - 0.4) < 0.06);
    assert_true(thief->sureness > 0.5f);
    for (size_t i = 0; i < b.n_customers; i++)
        assert_true(&b.customers[i] == thief || b.customers[i].sureness < 0.5f);
    assert_true(balances_words(thief, words));
    assert_non_null(
        strstr(words, "% of its load) of what is lost behind transformer T go with it"));
    assert_null(strchr(words, ','));
}

/* T lists c99, U feeds it. */
static void one_of_another(void **state)
{
    SG_CLEANUP(balances_clear) struct balances b = {.customers = NULL};
    char note[BALANCES_NOTE_MAX];
    (void)state;
    assert_int_equal(make(1 << 20, &b), 0);
    const struct balances_customer *c = balances_find(&b, "c99");
    assert_true(c->elsewhere && c->kwh_per_day == 0);
    assert_string_equal(c->fits, "U");
    for (size_t i = 0; i < b.n_customers; i++)
        assert_true(&b.customers[i] == c || (!b.customers[i].elsewhere && !b.customers[i].fits[0]));
    assert_false(balances_note(&b.transformers[0], note));
    assert_true(balances_note(&b.transformers[1], note));
    assert_non_null(strstr(note, "look for a line that is not listed"));
}

static void written_by_rank(void **state)
{
    SG_CLEANUP(balances_clear) struct balances b = {.customers = NULL};
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 16);
    char out[sizeof(path) + 4];
    (void)state;
    assert_int_equal(make(1 << 20, &b), 0);
    snprintf(out, sizeof(out), "%s.csv", path);
    assert_int_equal(balances_write(&b, out), 0);
    assert_int_equal(sg_file_read(out, &text), 0);
    unlink(out);
    assert_int_equal(sg_buf_append(&text, SG_BYTES((const uint8_t *)"", 1)), 0);
    const char *at = (const char *)text.data;
    assert_int_equal(
        strncmp(at, "transformer,customer,rank,share,kwh_per_day,sureness,correlation,note\nT,-,0,",
                76),
        0);
    assert_non_null(strstr(at, "\nT,c05,1,0."));
    assert_non_null(strstr(at, "\nV,-,0,,,,,too few readings of it or of its customers\n"));
}

static void notes_accuse_nobody(void **state)
{
    struct balances_transformer t = {.judged = true, .days = 10};
    struct balances_customer c = {.used = true};
    char note[BALANCES_NOTE_MAX];
    (void)state;
    assert_false(balances_note(&t, note));
    assert_false(balances_customer_note(&c, note));
    t.result = (struct sg_balance_result){
        .findings = SG_BALANCE_UNLISTED, .unexplained_kwh = 150, .absent_kwh = 30};
    assert_true(balances_note(&t, note));
    assert_string_equal(note, "12.0 kWh a day that no listed customer explains: look for a line "
                              "that is not listed");
    t.result = (struct sg_balance_result){
        .findings = SG_BALANCE_CLOCK | SG_BALANCE_LACKING, .clock_late = -2, .lacking = 0.25};
    assert_true(balances_note(&t, note));
    assert_string_equal(note, "its readings come 2 intervals early: its clock; judged as set "
                              "right; 25 % of its readings are missing");
    t.result.findings = 63;
    assert_true(balances_note(&t, note));
    assert_non_null(strstr(note, "more than it delivers"));
    assert_null(strchr(note, ','));
    c.elsewhere = true;
    strcpy(c.fits, "U,2");
    assert_true(balances_customer_note(&c, note));
    assert_string_equal(note,
                        "its load does not come from this transformer; it fits transformer U 2");
}

static void memory_has_a_limit(void **state)
{
    SG_CLEANUP(balances_clear) struct balances b = {.customers = NULL};
    (void)state;
    assert_int_equal(make(1000, &b), BALANCES_TOO_LARGE);
    assert_null(b.customers);
}

static void the_line_takes_it(void **state)
{
    const struct balances_customer c = {.used = true, .sureness = 0.7f, .transformer = "T,1"};
    const struct balances_customer unused = {.used = false, .sureness = 1};
    struct line l = {.unjudged = JUDGED, .score = 5};
    char words[BALANCES_WORDS_MAX];
    (void)state;
    assert_true(fabs(balances_decibel(0.445f) - 26) < 1e-4);
    assert_true(balances_decibel(-1) == 0 && balances_decibel(2) == 30);
    score_add_balance(&l, &unused);
    assert_true(l.score == 5 && !l.balance);
    score_add_balance(&l, &c);
    assert_true(fabs(l.score - sg_phasor_combine(5, balances_decibel(0.7f))) < 1e-6);
    assert_true(l.score > 24 && l.score < 30);
    assert_true(l.balance == &c);
    assert_true(balances_words(&c, words));
    assert_non_null(strstr(words, "transformer T 1 go"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topologies),
        cmocka_unit_test(the_table_of_the_store),
        cmocka_unit_test(rows_at_odds_are_left_out),
        cmocka_unit_test(the_thief_is_first),
        cmocka_unit_test(one_of_another),
        cmocka_unit_test(written_by_rank),
        cmocka_unit_test(memory_has_a_limit),
        cmocka_unit_test(notes_accuse_nobody),
        cmocka_unit_test(the_line_takes_it),
    };
    const int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    write_days();
    const int r = cmocka_run_group_tests(tests, NULL, NULL);
    topology_clear(&topology);
    unlink(path);
    return r;
}
