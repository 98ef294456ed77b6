#pragma once
/*
 * supervise - keeps the services of a deployment running.
 *
 * One process and one thread per deployment, holder of D/run/supervisor.lock.  Starts the services
 * in order, restarts one that ends (after 100 ms, doubling to 5 s, back to 100 ms once it has
 * lived half a second), writes D/run/status at each change.  SIGTERM ends them in reverse order,
 * each with SIGTERM and, 10 s later, SIGKILL.  The services end with the supervisor
 * (PR_SET_PDEATHSIG), so a killed supervisor leaves nothing behind that holds a port or a lock.
 */
#include <sealgrid/base/error.h>

/* Detaches a supervisor for dir; 0 when it holds the lock (or another one does already). */
SG_MUST_USE int sg_supervise_start(const char *dir);
/* Ends it and all services; 0 also if there was none.  Waits at most timeout_s. */
SG_MUST_USE int sg_supervise_stop(const char *dir, int timeout_s);
