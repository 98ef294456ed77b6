/* names - the bills of a folder. */
#include "names.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

void names_clear(struct names *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i]);
    free(l->items);
}

static int add_name(struct names *l, const char *client, const char *period, int period_len)
{
    char name[NAME_MAX * 2 + 2];

    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 1024;
        char **items = reallocarray(l->items, capacity, sizeof(*items));
        if (!items)
            return sg_raise(-ENOMEM);
        l->items = items;
        l->capacity = capacity;
    }
    snprintf(name, sizeof(name), "%s/%.*s", client, period_len, period);
    l->items[l->n] = strdup(name);
    if (!l->items[l->n])
        return sg_raise(-ENOMEM);
    l->n++;
    return 0;
}

static void close_folder(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* Calls fn for each entry that is no hidden file. */
static int each_entry(const char *path, int (*fn)(void *user, const char *name), void *user)
{
    SG_CLEANUP(close_folder) DIR *d = opendir(path);
    const struct dirent *e;
    int r = 0;

    if (!d)
        return sg_raise_errno();
    while (!r && (e = readdir(d)))
        if (e->d_name[0] != '.')
            r = fn(user, e->d_name);
    return r;
}

struct listing {
    struct names *names;
    const char *dir, *client;
};

static int take_period(void *user, const char *name)
{
    struct listing *l = user;
    size_t n = strlen(name);

    if (n <= 5 || strcmp(name + n - 5, ".json"))
        return 0;
    return add_name(l->names, l->client, name, (int)n - 5);
}

static int take_client(void *user, const char *name)
{
    const struct listing *all = user;
    struct listing l = {all->names, all->dir, name};
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/bill/%s", all->dir, name) >= PATH_MAX)
        return sg_raise(-ENAMETOOLONG);
    int r = each_entry(path, take_period, &l);
    return r == -ENOTDIR ? 0 : r;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int names_read(struct names *ret, const char *dir)
{
    struct listing l = {ret, dir, NULL};
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/bill", dir) >= PATH_MAX - NAME_MAX * 2)
        return sg_raise(-ENAMETOOLONG);
    int r = each_entry(path, take_client, &l);
    if (!r && ret->n)
        qsort(ret->items, ret->n, sizeof(char *), compare_names);
    return r;
}
