#include "peers-int.h"

#include <math.h>
#include <string.h>

#include <sealgrid/base/cbor.h>

enum {
    STEPS = 31, /* of a movement of 1 */
    MOVE_MAX = 4 * STEPS,
    PEERS = 16,      /* asked */
    WEEKS_LEAST = 4, /* fewer days of the reference: one usual level for all weekdays */
};

#define RMS_LEAST   0.005f /* who moves less than this does not move */
#define ALIKE_LEAST 0.2f   /* r of a peer */
#define SAY_LEAST   (-0.9f)
#define SAY_MOST    3.0f

int sg_peers_init(struct sg_peers *p, const struct sg_corr_windows *w, size_t room)
{
    const uint32_t reference = sg_window_days(w->reference);
    *p = (struct sg_peers){.windows = *w,
                           .slots = reference + sg_window_days(w->test),
                           .chosen = reference - reference / 3,
                           .room = room};
    p->stride = (p->slots + 15) / 16 * 16;
    if (room == 0)
        return 0;
    p->id = calloc(room, sizeof(*p->id));
    p->norm2 = calloc(room, sizeof(*p->norm2));
    p->move = calloc(room * p->stride, sizeof(*p->move));
    if (p->id && p->norm2 && p->move)
        return 0;
    sg_peers_clear(p);
    return sg_raise(-ENOMEM);
}

void sg_peers_clear(struct sg_peers *p)
{
    free(p->id);
    free(p->norm2);
    free(p->move);
    *p = (struct sg_peers){.n = 0};
}

/* ---- one customer's movement ----------------------------------------------------------------- */

static uint32_t slot_of(const struct sg_peers *p, int32_t day)
{
    return day <= p->windows.reference.last
               ? (uint32_t)(day - p->windows.reference.first)
               : sg_window_days(p->windows.reference) + (uint32_t)(day - p->windows.test.first);
}

/* Mean level of the reference by weekday, or one for all if there are few days. */
static void usual_levels(const struct sg_feature_work *w, float ret[7])
{
    const uint32_t n = w->view->n_reference;
    const float *level = w->stat[SG_STAT_LEVEL];
    float sum[7] = {0}, all = 0;
    uint32_t days[7] = {0};
    for (uint32_t d = 0; d < n; d++) {
        sum[w->view->weekday[d]] += level[d];
        days[w->view->weekday[d]]++;
        all += level[d];
    }
    for (unsigned i = 0; i < 7; i++)
        ret[i] = days[i] >= WEEKS_LEAST ? sum[i] / (float)days[i] : all / (float)n;
}

/* Movements of all rows in their slots; returns the root mean square that they were divided by. */
static float find_moves(const struct sg_peers *p, const struct sg_feature_work *w, int16_t *ret)
{
    float usual[7], squares = 0;
    usual_levels(w, usual);
    const uint32_t n = w->view->n_reference;
    for (uint32_t d = 0; d < n; d++) {
        const float m = w->stat[SG_STAT_LEVEL][d] - usual[w->view->weekday[d]];
        squares += m * m;
    }
    float rms = sqrtf(squares / (float)n);
    rms = rms > RMS_LEAST ? rms : RMS_LEAST;
    memset(ret, 0, p->stride * sizeof(*ret));
    for (uint32_t d = 0; d < w->n; d++) {
        const float m =
            (w->stat[SG_STAT_LEVEL][d] - usual[w->view->weekday[d]]) / rms * (float)STEPS;
        const float cut = m > MOVE_MAX ? MOVE_MAX : m < -MOVE_MAX ? -MOVE_MAX : m;
        ret[slot_of(p, w->view->day[d])] = (int16_t)(cut < 0 ? cut - 0.5f : cut + 0.5f);
    }
    return rms;
}

static int32_t dot(const int16_t *restrict a, const int16_t *restrict b, uint32_t n)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += (int32_t)a[i] * b[i];
    return sum;
}

void sg_peers_add(struct sg_peers *p, uint64_t id, const struct sg_feature_work *w)
{
    sg_assert(p->n < p->room);
    int16_t *row = p->move + p->n * p->stride;
    find_moves(p, w, row);
    p->norm2[p->n] = dot(row, row, p->chosen);
    p->id[p->n++] = id;
}

/* ---- what peers say -------------------------------------------------------------------------- */

struct peer {
    float alike;
    size_t index;
};

/* The most alike, best first; returns how many. */
static unsigned find_peers(const struct sg_peers *p, uint64_t id, const int16_t *move,
                           struct peer best[PEERS])
{
    const int32_t norm2 = dot(move, move, p->chosen);
    unsigned n = 0;
    for (size_t i = 0; i < p->n; i++) {
        const int32_t along = dot(move, p->move + i * p->stride, p->chosen);
        if (along <= 0 || p->id[i] == id)
            continue;
        const float alike = (float)along / sqrtf((float)norm2 * (float)p->norm2[i]);
        if (alike < ALIKE_LEAST || (n == PEERS && alike <= best[n - 1].alike))
            continue;
        unsigned at = n < PEERS ? n++ : n - 1;
        for (; at > 0 && best[at - 1].alike < alike; at--)
            best[at] = best[at - 1];
        best[at] = (struct peer){alike, i};
    }
    return n;
}

static void mean_moves(const struct sg_peers *p, const struct peer *peer, unsigned n, float *ret)
{
    float weights = 0;
    memset(ret, 0, p->slots * sizeof(*ret));
    for (unsigned i = 0; i < n; i++) {
        const float weight = peer[i].alike * peer[i].alike;
        const int16_t *row = p->move + peer[i].index * p->stride;
        for (uint32_t s = 0; s < p->slots; s++)
            ret[s] += weight * (float)row[s];
        weights += weight;
    }
    for (uint32_t s = 0; s < p->slots; s++)
        ret[s] /= weights;
}

/* How much of it to believe, by the slots that chose nobody. */
static float belief(const struct sg_peers *p, const int16_t *move, const float *say,
                    float *ret_quality)
{
    float mm = 0, ss = 0, ms = 0;
    for (uint32_t s = p->chosen; s < sg_window_days(p->windows.reference); s++) {
        mm += (float)move[s] * (float)move[s];
        ss += say[s] * say[s];
        ms += (float)move[s] * say[s];
    }
    if (!(ms > 0) || !(ss > 0) || !(mm > 0))
        return 0;
    *ret_quality = ms / sqrtf(mm * ss);
    return ms / ss * *ret_quality;
}

void sg_peers_expect(const struct sg_peers *p, uint64_t id, const struct sg_feature_work *w,
                     struct sg_expected *ret)
{
    int16_t move[SG_VIEW_DAYS_MAX + 16];
    float say[SG_VIEW_DAYS_MAX];
    struct peer peer[PEERS];
    const float rms = find_moves(p, w, move);
    const unsigned n = find_peers(p, id, move, peer);
    memset(ret->movement, 0, w->n * sizeof(*ret->movement));
    ret->quality = 0;
    if (n == 0)
        return;
    mean_moves(p, peer, n, say);
    const float share = belief(p, move, say, &ret->quality) * rms / (float)STEPS;
    for (uint32_t d = 0; d < w->n; d++) {
        const float m = share * say[slot_of(p, w->view->day[d])];
        ret->movement[d] = m < SAY_LEAST ? SAY_LEAST : m > SAY_MOST ? SAY_MOST : m;
    }
}

/* ---- octets ---------------------------------------------------------------------------------- */

int sg_peers_encode(const struct sg_peers *p, struct sg_buf *b)
{
    SG_FREE uint8_t *ids = malloc(p->n * 8 + 1), *moves = malloc(p->n * p->slots + 1);
    if (!ids || !moves)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < p->n; i++) {
        sg_store_be64(ids + 8 * i, p->id[i]);
        for (uint32_t s = 0; s < p->slots; s++)
            moves[i * p->slots + s] = (uint8_t)(p->move[i * p->stride + s] + 128);
    }
    int r = sg_cbor_put_bytes(b, SG_BYTES(ids, p->n * 8));
    return r ? r : sg_cbor_put_bytes(b, SG_BYTES(moves, p->n * p->slots));
}

int sg_peers_decode(struct sg_peers *p, struct sg_reader *r)
{
    struct sg_bytes ids, moves;
    const struct sg_corr_windows w = p->windows;
    if (sg_cbor_get_bytes(r, &ids) || sg_cbor_get_bytes(r, &moves) || ids.len % 8 ||
        ids.len / 8 > SG_PEERS_MAX || ids.len == 0 || moves.len != ids.len / 8 * p->slots)
        return 1;
    int e = sg_peers_init(p, &w, ids.len / 8);
    if (e)
        return e;
    for (; p->n < p->room; p->n++) {
        int16_t *row = p->move + p->n * p->stride;
        p->id[p->n] = sg_load_be64(ids.data + 8 * p->n);
        if (p->n && p->id[p->n] <= p->id[p->n - 1])
            return 1;
        for (uint32_t s = 0; s < p->slots; s++) {
            const int move = moves.data[p->n * p->slots + s] - 128;
            if (move < -MOVE_MAX || move > MOVE_MAX)
                return 1;
            row[s] = (int16_t)move;
        }
        p->norm2[p->n] = dot(row, row, p->chosen);
    }
    return 0;
}
