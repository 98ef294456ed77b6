#pragma once
/*
 * client - everything of one client that a bill needs, joined: readings in time order, each with
 * the signed block it belongs to.  Filled by a source (store or file), made into a bill and an
 * evidence file by issue().
 */
#include <sealgrid/billing/bill.h>
#include <sealgrid/billing/evidence.h>
#include <sealgrid/billing/vee.h>
#include <sealgrid/meter/rows.h>

#define CLIENT_ROWS_MAX     1000000
#define CLIENT_INSTALLS_MAX 64

struct client_block {
    struct sg_block_evidence evidence;
    uint8_t signature[512]; /* evidence.signature points here once placed */
    size_t signature_len;
    size_t n_rows; /* of the client's rows, how many are its */
};

struct client_install {
    char serial[SG_BLOCK_SERIAL_MAX + 1];
    int64_t from_s, until_s, ratio_num, ratio_den;
    bool has_certificate;
    uint8_t certificate_sha256[32]; /* of the metrology certificate's DER */
};

struct client {
    int64_t id;
    struct client_install installs[CLIENT_INSTALLS_MAX];
    size_t n_installs;
    struct client_block *blocks; /* by first time */
    size_t n_blocks, blocks_capacity;
    struct sg_row_reading *rows; /* by time */
    size_t n_rows, rows_capacity;
    size_t *
        rejected; /* rows that stand in signed blocks, and of which another was chosen; ascending */
    size_t n_rejected;
    uint64_t conflicts;            /* rows of reading_conflict that nobody settled (conflicts.h) */
    struct sg_buf resolutions;     /* section of the evidence file about the others; often empty */
    struct sg_contracts contracts; /* of the store; none from a file */
    bool bad_contract;             /* one of them cannot be read */
    struct sg_vee_estimates estimates; /* of the last bill (issue) */
};

/* Keeps the allocations. */
void client_reset(struct client *c, int64_t id);
void client_clear(struct client *c);
/* Takes it. */
SG_MUST_USE int client_add_contract(struct client *c, struct sg_contract *contract);
SG_MUST_USE int client_add_install(struct client *c, const struct client_install *i);
/* The signature is copied. */
SG_MUST_USE int client_add_block(struct client *c, const struct sg_block_evidence *e);
/* A place at the end of rows, to be filled by the caller. */
SG_MUST_USE int client_add_row(struct client *c, struct sg_row_reading **ret);

/* Whether a row is there for its block alone, and not billed. */
bool client_is_rejected(const struct client *c, size_t row);

/* Why a client gets no bill: the word goes into the summary. */
struct refusal {
    char word[32];
    int64_t ts_s; /* INT64_MIN: none */
};

/* What a bill is made by, besides the client's own data. */
struct terms {
    const struct sg_tariff *tariff;
    const struct sg_contracts *contracts; /* of many clients; NULL: the client's own */
    int64_t from_s, until_s;
    const struct sg_vee_rules *rules; /* by which what lacks is estimated; NULL: it stays missing */
    /* A reading without a signed block refuses the bill; otherwise the bill has an empty Merkle
     * root, no buckets and no evidence. */
    bool signed_only;
};

enum issue_outcome { ISSUE_REFUSED = 1 };
/* The bill, which the caller clears, and the evidence file (unpacked) appended.  Makes the client's
 * estimates. */
SG_MUST_USE int issue(struct client *c, const struct terms *terms, struct sg_bill *ret,
                      struct sg_buf *ret_evidence, struct refusal *why);
