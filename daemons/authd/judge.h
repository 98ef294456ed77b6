#pragma once
/*
 * judge - whether a signed block may be stored, and the rows it becomes.  No I/O, no clock of its
 * own.
 */
#include "registry.h"

#include <sealgrid/meter/rows.h>

struct auth_rules {
    int64_t future_max_s; /* a reading further ahead is refused */
};

/* A judged block as key and value octets of its rows, all in one buffer. */
struct auth_rows {
    struct sg_buf octets;
    struct auth_span {
        uint32_t sort_at, sort_len, value_at, value_len;
    } readings[SG_BLOCK_READINGS_MAX], block;
    uint32_t partition_len; /* the partition key stands first */
    size_t n;
    int64_t client_id;
    int64_t first_ts_s, last_ts_s;
};
void auth_rows_clear(struct auth_rows *r);

/* 0: stored nothing yet, *ret filled.  *ret_refusal otherwise says why (SG_REFUSED_NONE: accepted).
 * serial: the session's.  *ret_readings: how many readings the block says it has (0: unknown).
 * -errno. */
SG_MUST_USE int auth_judge(const struct auth_rules *rules, struct auth_meter *meter,
                           const char *serial, struct sg_bytes wire, int64_t unix_s,
                           struct auth_rows *ret, enum sg_refusal *ret_refusal,
                           size_t *ret_readings);
