/*
 * uncovered - which octets of good evidence may be changed without a word.  Every octet is turned,
 * bit by bit; what stays trusted must be in the kind's table, with a reason, and what is in the
 * table must stay trusted with some other value.
 */
#include "mutate.h"

static const char *part_name(enum sg_tee_part part)
{
    static const char *const names[] = {
#define X(id, name) name,
        SG_TEE_PARTS(X)
#undef X
    };
    return names[part];
}

static bool trusted_with(struct specimen *s, enum sg_tee_part part, size_t at, unsigned turned)
{
    uint8_t *p = &s->part[part].data[at];
    *p ^= (uint8_t)turned;
    const struct sg_tee_evidence e = specimen_evidence(s);
    const struct sg_tee_verdict v = tk_world_judge(&world, &e);
    *p ^= (uint8_t)turned;
    return sg_tee_trusted(&v);
}

static const struct free_range *range_of(const struct free_list *l, enum sg_tee_part part,
                                         size_t at)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].part == part && at >= l->at[i].from && at < l->at[i].until)
            return &l->at[i];
    return NULL;
}

static bool tell(const char *what, enum sg_tee_part part, size_t at, unsigned turned)
{
    printf("  WRONG: %s, octet %zu, bits %02x: %s\n", part_name(part), at, turned, what);
    return false;
}

static bool check_bits(struct specimen *s, const struct free_list *l, enum sg_tee_part part,
                       size_t at, unsigned bits)
{
    const struct free_range *r = range_of(l, part, at);
    for (unsigned bit = 0; bit < 8; bit++) {
        const unsigned turned = 1u << bit;
        if ((bits & turned) && (!r || !(r->bits & turned)) && trusted_with(s, part, at, turned))
            return tell("trusted, and no reason is known", part, at, turned);
    }
    return true;
}

/* Some other value under these bits is as good. */
static bool is_free(struct specimen *s, const struct free_range *r, size_t at)
{
    for (unsigned turned = 1; turned < 256; turned++)
        if (!(turned & ~(unsigned)r->bits) && trusted_with(s, r->part, at, turned))
            return true;
    return false;
}

/* As many tries as `most`: every bit, one bit of every octet, or of some octets. */
static bool check_part(struct specimen *s, const struct free_list *l, enum sg_tee_part part,
                       size_t most)
{
    const size_t len = s->part[part].len, step = len > most ? (len + most - 1) / most : 1;
    const bool all_bits = most / 8 >= len;
    bool right = true;
    for (size_t i = below(step); i < len && right; i += step)
        right = check_bits(s, l, part, i, all_bits ? 0xff : 1u << below(8));
    return right;
}

/* Not every octet of a range need be free in itself: a root's PEM has marks that must match. */
static bool check_range(struct specimen *s, const struct free_range *r, size_t most)
{
    const size_t len = r->until - r->from, step = len > most ? (len + most - 1) / most : 1;
    for (size_t i = r->from; i < r->until; i += step)
        if (is_free(s, r, i))
            return true;
    return tell("listed, and covered all the same", r->part, r->from, r->bits);
}

/* Ranges of one reason in one line, where it is given first. */
static void print_list(const struct free_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct free_range *r = &l->at[i], *last = r;
        size_t octets = 0;
        bool told = false;
        for (size_t k = 0; k < l->n; k++) {
            if (l->at[k].part != r->part || strcmp(l->at[k].why, r->why) != 0)
                continue;
            told |= k < i;
            octets += l->at[k].until - l->at[k].from;
            last = &l->at[k];
        }
        if (!told)
            printf("  %s, octets %zu to %zu (%zu of them): %s\n", part_name(r->part), r->from,
                   last->until - 1, octets, r->why);
    }
    if (!l->n)
        printf("  none\n");
}

static bool check(const struct kind *k, unsigned variant, size_t most)
{
    SG_CLEANUP(specimen_clear) struct specimen s;
    struct free_list l = {0};
    bool right = true;
    specimen_init(&s);
    k->make(variant, &s);
    k->uncovered(&s, &l);
    printf("%s%s%s: octets that no signature covers\n", k->name, k->variant_name ? ", " : "",
           k->variant_name ? k->variant_name(variant) : "");
    print_list(&l);
    const struct sg_tee_evidence e = specimen_evidence(&s);
    const struct sg_tee_verdict v = tk_world_judge(&world, &e);
    sg_assert(sg_tee_trusted(&v));
    for (size_t p = 0; p < SG_TEE_N_PARTS && right; p++)
        right = check_part(&s, &l, (enum sg_tee_part)p, most);
    for (size_t i = 0; i < l.n && right; i++)
        right = check_range(&s, &l.at[i], most);
    return right;
}

int list_uncovered(const struct kind *k, size_t most)
{
    bool right = true;
    for (unsigned v = 0; v < k->n_variants && right; v++)
        right = check(k, v, most);
    return right ? 0 : 1;
}
