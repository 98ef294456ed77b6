#pragma once
/*
 * utf8 - RFC 3629: no overlong form, no surrogate, nothing past U+10FFFF.
 */
#include <sealgrid/base/bytes.h>

bool sg_utf8_valid(struct sg_bytes text);
/* Length of the sequence that starts at octet at (at < text.len), 0 if there is none. */
size_t sg_utf8_next(struct sg_bytes text, size_t at);
/* Whether the character of n octets at s shows something else than what is there, or does something:
 * C0, DEL and C1 controls, separators of lines and paragraphs, marks that make text read in another
 * order than it is written (Unicode TR 36, 2.1), U+FFFE and U+FFFF. */
bool sg_utf8_misleads(const uint8_t *s, size_t n);
