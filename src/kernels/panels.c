// SPDX-License-Identifier: MIT
#include "kernels/panels.h"

#include <string.h>

static int floor_half(int value)
{
    return value >= 0 ? value / 2 : (value - 1) / 2;
}

int panels_phases(struct simd_phase *phases, int kernel_h, int kernel_w, int stride, int pad_h, int pad_w, bool backward, int height,
                  int width)
{
    // A tap of the forward convolution: out (y, x) reads in (y * stride - pad + k). Backward: in (y) gets from out ((y + pad - k) / stride) where
    // that is whole: which taps those are depends on y modulo the stride, and for each remainder there is a phase.
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

size_t panels_direct_count(const struct panels_source *s, int lanes)
{
    const size_t out = ((size_t)s->out + (size_t)lanes - 1) / (size_t)lanes * (size_t)lanes;
    return out * (size_t)s->in * (size_t)s->kernel_h * (size_t)s->kernel_w;
}

void panels_direct(const struct panels_source *s, const struct simd_phase *phases, int phase_count, int lanes, float *panels)
{
    const int blocks = (s->out + lanes - 1) / lanes, taps = s->kernel_h * s->kernel_w;
    for (int p = 0; p < phase_count; p++)
        for (int b = 0; b < blocks; b += 2) {
            const int wide = (b + 1 < blocks ? 2 : 1) * lanes;
            for (int t = 0; t < phases[p].tap_count; t++)
                for (int i = 0; i < s->in; i++)
                    for (int l = 0; l < wide; l++) {
                        const int o = b * lanes + l;
                        *panels++ = o < s->out ? s->weights[((size_t)o * s->in + i) * taps + phases[p].taps[t].number] : 0.0f;
                    }
        }
}

size_t panels_winograd_count(const struct panels_source *s, int n)
{
    return (size_t)(s->kernel_h > 1 ? n : 1) * (size_t)(s->kernel_w > 1 ? n : 1) * (size_t)s->out * (size_t)s->in;
}

// G: (n, kernel): row of point p: p^k / prod over the other points q of (p - q); the last row, of infinity, picks the last weight.
static void kernel_transform(double g[][7], int n, int kernel)
{
    const float *pairs = simd_winograd_points(n);
    double points[16] = {0};
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

void panels_winograd(const struct panels_source *s, int n, int lanes, float *panels)
{
    const int kh = s->kernel_h, kw = s->kernel_w, n_h = kh > 1 ? n : 1, n_w = kw > 1 ? n : 1, blocks = s->out / lanes;
    const size_t point = (size_t)s->out * (size_t)s->in;
    double g[16][7], one[1][7] = {{1}};
    kernel_transform(g, n, kh > kw ? kh : kw);
    double(*g_h)[7] = kh > 1 ? g : one, (*g_w)[7] = kw > 1 ? g : one;
#pragma omp parallel for schedule(static)
    for (int o = 0; o < s->out; o++) {
        const int b = o / lanes / 2 * 2, wide = (b + 1 < blocks ? 2 : 1) * lanes;
        for (int i = 0; i < s->in; i++) {
            const float *w = s->weights + ((size_t)o * s->in + i) * kh * kw;
            float *to = panels + (size_t)b * lanes * s->in + (size_t)i * wide + (o - b * lanes);
            for (int y = 0; y < n_h; y++)
                for (int x = 0; x < n_w; x++) {
                    double sum = 0;
                    for (int ky = 0; ky < kh; ky++)
                        for (int kx = 0; kx < kw; kx++)
                            sum += g_h[y][ky] * g_w[x][kx] * w[ky * kw + kx];
                    to[(size_t)(y * n_w + x) * point] = (float)sum;
                }
        }
    }
}
