#include "gather-int.h"

#include <sealgrid/base/clock.h>
#include <stdio.h>

#include "cache-int.h"
#include "issuer-chain-int.h"

#define URL_MAX     2048
#define ISSUERS_MAX 65536
#define LINE_MAX_   256

struct gathering {
    const struct sg_transport *transport;
    const struct sg_collateral_options *o;
    const struct sg_collateral_user *u;
    struct sg_collateral_report report;
    int64_t deadline_ns;
    bool down[SG_N_SERVICES]; /* did not answer, or said to come later: not asked again */
    bool guessed;             /* the product was found; others are not looked for */
    struct sg_buf issuers;    /* certificates taken so far: they stand above what follows */
};

/* One document on its way. */
struct errand {
    const struct sg_tee_need *need;
    struct sg_collateral_request request;
    char name[SG_TEE_DOCUMENT_NAME_MAX];
    struct sg_copy kept, fresh;
};

static void warn(const struct gathering *g, const struct errand *e, const char *text)
{
    if (g->u->warn)
        g->u->warn(g->u->user, e->name, text);
}

/* ---- the folder ---- */

static void chain_file(const struct errand *e, char ret[SG_REQUEST_FILE_MAX + 16])
{
    snprintf(ret, SG_REQUEST_FILE_MAX + 16, "%s.chain.pem", e->request.file);
}

/* More than a store takes is no such document either. */
static void judge(const struct gathering *g, struct errand *e, struct sg_copy *c)
{
    if (sg_copy_judge(c, e->need, g->u, sg_buf_bytes(&g->issuers), g->o->at_s) < 0)
        c->good = false;
}

static int look_at_hand(const struct gathering *g, struct errand *e)
{
    char chain[SG_REQUEST_FILE_MAX + 16];
    int64_t ignored;
    if (!g->o->cache)
        return 0;
    int r = sg_cache_read(g->o->cache, e->request.file, &e->kept.body, &e->kept.asked_s);
    if (r != 0)
        return r == SG_CACHE_NONE ? 0 : r;
    chain_file(e, chain);
    r = sg_cache_read(g->o->cache, chain, &e->kept.chain, &ignored);
    if (r < 0)
        return r;
    judge(g, e, &e->kept);
    if (!e->kept.good)
        warn(g, e, "the copy in the cache is no such document, or nothing vouches for it");
    return 0;
}

static int keep(const struct gathering *g, const struct errand *e)
{
    char chain[SG_REQUEST_FILE_MAX + 16];
    const struct sg_bytes body = sg_buf_bytes(&e->fresh.body),
                          issuers = sg_buf_bytes(&e->fresh.chain);
    int r = 0;
    if (!g->o->cache)
        return 0;
    chain_file(e, chain);
    /* The issuers first: a document that is there has them. */
    if (issuers.len && !sg_bytes_equal(issuers, sg_buf_bytes(&e->kept.chain)))
        r = sg_cache_write(g->o->cache, chain, issuers);
    if (r < 0)
        return r;
    if (!sg_bytes_equal(body, sg_buf_bytes(&e->kept.body)))
        return sg_cache_write(g->o->cache, e->request.file, body);
    sg_cache_touch(g->o->cache, e->request.file);
    return 0;
}

/* ---- the service ---- */

static const char *base_of(const struct gathering *g, enum sg_collateral_service s)
{
    const struct sg_collateral_options *o = g->o;
    if (s == SG_SERVICE_AMD)
        return o->amd ? o->amd : SG_COLLATERAL_AMD;
    if (s == SG_SERVICE_INTEL_ROOT)
        return SG_COLLATERAL_INTEL_ROOT;
    return o->intel ? o->intel : SG_COLLATERAL_INTEL;
}

static bool make_url(const struct gathering *g, const struct errand *e, char ret[URL_MAX])
{
    static const char tail[] = "/sgx/certification/v4";
    const char *base = base_of(g, e->request.service);
    size_t n = strlen(base);
    while (n && base[n - 1] == '/')
        n--;
    if (n > sizeof tail - 1 && !strncmp(base + n - (sizeof tail - 1), tail, sizeof tail - 1))
        n -= sizeof tail - 1;
    int len = snprintf(ret, URL_MAX, "%.*s%s", (int)n, base, e->request.path);
    return len > 0 && len < URL_MAX;
}

static int64_t left_ms(const struct gathering *g)
{
    return (g->deadline_ns - sg_clock_monotonic_ns()) / 1000000;
}

/* How long to wait before the next try; -1: not at all. */
static int64_t pause_ms(const struct gathering *g, const struct sg_transport_reply *reply,
                        unsigned tries)
{
    const bool later = reply->status == 429 || reply->status == 503;
    const int64_t s = reply->retry_after_s >= 0 ? reply->retry_after_s : (int64_t)1 << tries;
    if (!later || tries >= SG_GATHER_RETRIES || s > SG_GATHER_WAIT_MAX_S || s * 1000 >= left_ms(g))
        return -1;
    return s * 1000;
}

/* 0 with whatever was answered; an enum sg_transport_outcome; -errno. */
static int ask(const struct gathering *g, const struct errand *e, struct sg_transport_reply *reply)
{
    char url[URL_MAX];
    if (!make_url(g, e, url))
        return sg_raisef(-EINVAL, "the URL of a service is too long");
    for (unsigned tries = 0;; tries++) {
        const int64_t left = left_ms(g);
        const int most = g->o->request_ms ? g->o->request_ms : SG_GATHER_REQUEST_MS;
        const struct sg_transport_get get = {.url = url,
                                             .chain_header = e->request.chain_header,
                                             .n_chain_headers = SG_REQUEST_HEADERS,
                                             .timeout_ms = left < most ? (int)left : most};
        if (left <= 0)
            return SG_TRANSPORT_TIMEOUT;
        int r = g->transport->get(g->transport->user, &get, reply);
        const int64_t pause = r == 0 ? pause_ms(g, reply, tries) : -1;
        if (pause < 0)
            return r;
        g->transport->wait(g->transport->user, (int)pause);
    }
}

/* ---- an answer ---- */

enum answer { TAKEN, NOT_TAKEN };

static enum answer refuse(struct gathering *g, const struct errand *e, const char *text)
{
    g->report.refused++;
    warn(g, e, text);
    return NOT_TAKEN;
}

static enum answer refuse_status(struct gathering *g, const struct errand *e, int status)
{
    char text[LINE_MAX_];
    if (status == 429 || status == 503)
        g->down[e->request.service] = true;
    if (e->need->guess && status == 404)
        return NOT_TAKEN; /* the other product, then */
    snprintf(text, sizeof text, "the service answers %d%s", status,
             status >= 300 && status < 400    ? ": redirects are not followed"
             : status == 404                  ? ": it has no such document"
             : status == 429 || status == 503 ? ": too busy"
                                              : "");
    return refuse(g, e, text);
}

/* A header that does not decode is as good as none; then those of the copy at hand may do. */
static int read_chain(struct errand *e, const struct sg_buf *header)
{
    int r = header->len ? sg_issuer_chain_decode(sg_buf_bytes(header), &e->fresh.chain)
                        : SG_ISSUER_CHAIN_BAD;
    if (r == SG_ISSUER_CHAIN_BAD)
        r = sg_buf_append(&e->fresh.chain, sg_buf_bytes(&e->kept.chain));
    return r;
}

/* "number 17", or of a list "of 2026-06-30T00:08:00Z". */
static void tell_which(const struct sg_tee_document *d, char *ret, size_t size)
{
    char date[SG_RFC3339_MAX];
    sg_time_rfc3339(date, d->from_s);
    if (d->kind == SG_TEE_DOCUMENT_TCB_INFO || d->kind == SG_TEE_DOCUMENT_IDENTITY)
        snprintf(ret, size, "number %llu", (unsigned long long)sg_tee_document_number(d));
    else
        snprintf(ret, size, "of %s", date);
}

static enum answer compare(struct gathering *g, const struct errand *e)
{
    const struct sg_tee_document *now = &e->fresh.document, *before = &e->kept.document;
    char text[LINE_MAX_], sent[40], kept[40];
    if (!e->fresh.good)
        return refuse(g, e,
                      "what the service sends is no such document, or nothing vouches for it");
    if (!e->kept.good || memcmp(now->subject, before->subject, sizeof now->subject) != 0 ||
        !sg_tee_document_older(now, before))
        return TAKEN;
    tell_which(now, sent, sizeof sent);
    tell_which(before, kept, sizeof kept);
    snprintf(text, sizeof text, "the service sends an older one (%s) than is at hand (%s): refused",
             sent, kept);
    return refuse(g, e, text);
}

static int take_answer(struct gathering *g, struct errand *e, struct sg_transport_reply *reply,
                       enum answer *ret)
{
    if (reply->status != 200) {
        *ret = refuse_status(g, e, reply->status);
        return 0;
    }
    int r = sg_buf_append(&e->fresh.body, sg_buf_bytes(&reply->body));
    if (r == 0)
        r = read_chain(e, &reply->chain);
    if (r < 0)
        return r;
    judge(g, e, &e->fresh);
    *ret = compare(g, e);
    return *ret == TAKEN ? keep(g, e) : 0;
}

static int fetch(struct gathering *g, struct errand *e, enum answer *ret)
{
    struct sg_transport_reply reply = {.body = SG_BUF_INIT(SG_GATHER_BODY_MAX),
                                       .chain = SG_BUF_INIT(SG_TRANSPORT_CHAIN_MAX)};
    char text[LINE_MAX_];
    *ret = NOT_TAKEN;
    if (g->down[e->request.service]) {
        warn(g, e, "not asked for: its service failed before");
        return 0;
    }
    int r = ask(g, e, &reply);
    if (r == 0)
        r = take_answer(g, e, &reply, ret);
    else if (r > 0) {
        g->down[e->request.service] = r != SG_TRANSPORT_TOO_LARGE && r != SG_TRANSPORT_CUT;
        snprintf(text, sizeof text, "the service %s", sg_transport_outcome_text(r));
        *ret = refuse(g, e, text);
        r = 0;
    }
    sg_buf_clear(&reply.body);
    sg_buf_clear(&reply.chain);
    return r;
}

/* ---- one document ---- */

static int hand_over(struct gathering *g, const struct errand *e, const struct sg_copy *c)
{
    int r = g->u->take(g->u->user, sg_buf_bytes(&c->body));
    if (r == 0 && c->chain.len)
        r = g->u->take(g->u->user, sg_buf_bytes(&c->chain));
    if (r == 0 && e->need->kind == SG_TEE_NEED_AMD_CHAIN)
        r = sg_buf_append(&g->issuers, sg_buf_bytes(&c->body));
    if (e->need->guess && e->need->kind == SG_TEE_NEED_VCEK)
        g->guessed = true;
    return r;
}

static void tell_kept(const struct gathering *g, const struct errand *e)
{
    char text[LINE_MAX_], date[SG_RFC3339_MAX];
    const bool ended = e->kept.document.until_s < g->o->at_s;
    sg_time_rfc3339(date, ended ? e->kept.document.until_s : e->kept.document.from_s);
    snprintf(text, sizeof text,
             ended ? "the copy in the cache ended at %s" : "the copy in the cache, of %s, serves",
             date);
    if (ended || g->o->connect)
        warn(g, e, text);
}

static int use_kept(struct gathering *g, const struct errand *e, bool fresh)
{
    g->report.kept++;
    if (!fresh)
        tell_kept(g, e);
    return hand_over(g, e, &e->kept);
}

static int run_errand(struct gathering *g, struct errand *e)
{
    const unsigned percent =
        g->o->refresh_percent ? g->o->refresh_percent : SG_GATHER_REFRESH_PERCENT;
    enum answer answer = NOT_TAKEN;
    int r = look_at_hand(g, e);
    if (r < 0)
        return r;
    const bool fresh = sg_copy_fresh(&e->kept, percent, g->o->at_s, sg_clock_unix_s());
    if (!fresh && g->o->connect)
        r = fetch(g, e, &answer);
    if (r < 0)
        return r;
    if (answer == TAKEN) {
        g->report.fetched++;
        return hand_over(g, e, &e->fresh);
    }
    if (e->kept.good)
        return use_kept(g, e, fresh);
    g->report.missing += !e->need->guess;
    if (!g->o->connect && !e->need->guess)
        warn(g, e, "not in the cache");
    return 0;
}

static int get_one(struct gathering *g, const struct sg_tee_need *n)
{
    struct errand e = {.need = n};
    sg_collateral_request_of(n, g->o->intel != NULL, &e.request);
    sg_tee_need_name(n, e.name);
    sg_copy_init(&e.kept);
    sg_copy_init(&e.fresh);
    int r = run_errand(g, &e);
    sg_copy_clear(&e.kept);
    sg_copy_clear(&e.fresh);
    return r;
}

/* ---- all ---- */

static int check(const struct sg_collateral_options *o)
{
    int r = o->intel ? sg_transport_check_url(o->intel, o->allow_http) : 0;
    if (r == 0 && o->amd)
        r = sg_transport_check_url(o->amd, o->allow_http);
    return r;
}

/* Of several that a report may come from, the one whose key is at hand: it is looked at first. */
static const char *likely_product(const struct sg_collateral_options *o,
                                  const struct sg_tee_needs *needs)
{
    for (size_t i = 0; o->cache && i < needs->n; i++) {
        const struct sg_tee_need *n = &needs->at[i];
        struct sg_collateral_request request;
        if (!n->guess || n->kind != SG_TEE_NEED_VCEK)
            continue;
        sg_collateral_request_of(n, false, &request);
        if (sg_cache_has(o->cache, request.file))
            return n->product;
    }
    return NULL;
}

int sg_collateral_gather_over(const struct sg_transport *t, const struct sg_collateral_options *o,
                              const struct sg_tee_needs *needs, const struct sg_collateral_user *u,
                              struct sg_collateral_report *ret)
{
    const int64_t total_ms = o->total_ms ? o->total_ms : SG_GATHER_TOTAL_MS;
    struct gathering g = {.transport = t,
                          .o = o,
                          .u = u,
                          .deadline_ns = sg_clock_monotonic_ns() + total_ms * 1000000,
                          .issuers = SG_BUF_INIT(ISSUERS_MAX)};
    const char *likely = likely_product(o, needs);
    bool guessing = false;
    int r = 0;
    for (size_t i = 0; i < needs->n && r == 0; i++) {
        guessing |= needs->at[i].guess;
        if (!needs->at[i].guess || (likely && !strcmp(needs->at[i].product, likely)))
            r = get_one(&g, &needs->at[i]);
    }
    for (size_t i = 0; i < needs->n && r == 0; i++)
        if (needs->at[i].guess && !g.guessed && !(likely && !strcmp(needs->at[i].product, likely)))
            r = get_one(&g, &needs->at[i]);
    g.report.missing += guessing && !g.guessed;
    sg_buf_clear(&g.issuers);
    if (r == 0)
        *ret = g.report;
    return r;
}

int sg_collateral_gather(const struct sg_collateral_options *o, const struct sg_tee_needs *needs,
                         const struct sg_collateral_user *u, struct sg_collateral_report *ret)
{
    SG_CLEANUP(sg_transport_curl_freep) struct sg_transport_curl *curl = NULL;
    struct sg_transport t = {0};
    int r = check(o);
    if (r == 0 && o->connect)
        r = sg_transport_curl_new(&curl, o);
    if (r < 0)
        return r;
    if (curl)
        t = sg_transport_curl_of(curl);
    return sg_collateral_gather_over(&t, o, needs, u, ret);
}
