#pragma once
/*
 * error - the error scheme of the whole project.
 *
 * A fallible function returns int r:
 *   0         done
 *   negative  system failure: a negated errno, created once with sg_raise(-EIO), passed up
 *             unchanged and never compared
 *   positive  an outcome of that function's own enum, handled by its direct caller and never
 *             passed on; sg_fold() turns one that was promised never to come into a failure
 * Outputs (ret_*) are untouched on failure.
 *
 * sg_raise remembers where and what in a per-thread trace that a daemon logs once, where it
 * decides.  Texts given to sg_raisef must hold no secret and no meter identity.
 */
#include <errno.h>

#define SG_MUST_USE __attribute__((warn_unused_result))
#define SG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

SG_MUST_USE int sg_raise_at(int negative_errno, const char *file, int line);
SG_MUST_USE int sg_raisef_at(int negative_errno, const char *file, int line, const char *fmt, ...)
    SG_PRINTF(4, 5);
SG_MUST_USE int sg_fold_at(int r, const char *file, int line);

/* The value is spelled out again so that the compiler sees that -EIO is not 0. */
#define sg_raise(e)                                                                                \
    ({                                                                                             \
        const int raised_ = (e);                                                                   \
        const int same_ = sg_raise_at(raised_, __FILE__, __LINE__);                                \
        (void)same_;                                                                               \
        raised_;                                                                                   \
    })
#define sg_raisef(e, ...)                                                                          \
    ({                                                                                             \
        const int raised_ = (e);                                                                   \
        const int same_ = sg_raisef_at(raised_, __FILE__, __LINE__, __VA_ARGS__);                  \
        (void)same_;                                                                               \
        raised_;                                                                                   \
    })
#define sg_raise_errno() sg_raise_at(-errno, __FILE__, __LINE__)
#define sg_fold(r) sg_fold_at((r), __FILE__, __LINE__)

/* The last failure raised on this thread, "file:line: text (errno)"; "" if none.  Borrowed until
 * the next raise on this thread. */
const char *sg_error_trace(void);

/* Our own bug: prints file, line and expression, then aborts.  Always on.  Never for peer input. */
_Noreturn void sg_assert_failed(const char *expr, const char *file, int line);
#define sg_assert(expr) ((expr) ? (void)0 : sg_assert_failed(#expr, __FILE__, __LINE__))
