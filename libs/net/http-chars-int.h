#pragma once
/*
 * http chars - octet classes of RFC 9110 section 5.6 and RFC 3986, without locale.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool sg_http_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool sg_http_is_alnum(uint8_t c)
{
    return sg_http_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* tchar. */
static inline bool sg_http_is_token(uint8_t c)
{
    return sg_http_is_alnum(c) || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* What a head may hold besides CR and LF: HTAB, SP, VCHAR, obs-text. */
static inline bool sg_http_is_text(uint8_t c)
{
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

/* pchar and '/', without the percent sign. */
static inline bool sg_http_is_path(uint8_t c)
{
    return sg_http_is_alnum(c) || (c != 0 && strchr("-._~!$&'()*+,;=:@/", c) != NULL);
}

static inline uint8_t sg_http_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* -1 if c is no hexadecimal digit. */
static inline int sg_http_hex_value(uint8_t c)
{
    if (sg_http_is_digit(c))
        return c - '0';
    c = sg_http_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
