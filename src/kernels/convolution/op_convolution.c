// SPDX-License-Identifier: MIT
#include "kernels/convolution/op_convolution.h"

struct conv_spec op_conv_spec(const struct network *network, const struct op *op)
{
    const struct layer *first = &network->layers[op->parts[0]];
    struct conv_spec spec = {.backward = op->kind == OP_CONV_BACKWARD, .part_count = op->part_count};
    // The source is one tensor, whose gradient may have several results, side by side.
    const struct view *src = spec.backward ? &op->results[0].view : &op->inputs[0],
                      *dst = spec.backward ? &op->inputs[0] : &op->results[0].view;
    int channels = 0;
    for (int p = 0; p < op->part_count; p++) {
        const struct layer *layer = &network->layers[op->parts[p]];
        spec.parts[p] = layer->conv;
        spec.part_channels[p] = layer->channels;
        spec.linear[p] = !spec.backward && !op->results[p].relu;
        channels += layer->channels;
    }
    spec.accumulate = spec.backward && op->results[0].accumulate;
    spec.image = src->planar;
    spec.src_bf16 = src->bf16;
    spec.dst_bf16 = dst->bf16;
    spec.shape = (struct onednn_shape){.src_channels = network->layers[first->inputs[0]].channels,
                                       .src_h = src->height,
                                       .src_w = src->width,
                                       .dst_channels = channels,
                                       .dst_h = dst->height,
                                       .dst_w = dst->width,
                                       .kernel_h = first->kernel_h,
                                       .kernel_w = first->kernel_w,
                                       .stride = first->stride,
                                       .pad_h = first->same ? (first->kernel_h - 1) / 2 : 0,
                                       .pad_w = first->same ? (first->kernel_w - 1) / 2 : 0};
    return spec;
}

double op_flop(const struct conv_spec *spec)
{
    const struct onednn_shape *s = &spec->shape;
    return 2.0 * s->dst_channels * s->dst_h * s->dst_w * s->kernel_h * s->kernel_w * s->src_channels;
}
