/* machine - where the run took place: what a reader needs in order to repeat it. */
#include "bench-int.h"

#include <sealgrid/base/cleanup.h>

#include <sys/utsname.h>

static void trim(char *s)
{
    size_t n = strlen(s);
    while (n && (s[n - 1] == '\n' || s[n - 1] == ' '))
        s[--n] = 0;
}

/* The value of the first line of a file of "key<separator>value" lines; "" if none. */
static void find_value(const char *path, const char *key, char separator, char *ret, size_t size)
{
    FILE *f = fopen(path, "re");
    char line[512];

    *ret = 0;
    if (!f)
        return;
    while (!*ret && fgets(line, sizeof(line), f)) {
        char *at = strchr(line, separator);
        if (strncmp(line, key, strlen(key)) || !at)
            continue;
        at += 1 + strspn(at + 1, " \t\"");
        snprintf(ret, size, "%s", at);
        ret[strcspn(ret, "\"\n")] = 0;
        trim(ret);
    }
    fclose(f);
}

static void put_text(struct sg_json *j, const char *key, const char *value)
{
    sg_json_key(j, key);
    if (*value)
        sg_json_str(j, value);
    else
        sg_json_null(j);
}

/* The packages that the measured programs come from; absent ones are left out.  The command is
 * fixed text: nothing of it comes from outside. */
static void put_packages(struct sg_json *j)
{
    static const char command[] =
        "dpkg-query -W -f '${Package} ${Version}\\n' libc6 libssl3 libsodium23 libisal2 libzstd1 "
        "librocksdb7.8 liblmdb0 libsqlite3-0 libpq5 redis-server etcd-server "
        "postgresql-15 r-base-core r-cran-kohonen 2>/dev/null";
    FILE *f = popen(command, "re");
    char line[256], *version;

    sg_json_key(j, "packages");
    sg_json_object(j);
    while (f && fgets(line, sizeof(line), f)) {
        trim(line);
        version = strchr(line, ' ');
        if (!version)
            continue; /* known but not installed */
        *version++ = 0;
        put_text(j, line, version);
    }
    sg_json_end_object(j);
    if (f)
        pclose(f);
}

/* Of the tree that the program runs in, "-dirty" if it differs from it; null outside of one. */
static void put_commit(struct sg_json *j)
{
    FILE *f = popen("git describe --always --abbrev=12 --exclude '*' --dirty 2>/dev/null", "re");
    char commit[64] = "";

    if (f && !fgets(commit, sizeof(commit), f))
        *commit = 0;
    if (f)
        pclose(f);
    trim(commit);
    put_text(j, "commit", commit);
}

void sg_bench_machine(struct sg_json *j)
{
    char text[256];
    struct utsname u;

    sg_json_key(j, "machine");
    sg_json_object(j);
    find_value("/proc/cpuinfo", "model name", ':', text, sizeof(text));
    put_text(j, "cpu", text);
    sg_json_key(j, "cores");
    sg_json_int(j, sysconf(_SC_NPROCESSORS_ONLN));
    sg_json_key(j, "memory_mib");
    sg_json_int(j, sysconf(_SC_PHYS_PAGES) / 1024 * (sysconf(_SC_PAGESIZE) / 1024));
    put_text(j, "kernel", uname(&u) ? "" : u.release);
    find_value("/etc/os-release", "PRETTY_NAME", '=', text, sizeof(text));
    put_text(j, "system", text);
    sg_json_end_object(j);
    put_packages(j);
    put_commit(j);
}
