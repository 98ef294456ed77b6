#include "store-int.h"

void sg_cache_init(struct sg_cache *c, size_t max_bytes)
{
    pthread_mutex_init(&c->lock, NULL);
    c->max_bytes = max_bytes;
}

void sg_part_forget(struct sg_part *p)
{
    for (size_t i = 0; i < p->n_dir; i++)
        free(p->dir[i].bounds);
    free(p->dir);
    free(p->tail);
    sg_part_keys_free(p->keys);
    p->dir = NULL;
    p->tail = NULL;
    p->keys = NULL;
    p->n_dir = p->n_tail = 0;
    p->version = p->n_rows = p->next_page = 0;
    memset(p->sum, 0, sizeof(p->sum));
    p->loaded = false;
}

static void free_part(struct sg_part *p)
{
    sg_part_forget(p);
    pthread_mutex_destroy(&p->lock);
    sg_wipe((void *)(uintptr_t)p->partition.data, p->partition.len);
    free((void *)(uintptr_t)p->partition.data);
    free(p);
}

static size_t head_of(const uint8_t *key)
{
    return sg_load_be32(sg_head_key_name(key)) % SG_CACHE_HEADS;
}

/* The list runs from newest to oldest use. */

static void unlink_part(struct sg_cache *c, struct sg_part *p)
{
    *(p->newer ? &p->newer->older : &c->newest) = p->older;
    *(p->older ? &p->older->newer : &c->oldest) = p->newer;
    p->newer = p->older = NULL;
}

static void link_newest(struct sg_cache *c, struct sg_part *p)
{
    p->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = p;
    c->newest = p;
}

static struct sg_part *find(struct sg_cache *c, const struct sg_bucket *b, const uint8_t *key)
{
    struct sg_part *p = c->heads[head_of(key)];
    while (p && (p->bucket != b || memcmp(p->key, key, SG_HEAD_KEY_LEN) != 0))
        p = p->hash_next;
    return p;
}

static void drop(struct sg_cache *c, struct sg_part *p)
{
    struct sg_part **at = &c->heads[head_of(p->key)];
    while (*at != p)
        at = &(*at)->hash_next;
    *at = p->hash_next;
    unlink_part(c, p);
    c->bytes -= p->charged;
    c->n--;
    free_part(p);
}

void sg_cache_clear(struct sg_cache *c)
{
    while (c->newest)
        drop(c, c->newest);
    pthread_mutex_destroy(&c->lock);
}

static void evict(struct sg_cache *c)
{
    struct sg_part *p = c->oldest;
    while (p && c->bytes > c->max_bytes) {
        struct sg_part *next = p->newer;
        if (p->pins == 0)
            drop(c, p);
        p = next;
    }
}

static int new_part(struct sg_part **ret, struct sg_store *s, struct sg_bucket *b, uint32_t table,
                    struct sg_bytes partition, const uint8_t *key)
{
    struct sg_part *p = calloc(1, sizeof(*p));
    uint8_t *copy = malloc(partition.len ? partition.len : 1);
    if (!p || !copy) {
        free(p);
        free(copy);
        return sg_raise(-ENOMEM);
    }
    sg_put(copy, partition);
    p->bucket = b;
    p->table = table;
    p->partition = SG_BYTES(copy, partition.len);
    p->replicas = (uint8_t)sg_store_replicas(s, b, table);
    memcpy(p->key, key, SG_HEAD_KEY_LEN);
    pthread_mutex_init(&p->lock, NULL);
    *ret = p;
    return 0;
}

static int find_or_add(struct sg_part **ret, struct sg_store *s, struct sg_bucket *b,
                       uint32_t table, struct sg_bytes partition, const uint8_t *key)
{
    struct sg_cache *c = &s->cache;
    struct sg_part *p = find(c, b, key);
    if (p) {
        unlink_part(c, p);
    } else {
        int r = new_part(&p, s, b, table, partition, key);
        if (r < 0)
            return r;
        p->hash_next = c->heads[head_of(key)];
        c->heads[head_of(key)] = p;
        c->n++;
    }
    link_newest(c, p);
    p->pins++;
    *ret = p;
    return 0;
}

int sg_part_get(struct sg_part **ret, struct sg_store *s, struct sg_bucket *b, uint32_t table,
                struct sg_bytes partition)
{
    uint8_t tag[SG_TABLE_TAG_LEN], name[SG_NAME_LEN], key[SG_HEAD_KEY_LEN];
    sg_name_table(&b->keys, table, tag);
    sg_name_partition(&b->keys, table, partition, name);
    sg_head_key(tag, name, key);
    pthread_mutex_lock(&s->cache.lock);
    int r = find_or_add(ret, s, b, table, partition, key);
    pthread_mutex_unlock(&s->cache.lock);
    return r;
}

static size_t weight(const struct sg_part *p)
{
    size_t n = sizeof(*p) + 256 + p->partition.len + p->n_dir * sizeof(*p->dir);
    for (size_t i = 0; i < p->n_dir; i++)
        n += p->dir[i].page.first.len + p->dir[i].page.last.len + 16;
    for (size_t i = 0; i < p->n_tail; i++)
        n += sizeof(*p->tail) + p->tail[i].sort.len + p->tail[i].value.len;
    return n;
}

void sg_part_put(struct sg_store *s, struct sg_part *p)
{
    struct sg_cache *c = &s->cache;
    pthread_mutex_lock(&p->lock);
    size_t now = weight(p);
    pthread_mutex_unlock(&p->lock);
    pthread_mutex_lock(&c->lock);
    c->bytes += now - p->charged;
    p->charged = now;
    p->pins--;
    evict(c);
    pthread_mutex_unlock(&c->lock);
}

void sg_cache_forget_replicas(struct sg_store *s, struct sg_bucket *b)
{
    struct sg_cache *c = &s->cache;
    pthread_mutex_lock(&c->lock);
    for (struct sg_part *p = c->newest; p; p = p->older)
        if (p->bucket == b)
            p->replicas = (uint8_t)sg_store_replicas(s, b, p->table);
    pthread_mutex_unlock(&c->lock);
}
