#pragma once
/*
 * vee - the commands `sealgrid-bill import`, `vee` and `resolve`, and what they share.
 * Exit codes: 0 nothing of severity fail; 1 something; 2 unusable input.
 */
#include <sealgrid/billing/vee-import.h>
#include <sealgrid/kv.h>

#define VEE_EXIT_FOUND    1
#define VEE_EXIT_UNUSABLE 2

int vee_main(int argc, char **argv);
int vee_import_main(int argc, char **argv);
int vee_resolve_main(int argc, char **argv);

/* Plain or gzip, whole. */
SG_MUST_USE int vee_read_file(const char *path, struct sg_buf *ret);
/* "-": standard output, without a line end of its own. */
SG_MUST_USE int vee_write_file(const char *path, struct sg_bytes text);

/* ---- rows of one client in the store ----------------------------------------------------------
 */

struct vee_client {
    struct sg_vee_row *rows; /* by time; differing second readings behind the first */
    size_t n_rows, capacity;
    struct sg_vee_meter *meters;
    size_t n_meters, meters_capacity;
    uint32_t interval_s; /* of the signed blocks; 0: none */
};
SG_MUST_USE int vee_client_read(struct vee_client *ret, struct sg_kv *kv, int64_t client,
                                int64_t from_s, int64_t until_s);
void vee_client_clear(struct vee_client *c);

/* ---- report -----------------------------------------------------------------------------------
 */

#define VEE_KEPT_MAX 10000 /* findings that a report names; it counts all */

struct vee_kept {
    struct sg_vee_finding f; /* text and serial point at the two below */
    char text[SG_VEE_TEXT_MAX], serial[SG_VEE_SERIAL_MAX + 1];
};
struct vee_tally {
    const char *rule;
    enum sg_vee_severity severity;
    uint64_t findings, intervals;
};
struct vee_findings {
    struct vee_kept *kept;
    size_t n_kept, capacity;
    struct vee_tally tally[64]; /* in the order in which they were met */
    size_t n_tally;
    uint64_t by_severity[3];
    int failure; /* of memory, the first */
};
/* sg_vee_fn; user is struct vee_findings. */
void vee_findings_add(void *user, const struct sg_vee_finding *f);
void vee_findings_clear(struct vee_findings *f);

struct vee_report_head {
    const struct sg_vee_rules *rules;
    const struct sg_vee_series *series;
    const struct sg_vee_estimates *estimates; /* NULL: none asked for */
};
SG_MUST_USE int vee_report_json(const struct vee_report_head *h, const struct vee_findings *f,
                                struct sg_buf *ret);
SG_MUST_USE int vee_report_text(const struct vee_report_head *h, const struct vee_findings *f,
                                struct sg_buf *ret);
/* client,ts,serial,energy_wh,reactive_varh,rule,adjusted,inputs */
SG_MUST_USE int vee_estimates_csv(int64_t client, const struct sg_vee_estimates *e,
                                  struct sg_buf *ret);
