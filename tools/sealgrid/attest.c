#include "attest.h"

#include "verbs.h"

#include <jansson.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <sealgrid/tee/policy-text.h>
#include <stdio.h>

#define ANSWER_MAX (4u << 20)

/* Rows X(kind, member, name, default, min, max, required, help) that verbs have in common. */
#define EVIDENCE(X)                                                                                \
    X(LIST, evidence, "evidence", NULL, 0, 0, true, "file, or folder of a bundle's files")
#define JSON(X) X(BOOL, json, "json", "false", 0, 1, false, "one JSON object")
#define INSTANT(X)                                                                                 \
    X(STRING, at, "at", NULL, 0, 0, false, "instant to judge at (RFC 3339); else now")
#define ROOT(X)                                                                                    \
    X(LIST, root, "root", NULL, 0, 0, false,                                                       \
      "certificate or public key to trust as a root beside the vendors' own; repeatable")
#define WARN_DAYS(X)                                                                               \
    X(INT, warn_days, "warn-days", "7", 0, 3650, false,                                            \
      "how long ahead the end of documents is told")
/* How services are spoken to. */
#define SERVICES(X)                                                                                \
    X(LIST, service, "service", NULL, 0, 0, false,                                                 \
      "intel=URL (a PCCS), amd=URL: in place of the vendor's own; repeatable")                     \
    X(STRING, service_ca, "service-ca", NULL, 0, 0, false,                                         \
      "certificates (PEM) that a service's own must be under; else the system's")                  \
    X(BOOL, service_http, "service-http", "false", 0, 1, false,                                    \
      "let a service be http on another machine")                                                  \
    X(BOOL, service_proxy, "service-proxy", "false", 0, 1, false,                                  \
      "use the proxy of the environment")                                                          \
    X(INT, refresh_percent, "refresh-percent", "50", 1, 100, false,                                \
      "share of a document's life after which it is asked for again")                              \
    X(INT, fetch_timeout, "fetch-timeout", "90", 1, 3600, false,                                   \
      "seconds that asking for all documents may take")

#define VERIFY(X)                                                                                  \
    EVIDENCE(X)                                                                                    \
    X(LIST, collateral, "collateral", NULL, 0, 0, false,                                           \
      "file or folder (with all below) of certificates, CRLs, TCB infos, identities; repeatable")  \
    INSTANT(X)                                                                                     \
    X(STRING, policy, "policy", NULL, 0, 0, false, "what to accept (YAML)")                        \
    ROOT(X)                                                                                        \
    X(LIST, allow_missing, "allow-missing", NULL, 0, 0, false,                                     \
      "tcb-info, qe-identity, crl: documents whose absence is accepted")                           \
    X(BOOL, crypto_only, "crypto-only", "false", 0, 1, false,                                      \
      "signatures, bindings, chains and dates alone")                                              \
    X(BOOL, fetch, "fetch", "false", 0, 1, false,                                                  \
      "ask the vendors' services for documents that --collateral lacks")                           \
    X(STRING, cache, "cache", NULL, 0, 0, false,                                                   \
      "folder of documents fetched before; without --fetch nothing is asked for")                  \
    SERVICES(X)                                                                                    \
    WARN_DAYS(X)                                                                                   \
    JSON(X)
#define FETCH(X)                                                                                   \
    EVIDENCE(X)                                                                                    \
    X(STRING, out, "out", NULL, 0, 0, true,                                                        \
      "folder to gather documents in: the cache of verify, the collateral of casd")                \
    ROOT(X)                                                                                        \
    SERVICES(X)                                                                                    \
    X(BOOL, watch, "watch", "false", 0, 1, false, "for ever, every --every seconds")               \
    X(INT, every, "every", "3600", 60, 604800, false, "with --watch: seconds")

#define ROW(...) SG_CONF_ROW(struct sg_attest_options, __VA_ARGS__)
static const struct sg_conf_option verify_options[] = {VERIFY(ROW)};
static const struct sg_conf_option show_options[] = {EVIDENCE(ROW) JSON(ROW)};
static const struct sg_conf_option fetch_options[] = {FETCH(ROW)};
static const struct sg_conf_option collateral_options[] = {INSTANT(ROW) ROOT(ROW) WARN_DAYS(ROW)
                                                               JSON(ROW)};

/* What the policy of --policy borrows. */
struct policy_file {
    struct sg_yaml yaml;
    struct sg_tee_policy_text text;
};

static int read_policy(const struct sg_attest_options *o, struct policy_file *ret)
{
    static const char *const others[] = {NULL};
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1u << 20);
    struct sg_yaml_error why;
    int r;

    if (!o->policy) {
        ret->text.policy = o->crypto_only ? sg_tee_policy_crypto_only() : sg_tee_policy_default();
        return 0;
    }
    if (o->crypto_only)
        return sg_raisef(-EINVAL, "--policy and --crypto-only exclude each other");
    r = sg_file_read(o->policy, &file);
    if (!r)
        r = sg_yaml_parse(&ret->yaml, sg_buf_bytes(&file), &why);
    if (!r)
        r = sg_tee_policy_read(&ret->text, &ret->yaml.nodes[0], others, &why);
    return r > 0 ? sg_raisef(-EINVAL, "%s:%u: %s", o->policy, why.line, why.text) : r;
}

/* "tcb-info,crl" and repeated options alike. */
static int add_missing(const char *list, uint32_t *bits)
{
    static const struct {
        const char *word;
        uint32_t bit;
    } words[] = {{"tcb-info", SG_TEE_ABSENT_TCB_INFO},
                 {"qe-identity", SG_TEE_ABSENT_QE_IDENTITY},
                 {"crl", SG_TEE_ABSENT_CRL}};

    for (size_t n; *list; list += n + (list[n] == ',')) {
        bool known = false;
        n = strcspn(list, ",");
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            if (strlen(words[i].word) == n && !memcmp(words[i].word, list, n)) {
                *bits |= words[i].bit;
                known = true;
            }
        if (!known)
            return sg_raisef(-EINVAL, "--allow-missing %.*s: tcb-info, qe-identity or crl", (int)n,
                             list);
    }
    return 0;
}

/* ---- verify ---- */

static int answer(const struct sg_attest_options *o, const struct sg_tee_case *c,
                  const struct sg_tee_verdict *v, const struct sg_attest_notes *n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(ANSWER_MAX);
    int r;

    if (!o->json) {
        sg_attest_verdict_print(v);
        return 0;
    }
    r = sg_attest_verdict_json(c, v, n, &b);
    return r ? r : sg_file_write_report("-", sg_buf_bytes(&b));
}

static int judge(const struct sg_attest_options *o, const struct sg_tee_needs *needs,
                 struct sg_tee_policy *p, struct sg_tee_case *c, struct sg_attest_notes *notes,
                 bool *ret_trusted)
{
    struct sg_tee_verdict v;
    int r = sg_tee_judge(c, &v);

    for (size_t i = 0; i < o->allow_missing.n && !r; i++)
        r = add_missing(o->allow_missing.items[i], &p->allow_absent);
    if (r)
        return r;
    p->at_s = c->at_s;
    sg_tee_apply(p, &v);
    *ret_trusted = sg_tee_trusted(&v);
    sg_attest_note_ends(o, needs, c, &v, notes);
    sg_attest_notes_print("verify", notes);
    return answer(o, c, &v, notes);
}

/* The store that a case is judged by: roots, collateral, what was gathered. */
static int consult(const struct sg_attest_options *o, const struct sg_tee_case *c,
                   struct sg_attest_notes *notes, struct sg_tee_store **ret)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    int r = sg_attest_store(o, &s);

    if (!r && (o->fetch || o->cache))
        r = sg_attest_gather(o, o->cache, o->fetch, c->evidence, c->at_s, s, notes);
    if (!r)
        r = sg_tee_store_seal(s);
    if (!r)
        *ret = TAKE_PTR(s);
    return r;
}

static int verify(const struct sg_attest_options *o)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *store = NULL;
    SG_CLEANUP(sg_attest_evidence_clear) struct sg_attest_evidence evidence = {0};
    static struct policy_file policy;
    static struct sg_attest_notes notes;
    struct sg_tee_case c = {.evidence = &evidence.parts, .crypto_only = o->crypto_only};
    struct sg_tee_needs needs;
    bool trusted = false;
    int r = sg_attest_instant(o, &c.at_s);

    if (!r && o->service.n && !o->fetch)
        r = sg_raisef(-EINVAL, "--service goes with --fetch");
    if (!r)
        r = read_policy(o, &policy);
    if (!r)
        r = sg_attest_evidence_read(o->evidence.items[0], &evidence);
    if (!r)
        r = sg_tee_needs(&evidence.parts, &needs);
    if (!r)
        r = consult(o, &c, &notes, &store);
    c.store = store;
    if (!r)
        r = judge(o, &needs, &policy.text.policy, &c, &notes, &trusted);
    sg_yaml_clear(&policy.yaml);
    return r ? sg_attest_unusable("verify") : trusted ? SG_ATTEST_TRUSTED : SG_ATTEST_REFUSED;
}

/* ---- show ---- */

static void print_value(const char *name, const json_t *v, int indent)
{
    const char *key;
    const json_t *inner;

    if (json_is_object(v)) {
        if (name[0])
            printf("%*s%s\n", indent, "", name);
        json_object_foreach((json_t *)(uintptr_t)v, key, inner)
            print_value(key, inner, indent + (name[0] ? 2 : 0));
        return;
    }
    SG_FREE char *text =
        json_is_string(v) ? strdup(json_string_value(v)) : json_dumps(v, JSON_ENCODE_ANY);
    printf("%*s%-*s %s\n", indent, "", 24 - indent, name, text ? text : "?");
}

static int show_text(struct sg_bytes json)
{
    json_error_t why;
    json_t *v = json_loadb((const char *)json.data, json.len, 0, &why);

    if (!v)
        return sg_raisef(-EBADMSG, "%s", why.text);
    print_value("", v, 0);
    json_decref(v);
    return 0;
}

static int show(const struct sg_attest_options *o)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *store = NULL;
    SG_CLEANUP(sg_attest_evidence_clear) struct sg_attest_evidence evidence = {0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(ANSWER_MAX);
    enum sg_tee_kind kind = SG_TEE_KIND_NONE;
    struct sg_json j;
    int r = sg_attest_evidence_read(o->evidence.items[0], &evidence);

    if (!r)
        r = sg_attest_store(o, &store);
    if (!r)
        r = sg_tee_store_seal(store);
    if (r)
        return sg_attest_unusable("show");
    kind = sg_tee_recognise(&evidence.parts);
    sg_json_init(&j, &b);
    sg_json_object(&j);
    sg_json_key(&j, "kind");
    sg_json_str(&j, sg_tee_kind_name(kind));
    r = sg_tee_describe(&evidence.parts, store, &j);
    sg_json_end_object(&j);
    if (!r)
        r = sg_json_done(&j);
    if (!r)
        r = o->json ? sg_file_write_report("-", sg_buf_bytes(&b)) : show_text(sg_buf_bytes(&b));
    return r ? sg_attest_unusable("show") : kind == SG_TEE_KIND_NONE ? SG_ATTEST_REFUSED : 0;
}

/* ---- the verb ---- */

#define TABLE(verb, what, rows)                                                                    \
    {                                                                                              \
        .program = "sealgrid attest " verb, .summary = what, .options = rows,                      \
        .n = sizeof(rows) / sizeof(rows[0])                                                        \
    }

static int run_verify(const struct sg_attest_options *o, char **args, int n)
{
    (void)args;
    (void)n;
    return verify(o);
}

static int run_show(const struct sg_attest_options *o, char **args, int n)
{
    (void)args;
    (void)n;
    return show(o);
}

static int run_fetch(const struct sg_attest_options *o, char **args, int n)
{
    (void)args;
    (void)n;
    return sg_attest_fetch(o);
}

static int run_collateral(const struct sg_attest_options *o, char **args, int n)
{
    return sg_attest_collateral(o, args, n);
}

static const struct verb {
    const char *name;
    struct sg_conf_table table;
    int (*run)(const struct sg_attest_options *o, char **args, int n);
    bool arguments; /* takes some */
    bool several;   /* pieces of evidence */
} verbs[] = {
    {"verify", TABLE("verify", "judges attestation evidence", verify_options), run_verify, false,
     false},
    {"show", TABLE("show", "decodes attestation evidence, judging nothing", show_options), run_show,
     false, false},
    {"fetch", TABLE("fetch", "gathers the documents that evidence is judged by", fetch_options),
     run_fetch, false, true},
    {"collateral", TABLE("collateral", "lists documents and when they end", collateral_options),
     run_collateral, true, false},
};

static int usage(FILE *out, int status)
{
    fprintf(out,
            "usage: sealgrid attest verify --evidence F [--collateral PATH]... [--fetch] "
            "[--cache DIR] [option...]\n"
            "       sealgrid attest show --evidence F [--json]\n"
            "       sealgrid attest fetch --evidence F... --out DIR [--watch] [option...]\n"
            "       sealgrid attest collateral [--json] [option...] PATH...\n"
            "verify: exit 0 trusted, 1 refused, 2 unusable input.  fetch: 1 if a document is\n"
            "missing; collateral: 1 if one has expired.  --help after the word lists options.\n");
    return status;
}

static int run(const struct verb *v, const struct sg_attest_options *o, char **args, int n)
{
    if (n > 0 && !v->arguments) {
        fprintf(stderr, "%s: %s: no positional arguments\n", v->table.program, args[0]);
        return SG_ATTEST_UNUSABLE;
    }
    if (o->evidence.n > 1 && !v->several) {
        fprintf(stderr, "%s: one --evidence\n", v->table.program);
        return SG_ATTEST_UNUSABLE;
    }
    return v->run(o, args, n);
}

int sg_verb_attest(int argc, char **argv)
{
    static struct sg_attest_options o;
    const struct verb *v = NULL;
    int first, r;

    if (argc >= 2 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    for (size_t i = 0; argc >= 2 && i < sizeof verbs / sizeof verbs[0]; i++)
        if (!strcmp(argv[1], verbs[i].name))
            v = &verbs[i];
    if (!v)
        return usage(stderr, SG_ATTEST_UNUSABLE);
    r = sg_conf_parse(&v->table, argc - 1, argv + 1, &o, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : SG_ATTEST_UNUSABLE;
    r = run(v, &o, argv + 1 + first, argc - 1 - first);
    sg_conf_clear(&v->table, &o);
    return r;
}
