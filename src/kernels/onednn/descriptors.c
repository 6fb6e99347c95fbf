// SPDX-License-Identifier: MIT
#include "kernels/onednn/descriptors.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/onednn/library.h"

enum status onednn_layout_of(dnnl_memory_t memory, onednn_layout *layout)
{
    return onednn_check(dnnl_memory_get_memory_desc(memory, layout), "layout of a memory");
}

#if DNNL_VERSION_MAJOR >= 3

static const dnnl_dims_t undilated = {0, 0};

enum status onednn_layout_blocking(onednn_layout layout, struct onednn_blocking *blocking)
{
    static const char what[] = "blocks of a layout";
    const dnnl_dims_t *strides, *sizes, *dimensions;
    *blocking = (struct onednn_blocking){.count = 0};
    TRY(onednn_check(dnnl_memory_desc_query(layout, dnnl_query_inner_nblks_s32, &blocking->count), what));
    TRY(onednn_check(dnnl_memory_desc_query(layout, dnnl_query_strides, &strides), what));
    TRY(onednn_check(dnnl_memory_desc_query(layout, dnnl_query_inner_blks, &sizes), what));
    TRY(onednn_check(dnnl_memory_desc_query(layout, dnnl_query_inner_idxs, &dimensions), what));
    memcpy(blocking->strides, *strides, sizeof *strides);
    memcpy(blocking->sizes, *sizes, sizeof *sizes);
    memcpy(blocking->dimensions, *dimensions, sizeof *dimensions);
    return STATUS_OK;
}

enum status onednn_layout_create(onednn_layout *layout, int dimensions, const dnnl_dims_t sizes, dnnl_data_type_t type,
                                 dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t made = NULL;
    const enum status rc = onednn_check(dnnl_memory_desc_create_with_tag(&made, dimensions, sizes, type, tag), "layout");
    *layout = made;
    return rc;
}

void onednn_layout_destroy(onednn_layout *layout)
{
    dnnl_memory_desc_destroy((dnnl_memory_desc_t)*layout);
    *layout = NULL;
}

static dnnl_status_t describe(dnnl_primitive_desc_t *description, const struct onednn_convolution *c,
                              const_dnnl_primitive_attr_t attributes)
{
    const dnnl_engine_t engine = onednn_library()->engine;
    return c->backward
               ? dnnl_convolution_backward_data_primitive_desc_create(description, engine, dnnl_convolution_direct, c->src, c->weights,
                                                                      c->dst, c->strides, undilated, c->before, c->after, NULL, attributes)
               : dnnl_convolution_forward_primitive_desc_create(description, engine, dnnl_forward_inference, dnnl_convolution_direct,
                                                                c->src, c->weights, NULL, c->dst, c->strides, undilated, c->before,
                                                                c->after, attributes);
}

enum status onednn_describe_product(dnnl_primitive_desc_t *description, onednn_layout src, onednn_layout weights, onednn_layout dst)
{
    return onednn_check(dnnl_matmul_primitive_desc_create(description, onednn_library()->engine, src, weights, NULL, dst, NULL),
                        "matrix product");
}

#else

enum status onednn_layout_blocking(onednn_layout layout, struct onednn_blocking *blocking)
{
    const dnnl_blocking_desc_t *b = &layout->format_desc.blocking;
    *blocking = (struct onednn_blocking){.count = b->inner_nblks};
    memcpy(blocking->strides, b->strides, sizeof b->strides);
    memcpy(blocking->sizes, b->inner_blks, sizeof b->inner_blks);
    memcpy(blocking->dimensions, b->inner_idxs, sizeof b->inner_idxs);
    return STATUS_OK;
}

enum status onednn_layout_create(onednn_layout *layout, int dimensions, const dnnl_dims_t sizes, dnnl_data_type_t type,
                                 dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t *made = NULL;
    TRY(ALLOCATE(made, 1, "for a layout"));
    *layout = made;
    return onednn_check(dnnl_memory_desc_init_by_tag(made, dimensions, sizes, type, tag), "layout");
}

void onednn_layout_destroy(onednn_layout *layout)
{
    free((dnnl_memory_desc_t *)*layout);
    *layout = NULL;
}

static dnnl_status_t describe(dnnl_primitive_desc_t *description, const struct onednn_convolution *c,
                              const_dnnl_primitive_attr_t attributes)
{
    dnnl_convolution_desc_t operation;
    const dnnl_status_t status =
        c->backward ? dnnl_convolution_backward_data_desc_init(&operation, dnnl_convolution_direct, c->src, c->weights, c->dst, c->strides,
                                                               c->before, c->after)
                    : dnnl_convolution_forward_desc_init(&operation, dnnl_forward_inference, dnnl_convolution_direct, c->src, c->weights,
                                                         NULL, c->dst, c->strides, c->before, c->after);
    return status != dnnl_success ? status
                                  : dnnl_primitive_desc_create(description, &operation, attributes, onednn_library()->engine, NULL);
}

enum status onednn_describe_product(dnnl_primitive_desc_t *description, onednn_layout src, onednn_layout weights, onednn_layout dst)
{
    dnnl_matmul_desc_t operation;
    TRY(onednn_check(dnnl_matmul_desc_init(&operation, src, weights, NULL, dst), "matrix product"));
    return onednn_check(dnnl_primitive_desc_create(description, &operation, NULL, onednn_library()->engine, NULL), "matrix product");
}

#endif

enum status onednn_describe_convolution(dnnl_primitive_desc_t *description, const struct onednn_convolution *convolution,
                                        const_dnnl_primitive_attr_t attributes)
{
    return onednn_check(describe(description, convolution, attributes), "convolution");
}
