#pragma once
/*
 * rows - the metering tables of the bucket "metering" as key and value tuples (kvs/tuple.h): what an
 * authenticator writes, sqld shows and audit reads.  Table numbers: enum sg_table (kv.h).
 *
 *   INSTALLATION      (client_id | from_ts)          meter_serial, until_ts or NULL, ratio_num, ratio_den,
 *                                                    metrology_cert, class
 *   CREDENTIAL        (x5t | 0)                      meter_serial, client_id, edhoc_cert, metrology_cert
 *   READING           (client_id | ts)               meter_serial, seq, the 40 fields of reading.h, origin
 *   READING_CONFLICT  (client_id | ts, seq, digest)  as READING, received_ts
 *   BLOCK             (client_id | first_ts, meter_serial, first_seq, digest)
 *                                                    count, evidence, original or NULL
 *   ESTIMATE          (client_id | ts, inputs)       meter_serial, energy_wh, reactive_varh or NULL, rule,
 *                                                    parameters, rules, adjusted, made_ts
 *   RESOLUTION        (client_id | ts, resolved_ts)  chosen, who, why, certificate, signature
 *   CONTRACT          (client_id | from_day)         terms
 *   INSPECTION        (client_id | inspected_day)    outcome, recovered_wh or NULL, note or NULL
 *   CONSUMER          (client_id | from_day)         class, activity, region, contracted_w,
 *                                                    vacant_since, vacant_until, solar_since, solar_w,
 *                                                    tariff_since, wiring; each or NULL
 *   TOPOLOGY          (client_id | from_day)         transformer
 *
 * Encoders append and leave the buffer as it was on failure.  Decoders return -EBADMSG for anything
 * an encoder would not have written; their texts and blobs borrow from the input.
 */
#include <sealgrid/meter/block.h>

#define SG_ROW_KEY_MAX 128
#define SG_ROW_READING_MAX 512
#define SG_ROW_DIGEST_LEN 16
#define SG_ROW_CLASS_MAX 15

enum sg_row_origin {
    SG_ORIGIN_METROLOGY = 0, /* signed by the meter */
    SG_ORIGIN_EDGE = 1,      /* read in the meter's enclosure, unsigned */
    SG_ORIGIN_SQL = 2,       /* inserted by hand, unsigned */
};

/* Keys. */
SG_MUST_USE int sg_row_client_partition(struct sg_buf *b, int64_t client_id);
SG_MUST_USE int sg_row_client_take(struct sg_bytes partition, int64_t *ret_client_id);
SG_MUST_USE int sg_row_x5t_partition(struct sg_buf *b, const uint8_t x5t[32]);
/* One integer: from_ts of an installation, ts of a reading, 0 of a credential. */
SG_MUST_USE int sg_row_int_sort(struct sg_buf *b, int64_t v);
SG_MUST_USE int sg_row_int_take(struct sg_bytes sort, int64_t *ret);
SG_MUST_USE int sg_row_conflict_sort(struct sg_buf *b, const struct sg_reading *r,
                                     const uint8_t digest[SG_ROW_DIGEST_LEN]);
/* digest stands for what the block tells: two blocks may begin alike (one reading at once, the day
 * later; a day told twice with other figures), and the evidence of both must stay. */
SG_MUST_USE int sg_row_block_sort(struct sg_buf *b, const struct sg_block_header *h,
                                  const uint8_t digest[SG_ROW_DIGEST_LEN]);
/* First 16 octets of SHA-256 of the reading's leaf encoding (without salt). */
SG_MUST_USE int sg_row_digest(const struct sg_reading *r, uint8_t ret[SG_ROW_DIGEST_LEN]);

struct sg_row_reading {
    char serial[SG_BLOCK_SERIAL_MAX + 1];
    struct sg_reading reading;
    enum sg_row_origin origin;
};
/* Value of READING; its ts is the sort key, so decoding needs both. */
SG_MUST_USE int sg_row_reading_encode(struct sg_buf *b, const struct sg_row_reading *row);
SG_MUST_USE int sg_row_reading_decode(struct sg_bytes sort, struct sg_bytes value,
                                      struct sg_row_reading *ret);

/* One field of readings alone: names it for a scan (kv.h, struct sg_kv_range, fields), and takes
 * it from what the scan brings.  Decoding: the value SG_READING_NA if the meter had none. */
#define SG_ROW_READING_FIELDS_LEN 6
void sg_row_reading_want(enum sg_reading_field field, uint8_t ret[SG_ROW_READING_FIELDS_LEN]);
SG_MUST_USE int sg_row_reading_take(struct sg_bytes sort, struct sg_bytes value, int64_t *ret_ts_s,
                                    int64_t *ret);
/* The same for several: names one more; takes all of those that were named, n of them, in the order
 * of their fields. */
void sg_row_reading_want_also(enum sg_reading_field field,
                              uint8_t fields[SG_ROW_READING_FIELDS_LEN]);
SG_MUST_USE int sg_row_reading_take_all(struct sg_bytes sort, struct sg_bytes value,
                                        int64_t *ret_ts_s, int64_t *ret, size_t n);

struct sg_row_conflict {
    struct sg_row_reading row;
    int64_t received_ts_s;
};
SG_MUST_USE int sg_row_conflict_encode(struct sg_buf *b, const struct sg_row_conflict *row);
SG_MUST_USE int sg_row_conflict_decode(struct sg_bytes sort, struct sg_bytes value,
                                       struct sg_row_conflict *ret);

struct sg_row_installation {
    int64_t client_id;
    int64_t from_ts_s;
    char serial[SG_BLOCK_SERIAL_MAX + 1];
    bool open;          /* still installed: until_ts is NULL */
    int64_t until_ts_s; /* exclusive */
    int64_t ratio_num, ratio_den; /* of the instrument transformers, >= 1 */
    struct sg_bytes metrology_cert; /* DER, borrowed */
    char tariff_class[SG_ROW_CLASS_MAX + 1]; /* "B1" */
};
SG_MUST_USE int sg_row_installation_encode(struct sg_buf *b, const struct sg_row_installation *row);
SG_MUST_USE int sg_row_installation_decode(struct sg_bytes partition, struct sg_bytes sort,
                                           struct sg_bytes value, struct sg_row_installation *ret);

struct sg_row_credential {
    char serial[SG_BLOCK_SERIAL_MAX + 1];
    int64_t client_id;
    struct sg_bytes edhoc_cert;     /* DER, borrowed */
    struct sg_bytes metrology_cert; /* DER, borrowed */
};
SG_MUST_USE int sg_row_credential_encode(struct sg_buf *b, const struct sg_row_credential *row);
SG_MUST_USE int sg_row_credential_decode(struct sg_bytes value, struct sg_row_credential *ret);

struct sg_row_block {
    int64_t count;
    struct sg_bytes evidence; /* sg_block_evidence_encode, borrowed */
    struct sg_bytes original; /* empty: NULL, re-encoding gives the wire octets */
};
SG_MUST_USE int sg_row_block_encode(struct sg_buf *b, const struct sg_row_block *row);
SG_MUST_USE int sg_row_block_decode(struct sg_bytes value, struct sg_row_block *ret);

/*
 * An estimate stays for ever: another one of the same interval follows from other inputs and so has
 * another key, and a genuine reading that comes later stands in READING and leaves it where it is.
 */
#define SG_ROW_RULE_MAX       31
#define SG_ROW_PARAMETERS_MAX 255
struct sg_row_estimate {
    int64_t ts_s;
    uint8_t inputs[32]; /* hash over what it follows from (docs/vee.md) */
    char serial[SG_BLOCK_SERIAL_MAX + 1];
    int64_t energy_wh;
    int64_t reactive_varh; /* SG_READING_NA */
    char rule[SG_ROW_RULE_MAX + 1];
    char parameters[SG_ROW_PARAMETERS_MAX + 1]; /* "method=linear up_to_minutes=120", for people */
    uint8_t rules[32];                          /* SHA-256 of the rule file */
    bool adjusted;                              /* to the register */
    int64_t made_ts_s;
};
SG_MUST_USE int sg_row_estimate_sort(struct sg_buf *b, int64_t ts_s, const uint8_t inputs[32]);
SG_MUST_USE int sg_row_estimate_encode(struct sg_buf *b, const struct sg_row_estimate *row);
SG_MUST_USE int sg_row_estimate_decode(struct sg_bytes sort, struct sg_bytes value,
                                       struct sg_row_estimate *ret);

/* Which of the differing readings of an interval counts.  The latest one of an interval holds;
 * earlier ones stay.  What is signed: billing/resolution.h. */
#define SG_ROW_WHO_MAX 127
#define SG_ROW_WHY_MAX 511
struct sg_row_resolution {
    int64_t ts_s, resolved_ts_s;
    uint8_t chosen[SG_ROW_DIGEST_LEN]; /* of the reading that counts */
    struct sg_bytes who, why;          /* UTF-8, borrowed */
    struct sg_bytes certificate;       /* DER, borrowed */
    struct sg_bytes signature;         /* borrowed */
};
SG_MUST_USE int sg_row_resolution_sort(struct sg_buf *b, int64_t ts_s, int64_t resolved_ts_s);
SG_MUST_USE int sg_row_resolution_encode(struct sg_buf *b, const struct sg_row_resolution *row);
SG_MUST_USE int sg_row_resolution_decode(struct sg_bytes sort, struct sg_bytes value,
                                         struct sg_row_resolution *ret);

/* A client's contract from a local day (days since 1970) on: an object as docs/tariff.md has it,
 * JSON.  Rows stay; which one holds, the terms say. */
#define SG_ROW_TERMS_MAX 65535
struct sg_row_contract {
    int64_t from_day;
    struct sg_bytes terms; /* UTF-8, borrowed */
};
SG_MUST_USE int sg_row_contract_encode(struct sg_buf *b, const struct sg_row_contract *row);
SG_MUST_USE int sg_row_contract_decode(struct sg_bytes sort, struct sg_bytes value,
                                       struct sg_row_contract *ret);

/* What an inspector found at a client's premises on a local day (days since 1970). */
#define SG_ROW_OUTCOMES(X)                                                                         \
    X(FRAUD, "fraud")                                                                              \
    X(NOTHING, "nothing")     /* the installation is as it should be */                            \
    X(NO_ACCESS, "no-access") /* nobody could look */                                              \
    X(DEFECT, "defect")       /* it measures wrongly, and nobody is to blame */
enum sg_row_outcome {
#define X(name, word) SG_OUTCOME_##name,
    SG_ROW_OUTCOMES(X)
#undef X
        SG_OUTCOME_COUNT
};
#define SG_ROW_DAY_MAX          2932896             /* 9999-12-31 */
#define SG_ROW_RECOVERED_WH_MAX 1000000000000000    /* 1e15 */
#define SG_ROW_NOTE_MAX         255
/* ret may be NULL. */
bool sg_row_outcome_named(struct sg_bytes word, enum sg_row_outcome *ret);
const char *sg_row_outcome_word(enum sg_row_outcome outcome);

struct sg_row_inspection {
    int64_t inspected_day; /* 0..SG_ROW_DAY_MAX */
    enum sg_row_outcome outcome;
    int64_t recovered_wh; /* energy charged afterwards; SG_READING_NA: not told */
    struct sg_bytes note; /* a code or a few words, borrowed; empty: none */
};
SG_MUST_USE int sg_row_inspection_encode(struct sg_buf *b, const struct sg_row_inspection *row);
SG_MUST_USE int sg_row_inspection_decode(struct sg_bytes sort, struct sg_bytes value,
                                         struct sg_row_inspection *ret);

/* What is known of a consumer besides its load, from a local day on (days since 1970): the row of
 * the latest day holds, alone.  NULL: not known. */
#define SG_ROW_CONSUMER_CLASSES(X)                                                                 \
    X("residential") X("commercial") X("industrial") X("rural") X("public") X("lighting")
#define SG_ROW_CONSUMER_TEXT_MAX 31
#define SG_ROW_CONSUMER_W_MAX    1000000000000 /* 1e12 */
/* I(column, most): those that are whole numbers from 0 to most. */
#define SG_ROW_CONSUMER_INTS(I)                                                                    \
    I(contracted_w, SG_ROW_CONSUMER_W_MAX)                                                         \
    I(vacant_since, SG_ROW_DAY_MAX)                                                                \
    I(vacant_until, SG_ROW_DAY_MAX)                                                                \
    I(solar_since, SG_ROW_DAY_MAX)                                                                 \
    I(solar_w, SG_ROW_CONSUMER_W_MAX)                                                              \
    I(tariff_since, SG_ROW_DAY_MAX)
/* How the meter is connected: two or three elements to the neutral, or two between three wires. */
#define SG_ROW_WIRINGS(X) X("star") X("aron")
struct sg_row_consumer {
    int64_t from_day;                      /* 0..SG_ROW_DAY_MAX */
    struct sg_bytes cls, activity, region; /* borrowed; empty: not known */
#define I(column, most) int64_t column; /* SG_READING_NA: not known */
    SG_ROW_CONSUMER_INTS(I)
#undef I
    struct sg_bytes wiring; /* borrowed; empty: not known, as good as star */
};
SG_MUST_USE int sg_row_consumer_encode(struct sg_buf *b, const struct sg_row_consumer *row);
SG_MUST_USE int sg_row_consumer_decode(struct sg_bytes sort, struct sg_bytes value,
                                       struct sg_row_consumer *ret);

/* From a local day on (days since 1970) the client hangs on the transformer whose own meter is that
 * of client `transformer`; 0: on none that is known. */
struct sg_row_topology {
    int64_t from_day;    /* 0..SG_ROW_DAY_MAX */
    int64_t transformer; /* 0 and more */
};
SG_MUST_USE int sg_row_topology_encode(struct sg_buf *b, const struct sg_row_topology *row);
SG_MUST_USE int sg_row_topology_decode(struct sg_bytes sort, struct sg_bytes value,
                                       struct sg_row_topology *ret);
