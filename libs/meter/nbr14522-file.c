#include <ctype.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/json.h>
#include <sealgrid/meter/nbr14522-fields.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX_OCTETS 65536
#define REPORT_MAX      (1u << 20)

/* Shortest digits that read back as the same float. */
static void put_float(struct sg_json *j, float v)
{
    char text[32];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, (double)v);
        if (strtof(text, NULL) == v)
            break;
    }
    sg_json_raw(j, sg_bytes_str(text));
}

static void put_value(struct sg_json *j, const struct sg_nbr_value *v)
{
    switch (v->kind) {
    case SG_NBR_NONE:
        sg_json_null(j);
        break;
    case SG_NBR_NUMBER:
        sg_json_int(j, v->number);
        break;
    case SG_NBR_REAL:
        put_float(j, v->real);
        break;
    case SG_NBR_STRING:
        sg_json_str(j, v->text);
        break;
    }
}

static void put_field(struct sg_json *j, const struct sg_nbr_field *f, struct sg_bytes block)
{
    struct sg_nbr_value v;
    sg_json_key(j, f->name);
    if (f->count > 1)
        sg_json_array(j);
    for (size_t i = 0; i < f->count; i++) {
        sg_nbr_get(f, block, i, &v);
        put_value(j, &v);
    }
    if (f->count > 1)
        sg_json_end_array(j);
}

static void put_hex(struct sg_json *j, const char *key, const uint8_t *p, size_t n)
{
    char text[16];
    for (size_t i = 0; i < n; i++)
        snprintf(text + 2 * i, 3, "%02X", p[i]);
    sg_json_key(j, key);
    sg_json_str(j, text);
}

static void put_frame(struct sg_json *j, const struct sg_nbr_frame *f)
{
    const bool answer = sg_nbr_is_answer(f->variant);
    const struct sg_nbr_layout *l = sg_nbr_layout_of(f->block, answer);
    sg_json_key(j, "variant");
    sg_json_str(j, sg_nbr_variant_text(f->variant));
    put_hex(j, "command", f->block.data, 1);
    sg_json_key(j, "meaning");
    sg_json_str(j, l->name);
    if (answer || f->variant == SG_NBR_MULTIPOINT_71)
        put_hex(j, "serial", f->meter, 4);
    else /* these commands name no meter: the reader's serial */
        put_hex(j, "serial", f->block.data + 1, 3);
    sg_json_key(j, "fields");
    sg_json_object(j);
    for (size_t i = 0; i < l->n; i++)
        put_field(j, &l->fields[i], f->block);
    sg_json_end_object(j);
    if (l == &sg_nbr_layouts[SG_NBR_LAYOUT_MEMORY] && (f->block.data[5] & 15) == 0 &&
        f->block.data[6] == 0) {
        sg_json_key(j, "warning");
        sg_json_str(j, "block 000: the meter lost the read position");
    }
}

static const char *const posts[] = {"0",        "peak", "off-peak", "3",  "4",  "5",  "6",  "7",
                                    "reserved", "9",    "10",       "11", "12", "13", "14", "15"};
static const char *const tariffs[] = {"blue", "green", "irrigation", "other"};
static const char *const quadrants[] = {"Q1", "Q4", "Q2", "Q3"};

static void put_user_output(struct sg_json *j, const struct sg_nbr_user_output *u)
{
    sg_json_key(j, "variant");
    sg_json_str(j, u->extended ? "user-output-9" : "user-output-8");
    sg_json_key(j, "command");
    sg_json_null(j);
    sg_json_key(j, "serial");
    sg_json_null(j);
    sg_json_key(j, "fields");
    sg_json_object(j);
    sg_json_key(j, "seconds_left");
    sg_json_uint(j, u->seconds_left);
    sg_json_key(j, "billing_toggle");
    sg_json_bool(j, u->billing_toggle);
    sg_json_key(j, "reactive_toggle");
    sg_json_bool(j, u->reactive_toggle);
    sg_json_key(j, "capacitive");
    sg_json_bool(j, u->capacitive_on);
    sg_json_key(j, "inductive");
    sg_json_bool(j, u->inductive_on);
    sg_json_key(j, "post");
    sg_json_str(j, posts[u->post]);
    sg_json_key(j, u->extended ? "quadrant" : "tariff");
    sg_json_str(j, u->extended ? quadrants[u->quadrant] : tariffs[u->tariff]);
    sg_json_key(j, "reactive_tariff");
    sg_json_bool(j, u->reactive_tariff);
    sg_json_key(j, "active_pulses");
    sg_json_uint(j, u->active_pulses);
    sg_json_key(j, "reactive_pulses");
    sg_json_uint(j, u->reactive_pulses);
    sg_json_end_object(j);
}

/* NULL: decoded and written; else why not. */
static const char *decode_octets(struct sg_json *j, struct sg_bytes octets)
{
    struct sg_nbr_frame f;
    struct sg_nbr_user_output u;
    const bool short_form = octets.len == 8 || octets.len == 9;
    int r = short_form ? sg_nbr_user_output_decode(octets, &u) : sg_nbr_frame_decode(octets, &f);
    if (r)
        return sg_nbr_refusal_text((enum sg_nbr_refusal)r);
    sg_json_key(j, "ok");
    sg_json_bool(j, true);
    if (short_form)
        put_user_output(j, &u);
    else
        put_frame(j, &f);
    return NULL;
}

/* One object; *ret_ok whether the frame was good. */
static int report_line(struct sg_bytes text, size_t number, struct sg_buf *report, bool *ret_ok)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(LINE_MAX_OCTETS);
    struct sg_json j;
    const char *why = NULL;
    sg_json_init(&j, report);
    sg_json_object(&j);
    sg_json_key(&j, "line");
    sg_json_uint(&j, number);
    if (sg_hex_decode(&octets, text) != 0)
        why = "not hexadecimal octets";
    else
        why = decode_octets(&j, sg_buf_bytes(&octets));
    if (why) {
        sg_json_key(&j, "ok");
        sg_json_bool(&j, false);
        sg_json_key(&j, "error");
        sg_json_str(&j, why);
    }
    sg_json_end_object(&j);
    *ret_ok = why == NULL;
    return sg_json_done(&j);
}

/* Readable form: the JSON members, one a line. */
static void print_readable(struct sg_bytes json, FILE *out)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < json.len; i++) {
        const char c = (char)json.data[i];
        if (c == '"' && (i == 0 || json.data[i - 1] != '\\'))
            quoted = !quoted;
        if (!quoted && (c == '{' || c == '}'))
            depth += c == '{' ? 1 : -1;
        if (!quoted && (c == '{' || c == '}' || (c == ',' && json.data[i + 1] == '"' && depth)))
            fprintf(out, "%s%*s", i ? "\n" : "", 2 * depth, "");
        else if (quoted || c != '"')
            fputc(c == '"' ? ' ' : c, out);
    }
    fputc('\n', out);
}

static struct sg_bytes frame_text(const char *line)
{
    size_t n = strcspn(line, "#\r\n");
    while (n > 0 && isspace((unsigned char)line[n - 1]))
        n--;
    while (n > 0 && isspace((unsigned char)*line)) {
        line++;
        n--;
    }
    return SG_BYTES(line, n);
}

int sg_abnt_decode_file(FILE *in, bool json, FILE *out, size_t *ret_bad)
{
    SG_FREE char *line = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf report = SG_BUF_INIT(REPORT_MAX);
    size_t room = 0, number = 0, bad = 0;
    while (getline(&line, &room, in) >= 0) {
        bool ok;
        struct sg_bytes text = frame_text(line);
        number++;
        if (text.len == 0)
            continue;
        sg_buf_reset(&report);
        int r = report_line(text, number, &report, &ok);
        if (r)
            return r;
        bad += !ok;
        if (json)
            fprintf(out, "%.*s\n", (int)report.len, (const char *)report.data);
        else
            print_readable(sg_buf_bytes(&report), out);
    }
    if (ferror(in) || ferror(out))
        return sg_raise(-EIO);
    *ret_bad = bad;
    return 0;
}
