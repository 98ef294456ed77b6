#include <sealgrid/base/encode.h>
#include <sealgrid/base/random.h>
#include <sealgrid/crypto/hash.h>

#include "judge-int.h"
#include "service-int.h"

#define LEASE_BLOCK    1024 /* numbers reserved by one write of the state */
#define REFUSALS_PER_S 10   /* records; the rest is counted in the next one */
#define REFUSALS_BURST 50

/* ---- state on the disk ---- */

static int record_state(struct sg_cas_service *s, struct sg_cas_now now)
{
    struct sg_cas_record r = {.time_s = now.unix_s,
                              .event = SG_BYTES_LIT("state"),
                              .number = s->vault->sequence,
                              .digest = SG_BYTES_ARRAY(s->vault->digest)};
    return sg_cas_audit_append(s->audit, &r);
}

int sg_cas_service_save(struct sg_cas_service *s, struct sg_cas_now now)
{
    sg_cas_audit_anchor(s->audit, &s->vault->anchor);
    int r = sg_cas_vault_save(s->vault);
    if (r == 0)
        r = record_state(s, now);
    return r < 0 ? r : sg_cas_audit_commit(s->audit, now.unix_s);
}

static int reserve_leases(struct sg_cas_service *s, struct sg_cas_now now)
{
    uint64_t before = s->vault->leases_reserved;
    s->vault->leases_reserved = before + LEASE_BLOCK;
    int r = sg_cas_service_save(s, now);
    if (r < 0)
        s->vault->leases_reserved = before;
    return r;
}

/* A number that no lease had before, and 64 random bits. */
static int take_lease(struct sg_cas_service *s, struct sg_cas_now now,
                      uint8_t ret[SG_CAS_LEASE_LEN])
{
    uint64_t number = 0;
    int r = 0;
    pthread_mutex_lock(&s->save_mutex);
    if (s->lease_next == s->vault->leases_reserved)
        r = reserve_leases(s, now);
    if (r == 0)
        number = s->lease_next++;
    pthread_mutex_unlock(&s->save_mutex);
    if (r < 0)
        return r;
    sg_store_be64(ret, number);
    sg_random_bytes(ret + 8, 8);
    return 0;
}

/* ---- opening ---- */

/* The last record of a state that the log has. */
struct last_state {
    uint64_t sequence;
    uint8_t digest[32];
};

static void note_state(void *user, const struct sg_cas_record *r)
{
    struct last_state *last = user;
    if (!sg_bytes_equal(r->event, SG_BYTES_LIT("state")) || r->digest.len != sizeof last->digest)
        return;
    last->sequence = r->number;
    memcpy(last->digest, r->digest.data, sizeof last->digest);
}

static int open_vault(struct sg_cas_service *s, const char *dir, struct sg_tee_provider *tee,
                      enum sg_tee_seal seal)
{
    SG_CLEANUP(sg_secret_clear) struct sg_secret sealing = SG_SECRET_INIT;
    int r = sg_tee_sealing_key(tee, seal, SG_CAS_SEAL_LABEL, &sealing);
    if (r == 0)
        r = sg_cas_vault_new(&s->vault, dir, &sealing);
    if (r < 0)
        return r;
    r = sg_cas_vault_load(s->vault);
    if (r > 0)
        return sg_cas_traced(sg_raisef(-EBADMSG,
                                       "%s/state.sealed does not open: changed, or sealed to "
                                       "another build, boot or platform",
                                       dir),
                             SG_CAS_STATE_FORGED);
    return r;
}

static int open_policy(struct sg_cas_service *s)
{
    struct sg_yaml_error e = {0};
    struct sg_bytes text = sg_buf_bytes(&s->vault->policy_text);
    int r = sg_cas_policy_parse(&s->policy, text, &e);
    if (r > 0)
        return sg_cas_traced(sg_raisef(-EBADMSG, "sealed policy line %u: %s", e.line, e.text),
                             SG_CAS_POLICY_REFUSED);
    if (r == 0)
        sg_sha256(s->policy_digest, text);
    return r;
}

static int open_audit(struct sg_cas_service *s, const char *dir, struct last_state *ret_last)
{
    int r = sg_cas_audit_open(&s->audit, dir, s->vault->audit_key, &s->vault->anchor, note_state,
                              ret_last);
    return r > 0 ? SG_CAS_LOG_DAMAGED : r;
}

/* State and log must be of one history; the log may lack the very last write of the state. */
static int compare(struct sg_cas_service *s, const struct last_state *last, struct sg_cas_now now)
{
    const struct sg_cas_vault *v = s->vault;
    if (v->sequence == last->sequence && memcmp(v->digest, last->digest, sizeof v->digest) == 0)
        return 0;
    if (v->sequence == last->sequence + 1)
        return record_state(s, now);
    return sg_cas_traced(
        sg_raisef(-EBADMSG, "state %llu beside a log that knows state %llu",
                  (unsigned long long)v->sequence, (unsigned long long)last->sequence),
        v->sequence > last->sequence ? SG_CAS_LOG_DAMAGED : SG_CAS_STATE_ROLLED_BACK);
}

static int open_history(struct sg_cas_service *s, const char *dir, struct sg_cas_now now)
{
    struct last_state last = {0};
    struct sg_cas_record start = {.time_s = now.unix_s, .event = SG_BYTES_LIT("start")};
    int r = open_audit(s, dir, &last);
    if (r == 0)
        r = compare(s, &last, now);
    if (r == 0)
        r = sg_cas_audit_append(s->audit, &start);
    return r ? r : sg_cas_audit_commit(s->audit, now.unix_s);
}

/* ---- life ---- */

int sg_cas_service_open(struct sg_cas_service **ret, const char *dir, struct sg_tee_provider *tee,
                        enum sg_tee_seal seal, const struct sg_cas_limits *limits,
                        struct sg_cas_now now)
{
    SG_CLEANUP(sg_cas_service_freep) struct sg_cas_service *s = calloc(1, sizeof *s);
    if (!s)
        return sg_raise(-ENOMEM);
    s->lock_fd = -1;
    pthread_rwlock_init(&s->policy_lock, NULL);
    pthread_mutex_init(&s->save_mutex, NULL);
    pthread_mutex_init(&s->load_mutex, NULL);
    sg_cas_throttle_init(&s->requests, limits->throttle_per_s, limits->throttle_burst, now.mono_ms);
    sg_cas_throttle_init(&s->refusals, REFUSALS_PER_S, REFUSALS_BURST, now.mono_ms);
    const int64_t origin_per_s =
        limits->origin_per_s ? limits->origin_per_s : limits->throttle_per_s;
    const int64_t origin_burst =
        limits->origin_burst ? limits->origin_burst : limits->throttle_burst;
    int r = sg_cas_origins_new(&s->origins, origin_per_s, origin_burst);
    if (r == 0)
        r = sg_cas_nonces_init(&s->nonces, limits->nonces);
    if (r == 0)
        r = sg_cas_dir_lock(dir, &s->lock_fd);
    if (r == 0)
        r = open_vault(s, dir, tee, seal);
    if (r == 0)
        r = open_policy(s);
    if (r == 0)
        r = sg_cas_service_no_collateral(s);
    if (r == 0)
        r = open_history(s, dir, now);
    if (r == 0)
        r = sg_cas_vault_publish(s->vault);
    if (r != 0)
        return r;
    s->lease_next = s->vault->leases_reserved; /* the rest of the last block is forgone */
    *ret = TAKE_PTR(s);
    return 0;
}

void sg_cas_service_free(struct sg_cas_service *s)
{
    if (!s)
        return;
    sg_cas_audit_free(s->audit);
    sg_cas_policy_free(s->policy);
    sg_cas_vault_free(s->vault);
    sg_cas_nonces_clear(&s->nonces);
    sg_cas_throttle_clear(&s->requests);
    sg_cas_origins_free(s->origins);
    sg_cas_throttle_clear(&s->refusals);
    pthread_rwlock_destroy(&s->policy_lock);
    sg_cas_collateral_free(s->collateral);
    pthread_mutex_destroy(&s->save_mutex);
    pthread_mutex_destroy(&s->load_mutex);
    sg_close_fd(&s->lock_fd);
    free(s);
}

/* ---- attestation ---- */

/* Who sends too much by himself takes nothing from the others' share. */
int sg_cas_service_admit(struct sg_cas_service *s, const uint8_t origin[SG_CAS_ORIGIN_LEN],
                         struct sg_cas_now now)
{
    return sg_cas_origins_take(s->origins, origin, now.mono_ms) &&
                   sg_cas_throttle_take(&s->requests, now.mono_ms)
               ? 0
               : SG_CAS_REFUSAL_THROTTLED;
}

int sg_cas_service_challenge(struct sg_cas_service *s, const uint8_t exporter[SG_CAS_EXPORTER_LEN],
                             struct sg_cas_now now, struct sg_buf *ret)
{
    struct sg_cas_challenge challenge = {.lifetime_ms = SG_CAS_NONCE_LIFETIME_MS};
    int r = sg_cas_nonces_issue(&s->nonces, exporter, now.mono_ms, challenge.nonce);
    return r ? r : sg_message_encode(&sg_cas_challenge_type, &challenge, ret);
}

static int judge_simulated(const struct sg_cas_service *s, struct sg_bytes evidence, int64_t at_s,
                           struct sg_tee_verdict *ret)
{
    if (s->vault->production)
        return SG_CAS_REFUSAL_SIMULATED;
    return sg_cas_judge_simulated(s->vault->sim_platform, evidence, at_s, ret);
}

static bool is_bound_to(const struct sg_cas_connection *c, const struct sg_cas_request *q,
                        const struct sg_tee_verdict *v, struct sg_bytes service)
{
    uint8_t expected[SG_TEE_REPORT_DATA_LEN];
    sg_cas_report_data(expected, q->nonce, c, service);
    return sg_tee_is_over(v, expected);
}

/* Evidence for this nonce, key, connection and service; else which of them is wrong, as far as a
 * hash can tell. */
static int judge_binding(const struct sg_cas_service *s, const struct sg_cas_connection *c,
                         const struct sg_cas_request *q, const struct sg_tee_verdict *v)
{
    if (is_bound_to(c, q, v, q->service))
        return 0;
    for (size_t i = 0; i < s->policy->n_rules; i++)
        if (is_bound_to(c, q, v, sg_bytes_str(s->policy->rules[i].service)))
            return SG_CAS_REFUSAL_SERVICE_SPLICED;
    return SG_CAS_REFUSAL_RELAYED;
}

/* What the client may know of a policy's reasons; the log has them all. */
static int policy_refusal(enum sg_tee_reason r)
{
    switch (r) {
    case SG_TEE_REASON_MEASUREMENT:
        return SG_CAS_REFUSAL_MEASUREMENT;
    case SG_TEE_REASON_DEBUG:
        return SG_CAS_REFUSAL_DEBUG;
    case SG_TEE_REASON_KIND_REFUSED:
        return SG_CAS_REFUSAL_KIND;
    default:
        return SG_CAS_REFUSAL_NOT_ACCEPTED;
    }
}

static int judge_policy(const struct sg_cas_service *s, const struct sg_cas_request *q,
                        int64_t at_s, struct sg_tee_verdict *v, const struct sg_cas_rule **ret)
{
    const struct sg_cas_rule *rule = sg_cas_policy_rule(s->policy, q->service);
    if (!rule)
        return SG_CAS_REFUSAL_SERVICE_UNKNOWN;
    struct sg_tee_policy p = rule->accept->policy;
    p.at_s = at_s;
    p.allow_debug &= !s->vault->production;
    sg_tee_apply(&p, v);
    if (!sg_tee_trusted(v))
        return policy_refusal(v->reasons.at[0]);
    *ret = rule;
    return 0;
}

/* Signatures first, then for whom the evidence was made, then who made it. */
static int judge_claims(struct sg_cas_service *s, const struct sg_cas_connection *c,
                        const struct sg_cas_request *q, const struct sg_cas_judging *j,
                        int64_t at_s, struct sg_tee_verdict *v, const struct sg_cas_rule **ret)
{
    enum sg_tee_kind kind = sg_tee_kind_parse(q->kind);
    int r = kind == SG_TEE_SIM ? judge_simulated(s, q->evidence, at_s, v)
                               : sg_cas_judge_hardware(j, kind, q->evidence, at_s, v);
    if (r == 0)
        r = judge_binding(s, c, q, v);
    return r ? r : judge_policy(s, q, at_s, v, ret);
}

static int judge_evidence(struct sg_cas_service *s, const struct sg_cas_connection *c,
                          const struct sg_cas_request *q, int64_t at_s, struct sg_cas_finding *f,
                          const struct sg_cas_rule **ret)
{
    struct sg_cas_judging j = {0};
    struct sg_tee_verdict v = {0};
    int r = 0;
    if (!sg_bytes_equal(q->kind, SG_BYTES_LIT("sim")))
        r = sg_cas_collateral_take(s->collateral, &j);
    if (r == 0)
        r = judge_claims(s, c, q, &j, at_s, &v, ret);
    if (r == SG_CAS_REFUSAL_UNTRUSTED) /* nothing that it claims is worth a record */
        v.claims = (struct sg_tee_claims){.kind = v.kind};
    f->claims = v.claims;
    f->reasons = v.reasons;
    sg_cas_collateral_give(s->collateral, &j);
    return r;
}

static int judge(struct sg_cas_service *s, const struct sg_cas_connection *c,
                 const struct sg_cas_request *q, struct sg_cas_now now, struct sg_cas_finding *f,
                 const struct sg_cas_rule **ret)
{
    int r = sg_cas_nonces_spend(&s->nonces, q->nonce, c->exporter, now.mono_ms);
    if (r == 0 && !sg_bytes_equal(q->spki, c->spki))
        r = SG_CAS_REFUSAL_KEY_SPLICED;
    return r ? r : judge_evidence(s, c, q, now.unix_s, f, ret);
}

/* ---- the grant ---- */

static int put_secret(const struct sg_cas_service *s, const struct sg_cas_wanted *w,
                      struct sg_buf *ret)
{
    if (w->kind == SG_CAS_SECRET_TEXT)
        return sg_cas_secret_put(ret, w->name, sg_bytes_str(w->source));
    const struct sg_secret *value = sg_cas_secrets_find(&s->vault->secrets, w->name);
    sg_assert(value); /* fulfilled when the policy came */
    return sg_cas_secret_put(ret, w->name, sg_secret_bytes(value));
}

static int put_secrets(const struct sg_cas_service *s, const struct sg_cas_rule *rule,
                       struct sg_buf *ret)
{
    const struct sg_cas_policy *p = s->policy;
    uint64_t n = 0;
    for (size_t i = 0; i < p->n_wanted; i++)
        n += sg_cas_rule_releases(rule, p->wanted[i].name);
    int r = sg_cbor_put_array(ret, n);
    for (size_t i = 0; i < p->n_wanted && r == 0; i++)
        if (sg_cas_rule_releases(rule, p->wanted[i].name))
            r = put_secret(s, &p->wanted[i], ret);
    return r;
}

/* cert: DER. */
static int encode_grant(const struct sg_cas_service *s, const struct sg_cas_rule *rule,
                        struct sg_bytes cert, int64_t expires_s,
                        const uint8_t lease[SG_CAS_LEASE_LEN], struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf root = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_buf_clear) struct sg_buf secrets = SG_BUF_INIT_SECRET(SG_CAS_LIST_MAX);
    struct sg_cas_reply reply = {.cert = cert, .expires_s = expires_s};
    int r = sg_cert_der(s->vault->ca_cert, &root);
    if (r == 0)
        r = put_secrets(s, rule, &secrets);
    if (r < 0)
        return r;
    reply.root = sg_buf_bytes(&root);
    reply.secrets = sg_buf_bytes(&secrets);
    memcpy(reply.lease, lease, sizeof reply.lease);
    return sg_message_encode(&sg_cas_reply_type, &reply, ret);
}

static int grant(struct sg_cas_service *s, const struct sg_cas_rule *rule, const struct sg_key *key,
                 struct sg_cas_now now, struct sg_buf *ret, struct sg_cas_finding *f)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf cert = SG_BUF_INIT(8192);
    const struct sg_cas_names names = {.service = rule->service, .ip = rule->ip, .dns = rule->dns};
    const int64_t life_s = s->policy->certificate_s;
    int r = take_lease(s, now, f->lease);
    if (r == 0)
        r = sg_cas_authority_grant(s->vault, &names, key, now.unix_s, life_s, &cert);
    if (r < 0)
        return r;
    sg_sha256(f->certificate, sg_buf_bytes(&cert));
    return encode_grant(s, rule, sg_buf_bytes(&cert), now.unix_s + life_s, f->lease, ret);
}

/* ---- records ---- */

static struct sg_cas_record record_of(const struct sg_cas_finding *f, const char *event,
                                      struct sg_cas_now now)
{
    return (struct sg_cas_record){.time_s = now.unix_s,
                                  .event = sg_bytes_str(event),
                                  .service = sg_bytes_str(f->service),
                                  .measurement =
                                      SG_BYTES(f->claims.measurement, f->claims.measurement_len),
                                  .key = SG_BYTES_ARRAY(f->key)};
}

static int record_grant(struct sg_cas_service *s, const struct sg_cas_finding *f,
                        struct sg_cas_now now)
{
    struct sg_cas_record r = record_of(f, "grant", now);
    r.lease = SG_BYTES_ARRAY(f->lease);
    r.digest = SG_BYTES_ARRAY(f->certificate);
    int o = sg_cas_audit_append(s->audit, &r);
    return o < 0 ? o : sg_cas_audit_commit(s->audit, now.unix_s);
}

/* Strangers can cause refusals without end, so only so many get a record and a sync. */
static int record_refusal(struct sg_cas_service *s, struct sg_cas_finding *f,
                          enum sg_cas_refusal reason, struct sg_cas_now now)
{
    if (!sg_cas_throttle_take(&s->refusals, now.mono_ms)) {
        atomic_fetch_add(&s->unlogged, 1);
        return 0;
    }
    struct sg_cas_record r = record_of(f, "refusal", now);
    r.reason = sg_bytes_str(sg_cas_refusal_name(reason));
    r.number = atomic_exchange(&s->unlogged, 0);
    f->recorded = true;
    int o = sg_cas_audit_append(s->audit, &r);
    return o < 0 ? o : sg_cas_audit_commit(s->audit, now.unix_s);
}

/* The policy lock is held for reading.  Nothing of a grant leaves before it is on record. */
static int attest_locked(struct sg_cas_service *s, const struct sg_cas_connection *c,
                         const struct sg_cas_request *q, struct sg_cas_now now, struct sg_buf *ret,
                         struct sg_cas_finding *f)
{
    const struct sg_cas_rule *rule = NULL;
    size_t before = ret->len;
    int r = judge(s, c, q, now, f, &rule);
    if (r == 0)
        r = grant(s, rule, c->key, now, ret, f);
    if (r == 0)
        r = record_grant(s, f, now);
    if (r != 0 && ret->len > before) {
        sg_wipe(ret->data + before, ret->len - before);
        ret->len = before;
    }
    return r;
}

int sg_cas_service_attest(struct sg_cas_service *s, const struct sg_cas_connection *c,
                          struct sg_bytes request, struct sg_cas_now now, struct sg_buf *ret,
                          struct sg_cas_finding *ret_finding)
{
    struct sg_cas_request q;
    int r = SG_CAS_REFUSAL_REQUEST_MALFORMED;
    *ret_finding = (struct sg_cas_finding){0};
    sg_sha256(ret_finding->key, c->spki);
    if (sg_message_decode(&sg_cas_request_type, request, &q) == 0) {
        memcpy(ret_finding->service, q.service.data, q.service.len);
        pthread_rwlock_rdlock(&s->policy_lock);
        r = attest_locked(s, c, &q, now, ret, ret_finding);
        pthread_rwlock_unlock(&s->policy_lock);
    }
    if (r > 0) {
        int o = record_refusal(s, ret_finding, (enum sg_cas_refusal)r, now);
        return o < 0 ? o : r;
    }
    return r;
}

/* ---- the operator ---- */

int sg_cas_service_operator(struct sg_cas_service *s, const struct sg_cert *peer,
                            struct sg_cas_now now)
{
    char uri[128];
    struct sg_cert *root = s->vault->ca_cert;
    if (!peer)
        return SG_CAS_REFUSAL_NOT_OPERATOR;
    int r = sg_cert_verify(peer, NULL, 0, &root, 1, now.unix_s);
    if (r != 0)
        return r < 0 ? r : SG_CAS_REFUSAL_NOT_OPERATOR;
    sg_cert_uri(peer, uri, sizeof uri);
    return strcmp(uri, SG_CAS_OPERATOR_URI) == 0 ? 0 : SG_CAS_REFUSAL_NOT_OPERATOR;
}

/* Undoes what an update did to the vault in memory. */
static void restore(struct sg_cas_vault *v, struct sg_buf *text, size_t n_secrets)
{
    sg_buf_clear(&v->policy_text);
    v->policy_text = *text;
    *text = (struct sg_buf)SG_BUF_INIT(0);
    while (v->secrets.n > n_secrets) {
        struct sg_cas_secret *last = &v->secrets.items[--v->secrets.n];
        free(last->name);
        sg_secret_clear(&last->value);
    }
}

/* The policy lock is held for writing, the save mutex too. */
static int store_policy(struct sg_cas_service *s, struct sg_bytes yaml,
                        const struct sg_cas_policy *p, struct sg_cas_now now)
{
    struct sg_cas_vault *v = s->vault;
    SG_CLEANUP(sg_buf_clear) struct sg_buf before = v->policy_text;
    size_t n_secrets = v->secrets.n;
    v->policy_text = (struct sg_buf)SG_BUF_INIT(SG_CAS_POLICY_TEXT_MAX);
    int r = sg_cas_secrets_fulfil(&v->secrets, p, s->import_dir, now.unix_s);
    if (r > 0)
        r = SG_CAS_REFUSAL_POLICY_IMPORT;
    if (r == 0)
        r = sg_buf_append(&v->policy_text, yaml);
    if (r == 0)
        r = sg_cas_service_save(s, now);
    if (r != 0)
        restore(v, &before, n_secrets);
    return r;
}

static int record_policy(struct sg_cas_service *s, struct sg_cas_now now)
{
    struct sg_cas_record r = {.time_s = now.unix_s,
                              .event = SG_BYTES_LIT("policy"),
                              .number = s->policy->version,
                              .digest = SG_BYTES_ARRAY(s->policy_digest)};
    int o = sg_cas_audit_append(s->audit, &r);
    return o < 0 ? o : sg_cas_audit_commit(s->audit, now.unix_s);
}

static int update_locked(struct sg_cas_service *s, struct sg_bytes yaml, struct sg_cas_policy **p,
                         const uint8_t predecessor[32], struct sg_cas_now now)
{
    if (memcmp(predecessor, s->policy_digest, sizeof s->policy_digest) != 0)
        return SG_CAS_REFUSAL_POLICY_PREDECESSOR;
    if ((*p)->version != s->policy->version + 1)
        return SG_CAS_REFUSAL_POLICY_VERSION;
    pthread_mutex_lock(&s->save_mutex);
    int r = store_policy(s, yaml, *p, now);
    pthread_mutex_unlock(&s->save_mutex);
    if (r != 0)
        return r;
    struct sg_cas_policy *old = s->policy;
    s->policy = *p;
    *p = old; /* freed by the caller */
    sg_sha256(s->policy_digest, yaml);
    sg_cas_service_reload(s);
    r = record_policy(s, now);
    return r < 0 ? r : sg_cas_vault_publish(s->vault);
}

int sg_cas_service_update(struct sg_cas_service *s, struct sg_bytes yaml,
                          const uint8_t predecessor[32], struct sg_cas_now now,
                          struct sg_yaml_error *ret_error)
{
    SG_CLEANUP(sg_cas_policy_freep) struct sg_cas_policy *p = NULL;
    int r = sg_cas_policy_parse(&p, yaml, ret_error);
    if (r != 0)
        return r < 0 ? r : SG_CAS_REFUSAL_POLICY_BAD;
    pthread_rwlock_wrlock(&s->policy_lock);
    r = update_locked(s, yaml, &p, predecessor, now);
    pthread_rwlock_unlock(&s->policy_lock);
    return r;
}

int sg_cas_service_policy(struct sg_cas_service *s, struct sg_buf *ret, char ret_digest[65])
{
    pthread_rwlock_rdlock(&s->policy_lock);
    int r = sg_buf_append(ret, sg_buf_bytes(&s->vault->policy_text));
    sg_hex(ret_digest, s->policy_digest, sizeof s->policy_digest);
    pthread_rwlock_unlock(&s->policy_lock);
    return r;
}
