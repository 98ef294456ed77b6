#pragma once
/*
 * fraud trees-file - trained trees in octets.
 *
 * Deterministic CBOR (base/cbor.h), one encoding for one model:
 *   trees = [ "sealgrid-trees", 1, label, seed, features, numbers, counts, nodes ]
 *   label     text, 1..SG_TREES_LABEL_MAX octets: what the features are; who loads a model for
 *             other features is refused by comparing it
 *   seed      unsigned: of the training, for the record
 *   features  unsigned, 1..SG_TREES_FEATURES_MAX
 *   numbers   byte string of 24: base, slope, intercept, IEEE 754 binary64, big-endian; finite,
 *             within +- 1e6, slope above 0, no negative zero
 *   counts    byte string, 2 octets a tree, big-endian: how many nodes
 *   nodes     byte string, 12 octets a node, tree by tree:
 *               feature  2 octets; 0xffff: a leaf
 *               missing  2 octets; 1: missing values go right, 0: left; a leaf: 0
 *               leaf: value and cover; else: threshold and gain; binary32, big-endian
 *             value and threshold finite, value within +- 1e6; cover above 0, gain 0 or more, both
 *             finite; no negative zero
 * A tree stands in pre-order: a split is followed by all of its left part, then all of its right
 * one.  So there are no links that could be wrong or run in a circle; a tree ends exactly where its
 * count says, and no deeper than SG_TREES_DEPTH_MAX.
 *
 * A model holds thresholds, not customers' data; files are of mode 0600 all the same, because it
 * tells a thief what to avoid.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/fraud/trees.h>

enum { SG_TREES_LABEL_MAX = 63 };

/* Room for the largest model: 511 nodes a tree. */
#define SG_TREES_BYTES_MAX ((size_t)SG_TREES_MAX * (511 * 12 + 2) + 256)

enum sg_trees_file_outcome {
    SG_TREES_FILE_NOT_TREES = 1, /* not this format, or damaged */
    SG_TREES_FILE_VERSION,       /* this format, of a version not known here */
};

/* label: valid UTF-8, 1..SG_TREES_LABEL_MAX octets.  0, -ENOBUFS, -ENOMEM. */
SG_MUST_USE int sg_trees_encode(const struct sg_trees *m, const char *label, struct sg_buf *b);
/* 0, -ENOMEM, or an outcome. */
SG_MUST_USE int sg_trees_decode(struct sg_bytes bytes, struct sg_trees **ret,
                                char ret_label[SG_TREES_LABEL_MAX + 1]);
/* Whole file, atomically, mode 0600; -errno. */
SG_MUST_USE int sg_trees_save(const struct sg_trees *m, const char *label, const char *path);
/* 0, -errno, or an outcome. */
SG_MUST_USE int sg_trees_load(const char *path, struct sg_trees **ret,
                              char ret_label[SG_TREES_LABEL_MAX + 1]);
