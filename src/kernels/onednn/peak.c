// SPDX-License-Identifier: MIT
#include "kernels/onednn/peak.h"

#include <omp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/system/clock.h"
#include "kernels/onednn/descriptors.h"
#include "kernels/onednn/library.h"
#include "kernels/simd/simd.h"

const struct peak_label peak_labels[PEAK_KINDS] = {[PEAK_REGISTERS] = {"multiply-adds in registers", "f32"},
                                                   [PEAK_PRODUCT_F32] = {"matrix product", "f32"},
                                                   [PEAK_PRODUCT_BF16] = {"matrix product", "bf16"}};

// oneDNN's product of two square matrices.
enum { MATRICES = 3 };
static const int roles[MATRICES] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
static const char what[] = "matrix product";

struct matrix_product {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t matrices[MATRICES]; // in the order of `roles`
};

// Values in [-1, 1): a processor may run faster on zeros. By all threads, so that each has some of the pages near it.
static enum status fill(dnnl_memory_t memory, bool bf16)
{
    void *data;
    TRY(onednn_check(dnnl_memory_get_data_handle(memory, &data), what));
#pragma omp parallel for schedule(static)
    for (int i = 0; i < PEAK_SIDE * PEAK_SIDE; i++) {
        const float value = (float)((uint32_t)i * 2654435761u >> 8) / (1 << 23) - 1;
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        if (bf16)
            ((uint16_t *)data)[i] = (uint16_t)(bits >> 16);
        else
            ((float *)data)[i] = value;
    }
    return STATUS_OK;
}

// Of float32 or bfloat16; the sums are float32. From all zeros; to be destroyed also after a failure.
static enum status create_product(struct matrix_product *p, bool bf16)
{
    const dnnl_engine_t engine = onednn_library()->engine;
    const dnnl_dims_t dims = {PEAK_SIDE, PEAK_SIDE};
    onednn_layout layouts[MATRICES] = {NULL};
    dnnl_primitive_desc_t descriptor = NULL;
    enum status rc;
    for (int m = 0; m < MATRICES; m++)
        TRY_OUT(onednn_layout_create(&layouts[m], 2, dims, bf16 && roles[m] != DNNL_ARG_DST ? dnnl_bf16 : dnnl_f32, dnnl_ab));
    TRY_OUT(onednn_describe_product(&descriptor, layouts[0], layouts[1], layouts[2]));
    if (onednn_has_reference_only(descriptor))
        TRY_OUT(fail(STATUS_UNSUPPORTED, "oneDNN has only its reference code for matrix products of %s", bf16 ? "bf16" : "f32"));
    TRY_OUT(onednn_check(dnnl_primitive_create(&p->primitive, descriptor), what));
    for (int m = 0; m < MATRICES; m++) {
        p->matrices[m].arg = roles[m];
        TRY_OUT(onednn_check(dnnl_memory_create(&p->matrices[m].memory, layouts[m], engine, DNNL_MEMORY_ALLOCATE), what));
        TRY_OUT(fill(p->matrices[m].memory, bf16 && roles[m] != DNNL_ARG_DST));
    }
out:
    dnnl_primitive_desc_destroy(descriptor);
    for (int m = 0; m < MATRICES; m++)
        onednn_layout_destroy(&layouts[m]);
    return rc;
}

static void destroy_product(struct matrix_product *p)
{
    for (int m = 0; m < MATRICES; m++)
        dnnl_memory_destroy(p->matrices[m].memory);
    dnnl_primitive_destroy(p->primitive);
}

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
            TRY(onednn_execute(product->primitive, onednn_library()->stream, MATRICES, product->matrices, what));
        else
            flop = simd_here()->multiply_adds(work);
        const double rate = flop / (now() - before);
        if (round >= 0 && rate > *flop_a_second)
            *flop_a_second = rate;
    }
    return STATUS_OK;
}

// `spread`: each thread on a core of its own; otherwise wherever the system puts it.
static void place_threads(const struct machine *machine, const struct processor_set *bound, bool spread)
{
#pragma omp parallel
    machine_bind(machine, bound, spread ? omp_get_thread_num() : -1);
}

static enum status measure(enum peak_kind kind, double *flop_a_second)
{
    struct matrix_product product = {0};
    enum status rc = STATUS_OK;
    if (kind == PEAK_REGISTERS)
        return best_rate(NULL, flop_a_second);
    TRY_OUT(create_product(&product, kind == PEAK_PRODUCT_BF16));
    rc = best_rate(&product, flop_a_second);
out:
    destroy_product(&product);
    return rc;
}

// Where others are at work, the system may leave all threads on one core for as long as they run. So it is also measured with each on its
// own, unless OpenMP has bound them already.
enum status peak_measure(const struct machine *machine, enum peak_kind kind, double *flop_a_second)
{
    const int threads = omp_get_max_threads();
    struct processor_set bound;
    *flop_a_second = 0;
    enum status rc = measure(kind, flop_a_second);
    if (rc != STATUS_OK || threads == 1 || omp_get_proc_bind() != omp_proc_bind_false)
        return rc;
    TRY(machine_bound(machine, &bound));
    if (machine_cores(machine, &bound) < threads)
        return STATUS_OK;
    place_threads(machine, &bound, true);
    rc = measure(kind, flop_a_second);
    place_threads(machine, &bound, false);
    return rc;
}
