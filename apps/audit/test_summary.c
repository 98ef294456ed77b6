#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seal.h"
#include "summary.h"

#include <sealgrid/base/cleanup.h>

static struct sg_buf items = SG_BUF_INIT(1 << 16);

static struct summary_item item_of(const char *name, enum summary_state state)
{
    struct summary_item i = {.name = sg_bytes_str(name),
                             .state = state,
                             .has_bill = true,
                             .has_evidence = state != SUMMARY_UNUSABLE,
                             .bill_file = {(uint8_t)name[0]}};

    if (state == SUMMARY_FOUND) {
        i.found = 3;
        i.codes[0] = SG_BYTES_LIT("reading.missing");
        i.codes[1] = SG_BYTES_LIT("bill.overlap");
        i.n_codes = 2;
    }
    return i;
}

static struct summary summary_of(const struct summary_item *list, size_t n)
{
    struct summary s = {.basis = {.tool = "sealgrid-audit 1"}, .bills = n, .readings = 99};

    sg_buf_reset(&items);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(summary_put_item(&items, &list[i]), 0);
        s.bad += list[i].state == SUMMARY_FOUND;
        s.unusable += list[i].state == SUMMARY_UNUSABLE;
    }
    s.items = sg_buf_bytes(&items);
    return s;
}

static int again(const struct summary *s, struct summary *ret)
{
    static struct sg_buf payload = SG_BUF_INIT(1 << 16);

    sg_buf_reset(&payload);
    assert_int_equal(summary_encode(s, &payload), 0);
    return summary_decode(sg_buf_bytes(&payload), ret);
}

static void a_signed_summary_reads_back(void **state)
{
    (void)state;
    const struct summary_item list[] = {item_of("1/2026-09", SUMMARY_OK),
                                        item_of("2/2026-09", SUMMARY_FOUND),
                                        item_of("3/2026-09", SUMMARY_UNUSABLE)};
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf payload = SG_BUF_INIT(1 << 16);
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(1 << 16);
    struct summary s = summary_of(list, 3), back;
    struct summary_item item;
    struct sg_bytes octets;

    assert_int_equal(sg_key_generate(&key, SG_KEY_P256), 0);
    assert_int_equal(summary_encode(&s, &payload), 0);
    assert_int_equal(seal_put(&message, key, sg_buf_bytes(&payload)), 0);
    assert_int_equal(seal_open(sg_buf_bytes(&message), key, &octets), 0);
    assert_int_equal(summary_decode(octets, &back), 0);
    assert_int_equal(back.bad, 1);
    assert_int_equal(back.unusable, 1);
    struct sg_reader in = sg_reader_over(back.items);
    assert_int_equal(summary_next(&in, &item), 0);
    assert_int_equal(summary_next(&in, &item), 0);
    assert_int_equal(item.bill_file[0], '2');
    assert_int_equal(item.n_codes, 2);
    assert_true(sg_bytes_equal(item.codes[1], SG_BYTES_LIT("bill.overlap")));
    message.data[message.len / 2] ^= 1;
    assert_true(seal_open(sg_buf_bytes(&message), key, &octets) > 0);
}

/* Counts beside other verdicts, a bill twice or out of order, findings in a bill that is ok: no
 * report, whoever signs it. */
static void a_summary_does_not_contradict_itself(void **state)
{
    (void)state;
    struct summary_item list[] = {item_of("1/2026-09", SUMMARY_OK),
                                  item_of("2/2026-09", SUMMARY_FOUND)};
    struct summary s = summary_of(list, 2), back;

    assert_int_equal(again(&s, &back), 0);
    s.bad = 0;
    assert_int_equal(again(&s, &back), SUMMARY_MALFORMED);
    s = summary_of(list, 2);
    s.bills = 3;
    assert_int_equal(again(&s, &back), SUMMARY_MALFORMED);
    s.bills = 1;
    assert_int_equal(again(&s, &back), SUMMARY_MALFORMED);
    list[1].name = list[0].name;
    s = summary_of(list, 2);
    assert_int_equal(again(&s, &back), SUMMARY_MALFORMED);
    list[1].name = SG_BYTES_LIT("0/2026-09");
    s = summary_of(list, 2);
    assert_int_equal(again(&s, &back), SUMMARY_MALFORMED);
    list[1] = item_of("2/2026-09", SUMMARY_OK);
    list[1].found = 1;
    s = summary_of(list, 2);
    assert_int_equal(again(&s, &back), SUMMARY_MALFORMED);
    list[1] = item_of("2/2026-09", SUMMARY_FOUND);
    list[1].n_codes = 0;
    s = summary_of(list, 2);
    assert_int_equal(again(&s, &back), SUMMARY_MALFORMED);
    list[1] = item_of("2/2026-09", SUMMARY_OK);
    list[1].has_evidence = false;
    s = summary_of(list, 2);
    assert_int_equal(again(&s, &back), SUMMARY_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_summary_reads_back),
        cmocka_unit_test(a_summary_does_not_contradict_itself),
    };
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    sg_buf_clear(&items);
    return r;
}
