#include <math.h>
#include <sealgrid/meter/nbr14522-fields.h>
#include <stdio.h>

#define SG_F(name, octet, type, len, count, unit) {#name, octet, SG_NBR_##type, len, count, unit},
#define SG_L(id, list, name)                      static const struct sg_nbr_field fields_##id[] = {list(SG_F)};
SG_NBR_LAYOUTS(SG_L)
#undef SG_L
#undef SG_F

const struct sg_nbr_layout sg_nbr_layouts[SG_NBR_N_LAYOUTS] = {
#define SG_L(id, list, name) {name, fields_##id, sizeof(fields_##id) / sizeof(fields_##id[0])},
    SG_NBR_LAYOUTS(SG_L)
#undef SG_L
};

/* ---- which layout -------------------------------------------------------------------------- */

#define ANY (-1)
static const struct rule {
    uint8_t code;
    int sub; /* octet 5 of a command, octet 6 of an answer */
    enum sg_nbr_layout_id layout;
} answer_rules[] =
    {
        {0x14, ANY, SG_NBR_LAYOUT_INSTANT},     {0x20, ANY, SG_NBR_LAYOUT_PARAMETER},
        {0x21, ANY, SG_NBR_LAYOUT_PARAMETER},   {0x22, ANY, SG_NBR_LAYOUT_PARAMETER},
        {0x51, ANY, SG_NBR_LAYOUT_PARAMETER},   {0x23, ANY, SG_NBR_LAYOUT_REGISTER},
        {0x24, ANY, SG_NBR_LAYOUT_REGISTER},    {0x25, ANY, SG_NBR_LAYOUT_FAILURE},
        {0x26, ANY, SG_NBR_LAYOUT_MEMORY},      {0x27, ANY, SG_NBR_LAYOUT_MEMORY},
        {0x52, ANY, SG_NBR_LAYOUT_MEMORY},      {0x28, ANY, SG_NBR_LAYOUT_ALTERATION},
        {0x80, ANY, SG_NBR_LAYOUT_MEASUREMENT}, {0x13, ANY, SG_NBR_LAYOUT_SEED},
        {0x11, ANY, SG_NBR_LAYOUT_SESSION},     {0x39, ANY, SG_NBR_LAYOUT_UNKNOWN_COMMAND},
        {0x40, ANY, SG_NBR_LAYOUT_OCCURRENCE},  {0xab, 0x06, SG_NBR_LAYOUT_RELAY_AB_ANSWER},
},
  command_rules[] = {
      {0x11, ANY, SG_NBR_LAYOUT_SESSION_COMMAND},   {0x20, ANY, SG_NBR_LAYOUT_GROUP_COMMAND},
      {0x21, ANY, SG_NBR_LAYOUT_GROUP_COMMAND},     {0x22, ANY, SG_NBR_LAYOUT_GROUP_COMMAND},
      {0x51, ANY, SG_NBR_LAYOUT_GROUP_COMMAND},     {0x25, ANY, SG_NBR_LAYOUT_PERIOD_COMMAND},
      {0x26, ANY, SG_NBR_LAYOUT_COMPOSITE_COMMAND}, {0x27, ANY, SG_NBR_LAYOUT_COMPOSITE_COMMAND},
      {0x52, ANY, SG_NBR_LAYOUT_COMPOSITE_COMMAND}, {0x29, ANY, SG_NBR_LAYOUT_DATE_COMMAND},
      {0x30, ANY, SG_NBR_LAYOUT_TIME_COMMAND},      {0x31, ANY, SG_NBR_LAYOUT_INTERVAL_COMMAND},
      {0x32, ANY, SG_NBR_LAYOUT_HOLIDAY_COMMAND},   {0x33, ANY, SG_NBR_LAYOUT_CONSTANT_COMMAND},
      {0x35, ANY, SG_NBR_LAYOUT_SEGMENT_COMMAND},   {0x37, ANY, SG_NBR_LAYOUT_CLEAR_COMMAND},
      {0x64, ANY, SG_NBR_LAYOUT_DST_COMMAND},       {0x79, ANY, SG_NBR_LAYOUT_DISPLAY_COMMAND},
      {0x87, ANY, SG_NBR_LAYOUT_CONSUMER_COMMAND},  {0x98, ANY, SG_NBR_LAYOUT_EXTENDED_COMMAND},
      {0xab, 0x06, SG_NBR_LAYOUT_RELAY_AB_COMMAND}, {0xe2, 0x90, SG_NBR_LAYOUT_RELAY_E2_COMMAND},
};

static const struct sg_nbr_layout *find(const struct rule *rules, size_t n, uint8_t code, int sub,
                                        enum sg_nbr_layout_id otherwise)
{
    for (size_t i = 0; i < n; i++)
        if (rules[i].code == code && (rules[i].sub == ANY || rules[i].sub == sub))
            return &sg_nbr_layouts[rules[i].layout];
    return &sg_nbr_layouts[otherwise];
}

const struct sg_nbr_layout *sg_nbr_layout_of(struct sg_bytes block, bool answer)
{
    sg_assert(block.len == (answer ? SG_NBR_ANSWER_LEN : SG_NBR_COMMAND_LEN));
    if (answer)
        return find(answer_rules, sizeof(answer_rules) / sizeof(answer_rules[0]), block.data[0],
                    block.data[5], SG_NBR_LAYOUT_PLAIN_ANSWER);
    return find(command_rules, sizeof(command_rules) / sizeof(command_rules[0]), block.data[0],
                block.data[4], SG_NBR_LAYOUT_PLAIN_COMMAND);
}

const struct sg_nbr_field *sg_nbr_field_named(const struct sg_nbr_layout *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->fields[i].name, name) == 0)
            return &l->fields[i];
    return NULL;
}

/* ---- digits -------------------------------------------------------------------------------- */

static bool is_bcd(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((p[i] & 15) > 9 || p[i] >> 4 > 9)
            return false;
    return true;
}

static int64_t from_bcd(const uint8_t *p, size_t n)
{
    int64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v * 100 + (p[i] >> 4) * 10 + (p[i] & 15);
    return v;
}

static bool to_bcd(uint8_t *p, size_t n, int64_t v)
{
    if (v < 0)
        return false;
    for (size_t i = n; i-- > 0; v /= 100)
        p[i] = (uint8_t)(v % 100 / 10 << 4 | v % 10);
    return v == 0;
}

static void hex_text(char *ret, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        snprintf(ret + 2 * i, 3, "%02X", p[i]);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Exactly n octets. */
static bool from_hex_text(uint8_t *p, size_t n, const char *text)
{
    if (strlen(text) != 2 * n)
        return false;
    for (size_t i = 0; i < 2 * n; i++)
        if (hex_digit(text[i]) < 0)
            return false;
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    return true;
}

static void get_strange(const uint8_t *p, size_t n, struct sg_nbr_value *ret)
{
    ret->kind = SG_NBR_STRING;
    memcpy(ret->text, "0x", 3);
    hex_text(ret->text + 2, p, n);
}

/* ---- composed of BCD octets ---------------------------------------------------------------- */

/* '#' stands for one BCD octet. */
static const char *pattern_of(enum sg_nbr_type t)
{
    switch (t) {
    case SG_NBR_HMS:
        return "#:#:#";
    case SG_NBR_DMY:
        return "#/#/#";
    case SG_NBR_STAMP:
        return "#:#:# #/#/#";
    case SG_NBR_HM:
        return "#:#";
    case SG_NBR_DM:
        return "#/#";
    default:
        return NULL;
    }
}

static void get_pattern(const char *pattern, const uint8_t *p, struct sg_nbr_value *ret)
{
    char *to = ret->text;
    ret->kind = SG_NBR_STRING;
    for (; *pattern; pattern++) {
        if (*pattern != '#') {
            *to++ = *pattern;
            continue;
        }
        *to++ = (char)('0' + (*p >> 4));
        *to++ = (char)('0' + (*p++ & 15));
    }
    *to = 0;
}

static bool set_pattern(const char *pattern, uint8_t *p, const char *text)
{
    for (; *pattern; pattern++) {
        if (*pattern != '#') {
            if (*text++ != *pattern)
                return false;
            continue;
        }
        if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
            return false;
        *p++ = (uint8_t)((text[0] - '0') << 4 | (text[1] - '0'));
        text += 2;
    }
    return *text == 0;
}

/* ---- single kinds -------------------------------------------------------------------------- */

static void get_float(const uint8_t *p, struct sg_nbr_value *ret)
{
    static const uint8_t absent[4] = {0xff, 0xff, 0xff, 0xff};
    const uint32_t bits = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    if (memcmp(p, absent, 4) == 0)
        return; /* NONE */
    memcpy(&ret->real, &bits, 4);
    if (isfinite(ret->real))
        ret->kind = SG_NBR_REAL;
    else
        get_strange(p, 4, ret);
}

static void set_float(uint8_t *p, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, 4);
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(bits >> 8 * i);
}

static void get_text(const uint8_t *p, size_t n, struct sg_nbr_value *ret)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < ' ' || p[i] > '~') {
            get_strange(p, n, ret);
            return;
        }
    if (n >= 2 && p[0] == '0' && p[1] == 'x') { /* would read back as strange */
        get_strange(p, n, ret);
        return;
    }
    ret->kind = SG_NBR_STRING;
    memcpy(ret->text, p, n);
    ret->text[n] = 0;
}

static bool set_text(uint8_t *p, size_t n, const char *text)
{
    if (strlen(text) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    memcpy(p, text, n);
    return true;
}

unsigned sg_nbr_word(const uint8_t *triplets, size_t i)
{
    const uint8_t *t = triplets + i / 2 * 3;
    return i % 2 == 0 ? t[0] | (t[1] & 0xf0u) << 4 : t[2] | (t[1] & 0x0fu) << 8;
}

static void set_word(uint8_t *triplets, size_t i, unsigned v)
{
    uint8_t *t = triplets + i / 2 * 3;
    if (i % 2 == 0) {
        t[0] = (uint8_t)v;
        t[1] = (uint8_t)((t[1] & 0x0f) | (v >> 4 & 0xf0));
    } else {
        t[2] = (uint8_t)v;
        t[1] = (uint8_t)((t[1] & 0xf0) | v >> 8);
    }
}

static void number(struct sg_nbr_value *ret, int64_t v)
{
    ret->kind = SG_NBR_NUMBER;
    ret->number = v;
}

static void get_block_no(const uint8_t *p, struct sg_nbr_value *ret)
{
    const uint8_t digits[2] = {p[0] & 15, p[1]};
    if (is_bcd(digits, 2))
        number(ret, from_bcd(digits, 2));
    else
        get_strange(digits, 2, ret);
}

static bool set_block_no(uint8_t *p, const uint8_t digits[2])
{
    if (digits[0] > 15)
        return false;
    p[0] = (uint8_t)((p[0] & 0xf0) | digits[0]);
    p[1] = digits[1];
    return true;
}

/* ---- the door ------------------------------------------------------------------------------ */

static size_t field_octets(const struct sg_nbr_field *f)
{
    return f->type == SG_NBR_W12 ? f->len : (size_t)f->len * f->count;
}

static size_t element_at(const struct sg_nbr_field *f, size_t block_len, size_t i)
{
    sg_assert(i < f->count && (size_t)f->octet - 1 + field_octets(f) <= block_len);
    return (size_t)f->octet - 1 + (f->type == SG_NBR_W12 ? 0 : i * f->len);
}

void sg_nbr_get(const struct sg_nbr_field *f, struct sg_bytes block, size_t i,
                struct sg_nbr_value *ret)
{
    const uint8_t *p = block.data + element_at(f, block.len, i);
    *ret = (struct sg_nbr_value){.kind = SG_NBR_NONE};
    switch (f->type) {
    case SG_NBR_U8:
        number(ret, *p);
        return;
    case SG_NBR_BCD:
        if (is_bcd(p, f->len))
            number(ret, from_bcd(p, f->len));
        else
            get_strange(p, f->len, ret);
        return;
    case SG_NBR_F32:
        get_float(p, ret);
        return;
    case SG_NBR_TEXT:
        get_text(p, f->len, ret);
        return;
    case SG_NBR_HEX:
        ret->kind = SG_NBR_STRING;
        hex_text(ret->text, p, f->len);
        return;
    case SG_NBR_HIGH:
        number(ret, *p >> 4);
        return;
    case SG_NBR_BLOCK_NO:
        get_block_no(p, ret);
        return;
    case SG_NBR_W12:
        number(ret, sg_nbr_word(p, i));
        return;
    default:
        break;
    }
    if (f->type == SG_NBR_HM && p[0] == 0x99 && p[1] == 0x00)
        return; /* unused: NONE */
    if (is_bcd(p, f->len))
        get_pattern(pattern_of(f->type), p, ret);
    else
        get_strange(p, f->len, ret);
}

static bool set_none(const struct sg_nbr_field *f, uint8_t *p)
{
    if (f->type == SG_NBR_F32) {
        memset(p, 0xff, 4);
        return true;
    }
    if (f->type == SG_NBR_HM) {
        p[0] = 0x99;
        p[1] = 0x00;
        return true;
    }
    return false;
}

static bool set_number(const struct sg_nbr_field *f, uint8_t *p, size_t i, int64_t v)
{
    uint8_t digits[2];
    switch (f->type) {
    case SG_NBR_U8:
        *p = (uint8_t)v;
        return v >= 0 && v <= 255;
    case SG_NBR_BCD:
        return to_bcd(p, f->len, v);
    case SG_NBR_HIGH:
        *p = (uint8_t)((*p & 15) | v << 4);
        return v >= 0 && v <= 15;
    case SG_NBR_BLOCK_NO:
        return v <= 999 && to_bcd(digits, 2, v) && set_block_no(p, digits);
    case SG_NBR_W12:
        set_word(p, i, (unsigned)v & 0xfff);
        return v >= 0 && v <= 4095;
    default:
        return false;
    }
}

static bool set_string(const struct sg_nbr_field *f, uint8_t *p, const char *text)
{
    uint8_t digits[2];
    if (f->type == SG_NBR_HEX)
        return from_hex_text(p, f->len, text);
    if (strncmp(text, "0x", 2) == 0) {
        if (f->type == SG_NBR_BLOCK_NO)
            return from_hex_text(digits, 2, text + 2) && set_block_no(p, digits);
        return f->type != SG_NBR_W12 && from_hex_text(p, f->len, text + 2);
    }
    if (f->type == SG_NBR_TEXT)
        return set_text(p, f->len, text);
    return pattern_of(f->type) && set_pattern(pattern_of(f->type), p, text);
}

int sg_nbr_set(const struct sg_nbr_field *f, uint8_t *block, size_t block_len, size_t i,
               const struct sg_nbr_value *v)
{
    uint8_t keep[SG_NBR_ANSWER_LEN];
    uint8_t *p = block + element_at(f, block_len, i);
    const size_t touched = f->type == SG_NBR_W12 ? field_octets(f) : f->len;
    bool ok = false;
    memcpy(keep, p, touched);
    switch (v->kind) {
    case SG_NBR_NONE:
        ok = set_none(f, p);
        break;
    case SG_NBR_NUMBER:
        ok = set_number(f, p, i, v->number);
        break;
    case SG_NBR_REAL:
        ok = f->type == SG_NBR_F32;
        if (ok)
            set_float(p, v->real);
        break;
    case SG_NBR_STRING:
        ok = set_string(f, p, v->text);
        break;
    }
    if (!ok)
        memcpy(p, keep, touched);
    return ok ? 0 : sg_raise(-EINVAL);
}
