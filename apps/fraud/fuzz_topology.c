/* A topology: refused with a reason, or members each once whose groups are theirs. */
#include <stdlib.h>
#include <string.h>

#include "topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct topology t = {.members = NULL};
    char why[TOPOLOGY_WHY_MAX];
    int64_t *clients = NULL;
    size_t n;
    int r = topology_parse(&t, SG_BYTES(data, size), 64, why);
    if (r > 0 && why[0] == 0)
        abort();
    for (size_t i = 0; r == 0 && i < t.n_members; i++) {
        const struct topology_member *m = &t.members[i];
        if (m->group >= t.n_groups || topology_find(&t, m->id) != m ||
            (m->place != SIZE_MAX && m->place >= t.groups[m->group].customers))
            abort();
    }
    if (r == 0 && !topology_clients(&t, &clients, &n) && n != t.n_members)
        abort();
    free(clients);
    topology_clear(&t);
    return 0;
}
