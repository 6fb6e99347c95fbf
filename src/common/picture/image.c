// SPDX-License-Identifier: MIT
#include "common/picture/image.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/text.h"

enum status image_create(struct image *image, int width, int height)
{
    memset(image, 0, sizeof *image);
    if (width < 1 || height < 1)
        return fail(STATUS_FORMAT, "an image of %d x %d pixels has no content", width, height);
    size_t samples;
    if (__builtin_mul_overflow((size_t)width, (size_t)height, &samples) || __builtin_mul_overflow(samples, 3 * sizeof(float), &samples))
        return fail(STATUS_LIMIT, "an image of %d x %d pixels is larger than the address space", width, height);
    image->rgb = malloc(samples);
    if (!image->rgb)
        return no_memory("for an image of %d x %d pixels (%zu MiB)", width, height, samples >> 20);
    image->width = width;
    image->height = height;
    image->bits = 8;
    image->format = IMAGE_FORMAT_OTHER;
    return STATUS_OK;
}

void image_replace(struct image *image, struct image *by)
{
    free(image->rgb);
    free(image->alpha);
    image->width = by->width;
    image->height = by->height;
    image->rgb = by->rgb;
    image->alpha = by->alpha;
    by->rgb = NULL;
    by->alpha = NULL;
    image_destroy(by);
}

void image_notice(struct image *image, enum image_notice kind, const char *format, ...)
{
    va_list args;
    image->notices |= 1u << kind;
    if (image->notice[0])
        text_append(image->notice, sizeof image->notice, "; ");
    const size_t length = strlen(image->notice);
    va_start(args, format);
    vsnprintf(image->notice + length, sizeof image->notice - length, format, args);
    va_end(args);
}

static enum status parse_bands(const char *text, int bands[3])
{
    enum { BANDS_MAX = 65535 }; // of TIFF
    const char *at = text;
    for (int c = 0; c < 3; c++) {
        char *end;
        const long band = *at >= '0' && *at <= '9' ? strtol(at, &end, 10) : 0;
        if (band < 1 || band > BANDS_MAX || *end != (c < 2 ? ',' : '\0'))
            return fail(STATUS_USAGE, "input.bands: %s is neither auto nor three numbers from 1 to %d with commas", text, BANDS_MAX);
        bands[c] = (int)band;
        at = end + 1;
    }
    if (bands[0] == bands[1] || bands[1] == bands[2] || bands[0] == bands[2])
        return fail(STATUS_USAGE, "input.bands: %s has a band twice; red, green and blue are three bands", text);
    return STATUS_OK;
}

// "LO,HI" or, with a `mark` before each, "pLO,pHI".
static bool parse_pair(const char *text, const char *mark, double *low, double *high)
{
    const size_t length = strlen(mark);
    char *end;
    if (strncmp(text, mark, length) != 0)
        return false;
    *low = strtod(text + length, &end);
    if (end == text + length || *end != ',' || strncmp(end + 1, mark, length) != 0)
        return false;
    text = end + 1 + length;
    *high = strtod(text, &end);
    return end > text && *end == '\0' && isfinite(*low) && isfinite(*high);
}

static enum status parse_range(const char *text, struct image_choice *choice)
{
    static const double largest = 1e100; // what is between two of them is a number
    const bool percents = text[0] == 'p';
    if (!parse_pair(text, percents ? "p" : "", &choice->low, &choice->high))
        return fail(STATUS_USAGE, "input.range: %s is none of auto, type, LO,HI (two values) and pLO,pHI (two percentiles)", text);
    if (choice->low >= choice->high)
        return fail(STATUS_USAGE, "input.range: %s: the first is not below the second", text);
    if (fabs(choice->low) > largest || fabs(choice->high) > largest || (percents && (choice->low < 0 || choice->high > 100)))
        return fail(STATUS_USAGE, "input.range: %s: beyond %s", text, percents ? "p0,p100" : "-1e100,1e100");
    choice->range = percents ? RANGE_PERCENTILES : RANGE_VALUES;
    return STATUS_OK;
}

enum status image_choice_parse(struct image_choice *choice, const char *bands, const char *range)
{
    *choice = (struct image_choice){.range = strcmp(range, "type") == 0 ? RANGE_TYPE : RANGE_AUTO};
    if (strcmp(bands, "auto") != 0)
        TRY(parse_bands(bands, choice->bands));
    return strcmp(range, "auto") == 0 || choice->range == RANGE_TYPE ? STATUS_OK : parse_range(range, choice);
}

void image_drop_file(struct image *image)
{
    free(image->raster.file);
    image->raster.file = NULL;
    image->raster.file_size = 0;
    image->raster.keeps_file = false;
}

void image_destroy(struct image *image)
{
    free(image->rgb);
    free(image->alpha);
    free(image->black);
    free(image->icc);
    free(image->tags.exif);
    free(image->tags.xmp);
    free(image->tags.description);
    free(image->raster.file);
    memset(image, 0, sizeof *image);
}
