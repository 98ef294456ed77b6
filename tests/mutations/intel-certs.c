/* intel-certs - certificates and revocation lists around a quote. */
#include "intel-set.h"

static bool has_word(const char *usage, const char *word)
{
    return usage && strstr(usage, word);
}

static const char *odd_usage(void)
{
    static const char *const usages[] = {NULL,
                                         "digitalSignature",
                                         "digitalSignature,nonRepudiation",
                                         "nonRepudiation",
                                         "keyCertSign",
                                         "cRLSign",
                                         "keyCertSign,cRLSign",
                                         "digitalSignature,keyCertSign,cRLSign",
                                         "keyEncipherment",
                                         "encipherOnly"};
    return usages[below(N(usages))];
}

enum role { PCK, PCK_CA, SIGNER };

static bool name_is_right(enum role role, const char *name)
{
    switch (role) {
    case PCK:
        return !strcmp(name, "Intel SGX PCK Certificate");
    case PCK_CA:
        return !strcmp(name, "Intel SGX PCK Processor CA") ||
               !strcmp(name, "Intel SGX PCK Platform CA");
    default:
        return !strcmp(name, "Intel SGX TCB Signing");
    }
}

static const char *odd_name(void)
{
    static const char *const names[] = {"Intel SGX PCK Certificate", "Intel SGX PCK Processor CA",
                                        "Intel SGX PCK Platform CA", "Intel SGX TCB Signing",
                                        "Intel SGX Root CA",         "Intel SGX TCB Signing ",
                                        "intel sgx pck certificate", "x"};
    return names[below(N(names))];
}

static bool spec_is_right(enum role role, const struct tk_cert_spec *c)
{
    const bool dates = c->from_s <= TK_AT && c->until_s >= TK_AT;
    if (!dates || !name_is_right(role, c->common_name) ||
        (c->digest && strcmp(c->digest, "SHA256")))
        return false;
    for (size_t i = 0; i < c->n_extensions; i++) {
        if (c->extension[i].critical)
            return false;
        for (size_t k = 0; k < i; k++) /* RFC 5280, 4.2: each once */
            if (!strcmp(c->extension[i].oid, c->extension[k].oid))
                return false;
    }
    if (role == PCK_CA)
        return c->constraints == TK_CA && has_word(c->key_usage, "keyCertSign") &&
               has_word(c->key_usage, "cRLSign");
    return c->constraints == TK_END_ENTITY && has_word(c->key_usage, "digitalSignature");
}

static void change_spec(struct tk_cert_spec *c)
{
    static const char *const digests[] = {"SHA256", "SHA1", "SHA224"};
    switch (below(7)) {
    case 0:
        c->from_s = odd_time();
        break;
    case 1:
        c->until_s = odd_time();
        break;
    case 2:
        c->common_name = odd_name();
        break;
    case 3:
        c->constraints = (__typeof__(c->constraints))below(3);
        c->path_length = (int)below(3) - 1;
        break;
    case 4:
        c->key_usage = odd_usage();
        break;
    case 5:
        c->digest = digests[below(N(digests))];
        break;
    default:
        tk_add_extension(c, "1.2.3.4.5", one_in(2), SG_BYTES_LIT("\x05\x00"));
    }
    note("%s, from %+lld, until %+lld, constraints %d, path %d, usage %s, %s", c->common_name,
         (long long)(c->from_s - TK_AT), (long long)(c->until_s - TK_AT), (int)c->constraints,
         c->path_length, c->key_usage ? c->key_usage : "none", c->digest ? c->digest : "SHA256");
}

bool change_certificate(struct set *s)
{
    const enum role role = (enum role)below(3);
    struct tk_cert_spec *const specs[] = {&s->t.pck_spec, &s->t.ca_spec, &s->t.signer_spec};
    if (role == PCK) /* issued only if there is no other */
        tk_intel_platform_extension(&s->t, &s->t.pck_spec);
    for (size_t n = one_in(3) ? 2 : 1; n; n--)
        change_spec(specs[role]);
    set_issue(s);
    return spec_is_right(role, specs[role]);
}

/* What the platform's certificate says of it, against levels that stay. */
bool change_platform(struct set *s)
{
    struct tk_intel *t = &s->t;
    const size_t i = below(TK_SVNS);
    bool same = true;
    switch (below(5)) {
    case 0:
        change(t->fmspc, sizeof t->fmspc);
        same = false;
        break;
    case 1:
        change(t->pceid, sizeof t->pceid);
        same = false;
        break;
    case 2:
        t->pcesvn = (unsigned)odd_number(t->pcesvn, 16);
        break;
    case 3:
        t->components[i] = (uint8_t)odd_number(t->components[i], 8);
        break;
    default:
        change(t->cpusvn, sizeof t->cpusvn); /* opaque */
    }
    note("platform: component %zu %u, PCE %u", i, t->components[i], t->pcesvn);
    set_issue(s);
    return same && set_reaches(s, &s->info.level[0]);
}

bool wrong_issuer(struct set *s)
{
    X509 **const certs[] = {&s->t.pck, &s->t.ca, &s->t.signer};
    const struct tk_cert_spec *const specs[] = {&s->t.pck_spec, &s->t.ca_spec, &s->t.signer_spec};
    EVP_PKEY *const keys[] = {s->t.pck_key, s->t.ca_key, s->t.signer_key};
    const size_t which = below(3);
    if (which == PCK)
        tk_intel_platform_extension(&s->t, &s->t.pck_spec);
    set_issue(s);
    X509_free(*certs[which]);
    *certs[which] = tk_cert_new(specs[which], keys[which], which == PCK ? s->t.ca : s->t.root,
                                s->t.attestation_key);
    note("certificate %zu signed by a stranger", which);
    return false;
}

bool change_list(struct set *s)
{
    const bool root = one_in(2);
    const uint64_t serials[] = {odd_number(3, 4), odd_number(0x1234567890, 64), 1 + below(6)};
    struct tk_crl_spec c = {.from_s = TK_AT - DAY, .until_s = TK_AT + DAY};
    bool right = true;
    if (one_in(2)) {
        c.serials = serials;
        c.n_serials = below(N(serials) + 1);
    }
    if (one_in(3))
        c.from_s = odd_time();
    if (one_in(3))
        c.until_s = one_in(4) ? 0 : odd_time();
    const bool stranger = one_in(10);
    note("%s list: from %+lld, until %+lld, %zu serials (%llu %llu %llu)%s", root ? "root" : "PCK",
         (long long)(c.from_s - TK_AT), (long long)(c.until_s - TK_AT), c.n_serials,
         (unsigned long long)serials[0], (unsigned long long)serials[1],
         (unsigned long long)serials[2], stranger ? ", by a stranger" : "");
    for (size_t i = 0; i < c.n_serials; i++) /* of the CA and the signer; of the platform */
        right &= root ? serials[i] != 2 && serials[i] != 4 : serials[i] != 3;
    if (root)
        tk_crl_der(&c, s->t.root, stranger ? s->t.ca_key : s->t.root_key, &s->root_crl);
    else
        tk_crl_der(&c, s->t.ca, stranger ? s->t.root_key : s->t.ca_key, &s->pck_crl);
    return right && !stranger && c.from_s <= TK_AT && c.until_s >= TK_AT;
}

bool leave_out(struct set *s)
{
    bool *const all[] = {&s->without_root_crl, &s->without_pck_crl, &s->without_info,
                         &s->without_id, &s->without_signer};
    const size_t which = below(N(all));
    note("without document %zu", which);
    *all[which] = true;
    return false;
}
