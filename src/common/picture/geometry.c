// SPDX-License-Identifier: MIT
#include "common/picture/geometry.h"

#include <math.h>
#include <stdint.h>

static struct octave octave_below(int width, int height, const struct octave_rule *rule, int steps)
{
    const double ratio = pow(rule->scale, -steps);
    return (struct octave){(int)lround(width * ratio), (int)lround(height * ratio)};
}

static int count_octaves(int width, int height, const struct octave_rule *rule)
{
    int count = 1;
    for (; count < GEOMETRY_OCTAVES_MAX; count++) {
        const struct octave next = octave_below(width, height, rule, count);
        if ((next.width < next.height ? next.width : next.height) < rule->smallest)
            break;
    }
    return count;
}

int geometry_octaves(int width, int height, const struct octave_rule *rule, struct octave octaves[GEOMETRY_OCTAVES_MAX])
{
    const int count = rule->count == GEOMETRY_OCTAVES_AUTO ? count_octaves(width, height, rule) : rule->count;
    int found = 0;
    for (int k = 0; k < count; k++) {
        const struct octave octave = octave_below(width, height, rule, count - 1 - k);
        if (k == count - 1 || (octave.width >= GEOMETRY_MIN_SIDE && octave.height >= GEOMETRY_MIN_SIDE))
            octaves[found++] = octave;
    }
    return found;
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
