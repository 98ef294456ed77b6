/*
 * random - the kernel's generator, and xoshiro256** for simulations.
 *
 * Since Linux 6.11 the vDSO hands out the kernel's octets without a system call (about 40 ns for a
 * nonce instead of 260).  It keeps the promises of getrandom(2) that nonces rest on: its state is
 * keyed by the kernel, thrown away when the kernel reseeds (a machine restored from an image) and
 * empty in a forked child.  Where there is no such function the system call does it.
 */
#include <sealgrid/base/random.h>

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/* Above this the system call is as fast. */
#define VDSO_BYTES_MAX 256

/* What vgetrandom says of its states (include/uapi/linux/random.h). */
struct vdso_params {
    uint32_t state_bytes, prot, flags, reserved[13];
};

typedef ssize_t vdso_getrandom(void *p, size_t n, unsigned flags, void *state, size_t state_bytes);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_exit;
static vdso_getrandom *from_vdso; /* NULL: there is none */
static struct vdso_params params;
static size_t page_bytes;
static _Thread_local void *state_of_thread;

static void give_back(void *state)
{
    state_of_thread = NULL;
    munmap(state, page_bytes);
}

static void find_vdso(void)
{
    void *vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
    void *found = vdso ? dlsym(vdso, "__vdso_getrandom") : NULL;
    vdso_getrandom *f;

    memcpy(&f, &found, sizeof(f));
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    /* A length of ~0 asks for the parameters.  A state must not cross a page. */
    if (!f || f(NULL, 0, 0, &params, SIZE_MAX) != 0 || params.state_bytes > page_bytes ||
        pthread_key_create(&at_thread_exit, give_back))
        return;
    from_vdso = f;
}

/* NULL: the system call has to do. */
static void *make_state(void)
{
    pthread_once(&once, find_vdso);
    if (!from_vdso)
        return NULL;
    void *state = mmap(NULL, page_bytes, (int)params.prot, (int)params.flags, -1, 0);
    if (state == MAP_FAILED)
        return NULL;
    if (pthread_setspecific(at_thread_exit, state)) {
        munmap(state, page_bytes);
        return NULL;
    }
    state_of_thread = state;
    return state;
}

static bool take_from_vdso(void *p, size_t n)
{
    if (n > VDSO_BYTES_MAX)
        return false;
    void *state = state_of_thread ? state_of_thread : make_state();
    return state && from_vdso(p, n, 0, state, params.state_bytes) == (ssize_t)n;
}

void sg_random_bytes(void *p, size_t n)
{
    uint8_t *at = p;

    if (take_from_vdso(p, n))
        return;
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
