#pragma once
/*
 * billing-month - one client's days of quarter hours by the simulator's meter, signed a block a
 * day, with authority, records and tariff; the bill from its evidence and that bill's audit; and
 * what of them OpenSSL alone would do.  Each is one thread's.
 */
#include <sealgrid/billing/audit.h>
#include <sealgrid/meter/model.h>

#include <openssl/evp.h>

#include "client.h"

#define BILLING_PER_DAY 96

struct billing_month {
    enum sg_sign_alg alg;
    uint32_t days; /* a month's, or others */
    struct sg_key *root_key, *ca_key, *meter_key;
    struct sg_authority authority;
    struct sg_installations installations;
    struct sg_tariff *tariff;
    struct sg_model *model;
    struct sg_buf evidence, json; /* unpacked; of the bill, made by a first run */
    struct client client;
    size_t leaf_len; /* of the first reading's leaf, without salt */
};
/* With its bill; cleared in any case. */
SG_MUST_USE int billing_month_make(struct billing_month *ret, enum sg_sign_alg alg, uint32_t days);
void billing_month_clear(struct billing_month *m);
/* The bill from the evidence in memory: its JSON, and new evidence. */
SG_MUST_USE int billing_month_bill(struct billing_month *m);
/* That bill against its evidence, records and authority, with the tariff. */
SG_MUST_USE int billing_month_audit(struct billing_month *m);

/* The hashes and signatures in a bill or an audit alone. */
struct billing_bare {
    uint32_t days;
    EVP_MD *md;
    EVP_MD_CTX *hash;
    EVP_PKEY_CTX *meter, *authority;
    uint8_t data[SG_READING_LEAF_MAX + 64], digest[32], signed_digest[32];
    uint8_t meter_sig[512], authority_sig[80];
    size_t leaf_len, meter_sig_len, authority_sig_len;
};
SG_MUST_USE int billing_bare_make(struct billing_bare *ret, const struct billing_month *m);
void billing_bare_clear(struct billing_bare *b);
SG_MUST_USE int billing_bare_hashes(struct billing_bare *b);
SG_MUST_USE int billing_bare_signatures(struct billing_bare *b);
