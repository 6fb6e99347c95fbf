// SPDX-License-Identifier: MIT
// A pyramid: from the coarsest level on each is the one before, enlarged twice by the cubic B-spline's rule (1 4 6 4 1) / 8, and white
// noise. So every octave of frequencies has the same power, which in two dimensions is an amplitude of 1/f.
#include "common/picture/noise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/rng.h"

static const char prefix[] = "noise:";

enum {
    LEVELS_MAX = 32,
    COARSEST = 4,       // places of the coarsest level along the shorter side, at least
    AMPLITUDE = 10,     // of a level's white noise; of the next to last 9, so that the slope is the same to its end
    AMPLITUDE_NEXT = 9, //
    UNIT = 4096,        // standard deviation of a field that has been normalised
    LUMINANCE = 41,     // bytes a standard deviation: a sixth of all that there are
    YELLOW = 8,         // against blue, which has twice as much
    RED = 6,            // against green
    FIELDS = 3,
    WORDS = 8, // random numbers of 16 bits from one block
};

bool noise_is_named(const char *text)
{
    return strncmp(text, prefix, sizeof prefix - 1) == 0;
}

// Digits alone, up to `most`. *text moves behind them.
static bool read_number(const char **text, uint64_t most, uint64_t *number)
{
    const char *start = *text;
    *number = 0;
    for (; **text >= '0' && **text <= '9' && *number <= most; ++*text)
        *number = 10 * *number + (uint64_t)(**text - '0');
    return *text > start && *number <= most;
}

enum status noise_parse(const char *text, struct noise *noise)
{
    uint64_t width = 0, height = 0, number = 0;
    const char *rest = text + sizeof prefix - 1;
    bool right = noise_is_named(text) && read_number(&rest, INT32_MAX, &width) && *rest++ == 'x' && read_number(&rest, INT32_MAX, &height);
    if (right && *rest == ':') {
        rest++;
        right = read_number(&rest, UINT32_MAX, &number);
    }
    if (!right || *rest || width == 0 || height == 0)
        return fail(STATUS_USAGE, "noise is named as noise:1024x768, or noise:1024x768:7 for another one (a file of this name: ./%s)",
                    text);
    *noise = (struct noise){.width = (int)width, .height = (int)height, .number = (uint32_t)number};
    return STATUS_OK;
}

// Which numbers are wanted.
struct source {
    uint64_t key;
    uint32_t number, field;
};

// White noise of a row of a level: `count` values of -32768..32767.
static void white_row(const struct source *source, int level, int row, int count, int32_t *out)
{
    for (int i = 0; i < count; i += WORDS) {
        const uint32_t counter[4] = {(uint32_t)(i / WORDS), (uint32_t)row, (uint32_t)level * FIELDS + source->field, source->number};
        const struct rng_block block = rng_philox(source->key, counter);
        for (int k = 0; k < WORDS && i + k < count; k++)
            out[i + k] = (int32_t)(block.values[k / 2] >> k % 2 * 16 & 0xffff) - 32768;
    }
}

// Places -1, 0, ... of one level, in both directions.
struct level {
    int width, height;
    int32_t *values;
};

// As many places as a finer level whose last is `last` is made from.
static int places(int last)
{
    return last / 2 + 3;
}

// 64 times the row of place y of the next finer level, its places from `first` on, -1 or 0. `column` has room for a row of this level.
static void enlarge_row(const struct level *level, int y, int first, int count, int32_t *column, int32_t *out)
{
    const int odd = y & 1, i = (y - odd) / 2 + 1;
    const int32_t *here = level->values + (size_t)i * (size_t)level->width, *above = here - (odd ? 0 : level->width),
                  *below = here + level->width;
    for (int x = 0; x < level->width; x++)
        column[x] = odd ? 4 * (here[x] + below[x]) : above[x] + 6 * here[x] + below[x];
    for (int x = 0; x < count; x++) {
        const int place = first + x, half = place & 1;
        const int32_t *c = column + (place - half) / 2 + 1;
        out[x] = half ? 4 * (c[0] + c[1]) : c[-1] + 6 * c[0] + c[1];
    }
}

static int32_t shrink(int32_t sixty_four)
{
    return (sixty_four + 32) >> 6;
}

// From the coarsest level to number 1, which is left in *level.
static enum status make_levels(const struct noise *noise, const struct source *source, struct level *level)
{
    const int shorter = noise->width < noise->height ? noise->width : noise->height;
    int widths[LEVELS_MAX] = {noise->width}, heights[LEVELS_MAX] = {noise->height}, last = 1;
    int32_t *white = NULL, *column = NULL;
    enum status rc = STATUS_OK;
    for (int k = 1; k < LEVELS_MAX && (k == 1 || shorter >> k >= COARSEST); k++) {
        widths[k] = places(k == 1 ? noise->width - 1 : widths[k - 1] - 2);
        heights[k] = places(k == 1 ? noise->height - 1 : heights[k - 1] - 2);
        last = k;
    }
    TRY_OUT(ALLOCATE(white, widths[1], "for noise"));
    TRY_OUT(ALLOCATE(column, widths[1], "for noise"));
    for (int k = last; k > 0; k--) {
        struct level finer = {.width = widths[k], .height = heights[k]};
        TRY_OUT(ALLOCATE(finer.values, (size_t)widths[k] * (size_t)heights[k], "for noise of %d x %d pixels", noise->width, noise->height));
        for (int y = 0; y < finer.height; y++) {
            int32_t *row = finer.values + (size_t)y * (size_t)finer.width;
            if (k < last)
                enlarge_row(level, y - 1, -1, finer.width, column, row);
            white_row(source, k, y, finer.width, white);
            for (int x = 0; x < finer.width; x++)
                row[x] = shrink(row[x]) + (k == 1 ? AMPLITUDE_NEXT : AMPLITUDE) * white[x];
        }
        free(level->values);
        *level = finer;
    }
out:
    free(white);
    free(column);
    return rc;
}

// A field without colour: level 1 enlarged, and white noise smoothed as by a lens: (1 2 1) / 4.
static enum status make_field(const struct noise *noise, const struct source *source, int32_t *field)
{
    const int width = noise->width, height = noise->height, wide = width + 2;
    struct level level = {0};
    int32_t *lines = NULL, *column = NULL;
    enum status rc;
    TRY_OUT(make_levels(noise, source, &level));
    TRY_OUT(ALLOCATE(lines, 3 * (size_t)wide, "for noise"));
    TRY_OUT(ALLOCATE(column, (size_t)wide + (size_t)level.width, "for noise"));
    for (int y = 0; y < 2; y++)
        white_row(source, 0, y, wide, lines + y * wide);
    for (int y = 0; y < height; y++) {
        int32_t *out = field + (size_t)y * (size_t)width;
        const int32_t *above = lines + y % 3 * wide, *here = lines + (y + 1) % 3 * wide, *below = lines + (y + 2) % 3 * wide;
        white_row(source, 0, y + 2, wide, lines + (y + 2) % 3 * wide);
        enlarge_row(&level, y, 0, width, column, out);
        for (int x = 0; x < wide; x++)
            column[x] = above[x] + 2 * here[x] + below[x];
        for (int x = 0; x < width; x++)
            out[x] = shrink(out[x] + 4 * AMPLITUDE * (column[x] + 2 * column[x + 1] + column[x + 2]));
    }
out:
    free(level.values);
    free(lines);
    free(column);
    return rc;
}

// To mean 0 and a standard deviation of UNIT. Squares are of so few bits that those of all pixels add up.
static void normalise(int32_t *field, size_t count)
{
    enum { SHIFT = 6 };
    int64_t sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        field[i] >>= SHIFT;
        sum += field[i];
        squares += (int64_t)field[i] * field[i];
    }
    const int64_t mean = sum / (int64_t)count, variance = squares / (int64_t)count - mean * mean;
    const int64_t deviation = variance > 1 ? (int64_t)sqrt((double)variance) : 1; // IEEE has it exact
    for (size_t i = 0; i < count; i++)
        field[i] = (int32_t)((field[i] - mean) * UNIT / deviation);
}

static uint8_t to_byte(int32_t units)
{
    const int32_t value = units + 128 * UNIT; // the middle, 127.5, and half a step to round
    return (uint8_t)(value < 0 ? 0 : value >= 256 * UNIT ? 255 : value / UNIT);
}

enum status noise_make(const struct noise *noise, uint64_t seed, uint8_t *rgb)
{
    const size_t count = (size_t)noise->width * (size_t)noise->height;
    const uint64_t key = seed ^ UINT64_C(0x6e6f697365); // other numbers than those of the dream
    int32_t *fields;
    enum status rc;
    TRY(ALLOCATE(fields, FIELDS * count, "for noise of %d x %d pixels", noise->width, noise->height));
    for (uint32_t f = 0; f < FIELDS; f++) {
        TRY_OUT(make_field(noise, &(struct source){.key = key, .number = noise->number, .field = f}, fields + f * count));
        normalise(fields + f * count, count);
    }
    for (size_t i = 0; i < count; i++) {
        const int32_t light = LUMINANCE * fields[i], yellow = YELLOW * fields[count + i], red = RED * fields[2 * count + i];
        rgb[3 * i] = to_byte(light + yellow + red);
        rgb[3 * i + 1] = to_byte(light + yellow - red);
        rgb[3 * i + 2] = to_byte(light - 2 * yellow);
    }
out:
    free(fields);
    return rc;
}
