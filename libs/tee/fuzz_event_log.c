/*
 * Any octets as an event log: replayed into the same PCRs every time; what is broken for one bank
 * is for every other, and leaves nothing behind.
 */
#include "event-log-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned banks[] = {SG_TPM_ALG_SHA1, SG_TPM_ALG_SHA256, SG_TPM_ALG_SHA384,
                                     SG_TPM_ALG_SHA512, SG_TPM_ALG_NULL};
    bool broken = false, whole = false;
    for (size_t i = 0; i < sizeof banks / sizeof banks[0]; i++) {
        struct sg_event_log_pcrs a = {.n_events = 77}, b = {0};
        const int r = sg_event_log_replay(SG_BYTES(data, size), banks[i], &a);
        sg_assert(r == sg_event_log_replay(SG_BYTES(data, size), banks[i], &b));
        if (r) {
            sg_assert(a.n_events == 77);
            broken |= r == SG_EVENT_LOG_BROKEN;
            continue;
        }
        whole = true;
        sg_assert(a.extended >> SG_TPM_PCRS == 0 && a.extended == b.extended);
        sg_assert(!memcmp(a.value, b.value, sizeof a.value));
    }
    sg_assert(!(broken && whole));
    return 0;
}
