/* folder - batch. */
#include "folder.h"
#include "names.h"
#include "summary.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/json.h>
#include <sealgrid/base/utf8.h>

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

/* Bits of audited.codes past those of one bill. */
#define CODE_CREDITS  (UINT64_C(1) << 61)
#define CODE_MISFILED (UINT64_C(1) << 62)
#define CODE_OVERLAP  (UINT64_C(1) << 63)

#define SECOND_NS INT64_C(1000000000)

/* One bill after it was judged. */
struct judged {
    const char *name;
    bool usable;
    struct audited bill;
};

struct batch {
    const struct authority_files *files;
    const char *dir;
    struct names names;
    struct judged *judged; /* one a name */
    _Atomic size_t next;
    _Atomic int failure;
    pthread_mutex_t lock; /* of reports and result */
    struct sg_buf *reports;
    struct folder_result result;
    bool progress;
    int64_t begun_ns, told_ns;
};

static int append_report(struct batch *b, struct sg_bytes report)
{
    /* What no longer has room is counted all the same. */
    if (report.len >= b->reports->max - b->reports->len)
        return 0;
    int r = b->reports->len ? sg_buf_append_u8(b->reports, ',') : 0;
    return r ? r : sg_buf_append(b->reports, report);
}

static int put_unusable(const char *name, const char *why, struct sg_buf *ret)
{
    struct sg_json j;

    sg_json_init(&j, ret);
    sg_json_object(&j);
    sg_json_key(&j, "name");
    sg_json_str(&j, name);
    sg_json_key(&j, "unusable");
    sg_json_str(&j, why);
    sg_json_end_object(&j);
    return sg_json_done(&j);
}

/* Of one bit. */
static const char *code_word(uint64_t code)
{
    if (code == CODE_MISFILED)
        return "bill.misfiled";
    if (code == CODE_CREDITS)
        return "bill.credits";
    return code == CODE_OVERLAP ? "bill.overlap"
                                : sg_audit_word((enum sg_audit_code)__builtin_ctzll(code));
}

/* Adds a report that stands under no bill's own, of one finding. */
static int report_together(struct batch *b, struct judged *j, uint64_t code, const char *text)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf report = SG_BUF_INIT(4096);
    struct sg_json out;

    b->result.bad += !j->bill.bad;
    j->bill.bad = true;
    j->bill.found++;
    j->bill.codes |= code;
    sg_json_init(&out, &report);
    sg_json_object(&out);
    sg_json_key(&out, "name");
    sg_json_str(&out, j->name);
    sg_json_key(&out, "client");
    sg_json_int(&out, j->bill.client);
    sg_json_key(&out, "ok");
    sg_json_bool(&out, false);
    sg_json_key(&out, "findings");
    sg_json_array(&out);
    sg_json_object(&out);
    sg_json_key(&out, "code");
    sg_json_str(&out, code_word(code));
    sg_json_key(&out, "text");
    sg_json_str(&out, text);
    sg_json_end_object(&out);
    sg_json_end_array(&out);
    sg_json_end_object(&out);
    int r = sg_json_done(&out);
    return r ? r : append_report(b, sg_buf_bytes(&report));
}

static int compare_judged(const void *a, const void *b)
{
    const struct judged *x = a, *y = b;

    if (x->usable != y->usable)
        return x->usable ? -1 : 1;
    if (x->bill.client != y->bill.client)
        return x->bill.client < y->bill.client ? -1 : 1;
    if (x->bill.from_s != y->bill.from_s)
        return x->bill.from_s < y->bill.from_s ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int check_overlap(struct batch *b, struct judged *j, const struct judged *reaches_farthest)
{
    char text[NAME_MAX * 2 + 64];

    snprintf(text, sizeof(text), "charges time that is on the bill %s already",
             reaches_farthest->name);
    return report_together(b, j, CODE_OVERLAP, text);
}

static int check_numbers(struct batch *b, struct judged *j, const struct judged *before)
{
    char text[NAME_MAX * 2 + 128];
    uint64_t lost = sg_audit_lost_between(&before->bill.last, &j->bill.first, j->bill.interval_s);

    if (!lost)
        return 0;
    snprintf(text, sizeof(text), "%llu recorded by the meter between the bill %s and this one",
             (unsigned long long)lost, before->name);
    return report_together(b, j, UINT64_C(1) << SG_AUDIT_READING_MISSING, text);
}

/* Of two bills one after the other: credits neither vanish nor are spent twice. */
static int check_credits(struct batch *b, struct judged *j, const struct judged *before)
{
    char text[NAME_MAX * 2 + 64];

    if (!before->bill.netted || before->bill.until_s != j->bill.from_s ||
        credits_same(&before->bill.out, &j->bill.in))
        return 0;
    snprintf(text, sizeof(text), "does not begin with the credits that the bill %s carried out",
             before->name);
    return report_together(b, j, CODE_CREDITS, text);
}

/* False: the bill's client is not the one whose folder it lies in. */
static bool is_filed(const struct judged *j)
{
    char folder[24];
    int n = snprintf(folder, sizeof(folder), "%lld/", (long long)j->bill.client);
    return strncmp(j->name, folder, (size_t)n) == 0;
}

static int check_neighbours(struct batch *b, struct judged *j, const struct judged *before)
{
    int r = check_numbers(b, j, before);
    return r ? r : check_credits(b, j, before);
}

/* Bills against each other. */
static int compare_bills(struct batch *b)
{
    struct judged *farthest = NULL; /* of the same client, the one with the latest end so far */
    int r = 0;

    if (b->names.n)
        qsort(b->judged, b->names.n, sizeof(*b->judged), compare_judged);
    for (size_t i = 0; i < b->names.n && b->judged[i].usable && !r; i++) {
        struct judged *j = &b->judged[i];
        if (!is_filed(j))
            r = report_together(b, j, CODE_MISFILED, "lies in the folder of another client");
        if (farthest && farthest->bill.client != j->bill.client)
            farthest = NULL;
        if (!r && farthest && j->bill.from_s < farthest->bill.until_s)
            r = check_overlap(b, j, farthest);
        else if (!r && farthest)
            r = check_neighbours(b, j, farthest);
        if (!farthest || j->bill.until_s > farthest->bill.until_s)
            farthest = j;
    }
    return r;
}

/* Under the lock, at most once a second. */
static void tell(struct batch *b, bool at_last)
{
    int64_t now = sg_clock_monotonic_ns();
    uint64_t done = b->result.bills;

    if (!b->progress || (!at_last && now - b->told_ns < SECOND_NS))
        return;
    b->told_ns = now;
    double passed_s = (double)(now - b->begun_ns) / (double)SECOND_NS;
    double rate = passed_s > 0 ? (double)done / passed_s : 0;
    fprintf(stderr, "{\"done\":%llu,\"total\":%zu,\"refused\":%llu,\"per_s\":%.1f",
            (unsigned long long)done, b->names.n,
            (unsigned long long)(b->result.bad + b->result.unusable), rate);
    if (rate > 0)
        fprintf(stderr, ",\"eta_s\":%.0f", (double)(b->names.n - done) / rate);
    fputs("}\n", stderr);
}

static int judge_name(struct batch *b, size_t at, struct sg_buf *report)
{
    char bill[PATH_MAX], evidence[PATH_MAX], why[160];
    const char *name = b->names.items[at];
    struct audited judged = {0};

    if (snprintf(bill, sizeof(bill), "%s/bill/%s.json", b->dir, name) >= PATH_MAX ||
        snprintf(evidence, sizeof(evidence), "%s/evidence/%s.cbor", b->dir, name) >= PATH_MAX)
        return sg_raise(-ENAMETOOLONG);
    int r = audit_one(b->files, bill, evidence, false, NULL, report, &judged, why);
    bool usable = r == 0;
    if (r == ONE_UNUSABLE)
        r = put_unusable(name, why, report);
    if (r) {
        audited_clear(&judged);
        return r;
    }
    pthread_mutex_lock(&b->lock);
    b->result.bills++;
    b->result.bad += judged.bad;
    b->result.unusable += !usable;
    b->result.readings += judged.readings;
    b->judged[at] = (struct judged){name, usable, judged};
    if (judged.bad || !usable)
        r = append_report(b, sg_buf_bytes(report));
    tell(b, false);
    pthread_mutex_unlock(&b->lock);
    return r;
}

static void *work(void *arg)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf report = SG_BUF_INIT(64u << 20);
    struct batch *b = arg;
    int r = 0, none = 0;

    while (!r && !b->failure) {
        size_t i = atomic_fetch_add(&b->next, 1);
        if (i >= b->names.n)
            break;
        sg_buf_reset(&report);
        r = judge_name(b, i, &report);
    }
    /* The trace is this thread's: it is printed here, once. */
    if (r && atomic_compare_exchange_strong(&b->failure, &none, r))
        fprintf(stderr, "sealgrid-audit: %s\n", sg_error_trace());
    return NULL;
}

static int run_threads(struct batch *b, unsigned threads)
{
    pthread_t id[64];
    unsigned n = 0;

    while (n < threads && n < 64 && pthread_create(&id[n], NULL, work, b) == 0)
        n++;
    if (n == 0)
        return sg_raise(-EAGAIN);
    while (n)
        pthread_join(id[--n], NULL);
    return b->failure;
}

/* ---- items of a summary -------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct judged *)a)->name, ((const struct judged *)b)->name);
}

static int put_item(const struct judged *j, struct sg_buf *ret)
{
    struct summary_item item = {.name = sg_bytes_str(j->name),
                                .state = !j->usable    ? SUMMARY_UNUSABLE
                                         : j->bill.bad ? SUMMARY_FOUND
                                                       : SUMMARY_OK,
                                .has_bill = j->bill.has_bill,
                                .has_evidence = j->bill.has_evidence,
                                .found = j->bill.found};

    if (!sg_utf8_valid(item.name))
        return sg_raisef(-EILSEQ, "a bill's name is not UTF-8: %s", j->name);
    memcpy(item.bill_file, j->bill.bill_file, 32);
    memcpy(item.evidence, j->bill.evidence, 32);
    for (uint64_t left = j->bill.codes; left; left &= left - 1)
        item.codes[item.n_codes++] = sg_bytes_str(code_word(left & -left));
    return summary_put_item(ret, &item);
}

static int put_items(struct batch *b, struct sg_buf *ret)
{
    int r = 0;

    if (b->names.n)
        qsort(b->judged, b->names.n, sizeof(*b->judged), compare_names);
    for (size_t i = 0; i < b->names.n && !r; i++)
        r = put_item(&b->judged[i], ret);
    return r;
}

int audit_folder(const struct authority_files *a, const char *dir, unsigned threads, bool progress,
                 struct sg_buf *ret_reports, struct sg_buf *ret_items, struct folder_result *ret)
{
    struct batch b = {.files = a,
                      .dir = dir,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .reports = ret_reports,
                      .progress = progress,
                      .begun_ns = sg_clock_monotonic_ns(),
                      .told_ns = sg_clock_monotonic_ns()};
    int r = names_read(&b.names, b.dir);

    b.judged = calloc(b.names.n + 1, sizeof(*b.judged));
    if (!r && !b.judged)
        r = sg_raise(-ENOMEM);
    if (!r)
        r = run_threads(&b, threads);
    if (!r)
        r = compare_bills(&b);
    if (!r && ret_items)
        r = put_items(&b, ret_items);
    if (!r) {
        tell(&b, true);
        *ret = b.result;
    }
    for (size_t i = 0; b.judged && i < b.names.n; i++)
        audited_clear(&b.judged[i].bill);
    free(b.judged);
    names_clear(&b.names);
    return r;
}
