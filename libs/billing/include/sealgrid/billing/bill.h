#pragma once
/*
 * bill - one client's bill for a period, from readings, installations and a tariff.
 *
 * A period is (from, until]: it holds the readings whose interval ends in it.  Energy is summed
 * exactly per meter, post and month, multiplied by the installation's ratio, then each line is
 * rounded once to the currency's minor unit by the tariff's rule.  docs/billing.md has the formulas
 * and the JSON form.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/billing/tariff.h>

#define SG_BILL_METERS_MAX 16
#define SG_BILL_MONTHS_MAX 26
#define SG_BILL_LINES_MAX  (SG_TARIFF_POSTS_MAX + SG_BILL_MONTHS_MAX + 1)
#define SG_BILL_CODE_MAX   63
#define SG_BILL_SERIAL_MAX 20
#define SG_BILL_JSON_MAX   (256 * 1024)

/* One meter at this client, for the part of the period it was there: (from, until]. */
struct sg_bill_meter {
    char serial[SG_BILL_SERIAL_MAX + 1];
    int64_t from_s, until_s;
    int64_t ratio_num, ratio_den; /* 1..1e6 */
    uint64_t readings;
};

struct sg_bill_line {
    char code[SG_BILL_CODE_MAX + 1]; /* energy.POST, flag.YYYY-MM.NAME, minimum */
    int64_t energy_wh;
    int64_t rate;   /* 1e-9 currency per kWh */
    int64_t amount; /* minor units */
};

struct sg_bill_tax {
    char name[SG_TARIFF_NAME_MAX + 1];
    int64_t rate_ppm;
    uint32_t excludes; /* bit i: tax i is not part of this one's base */
    int64_t base, amount;
};

struct sg_bill {
    int64_t client;
    int64_t from_s, until_s;
    uint32_t interval_s;
    char tariff_id[SG_TARIFF_ID_MAX + 1];
    uint8_t tariff_sha256[32];
    char currency[4];
    unsigned decimals;
    enum sg_rounding rounding;
    struct sg_bill_meter meters[SG_BILL_METERS_MAX];
    size_t n_meters;
    uint64_t expected, billed, missing; /* intervals */
    int64_t energy_wh;                  /* after ratios */
    struct sg_bill_line lines[SG_BILL_LINES_MAX];
    size_t n_lines;
    int64_t net; /* sum of the lines */
    struct sg_bill_tax taxes[SG_TARIFF_TAXES_MAX];
    size_t n_taxes;
    int64_t gross; /* net with the taxes inside */
    int64_t lighting;
    int64_t total;    /* gross + lighting */
    uint8_t root[32]; /* RFC 6962 over the leaf hashes of the billed readings in time order */
};

/* An installation record, as far as billing needs it. */
struct sg_bill_install {
    const char *serial;
    int64_t from_s, until_s; /* [from, until) of presence; INT64_MAX when still there */
    int64_t ratio_num, ratio_den;
};

struct sg_billing;

enum sg_bill_outcome {
    SG_BILL_OUTSIDE = 1, /* not in the period, or not at an interval's end */
    SG_BILL_FOREIGN,     /* that meter is not this client's at that time */
    SG_BILL_REPEATED,    /* that interval was added already, or out of order */
    SG_BILL_NO_ENERGY,   /* the reading has no energy value: counted as missing */
    SG_BILL_TOO_LONG,    /* too many meters or months for one bill */
    SG_BILL_BAD_RECORD,  /* installation records overlap or have an impossible ratio */
    SG_BILL_NO_FLAG,     /* the tariff has flags, but none for a month of the period */
};

/* Borrows the tariff.  0, SG_BILL_TOO_LONG, SG_BILL_BAD_RECORD. */
SG_MUST_USE int sg_billing_new(struct sg_billing **ret, const struct sg_tariff *t, int64_t client,
                               int64_t from_s, int64_t until_s,
                               const struct sg_bill_install *installs, size_t n_installs);
/* One reading, in time order.  energy_wh is the interval's (SG_READING_NA is the caller's to
 * refuse).  0, OUTSIDE, FOREIGN, REPEATED, TOO_LONG. */
SG_MUST_USE int sg_billing_add(struct sg_billing *b, const char *serial, int64_t ts_s,
                               int64_t energy_wh, const uint8_t leaf_hash[32]);
/* 0 or SG_BILL_NO_FLAG. */
SG_MUST_USE int sg_billing_finish(struct sg_billing *b, struct sg_bill *ret);
void sg_billing_free(struct sg_billing *b);
SG_DEFINE_FREEP(struct sg_billing, sg_billing_free)

/* "reading.foreign" and so on: one word an outcome. */
const char *sg_bill_outcome_word(int outcome);

/* Everything on the bill that follows from its own lines: amounts from energies and rates, net,
 * taxes, gross, total, counts.  NULL, or the name of the first member that does not. */
const char *sg_bill_inconsistency(const struct sg_bill *b);
/* NULL if equal, else the name of the first member that differs. */
const char *sg_bill_difference(const struct sg_bill *a, const struct sg_bill *b);

/* {"bill":{...},"sha256":"...","trace":[...]} and a newline: the hash is over the octets of the
 * "bill" object, which has one form only. */
SG_MUST_USE int sg_bill_write(const struct sg_bill *b, struct sg_buf *ret);
/* The canonical object alone. */
SG_MUST_USE int sg_bill_canonical(const struct sg_bill *b, struct sg_buf *ret);
enum sg_bill_read_outcome {
    SG_BILL_MALFORMED = 1, /* not such a file, or not in its one form */
    SG_BILL_BAD_HASH,      /* the hash is not that of the bill; *ret is set */
    SG_BILL_BAD_TRACE,     /* hash right, but what stands beside the bill does not follow from it;
                            * *ret is set */
};
SG_MUST_USE int sg_bill_read(struct sg_bytes json, struct sg_bill *ret);
