#pragma once
/*
 * image - the text files of the compat tests: lines "name = octets in hex" or "name = words",
 * comments from # on.  Every helper ends the program with a message if something is not as it must
 * be.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <stdio.h>
#include <stdlib.h>

#define IMAGE_MAX (1u << 20)

struct image {
    const char *path;
    struct sg_buf text; /* ends with a zero */
};

static inline void image_require(const struct image *im, bool ok, const char *name,
                                 const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s: %s\n", im->path, name, what);
    exit(1);
}

static inline void image_open(struct image *im, const char *path)
{
    *im = (struct image){path, SG_BUF_INIT(IMAGE_MAX)};
    image_require(im, sg_file_read(path, &im->text) == 0 && sg_buf_append_u8(&im->text, 0) == 0,
                  "file", "cannot be read");
}

/* What stands behind "name = ", to the line's end; no data if there is no such line. */
static inline struct sg_bytes image_find(const struct image *im, const char *name)
{
    char key[80];
    snprintf(key, sizeof(key), "\n%s = ", name);
    const char *at = strstr((const char *)im->text.data, key);
    if (!at)
        return SG_BYTES_NONE;
    at += strlen(key);
    return SG_BYTES(at, strcspn(at, "\n"));
}

static inline struct sg_buf image_octets(const struct image *im, const char *name)
{
    struct sg_buf ret = SG_BUF_INIT(IMAGE_MAX);
    struct sg_bytes hex = image_find(im, name);
    image_require(im, hex.data && sg_hex_decode(&ret, hex) == 0, name, "is not there");
    return ret;
}

/* The line's words written again must be these: compares every field of a structure at once. */
static inline void image_expect_words(const struct image *im, const char *name,
                                      const struct sg_buf *words)
{
    struct sg_bytes line = image_find(im, name);
    image_require(im, line.data != NULL, name, "is not there");
    image_require(im, sg_bytes_equal(line, sg_buf_bytes(words)), name, "differs");
}

static inline void image_expect_octets(const struct image *im, const char *name,
                                       struct sg_bytes have)
{
    struct sg_buf want = image_octets(im, name);
    image_require(im, sg_bytes_equal(sg_buf_bytes(&want), have), name, "differs");
    sg_buf_clear(&want);
}
