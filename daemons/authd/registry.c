/* registry - tables CREDENTIAL and INSTALLATION, parsed and cached. */
#include "registry.h"

#include <sealgrid/crypto/hash.h>
#include <sealgrid/meter/rows.h>

#define BUCKETS   16384
#define FRESH_MS  600000
#define DOUBT_MS  5000
#define VALUE_MAX 65536

struct auth_registry {
    struct auth_meter *buckets[BUCKETS];
    struct sg_cert *const *roots;
    size_t n_roots;
};

int auth_registry_new(struct auth_registry **ret, struct sg_cert *const *roots, size_t n_roots)
{
    struct auth_registry *r = calloc(1, sizeof *r);
    if (!r)
        return sg_raise(-ENOMEM);
    r->roots = roots;
    r->n_roots = n_roots;
    *ret = r;
    return 0;
}

static void free_meter(struct auth_meter *m)
{
    sg_edhoc_identity_free(m->edhoc);
    sg_key_free(m->metrology);
    free(m);
}
SG_DEFINE_FREEP(struct auth_meter, free_meter)

void auth_registry_free(struct auth_registry *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct auth_meter *m = r->buckets[i], *next; m; m = next) {
            next = m->chain;
            free_meter(m);
        }
    }
    free(r);
}

/* The chain link that holds x5t, or the end of its chain. */
static struct auth_meter **slot(struct auth_registry *r, const uint8_t *x5t)
{
    struct auth_meter **at = &r->buckets[sg_load_be64(x5t) % BUCKETS];
    while (*at && memcmp((*at)->x5t, x5t, 32) != 0)
        at = &(*at)->chain;
    return at;
}

/* ---- loading ---- */

static void narrow(const struct sg_cert *c, int64_t *from_s, int64_t *until_s)
{
    int64_t from, until;
    sg_cert_validity(c, &from, &until);
    *from_s = from > *from_s ? from : *from_s;
    *until_s = until < *until_s ? until : *until_s;
}

/* Not all of the roots are in the chain, but nobody is harmed by verifying once too often. */
static void note_trust(const struct auth_registry *r, const struct sg_cert *cert,
                       struct auth_meter *m)
{
    m->trusted_from_s = INT64_MIN;
    m->trusted_until_s = INT64_MAX;
    narrow(cert, &m->trusted_from_s, &m->trusted_until_s);
    for (size_t i = 0; i < r->n_roots; i++)
        narrow(r->roots[i], &m->trusted_from_s, &m->trusted_until_s);
}

/* The metrology key counts only if its certificate stands under the authority. */
static int load_metrology_key(const struct auth_registry *r, struct sg_bytes der, int64_t unix_s,
                              struct auth_meter *m)
{
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    if (der.len == 0 || sg_cert_load(&cert, der))
        return 0; /* no key: every block is refused, and says why */
    int e = sg_cert_verify(cert, NULL, 0, r->roots, r->n_roots, unix_s);
    if (e)
        return e > 0 ? 0 : e;
    note_trust(r, cert, m);
    return sg_cert_public_key(cert, &m->metrology);
}

static int load_edhoc(struct sg_bytes der, struct auth_meter *m)
{
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    int e = sg_cert_load(&cert, der);
    if (e)
        return AUTH_NOBODY; /* not a certificate: nobody can prove to be it */
    e = sg_edhoc_identity_x509(&m->edhoc, cert, NULL);
    if (e)
        return e;
    return memcmp(m->edhoc->x5t, m->x5t, 32) == 0 ? 0 : AUTH_NOBODY;
}

static void add_installation(struct auth_meter *m, const struct sg_row_installation *row,
                             struct sg_bytes metrology_cert)
{
    if (strcmp(row->serial, m->serial) != 0 || m->n_installations == AUTH_INSTALLATIONS_MAX)
        return;
    m->installations[m->n_installations++] = (struct auth_installation){
        .from_s = row->from_ts_s,
        .until_s = row->until_ts_s,
        .open = row->open,
        .same_cert = sg_bytes_equal(row->metrology_cert, metrology_cert)};
}

static int scan_installations(struct sg_kv_scan *scan, struct sg_bytes partition,
                              struct auth_meter *m, struct sg_bytes metrology_cert)
{
    struct sg_bytes sort, value;
    struct sg_row_installation row;
    int e;
    while ((e = sg_kv_scan_next(scan, &sort, &value)) == 0) {
        e = sg_row_installation_decode(partition, sort, value, &row);
        if (e)
            return e;
        add_installation(m, &row, metrology_cert);
    }
    return e == SG_KV_NOT_FOUND ? 0 : sg_fold(e);
}

static int load_installations(struct sg_kv *kv, struct auth_meter *m,
                              struct sg_bytes metrology_cert)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    int e = sg_row_client_partition(&partition, m->client_id);
    struct sg_kv_range range = {.table = SG_TABLE_INSTALLATION,
                                .partition = sg_buf_bytes(&partition)};
    e = e ? e : sg_kv_scan_open(&scan, kv, AUTH_BUCKET, &range);
    if (e)
        return e == SG_KV_NOT_FOUND ? 0 : sg_fold(e);
    return scan_installations(scan, sg_buf_bytes(&partition), m, metrology_cert);
}

/* The newest stored reading of this meter, as the reference of the sequence rule. */
static int load_latest(struct sg_kv *kv, struct auth_meter *m)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    struct sg_bytes sort, value;
    struct sg_row_reading row;
    int e = sg_row_client_partition(&partition, m->client_id);
    struct sg_kv_range range = {.table = SG_TABLE_READING,
                                .partition = sg_buf_bytes(&partition),
                                .reverse = true,
                                .limit = 1};
    e = e ? e : sg_kv_scan_open(&scan, kv, AUTH_BUCKET, &range);
    e = e ? e : sg_kv_scan_next(scan, &sort, &value);
    if (e)
        return e == SG_KV_NOT_FOUND ? 0 : sg_fold(e);
    e = sg_row_reading_decode(sort, value, &row);
    if (e)
        return e;
    if (strcmp(row.serial, m->serial) == 0) {
        m->latest_seq = row.reading.seq;
        m->latest_ts_s = row.reading.ts_s;
    }
    return 0;
}

static int load_parts(const struct auth_registry *r, struct sg_kv *kv,
                      const struct sg_row_credential *row, int64_t unix_s, struct auth_meter *m)
{
    memcpy(m->serial, row->serial, sizeof m->serial);
    m->client_id = row->client_id;
    int e = load_edhoc(row->edhoc_cert, m);
    e = e ? e : load_metrology_key(r, row->metrology_cert, unix_s, m);
    e = e ? e : load_installations(kv, m, row->metrology_cert);
    return e ? e : load_latest(kv, m);
}

/* 0, AUTH_NOBODY, -errno */
static int get_credential(struct sg_kv *kv, const uint8_t *x5t, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    int e = sg_row_x5t_partition(&partition, x5t);
    e = e ? e : sg_row_int_sort(&sort, 0);
    struct sg_kv_key key = {SG_TABLE_CREDENTIAL, sg_buf_bytes(&partition), sg_buf_bytes(&sort)};
    e = e ? e : sg_kv_get(kv, AUTH_BUCKET, key, ret);
    return e == SG_KV_NOT_FOUND ? AUTH_NOBODY : sg_fold(e);
}

static int load(const struct auth_registry *r, struct sg_kv *kv, const uint8_t *x5t,
                struct sg_bytes credential, int64_t unix_s, struct auth_meter **ret)
{
    SG_CLEANUP(free_meterp) struct auth_meter *m = calloc(1, sizeof *m);
    struct sg_row_credential row;
    if (!m)
        return sg_raise(-ENOMEM);
    memcpy(m->x5t, x5t, 32);
    sg_sha256(m->row, credential);
    int e = sg_row_credential_decode(credential, &row);
    e = e ? e : load_parts(r, kv, &row, unix_s, m);
    if (e)
        return e;
    *ret = TAKE_PTR(m);
    return 0;
}

/* Whether keys and certificates would come out as they are. */
static bool unchanged(const struct auth_meter *m, struct sg_bytes credential, int64_t unix_s)
{
    uint8_t digest[32];
    sg_sha256(digest, credential);
    return m->metrology && memcmp(digest, m->row, 32) == 0 && unix_s > m->trusted_from_s &&
           unix_s < m->trusted_until_s;
}

/* What may have changed all the same. */
static int load_again(struct sg_kv *kv, struct sg_bytes credential, struct auth_meter *m)
{
    struct auth_meter fresh = {.client_id = m->client_id};
    struct sg_row_credential row;
    memcpy(fresh.serial, m->serial, sizeof fresh.serial);
    int e = sg_row_credential_decode(credential, &row);
    e = e ? e : load_installations(kv, &fresh, row.metrology_cert);
    e = e ? e : load_latest(kv, &fresh);
    if (e)
        return e;
    memcpy(m->installations, fresh.installations, sizeof m->installations);
    m->n_installations = fresh.n_installations;
    m->latest_seq = fresh.latest_seq;
    m->latest_ts_s = fresh.latest_ts_s;
    return 0;
}

/* ---- public ---- */

/* In place of what stands there; NULL: nobody any more. */
static void replace(struct auth_meter **at, struct auth_meter *fresh)
{
    struct auth_meter *old = *at;
    struct auth_meter *next = old ? old->chain : NULL;
    if (fresh) {
        fresh->sessions_due_ms = old ? old->sessions_due_ms : 0;
        fresh->chain = next;
    }
    *at = fresh ? fresh : next;
    if (old)
        free_meter(old);
}

int auth_registry_find(struct auth_registry *r, struct sg_kv *kv, const uint8_t x5t[32],
                       int64_t now_ms, int64_t unix_s, struct auth_meter **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf credential = SG_BUF_INIT(VALUE_MAX);
    struct auth_meter **at = slot(r, x5t), *fresh = NULL;
    if (*at && now_ms - (*at)->loaded_ms < FRESH_MS) {
        *ret = *at;
        return 0;
    }
    int e = get_credential(kv, x5t, &credential);
    bool same = e == 0 && *at && unchanged(*at, sg_buf_bytes(&credential), unix_s);
    if (same)
        e = load_again(kv, sg_buf_bytes(&credential), *at);
    else if (e == 0)
        e = load(r, kv, x5t, sg_buf_bytes(&credential), unix_s, &fresh);
    if (e < 0)
        return e;
    if (!same)
        replace(at, fresh);
    if (e)
        return e;
    (*at)->loaded_ms = now_ms;
    *ret = *at;
    return 0;
}

bool auth_registry_new_session(struct auth_meter *m, int64_t now_ms)
{
    if (m->sessions_due_ms < now_ms)
        m->sessions_due_ms = now_ms;
    if (m->sessions_due_ms - now_ms > (AUTH_SESSIONS_BURST - 1) * AUTH_SESSION_EVERY_MS)
        return false;
    m->sessions_due_ms += AUTH_SESSION_EVERY_MS;
    return true;
}

void auth_registry_doubt(struct auth_meter *m, int64_t now_ms)
{
    if (now_ms - m->loaded_ms > DOUBT_MS)
        m->loaded_ms = now_ms - FRESH_MS;
}
