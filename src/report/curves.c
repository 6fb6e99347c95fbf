// SPDX-License-Identifier: MIT
#include "report/curves.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// A row of /steps.
struct step {
    int64_t image;
    int octave, step;
    size_t row;
};

struct steps {
    size_t count;
    struct step *items; // [count], in some order
    double *values;     // [rows][width]
};

size_t curves_budget(size_t images, int width)
{
    const size_t points = images ? CURVE_NUMBERS_MAX / (images * (size_t)width) : 0;
    return points < CURVE_POINTS_LEAST ? 0 : points < CURVE_POINTS_MAX ? points : CURVE_POINTS_MAX;
}

static int by_place(const void *a, const void *b)
{
    const struct step *x = a, *y = b;
    if (x->octave != y->octave)
        return (x->octave > y->octave) - (x->octave < y->octave);
    if (x->step != y->step)
        return (x->step > y->step) - (x->step < y->step);
    return (x->row > y->row) - (x->row < y->row);
}

static int by_image(const void *a, const void *b)
{
    const struct step *x = a, *y = b;
    return x->image != y->image ? (x->image > y->image) - (x->image < y->image) : by_place(a, b);
}

static struct curve_point *add_point(struct curves *curves, const struct step *step, size_t position)
{
    struct curve_point *point = &curves->points[curves->point_count];
    *point = (struct curve_point){.octave = step->octave,
                                  .step = step->step,
                                  .position = position < INT_MAX ? (int)position : INT_MAX,
                                  .images = 1,
                                  .values = curves->values + curves->point_count * (size_t)curves->width};
    curves->point_count++;
    return point;
}

// The number of the p-th of `points` that are taken of `count`: the first and the last are always among them.
static size_t pick(size_t p, size_t points, size_t count)
{
    return points < 2 ? 0 : p * (count - 1) / (points - 1);
}

static void take_curve(struct curves *curves, const struct steps *steps, size_t first, size_t count, size_t budget)
{
    const size_t points = count < budget ? count : budget, width = (size_t)curves->width;
    curves->curves[curves->curve_count++] =
        (struct curve){.image = steps->items[first].image, .first = curves->point_count, .count = points};
    for (size_t p = 0; p < points; p++) {
        const size_t at = pick(p, points, count);
        const struct step *step = &steps->items[first + at];
        memcpy(add_point(curves, step, at)->values, steps->values + step->row * width, width * sizeof *steps->values);
    }
}

// The mean of the rows of one place, each number over those that are finite.
static void take_mean(struct curves *curves, const struct steps *steps, const struct step *rows, size_t count, size_t position)
{
    const size_t width = (size_t)curves->width;
    struct curve_point *point = add_point(curves, rows, position);
    point->images = count;
    for (size_t k = 0; k < width; k++) {
        double sum = 0;
        size_t known = 0;
        for (size_t i = 0; i < count; i++) {
            const double value = steps->values[rows[i].row * width + k];
            if (isfinite(value)) {
                sum += value;
                known++;
            }
        }
        point->values[k] = known ? sum / (double)known : NAN;
    }
}

static bool same_place(const struct step *a, const struct step *b)
{
    return a->octave == b->octave && a->step == b->step;
}

static void take_means(struct curves *curves, struct steps *steps)
{
    size_t places = 0;
    qsort(steps->items, steps->count, sizeof *steps->items, by_place);
    for (size_t i = 0; i < steps->count; i++)
        places += i == 0 || !same_place(&steps->items[i], &steps->items[i - 1]);
    const size_t points = places < CURVE_POINTS_MAX ? places : CURVE_POINTS_MAX;
    curves->mean = (struct curve){.image = -1, .first = curves->point_count, .count = points};
    for (size_t i = 0, place = 0, p = 0; i < steps->count && p < points; place++) {
        size_t end = i + 1;
        while (end < steps->count && same_place(&steps->items[i], &steps->items[end]))
            end++;
        if (place == pick(p, points, places)) {
            take_mean(curves, steps, &steps->items[i], end - i, place);
            p++;
        }
        i = end;
    }
}

static size_t count_images(const struct steps *steps)
{
    size_t images = 0;
    for (size_t i = 0; i < steps->count; i++)
        images += i == 0 || steps->items[i].image != steps->items[i - 1].image;
    return images;
}

static enum status make(struct curves *curves, struct steps *steps)
{
    qsort(steps->items, steps->count, sizeof *steps->items, by_image);
    const size_t images = count_images(steps), budget = curves_budget(images, curves->width);
    const size_t points = (images + 1) * CURVE_POINTS_MAX < steps->count + CURVE_POINTS_MAX ? (images + 1) * CURVE_POINTS_MAX
                                                                                            : steps->count + CURVE_POINTS_MAX;
    TRY(ALLOCATE(curves->curves, images + 1, "for the curves of %zu pictures", images));
    TRY(ALLOCATE(curves->points, points + 1, "for the curves of %zu pictures", images));
    TRY(ALLOCATE(curves->values, (points + 1) * (size_t)curves->width, "for the curves of %zu pictures", images));
    for (size_t i = 0; budget > 0 && i < steps->count;) {
        size_t end = i + 1;
        while (end < steps->count && steps->items[end].image == steps->items[i].image)
            end++;
        take_curve(curves, steps, i, end - i, budget);
        i = end;
    }
    take_means(curves, steps);
    return STATUS_OK;
}

// Rows without a place, which no run writes, are left out.
static enum status read_steps(struct run_cursor *cursor, int targets, struct steps *steps, struct curves *curves)
{
    const size_t rows = cursor->rows, width = (size_t)curves->width;
    TRY(ALLOCATE(steps->items, rows + 1, "for %zu steps", rows));
    TRY(ALLOCATE(steps->values, (rows * width + 1), "for %zu steps", rows));
    for (int m = 0; m < MEASURES; m++)
        curves->have[m] = run_cursor_has(cursor, measures[m].column);
    const struct step_row *step;
    for (size_t row = 0; (step = run_cursor_next(cursor)); row++) {
        measures_of_step(step, curves->have, targets, steps->values + row * width);
        if (step->image >= 0 && step->octave >= 0 && step->step >= 0)
            steps->items[steps->count++] = (struct step){.image = step->image, .octave = step->octave, .step = step->step, .row = row};
    }
    return STATUS_OK;
}

enum status curves_read(struct run_reader *reader, struct curves *curves)
{
    const int targets = (int)reader->facts.targets.count;
    struct run_cursor *cursor;
    struct steps steps = {0};
    *curves = (struct curves){.width = measures_width(targets)};
    TRY(run_cursor_open(&cursor, reader, RUN_STEPS));
    enum status rc = run_cursor_close(&cursor, read_steps(cursor, targets, &steps, curves));
    if (rc == STATUS_OK)
        rc = make(curves, &steps);
    free(steps.items);
    free(steps.values);
    return rc;
}

void curves_destroy(struct curves *curves)
{
    free(curves->curves);
    free(curves->points);
    free(curves->values);
    *curves = (struct curves){0};
}
