#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>
#include <sys/stat.h>

#include "sim-int.h"

#define SEALING_LEN 32

static const char warning[] =
    "This folder is a SIMULATED trusted platform of Sealgrid, for development.\n"
    "It protects nobody: its keys are plain files. Whoever can read them can claim to be any\n"
    "program, obtain every secret and open every sealed state. Never use it with real data.\n";

static int path_in(const char *dir, const char *name, char **ret)
{
    return asprintf(ret, "%s/%s", dir, name) < 0 ? sg_raise(-ENOMEM) : 0;
}

static int read_in(const char *dir, const char *name, struct sg_buf *ret)
{
    SG_FREE char *path = NULL;
    int r = path_in(dir, name, &path);
    return r < 0 ? r : sg_file_read(path, ret);
}

static int write_in(const char *dir, const char *name, struct sg_bytes bytes, unsigned mode)
{
    SG_FREE char *path = NULL;
    int r = path_in(dir, name, &path);
    return r < 0 ? r : sg_file_write_atomic(path, bytes, mode);
}

/* platform.pub is written last, so its presence means that the rest is there. */
static int is_complete(const char *dir, bool *ret)
{
    struct stat st;
    SG_FREE char *path = NULL;
    int r = path_in(dir, "platform.pub", &path);
    if (r < 0)
        return r;
    *ret = stat(path, &st) == 0;
    return 0;
}

static int write_private_files(const char *dir, const struct sg_key *key)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT_SECRET(4096);
    SG_CLEANUP(sg_secret_clear) struct sg_secret sealing = SG_SECRET_INIT;
    int r = sg_key_private_der(key, &der);
    if (r == 0)
        r = sg_secret_random(&sealing, SEALING_LEN);
    if (r == 0)
        r = write_in(dir, "README.txt", SG_BYTES(warning, sizeof warning - 1), 0644);
    if (r == 0)
        r = write_in(dir, "platform.key", sg_buf_bytes(&der), 0600);
    if (r == 0)
        r = write_in(dir, "sealing.key", sg_secret_bytes(&sealing), 0600);
    return r;
}

int sg_sim_platform_create(const char *dir)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(1024);
    bool complete = false;
    int r = is_complete(dir, &complete);
    if (r < 0 || complete)
        return r;
    r = sg_mkdir_p(dir, 0700);
    if (r == 0)
        r = sg_key_generate(&key, SG_KEY_P256);
    if (r == 0)
        r = sg_key_public_der(key, &spki);
    if (r == 0)
        r = write_private_files(dir, key);
    if (r == 0)
        r = write_in(dir, "platform.pub", sg_buf_bytes(&spki), 0644);
    return r;
}

int sg_sim_platform_public(const char *dir, struct sg_key **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(1024);
    int r = read_in(dir, "platform.pub", &spki);
    return r < 0 ? r : sg_key_load_public(ret, sg_buf_bytes(&spki));
}

int sg_sim_platform_private(const char *dir, struct sg_key **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT_SECRET(4096);
    int r = read_in(dir, "platform.key", &der);
    return r < 0 ? r : sg_key_load_private(ret, sg_buf_bytes(&der));
}

int sg_sim_platform_sealing(const char *dir, struct sg_secret *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT_SECRET(SEALING_LEN + 1);
    int r = read_in(dir, "sealing.key", &b);
    if (r < 0)
        return r;
    if (b.len != SEALING_LEN)
        return sg_raisef(-EBADMSG, "sealing.key of the simulated platform has %zu octets", b.len);
    return sg_secret_copy(ret, sg_buf_bytes(&b));
}

int sg_sim_measure_self(uint8_t ret[32])
{
    return sg_sha256_file("/proc/self/exe", ret);
}

int sg_sim_derive_sealing(struct sg_bytes platform_secret, enum sg_tee_seal policy,
                          const uint8_t measurement[32], const char *label, struct sg_secret *ret)
{
    uint8_t salt[32], prk[32];
    SG_CLEANUP(sg_buf_clear) struct sg_buf info = SG_BUF_INIT(256);
    int r = sg_buf_append_u8(&info, (uint8_t)policy);
    if (r == 0 && policy == SG_TEE_SEAL_MEASUREMENT)
        r = sg_buf_append(&info, SG_BYTES(measurement, 32));
    if (r == 0)
        r = sg_buf_append(&info, sg_bytes_str(label));
    if (r == 0)
        r = sg_secret_new(ret, 32);
    if (r < 0)
        return r;
    sg_sha256(salt, SG_BYTES_LIT("sealgrid-sim-seal-v1"));
    sg_hkdf_extract(prk, SG_BYTES_ARRAY(salt), platform_secret);
    sg_hkdf_expand(ret->data, ret->len, SG_BYTES_ARRAY(prk), sg_buf_bytes(&info));
    sg_wipe(prk, sizeof prk);
    return 0;
}
