#include <sealgrid/base/encode.h>
#include <sealgrid/cas/client.h>

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "policy-int.h"

#define KEY_LEN       32 /* KEKs and name keys */
#define EPOCHS_MAX    64
#define DEFAULT_HOURS 24

static const char *const kind_names[] = {
#define X(id, name) [SG_CAS_SECRET_##id] = name,
    SG_CAS_SECRET_KINDS(X)
#undef X
};

/* What the parsing functions share. */
struct reading {
    struct sg_cas_policy *policy;
    struct sg_yaml_error *error;
};

/* ---- small pieces ---- */

static int expect_kind(struct reading *r, const struct sg_yaml_node *n, enum sg_yaml_kind kind,
                       const char *what)
{
    return n->kind == kind ? 0 : sg_yaml_refuse(r->error, n->line, "%s", what);
}

static int check_keys(struct reading *r, const struct sg_yaml_node *mapping,
                      const char *const *allowed)
{
    int o = expect_kind(r, mapping, SG_YAML_MAPPING, "a mapping expected");
    if (o)
        return o;
    for (const struct sg_yaml_node *n = mapping->first; n; n = n->next) {
        const char *const *a = allowed;
        while (*a && strcmp(*a, n->key) != 0)
            a++;
        if (!*a)
            return sg_yaml_refuse(r->error, n->line, "unknown key \"%.40s\"", n->key);
    }
    return 0;
}

/* Letters, digits and extra; 1..max octets. */
static bool is_name(const char *text, const char *extra, size_t max)
{
    size_t n = strlen(text);
    if (n == 0 || n > max)
        return false;
    for (; *text; text++)
        if (!(*text >= 'a' && *text <= 'z') && !(*text >= '0' && *text <= '9') &&
            !strchr(extra, *text))
            return false;
    return true;
}

static int take_number(struct reading *r, const struct sg_yaml_node *n, uint64_t min, uint64_t max,
                       uint64_t *ret)
{
    int o = expect_kind(r, n, SG_YAML_SCALAR, "a number expected");
    if (o)
        return o;
    size_t len = strlen(n->text);
    uint64_t v = 0;
    bool digits = len > 0 && len <= 18;
    for (size_t i = 0; i < len && digits; i++) {
        digits = isdigit((unsigned char)n->text[i]);
        v = v * 10 + (uint64_t)(n->text[i] - '0');
    }
    if (!digits || v < min || v > max)
        return sg_yaml_refuse(r->error, n->line, "%s must be a number from %llu to %llu", n->key,
                              (unsigned long long)min, (unsigned long long)max);
    *ret = v;
    return 0;
}

static int take_optional_text(struct reading *r, const struct sg_yaml_node *mapping,
                              const char *key, const char **ret)
{
    const struct sg_yaml_node *n = sg_yaml_get(mapping, key);
    if (!n)
        return 0;
    int o = expect_kind(r, n, SG_YAML_SCALAR, "a text expected");
    if (o)
        return o;
    if (!*n->text)
        return sg_yaml_refuse(r->error, n->line, "%s is empty", key);
    *ret = n->text;
    return 0;
}

/* ---- secrets ---- */

static int want(struct reading *r, unsigned line, struct sg_cas_wanted w)
{
    struct sg_cas_policy *p = r->policy;
    if (p->n_wanted == SG_CAS_SECRETS_MAX)
        return sg_yaml_refuse(r->error, line, "more than %d secrets", SG_CAS_SECRETS_MAX);
    for (size_t i = 0; i < p->n_wanted; i++)
        if (strcmp(p->wanted[i].name, w.name) == 0)
            return sg_yaml_refuse(r->error, line, "secret %s stands twice", w.name);
    p->wanted[p->n_wanted++] = w;
    return 0;
}

static int want_key(struct reading *r, unsigned line, const char *fmt, ...) SG_PRINTF(3, 4);
static int want_key(struct reading *r, unsigned line, const char *fmt, ...)
{
    struct sg_cas_wanted w = {.kind = SG_CAS_SECRET_RANDOM, .octets = KEY_LEN};
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(w.name, sizeof w.name, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof w.name)
        return sg_yaml_refuse(r->error, line, "secret name too long");
    return want(r, line, w);
}

static int take_bucket(struct reading *r, const struct sg_yaml_node *n)
{
    static const char *const keys[] = {"epochs", NULL};
    uint64_t epochs = 1;
    if (!is_name(n->key, "-.", 63) || strlen(n->key) < 3)
        return sg_yaml_refuse(r->error, n->line, "bucket names are 3..63 of a-z 0-9 - .");
    int o = check_keys(r, n, keys);
    const struct sg_yaml_node *e = o ? NULL : sg_yaml_get(n, "epochs");
    if (e)
        o = take_number(r, e, 1, EPOCHS_MAX, &epochs);
    for (unsigned i = 1; i <= epochs && !o; i++)
        o = want_key(r, n->line, SG_SECRET_KEK, n->key, i);
    return o ? o : want_key(r, n->line, SG_SECRET_NAME_KEY, n->key);
}

static int want_edhoc(struct reading *r, const struct sg_yaml_node *n)
{
    struct sg_cas_wanted key = {.kind = SG_CAS_SECRET_EDHOC_KEY};
    struct sg_cas_wanted cert = {.kind = SG_CAS_SECRET_EDHOC_CERT};
    int a = snprintf(key.name, sizeof key.name, "%s/key", n->key);
    int b = snprintf(cert.name, sizeof cert.name, "%s/cert", n->key);
    if (a < 0 || b < 0 || (size_t)b >= sizeof cert.name)
        return sg_yaml_refuse(r->error, n->line, "secret name too long");
    int o = want(r, n->line, key);
    return o ? o : want(r, n->line, cert);
}

/* kind and the one key that goes with it (octets, path, text). */
static int want_declared(struct reading *r, const struct sg_yaml_node *n,
                         enum sg_cas_secret_kind kind)
{
    struct sg_cas_wanted w = {.kind = kind};
    uint64_t octets = KEY_LEN;
    int o = 0;
    if (sg_yaml_get(n, "octets") && kind == SG_CAS_SECRET_RANDOM)
        o = take_number(r, sg_yaml_get(n, "octets"), 16, 4096, &octets);
    if (kind == SG_CAS_SECRET_FILE)
        o = take_optional_text(r, n, "path", &w.source);
    if (kind == SG_CAS_SECRET_TEXT)
        o = take_optional_text(r, n, "text", &w.source);
    if (o)
        return o;
    if ((kind == SG_CAS_SECRET_FILE || kind == SG_CAS_SECRET_TEXT) && !w.source)
        return sg_yaml_refuse(r->error, n->line, "%s has no %s", n->key,
                              kind == SG_CAS_SECRET_FILE ? "path" : "text");
    w.octets = octets;
    memcpy(w.name, n->key, strlen(n->key) + 1); /* is_name bounded it */
    return want(r, n->line, w);
}

static int refuse_stray(struct reading *r, const struct sg_yaml_node *n, const char *fitting)
{
    static const char *const all[] = {"octets", "path", "text"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(all[i], fitting) != 0 && sg_yaml_get(n, all[i]))
            return sg_yaml_refuse(r->error, n->line, "%s does not go with this kind", all[i]);
    return 0;
}

static int take_secret(struct reading *r, const struct sg_yaml_node *n)
{
    static const char *const keys[] = {"kind", "octets", "path", "text", NULL};
    static const char *const fitting[] = {
        [SG_CAS_SECRET_RANDOM] = "octets", [SG_CAS_SECRET_API_KEY] = "",
        [SG_CAS_SECRET_EDHOC_KEY] = "",    [SG_CAS_SECRET_EDHOC_CERT] = "",
        [SG_CAS_SECRET_FILE] = "path",     [SG_CAS_SECRET_TEXT] = "text"};
    const char *kind = NULL;
    if (!is_name(n->key, "-._/", SG_CAS_SECRET_NAME_MAX))
        return sg_yaml_refuse(r->error, n->line, "secret names are 1..127 of a-z 0-9 - . _ /");
    int o = check_keys(r, n, keys);
    if (!o)
        o = take_optional_text(r, n, "kind", &kind);
    if (o)
        return o;
    if (kind && strcmp(kind, "edhoc") == 0) {
        o = refuse_stray(r, n, "");
        return o ? o : want_edhoc(r, n);
    }
    for (size_t i = 0; kind && i < sizeof kind_names / sizeof kind_names[0]; i++)
        if (strcmp(kind, kind_names[i]) == 0) {
            o = refuse_stray(r, n, fitting[i]);
            return o ? o : want_declared(r, n, (enum sg_cas_secret_kind)i);
        }
    return sg_yaml_refuse(r->error, n->line, "%s: kind is random, api-key, edhoc, file or text",
                          n->key);
}

/* ---- services ---- */

/* What sg_tee_policy_read cannot know. */
static int check_accept(struct reading *r, const struct sg_yaml_node *n, struct sg_tee_policy *p)
{
    const struct sg_yaml_node *measurements = sg_yaml_get(n, "measurements");
    for (size_t i = 0; i < p->n_measurements; i++) {
        size_t len = p->measurements[i].len;
        if (len != 32 && len != 48 && len != 64)
            return sg_yaml_refuse(r->error, measurements->line,
                                  "a measurement has 32, 48 or 64 octets in hexadecimal");
    }
    if (p->any_measurement && p->any_signer)
        return sg_yaml_refuse(r->error, measurements->line, "any program needs a list of signers");
    if (sg_yaml_get(n, "kinds") && p->any_kind)
        return sg_yaml_refuse(r->error, n->line, "kinds must be named");
    return 0;
}

/* Policies from before there were kinds meant simulated evidence: they gain none by an update of
 * this program. */
static void settle_kinds(const struct sg_yaml_node *n, struct sg_tee_policy *p)
{
    if (!sg_yaml_get(n, "kinds"))
        p->kinds = UINT32_C(1) << SG_TEE_SIM;
    p->any_kind = false;
    p->allow_simulated = p->kinds & UINT32_C(1) << SG_TEE_SIM;
}

static int take_accept(struct reading *r, const struct sg_yaml_node *n, struct sg_cas_rule *rule)
{
    static const char *const others[] = {"ip", "dns", "secrets", NULL};
    static const char *const ours[] = {"simulated", "report_data", NULL};
    rule->accept = malloc(sizeof *rule->accept);
    if (!rule->accept)
        return sg_raise(-ENOMEM);
    int o = sg_tee_policy_read(rule->accept, n, others, r->error);
    for (const char *const *key = ours; *key && !o; key++)
        if (sg_yaml_get(n, *key))
            o = sg_yaml_refuse(r->error, sg_yaml_get(n, *key)->line, "%s is casd's to judge", *key);
    if (!o)
        o = check_accept(r, n, &rule->accept->policy);
    if (!o)
        settle_kinds(n, &rule->accept->policy);
    return o;
}

static bool matches(const char *pattern, const char *name)
{
    size_t n = strlen(pattern);
    if (n && pattern[n - 1] == '*')
        return strncmp(pattern, name, n - 1) == 0;
    return strcmp(pattern, name) == 0;
}

static int take_release(struct reading *r, const struct sg_yaml_node *n, struct sg_cas_rule *rule)
{
    int o = expect_kind(r, n, SG_YAML_SCALAR, "a secret's name expected");
    if (o)
        return o;
    for (size_t i = 0; i < r->policy->n_wanted; i++)
        if (matches(n->text, r->policy->wanted[i].name)) {
            rule->released[rule->n_released++] = n->text;
            return 0;
        }
    return sg_yaml_refuse(r->error, n->line, "\"%.60s\" is no secret of this policy", n->text);
}

static int take_releases(struct reading *r, const struct sg_yaml_node *list,
                         struct sg_cas_rule *rule)
{
    int o = expect_kind(r, list, SG_YAML_SEQUENCE, "a list of secrets expected");
    if (o)
        return o;
    rule->released = calloc(list->n_children + 1, sizeof *rule->released);
    if (!rule->released)
        return sg_raise(-ENOMEM);
    for (const struct sg_yaml_node *n = list->first; n && !o; n = n->next)
        o = take_release(r, n, rule);
    return o;
}

static int take_service(struct reading *r, const struct sg_yaml_node *n)
{
    if (r->policy->n_rules == SG_CAS_RULES_MAX)
        return sg_yaml_refuse(r->error, n->line, "more than %d services", SG_CAS_RULES_MAX);
    struct sg_cas_rule *rule = &r->policy->rules[r->policy->n_rules++];
    rule->service = n->key;
    if (!is_name(n->key, "-", SG_CAS_SERVICE_NAME_MAX) || strcmp(n->key, "casd") == 0)
        return sg_yaml_refuse(r->error, n->line,
                              "service names are 1..31 of a-z 0-9 -, and not casd");
    int o = take_accept(r, n, rule);
    if (!o)
        o = take_optional_text(r, n, "ip", &rule->ip);
    if (!o)
        o = take_optional_text(r, n, "dns", &rule->dns);
    if (!o && sg_yaml_get(n, "secrets"))
        o = take_releases(r, sg_yaml_get(n, "secrets"), rule);
    return o;
}

/* ---- roots ---- */

static int take_root(struct reading *r, const struct sg_yaml_node *n, struct sg_cas_root *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(sizeof ret->digest);
    int o = expect_kind(r, n, SG_YAML_SCALAR, "a SHA-256 in hexadecimal expected");
    if (o)
        return o;
    if (sg_hex_decode(&b, sg_bytes_str(n->text)) < 0 || b.len != sizeof ret->digest)
        return sg_yaml_refuse(r->error, n->line, "a root is named by 64 hexadecimal digits");
    memcpy(ret->digest, b.data, sizeof ret->digest);
    return 0;
}

static int take_roots(struct reading *r, const struct sg_yaml_node *list)
{
    struct sg_cas_policy *p = r->policy;
    if (!list)
        return 0;
    int o = expect_kind(r, list, SG_YAML_SEQUENCE, "a list of roots expected");
    if (o)
        return o;
    p->roots = calloc(list->n_children + 1, sizeof *p->roots);
    if (!p->roots)
        return sg_raise(-ENOMEM);
    for (const struct sg_yaml_node *n = list->first; n && !o; n = n->next)
        o = take_root(r, n, &p->roots[p->n_roots++]);
    return o;
}

/* ---- the whole ---- */

typedef int (*take_fn)(struct reading *r, const struct sg_yaml_node *n);

static int take_each(struct reading *r, const struct sg_yaml_node *root, const char *key,
                     take_fn take)
{
    const struct sg_yaml_node *mapping = sg_yaml_get(root, key);
    int o = 0;
    if (!mapping)
        return 0;
    o = expect_kind(r, mapping, SG_YAML_MAPPING, "a mapping expected");
    for (const struct sg_yaml_node *n = o ? NULL : mapping->first; n && !o; n = n->next)
        o = take(r, n);
    return o;
}

static int take_head(struct reading *r, const struct sg_yaml_node *root)
{
    const struct sg_yaml_node *version = sg_yaml_get(root, "version");
    const struct sg_yaml_node *hours = sg_yaml_get(root, "certificate-hours");
    const struct sg_yaml_node *epoch = sg_yaml_get(root, "collateral-epoch");
    uint64_t h = DEFAULT_HOURS;
    if (!version)
        return sg_yaml_refuse(r->error, root->line, "version is missing");
    int o = take_number(r, version, 1, INT32_MAX, &r->policy->version);
    if (!o && hours)
        o = take_number(r, hours, 1, SG_CAS_CERTIFICATE_HOURS_MAX, &h);
    if (!o && epoch)
        o = take_number(r, epoch, 0, INT32_MAX, &r->policy->collateral_epoch);
    r->policy->certificate_s = (int64_t)h * 3600;
    return o;
}

static int take_policy(struct reading *r)
{
    static const char *const keys[] = {"version",
                                       "certificate-hours",
                                       "collateral-epoch",
                                       "buckets",
                                       "secrets",
                                       "services",
                                       "roots",
                                       NULL};
    const struct sg_yaml_node *root = &r->policy->tree.nodes[0];
    int o = check_keys(r, root, keys);
    if (o)
        return o;
    const struct sg_yaml_node *services = sg_yaml_get(root, "services");
    r->policy->wanted = calloc(SG_CAS_SECRETS_MAX, sizeof *r->policy->wanted);
    r->policy->rules = calloc(services ? services->n_children + 1 : 1, sizeof *r->policy->rules);
    if (!r->policy->wanted || !r->policy->rules)
        return sg_raise(-ENOMEM);
    o = take_head(r, root);
    if (!o)
        o = take_roots(r, sg_yaml_get(root, "roots"));
    if (!o)
        o = take_each(r, root, "buckets", take_bucket);
    if (!o)
        o = take_each(r, root, "secrets", take_secret);
    return o ? o : take_each(r, root, "services", take_service);
}

int sg_cas_policy_parse(struct sg_cas_policy **ret, struct sg_bytes yaml, struct sg_yaml_error *e)
{
    SG_CLEANUP(sg_cas_policy_freep) struct sg_cas_policy *p = calloc(1, sizeof *p);
    if (!p)
        return sg_raise(-ENOMEM);
    if (yaml.len > SG_CAS_POLICY_TEXT_MAX)
        return sg_yaml_refuse(e, 0, "longer than %d octets", SG_CAS_POLICY_TEXT_MAX);
    int r = sg_yaml_parse(&p->tree, yaml, e);
    if (r == 0)
        r = take_policy(&(struct reading){.policy = p, .error = e});
    if (r != 0)
        return r < 0 ? r : SG_CAS_POLICY_BAD;
    *ret = TAKE_PTR(p);
    return 0;
}

void sg_cas_policy_free(struct sg_cas_policy *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_rules; i++) {
        free(p->rules[i].accept);
        free(p->rules[i].released);
    }
    free(p->rules);
    free(p->roots);
    free(p->wanted);
    sg_yaml_clear(&p->tree);
    free(p);
}

const struct sg_cas_rule *sg_cas_policy_rule(const struct sg_cas_policy *p, struct sg_bytes service)
{
    for (size_t i = 0; i < p->n_rules; i++)
        if (sg_bytes_equal(sg_bytes_str(p->rules[i].service), service))
            return &p->rules[i];
    return NULL;
}

bool sg_cas_rule_releases(const struct sg_cas_rule *rule, const char *secret)
{
    for (size_t i = 0; i < rule->n_released; i++)
        if (matches(rule->released[i], secret))
            return true;
    return false;
}
