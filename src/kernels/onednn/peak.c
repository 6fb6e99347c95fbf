// SPDX-License-Identifier: MIT
#include "kernels/onednn/peak.h"

#include <dnnl.h>
#include <omp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/system/clock.h"
#include "kernels/simd/simd.h"

enum { SRC, WEIGHTS, DST, MATRICES };

struct product {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t descriptor;
    dnnl_primitive_t primitive;
    dnnl_memory_t matrices[MATRICES];
};

const char *peak_name(enum peak_kind kind)
{
    return kind == PEAK_REGISTERS ? "multiply-adds in registers" : "matrix product";
}

const char *peak_type(enum peak_kind kind)
{
    return kind == PEAK_PRODUCT_BF16 ? "bf16" : "f32";
}

static enum status check(dnnl_status_t status)
{
    if (status == dnnl_success)
        return STATUS_OK;
    return fail(status == dnnl_unimplemented ? STATUS_UNSUPPORTED : STATUS_INTERNAL, "oneDNN: matrix product: error %d", (int)status);
}

static bool is_reference(const_dnnl_primitive_desc_t descriptor)
{
    const char *name = NULL;
    dnnl_primitive_desc_query(descriptor, dnnl_query_impl_info_str, 0, &name);
    return !name || strncmp(name, "ref", 3) == 0;
}

// Values in [-1, 1): a processor may run faster on zeros. By all threads, so that each has some of the pages near it.
static enum status fill(dnnl_memory_t memory, bool bf16)
{
    void *data;
    enum status rc = check(dnnl_memory_get_data_handle(memory, &data));
    if (rc != STATUS_OK)
        return rc;
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

static enum status create_product(struct product *p, bool bf16)
{
    const dnnl_dims_t dims = {PEAK_SIDE, PEAK_SIDE};
    const dnnl_data_type_t type = bf16 ? dnnl_bf16 : dnnl_f32;
    dnnl_memory_desc_t layout, result;
    dnnl_matmul_desc_t product;
    TRY(check(dnnl_engine_create(&p->engine, dnnl_cpu, 0)));
    TRY(check(dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags)));
    TRY(check(dnnl_memory_desc_init_by_tag(&layout, 2, dims, type, dnnl_ab)));
    TRY(check(dnnl_memory_desc_init_by_tag(&result, 2, dims, dnnl_f32, dnnl_ab)));
    TRY(check(dnnl_matmul_desc_init(&product, &layout, &layout, NULL, &result)));
    TRY(check(dnnl_primitive_desc_create(&p->descriptor, &product, NULL, p->engine, NULL)));
    if (is_reference(p->descriptor)) {
        return fail(STATUS_UNSUPPORTED, "oneDNN has only its reference code for matrix products of %s", bf16 ? "bf16" : "f32");
    }
    TRY(check(dnnl_primitive_create(&p->primitive, p->descriptor)));
    for (int m = 0; m < MATRICES; m++) {
        TRY(check(dnnl_memory_create(&p->matrices[m], m == DST ? &result : &layout, p->engine, DNNL_MEMORY_ALLOCATE)));
        TRY(fill(p->matrices[m], bf16 && m != DST));
    }
    return STATUS_OK;
}

static void destroy_product(struct product *p)
{
    for (int m = 0; m < MATRICES; m++)
        if (p->matrices[m])
            dnnl_memory_destroy(p->matrices[m]);
    dnnl_primitive_destroy(p->primitive);
    dnnl_primitive_desc_destroy(p->descriptor);
    if (p->stream)
        dnnl_stream_destroy(p->stream);
    if (p->engine)
        dnnl_engine_destroy(p->engine);
}

// The first round, of number -1, is only to warm up.
static bool goes_on(int round, double start)
{
    return round < PEAK_ROUNDS || now() - start < 0.5;
}

static enum status measure_product(bool bf16, double *flop_a_second)
{
    struct product p = {0};
    enum status rc;
    TRY_OUT(create_product(&p, bf16));
    const double flop = 2.0 * PEAK_SIDE * PEAK_SIDE * PEAK_SIDE, start = now();
    const dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, p.matrices[SRC]}, {DNNL_ARG_WEIGHTS, p.matrices[WEIGHTS]}, {DNNL_ARG_DST, p.matrices[DST]}};
    for (int round = -1; goes_on(round, start); round++) {
        const double before = now();
        TRY_OUT(check(dnnl_primitive_execute(p.primitive, p.stream, MATRICES, arguments)));
        TRY_OUT(check(dnnl_stream_wait(p.stream)));
        const double rate = flop / (now() - before);
        if (round >= 0 && rate > *flop_a_second)
            *flop_a_second = rate;
    }
out:
    destroy_product(&p);
    return rc;
}

static void measure_registers(double *flop_a_second)
{
    const double long_enough = 0.005; // seconds: the start of the threads does not count, and few rounds are disturbed
    int work = 1 << 10;
    for (; work < 1 << 29; work *= 2) {
        const double before = now();
        simd_here()->multiply_adds(work);
        if (now() - before >= long_enough)
            break;
    }
    const double start = now();
    for (int round = -1; goes_on(round, start); round++) {
        const double before = now();
        const double flop = simd_here()->multiply_adds(work), rate = flop / (now() - before);
        if (round >= 0 && rate > *flop_a_second)
            *flop_a_second = rate;
    }
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
    if (kind != PEAK_REGISTERS)
        return measure_product(kind == PEAK_PRODUCT_BF16, flop_a_second);
    measure_registers(flop_a_second);
    return STATUS_OK;
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
