// SPDX-License-Identifier: MIT
// Convolutions by oneDNN alone: the products and sums are its, what happens to the result is a pass of ours.
//
// The result is cut into bands of rows by its size alone. What a band reads, with zeros around it, a thread copies into memory of its own,
// channels last; there oneDNN convolves it, on that one thread, and from there the band goes to where it belongs. So the order of every
// sum is the same for any number of threads, and oneDNN sees one shape, without borders, whatever the version.
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/convolution/convolution_methods.h"
#include "kernels/network/arena.h"

// What `size` rows (or columns) of the result read: `count`, from `first` on for the first of them.
struct reach {
    int first, count;
    int pad; // before them, as oneDNN is asked for it
};

struct conv_bands {
    struct onednn_primitive *primitive;
    const struct onednn_weights *weights;
    int rows, count;   // of the result in a band, but for the last; bands
    struct reach y, x; // y: of one band
    bool widened;      // a source in bfloat16, where that is not multiplied as such, to float32
    size_t window_bytes, result_bytes, thread_bytes;
    int threads; // that there are bindings and scratch for
    struct onednn_binding **bindings;
    char *scratch;
    const void *in[SIMD_BLOCKS_MAX];
};

static int floor_div(int a, int b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

// Backward, result s is reached from d where s = d * stride + k - pad for a k of the kernel. `size` and where bands start are multiples of
// the stride, or there is one band.
static struct reach reach_of(bool backward, int size, int kernel, int stride, int pad)
{
    const int first = floor_div(pad - (kernel - 1), stride);
    return backward ? (struct reach){.first = first, .count = floor_div(size - 1 + pad, stride) - first + 1, .pad = pad - first * stride}
                    : (struct reach){.first = -pad, .count = (size - 1) * stride + kernel};
}

// Rows of a band: some hundred pixels, enough for a product; and bands alike, a multiple of the stride backward.
static int rows_of_band(const struct view *result, int stride)
{
    enum { PIXELS = 160 };
    const int most = PIXELS / result->width > 1 ? PIXELS / result->width : 1, bands = (result->height + most - 1) / most;
    const int rows = (result->height + bands - 1) / bands;
    return (rows + stride - 1) / stride * stride;
}

// As oneDNN is asked for a band. Backward with a stride of 1 that is a forward convolution, with the kernel turned by half a turn.
static struct onednn_spec band_spec(const struct conv_bands *bands, const struct conv_spec *spec)
{
    const struct view source = conv_source(spec), result = conv_result(spec);
    const struct onednn_shape *s = &spec->shape;
    const bool backward = spec->backward && s->stride > 1;
    struct onednn_spec band = {.backward = backward, .bf16 = source.bf16 && !bands->widened};
    band.shape = (struct onednn_shape){.kernel_h = s->kernel_h, .kernel_w = s->kernel_w, .stride = s->stride};
    if (backward) {
        band.shape.src_channels = result.channels;
        band.shape.src_h = bands->rows;
        band.shape.src_w = result.width;
        band.shape.dst_channels = source.channels;
        band.shape.dst_h = bands->y.count;
        band.shape.dst_w = bands->x.count;
        band.shape.pad_h = bands->y.pad;
        band.shape.pad_w = bands->x.pad;
    } else {
        band.shape.src_channels = source.channels;
        band.shape.src_h = bands->y.count;
        band.shape.src_w = bands->x.count;
        band.shape.dst_channels = result.channels;
        band.shape.dst_h = bands->rows;
        band.shape.dst_w = result.width;
    }
    return band;
}

enum status conv_onednn_create(struct convolution *c, struct weight_cache *cache)
{
    const struct conv_spec *spec = &c->spec;
    const struct onednn_shape *s = &spec->shape;
    const struct view source = conv_source(spec), result = conv_result(spec);
    TRY(ALLOCATE(c->bands, 1, "for a convolution"));
    struct conv_bands *b = c->bands;
    b->rows = rows_of_band(&result, spec->backward ? s->stride : 1);
    b->count = (result.height + b->rows - 1) / b->rows;
    b->y = reach_of(spec->backward, b->rows, s->kernel_h, s->stride, s->pad_h);
    b->x = reach_of(spec->backward, result.width, s->kernel_w, s->stride, s->pad_w);
    b->widened = source.bf16 && !simd_here()->bf16_products;
    const struct onednn_spec band = band_spec(b, spec);
    TRY(onednn_primitive_create(&b->primitive, &band));
    if (cache) {
        struct weight_key key = {.part_count = spec->part_count, .backward = spec->backward && !band.backward};
        memcpy(key.parts, spec->parts, sizeof key.parts);
        TRY(weight_cache_onednn(cache, &key, b->primitive, &b->weights));
    }
    b->window_bytes = arena_aligned((size_t)b->y.count * (size_t)b->x.count * (size_t)source.channels * (band.bf16 ? 2 : sizeof(float)));
    // The pass reads the image's three channels as a whole block.
    b->result_bytes = arena_aligned(((size_t)b->rows * (size_t)result.width * (size_t)result.channels + ONEDNN_BLOCK_MAX) * sizeof(float));
    b->thread_bytes = b->window_bytes + b->result_bytes + arena_aligned(onednn_scratch_bytes(b->primitive));
    b->threads = omp_get_max_threads() < b->count ? omp_get_max_threads() : b->count;
    c->scratch_bytes = b->thread_bytes * (size_t)b->threads;
    return ALLOCATE(b->bindings, b->threads, "for a convolution");
}

void conv_onednn_destroy(struct convolution *c)
{
    struct conv_bands *b = c->bands;
    if (!b)
        return;
    for (int t = 0; b->bindings && t < b->threads; t++)
        onednn_binding_destroy(&b->bindings[t]);
    free(b->bindings);
    onednn_primitive_destroy(&b->primitive);
    free(b);
    c->bands = NULL;
}

bool conv_onednn_is_reference(const struct convolution *c)
{
    return onednn_is_reference(c->bands->primitive);
}

enum status conv_onednn_bind(struct convolution *c, const void *const *in, void *scratch)
{
    struct conv_bands *b = c->bands;
    memcpy(b->in, in, (size_t)(c->spec.image && !c->spec.backward ? 3 : c->in_blocks) * sizeof *in);
    b->scratch = scratch;
    for (int t = 0; t < b->threads; t++) {
        char *window = b->scratch + b->thread_bytes * (size_t)t, *result = window + b->window_bytes;
        onednn_binding_destroy(&b->bindings[t]);
        TRY(onednn_bind(&b->bindings[t], b->primitive, b->weights, window, (float *)(void *)result, result + b->result_bytes));
    }
    return STATUS_OK;
}

static inline void copy(char *to, const char *from, size_t bytes)
{
    if (bytes == 64)
        memcpy(to, from, 64);
    else
        memcpy(to, from, bytes);
}

static inline void widen(char *to, const char *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, from + i * sizeof half, sizeof half);
        const uint32_t bits = (uint32_t)half << 16;
        memcpy(to + i * sizeof bits, &bits, sizeof bits);
    }
}

// The first `pixels` of a row of the source, channels last.
static void copy_row(const struct conv_bands *b, const struct view *source, int row, size_t pixels, char *to)
{
    const size_t lanes = source->planar ? 1 : (size_t)onednn_block(), bytes = lanes * (source->bf16 ? 2 : sizeof(float));
    const size_t blocks = (size_t)source->channels / lanes, first = (size_t)row * (size_t)source->width;
    for (size_t p = first; p < first + pixels; p++)
        for (size_t k = 0; k < blocks; k++) {
            const char *from = (const char *)b->in[k] + p * bytes;
            if (b->widened)
                widen(to, from, lanes);
            else
                copy(to, from, bytes);
            to += b->widened ? 2 * bytes : bytes;
        }
}

// What a band reads, from this row of the source on, with zeros for what is outside.
static void copy_window(const struct conv_bands *b, const struct view *source, int first_row, char *window)
{
    const size_t pixel = (size_t)source->channels * (source->bf16 && !b->widened ? 2 : sizeof(float));
    const size_t row_bytes = (size_t)b->x.count * pixel, left = (size_t)-b->x.first, most = (size_t)b->x.count - left;
    const size_t inside = (size_t)source->width < most ? (size_t)source->width : most, right = left + inside;
    for (int row = first_row; row < first_row + b->y.count; row++, window += row_bytes) {
        if (row < 0 || row >= source->height) {
            memset(window, 0, row_bytes);
            continue;
        }
        memset(window, 0, left * pixel);
        copy_row(b, source, row, inside, window + left * pixel);
        memset(window + right * pixel, 0, row_bytes - right * pixel);
    }
}

// From where oneDNN has left the band, with all that is asked for.
static void finish(const struct convolution *c, int first_row, const float *band)
{
    const struct view result = conv_result(&c->spec);
    const size_t lanes = (size_t)onednn_block(), first = (size_t)first_row * (size_t)result.width;
    const int left = result.height - first_row, rows = left < c->bands->rows ? left : c->bands->rows;
    struct simd_out out[SIMD_BLOCKS_MAX];
    for (int k = 0; k < c->out_blocks; k++) {
        out[k] = c->out[k];
        out[k].data = (char *)out[k].data + first * (result.planar ? 1 : lanes) * (result.bf16 ? 2 : sizeof(float));
        out[k].mask = out[k].mask ? out[k].mask + first * lanes / 8 : NULL;
        out[k].gate = out[k].gate ? out[k].gate + first * lanes / 8 : NULL;
    }
    simd_here()->pass(&(struct simd_pass){.in = band,
                                          .channels_last = (size_t)result.channels,
                                          .blocks = c->out_blocks,
                                          .pixels = (size_t)rows * (size_t)result.width,
                                          .out = out});
}

static bool run_band(const struct convolution *c, int band, int thread)
{
    const struct conv_bands *b = c->bands;
    const struct view source = conv_source(&c->spec);
    const int first_row = band * b->rows, stride = c->spec.shape.stride;
    char *window = b->scratch + b->thread_bytes * (size_t)thread;
    copy_window(b, &source, b->y.first + (c->spec.backward ? first_row / stride : first_row * stride), window);
    if (onednn_run(b->bindings[thread]) != STATUS_OK)
        return false;
    finish(c, first_row, (const float *)(const void *)(window + b->window_bytes));
    return true;
}

enum status conv_onednn_run(const struct convolution *c)
{
    const struct conv_bands *b = c->bands;
    const int threads = omp_get_max_threads() < b->threads ? omp_get_max_threads() : b->threads;
    bool well = true;
#pragma omp parallel for schedule(static) num_threads(threads) reduction(&& : well)
    for (int band = 0; band < b->count; band++)
        well = run_band(c, band, omp_get_thread_num()) && well;
    return well ? STATUS_OK : fail(STATUS_INTERNAL, "oneDNN could not run a convolution");
}
