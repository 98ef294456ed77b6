/* fleet-resume - what an earlier run has finished. */
#include "fleet.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/vee.h>
#include <sealgrid/crypto/hash.h>

struct seen {
    struct fleet *f;
    struct fleet_result *before;
};

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* A client may stand there twice, if its first files were spoiled and made again. */
static void take(void *user, const struct journal_entry *e)
{
    const struct seen *s = user;
    struct fleet *f = s->f;
    const int64_t *at = bsearch(&e->client, f->clients, f->n_clients, sizeof(*f->clients), compare);

    if (!at || f->done[at - f->clients] || !journal_verify(e, f->options->out, f->period))
        return;
    f->done[at - f->clients] = true;
    f->n_done++;
    s->before->bills++;
    s->before->readings += e->readings;
    s->before->missing += e->missing;
    s->before->total += e->total;
}

/* Everything but the store that a bill follows from; and whether it was uploaded as well. */
static int terms_of(const struct fleet *f, uint8_t ret[32])
{
    static const uint8_t none[32];
    uint8_t contracts[32] = {0};
    const uint8_t uploaded[1] = {f->options->upload};
    const int64_t period[2] = {f->from_s, f->until_s};

    if (f->options->contracts) {
        int r = sg_sha256_file(f->options->contracts, contracts);
        if (r)
            return r;
    }
    const struct sg_bytes parts[] = {
        SG_BYTES(f->tariff->sha256, 32), SG_BYTES(f->rules ? f->rules->sha256 : none, 32),
        SG_BYTES(contracts, 32), SG_BYTES((const uint8_t *)period, sizeof(period)),
        SG_BYTES(uploaded, 1)};
    sg_sha256_parts(ret, parts, sizeof(parts) / sizeof(parts[0]));
    return 0;
}

int fleet_open(struct fleet *f, int64_t *clients, unsigned batch, struct fleet_result *before)
{
    struct seen seen = {f, before};
    uint8_t terms[32];
    int r;

    *before = (struct fleet_result){.bills = 0};
    if (f->n_clients)
        qsort(clients, f->n_clients, sizeof(*clients), compare);
    f->clients = clients;
    if (!f->options->out)
        return 0;
    f->done = calloc(f->n_clients + 1, sizeof(*f->done));
    if (!f->done)
        return sg_raise(-ENOMEM);
    r = terms_of(f, terms);
    return r ? r
             : journal_open(&f->journal, f->options->out, f->period, terms, f->options->resume,
                            batch, take, &seen);
}

void fleet_close(struct fleet *f)
{
    journal_free(f->journal);
    free(f->done);
    f->journal = NULL;
    f->done = NULL;
}
