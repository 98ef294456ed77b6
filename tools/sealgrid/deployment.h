#pragma once
/*
 * deployment - one Sealgrid platform on this machine, all of it under one folder D:
 *
 *   D/platform   the simulated TEE platform's key          D/volumes/v0..  sealed bytes
 *   D/cas        casd's sealed state, public CA and pin    D/aggd/a0..     backlogs
 *   D/conf       one YAML file a service, policy.yaml      D/log, D/run    logs, supervisor's files
 *   D/fleet      what the simulator provisioned (demo)     D/out           bills, evidence (demo)
 *
 * Ports are consecutive from a base that `up` picks (17400, or the next hundred that is free) and
 * remembers in D/run/deployment.
 */
#include "services.h"

/* A service's ops port is its port plus this. */
#define SG_OPS_OFFSET 1000

struct sg_deployment {
    char dir[SG_PATH_MAX];      /* absolute */
    char programs[SG_PATH_MAX]; /* folder of the executables: that of this program */
    unsigned volumes, authds, aggds;
    uint16_t base_port;
    char pin[65]; /* of casd's CA certificate; "" before casd is initialised */
};

struct sg_up_options {
    const char *dir;
    unsigned volumes;    /* 0: 8 */
    unsigned aggds;      /* 0: 2 */
    const char *backend; /* "local" */
    const char *authority;
};

/* Idempotent: makes what is missing, starts the supervisor if it is not running, waits until every
 * service answers /readyz.  Progress on standard error. */
SG_MUST_USE int sg_deployment_up(struct sg_deployment *ret, const struct sg_up_options *o);
SG_MUST_USE int sg_deployment_load(struct sg_deployment *ret, const char *dir);
/* Waits until all services are ready. */
SG_MUST_USE int sg_deployment_wait(const struct sg_deployment *d, int timeout_s);
uint16_t sg_deployment_port(const struct sg_deployment *d, const char *service);
/* Writes D/conf/X.yaml for every service and D/run/services. */
SG_MUST_USE int sg_deployment_write_conf(const struct sg_deployment *d);
