#include "store-int.h"

int sg_store_scrub(struct sg_store *s, const struct sg_scrub_options *o,
                   struct sg_scrub_report *ret)
{
    (void)s, (void)o, (void)ret;
    return sg_raise(-ENOSYS);
}
