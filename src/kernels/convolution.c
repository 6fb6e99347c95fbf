// SPDX-License-Identifier: MIT
#include "kernels/convolution.h"

#include <assert.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/panels.h"

struct convolution {
    struct conv_spec spec;
    enum conv_method method;
    int in_blocks, out_blocks;
    struct simd_out *out;
    struct simd_direct *direct;
    struct simd_winograd *winograd;
    // oneDNN: one primitive a part. What it cannot do itself is done in a pass over the result.
    struct dnn_primitive *primitives[CONV_PARTS_MAX];
    const struct dnn_weights *weights[CONV_PARTS_MAX];
    int part_blocks[CONV_PARTS_MAX];
    size_t scratch_bytes;
    void *result; // CONV_DNN_BACKWARD: where in the scratch it goes
};

static const char *const names[CONV_METHODS] = {"direct", "winograd6",       "winograd8",      "winograd10",
                                                "onednn", "onednn-winograd", "onednn-backward"};

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

// What is read and what is written, in the direction in which it runs.
static int source_channels(const struct conv_spec *spec)
{
    return spec->backward ? spec->shape.dst_channels : spec->shape.src_channels;
}

static int result_channels(const struct conv_spec *spec)
{
    return spec->backward ? spec->shape.src_channels : spec->shape.dst_channels;
}

static struct prepared_key key_of(const struct conv_spec *spec, int winograd)
{
    struct prepared_key key = {.part_count = spec->part_count, .backward = spec->backward, .winograd = winograd};
    memcpy(key.parts, spec->parts, sizeof key.parts);
    return key;
}

static enum status panels_for(struct prepared *prepared, const struct prepared_key *key, const float **panels)
{
    *panels = NULL;
    return prepared ? prepared_panels(prepared, key, panels) : STATUS_OK;
}

static enum status create_direct(struct convolution *c, struct prepared *prepared)
{
    const struct dnn_shape *s = &c->spec.shape;
    const bool backward = c->spec.backward;
    const bool in_bf16 = backward ? c->spec.dst_bf16 : c->spec.src_bf16, pairs = simd_here()->bf16_products && in_bf16;
    struct prepared_key key = key_of(&c->spec, 0);
    const float *panels;
    key.pairs = pairs;
    enum status rc = panels_for(prepared, &key, &panels);
    if (rc != STATUS_OK)
        return rc;
    struct simd_direct *d = c->direct = calloc(1, sizeof *d);
    if (!d)
        return fail(STATUS_LIMIT, "no memory for a convolution");
    assert(s->stride == 1 || (s->pad_h == 0 && s->pad_w == 0));
    d->in_blocks = c->in_blocks;
    d->in_bf16 = in_bf16;
    d->in_planar = c->spec.image && !backward;
    d->in_h = backward ? s->dst_h : s->src_h;
    d->in_w = backward ? s->dst_w : s->src_w;
    d->out_blocks = c->out_blocks;
    d->out_w = backward ? s->src_w : s->dst_w;
    d->phase_count = panels_phases(d->phases, s->kernel_h, s->kernel_w, s->stride, s->pad_h, s->pad_w, backward,
                                   backward ? s->src_h : s->dst_h, d->out_w);
    const size_t per_tap = (size_t)c->out_blocks * (size_t)dnn_block() * (size_t)source_channels(&c->spec) / (pairs ? 2 : 1);
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

// Tiles at a time: what the transforms of that many take lies in the second-level cache.
static int tiles_at_once(int points, int channels)
{
    enum { CACHE = 384 << 10, LEAST = 12, MOST = 48, STEP = 12 };
    const int fit = CACHE / (points * channels * (int)sizeof(float)) / STEP * STEP;
    return fit < LEAST ? LEAST : fit > MOST ? MOST : fit;
}

static enum status create_winograd(struct convolution *c, struct prepared *prepared, int n)
{
    const struct dnn_shape *s = &c->spec.shape;
    const bool backward = c->spec.backward;
    const int tile_h = s->kernel_h > 1 ? n - s->kernel_h + 1 : 1, tile_w = s->kernel_w > 1 ? n - s->kernel_w + 1 : 1;
    if (s->stride != 1 || c->spec.image || !simd_has_winograd(n, tile_h, tile_w))
        return fail(STATUS_UNSUPPORTED, "no Winograd transform of %d inputs for a kernel of %d x %d with stride %d", n, s->kernel_w,
                    s->kernel_h, s->stride);
    const struct prepared_key key = key_of(&c->spec, n);
    const float *panels;
    enum status rc = panels_for(prepared, &key, &panels);
    if (rc != STATUS_OK)
        return rc;
    struct simd_winograd *w = c->winograd = calloc(1, sizeof *w);
    if (!w)
        return fail(STATUS_LIMIT, "no memory for a convolution");
    w->in_blocks = c->in_blocks;
    w->in_bf16 = backward ? c->spec.dst_bf16 : c->spec.src_bf16;
    w->in_h = backward ? s->dst_h : s->src_h;
    w->in_w = backward ? s->dst_w : s->src_w;
    w->out_blocks = c->out_blocks;
    w->out_h = backward ? s->src_h : s->dst_h;
    w->out_w = backward ? s->src_w : s->dst_w;
    w->n = n;
    w->tile_h = tile_h;
    w->tile_w = tile_w;
    w->pad_h = backward ? s->kernel_h - 1 - s->pad_h : s->pad_h;
    w->pad_w = backward ? s->kernel_w - 1 - s->pad_w : s->pad_w;
    w->weights = panels;
    w->group = tiles_at_once((tile_h > 1 ? n : 1) * (tile_w > 1 ? n : 1), source_channels(&c->spec));
    w->out_group = dnn_block() == 16 ? 2 : 4;
    w->threads = omp_get_max_threads();
    c->scratch_bytes = simd_here()->winograd_scratch(w) * (size_t)w->threads;
    return STATUS_OK;
}

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static enum status create_dnn(struct convolution *c, struct prepared *prepared)
{
    const struct conv_spec *spec = &c->spec;
    const bool turned = spec->backward && c->method != CONV_DNN_BACKWARD;
    enum status rc = STATUS_OK;
    if ((c->method == CONV_DNN_BACKWARD) != (spec->backward && spec->shape.stride > 1) || spec->src_bf16 != spec->dst_bf16 ||
        (spec->image && spec->backward) || (spec->src_bf16 && c->method == CONV_DNN_BACKWARD))
        return fail(STATUS_UNSUPPORTED, "not a case for oneDNN's %s", names[c->method]);
    for (int p = 0; p < spec->part_count; p++) {
        const struct dnn_shape *s = &spec->shape;
        struct dnn_spec wanted = {.kind = DNN_CONV, .shape = *s, .winograd = c->method == CONV_DNN_WINOGRAD};
        wanted.shape.dst_channels = spec->part_channels[p];
        c->part_blocks[p] = wanted.shape.dst_channels / dnn_block();
        if (c->method == CONV_DNN_BACKWARD)
            wanted.kind = DNN_CONV_BACKWARD_DATA;
        if (turned)
            wanted.shape = (struct dnn_shape){.src_channels = wanted.shape.dst_channels,
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
        TRY(dnn_primitive_create(&c->primitives[p], &wanted));
        if (prepared)
            TRY(prepared_dnn(prepared, spec->parts[p], c->primitives[p], turned, &c->weights[p]));
        if (dnn_scratch_bytes(c->primitives[p]) > c->scratch_bytes)
            c->scratch_bytes = dnn_scratch_bytes(c->primitives[p]);
    }
    if (c->method == CONV_DNN_BACKWARD) // its result, before what is done to it
        c->scratch_bytes = aligned(c->scratch_bytes) + dnn_tensor_bytes(spec->shape.src_channels, spec->shape.src_h, spec->shape.src_w);
out:
    return rc;
}

enum status convolution_create(struct convolution **convolution, const struct conv_spec *spec, enum conv_method method,
                               struct prepared *prepared)
{
    static const int inputs[CONV_METHODS] = {[CONV_WINOGRAD_6] = 6, [CONV_WINOGRAD_8] = 8, [CONV_WINOGRAD_10] = 10};
    struct convolution *c = *convolution = calloc(1, sizeof *c);
    if (!c)
        return fail(STATUS_LIMIT, "no memory for a convolution");
    const int lanes = dnn_block();
    c->spec = *spec;
    c->method = method;
    c->in_blocks = spec->image && !spec->backward ? 0 : source_channels(spec) / lanes;
    c->out_blocks = (result_channels(spec) + lanes - 1) / lanes;
    const enum status rc = method == CONV_DIRECT ? create_direct(c, prepared)
                           : inputs[method]      ? create_winograd(c, prepared, inputs[method])
                                                 : create_dnn(c, prepared);
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
        dnn_primitive_destroy(&c->primitives[p]);
    free(c->winograd);
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

const char *convolution_implementation(const struct convolution *c)
{
    return c->primitives[0] ? dnn_implementation(c->primitives[0]) : simd_here()->name;
}

static enum status bind_dnn(struct convolution *c, const void *const *in, void *scratch)
{
    const struct dnn_shape *s = &c->spec.shape;
    c->result = (char *)scratch + c->scratch_bytes - dnn_tensor_bytes(s->src_channels, s->src_h, s->src_w); // used backward only
    enum status rc = STATUS_OK;
    for (int p = 0, block = 0; p < c->spec.part_count; block += c->part_blocks[p++]) {
        const int from = c->spec.backward ? block : 0, to = c->spec.backward ? 0 : block;
        struct dnn_binding binding = {.src = (void *)(uintptr_t)in[from],
                                      .dst = c->out[to].data,
                                      .weights = c->weights[p],
                                      .bias = c->out[to].bias,
                                      .scratch = scratch};
        if (c->method == CONV_DNN_BACKWARD) {
            binding.dst = binding.src;
            binding.src = c->result;
        }
        TRY(dnn_bind(c->primitives[p], &binding));
    }
out:
    return rc;
}

enum status convolution_bind(struct convolution *c, const void *const *in, struct simd_out *out, void *scratch)
{
    const size_t planes = c->in_blocks ? (size_t)c->in_blocks : 3;
    c->out = out;
    if (c->direct) {
        memcpy(c->direct->in, in, planes * sizeof *in);
        c->direct->out = out;
    } else if (c->winograd) {
        memcpy(c->winograd->in, in, planes * sizeof *in);
        c->winograd->out = out;
        c->winograd->scratch = scratch;
    } else {
        return bind_dnn(c, in, scratch);
    }
    return STATUS_OK;
}

// What oneDNN has left undone: the masks and gates of every block.
static void finish_dnn(const struct convolution *c)
{
    const struct dnn_shape *s = &c->spec.shape;
    const size_t pixels = c->spec.backward ? (size_t)s->src_h * (size_t)s->src_w : (size_t)s->dst_h * (size_t)s->dst_w;
    for (int b = 0; b < c->out_blocks; b++) {
        struct simd_out out = c->out[b];
        const void *from = out.data;
        if (c->method == CONV_DNN_BACKWARD) {
            from = (const char *)c->result + (size_t)b * pixels * (size_t)dnn_block() * sizeof(float);
        } else {
            out.bias = NULL;
            out.accumulate = out.relu = false;
            if (!out.mask && out.rule == GATE_OPEN)
                continue;
        }
        simd_here()->pass(&out, from, c->spec.src_bf16, pixels);
    }
}

enum status convolution_run(struct convolution *c)
{
    enum status rc = STATUS_OK;
    if (c->direct) {
        simd_here()->direct(c->direct);
    } else if (c->winograd) {
        simd_here()->winograd(c->winograd);
    } else {
        for (int p = 0; p < c->spec.part_count; p++)
            TRY(dnn_run(c->primitives[p]));
        finish_dnn(c);
    }
out:
    return rc;
}
