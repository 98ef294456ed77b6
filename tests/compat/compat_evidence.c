/*
 * compat_evidence - every version of evidence file and bill ever written must be read: a customer's
 * proof outlives the program that made it.  Images in tests/compat/evidence.
 */
#include "image.h"

#include <inttypes.h>
#include <sealgrid/billing/bill.h>
#include <sealgrid/billing/evidence.h>

static struct image image;

static void require(bool ok, const char *name, const char *what)
{
    image_require(&image, ok, name, what);
}

static void expect_block(const char *set, uint32_t count, size_t readings,
                         const struct sg_evidence_block *b)
{
    char name[64];

    require(b->evidence.header.count == count && b->n_leaves == count && b->n_readings == readings,
            set, "has other counts");
    snprintf(name, sizeof(name), "%s_leaves", set);
    image_expect_octets(&image, name, SG_BYTES(b->leaves, 32 * b->n_leaves));
    for (uint32_t i = 0; i < count; i++) {
        uint8_t hash[32];
        require(sg_block_reading_hash(b->evidence.seed, i, &b->readings[i], hash) == 0 &&
                    memcmp(hash, b->leaves[i], 32) == 0,
                set, "reading is not its leaf");
    }
}

static void check_file(struct sg_bytes file)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(IMAGE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf words = SG_BUF_INIT(256);
    static struct sg_evidence_block b;
    struct sg_evidence_reader r;
    struct sg_evidence_head h;

    require(sg_evidence_open(&r, file, &h) == 0, "file", "does not open");
    require(sg_buf_printf(&words, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64, h.client,
                          h.from_s, h.until_s, h.n_blocks) == 0,
            "head", "does not print");
    image_expect_words(&image, "head", &words);
    require(sg_evidence_put_head(&again, &h) == 0, "head", "does not encode");
    require(sg_evidence_next(&r, &b) == 0, "es256", "is not read");
    expect_block("es256", 7, 7, &b);
    require(sg_evidence_put_block(&again, &b) == 0, "es256", "does not encode");
    require(sg_evidence_next(&r, &b) == 0, "ps256", "is not read");
    expect_block("ps256", 2, 3, &b);
    require(sg_evidence_put_block(&again, &b) == 0, "ps256", "does not encode");
    require(sg_evidence_next(&r, &b) == SG_EVIDENCE_END, "file", "goes on");
    require(sg_bytes_equal(sg_buf_bytes(&again), file), "file", "encodes to something else");
}

static void check_packed(struct sg_bytes file)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = image_octets(&image, "packed");
    SG_CLEANUP(sg_buf_clear) struct sg_buf bare = SG_BUF_INIT(IMAGE_MAX);

    require(sg_evidence_unpack(sg_buf_bytes(&packed), &bare) == 0, "packed", "does not unpack");
    require(sg_bytes_equal(sg_buf_bytes(&bare), file), "packed", "unpacks to something else");
}

static void check_bill(const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};

    require(sg_file_read(path, &json) == 0, path, "cannot be read");
    require(sg_bill_read(sg_buf_bytes(&json), &bill) == 0, path, "is not a bill with its hash");
    require(sg_bill_inconsistency(&bill) == NULL, path, "contradicts itself");
    require(bill.client == INT64_C(3000000001) && bill.billed == 2850 && bill.estimated == 30 &&
                bill.missing == 0 && bill.n_buckets == 4,
            path, "reads as another");
    require(sg_bill_write(&bill, &again) == 0, path, "is not written");
    require(sg_bytes_equal(sg_buf_bytes(&again), sg_buf_bytes(&json)), path,
            "is written otherwise");
}

int main(int argc, char **argv)
{
    image_open(&image, argc > 1 ? argv[1] : "tests/compat/evidence/v1.txt");
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = image_octets(&image, "file");
    check_file(sg_buf_bytes(&file));
    check_packed(sg_buf_bytes(&file));
    check_bill(argc > 2 ? argv[2] : "tests/compat/evidence/bill-v2.json");
    printf("%s: evidence and bill read and written alike\n", image.path);
    sg_buf_clear(&image.text);
    return 0;
}
