#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/buf.h>
#include <sealgrid/base/yaml.h>

#include <stdio.h>

static void a_document_becomes_a_tree(void **state)
{
    (void)state;
    SG_CLEANUP(sg_yaml_clear) struct sg_yaml y = {NULL, 0};
    struct sg_yaml_error e;
    struct sg_bytes text = SG_BYTES_LIT("a: 1\nb:\n  - x\n  - {c: 'y z'}\nd:\n");

    assert_int_equal(sg_yaml_parse(&y, text, &e), 0);
    const struct sg_yaml_node *root = y.nodes, *b = sg_yaml_get(root, "b");
    assert_int_equal(root->kind, SG_YAML_MAPPING);
    assert_int_equal(root->n_children, 3);
    assert_string_equal(sg_yaml_get(root, "a")->text, "1");
    assert_int_equal(b->kind, SG_YAML_SEQUENCE);
    assert_int_equal(b->n_children, 2);
    assert_string_equal(b->first->text, "x");
    assert_string_equal(sg_yaml_get(b->last, "c")->text, "y z");
    assert_int_equal(b->last->line, 4);
    assert_string_equal(sg_yaml_get(root, "d")->text, "");
    assert_null(sg_yaml_get(root, "e"));
}

static void the_rest_of_yaml_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "a: 1\na: 2\n",
                                      "a: &x 1\n",
                                      "a: *x\n",
                                      "a: !!int 1\n",
                                      "? [a]\n: 1\n",
                                      "a: [\n",
                                      "--- a\n--- b\n",
                                      "a: \"\\0\"\n",
                                      "[[[[[[[[[[1]]]]]]]]]]\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sg_yaml y = {NULL, 0};
        struct sg_yaml_error e = {0, ""};
        if (sg_yaml_parse(&y, sg_bytes_str(bad[i]), &e) != SG_YAML_BAD)
            fail_msg("accepted: %s", bad[i]);
        assert_true(e.text[0]);
        assert_null(y.nodes);
    }
}

/* What was seen of a list: how many, and the last. */
struct seen {
    size_t n, stop_at;
    unsigned line;
    char text[32];
};

static int see(void *user, const struct sg_yaml_node *item)
{
    struct seen *s = user;
    const struct sg_yaml_node *name = sg_yaml_get(item, "name");

    assert_null(item->next);
    assert_null(item->key);
    s->line = item->line;
    snprintf(s->text, sizeof(s->text), "%s", name ? name->text : "");
    return ++s->n == s->stop_at ? 7 : 0;
}

/* 100,000 elements of three values: no limit of one tree holds for the list. */
static void a_list_is_read_element_by_element(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 23);
        struct seen s = {0, 0, 0, ""};
        struct sg_yaml_error e = {0, ""};
        assert_int_equal(sg_buf_printf(&text, k ? "[\n" : ""), 0);
        for (unsigned i = 0; i < 100000; i++)
            assert_int_equal(k ? sg_buf_printf(&text, "{\"name\": \"n%u\", \"list\": [1]},\n", i)
                               : sg_buf_printf(&text, "- name: n%u\n  list: [1]\n", i),
                             0);
        assert_int_equal(sg_buf_printf(&text, k ? "]" : ""), 0);
        if (sg_yaml_each(sg_buf_bytes(&text), see, &s, &e))
            fail_msg("%u: %s", e.line, e.text);
        assert_int_equal(s.n, 100000);
        assert_string_equal(s.text, "n99999");
        assert_int_equal(s.line, k ? 100001 : 199999);

        s = (struct seen){.stop_at = 3};
        assert_int_equal(sg_yaml_each(sg_buf_bytes(&text), see, &s, &e), 7);
        assert_int_equal(s.n, 3);
        assert_string_equal(s.text, "n2");
    }
}

static void a_list_with_a_mistake_ends_there(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf large = SG_BUF_INIT(1 << 20);
    static const struct {
        const char *text, *reason;
        size_t n;
        unsigned line;
    } cases[] = {
        {"", "nothing in it", 0, 0},
        {"# a comment\n", "nothing in it", 0, 0},
        {"name: a\n", "a list", 0, 1},
        {"a word\n", "a list", 0, 1},
        {"&x [1]\n", "anchors", 0, 1},
        {"- 1\n- {a: 1, a: 2}\n- 3\n", "twice", 1, 2},
        {"- 1\n- &x 2\n", "anchors", 1, 2},
        {"[1, 2", "", 2, 0},
        {"[1, 2]\n3\n", "", 2, 2},
        {"- 1\n--- \n- 2\n", "one YAML document", 1, 2},
        {"- 1\n- [[[[[[[[[1]]]]]]]]]\n", "too deep", 1, 2},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seen s = {0, 0, 0, ""};
        struct sg_yaml_error e = {0, ""};
        assert_int_equal(sg_yaml_each(sg_bytes_str(cases[i].text), see, &s, &e), SG_YAML_BAD);
        if (!e.text[0] || !strstr(e.text, cases[i].reason) || s.n != cases[i].n ||
            (cases[i].line && e.line != cases[i].line))
            fail_msg("case %zu: after %zu, line %u: %s", i, s.n, e.line, e.text);
    }

    /* The limit of one tree holds for each element. */
    struct seen s = {0, 0, 0, ""};
    struct sg_yaml_error e = {0, ""};
    assert_int_equal(sg_buf_append(&large, sg_bytes_str("- 1\n- [")), 0);
    for (size_t i = 0; i < SG_YAML_NODES; i++)
        assert_int_equal(sg_buf_append(&large, sg_bytes_str("1,")), 0);
    assert_int_equal(sg_buf_append(&large, sg_bytes_str("]\n")), 0);
    assert_int_equal(sg_yaml_each(sg_buf_bytes(&large), see, &s, &e), SG_YAML_BAD);
    assert_int_equal(s.n, 1);
    assert_int_equal(e.line, 2);
    assert_non_null(strstr(e.text, "more than 4096"));
}

/* Where a person would look. */
static void problems_have_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
        unsigned line;
    } cases[] = {
        {"a: 1\nb: 2\nname: Distribui\xe7\xe3o\n", "UTF-8", 3},
        {"a: 1\nb: \x01\n", "control characters", 2},
        {"a: 1\n\tb: 2\n", "tab", 2},
        {"a: 1\nb:2\nc: 3\n", "expected ':'", 2},
        {"a: 1\nb: 2\na: 3\n", "a: key given twice", 3},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sg_yaml y = {NULL, 0};
        struct sg_yaml_error e = {0, ""};
        assert_int_equal(sg_yaml_parse(&y, sg_bytes_str(cases[i].text), &e), SG_YAML_BAD);
        if (!strstr(e.text, cases[i].reason) || e.line != cases[i].line)
            fail_msg("case %zu: line %u: %s", i, e.line, e.text);
    }
    /* Of no octets at all there may be no place either. */
    struct sg_yaml y = {NULL, 0};
    struct sg_yaml_error e = {0, ""};
    assert_int_equal(sg_yaml_parse(&y, SG_BYTES_NONE, &e), SG_YAML_BAD);
    assert_string_equal(e.text, "nothing in it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_becomes_a_tree),
        cmocka_unit_test(the_rest_of_yaml_is_refused),
        cmocka_unit_test(problems_have_their_line),
        cmocka_unit_test(a_list_is_read_element_by_element),
        cmocka_unit_test(a_list_with_a_mistake_ends_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
