// SPDX-License-Identifier: MIT
// Convolutions by oneDNN: one primitive a part, and a pass over the result for what it cannot do.
#include "kernels/convolution/convolution_methods.h"

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

enum status conv_onednn_create(struct convolution *c, struct weight_cache *cache)
{
    const struct conv_spec *spec = &c->spec;
    const bool turned = spec->backward && c->method != CONV_ONEDNN_BACKWARD;
    const bool own_backward = c->method == CONV_ONEDNN_BACKWARD; // oneDNN's, which cannot add: of one part only
    if (own_backward != (spec->backward && spec->shape.stride > 1) || (own_backward && (spec->part_count > 1 || spec->src_bf16)) ||
        spec->src_bf16 != spec->dst_bf16 || (spec->image && spec->backward))
        return fail(STATUS_UNSUPPORTED, "not a case for oneDNN's %s", conv_method_name(c->method));
    for (int p = 0; p < spec->part_count; p++) {
        const struct onednn_shape *s = &spec->shape;
        struct onednn_spec wanted = {.kind = ONEDNN_CONV, .shape = *s, .winograd = c->method == CONV_ONEDNN_WINOGRAD};
        wanted.shape.dst_channels = spec->part_channels[p];
        if (c->method == CONV_ONEDNN_BACKWARD)
            wanted.kind = ONEDNN_CONV_BACKWARD_DATA;
        if (turned)
            wanted.shape = (struct onednn_shape){.src_channels = wanted.shape.dst_channels,
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
        wanted.accumulate = turned && (spec->accumulate || p > 0);
        wanted.bias = wanted.relu = !spec->backward && !spec->linear[p];
        wanted.planar_source = spec->image;
        wanted.bf16 = spec->src_bf16;
        TRY(onednn_primitive_create(&c->primitives[p], &wanted));
        if (onednn_is_reference(c->primitives[p])) {
            return fail(STATUS_UNSUPPORTED, "oneDNN has nothing but plain loops for this");
        }
        if (cache)
            TRY(weight_cache_onednn(cache, spec->parts[p], c->primitives[p], turned, &c->weights[p]));
        if (onednn_scratch_bytes(c->primitives[p]) > c->scratch_bytes)
            c->scratch_bytes = onednn_scratch_bytes(c->primitives[p]);
    }
    if (c->method == CONV_ONEDNN_BACKWARD) // its result, before what is done to it
        c->scratch_bytes = aligned(c->scratch_bytes) + onednn_tensor_bytes(spec->shape.src_channels, spec->shape.src_h, spec->shape.src_w);
    return STATUS_OK;
}

enum status conv_onednn_bind(struct convolution *c, const void *const *in, void *scratch)
{
    const struct onednn_shape *s = &c->spec.shape;
    if (c->method == CONV_ONEDNN_BACKWARD)
        c->result = (char *)scratch + c->scratch_bytes - onednn_tensor_bytes(s->src_channels, s->src_h, s->src_w);
    for (int p = 0, block = 0; p < c->spec.part_count; block += c->spec.part_channels[p++] / onednn_block()) {
        const int from = c->spec.backward ? block : 0, to = c->spec.backward ? 0 : block;
        struct onednn_binding binding = {.src = (void *)(uintptr_t)in[from],
                                         .dst = c->out[to].data,
                                         .weights = c->weights[p],
                                         .bias = c->out[to].bias,
                                         .scratch = scratch};
        if (c->method == CONV_ONEDNN_BACKWARD) {
            binding.dst = binding.src;
            binding.src = c->result;
        }
        TRY(onednn_bind(c->primitives[p], &binding));
    }
    return STATUS_OK;
}

// What oneDNN has left undone: the masks and gates of every block.
static void finish_onednn(const struct convolution *c)
{
    const struct conv_side result = conv_result(&c->spec);
    struct simd_out out[SIMD_BLOCKS_MAX];
    struct simd_pass pass = {
        .in = c->result, .in_bf16 = result.bf16, .blocks = 1, .pixels = (size_t)result.height * (size_t)result.width, .out = out};
    if (c->method == CONV_ONEDNN_BACKWARD) {
        pass.blocks = c->out_blocks;
        pass.out = c->out;
        simd_here()->pass(&pass);
        return;
    }
    // The results of parts may lie anywhere: each run of blocks that follow each other in one pass.
    const size_t bytes = pass.pixels * (size_t)onednn_block() * (result.bf16 ? 2 : 4);
    for (int b = 0; b < c->out_blocks; b += pass.blocks) {
        pass.in = c->out[b].data;
        pass.blocks = 0;
        bool any = false;
        do {
            out[pass.blocks] = c->out[b + pass.blocks];
            out[pass.blocks].bias = NULL;
            out[pass.blocks].accumulate = out[pass.blocks].relu = false;
            any = any || out[pass.blocks].mask || out[pass.blocks].rule != GATE_OPEN;
            pass.blocks++;
        } while (b + pass.blocks < c->out_blocks &&
                 (const char *)c->out[b + pass.blocks].data == (const char *)pass.in + (size_t)pass.blocks * bytes);
        if (any)
            simd_here()->pass(&pass);
    }
}

enum status conv_onednn_run(struct convolution *c)
{
    for (int p = 0; p < c->spec.part_count; p++)
        TRY(onednn_run(c->primitives[p]));
    finish_onednn(c);
    return STATUS_OK;
}
