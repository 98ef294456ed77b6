/* fuzz - a foreign CSV is refused with a reason, or gives rows that are read back from the
 * canonical form as they were; and the canonical form itself, straight.  The first octet chooses.
 */
#include <sealgrid/billing/vee-import.h>

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(void *user, const struct sg_import_finding *f)
{
    (void)user;
    sg_assert(f->text[0] && f->line >= 2 && f->note < SG_IMPORT_N_NOTES);
}

static void straight(struct sg_bytes csv)
{
    SG_CLEANUP(sg_vee_csv_clear) struct sg_vee_csv c = {0, NULL, 0};
    char why[160] = "";
    sg_assert(sg_vee_csv_read(csv, &c, why) == 0 || why[0]);
}

static void back(struct sg_import_result *in, uint32_t interval_s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1u << 26);
    SG_CLEANUP(sg_vee_csv_clear) struct sg_vee_csv c = {0, NULL, 0};
    char why[160];

    for (size_t i = 0; i < in->n; i++)
        snprintf(in->rows[i].serial, sizeof(in->rows[i].serial), "X");
    sg_assert(sg_vee_csv_write(in->rows, in->n, 7, interval_s, &text) == 0);
    sg_assert(sg_vee_csv_read(sg_buf_bytes(&text), &c, why) == 0 && c.n == in->n);
    for (size_t i = 0; i < c.n; i++)
        sg_assert(c.rows[i].ts_s == in->rows[i].ts_s &&
                  c.rows[i].energy_wh == in->rows[i].energy_wh &&
                  c.rows[i].reactive_varh == in->rows[i].reactive_varh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const presets[] = {"steel", "hue", "generic"};
    struct sg_import_result in = {.rows = NULL};
    struct sg_import_format f;
    char why[160] = "";

    if (size < 1)
        return 0;
    const uint8_t choice = data[0];
    const struct sg_bytes csv = SG_BYTES(data + 1, size - 1);
    if (choice % 4 == 3) {
        straight(csv);
        return 0;
    }
    sg_assert(sg_import_preset(presets[choice % 4], &f));
    f.stamp_is_begin = choice & 4;
    f.midnight_same_date = choice & 8;
    f.skipped_as_zero = choice & 16;
    f.repeats_once = choice & 32;
    if (sg_import_csv(&f, csv, look, NULL, &in, why)) {
        sg_assert(why[0] && !in.rows);
        return 0;
    }
    back(&in, f.interval_s);
    sg_import_clear(&in);
    return 0;
}
