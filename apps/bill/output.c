/* output - files and objects. */
#include "output.h"
#include "source.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

static void local_date(const struct sg_tariff *t, int64_t unix_s, int *year, unsigned *month,
                       unsigned *day)
{
    int64_t local = unix_s + sg_tz_at(t->tz, unix_s).east_s;
    sg_civil_from_days(local / 86400 - (local % 86400 < 0), year, month, day);
}

static void compact_time(char ret[17], int64_t unix_s)
{
    char text[SG_RFC3339_MAX];
    size_t n = 0;

    sg_time_rfc3339(text, unix_s);
    for (const char *c = text; *c; c++)
        if (*c != '-' && *c != ':')
            ret[n++] = *c;
    ret[n] = '\0';
}

void output_period_name(char ret[PERIOD_NAME_MAX], const struct sg_tariff *t, int64_t from_s,
                        int64_t until_s)
{
    char from[17], until[17];
    unsigned month, day;
    int year;

    local_date(t, from_s, &year, &month, &day);
    int next_year = year + (month == 12);
    unsigned next_month = month % 12 + 1;
    if (from_s == sg_tz_midnight(t->tz, year, month, 1) &&
        until_s == sg_tz_midnight(t->tz, next_year, next_month, 1)) {
        snprintf(ret, PERIOD_NAME_MAX, "%04d-%02u", year, month);
        return;
    }
    compact_time(from, from_s);
    compact_time(until, until_s);
    snprintf(ret, PERIOD_NAME_MAX, "%s-%s", from, until);
}

static int write_whole(const char *path, struct sg_bytes contents)
{
    char temporary[PATH_MAX];

    int n = snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    if (n < 0 || n >= PATH_MAX)
        return sg_raise(-ENAMETOOLONG);
    SG_CLOSE int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return sg_raise_errno();
    int r = sg_write_all(fd, contents);
    if (r)
        return r;
    return rename(temporary, path) < 0 ? sg_raise_errno() : 0;
}

int output_file(const char *out, const char *kind, int64_t client, const char *period,
                const char *suffix, struct sg_bytes contents)
{
    char path[PATH_MAX];

    int n = snprintf(path, sizeof(path), "%s/%s/%lld", out, kind, (long long)client);
    if (n < 0 || n >= PATH_MAX - PERIOD_NAME_MAX - 16)
        return sg_raise(-ENAMETOOLONG);
    int r = sg_mkdir_p(path, 0700);
    if (r)
        return r;
    snprintf(path + n, sizeof(path) - (size_t)n, "/%s.%s", period, suffix);
    return write_whole(path, contents);
}

int output_sync(const char *out)
{
    SG_CLOSE int fd = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || syncfs(fd) < 0 ? sg_raise_errno() : 0;
}

int output_object(struct sg_kv *kv, const char *kind, int64_t client, const char *period,
                  const char *suffix, struct sg_bytes contents)
{
    char name[128];

    snprintf(name, sizeof(name), "%s/%lld/%s.%s", kind, (long long)client, period, suffix);
    return sg_fold(sg_kv_object_put(kv, EVIDENCE_BUCKET, name, contents));
}
