/*
 * compat_frame - every version of the sealed frame ever written must open: images in
 * tests/compat/frame, made independently from the ADR.  Opens each, seals it again, compares.
 */
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/meter/session.h>
#include <stdio.h>

static const char *path = "tests/compat/frame/v1.txt";

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", path, what);
    exit(1);
}

/* The octets of "name = hex" in the image. */
static struct sg_buf field(const struct sg_buf *text, const char *name)
{
    struct sg_buf ret = SG_BUF_INIT(4096);
    char key[64];
    snprintf(key, sizeof key, "\n%s = ", name);
    const char *at = strstr((const char *)text->data, key);
    require(at != NULL, name);
    at += strlen(key);
    require(sg_hex_decode(&ret, SG_BYTES(at, strcspn(at, "\n"))) == 0, name);
    return ret;
}

static void check_sealed(const struct sg_buf *text, const uint8_t *prk, const char *name,
                         const char *plain_name)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf frame = field(text, name);
    SG_CLEANUP(sg_buf_clear) struct sg_buf want = field(text, plain_name);
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(4096);
    struct sg_frame f;
    struct sg_frame_key k;
    require(sg_frame_decode(sg_buf_bytes(&frame), &f) == 0, "does not decode");
    bool up = f.type == SG_FRAME_UPLINK;
    sg_edhoc_export_from(prk, up ? SG_SESSION_LABEL_UPLINK : SG_SESSION_LABEL_DOWNLINK,
                         up ? SG_BYTES_NONE : SG_BYTES_ARRAY(f.sender), (uint8_t *)&k, sizeof k);
    require(sg_frame_open(&k, &f, &plain) == 0, "does not open");
    require(sg_bytes_equal(sg_buf_bytes(&plain), sg_buf_bytes(&want)), "opens to something else");
    int r = up ? sg_frame_seal_uplink(&k, f.id, f.seq, sg_buf_bytes(&plain), &again)
               : sg_frame_seal_downlink(&k, f.id, f.sender, f.seq, sg_buf_bytes(&plain), &again);
    require(r == 0 && sg_bytes_equal(sg_buf_bytes(&again), sg_buf_bytes(&frame)),
            "seals to something else");
}

static void check_acks(const struct sg_buf *text)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = field(text, "downlink_plain");
    struct sg_ack acks[SG_ACKS_MAX];
    size_t n;
    require(sg_ack_decode(sg_buf_bytes(&plain), acks, &n) == 0 && n == 3, "acknowledgement");
    require(acks[0].seq == 258 && acks[0].status == SG_ACK_STORED, "first entry");
    require(acks[1].seq == 2 && acks[1].status == SG_ACK_DUPLICATE, "second entry");
    require(acks[2].seq == 257 && acks[2].status == SG_ACK_REFUSED &&
                acks[2].reason == SG_REFUSED_FOREIGN,
            "third entry");
}

static void check_error(const struct sg_buf *text)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf frame = field(text, "error");
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = field(text, "error_message");
    struct sg_frame f;
    require(sg_frame_decode(sg_buf_bytes(&frame), &f) == 0 && f.type == SG_FRAME_EDHOC_ERROR &&
                sg_bytes_equal(f.body, sg_buf_bytes(&message)),
            "error frame");
}

int main(int argc, char **argv)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    if (argc > 1)
        path = argv[1];
    require(sg_file_read(path, &text) == 0 && sg_buf_append_u8(&text, 0) == 0, "cannot read");
    SG_CLEANUP(sg_buf_clear) struct sg_buf prk = field(&text, "prk_exporter");
    require(prk.len == SG_EDHOC_PRK_LEN, "PRK_exporter");
    check_sealed(&text, prk.data, "uplink", "uplink_plain");
    check_sealed(&text, prk.data, "downlink", "downlink_plain");
    check_acks(&text);
    check_error(&text);
    printf("%s: every frame opens\n", path);
    return 0;
}
