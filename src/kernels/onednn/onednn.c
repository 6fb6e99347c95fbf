// SPDX-License-Identifier: MIT
#include "kernels/onednn/onednn.h"

#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/onednn/descriptors.h"
#include "kernels/onednn/library.h"
#include "kernels/simd/simd.h"

struct onednn_primitive {
    struct onednn_spec spec;
    dnnl_primitive_desc_t descriptor;
    dnnl_primitive_t primitive;
};

struct onednn_weights {
    dnnl_memory_t memory;
};

enum { ARGUMENTS = 4 };

struct onednn_binding {
    const struct onednn_primitive *primitive;
    dnnl_stream_t stream;
    dnnl_exec_arg_t arguments[ARGUMENTS]; // the weights first, whose memory is not this binding's
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
    const size_t b = (size_t)onednn_block();
    return ((size_t)channels + b - 1) / b * b * (size_t)height * (size_t)width * sizeof(float);
}

static enum status create_descriptor(const struct onednn_spec *spec, const_dnnl_primitive_attr_t attributes,
                                     dnnl_primitive_desc_t *descriptor)
{
    const struct onednn_shape *s = &spec->shape;
    const dnnl_dims_t src = {1, s->src_channels, s->src_h, s->src_w}, dst = {1, s->dst_channels, s->dst_h, s->dst_w};
    const dnnl_dims_t weights = {s->dst_channels, s->src_channels, s->kernel_h, s->kernel_w};
    const dnnl_data_type_t read = spec->bf16 ? dnnl_bf16 : dnnl_f32;
    struct onednn_convolution convolution = {
        .backward = spec->backward,
        .strides = {s->stride, s->stride},
        .before = {s->pad_h, s->pad_w},
        .after = {(s->dst_h - 1) * s->stride + s->kernel_h - s->src_h - s->pad_h,
                  (s->dst_w - 1) * s->stride + s->kernel_w - s->src_w - s->pad_w},
    };
    enum status rc;
    TRY_OUT(onednn_layout_create(&convolution.src, 4, src, spec->backward ? dnnl_f32 : read, dnnl_nhwc));
    TRY_OUT(onednn_layout_create(&convolution.dst, 4, dst, spec->backward ? read : dnnl_f32, dnnl_nhwc));
    TRY_OUT(onednn_layout_create(&convolution.weights, 4, weights, read, dnnl_format_tag_any));
    rc = onednn_describe_convolution(descriptor, &convolution, attributes);
out:
    onednn_layout_destroy(&convolution.src);
    onednn_layout_destroy(&convolution.dst);
    onednn_layout_destroy(&convolution.weights);
    return rc;
}

enum status onednn_primitive_create(struct onednn_primitive **primitive, const struct onednn_spec *spec)
{
    // oneDNN divides the work, and with it some sums, by the number of threads at this moment.
    const int threads = omp_get_max_threads();
    dnnl_primitive_attr_t attributes = NULL;
    enum status rc;
    TRY(ALLOCATE(*primitive, 1, "for a primitive"));
    struct onednn_primitive *p = *primitive;
    p->spec = *spec;
    omp_set_num_threads(1);
    TRY_OUT(onednn_check(dnnl_primitive_attr_create(&attributes), "attributes"));
    TRY_OUT(onednn_check(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user), "scratchpad mode"));
    TRY_OUT(create_descriptor(spec, attributes, &p->descriptor));
    TRY_OUT(onednn_check(dnnl_primitive_create(&p->primitive, p->descriptor), "primitive"));
out:
    omp_set_num_threads(threads);
    dnnl_primitive_attr_destroy(attributes);
    if (rc != STATUS_OK)
        onednn_primitive_destroy(primitive);
    return rc;
}

void onednn_primitive_destroy(struct onednn_primitive **primitive)
{
    struct onednn_primitive *p = *primitive;
    if (!p)
        return;
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

// Of the weight at (out, in, y, x).
static size_t offset_of(const struct onednn_blocking *blocking, const int at[4])
{
    dnnl_dims_t left = {at[0], at[1], at[2], at[3]};
    dnnl_dim_t offset = 0, step = 1;
    for (int i = blocking->count - 1; i >= 0; i--) {
        dnnl_dim_t *position = &left[blocking->dimensions[i]];
        offset += *position % blocking->sizes[i] * step;
        *position /= blocking->sizes[i];
        step *= blocking->sizes[i];
    }
    for (int d = 0; d < 4; d++)
        offset += left[d] * blocking->strides[d];
    return (size_t)offset;
}

static void lay_out(const struct onednn_blocking *blocking, const struct onednn_spec *spec, const float *plain, void *data)
{
    const struct onednn_shape *s = &spec->shape;
    const int taps = s->kernel_h * s->kernel_w;
#pragma omp parallel for schedule(static)
    for (int o = 0; o < s->dst_channels; o++)
        for (int i = 0; i < s->src_channels; i++)
            for (int t = 0; t < taps; t++) {
                const float value = plain[((size_t)o * (size_t)s->src_channels + (size_t)i) * (size_t)taps + (size_t)t];
                const size_t to = offset_of(blocking, (const int[]){o, i, t / s->kernel_w, t % s->kernel_w});
                if (spec->bf16)
                    ((uint16_t *)data)[to] = simd_bf16(value);
                else
                    ((float *)data)[to] = value;
            }
}

// Not by oneDNN's reorder: that of version 3.7.2 is wrong where the channels are no multiple of the block.
enum status onednn_weights_create(struct onednn_weights **weights, const struct onednn_primitive *primitive, const float *plain)
{
    const onednn_layout layout = layout_of(primitive, DNNL_ARG_WEIGHTS);
    struct onednn_blocking blocking;
    void *data;
    enum status rc;
    TRY(ALLOCATE(*weights, 1, "for weights"));
    struct onednn_weights *w = *weights;
    TRY_OUT(onednn_layout_blocking(layout, &blocking));
    TRY_OUT(onednn_check(dnnl_memory_create(&w->memory, layout, onednn_library()->engine, DNNL_MEMORY_ALLOCATE), "weights"));
    TRY_OUT(onednn_check(dnnl_memory_get_data_handle(w->memory, &data), "weights"));
    memset(data, 0, dnnl_memory_desc_get_size(layout));
    lay_out(&blocking, &primitive->spec, plain, data);
out:
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

enum status onednn_bind(struct onednn_binding **binding, const struct onednn_primitive *p, const struct onednn_weights *weights,
                        const void *in, float *out, void *scratch)
{
    const bool backward = p->spec.backward;
    const struct {
        int argument;
        const void *data;
    } memory[ARGUMENTS - 1] = {{backward ? DNNL_ARG_DIFF_DST : DNNL_ARG_SRC, in},
                               {backward ? DNNL_ARG_DIFF_SRC : DNNL_ARG_DST, out},
                               {DNNL_ARG_SCRATCHPAD, scratch}};
    const dnnl_engine_t engine = onednn_library()->engine;
    TRY(ALLOCATE(*binding, 1, "for a primitive"));
    struct onednn_binding *b = *binding;
    b->primitive = p;
    b->arguments[0] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, weights->memory};
    enum status rc = onednn_check(dnnl_stream_create(&b->stream, engine, dnnl_stream_default_flags), "stream");
    for (int i = 0; rc == STATUS_OK && i < ARGUMENTS - 1; i++) {
        dnnl_exec_arg_t *next = &b->arguments[i + 1];
        next->arg = memory[i].argument;
        rc = onednn_check(dnnl_memory_create(&next->memory, layout_of(p, next->arg), engine, (void *)(uintptr_t)memory[i].data), "memory");
    }
    if (rc != STATUS_OK)
        onednn_binding_destroy(binding);
    return rc;
}

void onednn_binding_destroy(struct onednn_binding **binding)
{
    struct onednn_binding *b = *binding;
    if (!b)
        return;
    for (int i = 1; i < ARGUMENTS; i++)
        dnnl_memory_destroy(b->arguments[i].memory);
    dnnl_stream_destroy(b->stream);
    free(b);
    *binding = NULL;
}

enum status onednn_run(const struct onednn_binding *binding)
{
    // Its products of matrices divide sums by the number of threads at this moment, where no other thread of a team is at work.
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    const enum status rc = onednn_execute(binding->primitive->primitive, binding->stream, ARGUMENTS, binding->arguments, "convolution");
    omp_set_num_threads(threads);
    return rc;
}
