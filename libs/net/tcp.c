#include "tls-int.h"
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sealgrid/base/clock.h>
#include <stdio.h>
#include <sys/socket.h>

static int64_t now_ms(void)
{
    return sg_clock_monotonic_ns() / 1000000;
}

int64_t sg_deadline(int timeout_ms)
{
    return timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
}

int sg_wait_fd(int fd, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left = deadline_ms == INT64_MAX ? -1 : deadline_ms - now_ms();
        if (left < 0 && deadline_ms != INT64_MAX)
            left = 0;
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (n > 0)
            return 0;
        if (n == 0)
            return SG_TLS_TIMEOUT;
        if (errno != EINTR)
            return sg_raise_errno();
    }
}

int sg_fd_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return sg_raise_errno();
    return 0;
}

static void free_addresses(struct addrinfo **a)
{
    if (*a)
        freeaddrinfo(*a);
}

/* "host:port" or "[v6]:port" to socket addresses. */
static int resolve(const char *host_port, bool passive, struct addrinfo **ret)
{
    char host[256];
    const char *colon = strrchr(host_port, ':');
    if (!colon)
        return sg_raisef(-EINVAL, "address without a port");
    size_t len = (size_t)(colon - host_port);
    if (len >= 2 && host_port[0] == '[' && host_port[len - 1] == ']') {
        host_port++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof(host))
        return sg_raisef(-EINVAL, "address without a host");
    memcpy(host, host_port, len);
    host[len] = '\0';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0)};
    int e = getaddrinfo(host, colon + 1, &hints, ret);
    if (e)
        return sg_raisef(e == EAI_MEMORY ? -ENOMEM : -EADDRNOTAVAIL, "%s", gai_strerror(e));
    return 0;
}

static int new_socket(const struct addrinfo *a, int *ret_fd)
{
    SG_CLOSE int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        return sg_raise_errno();
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int connect_one(const struct addrinfo *a, int64_t deadline_ms, int *ret_fd)
{
    SG_CLOSE int fd = -1;
    int r = new_socket(a, &fd);
    if (r < 0)
        return r;
    if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
        if (errno != EINPROGRESS && errno != EINTR)
            return sg_raise_errno();
        r = sg_wait_fd(fd, POLLOUT, deadline_ms);
        if (r)
            return r < 0 ? r : sg_raise(-ETIMEDOUT);
        int e = 0;
        socklen_t len = sizeof(e);
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
            return sg_raise_errno();
        if (e)
            return sg_raise(-e);
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int sg_tcp_connect(const char *host_port, int timeout_ms, int *ret_fd)
{
    SG_CLEANUP(free_addresses) struct addrinfo *all = NULL;
    int64_t deadline = sg_deadline(timeout_ms);
    int r = resolve(host_port, false, &all);
    if (r < 0)
        return r;
    r = -EADDRNOTAVAIL;
    for (const struct addrinfo *a = all; a; a = a->ai_next) {
        r = connect_one(a, deadline, ret_fd);
        if (r == 0)
            break;
    }
    return r;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage s;
    socklen_t len = sizeof(s);
    if (getsockname(fd, (struct sockaddr *)&s, &len) < 0)
        return 0;
    if (s.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &s, sizeof(in6));
        return ntohs(in6.sin6_port);
    }
    struct sockaddr_in in;
    memcpy(&in, &s, sizeof(in));
    return ntohs(in.sin_port);
}

int sg_tcp_listen(const char *host_port, int *ret_fd, uint16_t *ret_port)
{
    SG_CLEANUP(free_addresses) struct addrinfo *a = NULL;
    int r = resolve(host_port, true, &a);
    if (r < 0)
        return r;
    SG_CLOSE int fd = -1;
    r = new_socket(a, &fd);
    if (r < 0)
        return r;
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
        return sg_raise_errno();
    *ret_port = bound_port(fd);
    *ret_fd = TAKE_FD(fd);
    return 0;
}
