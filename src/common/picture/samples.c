// SPDX-License-Identifier: MIT
#include "common/picture/samples.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/half.h"

bool samples_are_known(struct sample_type type)
{
    const int bits = type.bits;
    return type.kind == SAMPLE_FLOAT ? bits == 16 || bits == 32 || bits == 64 : bits == 8 || bits == 16 || bits == 32;
}

void samples_range(struct sample_type type, double *low, double *high)
{
    *low = type.kind == SAMPLE_INT ? -ldexp(1, type.bits - 1) : 0;
    *high = type.kind == SAMPLE_FLOAT ? 1 : *low + ldexp(1, type.bits) - 1;
}

bool raster_is_plain(const struct image_raster *raster)
{
    double low, high;
    samples_range(raster->type, &low, &high);
    return raster->low == low && raster->high == high &&
           (raster->type.kind == SAMPLE_FLOAT ? raster->type.bits == 32 : raster->type.kind == SAMPLE_UINT && raster->type.bits <= 16);
}

// To the nearest, to even ones in the middle between two; what is too large becomes the largest.
static uint16_t to_half(double value)
{
    int exponent;
    if (isnan(value))
        return 0x7e00;
    const double size = fmin(fabs(value), 65504);
    const uint16_t sign = value < 0 ? 0x8000 : 0;
    frexp(size, &exponent); // size < 2^exponent
    const int least = exponent < -13 ? -13 : exponent;
    const int whole = (int)nearbyint(ldexp(size, 11 - least)); // 1024..2048, or fewer where the exponent is the least
    return (uint16_t)(sign | (whole + (size > 0 && least > -14 ? (least + 13) * 1024 : 0)));
}

static inline float value_of(double sample, double no_data)
{
    if (sample == no_data || !isfinite(sample))
        return NAN;
    return (float)fmax(-FLT_MAX, fmin(FLT_MAX, sample));
}

#define LOAD(of, from)                                                                                                                     \
    for (size_t i = 0; i < count; i++)                                                                                                     \
    values[i] = value_of((double)from(((const of *)samples)[i * step]), no_data)

void samples_load(struct sample_type type, const void *samples, size_t count, size_t step, double no_data, float *values)
{
    switch ((int)type.kind * 100 + type.bits) {
    case SAMPLE_UINT * 100 + 8:
        LOAD(uint8_t, );
        break;
    case SAMPLE_UINT * 100 + 16:
        LOAD(uint16_t, );
        break;
    case SAMPLE_UINT * 100 + 32:
        LOAD(uint32_t, );
        break;
    case SAMPLE_INT * 100 + 8:
        LOAD(int8_t, );
        break;
    case SAMPLE_INT * 100 + 16:
        LOAD(int16_t, );
        break;
    case SAMPLE_INT * 100 + 32:
        LOAD(int32_t, );
        break;
    case SAMPLE_FLOAT * 100 + 16:
        LOAD(uint16_t, half_to_float);
        break;
    case SAMPLE_FLOAT * 100 + 32:
        no_data = (float)no_data; // as the file has it
        LOAD(float, );
        break;
    default:
        LOAD(double, );
    }
}

// Whole ones, one step away from no_data.
static double round_value(struct sample_type type, double value, double no_data)
{
    double low, high;
    samples_range(type, &low, &high);
    value = nearbyint(fmax(low, fmin(high, value)));
    return value != no_data ? value : value < high ? value + 1 : value - 1;
}

static float avoid(float value, float no_data)
{
    return value == no_data ? nextafterf(value, 0.5f) : value;
}

void samples_store(struct sample_type type, void *sample, double value, double no_data)
{
    if (type.kind == SAMPLE_FLOAT) {
        if (type.bits == 64)
            *(double *)sample = value == no_data ? nextafter(value, 0.5) : value;
        else if (type.bits == 32)
            *(float *)sample = avoid((float)value, (float)no_data);
        else
            *(uint16_t *)sample = (uint16_t)(to_half(value) ^ (half_to_float(to_half(value)) == no_data));
        return;
    }
    value = round_value(type, value, no_data);
    const uint32_t whole = type.kind == SAMPLE_INT ? (uint32_t)(int32_t)value : (uint32_t)value;
    if (type.bits == 8)
        *(uint8_t *)sample = (uint8_t)whole;
    else if (type.bits == 16)
        *(uint16_t *)sample = (uint16_t)whole;
    else
        *(uint32_t *)sample = whole;
}

// Whole numbers in the order of floats.
static inline uint32_t key_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}

static float value_of_key(uint32_t key)
{
    const uint32_t bits = key & 0x80000000 ? key & 0x7fffffff : ~key;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

enum { BINS = 65536 };

// The bin in which the value of this rank is; the rank within it.
static uint32_t find_bin(const uint64_t *bins, uint64_t *rank)
{
    uint32_t bin = 0;
    while (bin < BINS - 1 && *rank >= bins[bin])
        *rank -= bins[bin++];
    return bin;
}

// First by the upper half of the keys, then, of those with the right one, by the lower half.
bool samples_percentiles(const float *values, size_t count, const double percents[2], double found[2])
{
    uint64_t *bins = calloc(2 * BINS, sizeof *bins), total = 0;
    for (size_t i = 0; bins && i < count; i++)
        if (!isnan(values[i])) {
            bins[key_of(values[i]) >> 16]++;
            total++;
        }
    for (int k = 0; k < 2 && total > 0; k++) {
        uint64_t rank = (uint64_t)nearbyint(percents[k] / 100 * (double)(total - 1));
        const uint32_t upper = find_bin(bins, &rank);
        memset(bins + BINS, 0, BINS * sizeof *bins);
        for (size_t i = 0; i < count; i++) {
            const uint32_t key = key_of(values[i]);
            if (key >> 16 == upper && !isnan(values[i]))
                bins[BINS + (key & 0xffff)]++;
        }
        found[k] = value_of_key(upper << 16 | find_bin(bins + BINS, &rank));
    }
    free(bins);
    return total > 0;
}
