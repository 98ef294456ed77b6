/* fleet - the workers. */
#include "fleet.h"
#include "source.h"

#include <sealgrid/base/cleanup.h>

#include <pthread.h>
#include <stdio.h>

#define PACKED_MAX (SG_EVIDENCE_MAX + (1u << 20))

struct run {
    const struct fleet *f;
    _Atomic size_t next;
    _Atomic int failure;
    pthread_mutex_t lock; /* of result */
    struct fleet_result result;
};

static int put_out(const struct fleet *f, struct sg_kv *kv, int64_t client, struct sg_bytes bill,
                   struct sg_bytes evidence)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(PACKED_MAX);
    const char *out = f->options->out;
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
    return r;
}

int fleet_one(const struct fleet *f, struct sg_kv *kv, struct client *c, int64_t client,
              struct sg_bill *ret, struct sg_buf *ret_bill, struct refusal *why)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_EVIDENCE_MAX);
    const struct terms terms = {f->tariff, f->contracts, f->from_s, f->until_s, f->rules, true};
    struct sg_bill bill = {.client = 0};
    int r;

    client_reset(c, client);
    r = source_store(c, kv, f->from_s, f->until_s);
    if (!r)
        r = issue(c, &terms, &bill, &evidence, why);
    if (!r)
        r = sg_bill_write(&bill, ret_bill);
    if (!r)
        r = put_out(f, kv, client, sg_buf_bytes(ret_bill), sg_buf_bytes(&evidence));
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
    pthread_mutex_unlock(&run->lock);
    return r;
}

static int work(struct run *run)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(client_clear) struct client c = {.id = 0};
    const struct fleet *f = run->f;
    int r = f->open_kv(f->user, &kv);

    while (!r && !run->failure) {
        size_t i = atomic_fetch_add(&run->next, 1);
        struct sg_bill bill = {.client = 0};
        struct refusal why;
        if (i >= f->n_clients)
            break;
        sg_buf_reset(&text);
        r = fleet_one(f, kv, &c, f->clients[i], &bill, &text, &why);
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

int fleet_run(const struct fleet *f, struct fleet_result *ret)
{
    struct run run = {.f = f, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[64];
    int n = 0;

    while (n < (int)f->options->threads &&
           pthread_create(&threads[n], NULL, work_in_thread, &run) == 0)
        n++;
    if (n == 0)
        return sg_raise(-EAGAIN);
    while (n)
        pthread_join(threads[--n], NULL);
    if (run.failure) {
        free(run.result.refusals);
        return run.failure;
    }
    *ret = run.result;
    return f->options->out ? output_sync(f->options->out) : 0;
}
