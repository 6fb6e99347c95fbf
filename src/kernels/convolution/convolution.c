// SPDX-License-Identifier: MIT
#include "kernels/convolution/convolution.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/convolution/convolution_methods.h"
#include "kernels/convolution/panels.h"

static const char *const names[CONV_METHODS] = {"direct",          "winograd6", "winograd8",       "winograd10",
                                                "winograd-phases", "onednn",    "onednn-winograd", "onednn-backward"};

const char *conv_method_name(enum conv_method method)
{
    return names[method];
}

bool conv_method_find(const char *name, enum conv_method *method)
{
    for (int i = 0; i < CONV_METHODS; i++)
        if (strcmp(names[i], name) == 0) {
            *method = (enum conv_method)i;
            return true;
        }
    return false;
}

struct conv_side conv_source(const struct conv_spec *spec)
{
    const struct onednn_shape *s = &spec->shape;
    return spec->backward ? (struct conv_side){s->dst_channels, s->dst_h, s->dst_w, spec->dst_bf16}
                          : (struct conv_side){s->src_channels, s->src_h, s->src_w, spec->src_bf16};
}

struct conv_side conv_result(const struct conv_spec *spec)
{
    struct conv_spec other = *spec;
    other.backward = !spec->backward;
    return conv_source(&other);
}

struct weight_key conv_key(const struct conv_spec *spec)
{
    struct weight_key key = {.part_count = spec->part_count, .backward = spec->backward};
    memcpy(key.parts, spec->parts, sizeof key.parts);
    return key;
}

enum status conv_panels(struct weight_cache *cache, const struct weight_key *key, const float **panels)
{
    *panels = NULL;
    return cache ? weight_cache_panels(cache, key, panels) : STATUS_OK;
}

enum status conv_direct_create(struct convolution *c, struct simd_direct **direct)
{
    const struct conv_side source = conv_source(&c->spec), result = conv_result(&c->spec);
    struct simd_direct *d = *direct = calloc(1, sizeof *d);
    if (!d)
        return fail(STATUS_LIMIT, "no memory for a convolution");
    *d = (struct simd_direct){.in_blocks = c->in_blocks,
                              .in_h = source.height,
                              .in_w = source.width,
                              .in_bf16 = source.bf16,
                              .in_planar = c->spec.image && !c->spec.backward,
                              .out_blocks = c->out_blocks,
                              .out_w = result.width};
    return STATUS_OK;
}

static enum status create_direct(struct convolution *c, struct weight_cache *cache)
{
    const struct onednn_shape *s = &c->spec.shape;
    const struct conv_side source = conv_source(&c->spec), result = conv_result(&c->spec);
    struct weight_key key = conv_key(&c->spec);
    const float *panels;
    assert(s->stride == 1 || (s->pad_h == 0 && s->pad_w == 0));
    key.pairs = simd_here()->bf16_products && source.bf16;
    TRY(conv_panels(cache, &key, &panels));
    TRY(conv_direct_create(c, &c->direct));
    struct simd_direct *d = c->direct;
    d->phase_count =
        panels_phases(d->phases, s->kernel_h, s->kernel_w, s->stride, s->pad_h, s->pad_w, c->spec.backward, result.height, result.width);
    const size_t per_tap = (size_t)c->out_blocks * (size_t)onednn_block() * (size_t)source.channels / (key.pairs ? 2 : 1);
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

enum status convolution_create(struct convolution **convolution, const struct conv_spec *spec, enum conv_method method,
                               struct weight_cache *cache)
{
    struct convolution *c = *convolution = calloc(1, sizeof *c);
    enum status rc = STATUS_OK;
    if (!c)
        return fail(STATUS_LIMIT, "no memory for a convolution");
    const int lanes = onednn_block();
    c->spec = *spec;
    c->method = method;
    c->in_blocks = conv_source(spec).channels / lanes;
    c->out_blocks = (conv_result(spec).channels + lanes - 1) / lanes;
    switch (method) {
    case CONV_DIRECT:
        rc = create_direct(c, cache);
        break;
    case CONV_WINOGRAD_6:
        rc = conv_winograd_create(c, cache, 6);
        break;
    case CONV_WINOGRAD_8:
        rc = conv_winograd_create(c, cache, 8);
        break;
    case CONV_WINOGRAD_10:
        rc = conv_winograd_create(c, cache, 10);
        break;
    case CONV_WINOGRAD_PHASES:
        rc = conv_phases_create(c, cache);
        break;
    case CONV_ONEDNN:
    case CONV_ONEDNN_WINOGRAD:
    case CONV_ONEDNN_BACKWARD:
        rc = conv_onednn_create(c, cache);
        break;
    case CONV_METHODS:
        assert(false);
    }
    if (rc != STATUS_OK)
        convolution_destroy(convolution);
    return rc;
}

void convolution_destroy(struct convolution **convolution)
{
    struct convolution *c = *convolution;
    if (!c)
        return;
    for (int p = 0; p < CONV_PARTS_MAX; p++)
        onednn_primitive_destroy(&c->primitives[p]);
    for (int i = 0; i < CONV_WINOGRAD_JOBS; i++)
        free(c->winograd[i]);
    for (int i = 0; i < CONV_PARTIAL; i++)
        free(c->partial[i]);
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

enum status convolution_bind(struct convolution *c, const void *const *in, struct simd_out *out, void *scratch)
{
    const size_t planes = c->in_blocks ? (size_t)c->in_blocks : 3;
    c->out = out;
    if (c->primitives[0])
        return conv_onednn_bind(c, in, scratch);
    if (c->direct) {
        memcpy(c->direct->in, in, planes * sizeof *in);
        c->direct->out = c->partial[0] ? c->partial[0] : out;
    }
    return conv_winograd_bind(c, in, scratch);
}

enum status convolution_run(struct convolution *c)
{
    if (c->primitives[0])
        return conv_onednn_run(c);
    if (c->direct)
        simd_here()->direct(c->direct);
    for (int i = 0; i < CONV_WINOGRAD_JOBS && c->winograd[i]; i++)
        simd_here()->winograd(c->winograd[i]);
    return STATUS_OK;
}
