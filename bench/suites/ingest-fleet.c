#include "ingest-fleet.h"

#include <stdio.h>

#include <sealgrid/base/random.h>
#include <sealgrid/kv.h>

#define YEAR_S     (365 * INT64_C(86400))
#define RSA_KEYS   8 /* shared by the meters that sign with RSA: making one takes 0.1 s */
#define ROWS_BATCH 999
#define CLIENT0    INT64_C(3000000000)

/* ---- authority ----------------------------------------------------------------------------- */

static int make_ca(const char *name, struct sg_key **ret_key, const struct sg_cert *issuer,
                   const struct sg_key *issuer_key, struct sg_cert **ret)
{
    const struct sg_cert_request req = {.common_name = name,
                                        .not_before_s = FLEET_START_S - YEAR_S,
                                        .not_after_s = FLEET_START_S + 30 * YEAR_S,
                                        .ca = true,
                                        .path_len = issuer ? 0 : 1};
    int r = sg_key_generate(ret_key, SG_KEY_P256);
    return r ? r : sg_cert_issue(ret, &req, *ret_key, issuer, issuer ? issuer_key : *ret_key);
}

static int issue(const struct fleet *f, const char *name, const struct sg_key *key,
                 struct sg_cert **ret)
{
    const struct sg_cert_request req = {.common_name = name,
                                        .not_before_s = FLEET_START_S - YEAR_S,
                                        .not_after_s = FLEET_START_S + 20 * YEAR_S,
                                        .path_len = -1};
    return sg_cert_issue(ret, &req, key, f->ca, f->ca_key);
}

static int issue_der(const struct fleet *f, const char *name, const struct sg_key *key,
                     struct sg_buf *ret)
{
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    int r = issue(f, name, key, &cert);
    *ret = (struct sg_buf)SG_BUF_INIT(8192);
    return r ? r : sg_cert_der(cert, ret);
}

static int make_authenticator(struct fleet *f)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    int r = sg_key_generate(&key, SG_KEY_P256);
    r = r ? r : issue(f, "authenticator", key, &cert);
    r = r ? r : sg_edhoc_identity_x509(&f->authenticator, cert, key);
    if (r == 0)
        (void)TAKE_PTR(key);
    return r;
}

static int make_authority(struct fleet *f)
{
    int r = make_ca("root", &f->root_key, NULL, NULL, &f->root);
    r = r ? r : make_ca("metrology CA", &f->ca_key, f->root, f->root_key, &f->ca);
    f->roots[0] = f->root;
    f->roots[1] = f->ca;
    r = r ? r : sg_key_generate(&f->edhoc_key, SG_KEY_P256);
    return r ? r : make_authenticator(f);
}

/* ---- meters -------------------------------------------------------------------------------- */

static int copy_key(const struct sg_key *key, struct sg_key **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT_SECRET(8192);
    int r = sg_key_private_der(key, &der);
    return r ? r : sg_key_load_private(ret, sg_buf_bytes(&der));
}

static int make_metrology_key(const struct fleet *f, uint32_t i, struct sg_key **ret)
{
    if (f->o.alg == SG_SIGN_ES256)
        return sg_key_generate(ret, SG_KEY_P256);
    if (i >= RSA_KEYS)
        return copy_key(f->meters[i % RSA_KEYS].metrology, ret);
    return sg_key_generate(ret, SG_KEY_RSA2048);
}

/* As a handshake would have left it. */
static int make_session(struct fleet_meter *m)
{
    struct sg_session_record *s = &m->session;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    int r = sg_cert_load(&cert, sg_buf_bytes(&m->edhoc_der));
    if (r)
        return r;
    sg_cert_fingerprint(cert, s->x5t);
    sg_random_bytes(s->cid, sizeof s->cid);
    sg_random_bytes(s->prk_exporter, sizeof s->prk_exporter);
    s->suite = 2;
    memcpy(s->serial, m->serial, sizeof s->serial);
    s->client_id = m->client_id;
    s->created_s = FLEET_START_S;
    sg_edhoc_export_from(s->prk_exporter, SG_SESSION_LABEL_UPLINK, SG_BYTES_NONE,
                         (uint8_t *)&m->uplink, sizeof m->uplink);
    return 0;
}

static int make_meter(struct fleet *f, uint32_t i)
{
    struct fleet_meter *m = &f->meters[i];
    snprintf(m->serial, sizeof m->serial, "%u", 10000000 + i);
    m->client_id = CLIENT0 + i;
    m->next_frame = 1;
    sg_model_day(f->model, i, 0, &m->day);
    int r = make_metrology_key(f, i, &m->metrology);
    r = r ? r : issue_der(f, m->serial, m->metrology, &m->metrology_der);
    r = r ? r : issue_der(f, m->serial, f->edhoc_key, &m->edhoc_der);
    return r ? r : make_session(m);
}

int fleet_new(struct fleet **ret, const struct fleet_options *o)
{
    SG_CLEANUP(fleet_freep) struct fleet *f = calloc(1, sizeof *f);
    const struct sg_model_config model = {
        .seed = 1, .meters = o->meters, .days = 3650, .interval_s = 900, .start_s = FLEET_START_S};
    if (!f)
        return sg_raise(-ENOMEM);
    f->o = *o;
    f->meters = calloc(o->meters, sizeof *f->meters);
    int r = f->meters ? 0 : sg_raise(-ENOMEM);
    r = r ? r : sg_model_new(&f->model, &model);
    r = r ? r : make_authority(f);
    for (uint32_t i = 0; r == 0 && i < o->meters; i++)
        r = make_meter(f, i);
    if (r == 0)
        *ret = TAKE_PTR(f);
    return r;
}

void fleet_free(struct fleet *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; f->meters && i < f->o.meters; i++) {
        struct fleet_meter *m = &f->meters[i];
        sg_key_free(m->metrology);
        sg_buf_clear(&m->metrology_der);
        sg_buf_clear(&m->edhoc_der);
    }
    free(f->meters);
    sg_model_free(f->model);
    sg_edhoc_identity_free(f->authenticator);
    sg_key_free(f->root_key);
    sg_key_free(f->ca_key);
    sg_key_free(f->edhoc_key);
    sg_cert_free(f->root);
    sg_cert_free(f->ca);
    free(f);
}

/* ---- rows ---------------------------------------------------------------------------------- */

struct loader {
    struct sg_kv *kv;
    const char *bucket;
    struct sg_kv_op ops[ROWS_BATCH];
    struct sg_buf octets[ROWS_BATCH]; /* partition, sort and value of each */
    size_t n;
};

static void clear_loader(struct loader *l)
{
    for (size_t i = 0; i < ROWS_BATCH; i++)
        sg_buf_clear(&l->octets[i]);
}

static int flush(struct loader *l)
{
    int r = l->n ? sg_kv_batch(l->kv, l->bucket, l->ops, l->n, NULL) : 0;
    l->n = 0;
    return sg_fold(r);
}

/* What the next operation's octets are appended to; its whole room, so that nothing moves. */
static int next_octets(struct loader *l, struct sg_buf **ret)
{
    int r = l->n == ROWS_BATCH ? flush(l) : 0;
    struct sg_buf *b = &l->octets[l->n];
    if (r)
        return r;
    sg_buf_clear(b);
    *b = (struct sg_buf)SG_BUF_INIT_SECRET(16384);
    *ret = b;
    return sg_buf_reserve(b, 16384);
}

static void put(struct loader *l, uint32_t table, size_t sort_at, size_t value_at)
{
    const struct sg_buf *b = &l->octets[l->n];
    l->ops[l->n++] = (struct sg_kv_op){
        .kind = SG_KV_PUT,
        .key = {table, SG_BYTES(b->data, sort_at), SG_BYTES(b->data + sort_at, value_at - sort_at)},
        .value = SG_BYTES(b->data + value_at, b->len - value_at)};
}

static int put_credential(struct loader *l, const struct fleet_meter *m)
{
    struct sg_row_credential row = {.client_id = m->client_id,
                                    .edhoc_cert = sg_buf_bytes(&m->edhoc_der),
                                    .metrology_cert = sg_buf_bytes(&m->metrology_der)};
    struct sg_buf *b = NULL;
    int r = next_octets(l, &b);
    memcpy(row.serial, m->serial, sizeof row.serial);
    r = r ? r : sg_row_x5t_partition(b, m->session.x5t);
    size_t sort_at = r ? 0 : b->len;
    r = r ? r : sg_row_int_sort(b, 0);
    size_t value_at = r ? 0 : b->len;
    r = r ? r : sg_row_credential_encode(b, &row);
    if (r == 0)
        put(l, SG_TABLE_CREDENTIAL, sort_at, value_at);
    return r;
}

static int put_installation(struct loader *l, const struct fleet_meter *m)
{
    struct sg_row_installation row = {.client_id = m->client_id,
                                      .from_ts_s = FLEET_START_S,
                                      .open = true,
                                      .ratio_num = 1,
                                      .ratio_den = 1,
                                      .metrology_cert = sg_buf_bytes(&m->metrology_der),
                                      .tariff_class = "B1"};
    struct sg_buf *b = NULL;
    int r = next_octets(l, &b);
    memcpy(row.serial, m->serial, sizeof row.serial);
    r = r ? r : sg_row_client_partition(b, m->client_id);
    size_t sort_at = r ? 0 : b->len;
    r = r ? r : sg_row_int_sort(b, FLEET_START_S);
    size_t value_at = r ? 0 : b->len;
    r = r ? r : sg_row_installation_encode(b, &row);
    if (r == 0)
        put(l, SG_TABLE_INSTALLATION, sort_at, value_at);
    return r;
}

static int put_session(struct loader *l, const struct fleet_meter *m)
{
    struct sg_buf *b = NULL;
    int r = next_octets(l, &b);
    r = r ? r : sg_session_partition(b, m->session.cid);
    size_t sort_at = r ? 0 : b->len;
    r = r ? r : sg_session_sort(b);
    size_t value_at = r ? 0 : b->len;
    r = r ? r : sg_session_row_encode(b, &m->session);
    if (r == 0)
        put(l, SG_TABLE_SESSION, sort_at, value_at);
    return r;
}

static void free_loader(struct loader **l)
{
    if (*l)
        clear_loader(*l);
    free(*l);
}

int fleet_register(const struct fleet *f, struct sg_kv *kv, const char *bucket)
{
    SG_CLEANUP(free_loader) struct loader *l = calloc(1, sizeof *l);
    int r = l ? 0 : sg_raise(-ENOMEM);
    if (r)
        return r;
    l->kv = kv;
    l->bucket = bucket;
    for (uint32_t i = 0; r == 0 && i < f->o.meters; i++) {
        r = put_credential(l, &f->meters[i]);
        r = r ? r : put_installation(l, &f->meters[i]);
        r = r ? r : put_session(l, &f->meters[i]);
    }
    return r ? r : flush(l);
}

/* ---- frames -------------------------------------------------------------------------------- */

void fleet_frames_clear(struct fleet_frames *f)
{
    sg_buf_clear(&f->octets);
    free(f->ends);
    f->ends = NULL;
    f->n = f->max = 0;
}

struct sg_bytes fleet_frame(const struct fleet_frames *f, size_t i)
{
    size_t at = i ? f->ends[i - 1] : 0;
    return SG_BYTES(f->octets.data + at, f->ends[i] - at);
}

/* The next readings of a meter; a day's block begins where a day does. */
static void next_readings(struct fleet *f, struct fleet_meter *m, struct sg_reading *ret)
{
    for (uint32_t i = 0; i < f->o.readings; i++) {
        if (m->next_in_day == SG_MODEL_PER_DAY_MAX) {
            sg_model_next_day(f->model, &m->day);
            m->next_in_day = 0;
        }
        sg_model_reading(f->model, &m->day, m->next_in_day++, &ret[i]);
    }
}

static int make_block(struct fleet *f, struct fleet_meter *m, struct sg_buf *ret)
{
    struct sg_reading readings[SG_BLOCK_READINGS_MAX];
    uint8_t seed[SG_BLOCK_SEED_LEN];
    next_readings(f, m, readings);
    struct sg_block_header h = {.first_seq = readings[0].seq,
                                .first_ts_s = readings[0].ts_s,
                                .interval_s = 900,
                                .software = 1,
                                .format = SG_BLOCK_FORMAT};
    memcpy(h.serial, m->serial, sizeof h.serial);
    sg_random_bytes(seed, sizeof seed);
    return sg_block_sign(&h, readings, f->o.readings, m->metrology, f->o.alg, seed, ret);
}

static int make_frame(struct fleet *f, struct fleet_meter *m, struct sg_buf *plain,
                      struct fleet_frames *ret)
{
    sg_buf_reset(plain);
    int r = sg_buf_append_u8(plain, SG_PAYLOAD_BLOCK);
    r = r ? r : make_block(f, m, plain);
    r = r ? r
          : sg_frame_seal_uplink(&m->uplink, m->session.cid, m->next_frame, sg_buf_bytes(plain),
                                 &ret->octets);
    if (r)
        return r;
    m->next_frame++;
    ret->ends[ret->n++] = ret->octets.len;
    return 0;
}

int fleet_make_frames(struct fleet *f, size_t n, struct fleet_frames *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT(SG_FRAME_PLAIN_MAX);
    if (n > ret->max) {
        size_t *more = reallocarray(ret->ends, n, sizeof *more);
        if (!more)
            return sg_raise(-ENOMEM);
        ret->ends = more;
        ret->max = n;
    }
    ret->n = 0;
    sg_buf_reset(&ret->octets);
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++, f->turn = (f->turn + 1) % f->o.meters)
        r = make_frame(f, &f->meters[f->turn], &plain, ret);
    return r;
}
