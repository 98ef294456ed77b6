/*
 * compat_cas - every version of casd's formats ever written must decode: images in
 * tests/compat/cas, made independently from docs/adr/0007 and 0011.
 */
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>
#include <stdio.h>

#include "libs/cas/vault-int.h"
#include "libs/tee/sim-int.h"

static const char *path = "tests/compat/cas/v1.txt";

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s (%s)\n", path, what, sg_error_trace());
    exit(1);
}

/* The octets of "name = hex" in the image. */
static struct sg_buf field(const struct sg_buf *text, const char *name)
{
    struct sg_buf ret = SG_BUF_INIT(16384);
    char key[64];
    snprintf(key, sizeof key, "\n%s = ", name);
    const char *at = strstr((const char *)text->data, key);
    require(at != NULL, name);
    at += strlen(key);
    require(sg_hex_decode(&ret, SG_BYTES(at, strcspn(at, "\n"))) == 0, name);
    return ret;
}

#define FIELD(name)                                                                                \
    SG_CLEANUP(sg_buf_clear) struct sg_buf name = field(text, #name);                              \
    require(name.len > 0, #name)

static void require_same(struct sg_bytes a, const struct sg_buf *b, const char *what)
{
    require(sg_bytes_equal(a, sg_buf_bytes(b)), what);
}

static void require_reencodes(const struct sg_message_type *t, const void *m,
                              const struct sg_buf *image)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(16384);
    require(sg_message_encode(t, m, &again) == 0, t->name);
    require_same(sg_buf_bytes(&again), image, t->name);
}

static void check_evidence(const struct sg_buf *text)
{
    FIELD(platform_key);
    FIELD(evidence);
    FIELD(measurement);
    FIELD(report_data);
    SG_CLEANUP(sg_key_freep) struct sg_key *root = NULL;
    struct sg_tee_claims claims;
    require(sg_key_load_public(&root, sg_buf_bytes(&platform_key)) == 0, "platform key");
    struct sg_tee_collateral c = {&root, 1};
    require(sg_tee_verify(SG_TEE_SIM, sg_buf_bytes(&evidence), &c, 0, &claims) == 0, "evidence");
    require_same(SG_BYTES(claims.measurement, claims.measurement_len), &measurement, "measurement");
    require_same(SG_BYTES_ARRAY(claims.report_data), &report_data, "report data");
    require(!claims.debug && claims.svn == 7, "claims");
}

static void check_binding(const struct sg_buf *text)
{
    FIELD(exporter);
    FIELD(nonce);
    FIELD(client_key);
    FIELD(report_data);
    struct sg_cas_connection c = {.spki = sg_buf_bytes(&client_key)};
    uint8_t bound[SG_TEE_REPORT_DATA_LEN];
    memcpy(c.exporter, exporter.data, sizeof c.exporter);
    sg_cas_report_data(bound, nonce.data, &c, SG_BYTES_LIT("kvsd"));
    require_same(SG_BYTES_ARRAY(bound), &report_data, "binding");
}

static void check_messages(const struct sg_buf *text)
{
    FIELD(challenge);
    FIELD(request);
    FIELD(grant);
    FIELD(client_key);
    FIELD(kek);
    FIELD(lease);
    struct sg_cas_challenge c;
    struct sg_cas_request q;
    struct sg_cas_reply g;
    SG_CLEANUP(sg_cas_secrets_clear) struct sg_cas_secrets l = {NULL, 0};
    require(sg_message_decode(&sg_cas_challenge_type, sg_buf_bytes(&challenge), &c) == 0, "nonce");
    require(sg_message_decode(&sg_cas_request_type, sg_buf_bytes(&request), &q) == 0, "request");
    require(sg_message_decode(&sg_cas_reply_type, sg_buf_bytes(&grant), &g) == 0, "grant");
    require(sg_cas_secrets_decode(&l, g.secrets) == 0 && l.n == 2, "secrets");
    require_same(q.spki, &client_key, "key of the request");
    require_same(SG_BYTES_ARRAY(g.lease), &lease, "lease");
    require_same(sg_secret_bytes(sg_cas_secrets_find(&l, "kek/metering/1")), &kek, "KEK");
    require_reencodes(&sg_cas_challenge_type, &c, &challenge);
    require_reencodes(&sg_cas_request_type, &q, &request);
    require_reencodes(&sg_cas_reply_type, &g, &grant);
}

static void check_log(const struct sg_buf *text)
{
    FIELD(log);
    FIELD(head);
    FIELD(audit_key);
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    struct sg_cas_replay replay;
    struct sg_cas_record record;
    struct sg_cas_head h;
    struct sg_reader in = sg_reader_over(sg_buf_bytes(&log));
    uint8_t leaf[32], root[32];
    size_t len;
    sg_merkle_init(&replay.tree);
    while (in.left)
        require(sg_cas_frame_take(&replay, &in, &record, leaf, &len) == 0, "log");
    require(replay.tree.n == 5 && sg_bytes_equal(record.event, SG_BYTES_LIT("policy")), "records");
    sg_merkle_finish(&replay.tree, root);
    require(sg_message_decode(&sg_cas_head_type, sg_buf_bytes(&head), &h) == 0, "head");
    require(sg_key_load_public(&key, sg_buf_bytes(&audit_key)) == 0, "audit key");
    require(sg_cas_head_verify(&h, key) == 0, "signature of the head");
    require(h.size == 5 && memcmp(h.root, root, sizeof root) == 0, "head of the log");
}

static void check_state(const struct sg_buf *text)
{
    FIELD(sealing_key);
    FIELD(state);
    FIELD(policy);
    FIELD(ca_sha256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT_SECRET(16384);
    SG_CLEANUP(sg_cert_freep) struct sg_cert *ca = NULL;
    struct sg_cas_state s;
    uint8_t fingerprint[32];
    require(sg_cas_unseal(sg_buf_bytes(&sealing_key), sg_buf_bytes(&state), &plain) == 0, "seal");
    require(sg_message_decode(&sg_cas_state_type, sg_buf_bytes(&plain), &s) == 0, "state");
    require(s.sequence == 9 && s.production && s.leases_reserved == 2048, "numbers");
    require_same(s.policy, &policy, "policy");
    require(sg_cert_load(&ca, s.ca_cert) == 0, "CA");
    sg_cert_fingerprint(ca, fingerprint);
    require_same(SG_BYTES_ARRAY(fingerprint), &ca_sha256, "pin");
    require_reencodes(&sg_cas_state_type, &s, &plain);
}

static bool has_mark(const struct sg_cas_marks *m, const struct sg_buf *subject, uint8_t number,
                     int64_t issued_s)
{
    for (size_t i = 0; i < m->n; i++)
        if (sg_bytes_equal(SG_BYTES_ARRAY(m->at[i].subject), sg_buf_bytes(subject)))
            return m->at[i].number[sizeof m->at[i].number - 1] == number &&
                   m->at[i].issued_s == issued_s;
    return false;
}

/* Version 1 is read as one without marks, version 2 brings them. */
static void check_state_2(const struct sg_buf *text, uint64_t version)
{
    FIELD(sealing_key);
    FIELD(state);
    FIELD(policy);
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT_SECRET(16384);
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(16384);
    SG_CLEANUP(sg_cas_marks_clear) struct sg_cas_marks m = {0};
    struct sg_cas_state s;
    require(sg_cas_unseal(sg_buf_bytes(&sealing_key), sg_buf_bytes(&state), &plain) == 0, "seal");
    require(sg_cas_state_decode(sg_buf_bytes(&plain), &s) == 0, "state");
    require(s.version == version && s.sequence == 9 && s.production, "numbers");
    require_same(s.policy, &policy, "policy");
    require(sg_cas_marks_decode(s.marks, &m) == 0, "marks");
    if (version == 1) {
        require(m.n == 0 && m.epoch == 0, "no marks");
        return;
    }
    FIELD(marks);
    FIELD(tcb_info_subject);
    require_same(s.marks, &marks, "marks");
    require(m.n == 3 && m.epoch == 3 && has_mark(&m, &tcb_info_subject, 17, 1780000000), "mark");
    require(sg_cas_marks_encode(&m, &again) == 0, "marks");
    require_same(sg_buf_bytes(&again), &marks, "marks");
    require_reencodes(&sg_cas_state2_type, &s, &plain);
}

static void check_sealing(const struct sg_buf *text, enum sg_tee_seal policy,
                          const struct sg_buf *expected)
{
    FIELD(platform_sealing_secret);
    FIELD(measurement);
    SG_CLEANUP(sg_secret_clear) struct sg_secret key = SG_SECRET_INIT;
    require(sg_sim_derive_sealing(sg_buf_bytes(&platform_sealing_secret), policy, measurement.data,
                                  SG_CAS_SEAL_LABEL, &key) == 0,
            "sealing key");
    require_same(sg_secret_bytes(&key), expected, "sealing key");
}

int main(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf image = SG_BUF_INIT(65536);
    const struct sg_buf *text = &image;
    require(sg_file_read(path, &image) == 0 && sg_buf_append_u8(&image, 0) == 0, "read");
    FIELD(sealing_key_measurement);
    FIELD(sealing_key_platform);
    check_evidence(text);
    check_binding(text);
    check_messages(text);
    check_log(text);
    check_state(text);
    check_sealing(text, SG_TEE_SEAL_MEASUREMENT, &sealing_key_measurement);
    check_sealing(text, SG_TEE_SEAL_PLATFORM, &sealing_key_platform);
    check_state_2(text, 1);
    sg_buf_clear(&image);
    path = "tests/compat/cas/v2.txt";
    require(sg_file_read(path, &image) == 0 && sg_buf_append_u8(&image, 0) == 0, "read");
    check_state_2(text, 2);
    printf("formats of casd, versions 1 and 2\n");
    return 0;
}
