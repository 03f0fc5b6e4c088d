/*
 * json_number: which JSON numbers a machine can hold exactly.
 *
 * A decimal of up to 15 significant digits survives a double (DBL_DIG), and most need no library for it: both the
 * digits and the power of ten are exact, so that one division rounds once. Doubles between 2^-14 and 2^53 that need 16
 * or 17 digits are compared with their decimals in whole numbers of 128 bits, which is twenty times as fast as printing
 * them. The rest is printed and compared.
 */
#include "json_number.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DIGITS_MAX 17 /* no double needs more to be told from its neighbours */
#define EXPONENT_MAX 100000

/* digits * 10^exponent, without zeros at either end; 0 digits: zero */
typedef struct decimal_t {
    bool is_negative, is_real; /* real: written with a point or an exponent */
    uint64_t digits;
    int count;
    int64_t exponent;
} decimal_t;

static int64_t read_exponent(const char *at, const char *end)
{
    bool is_negative = at != end && *at == '-';
    int64_t exponent = 0;
    if (at != end && (*at == '-' || *at == '+'))
        ++at;
    for (; at != end; ++at)
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (*at - '0');
    return is_negative ? -exponent : exponent;
}

static bool add_digit(decimal_t *decimal, int digit, int64_t *zeros)
{
    if (digit == 0) {
        *zeros += decimal->count != 0;
        return true;
    }
    if (decimal->count + *zeros + 1 > 19)
        return false;
    for (; *zeros != 0; --*zeros, ++decimal->count)
        decimal->digits *= 10;
    decimal->digits = decimal->digits * 10 + (uint64_t)digit;
    ++decimal->count;
    return true;
}

/* False when there are more than 19 significant digits, the most that 64 bits always hold. */
static bool read_decimal(h2o_iovec_t json, decimal_t *decimal)
{
    const char *at = json.base, *end = at + json.len;
    int64_t zeros = 0, fraction = 0;
    *decimal = (decimal_t){.is_negative = *at == '-'};
    at += decimal->is_negative;
    for (; at != end && (*at | 0x20) != 'e'; ++at) {
        if (*at == '.') {
            decimal->is_real = true;
            continue;
        }
        fraction += decimal->is_real;
        if (!add_digit(decimal, *at - '0', &zeros))
            return false;
    }
    decimal->exponent = zeros - fraction;
    if (at != end) {
        decimal->is_real = true;
        decimal->exponent += read_exponent(at + 1, end);
    }
    return true;
}

/* --- integers --- */

static bool read_integer(h2o_iovec_t json, sl_number_t *number)
{
    bool is_negative = json.base[0] == '-';
    uint64_t value = 0;
    for (size_t i = is_negative; i != json.len; ++i) {
        uint64_t digit = (uint64_t)(json.base[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (!is_negative) {
        number->kind = SL_NUMBER_UNSIGNED;
        number->positive = value;
        return true;
    }
    if (value == 0 || value > (uint64_t)INT64_MAX + 1)
        return false; /* -0 is no integer of a machine */
    number->kind = SL_NUMBER_SIGNED;
    number->negative = (int64_t)(0 - value);
    return true;
}

/* --- doubles --- */

static double power_of_ten(int64_t exponent)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    return powers[exponent];
}

/* The shortest text in the form d.ddde+dd that reads back; returns how many digits it has. */
static int print_shortest(char *text, size_t size, double real)
{
    int digits = fabs(real) < DBL_MIN ? 1 : DBL_DIG; /* subnormals have fewer */
    for (; digits < DIGITS_MAX; ++digits) {
        snprintf(text, size, "%.*e", digits - 1, real);
        if (strtod(text, NULL) == real)
            return digits;
    }
    snprintf(text, size, "%.*e", digits - 1, real);
    return digits;
}

static bool prints_back(double real, const decimal_t *wanted)
{
    char text[48];
    decimal_t printed;
    print_shortest(text, sizeof(text), fabs(real));
    return read_decimal(sl_bytes_of(text), &printed) && printed.digits == wanted->digits &&
           printed.exponent == wanted->exponent;
}

/* --- doubles of everyday size, exactly --- */

typedef unsigned __int128 wide_t;

#define DECIMALS_MAX 22 /* 2^53 * 10^22 fits */

static wide_t wide_power_of_ten(int exponent)
{
    wide_t power = 1;
    for (; exponent != 0; --exponent)
        power *= 10;
    return power;
}

static wide_t distance(wide_t a, wide_t b)
{
    return a > b ? a - b : b - a;
}

/* real = mantissa / 2^shift. False for what is too large, too small, or a power of two: its lower neighbour is nearer
 * than the other one. */
static bool split(double real, uint64_t *mantissa, unsigned *shift)
{
    uint64_t bits, fraction_mask = ((uint64_t)1 << 52) - 1;
    memcpy(&bits, &real, sizeof(bits));
    uint64_t exponent = bits >> 52 & 0x7ff;
    *mantissa = (bits & fraction_mask) | (fraction_mask + 1);
    *shift = (unsigned)(1075 - exponent);
    return exponent >= 1075 - 66 && exponent < 1075 && (bits & fraction_mask) != 0;
}

typedef enum { NO, YES, UNSURE } verdict_t;

/*
 * Is this decimal, digits / 10^decimals, the shortest that reads back as one double? In units of 2^-shift / 10^decimals
 * that double is mantissa * 10^decimals, what reads back as it lies less than half of 10^decimals away, and the
 * decimals of this length are the multiples of 2^shift.
 */
static verdict_t is_shortest(const decimal_t *decimal, double *real)
{
    int decimals = (int)-decimal->exponent;
    wide_t power = wide_power_of_ten(decimals);
    uint64_t mantissa;
    unsigned shift;
    *real = (double)((long double)decimal->digits / (long double)power);
    if (!split(*real, &mantissa, &shift))
        return UNSURE;
    wide_t exact = mantissa * power, apart = distance(exact, (wide_t)decimal->digits << shift);
    if (2 * apart >= power)
        return UNSURE; /* the quotient was rounded twice */
    wide_t step = (wide_t)1 << shift;
    if (2 * apart > step || (2 * apart == step && decimal->digits % 2 != 0))
        return NO; /* another decimal of this length is nearer, or as near and even */
    wide_t unit = (wide_t)10 << shift, rest = exact % unit, shorter = rest < unit - rest ? rest : unit - rest;
    return 2 * shorter == power ? UNSURE : 2 * shorter < power ? NO : YES;
}

static bool read_double(const decimal_t *decimal, double *real)
{
    char text[64];
    if (decimal->count == 0) {
        *real = 0;
        return true;
    }
    if (decimal->count <= DBL_DIG && decimal->exponent >= -22 && decimal->exponent <= 22) {
        *real = decimal->exponent < 0 ? (double)decimal->digits / power_of_ten(-decimal->exponent)
                                      : (double)decimal->digits * power_of_ten(decimal->exponent);
        return true;
    }
    if (decimal->count > DIGITS_MAX || llabs(decimal->exponent) > 400)
        return false;
    if (decimal->count > DBL_DIG && decimal->exponent < 0 && decimal->exponent >= -DECIMALS_MAX) {
        verdict_t verdict = is_shortest(decimal, real);
        if (verdict != UNSURE)
            return verdict == YES;
    }
    snprintf(text, sizeof(text), "%llue%lld", (unsigned long long)decimal->digits, (long long)decimal->exponent);
    *real = strtod(text, NULL);
    return isfinite(*real) && *real != 0 &&
           ((decimal->count <= DBL_DIG && *real >= DBL_MIN) || prints_back(*real, decimal));
}

bool sl_number_read(h2o_iovec_t json, sl_number_t *number)
{
    decimal_t decimal;
    if (read_integer(json, number))
        return true;
    number->kind = SL_NUMBER_DOUBLE;
    if (!read_decimal(json, &decimal) || !read_double(&decimal, &number->real))
        return false;
    if (decimal.is_negative)
        number->real = -number->real;
    return true;
}

/* --- printing --- */

/* The fewest decimals that tell this double from its neighbours; false when it is none of everyday size. */
static bool put_decimals(sl_text_t *out, double real)
{
    uint64_t mantissa;
    unsigned shift;
    if (!split(real, &mantissa, &shift))
        return false;
    wide_t exact = mantissa, power = 1, half = (wide_t)1 << (shift - 1);
    uint64_t digits = 0;
    int decimals = 0;
    for (;; ++decimals, exact *= 10, power *= 10) {
        if (decimals > DECIMALS_MAX)
            return false;
        digits = (uint64_t)((exact + half) >> shift);
        if (digits % 2 != 0 && distance(exact, (wide_t)digits << shift) == half)
            --digits; /* of two that are as near the even one */
        if (2 * distance(exact, (wide_t)digits << shift) < power)
            break;
    }
    char text[2 * DECIMALS_MAX + 4], *end = text;
    uint64_t unit = decimals > 19 ? UINT64_MAX : (uint64_t)power; /* with so many decimals nothing stands in front */
    if (signbit(real))
        *end++ = '-';
    end = sl_put_number(end, digits / unit);
    *end++ = '.';
    end = sl_put_padded(end, digits % unit, decimals == 0 ? 1 : (size_t)decimals);
    sl_text_append(out, text, (size_t)(end - text));
    return true;
}

void sl_number_put_double(sl_text_t *out, double real)
{
    char text[48];
    if (put_decimals(out, real))
        return;
    snprintf(text, sizeof(text), "%.*g", print_shortest(text, sizeof(text), real), real);
    sl_text_put(out, text);
    if (strpbrk(text, ".e") == NULL)
        sl_text_put(out, ".0");
}
