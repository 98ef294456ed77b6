#include "file-head-int.h"

#include <string.h>

int sg_file_head_get(struct sg_reader *r, const char *format, uint64_t version, uint64_t fields)
{
    struct sg_bytes word;
    uint64_t n, told;
    if (sg_cbor_get_array(r, &n) || sg_cbor_get_text(r, &word) ||
        !sg_bytes_equal(word, sg_bytes_str(format)) || sg_cbor_get_uint(r, &told))
        return FILE_HEAD_OTHER;
    if (told != version)
        return FILE_HEAD_VERSION;
    return n == fields ? 0 : FILE_HEAD_OTHER;
}

bool sg_file_label_get(struct sg_reader *r, char *label, size_t max)
{
    struct sg_bytes text;
    if (sg_cbor_get_text(r, &text) || text.len < 1 || text.len > max ||
        memchr(text.data, 0, text.len))
        return false;
    memcpy(label, text.data, text.len);
    label[text.len] = '\0';
    return true;
}
