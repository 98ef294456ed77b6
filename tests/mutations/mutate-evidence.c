/*
 * mutate-evidence KINDS raw|signed|list|each [COUNT [SEED]] - good evidence under roots of our own,
 * changed COUNT times a kind and judged; exit 1 at the first wrong verdict.  KINDS: names with
 * commas between them, or "all".
 *
 * raw      octets turned, cut, moved, inserted; see raw.c.
 * signed   fields of evidence, certificates and documents changed and all signed again, so that
 *          every later check is reached; a model says what the verdict must be, both ways.
 * list     octets that no signature covers, with the reason; COUNT bits of each part are tried, all
 *          of them by default.
 * each     the three of them, one after the other.
 * The same SEED (1 by default) makes the same choices.
 */
#include "mutate.h"

enum mode { RAW, SIGNED, LIST, EACH };

int run_signed(const struct kind *k, uint64_t count)
{
    bool right = true;
    if (k->begin)
        k->begin();
    for (uint64_t i = 0; i < count && right; i++) {
        note_clear();
        right = k->resigned();
    }
    if (k->end)
        k->end();
    if (right)
        print_counts(k->name, "signed again");
    return right ? 0 : 1;
}

static int usage(void)
{
    fprintf(stderr, "usage: mutate-evidence KINDS|all raw|signed|list|each [COUNT [SEED]]\n"
                    "  KINDS, with commas between them:");
    for (size_t i = 0; i < n_kinds; i++)
        fprintf(stderr, " %s", kinds[i].name);
    fprintf(stderr, "\n");
    return 2;
}

/* Variants share what is tried of a kind. */
static int run(const struct kind *k, enum mode mode, uint64_t count, uint64_t seed)
{
    int failed = 0;
    sg_prng_seed(&prng, seed);
    if (mode == LIST || mode == EACH)
        failed = list_uncovered(k, count / k->n_variants + 1);
    if (!failed && (mode == RAW || mode == EACH))
        failed = run_raw(k, count);
    if (!failed && (mode == SIGNED || mode == EACH))
        failed = run_signed(k, count);
    return failed;
}

/* Bits of kinds[]; 0: a name is unknown. */
static unsigned parse_kinds(const char *names)
{
    unsigned found = 0;
    if (!strcmp(names, "all"))
        return (1u << n_kinds) - 1;
    while (*names) {
        const size_t len = strcspn(names, ",");
        size_t i = 0;
        while (i < n_kinds && (strlen(kinds[i].name) != len || memcmp(kinds[i].name, names, len)))
            i++;
        if (i == n_kinds)
            return 0;
        found |= 1u << i;
        names += len + (names[len] == ',');
    }
    return found;
}

static bool parse_mode(const char *name, enum mode *ret)
{
    static const char *const modes[] = {"raw", "signed", "list", "each"};
    for (size_t i = 0; i < N(modes); i++)
        if (!strcmp(modes[i], name)) {
            *ret = (enum mode)i;
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    enum mode mode;
    const unsigned wanted = argc >= 3 && argc <= 5 ? parse_kinds(argv[1]) : 0;
    if (!wanted || !parse_mode(argv[2], &mode) || (argc == 3 && mode != LIST))
        return usage();
    const uint64_t count = argc > 3 ? strtoull(argv[3], NULL, 10) : UINT64_MAX;
    const uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    unsigned vendors = 0;
    for (size_t i = 0; i < n_kinds; i++)
        vendors |= wanted >> i & 1 ? kinds[i].vendors : 0;
    tk_world_init(&world, vendors);
    int failed = 0;
    for (size_t i = 0; i < n_kinds && !failed; i++)
        if (wanted >> i & 1)
            failed = run(&kinds[i], mode, count, seed);
    tk_world_clear(&world);
    return failed;
}
