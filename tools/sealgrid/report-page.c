/* report-page - the page out of texts alone: nothing here opens a file. */
#include "report-int.h"

#define CLASSES_MAX   8
#define CUSTOMERS_MAX (3 * CLASSES_MAX)
#define VOLUMES_MAX   1024 /* and buckets */

static void decref(json_t **j)
{
    json_decref(*j);
}

/* ---- what is read --------------------------------------------------------------------------- */

/* NULL if it is not one JSON object. */
static json_t *read_object(struct sg_bytes text)
{
    json_t *j = text.len ? json_loadb((const char *)text.data, text.len, 0, NULL) : NULL;
    if (json_is_object(j))
        return j;
    json_decref(j);
    return NULL;
}

static bool has_few(const json_t *facts, const char *list, size_t most)
{
    return json_array_size(json_object_get(facts, list)) <= most;
}

/* What the rest of the page calculates with and draws: a file that says something else is not
 * believed. */
static bool is_sane(const json_t *facts)
{
    const int64_t year_9999 = INT64_C(253370764800);
    int64_t meters = sg_report_int(facts, "run.meters"), days = sg_report_int(facts, "run.days");
    int64_t from_s = sg_report_int(facts, "run.from_s"), made_s = sg_report_int(facts, "made_s");
    return meters >= 1 && meters <= 10000000 && days >= 1 && days <= 400 && from_s >= 0 &&
           from_s < year_9999 && made_s >= 0 && made_s < year_9999 &&
           has_few(facts, "classes", CLASSES_MAX) && has_few(facts, "customers", CUSTOMERS_MAX) &&
           has_few(facts, "volumes", VOLUMES_MAX) && has_few(facts, "buckets", VOLUMES_MAX);
}

int sg_report_read(struct sg_report *ret, struct sg_bytes summary, struct sg_bytes facts,
                   struct sg_bytes fraud)
{
    SG_CLEANUP(decref) json_t *s = read_object(summary), *f = read_object(facts);
    if (!s)
        return sg_raisef(-EBADMSG, "the summary is not a JSON object");
    *ret = (struct sg_report){.summary = TAKE_PTR(s),
                              .facts = is_sane(f) ? TAKE_PTR(f) : NULL,
                              .fraud = read_object(fraud)};
    return 0;
}

void sg_report_clear(struct sg_report *r)
{
    json_decref(r->summary);
    json_decref(r->facts);
    json_decref(r->fraud);
    if (r->tariff)
        sg_tariff_free(r->tariff);
    sg_bill_clear(&r->bill);
    *r = (struct sg_report){.summary = NULL};
}

static void add_load(struct sg_report *r)
{
    json_t *list = json_object_get(json_object_get(r->facts, "bill"), "readings"), *one;
    size_t i;
    sg_bill_load_init(&r->load, r->tariff);
    json_array_foreach(list, i, one)
    {
        const json_t *wh = json_array_get(one, 1);
        int64_t ts = (int64_t)json_integer_value(json_array_get(one, 0));
        if (json_is_integer(wh) && ts > r->bill.from_s && ts <= r->bill.until_s)
            sg_bill_load_add(&r->load, ts, (int64_t)json_integer_value(wh));
    }
}

int sg_report_take_bill(struct sg_report *r, struct sg_bytes text)
{
    int ret = sg_bill_read(text, &r->bill);
    if (ret < 0)
        return ret;
    r->has_bill = ret == 0;
    if (ret && ret != SG_BILL_MALFORMED)
        sg_bill_clear(&r->bill);
    if (r->has_bill && r->tariff)
        add_load(r);
    return 0;
}

/* ---- the page ------------------------------------------------------------------------------- */

static void put_body(struct sg_html *p, void *user)
{
    const struct sg_report *r = user;
    sg_report_put_lead(p, r);
    sg_report_put_flow(p, r);
    sg_report_put_stages(p, r);
    sg_report_put_load(p, r);
    sg_report_put_bill(p, r);
    sg_report_put_trials(p, r);
    sg_report_put_fraud(p, r);
    sg_report_put_storage(p, r);
    sg_report_put_machine(p, r);
}

int sg_report_put(struct sg_report *r, struct sg_buf *ret)
{
    const struct sg_html_document d = {.title = "Sealgrid", .body = put_body, .user = r};
    return sg_html_document(ret, &d);
}
