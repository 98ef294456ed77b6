#pragma once
/*
 * message - a fixed record as a deterministic CBOR map {1: first field, 2: second, ...}.
 *
 * The fields stand once in an X-macro; struct, table, encoder and decoder follow from it:
 *
 *   #define SG_CHALLENGE_FIELDS(X, T) \
 *       X(T, OCTETS, nonce, 32, 32) \ X(T, UINT, lifetime_ms, 1, 60000)
 *   SG_MESSAGE_STRUCT(sg_challenge, SG_CHALLENGE_FIELDS)
 *   static const struct sg_message_type type = SG_MESSAGE_TYPE(sg_challenge, SG_CHALLENGE_FIELDS);
 *
 * kind     member            min..max bound
 * UINT     uint64_t          the value; max -1: none
 * INT      int64_t           the value
 * BOOL     bool              nothing (0, 0)
 * OCTETS   uint8_t [max]     nothing; the length is exactly max
 * BYTES    struct sg_bytes   the length
 * TEXT     struct sg_bytes   the length, at most 255; UTF-8 without NUL
 * ITEM     struct sg_bytes   the length of one encoded item of any kind, for lists
 *
 * Decoding allocates nothing: BYTES, TEXT and ITEM borrow the input.  Every key must be there, in
 * order, and nothing after the map.
 */
#include <sealgrid/base/cbor.h>

enum sg_message_kind {
    SG_MESSAGE_UINT,
    SG_MESSAGE_INT,
    SG_MESSAGE_BOOL,
    SG_MESSAGE_OCTETS,
    SG_MESSAGE_BYTES,
    SG_MESSAGE_TEXT,
    SG_MESSAGE_ITEM,
};

struct sg_message_field {
    const char *name;
    enum sg_message_kind kind;
    size_t offset;
    int64_t min, max;
};

struct sg_message_type {
    const char *name;
    size_t size; /* of the struct, at most SG_MESSAGE_STRUCT_MAX */
    const struct sg_message_field *fields;
    size_t n_fields;
};

#define SG_MESSAGE_STRUCT_MAX 1024

#define SG_MESSAGE_MEMBER_UINT(name, max)          uint64_t name;
#define SG_MESSAGE_MEMBER_INT(name, max)           int64_t name;
#define SG_MESSAGE_MEMBER_BOOL(name, max)          bool name;
#define SG_MESSAGE_MEMBER_OCTETS(name, max)        uint8_t name[max];
#define SG_MESSAGE_MEMBER_BYTES(name, max)         struct sg_bytes name;
#define SG_MESSAGE_MEMBER_TEXT(name, max)          struct sg_bytes name;
#define SG_MESSAGE_MEMBER_ITEM(name, max)          struct sg_bytes name;
#define SG_MESSAGE_MEMBER(T, kind, name, min, max) SG_MESSAGE_MEMBER_##kind(name, max)
#define SG_MESSAGE_ROW(T, kind, name, min, max)                                                    \
    {#name, SG_MESSAGE_##kind, offsetof(struct T, name), (min), (max)},

#define SG_MESSAGE_STRUCT(T, FIELDS)                                                               \
    struct T {                                                                                     \
        FIELDS(SG_MESSAGE_MEMBER, T)                                                               \
    };
#define SG_MESSAGE_TYPE(T, FIELDS)                                                                 \
    {                                                                                              \
        .name = #T, .size = sizeof(struct T),                                                      \
        .fields = (const struct sg_message_field[]){FIELDS(SG_MESSAGE_ROW, T)},                    \
        .n_fields = sizeof((const struct sg_message_field[]){FIELDS(SG_MESSAGE_ROW, T)}) /         \
                    sizeof(struct sg_message_field),                                               \
    }

/* Appends.  -EINVAL when a field breaks its own bounds (our bug or our caller's input), -ENOBUFS;
 * nothing is appended on failure. */
SG_MUST_USE int sg_message_encode(const struct sg_message_type *t, const void *message,
                                  struct sg_buf *ret);
/* -EBADMSG, with the field's name in the trace. */
SG_MUST_USE int sg_message_decode(const struct sg_message_type *t, struct sg_bytes encoded,
                                  void *ret);
