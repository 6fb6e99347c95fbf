// SPDX-License-Identifier: MIT
#include "kernels/elementwise.h"

#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "kernels/dnn.h"

enum { WORD = 16, CHUNK = 1 << 14 }; // values in one word of a mask; values that one thread takes at a time

// Runs `body` for chunks [start, end) of `count` values, in parallel.
#define FOR_CHUNKS(count, start, end, body)                                                                                                \
    _Pragma("omp parallel for schedule(static)") for (size_t start = 0; start < (count); start += CHUNK)                                   \
    {                                                                                                                                      \
        const size_t end = start + CHUNK < (count) ? start + CHUNK : (count);                                                              \
        body;                                                                                                                              \
    }

static void mask_portable(const float *activation, uint16_t *mask, size_t start, size_t end)
{
    for (size_t i = start; i < end; i += WORD) {
        unsigned bits = 0;
        for (unsigned k = 0; k < WORD; k++)
            bits |= (unsigned)(activation[i + k] > 0.0f) << k;
        mask[i / WORD] = (uint16_t)bits;
    }
}

static void gradient_portable(float *gradient, const uint16_t *mask, size_t start, size_t end, enum gradient_mode mode)
{
    for (size_t i = start; i < end; i += WORD) {
        const unsigned bits = mode == GRADIENT_MODE_DECONV ? 0xffff : mask[i / WORD];
        for (unsigned k = 0; k < WORD; k++) {
            const float g = gradient[i + k];
            const int keep = (int)(bits >> k & 1) & (mode == GRADIENT_MODE_PLAIN || g > 0.0f);
            gradient[i + k] = keep ? g : 0.0f;
        }
    }
}

#ifdef __x86_64__
__attribute__((target("avx512f"))) static void mask_avx512(const float *activation, uint16_t *mask, size_t start, size_t end)
{
    for (size_t i = start; i < end; i += WORD)
        mask[i / WORD] = _mm512_cmp_ps_mask(_mm512_load_ps(activation + i), _mm512_setzero_ps(), _CMP_GT_OQ);
}

__attribute__((target("avx512f"))) static void gradient_avx512(float *gradient, const uint16_t *mask, size_t start, size_t end,
                                                               enum gradient_mode mode)
{
    const __m512 zero = _mm512_setzero_ps();
    for (size_t i = start; i < end; i += WORD) {
        const __m512 g = _mm512_load_ps(gradient + i);
        __mmask16 keep = mode == GRADIENT_MODE_DECONV ? 0xffff : mask[i / WORD];
        if (mode != GRADIENT_MODE_PLAIN)
            keep = _mm512_mask_cmp_ps_mask(keep, g, zero, _CMP_GT_OQ);
        _mm512_store_ps(gradient + i, _mm512_maskz_mov_ps(keep, g));
    }
}

// Not beyond what oneDNN was told to use (ONEDNN_MAX_CPU_ISA), so that the path of other machines can be tried on this one.
static int has_avx512(void)
{
    return dnn_block() == 16 && __builtin_cpu_supports("avx512f");
}
#else
#define mask_avx512 mask_portable
#define gradient_avx512 gradient_portable
static int has_avx512(void)
{
    return 0;
}
#endif

void relu_mask(const float *activation, uint16_t *mask, size_t count)
{
    const int wide = has_avx512();
    FOR_CHUNKS(count, start, end, (wide ? mask_avx512 : mask_portable)(activation, mask, start, end))
}

void relu_gradient(float *gradient, const uint16_t *mask, size_t count, enum gradient_mode mode)
{
    const int wide = has_avx512();
    FOR_CHUNKS(count, start, end, (wide ? gradient_avx512 : gradient_portable)(gradient, mask, start, end, mode))
}

void add(float *sum, const float *term, size_t count)
{
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        sum[i] += term[i];
}

void unblock_first(const float *blocked, float *planar, int channels, size_t pixels, int block)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < channels; c++)
            planar[(size_t)c * pixels + i] = blocked[i * (size_t)block + (size_t)c];
}
