#pragma once
/*
 * vee-session - the store, for the commands that judge and complete readings.  They are attested as
 * service "vee": it may write what "bill" may only read.
 */
#include <sealgrid/cas/client.h>
#include <sealgrid/kv.h>

#define VEE_SESSION_OPTIONS(O)                                                                     \
    O(STRING, kvsd_connect, "kvsd.connect", "127.0.0.1:17410", 0, 0, false, "kvsd")                \
    O(STRING, cas_connect, "cas.connect", "127.0.0.1:17400", 0, 0, false, "casd")                  \
    O(STRING, cas_pin, "cas.pin", NULL, 0, 0, false, "SHA-256 of casd's CA certificate, hex")      \
    O(STRING, cas_provider, "cas.provider", "sim", 0, 0, false, "attestation provider")            \
    O(STRING, cas_platform, "cas.platform", NULL, 0, 0, false,                                     \
      "folder of the simulated platform's key")

struct vee_session_options {
    const char *kvsd_connect, *cas_connect, *cas_pin, *cas_provider, *cas_platform;
};
struct vee_session {
    struct sg_cas_grant grant;
    struct sg_tls_ctx *tls;
    struct sg_kv *kv;
};
SG_MUST_USE int vee_session_open(struct vee_session *ret, const struct vee_session_options *o);
void vee_session_close(struct vee_session *s);
