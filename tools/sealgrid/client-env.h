#pragma once
/*
 * client-env - what foreign clients need to reach the platform.
 */
#include "operator.h"

/* Writes the API key "reader" to D/run/api-key-reader (mode 0600) and its path to ret. */
SG_MUST_USE int sg_client_key_file(const struct sg_deployment *d, const struct sg_operator *op,
                                   char ret[SG_PATH_MAX]);
