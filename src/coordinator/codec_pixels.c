// SPDX-License-Identifier: MIT
// Between the samples of files and the planes of images.
#include <stdlib.h>
#include <string.h>

#include "coordinator/codec.h"
#include "coordinator/codec_formats.h"

enum status codec_allocate(struct image *image, const struct image_limits *limits, uint64_t width, uint64_t height, int bits, bool alpha)
{
    memset(image, 0, sizeof *image);
    if (width == 0 || height == 0)
        return fail(STATUS_FORMAT, "a picture of %llu x %llu pixels has no content", (unsigned long long)width, (unsigned long long)height);
    if (width > (uint64_t)limits->side || height > (uint64_t)limits->side)
        return fail(STATUS_LIMIT, "%llu x %llu pixels; the limit is %d a side", (unsigned long long)width, (unsigned long long)height,
                    limits->side);
    if (width * height > limits->pixels) // both fit an int
        return fail(STATUS_LIMIT, "%llu x %llu pixels; the limit is %llu pixels in all", (unsigned long long)width,
                    (unsigned long long)height, (unsigned long long)limits->pixels);
    enum status rc = image_create(image, (int)width, (int)height);
    if (rc != STATUS_OK)
        return rc;
    image->bits = bits;
    if (alpha) {
        image->alpha = malloc((size_t)(width * height) * sizeof *image->alpha);
        if (!image->alpha)
            return fail(STATUS_LIMIT, "no memory for the alpha channel of %d x %d pixels", image->width, image->height);
    }
    return STATUS_OK;
}

static float half_range(const struct image *image)
{
    return image->bits == 16 ? 32767.5f : 127.5f;
}

void codec_put(struct image *image, int channel, int x, int y, int count, const void *samples, int step)
{
    const uint8_t *narrow = samples;
    const uint16_t *wide = samples;
    size_t at = (size_t)y * (size_t)image->width + (size_t)x;
    if (channel == CODEC_ALPHA) {
        for (int i = 0; i < count; i++)
            image->alpha[at + (size_t)i] = image->bits == 16 ? wide[(size_t)i * (size_t)step] : narrow[(size_t)i * (size_t)step];
        return;
    }
    float half = half_range(image);
    float *out = image->rgb + (size_t)channel * (size_t)image->width * (size_t)image->height + at;
    if (image->bits == 16)
        for (int i = 0; i < count; i++)
            out[i] = (float)wide[(size_t)i * (size_t)step] / half - 1;
    else
        for (int i = 0; i < count; i++)
            out[i] = (float)narrow[(size_t)i * (size_t)step] / half - 1;
}

static uint16_t round_sample(float value, float half)
{
    float scaled = (value + 1) * half;
    if (!(scaled > 0))
        return 0;
    return (uint16_t)((scaled < 2 * half ? scaled : 2 * half) + 0.5f);
}

void codec_to_bytes(const float *rgb, size_t pixels, uint8_t *bytes)
{
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < 3; c++)
            bytes[3 * i + c] = (uint8_t)round_sample(rgb[c * pixels + i], 127.5f);
}

void codec_get(const struct image *image, int channel, int y, void *samples, int step)
{
    uint8_t *narrow = samples;
    uint16_t *wide = samples;
    size_t at = (size_t)y * (size_t)image->width;
    const float *in = image->rgb + (size_t)(channel % CODEC_ALPHA) * (size_t)image->width * (size_t)image->height + at;
    float half = half_range(image);
    for (int x = 0; x < image->width; x++) {
        uint16_t sample = channel == CODEC_ALPHA ? image->alpha[at + (size_t)x] : round_sample(in[x], half);
        if (image->bits == 16)
            wide[(size_t)x * (size_t)step] = sample;
        else
            narrow[(size_t)x * (size_t)step] = (uint8_t)sample;
    }
}

// Where pixel (x, y) of the upright picture lies in the stored one of width w and height h.
static size_t stored_at(int orientation, int x, int y, int w, int h)
{
    int column = 0, row = 0;
    switch (orientation) {
    case 2: // mirrored left to right
        column = w - 1 - x, row = y;
        break;
    case 3: // upside down
        column = w - 1 - x, row = h - 1 - y;
        break;
    case 4: // mirrored top to bottom
        column = x, row = h - 1 - y;
        break;
    case 5: // transposed
        column = y, row = x;
        break;
    case 6: // a quarter turn clockwise makes it upright
        column = y, row = h - 1 - x;
        break;
    case 7: // transposed along the other diagonal
        column = w - 1 - y, row = h - 1 - x;
        break;
    case 8: // a quarter turn anticlockwise
        column = w - 1 - y, row = x;
        break;
    }
    return (size_t)row * (size_t)w + (size_t)column;
}

enum status codec_turn(struct image *image, int orientation)
{
    if (orientation < 2 || orientation > 8)
        return STATUS_OK;
    bool swap = orientation >= 5;
    struct image upright;
    struct image_limits limits = {image->width > image->height ? image->width : image->height, UINT64_MAX};
    enum status rc = codec_allocate(&upright, &limits, (uint64_t)(swap ? image->height : image->width),
                                    (uint64_t)(swap ? image->width : image->height), image->bits, image->alpha != NULL);
    if (rc != STATUS_OK) {
        image_destroy(&upright);
        return rc;
    }
    size_t plane = (size_t)image->width * (size_t)image->height;
    size_t to = 0;
    for (int y = 0; y < upright.height; y++)
        for (int x = 0; x < upright.width; x++, to++) {
            size_t from = stored_at(orientation, x, y, image->width, image->height);
            for (int c = 0; c < 3; c++)
                upright.rgb[(size_t)c * plane + to] = image->rgb[(size_t)c * plane + from];
            if (upright.alpha)
                upright.alpha[to] = image->alpha[from];
        }
    image_replace(image, &upright);
    return STATUS_OK;
}
