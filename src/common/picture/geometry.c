// SPDX-License-Identifier: MIT
#include "common/picture/geometry.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

int geometry_octaves(int width, int height, int count, double scale, int min_side, struct octave octaves[GEOMETRY_OCTAVES_MAX])
{
    int found = 0;
    for (int k = 0; k < count; k++) {
        const double ratio = pow(scale, k - count + 1);
        const struct octave octave = {(int)lround(width * ratio), (int)lround(height * ratio)};
        if (k == count - 1 || (octave.width >= min_side && octave.height >= min_side))
            octaves[found++] = octave;
    }
    return found;
}

static int wrapped(int shift, int size)
{
    return (shift % size + size) % size;
}

void geometry_roll(const float *in, float *out, int planes, int width, int height, int dy, int dx)
{
    const size_t right = (size_t)wrapped(dx, width), left = (size_t)width - right;
    const int down = wrapped(dy, height);
    for (int c = 0; c < planes; c++)
        for (int y = 0; y < height; y++) {
            const float *from = in + ((size_t)c * (size_t)height + (size_t)y) * (size_t)width;
            float *to = out + ((size_t)c * (size_t)height + (size_t)((y + down) % height)) * (size_t)width;
            memcpy(to + right, from, left * sizeof *to);
            memcpy(to, from + left, right * sizeof *to);
        }
}

static int even(int64_t side)
{
    return side < 2 ? 2 : (int)(side - side % 2);
}

void geometry_video(int width, int height, int max_side, int *video_width, int *video_height)
{
    const int64_t longest = width > height ? width : height, shown = longest < max_side ? longest : max_side;
    *video_width = even(width * shown / longest);
    *video_height = even(height * shown / longest);
}

double geometry_pixels(const struct octave *octaves, int count)
{
    double pixels = 0;
    for (int k = 0; k < count; k++)
        pixels += (double)octaves[k].width * octaves[k].height;
    return pixels;
}
