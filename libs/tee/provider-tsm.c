#include "tsm-int.h"

#include "provider-attr-int.h"
#include "snp-table-int.h"

#include <sealgrid/base/random.h>
#include <sealgrid/tee/evidence.h>
#include <stdio.h>
#include <sys/stat.h>

enum {
    TRIES = 4,
    SNP_REPORT_DATA = 0x50,
    QUOTE_V4_REPORT_DATA = 48 + 520,
    QUOTE_V5_REPORT_DATA = 54 + 520,
};

struct tsm_provider {
    struct sg_tee_provider base;
    const struct sg_tsm_io *io;
    char where[SG_ATTR_PATH_MAX];
};

static int kernel_make(const char *folder)
{
    return mkdir(folder, 0700) < 0 ? sg_raisef(-errno, "%s", folder) : 0;
}

static int kernel_drop(const char *folder)
{
    return rmdir(folder) < 0 ? sg_raisef(-errno, "%s", folder) : 0;
}

const struct sg_tsm_io sg_tsm_kernel = {.make = kernel_make,
                                        .drop = kernel_drop,
                                        .write = sg_attr_write,
                                        .read = sg_attr_read,
                                        .snp_key = sg_snp_kernel_key};

/* ---- one request ---- */

struct request {
    const struct sg_tsm_io *io;
    char folder[SG_ATTR_PATH_MAX];
    bool made;
};

static void drop(struct request *q)
{
    if (q->made)
        (void)!q->io->drop(q->folder); /* an empty folder of our own: nothing depends on it */
}

static int start(const struct tsm_provider *t, struct request *q)
{
    char name[48];
    snprintf(name, sizeof name, "sealgrid-%d-%016llx", (int)getpid(),
             (unsigned long long)sg_random_u64());
    int r = sg_attr_path(q->folder, t->where, name);
    q->io = t->io;
    if (r == 0)
        r = t->io->make(q->folder);
    q->made = r == 0;
    return r;
}

static int read_number(const struct request *q, const char *name, uint64_t *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(32);
    uint64_t v = 0;
    size_t i = 0;
    int r = q->io->read(q->folder, name, &b);
    if (r < 0)
        return r;
    for (; i < b.len && i < 19 && b.data[i] >= '0' && b.data[i] <= '9'; i++)
        v = v * 10 + (uint64_t)(b.data[i] - '0');
    if (i == 0 || (i < b.len && (b.data[i] != '\n' || i + 1 < b.len)))
        return sg_raisef(-EBADMSG, "%s: no number", name);
    *ret = v;
    return 0;
}

/* A write that counted: one generation more than before. */
static int put(const struct request *q, const char *name, struct sg_bytes value, uint64_t *ret)
{
    uint64_t before, after;
    int r = read_number(q, "generation", &before);
    if (r == 0)
        r = q->io->write(q->folder, name, value);
    if (r == 0)
        r = read_number(q, "generation", &after);
    if (r < 0)
        return r;
    if (after != before + 1)
        return sg_raisef(-EAGAIN, "%s: generation %llu after %llu", name, (unsigned long long)after,
                         (unsigned long long)before);
    *ret = after;
    return 0;
}

/* Under a paravisor the lowest levels are not ours (privlevel_floor); older kernels lack the file.
 */
static uint64_t level_of(const struct request *q)
{
    uint64_t floor = 0;
    return read_number(q, "privlevel_floor", &floor) < 0 ? 0 : floor;
}

static int put_level(const struct request *q)
{
    const uint64_t floor = level_of(q);
    uint64_t generation;
    char text[24];
    if (!floor)
        return 0;
    const int n = snprintf(text, sizeof text, "%llu", (unsigned long long)floor);
    return put(q, "privlevel", SG_BYTES(text, (size_t)n), &generation);
}

/* The host's certificates for a SEV-SNP report; it need not have any. */
static int read_table(const struct request *q, struct sg_buf *ret)
{
    const int r = q->io->read(q->folder, "auxblob", ret);
    return r == -ENOENT ? 0 : r;
}

/* table NULL: this kind has none. */
static int ask(const struct request *q, const uint8_t report_data[SG_TEE_REPORT_DATA_LEN],
               struct sg_buf *ret, struct sg_buf *table)
{
    uint64_t asked = 0, read = 0;
    int r = put_level(q);
    if (r == 0)
        r = put(q, "inblob", SG_BYTES(report_data, SG_TEE_REPORT_DATA_LEN), &asked);
    if (r == 0)
        r = q->io->read(q->folder, "outblob", ret);
    if (r == 0 && table)
        r = read_table(q, table);
    if (r == 0)
        r = read_number(q, "generation", &read);
    if (r < 0)
        return r;
    return read == asked ? 0 : sg_raisef(-EAGAIN, "outblob: another request came between");
}

/* ---- the provider ---- */

static struct tsm_provider *of(struct sg_tee_provider *p)
{
    return (struct tsm_provider *)p;
}

/* Where the report data must stand; 0: not at a fixed place (CBOR of CCA). */
static size_t place_of(enum sg_tee_kind kind, struct sg_bytes evidence)
{
    if (kind == SG_TEE_SNP)
        return SNP_REPORT_DATA;
    if (kind != SG_TEE_TDX)
        return 0;
    return evidence.len && evidence.data[0] == 5 ? QUOTE_V5_REPORT_DATA : QUOTE_V4_REPORT_DATA;
}

static int check(enum sg_tee_kind kind, struct sg_bytes evidence,
                 const uint8_t report_data[SG_TEE_REPORT_DATA_LEN])
{
    const size_t at = place_of(kind, evidence);
    const bool found = at ? evidence.len >= at + SG_TEE_REPORT_DATA_LEN &&
                                !memcmp(evidence.data + at, report_data, SG_TEE_REPORT_DATA_LEN)
                          : evidence.len && memmem(evidence.data, evidence.len, report_data,
                                                   SG_TEE_REPORT_DATA_LEN) != NULL;
    return found ? 0 : sg_raisef(-EBADMSG, "outblob: not over the report data asked for");
}

static int try_once(const struct tsm_provider *t, const uint8_t report_data[SG_TEE_REPORT_DATA_LEN],
                    struct sg_buf *ret, struct sg_buf *table)
{
    SG_CLEANUP(drop) struct request q = {0};
    const enum sg_tee_kind kind = t->base.ops->kind;
    int r = start(t, &q);
    if (r == 0)
        r = ask(&q, report_data, ret, kind == SG_TEE_SNP ? table : NULL);
    return r ? r : check(kind, sg_buf_bytes(ret), report_data);
}

/* Raced requests come again with a folder of their own. */
static bool worth_again(int r)
{
    return r == -EAGAIN || r == -EBUSY;
}

/* With certificates it is a report of several parts (evidence.h). */
static int put_evidence(struct sg_bytes report, struct sg_bytes table, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf certificates = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    int r = sg_snp_table_read(table, &certificates);
    if (r < 0 || !certificates.len)
        return r < 0 ? r : sg_buf_append(ret, report);
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = report,
                                      .part[SG_TEE_PART_CERTIFICATES] =
                                          sg_buf_bytes(&certificates)};
    return sg_tee_evidence_encode(&e, ret);
}

static int evidence(struct sg_tee_provider *p, const uint8_t report_data[SG_TEE_REPORT_DATA_LEN],
                    struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf report = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf table = SG_BUF_INIT(SG_SNP_TABLE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf whole = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    int r = -EAGAIN;
    for (int i = 0; i < TRIES && worth_again(r); i++) {
        sg_buf_reset(&report);
        sg_buf_reset(&table);
        r = try_once(of(p), report_data, &report, &table);
    }
    if (r == 0)
        r = put_evidence(sg_buf_bytes(&report), sg_buf_bytes(&table), &whole);
    return r ? r : sg_buf_append(ret, sg_buf_bytes(&whole));
}

/* ---- sealing keys ---- */

static int snp_sealing(struct sg_tee_provider *p, enum sg_tee_seal policy, const char *label,
                       struct sg_secret *ret)
{
    SG_CLEANUP(drop) struct request q = {0};
    const struct tsm_provider *t = of(p);
    int r = start(t, &q);
    return r ? r : sg_snp_derive(t->io->snp_key, (uint32_t)level_of(&q), policy, label, ret);
}

/* Neither TDX nor CCA has a key that outlives the machine. */
static int no_sealing(struct sg_tee_provider *p, enum sg_tee_seal policy, const char *label,
                      struct sg_secret *ret)
{
    (void)policy, (void)label, (void)ret;
    return sg_raisef(
        -ENOTSUP,
        "%s derives no sealing keys: seal by a TPM (provider tpm), or have the secrets "
        "from a casd elsewhere",
        sg_tee_kind_name(p->ops->kind));
}

static void release(struct sg_tee_provider *p)
{
    free(of(p));
}

static const struct {
    const char *name;
    struct sg_tee_provider_ops ops;
} providers[] = {
    {"sev_guest", {SG_TEE_SNP, evidence, snp_sealing, release}},
    {"tdx_guest", {SG_TEE_TDX, evidence, no_sealing, release}},
    {"arm_cca_guest", {SG_TEE_CCA, evidence, no_sealing, release}},
};

/* A request that asks for nothing tells who would answer. */
static int find_provider(struct tsm_provider *t)
{
    SG_CLEANUP(drop) struct request q = {0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf name = SG_BUF_INIT(64);
    int r = start(t, &q);
    if (r == 0)
        r = t->io->read(q.folder, "provider", &name);
    if (r < 0)
        return r;
    const size_t len = name.len && name.data[name.len - 1] == '\n' ? name.len - 1 : name.len;
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++)
        if (sg_bytes_equal(SG_BYTES(name.data, len), sg_bytes_str(providers[i].name)))
            t->base.ops = &providers[i].ops;
    return t->base.ops ? 0
                       : sg_raisef(-ENOTSUP, "configfs-tsm: unknown provider %.*s", (int)len,
                                   (const char *)name.data);
}

int sg_tsm_provider_open(struct sg_tee_provider **ret, const char *where,
                         const struct sg_tsm_io *io)
{
    SG_FREE struct tsm_provider *t = calloc(1, sizeof *t);
    if (!t)
        return sg_raise(-ENOMEM);
    t->io = io;
    if (!where || !where[0])
        where = SG_TSM_FOLDER;
    if (snprintf(t->where, sizeof t->where, "%s", where) >= (int)sizeof t->where)
        return sg_raise(-ENAMETOOLONG);
    int r = find_provider(t);
    if (r == 0)
        *ret = &TAKE_PTR(t)->base;
    return r;
}
