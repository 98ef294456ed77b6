/*
 * tpm - judges TPM 2.0 quotes; see tpm-int.h.
 *
 * A quote says which PCR values a TPM held; it says so by its attestation key alone.  That this key
 * is one of a TPM must come from elsewhere: pinned, or under a certificate of purpose "AIK" that
 * chains to a root pinned for TPMs, or (hcl.c) out of a report of the hardware around it.
 */
#include "tpm-int.h"

#include "bundle-int.h"
#include "der-int.h"
#include "event-log-int.h"
#include "store-int.h"

#include <stdio.h>

static struct sg_bytes part(const struct sg_tee_evidence *e, enum sg_tee_part p)
{
    return e->part[p];
}

/* ---- PCR values ---- */

static unsigned count_bits(uint32_t v)
{
    return (unsigned)__builtin_popcount(v);
}

static size_t selected_len(const struct sg_tpm_quote *q)
{
    size_t len = 0;
    for (size_t i = 0; i < q->n_banks; i++)
        len += count_bits(q->bank[i].pcrs) * sg_tpm_digest_len(q->bank[i].alg);
    return len;
}

/* All 24 of the one bank that is selected. */
static bool whole_bank(const struct sg_tpm_quote *q, struct sg_bytes values)
{
    return q->n_banks == 1 && values.len == SG_TPM_PCRS * sg_tpm_digest_len(q->bank[0].alg);
}

bool sg_tpm_pcr(const struct sg_tpm_quote *q, struct sg_bytes values, unsigned alg, unsigned number,
                struct sg_bytes *ret)
{
    const bool whole = whole_bank(q, values);
    size_t at = 0;
    if (number >= SG_TPM_PCRS || (!whole && values.len != selected_len(q)))
        return false;
    for (size_t i = 0; i < q->n_banks; i++) {
        const struct sg_tpm_bank *b = &q->bank[i];
        const size_t len = sg_tpm_digest_len(b->alg);
        if (b->alg != alg) {
            at += count_bits(b->pcrs) * len;
            continue;
        }
        if (!len || !(b->pcrs >> number & 1))
            return false;
        at += (whole ? number : count_bits(b->pcrs & ((UINT32_C(1) << number) - 1))) * len;
        *ret = SG_BYTES(values.data + at, len);
        return true;
    }
    return false;
}

/* What the TPM hashed: the selected values, bank by bank, by number. */
static bool digest_of(const struct sg_tpm_quote *q, struct sg_bytes values, unsigned hash,
                      uint8_t ret[SG_TPM_DIGEST_MAX])
{
    struct sg_bytes parts[SG_TPM_BANKS_MAX * SG_TPM_PCRS];
    size_t n = 0;
    for (size_t i = 0; i < q->n_banks; i++)
        for (unsigned pcr = 0; pcr < SG_TPM_PCRS; pcr++) {
            if (!(q->bank[i].pcrs >> pcr & 1))
                continue;
            if (!sg_tpm_pcr(q, values, q->bank[i].alg, pcr, &parts[n++]))
                return false;
        }
    return n && sg_tpm_digest(hash, parts, n, ret);
}

static void judge_pcrs(const struct sg_tpm_quote *q, struct sg_bytes values, unsigned hash,
                       struct sg_tee_verdict *v)
{
    uint8_t digest[SG_TPM_DIGEST_MAX];
    for (size_t i = 0; i < q->n_banks; i++)
        /* A log with two readings can be made for SHA-1. */
        if (q->bank[i].alg == SG_TPM_ALG_SHA1 || !sg_tpm_digest_len(q->bank[i].alg))
            sg_tee_refuse(v, SG_TEE_REASON_TPM_ALGORITHM);
    if (!digest_of(q, values, hash, digest))
        sg_tee_refuse(v, SG_TEE_REASON_TPM_PCR_MISSING);
    else if (!sg_bytes_equal(q->pcr_digest, SG_BYTES(digest, sg_tpm_digest_len(hash))))
        sg_tee_refuse(v, SG_TEE_REASON_TPM_PCR_DIGEST);
}

/* Every selected PCR that the log extends must have come out as quoted; the log is the firmware's,
 * others (IMA's 10) it does not know. */
static bool log_agrees(const struct sg_tpm_quote *q, struct sg_bytes values,
                       const struct sg_tpm_bank *b, struct sg_bytes log)
{
    struct sg_event_log_pcrs p;
    struct sg_bytes value;
    if (sg_event_log_replay(log, b->alg, &p) != 0 || !(p.extended & b->pcrs))
        return false;
    for (unsigned i = 0; i < SG_TPM_PCRS; i++) {
        if (!(p.extended & b->pcrs & UINT32_C(1) << i))
            continue;
        if (!sg_tpm_pcr(q, values, b->alg, i, &value) ||
            !sg_bytes_equal(value, SG_BYTES(p.value[i], p.digest_len)))
            return false;
    }
    return true;
}

static void judge_log(const struct sg_tpm_quote *q, struct sg_bytes values, struct sg_bytes log,
                      struct sg_tee_verdict *v)
{
    for (size_t i = 0; log.len && i < q->n_banks; i++)
        if (!log_agrees(q, values, &q->bank[i], log))
            sg_tee_refuse(v, SG_TEE_REASON_TPM_EVENT_LOG);
}

/* ---- the quote ---- */

static void learn(const struct sg_tpm_quote *q, struct sg_tee_verdict *v)
{
    struct sg_tee_claims *c = &v->claims;
    memset(c->report_data, 0, sizeof c->report_data);
    memset(c->measurement, 0, sizeof c->measurement);
    c->measurement_len = q->pcr_digest.len;
    if (q->pcr_digest.len)
        memcpy(c->measurement, q->pcr_digest.data, q->pcr_digest.len);
    c->no_report_data = q->extra.len != sizeof c->report_data;
    if (!c->no_report_data)
        memcpy(c->report_data, q->extra.data, sizeof c->report_data);
}

/* A key with a scheme of its own signs by no other. */
static bool allowed(const struct sg_tpm_key *key, const struct sg_tpm_signature *s)
{
    return s->alg != SG_TEE_ALG_NONE &&
           (!key->scheme || (key->scheme == s->scheme && key->hash == s->hash));
}

static void judge_signature(const struct sg_tee_evidence *e, const struct sg_tpm_quote *q,
                            const struct sg_tpm_key *key, struct sg_tee_verdict *v)
{
    struct sg_tpm_signature s;
    if (!sg_tpm_signature_read(part(e, SG_TEE_PART_TPM_SIGNATURE), key->key, &s)) {
        sg_tee_refuse(v, SG_TEE_REASON_TPM_SIGNATURE);
        return;
    }
    if (!allowed(key, &s))
        sg_tee_refuse(v, SG_TEE_REASON_TPM_ALGORITHM);
    else if (!sg_tee_key_verifies(key->key, s.alg, part(e, SG_TEE_PART_TPM_QUOTE), s.octets))
        sg_tee_refuse(v, SG_TEE_REASON_TPM_SIGNATURE);
    judge_pcrs(q, part(e, SG_TEE_PART_TPM_PCRS), s.hash, v);
}

void sg_tpm_judge_quote(const struct sg_tee_case *c, const struct sg_tpm_key *key,
                        struct sg_tee_verdict *v)
{
    const struct sg_tee_evidence *e = c->evidence;
    struct sg_tpm_quote q;
    enum sg_tee_reason bad = sg_tpm_quote_read(part(e, SG_TEE_PART_TPM_QUOTE), &q);
    if (bad != SG_TEE_REASON_NONE) {
        sg_tee_refuse(v, bad);
        return;
    }
    learn(&q, v);
    v->tpm_quote = part(e, SG_TEE_PART_TPM_QUOTE);
    v->tpm_pcrs = part(e, SG_TEE_PART_TPM_PCRS);
    if (key)
        judge_signature(e, &q, key, v);
    judge_log(&q, v->tpm_pcrs, part(e, SG_TEE_PART_EVENT_LOG), v);
}

/* ---- whose key ---- */

/* Critical extensions that are understood: keyUsage and basicConstraints by the chain's walk; of a
 * TPM's certificate also its purpose, which is judged, and its alternative name (the TPM's maker
 * and model, critical where the subject is empty), which nothing here goes by. */
static bool understood(struct sg_bytes oid)
{
    return oid.len == 3 && oid.data[0] == 0x55 && oid.data[1] == 0x1d &&
           (oid.data[2] == 15 || oid.data[2] == 17 || oid.data[2] == 19 || oid.data[2] == 37);
}

static bool criticals_understood(const struct sg_tee_cert *c)
{
    for (size_t i = 0; i < c->n_extensions; i++)
        if (c->extension[i].critical && !understood(c->extension[i].oid))
            return false;
    return true;
}

/* extKeyUsage 2.5.29.37 with tcg-kp-AIKCertificate 2.23.133.8.3: a CA of TPMs certifies other keys
 * too. */
static bool is_for_attestation(const struct sg_tee_cert *c)
{
    static const struct sg_bytes usage = SG_BYTES_LIT("\x55\x1d\x25"),
                                 aik = SG_BYTES_LIT("\x67\x81\x05\x08\x03");
    struct sg_bytes value, oid;
    struct sg_reader inner;
    if (!sg_tee_cert_extension(c, usage, &value))
        return false;
    struct sg_reader r = sg_reader_over(value);
    if (!sg_der_enter(&r, SG_DER_SEQUENCE, &inner) || r.left)
        return false;
    while (inner.left) {
        if (!sg_der_take(&inner, SG_DER_OID, &oid))
            return false;
        if (sg_bytes_equal(oid, aik))
            return true;
    }
    return false;
}

static void judge_anchor(const struct sg_tee_case *c, const struct sg_tee_anchor *a,
                         struct sg_tee_verdict *v)
{
    if (a->dated && c->at_s > a->not_after_s)
        sg_tee_refuse(v, SG_TEE_AK_EXPIRED);
    if (a->dated && c->at_s < a->not_before_s)
        sg_tee_refuse(v, SG_TEE_AK_NOT_YET_VALID);
}

static void judge_cert(const struct sg_tee_case *c, const struct sg_tee_own_certs *own,
                       const struct sg_tee_cert *leaf, struct sg_tee_verdict *v)
{
    const struct sg_tee_chain_request q = {.of = c,
                                           .own = own,
                                           .vendor = SG_TEE_VENDOR_TPM,
                                           .role = SG_TEE_ROLE_AK,
                                           .max_cas = SG_TEE_CHAIN_MAX - 2};
    struct sg_tee_chain chain;
    sg_tee_chain_judge(&q, leaf, &chain);
    if (criticals_understood(leaf))
        chain.leaf_faults &= ~(UINT32_C(1) << SG_TEE_FAULT_CRITICAL);
    sg_tee_chain_report(&q, &chain, v);
    if (!is_for_attestation(leaf))
        sg_tee_refuse(v, SG_TEE_AK_EXTENSION);
}

static bool certifies(const struct sg_tee_cert *c, const struct sg_tee_key *key)
{
    return !c->ca && memcmp(sg_tee_key_id(c->key), sg_tee_key_id(key), 32) == 0;
}

static const struct sg_tee_cert *cert_of(const struct sg_tee_case *c,
                                         const struct sg_tee_own_certs *own,
                                         const struct sg_tee_key *key)
{
    for (size_t i = 0; i < own->n; i++)
        if (certifies(own->at[i], key))
            return own->at[i];
    for (size_t i = 0; i < c->store->n_certs; i++)
        if (certifies(c->store->cert[i], key))
            return c->store->cert[i];
    return NULL;
}

/* A bare key among the collateral: enough to check a signature, not to trust it (as in cca.c). */
static bool given(const struct sg_tee_case *c, const uint8_t key_id[32])
{
    for (size_t i = 0; c->crypto_only && i < c->store->n_keys; i++)
        if (memcmp(sg_tee_key_id(c->store->key[i]), key_id, 32) == 0)
            return true;
    return false;
}

static void judge_key(const struct sg_tee_case *c, const struct sg_tee_own_certs *own,
                      const struct sg_tpm_key *ak, struct sg_tee_verdict *v)
{
    const uint8_t *id = sg_tee_key_id(ak->key);
    const struct sg_tee_anchor *a = sg_tee_store_anchor(c->store, SG_TEE_VENDOR_TPM, id);
    const struct sg_tee_cert *cert = a ? NULL : cert_of(c, own, ak->key);
    memcpy(v->claims.platform, id, 32);
    v->claims.platform_len = 32;
    if (ak->has_attributes && !ak->may_attest)
        sg_tee_refuse(v, SG_TEE_REASON_TPM_AK_ATTRIBUTES);
    if (a)
        judge_anchor(c, a, v);
    else if (cert)
        judge_cert(c, own, cert, v);
    else if (!given(c, id))
        sg_tee_refuse(v, SG_TEE_REASON_TPM_AK_UNBOUND);
}

/* ---- the judge ---- */

/* A quote that nothing wraps, or its parts packed into one. */
static bool recognise(const struct sg_tee_evidence *e)
{
    return part(e, SG_TEE_PART_REPORT).len ? sg_tpm_is_packed(e)
                                           : part(e, SG_TEE_PART_TPM_QUOTE).len > 0;
}

static enum sg_tee_kind kind_of(const struct sg_tee_evidence *e)
{
    (void)e;
    return SG_TEE_TPM;
}

static int judge_with_certs(const struct sg_tee_case *c, const struct sg_tee_own_certs *own,
                            struct sg_tee_verdict *v)
{
    SG_CLEANUP(sg_tpm_key_clear) struct sg_tpm_key ak = {0};
    const struct sg_bytes octets = part(c->evidence, SG_TEE_PART_TPM_KEY);
    int r = octets.len ? sg_tpm_key_read(octets, &ak) : 0;
    if (r < 0)
        return r;
    if (!octets.len)
        sg_tee_refuse(v, SG_TEE_AK_MISSING);
    else if (r == SG_TEE_KEY_BAD)
        sg_tee_refuse(v, SG_TEE_AK_MALFORMED);
    else
        judge_key(c, own, &ak, v);
    sg_tpm_judge_quote(c, ak.key ? &ak : NULL, v);
    return 0;
}

static int judge_parts(const struct sg_tee_case *c, struct sg_tee_verdict *v)
{
    SG_CLEANUP(sg_tee_bundle_clear) struct sg_tee_bundle bundle = {0};
    int r = sg_tee_bundle_load(c, 0, &c->evidence->part[SG_TEE_PART_CERTIFICATES], 1, &bundle);
    if (r == SG_TEE_CERT_BROKEN)
        sg_tee_refuse(v, SG_TEE_AK_CA_MALFORMED);
    return r < 0 ? r : judge_with_certs(c, bundle.certs, v);
}

static int judge(const struct sg_tee_case *c, struct sg_tee_verdict *v)
{
    struct sg_tee_evidence parts;
    struct sg_tee_case inner = *c;
    inner.evidence = &parts;
    v->kind = SG_TEE_TPM;
    v->tcb_status = c->crypto_only ? SG_TEE_STATUS_NOT_CHECKED : SG_TEE_STATUS_NOT_APPLICABLE;
    snprintf(v->format, sizeof v->format, "tpm-quote");
    if (!sg_tpm_unpack(c->evidence, &parts)) {
        sg_tee_refuse(v, SG_TEE_REASON_MALFORMED);
        return 0;
    }
    return judge_parts(&inner, v);
}

/* ---- fields, and describing ---- */

static bool pcr_number(struct sg_bytes name, unsigned *ret)
{
    if (name.len < 4 || name.len > 5 || memcmp(name.data, "pcr", 3) != 0)
        return false;
    *ret = 0;
    for (size_t i = 3; i < name.len; i++) {
        if (name.data[i] < '0' || name.data[i] > '9' ||
            (i == 3 && name.len == 5 && name.data[i] == '0'))
            return false;
        *ret = *ret * 10 + (unsigned)(name.data[i] - '0');
    }
    return true;
}

bool sg_tpm_field(const struct sg_tee_verdict *v, struct sg_bytes name, struct sg_bytes *ret)
{
    struct sg_tpm_quote q;
    unsigned number;
    if (!v->tpm_quote.len || sg_tpm_quote_read(v->tpm_quote, &q) != SG_TEE_REASON_NONE)
        return false;
    if (pcr_number(name, &number))
        return q.n_banks && sg_tpm_pcr(&q, v->tpm_pcrs, q.bank[0].alg, number, ret);
    if (sg_bytes_equal(name, SG_BYTES_LIT("extra")))
        *ret = q.extra;
    else if (sg_bytes_equal(name, SG_BYTES_LIT("signer")))
        *ret = q.signer;
    else if (sg_bytes_equal(name, SG_BYTES_LIT("pcrdigest")))
        *ret = q.pcr_digest;
    else
        return false;
    return true;
}

static void selection_json(const struct sg_tpm_quote *q, struct sg_json *j)
{
    sg_json_key(j, "sel");
    sg_json_array(j);
    for (size_t i = 0; i < q->n_banks; i++) {
        char alg[12];
        snprintf(alg, sizeof alg, "0x%x", q->bank[i].alg);
        sg_json_array(j);
        sg_json_str(j, alg);
        sg_json_hex(j, q->bank[i].bitmap);
        sg_json_end_array(j);
    }
    sg_json_end_array(j);
}

static void pcrs_json(const struct sg_tpm_quote *q, struct sg_bytes values, struct sg_json *j)
{
    struct sg_bytes value;
    sg_json_key(j, "pcrs");
    sg_json_object(j);
    for (unsigned i = 0; q->n_banks && i < SG_TPM_PCRS; i++) {
        char name[12];
        if (!sg_tpm_pcr(q, values, q->bank[0].alg, i, &value))
            continue;
        snprintf(name, sizeof name, "%u", i);
        sg_json_key(j, name);
        sg_json_hex(j, value);
    }
    sg_json_end_object(j);
}

static void hex_json(struct sg_json *j, const char *name, struct sg_bytes value)
{
    sg_json_key(j, name);
    sg_json_hex(j, value);
}

static void uint_json(struct sg_json *j, const char *name, uint64_t value)
{
    sg_json_key(j, name);
    sg_json_uint(j, value);
}

void sg_tpm_quote_json(const struct sg_tee_evidence *e, struct sg_json *j)
{
    struct sg_tpm_quote q;
    char firmware[24];
    if (sg_tpm_quote_read(part(e, SG_TEE_PART_TPM_QUOTE), &q) != SG_TEE_REASON_NONE)
        return;
    snprintf(firmware, sizeof firmware, "0x%llx", (unsigned long long)q.firmware);
    sg_json_key(j, "tpm");
    sg_json_object(j);
    hex_json(j, "signer", q.signer);
    hex_json(j, "extra", q.extra);
    uint_json(j, "clock", q.clock_ms);
    uint_json(j, "resets", q.resets);
    uint_json(j, "restarts", q.restarts);
    sg_json_key(j, "safe");
    sg_json_bool(j, q.safe);
    sg_json_key(j, "fw");
    sg_json_str(j, firmware);
    selection_json(&q, j);
    hex_json(j, "pcrdigest", q.pcr_digest);
    pcrs_json(&q, part(e, SG_TEE_PART_TPM_PCRS), j);
    uint_json(j, "end", q.len);
    uint_json(j, "len", part(e, SG_TEE_PART_TPM_QUOTE).len);
    sg_json_end_object(j);
}

static int describe(const struct sg_tee_evidence *e, const struct sg_tee_store *store,
                    struct sg_json *j)
{
    struct sg_tee_evidence parts;
    (void)store;
    sg_json_key(j, "fields");
    sg_json_object(j);
    if (sg_tpm_unpack(e, &parts))
        sg_tpm_quote_json(&parts, j);
    sg_json_end_object(j);
    return 0;
}

const struct sg_tee_judge sg_tee_judge_tpm = {.kind_of = kind_of,
                                              .recognise = recognise,
                                              .judge = judge,
                                              .describe = describe,
                                              .field = sg_tpm_field};
