/* signed-intel - a good quote, judged by documents of which one is changed and signed again. */
#include "intel-set.h"

static void set_init(struct set *s, bool td)
{
    *s = (struct set){.t = world.intel,
                      .td = td,
                      .info = tk_tcb_info_good(&world.intel, td),
                      .id = tk_identity_good(&world.intel, td),
                      .info_text = SG_BUF_INIT(65536),
                      .id_text = SG_BUF_INIT(65536),
                      .root_crl = SG_BUF_INIT(8192),
                      .pck_crl = SG_BUF_INIT(8192)};
}

void set_issue(struct set *s)
{
    s->t.root = s->t.ca = s->t.pck = s->t.signer = NULL;
    tk_intel_issue(&s->t);
    s->issued = true;
}

static void set_clear(struct set *s)
{
    struct sg_buf *const all[] = {&s->info_text, &s->id_text, &s->root_crl, &s->pck_crl};
    for (size_t i = 0; i < N(all); i++)
        sg_buf_clear(all[i]);
    if (!s->issued)
        return;
    X509_free(s->t.root);
    X509_free(s->t.ca);
    X509_free(s->t.pck);
    X509_free(s->t.signer);
}

/* What no change touched is made once: signing takes most of the time.  Keys and the root's name
 * stay, whatever certificates are issued anew. */
static const struct set *untouched(bool td)
{
    static struct set good[2];
    struct set *s = &good[td];
    if (s->info_text.len)
        return s;
    set_init(s, td);
    tk_tcb_info_json(&s->t, &s->info, &s->info_text);
    tk_identity_json(&s->t, &s->id, &s->id_text);
    tk_intel_root_crl(&s->t, NULL, 0, &s->root_crl);
    tk_intel_pck_crl(&s->t, NULL, 0, &s->pck_crl);
    return s;
}

static bool same_info(const struct set *a, const struct set *b)
{
    return !memcmp(&a->info, &b->info, sizeof a->info) && !memcmp(&a->id, &b->id, sizeof a->id);
}

static void add(struct sg_tee_store *store, const struct sg_buf *changed, const struct sg_buf *good,
                bool without)
{
    unsigned items;
    if (!without)
        MUST(sg_tee_store_add(store, sg_buf_bytes(changed->len ? changed : good), &items));
}

static void fill(struct set *s, struct sg_tee_store *store)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf signer = SG_BUF_INIT(8192);
    const struct set *good = untouched(s->td);
    if (!same_info(s, good) && !s->info_text.len)
        tk_tcb_info_json(&s->t, &s->info, &s->info_text);
    if (!same_info(s, good) && !s->id_text.len)
        tk_identity_json(&s->t, &s->id, &s->id_text);
    if (s->issued && !s->pck_crl.len) /* its issuer may have another name */
        tk_intel_pck_crl(&s->t, NULL, 0, &s->pck_crl);
    tk_cert_der(s->t.signer, &signer);
    add(store, &s->info_text, &good->info_text, s->without_info);
    add(store, &s->id_text, &good->id_text, s->without_id);
    add(store, &s->root_crl, &good->root_crl, s->without_root_crl);
    add(store, &s->pck_crl, &good->pck_crl, s->without_pck_crl);
    add(store, &signer, &signer, s->without_signer);
}

/* The quote with the set's own chain: signatures of a quote do not cover it. */
static void put_chain(const struct set *s, struct sg_buf *b)
{
    struct tk_quote_layout l;
    sg_assert(tk_quote_find(sg_buf_bytes(b), &l));
    b->len = l.cert + 6;
    tk_intel_pck_chain(&s->t, b);
    tk_quote_reseal(&world.intel, 0, &l, b);
}

static bool change_set(struct set *s)
{
    static bool (*const ways[])(struct set *) = {
        change_info,          change_info,     change_certificate, change_certificate,
        change_document_text, change_platform, break_extension,    wrong_issuer,
        change_list,          change_list,     leave_out};
    const size_t way = below(N(ways) + 3);
    if (way < N(ways))
        return ways[way](s);
    for (size_t n = one_in(3) ? 2 : 1; n; n--)
        change_identity(s);
    return identity_is_right(s);
}

bool resigned_intel_document(const struct specimen *good, bool td)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *store = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf quote = SG_BUF_INIT(65536);
    SG_CLEANUP(set_clear) struct set s;
    struct sg_tee_evidence e = {0};
    set_init(&s, td);
    const bool wanted = change_set(&s);
    MUST(sg_buf_append(&quote, sg_buf_bytes(&good->part[SG_TEE_PART_REPORT])));
    if (s.issued)
        put_chain(&s, &quote);
    tk_world_new_store(&world, &store);
    fill(&s, store);
    e.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&quote);
    return judged_in(store, &e, wanted);
}
