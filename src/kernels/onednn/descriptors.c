// SPDX-License-Identifier: MIT
#include "kernels/onednn/descriptors.h"

#include <stdlib.h>

#include "kernels/onednn/library.h"

enum status onednn_layout_of(dnnl_memory_t memory, onednn_layout *layout)
{
    return onednn_check(dnnl_memory_get_memory_desc(memory, layout), "layout of a memory");
}

#if DNNL_VERSION_MAJOR >= 3

static const dnnl_dims_t undilated = {0, 0};

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

enum status onednn_append_sum(dnnl_post_ops_t post)
{
    return onednn_check(dnnl_post_ops_append_sum(post, 1.0f, 0, dnnl_data_type_undef), "sum");
}

enum status onednn_append_relu(dnnl_post_ops_t post)
{
    return onednn_check(dnnl_post_ops_append_eltwise(post, dnnl_eltwise_relu, 0.0f, 0.0f), "relu");
}

static dnnl_status_t describe_forward(dnnl_primitive_desc_t *description, const struct onednn_convolution *c, dnnl_prop_kind_t kind,
                                      const_dnnl_primitive_attr_t attributes)
{
    return dnnl_convolution_forward_primitive_desc_create(description, onednn_library()->engine, kind, c->algorithm, c->src, c->weights,
                                                          c->bias, c->dst, c->strides, undilated, c->before, c->after, attributes);
}

static dnnl_status_t describe_backward(dnnl_primitive_desc_t *description, const struct onednn_convolution *c,
                                       const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attributes)
{
    return dnnl_convolution_backward_data_primitive_desc_create(description, onednn_library()->engine, c->algorithm, c->src, c->weights,
                                                                c->dst, c->strides, undilated, c->before, c->after, hint, attributes);
}

enum status onednn_describe_product(dnnl_primitive_desc_t *description, onednn_layout src, onednn_layout weights, onednn_layout dst)
{
    return onednn_check(dnnl_matmul_primitive_desc_create(description, onednn_library()->engine, src, weights, NULL, dst, NULL),
                        "matrix product");
}

#else

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

enum status onednn_append_sum(dnnl_post_ops_t post)
{
    return onednn_check(dnnl_post_ops_append_sum(post, 1.0f), "sum");
}

enum status onednn_append_relu(dnnl_post_ops_t post)
{
    return onednn_check(dnnl_post_ops_append_eltwise(post, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f), "relu");
}

static dnnl_status_t describe_forward(dnnl_primitive_desc_t *description, const struct onednn_convolution *c, dnnl_prop_kind_t kind,
                                      const_dnnl_primitive_attr_t attributes)
{
    dnnl_convolution_desc_t operation;
    const dnnl_status_t status = dnnl_convolution_forward_desc_init(&operation, kind, c->algorithm, c->src, c->weights, c->bias, c->dst,
                                                                    c->strides, c->before, c->after);
    return status != dnnl_success ? status
                                  : dnnl_primitive_desc_create(description, &operation, attributes, onednn_library()->engine, NULL);
}

static dnnl_status_t describe_backward(dnnl_primitive_desc_t *description, const struct onednn_convolution *c,
                                       const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attributes)
{
    dnnl_convolution_desc_t operation;
    const dnnl_status_t status =
        dnnl_convolution_backward_data_desc_init(&operation, c->algorithm, c->src, c->weights, c->dst, c->strides, c->before, c->after);
    return status != dnnl_success ? status
                                  : dnnl_primitive_desc_create(description, &operation, attributes, onednn_library()->engine, hint);
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
    dnnl_primitive_desc_t hint = NULL;
    if (convolution->kind != dnnl_backward_data)
        return onednn_check(describe_forward(description, convolution, convolution->kind, attributes), "convolution");
    TRY(onednn_check(describe_forward(&hint, convolution, dnnl_forward_training, NULL), "convolution"));
    const enum status rc = onednn_check(describe_backward(description, convolution, hint, attributes), "backward convolution");
    dnnl_primitive_desc_destroy(hint);
    return rc;
}
