/*
 * vectors_cose [FILE.json ...] - the COSE working group's examples.  A message of a case marked
 * "fail" must be refused; every other one must verify (or open to the given plain text), encode
 * back to its octets, and sign or seal to the same octets where the algorithm is deterministic.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/meter/cose-message.h>

static unsigned cases, failures;

static void free_json(json_t **j)
{
    json_decref(*j);
}

static const char *text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

/* base64url without padding, as JWK has it. */
static int base64url(const char *s, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    for (; *s; s++) {
        int r = sg_buf_append_u8(&b, *s == '-' ? '+' : *s == '_' ? '/' : (uint8_t)*s);
        if (r)
            return r;
    }
    while (b.len % 4) {
        int r = sg_buf_append_u8(&b, '=');
        if (r)
            return r;
    }
    return sg_base64_decode(ret, sg_buf_bytes(&b));
}

/* KEY_hex or KEY. */
static struct sg_bytes part(const json_t *key, const char *name, struct sg_buf *room)
{
    char hex_name[32];
    snprintf(hex_name, sizeof(hex_name), "%s_hex", name);
    const char *hex = text(key, hex_name), *b64 = text(key, name);
    *room = (struct sg_buf)SG_BUF_INIT(65536);
    int r = hex ? sg_hex_decode(room, sg_bytes_str(hex)) : b64 ? base64url(b64, room) : 0;
    return r == 0 && (hex || b64) ? sg_buf_bytes(room) : SG_BYTES_NONE;
}

struct key {
    struct sg_buf room[8];
    struct sg_cose_key k;
};

static void clear_key(struct key *k)
{
    for (size_t i = 0; i < 8; i++)
        sg_buf_clear(&k->room[i]);
}

static void load_key(const json_t *j, struct key *ret)
{
    const char *kty = text(j, "kty");
    const struct sg_bytes x = part(j, "x", &ret->room[0]);
    const bool okp = kty && strcmp(kty, "OKP") == 0;
    *(okp ? &ret->k.okp_x : &ret->k.ec_x) = x;
    ret->k.ec_y = part(j, "y", &ret->room[1]);
    ret->k.rsa_n = part(j, "n", &ret->room[2]);
    ret->k.rsa_e = part(j, "e", &ret->room[3]);
    ret->k.secret = part(j, "k", &ret->room[4]);
}

/* The one object that says what the message is. */
static const json_t *body_of(const json_t *input, enum sg_cose_kind *ret_kind)
{
    static const struct {
        const char *name;
        enum sg_cose_kind kind;
    } names[] = {{"sign0", SG_COSE_SIGN1},
                 {"sign", SG_COSE_SIGN},
                 {"encrypted", SG_COSE_ENCRYPT0},
                 {"enveloped", SG_COSE_ENCRYPT},
                 {"mac0", SG_COSE_MAC0}};
    for (size_t i = 0; i < 5; i++) {
        const json_t *b = json_object_get(input, names[i].name);
        if (b) {
            *ret_kind = names[i].kind;
            return b;
        }
    }
    return NULL;
}

static const json_t *key_of(const json_t *body)
{
    const json_t *k = json_object_get(body, "key");
    const json_t *party = json_array_get(json_object_get(body, "signers"), 0);
    if (!party)
        party = json_array_get(json_object_get(body, "recipients"), 0);
    return k ? k : json_object_get(party, "key");
}

struct inputs {
    struct sg_buf plain, external, unsent_iv, expected_tbs;
};

static void clear_inputs(struct inputs *x)
{
    sg_buf_clear(&x->plain);
    sg_buf_clear(&x->external);
    sg_buf_clear(&x->unsent_iv);
    sg_buf_clear(&x->expected_tbs);
}

static int load_inputs(const json_t *root, const json_t *input, const json_t *body,
                       struct inputs *x)
{
    const json_t *inter = json_object_get(root, "intermediates");
    const json_t *signer = json_array_get(json_object_get(inter, "signers"), 0);
    const char *plain_hex = text(input, "plaintext_hex"), *plain = text(input, "plaintext");
    const char *external = text(body, "external");
    const char *iv = text(json_object_get(body, "unsent"), "IV_hex");
    const char *tbs = text(signer ? signer : inter, "ToBeSign_hex");
    int r = plain_hex ? sg_hex_decode(&x->plain, sg_bytes_str(plain_hex))
            : plain   ? sg_buf_append(&x->plain, sg_bytes_str(plain))
                      : 0;
    if (r == 0 && external)
        r = sg_hex_decode(&x->external, sg_bytes_str(external));
    if (r == 0 && iv)
        r = sg_hex_decode(&x->unsent_iv, sg_bytes_str(iv));
    if (r == 0 && tbs)
        r = sg_hex_decode(&x->expected_tbs, sg_bytes_str(tbs));
    return r;
}

/* The examples give the whole nonce beside a partial IV; what we want is the part under it. */
static void base_iv(const struct sg_cose_message *m, struct sg_buf *iv)
{
    const struct sg_bytes p = m->headers.partial_iv;
    for (size_t i = 0; i < p.len && iv->len >= p.len; i++)
        iv->data[iv->len - p.len + i] ^= p.data[i];
}

static const char *check_encrypted(const struct sg_cose_message *m, const struct key *key,
                                   struct inputs *x)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf opened = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sealed = SG_BUF_INIT(65536);
    const struct sg_bytes external = sg_buf_bytes(&x->external);
    base_iv(m, &x->unsent_iv);
    const struct sg_bytes iv = sg_buf_bytes(&x->unsent_iv);
    if (sg_cose_open(m, external, &key->k, iv, &opened) != 0)
        return "does not open";
    if (!sg_bytes_equal(sg_buf_bytes(&opened), sg_buf_bytes(&x->plain)))
        return "opens to another text";
    if (sg_cose_seal(m, external, &key->k, iv, sg_buf_bytes(&x->plain), &sealed) != 0 ||
        !sg_bytes_equal(sg_buf_bytes(&sealed), m->content))
        return "seals to other octets";
    return NULL;
}

static const char *check_signed(const struct sg_cose_message *m, const struct key *key,
                                struct inputs *x, bool must_fail)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf tbs = SG_BUF_INIT(65536);
    const struct sg_bytes external = sg_buf_bytes(&x->external);
    if (sg_cose_verify(m, 0, external, &key->k) != 0)
        return "does not verify";
    if (must_fail)
        return NULL;
    if (!sg_bytes_equal(m->content, sg_buf_bytes(&x->plain)))
        return "another payload";
    if (sg_cose_to_be_signed(m, 0, external, &tbs) != 0 ||
        (x->expected_tbs.len &&
         !sg_bytes_equal(sg_buf_bytes(&tbs), sg_buf_bytes(&x->expected_tbs))))
        return "signs other octets";
    return NULL;
}

static const char *judge(const json_t *root, const json_t *input, const json_t *body,
                         enum sg_cose_kind kind, struct sg_bytes octets, bool must_fail)
{
    SG_CLEANUP(clear_key) struct key key = {.k = {.secret = {NULL, 0}}};
    SG_CLEANUP(clear_inputs)
    struct inputs x = {SG_BUF_INIT(65536), SG_BUF_INIT(65536), SG_BUF_INIT(64), SG_BUF_INIT(65536)};
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(65536);
    struct sg_cose_message m;
    if (load_inputs(root, input, body, &x) != 0)
        return "inputs are not understood";
    load_key(key_of(body), &key);
    if (sg_cose_message_decode(octets, kind, &m) != 0 || m.kind != kind)
        return "does not parse";
    if (sg_cose_message_encode(&m, &again) != 0 || !sg_bytes_equal(sg_buf_bytes(&again), octets))
        return "encodes to other octets";
    if (kind == SG_COSE_MAC0)
        return sg_cose_check_mac(&m, sg_buf_bytes(&x.external), &key.k) ? "wrong tag" : NULL;
    if (kind == SG_COSE_ENCRYPT0 || kind == SG_COSE_ENCRYPT)
        return check_encrypted(&m, &key, &x);
    return check_signed(&m, &key, &x, must_fail);
}

static void check_file(const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(65536);
    json_error_t e;
    SG_CLEANUP(free_json) json_t *root = json_load_file(path, 0, &e);
    const json_t *input = json_object_get(root, "input");
    const char *hex = text(json_object_get(root, "output"), "cbor");
    const bool must_fail = json_is_true(json_object_get(root, "fail")) || strstr(path, "fail");
    enum sg_cose_kind kind = SG_COSE_SIGN1;
    const json_t *body = body_of(input, &kind);
    cases++;
    const char *why = !root || !hex || !body || sg_hex_decode(&octets, sg_bytes_str(hex)) != 0
                          ? "case is not understood"
                          : judge(root, input, body, kind, sg_buf_bytes(&octets), must_fail);
    if (must_fail ? why == NULL || strncmp(why, "case", 4) == 0 : why != NULL) {
        fprintf(stderr, "%s: %s\n", path, must_fail ? "accepted" : why);
        failures++;
    }
}

static void check_folder(const char *folder)
{
    char path[4096];
    struct dirent *e;
    DIR *d = opendir(folder);
    if (!d)
        return;
    while ((e = readdir(d))) {
        const char *dot = strrchr(e->d_name, '.');
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        if (e->d_name[0] == '.')
            continue;
        if (dot && strcmp(dot, ".json") == 0)
            check_file(path);
        else if (e->d_type == DT_DIR)
            check_folder(path);
    }
    closedir(d);
}

int main(int argc, char **argv)
{
    char folder[2048];
    const char *root = getenv("SEALGRID_VECTORS");
    for (int i = 1; i < argc; i++)
        check_file(argv[i]);
    snprintf(folder, sizeof(folder), "%s/cose", root ? root : "../shared/vectors");
    if (argc == 1)
        check_folder(folder);
    if (cases == 0)
        printf("skipped: nothing in %s\n", folder);
    printf("%u cases, %u failures\n", cases, failures);
    return failures ? 1 : 0;
}
