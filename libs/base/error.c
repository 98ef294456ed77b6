/* error - the per-thread trace behind sg_raise. */
#include <sealgrid/base/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_MAX 512

static _Thread_local char trace[TRACE_MAX];

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void remember(int negative_errno, const char *file, int line, const char *text)
{
    char reason[96];
    /* The GNU form may return a static text instead of filling the buffer. */
    const char *name = strerror_r(-negative_errno, reason, sizeof(reason));
    snprintf(trace, sizeof(trace), "%s:%d: %s%s(%s)", base_name(file), line, text, *text ? " " : "",
             name);
}

int sg_raise_at(int negative_errno, const char *file, int line)
{
    sg_assert(negative_errno < 0);
    remember(negative_errno, file, line, "");
    return negative_errno;
}

int sg_raisef_at(int negative_errno, const char *file, int line, const char *fmt, ...)
{
    char text[TRACE_MAX - 128];
    va_list args;

    sg_assert(negative_errno < 0);
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    remember(negative_errno, file, line, text);
    return negative_errno;
}

int sg_fold_at(int r, const char *file, int line)
{
    if (r <= 0)
        return r;
    return sg_raisef_at(-EPROTO, file, line, "unexpected outcome %d", r);
}

const char *sg_error_trace(void)
{
    return trace;
}

void sg_assert_failed(const char *expr, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", base_name(file), line, expr);
    abort();
}
