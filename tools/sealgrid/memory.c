#include "memory.h"

#include "services.h"

#include <dirent.h>
#include <pthread.h>
#include <sealgrid/base/cleanup.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PROCESSES_MAX 4096

struct sg_memory_watch {
    const char *dir;
    pthread_t thread;
    _Atomic bool stop;
    int64_t peak;
};

static int64_t rollup_pss(int pid)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *f = fopen(path, "r");
    int64_t kib = -1;
    while (f && kib < 0 && fgets(line, sizeof line, f))
        if (!strncmp(line, "Pss:", 4))
            kib = strtoll(line + 4, NULL, 10);
    if (f)
        fclose(f);
    return kib < 0 ? -1 : kib * 1024;
}

static int64_t statm_rss(int pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *f = fopen(path, "r");
    long long size, resident = 0;
    if (f && fscanf(f, "%lld %lld", &size, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * sysconf(_SC_PAGESIZE);
}

static int parent_of(int pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return -1;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    const char *after = strrchr(text, ')');
    int parent;
    char state;
    return after && sscanf(after + 1, " %c %d", &state, &parent) == 2 ? parent : -1;
}

/* pid is ours if a chain of parents leads to one of the two roots. */
static bool ours(const int *pids, const int *parents, size_t n, int pid, int root1, int root2)
{
    for (int hops = 0; hops < 16; hops++) {
        if (pid == root1 || pid == root2)
            return true;
        size_t i = 0;
        while (i < n && pids[i] != pid)
            i++;
        if (i == n || parents[i] <= 1)
            return false;
        pid = parents[i];
    }
    return false;
}

static int64_t sample(const char *dir)
{
    static int pids[PROCESSES_MAX], parents[PROCESSES_MAX];
    size_t n = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e; d && n < PROCESSES_MAX && (e = readdir(d));) {
        int pid = atoi(e->d_name);
        if (pid > 0) {
            pids[n] = pid;
            parents[n++] = parent_of(pid);
        }
    }
    if (d)
        closedir(d);
    int supervisor = sg_supervisor_pid(dir), self = getpid();
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        if (ours(pids, parents, n, pids[i], self, supervisor ? supervisor : self)) {
            int64_t pss = rollup_pss(pids[i]);
            sum += pss >= 0 ? pss : statm_rss(pids[i]);
        }
    return sum;
}

static void *watch(void *user)
{
    struct sg_memory_watch *w = user;
    while (!atomic_load(&w->stop)) {
        int64_t now = sample(w->dir);
        w->peak = now > w->peak ? now : w->peak;
        nanosleep(&(struct timespec){1, 0}, NULL);
    }
    return NULL;
}

int sg_memory_watch_start(struct sg_memory_watch **ret, const char *dir)
{
    SG_FREE struct sg_memory_watch *w = calloc(1, sizeof *w);
    if (!w)
        return sg_raise(-ENOMEM);
    w->dir = dir;
    int e = pthread_create(&w->thread, NULL, watch, w);
    if (e)
        return sg_raise(-e);
    *ret = TAKE_PTR(w);
    return 0;
}

int64_t sg_memory_watch_finish(struct sg_memory_watch *w)
{
    atomic_store(&w->stop, true);
    pthread_join(w->thread, NULL);
    int64_t peak = w->peak;
    free(w);
    return peak;
}
