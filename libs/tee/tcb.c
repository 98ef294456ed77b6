#include "tcb-int.h"

#include <stdio.h>
#include <string.h>

#include "chain-int.h"
#include "store-int.h"

static const char *const signer_names[] = {SG_TEE_TCB_SIGNER_NAME, NULL};

struct wanted {
    enum sg_tee_doc doc;
    enum sg_tee_intel_id id;
    const struct sg_pck *pck; /* TCB info: of this platform */
};

/* One document and everything against it. */
struct candidate {
    const struct sg_tee_intel_doc *doc;
    uint32_t faults; /* bits 1 << enum sg_tee_doc_fault */
    bool has_signer;
    struct sg_tee_chain signer;
};

static struct sg_tee_chain_request signer_request(const struct sg_tee_case *c)
{
    return (struct sg_tee_chain_request){
        .of = c,
        .vendor = SG_TEE_VENDOR_INTEL,
        .role = SG_TEE_ROLE_TCB_SIGNER,
        .leaf_names = signer_names,
        /* Under the root itself: a PCK CA signs keys of platforms, not of Intel. */
        .min_cas = 0,
        .max_cas = 0,
    };
}

static unsigned weight(const struct candidate *c)
{
    return (unsigned)__builtin_popcount(c->faults) +
           (unsigned)__builtin_popcount(c->signer.leaf_faults) +
           (unsigned)__builtin_popcount(c->signer.ca_faults);
}

/* The others are of no interest then: anybody can make certificates with the signer's key. */
static bool has_good_signer(const struct candidate *c)
{
    return c->has_signer && c->signer.n && !c->signer.leaf_faults && !c->signer.ca_faults;
}

static void judge_signers(const struct sg_tee_case *c, const struct sg_tee_doc_entry *e,
                          struct candidate *ret)
{
    const struct sg_tee_chain_request q = signer_request(c);
    for (size_t i = 0; i < e->n_signers && !has_good_signer(ret); i++) {
        struct sg_tee_chain chain;
        sg_tee_chain_judge(&q, e->signer[i], &chain);
        const struct candidate one = {.signer = chain};
        if (!ret->has_signer || weight(&one) < weight(&(struct candidate){.signer = ret->signer}))
            ret->signer = chain;
        ret->has_signer = true;
    }
    if (!ret->has_signer)
        ret->faults |= 1u << SG_TEE_DOC_FAULT_SIGNATURE;
}

static struct candidate judge_doc(const struct sg_tee_case *c, const struct sg_tee_doc_entry *e)
{
    struct candidate ret = {.doc = e->doc};
    if (e->doc->fault != SG_TEE_N_DOC_FAULTS)
        ret.faults |= 1u << e->doc->fault;
    if (c->at_s < e->doc->issue_s)
        ret.faults |= 1u << SG_TEE_DOC_FAULT_NOT_YET_VALID;
    if (c->at_s > e->doc->next_s)
        ret.faults |= 1u << SG_TEE_DOC_FAULT_EXPIRED;
    if (e->superseded)
        ret.faults |= 1u << SG_TEE_DOC_FAULT_SUPERSEDED;
    judge_signers(c, e, &ret);
    return ret;
}

bool sg_tcb_signer_vouched(const struct sg_tee_store *s, const struct sg_tee_doc_entry *e,
                           int64_t at_s)
{
    const struct sg_tee_evidence none = {0};
    const struct sg_tee_case c = {.evidence = &none,
                                  .store = s,
                                  .at_s = at_s,
                                  .crypto_only = true /* lists that are there */};
    struct candidate one = {.doc = e->doc};
    judge_signers(&c, e, &one);
    return has_good_signer(&one) && !weight(&one);
}

/* Fewest faults; then the newest evaluation, against downgrade; then the newest issue. */
static bool better(const struct candidate *a, const struct candidate *b)
{
    if (!b->doc)
        return true;
    if (weight(a) != weight(b))
        return weight(a) < weight(b);
    if (a->doc->evaluation != b->doc->evaluation)
        return a->doc->evaluation > b->doc->evaluation;
    return a->doc->issue_s > b->doc->issue_s;
}

static bool fits_platform(const struct sg_tee_intel_doc *d, const struct wanted *w)
{
    return d->identity || (w->pck && memcmp(d->fmspc, w->pck->fmspc, sizeof d->fmspc) == 0 &&
                           memcmp(d->pceid, w->pck->pceid, sizeof d->pceid) == 0);
}

static bool signer_is_there(const struct sg_tee_store *s)
{
    for (size_t i = 0; i < s->n_certs; i++) {
        if (!s->cert[i]->ca && strcmp(s->cert[i]->common_name, signer_names[0]) == 0)
            return true;
    }
    return false;
}

static void report(const struct sg_tee_case *c, const struct wanted *w,
                   const struct candidate *best, struct sg_tee_verdict *v)
{
    const struct sg_tee_chain_request q = signer_request(c);
    uint32_t faults = best->faults;
    if (!best->has_signer && !signer_is_there(c->store)) {
        faults &= ~(1u << SG_TEE_DOC_FAULT_SIGNATURE);
        sg_tee_refuse(v, SG_TEE_TCB_SIGNER_MISSING);
    }
    for (unsigned f = 0; f < SG_TEE_N_DOC_FAULTS; f++) {
        if (faults & 1u << f)
            sg_tee_refuse(v, sg_tee_doc_reason(w->doc, (enum sg_tee_doc_fault)f));
    }
    if (best->has_signer)
        sg_tee_chain_report(&q, &best->signer, v);
    sg_tee_used(v, best->doc->issue_s, best->doc->next_s);
    if (!v->tcb_evaluation || best->doc->evaluation < v->tcb_evaluation)
        v->tcb_evaluation = best->doc->evaluation;
}

/* Nothing fits: why. */
static void report_absence(const struct sg_tee_case *c, const struct wanted *w, bool mismatch,
                           struct sg_tee_verdict *v)
{
    const unsigned item =
        w->doc == SG_TEE_DOC_TCB_INFO ? SG_TEE_ITEM_TCB_INFO : SG_TEE_ITEM_IDENTITY;
    if (c->store->broken_items & item)
        sg_tee_refuse(v, sg_tee_doc_reason(w->doc, SG_TEE_DOC_FAULT_MALFORMED));
    sg_tee_absent(v, sg_tee_doc_reason(w->doc, mismatch ? SG_TEE_DOC_FAULT_MISMATCH
                                                        : SG_TEE_DOC_FAULT_MISSING));
}

/* NULL: nothing that could be read and that Intel signed.  Other faults are reasons, and the
 * document is returned. */
static const struct sg_tee_intel_doc *find_doc(const struct sg_tee_case *c, const struct wanted *w,
                                               struct sg_tee_verdict *v)
{
    const bool identity = w->doc == SG_TEE_DOC_QE_IDENTITY;
    struct candidate best = {0};
    bool mismatch = false;
    for (size_t i = 0; i < c->store->n_docs; i++) {
        const struct sg_tee_doc_entry *e = &c->store->doc[i];
        const bool unread = e->doc->fault != SG_TEE_N_DOC_FAULTS;
        if (e->doc->identity != identity)
            continue;
        if (!unread && (e->doc->id != w->id || !fits_platform(e->doc, w))) {
            mismatch = true;
            continue;
        }
        const struct candidate one = judge_doc(c, e);
        if (better(&one, &best))
            best = one;
    }
    if (!best.doc) {
        report_absence(c, w, mismatch, v);
        return NULL;
    }
    report(c, w, &best, v);
    return best.doc->fault == SG_TEE_N_DOC_FAULTS && best.has_signer && best.signer.n ? best.doc
                                                                                      : NULL;
}

static void advise(const struct sg_tee_level_advisories *a, struct sg_tee_verdict *v)
{
    for (size_t i = 0; i < a->n; i++)
        sg_tee_advise(v, a->id[i]);
}

static bool masked_equal(const uint8_t *value, const uint8_t *mask, const uint8_t *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((value[i] & mask[i]) != wanted[i])
            return false;
    }
    return true;
}

static const struct sg_tee_svn_level *level_of(const struct sg_tee_svn_level *level, size_t n,
                                               unsigned isvsvn)
{
    for (size_t i = 0; i < n; i++) {
        if (isvsvn >= level[i].isvsvn)
            return &level[i];
    }
    return NULL;
}

static void take_level(const struct sg_tee_svn_level *level, enum sg_tee_reason unsupported,
                       struct sg_tee_component *ret, struct sg_tee_verdict *v)
{
    if (!level) {
        ret->status = SG_TEE_STATUS_NOT_SUPPORTED;
        sg_tee_refuse(v, unsupported);
        return;
    }
    ret->status = level->status;
    ret->date_s = level->date_s;
    advise(&level->advisories, v);
    if (level->status == SG_TEE_STATUS_REVOKED)
        sg_tee_refuse(v, SG_TEE_REASON_TCB_REVOKED);
}

static void judge_qe(const struct sg_tee_case *c, const struct sg_quote *q,
                     struct sg_tee_verdict *v)
{
    const struct wanted w = {.doc = SG_TEE_DOC_QE_IDENTITY,
                             .id = q->tee == SG_QUOTE_TEE_TDX ? SG_TEE_INTEL_ID_TD_QE
                                                              : SG_TEE_INTEL_ID_QE};
    const struct sg_tee_intel_doc *d = find_doc(c, &w, v);
    const uint8_t *report = q->qe_report.data;
    v->qe.status = SG_TEE_STATUS_COLLATERAL_MISSING;
    if (!d)
        return;
    if (!masked_equal(report + SG_SGX_AT_miscselect, d->miscselect_mask, d->miscselect, 4))
        sg_tee_refuse(v, SG_TEE_REASON_QE_MISCSELECT);
    if (!masked_equal(report + SG_SGX_AT_attributes, d->attributes_mask, d->attributes, 16))
        sg_tee_refuse(v, SG_TEE_REASON_QE_ATTRIBUTES);
    if (memcmp(report + SG_SGX_AT_mrsigner, d->mrsigner, sizeof d->mrsigner) != 0)
        sg_tee_refuse(v, SG_TEE_REASON_QE_MRSIGNER);
    if (sg_load_le16(report + SG_SGX_AT_isvprodid) != d->isvprodid)
        sg_tee_refuse(v, SG_TEE_REASON_QE_ISVPRODID);
    take_level(level_of(d->svn_level, d->n_svn_levels, sg_load_le16(report + SG_SGX_AT_isvsvn)),
               SG_TEE_REASON_QE_SVN, &v->qe, v);
}

static bool not_below(const uint8_t *svn, const uint8_t *level, size_t first)
{
    for (size_t i = first; i < SG_TEE_COMPONENTS; i++) {
        if (svn[i] < level[i])
            return false;
    }
    return true;
}

/* td_svn NULL: not a TD.  With a module version in it, octets 0 and 1 are the module's own and are
 * judged by its identity. */
static const struct sg_tee_tcb_level *
platform_level(const struct sg_tee_intel_doc *d, const struct sg_pck *pck, const uint8_t *td_svn)
{
    for (size_t i = 0; i < d->n_levels; i++) {
        const struct sg_tee_tcb_level *l = &d->level[i];
        if (not_below(pck->component, l->sgx, 0) && pck->pcesvn >= l->pcesvn &&
            (!td_svn || not_below(td_svn, l->tdx, td_svn[1] ? 2 : 0)))
            return l;
    }
    return NULL;
}

static void judge_platform(const struct sg_tee_intel_doc *d, const struct sg_pck *pck,
                           const uint8_t *td_svn, struct sg_tee_verdict *v)
{
    const struct sg_tee_tcb_level *l = platform_level(d, pck, td_svn);
    if (!l) {
        v->platform.status = SG_TEE_STATUS_NOT_SUPPORTED;
        sg_tee_refuse(v, SG_TEE_REASON_TCB_NOT_SUPPORTED);
        return;
    }
    v->platform = (struct sg_tee_component){l->status, l->date_s};
    advise(&l->advisories, v);
    v->advisories.n_platform = v->advisories.n;
    if (l->status == SG_TEE_STATUS_REVOKED)
        sg_tee_refuse(v, SG_TEE_REASON_TCB_REVOKED);
}

static void match_module(const struct sg_tee_module *m, const uint8_t *td, struct sg_tee_verdict *v)
{
    if (memcmp(td + SG_TD_AT_mrsignerseam, m->mrsigner, sizeof m->mrsigner) != 0)
        sg_tee_refuse(v, SG_TEE_REASON_TDX_MODULE_SIGNER);
    if (!masked_equal(td + SG_TD_AT_seamattributes, m->attributes_mask, m->attributes, 8))
        sg_tee_refuse(v, SG_TEE_REASON_TDX_MODULE_ATTRIBUTES);
}

static void judge_module(const struct sg_tee_intel_doc *d, const uint8_t *td,
                         struct sg_tee_verdict *v)
{
    const uint8_t *svn = td + SG_TD_AT_tee_tcb_svn;
    char id[16];
    if (!svn[1]) {
        match_module(&d->module, td, v);
        return;
    }
    snprintf(id, sizeof id, "TDX_%02X", svn[1]);
    for (size_t i = 0; i < d->n_modules; i++) {
        const struct sg_tee_module *m = &d->modules[i];
        if (strcmp(m->id, id) != 0)
            continue;
        match_module(m, td, v);
        take_level(level_of(m->level, m->n_levels, svn[0]), SG_TEE_REASON_TDX_MODULE_SVN,
                   &v->tdx_module, v);
        return;
    }
    v->tdx_module.status = SG_TEE_STATUS_NOT_SUPPORTED;
    sg_tee_refuse(v, SG_TEE_REASON_TDX_MODULE_UNKNOWN);
}

void sg_tcb_judge(const struct sg_tee_case *c, const struct sg_quote *q, const struct sg_pck *pck,
                  struct sg_tee_verdict *v)
{
    const bool td = q->tee == SG_QUOTE_TEE_TDX;
    const struct wanted w = {.doc = SG_TEE_DOC_TCB_INFO,
                             .id = td ? SG_TEE_INTEL_ID_TDX : SG_TEE_INTEL_ID_SGX,
                             .pck = pck};
    const struct sg_tee_intel_doc *d = find_doc(c, &w, v);
    v->platform.status = SG_TEE_STATUS_COLLATERAL_MISSING;
    if (d && pck)
        judge_platform(d, pck, td ? q->body.data + SG_TD_AT_tee_tcb_svn : NULL, v);
    judge_qe(c, q, v);
    if (td && d)
        judge_module(d, q->body.data, v);
    v->tcb_status = sg_tee_status_merge(v->platform.status,
                                        sg_tee_status_merge(v->qe.status, v->tdx_module.status));
}
