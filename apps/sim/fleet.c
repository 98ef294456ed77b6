#include "fleet.h"

#include <limits.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/crypto/hash.h>

#define KEYS_FILE_MAX ((size_t)4 << 30)

/* ---- who is meter i ------------------------------------------------------------------------ */

/* A permutation of 0..m-1 for a multiplier prime to m: every meter has its own number. */
static uint64_t permuted(const struct sim_params *p, uint32_t i, uint64_t multiplier, uint64_t m)
{
    struct sg_prng rng;
    sg_prng_seed2(&rng, (uint64_t)p->seed, UINT64_C(0x6964));
    return (i * multiplier + sg_prng_below(&rng, m)) % m;
}

int64_t sim_client_id(const struct sim_params *p, uint32_t i)
{
    return 3000000000 + (int64_t)permuted(p, i, 387420489, 1000000000); /* 3^18 and 10^9 */
}

void sim_serial(const struct sim_params *p, uint32_t i, char ret[SG_BLOCK_SERIAL_MAX + 1])
{
    snprintf(ret, SG_BLOCK_SERIAL_MAX + 1, "%08u",
             (unsigned)(10000000 + permuted(p, i, 40353607, 90000000))); /* 7^9 and 9 10^7 */
}

static bool in_share(uint32_t i, int64_t percent)
{
    return (int64_t)((uint64_t)i * 37 % 100) < percent;
}

bool sim_signs_rsa(const struct sim_params *p, uint32_t i)
{
    return in_share(i, p->rsa_percent);
}

/* From the other end of the hundred, so that few are both. */
bool sim_sends_single(const struct sim_params *p, uint32_t i)
{
    return (int64_t)((uint64_t)i * 37 % 100) >= 100 - p->single_percent && !sim_signs_rsa(p, i);
}

enum sg_sign_alg sim_alg(const struct sim_params *p, uint32_t i)
{
    return sim_signs_rsa(p, i) ? SG_SIGN_PS256 : SG_SIGN_ES256;
}

/* ---- blocks -------------------------------------------------------------------------------- */

static uint32_t days_of_blocks(const struct sim_fleet *f, uint32_t i)
{
    const int64_t single = sim_sends_single(&f->params, i) ? f->params.single_days : 0;
    return (uint32_t)(f->params.days > single ? f->params.days - single : 0);
}

uint32_t sim_block_count(const struct sim_fleet *f, uint32_t i)
{
    const uint32_t whole = days_of_blocks(f, i);
    return whole + ((uint32_t)f->params.days - whole) * sg_model_per_day(f->model);
}

void sim_block_range(const struct sim_fleet *f, uint32_t i, uint32_t b, uint64_t *ret_first,
                     uint32_t *ret_count)
{
    const uint32_t whole = days_of_blocks(f, i), per_day = sg_model_per_day(f->model);
    const bool single = b >= whole;
    *ret_first = single ? (uint64_t)whole * per_day + (b - whole) : (uint64_t)b * per_day;
    *ret_count = single ? 1 : per_day;
}

/* A meter would draw a fresh seed; ours is derived, so that a block made again has the same leaves.
 */
static int block_seed(const struct sim_fleet *f, uint32_t i, const struct sg_reading *first,
                      uint64_t count, uint8_t ret[SG_BLOCK_SEED_LEN])
{
    uint8_t n[8], digest[SG_ROW_DIGEST_LEN];
    int r = sg_row_digest(first, digest);
    if (r)
        return r;
    sg_store_be64(n, count);
    const struct sg_bytes parts[] = {SG_BYTES_ARRAY(n), SG_BYTES_ARRAY(digest)};
    sg_hmac_sha256(ret, SG_BYTES_ARRAY(f->keys[i].block_secret), parts, 2);
    return 0;
}

int sim_sign_readings(const struct sim_fleet *f, uint32_t i, const struct sg_reading *readings,
                      size_t n, struct sg_buf *ret)
{
    uint8_t seed[SG_BLOCK_SEED_LEN];
    struct sg_block_header h = {
        .first_seq = readings[0].seq,
        .first_ts_s = readings[0].ts_s,
        .interval_s = (uint32_t)f->params.interval,
        .clock = SG_CLOCK_OK,
        .software = 1,
        .format = SG_BLOCK_FORMAT,
    };
    sim_serial(&f->params, i, h.serial);
    int r = block_seed(f, i, &readings[0], n, seed);
    return r ? r
             : sg_block_sign(&h, readings, n, f->keys[i].metrology, sim_alg(&f->params, i), seed,
                             ret);
}

int sim_make_block(const struct sim_fleet *f, uint32_t i, uint32_t b, struct sg_buf *ret)
{
    struct sg_reading readings[SG_BLOCK_READINGS_MAX];
    struct sg_model_day day;
    uint64_t first;
    uint32_t count;
    const uint32_t per_day = sg_model_per_day(f->model);
    sim_block_range(f, i, b, &first, &count);
    sg_model_day(f->model, i, (uint32_t)(first / per_day), &day);
    for (uint32_t k = 0; k < count; k++)
        sg_model_reading(f->model, &day, (uint32_t)(first % per_day) + k, &readings[k]);
    return sim_sign_readings(f, i, readings, count, ret);
}

/* ---- the folder ---------------------------------------------------------------------------- */

static int copy_params(struct sim_params *ret, const struct sim_params *p)
{
    *ret = *p;
    ret->start = strdup(p->start);
    ret->data = strdup(p->data ? p->data : "");
    return ret->start && ret->data ? 0 : sg_raise(-ENOMEM);
}

static int make_model(struct sim_fleet *f)
{
    const struct sim_params *p = &f->params;
    const uint32_t days = (uint32_t)p->days;
    int r = sg_time_parse(p->start, &f->start_s);
    if (r == 0 && p->data[0])
        r = sg_load_data_open(&f->data, p->data);
    if (r)
        return r;
    const struct sg_model_config c = {
        .seed = (uint64_t)p->seed,
        .meters = (uint32_t)p->meters,
        .days = days,
        .interval_s = (uint32_t)p->interval,
        .start_s = f->start_s,
        .data = f->data,
        .fraud_permille = (unsigned)p->fraud_permille,
        .fraud_phasor_permille = (unsigned)p->fraud_phasor_permille,
        /* After a regular half, and so that a whole third is left with all thieves at it. */
        .fraud_first_day = days / 2,
        .fraud_last_day = days * 2 / 3,
    };
    return sg_model_new(&f->model, &c);
}

int sim_fleet_init(struct sim_fleet *f, const struct sim_params *p)
{
    *f = (struct sim_fleet){.keys = NULL};
    int r = copy_params(&f->params, p);
    return r ? r : make_model(f);
}

int sim_fleet_open(struct sim_fleet *f, const char *dir)
{
#define SIM_O(name, type, member, def, min, max, help)                                             \
    {                                                                                              \
        name, type, offsetof(struct sim_fleet, member), def, min, max, false, help                 \
    }
    static const struct sg_conf_option options[] = {SIM_PARAM_OPTIONS(SIM_O, params)};
#undef SIM_O
    static const struct sg_conf_table table = {.program = "fleet",
                                               .summary = "parameters of a fleet",
                                               .options = options,
                                               .n = sizeof(options) / sizeof(options[0])};
    char path[SIM_PATH_MAX], program[] = "fleet", flag[] = "--conf";
    char *argv[] = {program, flag, path, NULL};
    int first;
    *f = (struct sim_fleet){.keys = NULL};
    if (snprintf(path, sizeof(path), "%s/fleet.yaml", dir) >= (int)sizeof(path))
        return sg_raise(-ENAMETOOLONG);
    int r = sg_conf_parse(&table, 3, argv, f, &first);
    if (r)
        return r > 0 ? sg_raisef(-EINVAL, "%s", path) : r;
    return make_model(f);
}

static void clear_keys(struct sim_keys *k)
{
    sg_edhoc_identity_freep(&k->edhoc);
    sg_key_freep(&k->metrology);
    sg_wipe(k->block_secret, sizeof(k->block_secret));
}

void sim_fleet_clear(struct sim_fleet *f)
{
    for (int64_t i = 0; f->keys && i < f->params.meters; i++)
        clear_keys(&f->keys[i]);
    free(f->keys);
    sg_model_free(f->model);
    sg_load_data_free(f->data);
    free(f->params.start);
    free(f->params.data);
    *f = (struct sim_fleet){.keys = NULL};
}

/* ---- meters.keys: per meter four strings, each be32 length and octets ----------------------- */

static bool take_string(struct sg_reader *in, struct sg_bytes *ret)
{
    uint32_t n;
    return sg_take_be32(in, &n) && sg_take(in, n, ret);
}

static int load_identity(struct sim_keys *k, struct sg_bytes key_der, struct sg_bytes cert_der)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    int r = sg_key_load_private(&key, key_der);
    if (r == 0)
        r = sg_cert_load(&cert, cert_der);
    if (r == 0)
        r = sg_edhoc_identity_x509(&k->edhoc, cert, key);
    if (r == 0)
        key = NULL; /* the identity's now */
    return r;
}

static int load_one(struct sim_keys *k, struct sg_reader *in)
{
    struct sg_bytes edhoc_key, edhoc_cert, metrology_key, metrology_cert;
    if (!take_string(in, &edhoc_key) || !take_string(in, &edhoc_cert) ||
        !take_string(in, &metrology_key) || !take_string(in, &metrology_cert))
        return sg_raise(-EBADMSG);
    const struct sg_bytes label = SG_BYTES_LIT("sealgrid-sim block secret");
    sg_hmac_sha256(k->block_secret, metrology_key, &label, 1);
    int r = load_identity(k, edhoc_key, edhoc_cert);
    return r ? r : sg_key_load_private(&k->metrology, metrology_key);
}

int sim_fleet_load_keys(struct sim_fleet *f, const char *dir)
{
    char path[SIM_PATH_MAX];
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT_SECRET(KEYS_FILE_MAX);
    if (snprintf(path, sizeof(path), "%s/meters.keys", dir) >= (int)sizeof(path))
        return sg_raise(-ENAMETOOLONG);
    int r = sg_file_read(path, &file);
    if (r)
        return r;
    f->keys = calloc((size_t)f->params.meters, sizeof(*f->keys));
    if (!f->keys)
        return sg_raise(-ENOMEM);
    struct sg_reader in = sg_reader_over(sg_buf_bytes(&file));
    for (int64_t i = 0; r == 0 && i < f->params.meters; i++)
        r = load_one(&f->keys[i], &in);
    return r || in.left == 0 ? r : sg_raise(-EBADMSG);
}
