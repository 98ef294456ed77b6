#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include <sealgrid/base/file.h>

#include "csv.h"
#include "labels.h"

static struct labels labels;
static char why[160];

static int parse(const char *text)
{
    labels_clear(&labels);
    return labels_parse(&labels, sg_bytes_str(text), why);
}

/* The columns of the public benchmark, whose last is quoted and holds commas. */
static void columns_by_name(void **state)
{
    (void)state;
    assert_int_equal(parse("customer,label,type,start_day,true_kwh_test,reported_kwh_test,params\n"
                           "7,0,0,-1,10,10,\"{}\"\r\n"
                           "12,1,3,93,30.5,10,\"{\"\"a\"\": 0.5, \"\"b\"\": 1}\"\n"),
                     0);
    assert_int_equal(labels.n, 2);
    const struct label *l = labels_find(&labels, "12");
    assert_non_null(l);
    assert_true(l->thief && l->type == 3 && l->energy == 20.5 && l->start_day == 93);
    assert_int_equal(labels_find(&labels, "7")->start_day, -1);
    assert_false(labels_find(&labels, "7")->thief);
    assert_null(labels_find(&labels, "1"));
    assert_int_equal(parse("label,client\n1,x y\n"), 0);
    assert_true(labels_find(&labels, "x y")->thief);
}

static void labels_as_other_programs_write_them(void **state)
{
    (void)state;
    assert_int_equal(parse("\xef\xbb\xbf\"customer\",\"label\"\r\n\"1\",TRUE\r\n\"2\",FALSE\r\n"
                           "\"3\",1.0\r\n\"4\",0.0\r\n5,True\r\n6,False\r\n"),
                     0);
    assert_int_equal(labels.n, 6);
    for (int i = 1; i <= 6; i++)
        assert_int_equal(labels_find(&labels, (char[]){(char)('0' + i), 0})->thief, i % 2);
    /* The mark stands before the file alone; elsewhere it is part of a name. */
    assert_int_equal(parse("\xef\xbb\xbf"
                           "customer,label\n\xef\xbb\xbf"
                           "c1,1\nc1,0\n"),
                     0);
    assert_false(labels_find(&labels, "c1")->thief);
}

static void bad_labels_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "no label"},
        {"customer,label\n", "no label"},
        {"customer,thief\n1,1\n", "line 1:"},
        {"customer,label\n1,2\n", "line 2: label"},
        {"customer,label\n1,0.5\n", "line 2: label"},
        {"customer,label\n1,-1\n", "line 2: label"},
        {"customer,label\n1\n", "line 2: label"},
        {"customer,label\n1,1\n,0\n", "line 3: customer"},
        {"customer,label\na\"b,1\n", "line 2: customer"},
        {"customer,label\n\"a\"\"b\",1\n", "line 2: customer"},
        {"customer,label,type\n1,1,16\n", "line 2: type"},
        {"customer,label,type\n1,1,1.5\n", "line 2: type"},
        {"customer,label,type\n1,1,0x3\n", "line 2: type"},
        {"customer,label,type\n1,1, 3\n", "line 2: type"},
        {"customer,label,type\n1,1,-1\n", "line 2: type"},
        {"customer,label,start_day\n1,1,soon\n", "line 2: start_day"},
        {"customer,label,start_day\n1,1,1e7\n", "line 2: start_day"},
        {"customer,label,true_wh,reported_wh\n1,1,1e308,-1e308\n", "line 2: energy"},
        {"customer,label,true_wh,reported_wh\n1,1,inf,0\n", "line 2: energy"},
        {"customer,label,true_wh,reported_wh\n1,1,nan,0\n", "line 2: energy"},
        {"customer,label,true_wh,reported_wh\n1,1,5,x\n", "line 2: energy"},
        {"customer,label\n1,1\n2,0\n1,0\n", "two labels"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(parse(bad[i].text), LABELS_BAD);
        assert_non_null(strstr(why, bad[i].why));
        assert_null(labels.list);
    }
}

static void labels_have_a_limit(void **state)
{
    (void)state;
    const struct sg_bytes text = SG_BYTES_LIT("customer,label\n1,0\n2,1\n\n3,0\n");
    labels_clear(&labels);
    assert_int_equal(labels_parse_most(&labels, text, 2, why), LABELS_BAD);
    assert_string_equal(why, "line 5: more labels than there may be");
    assert_null(labels.list);
    assert_int_equal(labels_parse_most(&labels, text, 3, why), 0);
    assert_int_equal(labels.n, 3);
}

static struct ranking ranking;

static void rank(const char *id, double score, enum unjudged unjudged)
{
    struct line l = {.score = score,
                     .unjudged = unjudged,
                     .likeness = NAN,
                     .level = NAN,
                     .class_then = UINT32_MAX,
                     .class_now = UINT32_MAX};
    snprintf(l.id, sizeof(l.id), "%s", id);
    assert_int_equal(ranking_add(&ranking, &l), 0);
}

/* a 0.9 thief, b 0.8 honest, c 0.8 honest, d 0.1 thief, e not judged honest, f without a label. */
static void make_ranking(void)
{
    ranking_clear(&ranking);
    rank("c", 0.8, JUDGED);
    rank("e", 0, FEW_RECENT);
    rank("d", 0.1, JUDGED);
    rank("f", 0.95, JUDGED);
    rank("b", 0.8, JUDGED);
    rank("a", 0.9, JUDGED);
    assert_int_equal(ranking_sort(&ranking), 0);
}

static void ranks_by_score_then_id_the_unjudged_last(void **state)
{
    (void)state;
    char order[8] = "";
    make_ranking();
    for (size_t i = 0; i < ranking.n; i++)
        order[i] = ranking.lines[i].id[0];
    assert_string_equal(order, "fabcde");
    assert_int_equal(ranking.n_unjudged, 1);
    assert_true(ranking_score(&ranking, &ranking.lines[5]) == 0);
    rank("g", -0.5, JUDGED);
    assert_int_equal(ranking_sort(&ranking), 0);
    assert_true(ranking_score(&ranking, &ranking.lines[6]) == -0.5);
}

/* Silent meters are many; whoever drops a reading a day stands before them. */
static void the_unjudged_by_incomplete_days(void **state)
{
    (void)state;
    char order[8] = "";
    ranking_clear(&ranking);
    rank("a", 0, FEW_RECENT);
    rank("b", 0, NO_DAYS);
    rank("c", 0.1, JUDGED);
    rank("d", 0, FEW_RECENT);
    rank("e", 0, FEW_RECENT);
    ranking.lines[3].incomplete = ranking.lines[4].incomplete = 30;
    ranking.lines[2].incomplete = 2;
    assert_int_equal(ranking_sort(&ranking), 0);
    for (size_t i = 0; i < ranking.n; i++)
        order[i] = ranking.lines[i].id[0];
    assert_string_equal(order, "cdeab");
}

/* The ranking as a file's text, ended by a NUL. */
static void write_and_read(struct sg_buf *text)
{
    const struct plan plan = {.mode = MODE_CORRELATION};
    char path[64];
    snprintf(path, sizeof(path), "/tmp/sealgrid-ranking-%d.csv", (int)getpid());
    assert_int_equal(ranking_write(&ranking, &plan, path), 0);
    assert_int_equal(sg_file_read(path, text), 0);
    assert_int_equal(sg_buf_append_u8(text, 0), 0);
    unlink(path);
}

static void a_ranking_as_a_file(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    const struct plan plan = {.mode = MODE_CORRELATION};
    make_ranking();
    ranking.lines[0].likeness = 0.123f;
    ranking.lines[1].likeness = -0.5f;
    ranking.lines[1].kind = SG_FRAUD_WEEKEND;
    ranking.lines[1].class_then = 37;
    ranking.lines[1].class_now = 12;
    ranking.lines[1].incomplete = 2;
    ranking.lines[1].conflicts = 3;
    ranking.lines[5].n_reference = 90;
    write_and_read(&text);
    const char *s = (const char *)text.data;
    assert_non_null(strstr(s, "customer,score,rank,reasons\n"
                              "f,0.95,1,correlation with own workdays 0.12\n"
                              "a,0.9,2,correlation with own weekends -0.50; class 37 -> 12; "
                              "2 days incomplete; 3 readings in conflict\n"));
    assert_non_null(strstr(s, "\ne,0,6,\"not judged: few-recent-days (90 regular, 0 recent)\"\n"));
    assert_int_equal(ranking_write(&ranking, &plan, "/nonexistent/x"), -ENOENT);
}

/* Four fields in each line, whatever the words hold. */
static void words_with_commas_stay_one_field(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        {"", ""}, {"a; b", "a; b"}, {"a, b", "\"a, b\""}, {"say \"a\"", "\"say \"\"a\"\"\""}};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1024);
        struct sg_bytes field[CSV_COLUMNS_MAX];
        assert_int_equal(csv_put_words(&text, words[i][0]), 0);
        assert_true(sg_bytes_equal(sg_buf_bytes(&text), sg_bytes_str(words[i][1])));
        assert_int_equal(csv_split(sg_buf_bytes(&text), field), 1);
    }
}

/* Customers' names come from the file that is judged: a spreadsheet must not run them. */
static void a_name_is_no_formula(void **state)
{
    (void)state;
    static const char *const attacks[] = {
        "=cmd|' /c calc'!A1", "@SUM(A1)", "+1-1", "-2+3", "-", "=1"};
    static const char *const plain[] = {"-5", "5", "a=1", "a-b"};
    for (size_t i = 0; i < 10; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
        const char *name = i < 6 ? attacks[i] : plain[i - 6];
        char want[96];
        ranking_clear(&ranking);
        rank(name, 1, JUDGED);
        write_and_read(&text);
        snprintf(want, sizeof(want), "\n%s%s,1,1,", i < 6 ? "'" : "", name);
        assert_non_null(strstr((const char *)text.data, want));
    }
}

/* Marks that make a name read as another one, and controls, stand as what they are; other letters
 * and other encodings stay. */
static void a_name_is_no_other(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"a\xe2\x80\xaetxt", "a<U+202E>txt"},
        {"\xe2\x81\xa6x\xe2\x81\xa9", "<U+2066>x<U+2069>"},
        {"\xc2\x9bK2J", "<U+009B>K2J"},
        {"\xd8\x9cx", "<U+061C>x"},
        {"x\x85y", "x<85>y"},
        {"\x9bK", "<9B>K"},
        {"Jo\xc3\xa3o, Concei\xc3\xa7\xc3\xa3o", "\"Jo\xc3\xa3o, Concei\xc3\xa7\xc3\xa3o\""},
        {"Jo\xe3o", "Jo\xe3o"},
        {"\xf0\x9f\x8f\xa0", "\xf0\x9f\x8f\xa0"},
        {"=\xe2\x80\x8f,", "\"'=<U+200F>,\""},
        {"\xe2\x80", "\xe2<80>"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1024);
        assert_int_equal(csv_put_name(&text, names[i][0]), 0);
        assert_int_equal(sg_buf_append_u8(&text, 0), 0);
        assert_string_equal((const char *)text.data, names[i][1]);
    }
}

/* It accuses people: nobody else's business, and nothing that lies in its way is followed. */
static void a_ranking_is_its_owners(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    const struct plan plan = {.mode = MODE_CORRELATION};
    char path[64], part[80], victim[80];
    struct stat st;
    snprintf(path, sizeof(path), "/tmp/sealgrid-ranking-%d.csv", (int)getpid());
    snprintf(part, sizeof(part), "%s.part", path);
    snprintf(victim, sizeof(victim), "%s.victim", path);
    assert_int_equal(sg_file_write_atomic(victim, SG_BYTES_LIT("kept"), 0600), 0);
    assert_int_equal(symlink(victim, part), 0);
    make_ranking();
    assert_int_equal(ranking_write(&ranking, &plan, path), 0);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(sg_file_read(victim, &text), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&text), SG_BYTES_LIT("kept")));
    assert_int_equal(lstat(part, &st), -1);
    unlink(path);
    unlink(victim);
}

static void a_pipe_stays_a_pipe(void **state)
{
    (void)state;
    const struct plan plan = {.mode = MODE_CORRELATION};
    char path[64], got[32] = "";
    struct stat st;
    snprintf(path, sizeof(path), "/tmp/sealgrid-ranking-%d.pipe", (int)getpid());
    assert_int_equal(mkfifo(path, 0600), 0);
    SG_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    make_ranking();
    assert_int_equal(ranking_write(&ranking, &plan, path), 0);
    assert_int_equal(read(fd, got, 27), 27);
    assert_string_equal(got, "customer,score,rank,reasons");
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    unlink(path);
}

/* Order of those labelled: a(T) b c (tied) d(T) e: pairs 6, won 3 + 1. */
static void a_verdict_by_labels(void **state)
{
    (void)state;
    struct verdict v;
    make_ranking();
    assert_int_equal(parse("customer,label,type,true_wh,reported_wh\na,1,2,100,60\nb,0,0,1,1\n"
                           "c,0,0,1,1\nd,1,5,9,8\ne,0,0,1,1\nz,1,1,5,4\n"),
                     0);
    assert_int_equal(labels_judge(&labels, &ranking, 200, 1, &v), 0);
    assert_int_equal(v.customers, 5);
    assert_int_equal(v.thieves, 2);
    assert_int_equal(v.unlabelled, 1);
    assert_int_equal(v.unseen, 1);
    assert_true(v.energy == 41);
    assert_true(fabs(v.auc.value - 4.0 / 6) < 1e-12);
    assert_true(fabs(v.average_precision.value - (1 + 2.0 / 4) / 2) < 1e-12);
    assert_true(v.auc.low <= v.auc.value && v.auc.value <= v.auc.high);
    assert_true(fabs(v.precision[0].value - 2.0 / 5) < 1e-12); /* of 10: all five */
    assert_true(v.false_alarms.value == 0);
    assert_true(v.type_auc[2] == 1);
    assert_true(fabs(v.type_auc[5] - 1.0 / 3) < 1e-12);
    assert_true(isnan(v.type_auc[1]));
}

static int clear(void **state)
{
    (void)state;
    labels_clear(&labels);
    ranking_clear(&ranking);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_by_name),
        cmocka_unit_test(labels_as_other_programs_write_them),
        cmocka_unit_test(bad_labels_are_named),
        cmocka_unit_test(ranks_by_score_then_id_the_unjudged_last),
        cmocka_unit_test(the_unjudged_by_incomplete_days),
        cmocka_unit_test(a_ranking_as_a_file),
        cmocka_unit_test(words_with_commas_stay_one_field),
        cmocka_unit_test(a_name_is_no_formula),
        cmocka_unit_test(a_name_is_no_other),
        cmocka_unit_test(labels_have_a_limit),
        cmocka_unit_test(a_ranking_is_its_owners),
        cmocka_unit_test(a_pipe_stays_a_pipe),
        cmocka_unit_test(a_verdict_by_labels),
    };
    return cmocka_run_group_tests(tests, NULL, clear);
}
