#include "attest.h"

#include "verbs.h"

#include <jansson.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <sealgrid/tee/policy-text.h>
#include <sealgrid/tee/store-files.h>
#include <stdio.h>

enum { TRUSTED = 0, REFUSED = 1, UNUSABLE = 2 };

#define ANSWER_MAX (4u << 20)

struct options {
    char *evidence, *at, *policy;
    struct sg_conf_list collateral, root, allow_missing;
    bool crypto_only, json;
};

#define AT(member) offsetof(struct options, member)
static const struct sg_conf_option verify_options[] = {
    {"evidence", SG_CONF_STRING, AT(evidence), NULL, 0, 0, true,
     "file, or folder of a bundle's files"},
    {"collateral", SG_CONF_LIST, AT(collateral), NULL, 0, 0, false,
     "file or folder (with all below) of certificates, CRLs, TCB infos, identities; repeatable"},
    {"at", SG_CONF_STRING, AT(at), NULL, 0, 0, false, "instant to judge at (RFC 3339); else now"},
    {"policy", SG_CONF_STRING, AT(policy), NULL, 0, 0, false, "what to accept (YAML)"},
    {"root", SG_CONF_LIST, AT(root), NULL, 0, 0, false,
     "certificate or public key to trust as a root beside the vendors' own; repeatable"},
    {"allow-missing", SG_CONF_LIST, AT(allow_missing), NULL, 0, 0, false,
     "tcb-info, qe-identity, crl: documents whose absence is accepted"},
    {"crypto-only", SG_CONF_BOOL, AT(crypto_only), "false", 0, 1, false,
     "signatures, bindings, chains and dates alone"},
    {"json", SG_CONF_BOOL, AT(json), "false", 0, 1, false, "one JSON object"},
};
static const struct sg_conf_option show_options[] = {
    {"evidence", SG_CONF_STRING, AT(evidence), NULL, 0, 0, true,
     "file, or folder of a bundle's files"},
    {"json", SG_CONF_BOOL, AT(json), "false", 0, 1, false, "one JSON object"},
};
#undef AT

static int unusable(const char *verb)
{
    fprintf(stderr, "sealgrid attest %s: %s\n", verb, sg_error_trace());
    return UNUSABLE;
}

/* ---- what to trust ---- */

static int add_root(struct sg_tee_store *s, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(65536);
    int r = sg_file_read(path, &file);

    if (!r)
        r = sg_tee_store_add_root(s, SG_TEE_VENDORS_ALL, sg_buf_bytes(&file));
    return r ? sg_raisef(r, "%s: no root", path) : 0;
}

static void tell_broken(void *user, const char *path)
{
    (void)user;
    fprintf(stderr, "sealgrid attest: %s: looks like collateral and is malformed\n", path);
}

static int make_store(const struct options *o, struct sg_tee_store **ret)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    int r = sg_tee_store_new(&s, true);

    for (size_t i = 0; i < o->root.n && !r; i++)
        r = add_root(s, o->root.items[i]);
    for (size_t i = 0; i < o->collateral.n && !r; i++)
        r = sg_tee_store_read(s, o->collateral.items[i], tell_broken, NULL);
    if (!r)
        r = sg_tee_store_seal(s);
    if (!r)
        *ret = TAKE_PTR(s);
    return r;
}

/* The forms of RFC 3339 that sg_time_parse does not take: lower case, a space for T, and a fraction
 * of a second, which dates of whole seconds can do without. */
static int parse_instant(const char *text, int64_t *ret_s)
{
    char plain[32];
    size_t n = strlen(text), seconds_end = sizeof("2026-09-01T03:00:00") - 1, zone = seconds_end;

    if (n > seconds_end && text[zone] == '.')
        zone += 1 + strspn(text + zone + 1, "0123456789");
    if (n <= seconds_end || zone == seconds_end + 1 || n - zone >= sizeof(plain) - seconds_end)
        return sg_raise(-EINVAL);
    memcpy(plain, text, seconds_end);
    memcpy(plain + seconds_end, text + zone, n - zone + 1);
    if (plain[10] == 't' || plain[10] == ' ')
        plain[10] = 'T';
    if (plain[seconds_end] == 'z')
        plain[seconds_end] = 'Z';
    return sg_time_parse(plain, ret_s);
}

static int read_instant(const struct options *o, int64_t *ret_s)
{
    if (!o->at) {
        *ret_s = sg_clock_unix_s();
        return 0;
    }
    return parse_instant(o->at, ret_s) ? sg_raisef(-EINVAL, "--at %s: no RFC 3339 time", o->at) : 0;
}

/* What the policy of --policy borrows. */
struct policy_file {
    struct sg_yaml yaml;
    struct sg_tee_policy_text text;
};

static int read_policy(const struct options *o, struct policy_file *ret)
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

static int answer(const struct options *o, const struct sg_tee_case *c,
                  const struct sg_tee_verdict *v)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(ANSWER_MAX);
    int r;

    if (!o->json) {
        sg_attest_verdict_print(v);
        return 0;
    }
    r = sg_attest_verdict_json(c, v, &b);
    return r ? r : sg_file_write_report("-", sg_buf_bytes(&b));
}

static int judge(const struct options *o, struct sg_tee_policy *p, struct sg_tee_case *c,
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
    return answer(o, c, &v);
}

static int verify(const struct options *o)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *store = NULL;
    SG_CLEANUP(sg_attest_evidence_clear) struct sg_attest_evidence evidence = {0};
    static struct policy_file policy;
    struct sg_tee_case c = {.evidence = &evidence.parts, .crypto_only = o->crypto_only};
    bool trusted = false;
    int r = read_instant(o, &c.at_s);

    if (!r)
        r = read_policy(o, &policy);
    if (!r)
        r = sg_attest_evidence_read(o->evidence, &evidence);
    if (!r)
        r = make_store(o, &store);
    c.store = store;
    if (!r)
        r = judge(o, &policy.text.policy, &c, &trusted);
    sg_yaml_clear(&policy.yaml);
    return r ? unusable("verify") : trusted ? TRUSTED : REFUSED;
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

static int show(const struct options *o)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *store = NULL;
    SG_CLEANUP(sg_attest_evidence_clear) struct sg_attest_evidence evidence = {0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(ANSWER_MAX);
    enum sg_tee_kind kind = SG_TEE_KIND_NONE;
    struct sg_json j;
    int r = sg_attest_evidence_read(o->evidence, &evidence);

    if (!r)
        r = make_store(o, &store);
    if (r)
        return unusable("show");
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
    return r ? unusable("show") : kind == SG_TEE_KIND_NONE ? REFUSED : 0;
}

/* ---- the verb ---- */

static int usage(FILE *out, int status)
{
    fprintf(out, "usage: sealgrid attest verify --evidence F [--collateral PATH]... [option...]\n"
                 "       sealgrid attest show --evidence F [--json]\n"
                 "verify: exit 0 trusted, 1 refused, 2 unusable input.  --help after either word\n"
                 "lists its options.\n");
    return status;
}

int sg_verb_attest(int argc, char **argv)
{
    static const struct sg_conf_table tables[] = {
        {.program = "sealgrid attest verify",
         .summary = "judges attestation evidence",
         .options = verify_options,
         .n = sizeof(verify_options) / sizeof(verify_options[0])},
        {.program = "sealgrid attest show",
         .summary = "decodes attestation evidence, judging nothing",
         .options = show_options,
         .n = sizeof(show_options) / sizeof(show_options[0])}};
    static struct options o;
    int first, r, status;

    if (argc >= 2 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    if (argc < 2 || (strcmp(argv[1], "verify") && strcmp(argv[1], "show")))
        return usage(stderr, UNUSABLE);
    const struct sg_conf_table *table = &tables[!strcmp(argv[1], "show")];
    r = sg_conf_parse(table, argc - 1, argv + 1, &o, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : UNUSABLE;
    if (first < argc - 1) {
        fprintf(stderr, "%s: %s: no positional arguments\n", table->program, argv[first + 1]);
        status = UNUSABLE;
    } else {
        status = table == &tables[0] ? verify(&o) : show(&o);
    }
    sg_conf_clear(table, &o);
    return status;
}
