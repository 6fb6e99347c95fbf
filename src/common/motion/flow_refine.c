// SPDX-License-Identifier: MIT
#include "common/motion/flow_refine.h"

#include <math.h>
#include <string.h>

enum { OUTER = 5, INNER = 5 };                                                        // updates of the weights; of the flow, for each
static const float SMOOTHNESS = 20, BRIGHTNESS = 5, GRADIENT = 10, RELAXATION = 1.6f; // weights of the terms
static const float LEAST = 0.001f, FLAT = 0.1f;                                       // under the root of the norm; of a squared gradient

// (height, width) each.
enum { DIFFERENCE, X, Y, XX, XY, YY, XZ, YZ, A11, A12, A22, B1, B2, EDGE, DU, DV, MEAN, PLANES };

struct refinement {
    int width, height;
    float *plane[PLANES];
};

void flow_gradient(const float *plane, int width, int height, float *across, float *along)
{
#pragma omp parallel for schedule(static)
    for (int y = 0; y < height; y++) {
        const float *row = plane + (long)y * width;
        const float *above = y > 0 ? row - width : row, *below = y < height - 1 ? row + width : row;
        float *x_out = across + (long)y * width, *y_out = along + (long)y * width;
        for (int x = 0; x < width; x++) {
            x_out[x] = (row[x < width - 1 ? x + 1 : x] - row[x > 0 ? x - 1 : x]) * 0.5f;
            y_out[x] = (below[x] - above[x]) * 0.5f;
        }
    }
}

// The other frame moved by the flow, and derivatives of its mean with the frame, and of its difference from it.
static void linearise(const struct refinement *r, const struct flow *flow, const float *frame, const float *other)
{
    const int width = r->width, height = r->height;
#pragma omp parallel for schedule(static)
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const long at = (long)y * width + x;
            const float there = flow_sample(other, width, height, (float)x + flow->right[at], (float)y + flow->down[at]);
            r->plane[MEAN][at] = (there + frame[at]) * 0.5f;
            r->plane[DIFFERENCE][at] = there - frame[at];
        }
    flow_gradient(r->plane[MEAN], width, height, r->plane[X], r->plane[Y]);
    flow_gradient(r->plane[X], width, height, r->plane[XX], r->plane[XY]);
    flow_gradient(r->plane[Y], width, height, r->plane[A11], r->plane[YY]); // A11: room for what XY is already
    flow_gradient(r->plane[DIFFERENCE], width, height, r->plane[XZ], r->plane[YZ]);
}

// The equations of a pixel from the data, for the increment so far.
static void weigh_data(const struct refinement *r, long at)
{
    float *const *p = r->plane;
    const float x = p[X][at], y = p[Y][at], z = p[DIFFERENCE][at], du = p[DU][at], dv = p[DV][at];
    const float norm = 1 / (x * x + y * y + FLAT * FLAT), off = z + x * du + y * dv;
    float w = BRIGHTNESS / sqrtf(off * off * norm + LEAST * LEAST) * norm;
    float a11 = w * x * x + FLAT * FLAT, a12 = w * x * y, a22 = w * y * y + FLAT * FLAT, b1 = -w * z * x, b2 = -w * z * y;
    const float xx = p[XX][at], xy = p[XY][at], yy = p[YY][at], xz = p[XZ][at], yz = p[YZ][at];
    const float norm_x = 1 / (xx * xx + xy * xy + FLAT * FLAT), norm_y = 1 / (xy * xy + yy * yy + FLAT * FLAT);
    const float off_x = xz + xx * du + xy * dv, off_y = yz + xy * du + yy * dv;
    w = GRADIENT / sqrtf(off_x * off_x * norm_x + off_y * off_y * norm_y + LEAST * LEAST);
    a11 += w * (xx * xx * norm_x + xy * xy * norm_y);
    a12 += w * (xx * xy * norm_x + xy * yy * norm_y);
    a22 += w * (xy * xy * norm_x + yy * yy * norm_y);
    b1 -= w * (xx * xz * norm_x + xy * yz * norm_y);
    b2 -= w * (xy * xz * norm_x + yy * yz * norm_y);
    p[A11][at] = a11;
    p[A12][at] = a12;
    p[A22][at] = a22;
    p[B1][at] = b1;
    p[B2][at] = b2;
}

// The equations, and how strongly a pixel is held to the ones right of it and below.
static void weigh(const struct refinement *r, const struct flow *flow)
{
    const int width = r->width, height = r->height;
    float *const *p = r->plane;
#pragma omp parallel for schedule(static)
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const long at = (long)y * width + x, right = x < width - 1 ? at + 1 : at, below = y < height - 1 ? at + width : at;
            const float u = flow->right[at] + p[DU][at], v = flow->down[at] + p[DV][at];
            const float ux = flow->right[right] + p[DU][right] - u, uy = flow->right[below] + p[DU][below] - u;
            const float vx = flow->down[right] + p[DV][right] - v, vy = flow->down[below] + p[DV][below] - v;
            p[EDGE][at] = SMOOTHNESS / sqrtf(ux * ux + uy * uy + vx * vx + vy * vy + LEAST * LEAST);
            weigh_data(r, at);
        }
}

// A neighbour's part in a pixel's equations.
static inline void hold(const struct refinement *r, const struct flow *flow, long at, long to, float w, float *sum, float *u, float *v)
{
    *sum += w;
    *u += w * (flow->right[to] + r->plane[DU][to] - flow->right[at]);
    *v += w * (flow->down[to] + r->plane[DV][to] - flow->down[at]);
}

// Every other pixel, as the colours of a chessboard: none of these depends on another of them.
static void relax(const struct refinement *r, const struct flow *flow, int colour)
{
    const int width = r->width, height = r->height;
    float *const *p = r->plane;
#pragma omp parallel for schedule(static)
    for (int y = 0; y < height; y++)
        for (int x = (y + colour) % 2; x < width; x += 2) {
            const long at = (long)y * width + x;
            float sum = 0, u = 0, v = 0;
            if (x > 0)
                hold(r, flow, at, at - 1, p[EDGE][at - 1], &sum, &u, &v);
            if (x < width - 1)
                hold(r, flow, at, at + 1, p[EDGE][at], &sum, &u, &v);
            if (y > 0)
                hold(r, flow, at, at - width, p[EDGE][at - width], &sum, &u, &v);
            if (y < height - 1)
                hold(r, flow, at, at + width, p[EDGE][at], &sum, &u, &v);
            const float du = (p[B1][at] + u - p[A12][at] * p[DV][at]) / (p[A11][at] + sum);
            p[DU][at] += RELAXATION * (du - p[DU][at]);
            const float dv = (p[B2][at] + v - p[A12][at] * p[DU][at]) / (p[A22][at] + sum);
            p[DV][at] += RELAXATION * (dv - p[DV][at]);
        }
}

enum status flow_refine(struct flow *flow, const float *frame, const float *other)
{
    const size_t plane = (size_t)flow->width * (size_t)flow->height;
    struct refinement r = {.width = flow->width, .height = flow->height};
    TRY(ALLOCATE(r.plane[0], PLANES * plane, "for a flow of %d x %d pixels", flow->width, flow->height));
    for (size_t i = 1; i < PLANES; i++)
        r.plane[i] = r.plane[0] + i * plane;
    linearise(&r, flow, frame, other);
    for (int outer = 0; outer < OUTER; outer++) {
        weigh(&r, flow);
        for (int inner = 0; inner < INNER; inner++) {
            relax(&r, flow, 0);
            relax(&r, flow, 1);
        }
    }
    for (size_t i = 0; i < plane; i++) {
        flow->right[i] += r.plane[DU][i];
        flow->down[i] += r.plane[DV][i];
    }
    free(r.plane[0]);
    return STATUS_OK;
}
