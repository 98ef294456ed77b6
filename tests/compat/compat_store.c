/*
 * compat_store - every version of head, page, journal and volume label, and every derivation of
 * names and keys ever written, must open and derive alike: images in tests/compat/store, made
 * independently from the ADRs.
 */
#include "image.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

#include "libs/kvs/head-int.h"
#include "libs/kvs/journal-int.h"
#include "libs/kvs/store-int.h"
#include "libs/kvs/volume-int.h"

static struct image image;

struct fixture {
    struct sg_buf name_key, kek1, kek3, store_key;
    struct sg_bucket_keys bucket;
    uint8_t name[SG_NAME_LEN];
    struct sg_part_keys *keys;
};

static void require(bool ok, const char *name, const char *what)
{
    image_require(&image, ok, name, what);
}

__attribute__((format(printf, 2, 3))) static void expect_words(const char *name, const char *fmt,
                                                               ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    require(sg_bytes_equal(image_find(&image, name), sg_bytes_str(text)), name, text);
}

/* ---- names and keys ---- */

static void load_keys(struct fixture *f)
{
    f->name_key = image_octets(&image, "name_key");
    f->kek1 = image_octets(&image, "kek_1");
    f->kek3 = image_octets(&image, "kek_3");
    f->store_key = image_octets(&image, "store_key");
    const struct sg_store_kek keks[] = {{.epoch = 3, .key = sg_buf_bytes(&f->kek3)},
                                        {.epoch = 1, .key = sg_buf_bytes(&f->kek1)}};
    const struct sg_store_bucket from = {
        .name = "metering", .keks = keks, .n_keks = 2, .name_key = sg_buf_bytes(&f->name_key)};
    require(sg_bucket_keys_init(&f->bucket, &from) == 0, "bucket", "keys are refused");
    require(sg_part_keys_new(&f->keys) == 0, "bucket", "no memory for keys");
}

static void clear_keys(struct fixture *f)
{
    sg_part_keys_free(f->keys);
    sg_bucket_keys_clear(&f->bucket);
    sg_buf_clear(&f->name_key);
    sg_buf_clear(&f->kek1);
    sg_buf_clear(&f->kek3);
    sg_buf_clear(&f->store_key);
}

static void check_name(const struct fixture *f, uint32_t table, struct sg_bytes partition,
                       const char *name)
{
    uint8_t have[SG_NAME_LEN];
    sg_name_partition(&f->bucket, table, partition, have);
    image_expect_octets(&image, name, SG_BYTES_ARRAY(have));
}

static void check_names(struct fixture *f)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = image_octets(&image, "partition");
    uint8_t table_tag[SG_TABLE_TAG_LEN];

    check_name(f, 6, sg_buf_bytes(&partition), "partition_name");
    check_name(f, 0, SG_BYTES_LIT("evidence/3000000001"), "object_name");
    check_name(f, SG_TABLE_SETTINGS, SG_BYTES_NONE, "settings_name");
    sg_name_table(&f->bucket, 6, table_tag);
    image_expect_octets(&image, "table_tag", SG_BYTES_ARRAY(table_tag));
    image_expect_octets(&image, "bucket_tag", SG_BYTES_ARRAY(f->bucket.tag));
    sg_name_partition(&f->bucket, 6, sg_buf_bytes(&partition), f->name);
}

/* ---- heads and pages ---- */

static void check_head_body(const char *set, const struct sg_head *h)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(SG_ENTRY_BYTES_MAX);
    char name[64];
    require(sg_head_body_encode(h, &body) == 0, set, "does not encode");
    snprintf(name, sizeof(name), "%s_body", set);
    image_expect_octets(&image, name, sg_buf_bytes(&body));
    image_expect_octets(&image, "partition", h->partition);
    for (size_t i = 0; i < h->n_tail; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf row = SG_BUF_INIT(1024);
        require(sg_buf_append(&row, h->tail[i].sort) == 0 &&
                    sg_buf_append(&row, h->tail[i].value) == 0,
                set, "tail");
        snprintf(name, sizeof(name), "%s_tail_%zu", set, i);
        image_expect_octets(&image, name, sg_buf_bytes(&row));
    }
}

static void check_head(struct fixture *f, const char *set, struct sg_head *ret)
{
    static struct sg_row tail[SG_TAIL_ROWS_MAX];
    static struct sg_buf plain = SG_BUF_INIT(SG_ENTRY_BYTES_MAX); /* *ret borrows from it */
    struct sg_head_clear clear;
    uint8_t key[SG_HEAD_KEY_LEN], table_tag[SG_TABLE_TAG_LEN];
    char name[64];

    snprintf(name, sizeof(name), "%s_key", set);
    sg_name_table(&f->bucket, 6, table_tag);
    sg_head_key(table_tag, f->name, key);
    image_expect_octets(&image, name, SG_BYTES_ARRAY(key));
    snprintf(name, sizeof(name), "%s_entry", set);
    SG_CLEANUP(sg_buf_clear) struct sg_buf entry = image_octets(&image, name);
    require(sg_head_peek(sg_buf_bytes(&entry), &clear), name, "is no head");
    require(sg_head_open(f->keys, &f->bucket, key, sg_buf_bytes(&entry), &plain, tail, ret) == 0,
            name, "does not open");
    image_expect_octets(&image, "dek", SG_BYTES_ARRAY(f->keys->dek));
    image_expect_octets(&image, "multiset_key", SG_BYTES_ARRAY(f->keys->multiset));
    snprintf(name, sizeof(name), "%s_fields", set);
    expect_words(name,
                 "%" PRIu64 " %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %zu",
                 ret->version, clear.epoch, ret->table, ret->n_rows, ret->next_page, ret->n_pages,
                 ret->n_tail);
    check_head_body(set, ret);
    entry.data[entry.len - 1] ^= 1;
    require(sg_head_open(f->keys, &f->bucket, key, sg_buf_bytes(&entry), &plain, tail, ret) ==
                SG_SEAL_FORGED,
            set, "opens although it was changed");
    entry.data[entry.len - 1] ^= 1;
    require(sg_head_open(f->keys, &f->bucket, key, sg_buf_bytes(&entry), &plain, tail, ret) == 0,
            set, "does not open again");
}

static void check_page(struct fixture *f, uint64_t id, uint8_t sum[SG_MULTISET_LEN])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT_SECRET(SG_ENTRY_BYTES_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(SG_ENTRY_BYTES_MAX);
    SG_CLEANUP(sg_rows_clear) struct sg_rows rows = SG_ROWS_INIT;
    uint8_t key[SG_PAGE_KEY_LEN];
    struct sg_page p;
    char name[64];

    sg_page_key(f->name, id, key);
    snprintf(name, sizeof(name), "page_%" PRIu64 "_key", id);
    image_expect_octets(&image, name, SG_BYTES_ARRAY(key));
    snprintf(name, sizeof(name), "page_%" PRIu64 "_entry", id);
    SG_CLEANUP(sg_buf_clear) struct sg_buf entry = image_octets(&image, name);
    require(sg_page_open(f->keys, f->name, id, sg_buf_bytes(&entry), &plain, &p) == 0, name,
            "does not open");
    snprintf(name, sizeof(name), "page_%" PRIu64 "_fields", id);
    expect_words(name, "%" PRIu64 " %" PRIu64 " %u", p.id, p.version, p.n_rows);
    snprintf(name, sizeof(name), "page_%" PRIu64 "_first", id);
    image_expect_octets(&image, name, p.first);
    snprintf(name, sizeof(name), "page_%" PRIu64 "_last", id);
    image_expect_octets(&image, name, p.last);
    snprintf(name, sizeof(name), "page_%" PRIu64 "_columns", id);
    image_expect_octets(&image, name, p.columns);
    require(sg_columns_decode(p.columns, &rows) == 0 && rows.n == p.n_rows, name, "rows");
    snprintf(name, sizeof(name), "page_%" PRIu64 "_body", id);
    require(sg_page_body_encode(&p, &body) == 0, name, "does not encode");
    image_expect_octets(&image, name, sg_buf_bytes(&body));
    sg_multiset_add(sum, f->keys, &p);
    require(sg_page_open(f->keys, f->name, id + 1, sg_buf_bytes(&entry), &plain, &p) ==
                SG_SEAL_FORGED,
            name, "opens in another place");
}

static void check_partition(struct fixture *f)
{
    uint8_t sum[SG_MULTISET_LEN] = {0};
    struct sg_head h;

    check_head(f, "old_epoch", &h);
    check_head(f, "tombstone", &h);
    check_head(f, "head", &h);
    check_page(f, 1, sum);
    image_expect_octets(&image, "multiset_1", SG_BYTES_ARRAY(sum));
    check_page(f, (UINT64_C(1) << 40) + 7, sum);
    image_expect_octets(&image, "multiset_sum", SG_BYTES_ARRAY(sum));
    require(memcmp(h.sum, sum, sizeof(sum)) == 0, "multiset_sum", "is not the head's");
}

/* ---- journal and label ---- */

static void expect_operation(unsigned record, unsigned at, const struct sg_physical *op)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf words = SG_BUF_INIT(1024);
    char name[64];
    int r = sg_buf_printf(&words, "%d %u ", op->is_delete ? 2 : 1, op->replicas);
    for (size_t i = 0; i < op->key.len && !r; i++)
        r = sg_buf_printf(&words, "%02x", op->key.data[i]);
    if (!r)
        r = sg_buf_printf(&words, " ");
    for (size_t i = 0; i < op->value.len && !r; i++)
        r = sg_buf_printf(&words, "%02x", op->value.data[i]);
    snprintf(name, sizeof(name), "record_%u_op_%u", record, at);
    require(r == 0, name, "does not print");
    image_expect_words(&image, name, &words);
}

static int take_record(void *user, uint64_t seq, struct sg_bytes payload)
{
    unsigned *records = user, n = 0;
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(4096);
    struct sg_reader r = sg_reader_over(payload);
    struct sg_physical op;
    char name[64];

    require(seq == 258 + *records, "record", "has another number");
    while (sg_physical_next(&r, &op) == 0) {
        expect_operation(*records, n++, &op);
        require(sg_physical_append(&again, &op) == 0, "record", "does not encode");
    }
    require(r.left == 0 && sg_bytes_equal(sg_buf_bytes(&again), payload), "record",
            "encodes to something else");
    snprintf(name, sizeof(name), "record_%u_op_%u", *records, n);
    require(image_find(&image, name).data == NULL, name, "was not there");
    ++*records;
    return 0;
}

static void write_segment(const char *folder, const char *leaf, struct sg_bytes contents)
{
    char path[400];
    snprintf(path, sizeof(path), "%s/%s", folder, leaf);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    require(fd >= 0 && write(fd, contents.data, contents.len) == (ssize_t)contents.len, path,
            "cannot be written");
    close(fd);
}

/* The segment alone in a folder, under the name that the image gives it. */
static void check_journal(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = image_octets(&image, "journal_key");
    SG_CLEANUP(sg_buf_clear) struct sg_buf id = image_octets(&image, "store_id");
    SG_CLEANUP(sg_buf_clear) struct sg_buf segment = image_octets(&image, "journal_segment");
    struct sg_journal_site site = {.slot = 0};
    struct sg_journal_header h;
    struct sg_journal_scan scan;
    struct sg_journal j;
    unsigned records = 0;
    char leaf[40], path[400];

    snprintf(site.folder, sizeof(site.folder), "/tmp/sealgrid-compat-XXXXXX");
    require(mkdtemp(site.folder) != NULL, "journal", "no folder for it");
    require(sg_journal_init(&j, sg_buf_bytes(&key), id.data) == 0, "journal", "no key");
    require(segment.len > SG_JOURNAL_HEADER_LEN && sg_journal_header_decode(&j, segment.data, &h),
            "journal_segment", "header is refused");
    snprintf(leaf, sizeof(leaf), "%016" PRIx64 ".%016" PRIx64, h.first, h.era);
    expect_words("journal_fields", "%" PRIu64 " %" PRIu64 " %s", h.first, h.era, leaf);
    write_segment(site.folder, leaf, sg_buf_bytes(&segment));
    int r = sg_journal_read(&j, &site, 1, false, take_record, &records, &scan);
    snprintf(path, sizeof(path), "%s/%s", site.folder, leaf);
    unlink(path);
    rmdir(site.folder);
    require(r == 0 && records == 2, "journal_segment", "has not both records");
    require(scan.run_first == 258 && scan.last == 259 && scan.era == h.era, "journal_segment",
            "scan");
    image_expect_octets(&image, "record_1_mac", SG_BYTES_ARRAY(scan.mac));
    sg_journal_clear(&j);
}

static void check_label(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = image_octets(&image, "label_key");
    SG_CLEANUP(sg_buf_clear) struct sg_buf label = image_octets(&image, "label");
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(4096);
    struct sg_label l;

    require(sg_label_decode(sg_buf_bytes(&label), sg_buf_bytes(&key), &l) == 0, "label",
            "is refused");
    require(l.inventory.n == 2, "label", "has another number of files");
    const struct sg_volume_file *f = l.inventory.files;
    expect_words("label_fields",
                 "%u %" PRIu64 " %" PRIu32 " %zu %s %" PRIu64 " %" PRIu32 " %s %" PRIu64
                 " %" PRIu32,
                 l.slot, l.seq, l.generation, l.inventory.n, f[0].name, (uint64_t)f[0].bytes,
                 f[0].crc, f[1].name, (uint64_t)f[1].bytes, f[1].crc);
    image_expect_octets(&image, "store_id", SG_BYTES_ARRAY(l.store_id));
    image_expect_octets(&image, "record_1_mac", SG_BYTES_ARRAY(l.mac));
    require(sg_label_encode(&l, sg_buf_bytes(&key), &again) == 0, "label", "does not encode");
    image_expect_octets(&image, "label", sg_buf_bytes(&again));
    sg_volume_inventory_clear(&l.inventory);
}

/* ---- the store's own keys: what a store makes today must check under the image's keys ---- */

static struct sg_buf read_one(const char *folder, const char *leaf)
{
    struct sg_buf ret = SG_BUF_INIT(1 << 20);
    char path[600];
    snprintf(path, sizeof(path), "%s/%s", folder, leaf);
    require(sg_file_read(path, &ret) == 0, path, "cannot be read");
    return ret;
}

static void check_label_of(const char *volume, const char *key_name,
                           uint8_t ret_id[SG_STORE_ID_LEN])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = image_octets(&image, key_name);
    SG_CLEANUP(sg_buf_clear) struct sg_buf label = read_one(volume, "label");
    struct sg_label l;
    require(sg_label_decode(sg_buf_bytes(&label), sg_buf_bytes(&key), &l) == 0, key_name,
            "does not check the label of a new store");
    memcpy(ret_id, l.store_id, SG_STORE_ID_LEN);
    sg_volume_inventory_clear(&l.inventory);
}

static void check_segments_of(const char *volume, const char *key_name,
                              const uint8_t id[SG_STORE_ID_LEN])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = image_octets(&image, key_name);
    struct sg_journal_header h;
    struct sg_journal j;
    unsigned n = 0;
    char folder[400];

    snprintf(folder, sizeof(folder), "%s/journal", volume);
    require(sg_journal_init(&j, sg_buf_bytes(&key), id) == 0, key_name, "no key");
    DIR *d = opendir(folder);
    require(d != NULL, folder, "cannot be opened");
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        SG_CLEANUP(sg_buf_clear) struct sg_buf segment = read_one(folder, e->d_name);
        require(segment.len >= SG_JOURNAL_HEADER_LEN &&
                    sg_journal_header_decode(&j, segment.data, &h),
                key_name, "does not check the journal of a new store");
        n++;
    }
    closedir(d);
    require(n > 0, key_name, "has no journal to check");
    sg_journal_clear(&j);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

/* store_key empty: the store derives one from its first bucket's name key. */
static void check_new_store(const struct fixture *f, struct sg_bytes store_key,
                            const char *label_key, const char *journal_key)
{
    SG_CLEANUP(sg_store_closep) struct sg_store *s = NULL;
    const struct sg_store_kek kek = {.epoch = 3, .key = sg_buf_bytes(&f->kek3)};
    const struct sg_store_bucket bucket = {.name = "metering",
                                           .policy = "replicas=1",
                                           .keks = &kek,
                                           .n_keks = 1,
                                           .name_key = sg_buf_bytes(&f->name_key)};
    char folder[] = "/tmp/sealgrid-compat-XXXXXX";
    uint8_t id[SG_STORE_ID_LEN];

    require(mkdtemp(folder) != NULL, "store", "no folder for it");
    const char *const volumes[] = {folder};
    const struct sg_store_options o = {.volumes = volumes,
                                       .n_volumes = 1,
                                       .buckets = &bucket,
                                       .n_buckets = 1,
                                       .store_key = store_key,
                                       .lease = {1}};
    require(sg_store_open(&s, &o) == 0, "store", "does not open");
    check_label_of(folder, label_key, id);
    check_segments_of(folder, journal_key, id);
    sg_store_close(TAKE_PTR(s));
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
    struct fixture f = {.keys = NULL};

    image_open(&image, argc > 1 ? argv[1] : "tests/compat/store/v1.txt");
    load_keys(&f);
    check_names(&f);
    check_partition(&f);
    check_journal();
    check_label();
    check_new_store(&f, sg_buf_bytes(&f.store_key), "label_key", "journal_key");
    check_new_store(&f, SG_BYTES_NONE, "derived_label_key", "derived_journal_key");
    clear_keys(&f);
    printf("%s: everything opens and derives alike\n", image.path);
    sg_buf_clear(&image.text);
    return 0;
}
