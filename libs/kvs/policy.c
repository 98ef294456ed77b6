#include <sealgrid/kvs/policy.h>

#include <stdio.h>

/* Decimal number 1..max without sign or leading zero; advances *at. */
static bool take_number(const char **at, unsigned max, unsigned *ret)
{
    unsigned v = 0;
    if (**at < '1' || **at > '9')
        return false;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        v = v * 10 + (unsigned)(**at - '0');
        if (v > max)
            return false;
    }
    *ret = v;
    return true;
}

static bool take_word(const char **at, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(*at, word, n) != 0)
        return false;
    *at += n;
    return true;
}

static bool take_term(const char **at, struct sg_policy *p)
{
    if (p->replicas == 0 && take_word(at, "replicas="))
        return take_number(at, SG_POLICY_REPLICAS_MAX, &p->replicas);
    if (p->ec_data == 0 && take_word(at, "ec="))
        return take_number(at, SG_POLICY_EC_DATA_MAX, &p->ec_data) && take_word(at, "+") &&
               take_number(at, SG_POLICY_EC_PARITY_MAX, &p->ec_parity);
    return false;
}

int sg_policy_parse(const char *text, struct sg_policy *ret)
{
    struct sg_policy p = {0};
    const char *at = text;
    do {
        if (!take_term(&at, &p))
            return sg_raisef(-EINVAL, "policy: want replicas=R, ec=K+M or both");
    } while (take_word(&at, ","));
    if (*at)
        return sg_raisef(-EINVAL, "policy: text after its end");
    *ret = p;
    return 0;
}

void sg_policy_print(const struct sg_policy *p, char ret[SG_POLICY_TEXT_MAX])
{
    size_t n = 0;
    ret[0] = 0;
    if (p->replicas)
        n = (size_t)snprintf(ret, SG_POLICY_TEXT_MAX, "replicas=%u", p->replicas);
    if (p->ec_data)
        snprintf(ret + n, SG_POLICY_TEXT_MAX - n, "%sec=%u+%u", n ? "," : "", p->ec_data,
                 p->ec_parity);
}

bool sg_policy_equal(const struct sg_policy *a, const struct sg_policy *b)
{
    return a->replicas == b->replicas && a->ec_data == b->ec_data && a->ec_parity == b->ec_parity;
}

unsigned sg_policy_cost_permille(const struct sg_policy *p)
{
    unsigned ec = p->ec_data ? 1000 * (p->ec_data + p->ec_parity) / p->ec_data : 0;
    return 1000 * p->replicas + ec;
}

static unsigned min_u(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Copies and shards are spread round robin, so with fewer volumes than shards one volume holds
 * ceil(shards / volumes) of them. */
static unsigned ec_losses(const struct sg_policy *p, unsigned n_volumes)
{
    unsigned shards = p->ec_data + p->ec_parity;
    unsigned per_volume = (shards + n_volumes - 1) / n_volumes;
    return p->ec_parity / per_volume;
}

/* Lost only when the last copy and the code are both gone.  The copies sit on volumes that also
 * hold shards, so the two do not add up: the better of them counts. */
unsigned sg_policy_losses(const struct sg_policy *p, unsigned n_volumes)
{
    if (n_volumes == 0)
        return 0;
    unsigned copies = min_u(p->replicas, n_volumes);
    unsigned by_copies = copies ? copies - 1 : 0;
    unsigned by_ec = p->ec_data ? ec_losses(p, n_volumes) : 0;
    return by_copies > by_ec ? by_copies : by_ec;
}

unsigned sg_policy_index_replicas(const struct sg_policy *p, unsigned n_volumes)
{
    unsigned want = p->ec_data ? p->ec_parity + 1 : 1;
    if (p->replicas > want)
        want = p->replicas;
    return min_u(want, n_volumes);
}
