/* vee-report - findings kept, counted and printed. */
#include "vee.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <sealgrid/meter/gz.h>

#include <stdio.h>

/* ---- files --------------------------------------------------------------------------------------
 */

#define CHUNK 65536

int vee_read_file(const char *path, struct sg_buf *ret)
{
    SG_CLEANUP(sg_gz_closep) struct sg_gz *gz = NULL;
    size_t got = 1;
    int r = sg_gz_open(&gz, path);

    while (!r && got) {
        uint8_t *room;
        r = sg_buf_extend(ret, CHUNK, &room);
        if (!r)
            r = sg_gz_read(gz, (char *)room, CHUNK, &got);
        if (!r)
            ret->len -= CHUNK - got;
    }
    return r;
}

int vee_write_file(const char *path, struct sg_bytes text)
{
    if (strcmp(path, "-") != 0)
        return sg_file_write_atomic(path, text, 0644);
    fflush(stdout);
    return sg_write_all(STDOUT_FILENO, text);
}

/* ---- keeping ------------------------------------------------------------------------------------
 */

static struct vee_tally *tally_of(struct vee_findings *f, const struct sg_vee_finding *one)
{
    size_t i = 0;

    while (i < f->n_tally && strcmp(f->tally[i].rule, one->rule) != 0)
        i++;
    if (i == f->n_tally) {
        sg_assert(i < sizeof(f->tally) / sizeof(f->tally[0])); /* more rules than there are */
        f->tally[f->n_tally++] = (struct vee_tally){.rule = one->rule};
    }
    return &f->tally[i];
}

static int grow(struct vee_findings *f)
{
    const size_t wanted = f->capacity ? 2 * f->capacity : 64;
    struct vee_kept *kept;

    if (f->n_kept < f->capacity)
        return 0;
    kept = reallocarray(f->kept, wanted, sizeof(*kept));
    if (!kept)
        return sg_raise(-ENOMEM);
    f->kept = kept;
    f->capacity = wanted;
    return 0;
}

void vee_findings_add(void *user, const struct sg_vee_finding *one)
{
    struct vee_findings *f = user;
    struct vee_tally *tally = tally_of(f, one);

    tally->findings++;
    tally->intervals += one->count;
    if (one->severity > tally->severity)
        tally->severity = one->severity;
    f->by_severity[one->severity]++;
    if (f->n_kept == VEE_KEPT_MAX || f->failure)
        return;
    f->failure = grow(f);
    if (f->failure)
        return;
    struct vee_kept *kept = &f->kept[f->n_kept++];
    kept->f = *one;
    snprintf(kept->text, sizeof(kept->text), "%s", one->text);
    snprintf(kept->serial, sizeof(kept->serial), "%s", one->serial ? one->serial : "");
}

void vee_findings_clear(struct vee_findings *f)
{
    free(f->kept);
    f->kept = NULL;
    f->n_kept = f->capacity = 0;
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void put_time(struct sg_json *j, const char *key, int64_t s)
{
    char at[SG_RFC3339_MAX];

    sg_time_rfc3339(at, s);
    sg_json_key(j, key);
    sg_json_str(j, at);
}

static void put_uint(struct sg_json *j, const char *key, uint64_t v)
{
    sg_json_key(j, key);
    sg_json_uint(j, v);
}

static void put_value(struct sg_json *j, const char *key, int64_t v)
{
    sg_json_key(j, key);
    if (v == SG_READING_NA)
        sg_json_null(j);
    else
        sg_json_int(j, v);
}

static void put_str(struct sg_json *j, const char *key, const char *v)
{
    sg_json_key(j, key);
    if (*v)
        sg_json_str(j, v);
    else
        sg_json_null(j);
}

static void put_finding(struct sg_json *j, const struct vee_kept *k)
{
    sg_json_object(j);
    put_str(j, "rule", k->f.rule);
    put_str(j, "severity", sg_vee_severity_word(k->f.severity));
    put_str(j, "meter", k->serial);
    put_time(j, "from", k->f.from_s);
    put_time(j, "until", k->f.until_s);
    put_uint(j, "count", k->f.count);
    put_value(j, "value", k->f.value);
    put_value(j, "limit", k->f.limit);
    put_str(j, "text", k->text);
    sg_json_end_object(j);
}

static void put_counts(struct sg_json *j, const struct vee_findings *f)
{
    sg_json_key(j, "counts");
    sg_json_object(j);
    for (size_t i = 0; i < f->n_tally; i++)
        put_uint(j, f->tally[i].rule, f->tally[i].findings);
    sg_json_end_object(j);
    sg_json_key(j, "severities");
    sg_json_object(j);
    for (enum sg_vee_severity s = SG_VEE_INFO; s <= SG_VEE_FAIL; s++)
        put_uint(j, sg_vee_severity_word(s), f->by_severity[s]);
    sg_json_end_object(j);
}

static void put_estimates(struct sg_json *j, const struct sg_vee_estimates *e)
{
    sg_json_key(j, "estimates");
    sg_json_array(j);
    for (size_t i = 0; i < e->n; i++) {
        const struct sg_vee_estimate *one = &e->items[i];
        sg_json_object(j);
        put_time(j, "ts", one->ts_s);
        put_str(j, "meter", one->serial);
        put_value(j, "energy_wh", one->energy_wh);
        put_value(j, "reactive_varh", one->reactive_varh);
        put_str(j, "rule", one->rule);
        sg_json_key(j, "adjusted");
        sg_json_bool(j, one->adjusted);
        sg_json_key(j, "inputs");
        sg_json_hex(j, SG_BYTES(one->inputs, 32));
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
    put_uint(j, "unfilled", e->unfilled);
}

int vee_report_json(const struct vee_report_head *h, const struct vee_findings *f,
                    struct sg_buf *ret)
{
    struct sg_json j;

    sg_json_init(&j, ret);
    sg_json_object(&j);
    sg_json_key(&j, "client");
    sg_json_int(&j, h->series->client);
    put_time(&j, "from", h->series->from_s);
    put_time(&j, "until", h->series->until_s);
    put_uint(&j, "interval_s", h->series->interval_s);
    put_uint(&j, "rows", h->series->n_rows);
    sg_json_key(&j, "rules");
    sg_json_object(&j);
    put_str(&j, "id", h->rules->id);
    sg_json_key(&j, "sha256");
    sg_json_hex(&j, SG_BYTES(h->rules->sha256, 32));
    sg_json_end_object(&j);
    put_counts(&j, f);
    sg_json_key(&j, "findings");
    sg_json_array(&j);
    for (size_t i = 0; i < f->n_kept; i++)
        put_finding(&j, &f->kept[i]);
    sg_json_end_array(&j);
    if (h->estimates)
        put_estimates(&j, h->estimates);
    sg_json_end_object(&j);
    return sg_json_done(&j);
}

/* ---- text ---------------------------------------------------------------------------------------
 */

static const struct vee_kept *first_of(const struct vee_findings *f, const char *rule)
{
    for (size_t i = 0; i < f->n_kept; i++)
        if (!strcmp(f->kept[i].f.rule, rule))
            return &f->kept[i];
    return NULL;
}

static int put_tally(const struct vee_findings *f, struct sg_buf *ret)
{
    int r = sg_buf_printf(ret, "%-18s %-8s %9s %9s  %s\n", "rule", "severity", "findings",
                          "intervals", "the first");

    for (size_t i = 0; i < f->n_tally && !r; i++) {
        const struct vee_tally *t = &f->tally[i];
        const struct vee_kept *first = first_of(f, t->rule);
        char at[SG_RFC3339_MAX] = "";
        if (first)
            sg_time_rfc3339(at, first->f.from_s);
        r = sg_buf_printf(ret, "%-18s %-8s %9llu %9llu  %s: %s\n", t->rule,
                          sg_vee_severity_word(t->severity), (unsigned long long)t->findings,
                          (unsigned long long)t->intervals, at, first ? first->text : "");
    }
    return r;
}

int vee_report_text(const struct vee_report_head *h, const struct vee_findings *f,
                    struct sg_buf *ret)
{
    char from[SG_RFC3339_MAX], until[SG_RFC3339_MAX];
    int r;

    sg_time_rfc3339(from, h->series->from_s);
    sg_time_rfc3339(until, h->series->until_s);
    r = sg_buf_printf(
        ret, "client %lld, %s to %s, %llu intervals of %u s, %zu rows, rules %s\n",
        (long long)h->series->client, from, until,
        (unsigned long long)((h->series->until_s - h->series->from_s) / h->series->interval_s),
        h->series->interval_s, h->series->n_rows, h->rules->id);
    if (!r)
        r = f->n_tally ? put_tally(f, ret) : sg_buf_printf(ret, "nothing found\n");
    if (!r && h->estimates)
        r = sg_buf_printf(ret, "%zu intervals estimated, %llu left missing\n", h->estimates->n,
                          (unsigned long long)h->estimates->unfilled);
    return r;
}

static int put_estimate(int64_t client, const struct sg_vee_estimate *e, struct sg_buf *ret)
{
    char at[SG_RFC3339_MAX], inputs[65], reactive[24] = "";

    sg_time_rfc3339(at, e->ts_s);
    sg_hex(inputs, e->inputs, 32);
    if (e->reactive_varh != SG_READING_NA)
        snprintf(reactive, sizeof(reactive), "%lld", (long long)e->reactive_varh);
    return sg_buf_printf(ret, "%lld,%s,%s,%lld,%s,%s,%d,%s\n", (long long)client, at, e->serial,
                         (long long)e->energy_wh, reactive, e->rule, e->adjusted, inputs);
}

int vee_estimates_csv(int64_t client, const struct sg_vee_estimates *e, struct sg_buf *ret)
{
    int r = sg_buf_printf(ret, "client,ts,serial,energy_wh,reactive_varh,rule,adjusted,inputs\n");

    for (size_t i = 0; i < e->n && !r; i++)
        r = put_estimate(client, &e->items[i], ret);
    return r;
}
