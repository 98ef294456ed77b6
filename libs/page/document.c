/* document - the frame of a page: head, style sheet, language switch, the body in each language. */
#include "page-int.h"

static const struct {
    const char *tag, *id, *name;
} languages[SG_PAGE_N_LANGUAGES] = {
    [SG_PAGE_EN] = {"en", "language-en", "English"},
    [SG_PAGE_PT_BR] = {"pt-BR", "language-pt", "Português"},
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
static void put_switch(struct sg_page *p)
{
    for (int l = 0; l < SG_PAGE_N_LANGUAGES; l++) {
        sg_page_open_class(p, "input", "language");
        sg_page_attr(p, "type", "radio");
        sg_page_attr(p, "name", "language");
        sg_page_attr(p, "id", languages[l].id);
        if (l == SG_PAGE_EN)
            sg_page_attr(p, "checked", "");
        sg_page_close(p);
        sg_page_open_class(p, "label", "language");
        sg_page_attr(p, "for", languages[l].id);
        sg_page_attr(p, "lang", languages[l].tag);
        sg_page_text(p, languages[l].name);
        sg_page_close(p);
    }
}

static void put_body(struct sg_page *p, const struct sg_page_document *d, enum sg_page_language l)
{
    p->language = l;
    sg_page_open(p, "main");
    sg_page_attr(p, "lang", languages[l].tag);
    d->body(p, d->user);
    sg_page_close(p);
    sg_page_raw(p, "\n");
}

int sg_page_document(struct sg_buf *out, const struct sg_page_document *d)
{
    struct sg_page p;
    sg_page_init(&p, out, SG_PAGE_EN);
    sg_page_raw(&p, head);
    sg_page_element(&p, "title", NULL, d->title);
    sg_page_raw(&p, "<style>");
    sg_page_raw(&p, sg_page_style);
    sg_page_raw(&p, "</style></head>\n<body>\n");
    put_switch(&p);
    for (int l = 0; l < SG_PAGE_N_LANGUAGES; l++)
        put_body(&p, d, (enum sg_page_language)l);
    sg_page_raw(&p, "</body></html>\n");
    return sg_page_done(&p);
}
