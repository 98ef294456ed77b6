/* document - the frame of a page: head, style sheet, language switch, the body in each language. */
#include "html-int.h"

static const struct {
    const char *tag, *id, *name;
} languages[SG_N_LANGUAGES] = {
    [SG_EN] = {"en", "language-en", "English"},
    [SG_PT_BR] = {"pt-BR", "language-pt", "Português"},
};

/* The policy lets nothing in but the style sheet below; the empty icon keeps browsers from asking
 * for one. */
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta name=\"referrer\" content=\"no-referrer\">\n"
    "<meta name=\"robots\" content=\"noindex\">\n<link rel=\"icon\" href=\"data:,\">\n";

/* Radio buttons and their labels are brothers of the bodies: `:checked ~` shows one of those. */
static void put_switch(struct sg_html *p, enum sg_language first)
{
    for (int l = 0; l < SG_N_LANGUAGES; l++) {
        sg_html_open_class(p, "input", "language");
        sg_html_attr(p, "type", "radio");
        sg_html_attr(p, "name", "language");
        sg_html_attr(p, "id", languages[l].id);
        if (l == (int)first)
            sg_html_attr(p, "checked", "");
        sg_html_close(p);
        sg_html_open_class(p, "label", "language");
        sg_html_attr(p, "for", languages[l].id);
        sg_html_attr(p, "lang", languages[l].tag);
        sg_html_text(p, languages[l].name);
        sg_html_close(p);
    }
}

static void put_body(struct sg_html *p, const struct sg_html_document *d, enum sg_language l)
{
    p->language = l;
    sg_html_open(p, "main");
    sg_html_attr(p, "lang", languages[l].tag);
    d->body(p, d->user);
    sg_html_close(p);
    sg_html_raw(p, "\n");
}

int sg_html_document(struct sg_buf *out, const struct sg_html_document *d)
{
    struct sg_html p;
    sg_html_init(&p, out, SG_EN);
    sg_html_raw(&p, head);
    sg_html_element(&p, "title", NULL, d->title);
    sg_html_raw(&p, "<style>");
    sg_html_raw(&p, sg_html_style);
    sg_html_raw(&p, "</style></head>\n<body>\n");
    put_switch(&p, d->language);
    for (int l = 0; l < SG_N_LANGUAGES; l++)
        put_body(&p, d, (enum sg_language)l);
    sg_html_raw(&p, "</body></html>\n");
    return sg_html_done(&p);
}
