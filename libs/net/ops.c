#include <arpa/inet.h>
#include <sealgrid/base/metrics.h>
#include <sealgrid/net/http.h>
#include <sealgrid/net/loop.h>
#include <sealgrid/net/ops.h>

#define METRICS_MAX (4u << 20)

struct sg_ops {
    struct sg_http_server *server;
    bool (*ready)(void *user);
    void *user;
};

static int reply_metrics(struct sg_http_exchange *x)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(METRICS_MAX);
    int r = sg_metrics_write(&b);
    return r < 0 ? r : sg_http_reply(x, 200, "text/plain; version=0.0.4", sg_buf_bytes(&b));
}

static int reply_ready(const struct sg_ops *o, struct sg_http_exchange *x)
{
    if (!o->ready || o->ready(o->user))
        return sg_http_reply(x, 200, "text/plain", SG_BYTES_LIT("ready\n"));
    return sg_http_reply(x, 503, "text/plain", SG_BYTES_LIT("not ready\n"));
}

static int answer(void *user, struct sg_http_exchange *x)
{
    const char *method = sg_http_method(x), *path = sg_http_path(x);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        int r = sg_http_add_header(x, "Allow", "GET, HEAD");
        return r < 0 ? r : sg_http_reply_error(x, 405, "method", "GET and HEAD only");
    }
    if (strcmp(path, "/metrics") == 0)
        return reply_metrics(x);
    if (strcmp(path, "/healthz") == 0)
        return sg_http_reply(x, 200, "text/plain", SG_BYTES_LIT("ok\n"));
    if (strcmp(path, "/readyz") == 0)
        return reply_ready(user, x);
    return sg_http_reply_error(x, 404, "not_found", "/metrics, /healthz or /readyz");
}

int sg_ops_start(struct sg_ops **ret, const char *listen, bool (*ready)(void *user), void *user)
{
    struct sg_addr a;
    int r = sg_addr_parse(listen, &a);
    if (r < 0)
        return r;
    if (a.ip[0] != 127)
        return sg_raisef(-EINVAL, "operator's address must be a loopback one");
    SG_CLEANUP(sg_ops_freep) struct sg_ops *o = calloc(1, sizeof(*o));
    if (!o)
        return sg_raise(-ENOMEM);
    o->ready = ready;
    o->user = user;
    struct sg_http_server_options options = {
        .listen = listen, .workers = 1, .max_connections = 32, .body_max = 1024};
    r = sg_http_server_start(&o->server, &options, answer, o);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(o);
    return 0;
}

uint16_t sg_ops_port(const struct sg_ops *o)
{
    return sg_http_server_port(o->server);
}

void sg_ops_free(struct sg_ops *o)
{
    if (!o)
        return;
    sg_http_server_free(o->server);
    free(o);
}
