/*
 * cas - `sealgrid cas attest`: asks casd for evidence about itself over a connection and nonce of
 * our own and judges it, before anybody gives it a policy or believes its pin.
 */
#include "verbs.h"

#include <sealgrid/base/conf.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <sealgrid/cas/client.h>
#include <stdio.h>
#include <string.h>

enum { TRUSTED = 0, REFUSED = 1, UNUSABLE = 2 };

#define ANSWER_MAX 4096

struct options {
    char *connect, *pin, *policy, *platform;
    struct sg_conf_list collateral, root;
    bool json;
};

#define AT(member) offsetof(struct options, member)
static const struct sg_conf_option rows[] = {
    {"connect", SG_CONF_STRING, AT(connect), "127.0.0.1:17400", 0, 0, false, "address of casd"},
    {"policy", SG_CONF_STRING, AT(policy), NULL, 0, 0, true,
     "what casd must be (YAML, as of attest verify)"},
    {"pin", SG_CONF_STRING, AT(pin), NULL, 0, 0, false,
     "SHA-256 of its CA certificate, if it is known already"},
    {"collateral", SG_CONF_LIST, AT(collateral), NULL, 0, 0, false,
     "file or folder of certificates, CRLs, TCB infos, identities; repeatable"},
    {"root", SG_CONF_LIST, AT(root), NULL, 0, 0, false,
     "root of evidence beside the vendors' own, intel:FILE, amd:FILE...; repeatable"},
    {"platform", SG_CONF_STRING, AT(platform), NULL, 0, 0, false,
     "folder of the simulated platform whose evidence counts, if the policy allows any"},
    {"json", SG_CONF_BOOL, AT(json), "false", 0, 1, false, "one JSON object"},
};
#undef AT

static void put_hex(struct sg_json *j, const char *key, const uint8_t *octets, size_t n)
{
    sg_json_key(j, key);
    sg_json_hex(j, SG_BYTES(octets, n));
}

static int answer_json(const struct sg_cas_attested *casd)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(ANSWER_MAX);
    const struct sg_tee_claims *c = &casd->claims;
    struct sg_json j;

    sg_json_init(&j, &b);
    sg_json_object(&j);
    sg_json_key(&j, "verdict");
    sg_json_str(&j, "trusted");
    sg_json_key(&j, "pin");
    sg_json_str(&j, casd->pin);
    sg_json_key(&j, "kind");
    sg_json_str(&j, sg_tee_kind_name(c->kind));
    put_hex(&j, "measurement", c->measurement, c->measurement_len);
    put_hex(&j, "signer", c->signer, c->signer_len);
    sg_json_key(&j, "svn");
    sg_json_uint(&j, c->svn);
    sg_json_key(&j, "debug");
    sg_json_bool(&j, c->debug);
    sg_json_end_object(&j);
    int r = sg_json_done(&j);
    return r ? r : sg_file_write_report("-", sg_buf_bytes(&b));
}

static void print_hex(const char *name, const uint8_t *octets, size_t n)
{
    char hex[2 * SG_TEE_MEASUREMENT_MAX + 1];

    sg_hex(hex, octets, n);
    printf("%-12s %s\n", name, n ? hex : "none");
}

static int answer(const struct options *o, const struct sg_cas_attested *casd)
{
    const struct sg_tee_claims *c = &casd->claims;

    if (c->kind == SG_TEE_SIM)
        fprintf(stderr, "sealgrid cas attest: the evidence is simulated: it protects nobody\n");
    if (o->json)
        return answer_json(casd);
    printf("%-12s trusted\n%-12s %s\n%-12s %s\n", "verdict", "pin", casd->pin, "kind",
           sg_tee_kind_name(c->kind));
    print_hex("measurement", c->measurement, c->measurement_len);
    print_hex("signer", c->signer, c->signer_len);
    printf("%-12s %llu\n%-12s %s\n", "svn", (unsigned long long)c->svn, "debug",
           c->debug ? "yes" : "no");
    return fflush(stdout) == 0 ? 0 : sg_raise_errno();
}

static int refuse(const struct options *o)
{
    if (o->json)
        printf("{\"verdict\":\"refused\"}\n"); /* the reasons are lines for people */
    fprintf(stderr, "sealgrid cas attest: %s\n", sg_error_trace());
    return REFUSED;
}

static int attest(const struct options *o)
{
    const struct sg_cas_bootstrap b = {
        .connect = o->connect,
        .pin_hex = o->pin,
        .expect = {.policy = o->policy,
                   .collateral = (const char *const *)o->collateral.items,
                   .n_collateral = o->collateral.n,
                   .roots = (const char *const *)o->root.items,
                   .n_roots = o->root.n,
                   .sim_platform = o->platform}};
    struct sg_cas_attested casd = {0};
    int r = sg_cas_attest(&b, &casd);

    if (r > 0)
        return refuse(o);
    if (r == 0)
        r = answer(o, &casd);
    if (r == 0)
        return TRUSTED;
    fprintf(stderr, "sealgrid cas attest: %s\n", sg_error_trace());
    return UNUSABLE;
}

static int usage(FILE *out, int status)
{
    fprintf(out, "usage: sealgrid cas attest --connect ADDRESS --policy FILE [option...]\n"
                 "exit 0 trusted, 1 refused, 2 unusable input or no answer\n");
    return status;
}

int sg_verb_cas(int argc, char **argv)
{
    static const struct sg_conf_table table = {.program = "sealgrid cas attest",
                                               .summary = "judges casd's evidence about itself",
                                               .options = rows,
                                               .n = sizeof(rows) / sizeof(rows[0])};
    static struct options o;
    int first, r, status;

    if (argc >= 2 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    if (argc < 2 || strcmp(argv[1], "attest") != 0)
        return usage(stderr, UNUSABLE);
    r = sg_conf_parse(&table, argc - 1, argv + 1, &o, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : UNUSABLE;
    status = first < argc - 1 ? usage(stderr, UNUSABLE) : attest(&o);
    sg_conf_clear(&table, &o);
    return status;
}
