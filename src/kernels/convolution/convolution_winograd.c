// SPDX-License-Identifier: MIT
// Convolutions by Winograd's algorithm: those of stride 1 as they are; those of stride 2 with a kernel of 3 x 3 in four parts.
//
// Stride 2: output y reads inputs 2 y, 2 y + 1, 2 y + 2. Even and odd inputs apart, that is a kernel of two (taps 0 and 2) over the even
// ones and one of one (tap 1) over the odd ones, both of stride 1; in two dimensions kernels of 2 x 2, 2 x 1, 1 x 2 and 1 x 1 over the four
// sublattices of the input, added up. Backward each sublattice of the result is a convolution of its own. With tiles of 5 x 5 outputs
// 11 x 11 products take the place of 15 x 15.
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/convolution/convolution_methods.h"

// Tiles at a time: what the transforms of that many take lies in the second-level cache.
static int tiles_at_once(int points, int channels)
{
    enum { CACHE = 384 << 10, LEAST = 12, MOST = 48, STEP = 12 };
    const int fit = CACHE / (points * channels * (int)sizeof(float)) / STEP * STEP;
    return fit < LEAST ? LEAST : fit > MOST ? MOST : fit;
}

// A job for a kernel of this size and n inputs a tile, over all of the source and the result.
static enum status add_job(struct convolution *c, int number, int n, int kernel_h, int kernel_w)
{
    const struct view source = conv_source(&c->spec), result = conv_result(&c->spec);
    const int tile_h = kernel_h > 1 ? n - kernel_h + 1 : kernel_w > 1 ? 1 : 0, tile_w = kernel_w > 1 ? n - kernel_w + 1 : 1;
    if (!simd_has_winograd(n, tile_h, tile_w))
        return fail(STATUS_UNSUPPORTED, "no Winograd transform of %d inputs for a kernel of %d x %d", n, kernel_w, kernel_h);
    TRY(ALLOCATE(c->winograd[number], 1, "for a convolution"));
    struct simd_winograd *w = c->winograd[number];
    *w = (struct simd_winograd){.in_blocks = c->in_blocks,
                                .in_bf16 = source.bf16,
                                .in_pixels = {.height = source.height, .width = source.width, .row = source.width, .step = 1},
                                .out_blocks = c->out_blocks,
                                .out_pixels = {.height = result.height, .width = result.width, .row = result.width, .step = 1},
                                .n = n,
                                .tile_h = tile_h,
                                .tile_w = tile_w,
                                .group = tiles_at_once((kernel_h > 1 ? n : 1) * (kernel_w > 1 ? n : 1), source.channels),
                                .out_group = onednn_block() == 16 ? 2 : 4,
                                .threads = omp_get_max_threads()};
    const size_t bytes = simd_here()->winograd_scratch(w) * (size_t)w->threads;
    c->scratch_bytes = bytes > c->scratch_bytes ? bytes : c->scratch_bytes; // one after the other
    return STATUS_OK;
}

enum status conv_winograd_create(struct convolution *c, struct weight_cache *cache)
{
    const struct onednn_shape *s = &c->spec.shape;
    const int n = c->method == CONV_WINOGRAD_6 ? 6 : c->method == CONV_WINOGRAD_8 ? 8 : 10;
    if (s->stride != 1 || c->spec.image)
        return fail(STATUS_UNSUPPORTED, "no Winograd transform of a stride of %d, or of the image", s->stride);
    TRY(add_job(c, 0, n, s->kernel_h, s->kernel_w));
    struct simd_winograd *w = c->winograd[0];
    w->pad_h = c->spec.backward ? s->kernel_h - 1 - s->pad_h : s->pad_h;
    w->pad_w = c->spec.backward ? s->kernel_w - 1 - s->pad_w : s->pad_w;
    return conv_panels(c, cache, (struct weight_key){.winograd = n}, &w->weights);
}

// Every second pixel, from (y, x) on.
static struct simd_pixels sublattice(const struct view *side, int y, int x)
{
    return (struct simd_pixels){.height = (side->height - y + 1) / 2,
                                .width = (side->width - x + 1) / 2,
                                .row = side->width,
                                .step = 2,
                                .first = y * side->width + x};
}

// The odd rows and columns: one tap.
static enum status add_centre(struct convolution *c, struct weight_cache *cache)
{
    const struct view source = conv_source(&c->spec), result = conv_result(&c->spec);
    const struct weight_key key = {.taps = TAPS_ODD_ODD, .pairs = simd_here()->bf16_products && source.bf16};
    const float *panels;
    TRY(conv_panels(c, cache, key, &panels));
    TRY(conv_add_direct(c));
    struct simd_phase *p = c->direct->phases;
    c->direct->phase_count = 1;
    if (c->spec.backward)
        *p = (struct simd_phase){
            .height = result.height / 2, .width = result.width / 2, .in_step = 1, .out_step = 2, .out_y = 1, .out_x = 1};
    else
        *p = (struct simd_phase){.height = result.height, .width = result.width, .in_step = 2, .out_step = 1, .taps = {{.dy = 1, .dx = 1}}};
    p->tap_count = 1;
    p->weights = panels;
    return STATUS_OK;
}

enum status conv_phases_create(struct convolution *c, struct weight_cache *cache)
{
    static const struct {
        enum kernel_taps taps;
        int y, x; // of the sublattice
    } parts[CONV_WINOGRAD_JOBS] = {{TAPS_EVEN_ODD, 0, 1}, {TAPS_ODD_EVEN, 1, 0}, {TAPS_EVEN_EVEN, 0, 0}};
    enum { N = 6 };
    const struct onednn_shape *s = &c->spec.shape;
    const struct view source = conv_source(&c->spec), result = conv_result(&c->spec);
    const bool backward = c->spec.backward;
    // Forward the parts add up in the result: not where it is rounded each time.
    if (s->stride != 2 || s->kernel_h != 3 || s->kernel_w != 3 || s->pad_h || s->pad_w || c->spec.image || (!backward && result.bf16))
        return fail(STATUS_UNSUPPORTED, "only a kernel of 3 x 3 with a stride of 2 and no padding has phases");
    TRY(add_centre(c, cache));
    for (int i = 0; i < CONV_WINOGRAD_JOBS; i++) {
        TRY(add_job(c, i, N, 2 - parts[i].y, 2 - parts[i].x));
        struct simd_winograd *w = c->winograd[i];
        if (backward)
            w->out_pixels = sublattice(&result, parts[i].y, parts[i].x);
        else
            w->in_pixels = sublattice(&source, parts[i].y, parts[i].x);
        w->pad_h = backward && !parts[i].y;
        w->pad_w = backward && !parts[i].x;
        TRY(conv_panels(c, cache, (struct weight_key){.winograd = N, .taps = parts[i].taps}, &w->weights));
    }
    for (int i = 0; i < CONV_WINOGRAD_JOBS && !backward; i++)
        TRY(ALLOCATE(c->partial[i], c->out_blocks, "for a convolution"));
    return STATUS_OK;
}

void conv_winograd_bind(struct convolution *c, const void *const *in, void *scratch)
{
    for (int b = 0; c->partial[0] && b < c->out_blocks; b++) {
        c->partial[0][b] = c->partial[1][b] = (struct simd_out){.data = c->out[b].data, .bf16 = c->out[b].bf16};
        c->partial[2][b] = c->out[b];
        c->partial[1][b].accumulate = c->partial[2][b].accumulate = true;
    }
    for (int i = 0; i < CONV_WINOGRAD_JOBS && c->winograd[i]; i++) {
        memcpy(c->winograd[i]->in, in, (size_t)c->in_blocks * sizeof *in);
        c->winograd[i]->out = c->partial[0] ? c->partial[i + 1 < CONV_WINOGRAD_JOBS ? 1 : 2] : c->out;
        c->winograd[i]->scratch = scratch;
    }
}
