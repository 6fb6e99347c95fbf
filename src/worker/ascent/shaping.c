// SPDX-License-Identifier: MIT
#include "worker/ascent/shaping.h"

#include <assert.h>
#include <math.h>

// Row `y` of plane `c`, which may also be one of the two next to the slab's; NULL outside the octave.
static const float *row_near(const struct slab *slab, const float *above, const float *below, int c, int y)
{
    const size_t plane = (size_t)c * (size_t)slab->width;
    if (y < slab->rows.begin)
        return above ? above + plane : NULL;
    if (y >= slab->rows.end)
        return below ? below + plane : NULL;
    return slab_row(slab, c, y);
}

// Of |here - left| + |here - right| + |here - up| + |here - down|, by `here`.
static inline float slope(float here, float left, float right, float up, float down)
{
    const int lower = (left < here) + (right < here) + (up < here) + (down < here);
    const int higher = (left > here) + (right > here) + (up > here) + (down > here);
    return (float)(lower - higher);
}

void shaping_add_total_variation(struct slab *gradient, const struct slab *image, const float *above, const float *below, double weight)
{
    const int last = image->width - 1;
    const float scale = (float)(weight / (3.0 * image->width * image->height));
    assert(image->rows.begin >= image->rows.end || (!above == (image->rows.begin == 0) && !below == (image->rows.end == image->height)));
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = image->rows.begin; y < image->rows.end; y++) {
            const float *row = slab_row(image, c, y); // in the place of a neighbour that is missing: no difference, no slope
            const float *up = row_near(image, above, below, c, y - 1), *down = row_near(image, above, below, c, y + 1);
            float *out = slab_row(gradient, c, y);
            up = up ? up : row;
            down = down ? down : row;
            for (int x = 1; x < last; x++)
                out[x] -= scale * slope(row[x], row[x - 1], row[x + 1], up[x], down[x]);
            out[0] -= scale * slope(row[0], row[0], row[last > 0], up[0], down[0]);
            if (last > 0)
                out[last] -= scale * slope(row[last], row[last - 1], row[last], up[last], down[last]);
        }
}

double shaping_divisor(const double moments[SLAB_MOMENTS], double samples, enum config_normalize normalize)
{
    const double sum = moments[0], absolute = moments[1], squares = moments[2];
    const double mean = sum / samples, variance = squares / samples - mean * mean, epsilon = 1e-8;
    switch (normalize) {
    case NORMALIZE_STD:
        return sqrt(variance > 0 ? variance : 0) + epsilon;
    case NORMALIZE_RMS:
        return sqrt(squares / samples) + epsilon;
    case NORMALIZE_MEAN_ABS:
        return absolute / samples + epsilon;
    case NORMALIZE_L2:
        return sqrt(squares) + epsilon;
    case NORMALIZE_NONE:
        break;
    }
    return 1;
}

void shaping_band_scales(const double *mean_squares, int bands, double coarse, float *scales)
{
    for (int band = 0; band < bands; band++)
        scales[band] = (float)(exp2(coarse * band) / (sqrt(mean_squares[band]) + 1e-12));
}

void shaping_colours(struct slab *gradient, enum config_colours colours, double share)
{
    // Of red, green and blue of photographs, in such a scale that its trace is 3.
    static const double covariance[3][3] = {{1.06, 0.98, 0.85}, {0.98, 0.98, 0.92}, {0.85, 0.92, 0.96}};
    float m[3][3];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            m[i][j] = (float)(colours == COLOURS_ORIGINAL ? 1.0 / 3 : (1 - share) * (i == j) + share * covariance[i][j]);
#pragma omp parallel for schedule(static)
    for (int y = gradient->rows.begin; y < gradient->rows.end; y++) {
        float *restrict red = slab_row(gradient, 0, y), *restrict green = slab_row(gradient, 1, y),
                        *restrict blue = slab_row(gradient, 2, y);
        for (int x = 0; x < gradient->width; x++) {
            const float r = red[x], g = green[x], b = blue[x];
            red[x] = m[0][0] * r + m[0][1] * g + m[0][2] * b;
            green[x] = m[1][0] * r + m[1][1] * g + m[1][2] * b;
            blue[x] = m[2][0] * r + m[2][1] * g + m[2][2] * b;
        }
    }
}

void shaping_ascend(struct slab *image, const struct slab *gradient, double step, enum config_clip clip)
{
    const float scale = (float)step;
#pragma omp parallel for schedule(static)
    for (int y = image->rows.begin; y < image->rows.end; y++) {
        for (int c = 0; c < 3; c++) {
            float *restrict row = slab_row(image, c, y);
            const float *restrict slopes = slab_row(gradient, c, y);
            for (int x = 0; x < image->width; x++)
                row[x] += scale * slopes[x];
        }
        slab_clip_row(image, y, clip == CLIP_COLOUR);
    }
}
