/*
 * fuzz - whatever the files of a run hold, the page is whole, elements nest, and nothing in it came
 * from the files as markup.  Input: summary, facts and ranking, parted by NULs; then a bill.
 */
#include "report-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/utf8.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char tariff[] = "format: 2\n"
                             "id: b1-white\n"
                             "title: B1\n"
                             "currency: BRL\n"
                             "decimals: 2\n"
                             "zone: America/Sao_Paulo\n"
                             "interval_minutes: 15\n"
                             "rounding: half-even\n"
                             "posts:\n"
                             "  - {name: all}\n"
                             "charges:\n"
                             "  - {name: energy, kind: energy, rates: [{rate: 0.82200}]}\n";

/* ---- a strict reader of the markup that the writer makes ------------------------------------ */

#define DEPTH_MAX 64

struct page {
    const char *at;
    char open[DEPTH_MAX][16];
    size_t depth;
};

static bool takes(struct page *p, const char *what)
{
    const size_t n = strlen(what);
    if (strncmp(p->at, what, n) != 0)
        return false;
    p->at += n;
    return true;
}

static void take_name(struct page *p, char ret[16])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    const size_t n = strspn(p->at, letters);
    sg_assert(n > 0 && n < 16);
    memcpy(ret, p->at, n);
    ret[n] = 0;
    p->at += n;
}

static bool is_among(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(name, *list))
            return true;
    return false;
}

static void take_attribute(struct page *p)
{
    char name[32];
    const size_t n = strcspn(p->at, "=<> \"");
    sg_assert(n > 0 && n < sizeof name);
    memcpy(name, p->at, n);
    name[n] = 0;
    p->at += n;
    sg_assert(takes(p, "=\""));
    const char *value = p->at;
    p->at += strcspn(value, "\"");
    sg_assert(memchr(value, '<', (size_t)(p->at - value)) == NULL);
    sg_assert(strncmp(name, "on", 2) != 0 && strcmp(name, "src") != 0);
    sg_assert(strcmp(name, "href") != 0 || *value == '#');
    sg_assert(takes(p, "\""));
}

static void take_element(struct page *p)
{
    static const char *const empty[] = {"br", "hr", "input", "meta", "col", NULL};
    static const char *const foreign[] = {"script", "style", "iframe", "object", "embed",
                                          "base",   "img",   "link",   "meta",   NULL};
    char name[16];
    if (takes(p, "/")) {
        take_name(p, name);
        sg_assert(p->depth && !strcmp(p->open[p->depth - 1], name));
        p->depth--;
    } else {
        take_name(p, name);
        sg_assert(!is_among(name, foreign));
        while (takes(p, " "))
            take_attribute(p);
        sg_assert(p->depth < DEPTH_MAX);
        if (!is_among(name, empty))
            memcpy(p->open[p->depth++], name, sizeof name);
    }
    sg_assert(takes(p, ">"));
}

static void check(struct sg_buf *b)
{
    sg_assert(sg_utf8_valid(sg_buf_bytes(b)) && memchr(b->data, 0, b->len) == NULL);
    sg_assert(sg_buf_append_u8(b, 0) == 0);
    struct page p = {.at = strstr((const char *)b->data, "<body>")};
    sg_assert(p.at);
    while (*p.at) {
        p.at += strcspn(p.at, "<>");
        if (!*p.at || (p.depth == 1 && takes(&p, "</body></html>\n")))
            break;
        sg_assert(takes(&p, "<"));
        take_element(&p);
    }
    sg_assert(*p.at == 0);
}

/* ---- a run ---------------------------------------------------------------------------------- */

static struct sg_bytes next_part(struct sg_bytes *rest)
{
    const uint8_t *end = rest->len ? memchr(rest->data, 0, rest->len) : NULL;
    const size_t n = end ? (size_t)(end - rest->data) : rest->len;
    const struct sg_bytes part = SG_BYTES(rest->data, n);
    *rest = SG_BYTES(rest->data + n + (end != NULL), rest->len - n - (end != NULL));
    return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sg_report r;
    SG_CLEANUP(sg_buf_clear) struct sg_buf page = SG_BUF_INIT(SG_REPORT_PAGE_MAX);
    struct sg_bytes rest = SG_BYTES(data, size);
    struct sg_yaml_error why;
    const struct sg_bytes summary = next_part(&rest), facts = next_part(&rest);
    const struct sg_bytes fraud = next_part(&rest);
    if (sg_report_read(&r, summary, facts, fraud))
        return 0;
    sg_assert(sg_tariff_parse(&r.tariff, sg_bytes_str(tariff), &why) == 0);
    sg_assert(sg_report_take_bill(&r, rest) == 0);
    if (sg_report_put(&r, &page) == 0) /* or too large */
        check(&page);
    sg_report_clear(&r);
    return 0;
}
