// SPDX-License-Identifier: MIT
#include "kernels/onednn/onednn.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/onednn/descriptors.h"
#include "kernels/onednn/library.h"
#include "kernels/simd/simd.h"

enum { ARGUMENTS_MAX = 5 };

struct onednn_primitive {
    struct onednn_spec spec;
    struct onednn_shape shape; // as oneDNN is asked for it: see turned()
    dnnl_primitive_desc_t descriptor;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[ARGUMENTS_MAX]; // whose memories are this primitive's, but for the weights'
    int argument_count;
    bool narrowed; // see create_backward()
    float *result; // where it leaves its result then
};

struct onednn_weights {
    dnnl_memory_t memory;
};

int onednn_block(void)
{
    return simd_here()->lanes;
}

const char *onednn_version(void)
{
    return onednn_library()->version;
}

size_t onednn_tensor_bytes(int channels, int height, int width)
{
    size_t b = (size_t)onednn_block();
    return ((size_t)channels + b - 1) / b * b * (size_t)height * (size_t)width * sizeof(float);
}

// The forward convolution that takes the gradient of the output to that of the input.
static struct onednn_shape turned(const struct onednn_shape *s)
{
    return (struct onednn_shape){.src_channels = s->dst_channels,
                                 .src_h = s->dst_h,
                                 .src_w = s->dst_w,
                                 .dst_channels = s->src_channels,
                                 .dst_h = s->src_h,
                                 .dst_w = s->src_w,
                                 .kernel_h = s->kernel_h,
                                 .kernel_w = s->kernel_w,
                                 .stride = 1,
                                 .pad_h = s->kernel_h - 1 - s->pad_h,
                                 .pad_w = s->kernel_w - 1 - s->pad_w};
}

static enum status create_attributes(const struct onednn_spec *spec, dnnl_primitive_attr_t *attributes)
{
    enum status rc = STATUS_OK;
    dnnl_post_ops_t post = NULL;
    TRY_OUT(onednn_check(dnnl_primitive_attr_create(attributes), "attributes"));
    TRY_OUT(onednn_check(dnnl_primitive_attr_set_scratchpad_mode(*attributes, dnnl_scratchpad_mode_user), "scratchpad mode"));
    if (spec->relu || spec->accumulate) {
        TRY_OUT(onednn_check(dnnl_post_ops_create(&post), "post-ops"));
        if (spec->accumulate)
            TRY_OUT(onednn_append_sum(post));
        if (spec->relu)
            TRY_OUT(onednn_append_relu(post));
        TRY_OUT(onednn_check(dnnl_primitive_attr_set_post_ops(*attributes, post), "post-ops"));
    }
out:
    dnnl_post_ops_destroy(post);
    return rc;
}

static enum status create_layout(onednn_layout *layout, int channels, int height, int width, dnnl_data_type_t type, bool planar)
{
    const dnnl_format_tag_t tag = planar ? dnnl_nchw : onednn_block() == 16 ? dnnl_nChw16c : dnnl_nChw8c;
    return onednn_layout_create(layout, 4, (dnnl_dims_t){1, channels, height, width}, type, tag);
}

static enum status create_descriptor(const struct onednn_spec *spec, const struct onednn_shape *s, const_dnnl_primitive_attr_t attributes,
                                     dnnl_primitive_desc_t *descriptor)
{
    const dnnl_dims_t dims = {s->dst_channels, s->src_channels, s->kernel_h, s->kernel_w}, bias_dims = {s->dst_channels};
    const dnnl_data_type_t type = spec->bf16 ? dnnl_bf16 : dnnl_f32;
    struct onednn_convolution convolution = {
        .kind = spec->kind == ONEDNN_BACKWARD ? dnnl_backward_data : dnnl_forward_inference,
        .algorithm = spec->winograd ? dnnl_convolution_winograd : dnnl_convolution_direct,
        .strides = {s->stride, s->stride},
        .before = {s->pad_h, s->pad_w},
        .after = {(s->dst_h - 1) * s->stride + s->kernel_h - s->src_h - s->pad_h,
                  (s->dst_w - 1) * s->stride + s->kernel_w - s->src_w - s->pad_w},
    };
    enum status rc;
    TRY_OUT(create_layout(&convolution.src, s->src_channels, s->src_h, s->src_w, type, spec->planar_source));
    TRY_OUT(create_layout(&convolution.dst, s->dst_channels, s->dst_h, s->dst_w, type, false));
    TRY_OUT(onednn_layout_create(&convolution.weights, 4, dims, type, dnnl_format_tag_any));
    if (spec->bias)
        TRY_OUT(onednn_layout_create(&convolution.bias, 1, bias_dims, dnnl_f32, dnnl_a));
    rc = onednn_describe_convolution(descriptor, &convolution, attributes);
out:
    onednn_layout_destroy(&convolution.src);
    onednn_layout_destroy(&convolution.dst);
    onednn_layout_destroy(&convolution.weights);
    onednn_layout_destroy(&convolution.bias);
    return rc;
}

// Columns on the right that a convolution without padding and with a stride never reads.
static int unread_columns(const struct onednn_shape *s)
{
    return s->pad_w == 0 && s->stride > 1 ? (s->src_w - s->kernel_w) % s->stride : 0;
}

// For some widths (with AVX-512 the multiples of 28) oneDNN has nothing but its reference code, dozens of times slower, to go back through
// a convolution with a stride. It has for one column less: where the last one is not read, its gradient is 0 and can be filled in
// (widen()).
static enum status narrow(struct onednn_primitive *p, const_dnnl_primitive_attr_t attributes)
{
    dnnl_primitive_desc_t narrow = NULL;
    struct onednn_shape shape = p->shape;
    shape.src_w -= unread_columns(&shape);
    TRY(create_descriptor(&p->spec, &shape, attributes, &narrow));
    p->narrowed = !onednn_has_reference_only(narrow);
    dnnl_primitive_desc_destroy(p->narrowed ? p->descriptor : narrow);
    p->descriptor = p->narrowed ? narrow : p->descriptor;
    return STATUS_OK;
}

// Moves the rows of the result apart and fills the column between them, in place: from the last row to the first.
static void widen(const struct onednn_primitive *p)
{
    const struct onednn_shape *s = &p->shape;
    const size_t block = (size_t)onednn_block(), rows = onednn_tensor_bytes(s->src_channels, s->src_h, 1) / (block * sizeof(float));
    const size_t wide = (size_t)s->src_w * block, narrow = wide - (size_t)unread_columns(s) * block;
    for (size_t row = rows; row-- > 0;) {
        memmove(p->result + row * wide, p->result + row * narrow, narrow * sizeof(float));
        memset(p->result + row * wide + narrow, 0, (wide - narrow) * sizeof(float));
    }
}

enum status onednn_primitive_create(struct onednn_primitive **primitive, const struct onednn_spec *spec)
{
    enum status rc;
    dnnl_primitive_attr_t attributes = NULL;
    TRY(ALLOCATE(*primitive, 1, "for a primitive"));
    struct onednn_primitive *p = *primitive;
    p->spec = *spec;
    p->shape = spec->kind == ONEDNN_TURNED ? turned(&spec->shape) : spec->shape;
    TRY_OUT(create_attributes(spec, &attributes));
    TRY_OUT(create_descriptor(spec, &p->shape, attributes, &p->descriptor));
    if (spec->kind == ONEDNN_BACKWARD && onednn_has_reference_only(p->descriptor) && unread_columns(&p->shape) > 0)
        TRY_OUT(narrow(p, attributes));
    TRY_OUT(onednn_check(dnnl_primitive_create(&p->primitive, p->descriptor), "primitive"));
out:
    dnnl_primitive_attr_destroy(attributes);
    if (rc != STATUS_OK)
        onednn_primitive_destroy(primitive);
    return rc;
}

static void unbind(struct onednn_primitive *p)
{
    for (int i = 0; i < p->argument_count; i++)
        if (p->arguments[i].arg != DNNL_ARG_WEIGHTS)
            dnnl_memory_destroy(p->arguments[i].memory);
    p->argument_count = 0;
}

void onednn_primitive_destroy(struct onednn_primitive **primitive)
{
    struct onednn_primitive *p = *primitive;
    if (!p)
        return;
    unbind(p);
    dnnl_primitive_destroy(p->primitive);
    dnnl_primitive_desc_destroy(p->descriptor);
    free(p);
    *primitive = NULL;
}

// The layout of an argument; of no dimensions where the primitive has none.
static onednn_layout layout_of(const struct onednn_primitive *p, int argument)
{
    return dnnl_primitive_desc_query_md(p->descriptor, dnnl_query_exec_arg_md, argument);
}

size_t onednn_scratch_bytes(const struct onednn_primitive *primitive)
{
    return dnnl_memory_desc_get_size(layout_of(primitive, DNNL_ARG_SCRATCHPAD));
}

bool onednn_is_reference(const struct onednn_primitive *primitive)
{
    return onednn_has_reference_only(primitive->descriptor);
}

enum status onednn_weights_create(struct onednn_weights **weights, const struct onednn_primitive *primitive, const float *plain)
{
    const struct onednn_shape *s = &primitive->shape;
    const dnnl_engine_t engine = onednn_library()->engine;
    const dnnl_dims_t dims = {s->dst_channels, s->src_channels, s->kernel_h, s->kernel_w};
    onednn_layout plain_layout = NULL, layout = layout_of(primitive, DNNL_ARG_WEIGHTS);
    dnnl_memory_t from = NULL;
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_primitive_t reorder = NULL;
    enum status rc;
    TRY(ALLOCATE(*weights, 1, "for weights"));
    struct onednn_weights *w = *weights;
    TRY_OUT(onednn_layout_create(&plain_layout, 4, dims, dnnl_f32, dnnl_oihw));
    TRY_OUT(onednn_check(dnnl_memory_create(&from, plain_layout, engine, (void *)(uintptr_t)plain), "weights"));
    TRY_OUT(onednn_check(dnnl_memory_create(&w->memory, layout, engine, DNNL_MEMORY_ALLOCATE), "weights"));
    TRY_OUT(onednn_check(dnnl_reorder_primitive_desc_create(&descriptor, plain_layout, engine, layout, engine, NULL), "weights"));
    TRY_OUT(onednn_check(dnnl_primitive_create(&reorder, descriptor), "weights reorder"));
    rc = onednn_execute(reorder, 2, (dnnl_exec_arg_t[]){{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, w->memory}}, "weights reorder");
out:
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(descriptor);
    dnnl_memory_destroy(from);
    onednn_layout_destroy(&plain_layout);
    if (rc != STATUS_OK)
        onednn_weights_destroy(weights);
    return rc;
}

void onednn_weights_destroy(struct onednn_weights **weights)
{
    if (!*weights)
        return;
    dnnl_memory_destroy((*weights)->memory);
    free(*weights);
    *weights = NULL;
}

bool onednn_weights_fit(const struct onednn_weights *weights, const struct onednn_primitive *primitive)
{
    onednn_layout layout;
    return onednn_layout_of(weights->memory, &layout) == STATUS_OK &&
           dnnl_memory_desc_equal(layout, layout_of(primitive, DNNL_ARG_WEIGHTS));
}

enum status onednn_bind(struct onednn_primitive *p, const struct onednn_binding *b)
{
    const bool backward = p->spec.kind == ONEDNN_BACKWARD;
    const struct {
        int argument;
        const void *data;
    } plain[] = {{backward ? DNNL_ARG_DIFF_DST : DNNL_ARG_SRC, b->in},
                 {backward ? DNNL_ARG_DIFF_SRC : DNNL_ARG_DST, b->out},
                 {DNNL_ARG_SCRATCHPAD, b->scratch},
                 {DNNL_ARG_BIAS, b->bias}};
    unbind(p);
    p->result = b->out;
    for (int i = 0; i < (p->spec.bias ? 4 : 3); i++) {
        dnnl_exec_arg_t *next = &p->arguments[p->argument_count];
        next->arg = plain[i].argument;
        TRY(onednn_check(
            dnnl_memory_create(&next->memory, layout_of(p, next->arg), onednn_library()->engine, (void *)(uintptr_t)plain[i].data),
            "memory"));
        p->argument_count++;
    }
    p->arguments[p->argument_count++] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, b->weights->memory};
    return STATUS_OK;
}

enum status onednn_run(struct onednn_primitive *p)
{
    TRY(onednn_execute(p->primitive, p->argument_count, p->arguments, "execute"));
    if (p->narrowed)
        widen(p);
    return STATUS_OK;
}
