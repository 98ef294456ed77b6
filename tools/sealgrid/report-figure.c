/* report-figure - values of the run by their path, shown and marked for whoever checks the page. */
#include "report-int.h"

#include <sealgrid/base/json.h>
#include <stdio.h>

const json_t *sg_report_at(const json_t *j, const char *path)
{
    char part[64];
    while (j && *path) {
        size_t n = strcspn(path, ".");
        if (n >= sizeof part)
            return NULL;
        memcpy(part, path, n);
        part[n] = 0;
        j = json_object_get(j, part);
        path += path[n] ? n + 1 : n;
    }
    return j;
}

int64_t sg_report_int(const json_t *j, const char *path)
{
    int64_t v = (int64_t)json_integer_value(sg_report_at(j, path));
    return v >= -SG_REPORT_INT_MAX && v <= SG_REPORT_INT_MAX ? v : 0;
}

double sg_report_real(const json_t *j, const char *path)
{
    return json_number_value(sg_report_at(j, path));
}

/* Exactly as the JSON has it. */
static bool value_text(const json_t *v, char ret[64])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(64);
    struct sg_json j;
    sg_json_init(&j, &b);
    if (json_is_integer(v))
        sg_json_int(&j, (int64_t)json_integer_value(v));
    else if (json_is_real(v))
        sg_json_double(&j, json_real_value(v));
    else
        return false;
    if (sg_json_done(&j) || b.len >= 64)
        return false;
    memcpy(ret, b.data, b.len);
    ret[b.len] = 0;
    return true;
}

static struct sg_text shown(const struct sg_html *p, const json_t *v, enum sg_report_form form)
{
    switch (form) {
    case SG_FORM_DURATION:
        return sg_format_duration(p->language, json_number_value(v));
    case SG_FORM_BYTES:
        return sg_format_bytes(p->language, sg_report_int(v, ""));
    default:
        return json_is_integer(v) ? sg_format_int(p->language, (int64_t)json_integer_value(v))
                                  : sg_format_fixed(p->language, json_number_value(v), 0);
    }
}

void sg_report_put_figure(struct sg_html *p, const struct sg_report *r, const char *path,
                          enum sg_report_form form)
{
    const json_t *v = sg_report_at(r->summary, path);
    char value[64];
    if (value_text(v, value))
        sg_html_figure(p, path, value, shown(p, v, form).s);
    else
        sg_html_text(p, "\xe2\x80\x93");
}

void sg_report_put_score(struct sg_html *p, const struct sg_report *r, const char *path,
                         unsigned decimals)
{
    const json_t *v = sg_report_at(r->fraud, path);
    char value[64], figure[96];
    snprintf(figure, sizeof figure, "fraud.%.80s", path);
    if (value_text(v, value))
        sg_html_figure(p, figure, value,
                       sg_format_fixed(p->language, json_number_value(v), decimals).s);
    else
        sg_html_text(p, "\xe2\x80\x93");
}

void sg_report_open_section(struct sg_html *p, const char *name, const char *en, const char *pt)
{
    bool bill = !strcmp(name, "bill"), long_one = !strcmp(name, "load") || !strcmp(name, "fraud");
    /* On paper: a bill has its own sheet, short sections stay in one piece. */
    sg_html_open_class(p, "section", bill ? "sheet" : long_one ? NULL : "whole");
    sg_html_attrf(p, "id", "%s-%s", name, sg_html_word(p, "en", "pt"));
    sg_html_element_say(p, "h2", NULL, en, pt);
}

void sg_report_put_note(struct sg_html *p, const char *class, const char *en, const char *pt)
{
    sg_html_element_say(p, "p", class, en, pt);
}

int64_t sg_report_local(const struct sg_report *r, int64_t unix_s)
{
    return r->tariff ? unix_s + sg_tz_at(r->tariff->tz, unix_s).east_s : unix_s;
}

const char *sg_report_class_word(const struct sg_html *p, const char *class)
{
    if (!strcmp(class, "B1"))
        return sg_html_word(p, "B1 residential", "B1 residencial");
    if (!strcmp(class, "B3"))
        return sg_html_word(p, "B3 shops, offices, services", "B3 comércio, serviços e outros");
    return class;
}
