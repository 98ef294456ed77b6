/* summary - results as JSON. */
#include "summary.h"

#include "client.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/json.h>
#include <sealgrid/base/metrics.h>

static void put_refusals(struct sg_json *j, const struct fleet_result *result)
{
    sg_json_key(j, "refused");
    sg_json_array(j);
    for (size_t i = 0; i < result->n_refusals; i++) {
        const struct fleet_refusal *f = &result->refusals[i];
        char at[SG_RFC3339_MAX];
        sg_json_object(j);
        sg_json_key(j, "client");
        sg_json_int(j, f->client);
        sg_json_key(j, "reason");
        sg_json_str(j, f->word);
        if (f->ts_s != INT64_MIN) {
            sg_time_rfc3339(at, f->ts_s);
            sg_json_key(j, "at");
            sg_json_str(j, at);
        }
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

int summary_put_refused(int64_t client, const struct refusal *why, struct sg_buf *ret)
{
    struct fleet_refusal one = {.client = client, .ts_s = why->ts_s};
    const struct fleet_result result = {.refusals = &one, .n_refusals = 1};
    struct sg_json j;

    memcpy(one.word, why->word, sizeof(one.word));
    sg_json_init(&j, ret);
    sg_json_object(&j);
    put_refusals(&j, &result);
    sg_json_end_object(&j);
    return sg_json_done(&j);
}

int summary_put(const struct fleet *f, const struct fleet_result *result, struct sg_buf *ret)
{
    char total[SG_DECIMAL_MAX];
    struct sg_json j;

    sg_decimal_format(total, result->total, f->tariff->decimals, f->tariff->decimals);
    sg_json_init(&j, ret);
    sg_json_object(&j);
    sg_json_key(&j, "period");
    sg_json_str(&j, f->period);
    sg_json_key(&j, "clients");
    sg_json_uint(&j, f->n_clients);
    sg_json_key(&j, "bills");
    sg_json_uint(&j, result->bills);
    sg_json_key(&j, "resumed");
    sg_json_uint(&j, f->n_done);
    sg_json_key(&j, "readings");
    sg_json_uint(&j, result->readings);
    sg_json_key(&j, "missing");
    sg_json_uint(&j, result->missing);
    sg_json_key(&j, "total");
    sg_json_str(&j, total);
    sg_json_key(&j, "currency");
    sg_json_str(&j, f->tariff->currency);
    put_refusals(&j, result);
    sg_json_key(&j, "cpu_ms");
    sg_json_int(&j, sg_clock_cpu_ns() / 1000000);
    sg_json_key(&j, "peak_rss_bytes");
    sg_json_int(&j, sg_metrics_peak_rss());
    sg_json_end_object(&j);
    return sg_json_done(&j);
}
