/* fleet - the workers. */
#include "fleet.h"
#include "estimates.h"
#include "source.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/crypto/hash.h>

#include <pthread.h>
#include <stdio.h>

#define SECOND_NS  INT64_C(1000000000)
#define PACKED_MAX (SG_EVIDENCE_MAX + (1u << 20))

struct run {
    const struct fleet *f;
    _Atomic size_t next;
    _Atomic int failure;
    pthread_mutex_t lock; /* of what follows */
    struct fleet_result result;
    uint64_t finished; /* by this run */
    int64_t begun_ns, told_ns;
};

/* When all of a client's files and objects are there. */
static int note_done(const struct fleet *f, const struct sg_bill *b, struct sg_bytes bill,
                     struct sg_bytes evidence)
{
    struct journal_entry e = {
        .client = b->client, .readings = b->billed, .missing = b->missing, .total = b->total};

    if (!f->journal)
        return 0;
    sg_sha256(e.bill, bill);
    sg_sha256(e.evidence, evidence);
    return journal_add(f->journal, &e);
}

static int put_out(const struct fleet *f, struct sg_kv *kv, const struct sg_bill *b,
                   struct sg_bytes bill, struct sg_bytes evidence)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(PACKED_MAX);
    const char *out = f->options->out;
    int64_t client = b->client;
    int r = 0;

    if (!out && !f->options->upload)
        return 0;
    r = sg_evidence_pack(evidence, &packed);
    if (!r && out)
        r = output_file(out, "evidence", client, f->period, "cbor", sg_buf_bytes(&packed));
    if (!r && out)
        r = output_file(out, "bill", client, f->period, "json", bill);
    if (!r && f->options->upload)
        r = output_object(kv, "evidence", client, f->period, "cbor", sg_buf_bytes(&packed));
    if (!r && f->options->upload)
        r = output_object(kv, "bill", client, f->period, "json", bill);
    return r ? r : note_done(f, b, bill, sg_buf_bytes(&packed));
}

int fleet_stores_open(const struct fleet *f, struct fleet_stores *ret)
{
    int r = f->open_kv(f->user, &ret->kv);
    return !r && f->rules ? f->open_estimates(f->user, &ret->estimates) : r;
}

void fleet_stores_close(struct fleet_stores *s)
{
    sg_kv_free(s->kv);
    sg_kv_free(s->estimates);
    *s = (struct fleet_stores){NULL, NULL};
}

int fleet_one(const struct fleet *f, const struct fleet_stores *s, struct client *c, int64_t client,
              struct sg_bill *ret, struct sg_buf *ret_bill, struct refusal *why)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_EVIDENCE_MAX);
    const struct terms terms = {f->tariff, f->contracts, f->from_s, f->until_s, f->rules, true};
    struct sg_bill bill = {.client = 0};
    int r;

    client_reset(c, client);
    r = source_store(c, s->kv, f->from_s, f->until_s);
    if (!r)
        r = issue(c, &terms, &bill, &evidence, why);
    if (!r)
        r = sg_bill_write(&bill, ret_bill);
    if (!r) /* before anybody has the bill */
        r = estimates_keep(c, &terms, s->estimates, sg_clock_unix_s(), why);
    if (!r)
        r = put_out(f, s->kv, &bill, sg_buf_bytes(ret_bill), sg_buf_bytes(&evidence));
    if (r)
        sg_bill_clear(&bill);
    else
        *ret = bill;
    return r;
}

static int note_refusal(struct run *run, int64_t client, const struct refusal *why)
{
    struct fleet_result *result = &run->result;
    struct fleet_refusal *list =
        reallocarray(result->refusals, result->n_refusals + 1, sizeof(*list));

    if (!list)
        return sg_raise(-ENOMEM);
    result->refusals = list;
    list[result->n_refusals] = (struct fleet_refusal){.client = client, .ts_s = why->ts_s};
    memcpy(list[result->n_refusals].word, why->word, sizeof(why->word));
    result->n_refusals++;
    return 0;
}

/* Under the lock, at most once a second. */
static void tell(struct run *run, bool at_last)
{
    const struct fleet *f = run->f;
    int64_t now = sg_clock_monotonic_ns();
    uint64_t done = f->n_done + run->finished, left = f->n_clients - done;

    if (!f->progress || (!at_last && now - run->told_ns < SECOND_NS))
        return;
    run->told_ns = now;
    double passed_s = (double)(now - run->begun_ns) / (double)SECOND_NS;
    double rate = passed_s > 0 ? (double)run->finished / passed_s : 0;
    fprintf(stderr, "{\"done\":%llu,\"total\":%zu,\"skipped\":%llu,\"refused\":%zu,\"per_s\":%.1f",
            (unsigned long long)done, f->n_clients, (unsigned long long)f->n_done,
            run->result.n_refusals, rate);
    if (rate > 0)
        fprintf(stderr, ",\"eta_s\":%.0f", (double)left / rate);
    fputs("}\n", stderr);
}

static int note(struct run *run, int64_t client, int r, const struct sg_bill *bill,
                const struct refusal *why)
{
    if (r < 0)
        return r;
    pthread_mutex_lock(&run->lock);
    if (r == ISSUE_REFUSED) {
        r = note_refusal(run, client, why);
    } else {
        run->result.bills++;
        run->result.readings += bill->billed;
        run->result.missing += bill->missing;
        run->result.total += bill->total;
    }
    run->finished++;
    tell(run, false);
    pthread_mutex_unlock(&run->lock);
    return r;
}

static int work(struct run *run)
{
    SG_CLEANUP(fleet_stores_close) struct fleet_stores stores = {NULL, NULL};
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(client_clear) struct client c = {.id = 0};
    const struct fleet *f = run->f;
    int r = fleet_stores_open(f, &stores);

    while (!r && !run->failure) {
        size_t i = atomic_fetch_add(&run->next, 1);
        struct sg_bill bill = {.client = 0};
        struct refusal why;
        if (i >= f->n_clients)
            break;
        if (f->done && f->done[i])
            continue;
        sg_buf_reset(&text);
        r = fleet_one(f, &stores, &c, f->clients[i], &bill, &text, &why);
        r = note(run, f->clients[i], r, &bill, &why);
        sg_bill_clear(&bill);
    }
    return r;
}

static void *work_in_thread(void *arg)
{
    struct run *run = arg;
    int r = work(run), none = 0;

    if (r) {
        /* The trace is this thread's: it is printed here, once. */
        if (atomic_compare_exchange_strong(&run->failure, &none, r))
            fprintf(stderr, "sealgrid-bill: %s\n", sg_error_trace());
    }
    return NULL;
}

static int compare_refusals(const void *a, const void *b)
{
    const struct fleet_refusal *x = a, *y = b;
    return (x->client > y->client) - (x->client < y->client);
}

/* Lines of clients that are finished are kept whatever happened to another. */
static int finish(struct run *run)
{
    const struct fleet *f = run->f;
    int r = f->journal ? journal_flush(f->journal) : 0;

    if (run->failure)
        return run->failure;
    if (run->result.n_refusals)
        qsort(run->result.refusals, run->result.n_refusals, sizeof(*run->result.refusals),
              compare_refusals);
    tell(run, true);
    if (!r && f->options->out)
        r = output_sync(f->options->out);
    return r;
}

int fleet_run(const struct fleet *f, const struct fleet_result *before, struct fleet_result *ret)
{
    struct run run = {.f = f,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .begun_ns = sg_clock_monotonic_ns(),
                      .told_ns = sg_clock_monotonic_ns()};
    pthread_t threads[64];
    int n = 0;

    if (before)
        run.result = *before;
    while (n < (int)f->options->threads &&
           pthread_create(&threads[n], NULL, work_in_thread, &run) == 0)
        n++;
    if (n == 0)
        return sg_raise(-EAGAIN);
    while (n)
        pthread_join(threads[--n], NULL);
    int r = finish(&run);
    if (r)
        free(run.result.refusals);
    else
        *ret = run.result;
    return r;
}
