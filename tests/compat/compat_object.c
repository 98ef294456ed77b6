/*
 * compat_object - manifests and fragments of every version ever written give their contents: the
 * image's segments are laid into the volumes of a small store, the manifest into its place, and the
 * object is read, with all shards and with as few as the policy needs.
 */
#include "image.h"

#include <fcntl.h>
#include <unistd.h>

#include <sealgrid/kv.h>

#include "libs/kvs/object-int.h"

#define VOLUMES 6

static struct image image;

struct bench {
    char paths[VOLUMES][96];
    struct sg_store *store;
    struct sg_kv *kv;
};

static char root[] = "/tmp/sealgrid-compat-XXXXXX";

static void require(bool ok, const char *what)
{
    image_require(&image, ok, "objects", what);
}

static void open_store(struct bench *t)
{
    static const uint8_t key[32] = {1};
    const struct sg_store_kek kek = {.epoch = 1, .key = SG_BYTES_ARRAY(key)};
    const struct sg_store_bucket bucket = {
        .name = "evidence", .keks = &kek, .n_keks = 1, .name_key = SG_BYTES_ARRAY(key)};
    const char *volumes[VOLUMES];
    require(mkdtemp(root) != NULL, "no folder");
    for (int i = 0; i < VOLUMES; i++) {
        snprintf(t->paths[i], sizeof(t->paths[i]), "%s/v%d", root, i);
        volumes[i] = t->paths[i];
    }
    const struct sg_store_options o = {.volumes = volumes,
                                       .n_volumes = VOLUMES,
                                       .buckets = &bucket,
                                       .n_buckets = 1,
                                       .index_bytes = 1u << 20};
    require(sg_store_open(&t->store, &o) == 0, "the store does not open");
    require(sg_kv_open_local(&t->kv, t->store) == 0, "no session");
}

static void lay_segment(const struct bench *t, int slot)
{
    char name[32], path[160];
    snprintf(name, sizeof(name), "segment_%d", slot);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = image_octets(&image, name);
    snprintf(path, sizeof(path), "%s/fragments/00000007", t->paths[slot]);
    require(sg_file_write_atomic(path, sg_buf_bytes(&b), 0600) == 0, "a segment is not written");
}

static void lay_manifest(const struct bench *t, const char *set, const char *name)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = image_octets(&image, set);
    const struct sg_kv_op op = {
        .kind = SG_KV_PUT, .key = sg_object_key(sg_bytes_str(name)), .value = sg_buf_bytes(&b)};
    require(sg_store_batch(t->store, sg_store_bucket(t->store, "evidence"), &op, 1, NULL) == 0,
            "the manifest is not written");
}

static void check_manifest(const char *set)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = image_octets(&image, set);
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(1u << 16);
    struct sg_manifest m;
    require(sg_manifest_decode(sg_buf_bytes(&b), &m) == 0, "a manifest does not decode");
    require(sg_manifest_encode(&m, &again) == 0, "a manifest does not encode");
    image_expect_octets(&image, set, sg_buf_bytes(&again));
    sg_manifest_clear(&m);
}

static void expect_contents(const struct bench *t)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf got = SG_BUF_INIT(1u << 16);
    require(sg_kv_object_get(t->kv, "evidence", "bill", &got) == 0, "the object does not open");
    image_expect_octets(&image, "contents", sg_buf_bytes(&got));
}

/* Any two volumes may be without their segment. */
static void lose_two(const struct bench *t)
{
    for (int a = 0; a < VOLUMES; a++)
        for (int b = a + 1; b < VOLUMES; b++) {
            char path[160];
            snprintf(path, sizeof(path), "%s/fragments/00000007", t->paths[a]);
            require(unlink(path) == 0, "unlink");
            snprintf(path, sizeof(path), "%s/fragments/00000007", t->paths[b]);
            require(unlink(path) == 0, "unlink");
            expect_contents(t);
            lay_segment(t, a);
            lay_segment(t, b);
        }
}

int main(int argc, char **argv)
{
    struct bench t = {.store = NULL};
    const struct sg_scrub_options full = {.depth = SG_SCRUB_FULL, .volumes = SG_SCRUB_ALL_VOLUMES};
    struct sg_scrub_report report;
    SG_CLEANUP(sg_buf_clear) struct sg_buf small = SG_BUF_INIT(64);

    image_open(&image, argc > 1 ? argv[1] : "tests/compat/store/objects-v1.txt");
    check_manifest("manifest");
    check_manifest("manifest_inline");
    open_store(&t);
    for (int slot = 0; slot < VOLUMES; slot++)
        lay_segment(&t, slot);
    lay_manifest(&t, "manifest", "bill");
    lay_manifest(&t, "manifest_inline", "note");
    expect_contents(&t);
    require(sg_store_scrub(t.store, &full, &report) == 0 && report.damage == 0 &&
                report.objects == 2 && report.fragments == 18,
            "scrub finds fault");
    lose_two(&t);
    require(sg_kv_object_get(t.kv, "evidence", "note", &small) == 0 &&
                sg_bytes_equal(sg_buf_bytes(&small), SG_BYTES_LIT("short")),
            "the inline object");
    sg_kv_free(t.kv);
    sg_store_close(t.store);
    require(sg_remove_tree(root) == 0, "cleaning up");
    printf("%s: everything opens\n", image.path);
    sg_buf_clear(&image.text);
    return 0;
}
