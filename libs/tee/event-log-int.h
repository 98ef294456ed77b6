#pragma once
/*
 * event-log - a firmware's log of what it measured, replayed into PCRs.
 * Source: TCG PC Client Platform Firmware Profile 1.06, section 10 (crypto-agile log, and the
 * SHA-1-only log of older firmware).  Little-endian.  Digests alone are replayed: what an event
 * says of itself is its author's word.
 */
#include "tpm-int.h"

#define SG_EVENT_LOG_MAX        (4u << 20)
#define SG_EVENT_LOG_EVENTS_MAX 16384

struct sg_event_log_pcrs {
    size_t digest_len, n_events;
    uint32_t extended; /* bit by number: an event extended it */
    uint8_t value[SG_TPM_PCRS][SG_TPM_DIGEST_MAX];
};

enum sg_event_log_outcome { SG_EVENT_LOG_BROKEN = 1, SG_EVENT_LOG_NO_BANK };
/* To its last octet; bank: TPM_ALG_ID. */
SG_MUST_USE int sg_event_log_replay(struct sg_bytes log, unsigned bank,
                                    struct sg_event_log_pcrs *ret);
