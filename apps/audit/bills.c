/* bills - see bills.h. */
#include "bills.h"
#include "inputs.h"
#include "names.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>

#include <limits.h>
#include <stdio.h>

struct entry {
    struct sg_proof_bill bill;
    char *evidence;
};

static void clear_bill(struct sg_proof_bill *b)
{
    for (size_t i = 0; i < b->n_meters; i++)
        free((void *)(uintptr_t)b->meters[i].serial);
    free((void *)(uintptr_t)b->buckets);
}

void bills_clear(struct bills *b)
{
    for (size_t i = 0; i < b->n; i++) {
        clear_bill(&b->items[i]);
        free(b->evidence[i]);
    }
    free(b->items);
    free(b->evidence);
    *b = (struct bills){NULL, NULL, 0};
}

static int hash_bill(const struct sg_bill *bill, uint8_t ret[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    int r = sg_bill_canonical(bill, &text);

    if (!r)
        sg_sha256(ret, sg_buf_bytes(&text));
    return r;
}

static int copy_lists(const struct sg_bill *bill, struct sg_proof_bill *ret)
{
    struct sg_bucket *buckets = calloc(bill->n_buckets + 1, sizeof(*buckets));

    ret->buckets = buckets;
    if (!buckets)
        return sg_raise(-ENOMEM);
    if (bill->n_buckets)
        memcpy(buckets, bill->buckets, bill->n_buckets * sizeof(*buckets));
    ret->n_buckets = bill->n_buckets;
    for (size_t i = 0; i < bill->n_meters; i++) {
        const struct sg_bill_meter *m = &bill->meters[i];
        ret->meters[i] = (struct sg_proof_meter){strdup(m->serial), m->from_s, m->until_s,
                                                 m->ratio_num, m->ratio_den};
        ret->n_meters++;
        if (!ret->meters[i].serial)
            return sg_raise(-ENOMEM);
    }
    return 0;
}

static int copy_bill(const struct sg_bill *bill, struct sg_proof_bill *ret)
{
    *ret = (struct sg_proof_bill){.client = bill->client,
                                  .from_s = bill->from_s,
                                  .until_s = bill->until_s,
                                  .interval_s = bill->interval_s};
    memcpy(ret->tariff_sha256, bill->tariff_sha256, 32);
    int r = hash_bill(bill, ret->sha256);
    return r ? r : copy_lists(bill, ret);
}

static int read_bill(const char *path, struct sg_proof_bill *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    int r = inputs_file(path, SG_BILL_JSON_MAX, &text);

    if (r)
        return r;
    r = sg_bill_read(sg_buf_bytes(&text), &bill);
    if (r > 0)
        return complain(path, r == SG_BILL_MALFORMED  ? "not a bill in its one form"
                              : r == SG_BILL_BAD_HASH ? "its hash is not that of its contents"
                                                      : "its explanation is of another bill");
    if (!r)
        r = copy_bill(&bill, ret);
    if (r) {
        clear_bill(ret);
        return complain(path, sg_error_trace());
    }
    return 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct sg_proof_bill *x = &((const struct entry *)a)->bill;
    const struct sg_proof_bill *y = &((const struct entry *)b)->bill;

    if (x->client != y->client)
        return x->client < y->client ? -1 : 1;
    return (x->from_s > y->from_s) - (x->from_s < y->from_s);
}

/* Takes what the entries own. */
static int take_entries(struct bills *ret, struct entry *list, size_t n)
{
    struct bills b = {.items = calloc(n + 1, sizeof(*b.items)),
                      .evidence = calloc(n + 1, sizeof(*b.evidence))};

    if (!b.items || !b.evidence) {
        free(b.items);
        free(b.evidence);
        return complain("bills", "out of memory");
    }
    qsort(list, n, sizeof(*list), compare_entries);
    for (; b.n < n; b.n++) {
        b.items[b.n] = list[b.n].bill;
        b.evidence[b.n] = list[b.n].evidence;
    }
    *ret = b;
    return 0;
}

static void drop_entries(struct entry *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        clear_bill(&list[i].bill);
        free(list[i].evidence);
    }
}

int bills_read_one(struct bills *ret, const char *bill, const char *evidence)
{
    struct entry e = {.evidence = evidence ? strdup(evidence) : NULL};
    int r = read_bill(bill, &e.bill);

    if (!r)
        r = take_entries(ret, &e, 1);
    if (r)
        free(e.evidence);
    return r;
}

static int read_named(const char *dir, const char *name, struct entry *ret)
{
    char bill[PATH_MAX], evidence[PATH_MAX];

    if (snprintf(bill, sizeof(bill), "%s/bill/%s.json", dir, name) >= PATH_MAX ||
        snprintf(evidence, sizeof(evidence), "%s/evidence/%s.cbor", dir, name) >= PATH_MAX)
        return complain(dir, "path too long");
    ret->evidence = strdup(evidence);
    if (!ret->evidence)
        return complain(dir, "out of memory");
    return read_bill(bill, &ret->bill);
}

int bills_read_folder(struct bills *ret, const char *dir)
{
    SG_CLEANUP(names_clear) struct names names = {.n = 0};
    SG_FREE struct entry *list = NULL;
    size_t n = 0;
    int r = names_read(&names, dir);

    if (r)
        return complain(dir, sg_error_trace());
    list = calloc(names.n + 1, sizeof(*list));
    if (!list)
        return complain(dir, "out of memory");
    for (; n < names.n && !r; n++)
        r = read_named(dir, names.items[n], &list[n]);
    if (!r)
        r = take_entries(ret, list, n);
    if (r)
        drop_entries(list, n);
    return r;
}
