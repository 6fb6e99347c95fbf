// SPDX-License-Identifier: MIT
// Between the samples of files and the planes of images.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/samples.h"
#include "media/picture/codec.h"
#include "media/picture/codec_formats.h"

enum { RANGE_PART = 8 }; // samples of 16 bits that end below such a part of their range are looked at

enum status codec_check_size(const struct image_limits *limits, uint64_t width, uint64_t height)
{
    if (width == 0 || height == 0)
        return fail(STATUS_FORMAT, "a picture of %llu x %llu pixels has no content", (unsigned long long)width, (unsigned long long)height);
    if (width > (uint64_t)limits->side || height > (uint64_t)limits->side)
        return fail(STATUS_LIMIT, "%llu x %llu pixels; the limit is %d a side", (unsigned long long)width, (unsigned long long)height,
                    limits->side);
    if (width * height > limits->pixels) // both fit an int
        return fail(STATUS_LIMIT, "%llu x %llu pixels; the limit is %llu pixels in all", (unsigned long long)width,
                    (unsigned long long)height, (unsigned long long)limits->pixels);
    return STATUS_OK;
}

enum status codec_allocate(struct image *image, const struct image_limits *limits, uint64_t width, uint64_t height, int bits, bool alpha)
{
    memset(image, 0, sizeof *image);
    TRY(codec_check_size(limits, width, height));
    TRY(image_create(image, (int)width, (int)height));
    image->bits = bits;
    return alpha ? ALLOCATE(image->alpha, width * height, "for the alpha channel of %d x %d pixels", image->width, image->height)
                 : STATUS_OK;
}

enum status codec_allocate_black(struct image *image)
{
    return ALLOCATE(image->black, (size_t)image->width * (size_t)image->height, "for the black of %d x %d pixels", image->width,
                    image->height);
}

// Half of the largest sample; of floats that is 1.
static float half_of(int bits)
{
    return bits == 32 ? 0.5f : bits == 16 ? 32767.5f : 127.5f;
}

static inline float load(const void *samples, int bits, size_t i)
{
    return bits == 32 ? ((const float *)samples)[i] : bits == 16 ? ((const uint16_t *)samples)[i] : ((const uint8_t *)samples)[i];
}

static inline void store(void *samples, int bits, size_t i, float sample)
{
    if (bits == 32)
        ((float *)samples)[i] = sample;
    else if (bits == 16)
        ((uint16_t *)samples)[i] = (uint16_t)sample;
    else
        ((uint8_t *)samples)[i] = (uint8_t)sample;
}

// To the nearest from 0 to `most`; NaN becomes 0.
static uint16_t round_sample(float sample, float most)
{
    return sample > 0 ? (uint16_t)((sample < most ? sample : most) + 0.5f) : 0;
}

void codec_put(struct image *image, int channel, int x, int y, int count, const void *samples, int step)
{
    const size_t at = (size_t)y * (size_t)image->width + (size_t)x;
    const int bits = image->bits;
    if (channel == CODEC_ALPHA || channel == CODEC_BLACK) {
        uint16_t *out = (channel == CODEC_ALPHA ? image->alpha : image->black) + at;
        const float scale = bits == 32 ? 65535 : 1;
        for (size_t i = 0; i < (size_t)count; i++)
            out[i] = round_sample(load(samples, bits, i * (size_t)step) * scale, 65535);
        return;
    }
    float *out = image->rgb + (size_t)channel * (size_t)image->width * (size_t)image->height + at;
    for (size_t i = 0; i < (size_t)count; i++)
        out[i] = load(samples, bits, i * (size_t)step) / half_of(bits) - 1;
}

void codec_from_bytes(const uint8_t *bytes, size_t pixels, float *rgb)
{
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < pixels; i++)
            rgb[c * pixels + i] = (float)bytes[3 * i + c] / 127.5f - 1;
}

void codec_to_bytes(const float *rgb, size_t pixels, uint8_t *bytes)
{
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < 3; c++)
            bytes[3 * i + c] = (uint8_t)round_sample((rgb[c * pixels + i] + 1) * 127.5f, 255);
}

void codec_put_alpha(struct image *image, int x, int y, int count, const void *samples, size_t step, const struct image_raster *raster)
{
    uint16_t *out = image->alpha + (size_t)y * (size_t)image->width + (size_t)x;
    const size_t bytes = step * (size_t)raster->type.bits / 8;
    const float full = (float)image_alpha_max(image);
    float value;
    for (size_t i = 0; i < (size_t)count; i++) {
        samples_load(raster->type, (const uint8_t *)samples + i * bytes, 1, 1, NAN, &value);
        out[i] = isnan(value) ? 0 : (uint16_t)lrintf((sample_to_unit(value, raster->low, raster->high) + 1) / 2 * full);
    }
}

static void get_colour(const float *in, int width, int bits, void *samples, size_t step)
{
    const float half = half_of(bits);
    for (size_t x = 0; x < (size_t)width; x++)
        store(samples, bits, x * step, bits == 32 ? (fmaxf(-1, fminf(1, in[x])) + 1) / 2 : round_sample((in[x] + 1) * half, 2 * half));
}

static void get_alpha(const struct image *image, int y, int bits, void *samples, size_t step)
{
    const uint16_t *in = image->alpha + (size_t)y * (size_t)image->width;
    for (size_t x = 0; x < (size_t)image->width; x++)
        store(samples, bits, x * step, bits == 32 ? (float)in[x] / 65535 : in[x]);
}

void codec_get_row(const struct codec_output *output, int y, void *samples)
{
    const struct image *image = output->image;
    if (output->bytes) {
        memcpy(samples, output->bytes + (size_t)y * (size_t)image->width * 3, (size_t)image->width * 3);
        return;
    }
    const size_t width = (size_t)image->width, step = (size_t)output->channels, bytes = (size_t)output->bits / 8;
    const size_t plane = output->color ? width : width * (size_t)image->height;
    const float *rgb = output->color ? color_row(output->color, image, y) : image->rgb + (size_t)y * width;
    for (size_t c = 0; c < 3; c++)
        get_colour(rgb + c * plane, image->width, output->bits, (uint8_t *)samples + c * bytes, step);
    if (output->channels == 4)
        get_alpha(image, y, output->bits, (uint8_t *)samples + 3 * bytes, step);
}

void codec_drop_opaque_alpha(struct image *image)
{
    const size_t count = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; image->alpha && i < count; i++)
        if (image->alpha[i] != image_alpha_max(image))
            return;
    free(image->alpha);
    image->alpha = NULL;
}

void codec_divide_by_alpha(struct image *image)
{
    size_t plane = (size_t)image->width * (size_t)image->height;
    float full = (float)image_alpha_max(image);
    for (size_t i = 0; i < 3 * plane; i++) {
        const float alpha = image->alpha[i % plane];
        float value = alpha > 0 ? (image->rgb[i] + 1) * full / alpha : 0;
        image->rgb[i] = (value < 2 ? value : 2) - 1;
    }
    for (size_t i = 0; image->black && i < plane; i++)
        image->black[i] = image->alpha[i] > 0 ? (uint16_t)fminf((float)image->black[i] * full / image->alpha[i] + 0.5f, full) : 0;
}

// What the values of a raster are like.
struct values {
    size_t count, none, outside; // samples; without a number; outside the range
    double least, most;
};

static struct values look_at(const struct image *image, size_t count)
{
    const struct image_raster *raster = &image->raster;
    const float low = (float)raster->low, high = (float)raster->high; // as values are: 4294967295 is none of theirs
    struct values v = {.count = count, .least = INFINITY, .most = -INFINITY};
    for (size_t i = 0; i < count; i++) {
        const double value = image->rgb[i];
        v.none += isnan(value);
        v.least = value < v.least ? value : v.least;
        v.most = value > v.most ? value : v.most;
        v.outside += value < low || value > high;
    }
    return v;
}

static enum status find_percentiles(struct image *image, const struct image_choice *choice, const struct values *values)
{
    const double usual[2] = {2, 98}, chosen[2] = {choice->low, choice->high};
    double found[2];
    const double *percents = choice->range == RANGE_PERCENTILES ? chosen : usual;
    if (!samples_percentiles(image->rgb, values->count, percents, found))
        return no_memory("for the percentiles of the picture");
    const bool one = !(found[0] < found[1]); // most of it is of one value
    const double value = found[0];
    if (one) {
        found[0] = values->least;
        found[1] = values->most;
    }
    const double more = found[0] < found[1] ? 0 : fmax(0.5, fabs(found[0]) / 1000); // all of it
    image->raster.low = found[0] - more;
    image->raster.high = found[1] + more;
    if (one)
        image_notice(image, NOTICE_RANGE,
                     "the percentiles %g and %g of its values are both %g: instead, %g and %g are black and white (input.range)",
                     percents[0], percents[1], value, image->raster.low, image->raster.high);
    else
        image_notice(image, NOTICE_RANGE,
                     "its values go from %g to %g: %g and %g, the percentiles %g and %g, are black and white (input.range)", values->least,
                     values->most, image->raster.low, image->raster.high, percents[0], percents[1]);
    return STATUS_OK;
}

// Values become -1..1, and grey where there is none; what is plain as codec_put() has it.
static void normalise(struct image *image)
{
    const size_t count = 3 * (size_t)image->width * (size_t)image->height;
    const double low = image->raster.low, high = image->raster.high;
    const bool plain = raster_is_plain(&image->raster) && !image->raster.keeps_file && image->raster.type.kind == SAMPLE_UINT;
    for (size_t i = 0; plain && i < count; i++)
        image->rgb[i] = isnan(image->rgb[i]) ? 0 : image->rgb[i] / half_of(image->raster.type.bits) - 1;
    if (plain)
        return;
    for (size_t i = 0; i < count; i++)
        image->rgb[i] = isnan(image->rgb[i]) ? 0 : sample_to_unit(image->rgb[i], low, high);
}

// Whether the range of the type says little of the values: floats beyond it; signed numbers, which are heights and the like; and unsigned
// ones that end far below, as those of instruments of 12 bits do.
static bool is_unlike_its_type(const struct image_raster *raster, const struct values *values)
{
    if (raster->type.kind == SAMPLE_FLOAT)
        return values->outside > 0;
    if (!(values->least < values->most)) // a mask that is black all over
        return false;
    return raster->type.kind == SAMPLE_INT || (raster->type.bits >= 16 && values->most <= raster->high / RANGE_PART);
}

bool codec_back_to_values(struct image *image)
{
    const size_t count = 3 * (size_t)image->width * (size_t)image->height;
    const float half = half_of(image->raster.type.bits), most = (float)image->raster.high / RANGE_PART / half - 1;
    for (size_t i = 0; i < count; i++)
        if (image->rgb[i] > most)
            return false;
    for (size_t i = 0; i < count; i++)
        image->rgb[i] = rintf((image->rgb[i] + 1) * half);
    return true;
}

enum status codec_settle_range(struct image *image, const struct image_choice *choice, int colours)
{
    struct image_raster *raster = &image->raster;
    const bool tiff = image->format == IMAGE_FORMAT_TIFF;
    if (choice->range == RANGE_VALUES) {
        raster->low = choice->low;
        raster->high = choice->high;
    }
    const struct values v = look_at(image, (colours == 1 ? 1 : 3) * (size_t)image->width * (size_t)image->height);
    const double percent = 100 / (double)v.count;
    const size_t none = v.none - raster->unread;
    if (v.none == v.count)
        return fail(STATUS_FORMAT, "it has no data: all samples of it are NaN, infinite or GDAL_NODATA");
    if (choice->range == RANGE_PERCENTILES || (choice->range == RANGE_AUTO && is_unlike_its_type(raster, &v)))
        TRY(find_percentiles(image, choice, &v));
    else if (v.outside > 0)
        image_notice(image, NOTICE_CLIPPED, "%.2g%% of the samples lie outside %g..%g, from %g to %g: they are clipped",
                     percent * (double)v.outside, raster->low, raster->high, v.least, v.most);
    const char *none_said = !tiff || choice->alone ? choice->alone && !*choice->alone ? "grey" : "grey in the dream" : "stay so";
    raster->keeps_file = tiff && !choice->alone && (raster->keeps_file || none > 0 || !raster_is_plain(raster));
    if (none > 0)
        image_notice(image, NOTICE_NO_DATA, "%.2g%% of the samples are no data and %s", percent * (double)none, none_said);
    normalise(image);
    return STATUS_OK;
}

// Where pixel (x, y) of the upright picture lies in the stored one of width w and height h: mirrored left to right, top to bottom or both,
// and from orientation 5 on transposed before.
static size_t stored_at(int orientation, int x, int y, int w, int h)
{
    const bool transposed = orientation >= 5, last_column = orientation / 2 == 1 || orientation >= 7,
               last_row = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const int column = transposed ? y : x, row = transposed ? x : y;
    return (size_t)(last_row ? h - 1 - row : row) * (size_t)w + (size_t)(last_column ? w - 1 - column : column);
}

enum status codec_turn(struct image *image, int orientation)
{
    if (orientation < 2 || orientation > 8)
        return STATUS_OK;
    bool swap = orientation >= 5;
    struct image upright;
    const struct image_limits limits = {.side = image->width > image->height ? image->width : image->height, .pixels = UINT64_MAX};
    enum status rc;
    TRY_OUT(codec_allocate(&upright, &limits, (uint64_t)(swap ? image->height : image->width),
                           (uint64_t)(swap ? image->width : image->height), image->bits, image->alpha != NULL));
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
out:
    image_destroy(&upright);
    return rc;
}

uint8_t *exif_in_text(const char *key, const char *text, size_t *size)
{
    static const char digits[] = "0123456789abcdef", name[6] = "Exif\0";
    size_t count = 0;
    char *at;
    if (strcmp(key, "Raw profile type exif") != 0 && strcmp(key, "Raw profile type APP1") != 0)
        return NULL;
    text += strspn(text, " \n");
    text += strcspn(text, "\n");
    const unsigned long wanted = strtoul(text, &at, 10);
    if (wanted <= sizeof name || wanted > strlen(at) / 2)
        return NULL;
    uint8_t *bytes = calloc(wanted, 1);
    for (; bytes && *at && count < 2 * wanted; at++) {
        const char *digit = strchr(digits, *at | 0x20);
        if (digit) {
            bytes[count / 2] |= (uint8_t)((digit - digits) << (count % 2 ? 0 : 4));
            count++;
        }
    }
    if (!bytes || count < 2 * wanted) {
        free(bytes);
        return NULL;
    }
    *size = wanted;
    if (memcmp(bytes, name, sizeof name) == 0)
        memmove(bytes, bytes + sizeof name, *size -= sizeof name);
    return bytes;
}
