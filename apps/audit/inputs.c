/* inputs - files of the authority. */
#include "inputs.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define KEYS_MAX   (64u << 20)
#define PACKED_MAX (SG_EVIDENCE_MAX + (1u << 20))

void inputs_clear(struct inputs *in)
{
    sg_tariff_free(in->tariff);
    for (size_t i = 0; i < in->n_tariffs; i++)
        sg_tariff_free(in->tariffs[i]);
    sg_contracts_clear(&in->contracts);
    sg_vee_rules_free(in->rules);
    sg_authority_clear(&in->operators);
    sg_authority_clear(&in->authority);
    sg_installations_clear(&in->installations);
}

int complain(const char *what, const char *why)
{
    fprintf(stderr, "sealgrid-audit: %s: %s\n", what, why);
    return EXIT_UNUSABLE;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int inputs_file(const char *path, size_t max, struct sg_buf *ret)
{
    ret->max = max;
    int r = sg_file_read(path, ret);
    return r ? complain(path, strerror(-r)) : 0;
}

int inputs_evidence(const char *path, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(PACKED_MAX);
    int r = inputs_file(path, PACKED_MAX, &packed);

    if (r)
        return r;
    ret->max = SG_EVIDENCE_MAX;
    r = sg_evidence_unpack(sg_buf_bytes(&packed), ret);
    return r ? complain(path, r > 0 ? "damaged" : sg_error_trace()) : 0;
}

int inputs_installations(struct inputs *in, const char *installations,
                         const struct sg_conf_list *keys)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_INSTALLATION_FILE_MAX);
    char in_folder[PATH_MAX], why[160];
    const char *path = installations;
    int r;

    if (!path && keys->n && is_folder(keys->items[0])) {
        snprintf(in_folder, sizeof(in_folder), "%s/installations.json", keys->items[0]);
        path = in_folder;
    }
    if (!path)
        return complain("--installations", "must be given");
    r = inputs_file(path, SG_INSTALLATION_FILE_MAX, &text);
    if (r)
        return r;
    sg_sha256(in->basis.installations, sg_buf_bytes(&text));
    r = sg_installations_read(sg_buf_bytes(&text), &in->installations, why);
    return r ? complain(path, r > 0 ? why : sg_error_trace()) : 0;
}

/* Of a folder only the authority's own files: others in it may be the utility's. */
static int read_keys(const char *item, struct sg_buf *pem)
{
    static const char *const leaves[] = {"authority-root.pem", "authority-ca.pem",
                                         "authority-crl.pem"};
    char path[PATH_MAX];
    int r = 0;

    if (!is_folder(item))
        return sg_file_read(item, pem);
    for (size_t i = 0; i < 3 && !r; i++) {
        snprintf(path, sizeof(path), "%s/%s", item, leaves[i]);
        if (access(path, F_OK) == 0)
            r = sg_file_read(path, pem);
    }
    return r;
}

int inputs_keys(struct inputs *in, const struct sg_conf_list *keys)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(KEYS_MAX);
    int r;

    if (!keys->n)
        return complain("--keys", "must be given");
    for (size_t i = 0; i < keys->n; i++) {
        r = read_keys(keys->items[i], &pem);
        if (r)
            return complain(keys->items[i], strerror(-r));
    }
    sg_sha256(in->basis.certificates, sg_buf_bytes(&pem));
    r = sg_authority_read(sg_buf_bytes(&pem), &in->authority);
    if (!r)
        return 0;
    return complain("--keys", r == SG_AUTHORITY_CRL
                                  ? "a revocation list that no certificate here has signed"
                                  : "no root certificate, or something that is no certificate");
}

static int load_tariff(const char *path, struct sg_tariff **ret)
{
    struct sg_yaml_error why;
    int r = sg_tariff_load(ret, path, &why);

    if (r < 0)
        return complain(path, sg_error_trace());
    if (r > 0) {
        fprintf(stderr, "%s:%u: %s\n", path, why.line, why.text);
        return EXIT_UNUSABLE;
    }
    return 0;
}

int inputs_tariff(struct inputs *in, const char *tariff)
{
    return tariff ? load_tariff(tariff, &in->tariff) : 0;
}

/* Of two versions of one tariff the bills could choose. */
static bool is_repeated(const struct inputs *in, const struct sg_tariff *t)
{
    for (size_t i = 0; i < in->n_tariffs; i++)
        if (in->tariffs[i] != t && !strcmp(in->tariffs[i]->id, t->id))
            return true;
    return false;
}

int inputs_tariffs(struct inputs *in, const struct sg_conf_list *tariffs)
{
    struct basis *basis = &in->basis;

    if (tariffs->n > BASIS_TARIFFS_MAX)
        return complain("--tariff", "too many");
    for (size_t i = 0; i < tariffs->n; i++) {
        int r = load_tariff(tariffs->items[i], &in->tariffs[in->n_tariffs]);
        if (r)
            return r;
        memcpy(basis->tariffs[basis->n_tariffs++], in->tariffs[in->n_tariffs++]->sha256, 32);
        if (is_repeated(in, in->tariffs[i]))
            return complain(tariffs->items[i],
                            "another version of a tariff that was given already");
    }
    return 0;
}

int inputs_contracts(struct inputs *in, const char *contracts)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_CONTRACT_FILE_MAX);
    struct sg_yaml_error why;
    int r;

    if (!contracts)
        return 0;
    r = inputs_file(contracts, SG_CONTRACT_FILE_MAX, &text);
    if (r)
        return r;
    in->basis.has_contracts = true;
    sg_sha256(in->basis.contracts, sg_buf_bytes(&text));
    r = sg_contracts_read(&in->contracts, sg_buf_bytes(&text), &why);
    if (r < 0)
        return complain(contracts, sg_error_trace());
    if (r > 0) {
        fprintf(stderr, "%s:%u: %s\n", contracts, why.line, why.text);
        return EXIT_UNUSABLE;
    }
    return 0;
}

int inputs_rules(struct inputs *in, const char *rules)
{
    struct sg_yaml_error why;
    int r = rules ? sg_vee_rules_load(&in->rules, rules, &why) : 0;

    if (r < 0)
        return complain(rules, sg_error_trace());
    if (r > 0) {
        fprintf(stderr, "%s:%u: %s\n", rules, why.line, why.text);
        return EXIT_UNUSABLE;
    }
    if (rules) {
        in->basis.has_rules = true;
        memcpy(in->basis.rules, in->rules->sha256, 32);
    }
    return 0;
}

int inputs_operators(struct inputs *in, const struct sg_conf_list *operators)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(KEYS_MAX);

    if (!operators->n)
        return 0;
    for (size_t i = 0; i < operators->n; i++) {
        int r = sg_file_read(operators->items[i], &pem);
        if (r)
            return complain(operators->items[i], strerror(-r));
    }
    in->basis.has_operators = true;
    sg_sha256(in->basis.operators, sg_buf_bytes(&pem));
    return sg_authority_read(sg_buf_bytes(&pem), &in->operators)
               ? complain("--operators", "no root certificate, or something that is none")
               : 0;
}
