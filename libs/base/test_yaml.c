#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/yaml.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_becomes_a_tree),
        cmocka_unit_test(the_rest_of_yaml_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
