#pragma once
/*
 * test-cas - what the tests of casd share: a folder with a platform and a policy that allows this
 * very test program as two services, and a client that may misbehave at every step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/crypto/hash.h>
#include <sealgrid/tee/sim.h>

#include <stdio.h>

#include "service-int.h"

struct world {
    char dir[64];      /* everything below */
    char platform[96]; /* simulated platform */
    char state[96];    /* casd's */
    char policy[96];   /* file */
    struct sg_tee_provider *tee;
    char pin[SG_CAS_PIN_LEN + 1];
    struct sg_cas_now now;
};

static inline void write_text(const char *path, const char *text)
{
    assert_int_equal(sg_file_write_atomic(path, sg_bytes_str(text), 0600), 0);
}

/* Not durable, hence fast. */
static inline void write_plain(const char *path, struct sg_bytes contents)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    if (contents.len) /* empty ones may have no address, which fwrite must not get */
        assert_int_equal(fwrite(contents.data, 1, contents.len, f), contents.len);
    assert_int_equal(fclose(f), 0);
}

/* Version n of a policy whose services "alpha" and "beta" and "operator" are this program, and
 * "gamma" another one. */
static inline void policy_text(unsigned version, const char *more_secrets, char *ret, size_t size)
{
    uint8_t self[32];
    char hex[65];
    assert_int_equal(sg_sim_measure_self(self), 0);
    sg_hex(hex, self, sizeof self);
    int n = snprintf(ret, size,
                     "version: %u\n"
                     "buckets:\n"
                     "  metering: {epochs: 2}\n"
                     "secrets:\n"
                     "  edhoc/suite2: {kind: edhoc}\n"
                     "  api-key/reader: {kind: api-key}\n"
                     "  note: {kind: text, text: hello}\n"
                     "  imported: {kind: file, path: imported.txt}\n"
                     "%s"
                     "services:\n"
                     "  alpha:\n"
                     "    measurements: ['%s']\n"
                     "    ip: 127.0.0.1\n"
                     "    dns: localhost\n"
                     "    secrets: ['kek/metering/*', name-key/metering, note, imported]\n"
                     "  beta:\n"
                     "    measurements: ['%s']\n"
                     "    secrets: ['edhoc/suite2/*', api-key/reader]\n"
                     "  operator:\n"
                     "    measurements: ['%s']\n"
                     "  gamma:\n"
                     "    measurements: ['%064d']\n"
                     "  nobody:\n"
                     "    measurements: []\n",
                     version, more_secrets, hex, hex, hex, 7);
    assert_true(n > 0 && (size_t)n < size);
}

static inline struct sg_cas_init init_options(const struct world *w)
{
    return (struct sg_cas_init){.dir = w->state,
                                .policy = w->policy,
                                .tee = w->tee,
                                .seal = SG_TEE_SEAL_MEASUREMENT,
                                .sim_platform = w->platform};
}

/* A new folder, in memory where there is such a place: thousands of syncs cost nothing there, and a
 * kill -9 does not know the difference. */
static inline void make_folder(char *ret, size_t size, const char *name)
{
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(ret, size, "%s/sg-test-%s-XXXXXX", parent, name);
    assert_non_null(mkdtemp(ret));
}

/* Folder, platform, policy; no state yet. */
static inline void world_new(struct world *w)
{
    char text[4096], path[128];
    *w = (struct world){.now = {1800000000, 1000}};
    make_folder(w->dir, sizeof w->dir, "cas");
    snprintf(w->platform, sizeof w->platform, "%s/platform", w->dir);
    snprintf(w->state, sizeof w->state, "%s/state", w->dir);
    snprintf(w->policy, sizeof w->policy, "%s/policy.yaml", w->dir);
    snprintf(path, sizeof path, "%s/imported.txt", w->dir);
    assert_int_equal(sg_sim_platform_create(w->platform), 0);
    assert_int_equal(sg_tee_provider_open(&w->tee, "sim", w->platform), 0);
    policy_text(1, "", text, sizeof text);
    write_text(w->policy, text);
    write_text(path, "imported contents");
}

static inline void world_init(struct world *w)
{
    world_new(w);
    struct sg_cas_init o = init_options(w);
    assert_int_equal(sg_cas_init(&o, w->pin), 0);
}

static inline void world_clear(struct world *w)
{
    sg_tee_provider_free(w->tee);
    assert_int_equal(sg_remove_tree(w->dir), 0);
}
