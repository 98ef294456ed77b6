/* A file of phasors: refused, or customers each once with scores between 0 and 1. */
#include <stdlib.h>
#include <string.h>

#include "phasors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_phasor_config c = SG_PHASOR_CONFIG_DEFAULT;
    struct phasors p = {.list = NULL};
    char why[PHASORS_WHY_MAX];
    c.recent_days = 2;
    int r = phasors_parse(&p, SG_BYTES(data, size), &c, NULL, why);
    if (r > 0 && why[0] == 0)
        abort();
    for (size_t i = 0; r == 0 && i < p.n; i++) {
        const struct phasors_entry *e = &p.list[i];
        if (!(e->summary.score >= 0 && e->summary.score <= 1) ||
            (i && strcmp(p.list[i - 1].id, e->id) >= 0))
            abort();
        for (int t = 0; t < SG_PHASOR_TOP; t++) {
            char words[SG_PHASOR_WORDS_MAX];
            sg_phasor_words(&e->summary.top[t], e->summary.east_s, words);
        }
    }
    phasors_clear(&p);
    return 0;
}
