/*
 * Two hierarchies, as in the field: the metrology authority (root, second-level CA, metrology
 * certificates) and the utility (meter CA, EDHOC certificates).  CA keys are not kept: a fleet is
 * made in one go.
 */
#include "fleet.h"
#include "rsa-keys.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <sealgrid/kv.h>

#define THREADS  2
#define YEAR_S   (365 * 86400LL)
#define FILE_MAX ((size_t)4 << 30)

struct authority {
    struct sg_key *root_key, *ca_key, *utility_key;
    struct sg_cert *root, *ca, *utility;
};

struct issued {
    struct sg_buf edhoc_key, edhoc_cert, metrology_key, metrology_cert;
};

struct work {
    const struct sim_params *params;
    const struct authority *authority;
    struct issued *issued;
    int64_t not_before_s, not_after_s;
    atomic_uint next;
    atomic_int failure;
};

static void clear_authority(struct authority *a)
{
    sg_key_freep(&a->root_key);
    sg_key_freep(&a->ca_key);
    sg_key_freep(&a->utility_key);
    sg_cert_freep(&a->root);
    sg_cert_freep(&a->ca);
    sg_cert_freep(&a->utility);
}

static int make_ca(const char *name, int path_len, const struct work *w, struct sg_key **ret_key,
                   const struct sg_cert *issuer, const struct sg_key *issuer_key,
                   struct sg_cert **ret)
{
    const struct sg_cert_request req = {.common_name = name,
                                        .not_before_s = w->not_before_s,
                                        .not_after_s = w->not_after_s,
                                        .ca = true,
                                        .path_len = path_len};
    int r = sg_key_generate(ret_key, SG_KEY_P256);
    if (r)
        return r;
    return sg_cert_issue(ret, &req, *ret_key, issuer, issuer ? issuer_key : *ret_key);
}

static int make_authority(struct authority *a, const struct work *w)
{
    int r = make_ca("Sealgrid demonstration metrology authority", 1, w, &a->root_key, NULL, NULL,
                    &a->root);
    if (r == 0)
        r = make_ca("Sealgrid demonstration metrology CA 1", 0, w, &a->ca_key, a->root, a->root_key,
                    &a->ca);
    return r ? r
             : make_ca("Sealgrid demonstration utility meter CA", 0, w, &a->utility_key, NULL, NULL,
                       &a->utility);
}

/* ---- one meter ----------------------------------------------------------------------------- */

static int issue(enum sg_key_type type, const char *serial, const struct work *w,
                 const struct sg_cert *issuer, const struct sg_key *issuer_key,
                 struct sg_buf *ret_key, struct sg_buf *ret_cert)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    const struct sg_cert_request req = {.common_name = serial,
                                        .not_before_s = w->not_before_s,
                                        .not_after_s = w->not_after_s,
                                        .path_len = -1};
    int r = type == SG_KEY_RSA2048 ? sim_rsa_generate(&key) : sg_key_generate(&key, type);
    if (r == 0)
        r = sg_cert_issue(&cert, &req, key, issuer, issuer_key);
    if (r == 0)
        r = sg_key_private_der(key, ret_key);
    return r ? r : sg_cert_der(cert, ret_cert);
}

static int make_meter(const struct work *w, uint32_t i)
{
    const struct authority *a = w->authority;
    struct issued *m = &w->issued[i];
    char serial[SG_BLOCK_SERIAL_MAX + 1];
    sim_serial(w->params, i, serial);
    m->edhoc_key = (struct sg_buf)SG_BUF_INIT_SECRET(8192);
    m->metrology_key = (struct sg_buf)SG_BUF_INIT_SECRET(8192);
    m->edhoc_cert = (struct sg_buf)SG_BUF_INIT(8192);
    m->metrology_cert = (struct sg_buf)SG_BUF_INIT(8192);
    int r =
        issue(SG_KEY_P256, serial, w, a->utility, a->utility_key, &m->edhoc_key, &m->edhoc_cert);
    const enum sg_key_type type = sim_signs_rsa(w->params, i) ? SG_KEY_RSA2048 : SG_KEY_P256;
    return r ? r : issue(type, serial, w, a->ca, a->ca_key, &m->metrology_key, &m->metrology_cert);
}

static void *make_meters(void *user)
{
    struct work *w = user;
    for (;;) {
        const unsigned i = atomic_fetch_add(&w->next, 1);
        if (i >= w->params->meters || atomic_load(&w->failure))
            return NULL;
        int r = make_meter(w, i);
        if (r)
            atomic_store(&w->failure, r);
    }
}

/* The first thread is the caller's own. */
static int make_all(struct work *w)
{
    pthread_t helper[THREADS - 1];
    int started = 0;
    while (started < THREADS - 1 && pthread_create(&helper[started], NULL, make_meters, w) == 0)
        started++;
    make_meters(w);
    while (started > 0)
        pthread_join(helper[--started], NULL);
    const int r = atomic_load(&w->failure);
    return r ? sg_raise(r) : 0;
}

/* ---- files --------------------------------------------------------------------------------- */

static int put_string(struct sg_buf *b, struct sg_bytes s)
{
    int r = sg_buf_append_be32(b, (uint32_t)s.len);
    return r ? r : sg_buf_append(b, s);
}

static int write_file(const char *dir, const char *name, const struct sg_buf *b, unsigned mode)
{
    char path[SIM_PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
        return sg_raise(-ENAMETOOLONG);
    return sg_file_write_atomic(path, sg_buf_bytes(b), mode);
}

/* below: a certificate under the first, in the same file, or NULL. */
static int write_certs(const char *dir, const char *name, const struct sg_cert *cert,
                       const struct sg_cert *below)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(65536);
    int r = sg_cert_pem(cert, &pem);
    if (r == 0 && below)
        r = sg_cert_pem(below, &pem);
    return r ? r : write_file(dir, name, &pem, 0644);
}

static int write_keys(const struct work *w, const char *dir)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT_SECRET(FILE_MAX);
    int r = 0;
    for (int64_t i = 0; r == 0 && i < w->params->meters; i++) {
        const struct issued *m = &w->issued[i];
        r = put_string(&file, sg_buf_bytes(&m->edhoc_key));
        if (r == 0)
            r = put_string(&file, sg_buf_bytes(&m->edhoc_cert));
        if (r == 0)
            r = put_string(&file, sg_buf_bytes(&m->metrology_key));
        if (r == 0)
            r = put_string(&file, sg_buf_bytes(&m->metrology_cert));
    }
    return r ? r : write_file(dir, "meters.keys", &file, 0600);
}

static struct sg_row_installation installation(const struct sim_fleet *f, const struct work *w,
                                               uint32_t i)
{
    struct sg_row_installation row = {
        .client_id = sim_client_id(w->params, i),
        .from_ts_s = f->start_s,
        .open = true,
        .ratio_num = 1,
        .ratio_den = 1,
        .metrology_cert = sg_buf_bytes(&w->issued[i].metrology_cert),
    };
    const bool home = sg_model_meter(f->model, i)->load == SG_LOAD_HOME;
    sim_serial(w->params, i, row.serial);
    snprintf(row.tariff_class, sizeof(row.tariff_class), "%s", home ? "B1" : "B3");
    return row;
}

static int put_row(struct sg_buf *file, uint32_t table, const struct sg_buf *partition,
                   const struct sg_buf *sort, const struct sg_buf *value)
{
    int r = sg_buf_append_be32(file, table);
    if (r == 0)
        r = put_string(file, sg_buf_bytes(partition));
    if (r == 0)
        r = put_string(file, sg_buf_bytes(sort));
    return r ? r : put_string(file, sg_buf_bytes(value));
}

static int put_installation(struct sg_buf *file, const struct sg_row_installation *row)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(65536);
    int r = sg_row_client_partition(&partition, row->client_id);
    if (r == 0)
        r = sg_row_int_sort(&sort, row->from_ts_s);
    if (r == 0)
        r = sg_row_installation_encode(&value, row);
    return r ? r : put_row(file, SG_TABLE_INSTALLATION, &partition, &sort, &value);
}

static int put_credential(struct sg_buf *file, const struct sg_row_credential *row)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    uint8_t x5t[32];
    int r = sg_cert_load(&cert, row->edhoc_cert);
    if (r)
        return r;
    sg_cert_fingerprint(cert, x5t);
    r = sg_row_x5t_partition(&partition, x5t);
    if (r == 0)
        r = sg_row_int_sort(&sort, 0);
    if (r == 0)
        r = sg_row_credential_encode(&value, row);
    return r ? r : put_row(file, SG_TABLE_CREDENTIAL, &partition, &sort, &value);
}

static int write_rows(const struct sim_fleet *f, const struct work *w, const char *dir)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(FILE_MAX);
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < w->params->meters; i++) {
        const struct sg_row_installation row = installation(f, w, i);
        struct sg_row_credential c = {.client_id = row.client_id,
                                      .edhoc_cert = sg_buf_bytes(&w->issued[i].edhoc_cert),
                                      .metrology_cert = row.metrology_cert};
        memcpy(c.serial, row.serial, sizeof(c.serial));
        r = put_installation(&file, &row);
        if (r == 0)
            r = put_credential(&file, &c);
    }
    return r ? r : write_file(dir, "fleet.rows", &file, 0600);
}

static void put_json_installation(struct sg_json *j, const struct sg_row_installation *row)
{
    char from[SG_RFC3339_MAX];
    SG_CLEANUP(sg_buf_clear) struct sg_buf cert = SG_BUF_INIT(65536);
    sg_time_rfc3339(from, row->from_ts_s);
    sg_json_object(j);
    sg_json_key(j, "client_id");
    sg_json_int(j, row->client_id);
    sg_json_key(j, "meter_serial");
    sg_json_str(j, row->serial);
    sg_json_key(j, "from");
    sg_json_str(j, from);
    sg_json_key(j, "until");
    sg_json_null(j);
    sg_json_key(j, "ratio_num");
    sg_json_int(j, row->ratio_num);
    sg_json_key(j, "ratio_den");
    sg_json_int(j, row->ratio_den);
    sg_json_key(j, "class");
    sg_json_str(j, row->tariff_class);
    sg_json_key(j, "metrology_cert");
    if (sg_base64_append(&cert, row->metrology_cert) == 0)
        sg_json_strn(j, sg_buf_bytes(&cert));
    else
        sg_json_null(j);
    sg_json_end_object(j);
}

static int write_installations(const struct sim_fleet *f, const struct work *w, const char *dir)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(FILE_MAX);
    struct sg_json j;
    sg_json_init(&j, &file);
    sg_json_array(&j);
    for (uint32_t i = 0; i < w->params->meters; i++) {
        const struct sg_row_installation row = installation(f, w, i);
        put_json_installation(&j, &row);
    }
    sg_json_end_array(&j);
    int r = sg_json_done(&j);
    return r ? r : write_file(dir, "installations.json", &file, 0644);
}

/* Energies over all days, so that the loss can be ranked. */
static int put_label(const struct sim_fleet *f, uint32_t i, struct sg_buf *file)
{
    const struct sg_model_meter *mm = sg_model_meter(f->model, i);
    int64_t true_wh = 0, reported_wh = 0;
    struct sg_model_day d;
    sg_model_day(f->model, i, 0, &d);
    for (int64_t day = 0;; day++) {
        true_wh += d.true_wh;
        for (uint32_t k = 0; k < sg_model_per_day(f->model); k++)
            reported_wh += d.wh[k];
        if (day + 1 >= f->params.days)
            break;
        sg_model_next_day(f->model, &d);
    }
    return sg_buf_printf(file, "%lld,%d,%d,%d,%lld,%lld\n", (long long)sim_client_id(&f->params, i),
                         mm->fraud != SG_FRAUD_NONE, (int)mm->fraud,
                         mm->fraud ? (int)mm->fraud_day : -1, (long long)true_wh,
                         (long long)reported_wh);
}

static int write_labels(const struct sim_fleet *f, const char *dir)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(FILE_MAX);
    int r = sg_buf_printf(&file, "customer,label,type,start_day,true_wh,reported_wh\n");
    for (uint32_t i = 0; r == 0 && i < f->params.meters; i++)
        r = put_label(f, i, &file);
    return r ? r : write_file(dir, "fraud-labels.csv", &file, 0644);
}

static int print_params(const struct sim_params *p, struct sg_buf *b)
{
    char data[PATH_MAX] = "";
    if (p->data && p->data[0] && !realpath(p->data, data))
        return sg_raisef(-errno, "%s", p->data);
    return sg_buf_printf(b,
                         "meters: %lld\ndays: %lld\ninterval: %lld\nseed: %lld\nstart: \"%s\"\n"
                         "data: \"%s\"\nfraud-permille: %lld\nfraud-phasor-permille: %lld\n"
                         "rsa-percent: %lld\nsingle-percent: %lld\nsingle-days: %lld\n",
                         (long long)p->meters, (long long)p->days, (long long)p->interval,
                         (long long)p->seed, p->start, data, (long long)p->fraud_permille,
                         (long long)p->fraud_phasor_permille, (long long)p->rsa_percent,
                         (long long)p->single_percent, (long long)p->single_days);
}

/* fleet.yaml is written last: with it the folder is complete. */
static int write_files(const struct sim_fleet *f, const struct work *w, const char *dir,
                       const struct sg_buf *yaml)
{
    int r = write_certs(dir, "authority-root.pem", w->authority->root, w->authority->ca);
    if (r == 0)
        r = write_certs(dir, "authority-ca.pem", w->authority->ca, NULL);
    if (r == 0)
        r = write_certs(dir, "meter-ca.pem", w->authority->utility, NULL);
    if (r == 0)
        r = write_keys(w, dir);
    if (r == 0)
        r = write_rows(f, w, dir);
    if (r == 0)
        r = write_installations(f, w, dir);
    if (r == 0)
        r = write_labels(f, dir);
    return r ? r : write_file(dir, "fleet.yaml", yaml, 0644);
}

static bool already_there(const char *dir, const struct sg_buf *yaml)
{
    char path[SIM_PATH_MAX];
    SG_CLEANUP(sg_buf_clear) struct sg_buf there = SG_BUF_INIT(65536);
    return snprintf(path, sizeof(path), "%s/fleet.yaml", dir) < (int)sizeof(path) &&
           sg_file_read(path, &there) == 0 &&
           sg_bytes_equal(sg_buf_bytes(&there), sg_buf_bytes(yaml));
}

static void clear_issued(struct issued *m)
{
    sg_buf_clear(&m->edhoc_key);
    sg_buf_clear(&m->edhoc_cert);
    sg_buf_clear(&m->metrology_key);
    sg_buf_clear(&m->metrology_cert);
}

static int provision(const struct sim_fleet *f, const char *dir, const struct sg_buf *yaml)
{
    SG_CLEANUP(clear_authority) struct authority authority = {.root = NULL};
    const int64_t now = sg_clock_unix_s();
    struct work w = {
        .params = &f->params,
        .authority = &authority,
        .not_before_s = (now < f->start_s ? now : f->start_s) - 86400,
        .not_after_s = (now > f->start_s ? now : f->start_s) + 15 * YEAR_S,
    };
    int r = make_authority(&authority, &w);
    if (r)
        return r;
    w.issued = calloc((size_t)f->params.meters, sizeof(*w.issued));
    if (!w.issued)
        return sg_raise(-ENOMEM);
    r = make_all(&w);
    if (r == 0)
        r = write_files(f, &w, dir, yaml);
    for (int64_t i = 0; i < f->params.meters; i++)
        clear_issued(&w.issued[i]);
    free(w.issued);
    return r;
}

int sim_provision(const struct sim_params *p, const char *dir, bool *ret_made)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf yaml = SG_BUF_INIT(65536);
    SG_CLEANUP(sim_fleet_clear) struct sim_fleet f = {.keys = NULL};
    int r = print_params(p, &yaml);
    if (r)
        return r;
    *ret_made = !already_there(dir, &yaml);
    if (!*ret_made)
        return 0;
    r = sim_fleet_init(&f, p);
    if (r == 0)
        r = sg_mkdir_p(dir, 0755);
    return r ? r : provision(&f, dir, &yaml);
}
