#pragma once
/*
 * fraud som-map - a trained map in a file, so that one customer can be judged as a task of its own.
 *
 * Deterministic CBOR (base/cbor.h), one encoding for one map:
 *   map = [ "sealgrid-som", 1, label, seed, columns, rows, topology, points, codes ]
 *   label     text, 1..SG_SOM_LABEL_MAX octets: what the vectors are (normalisation, kind of day);
 *             who loads it for another use is refused by comparing it
 *   seed      unsigned: of the training, for the record
 *   topology  0 rectangular, 1 hexagonal
 *   codes     byte string: nodes x points IEEE 754 binary32, big-endian, node by node; finite,
 *             within +- SG_SOM_VALUE_MAX, no negative zero (written as 0)
 * The decoder takes nothing else: other order, longer forms, trailing octets are refused.  The
 * first two fields are the format and its version; a reader knows every version there was.
 *
 * A map holds averages of the loads of many customers.  It is plain: where it is stored is up to
 * the caller, sealed in the store or in a file of mode 0600.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/fraud/som.h>

enum { SG_SOM_LABEL_MAX = 63 };

/* Room for the largest map. */
#define SG_SOM_MAP_BYTES_MAX ((size_t)SG_SOM_NODES_MAX * SG_SOM_POINTS_MAX * 4 + 256)

enum sg_som_map_outcome {
    SG_SOM_MAP_NOT_A_MAP = 1, /* not this format, or damaged */
    SG_SOM_MAP_VERSION,       /* this format, of a version not known here */
};

/* label: valid UTF-8, 1..SG_SOM_LABEL_MAX octets.  0, -ENOBUFS, -ENOMEM. */
SG_MUST_USE int sg_som_map_encode(const struct sg_som *m, const char *label, uint64_t seed,
                                  struct sg_buf *b);
/* 0, -ENOMEM, or an outcome. */
SG_MUST_USE int sg_som_map_decode(struct sg_bytes bytes, struct sg_som **ret,
                                  char ret_label[SG_SOM_LABEL_MAX + 1], uint64_t *ret_seed);
/* Whole file, atomically, mode 0600; -errno. */
SG_MUST_USE int sg_som_map_save(const struct sg_som *m, const char *label, uint64_t seed,
                                const char *path);
/* 0, -errno, or an outcome. */
SG_MUST_USE int sg_som_map_load(const char *path, struct sg_som **ret,
                                char ret_label[SG_SOM_LABEL_MAX + 1], uint64_t *ret_seed);
