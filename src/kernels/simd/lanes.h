// SPDX-License-Identifier: MIT
// One vector of floats and what can be done with it. Included by one file an instruction set, which defines LANES, the channels of a block,
// and is compiled with that set's flags. A block is PARTS vectors: one, where registers are that wide; otherwise vectors are of four
// floats, which most machines have.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif
#ifdef __aarch64__
#include <arm_neon.h>
#endif

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define UNROLL(n) _Pragma(UNROLL_TEXT(GCC unroll n))
#define UNROLL_TEXT(text) #text

#if LANES == 16 && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define LANES_AVX512 1
#elif LANES == 8 && defined(__AVX2__) && defined(__FMA__)
#define LANES_AVX2 1
#endif
#if LANES_AVX512 || LANES_AVX2
#define VECTOR LANES
#else
#define VECTOR 4
#endif
enum { PARTS = LANES / VECTOR };
#define FOR_PARTS(p) UNROLL(4) for (int p = 0; p < PARTS; p++)

typedef float lanes __attribute__((vector_size(4 * VECTOR)));
typedef int32_t lanes_int __attribute__((vector_size(4 * VECTOR)));
typedef uint8_t lanes_byte __attribute__((vector_size(VECTOR)));
typedef uint16_t lanes_half __attribute__((vector_size(2 * VECTOR)));

// a * b + c in one rounding where the machine can.
static ALWAYS_INLINE lanes multiply_add(lanes a, lanes b, lanes c)
{
#if LANES_AVX512
    return (lanes)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif LANES_AVX2
    return (lanes)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif LANES_NEON
    return (lanes)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

static ALWAYS_INLINE lanes broadcast(float value)
{
    return value - (lanes){0};
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

// Zero where not chosen.
static ALWAYS_INLINE lanes keep(lanes v, lanes_int which)
{
    return (lanes)((lanes_int)v & which);
}

#if VECTOR == 16
static const lanes_int lane_bits = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
#elif VECTOR == 8
static const lanes_int lane_bits = {1, 2, 4, 8, 16, 32, 64, 128};
#else
static const lanes_int lane_bits = {1, 2, 4, 8};
#endif

// Bit l of the result: lane l is positive.
static ALWAYS_INLINE unsigned positive_bits(lanes v)
{
#if LANES_AVX512
    return _mm512_cmp_ps_mask((__m512)v, _mm512_setzero_ps(), _CMP_GT_OQ);
#elif LANES_AVX2
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps((__m256)v, _mm256_setzero_ps(), _CMP_GT_OQ));
#elif LANES_NEON
    return (unsigned)vaddvq_s32((int32x4_t)((v > 0) & lane_bits));
#else
    const lanes_int bits = (v > 0) & lane_bits;
    return (unsigned)(bits[0] | bits[1] | bits[2] | bits[3]);
#endif
}

static ALWAYS_INLINE lanes keep_bits(lanes v, unsigned bits)
{
#if LANES_AVX512
    return (lanes)_mm512_maskz_mov_ps((__mmask16)bits, (__m512)v);
#else
    return keep(v, (lane_bits & (int32_t)bits) == lane_bits);
#endif
}

#if LANES_NEON
static const lanes_int byte_shifts = {0, 8, 16, 24};
#endif

static ALWAYS_INLINE lanes_int load_bytes(const uint8_t *at)
{
#if LANES_AVX512
    return (lanes_int)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)at));
#elif LANES_AVX2
    int64_t all;
    memcpy(&all, at, sizeof all);
    return (lanes_int)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(all));
#elif LANES_NEON
    int32_t all;
    memcpy(&all, at, sizeof all);
    return (all - (lanes_int){0}) >> byte_shifts & 0xff;
#else
    return __builtin_convertvector(*(const lanes_byte *)(const void *)at, lanes_int);
#endif
}

// Each from 0 to 255.
static ALWAYS_INLINE void store_bytes(uint8_t *at, lanes_int v)
{
#if LANES_NEON
    const int32_t all = vaddvq_s32((int32x4_t)(v << byte_shifts));
    memcpy(at, &all, sizeof all);
#else
    *(lanes_byte *)(void *)at = __builtin_convertvector(v, lanes_byte);
#endif
}

// bfloat16 is the upper half of a float.
static ALWAYS_INLINE lanes load_bf16(const uint16_t *at)
{
    const lanes_half half = *(const lanes_half *)(const void *)at;
#if LANES_AVX2
    return (lanes)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)half), 16);
#elif LANES_NEON
    return (lanes)vshll_n_u16((uint16x4_t)half, 16);
#else
    return (lanes)(__builtin_convertvector(half, lanes_int) << 16);
#endif
}

// Rounded to nearest, ties to even. A NaN stays one.
static ALWAYS_INLINE void store_bf16(uint16_t *at, lanes v)
{
    typedef uint32_t lanes_unsigned __attribute__((vector_size(4 * VECTOR)));
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

static ALWAYS_INLINE void store_value(void *data, bool bf16, size_t value, lanes v)
{
    if (bf16)
        store_bf16((uint16_t *)data + value, v);
    else
        store((float *)data + value, v);
}
