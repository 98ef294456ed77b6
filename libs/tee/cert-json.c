#include <sealgrid/base/clock.h>

#include "cert-int.h"

static void write_day(int64_t unix_s, struct sg_json *j)
{
    char text[SG_RFC3339_MAX];
    sg_time_rfc3339(text, unix_s);
    sg_json_strn(j, SG_BYTES(text, 10));
}

void sg_tee_cert_validity_json(const struct sg_tee_cert *c, struct sg_json *j)
{
    sg_json_key(j, "valid");
    sg_json_array(j);
    write_day(c->not_before_s, j);
    write_day(c->not_after_s, j);
    sg_json_end_array(j);
}
