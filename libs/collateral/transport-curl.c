/*
 * transport-curl - the adaptor of libcurl.  No redirects, no cookies, no credentials, no
 * compression (what is small on the wire must not be large here), no proxy unless asked for; sizes
 * and times are bounded.
 */
#include "transport-int.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <sealgrid/base/clock.h>
#include <stdio.h>
#include <time.h>

#define CONNECT_MS       5000
#define HEADERS_MAX      65536 /* octets of all header lines together */
#define MIN_OCTETS_PER_S 16    /* slower than that for as long as a connection may take: given up */

struct sg_transport_curl {
    CURL *easy;
    struct sg_buf *body; /* of the answer that is coming */
    size_t header_octets;
    bool too_large;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_started;

static void start_curl(void)
{
    curl_started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- URLs ---- */

static bool is_this_machine(const char *host)
{
    struct in_addr a; /* 127.0.0.0/8 as numbers; libcurl resolves "localhost" by itself */
    return (inet_pton(AF_INET, host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127) ||
           !strcmp(host, "[::1]") || !strcmp(host, "localhost");
}

static bool has(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    const bool there = curl_url_get(u, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return there;
}

static const char *what_is_wrong(CURLU *u, const char *url, bool allow_http)
{
    SG_CLEANUP(sg_free_ptr) char *scheme = NULL, *host = NULL;
    const char *why = NULL;
    if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        why = "not a URL";
    else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
        why = "neither https nor http";
    else if (has(u, CURLUPART_USER) || has(u, CURLUPART_PASSWORD))
        why = "a URL with a user in it";
    else if (has(u, CURLUPART_QUERY) || has(u, CURLUPART_FRAGMENT))
        why = "a URL with a query or a fragment";
    else if (!strcmp(scheme, "http") && !allow_http && !is_this_machine(host))
        why = "http to another machine: https, or allow it by name";
    return why;
}

int sg_transport_check_url(const char *url, bool allow_http)
{
    CURLU *u = curl_url();
    if (!u)
        return sg_raise(-ENOMEM);
    const char *why = what_is_wrong(u, url, allow_http);
    curl_url_cleanup(u);
    return why ? sg_raisef(-EINVAL, "%s: %s", url, why) : 0;
}

/* ---- one answer ---- */

static size_t on_body(char *p, size_t size, size_t n, void *user)
{
    struct sg_transport_curl *t = user;
    (void)size; /* always 1 */
    if (sg_buf_append(t->body, SG_BYTES(p, n)) == 0)
        return n;
    t->too_large = true;
    return n ? 0 : 1;
}

static size_t on_header(char *p, size_t size, size_t n, void *user)
{
    struct sg_transport_curl *t = user;
    (void)p;
    (void)size;
    t->header_octets += n;
    if (t->header_octets <= HEADERS_MAX)
        return n;
    t->too_large = true;
    return n ? 0 : 1;
}

static int outcome_of(const struct sg_transport_curl *t, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return 0;
    case CURLE_OUT_OF_MEMORY:
        return sg_raise(-ENOMEM);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return SG_TRANSPORT_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return SG_TRANSPORT_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return SG_TRANSPORT_TLS;
    case CURLE_FILESIZE_EXCEEDED:
        return SG_TRANSPORT_TOO_LARGE;
    default:
        return t->too_large ? SG_TRANSPORT_TOO_LARGE : SG_TRANSPORT_CUT;
    }
}

const char *sg_transport_outcome_text(int outcome)
{
    static const char *const texts[] = {[SG_TRANSPORT_UNREACHABLE] = "cannot be reached",
                                        [SG_TRANSPORT_TIMEOUT] = "does not answer in time",
                                        [SG_TRANSPORT_TLS] = "is not trusted: TLS",
                                        [SG_TRANSPORT_TOO_LARGE] = "sent more than is allowed",
                                        [SG_TRANSPORT_CUT] =
                                            "sent an answer that is cut or no HTTP"};
    return outcome > 0 && (size_t)outcome < sizeof texts / sizeof texts[0] ? texts[outcome]
                                                                           : "failed";
}

static int take_chain(const struct sg_transport_curl *t, const struct sg_transport_get *g,
                      struct sg_buf *ret)
{
    for (size_t i = 0; i < g->n_chain_headers; i++) {
        struct curl_header *h;
        if (!g->chain_header[i] ||
            curl_easy_header(t->easy, g->chain_header[i], 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
            continue;
        return sg_buf_append(ret, sg_bytes_str(h->value)) < 0 ? SG_TRANSPORT_TOO_LARGE : 0;
    }
    return 0;
}

static int take_answer(const struct sg_transport_curl *t, const struct sg_transport_get *g,
                       struct sg_transport_reply *ret)
{
    long status = 0;
    curl_off_t after = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after);
    ret->status = (int)status;
    ret->retry_after_s = after > 0 ? after : -1;
    return take_chain(t, g, &ret->chain);
}

static int get(void *user, const struct sg_transport_get *g, struct sg_transport_reply *ret)
{
    struct sg_transport_curl *t = user;
    sg_buf_reset(&ret->body);
    sg_buf_reset(&ret->chain);
    t->body = &ret->body;
    t->header_octets = 0;
    t->too_large = false;
    if (curl_easy_setopt(t->easy, CURLOPT_URL, g->url) != CURLE_OK)
        return sg_raise(-ENOMEM);
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)g->timeout_ms);
    curl_easy_setopt(t->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)ret->body.max);
    int r = outcome_of(t, curl_easy_perform(t->easy));
    return r ? r : take_answer(t, g, ret);
}

static void wait_ms(void *user, int ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)user;
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

/* ---- life ---- */

static bool set_options(CURL *c, struct sg_transport_curl *t, const struct sg_collateral_options *o)
{
    const long connect_ms = o->connect_ms ? o->connect_ms : CONNECT_MS;
    bool ok = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http") == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_USERAGENT, "sealgrid") == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)MIN_OCTETS_PER_S) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, connect_ms / 1000 + 1) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_WRITEDATA, t) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_HEADERDATA, t) == CURLE_OK;
    if (!o->proxy) /* an empty name forbids those of the environment */
        ok &= curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK;
    if (o->ca_file) {
        ok &= curl_easy_setopt(c, CURLOPT_CAINFO, o->ca_file) == CURLE_OK;
        ok &= curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK;
    }
    return ok;
}

int sg_transport_curl_new(struct sg_transport_curl **ret, const struct sg_collateral_options *o)
{
    SG_CLEANUP(sg_transport_curl_freep) struct sg_transport_curl *t = calloc(1, sizeof *t);
    if (!t)
        return sg_raise(-ENOMEM);
    pthread_once(&curl_once, start_curl);
    t->easy = curl_started == CURLE_OK ? curl_easy_init() : NULL;
    if (!t->easy || !set_options(t->easy, t, o))
        return sg_raisef(-ENOTSUP, "libcurl does not start");
    *ret = TAKE_PTR(t);
    return 0;
}

void sg_transport_curl_free(struct sg_transport_curl *t)
{
    if (!t)
        return;
    curl_easy_cleanup(t->easy);
    free(t);
}

struct sg_transport sg_transport_curl_of(struct sg_transport_curl *t)
{
    return (struct sg_transport){.user = t, .get = get, .wait = wait_ms};
}
