/* fuzz - a list of installation records is refused with a reason, or is written and read again as
 * the same one.  A certificate in it may be none: that is told when it is asked for. */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/installation.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void search(const struct sg_installations *all)
{
    bool known;
    size_t n;

    for (size_t i = 0; i < all->n; i++) {
        const struct sg_installation *r = &all->records[i];
        SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
        sg_assert(r->from_s < r->until_s && r->ratio_num >= 1 && r->ratio_den >= 1);
        sg_assert(sg_installations_of_client(all, r->client, &n)->client == r->client && n >= 1);
        sg_assert(sg_installations_of_serial(all, r->serial, r->from_s + 1, &known) && known);
        sg_assert((sg_installation_cert(r, &cert) == 0) == (cert != NULL));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_installations_clear) struct sg_installations all = {NULL, 0, NULL};
    SG_CLEANUP(sg_installations_clear) struct sg_installations again = {NULL, 0, NULL};
    SG_CLEANUP(sg_buf_clear) struct sg_buf one = SG_BUF_INIT(1 << 26);
    SG_CLEANUP(sg_buf_clear) struct sg_buf two = SG_BUF_INIT(1 << 26);
    char why[160] = "";

    if (sg_installations_read(SG_BYTES(data, size), &all, why)) {
        sg_assert(!all.records && why[0]);
        return 0;
    }
    search(&all);
    if (sg_installations_write(all.records, all.n, &one))
        return 0; /* a year past 9999 */
    sg_assert(sg_installations_read(sg_buf_bytes(&one), &again, why) == 0);
    sg_assert(sg_installations_write(again.records, again.n, &two) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&one), sg_buf_bytes(&two)));
    return 0;
}
