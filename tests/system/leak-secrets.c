/*
 * leak-secrets FLEET EVIDENCE CASD-PROGRAM CAS PLATFORM [CLIENTS] - writes the list that
 * leak-search reads: what must never stand readable at rest.
 *
 * Of up to CLIENTS (1,000) clients with an evidence file below the folder EVIDENCE: client number,
 * meter serial, signature prefixes, block seeds, and values (energy registers, and runs of four
 * neighbouring fields as their leaf has them).  Private keys of the fleet.  Every secret of casd's
 * state, which the simulated platform's folder opens, as it would for any thief.
 */
#include "sim-int.h"
#include "vault-int.h"

#include <dirent.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/billing/evidence.h>
#include <sealgrid/crypto/hash.h>
#include <stdio.h>

#define FILE_BYTES_MAX  (256u << 20)
#define PREFIX          16 /* octets of a signature */
#define BLOCKS_PER_FILE 2

static int put_bytes(const char *label, struct sg_bytes b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf hex = SG_BUF_INIT_SECRET(1 << 20);
    int r = sg_hex_append(&hex, b);
    if (r == 0)
        printf("bytes %s %.*s\n", label, (int)hex.len, (const char *)hex.data);
    return r;
}

/* ---- readings and blocks ---- */

static int put_values(const struct sg_reading *r)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf leaf = SG_BUF_INIT(SG_READING_LEAF_MAX);
    int e = sg_reading_encode(r, &leaf);
    if (e)
        return e;
    /* Behind array head, sequence and time: voltages and currents, three octets or more each. */
    size_t from = leaf.len > 40 ? 12 : 0;
    e = put_bytes("reading", (struct sg_bytes){leaf.data + from, leaf.len > 40 ? 16 : leaf.len});
    int64_t energy = r->field[SG_READING_energy_register];
    if (e == 0 && energy >= 1000000)
        printf("int energy-register %lld\n", (long long)energy);
    return e;
}

static int put_block(const struct sg_evidence_block *b)
{
    int r = put_bytes("signature", SG_BYTES(b->evidence.signature.data, PREFIX));
    if (r == 0)
        r = put_bytes("block-seed", SG_BYTES_ARRAY(b->evidence.seed));
    return r || !b->n_readings ? r : put_values(&b->readings[b->n_readings / 2]);
}

static int put_file(const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(FILE_BYTES_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(FILE_BYTES_MAX);
    SG_FREE struct sg_evidence_block *b = malloc(sizeof *b);
    struct sg_evidence_reader in;
    struct sg_evidence_head head;
    int r = b ? sg_file_read(path, &packed) : sg_raise(-ENOMEM);
    if (r == 0)
        r = sg_fold(sg_evidence_unpack(sg_buf_bytes(&packed), &file));
    if (r == 0)
        r = sg_fold(sg_evidence_open(&in, sg_buf_bytes(&file), &head));
    if (r)
        return r;
    printf("int client %lld\n", (long long)head.client);
    for (uint64_t i = 0; r == 0 && i < head.n_blocks && i < BLOCKS_PER_FILE; i++) {
        r = sg_fold(sg_evidence_next(&in, b));
        if (r == 0 && i == 0)
            printf("text serial %s\n", b->evidence.header.serial);
        if (r == 0)
            r = put_block(b);
    }
    return r;
}

static int put_evidence(const char *folder, long clients)
{
    struct dirent **names;
    int n = scandir(folder, &names, NULL, alphasort), r = n < 0 ? sg_raise_errno() : 0;
    for (int i = 0; i < n; i++) {
        char path[4096], inner[4096];
        snprintf(inner, sizeof inner, "%s/%s", folder, names[i]->d_name);
        DIR *d = r == 0 && clients > 0 && names[i]->d_name[0] != '.' ? opendir(inner) : NULL;
        for (struct dirent *e; d && r == 0 && (e = readdir(d));) {
            if (e->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%.2000s/%.255s", inner, e->d_name);
            r = put_file(path);
            clients--;
        }
        if (d)
            closedir(d);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return r;
}

/* ---- keys ---- */

/* Private scalars (P-256) and first primes (RSA) of every PKCS#8 key in the file, by their DER. */
static int put_fleet_keys(const char *fleet)
{
    static const uint8_t ec[] = {0x02, 0x01, 0x01, 0x04, 0x20}, prime[] = {0x02, 0x81, 0x81, 0x00};
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT_SECRET(FILE_BYTES_MAX);
    char path[4096];
    snprintf(path, sizeof path, "%s/meters.keys", fleet);
    int r = sg_file_read(path, &file);
    size_t found = 0;
    for (size_t at = 0; r == 0 && at + 64 < file.len; at++) {
        const uint8_t *p = file.data + at;
        if (!memcmp(p, ec, sizeof ec)) {
            r = put_bytes("meter-key", SG_BYTES(p + sizeof ec, 32));
            found++;
        } else if (!memcmp(p, prime, sizeof prime)) {
            r = put_bytes("meter-prime", SG_BYTES(p + sizeof prime, 32));
            found++;
        }
    }
    return r ? r : found ? 0 : sg_raisef(-ENODATA, "no keys in %s", path);
}

static int open_vault(const char *casd, const char *cas, const char *platform,
                      struct sg_cas_vault **ret)
{
    SG_CLEANUP(sg_secret_clear) struct sg_secret root = SG_SECRET_INIT;
    SG_CLEANUP(sg_secret_clear) struct sg_secret sealing = SG_SECRET_INIT;
    SG_CLEANUP(sg_cas_vault_freep) struct sg_cas_vault *v = NULL;
    uint8_t measurement[32];
    int r = sg_sha256_file(casd, measurement);
    if (r == 0)
        r = sg_sim_platform_sealing(platform, &root);
    if (r == 0)
        r = sg_sim_derive_sealing(sg_secret_bytes(&root), SG_TEE_SEAL_PLATFORM, measurement,
                                  SG_CAS_SEAL_LABEL, &sealing);
    if (r == 0)
        r = sg_cas_vault_new(&v, cas, &sealing);
    if (r == 0)
        r = sg_fold(sg_cas_vault_load(v));
    if (r == 0)
        *ret = TAKE_PTR(v);
    return r;
}

/* Certificates and roots are public; the rest is not. */
static bool is_secret(const char *name)
{
    return !strstr(name, "cert") && strncmp(name, "authority/", 10) != 0;
}

static int put_vault(const char *casd, const char *cas, const char *platform)
{
    SG_CLEANUP(sg_cas_vault_freep) struct sg_cas_vault *v = NULL;
    int r = open_vault(casd, cas, platform, &v);
    for (size_t i = 0; r == 0 && i < v->secrets.n; i++) {
        struct sg_bytes b = sg_secret_bytes(&v->secrets.items[i].value);
        if (!is_secret(v->secrets.items[i].name))
            continue;
        /* A PKCS#8 key begins with octets that every such key has; its scalar stands at 36. */
        if (strstr(v->secrets.items[i].name, "edhoc") && b.len > 68)
            b = (struct sg_bytes){b.data + 36, 32};
        r = put_bytes(v->secrets.items[i].name, b);
    }
    return r;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: leak-secrets FLEET EVIDENCE CASD-PROGRAM CAS PLATFORM [CLIENTS]\n");
        return 2;
    }
    int r = sg_process_harden();
    if (r == 0)
        r = put_evidence(argv[2], argc > 6 ? strtol(argv[6], NULL, 10) : 1000);
    if (r == 0)
        r = put_fleet_keys(argv[1]);
    if (r == 0)
        r = put_vault(argv[3], argv[4], argv[5]);
    if (r)
        fprintf(stderr, "leak-secrets: %s\n", sg_error_trace());
    return r ? 2 : 0;
}
