// SPDX-License-Identifier: MIT
// Floats of 16 bits, IEEE 754 binary16, as files have them: five bits of exponent, one less in effect where it is 0.
#pragma once

#include <math.h>
#include <stdint.h>

static inline float half_to_float(uint16_t half)
{
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const float size = exponent == 31 ? (fraction ? NAN : INFINITY)
                       : exponent     ? ldexpf((float)(fraction + 1024), exponent - 25)
                                      : ldexpf((float)fraction, -24);
    return half & 0x8000 ? -size : size;
}
