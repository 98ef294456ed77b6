#include "volume-int.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <sealgrid/base/file.h>

#define LABEL_BYTES_MAX (16u << 20)
#define CHUNK           (1u << 20)

/* Attaching. */

int sg_volume_lock(struct sg_volume *v)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/lock", v->path);
    SG_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return sg_raise_errno();
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? SG_VOLUME_LOCKED : sg_raise_errno();
    if (v->lock_fd >= 0)
        close(v->lock_fd);
    v->lock_fd = TAKE_FD(fd);
    return 0;
}

static bool read_label(const struct sg_volume *v, const char *name, struct sg_bytes key,
                       struct sg_label *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(LABEL_BYTES_MAX);
    char path[300];
    snprintf(path, sizeof(path), "%s/%s", v->path, name);
    return sg_file_read(path, &b) == 0 && sg_label_decode(sg_buf_bytes(&b), key, ret) == 0;
}

/* The two copies are written one after the other: the later one counts. */
static void read_labels(struct sg_volume *v, struct sg_bytes key)
{
    struct sg_label a = {.seq = 0}, b = {.seq = 0};
    bool have_a = read_label(v, "label", key, &a), have_b = read_label(v, "label.2", key, &b);
    v->labelled = have_a || have_b;
    v->label_damaged = v->labelled && !(have_a && have_b);
    bool use_b = have_b && (!have_a || b.seq > a.seq);
    sg_volume_inventory_clear(use_b ? &a.inventory : &b.inventory);
    v->label = use_b ? b : a;
}

int sg_volume_attach(struct sg_volume *v, const char *path, struct sg_bytes label_key)
{
    *v = (struct sg_volume){.lock_fd = -1, .state = SG_VOLUME_MISSING};
    int n = snprintf(v->path, sizeof(v->path), "%s", path);
    if (n < 0 || (size_t)n >= sizeof(v->path)) {
        v->path[0] = 0;
        return sg_raise(-ENAMETOOLONG);
    }
    int r = sg_mkdir_p(path, 0700);
    if (r == 0)
        r = sg_volume_lock(v);
    if (r)
        return r;
    read_labels(v, label_key);
    return 0;
}

void sg_volume_detach(struct sg_volume *v)
{
    sg_index_unref(v->index);
    v->index = NULL;
    sg_volume_inventory_clear(&v->label.inventory);
    if (v->lock_fd >= 0)
        close(v->lock_fd);
    v->lock_fd = -1;
}

static int make_folder(const struct sg_volume *v, const char *name)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/%s", v->path, name);
    return sg_mkdir_p(path, 0700);
}

int sg_volume_make_folders(const struct sg_volume *v)
{
    int r = make_folder(v, "journal");
    if (r == 0)
        r = make_folder(v, "fragments");
    return r < 0 ? r : sg_fsync_dir(v->path);
}

/* Index. */

void sg_volume_index_folder(const struct sg_volume *v, uint32_t generation, char ret[300])
{
    snprintf(ret, 300, "%s/index-%u", v->path, generation);
}

int sg_volume_open_index(struct sg_volume *v, struct sg_index_pool *pool)
{
    char path[300];
    sg_volume_index_folder(v, v->label.generation, path);
    int r = sg_index_open(&v->index, pool, path, false);
    return r > 0 ? SG_VOLUME_BAD : r;
}

int sg_volume_create_index(const struct sg_volume *v, struct sg_index_pool *pool,
                           uint32_t generation, struct sg_index **ret)
{
    char path[300];
    sg_volume_index_folder(v, generation, path);
    int r = sg_remove_tree(path);
    if (r < 0 && access(path, F_OK) == 0)
        return r;
    r = sg_index_open(ret, pool, path, true);
    return r > 0 ? sg_raisef(-EIO, "a new index did not open") : r;
}

static bool other_generation(const struct sg_volume *v, const char *name)
{
    unsigned generation;
    return sscanf(name, "index-%u", &generation) == 1 && generation != v->label.generation;
}

void sg_volume_remove_old(const struct sg_volume *v)
{
    DIR *d = opendir(v->path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[600];
        snprintf(path, sizeof(path), "%s/%s", v->path, e->d_name);
        if (other_generation(v, e->d_name) && sg_remove_tree(path) < 0)
            continue; /* only waste: tried again at the next start */
    }
    if (d)
        closedir(d);
}

/* Inventory. */

static int crc_file(const char *path, uint64_t *ret_bytes, uint32_t *ret_crc)
{
    SG_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    SG_FREE uint8_t *chunk = malloc(CHUNK);
    uint32_t crc = 0;
    uint64_t bytes = 0;
    if (fd < 0 || !chunk)
        return sg_raise_errno();
    for (;;) {
        ssize_t n = read(fd, chunk, CHUNK);
        if (n < 0)
            return sg_raise_errno();
        if (n == 0)
            break;
        crc = sg_crc32c(crc, SG_BYTES(chunk, (size_t)n));
        bytes += (uint64_t)n;
    }
    *ret_bytes = bytes;
    *ret_crc = crc;
    return 0;
}

static const struct sg_volume_file *find_file(const struct sg_volume_inventory *v, const char *name)
{
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->files[i].name, name) == 0)
            return &v->files[i];
    return NULL;
}

static int add_to_inventory(struct sg_volume_inventory *v, const char *name, uint64_t bytes,
                            uint32_t crc)
{
    struct sg_volume_file *all = realloc(v->files, (v->n + 1) * sizeof(*all));
    if (!all)
        return sg_raise(-ENOMEM);
    v->files = all;
    all[v->n].name = strdup(name);
    if (!all[v->n].name)
        return sg_raise(-ENOMEM);
    all[v->n].bytes = bytes;
    all[v->n++].crc = crc;
    return 0;
}

struct inventory_walk {
    size_t folder_len;
    const struct sg_volume_inventory *old;
    struct sg_volume_inventory fresh;
    bool vanished;
};

/* A file that is known already keeps its checksum: it must not be blessed again after a change. */
static int take_inventory_of(void *user, enum sg_index_file_kind kind, const char *path)
{
    struct inventory_walk *w = user;
    const char *name = path + w->folder_len + 1;
    uint64_t bytes;
    uint32_t crc;
    if (kind == SG_INDEX_FILE_MANIFEST || kind == SG_INDEX_FILE_POINTER)
        return 0;
    const struct sg_volume_file *known = w->old ? find_file(w->old, name) : NULL;
    if (known)
        return add_to_inventory(&w->fresh, name, known->bytes, known->crc);
    if (crc_file(path, &bytes, &crc) < 0) {
        w->vanished = access(path, F_OK) < 0; /* a compaction may have removed it just now */
        return w->vanished ? 0 : SG_VOLUME_BAD;
    }
    return add_to_inventory(&w->fresh, name, bytes, crc);
}

static int take_inventory(struct sg_index *ix, const char *folder,
                          const struct sg_volume_inventory *old, struct sg_volume_inventory *ret)
{
    struct inventory_walk w = {.folder_len = strlen(folder), .old = old};
    int r = sg_index_files(ix, take_inventory_of, &w);
    if (r)
        sg_volume_inventory_clear(&w.fresh);
    else
        *ret = w.fresh;
    return r;
}

int sg_volume_refresh(struct sg_volume *v)
{
    struct sg_volume_inventory fresh = {NULL, 0};
    char folder[300];
    sg_volume_index_folder(v, v->label.generation, folder);
    int r = take_inventory(v->index, folder, &v->label.inventory, &fresh);
    if (r)
        return r < 0 ? r : 0; /* unreadable: the next check counts it */
    sg_volume_inventory_clear(&v->label.inventory);
    v->label.inventory = fresh;
    return 0;
}

bool sg_volume_knows(const struct sg_volume *v, const char *path)
{
    char folder[300];
    sg_volume_index_folder(v, v->label.generation, folder);
    size_t n = strlen(folder);
    return strncmp(path, folder, n) == 0 && path[n] == '/' &&
           find_file(&v->label.inventory, path + n + 1) != NULL;
}

static int write_label(struct sg_volume *v, const struct sg_label *l, struct sg_bytes key)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(LABEL_BYTES_MAX);
    char path[300];
    int r = sg_label_encode(l, key, &b);
    if (r < 0)
        return r;
    snprintf(path, sizeof(path), "%s/label", v->path);
    r = sg_io_replace(path, sg_buf_bytes(&b));
    if (r < 0)
        return r;
    snprintf(path, sizeof(path), "%s/label.2", v->path);
    return sg_io_replace(path, sg_buf_bytes(&b));
}

int sg_volume_checkpoint(struct sg_volume *v, struct sg_index *ix, struct sg_bytes key,
                         const struct sg_label *l)
{
    char folder[300];
    struct sg_label fresh = *l;
    bool same = v->labelled && v->label.generation == l->generation;
    int r = sg_index_flush(ix);
    if (r || sg_index_failed(ix))
        return r < 0 ? r : SG_VOLUME_BAD;
    sg_volume_index_folder(v, l->generation, folder);
    r = take_inventory(ix, folder, same ? &v->label.inventory : NULL, &fresh.inventory);
    if (r)
        return r;
    r = write_label(v, &fresh, key);
    if (r) {
        sg_volume_inventory_clear(&fresh.inventory);
        return r;
    }
    sg_volume_inventory_clear(&v->label.inventory);
    v->label = fresh;
    v->labelled = true;
    v->label_damaged = false;
    return 0;
}

/* Checking. */

struct check_walk {
    size_t folder_len;
    const struct sg_volume_inventory *known;
    struct sg_volume_check *result;
};

static bool manifest_ok(const char *path, uint64_t *ret_bytes)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(LABEL_BYTES_MAX);
    if (sg_file_read(path, &b) < 0)
        return false;
    *ret_bytes = b.len;
    return sg_index_manifest_check(sg_buf_bytes(&b)) == 0;
}

static bool file_ok(const struct check_walk *w, enum sg_index_file_kind kind, const char *path,
                    uint64_t *ret_bytes)
{
    uint32_t crc;
    *ret_bytes = 0;
    if (kind == SG_INDEX_FILE_MANIFEST)
        return manifest_ok(path, ret_bytes);
    if (kind == SG_INDEX_FILE_POINTER)
        return sg_index_pointer_ok(path);
    const struct sg_volume_file *known = find_file(w->known, path + w->folder_len + 1);
    if (crc_file(path, ret_bytes, &crc) < 0)
        return false;
    return !known || (known->bytes == *ret_bytes && known->crc == crc);
}

static int check_one(void *user, enum sg_index_file_kind kind, const char *path)
{
    struct check_walk *w = user;
    uint64_t bytes;
    if (kind == SG_INDEX_FILE_TABLE && access(path, F_OK) < 0)
        return 0; /* compacted away since the listing, or lost: see check_absent */
    bool ok = file_ok(w, kind, path, &bytes);
    w->result->files++;
    w->result->bytes += bytes;
    w->result->damage += !ok;
    return 0;
}

/* On a second listing a table that is listed and not there is lost. */
static int check_absent(void *user, enum sg_index_file_kind kind, const char *path)
{
    struct check_walk *w = user;
    w->result->damage += kind == SG_INDEX_FILE_TABLE && access(path, F_OK) < 0;
    return 0;
}

static void check_labels(struct sg_volume *v, struct sg_bytes key, struct sg_volume_check *ret)
{
    static const char *const names[] = {"label", "label.2"};
    for (size_t i = 0; i < 2; i++) {
        struct sg_label l = {.seq = 0};
        bool ok = read_label(v, names[i], key, &l) && l.seq == v->label.seq &&
                  l.generation == v->label.generation;
        sg_volume_inventory_clear(&l.inventory);
        ret->files++;
        ret->damage += !ok;
        ret->label_damage |= !ok;
    }
}

int sg_volume_check_files(struct sg_volume *v, struct sg_bytes key, struct sg_volume_check *ret)
{
    char folder[300];
    *ret = (struct sg_volume_check){.files = 0};
    check_labels(v, key, ret);
    sg_volume_index_folder(v, v->label.generation, folder);
    struct check_walk w = {
        .folder_len = strlen(folder), .known = &v->label.inventory, .result = ret};
    int r = sg_index_files(v->index, check_one, &w);
    return r ? r : sg_index_files(v->index, check_absent, &w);
}
