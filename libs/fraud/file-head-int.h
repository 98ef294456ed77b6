#pragma once
/*
 * file-head - what every saved map and model begins with: an array of so many fields, the word of
 * the format, its version; where there is one, the label of what it was made for.
 */
#include <sealgrid/base/cbor.h>

#include <stdbool.h>

enum file_head {
    FILE_HEAD_OTHER = 1, /* not this format, or not so many fields */
    FILE_HEAD_VERSION,   /* this format, of another version */
};

/* 0 or an outcome; the version is told before the number of fields is asked for. */
SG_MUST_USE int sg_file_head_get(struct sg_reader *r, const char *format, uint64_t version,
                                 uint64_t fields);
/* A text of 1..max octets without NUL; label has room for max + 1. */
SG_MUST_USE bool sg_file_label_get(struct sg_reader *r, char *label, size_t max);
