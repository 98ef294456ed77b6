#pragma once
/*
 * pck - Intel's SGX extension (1.2.840.113741.1.13.1) of a platform's certification key.
 */
#include "cert-int.h"

struct sg_pck {
    uint8_t ppid[16], cpusvn[16], component[16], pceid[2], fmspc[6];
    uint16_t pcesvn;
};

bool sg_pck_has_extension(const struct sg_tee_cert *c);
/* false: absent, or a member absent, double, of another type or size. */
bool sg_pck_read(const struct sg_tee_cert *c, struct sg_pck *ret);
