/*
 * Octet 0 chooses: bit 0 answer or request, bit 1 answer to HEAD, the rest how the input is cut.
 * What follows is one message.  Three readings must agree: whole, octet by octet, and in pieces of
 * odd sizes.  A message that is understood is written out again and must mean the same when read.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/net/http-parser.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct sg_http_head head;
    struct sg_buf body;
    int head_r, body_r;
    bool done;
    size_t used;
};

#define INPUT_MAX (1u << 20)

static struct reading reading_of(uint8_t choice)
{
    struct reading m = {.body = SG_BUF_INIT(2 * INPUT_MAX), .head_r = SG_HTTP_PARSE_MORE};
    sg_http_head_init(&m.head, choice & 1 ? SG_HTTP_RESPONSE : SG_HTTP_REQUEST);
    m.head.answers_head = choice & 2;
    return m;
}

static void clear(struct reading *m)
{
    sg_http_head_clear(&m->head);
    sg_buf_clear(&m->body);
}

/* step 0: sizes that follow from where we are. */
static size_t piece_at(size_t at, size_t left, size_t step)
{
    size_t n = step ? step : at * 7 % 61 + 1;
    return n < left ? n : left;
}

static void read_body(struct reading *m, struct sg_bytes in, size_t step)
{
    struct sg_http_body b;
    sg_http_body_init(&b, m->head.framing, m->head.content_length);
    while (m->used < in.len && !b.done && m->body_r == 0) {
        size_t n = piece_at(m->used, in.len - m->used, step), used = 0;
        struct sg_bytes piece = SG_BYTES_NONE;
        m->body_r = sg_http_body_feed(&b, SG_BYTES(in.data + m->used, n), &used, &piece);
        sg_assert(m->body_r || used > 0);
        sg_assert(sg_buf_append(&m->body, piece) == 0);
        m->used += used;
    }
    m->done = b.done;
}

static void read_message(struct reading *m, struct sg_bytes in, size_t step)
{
    while (m->used < in.len && m->head_r == SG_HTTP_PARSE_MORE) {
        size_t n = piece_at(m->used, in.len - m->used, step), used = 0;
        m->head_r = sg_http_head_feed(&m->head, SG_BYTES(in.data + m->used, n), &used);
        m->used += used;
    }
    if (m->head_r == 0)
        read_body(m, in, step);
}

static void expect_same_head(const struct sg_http_head *a, const struct sg_http_head *b)
{
    sg_assert(a->minor == b->minor && a->status == b->status && a->framing == b->framing &&
              a->content_length == b->content_length && a->keep_alive == b->keep_alive &&
              a->expect_continue == b->expect_continue && a->n_fields == b->n_fields);
    for (unsigned i = 0; i < a->n_fields; i++) {
        sg_assert(!strcmp(sg_http_head_field_name(a, i), sg_http_head_field_name(b, i)));
        sg_assert(!strcmp(sg_http_head_field_value(a, i), sg_http_head_field_value(b, i)));
    }
    if (a->kind == SG_HTTP_REQUEST) {
        sg_assert(!strcmp(sg_http_head_method(a), sg_http_head_method(b)));
        sg_assert(!strcmp(sg_http_head_target(a), sg_http_head_target(b)));
    }
}

static void expect_same(const struct reading *a, const struct reading *b)
{
    sg_assert(a->head_r == b->head_r && a->body_r == b->body_r && a->done == b->done);
    if (a->head_r == 0)
        expect_same_head(&a->head, &b->head);
    if (a->head_r == 0 && a->body_r == 0)
        sg_assert(a->used == b->used &&
                  sg_bytes_equal(sg_buf_bytes(&a->body), sg_buf_bytes(&b->body)));
}

/* ---- decode, encode, compare ---- */

static void put_start(struct sg_buf *out, const struct sg_http_head *h)
{
    if (h->kind == SG_HTTP_REQUEST)
        sg_assert(sg_http_put_request_line(out, sg_http_head_method(h), sg_http_head_target(h)) ==
                  0);
    else
        sg_assert(sg_http_put_status_line(out, h->status) == 0);
    /* We write 1.1 only; a reading of 1.0 is compared as 1.0. */
    if (h->minor == 0) {
        uint8_t *digit = h->kind == SG_HTTP_REQUEST ? out->data + out->len - 3 : out->data + 7;
        *digit = '0';
    }
}

static void put_body(struct sg_buf *out, const struct sg_http_head *h, struct sg_bytes body)
{
    uint8_t head[SG_HTTP_CHUNK_HEAD];
    if (h->framing == SG_HTTP_CHUNKED && body.len) {
        sg_http_chunk_head(head, (uint32_t)body.len);
        sg_assert(sg_buf_append(out, SG_BYTES_ARRAY(head)) == 0);
    }
    sg_assert(sg_buf_append(out, body) == 0);
    if (h->framing == SG_HTTP_CHUNKED)
        sg_assert(sg_buf_printf(out, "%s0\r\n\r\n", body.len ? "\r\n" : "") == 0);
}

static void write_and_read_back(const struct reading *m, uint8_t choice)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(4 * INPUT_MAX);
    SG_CLEANUP(clear) struct reading again = reading_of(choice);
    put_start(&out, &m->head);
    for (unsigned i = 0; i < m->head.n_fields; i++)
        sg_assert(sg_http_put_field(&out, sg_http_head_field_name(&m->head, i),
                                    sg_http_head_field_value(&m->head, i)) == 0);
    sg_assert(sg_buf_printf(&out, "\r\n") == 0);
    put_body(&out, &m->head, sg_buf_bytes(&m->body));
    read_message(&again, sg_buf_bytes(&out), out.len);
    /* Canonical spelling may be longer than what came, and so pass a limit; never be wrong. */
    if (again.head_r == SG_HTTP_PARSE_LARGE || again.head_r == SG_HTTP_PARSE_LONG_LINE)
        return;
    sg_assert(again.head_r == 0 && again.body_r == 0 && again.used == out.len);
    expect_same_head(&m->head, &again.head);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&m->body), sg_buf_bytes(&again.body)));
}

static void read_target(const struct sg_http_head *h)
{
    struct sg_http_target t;
    sg_http_target_init(&t);
    int r = sg_http_target_parse(&t, sg_http_head_method(h), sg_http_head_target(h),
                                 sg_http_head_field(h, "Host"));
    sg_assert(r == 0 || r == SG_HTTP_PARSE_BAD);
    if (r == 0) {
        const char *path = sg_http_target_path(&t);
        sg_assert(path[0] == '/' || strcmp(path, "*") == 0);
        sg_assert(!strstr(path, "/../") && !strstr(path, "/./"));
        for (unsigned i = 0; i < t.n_params; i++)
            sg_assert(sg_http_target_param(&t, (char *)t.text.data + t.params[i].name_at));
    }
    sg_http_target_clear(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    SG_CLEANUP(clear) struct reading whole = reading_of(data[0]);
    SG_CLEANUP(clear) struct reading octets = reading_of(data[0]);
    SG_CLEANUP(clear) struct reading pieces = reading_of(data[0]);
    struct sg_bytes in = SG_BYTES(data + 1, size - 1);
    read_message(&whole, in, in.len);
    read_message(&octets, in, 1);
    read_message(&pieces, in, data[0] >> 2);
    expect_same(&whole, &octets);
    expect_same(&whole, &pieces);
    if (whole.head_r)
        return 0;
    if (whole.head.kind == SG_HTTP_REQUEST)
        read_target(&whole.head);
    bool complete = whole.body_r == 0 && (whole.done || whole.head.framing == SG_HTTP_UNTIL_CLOSE);
    if (complete)
        write_and_read_back(&whole, data[0]);
    return 0;
}
