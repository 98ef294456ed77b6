#pragma once
/*
 * utf8 - RFC 3629: no overlong form, no surrogate, nothing past U+10FFFF.
 */
#include <sealgrid/base/bytes.h>

bool sg_utf8_valid(struct sg_bytes text);
/* Length of the sequence that starts at octet at (at < text.len), 0 if there is none. */
size_t sg_utf8_next(struct sg_bytes text, size_t at);
