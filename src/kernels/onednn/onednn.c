// SPDX-License-Identifier: MIT
#include "kernels/onednn/onednn.h"

#include <dnnl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/simd/simd.h"

enum { ARGUMENTS_MAX = 6 };

struct onednn_primitive {
    struct onednn_spec spec;
    dnnl_primitive_desc_t descriptor;
    dnnl_primitive_t primitive;
    const dnnl_memory_desc_t *src, *dst, *weights, *bias, *scratch; // NULL: not used
    dnnl_memory_t memories[ARGUMENTS_MAX];
    dnnl_exec_arg_t arguments[ARGUMENTS_MAX];
    int argument_count;
    bool narrowed; // see create_backward_conv()
    float *result; // where it leaves its result then
};

struct onednn_weights {
    dnnl_memory_desc_t layout;
    dnnl_memory_t memory;
};

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static int block;
static char version[32];

static enum status check(dnnl_status_t status, const char *what)
{
    static const char *const names[] = {"success",       "out of memory", "invalid arguments", "unimplemented",
                                        "iterator ends", "runtime error", "not required"};
    if (status == dnnl_success)
        return STATUS_OK;
    const char *name = (unsigned)status < sizeof names / sizeof names[0] ? names[status] : "unknown error";
    return fail(status == dnnl_unimplemented ? STATUS_UNSUPPORTED : STATUS_INTERNAL, "oneDNN: %s: %s", what, name);
}

static dnnl_status_t layout(dnnl_memory_desc_t *desc, int channels, int height, int width, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    const dnnl_dims_t dims = {1, channels, height, width};
    return dnnl_memory_desc_init_by_tag(desc, 4, dims, type, tag);
}

static void start(void)
{
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) != dnnl_success)
        abort(); // the CPU engine has no way to fail but memory
    block = simd_here()->lanes;
    const dnnl_version_t *v = dnnl_version();
    snprintf(version, sizeof version, "%d.%d.%d", v->major, v->minor, v->patch);
}

static void started(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
}

int onednn_block(void)
{
    started();
    return block;
}

const char *onednn_version(void)
{
    started();
    return version;
}

size_t onednn_tensor_bytes(int channels, int height, int width)
{
    size_t b = (size_t)onednn_block();
    return ((size_t)channels + b - 1) / b * b * (size_t)height * (size_t)width * sizeof(float);
}

static enum status create_attributes(const struct onednn_spec *spec, dnnl_primitive_attr_t *attributes)
{
    enum status rc = STATUS_OK;
    dnnl_post_ops_t post = NULL;
    TRY_OUT(check(dnnl_primitive_attr_create(attributes), "attributes"));
    TRY_OUT(check(dnnl_primitive_attr_set_scratchpad_mode(*attributes, dnnl_scratchpad_mode_user), "scratchpad mode"));
    if (spec->relu || spec->accumulate) {
        TRY_OUT(check(dnnl_post_ops_create(&post), "post-ops"));
        if (spec->accumulate)
            TRY_OUT(check(dnnl_post_ops_append_sum(post, 1.0f), "post-op sum"));
        if (spec->relu)
            TRY_OUT(check(dnnl_post_ops_append_eltwise(post, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f), "post-op relu"));
        TRY_OUT(check(dnnl_primitive_attr_set_post_ops(*attributes, post), "post-ops"));
    }
out:
    dnnl_post_ops_destroy(post);
    return rc;
}

static dnnl_data_type_t data_type(const struct onednn_spec *spec)
{
    return spec->bf16 ? dnnl_bf16 : dnnl_f32;
}

struct geometry {
    dnnl_dims_t strides, before, after;
    dnnl_memory_desc_t src, dst;
};

static enum status describe(const struct onednn_spec *spec, struct geometry *g)
{
    const struct onednn_shape *s = &spec->shape;
    const dnnl_format_tag_t blocked = onednn_block() == 16 ? dnnl_nChw16c : dnnl_nChw8c;
    const int after_h = (s->dst_h - 1) * s->stride + s->kernel_h - s->src_h - s->pad_h;
    const int after_w = (s->dst_w - 1) * s->stride + s->kernel_w - s->src_w - s->pad_w;
    *g = (struct geometry){.strides = {s->stride, s->stride}, .before = {s->pad_h, s->pad_w}, .after = {after_h, after_w}};
    const dnnl_data_type_t type = data_type(spec);
    enum status rc =
        check(layout(&g->src, s->src_channels, s->src_h, s->src_w, type, spec->planar_source ? dnnl_nchw : blocked), "source layout");
    if (rc == STATUS_OK)
        rc = check(layout(&g->dst, s->dst_channels, s->dst_h, s->dst_w, type, blocked), "destination layout");
    return rc;
}

static enum status create_conv(const struct onednn_spec *spec, const_dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t *descriptor)
{
    const struct onednn_shape *s = &spec->shape;
    const dnnl_dims_t dims = {s->dst_channels, s->src_channels, s->kernel_h, s->kernel_w}, bias_dims = {s->dst_channels};
    const bool backward = spec->kind == ONEDNN_CONV_BACKWARD_DATA;
    const dnnl_alg_kind_t algorithm = spec->winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
    struct geometry g;
    dnnl_memory_desc_t weights, bias;
    dnnl_convolution_desc_t forward, data;
    dnnl_primitive_desc_t hint = NULL;
    enum status rc;
    TRY_OUT(describe(spec, &g));
    TRY_OUT(check(dnnl_memory_desc_init_by_tag(&weights, 4, dims, data_type(spec), dnnl_format_tag_any), "weights layout"));
    TRY_OUT(check(dnnl_memory_desc_init_by_tag(&bias, 1, bias_dims, dnnl_f32, dnnl_a), "bias layout"));
    TRY_OUT(check(dnnl_convolution_forward_desc_init(&forward, backward ? dnnl_forward_training : dnnl_forward_inference, algorithm, &g.src,
                                                     &weights, spec->bias ? &bias : NULL, &g.dst, g.strides, g.before, g.after),
                  "convolution"));
    if (!backward) {
        rc = check(dnnl_primitive_desc_create(descriptor, &forward, attributes, engine, NULL), "convolution");
        goto out;
    }
    TRY_OUT(check(dnnl_primitive_desc_create(&hint, &forward, NULL, engine, NULL), "convolution"));
    TRY_OUT(check(dnnl_convolution_backward_data_desc_init(&data, algorithm, &g.src, &weights, &g.dst, g.strides, g.before, g.after),
                  "backward convolution"));
    rc = check(dnnl_primitive_desc_create(descriptor, &data, attributes, engine, hint), "backward convolution");
out:
    dnnl_primitive_desc_destroy(hint);
    return rc;
}

static const dnnl_memory_desc_t *query(const struct onednn_primitive *p, dnnl_query_t what, int index)
{
    const dnnl_memory_desc_t *desc = dnnl_primitive_desc_query_md(p->descriptor, what, index);
    return desc && desc->ndims > 0 ? desc : NULL;
}

// Columns on the right that a convolution without padding and with a stride never reads.
static int unread_columns(const struct onednn_shape *s)
{
    return s->pad_w == 0 && s->stride > 1 ? (s->src_w - s->kernel_w) % s->stride : 0;
}

static bool is_reference(dnnl_primitive_desc_t descriptor)
{
    const char *name = NULL;
    dnnl_primitive_desc_query(descriptor, dnnl_query_impl_info_str, 0, &name);
    return !name || strncmp(name, "ref", 3) == 0;
}

// For some widths (with AVX-512 the multiples of 28) oneDNN has nothing but its reference code, dozens of times slower, to go back through
// a convolution with a stride. It has for one column less: where the last one is not read, its gradient is 0 and can be filled in
// (widen()).
static enum status create_backward_conv(struct onednn_primitive *p, const_dnnl_primitive_attr_t attributes)
{
    dnnl_primitive_desc_t narrow = NULL;
    struct onednn_spec spec = p->spec;
    enum status rc;
    TRY_OUT(create_conv(&spec, attributes, &p->descriptor));
    if (!is_reference(p->descriptor) || unread_columns(&spec.shape) == 0)
        goto out;
    spec.shape.src_w -= unread_columns(&spec.shape);
    TRY_OUT(create_conv(&spec, attributes, &narrow));
    p->narrowed = !is_reference(narrow);
    if (p->narrowed) {
        dnnl_primitive_desc_destroy(p->descriptor);
        p->descriptor = narrow;
        narrow = NULL;
    }
out:
    dnnl_primitive_desc_destroy(narrow);
    return rc;
}

// Moves the rows of the result apart and fills the column between them, in place: from the last row to the first.
static void widen(const struct onednn_primitive *p)
{
    const struct onednn_shape *s = &p->spec.shape;
    const size_t rows = onednn_tensor_bytes(s->src_channels, s->src_h, 1) / ((size_t)block * sizeof(float));
    const size_t wide = (size_t)s->src_w * (size_t)block, narrow = wide - (size_t)unread_columns(s) * (size_t)block;
    for (size_t row = rows; row-- > 0;) {
        memmove(p->result + row * wide, p->result + row * narrow, narrow * sizeof(float));
        memset(p->result + row * wide + narrow, 0, (wide - narrow) * sizeof(float));
    }
}

enum status onednn_primitive_create(struct onednn_primitive **primitive, const struct onednn_spec *spec)
{
    enum status rc;
    dnnl_primitive_attr_t attributes = NULL;
    struct onednn_primitive *p = *primitive = calloc(1, sizeof *p);
    if (!p)
        return fail(STATUS_LIMIT, "no memory for a primitive");
    started();
    p->spec = *spec;
    const bool backward = spec->kind == ONEDNN_CONV_BACKWARD_DATA;
    TRY_OUT(create_attributes(spec, &attributes));
    TRY_OUT(backward ? create_backward_conv(p, attributes) : create_conv(spec, attributes, &p->descriptor));
    TRY_OUT(check(dnnl_primitive_create(&p->primitive, p->descriptor), "primitive"));
    p->src = query(p, backward ? dnnl_query_diff_src_md : dnnl_query_src_md, 0);
    p->dst = query(p, backward ? dnnl_query_diff_dst_md : dnnl_query_dst_md, 0);
    p->scratch = query(p, dnnl_query_scratchpad_md, 0);
    p->weights = query(p, dnnl_query_weights_md, 0);
    p->bias = backward ? NULL : query(p, dnnl_query_weights_md, 1);
out:
    dnnl_primitive_attr_destroy(attributes);
    if (rc != STATUS_OK)
        onednn_primitive_destroy(primitive);
    return rc;
}

static void unbind(struct onednn_primitive *p)
{
    for (int i = 0; i < p->argument_count; i++)
        if (p->memories[i])
            dnnl_memory_destroy(p->memories[i]);
    memset(p->memories, 0, sizeof p->memories);
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

static size_t bytes_of(const dnnl_memory_desc_t *desc)
{
    return desc ? dnnl_memory_desc_get_size(desc) : 0;
}

size_t onednn_scratch_bytes(const struct onednn_primitive *primitive)
{
    return bytes_of(primitive->scratch);
}

bool onednn_is_reference(const struct onednn_primitive *primitive)
{
    return is_reference(primitive->descriptor);
}

const char *onednn_implementation(const struct onednn_primitive *primitive)
{
    const char *name = NULL;
    dnnl_primitive_desc_query(primitive->descriptor, dnnl_query_impl_info_str, 0, &name);
    return name ? name : "unknown";
}

// (out, in, kh, kw) -> (in, out, kh, kw) turned by half a turn.
static void flip_kernel(const float *plain, float *flipped, const struct onednn_shape *flipped_shape)
{
    const int out = flipped_shape->src_channels, in = flipped_shape->dst_channels;
    const int taps = flipped_shape->kernel_h * flipped_shape->kernel_w;
    for (int i = 0; i < in; i++)
        for (int o = 0; o < out; o++)
            for (int k = 0; k < taps; k++)
                flipped[((size_t)i * out + o) * taps + (taps - 1 - k)] = plain[((size_t)o * in + i) * taps + k];
}

enum status onednn_weights_create(struct onednn_weights **weights, const struct onednn_primitive *primitive, const float *plain, bool flip)
{
    const struct onednn_shape *s = &primitive->spec.shape;
    const dnnl_dims_t dims = {s->dst_channels, s->src_channels, s->kernel_h, s->kernel_w};
    const size_t count = (size_t)s->dst_channels * s->src_channels * s->kernel_h * s->kernel_w;
    dnnl_memory_desc_t plain_layout;
    dnnl_memory_t from = NULL;
    dnnl_primitive_desc_t descriptor = NULL;
    dnnl_primitive_t reorder = NULL;
    float *flipped = NULL;
    enum status rc;
    struct onednn_weights *w = *weights = calloc(1, sizeof *w);
    if (!w)
        return fail(STATUS_LIMIT, "no memory for weights");
    w->layout = *primitive->weights;
    if (flip) {
        flipped = malloc(count * sizeof *flipped);
        if (!flipped) {
            rc = fail(STATUS_LIMIT, "no memory for weights");
            goto out;
        }
        flip_kernel(plain, flipped, s);
    }
    TRY_OUT(check(dnnl_memory_desc_init_by_tag(&plain_layout, 4, dims, dnnl_f32, dnnl_oihw), "weights layout"));
    TRY_OUT(check(dnnl_memory_create(&from, &plain_layout, engine, flip ? flipped : (void *)(uintptr_t)plain), "weights"));
    TRY_OUT(check(dnnl_memory_create(&w->memory, &w->layout, engine, DNNL_MEMORY_ALLOCATE), "weights"));
    TRY_OUT(check(dnnl_reorder_primitive_desc_create(&descriptor, &plain_layout, engine, &w->layout, engine, NULL), "weights reorder"));
    TRY_OUT(check(dnnl_primitive_create(&reorder, descriptor), "weights reorder"));
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, w->memory}};
    TRY_OUT(check(dnnl_primitive_execute(reorder, stream, 2, arguments), "weights reorder"));
    TRY_OUT(check(dnnl_stream_wait(stream), "weights reorder"));
out:
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(descriptor);
    dnnl_memory_destroy(from);
    free(flipped);
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
    return dnnl_memory_desc_equal(&weights->layout, primitive->weights);
}

size_t onednn_weights_bytes(const struct onednn_weights *weights)
{
    return bytes_of(&weights->layout);
}

static enum status add_argument(struct onednn_primitive *p, int argument, const dnnl_memory_desc_t *desc, const void *data)
{
    if (!desc)
        return STATUS_OK;
    const int i = p->argument_count;
    enum status rc = check(dnnl_memory_create(&p->memories[i], desc, engine, (void *)(uintptr_t)data), "memory");
    if (rc == STATUS_OK) {
        p->arguments[i] = (dnnl_exec_arg_t){argument, p->memories[i]};
        p->argument_count++;
    }
    return rc;
}

enum status onednn_bind(struct onednn_primitive *p, const struct onednn_binding *b)
{
    const bool backward = p->spec.kind == ONEDNN_CONV_BACKWARD_DATA;
    unbind(p);
    p->result = b->src;
    TRY(add_argument(p, backward ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, p->src, b->src));
    TRY(add_argument(p, backward ? DNNL_ARG_DIFF_DST : DNNL_ARG_DST, p->dst, b->dst));
    TRY(add_argument(p, DNNL_ARG_BIAS, p->bias, b->bias));
    TRY(add_argument(p, DNNL_ARG_SCRATCHPAD, p->scratch, b->scratch));
    // The weights' memory is owned by onednn_weights, not by this primitive, and not counted.
    p->arguments[p->argument_count] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, b->weights->memory};
    return STATUS_OK;
}

enum status onednn_run(struct onednn_primitive *p)
{
    TRY(check(dnnl_primitive_execute(p->primitive, stream, p->argument_count + 1, p->arguments), "execute"));
    TRY(check(dnnl_stream_wait(stream), "execute"));
    if (p->narrowed)
        widen(p);
    return STATUS_OK;
}
