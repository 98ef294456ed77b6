#pragma once
/*
 * trust - what casd knows of a deployment: the policy with the measurements of its programs.
 */
#include "deployment.h"

/*
 * Makes the simulated platform, the policy and casd's state where they are missing, and reads the
 * pin.  Where they are there and the programs have changed since (an upgrade), gives casd the new
 * measurements: so `up` works after every build.  Only a simulated platform allows that; a real one
 * will want the operators' signatures.  authority: PEM file, copied; NULL keeps the one there is.
 * casd must not run.
 */
SG_MUST_USE int sg_deployment_trust(struct sg_deployment *d, const char *authority);
/* Whether there is an authority's root: without one no meter can be believed, so neither
 * authenticators nor aggregators are started. */
bool sg_deployment_has_authority(const struct sg_deployment *d);
