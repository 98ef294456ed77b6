/* green-button - the feed: usage point, local time, readings by direction, summary. */
#include "green-button-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/billing/vee.h>

#include <stdarg.h>
#include <stdio.h>

#include <openssl/evp.h>

#define ROOT         "/espi/1_1/resource/"
#define HREF_MAX     320
#define NAME_MAX_LEN 240

/* Enumerations of the format. */
enum {
    KIND_ENERGY = 12,
    DELTA_DATA = 4,
    ELECTRICITY = 1,
    QUALIFIER_NORMAL = 12,
    QUALITY_VALID = 0,
    QUALITY_REFERENCE_DAY = 8,
    QUALITY_LINEAR = 9,
    QUALITY_RAW = 14,
    QUALITY_OTHER = 16
};

/* What one MeterReading holds. */
enum flow { FORWARD, REVERSE, LAGGING, LEADING, N_FLOWS };
static const struct {
    const char *name, *title;
    int direction, uom;
} flows[N_FLOWS] = {[FORWARD] = {"forward", "Energy taken", 1, 72},
                    [REVERSE] = {"reverse", "Energy sent out", 19, 72},
                    [LAGGING] = {"lagging", "Reactive energy, inductive", 2, 73},
                    [LEADING] = {"leading", "Reactive energy, capacitive", 3, 73}};

struct feed {
    const struct sg_bill_intervals *g;
    struct sg_html x;
    char stamp[SG_RFC3339_MAX];
    char usage_point[HREF_MAX]; /* its link */
    char local_time[HREF_MAX];
    struct sg_tariff_cursor cursor;
    bool has[N_FLOWS];
};

void sg_gb_uuid(char ret[GB_UUID_LEN + 1], const char *name)
{
    /* The namespace of URLs; names begin with our scheme. */
    static const uint8_t urls[16] = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
                                     0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
    uint8_t text[16 + NAME_MAX_LEN], hash[EVP_MAX_MD_SIZE];
    size_t n = strlen(name);

    sg_assert(n <= NAME_MAX_LEN);
    memcpy(text, urls, 16);
    memcpy(text + 16, name, n);
    /* SHA-1 because version 5 says so: a name for a resource, no protection of anything. */
    sg_assert(EVP_Digest(text, 16 + n, hash, NULL, EVP_sha1(), NULL) == 1);
    hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x50);
    hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < 16; i++)
        ret += sprintf(ret, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", hash[i]);
}

int64_t sg_bill_reading_value(const struct sg_bill *b, const struct sg_bill_reading *r,
                              int64_t value)
{
    for (size_t i = 0; i < b->n_meters; i++) {
        const struct sg_bill_meter *m = &b->meters[i];
        if (r->ts_s > m->from_s && r->ts_s <= m->until_s && !strcmp(m->serial, r->serial))
            return sg_round_div((__int128)value * m->ratio_num, m->ratio_den, b->rounding);
    }
    return value;
}

/* The part of a reading that belongs to that direction; false: not measured. */
static bool value_of(const struct sg_bill *b, const struct sg_bill_reading *r, enum flow flow,
                     int64_t *ret)
{
    int64_t v = flow == FORWARD || flow == REVERSE ? r->energy_wh : r->reactive_varh;

    if (v == INT64_MIN)
        return false;
    v = sg_bill_reading_value(b, r, v);
    if (flow == REVERSE || flow == LEADING)
        v = -v;
    *ret = v > 0 ? v : 0;
    return true;
}

static bool survey(struct feed *f)
{
    const struct sg_bill_intervals *g = f->g;

    f->has[FORWARD] = true;
    for (size_t i = 0; i < g->n_readings; i++)
        for (enum flow flow = 0; flow < N_FLOWS; flow++) {
            int64_t v;
            if (!value_of(g->bill, &g->readings[i], flow, &v))
                continue;
            if (!sg_gb_fits(v))
                return false;
            f->has[flow] |= v > 0 || flow == LAGGING;
        }
    return sg_gb_summary_fits(g->bill);
}

/* ---- entries -------------------------------------------------------------------------------- */

static void named(char ret[GB_UUID_LEN + 1], const char *fmt, ...) SG_PRINTF(2, 3);
static void named(char ret[GB_UUID_LEN + 1], const char *fmt, ...)
{
    char name[NAME_MAX_LEN + 1];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(name, sizeof(name), fmt, ap);
    va_end(ap);
    sg_assert(n > 0 && (size_t)n < sizeof(name));
    sg_gb_uuid(ret, name);
}

static void put_link(struct feed *f, const char *rel, const char *type, const char *fmt, ...)
    SG_PRINTF(4, 5);
static void put_link(struct feed *f, const char *rel, const char *type, const char *fmt, ...)
{
    char href[HREF_MAX];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(href, sizeof(href), fmt, ap);
    va_end(ap);
    sg_assert(n > 0 && (size_t)n < sizeof(href));
    sg_html_open(&f->x, "link");
    sg_html_attr(&f->x, "rel", rel);
    sg_html_attr(&f->x, "href", href);
    sg_html_attr(&f->x, "type", type);
    sg_html_close(&f->x);
}

static void open_entry(struct feed *f, const char *uuid, const char *title)
{
    sg_html_open(&f->x, "entry");
    sg_html_open(&f->x, "id");
    sg_html_textf(&f->x, "urn:uuid:%s", uuid);
    sg_html_close(&f->x);
    sg_html_element(&f->x, "title", NULL, title);
    sg_html_element(&f->x, "published", NULL, f->stamp);
    sg_html_element(&f->x, "updated", NULL, f->stamp);
}

static void open_content(struct feed *f)
{
    sg_html_open(&f->x, "content");
    sg_html_attr(&f->x, "type", "application/xml");
}

static void open_resource(struct feed *f, const char *name)
{
    open_content(f);
    sg_html_open(&f->x, name);
    sg_html_attr(&f->x, "xmlns", "http://naesb.org/espi");
}

static void close_entry(struct feed *f)
{
    sg_html_close(&f->x); /* content */
    sg_html_close(&f->x);
}

static void put_usage_point(struct feed *f, const char *uuid)
{
    char up[HREF_MAX];

    snprintf(up, sizeof(up), "%.*s", (int)(strlen(f->usage_point) - GB_UUID_LEN - 1),
             f->usage_point);
    open_entry(f, uuid, "Electricity");
    put_link(f, "self", "espi-entry/UsagePoint", "%s", f->usage_point);
    put_link(f, "up", "espi-feed/UsagePoint", "%s", up);
    put_link(f, "related", "espi-entry/LocalTimeParameters", "%s", f->local_time);
    put_link(f, "related", "espi-feed/MeterReading", "%s/MeterReading", f->usage_point);
    put_link(f, "related", "espi-feed/UsageSummary", "%s/UsageSummary", f->usage_point);
    open_resource(f, "UsagePoint");
    sg_html_open(&f->x, "ServiceCategory");
    sg_gb_number(&f->x, "kind", 0); /* electricity */
    sg_html_close(&f->x);
    sg_html_close(&f->x);
    close_entry(f);
}

static void put_rule(struct feed *f, const char *element, uint32_t rule)
{
    sg_html_open(&f->x, element);
    sg_html_textf(&f->x, "%08X", rule);
    sg_html_close(&f->x);
}

static void put_local_time(struct feed *f, const char *uuid, const struct sg_green_button_time *t)
{
    open_entry(f, uuid, f->g->bill->zone);
    put_link(f, "self", "espi-entry/LocalTimeParameters", "%s", f->local_time);
    put_link(f, "up", "espi-feed/LocalTimeParameters", ROOT "LocalTimeParameters");
    open_resource(f, "LocalTimeParameters");
    put_rule(f, "dstEndRule", t->end);
    sg_gb_number(&f->x, "dstOffset", t->dst_s);
    put_rule(f, "dstStartRule", t->start);
    sg_gb_number(&f->x, "tzOffset", t->east_s);
    sg_html_close(&f->x);
    close_entry(f);
}

static void put_reading_type(struct feed *f, enum flow flow, const char *uuid)
{
    const struct sg_bill *b = f->g->bill;

    open_entry(f, uuid, flows[flow].title);
    put_link(f, "self", "espi-entry/ReadingType", ROOT "ReadingType/%s", uuid);
    put_link(f, "up", "espi-feed/ReadingType", ROOT "ReadingType");
    open_resource(f, "ReadingType");
    sg_gb_number(&f->x, "accumulationBehaviour", DELTA_DATA);
    sg_gb_number(&f->x, "commodity", ELECTRICITY);
    sg_gb_number(&f->x, "currency", sg_gb_currency(b->currency));
    sg_gb_number(&f->x, "dataQualifier", QUALIFIER_NORMAL);
    sg_gb_number(&f->x, "defaultQuality", b->n_buckets ? QUALITY_VALID : QUALITY_RAW);
    sg_gb_number(&f->x, "flowDirection", flows[flow].direction);
    sg_gb_number(&f->x, "intervalLength", b->interval_s);
    sg_gb_number(&f->x, "kind", KIND_ENERGY);
    sg_gb_number(&f->x, "phase", 0);
    sg_gb_number(&f->x, "powerOfTenMultiplier", 0);
    sg_gb_number(&f->x, "timeAttribute", 0);
    sg_gb_number(&f->x, "uom", flows[flow].uom);
    sg_html_close(&f->x);
    close_entry(f);
}

/* ---- intervals ------------------------------------------------------------------------------ */

static int quality_of(const struct feed *f, const char *rule)
{
    const struct sg_vee_rules *rules = f->g->rules;

    for (size_t i = 0; rules && i < rules->n_steps; i++) {
        if (strcmp(rules->steps[i].rule, rule) != 0)
            continue;
        if (rules->steps[i].method == SG_VEE_LINEAR)
            return QUALITY_LINEAR;
        if (rules->steps[i].method != SG_VEE_PROFILE)
            return QUALITY_REFERENCE_DAY;
    }
    return QUALITY_OTHER;
}

static void put_reading(struct feed *f, const struct sg_bill_reading *r, int64_t value,
                        unsigned post)
{
    int64_t start_s = r->ts_s - (int64_t)f->g->bill->interval_s;

    sg_html_open(&f->x, "IntervalReading");
    if (r->estimated) {
        sg_html_open(&f->x, "ReadingQuality");
        sg_gb_number(&f->x, "quality", quality_of(f, r->estimated));
        sg_html_close(&f->x);
    }
    sg_gb_interval(&f->x, "timePeriod", start_s, r->ts_s);
    sg_gb_number(&f->x, "value", value);
    if (f->g->bill->n_posts > 1 && post != SG_TARIFF_NO_POST)
        sg_gb_number(&f->x, "tou", post + 1);
    sg_html_close(&f->x);
}

static struct sg_tariff_slot slot_of(struct feed *f, size_t i)
{
    int64_t start_s = f->g->readings[i].ts_s - (int64_t)f->g->bill->interval_s;
    return sg_tariff_slot_at(f->g->tariff, &f->cursor, start_s);
}

/* One local day from reading i on; returns the first of the next. */
static size_t put_block(struct feed *f, enum flow flow, const char *parent, size_t i)
{
    const struct sg_bill_intervals *g = f->g;
    struct sg_tariff_slot first = slot_of(f, i), slot = first;
    char uuid[GB_UUID_LEN + 1];
    size_t end = i;

    while (end < g->n_readings && slot_of(f, end).day == first.day)
        end++;
    int64_t from_s = g->readings[i].ts_s - (int64_t)g->bill->interval_s;
    int64_t until_s = g->readings[end - 1].ts_s;
    named(uuid, "sealgrid:client/%lld/interval-block/%s/%lld/%lld", (long long)g->bill->client,
          flows[flow].name, (long long)from_s, (long long)until_s);
    open_entry(f, uuid, flows[flow].title);
    put_link(f, "self", "espi-entry/IntervalBlock", "%s/IntervalBlock/%s", parent, uuid);
    put_link(f, "up", "espi-feed/IntervalBlock", "%s/IntervalBlock", parent);
    open_resource(f, "IntervalBlock");
    sg_gb_interval(&f->x, "interval", from_s, until_s);
    for (; i < end; i++) {
        int64_t value;
        slot = slot_of(f, i);
        if (value_of(g->bill, &g->readings[i], flow, &value))
            put_reading(f, &g->readings[i], value, slot.post);
    }
    sg_html_close(&f->x);
    close_entry(f);
    return end;
}

static void put_flow(struct feed *f, enum flow flow)
{
    const struct sg_bill *b = f->g->bill;
    char uuid[GB_UUID_LEN + 1], type[GB_UUID_LEN + 1], self[HREF_MAX];

    named(uuid, "sealgrid:client/%lld/meter-reading/%s", (long long)b->client, flows[flow].name);
    named(type, "sealgrid:reading-type/%s/%u/%s/%s", flows[flow].name, b->interval_s, b->currency,
          b->n_buckets ? "signed" : "raw");
    int n = snprintf(self, sizeof(self), "%s/MeterReading/%s", f->usage_point, uuid);
    sg_assert(n > 0 && (size_t)n < sizeof(self));
    open_entry(f, uuid, flows[flow].title);
    put_link(f, "self", "espi-entry/MeterReading", "%s", self);
    put_link(f, "up", "espi-feed/MeterReading", "%s/MeterReading", f->usage_point);
    put_link(f, "related", "espi-feed/IntervalBlock", "%s/IntervalBlock", self);
    put_link(f, "related", "espi-entry/ReadingType", ROOT "ReadingType/%s", type);
    open_resource(f, "MeterReading");
    sg_html_close(&f->x);
    close_entry(f);
    put_reading_type(f, flow, type);
    for (size_t i = 0; i < f->g->n_readings;)
        i = put_block(f, flow, self, i);
}

/* ---- the feed ------------------------------------------------------------------------------- */

static void put_summary(struct feed *f)
{
    const struct sg_bill *b = f->g->bill;
    char uuid[GB_UUID_LEN + 1];

    named(uuid, "sealgrid:client/%lld/usage-summary/%lld/%lld", (long long)b->client,
          (long long)b->from_s, (long long)b->until_s);
    open_entry(f, uuid, "Bill");
    put_link(f, "self", "espi-entry/UsageSummary", "%s/UsageSummary/%s", f->usage_point, uuid);
    put_link(f, "up", "espi-feed/UsageSummary", "%s/UsageSummary", f->usage_point);
    open_content(f);
    sg_gb_summary(&f->x, f->g);
    close_entry(f);
}

static void open_feed(struct feed *f)
{
    const struct sg_bill *b = f->g->bill;
    char uuid[GB_UUID_LEN + 1];

    named(uuid, "sealgrid:client/%lld/feed/%lld/%lld", (long long)b->client, (long long)b->from_s,
          (long long)b->until_s);
    sg_html_open(&f->x, "feed");
    sg_html_attr(&f->x, "xmlns", "http://www.w3.org/2005/Atom");
    sg_html_open(&f->x, "id");
    sg_html_textf(&f->x, "urn:uuid:%s", uuid);
    sg_html_close(&f->x);
    sg_html_element(&f->x, "title", NULL, "Green Button Usage Feed");
    sg_html_element(&f->x, "updated", NULL, f->stamp);
    sg_html_open(&f->x, "author");
    sg_html_element(&f->x, "name", NULL, "Sealgrid");
    sg_html_close(&f->x);
    put_link(f, "self", "espi-feed/UsagePoint", "%s?feed=%s", f->usage_point, uuid);
}

static void put_feed(struct feed *f)
{
    const struct sg_bill *b = f->g->bill;
    const struct sg_green_button_time t = sg_green_button_time_of(f->g->tariff->tz, b->from_s);
    char client[GB_UUID_LEN + 1], point[GB_UUID_LEN + 1], local[GB_UUID_LEN + 1];

    named(client, "sealgrid:client/%lld", (long long)b->client);
    named(point, "sealgrid:client/%lld/usage-point", (long long)b->client);
    named(local, "sealgrid:local-time/%s/%08X/%08X/%d/%d", b->zone, t.start, t.end, t.east_s,
          t.dst_s);
    snprintf(f->usage_point, HREF_MAX, ROOT "RetailCustomer/%s/UsagePoint/%s", client, point);
    snprintf(f->local_time, HREF_MAX, ROOT "LocalTimeParameters/%s", local);
    open_feed(f);
    put_usage_point(f, point);
    put_local_time(f, local, &t);
    for (enum flow flow = 0; flow < N_FLOWS; flow++)
        if (f->has[flow])
            put_flow(f, flow);
    put_summary(f);
    sg_html_close(&f->x);
}

int sg_green_button_write(const struct sg_bill_intervals *g, struct sg_buf *ret)
{
    struct feed f = {.g = g};

    if (!survey(&f))
        return SG_GREEN_BUTTON_TOO_LARGE;
    sg_time_rfc3339(f.stamp, g->bill->until_s);
    int r = sg_buf_append(ret, SG_BYTES_LIT("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    if (r)
        return r;
    sg_html_init(&f.x, ret, SG_EN);
    f.x.links_outside = true;
    put_feed(&f);
    r = sg_html_done(&f.x);
    return r ? r : sg_buf_append_u8(ret, '\n');
}
