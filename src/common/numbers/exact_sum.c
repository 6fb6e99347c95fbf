// SPDX-License-Identifier: MIT
#include "common/numbers/exact_sum.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

enum {
    DIGIT_BITS = 32,
    OFFSET = 36 * DIGIT_BITS, // digit 0 counts 2^-OFFSET
    MANTISSA = 53,            // bits of a double
    TERMS_MAX = 1 << 29       // before a digit could overflow
};

static const uint64_t digit_mask = UINT32_MAX;

// Afterwards all digits but the last are in [0, 2^32).
static void carry(struct exact_sum *sum)
{
    int64_t up = 0;
    for (int i = 0; i < EXACT_SUM_DIGITS - 1; i++) {
        const int64_t digit = sum->digits[i] + up;
        const int64_t low = (int64_t)((uint64_t)digit & digit_mask);
        up = (digit - low) / (INT64_C(1) << DIGIT_BITS);
        sum->digits[i] = low;
    }
    sum->digits[EXACT_SUM_DIGITS - 1] += up;
    sum->terms = 0;
}

void exact_sum_add(struct exact_sum *sum, double term)
{
    int exponent;
    const double part = frexp(fabs(term), &exponent);
    const uint64_t mantissa = (uint64_t)ldexp(part, MANTISSA);
    const int64_t sign = term < 0 ? -1 : 1;
    assert(isfinite(term));
    if (mantissa == 0)
        return;
    const int place = exponent - MANTISSA + OFFSET, shift = place % DIGIT_BITS;
    int64_t *digits = sum->digits + place / DIGIT_BITS;
    const uint64_t low = (mantissa & digit_mask) << shift, high = (mantissa >> DIGIT_BITS) << shift;
    digits[0] += sign * (int64_t)(low & digit_mask);
    digits[1] += sign * (int64_t)((low >> DIGIT_BITS) + (high & digit_mask));
    digits[2] += sign * (int64_t)(high >> DIGIT_BITS);
    if (++sum->terms == TERMS_MAX)
        carry(sum);
}

void exact_sum_add_square(struct exact_sum *sum, double term)
{
    const double square = term * term;
    exact_sum_add(sum, square);
    exact_sum_add(sum, fma(term, term, -square));
}

// Of a sum that is not negative, all of whose digits are in [0, 2^32): its 64 leading bits, the last one set also where anything is below.
static double rounded(const int64_t *digits)
{
    int top = EXACT_SUM_DIGITS - 1;
    while (top > 2 && digits[top] == 0)
        top--;
    const uint64_t first = (uint64_t)digits[top], second = (uint64_t)digits[top - 1], third = (uint64_t)digits[top - 2];
    int shift = 0;
    if (first == 0) // digit 2 has the smallest double
        return 0;
    while (!(first << shift >> (DIGIT_BITS - 1)))
        shift++;
    uint64_t bits = first << (DIGIT_BITS + shift) | second << shift | third >> (DIGIT_BITS - shift);
    bool below = (third << shift & digit_mask) != 0;
    for (int i = 0; i < top - 2 && !below; i++)
        below = digits[i] != 0;
    bits |= below;
    return ldexp((double)bits, (top - 1) * DIGIT_BITS - shift - OFFSET);
}

double exact_sum_value(const struct exact_sum *sum)
{
    struct exact_sum whole = *sum;
    carry(&whole);
    const bool negative = whole.digits[EXACT_SUM_DIGITS - 1] < 0;
    for (int i = 0; negative && i < EXACT_SUM_DIGITS; i++)
        whole.digits[i] = -whole.digits[i];
    if (negative)
        carry(&whole);
    return negative ? -rounded(whole.digits) : rounded(whole.digits);
}
