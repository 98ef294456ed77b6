#pragma once
/*
 * audit - one bill against its evidence, the authority's installation records and its certificates;
 * nothing else is believed.  What it establishes, in this order:
 *
 *   every block is signed by a meter whose certificate chains to the authority and which the
 * records place at this client at that time; every reading is one of those that were signed, once;
 * none is lacking, by sequence number and by interval; the bill's Merkle root is over exactly these
 *   readings; the bill's amounts follow (from the tariff too, when it is given).
 */
#include <sealgrid/billing/bill.h>
#include <sealgrid/billing/evidence.h>
#include <sealgrid/billing/installation.h>
#include <sealgrid/billing/vee.h>

/* C(id, word) */
#define SG_AUDIT_CODES(C)                                                                          \
    C(EVIDENCE_CLIENT, "evidence.client")             /* the file is about another client */       \
    C(EVIDENCE_PERIOD, "evidence.period")             /* or another period */                      \
    C(EVIDENCE_MALFORMED, "evidence.malformed")       /* its rest cannot be read */                \
    C(CERTIFICATE, "certificate.untrusted")           /* the meter's certificate does not chain */ \
    C(CERTIFICATE_REVOKED, "certificate.revoked")     /* the authority had revoked it by then */   \
    C(CERTIFICATE_NO_CRL, "certificate.no_crl")       /* nothing says that it had not */           \
    C(CERTIFICATE_STALE_CRL, "certificate.stale_crl") /* nothing says it of their time */          \
    C(CLOCK_UNSYNCHRONISED, "clock.unsynchronised")   /* the meter's own word, in the header */    \
    C(CLOCK_SET, "clock.set")                         /* likewise: set since the block before */   \
    C(BLOCK_SIGNATURE, "block.signature")             /* not signed by that meter */               \
    C(BLOCK_INTERVAL, "block.interval")               /* another interval than the bill's */       \
    C(BLOCK_LEAVES, "block.leaves")                   /* leaf hashes are not those signed */       \
    C(READING_FOREIGN, "reading.foreign")             /* of a meter that was not at this client */ \
    C(READING_ALTERED, "reading.altered")             /* not what was signed */                    \
    C(READING_DUPLICATED, "reading.duplicated")       /* twice in the file */                      \
    C(READING_CONFLICT, "reading.conflict")           /* two signed readings of one interval */    \
    C(RESOLUTION, "resolution.untrusted")       /* a choice between them that nobody signed */     \
    C(RESOLUTION_OTHER, "resolution.other")     /* not the chosen reading is billed */             \
    C(RESOLUTION_HIDDEN, "resolution.hidden")   /* a choice that the bill does not show */         \
    C(RESOLUTION_ALTERED, "resolution.altered") /* shown otherwise than it was recorded */         \
    C(RESOLUTION_UNRECORDED, "resolution.unrecorded") /* shown, and not on record */               \
    C(READING_MISSING, "reading.missing")             /* recorded, or due, and not in the file */  \
    C(READING_SEQUENCE, "reading.sequence")   /* numbers do not follow although times do */        \
    C(ESTIMATE_UNNEEDED, "estimate.unneeded") /* a signed reading of that interval exists */       \
    C(ESTIMATE_ALTERED, "estimate.altered")   /* does not follow from its rule and the readings */ \
    C(ESTIMATE_RULE, "estimate.rule")         /* of another rule, or of another file of rules */   \
    C(ESTIMATE_SECTION, "estimate.section")   /* not those that the bill names, or unreadable */   \
    C(INSTALLATION_BAD, "installation.bad")   /* the records contradict each other */              \
    C(INSTALLATION_NONE, "installation.none") /* no meter was at this client in the period */      \
    C(INSTALLATION_RATIO, "installation.ratio") /* the bill's ratio is not the record's */         \
    C(CONTRACT, "contract.other")               /* not the one that the authority has */           \
    C(BILL_HASH, "bill.hash")                   /* the bill's own hash is wrong */                 \
    C(BILL_TRACE, "bill.trace")                 /* its explanation is of another bill */           \
    C(BILL_TARIFF, "bill.tariff")               /* the tariff given is not the bill's */           \
    C(BILL_ROOT, "bill.root")                   /* not over the readings in evidence */            \
    C(BILL_ARITHMETIC, "bill.arithmetic")       /* a number on it does not follow */

enum sg_audit_code {
#define SG_C(id, word) SG_AUDIT_##id,
    SG_AUDIT_CODES(SG_C)
#undef SG_C
        SG_AUDIT_N_CODES
};
const char *sg_audit_word(enum sg_audit_code code);

struct sg_audit_finding {
    enum sg_audit_code code;
    const char *serial; /* NULL if it is about no meter */
    uint64_t seq;       /* first of a run; 0 unknown */
    int64_t ts_s;       /* end of the first interval of the run; INT64_MIN unknown */
    uint64_t count;     /* readings in the run */
    const char *text;   /* for people */
};
typedef void (*sg_audit_fn)(void *user, const struct sg_audit_finding *f);

/* Which of a meter's words about its own clock are findings; the others are counted.
 * P(id, word) */
#define SG_AUDIT_CLOCKS(P)                                                                         \
    P(NOTE, "note")     /* none */                                                                 \
    P(SET, "set")       /* that it was set */                                                      \
    P(STRICT, "strict") /* that it was set, and that it is not synchronised */
enum sg_audit_clock {
#define SG_P(id, word) SG_AUDIT_POLICY_##id,
    SG_AUDIT_CLOCKS(SG_P)
#undef SG_P
        SG_AUDIT_N_CLOCKS
};
const char *sg_audit_clock_word(enum sg_audit_clock clock);
/* SG_AUDIT_N_CLOCKS: no such word. */
enum sg_audit_clock sg_audit_clock_of(const char *word);

struct sg_audit_input {
    const struct sg_bill *bill;
    bool bill_hash_ok;        /* from sg_bill_read */
    bool bill_trace_bad;      /* likewise */
    struct sg_bytes evidence; /* unpacked */
    const struct sg_installations *installations;
    const struct sg_authority *authority;
    const struct sg_tariff *tariff; /* NULL: amounts are checked against the bill's own lines */
    const struct sg_contracts *contracts; /* the authority's, whole; NULL: the bill's is believed */
    enum sg_audit_clock clock_policy;
    const struct sg_vee_rules *rules;     /* of estimates; NULL: only their need is judged */
    const struct sg_authority *operators; /* whose choices between readings hold; NULL: nobody's */
    /* A certificate that no revocation list covers, or none that speaks of the readings' time, is a
     * finding; otherwise these are counted. */
    bool require_crl;
    int64_t judged_s; /* the audit's own time: which lists have run out by now */
};

/* A reading at an end of the period; seq 0: there is none. */
struct sg_audit_edge {
    char serial[SG_BLOCK_SERIAL_MAX + 1];
    uint64_t seq; /* the lowest that its meter told in the period, at its end the highest */
    int64_t ts_s;
    int64_t end_s;   /* of the period */
    bool told_again; /* tellings of that meter were rejected in this period */
};
struct sg_audit_result {
    uint64_t findings, blocks, readings, gaps; /* gaps: as far as it shows, the meter
                                                * did not record these intervals */
    uint64_t estimated;                        /* intervals */
    uint64_t resolved;    /* intervals whose reading an operator chose, rightly on record */
    uint64_t without_crl; /* certificates that no revocation list covers */
    uint64_t stale_crl;   /* certificates whose lists do not speak of the readings' time */
    uint64_t clock; /* blocks whose meter said that its clock was not in order, or had been set */
    /* Of the period, for the bill before and the bill after: a meter's numbers run on over both. */
    struct sg_audit_edge first, last;
};
/* How many readings the meter recorded between the last reading of one period and the first of a
 * later one that are in neither's evidence and cannot have been in the time between the periods: 0
 * if numbers follow, or if another meter goes on. */
uint64_t sg_audit_lost_between(const struct sg_audit_edge *last, const struct sg_audit_edge *first,
                               uint32_t interval_s);

/* Calls fn for each finding.  Input of any kind ends in findings, never in a crash. */
SG_MUST_USE int sg_audit_run(const struct sg_audit_input *in, sg_audit_fn fn, void *user,
                             struct sg_audit_result *ret);
