// SPDX-License-Identifier: MIT
#include "media/drawing/overlay.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "media/drawing/colormap.h"

enum {
    LEVELS = 256, // of the map
    SHARE_BITS = 8,
    ONE = 1 << SHARE_BITS, // shares are whole numbers of this
    GREY = 179,            // share of the picture's colours that goes
    LIGHT = 128,           // share of the picture's light in that of the map's colours, so that structures stay visible
    LUMA_RED = 54,
    LUMA_GREEN = 183,
    LUMA_BLUE = 19, // BT.709
};
static const double COLD = 0.05; // share of the values

// A pixel under a level of the map: own * its channel + light * its grey + colour, in ONE * ONE-ths.
struct tint {
    int own, light;
    int colour[3];
};

struct overlay {
    float low, scale; // level = (value - low) * scale
    struct tint tints[LEVELS];
};

static inline int luma(const uint8_t rgb[3])
{
    return (LUMA_RED * rgb[0] + LUMA_GREEN * rgb[1] + LUMA_BLUE * rgb[2]) >> SHARE_BITS;
}

// Values from `low` to the largest become levels.
static void stretch(struct overlay *o, const struct heat *heat)
{
    const size_t count = (size_t)heat->grid.width * (size_t)heat->grid.height;
    size_t histogram[LEVELS] = {0}, below = 0;
    float high = 0;
    for (size_t i = 0; i < count; i++) {
        const float value = heat->values[i] > 0 ? fminf(heat->values[i], 1) : 0;
        histogram[(int)(value * (LEVELS - 1))]++;
        high = fmaxf(high, value);
    }
    int level = 0;
    while ((double)(below += histogram[level]) < COLD * (double)count)
        level++;
    o->low = (float)level / (LEVELS - 1);
    o->scale = high > o->low ? (LEVELS - 1) / (high - o->low) : 0;
}

static void prepare(struct overlay *o, const struct heat *heat, enum config_colormap colormap, double opacity)
{
    const bool plain = colormap == COLORMAP_JET;
    const int grey = plain ? 0 : GREY, light = plain ? 0 : LIGHT;
    *o = (struct overlay){.scale = LEVELS - 1};
    if (!plain)
        stretch(o, heat);
    for (int i = 0; i < LEVELS; i++) {
        const double part = (double)i / (LEVELS - 1), share = plain ? 1 : part * part * (3 - 2 * part); // smoothstep
        const int over = (int)lround(opacity * share * ONE), under = ONE - over;
        uint8_t rgb[3];
        colormap_get(colormap, (float)part, rgb);
        o->tints[i] = (struct tint){.own = under * (ONE - grey), .light = under * grey + over * light};
        for (int c = 0; c < 3; c++)
            o->tints[i].colour[c] = over * (rgb[c] * ONE - light * luma(rgb)) + ONE * ONE / 2;
    }
}

static inline uint8_t clip(int value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void draw_row(const struct overlay *o, const uint8_t *picture, const float *values, int width, uint8_t *out)
{
    for (int x = 0; x < width; x++, picture += 3, out += 3) {
        const float level = (values[x] - o->low) * o->scale + 0.5f;
        const struct tint *tint = &o->tints[level >= LEVELS ? LEVELS - 1 : level > 0 ? (int)level : 0];
        const int light = tint->light * luma(picture);
        for (int c = 0; c < 3; c++)
            out[c] = clip((tint->own * picture[c] + light + tint->colour[c]) >> 2 * SHARE_BITS);
    }
}

enum status overlay_draw(const uint8_t *picture, int width, int height, const struct heat *heat, enum config_colormap colormap,
                         double opacity, uint8_t *out)
{
    struct overlay overlay;
    float *values;
    TRY(ALLOCATE(values, width, "to draw a map over %d x %d pixels", width, height));
    prepare(&overlay, heat, colormap, opacity);
    for (int y = 0; y < height; y++) {
        const size_t row = (size_t)y * (size_t)width * 3;
        heat_row(heat, width, height, y, values);
        draw_row(&overlay, picture + row, values, width, out + row);
    }
    free(values);
    return STATUS_OK;
}
