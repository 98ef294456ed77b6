#pragma once
/*
 * transport - one GET over HTTP, and waiting; an interface, so that what is made of answers can be
 * tested without a network.  transport-curl.c is the only file that knows libcurl.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/collateral.h>

#define SG_TRANSPORT_CHAIN_MAX 32768

enum sg_transport_outcome {
    SG_TRANSPORT_UNREACHABLE = 1, /* no such host, refused, no route */
    SG_TRANSPORT_TIMEOUT,
    SG_TRANSPORT_TLS,
    SG_TRANSPORT_TOO_LARGE,
    SG_TRANSPORT_CUT, /* the answer ended early, or is not HTTP */
};
const char *sg_transport_outcome_text(int outcome);

struct sg_transport_get {
    const char *url;
    const char *const *chain_header; /* SG_REQUEST_HEADERS names or NULL */
    size_t n_chain_headers;
    int timeout_ms;
};

/* Buffers are the caller's, with their maxima. */
struct sg_transport_reply {
    int status;
    struct sg_buf body;
    struct sg_buf chain;   /* the header as it came; empty: none */
    int64_t retry_after_s; /* -1: not said */
};

struct sg_transport {
    void *user;
    /* 0 for any HTTP status; redirects are answers like others. */
    int (*get)(void *user, const struct sg_transport_get *g, struct sg_transport_reply *ret);
    void (*wait)(void *user, int ms);
};

struct sg_transport_curl;
SG_MUST_USE int sg_transport_curl_new(struct sg_transport_curl **ret,
                                      const struct sg_collateral_options *o);
void sg_transport_curl_free(struct sg_transport_curl *t);
SG_DEFINE_FREEP(struct sg_transport_curl, sg_transport_curl_free)
struct sg_transport sg_transport_curl_of(struct sg_transport_curl *t);
/* https with a host and no user, query or fragment; http if it stays on this machine or may leave.
 * -EINVAL, with the reason in the trace. */
SG_MUST_USE int sg_transport_check_url(const char *url, bool allow_http);
