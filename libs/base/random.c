/* random - getrandom(2), and xoshiro256** for simulations. */
#include <sealgrid/base/random.h>

#include <math.h>
#include <sys/random.h>

void sg_random_bytes(void *p, size_t n)
{
    uint8_t *at = p;

    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0) {
            sg_assert(errno == EINTR);
            continue;
        }
        at += got;
        n -= (size_t)got;
    }
}

uint64_t sg_random_u64(void)
{
    uint64_t v;
    sg_random_bytes(&v, sizeof(v));
    return v;
}

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void sg_prng_seed(struct sg_prng *p, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        p->s[i] = splitmix64(&seed);
}

void sg_prng_seed2(struct sg_prng *p, uint64_t seed, uint64_t stream)
{
    /* Both words go through the mixer before they meet, so neighbouring streams share nothing. */
    uint64_t mixed = splitmix64(&seed);
    stream += UINT64_C(0x632be59bd9b4e019);
    sg_prng_seed(p, mixed ^ splitmix64(&stream));
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t sg_prng_u64(struct sg_prng *p)
{
    uint64_t *s = p->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t sg_prng_below(struct sg_prng *p, uint64_t n)
{
    sg_assert(n >= 1);
    /* Values under 2^64 mod n would make the low residues likelier (Lemire 2019, section 3). */
    uint64_t reject_below = (0 - n) % n;
    uint64_t v;
    do {
        v = sg_prng_u64(p);
    } while (v < reject_below);
    return v % n;
}

double sg_prng_unit(struct sg_prng *p)
{
    return (double)(sg_prng_u64(p) >> 11) * 0x1p-53;
}

double sg_prng_normal(struct sg_prng *p)
{
    /* Marsaglia's polar method; the second value is dropped to keep the generator's state in s. */
    double u, v, s;
    do {
        u = 2 * sg_prng_unit(p) - 1;
        v = 2 * sg_prng_unit(p) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s <= 0);
    return u * sqrt(-2 * log(s) / s);
}
