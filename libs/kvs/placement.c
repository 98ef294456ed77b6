#include "placement-int.h"

/* Finaliser of SplitMix64 (Steele, Lea, Flood 2014): full avalanche over 64 bits. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

void sg_placement_rank(uint64_t item, unsigned n_volumes, uint8_t ret[SG_STORE_VOLUMES_MAX])
{
    uint64_t weight[SG_STORE_VOLUMES_MAX];
    for (unsigned slot = 0; slot < n_volumes; slot++) {
        uint64_t w = mix(mix(item) ^ mix(slot + 1));
        unsigned at = slot;
        for (; at > 0 && weight[at - 1] < w; at--) {
            weight[at] = weight[at - 1];
            ret[at] = ret[at - 1];
        }
        weight[at] = w;
        ret[at] = (uint8_t)slot;
    }
}
