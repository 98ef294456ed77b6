/* mutate - chance, and what was found. */
#include "mutate.h"

#include <stdarg.h>

struct sg_prng prng;

size_t below(size_t n)
{
    return (size_t)sg_prng_below(&prng, n ? n : 1);
}

bool one_in(size_t n)
{
    return below(n) == 0;
}

static uint64_t load(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    while (n--)
        v = v << 8 | p[n];
    return v;
}

static void store(uint8_t *p, size_t n, uint64_t v)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

uint64_t odd_number(uint64_t good, unsigned bits)
{
    const uint64_t all = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    switch (below(8)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return all;
    case 3:
        return all >> 1;
    case 4:
        return (good + 1) & all;
    case 5:
        return (good - 1) & all;
    case 6:
        return good ^ UINT64_C(1) << below(bits);
    default:
        return sg_prng_u64(&prng) & all;
    }
}

int64_t odd_time(void)
{
    static const int64_t steps[] = {0, 1, 2, 60, DAY - 1, DAY, DAY + 1, 40 * DAY, 4000 * DAY};
    const int64_t step = steps[below(N(steps))];
    return TK_AT + (one_in(2) ? step : -step);
}

static void change_number(uint8_t *p, size_t len)
{
    static const size_t widths[] = {1, 2, 4, 8};
    size_t width = widths[below(N(widths))];
    if (width > len)
        width = 1;
    const size_t at = below(len / width) * width;
    store(p + at, width, odd_number(load(p + at, width), (unsigned)(8 * width)));
}

static void fill(uint8_t *p, size_t len)
{
    static const uint8_t with[] = {0x00, 0xff, 0x01, 0x80};
    const size_t at = below(len), n = 1 + below(len - at < 64 ? len - at : 64);
    memset(p + at, with[below(N(with))], n);
}

static bool try_change(uint8_t *p, size_t len)
{
    uint8_t before[64];
    const size_t from = len > sizeof before ? below(len - sizeof before) : 0;
    const size_t n = len > sizeof before ? sizeof before : len;
    memcpy(before, p + from, n);
    switch (below(6)) {
    case 0:
    case 1:
        p[from + below(n)] ^= (uint8_t)(1u << below(8));
        break;
    case 2:
        p[from + below(n)] ^= (uint8_t)(1 + below(255));
        break;
    case 3:
        change_number(p + from, n);
        break;
    case 4:
        fill(p + from, n);
        break;
    default:
        for (size_t i = below(n); i < n; i++)
            p[from + i] = (uint8_t)sg_prng_u64(&prng);
    }
    for (size_t i = 0; i < n; i++)
        if (p[from + i] != before[i]) {
            note("octets from %zu", from + i);
            return true;
        }
    return false;
}

void change(uint8_t *p, size_t len)
{
    sg_assert(len);
    while (!try_change(p, len))
        ;
}

/* ---- what was found ---- */

static struct {
    uint64_t judged, trusted, reason[SG_TEE_N_REASONS], alone[SG_TEE_N_REASONS];
} count;
static char notes[1024];
static size_t notes_len;

void note_clear(void)
{
    notes_len = 0;
    notes[0] = '\0';
}

void note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(notes + notes_len, sizeof notes - notes_len, format, args);
    va_end(args);
    notes_len += n > 0 ? (size_t)n : 0;
    if (notes_len + 2 >= sizeof notes)
        notes_len = sizeof notes - 3;
    memcpy(notes + notes_len, "; ", 3);
    notes_len += 2;
}

bool agree(const struct sg_tee_verdict *v, bool wanted)
{
    const bool trusted = sg_tee_trusted(v);
    count.judged++;
    count.trusted += trusted;
    for (size_t i = 0; i < v->reasons.n; i++) {
        sg_assert((size_t)v->reasons.at[i] < N(count.reason));
        count.reason[v->reasons.at[i]]++;
        count.alone[v->reasons.at[i]] += v->reasons.n == 1;
    }
    if (trusted == wanted)
        return true;
    printf("  WRONG: %s, should be %s: %s\n", trusted ? "trusted" : "refused",
           wanted ? "trusted" : "refused", notes);
    for (size_t i = 0; i < v->reasons.n; i++)
        printf("    %s\n", sg_tee_reason_name(v->reasons.at[i]));
    return false;
}

bool judged_as(const struct sg_tee_evidence *e, bool wanted)
{
    const struct sg_tee_verdict v = tk_world_judge(&world, e);
    return agree(&v, wanted);
}

bool judged_in(struct sg_tee_store *s, const struct sg_tee_evidence *e, bool wanted)
{
    struct tk_world other = {.store = s};
    MUST(sg_tee_store_seal(s));
    const struct sg_tee_verdict v = tk_world_judge(&other, e);
    return agree(&v, wanted);
}

/* Reasons that stood alone first: no other check would have caught those. */
static void print_reasons(bool alone)
{
    printf("  %s:", alone ? "refused for this alone" : "and with others");
    for (size_t i = 0; i < SG_TEE_N_REASONS; i++)
        if (count.reason[i] && (count.alone[i] != 0) == alone)
            printf(" %s", sg_tee_reason_name((enum sg_tee_reason)i));
    printf("\n");
}

void print_counts(const char *kind, const char *mode)
{
    printf("%s, %s: %llu mutations, %llu trusted, no wrong verdict\n", kind, mode,
           (unsigned long long)count.judged, (unsigned long long)count.trusted);
    print_reasons(true);
    print_reasons(false);
    fflush(stdout);
    memset(&count, 0, sizeof count);
}
