/* client - the container. */
#include "client.h"

#include <stdio.h>

void client_reset(struct client *c, int64_t id)
{
    c->id = id;
    c->n_installs = c->n_blocks = c->n_rows = 0;
    c->n_rejected = 0;
    c->conflicts = 0;
    c->bad_contract = false;
    sg_buf_clear(&c->resolutions);
    sg_contracts_clear(&c->contracts);
    sg_vee_estimates_clear(&c->estimates);
}

void client_clear(struct client *c)
{
    free(c->blocks);
    free(c->rows);
    free(c->rejected);
    sg_buf_clear(&c->resolutions);
    sg_contracts_clear(&c->contracts);
    sg_vee_estimates_clear(&c->estimates);
    *c = (struct client){.id = 0};
}

int client_add_contract(struct client *c, struct sg_contract *contract)
{
    struct sg_contracts *all = &c->contracts;
    struct sg_contract *list = reallocarray(all->list, all->n + 1, sizeof(*list));

    if (!list)
        return sg_raise(-ENOMEM);
    all->list = list;
    list[all->n++] = *contract;
    *contract = (struct sg_contract){.client = 0};
    return 0;
}

int client_add_install(struct client *c, const struct client_install *i)
{
    if (c->n_installs == CLIENT_INSTALLS_MAX)
        return sg_raisef(-E2BIG, "more than %d installations of a client", CLIENT_INSTALLS_MAX);
    c->installs[c->n_installs++] = *i;
    return 0;
}

/* Room for one more of n items of size; doubles. */
static int grow(void **items, size_t *capacity, size_t n, size_t size)
{
    size_t wanted = *capacity ? *capacity * 2 : 1024;
    void *grown;

    if (n < *capacity)
        return 0;
    if (wanted > CLIENT_ROWS_MAX)
        return sg_raisef(-E2BIG, "too many rows of a client");
    grown = reallocarray(*items, wanted, size);
    if (!grown)
        return sg_raise(-ENOMEM);
    *items = grown;
    *capacity = wanted;
    return 0;
}

int client_add_block(struct client *c, const struct sg_block_evidence *e)
{
    void *items = c->blocks;
    int r = grow(&items, &c->blocks_capacity, c->n_blocks, sizeof(*c->blocks));

    c->blocks = items;
    if (r)
        return r;
    struct client_block *b = &c->blocks[c->n_blocks];
    if (e->signature.len > sizeof(b->signature))
        return sg_raise(-E2BIG);
    *b = (struct client_block){.evidence = *e, .signature_len = e->signature.len};
    memcpy(b->signature, e->signature.data, e->signature.len);
    c->n_blocks++;
    return 0;
}

int client_add_row(struct client *c, struct sg_row_reading **ret)
{
    void *items = c->rows;
    int r = grow(&items, &c->rows_capacity, c->n_rows, sizeof(*c->rows));

    c->rows = items;
    if (r)
        return r;
    *ret = &c->rows[c->n_rows++];
    return 0;
}

bool client_is_rejected(const struct client *c, size_t row)
{
    size_t low = 0, high = c->n_rejected;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (c->rejected[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->n_rejected && c->rejected[low] == row;
}
