/* json - the streaming writer. */
#include <sealgrid/base/encode.h>
#include <sealgrid/base/json.h>
#include <sealgrid/base/utf8.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void put(struct sg_json *j, struct sg_bytes b)
{
    if (!j->failure)
        j->failure = sg_buf_append(j->out, b);
}

static void put_char(struct sg_json *j, char c)
{
    if (!j->failure)
        j->failure = sg_buf_append_u8(j->out, (uint8_t)c);
}

/* The comma before a value or a key, if one is due. */
static void before_item(struct sg_json *j)
{
    if (j->after_key) {
        j->after_key = false;
        return;
    }
    if (j->depth && !j->first[j->depth - 1])
        put_char(j, ',');
    if (j->depth)
        j->first[j->depth - 1] = false;
}

void sg_json_init(struct sg_json *j, struct sg_buf *out)
{
    *j = (struct sg_json){.out = out};
}

static void open_level(struct sg_json *j, char c)
{
    before_item(j);
    sg_assert(j->depth < SG_JSON_DEPTH);
    j->first[j->depth++] = true;
    put_char(j, c);
}

static void close_level(struct sg_json *j, char c)
{
    sg_assert(j->depth && !j->after_key);
    j->depth--;
    put_char(j, c);
}

void sg_json_object(struct sg_json *j)
{
    open_level(j, '{');
}

void sg_json_end_object(struct sg_json *j)
{
    close_level(j, '}');
}

void sg_json_array(struct sg_json *j)
{
    open_level(j, '[');
}

void sg_json_end_array(struct sg_json *j)
{
    close_level(j, ']');
}

static void put_escape(struct sg_json *j, uint8_t c)
{
    static const char shorts[][2] = {{'"', '"'},  {'\\', '\\'}, {'\n', 'n'}, {'\r', 'r'},
                                     {'\t', 't'}, {'\b', 'b'},  {'\f', 'f'}};
    char text[7] = "\\u00";

    for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++) {
        if (c == (uint8_t)shorts[i][0]) {
            put_char(j, '\\');
            put_char(j, shorts[i][1]);
            return;
        }
    }
    sg_hex(text + 4, &c, 1);
    put(j, SG_BYTES(text, 6));
}

/* Length of the run from at that needs no escaping and is valid UTF-8. */
static size_t plain_run(struct sg_bytes v, size_t at)
{
    size_t i = at;

    while (i < v.len) {
        uint8_t c = v.data[i];
        if (c < 0x80) {
            if (c < 0x20 || c == '"' || c == '\\')
                break;
            i++;
            continue;
        }
        size_t n = sg_utf8_next(v, i);
        if (n == 0)
            break;
        i += n;
    }
    return i - at;
}

static void put_quoted(struct sg_json *j, struct sg_bytes v)
{
    put_char(j, '"');
    for (size_t i = 0; i < v.len;) {
        size_t n = plain_run(v, i);
        if (n) {
            put(j, SG_BYTES(v.data + i, n));
            i += n;
            continue;
        }
        if (v.data[i] >= 0x80)
            put(j, SG_BYTES_LIT("\xef\xbf\xbd")); /* U+FFFD */
        else
            put_escape(j, v.data[i]);
        i++;
    }
    put_char(j, '"');
}

void sg_json_key(struct sg_json *j, const char *key)
{
    sg_assert(j->depth && !j->after_key);
    before_item(j);
    put_quoted(j, sg_bytes_str(key));
    put_char(j, ':');
    j->after_key = true;
}

void sg_json_strn(struct sg_json *j, struct sg_bytes v)
{
    before_item(j);
    put_quoted(j, v);
}

void sg_json_str(struct sg_json *j, const char *v)
{
    sg_json_strn(j, sg_bytes_str(v));
}

/* Digits of v before end; returns the first. */
static uint8_t *format_uint(uint8_t *end, uint64_t v)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    while (v >= 100) {
        end -= 2;
        memcpy(end, pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (v >= 10) {
        end -= 2;
        memcpy(end, pairs + 2 * v, 2);
    } else {
        *--end = (uint8_t)('0' + v);
    }
    return end;
}

void sg_json_uint(struct sg_json *j, uint64_t v)
{
    uint8_t digits[20], *end = digits + sizeof(digits);
    uint8_t *at = format_uint(end, v);

    before_item(j);
    put(j, SG_BYTES(at, (size_t)(end - at)));
}

void sg_json_int(struct sg_json *j, int64_t v)
{
    uint8_t digits[21], *end = digits + sizeof(digits);
    uint8_t *at = format_uint(end, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);

    if (v < 0)
        *--at = '-';
    before_item(j);
    put(j, SG_BYTES(at, (size_t)(end - at)));
}

void sg_json_double(struct sg_json *j, double v)
{
    char text[32];

    if (!isfinite(v)) {
        sg_json_null(j);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, v);
        double back = strtod(text, NULL);
        if (memcmp(&back, &v, sizeof(v)) == 0)
            break;
    }
    before_item(j);
    put(j, sg_bytes_str(text));
}

void sg_json_bool(struct sg_json *j, bool v)
{
    before_item(j);
    put(j, v ? SG_BYTES_LIT("true") : SG_BYTES_LIT("false"));
}

void sg_json_null(struct sg_json *j)
{
    before_item(j);
    put(j, SG_BYTES_LIT("null"));
}

void sg_json_hex(struct sg_json *j, struct sg_bytes v)
{
    before_item(j);
    put_char(j, '"');
    if (!j->failure)
        j->failure = sg_hex_append(j->out, v);
    put_char(j, '"');
}

void sg_json_raw(struct sg_json *j, struct sg_bytes v)
{
    before_item(j);
    put(j, v);
}

int sg_json_done(struct sg_json *j)
{
    if (j->failure)
        return j->failure;
    sg_assert(j->depth == 0 && !j->after_key);
    return 0;
}
