/* installation - the authority's records: the adaptor over jansson, and the look-ups. */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/json.h>
#include <sealgrid/billing/installation.h>
#include <sealgrid/crypto/hash.h>

#include <jansson.h>
#include <stdio.h>

#define CERT_MAX  8192
#define RATIO_MAX 1000000

static void clear_records(struct sg_installation *records, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sg_cert_free(records[i].cert);
        free((void *)(uintptr_t)records[i].der.data);
    }
    free(records);
}

void sg_installations_clear(struct sg_installations *i)
{
    clear_records(i->records, i->n);
    free(i->by_serial);
    *i = (struct sg_installations){NULL, 0, NULL};
}

static int compare_client(const void *a, const void *b)
{
    const struct sg_installation *x = a, *y = b;

    if (x->client != y->client)
        return x->client < y->client ? -1 : 1;
    return (x->from_s > y->from_s) - (x->from_s < y->from_s);
}

static int compare_serial(const void *a, const void *b, void *records)
{
    const struct sg_installation *x = (const struct sg_installation *)records + *(const size_t *)a;
    const struct sg_installation *y = (const struct sg_installation *)records + *(const size_t *)b;
    int c = strcmp(x->serial, y->serial);

    return c ? c : (x->from_s > y->from_s) - (x->from_s < y->from_s);
}

int sg_installations_index(struct sg_installations *ret, struct sg_installation *records, size_t n)
{
    size_t *by_serial = calloc(n + 1, sizeof(*by_serial));

    if (!by_serial) {
        clear_records(records, n);
        return sg_raise(-ENOMEM);
    }
    if (n)
        qsort(records, n, sizeof(*records), compare_client);
    for (size_t i = 0; i < n; i++)
        by_serial[i] = i;
    if (n)
        qsort_r(by_serial, n, sizeof(*by_serial), compare_serial, records);
    *ret = (struct sg_installations){records, n, by_serial};
    return 0;
}

const struct sg_installation *sg_installations_of_client(const struct sg_installations *i,
                                                         int64_t client, size_t *ret_n)
{
    size_t lo = 0, hi = i->n, n = 0;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (i->records[mid].client < client)
            lo = mid + 1;
        else
            hi = mid;
    }
    while (lo + n < i->n && i->records[lo + n].client == client)
        n++;
    *ret_n = n;
    return i->records + lo;
}

const struct sg_installation *sg_installations_of_serial(const struct sg_installations *i,
                                                         const char *serial, int64_t ts_s,
                                                         bool *ret_known)
{
    size_t lo = 0, hi = i->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(i->records[i->by_serial[mid]].serial, serial) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *ret_known = false;
    for (; lo < i->n; lo++) {
        const struct sg_installation *record = &i->records[i->by_serial[lo]];
        if (strcmp(record->serial, serial))
            break;
        *ret_known = true;
        if (ts_s > record->from_s && ts_s <= record->until_s)
            return record;
    }
    return NULL;
}

static const char *text_of(const json_t *o, const char *key, size_t max)
{
    const json_t *v = json_object_get(o, key);
    const char *s = json_string_value(v);

    return s && strlen(s) == json_string_length(v) && *s && strlen(s) <= max ? s : NULL;
}

static bool read_ratio(const json_t *o, const char *key, int64_t *ret)
{
    const json_t *v = json_object_get(o, key);

    *ret = json_integer_value(v);
    return json_is_integer(v) && *ret >= 1 && *ret <= RATIO_MAX;
}

static bool read_until(const json_t *o, int64_t *ret)
{
    const json_t *v = json_object_get(o, "until");

    if (json_is_null(v)) {
        *ret = INT64_MAX;
        return true;
    }
    return json_is_string(v) && sg_time_parse(json_string_value(v), ret) == 0;
}

/* One SEQUENCE and nothing behind it: whether a certificate stands in it is asked when it is
 * needed. */
static bool is_sequence(struct sg_bytes der)
{
    struct sg_reader r = sg_reader_over(der);
    uint8_t tag, len, more;
    size_t n;

    if (!sg_take_u8(&r, &tag) || tag != 0x30 || !sg_take_u8(&r, &len))
        return false;
    if (len < 0x80)
        return r.left == len;
    if (len < 0x81 || len > 0x82)
        return false;
    for (n = 0; len > 0x80; len--) {
        if (!sg_take_u8(&r, &more))
            return false;
        n = n << 8 | more;
    }
    return r.left == n;
}

static bool read_cert(const char *base64, struct sg_bytes *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(CERT_MAX);

    if (sg_base64_decode(&der, sg_bytes_str(base64)) != 0 || !is_sequence(sg_buf_bytes(&der)))
        return false;
    uint8_t *copy = malloc(der.len); /* a buffer has room that would never be used */
    if (!copy)
        return false;
    memcpy(copy, der.data, der.len);
    *ret = SG_BYTES(copy, der.len);
    return true;
}

int sg_installation_cert(const struct sg_installation *i, struct sg_cert **ret)
{
    if (i->cert)
        return sg_cert_of_x509(ret, sg_cert_x509(i->cert));
    return sg_cert_load(ret, i->der) ? SG_INSTALLATIONS_MALFORMED : 0;
}

void sg_installation_fingerprint(const struct sg_installation *i, uint8_t ret[32])
{
    if (i->cert)
        sg_cert_fingerprint(i->cert, ret);
    else
        sg_sha256(ret, i->der);
}

/* NULL, or what is wrong with the record. */
static const char *read_record(const json_t *o, struct sg_installation *ret)
{
    const json_t *client = json_object_get(o, "client_id");
    const char *serial = text_of(o, "meter_serial", SG_INSTALLATION_SERIAL_MAX);
    const char *from = text_of(o, "from", 32);
    const char *cert = text_of(o, "metrology_cert", 2 * CERT_MAX);

    if (!json_is_integer(client))
        return "client_id must be an integer";
    if (!serial)
        return "meter_serial must be a text of 1 to 20 characters";
    if (!from || sg_time_parse(from, &ret->from_s) != 0 || !read_until(o, &ret->until_s) ||
        ret->until_s <= ret->from_s)
        return "from and until must be times of RFC 3339, in order";
    if (!read_ratio(o, "ratio_num", &ret->ratio_num) ||
        !read_ratio(o, "ratio_den", &ret->ratio_den))
        return "ratio_num and ratio_den must be 1..1000000";
    if (!cert || !read_cert(cert, &ret->der))
        return "metrology_cert must be the base64 of a DER certificate";
    ret->client = json_integer_value(client);
    snprintf(ret->serial, sizeof(ret->serial), "%s", serial);
    return NULL;
}

struct list {
    struct sg_installation *records;
    size_t n, room;
};

static void clear_list(struct list *l)
{
    clear_records(l->records, l->n);
}

/* A zeroed record behind the others. */
static struct sg_installation *next_record(struct list *l)
{
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        struct sg_installation *more = reallocarray(l->records, room, sizeof(*more));
        if (!more)
            return NULL;
        l->records = more;
        l->room = room;
    }
    l->records[l->n] = (struct sg_installation){.client = 0};
    return &l->records[l->n++];
}

/* The next octet that is no white space, which is left there; 0 at the end. */
static char peek(struct sg_reader *in, size_t *line)
{
    while (in->left && (*in->at == ' ' || *in->at == '\t' || *in->at == '\r' || *in->at == '\n')) {
        *line += *in->at == '\n';
        in->at++;
        in->left--;
    }
    return in->left ? (char)*in->at : 0;
}

static bool take(struct sg_reader *in, size_t *line, char wanted)
{
    if (peek(in, line) != wanted)
        return false;
    in->at++;
    in->left--;
    return true;
}

/* The object at the start of in. */
static int take_record(struct sg_reader *in, size_t *line, struct list *l, char why[160])
{
    json_error_t error;
    SG_CLEANUP(json_decrefp)
    json_t *o = json_loadb((const char *)in->at, in->left,
                           JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);

    if (!o) {
        snprintf(why, 160, "line %zu: %.120s", *line + (size_t)error.line - 1, error.text);
        return SG_INSTALLATIONS_MALFORMED;
    }
    if (l->n == SG_INSTALLATIONS_MAX) {
        snprintf(why, 160, "more than %u records", SG_INSTALLATIONS_MAX);
        return SG_INSTALLATIONS_MALFORMED;
    }
    for (int i = 0; i < error.position; i++)
        *line += in->at[i] == '\n';
    in->at += error.position;
    in->left -= (size_t)error.position;
    struct sg_installation *record = next_record(l);
    if (!record)
        return sg_raise(-ENOMEM);
    const char *wrong = read_record(o, record);
    if (!wrong)
        return 0;
    snprintf(why, 160, "record %zu: %s", l->n, wrong);
    return SG_INSTALLATIONS_MALFORMED;
}

static int read_list(struct sg_reader *in, struct list *l, char why[160])
{
    size_t line = 1;
    bool more = false;

    if (!take(in, &line, '[')) {
        snprintf(why, 160, "not a list of installation records");
        return SG_INSTALLATIONS_MALFORMED;
    }
    while (more || peek(in, &line) != ']') {
        int r = take_record(in, &line, l, why);
        if (r)
            return r;
        more = take(in, &line, ',');
        if (more || peek(in, &line) == ']')
            continue;
        snprintf(why, 160, "line %zu: ',' or ']' expected after record %zu", line, l->n);
        return SG_INSTALLATIONS_MALFORMED;
    }
    if (take(in, &line, ']') && !peek(in, &line) && !in->left)
        return 0;
    snprintf(why, 160, "line %zu: the list has ended", line);
    return SG_INSTALLATIONS_MALFORMED;
}

int sg_installations_read(struct sg_bytes json, struct sg_installations *ret, char why[160])
{
    SG_CLEANUP(clear_list) struct list l = {NULL, 0, 0};
    struct sg_reader in = sg_reader_over(json);
    int r = read_list(&in, &l, why);

    if (r)
        return r;
    struct sg_installation *records = reallocarray(l.records, l.n + 1, sizeof(*records));
    size_t n = l.n;
    if (!records)
        return sg_raise(-ENOMEM);
    l = (struct list){NULL, 0, 0};
    return sg_installations_index(ret, records, n);
}

static void put_time(struct sg_json *j, const char *key, int64_t unix_s)
{
    char text[SG_RFC3339_MAX];

    sg_json_key(j, key);
    if (unix_s == INT64_MAX) {
        sg_json_null(j);
        return;
    }
    sg_time_rfc3339(text, unix_s);
    sg_json_str(j, text);
}

static int write_record(struct sg_json *j, const struct sg_installation *record)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(CERT_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(2 * CERT_MAX);
    int r = record->cert ? sg_cert_der(record->cert, &der) : sg_buf_append(&der, record->der);

    if (!r)
        r = sg_base64_append(&text, sg_buf_bytes(&der));
    if (r)
        return r;
    sg_json_object(j);
    sg_json_key(j, "client_id");
    sg_json_int(j, record->client);
    sg_json_key(j, "meter_serial");
    sg_json_str(j, record->serial);
    put_time(j, "from", record->from_s);
    put_time(j, "until", record->until_s);
    sg_json_key(j, "ratio_num");
    sg_json_int(j, record->ratio_num);
    sg_json_key(j, "ratio_den");
    sg_json_int(j, record->ratio_den);
    sg_json_key(j, "metrology_cert");
    sg_json_strn(j, sg_buf_bytes(&text));
    sg_json_end_object(j);
    return 0;
}

int sg_installations_write(const struct sg_installation *records, size_t n, struct sg_buf *ret)
{
    struct sg_json j;
    int r = 0;

    sg_json_init(&j, ret);
    sg_json_array(&j);
    for (size_t i = 0; i < n && !r; i++)
        r = write_record(&j, &records[i]);
    if (r)
        return r;
    sg_json_end_array(&j);
    return sg_json_done(&j);
}
