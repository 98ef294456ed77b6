#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>

#include <fcntl.h>
#include <stdio.h>

struct options {
    char *listen;
    int64_t volumes;
    bool quiet;
    struct sg_conf_list peers;
};

static const struct sg_conf_option rows[] = {
    {"listen", SG_CONF_STRING, offsetof(struct options, listen), "127.0.0.1:1", 0, 0, false,
     "where"},
    {"store.volumes", SG_CONF_INT, offsetof(struct options, volumes), "8", 1, 64, false,
     "how many"},
    {"quiet", SG_CONF_BOOL, offsetof(struct options, quiet), NULL, 0, 0, false, "say less"},
    {"peers", SG_CONF_LIST, offsetof(struct options, peers), NULL, 0, 0, false, "others"},
};
static int check_options(const void *conf)
{
    const struct options *o = conf;
    return o->volumes == 13 ? SG_CONF_BAD : 0;
}

static const struct sg_conf_table table = {
    .program = "tested", .summary = "a test", .options = rows, .n = 4, .check = check_options};

static const struct sg_conf_option strict_rows[] = {
    {"listen", SG_CONF_STRING, offsetof(struct options, listen), NULL, 0, 0, true, "where"},
};
static const struct sg_conf_table strict_table = {
    .program = "tested", .summary = "a test", .options = strict_rows, .n = 1};

static char file[] = "/tmp/sg-test-conf.XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(file);
    return fd < 0 ? -1 : close(fd);
}

static int drop_file(void **state)
{
    (void)state;
    return unlink(file);
}

/* Messages go to a file that the test can read; the terminal stays clean. */
static char said[4096];

static int parse(const struct sg_conf_table *t, struct options *o, int *first, int argc,
                 char **argv)
{
    FILE *caught = tmpfile();
    int out = dup(1), err = dup(2), r;

    fflush(stdout);
    dup2(fileno(caught), 1);
    dup2(fileno(caught), 2);
    r = sg_conf_parse(t, argc, argv, o, first);
    fflush(stdout);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    rewind(caught);
    said[fread(said, 1, sizeof(said) - 1, caught)] = '\0';
    fclose(caught);
    return r;
}

#define PARSE(o, first, ...)                                                                       \
    ({                                                                                             \
        static char texts_[][64] = {"tested", __VA_ARGS__};                                        \
        char *argv_[sizeof(texts_) / 64 + 1] = {NULL};                                             \
        for (size_t i_ = 0; i_ < sizeof(texts_) / 64; i_++)                                        \
            argv_[i_] = texts_[i_];                                                                \
        parse(&table, (o), (first), (int)(sizeof(texts_) / 64), argv_);                            \
    })

static int parse_file(struct options *o, const char *yaml)
{
    char name[] = "tested", conf[] = "--conf";
    char *argv[] = {name, conf, file, NULL};
    int first;

    assert_int_equal(sg_file_write_atomic(file, sg_bytes_str(yaml), 0600), 0);
    return parse(&table, o, &first, 3, argv);
}

static void defaults_then_command_line(void **state)
{
    (void)state;
    struct options o;
    int first = 0;

    assert_int_equal(PARSE(&o, &first, "x", "--store.volumes", "3", "--peers=a", "y", "--quiet",
                           "--peers", "b", "--", "--z"),
                     0);
    assert_string_equal(o.listen, "127.0.0.1:1");
    assert_int_equal(o.volumes, 3);
    assert_true(o.quiet);
    assert_int_equal(o.peers.n, 2);
    assert_string_equal(o.peers.items[0], "a");
    assert_string_equal(o.peers.items[1], "b");
    sg_conf_clear(&table, &o);
    assert_null(o.listen);
    assert_int_equal(o.peers.n, 0);
}

static void positional_arguments_are_moved_to_the_end(void **state)
{
    (void)state;
    struct options o;
    int first = 0;
    char a0[] = "tested", a1[] = "in", a2[] = "--quiet", a3[] = "out";
    char *argv[] = {a0, a1, a2, a3, NULL};

    assert_int_equal(parse(&table, &o, &first, 4, argv), 0);
    assert_int_equal(first, 2);
    assert_string_equal(argv[2], "in");
    assert_string_equal(argv[3], "out");
    sg_conf_clear(&table, &o);
}

static void a_file_nested_or_flat(void **state)
{
    (void)state;
    struct options o;

    assert_int_equal(parse_file(&o, "listen: here\nstore:\n  volumes: 5\npeers: [p, q]\n"), 0);
    assert_string_equal(o.listen, "here");
    assert_int_equal(o.volumes, 5);
    assert_int_equal(o.peers.n, 2);
    assert_string_equal(o.peers.items[1], "q");
    sg_conf_clear(&table, &o);
    assert_int_equal(parse_file(&o, "store.volumes: 6\npeers: one\nquiet: true\n"), 0);
    assert_int_equal(o.volumes, 6);
    assert_int_equal(o.peers.n, 1);
    assert_true(o.quiet);
    sg_conf_clear(&table, &o);
    assert_int_equal(parse_file(&o, "# nothing\n"), 0);
    assert_int_equal(o.volumes, 8);
    sg_conf_clear(&table, &o);
}

static void the_command_line_wins_over_the_file(void **state)
{
    (void)state;
    struct options o;
    int first;
    char a0[] = "tested", a1[] = "--store.volumes=9", a2[] = "--conf", a4[] = "--peers", a5[] = "z";
    char *argv[] = {a0, a1, a2, file, a4, a5, NULL};

    assert_int_equal(
        sg_file_write_atomic(file, SG_BYTES_LIT("store: {volumes: 5}\npeers: [p, q]\n"), 0600), 0);
    assert_int_equal(parse(&table, &o, &first, 6, argv), 0);
    assert_int_equal(o.volumes, 9);
    assert_int_equal(o.peers.n, 1);
    assert_string_equal(o.peers.items[0], "z");
    sg_conf_clear(&table, &o);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"listen: a\nlisten: b\n", ":2: listen: key given twice"},
        {"store.volumes: 5\nstore: {volumes: 6}\n", "store.volumes: given twice"},
        {"\nunknown: 1\n", ":2: unknown: unknown key"},
        {"store: 5\n", "store: unknown key"},
        {"store:\n  volumes: 65\n", ":2: store.volumes: 65 is out of range 1..64"},
        {"store.volumes: many\n", "not a whole number"},
        {"store.volumes: [1]\n", "one value expected"},
        {"quiet: perhaps\n", "true or false"},
        {"listen: &a b\npeers: [*a]\n", "anchors"},
        {"listen: [\n", ":2:"},
        {"- a\n", "mapping"},
        {"listen: {a: b}\n", "listen.a: unknown key"},
    };
    struct options o;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse_file(&o, cases[i][0]), SG_CONF_BAD);
        if (!strstr(said, cases[i][1]))
            fail_msg("case %zu said: %s", i, said);
        assert_non_null(strstr(said, file));
    }
    int first;
    assert_int_equal(PARSE(&o, &first, "--nope"), SG_CONF_BAD);
    assert_int_equal(PARSE(&o, &first, "--listen"), SG_CONF_BAD);
    assert_int_equal(PARSE(&o, &first, "--store.volumes", "0"), SG_CONF_BAD);
    assert_int_equal(PARSE(&o, &first, "--conf", "/nonexistent/file"), SG_CONF_BAD);
}

static void a_required_option_must_be_given(void **state)
{
    (void)state;
    struct options o;
    int first;
    char a0[] = "tested", a1[] = "--listen=x";
    char *argv[] = {a0, a1, NULL};

    assert_int_equal(parse(&strict_table, &o, &first, 1, argv), SG_CONF_BAD);
    assert_non_null(strstr(said, "listen: must be given"));
    assert_int_equal(parse(&strict_table, &o, &first, 2, argv), 0);
    sg_conf_clear(&strict_table, &o);
}

static void the_program_may_check_more(void **state)
{
    (void)state;
    struct options o;
    int first;

    assert_int_equal(PARSE(&o, &first, "--store.volumes", "13"), SG_CONF_BAD);
    assert_null(o.listen);
    assert_int_equal(PARSE(&o, &first, "--check-conf", "--store.volumes", "13"), SG_CONF_BAD);
}

static void help_and_dump_exit(void **state)
{
    (void)state;
    struct options o;
    int first;

    assert_int_equal(PARSE(&o, &first, "--help"), SG_CONF_EXIT);
    assert_non_null(strstr(said, "--store.volumes N\n        how many (1..64) [8]"));
    assert_int_equal(PARSE(&o, &first, "--version"), SG_CONF_EXIT);
    assert_int_equal(PARSE(&o, &first, "--check-conf"), SG_CONF_EXIT);
    assert_int_equal(PARSE(&o, &first, "--dump-conf", "--peers", "a: \"b\"", "--quiet"),
                     SG_CONF_EXIT);

    /* What was dumped reads back as the same options. */
    char dumped[4096];
    memcpy(dumped, said, sizeof(dumped));
    assert_int_equal(parse_file(&o, dumped), 0);
    assert_true(o.quiet);
    assert_int_equal(o.peers.n, 1);
    assert_string_equal(o.peers.items[0], "a: \"b\"");
    sg_conf_clear(&table, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_then_command_line),
        cmocka_unit_test(positional_arguments_are_moved_to_the_end),
        cmocka_unit_test(a_file_nested_or_flat),
        cmocka_unit_test(the_command_line_wins_over_the_file),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_required_option_must_be_given),
        cmocka_unit_test(the_program_may_check_more),
        cmocka_unit_test(help_and_dump_exit),
    };
    return cmocka_run_group_tests(tests, make_file, drop_file);
}
