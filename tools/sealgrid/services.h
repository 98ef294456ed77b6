#pragma once
/*
 * services - the list of running parts of a deployment, as `up` writes it and the supervisor reads
 * it: D/run/services, one line a service in start order, "name program conf log ops-port".
 */
#include <sealgrid/base/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SG_SERVICES_MAX 32
#define SG_PATH_MAX     512

struct sg_service {
    char name[32];
    char program[SG_PATH_MAX];
    char conf[SG_PATH_MAX];
    char log[SG_PATH_MAX];
    uint16_t ops_port;
};

struct sg_services {
    struct sg_service item[SG_SERVICES_MAX];
    size_t n;
};

SG_MUST_USE int sg_services_read(const char *dir, struct sg_services *ret);
SG_MUST_USE int sg_services_write(const char *dir, const struct sg_services *s);

/* What the supervisor knows of each, from D/run/status: pid 0 when not running. */
struct sg_service_state {
    int pid;
    unsigned restarts;
    int last_exit; /* wait status of the last end, 0 if none */
};
SG_MUST_USE int sg_states_read(const char *dir, struct sg_service_state *ret, size_t n);
SG_MUST_USE int sg_states_write(const char *dir, const struct sg_service_state *s, size_t n);

/* Pid of the live supervisor of this folder, 0 if none (its lock file is free). */
int sg_supervisor_pid(const char *dir);

/* GET /readyz on the service's ops port: true when it answers 200. */
bool sg_service_ready(const struct sg_service *s);
/* One sample of GET /metrics, labels included in name; 0 if absent. */
int64_t sg_service_metric(const struct sg_service *s, const char *name);
/* Kills with the signal and forgets; -ESRCH if not running. */
SG_MUST_USE int sg_service_signal(const char *dir, const char *name, int signal);
