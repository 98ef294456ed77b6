#pragma once
/*
 * vee-estimate-int - one gap while it is being filled: its inputs, its values, the methods and the
 * registers.  docs/vee.md has the formulas.
 */
#include "vee-int.h"

#define VEE_INTERVAL_MAX                                                                           \
    10000000 /* Wh, varh: what a reading may hold (meter/reading.h), an estimate too */

struct vee_gap {
    size_t first, n;
    const char *serial; /* of the meter whose reading lacks; NULL: nobody knows */
};
/* Both quantities of one interval; varh: SG_READING_NA if it follows from nothing. */
struct vee_value {
    int64_t wh, varh;
};
struct vee_work {
    const struct vee_grid *g;
    struct sg_vee_estimates *out;
    size_t capacity;
    struct sg_buf inputs; /* of the gap in hand, CBOR items one after the other */
    uint64_t n_inputs;
};

/* The genuine reading of the gap's meter in that slot, or NULL. */
const struct sg_vee_row *vee_input_at(const struct vee_work *w, const struct vee_gap *gap,
                                      size_t slot);
/* Into the hash of what the gap's estimates follow from. */
SG_MUST_USE int vee_note_input(struct vee_work *w, const struct sg_vee_row *row);

enum vee_step_outcome { VEE_STEP_UNFIT = 1 }; /* its inputs are not there */
typedef int (*vee_method_fn)(struct vee_work *w, const struct vee_gap *gap,
                             const struct sg_vee_step *step, struct vee_value *ret);
int vee_by_line(struct vee_work *w, const struct vee_gap *gap, const struct sg_vee_step *step,
                struct vee_value *ret);
int vee_by_history(struct vee_work *w, const struct vee_gap *gap, const struct sg_vee_step *step,
                   struct vee_value *ret);
int vee_by_proxy_day(struct vee_work *w, const struct vee_gap *gap, const struct sg_vee_step *step,
                     struct vee_value *ret);
int vee_by_profile(struct vee_work *w, const struct vee_gap *gap, const struct sg_vee_step *step,
                   struct vee_value *ret);

/* Fits the gap to the registers as far as the rules say so and they are known; *ret_adjusted: its
 * energy was. */
SG_MUST_USE int vee_adjust(struct vee_work *w, const struct vee_gap *gap, struct vee_value *v,
                           bool *ret_adjusted);
