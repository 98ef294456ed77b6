/* metrics - the registry and the Prometheus text format. */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/metrics.h>

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sg_metric *registry;

void sg_metric_register(struct sg_metric *m)
{
    struct sg_metric **at = &registry;

    pthread_mutex_lock(&registry_lock);
    while (*at && *at != m)
        at = &(*at)->next;
    if (!*at) {
        m->next = NULL;
        *at = m;
    }
    pthread_mutex_unlock(&registry_lock);
}

static bool seen_before(const struct sg_metric *m)
{
    for (const struct sg_metric *other = registry; other != m; other = other->next)
        if (!strcmp(other->name, m->name))
            return true;
    return false;
}

static int write_sample(struct sg_buf *b, const struct sg_metric *m)
{
    bool labelled = m->labels && *m->labels;
    return sg_buf_printf(b, "%s%s%s%s %lld\n", m->name, labelled ? "{" : "",
                         labelled ? m->labels : "", labelled ? "}" : "",
                         (long long)sg_metric_get(m));
}

/* HELP and TYPE once, then every sample of that name. */
static int write_family(struct sg_buf *b, const struct sg_metric *first)
{
    int r = sg_buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", first->name, first->help, first->name,
                          first->gauge ? "gauge" : "counter");

    for (const struct sg_metric *m = first; m && !r; m = m->next)
        if (!strcmp(m->name, first->name))
            r = write_sample(b, m);
    return r;
}

static long long resident_bytes(void)
{
    long long total, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f)
        return 0;
    if (fscanf(f, "%lld %lld", &total, &resident) != 2)
        resident = 0;
    fclose(f);
    return resident * sysconf(_SC_PAGESIZE);
}

/* Not getrusage: its maximum is that of the program before exec, too. */
int64_t sg_metrics_peak_rss(void)
{
    char line[256];
    long long kib = 0;
    FILE *f = fopen("/proc/self/status", "re");

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "VmHWM: %lld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib * 1024;
}

static long long open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    long long n = 0;

    if (!d)
        return 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n - 3; /* ".", ".." and the folder itself */
}

static int write_process(struct sg_buf *b)
{
    int64_t cpu_ms = sg_clock_cpu_ns() / 1000000;
    return sg_buf_printf(b,
                         "# TYPE process_resident_memory_bytes gauge\n"
                         "process_resident_memory_bytes %lld\n"
                         "# TYPE process_cpu_seconds_total counter\n"
                         "process_cpu_seconds_total %lld.%03lld\n"
                         "# TYPE process_open_fds gauge\n"
                         "process_open_fds %lld\n",
                         resident_bytes(), (long long)(cpu_ms / 1000), (long long)(cpu_ms % 1000),
                         open_descriptors());
}

int sg_metrics_write(struct sg_buf *b)
{
    int r = 0;

    pthread_mutex_lock(&registry_lock);
    for (const struct sg_metric *m = registry; m && !r; m = m->next)
        if (!seen_before(m))
            r = write_family(b, m);
    pthread_mutex_unlock(&registry_lock);
    return r ? r : write_process(b);
}
