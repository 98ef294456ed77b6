/*
 * compat_block - every version of the signed block ever written must decode, verify and encode to
 * the same octets: images in tests/compat/block, made independently from the ADR.
 */
#include "image.h"

#include <inttypes.h>
#include <sealgrid/meter/block.h>

static struct image image;

static void require(bool ok, const char *name, const char *what)
{
    image_require(&image, ok, name, what);
}

static void expect_header(const char *set, enum sg_sign_alg alg, const struct sg_block_header *h)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf words = SG_BUF_INIT(1024);
    char name[64];

    require(sg_buf_printf(&words,
                          "%d %s %" PRIu64 " %" PRIu32 " %" PRId64 " %" PRIu32 " %d %" PRIu32
                          " %" PRIu32,
                          (int)alg, h->serial, h->first_seq, h->count, h->first_ts_s, h->interval_s,
                          (int)h->clock, h->software, h->format) == 0,
            set, "does not print");
    snprintf(name, sizeof(name), "%s_header", set);
    image_expect_words(&image, name, &words);
    snprintf(name, sizeof(name), "%s_root", set);
    image_expect_octets(&image, name, SG_BYTES_ARRAY(h->root));
}

static void expect_reading(const char *set, uint32_t format, uint32_t i, const struct sg_reading *r)
{
    const bool first = format == SG_BLOCK_FORMAT_FIRST;
    const unsigned n = first ? SG_READING_FIELDS_FIRST : SG_READING_N_FIELDS;
    SG_CLEANUP(sg_buf_clear) struct sg_buf words = SG_BUF_INIT(1024);
    char name[64];
    int f = sg_buf_printf(&words, "%" PRIu64 " %" PRId64, r->seq, r->ts_s);

    require(!first || sg_reading_is_short(r), set, "has fields that its format does not");
    for (unsigned k = 0; k < n && !f; k++)
        f = r->field[k] == SG_READING_NA ? sg_buf_printf(&words, " -")
                                         : sg_buf_printf(&words, " %" PRId64, r->field[k]);
    require(f == 0, set, "does not print");
    snprintf(name, sizeof(name), "%s_reading_%" PRIu32, set, i);
    image_expect_words(&image, name, &words);
}

static void check_evidence(const char *set, const struct sg_block_evidence *e,
                           const struct sg_reading *readings, const struct sg_key *key)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_BLOCK_EVIDENCE_MAX);
    struct sg_block_evidence back;
    char name[64];

    snprintf(name, sizeof(name), "%s_evidence", set);
    require(sg_block_evidence_encode(e, &again) == 0, name, "does not encode");
    image_expect_octets(&image, name, sg_buf_bytes(&again));
    require(sg_block_evidence_decode(sg_buf_bytes(&again), &back) == 0, name, "does not decode");
    expect_header(set, back.alg, &back.header);
    require(memcmp(back.seed, e->seed, sizeof(back.seed)) == 0, name, "another seed");
    require(sg_block_verify(&back, readings, key) == 0, name, "does not verify");
}

/* The image's proofs of this set: made again, and checked on their own. */
static void check_proofs(const char *set, const struct sg_block_evidence *e,
                         const struct sg_reading *readings, const struct sg_key *key)
{
    unsigned found = 0;

    for (uint32_t i = 0; i < e->header.count; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_BLOCK_PROOF_MAX);
        struct sg_block_header header;
        struct sg_reading reading;
        char name[64];
        snprintf(name, sizeof(name), "%s_proof_%" PRIu32, set, i);
        if (!image_find(&image, name).data)
            continue;
        found++;
        SG_CLEANUP(sg_buf_clear) struct sg_buf proof = image_octets(&image, name);
        require(sg_block_prove(e, readings, i, &again) == 0, name, "is not made");
        require(sg_bytes_equal(sg_buf_bytes(&again), sg_buf_bytes(&proof)), name, "differs");
        require(sg_block_check_proof(sg_buf_bytes(&proof), key, &header, &reading) == 0, name,
                "does not prove");
        expect_header(set, e->alg, &header);
        expect_reading(set, header.format, i, &reading);
    }
    require(found > 0, set, "has no proof in the image");
}

static void check_set(const char *set)
{
    static struct sg_reading readings[SG_BLOCK_READINGS_MAX];
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_BLOCK_MAX);
    struct sg_block_evidence e;
    char name[64];

    snprintf(name, sizeof(name), "%s_spki", set);
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = image_octets(&image, name);
    require(sg_key_load_public(&key, sg_buf_bytes(&spki)) == 0, name, "is no key");
    snprintf(name, sizeof(name), "%s_wire", set);
    SG_CLEANUP(sg_buf_clear) struct sg_buf wire = image_octets(&image, name);
    require(sg_block_decode(sg_buf_bytes(&wire), &e, readings) == 0, name, "does not decode");
    require(sg_block_verify(&e, readings, key) == 0, name, "does not verify");
    expect_header(set, e.alg, &e.header);
    for (uint32_t i = 0; i < e.header.count; i++)
        expect_reading(set, e.header.format, i, &readings[i]);
    require(sg_block_encode(&e, readings, &again) == 0, name, "does not encode");
    require(sg_bytes_equal(sg_buf_bytes(&again), sg_buf_bytes(&wire)), name,
            "encodes to something else");
    snprintf(name, sizeof(name), "%s_seed", set);
    image_expect_octets(&image, name, SG_BYTES_ARRAY(e.seed));
    check_evidence(set, &e, readings, key);
    check_proofs(set, &e, readings, key);
}

static void check_image(const char *path)
{
    image_open(&image, path);
    check_set("es256");
    check_set("ps256");
    check_set("rs256");
    check_set("eddsa");
    printf("%s: every block decodes, verifies and encodes alike\n", image.path);
    sg_buf_clear(&image.text);
}

int main(int argc, char **argv)
{
    check_image(argc > 1 ? argv[1] : "tests/compat/block/v1.txt");
    check_image(argc > 2 ? argv[2] : "tests/compat/block/v2.txt");
    return 0;
}
