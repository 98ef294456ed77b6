#pragma once
/*
 * bill - one client's bill for a period, from readings, installations, a tariff and a contract.
 *
 * A period is (from, until]: it holds the readings whose interval ends in it.  Energy is summed
 * exactly per meter, local day and post; demand, reactive energy and dynamic prices are worked out
 * on the way, one pass over the readings in time order.  Every line is rounded once.
 * docs/billing.md has the formulas, their order and the JSON form; ADR 9 says why.
 *
 * Memory of a run: days x posts x meters; a bill owns its lists (sg_bill_clear).
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/billing/contract.h>
#include <sealgrid/billing/proof.h>
#include <sealgrid/meter/rows.h>

#define SG_BILL_METERS_MAX    16
#define SG_BILL_LINES_MAX     4096
#define SG_BILL_ESTIMATES_MAX 8192
#define SG_BILL_CHOICES_MAX   4096
#define SG_BILL_CREDITS_MAX   1024
#define SG_BILL_CODE_MAX      159
#define SG_BILL_RULE_MAX      31
#define SG_BILL_SERIAL_MAX    20
#define SG_BILL_JSON_MAX      (8u * 1024 * 1024) /* with its trace */

/* A local day as days since 1970-01-01; WHOLE: the line is about the whole period. */
#define SG_BILL_WHOLE INT64_MIN

/* One meter at this client, for the part of the period it was there: (from, until]. */
struct sg_bill_meter {
    char serial[SG_BILL_SERIAL_MAX + 1];
    int64_t from_s, until_s;        /* clipped to the period */
    int64_t installed_s, removed_s; /* as recorded; INT64_MIN: no record, INT64_MAX: still there */
    int64_t ratio_num, ratio_den;   /* 1..1e6 */
    uint64_t readings;              /* measured ones, without estimates */
    bool has_certificate;
    uint8_t certificate_sha256[32]; /* of the DER of its metrology certificate */
};

/* A run of neighbouring estimated intervals of one meter, by one rule: (from, until]. */
struct sg_bill_estimate {
    uint32_t meter;
    int64_t from_s, until_s;
    char rule[SG_BILL_RULE_MAX + 1];
    uint64_t intervals;
    int64_t import_wh, export_wh; /* before the ratio */
};

/* An interval that signed readings told differently, and the reading that an operator chose: as the
 * signed record (billing/resolution.h) says it, with what is billed of it. */
struct sg_bill_choice {
    uint32_t meter;
    int64_t ts_s;                      /* end of the interval */
    int64_t energy_wh;                 /* before the ratio; INT64_MIN: the chosen one has none */
    uint8_t chosen[SG_ROW_DIGEST_LEN]; /* digest of the reading */
    char who[SG_ROW_WHO_MAX + 1], why[SG_ROW_WHY_MAX + 1];
    int64_t resolved_s;
    uint8_t record_sha256[32]; /* of the record, signature and all */
};

/* U(id, word, decimals of the quantity) */
#define SG_BILL_UNITS(U)                                                                           \
    U(KWH, "kWh", 3) /* quantity in Wh */                                                          \
    U(KW, "kW", 3)   /* in W */                                                                    \
    U(DAY, "day", 0)                                                                               \
    U(MONTH, "month", 0)                                                                           \
    U(CYCLE, "cycle", 0)
enum sg_bill_unit {
#define SG_U(id, word, digits) SG_BILL_##id,
    SG_BILL_UNITS(SG_U)
#undef SG_U
        SG_BILL_N_UNITS
};

/* amount = quantity x rate x days / of_days, rounded once; without a rate it follows from the
 * tariff and the trace alone. */
struct sg_bill_line {
    char code[SG_BILL_CODE_MAX + 1];
    int64_t from_day, until_day; /* [from, until) local days of the piece, or SG_BILL_WHOLE */
    int64_t quantity;            /* in thousandths of a kWh or kW, or whole days, months, cycles */
    enum sg_bill_unit unit;
    bool has_rate;
    int64_t rate;          /* 1e-9 currency per unit; 0 without one */
    int64_t days, of_days; /* the weight; of_days 0: none */
    int64_t amount;        /* minor units */
};

struct sg_bill_tax {
    char name[SG_TARIFF_NAME_MAX + 1];
    int64_t rate_ppm;
    uint32_t excludes; /* bit i: tax i is not part of this one's base */
    bool on_top;       /* added to the gross instead of standing inside it */
    int64_t base, amount;
};

/* Energy sent out and not yet set off, by the month it was sent in (year * 12 + month - 1). */
struct sg_bill_credit {
    int month;
    uint32_t post; /* index */
    int64_t wh;
};

struct sg_bill {
    int64_t client;
    int64_t from_s, until_s;
    int64_t days; /* local days in which an interval of the period begins */
    uint32_t interval_s;

    char tariff_id[SG_TARIFF_ID_MAX + 1];
    uint8_t tariff_sha256[32];
    char currency[4];
    unsigned decimals;
    enum sg_rounding rounding;
    char zone[65];
    char posts[SG_TARIFF_POSTS_MAX][SG_TARIFF_NAME_MAX + 1];
    size_t n_posts;

    bool has_contract;
    struct sg_contract contract; /* owned */

    struct sg_bill_meter meters[SG_BILL_METERS_MAX];
    size_t n_meters;
    uint64_t expected, billed, estimated, missing; /* intervals: expected = the other three */
    uint8_t root[32]; /* RFC 6962 over the leaf hashes of the measured readings in time order */
    bool has_estimates_hash;
    uint8_t estimates_sha256[32]; /* of the evidence file's section of estimates */
    struct sg_bucket *buckets;    /* proof.h */
    size_t n_buckets;             /* none when the readings are unsigned */
    struct sg_bill_estimate *estimates;
    size_t n_estimates;
    struct sg_bill_choice *resolved; /* by time */
    size_t n_resolved;
    int64_t import_wh, export_wh; /* after ratios */

    struct sg_bill_line *lines;
    size_t n_lines;
    int64_t net; /* sum of the lines */
    struct sg_bill_tax taxes[SG_TARIFF_TAXES_MAX];
    size_t n_taxes;
    int64_t gross; /* net with the taxes inside */
    int64_t lighting;
    int64_t total; /* gross + taxes on top + lighting */
    struct sg_bill_credit *credits;
    size_t n_credits; /* carried out */

    struct sg_buf trace; /* what each line was worked out from: canonical JSON */
    uint8_t trace_sha256[32];
};
void sg_bill_clear(struct sg_bill *b);
/* With lists of its own. */
SG_MUST_USE int sg_bill_copy(struct sg_bill *ret, const struct sg_bill *from);

/* An installation record, as far as billing needs it. */
struct sg_bill_install {
    const char *serial;
    int64_t from_s, until_s; /* [from, until) of presence; INT64_MAX when still there */
    int64_t ratio_num, ratio_den;
    const uint8_t *certificate_sha256; /* 32 octets, or NULL */
};

/* O(id, word): why a reading or a whole bill is refused. */
#define SG_BILL_OUTCOMES(O)                                                                        \
    O(OUTSIDE, "reading.outside")           /* not in the period, or not at an interval's end */   \
    O(FOREIGN, "reading.foreign")           /* that meter is not this client's at that time */     \
    O(REPEATED, "reading.duplicated")       /* that interval was added already, or out of order */ \
    O(TOO_LARGE, "quantity.too_large")      /* past what the arithmetic is made for */             \
    O(EMPTY, "period.empty")                /* no interval in it */                                \
    O(TOO_LONG, "period.too_long")          /* too many days, meters or lines for one bill */      \
    O(BAD_RECORD, "installation.bad")       /* records overlap or have an impossible ratio */      \
    O(NO_FLAG, "tariff.no_flag")            /* no flag for a month of the period */                \
    O(NO_RATE, "tariff.no_rate")            /* no price in force on a day of the period */         \
    O(NO_SCHEDULE, "tariff.no_schedule")    /* an interval without a post */                       \
    O(NO_PRICE, "tariff.no_price")          /* an interval without a dynamic price */              \
    O(NO_CONTRACT, "contract.missing")      /* the tariff needs what no contract says */           \
    O(NO_POST, "contract.post")             /* a credit at a post that the tariff has not */       \
    O(OTHER_TARIFF, "contract.tariff")      /* the contract names another tariff */                \
    O(CONTRACT_CHANGED, "contract.changed") /* none holds over the whole period: two bills */
enum sg_bill_outcome {
    SG_BILL_MADE = 0,
#define SG_O(id, word) SG_BILL_##id,
    SG_BILL_OUTCOMES(SG_O)
#undef SG_O
};
/* "reading.foreign" and so on: one word an outcome. */
const char *sg_bill_outcome_word(int outcome);

/* All borrowed until the run ends. */
struct sg_bill_input {
    const struct sg_tariff *tariff;
    int64_t client, from_s, until_s;
    const struct sg_bill_install *installs;
    size_t n_installs;
    const struct sg_contracts *contracts; /* of any client; NULL: none */
};

struct sg_bill_reading {
    const char *serial;
    int64_t ts_s;          /* end of the interval */
    int64_t energy_wh;     /* import positive */
    int64_t reactive_varh; /* inductive positive; INT64_MIN: not measured */
    const uint8_t *leaf;   /* leaf hash, 32 octets; NULL: unsigned, or estimated */
    const char *estimated; /* name of the rule; NULL: measured */
};

struct sg_billing;
/* 0, EMPTY, TOO_LONG, BAD_RECORD, NO_RATE, NO_FLAG, NO_CONTRACT, OTHER_TARIFF, CONTRACT_CHANGED. */
SG_MUST_USE int sg_billing_new(struct sg_billing **ret, const struct sg_bill_input *in);
/* One reading, in time order.  0, OUTSIDE, FOREIGN, REPEATED, TOO_LARGE, NO_SCHEDULE, NO_PRICE:
 * then it counts for nothing. */
SG_MUST_USE int sg_billing_add(struct sg_billing *b, const struct sg_bill_reading *reading);
/* SHA-256 of the evidence file's section of estimates, if there is one. */
void sg_billing_set_estimates(struct sg_billing *b, const uint8_t sha256[32]);
/* An interval of that meter whose reading somebody chose, in time order; choice->meter is set here.
 * 0, FOREIGN, REPEATED, TOO_LONG. */
SG_MUST_USE int sg_billing_add_choice(struct sg_billing *b, const char *serial,
                                      const struct sg_bill_choice *choice);
/* The meter of the bill with that serial whose time holds the interval; n_meters: none. */
uint32_t sg_bill_meter_at(const struct sg_bill *b, const char *serial, int64_t ts_s);
/* Once.  0, TOO_LARGE, TOO_LONG (lines, runs of estimates or buckets past their limits).  The
 * caller clears *ret. */
SG_MUST_USE int sg_billing_finish(struct sg_billing *b, struct sg_bill *ret);
void sg_billing_free(struct sg_billing *b);
SG_DEFINE_FREEP(struct sg_billing, sg_billing_free)

/* Everything on the bill that follows from its own members: amounts from quantities, rates and
 * weights, energy from buckets and estimates, net, taxes, gross, total, counts.  NULL, or the name
 * of the first member that does not. */
const char *sg_bill_inconsistency(const struct sg_bill *b);
/* NULL if equal, else the name of the first member that differs. */
const char *sg_bill_difference(const struct sg_bill *a, const struct sg_bill *b);
bool sg_bill_same_choice(const struct sg_bill_choice *a, const struct sg_bill_choice *b);

/* {"bill":{...},"sha256":"...","trace":[...]} and a newline: sha256 is over the octets of the
 * "bill" object, which has one form only and holds the SHA-256 of the trace's octets. */
SG_MUST_USE int sg_bill_write(const struct sg_bill *b, struct sg_buf *ret);
/* The canonical object alone. */
SG_MUST_USE int sg_bill_canonical(const struct sg_bill *b, struct sg_buf *ret);
enum sg_bill_read_outcome {
    SG_BILL_MALFORMED = 1, /* not such a file, or not in its one form; *ret is untouched */
    SG_BILL_BAD_HASH,      /* the hash is not that of the bill; *ret is set */
    SG_BILL_BAD_TRACE,     /* hash right, but the trace beside it is another; *ret is set */
};
/* *ret is set (and the caller clears it) unless MALFORMED or negative. */
SG_MUST_USE int sg_bill_read(struct sg_bytes json, struct sg_bill *ret);
