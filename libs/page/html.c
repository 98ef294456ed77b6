#include <sealgrid/page/html.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/utf8.h>

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "html-int.h"

static void put(struct sg_html *p, struct sg_bytes b)
{
    if (!p->failure)
        p->failure = sg_buf_append(p->out, b);
}

void sg_html_raw(struct sg_html *p, const char *text)
{
    put(p, sg_bytes_str(text));
}

void sg_html_init(struct sg_html *p, struct sg_buf *out, enum sg_language language)
{
    *p = (struct sg_html){.out = out, .language = language};
}

int sg_html_done(const struct sg_html *p)
{
    sg_assert(p->failure || (p->depth == 0 && !p->in_tag));
    return p->failure;
}

/* ---- escaping ------------------------------------------------------------------------------- */

static const char *escape_of(uint8_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static bool is_unwanted(const uint8_t *s, size_t n)
{
    return sg_utf8_misleads(s, n) && s[0] != '\n' && s[0] != '\t';
}

static void put_escaped(struct sg_html *p, struct sg_bytes text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t n = sg_utf8_next(text, at);
        const char *escape = n == 1 ? escape_of(text.data[at]) : NULL;
        if (n == 0 || is_unwanted(text.data + at, n))
            put(p, SG_BYTES_LIT("\xef\xbf\xbd"));
        else if (escape)
            put(p, sg_bytes_str(escape));
        else
            put(p, SG_BYTES(text.data + at, n));
        at += n ? n : 1;
    }
}

/* ---- elements ------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    return *name && strspn(name, allowed) == strlen(name);
}

static bool is_among(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(name, *list))
            return true;
    return false;
}

static void end_tag(struct sg_html *p)
{
    if (p->in_tag)
        put(p, SG_BYTES_LIT(">"));
    p->in_tag = false;
}

void sg_html_open(struct sg_html *p, const char *name)
{
    static const char *const refused[] = {"script", "style",         "iframe", "object",
                                          "embed",  "foreignObject", "base",   NULL};
    sg_assert(is_name(name) && !is_among(name, refused));
    sg_assert(p->depth < SG_HTML_DEPTH);
    end_tag(p);
    put(p, SG_BYTES_LIT("<"));
    put(p, sg_bytes_str(name));
    p->open[p->depth++] = name;
    p->in_tag = true;
}

void sg_html_close(struct sg_html *p)
{
    static const char *const empty[] = {"br", "hr", "input", "meta", "col", NULL};
    sg_assert(p->depth);
    const char *name = p->open[--p->depth];
    end_tag(p);
    if (is_among(name, empty))
        return;
    put(p, SG_BYTES_LIT("</"));
    put(p, sg_bytes_str(name));
    put(p, SG_BYTES_LIT(">"));
}

/* What an attribute may hold beyond being escaped. */
static bool is_harmless(const char *name, const char *value)
{
    static const char *const links[] = {"href", "src",    "action", "formaction",
                                        "data", "poster", NULL};
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789:;.%- ";
    if (is_among(name, links))
        return value[0] == '#';
    return strcmp(name, "style") != 0 || strspn(value, plain) == strlen(value);
}

void sg_html_attr(struct sg_html *p, const char *name, const char *value)
{
    sg_assert(p->in_tag && is_name(name));
    sg_assert(strncmp(name, "on", 2) != 0 && strcmp(name, "srcdoc") != 0);
    put(p, SG_BYTES_LIT(" "));
    put(p, sg_bytes_str(name));
    put(p, SG_BYTES_LIT("=\""));
    if (p->links_outside || is_harmless(name, value))
        put_escaped(p, sg_bytes_str(value));
    put(p, SG_BYTES_LIT("\""));
}

void sg_html_attrf(struct sg_html *p, const char *name, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    sg_assert(n >= 0 && (size_t)n < sizeof text);
    sg_html_attr(p, name, text);
}

void sg_html_attr_number(struct sg_html *p, const char *name, double v)
{
    char text[48];
    if (!isfinite(v) || fabs(v) > 1e15)
        v = 0;
    int n = snprintf(text, sizeof text, "%.2f", v);
    while (n > 0 && text[n - 1] == '0')
        text[--n] = 0;
    if (n > 0 && text[n - 1] == '.')
        text[--n] = 0;
    sg_html_attr(p, name, strcmp(text, "-0") ? text : "0");
}

void sg_html_textn(struct sg_html *p, struct sg_bytes text)
{
    end_tag(p);
    put_escaped(p, text);
}

void sg_html_text(struct sg_html *p, const char *text)
{
    sg_html_textn(p, sg_bytes_str(text));
}

void sg_html_textf(struct sg_html *p, const char *fmt, ...)
{
    SG_FREE char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n >= 0) {
        sg_html_text(p, text);
        return;
    }
    text = NULL; /* undefined after a failure */
    p->failure = p->failure ? p->failure : sg_raise(-ENOMEM);
}

const char *sg_html_word(const struct sg_html *p, const char *en, const char *pt)
{
    return p->language == SG_PT_BR ? pt : en;
}

void sg_html_say(struct sg_html *p, const char *en, const char *pt)
{
    sg_html_text(p, sg_html_word(p, en, pt));
}

void sg_html_open_class(struct sg_html *p, const char *name, const char *class)
{
    sg_html_open(p, name);
    if (class)
        sg_html_attr(p, "class", class);
}

void sg_html_element(struct sg_html *p, const char *name, const char *class, const char *text)
{
    sg_html_open_class(p, name, class);
    sg_html_text(p, text);
    sg_html_close(p);
}

void sg_html_element_say(struct sg_html *p, const char *name, const char *class, const char *en,
                         const char *pt)
{
    sg_html_element(p, name, class, sg_html_word(p, en, pt));
}

void sg_html_fact(struct sg_html *p, const char *en, const char *pt, const char *value)
{
    sg_html_open(p, "div");
    sg_html_element_say(p, "dt", NULL, en, pt);
    sg_html_element(p, "dd", NULL, value);
    sg_html_close(p);
}

void sg_html_figure(struct sg_html *p, const char *figure, const char *value, const char *shown)
{
    sg_html_open(p, "data");
    sg_html_attr(p, "data-figure", figure);
    sg_html_attr(p, "data-value", value);
    sg_html_text(p, shown);
    sg_html_close(p);
}
