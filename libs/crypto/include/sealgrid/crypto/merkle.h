#pragma once
/*
 * merkle - Merkle tree hash of RFC 6962 section 2.1 over SHA-256: leaf = H(00 || data),
 * node = H(01 || left || right), empty tree = H("").
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>

void sg_merkle_leaf(uint8_t ret[32], const struct sg_bytes *parts, size_t n);
void sg_merkle_node(uint8_t ret[32], const uint8_t left[32], const uint8_t right[32]);
/* Root over n leaf hashes. */
void sg_merkle_root(uint8_t ret[32], const uint8_t (*leaves)[32], size_t n);

/* Append-only: constant memory, any number of leaves. */
struct sg_merkle {
    uint64_t n;
    uint8_t stack[64][32];
};
void sg_merkle_init(struct sg_merkle *m);
void sg_merkle_add(struct sg_merkle *m, const uint8_t leaf_hash[32]);
void sg_merkle_finish(const struct sg_merkle *m, uint8_t ret[32]);

/* Audit path of leaf i of n (section 2.1.1), bottom up; at most 64 nodes. */
#define SG_MERKLE_PATH_MAX 64
size_t sg_merkle_path(uint8_t (*ret)[32], const uint8_t (*leaves)[32], size_t n, size_t i);
/* From the hash of leaf i of n to the node above all leaves (RFC 9162 section 2.1.3.2), in place.
 * False if i is not below n, or the path is not as long as that place wants. */
bool sg_merkle_climb(uint8_t node[32], uint64_t i, uint64_t n, const uint8_t (*path)[32],
                     size_t path_len);
enum sg_merkle_outcome { SG_MERKLE_MISMATCH = 1 };
SG_MUST_USE int sg_merkle_check_path(const uint8_t root[32], const uint8_t leaf_hash[32],
                                     uint64_t i, uint64_t n, const uint8_t (*path)[32],
                                     size_t path_len);
