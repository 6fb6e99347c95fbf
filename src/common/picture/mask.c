// SPDX-License-Identifier: MIT
#include "common/picture/mask.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static int32_t sample(float value)
{
    const float part = (value + 1) / 2 * MASK_FULL;
    return (int32_t)lrintf(part < 0 ? 0 : part > MASK_FULL ? MASK_FULL : part);
}

enum status mask_create(struct mask *mask, const struct image *image)
{
    enum { RED = 54, GREEN = 183, BLUE = 19, ALL = 256 };
    const size_t count = (size_t)image->width * (size_t)image->height;
    *mask = (struct mask){.width = image->width, .height = image->height};
    const enum status rc = ALLOCATE(mask->values, count, "for a mask of %d x %d pixels", image->width, image->height);
    for (size_t i = 0; rc == STATUS_OK && i < count; i++)
        mask->values[i] = (uint16_t)((RED * sample(image->rgb[i]) + GREEN * sample(image->rgb[count + i]) +
                                      BLUE * sample(image->rgb[2 * count + i]) + ALL / 2) /
                                     ALL);
    if (rc != STATUS_OK)
        *mask = (struct mask){0};
    return rc;
}

void mask_destroy(struct mask *mask)
{
    free(mask->values);
    *mask = (struct mask){0};
}

int mask_brightest(const struct mask *mask)
{
    int most = 0;
    for (size_t i = 0; i < mask_count(mask); i++)
        if (mask->values[i] > most)
            most = mask->values[i];
    return most;
}

// The least of the values up to `radius` away, in place (van Herk 1992).
static void erode_line(uint16_t *line, int count, int radius, uint16_t *room)
{
    const int window = 2 * radius + 1, all = (count + 2 * radius + window - 1) / window * window;
    uint16_t *before = room, *behind = room + all;
    for (int i = 0; i < all; i++)
        before[i] = behind[i] = i < radius || i >= radius + count ? MASK_FULL : line[i - radius];
    for (int i = 1; i < all; i++) // the least since the last multiple of the window
        if (i % window != 0 && before[i - 1] < before[i])
            before[i] = before[i - 1];
    for (int i = all - 2; i >= 0; i--) // and up to the next
        if ((i + 1) % window != 0 && behind[i + 1] < behind[i])
            behind[i] = behind[i + 1];
    for (int i = 0; i < count; i++)
        line[i] = behind[i] < before[i + 2 * radius] ? behind[i] : before[i + 2 * radius];
}

// The mean of the values up to `radius` away, in place; the ends repeat.
static void average_line(uint16_t *line, int count, int radius, uint16_t *room)
{
    const uint64_t window = 2 * (uint64_t)radius + 1;
    uint64_t sum = 0;
    memcpy(room, line, (size_t)count * sizeof *room);
    for (int i = -radius; i <= radius; i++)
        sum += room[i < 0 ? 0 : i >= count ? count - 1 : i];
    for (int i = 0; i < count; i++) {
        line[i] = (uint16_t)((sum + window / 2) / window);
        sum += room[i + radius + 1 < count ? i + radius + 1 : count - 1];
        sum -= room[i > radius ? i - radius : 0];
    }
}

// Twice: a triangle as wide as `radius` to both sides.
static void blur_line(uint16_t *line, int count, int radius, uint16_t *room)
{
    average_line(line, count, radius / 2, room);
    average_line(line, count, radius - radius / 2, room);
}

// Along the rows, or down the columns.
static enum status each_line(struct mask *mask, bool down, void (*change)(uint16_t *line, int count, int radius, uint16_t *room),
                             int radius)
{
    const size_t length = (size_t)(down ? mask->height : mask->width), lines = (size_t)(down ? mask->width : mask->height);
    const size_t step = down ? lines : 1, next = down ? 1 : length;
    uint16_t *line;
    TRY(ALLOCATE(line, length + 2 * (length + 4 * (size_t)radius + 1), "to feather a mask"));
    for (size_t l = 0; l < lines; l++) {
        uint16_t *values = mask->values + l * next;
        for (size_t i = 0; i < length; i++)
            line[i] = values[i * step];
        change(line, (int)length, radius, line + length);
        for (size_t i = 0; i < length; i++)
            values[i * step] = line[i];
    }
    free(line);
    return STATUS_OK;
}

// Eroded and then blurred over the same squares: no value exceeds any of the mask in the square around it.
enum status mask_feather(struct mask *mask, double part)
{
    const int shorter = mask->width < mask->height ? mask->width : mask->height, radius = (int)lrint(part * shorter / 2);
    if (radius == 0)
        return STATUS_OK;
    TRY(each_line(mask, false, erode_line, radius));
    TRY(each_line(mask, true, erode_line, radius));
    TRY(each_line(mask, false, blur_line, radius));
    return each_line(mask, true, blur_line, radius);
}

// The values that an output is made of: begin, begin + 1, ... of the mask, the border repeated, and their weights.
struct taps {
    int begin, end;
    double centre, reach, total;
};

static double weight_of(const struct taps *taps, int i)
{
    return fmax(0, 1 - fabs(i - taps->centre) / taps->reach);
}

static struct taps find_taps(int in, int out, int output)
{
    const double ratio = (double)in / out;
    struct taps taps = {.centre = (output + 0.5) * ratio - 0.5, .reach = fmax(1, ratio)};
    taps.begin = (int)floor(taps.centre - taps.reach) + 1;
    taps.end = (int)ceil(taps.centre + taps.reach);
    for (int i = taps.begin; i < taps.end; i++)
        taps.total += weight_of(&taps, i);
    return taps;
}

static int inside(int i, int count)
{
    return i < 0 ? 0 : i < count ? i : count - 1;
}

// Row y of height, as wide as the mask.
static void blend_rows(const struct mask *mask, int height, int y, double *line)
{
    const struct taps taps = find_taps(mask->height, height, y);
    memset(line, 0, (size_t)mask->width * sizeof *line);
    for (int i = taps.begin; i < taps.end; i++) {
        const uint16_t *row = mask->values + (size_t)inside(i, mask->height) * (size_t)mask->width;
        const double weight = weight_of(&taps, i) / taps.total;
        for (int x = 0; x < mask->width; x++)
            line[x] += weight * row[x];
    }
}

static void blend_columns(const struct mask *mask, const double *line, int width, float *factors)
{
    for (int x = 0; x < width; x++) {
        const struct taps taps = find_taps(mask->width, width, x);
        double sum = 0;
        for (int i = taps.begin; i < taps.end; i++)
            sum += weight_of(&taps, i) * line[inside(i, mask->width)];
        factors[x] = (float)(nearbyint(sum / taps.total) / MASK_FULL); // what rounding leaves of nothing is nothing
    }
}

enum status mask_rows(const struct mask *mask, int width, int height, struct span rows, float *factors)
{
    double *lines;
    TRY(ALLOCATE(lines, (size_t)omp_get_max_threads() * (size_t)mask->width, "for a mask"));
#pragma omp parallel for schedule(static)
    for (int y = rows.begin; y < rows.end; y++) {
        double *line = lines + (size_t)omp_get_thread_num() * (size_t)mask->width;
        blend_rows(mask, height, y, line);
        blend_columns(mask, line, width, factors + (size_t)(y - rows.begin) * (size_t)width);
    }
    free(lines);
    return STATUS_OK;
}
