/* cmd-sample - the steps of a sample: nonce, commitment, draw, respond, judge. */
#include "bills.h"
#include "commands.h"
#include "inputs.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <sealgrid/base/random.h>
#include <sealgrid/billing/sample.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>

struct options {
    char *bill, *evidence, *dir, *nonce, *nonce_hash, *confidence, *misstatement, *challenge;
    char *response, *installations, *tariff, *out;
    struct sg_conf_list keys;
    bool json;
};

/* O(name, type, field, default, required, help) */
#define BILLS(O)                                                                                   \
    O("bill", STRING, bill, NULL, false, "one bill")                                               \
    O("dir", STRING, dir, NULL, false, "or a folder with bill/, all of it")
#define NONCE_OPTIONS(O) O("out", STRING, out, NULL, true, "file for the nonce; keep it secret")
#define DRAW_OPTIONS(O)                                                                            \
    BILLS(O)                                                                                       \
    O("nonce", STRING, nonce, NULL, true, "the nonce's file")                                      \
    O("confidence", STRING, confidence, "95", false, "percent, below 100")                         \
    O("misstatement", STRING, misstatement, "1", false, "tolerable, percent of the energy")        \
    O("out", STRING, out, NULL, true, "file for the challenge")
#define RESPOND_OPTIONS(O)                                                                         \
    BILLS(O)                                                                                       \
    O("evidence", STRING, evidence, NULL, false, "of the one bill")                                \
    O("challenge", STRING, challenge, NULL, true, "the challenge")                                 \
    O("nonce-hash", STRING, nonce_hash, NULL, true, "given before the bills were, hexadecimal")    \
    O("tariff", STRING, tariff, NULL, true, "of the bills")                                        \
    O("out", STRING, out, NULL, true, "file for the response")
#define JUDGE_OPTIONS(O)                                                                           \
    BILLS(O)                                                                                       \
    O("challenge", STRING, challenge, NULL, true, "the challenge")                                 \
    O("response", STRING, response, NULL, true, "the response")                                    \
    O("installations", STRING, installations, NULL, false, "the authority's records, JSON")        \
    O("keys", LIST, keys, NULL, false, "the authority's certificates, PEM, or its folder")         \
    O("tariff", STRING, tariff, NULL, true, "of the bills")                                        \
    O("json", BOOL, json, "false", false, "result as JSON")

#define ROW(name, type, field, def, required, help)                                                \
    {name, SG_CONF_##type, offsetof(struct options, field), def, 0, 0, required, help},
#define TABLE(command, LIST_OF, text)                                                              \
    static const struct sg_conf_option command##_rows[] = {LIST_OF(ROW)};                          \
    static const struct sg_conf_table command##_table = {.program = "sealgrid-audit " #command,    \
                                                         .summary = text,                          \
                                                         .options = command##_rows,                \
                                                         .n = sizeof(command##_rows) /             \
                                                              sizeof(command##_rows[0])};
TABLE(nonce, NONCE_OPTIONS, "draws a nonce and prints its hash, to be given before the bills")
TABLE(commitment, BILLS, "prints what bills commit to together")
TABLE(draw, DRAW_OPTIONS, "makes the challenge of a sample")
TABLE(respond, RESPOND_OPTIONS, "answers a challenge with the readings it asks for, no others")
TABLE(judge, JUDGE_OPTIONS, "judges the answer to a challenge")

struct job {
    struct options o;
    struct inputs in;
    struct bills bills;
    struct sg_population *population;
};

static void clear_job(struct job *j)
{
    sg_population_free(j->population);
    bills_clear(&j->bills);
    inputs_clear(&j->in);
}

static int with_options(const struct sg_conf_table *table, int argc, char **argv,
                        int (*fn)(struct job *j))
{
    struct job j = {.population = NULL};
    int first, r = sg_conf_parse(table, argc, argv, &j.o, &first);

    if (r)
        return r == SG_CONF_EXIT ? 0 : EXIT_UNUSABLE;
    r = first < argc ? complain(argv[first], "unexpected argument") : fn(&j);
    clear_job(&j);
    sg_conf_clear(table, &j.o);
    return r;
}

/* ---- what they share ----------------------------------------------------------------------- */

static int load_population(struct job *j)
{
    char why[160];
    int r;

    if (!j->o.bill == !j->o.dir)
        return complain("usage", "--bill B, or --dir D");
    r = j->o.dir ? bills_read_folder(&j->bills, j->o.dir)
                 : bills_read_one(&j->bills, j->o.bill, j->o.evidence);
    if (r)
        return r;
    r = sg_population_new(&j->population, j->bills.items, j->bills.n, why);
    return r ? complain("bills", r > 0 ? why : sg_error_trace()) : 0;
}

static int load_challenge(const struct job *j, struct sg_challenge *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_CHALLENGE_MAX);
    int r = inputs_file(j->o.challenge, SG_CHALLENGE_MAX, &b);

    if (r)
        return r;
    return sg_challenge_take(sg_buf_bytes(&b), ret) ? complain(j->o.challenge, "not a challenge")
                                                    : 0;
}

static int write_out(const char *path, const struct sg_buf *b, unsigned mode)
{
    int r = sg_file_write_atomic(path, sg_buf_bytes(b), mode);
    return r ? complain(path, strerror(-r)) : 0;
}

static int print_hex(const uint8_t hash[32])
{
    for (int i = 0; i < 32; i++)
        printf("%02x", hash[i]);
    printf("\n");
    return fflush(stdout) ? complain("standard output", strerror(errno)) : 0;
}

static bool take_hex(const char *text, uint8_t ret[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(64);

    if (strlen(text) != 64 || sg_hex_decode(&b, sg_bytes_str(text)) != 0)
        return false;
    memcpy(ret, b.data, 32);
    return true;
}

/* "99.5" in ppm; 0 if it is no percentage between 0 and 100 of at most four decimals. */
static uint32_t percent_of(const char *text)
{
    uint64_t ppm = 0;
    int decimals = -1;

    for (; *text; text++) {
        if (*text == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (*text < '0' || *text > '9' || decimals == 4 || ppm > 1000000)
            return 0;
        ppm = ppm * 10 + (uint64_t)(*text - '0');
        decimals += decimals >= 0;
    }
    for (decimals = decimals < 0 ? 0 : decimals; decimals < 4; decimals++)
        ppm *= 10;
    return ppm < SG_SAMPLE_PPM ? (uint32_t)ppm : 0;
}

/* ---- nonce, commitment, draw --------------------------------------------------------------- */

static int do_nonce(struct job *j)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(32);
    uint8_t nonce[32], hash[32];
    int r;

    sg_random_bytes(nonce, sizeof(nonce));
    r = sg_buf_append(&b, SG_BYTES_ARRAY(nonce));
    if (r)
        return complain(j->o.out, sg_error_trace());
    r = write_out(j->o.out, &b, 0600);
    sg_sha256(hash, SG_BYTES_ARRAY(nonce));
    return r ? r : print_hex(hash);
}

static int do_commitment(struct job *j)
{
    uint8_t commitment[32];
    int r = load_population(j);

    if (r)
        return r;
    sg_population_commitment(j->population, commitment);
    return print_hex(commitment);
}

static int do_draw(struct job *j)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf nonce = SG_BUF_INIT(32);
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(SG_CHALLENGE_MAX);
    struct sg_challenge c = {.confidence_ppm = percent_of(j->o.confidence),
                             .tolerable_ppm = percent_of(j->o.misstatement)};
    int r = load_population(j);

    if (!r)
        r = inputs_file(j->o.nonce, 32, &nonce);
    if (r)
        return r;
    if (nonce.len != 32)
        return complain(j->o.nonce, "not a nonce of 32 octets");
    c.points = sg_sample_size(c.confidence_ppm, c.tolerable_ppm);
    if (!c.points)
        return complain("--confidence, --misstatement",
                        "percent between 0 and 100, for at most a million points");
    memcpy(c.nonce, nonce.data, 32);
    c.bills = j->bills.n;
    sg_population_commitment(j->population, c.commitment);
    if (sg_challenge_put(&out, &c))
        return complain("challenge", sg_error_trace());
    printf("%u points over %zu bills, %llu Wh\n", c.points, j->bills.n,
           (unsigned long long)sg_population_wh(j->population));
    return write_out(j->o.out, &out, 0644);
}

int command_nonce(int argc, char **argv)
{
    return with_options(&nonce_table, argc, argv, do_nonce);
}

int command_commitment(int argc, char **argv)
{
    return with_options(&commitment_table, argc, argv, do_commitment);
}

int command_draw(int argc, char **argv)
{
    return with_options(&draw_table, argc, argv, do_draw);
}

/* ---- respond ------------------------------------------------------------------------------- */

/* The evidence of one bill at a time: points come bill by bill. */
struct holder {
    struct job *job;
    struct sg_buf evidence;
    struct sg_prover *prover;
};

static int prover_of(void *user, size_t bill, const struct sg_prover **ret)
{
    struct holder *h = user;
    const struct bills *bills = &h->job->bills;
    int r;

    sg_prover_free(h->prover);
    h->prover = NULL;
    sg_buf_reset(&h->evidence);
    if (inputs_evidence(bills->evidence[bill], &h->evidence))
        return SG_PROVER_EVIDENCE;
    r = sg_prover_new(&h->prover, &bills->items[bill], h->job->in.tariff,
                      sg_buf_bytes(&h->evidence));
    if (r > 0)
        complain(bills->evidence[bill], "does not make the buckets of its bill");
    *ret = h->prover;
    return r;
}

static int answer(struct job *j, const struct sg_challenge *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf response = SG_BUF_INIT(SG_RESPONSE_MAX);
    struct holder h = {.job = j, .evidence = SG_BUF_INIT(SG_EVIDENCE_MAX)};
    int r = sg_sample_respond(j->population, c, prover_of, &h, &response);

    sg_prover_free(h.prover);
    sg_buf_clear(&h.evidence);
    if (r < 0)
        return complain("response", sg_error_trace());
    if (r == SG_SAMPLE_COMMITMENT)
        return complain(j->o.challenge, "not about these bills");
    return r ? EXIT_UNUSABLE : write_out(j->o.out, &response, 0644);
}

static int do_respond(struct job *j)
{
    struct sg_challenge c;
    uint8_t hash[32];
    int r;

    if (!take_hex(j->o.nonce_hash, hash))
        return complain("--nonce-hash", "64 hexadecimal digits");
    if (j->o.bill && !j->o.evidence)
        return complain("--evidence", "must be given with --bill");
    r = load_population(j);
    if (!r)
        r = load_challenge(j, &c);
    if (!r)
        r = inputs_tariff(&j->in, j->o.tariff);
    if (r)
        return r;
    if (sg_sample_check_nonce(&c, hash)) {
        fprintf(stderr, "sealgrid-audit: %s: not the nonce whose hash was given\n", j->o.challenge);
        return EXIT_FINDINGS;
    }
    return answer(j, &c);
}

int command_respond(int argc, char **argv)
{
    return with_options(&respond_table, argc, argv, do_respond);
}

/* ---- judge --------------------------------------------------------------------------------- */

struct told {
    struct sg_buf text;
    struct sg_json json;
    uint64_t n;
    bool lines;
};
#define TOLD_MAX 1000

static void tell(void *user, const struct sg_sample_finding *f)
{
    struct told *t = user;

    if (t->n++ >= TOLD_MAX)
        return;
    sg_json_object(&t->json);
    sg_json_key(&t->json, "code");
    sg_json_str(&t->json, sg_sample_code_word(f->code));
    if (f->bill) {
        sg_json_key(&t->json, "client");
        sg_json_int(&t->json, f->client);
    }
    sg_json_key(&t->json, "text");
    sg_json_str(&t->json, f->why);
    sg_json_end_object(&t->json);
    if (t->lines)
        printf("%s client %lld: %s\n", sg_sample_code_word(f->code), (long long)f->client, f->why);
}

static void statement(const struct sg_challenge *c, bool ok, char ret[320])
{
    if (!ok) {
        snprintf(ret, 320, "no statement: what was found needs a full audit");
        return;
    }
    snprintf(ret, 320,
             "with confidence %u.%04u %%, less than %u.%04u %% of the energy that these bills call "
             "measured is not backed by a signed reading of the meter installed there, in its "
             "price class",
             c->confidence_ppm / 10000, c->confidence_ppm % 10000, c->tolerable_ppm / 10000,
             c->tolerable_ppm % 10000);
}

static int show_json(const struct job *j, const struct sg_challenge *c, struct told *t,
                     const struct sg_sample_result *result)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(2u << 20);
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {{"bills", c->bills},
                  {"energy_wh", sg_population_wh(j->population)},
                  {"confidence_ppm", c->confidence_ppm},
                  {"tolerable_ppm", c->tolerable_ppm},
                  {"points", result->points},
                  {"answered", result->answered},
                  {"readings_shown", result->readings},
                  {"without_crl", result->without_crl},
                  {"stale_crl", result->stale_crl},
                  {"found", result->findings}};
    char words[320];
    struct sg_json out;

    statement(c, result->findings == 0, words);
    sg_json_init(&out, &text);
    sg_json_object(&out);
    sg_json_key(&out, "ok");
    sg_json_bool(&out, result->findings == 0);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        sg_json_key(&out, counts[i].name);
        sg_json_uint(&out, counts[i].value);
    }
    sg_json_key(&out, "statement");
    sg_json_str(&out, words);
    sg_json_key(&out, "findings");
    sg_json_raw(&out, sg_buf_bytes(&t->text));
    sg_json_end_object(&out);
    int r = sg_json_done(&out);
    return r ? r : sg_file_write_report("-", sg_buf_bytes(&text));
}

static int judge_response(struct job *j, const struct sg_challenge *c, struct sg_bytes response)
{
    const struct sg_proof_authority a = {&j->in.installations, &j->in.authority, j->in.tariff,
                                         sg_clock_unix_s()};
    struct told t = {.text = SG_BUF_INIT(1u << 20), .lines = !j->o.json};
    struct sg_sample_result result;
    char words[320];
    int r;

    sg_json_init(&t.json, &t.text);
    sg_json_array(&t.json);
    r = sg_sample_judge(j->population, c, response, &a, tell, &t, &result);
    sg_json_end_array(&t.json);
    if (!r)
        r = sg_json_done(&t.json);
    if (!r && j->o.json)
        r = show_json(j, c, &t, &result);
    sg_buf_clear(&t.text);
    if (r)
        return complain(j->o.challenge, r > 0 ? "not about these bills" : sg_error_trace());
    statement(c, result.findings == 0, words);
    if (!j->o.json)
        printf("%s\n", words);
    return result.findings ? EXIT_FINDINGS : 0;
}

static int do_judge(struct job *j)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf response = SG_BUF_INIT(SG_RESPONSE_MAX);
    struct sg_challenge c;
    int r = load_population(j);

    if (!r)
        r = load_challenge(j, &c);
    if (!r)
        r = inputs_installations(&j->in, j->o.installations, &j->o.keys);
    if (!r)
        r = inputs_keys(&j->in, &j->o.keys);
    if (!r)
        r = inputs_tariff(&j->in, j->o.tariff);
    if (!r)
        r = inputs_file(j->o.response, SG_RESPONSE_MAX, &response);
    return r ? r : judge_response(j, &c, sg_buf_bytes(&response));
}

int command_judge(int argc, char **argv)
{
    return with_options(&judge_table, argc, argv, do_judge);
}
