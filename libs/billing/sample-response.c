/* sample-response - answers to a challenge, and their judgement. */
#include "sample-int.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>

#define RESPONSE       "sealgrid-response-v1"
#define RESPONSE_ITEMS 3

const char *sg_sample_code_word(enum sg_sample_code code)
{
    static const char *const words[] = {
#define SG_S(id, word) word,
        SG_SAMPLE_CODES(SG_S)
#undef SG_S
    };
    return words[code];
}

static int hash_challenge(const struct sg_challenge *c, uint8_t ret[32])
{
    uint8_t room[SG_CHALLENGE_MAX];
    struct sg_buf b = {room, 0, sizeof(room), sizeof(room), false};
    int r = sg_challenge_put(&b, c);

    if (!r)
        sg_sha256(ret, sg_buf_bytes(&b));
    return r;
}

/* ---- answering ----------------------------------------------------------------------------- */

/* A leaf to be shown, and where: no number of its bill's is kept in the leaf. */
struct shown {
    size_t bill;
    struct sg_leaf leaf;
};

static int compare_shown(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;

    if (x->bill != y->bill)
        return x->bill < y->bill ? -1 : 1;
    if (x->leaf.bucket != y->leaf.bucket)
        return x->leaf.bucket < y->leaf.bucket ? -1 : 1;
    return (x->leaf.index > y->leaf.index) - (x->leaf.index < y->leaf.index);
}

static int compare_points(const void *a, const void *b)
{
    const struct sg_point *x = a, *y = b;
    return (x->bill > y->bill) - (x->bill < y->bill);
}

static int put_one(struct sg_buf *out, const struct sg_prover *prover, const struct shown *s)
{
    uint8_t room[SG_READING_PROOF_MAX];
    struct sg_buf proof = {room, 0, sizeof(room), sizeof(room), false};
    int r = sg_prover_of(prover, &s->leaf, &proof);

    if (r > 0)
        return SG_PROVER_EVIDENCE;
    if (!r)
        r = sg_cbor_put_array(out, 2);
    if (!r)
        r = sg_cbor_put_uint(out, s->bill);
    return r ? r : sg_cbor_put_bytes(out, sg_buf_bytes(&proof));
}

/* The points of one bill: each leaf once, ascending. */
static int put_bill(struct sg_buf *out, const struct sg_prover *prover,
                    const struct sg_point *points, size_t n, size_t *ret_shown)
{
    SG_FREE struct shown *list = calloc(n, sizeof(*list));
    int r = 0;

    if (!list)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++) {
        list[i].bill = points[i].bill;
        if (!sg_prover_leaf(prover, points[i].bucket, points[i].is_export, points[i].wh,
                            &list[i].leaf))
            return SG_PROVER_EVIDENCE;
    }
    qsort(list, n, sizeof(*list), compare_shown);
    for (size_t i = 0; i < n && !r; i++) {
        if (i && compare_shown(&list[i - 1], &list[i]) == 0)
            continue;
        r = put_one(out, prover, &list[i]);
        (*ret_shown)++;
    }
    return r;
}

static int put_all(struct sg_buf *out, struct sg_point *points, size_t n, sg_sample_prover_fn fn,
                   void *user, size_t *ret_shown)
{
    int r = 0;

    qsort(points, n, sizeof(*points), compare_points);
    for (size_t i = 0, next; i < n && !r; i = next) {
        const struct sg_prover *prover;
        for (next = i + 1; next < n && points[next].bill == points[i].bill;)
            next++;
        r = fn(user, points[i].bill, &prover);
        if (!r)
            r = put_bill(out, prover, &points[i], next - i, ret_shown);
    }
    return r;
}

int sg_sample_respond(const struct sg_population *p, const struct sg_challenge *c,
                      sg_sample_prover_fn fn, void *user, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf list = SG_BUF_INIT(SG_RESPONSE_MAX);
    SG_FREE struct sg_point *points = NULL;
    uint8_t hash[32];
    size_t shown = 0;
    int r = sg_sample_draw(p, c, &points);

    if (!r)
        r = hash_challenge(c, hash);
    if (!r)
        r = put_all(&list, points, c->points, fn, user, &shown);
    if (!r)
        r = sg_cbor_put_array(ret, RESPONSE_ITEMS);
    if (!r)
        r = sg_cbor_put_text(ret, RESPONSE);
    if (!r)
        r = sg_cbor_put_bytes(ret, SG_BYTES_ARRAY(hash));
    if (!r)
        r = sg_cbor_put_array(ret, shown);
    return r ? r : sg_buf_append(ret, sg_buf_bytes(&list));
}

/* ---- judging ------------------------------------------------------------------------------- */

/* What a proof that holds answers for. */
struct answer {
    struct shown at;
    bool wanted;
};

struct judgement {
    const struct sg_population *p;
    const struct sg_proof_authority *a;
    sg_sample_fn fn;
    void *user;
    struct sg_sample_result result;
    struct answer *answers; /* ascending */
    size_t n;
    struct shown last; /* shown last, whether it held or not */
    bool any;
    struct sg_buckets *plan; /* of the bill shown last */
    size_t plan_of;
};

static void report(struct judgement *j, enum sg_sample_code code, size_t bill, const char *why)
{
    const struct sg_proof_bill *b = sg_population_bill(j->p, bill);
    const struct sg_sample_finding f = {
        .code = code, .client = b ? b->client : 0, .bill = b, .why = why};

    j->result.findings++;
    j->fn(j->user, &f);
}

static int plan_for(struct judgement *j, size_t bill)
{
    int r;

    if (j->plan && j->plan_of == bill)
        return 0;
    sg_buckets_free(j->plan);
    j->plan = NULL;
    j->plan_of = bill;
    r = sg_proof_plan(sg_population_bill(j->p, bill), j->a->tariff, &j->plan);
    return r < 0 ? r : 0; /* without a plan the check makes its own, and says what is wrong */
}

static int judge_proof(struct judgement *j, size_t bill, struct sg_bytes octets)
{
    struct sg_reading_proof proof;
    struct sg_proved proved;
    enum sg_proof_fault fault;
    struct shown at = {.bill = bill};
    int r;

    if (sg_reading_proof_take(octets, &proof) != 0) {
        report(j, SG_SAMPLE_CODE_PROOF, bill, "no proof of a reading");
        return 0;
    }
    at.leaf.bucket = (size_t)proof.bucket;
    at.leaf.index = proof.index;
    if (j->any && compare_shown(&j->last, &at) >= 0)
        report(j, SG_SAMPLE_CODE_ORDER, bill, "not ascending, or twice");
    j->any = true;
    j->last = at;
    r = plan_for(j, bill);
    if (!r)
        r = sg_reading_proof_check(&proof, sg_population_bill(j->p, bill), j->a, j->plan, &fault,
                                   &proved);
    if (r)
        return r;
    if (fault) {
        report(j, SG_SAMPLE_CODE_PROOF, bill, sg_proof_fault_word(fault));
        return 0;
    }
    at.leaf = proved.leaf;
    j->result.without_crl += proved.crl == SG_PROOF_CRL_NONE;
    j->result.stale_crl += proved.crl == SG_PROOF_CRL_STALE;
    j->answers[j->n++] = (struct answer){.at = at};
    return 0;
}

static int judge_item(struct judgement *j, struct sg_reader *in, bool *ret_ok)
{
    struct sg_bytes octets;
    uint64_t items, bill;

    *ret_ok = sg_cbor_get_array(in, &items) == 0 && items == 2 &&
              sg_cbor_get_uint(in, &bill) == 0 && bill < SG_SAMPLE_BILLS_MAX &&
              sg_population_bill(j->p, (size_t)bill) && sg_cbor_get_bytes(in, &octets) == 0;
    if (!*ret_ok)
        return 0;
    j->result.readings++;
    return judge_proof(j, (size_t)bill, octets);
}

static bool covers(const struct sg_leaf *leaf, bool is_export, int64_t wh)
{
    int64_t from = is_export ? leaf->before.export_wh : leaf->before.import_wh;
    int64_t own = is_export ? leaf->own.export_wh : leaf->own.import_wh;

    return wh >= from && wh - from < own;
}

static int compare_answers(const void *a, const void *b)
{
    return compare_shown(&((const struct answer *)a)->at, &((const struct answer *)b)->at);
}

/* Running totals may not ascend in a file that was made to mislead, so every answer of the bucket
 * is asked. */
static bool answered(struct judgement *j, const struct sg_point *point)
{
    size_t lo = 0, hi = j->n;
    bool found = false;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct shown *s = &j->answers[mid].at;
        if (s->bill < point->bill || (s->bill == point->bill && s->leaf.bucket < point->bucket))
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < j->n && j->answers[lo].at.bill == point->bill &&
           j->answers[lo].at.leaf.bucket == point->bucket;
         lo++) {
        if (!covers(&j->answers[lo].at.leaf, point->is_export, point->wh))
            continue;
        j->answers[lo].wanted = true;
        found = true;
    }
    return found;
}

static void judge_points(struct judgement *j, const struct sg_point *points, size_t n)
{
    if (j->n)
        qsort(j->answers, j->n, sizeof(*j->answers), compare_answers);
    for (size_t i = 0; i < n; i++) {
        j->result.points++;
        if (answered(j, &points[i]))
            j->result.answered++;
        else
            report(j, SG_SAMPLE_CODE_UNANSWERED, points[i].bill, "nothing covers a drawn Wh");
    }
    for (size_t i = 0; i < j->n; i++)
        if (!j->answers[i].wanted)
            report(j, SG_SAMPLE_CODE_EXCESS, j->answers[i].at.bill,
                   "a reading that nothing asked for");
}

static bool open_response(struct sg_reader *in, const uint8_t challenge[32], size_t most,
                          uint64_t *ret_n)
{
    struct sg_bytes magic, hash;
    uint64_t items;

    return sg_cbor_get_array(in, &items) == 0 && items == RESPONSE_ITEMS &&
           sg_cbor_get_text(in, &magic) == 0 && sg_bytes_equal(magic, SG_BYTES_LIT(RESPONSE)) &&
           sg_cbor_get_bytes(in, &hash) == 0 && sg_bytes_equal(hash, SG_BYTES(challenge, 32)) &&
           sg_cbor_get_array(in, ret_n) == 0 && *ret_n <= most;
}

static int judge_response(struct judgement *j, const struct sg_challenge *c,
                          struct sg_bytes response)
{
    struct sg_reader in = sg_reader_over(response);
    uint8_t hash[32];
    uint64_t n = 0;
    bool ok;
    int r = hash_challenge(c, hash);

    if (r)
        return r;
    ok = open_response(&in, hash, c->points, &n); /* more than points is more than asked for */
    for (uint64_t i = 0; i < n && ok && !r; i++)
        r = judge_item(j, &in, &ok);
    if (!r && (!ok || in.left))
        report(j, SG_SAMPLE_CODE_RESPONSE, SIZE_MAX, "unreadable, or to another challenge");
    return r;
}

int sg_sample_judge(const struct sg_population *p, const struct sg_challenge *c,
                    struct sg_bytes response, const struct sg_proof_authority *a, sg_sample_fn fn,
                    void *user, struct sg_sample_result *ret)
{
    SG_FREE struct sg_point *points = NULL;
    SG_FREE struct answer *answers = NULL;
    struct judgement j = {.p = p, .a = a, .fn = fn, .user = user};
    int r = a->tariff ? sg_sample_draw(p, c, &points) : sg_raise(-EINVAL);

    if (r)
        return r;
    answers = calloc(c->points, sizeof(*answers));
    if (!answers)
        return sg_raise(-ENOMEM);
    j.answers = answers;
    r = judge_response(&j, c, response);
    sg_buckets_free(j.plan);
    if (r)
        return r;
    judge_points(&j, points, c->points);
    *ret = j.result;
    return 0;
}
