// SPDX-License-Identifier: MIT
#include "kernels/convolution/panels.h"

#include <string.h>

#include "kernels/simd/points.h"

static int floor_half(int value)
{
    return value >= 0 ? value / 2 : (value - 1) / 2;
}

int panels_phases(struct simd_phase *phases, int kernel_h, int kernel_w, int stride, int pad_h, int pad_w, bool backward, int height,
                  int width)
{
    // A tap of the forward convolution: out (y, x) reads in (y * stride - pad + k). Backward: in (y) gets from out ((y + pad - k) / stride)
    // where that is whole: which taps those are depends on y modulo the stride, and for each remainder there is a phase.
    const int steps = backward ? stride : 1;
    int count = 0;
    for (int py = 0; py < steps; py++)
        for (int px = 0; px < steps; px++) {
            struct simd_phase *p = &phases[count++];
            *p = (struct simd_phase){.height = (height - py + steps - 1) / steps,
                                     .width = (width - px + steps - 1) / steps,
                                     .in_step = backward ? 1 : stride,
                                     .out_step = steps,
                                     .out_y = py,
                                     .out_x = px};
            for (int ky = 0; ky < kernel_h; ky++)
                for (int kx = 0; kx < kernel_w; kx++) {
                    const int y = backward ? py + pad_h - ky : ky - pad_h, x = backward ? px + pad_w - kx : kx - pad_w;
                    if (steps == 2 && ((y & 1) || (x & 1)))
                        continue;
                    p->taps[p->tap_count].dy = steps == 2 ? floor_half(y) : y;
                    p->taps[p->tap_count].dx = steps == 2 ? floor_half(x) : x;
                    p->taps[p->tap_count++].number = ky * kernel_w + kx;
                }
        }
    return count;
}

size_t panels_direct_bytes(const struct panels_source *s, int lanes, bool pairs)
{
    const size_t out = ((size_t)s->out + (size_t)lanes - 1) / (size_t)lanes * (size_t)lanes;
    return out * (size_t)s->in * (size_t)s->kernel_h * (size_t)s->kernel_w * (pairs ? sizeof(uint16_t) : sizeof(float));
}

// Of a phase of a direct convolution, in order: panels of two blocks of outputs (the last may be of one), in each all taps of all inputs.
void panels_direct(const struct panels_source *s, const struct simd_phase *phases, int phase_count, int lanes, bool pairs, void *panels)
{
    const int blocks = (s->out + lanes - 1) / lanes, taps = s->kernel_h * s->kernel_w;
    size_t done = 0;
    for (int p = 0; p < phase_count; p++) {
        const size_t block = (size_t)phases[p].tap_count * (size_t)s->in * (size_t)lanes;
#pragma omp parallel for schedule(static)
        for (int b = 0; b < blocks; b += 2) {
            const int wide = ((b + 1 < blocks ? 2 : 1) * lanes) << pairs; // outputs, each with one input or two
            size_t to = done + (size_t)b * block;
            for (int t = 0; t < phases[p].tap_count; t++)
                for (int i = 0; i < s->in; i += 1 + pairs)
                    for (int l = 0; l < wide; l++, to++) {
                        const int o = b * lanes + (l >> pairs), in = i + (l & pairs);
                        const float value = o < s->out ? s->weights[((size_t)o * s->in + in) * taps + phases[p].taps[t].number] : 0.0f;
                        if (pairs)
                            ((uint16_t *)panels)[to] = simd_bf16(value);
                        else
                            ((float *)panels)[to] = value;
                    }
        }
        done += (size_t)blocks * block;
    }
}

size_t panels_winograd_bytes(const struct panels_source *s, int n)
{
    return (size_t)(s->kernel_h > 1 ? n : 1) * (size_t)(s->kernel_w > 1 ? n : 1) * (size_t)s->out * (size_t)s->in * sizeof(float);
}

// G: (n, kernel): row of point p: p^k / prod over the other points q of (p - q); the last row, of infinity, picks the last weight.
static void kernel_transform(double g[][7], int n, int kernel)
{
    const float *pairs = winograd_points[n / 2 - 3];
    double points[WINOGRAD_N_MAX] = {0};
    for (int p = 0; p < n / 2 - 1; p++) {
        points[1 + 2 * p] = pairs[p];
        points[2 + 2 * p] = -(double)pairs[p];
    }
    for (int i = 0; i < n - 1; i++) {
        double value = 1;
        for (int j = 0; j < n - 1; j++)
            value /= j == i ? 1 : points[i] - points[j];
        for (int k = 0; k < kernel; k++, value *= points[i])
            g[i][k] = value;
    }
    for (int k = 0; k < kernel; k++)
        g[n - 1][k] = k == kernel - 1;
}

// transformed (n_h, n_w) = g_h * w * g_w^T, first down the columns.
static void transform_kernel(const float *w, const double (*g_h)[7], const double (*g_w)[7], int n_h, int n_w, int kh, int kw,
                             double *transformed)
{
    double columns[WINOGRAD_N_MAX][7];
    for (int y = 0; y < n_h; y++)
        for (int kx = 0; kx < kw; kx++) {
            double sum = 0;
            for (int ky = 0; ky < kh; ky++)
                sum += g_h[y][ky] * w[ky * kw + kx];
            columns[y][kx] = sum;
        }
    for (int y = 0; y < n_h; y++)
        for (int x = 0; x < n_w; x++) {
            double sum = 0;
            for (int kx = 0; kx < kw; kx++)
                sum += g_w[x][kx] * columns[y][kx];
            transformed[y * n_w + x] = sum;
        }
}

void panels_winograd(const struct panels_source *s, int n, int lanes, float *panels)
{
    const int kh = s->kernel_h, kw = s->kernel_w, n_h = kh > 1 ? n : 1, n_w = kw > 1 ? n : 1, blocks = s->out / lanes;
    const size_t point = (size_t)s->out * (size_t)s->in;
    double g[WINOGRAD_N_MAX][7];
    const double one[1][7] = {{1}};
    kernel_transform(g, n, kh > kw ? kh : kw);
    const double(*g_h)[7] = kh > 1 ? (const double(*)[7])g : one, (*g_w)[7] = kw > 1 ? (const double(*)[7])g : one;
#pragma omp parallel for schedule(static)
    for (int o = 0; o < s->out; o++) {
        const int b = o / lanes / 2 * 2, wide = (b + 1 < blocks ? 2 : 1) * lanes;
        for (int i = 0; i < s->in; i++) {
            double transformed[WINOGRAD_N_MAX * WINOGRAD_N_MAX];
            float *to = panels + (size_t)b * lanes * s->in + (size_t)i * wide + (o - b * lanes);
            transform_kernel(s->weights + ((size_t)o * s->in + i) * kh * kw, g_h, g_w, n_h, n_w, kh, kw, transformed);
            for (int k = 0; k < n_h * n_w; k++)
                to[(size_t)k * point] = (float)transformed[k];
        }
    }
}
