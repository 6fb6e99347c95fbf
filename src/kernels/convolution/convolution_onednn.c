// SPDX-License-Identifier: MIT
// Convolutions by oneDNN: one primitive a part, and a pass over the result for what it cannot do.
#include "kernels/convolution/convolution_methods.h"
#include "kernels/network/arena.h"

// Of the result that oneDNN's own backward pass leaves in the scratch, before what is done to it.
static size_t result_bytes(const struct convolution *c)
{
    const struct onednn_shape *s = &c->spec.shape;
    return c->method == CONV_ONEDNN_BACKWARD ? onednn_tensor_bytes(s->src_channels, s->src_h, s->src_w) : 0;
}

static enum status create_part(struct convolution *c, int part, struct weight_cache *cache)
{
    const struct conv_spec *spec = &c->spec;
    struct onednn_spec wanted = {.shape = spec->shape, .winograd = c->method == CONV_ONEDNN_WINOGRAD, .bf16 = spec->src_bf16};
    wanted.shape.dst_channels = spec->part_channels[part];
    if (c->method == CONV_ONEDNN_BACKWARD) {
        wanted.kind = ONEDNN_BACKWARD;
    } else if (spec->backward) {
        wanted.kind = ONEDNN_TURNED;
        wanted.accumulate = spec->accumulate || part > 0;
    } else {
        wanted.bias = wanted.relu = !spec->linear[part];
        wanted.planar_source = spec->image;
    }
    TRY(onednn_primitive_create(&c->primitives[part], &wanted));
    if (onednn_is_reference(c->primitives[part]))
        return fail(STATUS_UNSUPPORTED, "oneDNN has nothing but plain loops for this");
    if (cache)
        TRY(weight_cache_onednn(cache, spec->parts[part], wanted.kind == ONEDNN_TURNED, c->primitives[part], &c->weights[part]));
    const size_t bytes = onednn_scratch_bytes(c->primitives[part]);
    c->scratch_bytes = bytes > c->scratch_bytes ? bytes : c->scratch_bytes;
    return STATUS_OK;
}

enum status conv_onednn_create(struct convolution *c, struct weight_cache *cache)
{
    const struct conv_spec *spec = &c->spec;
    const bool own_backward = c->method == CONV_ONEDNN_BACKWARD; // which cannot add: of one part only
    if (own_backward != (spec->backward && spec->shape.stride > 1) || (own_backward && (spec->part_count > 1 || spec->src_bf16)) ||
        spec->src_bf16 != spec->dst_bf16 || (spec->image && spec->backward))
        return fail(STATUS_UNSUPPORTED, "not a case for oneDNN's %s", conv_method_name(c->method));
    for (int p = 0; p < spec->part_count; p++)
        TRY(create_part(c, p, cache));
    if (own_backward)
        c->scratch_bytes = arena_aligned(c->scratch_bytes) + result_bytes(c);
    return STATUS_OK;
}

enum status conv_onednn_bind(struct convolution *c, const void *const *in, void *scratch)
{
    if (c->method == CONV_ONEDNN_BACKWARD)
        c->result = (char *)scratch + c->scratch_bytes - result_bytes(c);
    for (int p = 0, block = 0; p < c->spec.part_count; block += c->spec.part_channels[p++] / onednn_block()) {
        const struct simd_out *out = &c->out[c->spec.backward ? 0 : block];
        TRY(onednn_bind(c->primitives[p], &(struct onednn_binding){.in = in[c->spec.backward ? block : 0],
                                                                   .out = c->result ? c->result : out->data,
                                                                   .weights = c->weights[p],
                                                                   .bias = out->bias,
                                                                   .scratch = scratch}));
    }
    return STATUS_OK;
}

// What oneDNN has left undone: the masks and gates of every block.
static void finish(const struct convolution *c)
{
    const struct view result = conv_result(&c->spec);
    struct simd_out out[SIMD_BLOCKS_MAX];
    struct simd_pass pass = {.in = c->result, .in_bf16 = result.bf16, .blocks = 1, .pixels = view_pixels(&result), .out = out};
    if (c->result) {
        pass.blocks = c->out_blocks;
        pass.out = c->out;
        simd_here()->pass(&pass);
        return;
    }
    // The results of parts may lie anywhere: each run of blocks that follow each other in one pass.
    const size_t bytes = view_block_bytes(&result);
    for (int b = 0; b < c->out_blocks; b += pass.blocks) {
        bool any = false;
        pass.in = c->out[b].data;
        pass.blocks = 0;
        do {
            struct simd_out *to = &out[pass.blocks];
            *to = c->out[b + pass.blocks++];
            to->bias = NULL;
            to->accumulate = to->relu = false;
            any = any || to->mask || to->rule != GATE_OPEN;
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
    finish(c);
    return STATUS_OK;
}
