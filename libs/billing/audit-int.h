#pragma once
/*
 * audit, inside - one run: what the blocks say becomes a list of items, one for each interval that
 * a signature vouches for; the list is then checked for completeness and against the bill.
 */
#include <sealgrid/billing/audit.h>
#include <sealgrid/billing/vee.h>
#include <sealgrid/meter/rows.h>

enum sg_audit_state {
    SG_ITEM_OK,
    SG_ITEM_ALTERED, /* reported; vouched for but not as it stands in the file */
    SG_ITEM_ABSENT,  /* reported; vouched for but not in the file */
};

struct sg_audit_item {
    int64_t ts_s;
    uint64_t seq;
    const struct sg_installation *record;
    int64_t energy_wh, reactive_varh, register_wh, reactive_register_varh;
    enum sg_audit_state state;
    uint8_t leaf[32];
    uint8_t digest[SG_ROW_DIGEST_LEN]; /* of files with sections, of sound readings */
};

struct sg_audit_items {
    struct sg_audit_item *list;
    size_t n, capacity;
};
SG_MUST_USE int sg_audit_append(struct sg_audit_items *items, const struct sg_audit_item *item);

/* A meter's key, once its certificate was found good. */
#define SG_AUDIT_KEYS 16
struct sg_audit_meter {
    const struct sg_installation *record;
    struct sg_key *key;      /* NULL: untrusted, reported when it was judged */
    int64_t from_s, until_s; /* the certificate's validity */
    struct sg_revocation revocation;
    bool stale; /* reported */
};

/* A choice of the evidence file. */
struct sg_audit_choice {
    struct sg_row_resolution row; /* borrows from the file */
    bool holds;                   /* an operator signed it; if not, that was reported */
};

struct sg_audit {
    const struct sg_audit_input *in;
    sg_audit_fn fn;
    void *user;
    struct sg_audit_result result;
    struct sg_audit_meter meters[SG_AUDIT_KEYS]; /* of the records judged last */
    size_t judged;
    struct sg_audit_items items;
    bool sections;                          /* of the evidence file */
    struct sg_bytes estimates, resolutions; /* likewise, borrowed */
    struct sg_audit_choice *choices;        /* of the period, by time */
    size_t n_choices;
    struct sg_audit_items rejected; /* by resolutions, in time order */
    struct sg_audit_items outside;  /* of blocks that reach over the period's ends */
    struct sg_vee_estimates told;   /* by the evidence, by time */
    struct sg_evidence_block block;
};

void sg_audit_report(struct sg_audit *a, const struct sg_audit_finding *f);
void sg_audit_report_item(struct sg_audit *a, enum sg_audit_code code,
                          const struct sg_audit_item *item, const char *text);
/* Nothing if count is 0. */
void sg_audit_report_missing(struct sg_audit *a, const char *serial, uint64_t seq, int64_t ts_s,
                             uint64_t count, const char *text);
/* All blocks of the evidence into items. */
SG_MUST_USE int sg_audit_blocks(struct sg_audit *a);
/* The choices of the evidence, each with its signature. */
SG_MUST_USE int sg_audit_read_choices(struct sg_audit *a);
/* NULL: there is none of that interval. */
const struct sg_audit_choice *sg_audit_choice_at(const struct sg_audit *a, int64_t ts_s);
/* After completeness: the choices against what is billed, and against what the bill says of them.
 */
SG_MUST_USE int sg_audit_choices(struct sg_audit *a);
/* Of items in order: one an interval, the one that a resolution chose if it was signed for. */
SG_MUST_USE int sg_audit_settle(struct sg_audit *a);
/* The meters' numbers, of what counts and of what was rejected; the numbers at the ends. */
SG_MUST_USE int sg_audit_numbers(struct sg_audit *a);
/* Order, duplicates, sequence; leaves only one item an interval. */
SG_MUST_USE int sg_audit_completeness(struct sg_audit *a);
/* After estimates: intervals before the first reading of an installation's part and behind the
 * last.
 */
void sg_audit_ends(struct sg_audit *a);
/* The estimates of the evidence against their rules and the readings. */
SG_MUST_USE int sg_audit_estimates(struct sg_audit *a);
/* The bill recomputed. */
SG_MUST_USE int sg_audit_bill(struct sg_audit *a);
