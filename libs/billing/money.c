/* money - exact decimals. */
#include <sealgrid/billing/money.h>

#include <string.h>

#define PARSE_MAX INT64_C(1000000000000000000)

int64_t sg_pow10(unsigned n)
{
    int64_t v = 1;

    sg_assert(n <= 18);
    while (n--)
        v *= 10;
    return v;
}

static int64_t saturate(__int128 v)
{
    return v > INT64_MAX ? INT64_MAX : v < INT64_MIN ? INT64_MIN : (int64_t)v;
}

int64_t sg_round_div(__int128 n, __int128 d, enum sg_rounding mode)
{
    bool negative = n < 0;
    __int128 size, quotient, twice;

    sg_assert(d > 0);
    size = negative ? -n : n;
    quotient = size / d;
    twice = (size % d) * 2;
    if (twice > d || (twice == d && (mode == SG_ROUND_HALF_UP || (quotient & 1))))
        quotient++;
    return saturate(negative ? -quotient : quotient);
}

static bool take_digit(const char **text, int64_t *v)
{
    if (**text < '0' || **text > '9')
        return false;
    *v = *v * 10 + (**text - '0');
    (*text)++;
    return true;
}

int sg_decimal_parse(const char *text, unsigned digits, int64_t *ret)
{
    bool negative = *text == '-';
    unsigned decimals = 0;
    int64_t v = 0;

    text += negative;
    if (!take_digit(&text, &v))
        return sg_raise(-EINVAL);
    while (take_digit(&text, &v))
        if (v > PARSE_MAX / 10)
            return sg_raise(-ERANGE);
    if (*text == '.') {
        text++;
        for (; take_digit(&text, &v); decimals++)
            if (decimals == digits || v > PARSE_MAX / 10)
                return sg_raise(decimals == digits ? -EINVAL : -ERANGE);
        if (decimals == 0)
            return sg_raise(-EINVAL);
    }
    if (*text)
        return sg_raise(-EINVAL);
    for (; decimals < digits; decimals++)
        if (__builtin_mul_overflow(v, 10, &v) || v > PARSE_MAX)
            return sg_raise(-ERANGE);
    *ret = negative ? -v : v;
    return 0;
}

void sg_decimal_format(char ret[SG_DECIMAL_MAX], int64_t v, unsigned digits, unsigned min_decimals)
{
    char reversed[SG_DECIMAL_MAX];
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    size_t n = 0;

    sg_assert(digits <= 18 && min_decimals <= digits);
    unsigned left = digits;
    /* Trailing zeros first, then what is printed, from the right. */
    while (left > min_decimals && size % 10 == 0) {
        size /= 10;
        left--;
    }
    bool fraction = left > 0;
    for (; left > 0; left--, size /= 10)
        reversed[n++] = (char)('0' + size % 10);
    if (fraction)
        reversed[n++] = '.';
    do {
        reversed[n++] = (char)('0' + size % 10);
        size /= 10;
    } while (size);
    if (v < 0)
        reversed[n++] = '-';
    for (size_t i = 0; i < n; i++)
        ret[i] = reversed[n - 1 - i];
    ret[n] = '\0';
}
