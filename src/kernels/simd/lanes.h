// SPDX-License-Identifier: MIT
// One vector of LANES floats and what can be done with it. Included by one file an instruction set, which defines LANES and is compiled
// with that set's flags; without them the compiler makes do with what it has.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define ALWAYS_INLINE inline __attribute__((always_inline))

typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef int32_t lanes_int __attribute__((vector_size(4 * LANES)));
typedef uint8_t lanes_byte __attribute__((vector_size(LANES)));
typedef int8_t lanes_sbyte __attribute__((vector_size(LANES)));
typedef uint16_t lanes_half __attribute__((vector_size(2 * LANES)));

#if LANES == 16 && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define LANES_AVX512 1
#elif LANES == 8 && defined(__AVX2__) && defined(__FMA__)
#define LANES_AVX2 1
#endif

// a * b + c in one rounding where the machine can.
static ALWAYS_INLINE lanes multiply_add(lanes a, lanes b, lanes c)
{
#if LANES_AVX512
    return (lanes)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif LANES_AVX2
    return (lanes)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

static ALWAYS_INLINE lanes broadcast(float value)
{
#if LANES == 16
    return (lanes){value, value, value, value, value, value, value, value, value, value, value, value, value, value, value, value};
#else
    return (lanes){value, value, value, value, value, value, value, value};
#endif
}

static ALWAYS_INLINE lanes load(const float *at)
{
    return *(const lanes *)(const void *)at;
}

static ALWAYS_INLINE lanes load_anywhere(const float *at)
{
    lanes v;
    memcpy(&v, at, sizeof v);
    return v;
}

static ALWAYS_INLINE void store(float *at, lanes v)
{
    *(lanes *)(void *)at = v;
}

static ALWAYS_INLINE lanes_int choose(lanes_int which, lanes_int yes, lanes_int no)
{
    return (which & yes) | (~which & no);
}

static ALWAYS_INLINE lanes keep(lanes v, lanes_int which)
{
    return (lanes)((lanes_int)v & which);
}

// Bit l of the result: lane l is positive.
static ALWAYS_INLINE unsigned positive_bits(lanes v)
{
#if LANES_AVX512
    return _mm512_cmp_ps_mask((__m512)v, _mm512_setzero_ps(), _CMP_GT_OQ);
#elif LANES_AVX2
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps((__m256)v, _mm256_setzero_ps(), _CMP_GT_OQ));
#else
    unsigned bits = 0;
    for (int l = 0; l < LANES; l++)
        bits |= (unsigned)(v[l] > 0) << l;
    return bits;
#endif
}

static ALWAYS_INLINE lanes keep_bits(lanes v, unsigned bits)
{
#if LANES_AVX512
    return (lanes)_mm512_maskz_mov_ps((__mmask16)bits, (__m512)v);
#else
#if LANES == 16
    const lanes_int bit = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
#else
    const lanes_int bit = {1, 2, 4, 8, 16, 32, 64, 128};
#endif
    return keep(v, (bit & (int32_t)bits) == bit);
#endif
}

// bfloat16 is the upper half of a float.
static ALWAYS_INLINE lanes load_bf16(const uint16_t *at)
{
    const lanes_half half = *(const lanes_half *)(const void *)at;
#if LANES_AVX2
    return (lanes)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)half), 16);
#else
    return (lanes)(__builtin_convertvector(half, lanes_int) << 16);
#endif
}

// Rounded to nearest, ties to even. A NaN stays one.
static ALWAYS_INLINE void store_bf16(uint16_t *at, lanes v)
{
    typedef uint32_t lanes_unsigned __attribute__((vector_size(4 * LANES)));
    const lanes_unsigned bits = (lanes_unsigned)v, nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const lanes_unsigned nan = (lanes_unsigned)(v != v), rounded = (nan & ((bits >> 16) | 0x40)) | (~nan & nearest);
#if LANES_AVX2
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32((__m256i)rounded, (__m256i)rounded), 0xd8);
    _mm_store_si128((__m128i *)(void *)at, _mm256_castsi256_si128(packed));
#else
    *(lanes_half *)(void *)at = __builtin_convertvector(rounded, lanes_half);
#endif
}

static ALWAYS_INLINE lanes load_value(const void *data, bool bf16, size_t value)
{
    return bf16 ? load_bf16((const uint16_t *)data + value) : load((const float *)data + value);
}
