#pragma once
/*
 * csv - lines and fields of the small tables that this program reads beside the load: labels,
 * rankings, facts about customers.
 *
 * RFC 4180, but a field holds no line end.  Doubled quotes stay doubled: no column that is used has
 * any.  Nothing is copied: fields borrow the text.
 */
#include <sealgrid/base/buf.h>

#define CSV_COLUMNS_MAX 64

/* A file's text, without the byte order mark that some programs put before UTF-8. */
struct sg_bytes csv_text(struct sg_bytes file);
/* Takes the next line off the text, without its end; false: there is none. */
bool csv_line(struct sg_bytes *text, struct sg_bytes *ret);
/* Fields of a line, without their quotes; what is past CSV_COLUMNS_MAX is left. */
size_t csv_split(struct sg_bytes line, struct sg_bytes field[CSV_COLUMNS_MAX]);
/* Field number `column` of n; empty if there is none, as with column -1. */
struct sg_bytes csv_at(const struct sg_bytes *field, size_t n, int column);
bool csv_is(struct sg_bytes field, const char *word);
/* A finite decimal number, nothing else in the field. */
bool csv_number(struct sg_bytes field, double *ret);
/* What may name a customer: 1 to SG_FRAUD_ID_MAX octets, no quote, no control character. */
bool csv_is_name(struct sg_bytes id);
/* A name as a field: one that a spreadsheet would run as a formula gets a ' before it, and what
 * would show another name than it is stands as its code, <U+202E>. */
SG_MUST_USE int csv_put_name(struct sg_buf *b, const char *id);
/* Words of our own as a field: in quotes if they hold a comma or a quote, which is doubled. */
SG_MUST_USE int csv_put_words(struct sg_buf *b, const char *words);
