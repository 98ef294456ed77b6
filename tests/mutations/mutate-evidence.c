/*
 * mutate-evidence KIND|all raw|signed|list [COUNT [SEED]] - good evidence under roots of our own,
 * changed COUNT times and judged; exit 1 at the first wrong verdict.
 *
 * raw      octets turned, cut, moved, inserted; see raw.c.
 * signed   fields of evidence, certificates and documents changed and all signed again, so that
 *          every later check is reached; a model says what the verdict must be, both ways.
 * list     octets that no signature covers, with the reason; COUNT octets of each part are tried,
 *          all of them by default.
 * The same SEED (1 by default) makes the same choices.
 */
#include "mutate.h"

enum mode { RAW, SIGNED, LIST };

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
    fprintf(stderr, "usage: mutate-evidence KIND|all raw|signed|list [COUNT [SEED]]\n  KIND:");
    for (size_t i = 0; i < n_kinds; i++)
        fprintf(stderr, " %s", kinds[i].name);
    fprintf(stderr, "\n");
    return 2;
}

static int run(const struct kind *k, enum mode mode, uint64_t count, uint64_t seed)
{
    sg_prng_seed(&prng, seed);
    return mode == LIST  ? list_uncovered(k, count)
           : mode == RAW ? run_raw(k, count)
                         : run_signed(k, count);
}

int main(int argc, char **argv)
{
    static const char *const modes[] = {"raw", "signed", "list"};
    size_t mode = 0, first = 0, last = n_kinds;
    if (argc < 3 || argc > 5)
        return usage();
    while (mode < N(modes) && strcmp(modes[mode], argv[2]) != 0)
        mode++;
    while (strcmp(argv[1], "all") != 0 && first < n_kinds && strcmp(kinds[first].name, argv[1]))
        first++;
    if (strcmp(argv[1], "all") != 0)
        last = first + 1;
    if (mode == N(modes) || first == n_kinds || (argc == 3 && mode != LIST))
        return usage();
    unsigned vendors = 0;
    for (size_t i = first; i < last; i++)
        vendors |= kinds[i].vendors;
    tk_world_init(&world, vendors);
    int failed = 0;
    for (size_t i = first; i < last && !failed; i++)
        failed =
            run(&kinds[i], (enum mode)mode, argc > 3 ? strtoull(argv[3], NULL, 10) : UINT64_MAX,
                argc > 4 ? strtoull(argv[4], NULL, 10) : 1);
    tk_world_clear(&world);
    return failed;
}
