#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>

#include "provider-int.h"
#include "sim-int.h"

struct sim_provider {
    struct sg_tee_provider base;
    struct sg_key *key;
    struct sg_secret sealing;
    uint8_t platform[SG_SIM_PLATFORM_ID_LEN];
    uint8_t measurement[32];
};

static struct sim_provider *of(struct sg_tee_provider *p)
{
    return (struct sim_provider *)p;
}

/* A tracer can read every secret of the process: the simulated counterpart of a debug enclave. */
static int is_traced(bool *ret)
{
    static const char field[] = "\nTracerPid:\t";
    SG_CLEANUP(sg_buf_clear) struct sg_buf status = SG_BUF_INIT(16384);
    int r = sg_file_read("/proc/self/status", &status);
    if (r == 0)
        r = sg_buf_append_u8(&status, 0);
    if (r < 0)
        return r;
    const char *at = strstr((const char *)status.data, field);
    if (!at)
        return sg_raisef(-EBADMSG, "/proc/self/status has no TracerPid");
    *ret = at[sizeof field - 1] != '0';
    return 0;
}

static int sim_evidence(struct sg_tee_provider *p,
                        const uint8_t report_data[SG_TEE_REPORT_DATA_LEN], struct sg_buf *ret)
{
    struct sim_provider *sim = of(p);
    struct sg_sim_body body = {.version = SG_SIM_EVIDENCE_VERSION};
    int r = is_traced(&body.debug);
    if (r < 0)
        return r;
    memcpy(body.platform, sim->platform, sizeof body.platform);
    memcpy(body.measurement, sim->measurement, sizeof body.measurement);
    memcpy(body.report_data, report_data, sizeof body.report_data);
    sg_random_bytes(body.random, sizeof body.random);
    return sg_sim_sign(sim->key, &body, ret);
}

static int sim_sealing_key(struct sg_tee_provider *p, enum sg_tee_seal policy, const char *label,
                           struct sg_secret *ret)
{
    struct sim_provider *sim = of(p);
    return sg_sim_derive_sealing(sg_secret_bytes(&sim->sealing), policy, sim->measurement, label,
                                 ret);
}

static void sim_free(struct sg_tee_provider *p)
{
    struct sim_provider *sim = of(p);
    sg_key_free(sim->key);
    sg_secret_clear(&sim->sealing);
    free(sim);
}

static const struct sg_tee_provider_ops sim_ops = {
    .kind = SG_TEE_SIM,
    .evidence = sim_evidence,
    .sealing_key = sim_sealing_key,
    .free = sim_free,
};

int sg_sim_provider_open(struct sg_tee_provider **ret, const char *dir)
{
    struct sim_provider *sim = calloc(1, sizeof *sim);
    if (!sim)
        return sg_raise(-ENOMEM);
    sim->base.ops = &sim_ops;
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *p = &sim->base;
    int r = sg_sim_platform_private(dir, &sim->key);
    if (r == 0)
        r = sg_sim_platform_sealing(dir, &sim->sealing);
    if (r == 0)
        r = sg_sim_platform_id(sim->key, sim->platform);
    if (r == 0)
        r = sg_sim_measure_self(sim->measurement);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}
