/* log - one line an event, written with one write(2) so that lines of threads never mix. */
#include <sealgrid/base/encode.h>
#include <sealgrid/base/error.h>
#include <sealgrid/base/log.h>
#include <sealgrid/base/random.h>

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_LEN 2048

static char program_name[32] = "sealgrid";
static enum sg_log_level lowest_level = SG_LOG_INFO;

struct line {
    char text[LINE_MAX_LEN];
    size_t len;
};

static void put_char(struct line *l, char c)
{
    if (l->len < sizeof(l->text) - 1) /* the last place is the newline's */
        l->text[l->len++] = c;
}

static void put_text(struct line *l, const char *s)
{
    while (*s)
        put_char(l, *s++);
}

/* Bare if it is one word, else quoted; control characters never reach the terminal. */
static void put_value(struct line *l, const char *s)
{
    bool bare = *s != '\0';

    for (const char *p = s; *p; p++)
        bare = bare && *p > ' ' && *p < 127 && *p != '"' && *p != '=' && *p != '\\';
    if (bare) {
        put_text(l, s);
        return;
    }
    put_char(l, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            put_char(l, '\\');
        put_char(l, c < ' ' || c == 127 ? '?' : *s);
    }
    put_char(l, '"');
}

static void put_hex(struct line *l, struct sg_bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        char digits[3];
        sg_hex(digits, b.data + i, 1);
        put_text(l, digits);
    }
}

static void put_field(struct line *l, const struct sg_log_field *f)
{
    char digits[24];

    put_char(l, ' ');
    put_text(l, f->name);
    put_char(l, '=');
    switch (f->kind) {
    case SG_LOG_STR:
        put_value(l, f->str ? f->str : "");
        break;
    case SG_LOG_INT:
        snprintf(digits, sizeof(digits), "%lld", (long long)f->num);
        put_text(l, digits);
        break;
    case SG_LOG_UINT:
        snprintf(digits, sizeof(digits), "%llu", (unsigned long long)f->num);
        put_text(l, digits);
        break;
    case SG_LOG_HEX:
        put_hex(l, f->bytes);
        break;
    case SG_LOG_END:
        break;
    }
}

static void put_prefix(struct line *l, enum sg_log_level level)
{
    static const char *const words[] = {"debug", "info ", "warn ", "error"};
    struct timespec now;
    struct tm utc;
    char stamp[96];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    snprintf(stamp, sizeof(stamp), "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ ", utc.tm_year + 1900,
             utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
             now.tv_nsec / 1000000);
    put_text(l, stamp);
    put_text(l, words[level]);
    put_char(l, ' ');
    put_text(l, program_name);
    put_char(l, ' ');
}

void sg_log_init(const char *program, enum sg_log_level lowest)
{
    snprintf(program_name, sizeof(program_name), "%s", program);
    lowest_level = lowest;
}

void sg_log_fields(enum sg_log_level level, const char *event, const struct sg_log_field *fields)
{
    struct line l = {.len = 0};

    if (level < lowest_level)
        return;
    put_prefix(&l, level);
    put_text(&l, event);
    for (; fields->kind != SG_LOG_END; fields++)
        put_field(&l, fields);
    l.text[l.len++] = '\n';
    /* Nothing can be done about a log that cannot be written. */
    ssize_t n = write(STDERR_FILENO, l.text, l.len);
    (void)n;
}

void sg_log_failure(const char *event, int r)
{
    sg_log(SG_LOG_ERROR, event, SG_INT("errno", -(int64_t)r), SG_STR("trace", sg_error_trace()));
}

static uint8_t who_key[32];
static pthread_once_t who_once = PTHREAD_ONCE_INIT;

static void make_who_key(void)
{
    sg_random_bytes(who_key, sizeof(who_key));
}

void sg_log_who(char ret[17], struct sg_bytes identity)
{
    uint8_t digest[16];

    pthread_once(&who_once, make_who_key);
    crypto_generichash(digest, sizeof(digest), identity.data, identity.len, who_key,
                       sizeof(who_key));
    sg_hex(ret, digest, 8);
}
