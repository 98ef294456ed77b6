/* journal - lines of text, each with its check sum. */
#include "journal.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>

#define HEAD      "sealgrid-bill-run 1 "
#define LINE_LEN  320
#define CHECK_LEN 16                  /* hex digits */
#define FILE_MAX  (512u << 20)        /* some two million clients */
#define FLUSH_NS  INT64_C(5000000000) /* at most so much work is done again */

struct journal {
    int fd;
    char out[PATH_MAX];
    pthread_mutex_t lock; /* of what follows */
    struct sg_buf waiting;
    unsigned n_waiting, batch;
    int64_t flushed_ns;
};

static void check_of(char ret[CHECK_LEN + 1], const char *text, size_t n)
{
    uint8_t hash[32];

    sg_sha256(hash, SG_BYTES((const uint8_t *)text, n));
    sg_hex(ret, hash, CHECK_LEN / 2);
    ret[CHECK_LEN] = '\0';
}

static int append_line(struct sg_buf *to, const char *text)
{
    char check[CHECK_LEN + 1];

    check_of(check, text, strlen(text));
    return sg_buf_printf(to, "%s %s\n", text, check);
}

static void format(char ret[LINE_LEN], const struct journal_entry *e)
{
    char bill[65], evidence[65];

    sg_hex(bill, e->bill, 32);
    sg_hex(evidence, e->evidence, 32);
    bill[64] = evidence[64] = '\0';
    snprintf(ret, LINE_LEN, "%" PRId64 " %s %s %" PRIu64 " %" PRIu64 " %" PRId64, e->client, bill,
             evidence, e->readings, e->missing, e->total);
}

static bool take_hash(const char *hex, uint8_t ret[32])
{
    struct sg_buf b = {ret, 0, 32, 32, false};
    return strlen(hex) == 64 && sg_hex_decode(&b, sg_bytes_str(hex)) == 0 && b.len == 32;
}

static bool parse(const char *line, struct journal_entry *ret)
{
    char bill[65], evidence[65], again[LINE_LEN];

    if (sscanf(line, "%" SCNd64 " %64s %64s %" SCNu64 " %" SCNu64 " %" SCNd64, &ret->client, bill,
               evidence, &ret->readings, &ret->missing, &ret->total) != 6 ||
        !take_hash(bill, ret->bill) || !take_hash(evidence, ret->evidence))
        return false;
    format(again, ret);
    return !strcmp(again, line);
}

/* The whole line at the start of *text, without its check sum; advances.  False: none. */
static bool next_line(struct sg_bytes *text, char ret[LINE_LEN])
{
    const char *start = (const char *)text->data;
    const char *end = text->len ? memchr(start, '\n', text->len) : NULL;
    char check[CHECK_LEN + 1];

    if (!end || end - start < CHECK_LEN + 2 || end - start >= LINE_LEN)
        return false;
    size_t n = (size_t)(end - start) - CHECK_LEN - 1;
    check_of(check, start, n);
    if (start[n] != ' ' || memcmp(start + n + 1, check, CHECK_LEN))
        return false;
    memcpy(ret, start, n);
    ret[n] = '\0';
    *text = SG_BYTES(text->data + (end + 1 - start), text->len - (size_t)(end + 1 - start));
    return true;
}

static void head_of(char ret[LINE_LEN], const uint8_t terms[32])
{
    memcpy(ret, HEAD, sizeof(HEAD) - 1);
    sg_hex(ret + sizeof(HEAD) - 1, terms, 32);
    ret[sizeof(HEAD) - 1 + 64] = '\0';
}

static int begin(struct journal *j, const char *head)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf line = SG_BUF_INIT(LINE_LEN);
    int r = append_line(&line, head);

    if (!r && ftruncate(j->fd, 0) < 0)
        r = sg_raise_errno();
    return r ? r : sg_write_all(j->fd, sg_buf_bytes(&line));
}

static int replay(struct journal *j, const char *path, const char *head, journal_fn fn, void *user)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(FILE_MAX);
    struct journal_entry e;
    char line[LINE_LEN];
    int r = sg_file_read(path, &file);

    if (r)
        return r;
    struct sg_bytes rest = sg_buf_bytes(&file);
    if (!next_line(&rest, line))
        return begin(j, head); /* stopped before its first line was whole */
    if (strcmp(line, head) != 0)
        return JOURNAL_OTHER;
    struct sg_bytes good = rest;
    while (next_line(&rest, line) && parse(line, &e)) {
        good = rest;
        fn(user, &e);
    }
    off_t end = (off_t)(file.len - good.len);
    if (ftruncate(j->fd, end) < 0 || lseek(j->fd, end, SEEK_SET) < 0)
        return sg_raise_errno();
    return 0;
}

static int open_file(struct journal *j, const char *period, char path[PATH_MAX])
{
    int n = snprintf(path, PATH_MAX, "%s/run", j->out);

    if (n < 0 || n >= PATH_MAX - PERIOD_NAME_MAX - 16)
        return sg_raise(-ENAMETOOLONG);
    int r = sg_mkdir_p(path, 0700);
    if (r)
        return r;
    snprintf(path + n, (size_t)(PATH_MAX - n), "/%s.journal", period);
    j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (j->fd < 0)
        return sg_raise_errno();
    if (flock(j->fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? JOURNAL_BUSY : sg_raise_errno();
    return 0;
}

int journal_open(struct journal **ret, const char *out, const char *period, const uint8_t terms[32],
                 bool resume, unsigned batch, journal_fn fn, void *user)
{
    SG_CLEANUP(journal_freep) struct journal *j = calloc(1, sizeof(*j));
    char path[PATH_MAX], head[LINE_LEN];
    int r;

    if (!j)
        return sg_raise(-ENOMEM);
    *j = (struct journal){.fd = -1,
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .waiting = SG_BUF_INIT(FILE_MAX),
                          .batch = batch,
                          .flushed_ns = sg_clock_monotonic_ns()};
    if (strlen(out) >= sizeof(j->out))
        return sg_raise(-ENAMETOOLONG);
    strcpy(j->out, out);
    head_of(head, terms);
    r = open_file(j, period, path);
    if (!r)
        r = resume ? replay(j, path, head, fn, user) : begin(j, head);
    if (!r)
        *ret = TAKE_PTR(j);
    return r;
}

/* Under the lock.  First the files, then the lines about them. */
static int flush(struct journal *j)
{
    int r = 0;

    if (j->waiting.len == 0)
        return 0;
    r = output_sync(j->out);
    if (!r)
        r = sg_write_all(j->fd, sg_buf_bytes(&j->waiting));
    if (!r && fdatasync(j->fd) < 0)
        r = sg_raise_errno();
    sg_buf_reset(&j->waiting);
    j->n_waiting = 0;
    j->flushed_ns = sg_clock_monotonic_ns();
    return r;
}

int journal_add(struct journal *j, const struct journal_entry *e)
{
    char line[LINE_LEN];

    format(line, e);
    pthread_mutex_lock(&j->lock);
    int r = append_line(&j->waiting, line);
    j->n_waiting++;
    if (!r && (j->n_waiting >= j->batch || sg_clock_monotonic_ns() - j->flushed_ns >= FLUSH_NS))
        r = flush(j);
    pthread_mutex_unlock(&j->lock);
    return r;
}

int journal_flush(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    int r = flush(j);
    pthread_mutex_unlock(&j->lock);
    return r;
}

void journal_free(struct journal *j)
{
    if (!j)
        return;
    if (j->fd >= 0)
        close(j->fd); /* and unlocks */
    sg_buf_clear(&j->waiting);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

static bool is_file(const char *out, const char *kind, int64_t client, const char *period,
                    const char *suffix, const uint8_t sha256[32])
{
    char path[PATH_MAX];
    uint8_t hash[32];

    int n =
        snprintf(path, sizeof(path), "%s/%s/%" PRId64 "/%s.%s", out, kind, client, period, suffix);
    if (n < 0 || n >= PATH_MAX || access(path, R_OK))
        return false;
    return sg_sha256_file(path, hash) == 0 && !memcmp(hash, sha256, 32);
}

bool journal_verify(const struct journal_entry *e, const char *out, const char *period)
{
    return is_file(out, "bill", e->client, period, "json", e->bill) &&
           is_file(out, "evidence", e->client, period, "cbor", e->evidence);
}
