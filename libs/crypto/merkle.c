/* merkle - RFC 6962 section 2.1. */
#include <sealgrid/crypto/hash.h>
#include <sealgrid/crypto/merkle.h>

#define LEAF_PARTS 15

void sg_merkle_leaf(uint8_t ret[32], const struct sg_bytes *parts, size_t n)
{
    struct sg_bytes with_prefix[LEAF_PARTS + 1] = {SG_BYTES("\x00", 1)};

    sg_assert(n <= LEAF_PARTS);
    for (size_t i = 0; i < n; i++)
        with_prefix[i + 1] = parts[i];
    sg_sha256_parts(ret, with_prefix, n + 1);
}

void sg_merkle_node(uint8_t ret[32], const uint8_t left[32], const uint8_t right[32])
{
    uint8_t data[65];

    data[0] = 1;
    memcpy(data + 1, left, 32);
    memcpy(data + 33, right, 32);
    sg_sha256(ret, SG_BYTES_ARRAY(data));
}

void sg_merkle_init(struct sg_merkle *m)
{
    m->n = 0;
}

/* The stack holds one full subtree for every set bit of n, the largest first. */
void sg_merkle_add(struct sg_merkle *m, const uint8_t leaf_hash[32])
{
    unsigned top = (unsigned)__builtin_popcountll(m->n);
    uint8_t node[32];

    memcpy(node, leaf_hash, 32);
    for (uint64_t n = m->n; n & 1; n >>= 1)
        sg_merkle_node(node, m->stack[--top], node);
    memcpy(m->stack[top], node, 32);
    m->n++;
}

void sg_merkle_finish(const struct sg_merkle *m, uint8_t ret[32])
{
    unsigned top = (unsigned)__builtin_popcountll(m->n);
    uint8_t node[32];

    if (top == 0) {
        sg_sha256(ret, SG_BYTES_NONE);
        return;
    }
    memcpy(node, m->stack[--top], 32);
    while (top)
        sg_merkle_node(node, m->stack[--top], node);
    memcpy(ret, node, 32);
}

void sg_merkle_root(uint8_t ret[32], const uint8_t (*leaves)[32], size_t n)
{
    struct sg_merkle m;

    sg_merkle_init(&m);
    for (size_t i = 0; i < n; i++)
        sg_merkle_add(&m, leaves[i]);
    sg_merkle_finish(&m, ret);
}

/* Largest power of two below n, for n >= 2. */
static size_t split(size_t n)
{
    return (size_t)1 << (63 - __builtin_clzll((unsigned long long)n - 1));
}

size_t sg_merkle_path(uint8_t (*ret)[32], const uint8_t (*leaves)[32], size_t n, size_t i)
{
    size_t k, len;

    sg_assert(i < n);
    if (n == 1)
        return 0;
    k = split(n);
    if (i < k) {
        len = sg_merkle_path(ret, leaves, k, i);
        sg_merkle_root(ret[len], leaves + k, n - k);
    } else {
        len = sg_merkle_path(ret, leaves + k, n - k, i - k);
        sg_merkle_root(ret[len], leaves, k);
    }
    return len + 1;
}

/* RFC 9162 section 2.1.3.2, the iterative form of the same check. */
bool sg_merkle_climb(uint8_t node[32], uint64_t i, uint64_t n, const uint8_t (*path)[32],
                     size_t path_len)
{
    uint64_t at = i, last = n - 1;

    if (i >= n)
        return false;
    for (size_t p = 0; p < path_len; p++) {
        if (last == 0)
            return false;
        if ((at & 1) || at == last) {
            sg_merkle_node(node, path[p], node);
            while (!(at & 1) && at != 0) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            sg_merkle_node(node, node, path[p]);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0;
}

int sg_merkle_check_path(const uint8_t root[32], const uint8_t leaf_hash[32], uint64_t i,
                         uint64_t n, const uint8_t (*path)[32], size_t path_len)
{
    uint8_t node[32];

    memcpy(node, leaf_hash, 32);
    return sg_merkle_climb(node, i, n, path, path_len) && memcmp(node, root, 32) == 0
               ? 0
               : SG_MERKLE_MISMATCH;
}
