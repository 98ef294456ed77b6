/*
 * provider-gramine - SGX quotes and sealing keys through the files of Gramine's library OS.
 * Source: Gramine documentation, "Attestation and Secret Provisioning", /dev/attestation.
 *
 * The files are one set for the whole process: report data is written, then the quote read, under a
 * lock, and a quote over other report data is refused, never handed out.
 */
#include "gramine-int.h"

#include "provider-attr-int.h"

#include <pthread.h>
#include <sealgrid/crypto/hash.h>
#include <stdio.h>

enum { QUOTE_REPORT_DATA = 48 + 320, SEAL_KEY_LEN = 16, KEY_LEN = 32 };

struct gramine_provider {
    struct sg_tee_provider base;
    char where[SG_ATTR_PATH_MAX];
};

static struct gramine_provider *of(struct sg_tee_provider *p)
{
    return (struct gramine_provider *)p;
}

static int read_quote(const char *where, const uint8_t report_data[SG_TEE_REPORT_DATA_LEN],
                      struct sg_buf *ret)
{
    int r = sg_attr_write(where, "user_report_data", SG_BYTES(report_data, SG_TEE_REPORT_DATA_LEN));
    if (r == 0)
        r = sg_attr_read(where, "quote", ret);
    if (r < 0)
        return r;
    if (ret->len < QUOTE_REPORT_DATA + SG_TEE_REPORT_DATA_LEN ||
        memcmp(ret->data + QUOTE_REPORT_DATA, report_data, SG_TEE_REPORT_DATA_LEN) != 0)
        return sg_raisef(-EBADMSG, "quote: not over the report data asked for");
    return 0;
}

static int evidence(struct sg_tee_provider *p, const uint8_t report_data[SG_TEE_REPORT_DATA_LEN],
                    struct sg_buf *ret)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    sg_assert(pthread_mutex_lock(&one_at_a_time) == 0);
    const int r = read_quote(of(p)->where, report_data, &b);
    sg_assert(pthread_mutex_unlock(&one_at_a_time) == 0);
    return r ? r : sg_buf_append(ret, sg_buf_bytes(&b));
}

/* The processor's seal key is not used itself (Gramine's encrypted files may use it too). */
static int derive(struct sg_bytes seal_key, enum sg_tee_seal policy, const char *label,
                  struct sg_secret *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf info = SG_BUF_INIT(256);
    uint8_t prk[32];
    int r = sg_buf_append_u8(&info, (uint8_t)policy);
    if (r == 0)
        r = sg_buf_append(&info, sg_bytes_str(label));
    if (r == 0)
        r = sg_secret_new(ret, KEY_LEN);
    if (r < 0)
        return r;
    sg_hkdf_extract(prk, SG_BYTES_LIT("sealgrid-gramine-seal-v1"), seal_key);
    sg_hkdf_expand(ret->data, ret->len, SG_BYTES_ARRAY(prk), sg_buf_bytes(&info));
    sg_wipe(prk, sizeof prk);
    return 0;
}

static int sealing_key(struct sg_tee_provider *p, enum sg_tee_seal policy, const char *label,
                       struct sg_secret *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT_SECRET(64);
    int r = sg_attr_read(
        of(p)->where,
        policy == SG_TEE_SEAL_MEASUREMENT ? "keys/_sgx_mrenclave" : "keys/_sgx_mrsigner", &key);
    if (r < 0)
        return r;
    if (key.len != SEAL_KEY_LEN)
        return sg_raisef(-EBADMSG, "seal key of %zu octets", key.len);
    return derive(sg_buf_bytes(&key), policy, label, ret);
}

static void release(struct sg_tee_provider *p)
{
    free(of(p));
}

static const struct sg_tee_provider_ops ops = {
    .kind = SG_TEE_SGX, .evidence = evidence, .sealing_key = sealing_key, .free = release};

int sg_gramine_provider_open(struct sg_tee_provider **ret, const char *where)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf type = SG_BUF_INIT(64);
    SG_FREE struct gramine_provider *g = calloc(1, sizeof *g);
    if (!g)
        return sg_raise(-ENOMEM);
    if (!where || !where[0])
        where = SG_GRAMINE_FOLDER;
    g->base.ops = &ops;
    if (snprintf(g->where, sizeof g->where, "%s", where) >= (int)sizeof g->where)
        return sg_raise(-ENAMETOOLONG);
    int r = sg_attr_read(where, "attestation_type", &type);
    if (r < 0)
        return r;
    if (type.len && type.data[type.len - 1] == '\n')
        type.len--;
    if (!sg_bytes_equal(sg_buf_bytes(&type), SG_BYTES_LIT("dcap")))
        return sg_raisef(-ENOTSUP, "Gramine attests by \"%.*s\", not by dcap", (int)type.len,
                         (const char *)type.data);
    *ret = &TAKE_PTR(g)->base;
    return 0;
}
