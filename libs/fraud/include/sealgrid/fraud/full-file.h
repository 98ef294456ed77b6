#pragma once
/*
 * fraud full-file - the model of the full score in octets.
 *
 * Deterministic CBOR (base/cbor.h), one encoding for one model:
 *   model   = [ "sealgrid-fraud-full", 2, label, seed, windows, trees, gone, touched, map,
 *             ids, moves, lacking, hours, margins ]
 *   label   text: hash of the names of all features in their order; a model of other features is
 *           refused
 *   seed    unsigned: names customers in hashes, draws folds
 *   windows [first, last, first, last]: reference and test, integers of the days' numbers
 *   trees   array of 1..4 byte strings, trees-file.h, one a fold
 *   gone    unsigned, 0..10000: ten-thousandths of days, missing more than before, that are usual
 *   touched likewise, of usable days those of which a reading is missing
 *   map     byte string, som-map.h, of 24 points
 *   ids     byte string, 8 octets a customer of the panel: its hash, ascending
 *   moves   byte string, one octet a customer and day: movement + 128 (peers-int.h)
 *   lacking byte string, 8 octets a customer of the panel whose judged days lack anything:
 *           its hash, ascending
 *   hours   byte string, three octets such a customer and judged day, big-endian; bit h: hour
 *           h lacks
 *   margins byte string of 4 octets each, binary32, big-endian: of honest windows, falling
 *
 * It holds daily movements of customers under hashed names in clear: mode 0600.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/fraud/full.h>

#define SG_FULL_BYTES_MAX ((size_t)32 << 20)

enum sg_full_file_outcome {
    SG_FULL_FILE_NOT_A_MODEL = 1, /* not this format, or damaged */
    SG_FULL_FILE_VERSION,         /* this format, of a version or of features not known here */
};

/* 0, -ENOBUFS, -ENOMEM. */
SG_MUST_USE int sg_full_encode(const struct sg_full_model *m, struct sg_buf *b);
/* 0, -ENOMEM, or an outcome. */
SG_MUST_USE int sg_full_decode(struct sg_bytes bytes, struct sg_full_model **ret);
/* Whole file, atomically, mode 0600; -errno. */
SG_MUST_USE int sg_full_save(const struct sg_full_model *m, const char *path);
/* 0, -errno, or an outcome. */
SG_MUST_USE int sg_full_load(const char *path, struct sg_full_model **ret);
