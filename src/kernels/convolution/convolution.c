// SPDX-License-Identifier: MIT
#include "kernels/convolution/convolution.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/convolution/convolution_methods.h"
#include "kernels/convolution/panels.h"

struct conv_spec conv_spec_of(const struct network *network, const struct op *op)
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

double conv_flop(const struct conv_spec *spec)
{
    const struct onednn_shape *s = &spec->shape;
    return 2.0 * s->dst_channels * s->dst_h * s->dst_w * s->kernel_h * s->kernel_w * s->src_channels;
}

static struct view side_of(const struct conv_spec *spec, bool source)
{
    const struct onednn_shape *s = &spec->shape;
    return source ? (struct view){.channels = s->src_channels,
                                  .height = s->src_h,
                                  .width = s->src_w,
                                  .bf16 = spec->src_bf16,
                                  .planar = spec->image}
                  : (struct view){.channels = s->dst_channels, .height = s->dst_h, .width = s->dst_w, .bf16 = spec->dst_bf16};
}

struct view conv_source(const struct conv_spec *spec)
{
    return side_of(spec, !spec->backward);
}

struct view conv_result(const struct conv_spec *spec)
{
    return side_of(spec, spec->backward);
}

enum status conv_panels(const struct convolution *c, struct weight_cache *cache, struct weight_key key, const float **panels)
{
    key.part_count = c->spec.part_count;
    key.backward = c->spec.backward;
    memcpy(key.parts, c->spec.parts, sizeof key.parts);
    *panels = NULL;
    return cache ? weight_cache_panels(cache, &key, panels) : STATUS_OK;
}

enum status conv_add_direct(struct convolution *c)
{
    const struct view source = conv_source(&c->spec), result = conv_result(&c->spec);
    TRY(ALLOCATE(c->direct, 1, "for a convolution"));
    *c->direct = (struct simd_direct){.in_blocks = c->in_blocks,
                                      .in_h = source.height,
                                      .in_w = source.width,
                                      .in_bf16 = source.bf16,
                                      .in_planar = source.planar,
                                      .out_blocks = c->out_blocks,
                                      .out_w = result.width};
    return STATUS_OK;
}

static enum status create_direct(struct convolution *c, struct weight_cache *cache)
{
    const struct onednn_shape *s = &c->spec.shape;
    const struct view source = conv_source(&c->spec), result = conv_result(&c->spec);
    const bool pairs = simd_here()->bf16_products && source.bf16;
    const float *panels;
    assert(s->stride == 1 || (s->pad_h == 0 && s->pad_w == 0));
    TRY(conv_panels(c, cache, (struct weight_key){.pairs = pairs}, &panels));
    TRY(conv_add_direct(c));
    struct simd_direct *d = c->direct;
    d->phase_count =
        panels_phases(d->phases, s->kernel_h, s->kernel_w, s->stride, s->pad_h, s->pad_w, c->spec.backward, result.height, result.width);
    const size_t per_tap = (size_t)c->out_blocks * (size_t)onednn_block() * (size_t)source.channels / (pairs ? 2 : 1);
    for (int p = 0; p < d->phase_count; p++) {
        d->phases[p].weights = panels;
        panels += panels ? per_tap * (size_t)d->phases[p].tap_count : 0;
    }
    if (s->kernel_h == 1 && s->kernel_w == 1 && s->stride == 1) { // one long row: no ends of rows to care for
        d->in_w = d->out_w = d->phases[0].width = s->src_h * s->src_w;
        d->in_h = d->phases[0].height = 1;
    }
    return STATUS_OK;
}

static const struct {
    const char *name;
    enum status (*create)(struct convolution *c, struct weight_cache *cache);
} methods[CONV_METHODS] = {
    [CONV_DIRECT] = {"direct", create_direct},
    [CONV_WINOGRAD_6] = {"winograd6", conv_winograd_create},
    [CONV_WINOGRAD_8] = {"winograd8", conv_winograd_create},
    [CONV_WINOGRAD_10] = {"winograd10", conv_winograd_create},
    [CONV_WINOGRAD_PHASES] = {"winograd-phases", conv_phases_create},
    [CONV_ONEDNN] = {"onednn", conv_onednn_create},
};

const char *conv_method_name(enum conv_method method)
{
    return methods[method].name;
}

bool conv_method_find(const char *name, enum conv_method *method)
{
    for (int i = 0; i < CONV_METHODS; i++)
        if (strcmp(methods[i].name, name) == 0) {
            *method = (enum conv_method)i;
            return true;
        }
    return false;
}

enum status convolution_create(struct convolution **convolution, const struct conv_spec *spec, enum conv_method method,
                               struct weight_cache *cache)
{
    TRY(ALLOCATE(*convolution, 1, "for a convolution"));
    struct convolution *c = *convolution;
    const int lanes = onednn_block();
    c->spec = *spec;
    c->method = method;
    c->in_blocks = conv_source(spec).channels / lanes;
    c->out_blocks = (conv_result(spec).channels + lanes - 1) / lanes;
    const enum status rc = methods[method].create(c, cache);
    if (rc != STATUS_OK)
        convolution_destroy(convolution);
    return rc;
}

void convolution_destroy(struct convolution **convolution)
{
    struct convolution *c = *convolution;
    if (!c)
        return;
    conv_onednn_destroy(c);
    for (int i = 0; i < CONV_WINOGRAD_JOBS; i++) {
        free(c->winograd[i]);
        free(c->partial[i]);
    }
    free(c->direct);
    free(c);
    *convolution = NULL;
}

size_t convolution_scratch_bytes(const struct convolution *c)
{
    return c->scratch_bytes;
}

enum conv_method convolution_method(const struct convolution *c)
{
    return c->method;
}

bool convolution_is_reference(const struct convolution *c)
{
    return c->bands && conv_onednn_is_reference(c);
}

enum status convolution_bind(struct convolution *c, const void *const *in, struct simd_out *out, void *scratch)
{
    c->out = out;
    if (c->bands)
        return conv_onednn_bind(c, in, scratch);
    conv_winograd_bind(c, in, scratch);
    if (c->direct) {
        memcpy(c->direct->in, in, (size_t)(c->direct->in_planar ? 3 : c->in_blocks) * sizeof *in);
        c->direct->out = c->partial[0] ? c->partial[0] : out;
    }
    return STATUS_OK;
}

enum status convolution_run(struct convolution *c)
{
    if (c->bands)
        return conv_onednn_run(c);
    if (c->direct)
        simd_here()->direct(c->direct);
    for (int i = 0; i < CONV_WINOGRAD_JOBS && c->winograd[i]; i++)
        simd_here()->winograd(c->winograd[i]);
    return STATUS_OK;
}
