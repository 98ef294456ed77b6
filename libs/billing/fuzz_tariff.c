/* fuzz - a tariff file either is refused with a reason or answers for every minute of a year. */
#include <sealgrid/billing/tariff.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Series of a folder in which every name is there: a quarter of the names as prices, others as
 * posts. */
static int fetch(void *user, const char *name, struct sg_buf *ret)
{
    (void)user;
    if (name[0] % 4 == 0)
        return -ENOENT;
    return sg_buf_append(ret, sg_bytes_str(name[0] % 4 == 1 ? "2026-09-01T00:00:00Z,-0.125\n"
                                                            : "2026-09-01T00:00:00Z,low\n"));
}

static void count(void *user, const struct sg_yaml_error *why)
{
    sg_assert(why->text[0]);
    (*(size_t *)user)++;
}

static void ask_charge(const struct sg_tariff *t, const struct sg_tariff_charge *c, int64_t day,
                       int64_t now_s)
{
    size_t piece = c->n_pieces ? sg_charge_piece_at(c, day) : SG_CHARGE_NO_PIECE;

    sg_assert(sg_charge_kind_word(c->kind));
    if (c->kind == SG_CHARGE_FLAG || c->kind == SG_CHARGE_MINIMUM)
        sg_assert(c->n_pieces == 0);
    (void)sg_charge_flag_of(c, sg_month_of_day(day));
    (void)sg_charge_is_capacitive(c, 100);
    if (piece == SG_CHARGE_NO_PIECE)
        return;
    sg_assert(c->pieces[piece].from_day <= day);
    if (c->kind == SG_CHARGE_DYNAMIC)
        (void)sg_charge_price(c, &c->pieces[piece], now_s);
    if (c->kind == SG_CHARGE_DEMAND)
        (void)sg_charge_excess_rate(t, c, &c->pieces[piece], 0);
    if (c->kind == SG_CHARGE_TIERS)
        sg_assert(c->pieces[piece].tiers[c->pieces[piece].n_tiers - 1].up_to_wh == INT64_MAX);
}

static void ask(const struct sg_tariff *t)
{
    struct sg_tariff_cursor cursor = {0};
    int64_t v;

    for (int64_t s = 1788231600; s < 1788231600 + 366 * INT64_C(86400); s += 3 * 3600 + 900) {
        struct sg_tariff_slot slot = sg_tariff_slot_at(t, &cursor, s);
        sg_assert(slot.post < t->n_posts || (t->schedule && slot.post == SG_TARIFF_NO_POST));
        sg_assert(slot.minute < 1440 && slot.season < t->n_seasons);
        if (s % 7 == 0)
            for (size_t i = 0; i < t->n_charges; i++)
                ask_charge(t, &t->charges[i], slot.day, s);
        for (size_t i = 0; i < t->n_taxes; i++)
            sg_assert(sg_tariff_tax_rate(&t->taxes[i], slot.day, s % 1000000, &v) || v < SG_PPM);
        (void)!sg_tariff_lighting(t, slot.day, s % 1000000, &v);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};
    size_t problems = 0;
    const struct sg_tariff_reading how = {.fetch = fetch, .problem = count, .user = &problems};

    /* The folder's callback does not use what the other one counts in. */
    if (sg_tariff_read(&t, SG_BYTES(data, size), &how, &why)) {
        sg_assert(!t && why.text[0]);
        return 0;
    }
    if (t->n_seasons && t->n_charges) {
        sg_assert(problems == 0);
        ask(t);
    }
    return 0;
}
