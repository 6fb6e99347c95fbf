// SPDX-License-Identifier: MIT
// What differs between the C interfaces of oneDNN 2 and 3: layouts of tensors, and the descriptions of primitives. As in 3, all are made in
// one call and are destroyed by whoever made them.
#pragma once

#include <dnnl.h>
#include <stdbool.h>

#include "common/system/status.h"

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t onednn_layout;
#else
typedef const dnnl_memory_desc_t *onednn_layout;
#endif

enum status onednn_layout_create(onednn_layout *layout, int dimensions, const dnnl_dims_t sizes, dnnl_data_type_t type,
                                 dnnl_format_tag_t tag) MUST_CHECK;
void onednn_layout_destroy(onednn_layout *layout);

// Where a value of a tensor lies: its position in each dimension is divided by that dimension's blocks, the innermost, which are the last,
// first; the remainders number the values of a block of blocks, and what is left is multiplied by the strides.
struct onednn_blocking {
    dnnl_dims_t strides, sizes;
    int count; // blocks
    dnnl_dims_t dimensions;
};
enum status onednn_layout_blocking(onednn_layout layout, struct onednn_blocking *blocking) MUST_CHECK;

// The layout of a memory, which owns it.
enum status onednn_layout_of(dnnl_memory_t memory, onednn_layout *layout) MUST_CHECK;

struct onednn_convolution {
    bool backward; // writes the gradient of src
    onednn_layout src, weights, dst;
    dnnl_dims_t strides, before, after; // before, after: the padding
};
enum status onednn_describe_convolution(dnnl_primitive_desc_t *description, const struct onednn_convolution *convolution,
                                        const_dnnl_primitive_attr_t attributes) MUST_CHECK;

// dst = src * weights
enum status onednn_describe_product(dnnl_primitive_desc_t *description, onednn_layout src, onednn_layout weights,
                                    onednn_layout dst) MUST_CHECK;
