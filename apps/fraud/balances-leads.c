#include "balances-int.h"

#include <stdlib.h>
#include <string.h>

#include <sealgrid/base/grow.h>

int balances_leads_add(struct balances_lead_list *to, size_t of, const float *row,
                       size_t n_intervals)
{
    int r = sg_grow(&to->leads, &to->room, to->n, SIZE_MAX);
    if (r)
        return r;
    float *copy = malloc(n_intervals * sizeof(*copy));
    if (!copy)
        return sg_raise(-ENOMEM);
    memcpy(copy, row, n_intervals * sizeof(*copy));
    to->leads[to->n++] = (struct balances_lead){of, copy};
    return 0;
}

int balances_leads_follow(const struct balances_leads *leads, const struct sg_balance_input *days,
                          struct balances *b)
{
    for (size_t i = 0; i < leads->loads.n; i++) {
        const struct balances_lead *load = &leads->loads.leads[i];
        double best = 0;
        for (size_t k = 0; k < leads->rests.n; k++) {
            const struct balances_lead *rest = &leads->rests.leads[k];
            struct sg_balance_match match;
            int r = sg_balance_match(days, rest->row, load->row, &match);
            if (r)
                return r;
            if (!match.fits || match.deviations <= best)
                continue;
            best = match.deviations;
            memcpy(b->customers[load->of].fits, b->transformers[rest->of].id,
                   sizeof(b->customers[load->of].fits));
        }
    }
    return 0;
}

static void list_clear(struct balances_lead_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->leads[i].row);
    free(list->leads);
}

void balances_leads_clear(struct balances_leads *leads)
{
    list_clear(&leads->loads);
    list_clear(&leads->rests);
    *leads = (struct balances_leads){.loads = {.n = 0}};
}
