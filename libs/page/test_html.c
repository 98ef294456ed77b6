#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/page/html.h>

#include <math.h>
#include <stdio.h>

static void check(const struct sg_buf *b, const char *want)
{
    assert_int_equal(b->len, strlen(want));
    assert_memory_equal(b->data, want, b->len);
}

static bool contains(const struct sg_buf *b, const char *what)
{
    return memmem(b->data, b->len, what, strlen(what)) != NULL;
}

static void elements_nest_and_close(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    struct sg_html p;
    sg_html_init(&p, &b, SG_EN);
    sg_html_open_class(&p, "p", "lead");
    sg_html_text(&p, "a");
    sg_html_element(&p, "b", NULL, "c");
    sg_html_open(&p, "br");
    sg_html_close(&p);
    sg_html_close(&p);
    assert_int_equal(sg_html_done(&p), 0);
    check(&b, "<p class=\"lead\">a<b>c</b><br></p>");
}

static void markup_in_a_name_stays_a_name(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    struct sg_html p;
    sg_html_init(&p, &b, SG_EN);
    sg_html_open(&p, "i");
    sg_html_attr(&p, "title", "\"><script>alert('1')</script>&");
    sg_html_text(&p, "</i><script>alert(\"2\")</script>&lt;");
    sg_html_close(&p);
    assert_int_equal(sg_html_done(&p), 0);
    check(&b, "<i title=\"&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;\">"
              "&lt;/i&gt;&lt;script&gt;alert(&quot;2&quot;)&lt;/script&gt;&amp;lt;</i>");
}

static void octets_that_are_no_text_are_replaced(void **state)
{
    (void)state;
    static const char *const attacks[] = {
        "\xc0\xbc",                                                            /* overlong '<' */
        "\xed\xa0\x80",                                                        /* surrogate */
        "\xff\xfe",     "\x01\x1b[2J",  "\xc2\x85",     "\xe2\x80\xaegpj.exe", /* reordered */
        "\xe2\x81\xa6", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xf4\x90\x80\x80",
        "\xd8\x9c",     "\xe2\x80\xa8", /* Arabic letter mark, line separator */
        "\xe2\x80",                     /* cut off */
    };
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
        struct sg_html p;
        sg_html_init(&p, &b, SG_EN);
        sg_html_text(&p, attacks[i]);
        assert_int_equal(sg_html_done(&p), 0);
        assert_true(contains(&b, "\xef\xbf\xbd"));
        assert_false(contains(&b, "\x1b"));
        assert_false(contains(&b, "\xe2\x80\xae"));
        assert_false(contains(&b, "\xc0\xbc"));
    }
}

static void letters_of_people_pass(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    struct sg_html p;
    sg_html_init(&p, &b, SG_PT_BR);
    sg_html_text(&p, "São Luís, 1º – medição\n\t€");
    assert_int_equal(sg_html_done(&p), 0);
    check(&b, "São Luís, 1º – medição\n\t€");
}

static void links_and_styles_stay_inside(void **state)
{
    (void)state;
    static const char *const attacks[][2] = {
        {"href", "https://example.org/"},
        {"href", "javascript:alert(1)"},
        {"src", "//example.org/x.png"},
        {"href", " #x"},
        {"style", "background:url(//example.org)"},
        {"style", "width:expression(1)"},
        {"style", "a:\\75rl"},
    };
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
        struct sg_html p;
        char want[64];
        sg_html_init(&p, &b, SG_EN);
        sg_html_open(&p, "a");
        sg_html_attr(&p, attacks[i][0], attacks[i][1]);
        sg_html_close(&p);
        assert_int_equal(sg_html_done(&p), 0);
        snprintf(want, sizeof want, "<a %s=\"\"></a>", attacks[i][0]);
        check(&b, want);
    }
}

static void a_fragment_and_a_place_pass(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    struct sg_html p;
    sg_html_init(&p, &b, SG_EN);
    sg_html_open(&p, "a");
    sg_html_attr(&p, "href", "#bill");
    sg_html_attrf(&p, "style", "left:%.2f%%", 12.5);
    sg_html_close(&p);
    check(&b, "<a href=\"#bill\" style=\"left:12.50%\"></a>");
}

static void a_long_name_passes_whole(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    static char name[100000];
    struct sg_html p;
    memset(name, 'a', sizeof name - 1);
    sg_html_init(&p, &b, SG_EN);
    sg_html_textf(&p, "%s.", name);
    assert_int_equal(sg_html_done(&p), 0);
    assert_int_equal(b.len, sizeof name);
}

static void numbers_are_plain(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *want;
    } cases[] = {{0, "0"},     {-0.001, "0"},   {12.5, "12.5"}, {100, "100"},
                 {1e300, "0"}, {1.239, "1.24"}, {-3, "-3"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(256);
        struct sg_html p;
        char want[64];
        sg_html_init(&p, &b, SG_EN);
        sg_html_open(&p, "g");
        sg_html_attr_number(&p, "x", cases[i].v);
        sg_html_close(&p);
        snprintf(want, sizeof want, "<g x=\"%s\"></g>", cases[i].want);
        check(&b, want);
    }
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(256);
    struct sg_html p;
    sg_html_init(&p, &b, SG_EN);
    sg_html_open(&p, "g");
    sg_html_attr_number(&p, "x", NAN);
    sg_html_attr_number(&p, "y", INFINITY);
    sg_html_close(&p);
    check(&b, "<g x=\"0\" y=\"0\"></g>");
}

static void a_full_buffer_is_said(void **state)
{
    (void)state;
    static const char whole[] = "<data data-figure=\"a\" data-value=\"1\">one</data>";
    for (size_t max = 0; max < sizeof whole + 4; max++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(max);
        struct sg_html p;
        sg_html_init(&p, &b, SG_EN);
        sg_html_figure(&p, "a", "1", "one");
        int r = sg_html_done(&p);
        assert_int_equal(r == 0, max >= sizeof whole - 1);
        assert_true(r < 0 || b.len == sizeof whole - 1);
        assert_true(b.len <= max);
    }
}

static void put_greeting(struct sg_html *p, void *user)
{
    sg_html_element_say(p, "h1", NULL, "Good day", "Bom dia");
    sg_html_element(p, "p", NULL, user);
}

static void a_document_speaks_both_languages(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    char name[] = "<img src=x onerror=alert(1)>";
    struct sg_html_document d = {"</title><script>", put_greeting, name, SG_EN};
    assert_int_equal(sg_html_document(&b, &d), 0);
    assert_true(contains(&b, "<main lang=\"en\"><h1>Good day</h1>"));
    assert_true(contains(&b, "<main lang=\"pt-BR\"><h1>Bom dia</h1>"));
    assert_true(contains(&b, "Content-Security-Policy\" content=\"default-src 'none'"));
    assert_false(contains(&b, "<script"));
    assert_false(contains(&b, "<img"));
    assert_false(contains(&b, "http://"));
    assert_false(contains(&b, "https://"));
    assert_true(contains(&b, "id=\"language-en\" checked"));
    sg_buf_reset(&b);
    d.language = SG_PT_BR;
    assert_int_equal(sg_html_document(&b, &d), 0);
    assert_true(contains(&b, "id=\"language-pt\" checked"));
    assert_false(contains(&b, "id=\"language-en\" checked"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_nest_and_close),
        cmocka_unit_test(markup_in_a_name_stays_a_name),
        cmocka_unit_test(octets_that_are_no_text_are_replaced),
        cmocka_unit_test(letters_of_people_pass),
        cmocka_unit_test(links_and_styles_stay_inside),
        cmocka_unit_test(a_fragment_and_a_place_pass),
        cmocka_unit_test(a_long_name_passes_whole),
        cmocka_unit_test(numbers_are_plain),
        cmocka_unit_test(a_full_buffer_is_said),
        cmocka_unit_test(a_document_speaks_both_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
