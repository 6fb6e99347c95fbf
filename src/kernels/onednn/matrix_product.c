// SPDX-License-Identifier: MIT
#include "kernels/onednn/matrix_product.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/onednn/library.h"

enum { MATRICES = 3 };
static const int roles[MATRICES] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
static const char what[] = "matrix product";

struct matrix_product {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t matrices[MATRICES]; // in the order of `roles`
};

// Values in [-1, 1): a processor may run faster on zeros. By all threads, so that each has some of the pages near it.
static enum status fill(dnnl_memory_t memory, int count, bool bf16)
{
    void *data;
    TRY(onednn_check(dnnl_memory_get_data_handle(memory, &data), what));
#pragma omp parallel for schedule(static)
    for (int i = 0; i < count; i++) {
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

enum status matrix_product_create(struct matrix_product **product, int side, bool bf16)
{
    const dnnl_engine_t engine = onednn_library()->engine;
    const dnnl_dims_t dims = {side, side};
    dnnl_memory_desc_t layouts[MATRICES];
    dnnl_matmul_desc_t matmul;
    dnnl_primitive_desc_t descriptor = NULL;
    enum status rc;
    TRY(ALLOCATE(*product, 1, "for a matrix product"));
    struct matrix_product *p = *product;
    for (int m = 0; m < MATRICES; m++)
        TRY_OUT(onednn_check(
            dnnl_memory_desc_init_by_tag(&layouts[m], 2, dims, bf16 && roles[m] != DNNL_ARG_DST ? dnnl_bf16 : dnnl_f32, dnnl_ab), what));
    TRY_OUT(onednn_check(dnnl_matmul_desc_init(&matmul, &layouts[0], &layouts[1], NULL, &layouts[2]), what));
    TRY_OUT(onednn_check(dnnl_primitive_desc_create(&descriptor, &matmul, NULL, engine, NULL), what));
    if (onednn_has_reference_only(descriptor))
        TRY_OUT(fail(STATUS_UNSUPPORTED, "oneDNN has only its reference code for matrix products of %s", bf16 ? "bf16" : "f32"));
    TRY_OUT(onednn_check(dnnl_primitive_create(&p->primitive, descriptor), what));
    for (int m = 0; m < MATRICES; m++) {
        p->matrices[m].arg = roles[m];
        TRY_OUT(onednn_check(dnnl_memory_create(&p->matrices[m].memory, &layouts[m], engine, DNNL_MEMORY_ALLOCATE), what));
        TRY_OUT(fill(p->matrices[m].memory, side * side, layouts[m].data_type == dnnl_bf16));
    }
out:
    dnnl_primitive_desc_destroy(descriptor);
    if (rc != STATUS_OK)
        matrix_product_destroy(product);
    return rc;
}

void matrix_product_destroy(struct matrix_product **product)
{
    struct matrix_product *p = *product;
    if (!p)
        return;
    for (int m = 0; m < MATRICES; m++)
        dnnl_memory_destroy(p->matrices[m].memory);
    dnnl_primitive_destroy(p->primitive);
    free(p);
    *product = NULL;
}

enum status matrix_product_run(const struct matrix_product *product)
{
    return onednn_execute(product->primitive, MATRICES, product->matrices, what);
}
