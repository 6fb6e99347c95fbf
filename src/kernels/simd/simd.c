// SPDX-License-Identifier: MIT
#include "kernels/simd/simd.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/simd/points.h"

extern const struct simd simd_portable, simd_portable16;
#ifdef __x86_64__
extern const struct simd simd_avx2, simd_avx512, simd_avx512bf16;
#endif
#ifdef __aarch64__
extern const struct simd simd_neon;
#endif

static bool runs_here(const struct simd *simd)
{
#ifdef __x86_64__
    if (simd == &simd_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (simd == &simd_avx512bf16 && !__builtin_cpu_supports("avx512bf16"))
        return false;
    if (simd == &simd_avx512 || simd == &simd_avx512bf16)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq");
#endif
    (void)simd;
    return true;
}

static const struct simd *const all[] = {
#ifdef __x86_64__
    &simd_avx512bf16, &simd_avx512,    &simd_avx2,
#endif
#ifdef __aarch64__
    &simd_neon, // every 64-bit Arm has it
#endif
    &simd_portable,   &simd_portable16};
enum { COUNT = sizeof all / sizeof all[0] };

const struct simd *simd_find(const char *name)
{
    for (int i = 0; i < COUNT; i++)
        if (strcmp(all[i]->name, name) == 0 && runs_here(all[i]))
            return all[i];
    return NULL;
}

// oneDNN's own limit holds for us too, so that the paths of other machines can be tried on this one.
static bool allowed(const struct simd *simd)
{
    const char *most = getenv("ONEDNN_MAX_CPU_ISA");
    if (!most || !*most || strcmp(most, "ALL") == 0)
        return true;
    if (strcmp(simd->name, "avx512bf16") == 0)
        return strncmp(most, "AVX512_CORE_BF16", 16) == 0 || strncmp(most, "AVX512_CORE_AMX", 15) == 0;
    if (strcmp(simd->name, "avx512") == 0)
        return strncmp(most, "AVX512", 6) == 0;
    return strcmp(simd->name, "avx2") != 0 || strncmp(most, "AVX512", 6) == 0 || strncmp(most, "AVX2", 4) == 0;
}

static const struct simd *here;

static void find_here(void)
{
    const char *wanted = getenv("ONEIROS_SIMD");
    here = wanted ? simd_find(wanted) : NULL;
    for (int i = 0; !here && i < COUNT; i++)
        if (runs_here(all[i]) && allowed(all[i]))
            here = all[i];
}

const struct simd *simd_here(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_here);
    return here;
}

bool simd_has_winograd(int n, int tile_h, int tile_w)
{
#define IS_THIS(inputs, h, w) (n == inputs && tile_h == h && tile_w == w) ||
    return WINOGRAD_TRANSFORMS(IS_THIS) false;
}

// Rounded to nearest, ties to even; weights are finite.
uint16_t simd_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}
