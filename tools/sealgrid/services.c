#include "services.h"

#include <fcntl.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/net/http.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>

static void run_path(char ret[SG_PATH_MAX], const char *dir, const char *leaf)
{
    snprintf(ret, SG_PATH_MAX, "%s/run/%s", dir, leaf);
}

static int read_text(const char *dir, const char *leaf, struct sg_buf *b)
{
    char path[SG_PATH_MAX];
    run_path(path, dir, leaf);
    int r = sg_file_read(path, b);
    return r ? r : sg_buf_append_u8(b, 0);
}

int sg_services_read(const char *dir, struct sg_services *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    int r = read_text(dir, "services", &text);
    if (r)
        return r;
    struct sg_services s = {.n = 0};
    char *save = NULL;
    for (char *line = strtok_r((char *)text.data, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        if (s.n == SG_SERVICES_MAX)
            return sg_raisef(-E2BIG, "more than %d services", SG_SERVICES_MAX);
        struct sg_service *item = &s.item[s.n];
        if (sscanf(line, "%31s %511s %511s %511s %hu", item->name, item->program, item->conf,
                   item->log, &item->ops_port) != 5)
            return sg_raisef(-EBADMSG, "services, line %zu", s.n + 1);
        s.n++;
    }
    *ret = s;
    return 0;
}

int sg_services_write(const char *dir, const struct sg_services *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    for (size_t i = 0; i < s->n; i++) {
        const struct sg_service *v = &s->item[i];
        int r = sg_buf_printf(&text, "%s %s %s %s %u\n", v->name, v->program, v->conf, v->log,
                              v->ops_port);
        if (r)
            return r;
    }
    char path[SG_PATH_MAX];
    run_path(path, dir, "services");
    return sg_file_write_atomic(path, sg_buf_bytes(&text), 0644);
}

int sg_states_read(const char *dir, struct sg_service_state *ret, size_t n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    int r = read_text(dir, "status", &text);
    if (r)
        return r;
    memset(ret, 0, n * sizeof *ret);
    char *save = NULL;
    char *line = strtok_r((char *)text.data, "\n", &save);
    for (size_t i = 0; i < n && line; i++, line = strtok_r(NULL, "\n", &save))
        if (sscanf(line, "%d %u %d", &ret[i].pid, &ret[i].restarts, &ret[i].last_exit) != 3)
            return sg_raisef(-EBADMSG, "status, line %zu", i + 1);
    return 0;
}

int sg_states_write(const char *dir, const struct sg_service_state *s, size_t n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    for (size_t i = 0; i < n; i++) {
        int r = sg_buf_printf(&text, "%d %u %d\n", s[i].pid, s[i].restarts, s[i].last_exit);
        if (r)
            return r;
    }
    char path[SG_PATH_MAX];
    run_path(path, dir, "status");
    return sg_file_write_atomic(path, sg_buf_bytes(&text), 0644);
}

int sg_supervisor_pid(const char *dir)
{
    char path[SG_PATH_MAX];
    run_path(path, dir, "supervisor.lock");
    SG_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0; /* nobody holds it */
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    return n > 0 ? atoi(text) : 0;
}

static int ops_get(const struct sg_service *s, const char *target, int *ret_status,
                   struct sg_buf *ret_body)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", s->ops_port);
    struct sg_http_client_options o = {
        .connect = address, .connect_timeout_ms = 1000, .io_timeout_ms = 5000};
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *c = NULL;
    int r = sg_http_client_new(&c, &o);
    if (r)
        return r;
    return sg_http_call(c, "GET", target, NULL, 0, SG_BYTES_NONE, ret_status, ret_body);
}

bool sg_service_ready(const struct sg_service *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(65536);
    int status = 0;
    return ops_get(s, "/readyz", &status, &body) == 0 && status == 200;
}

int64_t sg_service_metric(const struct sg_service *s, const char *name)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(1 << 20);
    int status = 0;
    if (ops_get(s, "/metrics", &status, &body) || status != 200 || sg_buf_append_u8(&body, 0))
        return 0;
    size_t n = strlen(name);
    for (const char *at = (const char *)body.data; at && *at;
         at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        if (!strncmp(at, name, n) && at[n] == ' ')
            return strtoll(at + n + 1, NULL, 10);
    return 0;
}

int sg_service_signal(const char *dir, const char *name, int sig)
{
    struct sg_services s;
    struct sg_service_state state[SG_SERVICES_MAX];
    int r = sg_services_read(dir, &s);
    if (r == 0)
        r = sg_states_read(dir, state, s.n);
    if (r)
        return r;
    for (size_t i = 0; i < s.n; i++)
        if (!strcmp(s.item[i].name, name))
            return state[i].pid > 0 && kill(state[i].pid, sig) == 0 ? 0 : sg_raise(-ESRCH);
    return sg_raisef(-ESRCH, "no service %s", name);
}
