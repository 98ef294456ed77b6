#pragma once
/*
 * caller - who asks over HTTPS: the service identity of its verified certificate, or "key:NAME"
 * when it shows the API key of that name ("Authorization: Bearer KEY", RFC 6750 section 2.1).  What
 * the caller may do is its service's business.
 *
 * A caller that shows a key is that key's or nobody, whatever its certificate says.  Keys are kept
 * and compared by hash, all of them, in constant time.  Any thread.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/net/http.h>

struct sg_callers;

struct sg_api_key {
    const char *name;
    struct sg_bytes key; /* 16 to 512 octets; only its hash is kept */
};

#define SG_CALLER_MAX 128

SG_MUST_USE int sg_callers_new(struct sg_callers **ret, const struct sg_api_key *keys, size_t n);
void sg_callers_free(struct sg_callers *c);
SG_DEFINE_FREEP(struct sg_callers, sg_callers_free)

enum sg_caller_outcome { SG_CALLER_UNKNOWN = 1 };
/* uri: of the verified certificate, "" if there is none; authorization: the header, or NULL. */
SG_MUST_USE int sg_callers_find(const struct sg_callers *c, const char *uri,
                                const char *authorization, char ret[SG_CALLER_MAX]);
/* The same of one exchange. */
SG_MUST_USE int sg_callers_of(const struct sg_callers *c, struct sg_http_exchange *x,
                              char ret[SG_CALLER_MAX]);
/* A name as the above gives them: "spiffe://..." or "key:NAME". */
bool sg_caller_name_ok(const char *who);
