/*
 * EDHOC: octet 0 chooses.  0..5: the rest is a message or plain text that must decode and encode to
 * itself or be refused.  6..9: the rest is laid over a genuine message 1..4 (xor at an offset) and
 * the engine must refuse it unless nothing changed.
 */
#include "edhoc-int.h"
#include "session-fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(int r, const struct sg_buf *b, struct sg_bytes in)
{
    sg_assert(r == 0 && sg_bytes_equal(sg_buf_bytes(b), in));
}

static void codec(unsigned which, struct sg_bytes in)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(2 * SG_EDHOC_MESSAGE_MAX);
    enum sg_edhoc_edition ed = which & 1 ? SG_EDHOC_DRAFT15 : SG_EDHOC_RFC9528;
    struct sg_edhoc_m1 m1;
    struct sg_edhoc_m2 m2;
    struct sg_edhoc_plain p;
    struct sg_edhoc_error_message e;
    switch (which) {
    case 0:
        if (sg_edhoc_m1_decode(in, &m1) == 0)
            same(sg_edhoc_m1_encode(&m1, &b), &b, in);
        break;
    case 1:
    case 2:
        if (sg_edhoc_m2_decode(ed, in, &m2) == 0)
            same(sg_edhoc_m2_encode(ed, &m2, &b), &b, in);
        break;
    case 3:
    case 4:
        if (sg_edhoc_plain_decode(ed, which == 4, in, &p) == 0)
            same(sg_edhoc_plain_encode(&p, &b), &b, in);
        break;
    default:
        if (sg_edhoc_error_decode(in, &e) == 0)
            same(sg_edhoc_error_encode(&e, &b), &b, in);
        break;
    }
}

/* ---- engines ---- */

static struct fx_identity a, z;
static struct sg_edhoc_credential own_a, own_z, seen_a, seen_z;

static const struct sg_edhoc_credential *own(void *user, int suite)
{
    (void)suite;
    return user;
}

static int find(void *user, const struct sg_edhoc_id *id, struct sg_edhoc_credential *ret)
{
    const struct sg_edhoc_credential *c = user;
    if (!sg_bytes_equal(id->id_cred, c->id_cred))
        return SG_EDHOC_NOBODY;
    *ret = *c;
    return 0;
}

static void once(void)
{
    if (a.own)
        return;
    fx_identity(&a, "initiator");
    fx_identity(&z, "responder");
    own_a = sg_edhoc_identity_credential(a.own);
    own_z = sg_edhoc_identity_credential(z.own);
    seen_a = sg_edhoc_identity_credential(a.peer);
    seen_z = sg_edhoc_identity_credential(z.peer);
}

/* True if the octets were changed. */
static bool lay_over(struct sg_buf *m, struct sg_bytes in)
{
    bool changed = false;
    size_t at = in.len ? in.data[0] : 0;
    for (size_t i = 1; i < in.len && m->len; i++) {
        size_t k = (at + i - 1) % m->len;
        m->data[k] ^= in.data[i];
    }
    for (size_t i = 1; i < in.len; i++)
        changed = changed || in.data[i] != 0;
    return changed && in.len <= m->len; /* past its length, laid over twice: cannot say */
}

static void engines(unsigned message, struct sg_bytes in)
{
    static const int suites[] = {2, 3};
    struct sg_edhoc_config ci = {.suites = suites,
                                 .n_suites = 2,
                                 .own = own,
                                 .own_user = &own_a,
                                 .lookup = find,
                                 .lookup_user = &seen_z};
    struct sg_edhoc_config cr = {.suites = suites,
                                 .n_suites = 2,
                                 .own = own,
                                 .own_user = &own_z,
                                 .lookup = find,
                                 .lookup_user = &seen_a};
    SG_CLEANUP(sg_edhoc_freep) struct sg_edhoc *i = NULL;
    SG_CLEANUP(sg_edhoc_freep) struct sg_edhoc *r = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf m = SG_BUF_INIT(SG_EDHOC_MESSAGE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf n = SG_BUF_INIT(SG_EDHOC_MESSAGE_MAX);
    bool changed = false;
    once();
    int e = sg_edhoc_initiator(&i, &ci, SG_BYTES_LIT("iiiiiiii"));
    e = e ? e : sg_edhoc_responder(&r, &cr, SG_BYTES_LIT("rrrrrrrr"));
    e = e ? e : sg_edhoc_message_1(i, 2, &m);
    changed = message == 1 && lay_over(&m, in);
    e = e ? e : sg_edhoc_on_message_1(r, sg_buf_bytes(&m), &n);
    changed = changed || (message == 2 && lay_over(&n, in));
    sg_buf_reset(&m);
    e = e ? e : sg_edhoc_on_message_2(i, sg_buf_bytes(&n), &m);
    changed = changed || (message == 3 && lay_over(&m, in));
    sg_buf_reset(&n);
    e = e ? e : sg_edhoc_on_message_3(r, sg_buf_bytes(&m));
    e = e ? e : sg_edhoc_message_4(r, &n);
    changed = changed || (message == 4 && lay_over(&n, in));
    e = e ? e : sg_edhoc_on_message_4(i, sg_buf_bytes(&n));
    sg_assert(e >= 0);
    sg_assert(!changed || e > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    unsigned which = data[0] % 10;
    struct sg_bytes in = SG_BYTES(data + 1, size - 1);
    if (which < 6)
        codec(which, in);
    else
        engines(which - 5, in);
    return 0;
}
