#pragma once
/*
 * trust - a certificate authority for one run, a server's certificate for 127.0.0.1 and localhost
 * and a client's, so that peers speak TLS as ours do.  Keys are P-256; valid for a day.
 *
 * Owns: certificates and keys; the files stay in the caller's folder.
 */
#include <sealgrid/net/tls.h>

struct sg_bench_trust {
    struct sg_cert *ca_cert, *server_cert, *client_cert;
    struct sg_key *ca_key, *server_key, *client_key;
    /* PEM files below the folder; keys have mode 0600. */
    char ca[512], cert[512], key[512];                /* "FOLDER/ca.pem", server.pem, server.key */
    char client_cert_path[512], client_key_path[512]; /* client.pem, client.key */
};

/* The folder must exist.  Both identities carry the URI spiffe://sealgrid/bench. */
#define SG_BENCH_URI "spiffe://sealgrid/bench"
SG_MUST_USE int sg_bench_trust_new(struct sg_bench_trust **ret, const char *folder);
void sg_bench_trust_free(struct sg_bench_trust *t);
SG_DEFINE_FREEP(struct sg_bench_trust, sg_bench_trust_free)

/* A client's or a server's side of mutual TLS under this authority; owned by the caller. */
SG_MUST_USE int sg_bench_trust_context(struct sg_tls_ctx **ret, const struct sg_bench_trust *t,
                                       bool server);
