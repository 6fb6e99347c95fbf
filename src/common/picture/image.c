// SPDX-License-Identifier: MIT
#include "common/picture/image.h"

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

void image_destroy(struct image *image)
{
    free(image->rgb);
    free(image->alpha);
    free(image->black);
    free(image->icc);
    memset(image, 0, sizeof *image);
}
