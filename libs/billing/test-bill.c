/* test-bill - see test-bill.h. */
#include "test-bill.h"

struct sg_tariff *tb_tariff(const char *yaml)
{
    struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};

    if (sg_tariff_parse(&t, sg_bytes_str(yaml), &why))
        fail_msg("line %u: %s", why.line, why.text);
    return t;
}

static int add_all(struct sg_billing *b, const struct tb_case *c, int64_t from_s, int64_t until_s)
{
    static const uint8_t leaf[32] = {1};
    int64_t step = c->tariff->interval_s;
    int r = 0;

    for (int64_t ts = from_s - from_s % step + step; ts <= until_s && !r; ts += step) {
        struct sg_bill_reading reading = {
            .serial = "1000", .ts_s = ts, .reactive_varh = INT64_MIN, .leaf = leaf};
        if (c->fn(c->user, ts, &reading))
            r = sg_billing_add(b, &reading);
    }
    return r;
}

int tb_bill(const struct tb_case *c, struct sg_bill *ret)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    SG_CLEANUP(sg_contracts_clear) struct sg_contracts contracts = {NULL, 0};
    static const struct sg_bill_install one = {"1000", 0, INT64_MAX, 1, 1, NULL};
    struct sg_yaml_error why = {0, ""};
    const struct sg_bill_input in = {.tariff = c->tariff,
                                     .client = TB_CLIENT,
                                     .from_s = c->from_s ? c->from_s : TB_FROM,
                                     .until_s = c->until_s ? c->until_s : TB_UNTIL,
                                     .installs = c->installs ? c->installs : &one,
                                     .n_installs = c->installs ? c->n_installs : 1,
                                     .contracts = &contracts};

    if (c->contract && sg_contracts_read(&contracts, sg_bytes_str(c->contract), &why))
        fail_msg("contract, line %u: %s", why.line, why.text);
    int r = sg_billing_new(&b, &in);
    if (r)
        return r;
    assert_int_equal(add_all(b, c, in.from_s, in.until_s), 0);
    return sg_billing_finish(b, ret);
}

struct sg_bill tb_made(const struct tb_case *c)
{
    struct sg_bill b = {.client = 0};
    int r = tb_bill(c, &b);

    if (r)
        fail_msg("refused: %s", sg_bill_outcome_word(r));
    const char *wrong = sg_bill_inconsistency(&b);
    if (wrong)
        fail_msg("contradicts itself: %s", wrong);
    return b;
}

bool tb_flat(void *user, int64_t ts_s, struct sg_bill_reading *ret)
{
    (void)ts_s;
    ret->energy_wh = *(const int64_t *)user;
    return true;
}

const struct sg_bill_line *tb_line(const struct sg_bill *b, const char *code)
{
    for (size_t i = 0; i < b->n_lines; i++)
        if (!strcmp(b->lines[i].code, code))
            return &b->lines[i];
    return NULL;
}

void tb_expect(const struct sg_bill *b, const char *code, int64_t quantity, int64_t amount)
{
    const struct sg_bill_line *line = tb_line(b, code);

    if (!line)
        fail_msg("no line %s", code);
    if (line->quantity != quantity || line->amount != amount)
        fail_msg("%s: %lld for %lld, not %lld for %lld", code, (long long)line->quantity,
                 (long long)line->amount, (long long)quantity, (long long)amount);
}
