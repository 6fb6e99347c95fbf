// SPDX-License-Identifier: MIT
#include "kernels/execution/peak.h"

#include <omp.h>
#include <sched.h>
#include <stdbool.h>

#include "common/system/clock.h"
#include "kernels/onednn/matrix_product.h"
#include "kernels/simd/simd.h"

const struct peak_label peak_labels[PEAK_KINDS] = {[PEAK_REGISTERS] = {"multiply-adds in registers", "f32"},
                                                   [PEAK_PRODUCT_F32] = {"matrix product", "f32"},
                                                   [PEAK_PRODUCT_BF16] = {"matrix product", "bf16"}};

// How many rounds of multiply-adds take so long that the start of the threads does not count, and few are disturbed.
static int long_enough(void)
{
    const double seconds = 0.005;
    int work = 1 << 10;
    for (; work < 1 << 29; work *= 2) {
        const double before = now();
        simd_here()->multiply_adds(work);
        if (now() - before >= seconds)
            break;
    }
    return work;
}

// Of the product, or where there is none of multiply-adds in registers.
static enum status best_rate(const struct matrix_product *product, double *flop_a_second)
{
    const int work = product ? 0 : long_enough();
    const double start = now();
    // The first round, of number -1, is only to warm up.
    for (int round = -1; round < PEAK_ROUNDS || now() - start < 0.5; round++) {
        double flop = 2.0 * PEAK_SIDE * PEAK_SIDE * PEAK_SIDE;
        const double before = now();
        if (product)
            TRY(matrix_product_run(product));
        else
            flop = simd_here()->multiply_adds(work);
        const double rate = flop / (now() - before);
        if (round >= 0 && rate > *flop_a_second)
            *flop_a_second = rate;
    }
    return STATUS_OK;
}

// `spread`: each thread on a processor of its own; otherwise wherever the system puts it.
static void place_threads(const cpu_set_t *allowed, bool spread)
{
#pragma omp parallel
    {
        cpu_set_t own = *allowed;
        for (int cpu = 0, left = omp_get_thread_num(); spread && cpu < CPU_SETSIZE; cpu++)
            if (CPU_ISSET(cpu, allowed) && left-- == 0) {
                CPU_ZERO(&own);
                CPU_SET(cpu, &own);
            }
        sched_setaffinity(0, sizeof own, &own);
    }
}

static enum status measure(enum peak_kind kind, double *flop_a_second)
{
    struct matrix_product *product = NULL;
    if (kind != PEAK_REGISTERS)
        TRY(matrix_product_create(&product, PEAK_SIDE, kind == PEAK_PRODUCT_BF16));
    const enum status rc = best_rate(product, flop_a_second);
    matrix_product_destroy(&product);
    return rc;
}

// Where others are at work, the system may leave all threads on one processor for as long as they run. So it is also measured with each on
// its own. That alone would not do: the first processors may be the halves of one core.
enum status peak_measure(enum peak_kind kind, double *flop_a_second)
{
    const int threads = omp_get_max_threads();
    cpu_set_t allowed;
    *flop_a_second = 0;
    enum status rc = measure(kind, flop_a_second);
    if (rc != STATUS_OK || threads == 1 || sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < threads)
        return rc;
    place_threads(&allowed, true);
    rc = measure(kind, flop_a_second);
    place_threads(&allowed, false);
    return rc;
}
